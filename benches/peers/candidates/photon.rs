//! `photon-ring`, bounded so that it loses nothing: one publisher, `Pod` payloads only.

use photon_ring::{Publisher, Subscriber};

use super::{CAPACITY, Candidate, Rx, Tx};
use crate::harness::event::{Event64, Load, Payload};
use crate::harness::measure::{Lap, Stopwatch};

pub(crate) struct Photon;

impl<T: Payload> Candidate<T> for Photon {
    const NAME: &'static str = "photon-ring bounded";
    type Tx = Publisher<T>;
    type Rx = Subscriber<T>;

    fn open() -> (Self::Tx, Self::Rx) {
        let (publisher, subscribable) = photon_ring::channel_bounded(CAPACITY, 0);
        (publisher, subscribable.subscribe())
    }
}

impl<T: Payload> Tx<T> for Publisher<T> {
    #[inline]
    fn send(&mut self, event: T) -> bool {
        self.try_publish(event).is_ok()
    }
}

impl<T: Payload> Rx<T> for Subscriber<T> {
    #[inline]
    fn receive(&mut self) -> Option<T> {
        self.try_recv().ok()
    }
}

/// Overwrites events that nobody reads: a lap of the lossy ring.
pub(crate) fn overwrite(events: u64) -> Lap {
    let (mut publisher, _subscribable) = photon_ring::channel::<Event64>(CAPACITY);
    let load = Load::single(0, events);
    let mut stream = load.stream(0);
    for _ in 0..2 * CAPACITY {
        publisher.publish(stream.current());
    }
    let watch = Stopwatch::start();
    for _ in 0..events {
        publisher.publish(stream.current());
        stream.advance();
    }
    watch.stop()
}
