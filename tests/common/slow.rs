//! A handler with a lane of its own that goes on when the test says so.

#![allow(dead_code)] // Every test binary uses another part of it.

use std::sync::Mutex;
use std::sync::mpsc::{self, Receiver, Sender};

use ringbus::{
    Context, EventStore, LaneConfig, LaneSubscription, OverrunPolicy, SubscribeOptions,
    WaitStrategy,
};

use crate::common::{Journal, Number};

pub(crate) struct Slow {
    pub(crate) lane: LaneSubscription<Number>,
    /// The numbers that the handler has begun with.
    pub(crate) begun: Receiver<u64>,
    /// Lets it go on with one; with all, once it is dropped.
    pub(crate) go_on: Sender<()>,
    /// What it has handled, and what it was told was missing before.
    pub(crate) seen: Journal<(u64, u64)>,
}

impl Slow {
    pub(crate) fn new(store: &EventStore<Number>, lane: LaneConfig) -> Self {
        Self::with(store, SubscribeOptions::topic(()).name("slow"), lane)
    }

    pub(crate) fn with(
        store: &EventStore<Number>,
        options: SubscribeOptions<Number>,
        lane: LaneConfig,
    ) -> Self {
        let (tell, begun) = mpsc::channel();
        let (go_on, gone_on) = mpsc::channel();
        let gone_on: Mutex<Receiver<()>> = Mutex::new(gone_on);
        let seen = Journal::new();
        let journal = seen.clone();
        let handler = move |number: &Number, context: &Context<'_, Number>| {
            // Nobody may listen any more.
            let _ = tell.send(number.0);
            let _ = gone_on.lock().unwrap().recv();
            journal.write((number.0, context.gap()));
        };
        let lane = store.subscribe_lane(options, lane, handler).unwrap();
        Self { lane, begun, go_on, seen }
    }

    /// One that is at the number 0, with a lane of 4.
    pub(crate) fn at_0(store: &EventStore<Number>, policy: OverrunPolicy) -> Self {
        let slow = Self::new(store, LaneConfig::new(4, policy));
        store.send(Number(0)).unwrap();
        store.publish();
        assert_eq!(slow.begun.recv().unwrap(), 0);
        slow
    }
}

/// Sends these numbers, and dispatches each before the next.
pub(crate) fn send_each(store: &EventStore<Number>, values: impl IntoIterator<Item = u64>) {
    for value in values {
        store.send(Number(value)).unwrap();
        store.publish();
    }
}

/// Yields, and tells when the thread of the lane lets go of it: at its end.
pub(crate) struct Told(Sender<()>);

impl Told {
    pub(crate) fn new() -> (Self, Receiver<()>) {
        let (end, ended) = mpsc::channel();
        (Self(end), ended)
    }
}

impl WaitStrategy for Told {
    fn looks_before_sleep(&self) -> Option<u64> {
        Some(8)
    }

    fn pause(&mut self, _look: u64) {
        std::thread::yield_now();
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        // The test may be over.
        let _ = self.0.send(());
    }
}
