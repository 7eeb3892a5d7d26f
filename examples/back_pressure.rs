//! What a full ring means: the three policies side by side, each on a ring of four slots.
//!
//! ```console
//! $ cargo run --example back_pressure
//! ```
//!
//! For each policy it prints what a send into the full ring did, and the audit at the end: whatever
//! the policy, every accepted event is accounted for. Each claim it prints is also an assertion.

use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use ringbus::{Event, EventStore, OverrunPolicy, SendError, Sent, Subscription};

/// How many slots each ring has.
const CAPACITY: usize = 4;

/// A numbered event; all of them have the same topic.
#[derive(Debug, PartialEq)]
struct Frame(u32);

impl Event for Frame {
    type Topic = ();
    fn topic(&self) {}
}

/// The numbers of the frames that reached the handler, in order.
type Shown = Arc<Mutex<Vec<u32>>>;

fn main() -> Result<(), Box<dyn Error>> {
    drop_oldest()?;
    return_error()?;
    block_waits_for_room()?;
    block_gives_up_in_time()?;
    block_never_waits_for_itself()
}

/// The newest matters most: the oldest pending frame makes room, and the sender gets it.
fn drop_oldest() -> Result<(), Box<dyn Error>> {
    let (store, shown, _subscription) = full_store(OverrunPolicy::DropOldest)?;
    match store.send(Frame(4))? {
        Sent::Displaced(Frame(number)) => {
            println!("  frame 4 is in, frame {number} was displaced and came back");
            assert_eq!(number, 0);
        }
        other => unreachable!("one thread, a full ring: {other:?}"),
    }
    store.publish();
    finish(&store, &shown, &[1, 2, 3, 4])
}

/// The sender decides: it gets its frame back at once and may wait, retry, or let it go.
fn return_error() -> Result<(), Box<dyn Error>> {
    let (store, shown, _subscription) = full_store(OverrunPolicy::ReturnError)?;
    let Err(refused) = store.send(Frame(4)) else { unreachable!("the ring is full") };
    println!("  frame 4 was refused: {refused}");
    assert!(refused.is_full());
    let frame = refused.into_event();
    store.publish();
    assert_eq!(store.send(frame)?, Sent::Stored);
    println!("  after a publish the same frame was sent again and is in");
    store.publish();
    finish(&store, &shown, &[0, 1, 2, 3, 4])
}

/// Nothing may be lost: the sender waits until another thread dispatches.
fn block_waits_for_room() -> Result<(), Box<dyn Error>> {
    let (store, shown, _subscription) = full_store(OverrunPolicy::Block)?;
    let sender = thread::spawn({
        let store = store.clone();
        move || (4..10).all(|number| store.send(Frame(number)).is_ok())
    });
    while !sender.is_finished() {
        store.publish();
        thread::yield_now();
    }
    assert!(sender.join().is_ok_and(|all_sent| all_sent));
    store.publish();
    println!("  frames 4 to 9 waited for room while this thread published");
    finish(&store, &shown, &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
}

/// A wait can have an end: a timeout, or the closing of the store.
fn block_gives_up_in_time() -> Result<(), Box<dyn Error>> {
    let (store, shown, _subscription) = full_store(OverrunPolicy::Block)?;
    let begin = Instant::now();
    let Err(refused) = store.send_timeout(Frame(4), Duration::from_millis(20)) else {
        unreachable!("nobody publishes")
    };
    println!("  frame 4 gave up after {} ms: {refused}", begin.elapsed().as_millis());
    assert!(refused.is_timeout());
    let waiting = thread::spawn({
        let store = store.clone();
        move || store.send(refused.into_event())
    });
    store.close();
    let Ok(Err(refused)) = waiting.join() else { unreachable!("the store is full, then closed") };
    println!("  sent again, it came back when the store was closed: {refused}");
    assert!(refused.is_closed());
    assert!(store.drain(Duration::from_secs(1)).is_complete());
    finish(&store, &shown, &[0, 1, 2, 3])
}

/// A handler cannot wait for room, because the thread that makes room is its own. It is told so.
fn block_never_waits_for_itself() -> Result<(), Box<dyn Error>> {
    let (store, shown, _subscription) = full_store(OverrunPolicy::Block)?;
    let _echo = store.subscribe((), |frame: &Frame, context| {
        if frame.0 != 0 {
            return;
        }
        // The run being dispatched has left the ring, so there is room for four and no more.
        let sent = (4..).find_map(|number| context.send(Frame(number)).err());
        if let Some(error) = sent {
            println!("  a handler's frame was refused: {error}");
            assert_eq!(error, SendError::WouldDeadlock(Frame(8)));
        }
    });
    store.publish();
    store.publish();
    assert_eq!(store.metrics().failed_calls, 0);
    finish(&store, &shown, &[0, 1, 2, 3, 4, 5, 6, 7])
}

/// A store whose ring is full of frames 0 to 3, and the handler that notes what it sees.
fn full_store(
    policy: OverrunPolicy,
) -> Result<(EventStore<Frame>, Shown, Subscription), Box<dyn Error>> {
    println!("{policy}: {CAPACITY} slots, frames 0 to 3 are pending");
    let store = EventStore::builder(CAPACITY, policy).build()?;
    let shown = Shown::default();
    let subscription = store.subscribe((), {
        let shown = Arc::clone(&shown);
        move |frame: &Frame, _| {
            shown.lock().unwrap_or_else(PoisonError::into_inner).push(frame.0);
        }
    });
    for number in 0..4 {
        store.send(Frame(number))?;
    }
    Ok((store, shown, subscription))
}

/// Checks what the handler has seen, and prints the audit.
fn finish(
    store: &EventStore<Frame>,
    shown: &Shown,
    expected: &[u32],
) -> Result<(), Box<dyn Error>> {
    let shown = shown.lock().unwrap_or_else(PoisonError::into_inner);
    println!("  the handler saw {shown:?}");
    assert_eq!(*shown, expected);
    println!("  {}\n", store.audit()?);
    Ok(())
}
