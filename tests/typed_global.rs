//! The bus of the process. A binary of its own with one test, because a process has one.

use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use ringbus::{
    ConfigError, Deadline, DriverConfig, GlobalError, OverrunPolicy, TypedBus, global, init_global,
};

struct Started(u32);

#[test]
fn it_is_set_up_once_or_says_why_not() {
    const RACERS: usize = 8;
    static SUM: AtomicUsize = AtomicUsize::new(0);

    assert_eq!(global().unwrap_err(), GlobalError::NotSet);

    // Settings that cannot be leave nothing behind.
    let wrong = init_global(TypedBus::builder_sync(1000, OverrunPolicy::Block)).unwrap_err();
    assert!(matches!(wrong, GlobalError::Config(ConfigError::NotPowerOfTwo { .. })), "{wrong}");
    assert!(wrong.to_string().contains("1024"), "{wrong}");
    assert_eq!(global().unwrap_err(), GlobalError::NotSet);

    // Of several at once one is first; those that come late have no thread left.
    let (gate, won) = (Barrier::new(RACERS), AtomicUsize::new(0));
    thread::scope(|scope| {
        for racer in 0..RACERS {
            let (gate, won) = (&gate, &won);
            scope.spawn(move || {
                gate.wait();
                let builder = TypedBus::builder_sync(1 << racer, OverrunPolicy::Block);
                match init_global(builder.driver(DriverConfig::new())) {
                    Ok(bus) => {
                        assert_eq!(bus.capacity(), 1 << racer);
                        won.fetch_add(1, Ordering::Relaxed);
                    }
                    Err(error) => assert_eq!(error, GlobalError::AlreadySet),
                }
            });
        }
    });
    assert_eq!(won.load(Ordering::Relaxed), 1);

    let again = init_global(TypedBus::builder_sync(8, OverrunPolicy::Block)).unwrap_err();
    assert_eq!(again, GlobalError::AlreadySet);
    assert!(again.to_string().contains("ringbus::global"), "{again}");

    let bus = global().expect("it is set up");
    let add = bus.subscribe::<Started>(|started, _| {
        SUM.fetch_add(started.0 as usize, Ordering::Relaxed);
    });
    add.detach();
    let senders: Vec<_> = (0..4)
        .map(|_| thread::spawn(|| global().expect("it is set up").send(Started(7)).map(drop)))
        .collect();
    for sender in senders {
        sender.join().expect("it ends").expect("the bus is open");
    }
    let report = bus.drain(Deadline::NEVER);
    assert!(report.is_complete());
    assert_eq!(SUM.load(Ordering::Relaxed), 28);
    assert_eq!(bus.audit().expect("it adds up").handled, 4);
    // It stays, closed.
    assert!(global().expect("it is set up").send(Started(1)).unwrap_err().is_closed());
}
