//! One call for many events: a batch goes out when it is full or when its time has come, and fails
//! as a whole or event by event.

use std::error::Error;
use std::time::Duration;

use ringbus::{
    Batch, BatchConfig, DeadLetterConfig, DeadLetterQueue, Deadline, Event, EventStore,
    HandlerError, ManualClock, OverrunPolicy, SubscribeOptions,
};

/// A row for a table: writing many at once is hardly dearer than writing one.
struct Row {
    key: &'static str,
    value: i32,
}

impl Event for Row {
    type Topic = ();

    fn topic(&self) {}
}

fn main() -> Result<(), Box<dyn Error>> {
    let letters = DeadLetterQueue::new(DeadLetterConfig::new(100))?;
    // So that this takes no time; a program leaves the line out.
    let clock = ManualClock::new();
    let store = EventStore::builder(64, OverrunPolicy::ReturnError)
        .dead_letters(&letters)
        .clock(clock.clone())
        .build()?;

    let config = BatchConfig::new(3).max_wait(Duration::from_millis(10));
    let options = SubscribeOptions::topic(()).name("insert");
    let _insert = store.subscribe_batch(options, config, |rows: &mut Batch<'_, Row>, _| {
        let keys: Vec<_> = rows.iter().map(|row| row.key).collect();
        println!("insert: {}", keys.join(" "));
        for index in 0..rows.len() {
            // An error that is returned would be one for each row of the batch.
            if rows.get(index).is_some_and(|row| row.value < 0) {
                rows.fail(index, HandlerError::validation("a negative value"));
            }
        }
    })?;

    let rows = [("a", 1), ("b", -2), ("c", 3), ("d", 4)];
    store.send_all(&mut rows.map(|(key, value)| Row { key, value }).into())?;
    store.publish(); // Full with a, b and c; d waits.
    println!("{}", store.audit()?);
    assert_eq!(store.audit()?.collected, 1);

    clock.advance(Duration::from_millis(10));
    store.publish(); // The time of d has come. `publish_wait` wakes up for that by itself.
    assert_eq!(store.audit()?.collected, 0);

    store.send(Row { key: "e", value: 5 })?;
    assert!(store.drain(Deadline::NEVER).is_complete()); // A drain waits for no batch to fill.

    let letters = letters.drain();
    for letter in &letters {
        println!("{}: {letter}", letter.event().key);
    }
    assert!(matches!(&letters[..], [b] if b.event().key == "b"), "only the one that failed");
    println!("{}", store.audit()?);
    Ok(())
}
