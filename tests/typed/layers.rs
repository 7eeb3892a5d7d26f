//! What is layered on a store, with events of any type.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::common::{Gate, Journal, audited, watched};
use crate::{Large, Number, Text, bus, text, write_to};
use ringbus::{
    AnyClone, AnySync, BatchConfig, DeadLetterConfig, DeadLetterQueue, Deadline, DriverConfig,
    HandlerError, LaneConfig, ManualClock, OverrunPolicy, Payload, Replay, Retry, RetryPolicy,
    TypeTopic, TypedBus, TypedOptions, Workers,
};

#[test]
fn batches_have_events_of_one_type() {
    let (bus, journal) = (bus(16, OverrunPolicy::ReturnError), Journal::new());
    let write = journal.clone();
    let options = TypedOptions::<Text>::new();
    let batch = bus.subscribe_batch(options, BatchConfig::new(3), move |texts, context| {
        assert_eq!(context.attempt(), 1);
        for index in 0..texts.len() {
            if texts.get(index).is_some_and(|text| text.0 == "bad") {
                texts.fail(index, HandlerError::validation("it is bad"));
            }
        }
        write.write(texts.iter().map(|text| text.0.as_str()).collect::<String>());
    });
    let batch = batch.unwrap();
    for (number, word) in (0..).zip(["a", "b", "bad", "c"]) {
        bus.send(text(word)).unwrap();
        bus.send(Number(number)).unwrap();
    }
    bus.publish();
    assert_eq!(journal.take(), ["abbad", "c"]);
    let stats = batch.stats().unwrap();
    assert_eq!((stats.succeeded, stats.failed), (3, 1));
    assert!(
        bus.subscribe_batch(TypedOptions::<Text>::new(), BatchConfig::new(0), |_, _| ()).is_err()
    );
    audited(&bus);
}

#[test]
fn events_that_are_sync_get_letters_and_later_attempts() {
    let letters = DeadLetterQueue::<Payload<AnySync>>::new(DeadLetterConfig::new(8)).unwrap();
    let clock = ManualClock::new();
    let bus = TypedBus::builder_sync(8, OverrunPolicy::ReturnError)
        .dead_letters(&letters)
        .clock(clock.clone())
        .build_bus()
        .unwrap();
    let retry = Retry::new(RetryPolicy::new(2)).unwrap();
    let options = TypedOptions::<Large, _>::new().middleware(retry);
    let _fails = bus.subscribe_with(options, |large, _| {
        if large.0[0] == 0 { Ok(()) } else { Err(std::io::Error::other("not this one")) }
    });
    let _text = bus.subscribe::<Text>(|_, context| {
        if context.attempt() == 1 { Err(std::io::Error::other("not yet")) } else { Ok(()) }
    });
    bus.send(Large([0; 100])).unwrap();
    bus.send(Large([1; 100])).unwrap();
    bus.send(text("a")).unwrap();
    bus.publish();
    // Longer than any delay of the policy.
    clock.advance(Duration::from_hours(1));
    bus.publish();
    assert_eq!(letters.len(), 2);
    assert_eq!(bus.replay(&letters, Replay::all()).unwrap(), 2);
    bus.publish();
    clock.advance(Duration::from_hours(1));
    bus.publish();
    let [letter] = &letters.drain()[..] else { panic!("one is left") };
    assert_eq!(letter.event().downcast_ref(), Some(&Large([1; 100])));
    audited(&bus);
}

#[test]
fn events_that_are_clone_go_to_lanes_of_their_own() {
    watched(|| {
        let ledger = Arc::new(AtomicU64::new(0));
        let bus = TypedBus::builder_clone(8, OverrunPolicy::Block).build_bus().unwrap();
        let (journal, sum) = (Journal::new(), Arc::clone(&ledger));
        let config = || LaneConfig::new(8, OverrunPolicy::Block);
        let text = bus.subscribe_lane(
            TypedOptions::<Text, AnyClone>::new(),
            config(),
            write_to!(journal, text => text.0.clone()),
        );
        let number = bus.subscribe_lane_mut(
            TypedOptions::<Number, AnyClone>::new(),
            config(),
            move |number, _| {
                sum.fetch_add(number.0, Ordering::Relaxed);
            },
        );
        bus.send(Text("a".to_owned())).unwrap();
        bus.send(Number(7)).unwrap();
        bus.send(Text("b".to_owned())).unwrap();
        assert!(bus.drain(Deadline::NEVER).is_complete());
        assert_eq!(journal.take(), ["a", "b"]);
        assert_eq!(ledger.load(Ordering::Relaxed), 7);
        drop((text, number));
        audited(&bus);
    });
}

#[test]
fn payloads_go_to_workers_as_any_event_does() {
    watched(|| {
        let workers = Workers::by_topic().count(2);
        let builder = TypedBus::builder(64, OverrunPolicy::Block);
        let lanes = builder.build_lanes(workers).unwrap();
        let sum = Arc::new(AtomicU64::new(0));
        let add = Arc::clone(&sum);
        let _number = lanes.subscribe(TypeTopic::of::<Number>(), move |event, _| {
            let number = event.downcast_ref::<Number>().expect("it is of that topic");
            add.fetch_add(number.0, Ordering::Relaxed);
        });
        for number in 0..100 {
            lanes.send(Payload::new(Number(number))).unwrap();
            lanes.send(Payload::new(text("of nobody"))).unwrap();
        }
        assert!(lanes.drain(Deadline::NEVER).is_complete());
        assert_eq!(sum.load(Ordering::Relaxed), 4950);
        lanes.audit().unwrap();
    });
}

#[test]
fn a_driver_dispatches_what_several_threads_send() {
    watched(|| {
        let builder = TypedBus::builder(8, OverrunPolicy::Block).driver(DriverConfig::new());
        let bus = builder.build_bus().unwrap();
        let sum = Arc::new(AtomicU64::new(0));
        let (number, large) = (Arc::clone(&sum), Arc::clone(&sum));
        let _number = bus.subscribe::<Number>(move |event, _| {
            number.fetch_add(event.0, Ordering::Relaxed);
        });
        let _large = bus.subscribe::<Large>(move |event, _| {
            large.fetch_add(event.0.iter().sum(), Ordering::Relaxed);
        });
        let gate = Gate::new();
        std::thread::scope(|scope| {
            for _ in 0..2 {
                let (numbers, larges) = (bus.topic::<Number>(), bus.topic::<Large>());
                let gate = gate.clone();
                scope.spawn(move || {
                    gate.pass();
                    for number in 0..1000 {
                        numbers.send(Number(number)).unwrap();
                        larges.send(Large([1; 100])).unwrap();
                    }
                });
            }
            gate.await_waiting(2);
            gate.open();
        });
        assert!(bus.drain(Deadline::NEVER).is_complete());
        assert_eq!(sum.load(Ordering::Relaxed), 2 * (999 * 500 + 1000 * 100));
        assert_eq!(audited(&bus).handled, 4000);
    });
}

#[test]
fn transactions_and_groups_hold_several_types() {
    let (bus, journal) = (bus(4, OverrunPolicy::ReturnError), Journal::new());
    let _text = bus.subscribe::<Text>(write_to!(journal, text => text.0.clone()));
    let _number = bus.subscribe::<Number>(write_to!(journal, number => number.0.to_string()));
    let mut both = bus.transaction();
    both.push(Payload::new(text("a"))).push(Payload::new(Number(1)));
    assert_eq!(both.commit().unwrap(), 2);
    bus.send_all(&mut vec![Payload::new(Number(2)), Payload::new(text("b"))]).unwrap();
    bus.publish();
    assert_eq!(journal.take(), ["a", "1", "2", "b"]);
    drop(both);
    audited(&bus);
}

#[test]
fn a_single_producer_sends_payloads() {
    let builder = TypedBus::builder(4, OverrunPolicy::ReturnError);
    let (store, mut producer) = builder.build_single().unwrap();
    let (bus, journal) = (TypedBus::from(store), Journal::new());
    let _text = bus.subscribe::<Text>(write_to!(journal, text => text.0.clone()));
    let topic = bus.topic::<Number>();
    let _number = topic.subscribe(write_to!(journal, number => number.0.to_string()));
    producer.send(Payload::new(text("a"))).unwrap();
    producer.send(Payload::new(Number(1))).unwrap();
    bus.publish();
    assert_eq!(journal.take(), ["a", "1"]);
    assert!(topic.has_subscribers() && !bus.has_subscribers::<u8>());
    assert_eq!(topic.id().name(), "typed::Number");
    drop(producer);
    assert!(bus.drain(Deadline::NEVER).is_complete());
    audited(&bus);
}
