//! Events that belong together: dispatched in one go up to the first failure, or sent all or none.

use std::collections::HashMap;
use std::error::Error;

use ringbus::{CommitError, Event, EventStore, HandlerError, OverrunPolicy, SubscribeOptions};

/// An entry in the books.
#[derive(Debug)]
struct Entry {
    account: u32,
    cents: i64,
}

impl Event for Entry {
    type Topic = ();

    fn topic(&self) {}
}

fn main() -> Result<(), Box<dyn Error>> {
    let store = EventStore::builder(4, OverrunPolicy::ReturnError).build()?;
    let mut balances = HashMap::from([(1, 100_i64), (2, 0)]);
    let _books = store.subscribe_mut(SubscribeOptions::topic(()), move |entry: &Entry, _| {
        let balance = balances.entry(entry.account).or_insert(0);
        if *balance + entry.cents < 0 {
            return Err(HandlerError::validation("there is not so much in the account"));
        }
        *balance += entry.cents;
        println!("account {} has {balance}", entry.account);
        Ok(())
    });

    let mut transfer = store.transaction();
    transfer.push(Entry { account: 1, cents: -60 }).push(Entry { account: 2, cents: 60 });
    println!("{} entries committed", transfer.commit()?);

    // The second entry fails: the third is not dispatched, and stays in the transaction.
    transfer.push(Entry { account: 2, cents: -10 });
    transfer.push(Entry { account: 1, cents: -60 });
    transfer.push(Entry { account: 2, cents: 60 });
    match transfer.commit() {
        Err(CommitError::Handler { event, error, dispatched }) => {
            println!("entry {dispatched}, {event:?}, failed: {error}");
        }
        other => panic!("the account does not have so much: {other:?}"),
    }
    let rest = transfer.rollback();
    println!("rolled back: {rest:?}");
    assert_eq!(rest.len(), 1);

    // Into the ring, all or none: behind what is pending, to be dispatched by whoever publishes.
    transfer.push(Entry { account: 2, cents: -5 }).push(Entry { account: 1, cents: 5 });
    transfer.enqueue()?;
    assert_eq!(store.publish(), 2);
    println!("{}", store.audit()?);
    Ok(())
}
