//! A subscriber that is too slow for what comes, beside one that must not miss anything.
//!
//! The slow one has a lane of its own: a small ring and a thread. It draws what it gets, and sees how
//! much it has missed; the store and everybody else go on at their own pace.
//!
//! ```text
//! cargo run --example slow_subscriber
//! ```

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use ringbus::{Deadline, Event, EventStore, LaneConfig, OverrunPolicy, SubscribeOptions};

/// A reading of a sensor. Behind an `Arc`, because each lane takes a clone of it.
#[derive(Clone)]
struct Reading(Arc<[f64; 16]>);

impl Event for Reading {
    type Topic = ();
    fn topic(&self) {}
}

const READINGS: u32 = 2_000;

fn main() -> Result<(), Box<dyn Error>> {
    let store = EventStore::builder(256, OverrunPolicy::Block).build()?;

    let archived = Arc::new(AtomicU64::new(0));
    let archive = Arc::clone(&archived);
    store
        .subscribe((), move |_: &Reading, _| {
            archive.fetch_add(1, Ordering::Relaxed);
        })
        .detach();

    // Only the newest readings are worth drawing.
    let lane = LaneConfig::new(4, OverrunPolicy::DropOldest).name("display");
    let options = SubscribeOptions::topic(()).name("display");
    let mut missing = 0;
    let display = store.subscribe_lane_mut(options, lane, move |reading: &Reading, context| {
        missing += context.gap();
        thread::sleep(Duration::from_millis(2)); // So long takes a frame.
        let mean = reading.0.iter().sum::<f64>() / 16.0;
        println!("mean {mean:>7.1}, {missing} readings skipped so far");
    })?;

    for number in 0..READINGS {
        store.send(Reading(Arc::new([f64::from(number); 16])))?;
        store.publish();
        if number % 100 == 0 {
            thread::sleep(Duration::from_millis(1));
        }
    }

    let report = store.drain(Deadline::after(Duration::from_secs(5)));
    println!("{report}");
    println!("archive: {} of {READINGS}", archived.load(Ordering::Relaxed));
    println!("display: {} drawn, {} skipped", display.metrics().handled, display.lost());
    println!("{}", store.audit()?);
    Ok(())
}
