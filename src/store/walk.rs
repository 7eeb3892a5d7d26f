//! Delivering a run of events: every event to all handlers of its topic, then the next event.
//!
//! Event by event, also where calling one handler for many events would be faster: a handler that
//! unsubscribes another one, or that reads what another one has written, must find the order in
//! which the events were accepted. The loop is that of the topic's first handler, compiled together
//! with it (`handler/subscriber.rs`); what is here begins it, and goes on where it was interrupted.
//!
//! Every call of user code is contained. There is one `catch_unwind` around the whole run, which ends
//! behind an event that owns something (`store/delivery.rs`); what a panic interrupted is read from
//! [`Progress`], which is right before each call, and the run goes on from there.

use super::Shared;
use super::accept::FromHandler;
use super::keeper::Failed;
use crate::contain;
use crate::error::HandlerError;
use crate::event::Event;
use crate::handler::{
    Call, Outcome, Progress, Replied, Reply, RunEnd, Seen, Subscribed, Taker, pass,
};
use crate::sync::Arc;
use crate::time::Deadline;

/// What a run of events came to, until it is added to the counters.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) unhandled: u64,
    /// Events that batches hold, which are handled when those have gone out.
    pub(super) shelved: u64,
    pub(super) failed_calls: u64,
    pub(super) panicked_calls: u64,
    pub(super) event_panics: u64,
}

/// The subscribers of the topic that was looked up last: events of a topic often come together.
pub(super) struct Lookup<'t, E: Event> {
    pub(super) seen: &'t Seen<E>,
    pub(super) topic: Option<E::Topic>,
    pub(super) subscribers: &'t [Arc<dyn Subscribed<E>>],
}

impl<E: Event> Lookup<'_, E> {
    #[inline]
    pub(super) fn look(&mut self, topic: E::Topic) {
        self.subscribers = self.seen.table.of(topic);
        self.topic = Some(topic);
    }
}

/// What is left to do about the event that was delivered last.
pub(super) struct Left<E: Event> {
    /// The calls that failed on it, if somebody keeps it for them.
    pub(super) failed: Vec<Failed<E>>,
    /// Who has taken which of the events for a batch; they are of one topic.
    pub(super) collected: Vec<Taker>,
}

impl<E: Event> Left<E> {
    pub(super) const fn new() -> Self {
        Self { failed: Vec::new(), collected: Vec::new() }
    }

    #[inline]
    pub(super) const fn is_empty(&self) -> bool {
        self.failed.is_empty() && self.collected.is_empty()
    }
}

/// Events that are delivered together; if `COUNTS`, with a look whether topics are counted.
pub(super) struct Delivery<'d, E: Event, const COUNTS: bool> {
    shared: &'d Shared<E>,
    events: &'d [E],
    /// The position of the first of them.
    first: u64,
    deadline: Deadline,
    progress: Progress<'d>,
    /// How many of the finished events the subscribers have on their books.
    offered: usize,
    /// The calls that failed on the event in hand. The delivery ends after an event that leaves
    /// something to do.
    failed: &'d mut Vec<Failed<E>>,
    /// Whether failed calls are collected there.
    pub(super) collects: bool,
}

impl<'d, E: Event, const COUNTS: bool> Delivery<'d, E, COUNTS> {
    pub(super) fn new(
        shared: &'d Shared<E>,
        events: &'d [E],
        first: u64,
        deadline: Deadline,
        left: &'d mut Left<E>,
        takers_max: usize,
    ) -> Self {
        let Left { failed, collected } = left;
        let (progress, offered) = (Progress::new(collected, takers_max), 0);
        let collects = shared.keeper.is_some();
        Self { shared, events, first, deadline, progress, offered, failed, collects }
    }

    /// Delivers the one event, and notes what each subscription says.
    pub(super) fn ask(mut self, lookup: &mut Lookup<'_, E>, tally: &mut Tally) -> Vec<Reply> {
        let mut replies = Vec::new();
        while self.progress.done == 0 {
            let asked = contain::contain(|| self.ask_each(lookup, tally, &mut replies));
            match asked.map_err(|caught| caught.message) {
                Ok(()) => {}
                Err(message) if self.progress.looked_up => {
                    let subscriber = &lookup.subscribers[self.progress.passed - 1];
                    let error = HandlerError::panic(message);
                    replies.push(self.failed_reply(subscriber, error, tally));
                }
                Err(message) => self.panicked(lookup, tally, message),
            }
        }
        self.offer(lookup);
        replies
    }

    /// Passes the event on to those subscribers that it has not been passed to.
    fn ask_each(
        &mut self,
        lookup: &mut Lookup<'_, E>,
        tally: &mut Tally,
        replies: &mut Vec<Reply>,
    ) {
        let topic = self.look_up(lookup, None);
        let outlet = FromHandler(self.shared);
        let mut call = self.call(&outlet, topic);
        while let Some(subscriber) = lookup.subscribers.get(self.progress.passed) {
            self.progress.passed += 1;
            let event = &self.events[self.progress.done];
            let taken = self.progress.takers.len();
            (call.skipped, call.said) = (0, Outcome::Done);
            if let Some(error) = subscriber.handle(event, &mut call, &mut self.progress) {
                replies.push(self.failed_reply(subscriber, error, tally));
                continue;
            }
            let said = match call.said {
                _ if call.skipped != 0 => continue,
                _ if self.progress.takers.len() != taken => Replied::Collected,
                Outcome::Done if subscriber.profile().lane.is_some() => Replied::HandedOver,
                outcome => outcome.into(),
            };
            replies.push(self.reply(subscriber, Ok(said)));
        }
        if replies.is_empty() {
            self.unhandled(Some(topic), tally);
        }
        self.progress.finish();
    }

    /// Accounts for a failed call; what is replied.
    fn failed_reply(
        &mut self,
        subscriber: &Arc<dyn Subscribed<E>>,
        error: HandlerError,
        tally: &mut Tally,
    ) -> Reply {
        // A failure that is shared does not give away what it was at first, which a letter wants.
        let said = if self.collects { None } else { Some(error.share()) };
        self.failed(subscriber, error, tally);
        let kept = || self.failed.last().map(|failed| failed.error.share());
        let error = said.or_else(kept).expect("one of the two is there");
        self.reply(subscriber, Err(error))
    }

    fn reply(
        &self,
        subscriber: &Arc<dyn Subscribed<E>>,
        result: Result<Replied, HandlerError>,
    ) -> Reply {
        let waits = result.as_ref().err().filter(|_| self.collects);
        let retry_after = waits.and_then(|error| error.retry_note().after);
        Reply { subscription: subscriber.profile().id, result, retry_after }
    }

    /// What the calls for an event of this topic are, but for its position if it is not the first.
    fn call<'c>(&self, outlet: &'c FromHandler<'d, E>, topic: E::Topic) -> Call<'c, E> {
        Call {
            outlet,
            cancelled: &self.shared.abandoned,
            topic,
            position: self.first,
            attempt: 1,
            deadline: self.deadline,
            skipped: 0,
            said: Outcome::Done,
        }
    }

    /// Delivers the events; how many, which is all unless the dispatch is told to stop.
    pub(super) fn run(mut self, lookup: &mut Lookup<'_, E>, tally: &mut Tally) -> usize {
        while self.progress.done < self.events.len() {
            match contain::contain(|| self.walk(lookup, tally)) {
                Ok(()) => break,
                Err(caught) => self.panicked(lookup, tally, caught.message),
            }
            let between_events = !self.progress.looked_up;
            let is_stopped = || self.shared.is_abandoned() || self.deadline.has_passed();
            if between_events && (self.leaves_something() || is_stopped()) {
                break;
            }
        }
        self.offer(lookup);
        self.progress.done
    }

    #[inline]
    fn leaves_something(&self) -> bool {
        !self.failed.is_empty() || !self.progress.takers.is_empty()
    }

    /// Tells the subscribers of the topic that was looked up last how many events have come to them.
    #[inline]
    fn offer(&mut self, lookup: &Lookup<'_, E>) {
        let count = (self.progress.done - self.offered) as u64;
        self.offered = self.progress.done;
        if count != 0 {
            if COUNTS && let Some(topics) = &self.shared.gauges.topics {
                topics.dispatched(lookup.topic, count);
            }
            for subscriber in lookup.subscribers {
                subscriber.profile().counts.offered.add(count);
            }
        }
    }

    /// Goes on from where `progress` is, until all events are finished or the dispatch is stopped.
    fn walk(&mut self, lookup: &mut Lookup<'_, E>, tally: &mut Tally) {
        let (shared, events) = (self.shared, self.events);
        let outlet = FromHandler(shared);
        let mut topic = self.look_up(lookup, None);
        let mut call = self.call(&outlet, topic);
        loop {
            call.topic = topic;
            call.position = self.first + self.progress.done as u64;
            let end = match lookup.subscribers {
                [first, rest @ ..] if self.progress.passed == 0 => {
                    first.handle_run(rest, events, &mut call, &mut self.progress)
                }
                subscribers => self.pass_on(subscribers, &mut call),
            };
            let mut next_topic = None;
            match end {
                RunEnd::Topic(topic) => next_topic = Some(topic),
                RunEnd::Finished => {}
                RunEnd::Unhandled => {
                    self.unhandled(lookup.topic, tally);
                    self.progress.finish();
                }
                RunEnd::Failed(error) => {
                    let subscriber = &lookup.subscribers[self.progress.passed - 1];
                    self.failed(subscriber, error, tally);
                    continue;
                }
            }
            let is_over = self.progress.done == events.len() || call.is_stopped();
            if is_over || self.leaves_something() {
                return;
            }
            topic = self.look_up(lookup, next_topic);
        }
    }

    /// Passes the event in hand on to those subscribers that it has not been passed to.
    fn pass_on(
        &mut self,
        subscribers: &[Arc<dyn Subscribed<E>>],
        call: &mut Call<'_, E>,
    ) -> RunEnd<E> {
        let passed = self.progress.passed;
        let (rest, event) = (&subscribers[passed..], &self.events[self.progress.done]);
        // What interrupted it was a call.
        let end = pass(rest, event, call, &mut self.progress, passed != 0);
        end.unwrap_or_else(|| {
            self.progress.finish();
            RunEnd::Finished
        })
    }

    /// Looks up the subscribers of the event in hand, unless that is done; its topic.
    // As a call of its own it would cost a publish for every event fifty instructions.
    #[allow(clippy::inline_always)]
    #[inline(always)]
    fn look_up(&mut self, lookup: &mut Lookup<'_, E>, known: Option<E::Topic>) -> E::Topic {
        match lookup.topic {
            Some(topic) if self.progress.looked_up => topic,
            _ => {
                let event = &self.events[self.progress.done];
                let topic = known.unwrap_or_else(|| event.topic());
                if lookup.topic != Some(topic) {
                    self.offer(lookup);
                    lookup.look(topic);
                }
                self.progress.looked_up = true;
                topic
            }
        }
    }

    /// Accounts for a panic in user code.
    #[cold]
    fn panicked(&mut self, lookup: &Lookup<'_, E>, tally: &mut Tally, message: String) {
        if self.progress.looked_up {
            let subscriber = &lookup.subscribers[self.progress.passed - 1];
            self.failed(subscriber, HandlerError::panic(message), tally);
        } else {
            // `topic`, or the topic's `Hash` or `Eq`, panicked: nobody can be found.
            tally.event_panics += 1;
            if let Some(topics) = &self.shared.gauges.topics {
                topics.dispatched(None, 1);
            }
            self.unhandled(None, tally);
            self.offer(lookup);
            self.progress.finish();
            self.offered = self.progress.done;
        }
    }

    /// Counts and reports the event in hand as unhandled; its topic may not be known.
    #[cold]
    fn unhandled(&self, topic: Option<E::Topic>, tally: &mut Tally) {
        tally.unhandled += 1;
        if let Some(topics) = &self.shared.gauges.topics {
            topics.unhandled(topic);
        }
        let event = &self.events[self.progress.done];
        if let Some(gaps) = self.shared.gaps.get() {
            // Handed over to one subscription, which takes no events now; others have had it too.
            gaps.pass_over(self.first + self.progress.done as u64);
            return;
        }
        self.shared.observe(|observer| observer.unhandled(event));
    }

    /// Counts and reports a failed call for the event in hand.
    #[cold]
    fn failed(
        &mut self,
        subscriber: &Arc<dyn Subscribed<E>>,
        error: HandlerError,
        tally: &mut Tally,
    ) {
        tally.failed_calls += 1;
        // Also one that a middleware has caught.
        tally.panicked_calls += u64::from(error.is_panic());
        let event = &self.events[self.progress.done];
        self.shared.tell_of_failure(event, subscriber, &error);
        if self.collects {
            let position = self.first + self.progress.done as u64;
            self.failed.push(Failed::new(Arc::clone(subscriber), position, error, 1));
        } else {
            subscriber.profile().counts.failures.failed.add(1);
        }
    }
}
