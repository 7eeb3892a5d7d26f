//! The events of the model, and where each of them has gone.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use ringbus::{
    DeadLetterQueue, Event, Lanes, ManualClock, SendAllError, SendError, Sent, SentAll,
    SubscriptionId, WaitStrategy,
};

/// More than any case makes.
pub(crate) const EVENTS_MAX: usize = 1 << 14;

/// Who made an event whose order among others is not certain.
pub(crate) const NOBODY: usize = usize::MAX;

/// What the first handler of an event is told to do.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Command {
    Nothing,
    Send(u8, usize),
    SendAll(u8, usize),
    /// By another thread, which the handler waits for.
    SendElsewhere(u8),
    Schedule(u8, u64),
    Unsubscribe(usize),
    Pause(usize, bool),
    /// All that is refused inside.
    Refused,
    Panic,
    Publish(usize),
    FlushLane(usize),
    Replay,
    /// Takes the last handle, if the test has left it.
    End,
}

/// How a subscription behaves.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spec {
    /// All, if none.
    pub(crate) topic: Option<u8>,
    /// It wants no multiples of this.
    pub(crate) rejects: usize,
    /// It fails on multiples of this, up to this attempt.
    pub(crate) fails: (usize, u32),
    /// How many attempts, and whether there is a wait between them.
    pub(crate) retry: Option<(u32, bool)>,
    /// If so, whether only a success counts.
    pub(crate) once: Option<bool>,
    pub(crate) batch: Option<usize>,
    /// Whether each lane has a handler of its own.
    pub(crate) each: bool,
}

impl Spec {
    pub(crate) fn wants(&self, work: &Work) -> bool {
        self.topic.is_none_or(|topic| topic == work.topic())
            && !work.id.is_multiple_of(self.rejects)
    }

    pub(crate) fn fails(&self, id: usize, attempt: u32) -> bool {
        id.is_multiple_of(self.fails.0) && attempt <= self.fails.1
    }
}

/// An event; how many of them there are is counted.
#[derive(Debug, Clone)]
pub(crate) struct Work {
    pub(crate) id: usize,
    pub(crate) key: u8,
    /// Which thread made it.
    pub(crate) from: usize,
    pub(crate) command: Command,
    pub(crate) _alive: Arc<()>,
}

impl Event for Work {
    type Topic = u8;
    fn topic(&self) -> u8 {
        self.key % 3
    }
}

/// A call: the event, the key, who made it, the attempt, whether it was a success.
pub(crate) type Called = (usize, u8, usize, u32, bool);

/// A subscription, and what it was called for.
pub(crate) struct Known {
    pub(crate) id: SubscriptionId,
    pub(crate) spec: Spec,
    /// Events from this one on were made when it was there.
    pub(crate) first: usize,
    /// Whether nobody has paused or ended it.
    pub(crate) steady: AtomicBool,
    pub(crate) calls: Arc<Mutex<Vec<Called>>>,
}

/// How many threads have not let go of their wait strategies.
#[derive(Default)]
pub(crate) struct Threads {
    count: Mutex<usize>,
    less: Condvar,
}

impl Threads {
    pub(crate) fn await_end(&self) {
        let count = self.count.lock().unwrap();
        drop(self.less.wait_while(count, |count| *count != 0).unwrap());
    }
}

/// A strategy that is counted.
pub(crate) struct Counted {
    threads: Arc<Threads>,
    sleeps: bool,
}

impl Counted {
    pub(crate) fn new(threads: &Arc<Threads>, sleeps: bool) -> Self {
        *threads.count.lock().unwrap() += 1;
        Self { threads: Arc::clone(threads), sleeps }
    }
}

impl Clone for Counted {
    fn clone(&self) -> Self {
        Self::new(&self.threads, self.sleeps)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        *self.threads.count.lock().unwrap() -= 1;
        self.threads.less.notify_all();
    }
}

impl WaitStrategy for Counted {
    fn looks_before_sleep(&self) -> Option<u64> {
        self.sleeps.then_some(4)
    }

    fn pause(&mut self, _look: u64) {
        std::thread::yield_now();
    }
}

/// What the test and the handlers share.
pub(crate) struct World {
    pub(crate) lanes: Mutex<Option<Lanes<Work>>>,
    pub(crate) letters: Option<DeadLetterQueue<Work>>,
    pub(crate) clock: ManualClock,
    pub(crate) known: Mutex<Vec<Arc<Known>>>,
    alive: Arc<()>,
    made: AtomicUsize,
    keys: Vec<AtomicU8>,
    /// How often an event was dispatched, came back, and may be in neither.
    dispatched: Vec<AtomicUsize>,
    returned: Vec<AtomicUsize>,
    may_wait: Vec<AtomicBool>,
}

impl World {
    pub(crate) fn new(letters: Option<DeadLetterQueue<Work>>, clock: ManualClock) -> Self {
        let counts = || (0..EVENTS_MAX).map(|_| AtomicUsize::new(0)).collect();
        Self {
            lanes: Mutex::new(None),
            letters,
            clock,
            known: Mutex::new(Vec::new()),
            alive: Arc::new(()),
            made: AtomicUsize::new(0),
            keys: (0..EVENTS_MAX).map(|_| AtomicU8::new(0)).collect(),
            dispatched: counts(),
            returned: counts(),
            may_wait: (0..EVENTS_MAX).map(|_| AtomicBool::new(false)).collect(),
        }
    }

    pub(crate) fn made(&self) -> usize {
        self.made.load(Ordering::SeqCst)
    }

    pub(crate) fn make(&self, key: u8, from: usize, command: Command) -> Work {
        let id = self.made.fetch_add(1, Ordering::SeqCst);
        assert!(id < EVENTS_MAX, "too many events");
        self.keys[id].store(key, Ordering::SeqCst);
        Work { id, key, from, command, _alive: Arc::clone(&self.alive) }
    }

    pub(crate) fn lanes(&self) -> Option<Lanes<Work>> {
        self.lanes.lock().unwrap().clone()
    }

    pub(crate) fn known(&self, which: usize) -> Option<Arc<Known>> {
        self.known.lock().unwrap().get(which).cloned()
    }

    pub(crate) fn note_dispatched(&self, work: &Work) {
        let before = self.dispatched[work.id].fetch_add(1, Ordering::SeqCst);
        assert_eq!(before, 0, "{work:?} was dispatched twice");
    }

    pub(crate) fn note_returned(&self, works: impl IntoIterator<Item = Work>) {
        for work in works {
            self.returned[work.id].fetch_add(1, Ordering::SeqCst);
        }
    }

    /// It waits for its time, and goes with the lanes if nobody drains them.
    pub(crate) fn note_timer(&self, id: usize) {
        self.may_wait[id].store(true, Ordering::SeqCst);
    }

    pub(crate) fn note_sent(&self, sent: Result<Sent<Work>, SendError<Work>>) {
        match sent {
            Ok(sent) => self.note_returned(sent.into_displaced()),
            Err(refused) => self.note_returned([refused.into_event()]),
        }
    }

    pub(crate) fn note_sent_all(&self, sent: Result<SentAll<Work>, SendAllError>, rest: Vec<Work>) {
        self.note_returned(rest);
        self.note_returned(sent.map(SentAll::into_displaced).unwrap_or_default());
    }

    /// One like the event with this number.
    pub(crate) fn like(&self, id: usize) -> Work {
        let key = self.keys[id].load(Ordering::SeqCst);
        Work { id, key, from: NOBODY, command: Command::Nothing, _alive: Arc::default() }
    }

    /// Waits until the letters are all that keeps events, and nothing keeps a handler: the last
    /// worker lets go of them after it has let go of its wait strategy.
    pub(crate) fn await_alone(self: Arc<Self>) {
        while Arc::strong_count(&self) != 1 {
            std::thread::yield_now();
        }
        if let Some(letters) = &self.letters {
            drop(letters.drain());
        }
        while Arc::strong_count(&self.alive) != 1 {
            std::thread::yield_now();
        }
    }

    pub(crate) fn was_dispatched(&self, id: usize) -> bool {
        self.dispatched[id].load(Ordering::SeqCst) != 0
    }

    /// Checks that each event has gone one way, and only one.
    pub(crate) fn check(&self, is_drained: bool, may_be_in_batches: bool) {
        for id in 0..self.made() {
            let dispatched = self.dispatched[id].load(Ordering::SeqCst);
            let returned = self.returned[id].load(Ordering::SeqCst);
            let is_dropped = !is_drained && self.may_wait[id].load(Ordering::SeqCst);
            let sum = dispatched + returned;
            // A late drain returns what was dispatched and is in a batch.
            let is_right = sum == 1
                || (sum == 0 && is_dropped)
                || (sum == 2 && may_be_in_batches && returned == 1);
            assert!(is_right, "event {id}: dispatched {dispatched}, came back {returned}");
        }
    }
}
