//! The rings, queues and channels, each behind the same two halves.
//!
//! Every candidate is used by its best means, read in its source. All hand events out by value, so
//! that nobody saves a copy that the others make; the rows that hand out in place have bodies of
//! their own (`scenario/fan_out.rs`).

pub(crate) mod blocking;
pub(crate) mod crossbeam;
pub(crate) mod dispatch;
pub(crate) mod displacing;
pub(crate) mod disruptor;
pub(crate) mod fan_out;
pub(crate) mod gil;
pub(crate) mod nexus;
pub(crate) mod photon;
pub(crate) mod ringbuf;
pub(crate) mod ringbus;
pub(crate) mod rtrb;
pub(crate) mod thingbuf;
pub(crate) mod waiting;

use crate::harness::event::{Payload, Stream};

/// Slots of every candidate.
pub(crate) const CAPACITY: usize = 1024;

/// The sending half of a candidate.
pub(crate) trait Tx<T: Payload>: Send + 'static {
    /// Sends an event; whether there was room.
    fn send(&mut self, event: T) -> bool;

    /// Sends up to `count` events by the best means the candidate has; how many. Takes none from
    /// the stream that it has no room for.
    #[inline]
    fn send_many(&mut self, stream: &mut Stream<T>, count: usize) -> usize {
        let mut sent = 0;
        while sent < count && self.send(stream.current()) {
            stream.advance();
            sent += 1;
        }
        sent
    }
}

/// The receiving half of a candidate.
pub(crate) trait Rx<T: Payload>: Send + 'static {
    /// Receives an event, if there is one.
    fn receive(&mut self) -> Option<T>;

    /// Receives up to `max` events by the best means the candidate has; how many.
    #[inline]
    fn receive_many(&mut self, max: usize, mut each: impl FnMut(T)) -> usize {
        (0..max).map_while(|_| self.receive()).map(&mut each).count()
    }

    /// Shows up to `max` events, where they lie if the candidate allows it, and then lets go of
    /// them; how many.
    #[inline]
    fn show_many(&mut self, max: usize, mut each: impl FnMut(&T)) -> usize {
        self.receive_many(max, |event| each(&event))
    }
}

/// Something that events go through.
pub(crate) trait Candidate<T: Payload>: 'static {
    const NAME: &'static str;
    type Tx: Tx<T>;
    type Rx: Rx<T>;
    fn open() -> (Self::Tx, Self::Rx);
}

/// Makes `value` live as long as the program, so that halves of it can go anywhere. There is one
/// for each candidate of a row, not for each lap.
pub(crate) fn leaked<T>(value: T) -> &'static T {
    Box::leak(Box::new(value))
}
