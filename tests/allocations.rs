//! The hot path allocates nothing. A binary of its own, because it counts for the whole process.

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Barrier, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use common::{Number, POLICIES, audited, numbers};
use ringbus::{
    BreakerPolicy, CatchPanic, CircuitBreaking, Deadline, EventStore, HandlerError, Message,
    Middleware, Only, OverrunPolicy, PayloadLimit, RateLimit, Retry, RetryPolicy, Ring, Sent,
    StoreBuilder, Timeout, TopicName, TypedBus,
};

/// Counts what the program allocates while `COUNTING` is set.
struct Counting;

static COUNTING: AtomicBool = AtomicBool::new(false);
static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

fn note() {
    if COUNTING.load(Ordering::Relaxed) {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
    }
}

// SAFETY: every call goes unchanged to the system's allocator, which keeps the contract.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note();
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`, and `alloc` is the system's.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note();
        // SAFETY: the caller keeps the contract of `realloc`, and `alloc` is the system's.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// One measurement at a time: the tests of a binary run on threads of one process.
static TURN: Mutex<()> = Mutex::new(());

fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How many allocations the whole process made while `code` ran.
///
/// The harness may allocate on its own thread just then, so the least of a few attempts counts:
/// what `code` allocates is in every one of them.
fn allocations(mut code: impl FnMut()) -> u64 {
    let attempt = |code: &mut dyn FnMut()| {
        ALLOCATIONS.store(0, Ordering::Relaxed);
        COUNTING.store(true, Ordering::SeqCst);
        code();
        COUNTING.store(false, Ordering::SeqCst);
        ALLOCATIONS.load(Ordering::Relaxed)
    };
    (0..5).map(|_| attempt(&mut code)).min().unwrap_or(u64::MAX)
}

#[test]
fn the_counter_counts() {
    let _turn = turn();
    assert_eq!(allocations(|| drop(black_box(Box::new(7)))), 1);
    assert_eq!(allocations(|| drop(black_box(vec![Box::new(7), Box::new(8)]))), 3);
}

#[test]
fn sending_and_publishing_allocate_nothing_under_any_policy() {
    let _turn = turn();
    for policy in POLICIES {
        let store = numbers(256, policy);
        let _one = store.subscribe((), |number: &Number, _| {
            black_box(number.0);
        });
        let _two = store.subscribe((), |number: &Number, context| {
            black_box((number.0, context.position(), context.topic()));
        });
        let count = allocations(|| {
            for round in 0..100 {
                for value in 0..256 {
                    store.send(Number(round + value)).map(drop).unwrap();
                }
                assert_eq!(store.publish(), 256);
            }
        });
        assert_eq!(count, 0, "{policy}");
        audited(&store);
    }
}

#[test]
fn messages_without_metadata_allocate_nothing() {
    let _turn = turn();
    let topic = TopicName::new("nothing").unwrap();
    let store = EventStore::builder(256, OverrunPolicy::Block).build().unwrap();
    let _seen = store.subscribe(topic, |message: &Message<u64>, _| {
        black_box((message.id(), message.metadata().get("nothing").is_none()));
    });
    let count = allocations(|| {
        for _ in 0..20 {
            for value in 0..256 {
                store.send(Message::new(topic, value)).unwrap();
            }
            assert_eq!(store.publish(), 256);
        }
        black_box(Message::builder(topic, 0).build().unwrap());
    });
    assert_eq!(count, 0);
    audited(&store);
}

/// A chain of three in front of each of two handlers; the first ones are of the store.
fn chained(
    first: impl Middleware<Number>,
    second: impl Middleware<Number>,
    third: impl Middleware<Number>,
) -> EventStore<Number> {
    let builder: StoreBuilder<Number> = EventStore::builder(256, OverrunPolicy::Block);
    let builder = builder.middleware(first).middleware(second).middleware(third);
    let store = builder.build().unwrap();
    for _ in 0..2 {
        let subscription = store.subscribe((), |number: &Number, _| {
            black_box(number.0);
        });
        subscription.detach();
    }
    store
}

#[test]
fn chains_of_middleware_allocate_nothing() {
    let _turn = turn();
    let hour = Duration::from_hours(1);
    let retry = || Retry::new(RetryPolicy::new(3).budget(10)).unwrap();
    let breaking = |policy: BreakerPolicy| CircuitBreaking::new(policy).unwrap();
    let by_number = BreakerPolicy::new(hour, hour).failures(5);
    let by_rate = BreakerPolicy::new(hour, hour).failure_percent(50, 10);
    let even = Only::new(|number: &Number| number.0.is_multiple_of(2));
    let stores = [
        chained(retry(), Timeout::new(hour).unwrap(), breaking(by_number)),
        chained(breaking(by_rate), retry(), RateLimit::new(u32::MAX, u32::MAX).unwrap()),
        chained(CatchPanic, even, PayloadLimit::new(8, |number: &Number| size_of_val(number))),
        chained(retry(), retry(), RateLimit::new(1, 1).unwrap().filtering()),
    ];
    for (index, store) in stores.iter().enumerate() {
        let count = allocations(|| {
            for _ in 0..100 {
                for value in 0..256 {
                    store.send(Number(value)).map(drop).unwrap();
                }
                assert_eq!(store.publish(), 256);
            }
        });
        assert_eq!(count, 0, "chain {index}");
        assert_eq!(store.metrics().failed_calls, 0);
        audited(store);
    }
}

/// An error that owns nothing.
#[derive(Debug)]
struct Refused(u64);

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} is refused", self.0)
    }
}

impl std::error::Error for Refused {}

#[test]
fn a_failure_allocates_for_its_error_and_nothing_else() {
    let _turn = turn();
    let store = numbers(64, OverrunPolicy::ReturnError);
    let fails = store
        .subscribe((), |number: &Number, _| Err::<(), _>(HandlerError::from(Refused(number.0))));
    let alone = allocations(|| drop(black_box(HandlerError::from(Refused(1)))));
    let count = allocations(|| {
        for round in 0..100 {
            store.send(Number(round)).map(drop).unwrap();
            store.publish();
        }
    });
    assert_eq!(count, 100 * alone);
    assert_eq!(fails.stats().unwrap().failed, 500);
    assert_eq!(store.snapshot().errors.errors[0].text, "99 is refused");
    audited(&store);
}

#[test]
fn a_handler_that_sends_allocates_nothing() {
    let _turn = turn();
    for policy in POLICIES {
        let store = numbers(8, policy);
        let _keep = store.subscribe((), |number: &Number, context| {
            if number.0 > 0 {
                context.send(Number(number.0 - 1)).map(drop).unwrap();
            }
        });
        let count = allocations(|| {
            store.send(Number(100)).map(drop).unwrap();
            while store.publish() > 0 {}
        });
        assert_eq!(count, 0, "{policy}");
        audited(&store);
    }
}

#[test]
fn a_typed_bus_allocates_for_what_does_not_fit_a_slot_and_nothing_else() {
    #[repr(align(16))]
    struct Aligned(u8);

    let _turn = turn();
    for policy in POLICIES {
        let bus = TypedBus::builder(256, policy).build_bus().unwrap();
        let _small = bus.subscribe::<[u64; 6]>(|words, _| {
            black_box(words);
        });
        let _large = bus.subscribe::<[u64; 7]>(|words, _| {
            black_box(words);
        });
        let _aligned = bus.subscribe::<Aligned>(|aligned, _| {
            black_box(aligned.0);
        });
        let _any = bus.subscribe_any(|event, _| {
            black_box(event.is::<u8>());
        });
        let run = |send: &dyn Fn(u64) -> bool| {
            allocations(|| {
                for number in 0..1000 {
                    assert!(send(number));
                    assert_eq!(bus.publish(), 1);
                }
            })
        };
        assert_eq!(run(&|number| bus.send([number; 6]).is_ok()), 0, "{policy}");
        assert_eq!(run(&|_| bus.send(()).is_ok()), 0, "{policy}");
        assert_eq!(run(&|number| bus.send([number; 7]).is_ok()), 1000, "{policy}");
        assert_eq!(run(&|_| bus.send(Aligned(7)).is_ok()), 1000, "{policy}");
        audited(&bus);
    }
}

#[test]
fn displacing_and_refusing_allocate_nothing() {
    let _turn = turn();
    let store = numbers(16, OverrunPolicy::DropOldest);
    let count = allocations(|| {
        (0..1000).for_each(|value| store.send(Number(value)).map(drop).unwrap());
        assert!(matches!(store.send(Number(1000)), Ok(Sent::Displaced(_))));
    });
    assert_eq!(count, 0);
    audited(&store);

    let store = numbers(1, OverrunPolicy::ReturnError);
    store.send(Number(0)).unwrap();
    let count = allocations(|| {
        assert!((0..1000).all(|value| store.send(Number(value)).is_err()));
    });
    assert_eq!(count, 0);
    audited(&store);
}

#[test]
fn groups_in_a_list_that_is_used_again_allocate_nothing() {
    let _turn = turn();
    for policy in POLICIES {
        let store = numbers(64, policy);
        let mut group = Vec::with_capacity(32);
        let count = allocations(|| {
            for _ in 0..100 {
                group.extend((0..32).map(Number));
                store.send_all(&mut group).map(drop).unwrap();
                group.extend((0..32).map(Number));
                store.try_send_all(&mut group).map(drop).unwrap();
                assert_eq!(store.publish(), 64);
            }
        });
        assert_eq!(count, 0, "{policy}");
        audited(&store);
    }
}

#[test]
fn receiving_into_a_list_that_is_used_again_allocates_nothing() {
    let _turn = turn();
    let ring = Ring::displacing(64).unwrap();
    let mut values = Vec::with_capacity(64);
    let count = allocations(|| {
        for value in 0..1000_u32 {
            ring.send_displacing(value).map(drop).unwrap();
            if value % 100 == 0 {
                values.clear();
                ring.try_reader().unwrap().receive_into(&mut values, 64);
            }
        }
    });
    assert_eq!(count, 0);
}

#[test]
fn a_sender_that_really_waits_allocates_nothing() {
    const EVENTS: u64 = 200;
    let _turn = turn();
    // A ring with one slot: the sender is ahead of the dispatcher at nearly every send.
    let store = numbers(1, OverrunPolicy::Block);
    let handled = AtomicU64::new(0);
    let (begin, end) = (Barrier::new(2), Barrier::new(2));
    let done = AtomicBool::new(false);
    let mut waited = 0;
    thread::scope(|scope| {
        let sender = scope.spawn(|| {
            let mut waited = 0;
            loop {
                begin.wait();
                if done.load(Ordering::SeqCst) {
                    return waited;
                }
                for value in 0..EVENTS {
                    match store.try_send(Number(value)) {
                        Ok(_) => {}
                        Err(full) => {
                            waited += 1;
                            store.send(full.into_event()).map(drop).unwrap();
                        }
                    }
                }
                end.wait();
            }
        });
        let count = allocations(|| {
            begin.wait();
            let mut dispatched = 0;
            while dispatched < EVENTS {
                if dispatched % 20 == 0 {
                    // Longer than a sender spins and yields: by the end of it, it sleeps.
                    let pause = Deadline::after(Duration::from_micros(50));
                    while !pause.has_passed() {
                        thread::yield_now();
                    }
                }
                dispatched += store.publish() as u64;
            }
            handled.fetch_add(dispatched, Ordering::Relaxed);
            end.wait();
        });
        done.store(true, Ordering::SeqCst);
        begin.wait();
        waited = sender.join().unwrap();
        assert_eq!(count, 0);
    });
    assert!(waited >= EVENTS / 20, "the sender waited only {waited} times");
    assert_eq!(audited(&store).unhandled, handled.load(Ordering::Relaxed));
}
