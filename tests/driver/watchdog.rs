//! Handlers that do not return: who is told, when, and how often.

use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use crate::common::{Journal, Number, audited, watched};
use ringbus::{
    Batch, BatchConfig, DriverConfig, EventStore, ManualClock, Observer, OverrunPolicy,
    RunningCall, StoreBuilder, SubscribeOptions,
};

const HOUR: Duration = Duration::from_hours(1);

/// Writes down what is reported, on the thread that looks.
#[derive(Clone)]
struct Reports(Journal<(RunningCall, Duration)>);

impl Observer<Number> for Reports {
    fn stuck(&self, call: &RunningCall, elapsed: Duration) {
        self.0.write((call.clone(), elapsed));
    }
}

/// A handler that says that it runs, and runs until it is told to return.
struct Gate {
    entered: Receiver<()>,
    go_on: Sender<()>,
}

impl Gate {
    fn new() -> (Self, impl Fn() + Send + Sync + 'static) {
        let (enter, entered) = mpsc::channel();
        let (go_on, gone_on) = mpsc::channel();
        let gone_on: Mutex<Receiver<()>> = Mutex::new(gone_on);
        let pass = move || {
            enter.send(()).unwrap();
            gone_on.lock().unwrap().recv().unwrap();
        };
        (Self { entered, go_on }, pass)
    }
}

/// A store on a clock that stands still, in which a call may run for an hour. Its own watchdog does
/// not look before half of one has really passed.
fn rig() -> (StoreBuilder<Number>, ManualClock, Journal<(RunningCall, Duration)>) {
    let (clock, reports) = (ManualClock::new(), Journal::new());
    let builder = EventStore::builder(8, OverrunPolicy::ReturnError)
        .clock(clock.clone())
        .observer(Reports(reports.clone()))
        .watchdog(HOUR);
    (builder, clock, reports)
}

#[test]
fn a_call_is_reported_once_when_it_has_run_for_the_limit() {
    watched(|| {
        let (builder, clock, reports) = rig();
        let store = builder.build().unwrap();
        let (gate, pass) = Gate::new();
        let options = SubscribeOptions::topic(()).name("slow");
        let line = line!() + 1;
        let slow = store.subscribe_with(options, move |_: &Number, _| pass());
        store.send(Number(0)).unwrap();
        let there = store.clone();
        let publisher = thread::spawn(move || there.publish());
        gate.entered.recv().unwrap();

        assert_eq!(store.report_stuck(), 0, "the first look");
        clock.advance(HOUR.saturating_sub(Duration::from_nanos(1)));
        assert_eq!(store.report_stuck(), 0);
        clock.advance(Duration::from_nanos(1));
        assert_eq!(store.report_stuck(), 1);
        clock.advance(HOUR);
        assert_eq!(store.report_stuck(), 0, "once");

        let all = reports.take();
        let [(call, elapsed)] = &all[..] else { panic!("{all:?}") };
        assert_eq!((call.subscription, call.name.as_deref()), (slow.id(), Some("slow")));
        assert!(call.place.file().ends_with("watchdog.rs"), "{call}");
        assert_eq!((call.place.line(), *elapsed), (line, HOUR));
        assert_eq!(store.metrics().stuck_calls, 1);
        assert!(
            store.metrics().to_string().ends_with("1  (handler calls reported while they ran)")
        );
        gate.go_on.send(()).unwrap();
        publisher.join().unwrap();
        assert_eq!(audited(&store).handled, 1);
    });
}

#[test]
fn a_handler_that_is_called_again_and_again_is_not_stuck() {
    watched(|| {
        let (builder, clock, reports) = rig();
        let store = builder.build().unwrap();
        let (gate, pass) = Gate::new();
        let _keep = store.subscribe((), move |_: &Number, _| pass());
        store.send_all(&mut (0..4).map(Number).collect()).unwrap();
        let there = store.clone();
        let publisher = thread::spawn(move || there.publish());
        for _ in 0..4 {
            gate.entered.recv().unwrap();
            assert_eq!(store.report_stuck(), 0);
            assert_eq!(store.running_calls().len(), 1);
            clock.advance(HOUR);
            gate.go_on.send(()).unwrap();
        }
        publisher.join().unwrap();
        assert_eq!((store.report_stuck(), store.running_calls().len()), (0, 0));
        assert!(reports.take().is_empty());
        audited(&store);
    });
}

#[test]
fn two_calls_of_one_handler_that_are_stuck_are_two_reports() {
    watched(|| {
        let (builder, clock, reports) = rig();
        let store = builder.build().unwrap();
        let (gate, pass) = Gate::new();
        let _keep = store.subscribe((), move |_: &Number, _| pass());
        store.send_all(&mut (0..2).map(Number).collect()).unwrap();
        let there = store.clone();
        let publisher = thread::spawn(move || there.publish());
        for _ in 0..2 {
            gate.entered.recv().unwrap();
            assert_eq!(store.report_stuck(), 0);
            clock.advance(HOUR);
            assert_eq!(store.report_stuck(), 1);
            gate.go_on.send(()).unwrap();
        }
        publisher.join().unwrap();
        assert_eq!((reports.take().len(), store.metrics().stuck_calls), (2, 2));
        audited(&store);
    });
}

#[test]
fn a_call_that_panics_is_over() {
    let (builder, _, _) = rig();
    let store = builder.build().unwrap();
    let _keep = store.subscribe((), |number: &Number, _| assert_eq!(number.0, 1));
    store.send(Number(0)).unwrap();
    store.publish();
    assert_eq!((store.running_calls().len(), store.metrics().panicked_calls), (0, 1));
    audited(&store);
}

#[test]
fn a_batch_and_a_subscription_that_has_ended_are_watched_too() {
    watched(|| {
        let (builder, clock, reports) = rig();
        let store = builder.build().unwrap();
        let (gate, pass) = Gate::new();
        let options = SubscribeOptions::topic(()).name("batch").once();
        let handler = move |_: &mut Batch<'_, Number>, _: &ringbus::CallContext<'_, Number>| pass();
        let _keep = store.subscribe_batch(options, BatchConfig::new(2), handler).unwrap();
        store.send_all(&mut (0..2).map(Number).collect()).unwrap();
        let there = store.clone();
        let publisher = thread::spawn(move || there.publish());
        gate.entered.recv().unwrap();
        assert_eq!(store.subscription_count(), 0);
        store.report_stuck();
        clock.advance(HOUR);
        assert_eq!(store.report_stuck(), 1);
        assert_eq!(reports.take()[0].0.name.as_deref(), Some("batch"));
        gate.go_on.send(()).unwrap();
        publisher.join().unwrap();
        audited(&store);
    });
}

#[test]
fn posts_of_subscriptions_that_have_ended_are_forgotten() {
    let (builder, clock, _) = rig();
    let store = builder.build().unwrap();
    for value in 0..100 {
        let keep = store.subscribe((), |_: &Number, _| ());
        store.send(Number(value)).unwrap();
        store.publish();
        clock.advance(HOUR);
        assert_eq!((store.report_stuck(), store.running_calls().len()), (0, 0));
        drop(keep);
    }
    audited(&store);
}

#[test]
fn the_thread_looks_by_itself_at_a_driver_that_is_stuck() {
    /// Lets the handler go when it is reported.
    struct LetGo(Mutex<Sender<()>>);

    impl Observer<Number> for LetGo {
        fn stuck(&self, _: &RunningCall, elapsed: Duration) {
            assert!(elapsed >= Duration::from_millis(2));
            self.0.lock().unwrap().send(()).unwrap();
        }
    }

    watched(|| {
        let (go_on, gone_on) = mpsc::channel();
        let gone_on: Mutex<Receiver<()>> = Mutex::new(gone_on);
        let store = EventStore::builder(8, OverrunPolicy::Block)
            .observer(LetGo(Mutex::new(go_on)))
            .watchdog(Duration::from_millis(2))
            .driver(DriverConfig::new())
            .build()
            .unwrap();
        let _keep =
            store.subscribe((), move |_: &Number, _| gone_on.lock().unwrap().recv().unwrap());
        store.send(Number(0)).unwrap();
        store.flush(Duration::MAX).unwrap();
        let metrics = store.metrics();
        assert_eq!((metrics.stuck_calls, metrics.failed_calls, metrics.observer_panics), (1, 0, 0));
        audited(&store);
    });
}

#[test]
fn the_watchdog_ends_with_the_last_handle_however_long_it_would_sleep() {
    struct Keeping(#[allow(dead_code)] Arc<()>);
    impl Observer<Number> for Keeping {}

    watched(|| {
        let kept = Arc::new(());
        let store = EventStore::<Number>::builder(8, OverrunPolicy::Block)
            .observer(Keeping(Arc::clone(&kept)))
            .watchdog(Duration::MAX)
            .build()
            .unwrap();
        audited(&store);
        drop(store);
        assert_eq!(Arc::strong_count(&kept), 1, "nobody keeps the store");
    });
}

#[test]
fn an_observer_that_panics_is_counted_and_the_watchdog_goes_on() {
    struct Panics;
    impl Observer<Number> for Panics {
        fn stuck(&self, _: &RunningCall, _: Duration) {
            panic!("in an observer")
        }
    }

    watched(|| {
        let (builder, clock, reports) = rig();
        let store = builder.observer(Panics).build().unwrap();
        let (gate, pass) = Gate::new();
        let _keep = store.subscribe((), move |_: &Number, _| pass());
        store.send(Number(0)).unwrap();
        let there = store.clone();
        let publisher = thread::spawn(move || there.publish());
        gate.entered.recv().unwrap();
        store.report_stuck();
        clock.advance(HOUR);
        assert_eq!((store.report_stuck(), reports.take().len()), (1, 1));
        assert_eq!((store.metrics().observer_panics, store.metrics().stuck_calls), (1, 1));
        gate.go_on.send(()).unwrap();
        publisher.join().unwrap();
        audited(&store);
    });
}

#[test]
fn a_store_that_was_not_asked_knows_of_no_call() {
    let store = crate::common::numbers(8, OverrunPolicy::ReturnError);
    let inner = crate::common::Inner::of(&store);
    let there = inner.clone();
    let calls = Journal::new();
    let journal = calls.clone();
    let _keep = store.subscribe((), move |_: &Number, _| {
        journal.write((there.get().running_calls().len(), there.get().report_stuck()));
    });
    store.send(Number(0)).unwrap();
    store.publish();
    inner.take_back();
    assert_eq!(calls.take(), [(0, 0)]);
    audited(&store);
}
