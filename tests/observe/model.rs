//! What a store observes, against what really happened.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::common::{Number, numbers};
use proptest::prelude::*;
use ringbus::{
    Clock, ErrorKind, Event, EventStore, HandlerError, ManualClock, ObserveConfig, OverrunPolicy,
};

const WINDOW: Duration = Duration::from_secs(1);
const ERRORS_MAX: usize = 3;

/// Fails as it says, if it does.
#[derive(Clone, Copy, Debug)]
enum Job {
    Fine,
    Fails { kind: u8, text: u8, number: u8 },
}

impl Event for Job {
    type Topic = ();
    fn topic(&self) {}
}

#[derive(Clone, Debug)]
enum Step {
    Advance(u16),
    Run(Vec<Job>),
    Look,
}

fn job() -> impl Strategy<Value = Job> {
    prop_oneof![
        2 => Just(Job::Fine),
        1 => (0..2_u8, 0..4_u8, any::<u8>())
            .prop_map(|(kind, text, number)| Job::Fails { kind, text, number }),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0..900_u16).prop_map(Step::Advance),
        1 => (0..5_000_u16).prop_map(Step::Advance),
        4 => prop::collection::vec(job(), 1..6).prop_map(Step::Run),
        2 => Just(Step::Look),
    ]
}

const TEXTS: [&str; 4] = ["no answer after # tries", "row # is bad", "", "row # is bad too"];

fn handle(job: Job) -> Result<(), HandlerError> {
    match job {
        Job::Fine => Ok(()),
        Job::Fails { kind, text, number } => {
            let text = TEXTS[usize::from(text)].replace('#', &number.to_string());
            Err(HandlerError::new(kind_of(kind), text))
        }
    }
}

const fn kind_of(kind: u8) -> ErrorKind {
    if kind == 0 { ErrorKind::Fatal } else { ErrorKind::NoData }
}

/// What happened, and when.
#[derive(Default)]
struct History {
    events: Vec<Instant>,
    failures: Vec<Instant>,
    by_key: HashMap<(u8, u8), Vec<Instant>>,
}

impl History {
    fn note(&mut self, job: Job, now: Instant) {
        self.events.push(now);
        if let Job::Fails { kind, text, .. } = job {
            self.failures.push(now);
            self.by_key.entry((kind, text)).or_default().push(now);
        }
    }
}

/// How many of them are younger than `age`; and with those that are just as old.
fn since(times: &[Instant], now: Instant, age: Duration) -> (u64, u64) {
    let count = |is_in: &dyn Fn(Duration) -> bool| {
        times.iter().filter(|time| is_in(now - **time)).count() as u64
    };
    (count(&|old| old < age), count(&|old| old <= age))
}

fn check_rate(
    store: &EventStore<Job>,
    history: &History,
    now: Instant,
) -> Result<(), TestCaseError> {
    let rate = store.snapshot().failures;
    prop_assert_eq!(rate.window, WINDOW);
    prop_assert!(rate.covered <= 2 * WINDOW, "{:?}", rate);
    let (failures_min, failures_max) = since(&history.failures, now, rate.covered);
    prop_assert!((failures_min..=failures_max).contains(&rate.failures), "{:?}", rate);
    let (in_window, _) = since(&history.failures, now, WINDOW);
    prop_assert!(in_window <= rate.failures, "{:?} leaves some out", rate);
    let (events_min, events_max) = since(&history.events, now, rate.covered);
    // It is not known after a long time without a failure and without a look.
    let is_known = rate.covered != Duration::ZERO;
    prop_assert!(!is_known || (events_min..=events_max).contains(&rate.events), "{:?}", rate);
    Ok(())
}

fn check_errors(
    store: &EventStore<Job>,
    history: &History,
    now: Instant,
) -> Result<(), TestCaseError> {
    let errors = store.snapshot().errors;
    prop_assert_eq!(errors.total(), history.failures.len() as u64);
    prop_assert!(errors.errors.len() <= ERRORS_MAX);
    let mut seen = Vec::new();
    for error in &errors.errors {
        let is_same = |(kind, text): &&(u8, u8)| {
            let digits = |text: &str| text.replace(|c: char| c.is_ascii_digit(), "");
            let bare = TEXTS[usize::from(*text)].replace('#', "");
            let said = digits(&error.text);
            kind_of(*kind) == error.kind
                && (said.ends_with(&bare) && said.len() - bare.len() < 40)
                && (bare.is_empty() == said.ends_with(": "))
        };
        let key = history.by_key.keys().find(is_same);
        let key = *key.unwrap_or_else(|| panic!("nothing said {:?}", error.text));
        prop_assert!(!seen.contains(&key), "{:?} is there twice", key);
        seen.push(key);
        let times = &history.by_key[&key];
        prop_assert!(error.count <= times.len() as u64);
        prop_assert_eq!(error.last_ago, now - times[times.len() - 1]);
        prop_assert!(error.first_ago <= now - times[0]);
        if errors.others == 0 {
            prop_assert_eq!(error.count, times.len() as u64);
            prop_assert_eq!(error.first_ago, now - times[0]);
        }
    }
    let last = history.failures.last();
    prop_assert_eq!(
        last.map(|last| now - *last),
        errors.errors.first().map(|error| error.last_ago)
    );
    Ok(())
}

/// How full a ring gets.
#[derive(Clone, Debug)]
enum Flow {
    Send(u64),
    Publish,
    Look(usize),
}

fn flow() -> impl Strategy<Value = Flow> {
    prop_oneof![
        4 => (1..6_u64).prop_map(Flow::Send),
        2 => Just(Flow::Publish),
        3 => (0..2_usize).prop_map(Flow::Look),
    ]
}

proptest! {
    #[test]
    fn failures_and_errors_are_those_that_happened(steps in prop::collection::vec(step(), 1..60)) {
        let clock = ManualClock::new();
        let observe = ObserveConfig::new().error_window(WINDOW).errors_max(ERRORS_MAX);
        let store = EventStore::builder(8, OverrunPolicy::ReturnError)
            .clock(clock.clone())
            .observe(observe)
            .build()
            .unwrap();
        let _handler = store.subscribe((), |job: &Job, _| handle(*job));
        let mut history = History::default();
        for step in steps {
            match step {
                Step::Advance(millis) => clock.advance(Duration::from_millis(millis.into())),
                Step::Run(mut jobs) => {
                    for job in &jobs {
                        history.note(*job, clock.now());
                    }
                    store.send_all(&mut jobs).unwrap();
                    store.publish();
                }
                Step::Look => {
                    check_rate(&store, &history, clock.now())?;
                    check_errors(&store, &history, clock.now())?;
                }
            }
        }
        check_rate(&store, &history, clock.now())?;
        check_errors(&store, &history, clock.now())?;
    }

    #[test]
    fn each_monitor_sees_the_highest_fill_since_its_last_look(
        flows in prop::collection::vec(flow(), 1..100)
    ) {
        const CAPACITY: u64 = 16;
        let store = numbers(16, OverrunPolicy::ReturnError);
        let mut monitors = [store.monitor(), store.monitor()];
        let (mut fill, mut peaks, mut highest) = (0, [0; 2], 0);
        for flow in flows {
            match flow {
                Flow::Send(count) => {
                    for value in 0..count {
                        fill += u64::from(store.send(Number(value)).is_ok());
                    }
                    peaks = peaks.map(|peak: u64| peak.max(fill));
                    highest = highest.max(fill);
                }
                Flow::Publish => {
                    store.publish();
                    fill = 0;
                }
                Flow::Look(index) => {
                    let seen = monitors[index].snapshot().unwrap().fill;
                    prop_assert_eq!(seen.peak_events, peaks[index]);
                    prop_assert_eq!((seen.pending_events, seen.capacity_events), (fill, CAPACITY));
                    peaks[index] = fill;
                }
            }
        }
        prop_assert_eq!(store.snapshot().fill.peak_events, highest);
    }

    #[test]
    fn an_age_is_never_more_than_it_is(steps in prop::collection::vec((0..4_u8, 0..1_000_u16), 1..200)) {
        let clock = ManualClock::new();
        let store = EventStore::builder(256, OverrunPolicy::ReturnError)
            .clock(clock.clone())
            .build()
            .unwrap();
        // When the oldest one that is pending was sent, and first seen.
        let mut oldest: Option<(Instant, Option<Instant>)> = None;
        for (step, millis) in steps {
            match step {
                0 => {
                    store.send(Number(0)).unwrap();
                    oldest.get_or_insert((clock.now(), None));
                }
                1 => clock.advance(Duration::from_millis(millis.into())),
                2 => {
                    let (age, now) = (store.snapshot().oldest_age, clock.now());
                    prop_assert_eq!(age.is_some(), oldest.is_some());
                    if let Some((sent, seen)) = &mut oldest {
                        let seen = *seen.get_or_insert(now);
                        prop_assert!(age.unwrap() <= now - *sent);
                        prop_assert_eq!(age.unwrap(), now - seen, "it is known since it was seen first");
                    }
                }
                _ if millis < 300 => {
                    store.publish();
                    oldest = None;
                }
                _ => {}
            }
        }
    }
}
