//! `thingbuf::ThingBuf`, through references into its slots, which is its best means: taking a value
//! out by `pop` would put a fresh one in.

use thingbuf::ThingBuf;

use super::{CAPACITY, Candidate, Rx, Tx, leaked};
use crate::harness::event::Payload;

pub(crate) struct Things;

impl<T: Payload> Candidate<T> for Things {
    const NAME: &'static str = "thingbuf";
    type Tx = &'static ThingBuf<T>;
    type Rx = &'static ThingBuf<T>;

    fn open() -> (Self::Tx, Self::Rx) {
        let queue = leaked(ThingBuf::new(CAPACITY));
        (queue, queue)
    }
}

impl<T: Payload> Tx<T> for &'static ThingBuf<T> {
    #[inline]
    fn send(&mut self, event: T) -> bool {
        self.push_with(|slot| *slot = event).is_ok()
    }
}

impl<T: Payload> Rx<T> for &'static ThingBuf<T> {
    #[inline]
    fn receive(&mut self) -> Option<T> {
        self.pop_with(|slot| *slot)
    }
}
