//! The store: a ring, its subscriptions, and the dispatch between them.

mod accept;
mod again;
mod asks;
mod audit;
mod batch_call;
mod batching;
mod blocked;
mod builder;
mod commit;
mod crew;
mod debug;
mod delivery;
mod dispatch;
mod due;
mod gauges;
mod intake;
mod keeper;
mod lanes;
#[cfg(feature = "tracing")]
mod listened;
mod listing;
mod monitor;
mod next;
mod producer;
mod replay;
mod sampling;
mod send;
mod send_wait;
mod sharing;
mod shutdown;
mod side;
mod snapshot;
mod subscribe;
mod timers;
mod walk;
mod whole;

pub use builder::StoreBuilder;
pub use crew::{Driver, DriverConfig};
pub use lanes::{Lanes, Workers};
pub use monitor::Monitor;
pub use producer::Producer;
pub use replay::Replay;
pub use shutdown::DrainReport;
pub use side::{LaneConfig, LaneSubscription};
pub use snapshot::{RunningStats, Snapshot};

use std::marker::PhantomData;
use std::time::Instant;

use crossbeam_utils::CachePadded;

use self::asks::Asks;
use self::crew::Crew;
use self::dispatch::Dispatcher;
use self::gauges::Gauges;
use self::intake::Intake;
use self::keeper::Keeper;
use self::side::{Gaps, SideLanes};
use self::whole::Whole;
use crate::config::OverrunPolicy;
use crate::contain::{self, Each};
use crate::event::Event;
use crate::handler::{Middleware, Observer, Registry, Watch};
use crate::metrics::Counters;
use crate::ring::{Lease, Many, Producers};
use crate::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use crate::sync::{self, Arc, Mutex, OnceLock, Weak};
use crate::time::{Clock, MonotonicClock};
use crate::timer::Timers;

/// A bounded store of events that are dispatched to the handlers subscribed to them.
///
/// A handle: cloning it is cheap, and all clones are the same store. Events are dispatched by whoever
/// calls [`publish`](Self::publish), or by a thread if the [builder](StoreBuilder::driver) is asked for
/// one. When the last handle is dropped, events still inside are dropped too, unless there is such a
/// thread: call [`drain`](Self::drain) to get them.
///
/// # Examples
///
/// ```
/// use ringbus::{Event, EventStore, OverrunPolicy};
///
/// struct Trade {
///     symbol: &'static str,
///     price: f64,
/// }
///
/// impl Event for Trade {
///     type Topic = &'static str;
///     fn topic(&self) -> &'static str {
///         self.symbol
///     }
/// }
///
/// let store = EventStore::builder(1024, OverrunPolicy::Block).build()?;
/// let _print = store.subscribe("BTC", |trade: &Trade, _| println!("BTC at {}", trade.price));
/// store.send(Trade { symbol: "BTC", price: 61_652.8 })?;
/// assert_eq!(store.publish(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct EventStore<E: Event, P: Producers = Many> {
    shared: Arc<Shared<E>>,
    producers: PhantomData<P>,
}

/// What all handles of a store have in common.
struct Shared<E: Event> {
    intake: Intake<E>,
    registry: Arc<Registry<E>>,
    observers: Arc<Each<Box<dyn Observer<E>>>>,
    /// Around every handler; the first is the outermost.
    middleware: Arc<Each<Box<dyn Middleware<E>>>>,
    watch: Watch,
    /// Present if events are kept for the handlers that failed on them.
    keeper: Option<Box<dyn Keeper<E>>>,
    clock: Arc<dyn Clock>,
    timers: Arc<Timers<E>>,
    /// When the next batch has to go out.
    batch_due: Mutex<Option<Instant>>,
    /// How often something of what is due has changed, beside calls and timers.
    due_news: AtomicU64,
    counters: Counters,
    gauges: Gauges<E>,
    /// Who has it dispatches. On lines of its own: each dispatch writes to it.
    dispatcher: CachePadded<Lease<Dispatcher<E>>>,
    /// The token of the thread that dispatches, or 0.
    dispatching_thread: AtomicUsize,
    /// Whether that thread called `publish` or `drain` from inside.
    asked_again: AtomicBool,
    /// Whether a drain ran out of time: nothing is dispatched any more.
    abandoned: AtomicBool,
    /// Events that were in a dispatching thread's hands when a drain ran out of time.
    left_over: Mutex<Vec<E>>,
    /// How many handles of the store there are; a producer is none.
    handles: AtomicUsize,
    crew: Crew,
    /// Events whose senders wait for the driver's answer.
    asks: Asks<E>,
    /// What the store is a lane of, if it is one.
    whole: OnceLock<Weak<dyn Whole<E>>>,
    /// The lanes of subscriptions that have one of their own.
    side: SideLanes<E>,
    /// What has been lost, if the store is such a lane.
    gaps: OnceLock<Arc<Gaps>>,
    /// For the note of a thread that waits for this store.
    own: Weak<Self>,
}

impl<E: Event> EventStore<E> {
    /// Starts building a store with `capacity` slots (a power of two) and the policy for a full ring.
    #[doc(alias = "NewEventBus")]
    #[doc(alias = "NewEventStore")]
    pub fn builder(capacity: usize, policy: OverrunPolicy) -> StoreBuilder<E> {
        StoreBuilder::new(capacity, policy)
    }
}

impl<E: Event, P: Producers> EventStore<E, P> {
    /// How many slots the ring has.
    pub fn capacity(&self) -> usize {
        self.shared.intake.capacity()
    }

    /// What the store does with a send when its ring is full.
    pub fn policy(&self) -> OverrunPolicy {
        self.shared.intake.policy()
    }

    /// How many events are pending; may be stale at once.
    pub fn len_hint(&self) -> usize {
        self.shared.intake.len_hint()
    }

    /// Whether the store is closed.
    pub fn is_closed(&self) -> bool {
        self.shared.intake.is_closed()
    }
}

impl<E: Event> Shared<E> {
    /// The time; the clock is the user's, and if it panics the system's is right.
    fn now(&self) -> Instant {
        contain::contain(|| self.clock.now()).unwrap_or_else(|_| Instant::now())
    }

    /// Tells every observer; one that panics is counted and changes nothing.
    #[cold]
    fn observe(&self, tell: impl Fn(&dyn Observer<E>)) {
        for observer in &self.observers[..] {
            if contain::contain(|| tell(&**observer)).is_err() {
                self.counters.observer_panics.add(1);
            }
        }
    }
}

impl<E: Event> Drop for Shared<E> {
    /// Drops what is the user's one by one, so that a panic in one `Drop` stops no other. The ring
    /// and the registry do the same with what they hold.
    fn drop(&mut self) {
        // Taken out first: no lock is held while the user's code runs.
        let left_over = std::mem::take(&mut *sync::lock(&self.left_over));
        for event in left_over {
            contain::drop_contained(event);
        }
        // Lanes may share it.
        let clock = std::mem::replace(&mut self.clock, Arc::new(MonotonicClock));
        contain::drop_contained(clock);
    }
}

impl<E: Event, P: Producers> Clone for EventStore<E, P> {
    fn clone(&self) -> Self {
        Self::handle_of(&self.shared)
    }
}

impl<E: Event, P: Producers> EventStore<E, P> {
    /// One more handle of a store that has one.
    fn handle_of(shared: &Arc<Shared<E>>) -> Self {
        // Relaxed: a number; who clones has a handle.
        shared.handles.fetch_add(1, Ordering::Relaxed);
        Self { shared: Arc::clone(shared), producers: PhantomData }
    }
}

impl<E: Event, P: Producers> Drop for EventStore<E, P> {
    /// With the last handle goes the last who could dispatch: a producer that is left is refused,
    /// and one that waits for room gets its event back.
    fn drop(&mut self) {
        // Relaxed: closing hands nothing over.
        if self.shared.handles.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.shared.dismiss();
        }
    }
}
