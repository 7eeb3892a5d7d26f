//! Orders of several accounts, handled by several workers: what is sent for one account is handled in
//! that order, whatever happens to the others and to itself.
//!
//! One account is slow, one fails on some of its orders, and one panics on some. Prints, for each
//! account, its lane and whether its orders were handled as they were sent.

use std::error::Error;
use std::panic;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use ringbus::{Deadline, Event, EventStore, HandlerError, Lanes, OverrunPolicy, Workers};

const ACCOUNTS: usize = 6;
const ORDERS: u32 = 30;
/// Whose orders take long, fail, or panic.
const SLOW: usize = 1;
const FAILING: usize = 2;
const PANICKING: usize = 3;

/// Need not be `Clone`: it is moved into the ring of its lane, and no further.
struct Order {
    account: usize,
    number: u32,
}

impl Event for Order {
    type Topic = ();

    fn topic(&self) {}
}

/// For each account, the numbers of its orders as they were handled. Its own worker alone writes to
/// it, so nobody waits for the lock.
type Book = Arc<[Mutex<Vec<u32>>; ACCOUNTS]>;

fn main() -> Result<(), Box<dyn Error>> {
    // The panics of a worker are on purpose, and are counted; nobody needs to read them.
    let print = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        if thread::current().name() == Some("main") {
            print(panic);
        }
    }));
    // 3 workers for 6 accounts: some share one, which does not matter to their order.
    let workers = Workers::by_key(|order: &Order| order.account).count(3).name("orders");
    let lanes = EventStore::builder(16, OverrunPolicy::Block).build_lanes(workers)?;

    let book = Book::default();
    let noted = Arc::clone(&book);
    let _execute = lanes.subscribe((), move |order: &Order, _| {
        noted[order.account].lock().unwrap_or_else(PoisonError::into_inner).push(order.number);
        execute(order)
    });

    for number in 0..ORDERS {
        for account in 0..ACCOUNTS {
            // Waits only if this account's lane is full, which is the slow one's before long.
            lanes.send(Order { account, number })?;
        }
    }
    lanes.flush(Deadline::NEVER)?;

    for (account, numbers) in book.iter().enumerate() {
        let numbers = numbers.lock().unwrap_or_else(PoisonError::into_inner);
        let is_kept = numbers.iter().copied().eq(0..ORDERS);
        let lane = lane_of(&lanes, account);
        let what = match account {
            SLOW => "slow",
            FAILING => "fails on every third",
            PANICKING => "panics on every fifth",
            _ => "",
        };
        println!("account {account}, lane {lane}: {} in order: {is_kept} {what}", numbers.len());
        assert!(is_kept, "{numbers:?}");
    }
    let metrics = lanes.metrics();
    println!("{} calls failed, {} of them panicked", metrics.failed_calls, metrics.panicked_calls);
    assert_eq!((metrics.failed_calls, metrics.panicked_calls), (16, 6));
    println!("{}", lanes.audit()?);
    Ok(())
}

fn execute(order: &Order) -> Result<(), HandlerError> {
    match order.account {
        SLOW => thread::sleep(Duration::from_millis(1)),
        FAILING if order.number.is_multiple_of(3) => {
            return Err(HandlerError::message("not enough money"));
        }
        PANICKING if order.number.is_multiple_of(5) => panic!("an order nobody had thought of"),
        _ => {}
    }
    Ok(())
}

/// The number of an account's lane.
fn lane_of(lanes: &Lanes<Order>, account: usize) -> usize {
    let own = lanes.lane_of(&Order { account, number: 0 });
    let is_own = |&index: &usize| lanes.lane(index).is_some_and(|lane| std::ptr::eq(lane, own));
    (0..lanes.count()).find(is_own).expect("it is one of them")
}
