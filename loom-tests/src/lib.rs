//! Models of `ringbus`' concurrent parts, and what they share.
//!
//! The models are in `tests/`, one file per area; `cargo loom` runs them. Each is a closure of two
//! or three threads with two or three operations each, which loom runs once per schedule. Without
//! `--cfg loom` this crate is empty, apart from `cargo weaken`: the run that weakens one ordering
//! of `ringbus` at a time and expects a model to fail.
//!
//! Three habits keep a model from passing because it looked at nothing:
//!
//! * [`explore`](models::explore) counts the schedules and fails below a floor;
//! * it collects what each schedule led to, and fails unless that is exactly the set of legal
//!   outcomes: one that never occurs is as suspicious as one that must not;
//! * `cargo weaken` shows that every ordering and every step that a proof names is needed.
//!
//! The handles of a store are counted by `std`'s `Arc`, which loom does not see. So a model joins
//! its threads before it drops the last handle, or shares the store through loom's `Arc`.

#[cfg(loom)]
pub mod models {
    //! What every model uses.

    use std::collections::HashSet;
    use std::fmt::Debug;
    use std::hash::Hash;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Arc, Mutex};
    use std::time::Instant;

    use loom::model::Builder;
    use ringbus::{
        Event, EventStore, OverrunPolicy, Producer, Producers, Reader, RingConsumer, Sent, Single,
    };

    /// How many times a schedule may take the processor from a thread that could go on, unless
    /// `LOOM_MAX_PREEMPTIONS` or the model says otherwise.
    const PREEMPTIONS: usize = 2;

    /// Runs `model` once per schedule, within the bound on pre-emptions that is set outside.
    ///
    /// # Panics
    ///
    /// If a schedule panics, deadlocks, leaks or races; if there were fewer schedules than `floor`;
    /// if the outcomes were other than `legal`.
    pub fn explore<O>(floor: usize, legal: &[O], model: impl Fn() -> O + Send + Sync + 'static)
    where
        O: Clone + Debug + Eq + Hash + Send + 'static,
    {
        let mut builder = Builder::new();
        builder.preemption_bound = builder.preemption_bound.or(Some(PREEMPTIONS));
        run(&builder, floor, legal, model);
    }

    /// The same with a bound of its own, for a model that needs more or can bear only fewer.
    ///
    /// # Panics
    ///
    /// As [`explore`].
    pub fn explore_bounded<O>(
        preemptions: usize,
        floor: usize,
        legal: &[O],
        model: impl Fn() -> O + Send + Sync + 'static,
    ) where
        O: Clone + Debug + Eq + Hash + Send + 'static,
    {
        let mut builder = Builder::new();
        builder.preemption_bound = Some(preemptions);
        run(&builder, floor, legal, model);
    }

    fn run<O>(
        builder: &Builder,
        floor: usize,
        legal: &[O],
        model: impl Fn() -> O + Send + Sync + 'static,
    ) where
        O: Clone + Debug + Eq + Hash + Send + 'static,
    {
        // Of `std`, not of loom: they outlive the schedules and must not add any.
        let schedules = Arc::new(AtomicUsize::new(0));
        let outcomes = Arc::new(Mutex::new(HashSet::new()));
        let started = Instant::now();
        {
            let (schedules, outcomes) = (Arc::clone(&schedules), Arc::clone(&outcomes));
            builder.check(move || {
                schedules.fetch_add(1, Ordering::Relaxed);
                let outcome = model();
                outcomes.lock().expect("no schedule panicked here").insert(outcome);
            });
        }
        let schedules = schedules.load(Ordering::Relaxed);
        let name = std::thread::current().name().unwrap_or("model").to_owned();
        println!("{name}: {schedules} schedules in {} ms", started.elapsed().as_millis());

        let seen = outcomes.lock().expect("no schedule panicked here");
        let legal: HashSet<O> = legal.iter().cloned().collect();
        let illegal: Vec<_> = seen.difference(&legal).collect();
        assert!(illegal.is_empty(), "illegal outcomes: {illegal:?}");
        let missed: Vec<_> = legal.difference(&seen).collect();
        assert!(missed.is_empty(), "outcomes that never occurred: {missed:?}");
        assert!(schedules >= floor, "only {schedules} schedules, expected at least {floor}");
    }

    /// A value that shows when it is leaked, taken twice or read torn: loom watches its count.
    #[derive(Debug)]
    pub struct Parcel(loom::sync::Arc<usize>);

    impl Parcel {
        /// A parcel with a number.
        pub fn new(id: usize) -> Self {
            Self(loom::sync::Arc::new(id))
        }

        /// The number.
        pub fn id(&self) -> usize {
            *self.0
        }
    }

    impl Event for Parcel {
        type Topic = ();
        fn topic(&self) {}
    }

    /// A plain number that loom watches: two accesses that nothing orders are a race.
    #[derive(Debug)]
    pub struct Cell(loom::cell::UnsafeCell<usize>);

    // SAFETY: that only ordered accesses happen is what the models show; loom panics at any other.
    unsafe impl Sync for Cell {}
    // SAFETY: a number may move to another thread.
    unsafe impl Send for Cell {}

    impl Cell {
        /// Nought.
        pub fn new() -> loom::sync::Arc<Self> {
            loom::sync::Arc::new(Self(loom::cell::UnsafeCell::new(0)))
        }

        /// Adds to the number.
        pub fn add(&self, amount: usize) {
            // SAFETY: loom has checked that nobody else is using the cell.
            self.0.with_mut(|number| unsafe { *number += amount });
        }

        /// The number.
        pub fn get(&self) -> usize {
            // SAFETY: loom has checked that nobody else is writing to the cell.
            self.0.with(|number| unsafe { *number })
        }
    }

    /// The numbers of `parcels`.
    pub fn ids(parcels: impl IntoIterator<Item = Parcel>) -> Vec<usize> {
        parcels.into_iter().map(|parcel| parcel.id()).collect()
    }

    /// Everything that is in the ring, oldest first.
    pub fn receive_rest<M: ringbus::Mode>(mut reader: Reader<'_, Parcel, M>) -> Vec<usize> {
        ids(std::iter::from_fn(|| reader.receive()))
    }

    /// Everything that the producer of a ring with a single one has sent, oldest first.
    pub fn consume_rest<M: ringbus::Mode>(consumer: &mut RingConsumer<Parcel, M>) -> Vec<usize> {
        ids(std::iter::from_fn(|| consumer.receive()))
    }

    /// What a send came to, with the number of the parcel that was lost.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum Fate {
        /// Nothing was lost.
        Stored,
        /// The parcel with this number, which was the oldest, left for it.
        Displaced(usize),
        /// The parcel itself came back.
        Incoming,
    }

    /// What `sent` says.
    ///
    /// # Panics
    ///
    /// If it says something new.
    pub fn fate(sent: Sent<Parcel>) -> Fate {
        match sent {
            Sent::Stored => Fate::Stored,
            Sent::Displaced(parcel) => Fate::Displaced(parcel.id()),
            Sent::DisplacedIncoming(_) => Fate::Incoming,
            other => panic!("unknown: {other:?}"),
        }
    }

    /// A store of parcels that holds those numbered from 0 to `pending - 1`.
    ///
    /// # Panics
    ///
    /// If they do not fit.
    pub fn store_with(
        pending: usize,
        capacity: usize,
        policy: OverrunPolicy,
    ) -> EventStore<Parcel> {
        let store = EventStore::builder(capacity, policy).build().expect("a valid capacity");
        for id in 0..pending {
            assert!(store.try_send(Parcel::new(id)).is_ok(), "there is room for {id}");
        }
        store
    }

    /// The same for one producer.
    ///
    /// # Panics
    ///
    /// If they do not fit.
    pub fn single_store_with(
        pending: usize,
        capacity: usize,
        policy: OverrunPolicy,
    ) -> (EventStore<Parcel, Single>, Producer<Parcel>) {
        let builder = EventStore::builder(capacity, policy);
        let (store, mut producer) = builder.build_single().expect("a valid capacity");
        for id in 0..pending {
            assert!(producer.try_send(Parcel::new(id)).is_ok(), "there is room for {id}");
        }
        (store, producer)
    }

    /// Confirms that the books of a store at rest are in order, and that nothing that panicked was
    /// contained: a race that loom finds inside a handler is a panic too.
    ///
    /// # Panics
    ///
    /// If not.
    pub fn check_books<P: Producers>(store: &EventStore<Parcel, P>) {
        let balance = store.audit();
        assert!(balance.is_ok(), "{balance:?}");
        let metrics = store.metrics();
        let contained = metrics.failed_calls + metrics.event_panics + metrics.observer_panics;
        assert_eq!(contained, 0, "a panic was contained: {metrics:?}");
    }
}
