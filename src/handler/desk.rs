//! Which handlers are running right now, for those who wait for one.
//!
//! A handler that does not return cannot say so itself. So each subscription of a store that wants to
//! know has a [`Post`], at which every call signs in and out: two stores to a line that nobody else
//! writes. Whoever wants to know walks along the posts; the clock is read by those who look, never by
//! those who are called.

use std::fmt;
use std::panic::Location;
use std::time::{Duration, Instant};

use super::{
    Batch, BatchHandler, BoxBatchHandler, BoxHandler, CallContext, Handler, Outcome, SubscriptionId,
};
use crate::error::HandlerError;
use crate::event::Event;
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{self, Arc, Mutex, Weak};

/// A call of a handler that has not returned.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RunningCall {
    /// The subscription whose handler is running.
    pub subscription: SubscriptionId,
    /// What it was called when it was made.
    pub name: Option<Arc<str>>,
    /// Where in the program it was made.
    pub place: &'static Location<'static>,
}

impl fmt::Display for RunningCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.subscription.fmt(f)?;
        if let Some(name) = &self.name {
            write!(f, " {name:?}")?;
        }
        write!(f, " made at {}", self.place)
    }
}

/// Where the calls of a subscription sign in and out.
pub(crate) struct Post {
    /// Twice the number of calls that are over, and one while one is running.
    calls: AtomicU64,
}

/// Signs a call out when it is over, also by a panic.
struct SignOut<'p> {
    post: &'p Post,
    calls: u64,
}

impl Post {
    #[inline]
    fn sign_in(&self) -> SignOut<'_> {
        // Relaxed (both): one thread at a time calls, and the lease hands the post on; who looks
        // wants a number.
        let calls = self.calls.load(Ordering::Relaxed);
        self.calls.store(calls + 1, Ordering::Relaxed);
        SignOut { post: self, calls: calls + 2 }
    }

    /// The number of the call that is running.
    fn running(&self) -> Option<u64> {
        // Relaxed: as above.
        let calls = self.calls.load(Ordering::Relaxed);
        (calls % 2 == 1).then_some(calls)
    }
}

impl Drop for SignOut<'_> {
    #[inline]
    fn drop(&mut self) {
        // Relaxed: as above.
        self.post.calls.store(self.calls, Ordering::Relaxed);
    }
}

/// Around everything else, in a store that wants to know what is running.
pub(crate) struct Attended<H> {
    post: Arc<Post>,
    next: H,
}

impl<E: Event> Handler<E> for Attended<BoxHandler<E>> {
    fn handle(&self, event: &E, context: &CallContext<'_, E>) -> Result<Outcome, HandlerError> {
        let _sign_out = self.post.sign_in();
        self.next.handle(event, context)
    }
}

impl<E: Event> BatchHandler<E> for Attended<BoxBatchHandler<E>> {
    fn handle(
        &self,
        batch: &mut Batch<'_, E>,
        context: &CallContext<'_, E>,
    ) -> Result<Outcome, HandlerError> {
        let _sign_out = self.post.sign_in();
        self.next.handle(batch, context)
    }
}

/// All posts of a store.
pub(crate) struct Desk {
    /// How long a call may run until it is reported.
    limit: Option<Duration>,
    entries: Mutex<Vec<Entry>>,
}

struct Entry {
    /// Gone when the handler is.
    post: Weak<Post>,
    call: RunningCall,
    seen: Option<Seen>,
}

/// A call that was running when somebody looked.
struct Seen {
    calls: u64,
    since: Instant,
    is_reported: bool,
}

impl Entry {
    /// Notes the call that is running, if there is one, and since when it has been seen.
    fn look(&mut self, now: Instant) -> Option<(&mut Seen, Duration)> {
        let calls = self.post.upgrade().and_then(|post| post.running());
        self.seen = calls.map(|calls| match self.seen.take() {
            Some(seen) if seen.calls == calls => seen,
            _ => Seen { calls, since: now, is_reported: false },
        });
        let seen = self.seen.as_mut()?;
        let elapsed = now.saturating_duration_since(seen.since);
        Some((seen, elapsed))
    }
}

impl Desk {
    pub(crate) fn new(limit: Option<Duration>) -> Self {
        Self { limit, entries: Mutex::new(Vec::new()) }
    }

    /// How long a call may run until it is reported.
    pub(crate) const fn limit(&self) -> Option<Duration> {
        self.limit
    }

    /// The handler with a post in front of it, which is to be [listed](Self::list).
    pub(crate) fn attend<H>(next: H) -> (Attended<H>, Weak<Post>) {
        let post = Arc::new(Post { calls: AtomicU64::new(0) });
        let weak = Arc::downgrade(&post);
        (Attended { post, next }, weak)
    }

    /// Says whose post it is.
    pub(crate) fn list(&self, post: Weak<Post>, call: RunningCall) {
        let mut entries = sync::lock(&self.entries);
        if entries.len() == entries.capacity() {
            // Those that have ended, before it grows: so rarely that it costs nothing.
            entries.retain(|entry| entry.post.strong_count() != 0);
        }
        entries.push(Entry { post, call, seen: None });
    }

    /// The calls that are running.
    pub(crate) fn running(&self) -> Vec<RunningCall> {
        let entries = sync::lock(&self.entries);
        let is_running =
            |entry: &&Entry| entry.post.upgrade().is_some_and(|p| p.running().is_some());
        entries.iter().filter(is_running).map(|entry| entry.call.clone()).collect()
    }

    /// The calls that have been seen running for longer than the limit, each once, with the time since
    /// they were first seen.
    pub(crate) fn overdue(&self, now: Instant) -> Vec<(RunningCall, Duration)> {
        let Some(limit) = self.limit else { return Vec::new() };
        let mut overdue = Vec::new();
        for entry in &mut *sync::lock(&self.entries) {
            if let Some((seen, elapsed)) = entry.look(now)
                && elapsed >= limit
                && !seen.is_reported
            {
                seen.is_reported = true;
                overdue.push((entry.call.clone(), elapsed));
            }
        }
        overdue
    }

    /// The calls that are running, with the time since they were first seen: now, or in an earlier look.
    pub(crate) fn elapsed(&self, now: Instant) -> Vec<(RunningCall, Duration)> {
        let look = |entry: &mut Entry| {
            let (_, elapsed) = entry.look(now)?;
            Some((entry.call.clone(), elapsed))
        };
        sync::lock(&self.entries).iter_mut().filter_map(look).collect()
    }
}
