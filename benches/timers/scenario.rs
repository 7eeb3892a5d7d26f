//! Bodies, the same for all candidates, and what they check.

use std::marker::PhantomData;

use crate::candidates::{Cancels, Timers};
use crate::harness::machine::as_f64;
use crate::harness::measure::{Lap, Stopwatch};
use crate::timer::{Payload, Random};

/// Timers that fire are due within two to the power of so many ticks.
const DELAY_BITS: u32 = 12;
const DELAY_MAX: u64 = 1 << DELAY_BITS;

/// Timers that are scheduled anew whenever they fire, one to 4,096 ticks ahead.
pub(crate) struct Firing<P, C> {
    timers: C,
    now: u64,
    random: Random,
    scheduled: u64,
    payloads: PhantomData<P>,
}

impl<P: Payload, C: Timers<P>> Firing<P, C> {
    /// Past the beginning, so that timers of all ages are pending.
    pub(crate) fn open(pending: u64) -> Self {
        let timers = C::open(usize::try_from(pending).expect("they fit in memory"));
        let mut firing =
            Self { timers, now: 0, random: Random::new(), scheduled: 0, payloads: PhantomData };
        for _ in 0..pending {
            let payload = firing.following();
            firing.timers.schedule(payload);
        }
        while firing.now < 2 * DELAY_MAX + 17 {
            firing.lap(1);
        }
        firing
    }

    #[inline]
    fn following(&mut self) -> P {
        self.scheduled += 1;
        P::new(self.now + 1 + self.random.bits(DELAY_BITS), self.scheduled)
    }

    /// Goes on tick by tick until so many have fired. One event is a timer fired and scheduled.
    #[inline(never)]
    pub(crate) fn lap(&mut self, events: u64) -> Lap {
        let Self { timers, now, random, scheduled, .. } = self;
        let (mut fired, mut wrong) = (0, 0);
        let watch = Stopwatch::start();
        while fired < events {
            *now += 1;
            let tick = *now;
            timers.tick(tick, &mut |payload: P| {
                fired += 1;
                wrong |= payload.deadline() ^ tick;
                *scheduled += 1;
                Some(P::new(tick + 1 + random.bits(DELAY_BITS), *scheduled))
            });
        }
        let lap = watch.stop();
        assert_eq!(wrong, 0, "{}: a timer fired before or after its tick", C::NAME);
        let ns = lap.elapsed.as_secs_f64() * 1e9 / as_f64(fired);
        lap.with(vec![ns])
    }

    /// Panics unless each timer fires once, at its tick.
    pub(crate) fn check() {
        let (mut timers, mut random) = (C::open(1000), Random::new());
        let mut due = vec![0_u64]; // By number.
        let mut following = |now: u64, due: &mut Vec<u64>| {
            due.push(now + 1 + random.bits(DELAY_BITS));
            P::new(due[due.len() - 1], due.len() as u64 - 1)
        };
        for _ in 0..1000 {
            timers.schedule(following(0, &mut due));
        }
        for now in 1..=6 * DELAY_MAX {
            timers.tick(now, &mut |payload| {
                let number = usize::try_from(payload.number()).expect("it was an index");
                assert_eq!(due[number], now, "{}: not at its tick, or twice", C::NAME);
                due[number] = 0;
                (now < 5 * DELAY_MAX).then(|| following(now, &mut due))
            });
        }
        assert!(due.len() > 5000, "{}: only {} timers", C::NAME, due.len());
        assert!(due.iter().all(|due| *due == 0), "{}: a timer did not fire", C::NAME);
    }
}

/// Timers that are cancelled when a third to a half of their time has passed.
pub(crate) type Cancelling<P, C> = CancellingAhead<P, C, 2>;
/// Timers that are cancelled when a 64th of their time has passed, like a time-out that is none.
pub(crate) type CancellingEarly<P, C> = CancellingAhead<P, C, 64>;

/// Ticks that pass while as many timers are cancelled as are pending.
const TURN: u64 = 4096;
/// How often time moves on meanwhile.
const STEPS: u64 = 16;

/// Timers none of which fires: each is cancelled after as many others were as are pending, in an
/// order that has nothing to do with deadlines or with where in memory they lie. They are due `TURNS`
/// turns after they are scheduled, or one more, and are cancelled after one.
pub(crate) struct CancellingAhead<P: Payload, C: Cancels<P>, const TURNS: u64> {
    timers: C,
    handles: Vec<C::Handle>,
    /// The next to be cancelled.
    oldest: usize,
    now: u64,
    random: Random,
    scheduled: u64,
}

impl<P: Payload, C: Cancels<P>, const TURNS: u64> CancellingAhead<P, C, TURNS> {
    pub(crate) fn open(pending: u64) -> Self {
        let count = usize::try_from(pending).expect("they fit in memory");
        let (timers, handles) = (C::open(count + 1), Vec::with_capacity(count));
        let (random, scheduled) = (Random::new(), 0);
        let mut cancelling = Self { timers, handles, oldest: 0, now: 0, random, scheduled };
        for _ in 0..count {
            let payload = cancelling.following();
            let handle = cancelling.timers.schedule(payload);
            cancelling.handles.push(handle);
        }
        cancelling.random.shuffle(&mut cancelling.handles);
        cancelling.lap(4 * pending);
        cancelling
    }

    /// Not due before it is cancelled.
    #[inline]
    fn following(&mut self) -> P {
        self.scheduled += 1;
        P::new(self.now + 1 + TURNS * TURN + self.random.bits(12), self.scheduled)
    }

    /// One event is a timer scheduled and another one cancelled.
    #[inline(never)]
    pub(crate) fn lap(&mut self, events: u64) -> Lap {
        let step = (self.handles.len() as u64 / STEPS).max(1);
        let mut refused = 0;
        let (mut done, watch) = (0, Stopwatch::start());
        while done < events {
            self.now += TURN / STEPS;
            self.timers.skip(self.now);
            for _ in 0..step {
                let payload = self.following();
                let handle = self.timers.schedule(payload);
                let oldest = std::mem::replace(&mut self.handles[self.oldest], handle);
                refused += u64::from(!self.timers.cancel(oldest));
                self.oldest += 1;
                if self.oldest == self.handles.len() {
                    self.oldest = 0;
                }
            }
            done += step;
        }
        let lap = watch.stop();
        assert_eq!(refused, 0, "{}: a timer was gone before it was cancelled", C::NAME);
        let ns = lap.elapsed.as_secs_f64() * 1e9 / as_f64(done);
        lap.with(vec![ns])
    }

    /// Panics unless those cancelled never fire, and the others do.
    pub(crate) fn check() {
        let mut cancelling = Self::open(1000);
        for handle in cancelling.handles.drain(..).step_by(2) {
            assert!(cancelling.timers.cancel(handle), "{}: it was pending", C::NAME);
        }
        let mut fired = 0;
        for _ in 0..(TURNS + 2) * TURN {
            cancelling.now += 1;
            cancelling.timers.tick(cancelling.now, &mut |payload| {
                assert_eq!(payload.deadline(), cancelling.now, "{}: not at its tick", C::NAME);
                fired += 1;
                None
            });
        }
        assert_eq!(fired, 500, "{}: of 1,000, 500 were cancelled", C::NAME);
    }
}

/// The deadline of timers that no lap comes to: two to the power of so many ticks ahead.
const FAR_BITS: u32 = 31;

/// Ticks at which nothing is due.
pub(crate) struct Idle<P, C> {
    timers: C,
    now: u64,
    payloads: PhantomData<P>,
}

impl<P: Payload, C: Timers<P>> Idle<P, C> {
    pub(crate) fn open(pending: u64) -> Self {
        let mut timers = C::open(usize::try_from(pending).expect("they fit in memory"));
        let mut random = Random::new();
        for number in 0..pending {
            timers.schedule(P::new((1 << FAR_BITS) + random.bits(20), number));
        }
        Self { timers, now: 0, payloads: PhantomData }
    }

    /// One event is a tick.
    #[inline(never)]
    pub(crate) fn lap(&mut self, events: u64) -> Lap {
        let end = self.now + events;
        assert!(end < 1 << FAR_BITS, "time has run out");
        let (mut fired, watch) = (0, Stopwatch::start());
        while self.now < end {
            self.now += 1;
            self.timers.tick(self.now, &mut |_| {
                fired += 1;
                None
            });
        }
        let lap = watch.stop();
        assert_eq!(fired, 0, "{}: nothing was due", C::NAME);
        lap
    }
}
