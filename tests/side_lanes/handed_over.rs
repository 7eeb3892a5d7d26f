//! Subscriptions with a lane of their own: what comes to the handler, and what does not come to others.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::common::{Journal, Number, POLICIES, Tagged, audited, numbers, watched};
use crate::slow::{Slow, send_each};
use ringbus::{
    CallContext, Context, Deadline, Event, EventStore, Handler, LaneConfig, Loss, Observer,
    OverrunPolicy, Refusal, SubscribeOptions, around,
};

fn lane() -> LaneConfig {
    LaneConfig::new(64, OverrunPolicy::Block)
}

fn thread_name() -> Option<String> {
    thread::current().name().map(str::to_owned)
}

#[test]
fn a_lane_handles_in_order_on_the_thread_of_that_name() {
    watched(|| {
        for policy in POLICIES {
            let store = numbers(64, OverrunPolicy::ReturnError);
            let seen = Journal::new();
            let journal = seen.clone();
            let config = LaneConfig::new(64, policy).name("by name");
            let options = SubscribeOptions::topic(());
            let lane = store.subscribe_lane(options, config, move |number: &Number, context| {
                journal.write((number.0, context.gap(), thread_name()));
            });
            let lane = lane.unwrap();
            store.send_all(&mut (0..50).map(Number).collect()).unwrap();
            assert_eq!(store.publish(), 50);
            store.flush(Deadline::NEVER).unwrap();
            let name = Some("by name".to_owned());
            assert_eq!(seen.take(), (0..50).map(|n| (n, 0, name.clone())).collect::<Vec<_>>());
            assert_eq!((lane.lag(), lane.lost(), lane.metrics().handled), (0, 0, 50));
            assert_eq!(audited(&store).handled, 50);
        }
    });
}

#[test]
fn a_slow_lane_stalls_nobody_and_loses_for_nobody_else() {
    watched(|| {
        for policy in [OverrunPolicy::DropOldest, OverrunPolicy::ReturnError] {
            let store = numbers(8, OverrunPolicy::ReturnError);
            let fast = Journal::new();
            let _fast = store.subscribe((), fast.handler());
            let slow = Slow::at_0(&store, policy);
            send_each(&store, 1..=100);
            assert_eq!(fast.take(), (0..=100).collect::<Vec<_>>(), "{policy}");
            assert_eq!((slow.lane.lag(), slow.lane.lost()), (5, 96), "{policy}");
            let stats = slow.lane.stats().unwrap();
            assert_eq!((stats.offered, stats.lost, stats.lagging), (101, 96, 5));
            assert_eq!(stats.succeeded, 0);
            drop(slow.go_on);
            store.flush(Deadline::NEVER).unwrap();
            send_each(&store, [101]);
            store.flush(Deadline::NEVER).unwrap();
            let expected = if policy == OverrunPolicy::DropOldest {
                [(0, 0), (97, 96), (98, 0), (99, 0), (100, 0), (101, 0)]
            } else {
                [(0, 0), (1, 0), (2, 0), (3, 0), (4, 0), (101, 96)]
            };
            assert_eq!(slow.seen.take(), expected);
            let stats = slow.lane.stats().unwrap();
            assert_eq!((stats.succeeded, stats.lost, stats.lagging), (6, 96, 0), "{stats}");
            assert_eq!(audited(&store).handled, 102);
        }
    });
}

#[test]
fn each_gap_is_told_where_it_is() {
    watched(|| {
        let store = numbers(8, OverrunPolicy::ReturnError);
        let slow = Slow::at_0(&store, OverrunPolicy::ReturnError);
        // 1 to 4 fill the lane; 5 and 6 find no room; one leaves, 7 finds room, 8 and 9 do not.
        send_each(&store, 1..=6);
        slow.go_on.send(()).unwrap();
        assert_eq!(slow.begun.recv().unwrap(), 1);
        let room = slow.lane.metrics().pending;
        send_each(&store, 7..=9);
        drop(slow.go_on);
        store.flush(Deadline::NEVER).unwrap();
        send_each(&store, [10]);
        store.flush(Deadline::NEVER).unwrap();
        let seen = slow.seen.take();
        // The lane's thread takes out as many as there are: all four, so that 7 to 9 find room.
        assert_eq!(room, 0);
        assert_eq!(seen[..5], [(0, 0), (1, 0), (2, 0), (3, 0), (4, 0)]);
        assert_eq!(seen[5..], [(7, 2), (8, 0), (9, 0), (10, 0)]);
        assert_eq!(slow.lane.lost(), 2);
        audited(&store);
    });
}

#[test]
fn gaps_and_handled_add_up_to_what_was_offered_whatever_the_pace() {
    watched(|| {
        for policy in [OverrunPolicy::DropOldest, OverrunPolicy::ReturnError] {
            let store = numbers(8, OverrunPolicy::ReturnError);
            let (told, handled) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
            let (tell, handle) = (Arc::clone(&told), Arc::clone(&handled));
            let next = AtomicU64::new(0);
            let config = LaneConfig::new(2, policy);
            let lane = store
                .subscribe_lane(
                    SubscribeOptions::topic(()),
                    config,
                    move |number: &Number, context| {
                        // Which numbers are missing is what the gap says.
                        let expected = next.swap(number.0 + 1, Ordering::Relaxed) + context.gap();
                        assert_eq!(number.0, expected, "gap {}", context.gap());
                        tell.fetch_add(context.gap(), Ordering::Relaxed);
                        handle.fetch_add(1, Ordering::Relaxed);
                    },
                )
                .unwrap();
            send_each(&store, 0..20_000);
            store.flush(Deadline::NEVER).unwrap();
            // What was lost behind the last one is told with the next.
            send_each(&store, [20_000]);
            store.flush(Deadline::NEVER).unwrap();
            let (told, handled) = (told.load(Ordering::Relaxed), handled.load(Ordering::Relaxed));
            assert_eq!(told + handled, 20_001, "{policy}");
            assert_eq!((told, lane.metrics().failed_calls), (lane.lost(), 0), "{policy}");
            audited(&store);
        }
    });
}

#[test]
fn a_loss_that_a_middleware_keeps_from_the_handler_is_told_with_the_next_event() {
    watched(|| {
        let store = numbers(8, OverrunPolicy::ReturnError);
        let odd = around(
            |number: &Number, context: &CallContext<'_, Number>, next: &dyn Handler<Number>| {
                if number.0.is_multiple_of(2) && number.0 != 0 {
                    return Ok(ringbus::Outcome::Filtered);
                }
                next.handle(number, context)
            },
        );
        let options = SubscribeOptions::topic(()).middleware(odd);
        let slow = Slow::with(&store, options, LaneConfig::new(4, OverrunPolicy::DropOldest));
        send_each(&store, [0]);
        assert_eq!(slow.begun.recv().unwrap(), 0);
        send_each(&store, 1..=9);
        drop(slow.go_on);
        store.flush(Deadline::NEVER).unwrap();
        assert_eq!(slow.seen.take(), [(0, 0), (7, 5), (9, 0)]);
        let stats = slow.lane.stats().unwrap();
        assert_eq!((stats.succeeded, stats.filtered, stats.lost), (3, 2, 5), "{stats}");
        audited(&store);
    });
}

#[test]
fn a_handler_with_a_state_of_its_own() {
    watched(|| {
        let store = numbers(64, OverrunPolicy::ReturnError);
        let (sum, sums) = mpsc::channel();
        let mut total = 0;
        let _lane = store
            .subscribe_lane_mut(SubscribeOptions::topic(()), lane(), move |number: &Number, _| {
                total += number.0;
                sum.send(total).unwrap();
            })
            .unwrap();
        store.send_all(&mut (1..=4).map(Number).collect()).unwrap();
        store.publish();
        assert_eq!([(); 4].map(|()| sums.recv().unwrap()), [1, 3, 6, 10]);
        store.flush(Deadline::NEVER).unwrap();
        audited(&store);
    });
}

/// An event that counts its clones.
struct Counted {
    topic: u8,
    clones: Arc<AtomicU64>,
}

impl Clone for Counted {
    fn clone(&self) -> Self {
        self.clones.fetch_add(1, Ordering::Relaxed);
        Self { topic: self.topic, clones: Arc::clone(&self.clones) }
    }
}

impl Event for Counted {
    type Topic = u8;
    fn topic(&self) -> u8 {
        self.topic
    }
}

#[test]
fn only_what_topics_and_filter_let_through_is_cloned_and_once() {
    watched(|| {
        let store = EventStore::builder(64, OverrunPolicy::ReturnError).build().unwrap();
        let options = SubscribeOptions::topics([1, 2]).filter(|event: &Counted| event.topic == 2);
        let lane = store.subscribe_lane(options, lane(), |_: &Counted, _| ()).unwrap();
        let clones = Arc::new(AtomicU64::new(0));
        for topic in [0, 1, 2, 2, 3] {
            store.send(Counted { topic, clones: Arc::clone(&clones) }).unwrap();
        }
        store.publish();
        store.flush(Deadline::NEVER).unwrap();
        assert_eq!(clones.load(Ordering::Relaxed), 2);
        let stats = lane.stats().unwrap();
        assert_eq!((stats.offered, stats.filtered, stats.succeeded), (3, 1, 2));
        let balance = audited(&store);
        assert_eq!((balance.handled, balance.unhandled), (3, 2));
    });
}

#[test]
fn priority_says_when_an_event_is_handed_over() {
    watched(|| {
        let store = numbers(8, OverrunPolicy::ReturnError);
        let (handed, was_handed) = mpsc::channel();
        let was_handed = std::sync::Mutex::new(was_handed);
        // Waits for the lane, which gets its copy before.
        let _low = store.subscribe_with(SubscribeOptions::topic(()), move |_: &Number, _| {
            was_handed.lock().unwrap().recv().unwrap();
        });
        let options = SubscribeOptions::topic(()).priority(1);
        let _lane =
            store.subscribe_lane(options, lane(), move |_: &Number, _| handed.send(()).unwrap());
        send_each(&store, [0]);
        store.flush(Deadline::NEVER).unwrap();
        audited(&store);
    });
}

#[test]
fn middleware_stands_around_the_handler_in_the_lane_and_nowhere_else() {
    watched(|| {
        let seen = Journal::new();
        let layer = |name: &'static str| {
            let journal = seen.clone();
            around(
                move |number: &Number,
                      context: &CallContext<'_, Number>,
                      next: &dyn Handler<Number>| {
                    journal.write((name, thread_name()));
                    next.handle(number, context)
                },
            )
        };
        let builder = EventStore::builder(8, OverrunPolicy::ReturnError).middleware(layer("store"));
        let store = builder.build().unwrap();
        let options = SubscribeOptions::topic(()).middleware(layer("options"));
        let _lane =
            store.subscribe_lane(options, lane().name("there"), |_: &Number, _| ()).unwrap();
        send_each(&store, [0]);
        store.flush(Deadline::NEVER).unwrap();
        let there = || Some("there".to_owned());
        assert_eq!(seen.take(), [("store", there()), ("options", there())]);
        audited(&store);
    });
}

#[test]
fn what_the_handler_sends_and_schedules_goes_into_the_store() {
    watched(|| {
        let store = EventStore::builder(8, OverrunPolicy::ReturnError).build().unwrap();
        let seen = Journal::new();
        let _lane = store
            .subscribe_lane(SubscribeOptions::topic(0), lane(), |event: &Tagged, context| {
                let answer = |topic| Tagged { topic, value: event.value };
                context.send(answer(1)).unwrap();
                context.send_all(&mut vec![answer(2)]).unwrap();
                context.schedule_after(Duration::ZERO, answer(3)).unwrap();
                assert!(!context.is_closed());
            })
            .unwrap();
        let journal = seen.clone();
        let _others =
            store.subscribe_with(SubscribeOptions::topics([1, 2, 3]), move |event: &Tagged, _| {
                journal.write(event.topic);
            });
        store.send(Tagged { topic: 0, value: 7 }).unwrap();
        store.publish();
        store.flush(Deadline::NEVER).unwrap();
        store.publish();
        assert_eq!(seen.take(), [1, 2, 3]);
        assert_eq!(audited(&store).handled, 4);
    });
}

/// Writes down what observers see of losses.
struct Losses(Journal<String>);

impl Observer<Number> for Losses {
    fn displaced(&self, event: &Number, loss: Loss) {
        self.0.write(format!("displaced {} ({loss})", event.0));
    }

    fn rejected(&self, event: &Number, refusal: Refusal) {
        self.0.write(format!("rejected {} ({refusal:?})", event.0));
    }

    fn unhandled(&self, event: &Number) {
        self.0.write(format!("unhandled {}", event.0));
    }
}

#[test]
fn observers_see_what_a_lane_loses_and_nothing_else() {
    watched(|| {
        for (policy, expected) in [
            (OverrunPolicy::DropOldest, "displaced 1 (oldest)"),
            (OverrunPolicy::ReturnError, "rejected 5 (Full)"),
        ] {
            let notes = Journal::new();
            let builder = EventStore::builder(8, OverrunPolicy::ReturnError);
            let store = builder.observer(Losses(notes.clone())).build().unwrap();
            let slow = Slow::at_0(&store, policy);
            send_each(&store, 1..=5);
            assert_eq!(notes.take(), [expected]);
            // What is in the lane was dispatched: it is not unhandled because the handler is gone.
            let Slow { lane, go_on, .. } = slow;
            lane.unsubscribe();
            drop(go_on);
            assert!(store.drain(Deadline::NEVER).is_complete());
            assert_eq!(notes.take(), Vec::<String>::new());
            audited(&store);
        }
    });
}

#[test]
fn a_store_with_one_producer_has_lanes_too() {
    watched(|| {
        let (store, mut producer) = crate::common::single_numbers(64, OverrunPolicy::Block);
        let seen = Journal::new();
        let journal = seen.clone();
        let _lane = store
            .subscribe_lane(
                SubscribeOptions::topic(()),
                lane(),
                move |number: &Number, _: &Context<'_, Number, ringbus::Single>| {
                    journal.write(number.0);
                },
            )
            .unwrap();
        (0..10).for_each(|value| producer.send(Number(value)).map(drop).unwrap());
        store.publish();
        store.flush(Deadline::NEVER).unwrap();
        assert_eq!(seen.take(), (0..10).collect::<Vec<_>>());
        audited(&store);
    });
}
