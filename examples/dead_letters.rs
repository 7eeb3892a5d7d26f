//! What becomes of events that a handler fails on: attempts with a wait between them, a letter at the
//! end, and a replay once the cause is gone.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ringbus::{
    BackOff, DeadLetterConfig, DeadLetterQueue, Event, EventStore, HandlerError, ManualClock,
    OverrunPolicy, Replay, Retry, RetryPolicy, SubscribeOptions,
};

/// A page to be fetched. It need not be `Clone`.
struct Page(&'static str);

impl Event for Page {
    type Topic = ();

    fn topic(&self) {}
}

fn main() -> Result<(), Box<dyn Error>> {
    let letters = DeadLetterQueue::new(DeadLetterConfig::new(100).attempts_max(10))?;
    // So that this takes no time; a program leaves the line out.
    let clock = ManualClock::new();
    let store = EventStore::builder(64, OverrunPolicy::ReturnError)
        .dead_letters(&letters)
        .clock(clock.clone())
        .build()?;

    let is_down = Arc::new(AtomicBool::new(true));
    let down = Arc::clone(&is_down);
    let policy = RetryPolicy::new(3).back_off(BackOff::Constant(Duration::from_secs(1)));
    let options = SubscribeOptions::topic(()).name("fetch").middleware(Retry::new(policy)?);
    let _fetch = store.subscribe_with(options, move |page: &Page, context| {
        println!("{}: attempt {}", page.0, context.attempt());
        if page.0.is_empty() {
            return Err(HandlerError::validation("a page without an address"));
        }
        if down.load(Ordering::Relaxed) {
            return Err(HandlerError::retryable("the server is down"));
        }
        Ok(())
    });
    // Is not held up by what the other waits for, and sees each page once.
    let _log = store.subscribe((), |page: &Page, _| println!("{}: seen", page.0));

    store.send(Page("/index"))?;
    store.send(Page(""))?;
    for _ in 0..3 {
        store.publish();
        clock.advance(Duration::from_secs(1));
    }
    for letter in letters.snapshot() {
        println!("{letter}");
    }
    assert_eq!(letters.len(), 2);

    is_down.store(false, Ordering::Relaxed);
    let wanted = Replay::all().filter(|letter| letter.error().is_retryable());
    println!("{} replayed", store.replay(&letters, wanted)?);
    store.publish();
    assert_eq!(letters.len(), 1, "only the one that cannot come right is left");
    for stats in store.all_subscription_stats() {
        println!("{stats}");
    }
    println!("{}", store.audit()?);
    Ok(())
}
