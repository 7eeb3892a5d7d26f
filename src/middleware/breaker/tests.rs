//! What a circuit breaker lets through.

use std::collections::VecDeque;
use std::time::Duration;

use proptest::prelude::*;

use super::{Breaker, BreakerPermit, BreakerPolicy, BreakerState, CircuitBreaker};
use crate::error::BreakerOpen;
use crate::sync::Arc;
use crate::time::ManualClock;

const SECOND: Duration = Duration::from_secs(1);

fn breaker(policy: &BreakerPolicy) -> (CircuitBreaker, ManualClock) {
    (policy.breaker().unwrap(), ManualClock::new())
}

/// Makes calls that all end like this; how many were let through.
fn calls(breaker: &impl Breaker, clock: &ManualClock, count: u32, success: bool) -> u32 {
    let permits = (0..count).filter_map(|_| breaker.admit(clock).ok());
    permits.map(|permit| breaker.report(permit, success, clock)).count().try_into().unwrap()
}

#[test]
fn opens_at_the_number_of_failures_within_the_window_only() {
    let (breaker, clock) = breaker(&BreakerPolicy::new(10 * SECOND, SECOND).failures(3));
    for _ in 0..50 {
        // Two in eleven seconds, for ever, and any number of successes.
        assert_eq!(calls(&breaker, &clock, 2, false), 2);
        assert_eq!(calls(&breaker, &clock, 10, true), 10);
        clock.advance(11 * SECOND);
    }
    assert_eq!(calls(&breaker, &clock, 10, false), 3, "the fourth is not made");
    assert_eq!(breaker.state(), BreakerState::Open);
}

#[test]
fn opens_at_the_rate_of_failures_from_the_least_number_of_calls_on() {
    let policy = BreakerPolicy::new(10 * SECOND, SECOND).failure_percent(50, 10);
    let (rated, clock) = breaker(&policy);
    assert_eq!(calls(&rated, &clock, 5, true), 5);
    assert_eq!(calls(&rated, &clock, 4, false), 4);
    assert_eq!(rated.state(), BreakerState::Closed, "9 calls");
    assert_eq!(calls(&rated, &clock, 9, false), 1, "5 of 10");

    let (rated, clock) = breaker(&policy);
    assert_eq!(calls(&rated, &clock, 9, false), 9);
    assert_eq!(calls(&rated, &clock, 9, true), 1, "9 of 10: the tenth call decides");
}

#[test]
fn probes_close_it_and_one_that_fails_opens_it_again() {
    let policy = BreakerPolicy::new(10 * SECOND, SECOND).failures(1).probes(2);
    let (breaker, clock) = breaker(&policy);
    calls(&breaker, &clock, 1, false);
    clock.advance(Duration::from_nanos(999_999_999));
    let open = BreakerOpen::new(Some(Duration::from_nanos(1)));
    assert_eq!(breaker.admit(&clock), Err(open), "not before the time is over");
    clock.advance(Duration::from_nanos(1));
    assert_eq!(calls(&breaker, &clock, 1, true), 1);
    assert_eq!(breaker.state(), BreakerState::HalfOpen);
    assert_eq!(calls(&breaker, &clock, 9, false), 1);
    assert_eq!(breaker.state(), BreakerState::Open);
    clock.advance(SECOND);
    assert_eq!(calls(&breaker, &clock, 9, true), 9);
    assert_eq!(breaker.state(), BreakerState::Closed);
}

#[test]
fn reports_of_an_earlier_era_change_nothing() {
    let policy = BreakerPolicy::new(10 * SECOND, SECOND).failures(1);
    let (breaker, clock) = breaker(&policy);
    let admit = || breaker.admit(&clock).unwrap();
    let (slow_success, slow_failure) = (admit(), admit());
    calls(&breaker, &clock, 1, false);
    clock.advance(SECOND);
    let probe = admit();
    breaker.report(slow_success, true, &clock);
    assert_eq!(breaker.state(), BreakerState::HalfOpen, "it began before the failure");
    breaker.report(slow_failure, false, &clock);
    assert_eq!(breaker.state(), BreakerState::HalfOpen);
    breaker.report(probe, true, &clock);
    assert_eq!(breaker.state(), BreakerState::Closed);
}

#[test]
fn lost_probe_does_not_refuse_calls_for_ever() {
    let policy = BreakerPolicy::new(10 * SECOND, SECOND).failures(1).probes(2);
    let (breaker, clock) = breaker(&policy);
    calls(&breaker, &clock, 1, false);
    clock.advance(SECOND);
    let slow = breaker.admit(&clock).unwrap();
    let _lost = breaker.admit(&clock).unwrap();
    assert!(breaker.admit(&clock).is_err());
    clock.advance(SECOND);
    let third = breaker.admit(&clock).unwrap();
    breaker.report(slow, true, &clock);
    assert_eq!(breaker.state(), BreakerState::HalfOpen);
    breaker.report(third, true, &clock);
    assert_eq!(breaker.state(), BreakerState::Closed, "the slow one counted");
}

#[test]
fn probe_that_is_withdrawn_leaves_its_place_to_another() {
    let policy = BreakerPolicy::new(10 * SECOND, SECOND).failures(1);
    let (breaker, clock) = breaker(&policy);
    breaker.withdraw(breaker.admit(&clock).unwrap());
    let early = breaker.admit(&clock).unwrap();
    calls(&breaker, &clock, 1, false);
    clock.advance(SECOND);
    let probe = breaker.admit(&clock).unwrap();
    breaker.withdraw(early);
    assert!(breaker.admit(&clock).is_err(), "a permit of an earlier era is no probe");
    breaker.withdraw(probe);
    assert_eq!(breaker.state(), BreakerState::HalfOpen);
    assert_eq!(calls(&breaker, &clock, 1, true), 1);
    assert_eq!(breaker.state(), BreakerState::Closed);
}

#[test]
fn time_beyond_the_clock_means_open_for_ever() {
    let policy = BreakerPolicy::new(SECOND, Duration::MAX).failures(1);
    let breaker: Arc<dyn Breaker> = Arc::new(policy.breaker().unwrap());
    let clock = ManualClock::new();
    let permit = breaker.admit(&clock).unwrap();
    breaker.report(permit, false, &clock);
    clock.advance(Duration::MAX);
    assert_eq!(breaker.admit(&clock), Err(BreakerOpen::new(None)));
}

/// The breaker as one would tell it; its window is longer than a test, the window's own test
/// has the rest. Times are in milliseconds.
#[derive(Debug, Clone, Copy)]
enum Model {
    Closed { failed: u32 },
    Open { until: u64 },
    HalfOpen { places: u32, succeeded: u32, until: u64 },
}

const FAILURES: u32 = 3;
const PROBES: u32 = 2;
const OPEN_FOR: u64 = 1_000;

impl Model {
    /// What becomes of it when somebody asks, and whether the call is made.
    fn asked(self, now: u64) -> (Self, bool) {
        let probing =
            |succeeded| Self::HalfOpen { places: PROBES - 1, succeeded, until: now + OPEN_FOR };
        match self {
            Self::Open { until } if now >= until => (probing(0), true),
            Self::HalfOpen { places: 0, succeeded, until } if now >= until => {
                (probing(succeeded), true)
            }
            Self::HalfOpen { places, succeeded, until } if places > 0 => {
                (Self::HalfOpen { places: places - 1, succeeded, until }, true)
            }
            Self::Closed { .. } => (self, true),
            Self::Open { .. } | Self::HalfOpen { .. } => (self, false),
        }
    }

    /// What becomes of it after a report of its own era.
    fn told(self, success: bool, now: u64) -> Self {
        let open = Self::Open { until: now + OPEN_FOR };
        match self {
            Self::Closed { failed } if !success && failed + 1 == FAILURES => open,
            Self::Closed { failed } => Self::Closed { failed: failed + u32::from(!success) },
            Self::HalfOpen { .. } if !success => open,
            Self::HalfOpen { succeeded, .. } if succeeded + 1 == PROBES => {
                Self::Closed { failed: 0 }
            }
            Self::HalfOpen { places, succeeded, until } => {
                Self::HalfOpen { places, succeeded: succeeded + 1, until }
            }
            Self::Open { .. } => self,
        }
    }

    fn state(self) -> BreakerState {
        match self {
            Self::Closed { .. } => BreakerState::Closed,
            Self::Open { .. } => BreakerState::Open,
            Self::HalfOpen { .. } => BreakerState::HalfOpen,
        }
    }
}

proptest! {
    /// Steps: 0 to 3 ask, 4 to 7 report the oldest call that is still running, 8 waits.
    #[test]
    fn does_what_the_model_does(
        steps in prop::collection::vec((0_u8..9, any::<bool>(), 0_u64..1_500), 1..150),
    ) {
        let policy = BreakerPolicy::new(Duration::MAX, Duration::from_millis(OPEN_FOR));
        let (breaker, clock) = breaker(&policy.failures(FAILURES).probes(PROBES));
        let (mut model, mut era, mut now) = (Model::Closed { failed: 0 }, 0, 0);
        let mut running: VecDeque<(BreakerPermit, u32)> = VecDeque::new();
        for (step, success, pause) in steps {
            let before = model.state();
            match step {
                0..4 => {
                    let (next, made) = model.asked(now);
                    model = next;
                    let answer = breaker.admit(&clock);
                    prop_assert_eq!(answer.is_ok(), made);
                    era += u32::from(before != model.state());
                    running.extend(answer.ok().map(|permit| (permit, era)));
                }
                4..8 => {
                    let Some((permit, given_in)) = running.pop_front() else { continue };
                    if given_in == era {
                        model = model.told(success, now);
                    }
                    breaker.report(permit, success, &clock);
                    era += u32::from(before != model.state());
                }
                _ => {
                    now += pause;
                    clock.advance(Duration::from_millis(pause));
                }
            }
            prop_assert_eq!(breaker.state(), model.state());
        }
    }
}
