//! The smallest program: one event type, one handler, one event.
//!
//! ```console
//! $ cargo run --example hello
//! BTC at 61652.8
//! audit ok: 1 accepted = 1 handled + 0 unhandled + 0 displaced + 0 undelivered + 0 pending
//! ```

use ringbus::{Event, EventStore, OverrunPolicy};

struct Trade {
    symbol: &'static str,
    price: f64,
}

impl Event for Trade {
    type Topic = &'static str;
    fn topic(&self) -> &'static str {
        self.symbol
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let store = EventStore::builder(1024, OverrunPolicy::Block).build()?;
    let _print = store.subscribe("BTC", |trade: &Trade, _| println!("BTC at {}", trade.price));
    store.send(Trade { symbol: "BTC", price: 61_652.8 })?;
    store.publish();
    println!("{}", store.audit()?);
    assert_eq!(store.metrics().handled, 1);
    Ok(())
}
