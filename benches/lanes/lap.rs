//! Laps: chunks of events that are sent while the workers wait at the gate, and then handled.

use std::time::Duration;

use crate::crew::{Crew, Setup};
use crate::harness::event::{Event64, Stream};
use crate::harness::measure::{Lap, Stopwatch};

/// What of it is timed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Timed {
    /// Sending, while no worker runs.
    Sends,
    /// From when the workers are let through until all of them are back, while the sender sleeps:
    /// so there are never more threads that run than workers.
    Handling,
}

/// Workers that wait at the gate between laps.
pub(crate) struct Gated<C: Crew> {
    crew: Option<C>,
    setup: Setup,
    timed: Timed,
    /// Events that are sent before they are handled.
    chunk: u64,
    sent: u64,
}

impl<C: Crew> Gated<C> {
    pub(crate) fn open(setup: Setup, timed: Timed, chunk: u64) -> Self {
        let crew = C::open(&setup);
        crew.call_to_gate();
        setup.meet();
        Self { crew: Some(crew), setup, timed, chunk, sent: 0 }
    }

    #[inline(never)]
    pub(crate) fn lap(&mut self, events: u64) -> Lap {
        let Self { crew, setup, timed, chunk, sent } = self;
        let crew = crew.as_ref().expect("it is there until the end");
        let mut stream = Stream::<Event64>::from(*sent);
        let (mut elapsed, mut allocations) = (Duration::ZERO, 0);
        for _ in 0..events / *chunk {
            let sending = Stopwatch::start();
            for _ in 0..*chunk {
                crew.send(stream.current());
                stream.advance();
            }
            let sending = sending.stop();
            crew.call_to_gate();
            let handling = Stopwatch::start();
            setup.meet();
            setup.meet();
            let handling = handling.stop();
            let part = if *timed == Timed::Sends { sending } else { handling };
            elapsed += part.elapsed;
            allocations += part.allocations;
        }
        *sent += events;
        setup.confirm(*sent);
        Lap { elapsed, allocations, figures: None }
    }
}

impl<C: Crew> Drop for Gated<C> {
    fn drop(&mut self) {
        self.setup.meet();
        self.crew.take();
    }
}
