//! Which events come to a handler: filters that are put together, and subscriptions that end.

use std::error::Error;

use ringbus::filter::{any_of, on_topic};
use ringbus::{Event, EventStore, Filter, OverrunPolicy, SubscribeOptions};

/// What a sensor has measured.
#[derive(Clone, Copy)]
struct Reading {
    room: &'static str,
    degrees: f64,
}

impl Event for Reading {
    type Topic = &'static str;

    fn topic(&self) -> &'static str {
        self.room
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let store = EventStore::builder(64, OverrunPolicy::ReturnError).build()?;

    let hot = |reading: &Reading| reading.degrees > 30.0;
    let cold = |reading: &Reading| reading.degrees < 5.0;
    let plausible = |reading: &Reading| reading.degrees.is_finite();

    let odd = SubscribeOptions::all_topics().filter(plausible.and(hot.or(cold))).name("odd");
    let odd = store.subscribe_with(odd, |reading: &Reading, _| {
        println!("{}: {} degrees", reading.room, reading.degrees);
    });

    let upstairs = any_of(vec![Box::new(on_topic("attic")), Box::new(on_topic("study"))]);
    let first = SubscribeOptions::all_topics().filter(upstairs.and(hot)).once();
    let _first = store.subscribe_with(first, |reading: &Reading, _| {
        println!("the first heat upstairs: {}", reading.room);
    });

    let readings = [("cellar", 3.5), ("attic", 31.0), ("study", 33.0), ("attic", f64::NAN)];
    for (room, degrees) in readings {
        store.send(Reading { room, degrees })?;
    }
    store.publish();

    // Nothing comes to it while it is paused.
    odd.pause();
    store.send(Reading { room: "attic", degrees: 40.0 })?;
    store.publish();
    odd.resume();

    let stats = odd.stats().expect("it has not ended");
    println!("{stats}");
    assert_eq!((stats.succeeded, stats.filtered, stats.missed), (3, 1, 1));
    println!("{}", store.audit()?);
    Ok(())
}
