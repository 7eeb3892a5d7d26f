//! The lanes as one: what they count, and their end.

use super::super::{DrainReport, EventStore, Replay};
use super::{Group, Lanes};
use crate::dead_letter::DeadLetterQueue;
use crate::error::{AuditError, FlushError, ReplayError};
use crate::event::Event;
use crate::handler::RunningCall;
use crate::metrics::{Balance, Metrics};
use crate::time::Deadline;

impl<E: Event> Lanes<E> {
    /// What all lanes have counted so far, together; those of one are its
    /// [own](Self::lane) [`metrics`](EventStore::metrics).
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, OverrunPolicy, Workers};
    /// # struct Ping;
    /// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
    /// let workers = Workers::round_robin().count(2);
    /// let lanes = EventStore::builder(8, OverrunPolicy::Block).build_lanes(workers)?;
    /// lanes.send(Ping)?;
    /// assert_eq!((lanes.metrics().accepted, lanes.metrics().capacity), (1, 16));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn metrics(&self) -> Metrics {
        let (first, rest) = self.group.split();
        rest.iter().fold(first.metrics(), |sum, lane| sum.plus(&lane.metrics()))
    }

    /// Confirms that every event that any lane has accepted is accounted for, exactly once.
    ///
    /// # Errors
    ///
    /// As [`EventStore::audit`], of the first lane that has one; so [`Busy`](AuditError::Busy) while
    /// anything is running. [`flush`](Self::flush) first.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Deadline, Event, EventStore, OverrunPolicy, Workers};
    /// # struct Ping;
    /// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
    /// let workers = Workers::round_robin().count(2);
    /// let lanes = EventStore::builder(8, OverrunPolicy::Block).build_lanes(workers)?;
    /// lanes.send(Ping)?;
    /// lanes.flush(Deadline::NEVER)?;
    /// assert_eq!(lanes.audit()?.unhandled, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn audit(&self) -> Result<Balance, AuditError> {
        let (first, rest) = self.group.split();
        rest.iter().try_fold(first.audit()?, |sum, lane| Ok(sum.plus(&lane.audit()?)))
    }

    /// The handler calls that are running in any lane right now.
    pub fn running_calls(&self) -> Vec<RunningCall> {
        self.group.lanes.iter().flat_map(EventStore::running_calls).collect()
    }

    /// Whether the lanes are closed.
    pub fn is_closed(&self) -> bool {
        self.group.lanes.iter().all(EventStore::is_closed)
    }

    /// Closes all lanes; whether this was the first call. See [`EventStore::close`].
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, OverrunPolicy, Workers};
    /// # struct Ping;
    /// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
    /// let workers = Workers::round_robin().count(2);
    /// let lanes = EventStore::builder(8, OverrunPolicy::Block).build_lanes(workers)?;
    /// assert!(lanes.close());
    /// assert!(!lanes.close());
    /// assert!(lanes.send(Ping).unwrap_err().is_closed());
    /// # Ok::<(), ringbus::ConfigError>(())
    /// ```
    pub fn close(&self) -> bool {
        self.group.close()
    }

    /// Waits until everything that any lane accepted before the call has been handled. See
    /// [`EventStore::flush`].
    ///
    /// # Errors
    ///
    /// As [`EventStore::flush`]; [`WouldDeadlock`](FlushError::WouldDeadlock) in a handler of any lane.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Deadline, Event, EventStore, OverrunPolicy, Workers};
    /// # struct Ping;
    /// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
    /// let workers = Workers::round_robin().count(2);
    /// let lanes = EventStore::builder(8, OverrunPolicy::Block).build_lanes(workers)?;
    /// lanes.send(Ping)?;
    /// lanes.flush(Deadline::NEVER)?;
    /// assert_eq!(lanes.metrics().unhandled, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn flush(&self, deadline: impl Into<Deadline>) -> Result<(), FlushError> {
        let deadline = deadline.into();
        if self.group.is_inside() {
            return Err(FlushError::WouldDeadlock);
        }
        self.group.lanes.iter().try_for_each(|lane| lane.flush(deadline))
    }

    /// Closes all lanes and has everything inside handled, by one deadline for all of them. See
    /// [`EventStore::drain`].
    ///
    /// In a handler of any lane it only closes them: the report says what is left at that time, which
    /// the workers go on with. What is returned is in order for each lane, and those come one after the
    /// other.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, OverrunPolicy, Workers};
    /// # struct Ping;
    /// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
    /// use std::time::Duration;
    ///
    /// let workers = Workers::round_robin().count(2);
    /// let lanes = EventStore::builder(8, OverrunPolicy::Block).build_lanes(workers)?;
    /// lanes.send(Ping)?;
    /// let report = lanes.drain(Duration::from_secs(5));
    /// assert!(report.is_complete(), "{report}");
    /// assert!(lanes.send(Ping).unwrap_err().is_closed());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "Shutdown")]
    pub fn drain(&self, deadline: impl Into<Deadline>) -> DrainReport<E> {
        let deadline = deadline.into();
        // All of them first: none is sent to while another one is waited for.
        self.group.close();
        let is_inside = self.group.is_inside();
        let report = |lane: &EventStore<E>| {
            if is_inside { lane.shared.report(0) } else { lane.drain(deadline) }
        };
        let (first, rest) = self.group.split();
        rest.iter().fold(report(first), |sum, lane| sum.plus(report(lane)))
    }

    /// Has the subscriptions of letters called again, each in the lane in which it failed. See
    /// [`EventStore::replay`].
    ///
    /// Lane by lane: a [maximum](Replay::max) is for all of them, and the letters of the first lanes go
    /// first, in each of them the oldest; [pace](Replay::pace) is kept in each lane by itself.
    ///
    /// # Errors
    ///
    /// As [`EventStore::replay`]; [`Closed`](ReplayError::Closed) if all lanes are.
    ///
    /// # Panics
    ///
    /// If the filter does; what has been taken for lanes before is called again all the same.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, OverrunPolicy};
    /// # struct Job;
    /// # impl Event for Job { type Topic = (); fn topic(&self) {} }
    /// use ringbus::{DeadLetterConfig, DeadLetterQueue, Deadline, Replay, Workers};
    ///
    /// let letters = DeadLetterQueue::new(DeadLetterConfig::new(10))?;
    /// let builder = EventStore::builder(8, OverrunPolicy::Block).dead_letters(&letters);
    /// let lanes = builder.build_lanes(Workers::round_robin().count(2))?;
    /// let _job = lanes.subscribe((), |_: &Job, context| {
    ///     if context.attempt() == 1 { Err(std::io::Error::other("not yet")) } else { Ok(()) }
    /// });
    /// lanes.send(Job)?;
    /// lanes.flush(Deadline::NEVER)?;
    /// assert_eq!((letters.len(), lanes.replay(&letters, Replay::all())?), (1, 1));
    /// assert!(lanes.drain(Deadline::NEVER).is_complete());
    /// assert!(letters.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn replay(
        &self,
        letters: &DeadLetterQueue<E>,
        mut replay: Replay<E>,
    ) -> Result<usize, ReplayError> {
        let lanes = self.group.lanes.iter();
        let replayed = lanes.map(|lane| lane.replay_some(letters, &mut replay));
        // Those that are closed keep their letters where they are.
        let replayed = replayed.reduce(|sum, one| match (sum, one) {
            (Ok(sum), Ok(one)) => Ok(sum + one),
            (sum, Err(_)) => sum,
            (Err(_), one) => one,
        });
        replayed.unwrap_or(Ok(0))
    }
}

impl<E: Event> Group<E> {
    /// There is always a first lane.
    fn split(&self) -> (&EventStore<E>, &[EventStore<E>]) {
        (&self.lanes[0], &self.lanes[1..])
    }

    fn close(&self) -> bool {
        // None is left out.
        self.lanes.iter().fold(false, |any, lane| lane.close() | any)
    }

    /// Whether what is pending in one of the lanes waits for this thread.
    pub(super) fn is_inside(&self) -> bool {
        self.lanes.iter().any(|lane| lane.shared.is_inside())
    }
}
