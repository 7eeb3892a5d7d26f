//! The channels whose halves wait for each other in the operating system.
//!
//! `gil`'s parking queues are not among them: a sender stores its position and then looks whether
//! somebody sleeps with no fence in between, so that the last event of a run may wake nobody.

use std::marker::PhantomData;
use std::sync::mpsc;

use kanal::{Receiver, Sender};
use thingbuf::mpsc::blocking as things;

use super::CAPACITY;
use super::fan_out::{Watch, fresh};
use crate::harness::event::{Load, Payload};

/// The sending half.
pub(crate) trait BlockingTx<T: Payload>: Send + 'static {
    /// Waits for room.
    fn send_waiting(&mut self, event: T);
}

/// The receiving half.
pub(crate) trait BlockingRx<T: Payload>: Send + 'static {
    /// Waits for an event.
    fn receive_waiting(&mut self) -> T;
}

/// A channel with both.
pub(crate) trait Blocking<T: Payload>: 'static {
    const NAME: &'static str;
    type Tx: BlockingTx<T>;
    type Rx: BlockingRx<T>;
    fn open() -> (Self::Tx, Self::Rx);
}

/// The receiving half, and a witness of what it receives.
pub(crate) trait Reader<T: Payload>: Send + 'static {
    /// Waits for an event, or several; how many it has seen.
    fn wait_and_see(&mut self) -> u64;
    /// Panics unless it has seen exactly what was sent.
    fn confirm(&self, load: &Load);
}

/// A channel, read by a witness.
pub(crate) trait Read<T: Payload, W: Watch>: 'static {
    const NAME: &'static str;
    type Tx: BlockingTx<T>;
    type Rx: Reader<T>;
    fn open_reading() -> (Self::Tx, Self::Rx);
}

/// A channel that hands out events one by one.
pub(crate) struct Each<C>(PhantomData<C>);

/// The receiving half of such a channel, and a witness.
pub(crate) struct Reading<R, W>(R, W);

impl<T: Payload, R: BlockingRx<T>, W: Watch> Reader<T> for Reading<R, W> {
    #[inline]
    fn wait_and_see(&mut self) -> u64 {
        self.1.see(&self.0.receive_waiting());
        1
    }

    fn confirm(&self, load: &Load) {
        self.1.confirm::<T>(load);
    }
}

impl<T: Payload, W: Watch, C: Blocking<T>> Read<T, W> for Each<C> {
    const NAME: &'static str = C::NAME;
    type Tx = C::Tx;
    type Rx = Reading<C::Rx, W>;

    fn open_reading() -> (Self::Tx, Self::Rx) {
        let (tx, rx) = C::open();
        (tx, Reading(rx, fresh()))
    }
}

/// Declares a channel whose halves have `send` and `recv`, both of which return a `Result`.
macro_rules! channel {
    ($name:ident, $text:literal, $tx:ty, $rx:ty, $open:expr) => {
        pub(crate) struct $name;

        impl<T: Payload> Blocking<T> for $name {
            const NAME: &'static str = $text;
            type Tx = $tx;
            type Rx = $rx;

            fn open() -> (Self::Tx, Self::Rx) {
                $open
            }
        }

        impl<T: Payload> BlockingTx<T> for $tx {
            #[inline]
            fn send_waiting(&mut self, event: T) {
                assert!(self.send(event).is_ok(), "the receiver is there");
            }
        }

        impl<T: Payload> BlockingRx<T> for $rx {
            #[inline]
            fn receive_waiting(&mut self) -> T {
                self.recv().expect("the sender is there")
            }
        }
    };
}

channel!(Kanal, "kanal", Sender<T>, Receiver<T>, kanal::bounded(CAPACITY));
channel!(
    Std,
    "std sync_channel",
    mpsc::SyncSender<T>,
    mpsc::Receiver<T>,
    mpsc::sync_channel(CAPACITY)
);
channel!(
    CrossbeamChannel,
    "crossbeam-channel",
    crossbeam_channel::Sender<T>,
    crossbeam_channel::Receiver<T>,
    crossbeam_channel::bounded(CAPACITY)
);
channel!(
    CrossfireSpsc,
    "crossfire-spsc",
    crossfire::Tx<crossfire::spsc::Array<T>>,
    crossfire::Rx<crossfire::spsc::Array<T>>,
    crossfire::spsc::bounded_blocking(CAPACITY)
);
channel!(
    CrossfireMpsc,
    "crossfire-mpsc",
    crossfire::MTx<crossfire::mpsc::Array<T>>,
    crossfire::Rx<crossfire::mpsc::Array<T>>,
    crossfire::mpsc::bounded_blocking(CAPACITY)
);
channel!(
    CrossfireMpmc,
    "crossfire-mpmc",
    crossfire::MTx<crossfire::mpmc::Array<T>>,
    crossfire::MRx<crossfire::mpmc::Array<T>>,
    crossfire::mpmc::bounded_blocking(CAPACITY)
);

/// Through references into its slots, which is its best means.
pub(crate) struct ThingsMpsc;

impl<T: Payload> Blocking<T> for ThingsMpsc {
    const NAME: &'static str = "thingbuf-mpsc";
    type Tx = things::Sender<T>;
    type Rx = things::Receiver<T>;

    fn open() -> (Self::Tx, Self::Rx) {
        things::channel(CAPACITY)
    }
}

impl<T: Payload> BlockingTx<T> for things::Sender<T> {
    #[inline]
    fn send_waiting(&mut self, event: T) {
        *self.send_ref().expect("the receiver is there") = event;
    }
}

impl<T: Payload> BlockingRx<T> for things::Receiver<T> {
    #[inline]
    fn receive_waiting(&mut self) -> T {
        *self.recv_ref().expect("the sender is there")
    }
}
