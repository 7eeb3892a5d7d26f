//! One event, several handlers: in the order of their priority, and none in the way of another.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use ringbus::{Event, EventStore, OverrunPolicy, SubscribeOptions};

/// Something a shop sells.
struct Sale {
    article: &'static str,
    pieces: u32,
}

impl Event for Sale {
    type Topic = &'static str;

    fn topic(&self) -> &'static str {
        self.article
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let store = EventStore::builder(64, OverrunPolicy::ReturnError).build()?;
    let sold = Arc::new(AtomicU32::new(0));

    // First the stock, whatever else subscribes to tea, because it has the higher priority.
    let stock = SubscribeOptions::topic("tea").priority(10).name("stock");
    let _stock = store.subscribe_with(stock, |sale: &Sale, _| {
        println!("stock:   {} {} less", sale.pieces, sale.article);
    });
    let _invoice = store.subscribe("tea", |sale: &Sale, _| {
        println!("invoice: {} {}", sale.pieces, sale.article);
    });
    // One that fails does not keep the event from the others.
    let _broken = store.subscribe("tea", |_: &Sale, _| -> Result<(), _> {
        Err(std::io::Error::other("the printer has no paper"))
    });
    // All articles.
    let total = Arc::clone(&sold);
    let _total = store.subscribe_with(SubscribeOptions::all_topics(), move |sale: &Sale, _| {
        total.fetch_add(sale.pieces, Ordering::Relaxed);
    });

    store.send(Sale { article: "tea", pieces: 3 })?;
    store.send(Sale { article: "milk", pieces: 2 })?;
    store.publish();

    println!("{} pieces sold", sold.load(Ordering::Relaxed));
    for stats in store.all_subscription_stats() {
        println!("{stats}");
    }
    assert_eq!(sold.load(Ordering::Relaxed), 5);
    println!("{}", store.audit()?);
    Ok(())
}
