//! Whether and when a failed call is made again.
//!
//! A [`RetryPolicy`] is data; a [`Retrier`] made of it decides. Nothing here waits: who asks is told
//! how long to wait, and does it where that stops nobody.

use std::fmt;
use std::time::{Duration, Instant};

use super::RetryPolicy;
use super::random::Random;
use super::rate::Bucket;
use crate::error::HandlerError;
use crate::sync::{self, Mutex};

/// What becomes of a call that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[must_use]
pub enum RetryDecision {
    /// It is made again at once.
    RetryNow,
    /// It is made again, but not before this time has passed.
    RetryAfter(Duration),
    /// It is not made again.
    GiveUp(GiveUp),
}

/// Why a failed call is not made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GiveUp {
    /// It is no failure that a retry can mend.
    NotRetryable,
    /// It has been made as often as the policy allows.
    OutOfAttempts,
    /// There were too many retries within a second.
    OutOfBudget,
}

impl fmt::Display for GiveUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotRetryable => "a retry cannot mend it",
            Self::OutOfAttempts => "all attempts are used up",
            Self::OutOfBudget => "the budget of retries is used up",
        })
    }
}

/// Decides by a [`RetryPolicy`]; holds what the budget and the jitter have to remember.
///
/// Whoever shares it shares the budget. [`RetryPolicy`] has an example of its decisions.
#[derive(Debug)]
pub struct Retrier {
    policy: RetryPolicy,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    random: Random,
    budget: Option<Bucket>,
}

impl Retrier {
    /// Of settings that have been checked.
    pub(super) fn new(policy: RetryPolicy) -> Self {
        let state = State {
            random: Random::from_seed(policy.seed.unwrap_or_else(Random::any_seed)),
            budget: policy.budget.map(|rate| Bucket::full(rate, rate)),
        };
        Self { policy, state: Mutex::new(state) }
    }

    /// What becomes of a call that failed as the given attempt, counted from 1, at `now`.
    ///
    /// A retry is charged to the budget when it is decided. No wait is longer than what
    /// [`BackOff::after_attempt`](super::BackOff::after_attempt) says, so never longer than the
    /// `max` of the back-off. Costs a lock that is never held for long, and allocates nothing.
    ///
    /// # Panics
    ///
    /// If the predicate given to [`RetryPolicy::retry_if`] does; nothing is charged then.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::{Duration, Instant};
    /// use ringbus::{BackOff, HandlerError, RetryDecision, RetryPolicy};
    ///
    /// let wait = Duration::from_millis(10);
    /// let policy = RetryPolicy::new(2).back_off(BackOff::Constant(wait)).without_jitter();
    /// let (retrier, now) = (policy.retrier()?, Instant::now());
    /// let lost = HandlerError::retryable("the connection is lost");
    /// assert_eq!(retrier.decide(1, &lost, now), RetryDecision::RetryAfter(wait));
    /// assert!(matches!(retrier.decide(2, &lost, now), RetryDecision::GiveUp(_)));
    /// # Ok::<(), ringbus::ConfigError>(())
    /// ```
    pub fn decide(&self, attempt: u32, error: &HandlerError, now: Instant) -> RetryDecision {
        // The user's code runs before the lock is taken.
        if !(self.policy.retries)(error) {
            return RetryDecision::GiveUp(GiveUp::NotRetryable);
        }
        if attempt >= self.policy.attempts {
            return RetryDecision::GiveUp(GiveUp::OutOfAttempts);
        }
        let longest = self.policy.back_off.after_attempt(attempt);
        let mut state = sync::lock(&self.state);
        if state.budget.as_mut().is_some_and(|budget| budget.take(now).is_err()) {
            return RetryDecision::GiveUp(GiveUp::OutOfBudget);
        }
        // Full jitter, and the cap after it: a part that is beyond the cap is drawn again, not cut
        // to it, for then nearly all late retries would wait exactly the cap and come together
        // again. To draw from what is below the cap at once is the same, without the rounds.
        let wait = if self.policy.jitter { part_of(longest, &mut state.random) } else { longest };
        drop(state);
        if wait.is_zero() { RetryDecision::RetryNow } else { RetryDecision::RetryAfter(wait) }
    }

    /// How often a call is made at the most.
    pub const fn attempts(&self) -> u32 {
        self.policy.attempts
    }
}

/// A time from nothing to `longest`, both included, each as likely as the others.
fn part_of(longest: Duration, random: &mut Random) -> Duration {
    // A `u64` of nanoseconds is 584 years: whoever allows longer waits gets no longer ones.
    let longest = u64::try_from(longest.as_nanos()).unwrap_or(u64::MAX);
    Duration::from_nanos(random.up_to(longest))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::{GiveUp, RetryDecision, RetryPolicy};
    use crate::error::{ErrorKind, HandlerError};
    use crate::middleware::BackOff;
    use crate::time::{Clock, ManualClock};

    const MS: Duration = Duration::from_millis(1);

    fn lost() -> HandlerError {
        HandlerError::retryable("lost")
    }

    /// Calls what always fails, as often as the policy says, and lists the waits.
    fn waits(policy: &RetryPolicy, error: &HandlerError) -> (Vec<Duration>, GiveUp) {
        let (retrier, clock) = (policy.retrier().unwrap(), ManualClock::new());
        let mut waits = Vec::new();
        for attempt in 1.. {
            match retrier.decide(attempt, error, clock.now()) {
                RetryDecision::RetryNow => waits.push(Duration::ZERO),
                RetryDecision::RetryAfter(wait) => waits.push(wait),
                RetryDecision::GiveUp(reason) => return (waits, reason),
            }
        }
        unreachable!("it gives up before the attempts end");
    }

    #[test]
    fn constant_wait_is_the_same_each_time() {
        let policy = RetryPolicy::new(6).back_off(BackOff::Constant(200 * MS)).without_jitter();
        assert_eq!(waits(&policy, &lost()), (vec![200 * MS; 5], GiveUp::OutOfAttempts));
    }

    #[test]
    fn largest_number_of_attempts_ends_exactly() {
        let back_off = BackOff::Exponential { base: MS, factor: u32::MAX, max: Duration::MAX };
        let policy = RetryPolicy::new(u32::MAX).back_off(back_off);
        let (retrier, now) = (policy.retrier().unwrap(), ManualClock::new().now());
        assert_eq!(retrier.attempts(), u32::MAX);
        let last_but_one = retrier.decide(u32::MAX - 1, &lost(), now);
        assert!(matches!(last_but_one, RetryDecision::RetryAfter(_)), "{last_but_one:?}");
        let over = RetryDecision::GiveUp(GiveUp::OutOfAttempts);
        assert_eq!(retrier.decide(u32::MAX, &lost(), now), over);
    }

    #[test]
    fn kind_of_the_error_is_honoured_and_can_be_overruled() {
        let policy = RetryPolicy::new(4);
        let kinds = [ErrorKind::Retryable, ErrorKind::Timeout, ErrorKind::Processing];
        for kind in kinds {
            assert_eq!(waits(&policy, &lost().with_kind(kind)).0.len(), 3, "{kind}");
        }
        let kinds = [
            ErrorKind::Validation,
            ErrorKind::Fatal,
            ErrorKind::TypeMismatch,
            ErrorKind::NoData,
            ErrorKind::InvalidEvent,
            ErrorKind::UnsupportedTopic,
            ErrorKind::Panic,
        ];
        for kind in kinds {
            let error = lost().with_kind(kind);
            assert_eq!(waits(&policy, &error), (Vec::new(), GiveUp::NotRetryable), "{kind}");
        }
        let panics_too = policy.retry_if(|error| error.is_retryable() || error.is_panic());
        assert_eq!(waits(&panics_too, &HandlerError::panic("x")).0.len(), 3);
        assert_eq!(waits(&panics_too, &HandlerError::fatal("x")).1, GiveUp::NotRetryable);
    }

    #[test]
    fn budget_is_exact_and_fills_up_with_time() {
        let (retrier, clock) =
            (RetryPolicy::new(2).budget(10).retrier().unwrap(), ManualClock::new());
        let granted = |asked: u32| {
            let decide =
                |_: &u32| retrier.decide(1, &lost(), clock.now()) == RetryDecision::RetryNow;
            (0..asked).filter(decide).count()
        };
        assert_eq!(granted(30), 10);
        let reason = retrier.decide(1, &lost(), clock.now());
        assert_eq!(reason, RetryDecision::GiveUp(GiveUp::OutOfBudget));
        clock.advance(99 * MS);
        assert_eq!(granted(30), 0);
        clock.advance(MS);
        assert_eq!(granted(30), 1);
        clock.advance(3_600_000 * MS);
        assert_eq!(granted(30), 10, "a quiet hour does not add up");
    }

    #[test]
    fn what_is_not_retried_is_not_charged() {
        let (retrier, now) =
            (RetryPolicy::new(2).budget(1).retrier().unwrap(), ManualClock::new().now());
        for _ in 0..5 {
            let fatal = retrier.decide(1, &HandlerError::fatal("x"), now);
            assert_eq!(fatal, RetryDecision::GiveUp(GiveUp::NotRetryable));
            let last = retrier.decide(2, &lost(), now);
            assert_eq!(last, RetryDecision::GiveUp(GiveUp::OutOfAttempts));
        }
        assert_eq!(retrier.decide(1, &lost(), now), RetryDecision::RetryNow);
    }

    #[test]
    fn predicate_that_panics_charges_nothing() {
        let policy = RetryPolicy::new(2).budget(1).retry_if(|error| {
            assert!(!error.is_fatal(), "the predicate's own panic");
            true
        });
        let (retrier, now) = (policy.retrier().unwrap(), ManualClock::new().now());
        let fatal = HandlerError::fatal("x");
        assert!(crate::contain::contain(|| retrier.decide(1, &fatal, now)).is_err());
        assert_eq!(retrier.decide(1, &lost(), now), RetryDecision::RetryNow);
    }

    #[test]
    fn jitter_spreads_over_the_whole_wait_also_at_the_cap() {
        let back_off = BackOff::Exponential { base: MS, factor: 2, max: 64 * MS };
        let (all, _) = waits(&RetryPolicy::new(10_000).back_off(back_off).seed(1), &lost());
        let at_the_cap = &all[6..];
        for quarter in 0..4_u32 {
            let part = quarter * 16 * MS..(quarter + 1) * 16 * MS;
            let share = at_the_cap.iter().filter(|wait| part.contains(wait)).count();
            assert!((2_300..2_700).contains(&share), "quarter {quarter}: {share}");
        }
    }

    proptest! {
        #[test]
        fn attempts_mean_exactly_that_many_calls(attempts in 1_u32..200) {
            let (waits, reason) = waits(&RetryPolicy::new(attempts), &lost());
            prop_assert_eq!(waits.len() + 1, attempts as usize);
            prop_assert_eq!(reason, GiveUp::OutOfAttempts);
        }

        #[test]
        fn wait_never_exceeds_the_cap_and_is_the_same_with_the_same_seed(
            base in 1_u64..,
            factor in 1_u32..,
            longer in any::<u64>(),
            attempt in 1..u32::MAX,
            seed in any::<u64>(),
        ) {
            let base = Duration::from_nanos(base);
            let max = base.saturating_add(Duration::from_millis(longer));
            let back_off = BackOff::Exponential { base, factor, max };
            let policy = RetryPolicy::new(u32::MAX).back_off(back_off).seed(seed);
            let now = ManualClock::new().now();
            let decide = || policy.retrier().unwrap().decide(attempt, &lost(), now);
            let first = decide();
            if let RetryDecision::RetryAfter(wait) = first {
                prop_assert!(wait <= back_off.after_attempt(attempt) && wait <= max);
            } else {
                prop_assert_eq!(first, RetryDecision::RetryNow);
            }
            prop_assert_eq!(decide(), first);
        }
    }
}
