//! The list of what is counted.

use ringbus::OverrunPolicy::{Block, DropOldest, ReturnError};

use crate::halves::{self, Half};
use crate::stores::{batches, single_batches, typed_batches};
use crate::{rings, stores};

/// Slots of every ring.
pub(crate) const CAPACITY: usize = 1024;
/// Events in a batch.
pub(crate) const BATCH: usize = 64;

/// A loop to count.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    /// The size of an event.
    pub(crate) bytes: usize,
    run: fn(u64),
}

impl Case {
    /// What tells it from all others: `name/bytes`.
    pub(crate) fn label(&self) -> String {
        format!("{}/{}", self.name, self.bytes)
    }

    /// Sends and handles `events` events, whole batches, and panics if one gets lost.
    pub(crate) fn run(&self, events: u64) {
        assert_eq!(events % BATCH as u64, 0, "{events} events are not a number of whole batches");
        (self.run)(events);
    }
}

/// Does what is to be counted: valgrind counts from its call to its return, so that it is never
/// inlined, and never calls itself. It is not generic, so that its name is always the same.
#[inline(never)]
pub(crate) fn counted(work: &mut dyn FnMut()) {
    work();
}

/// All cases, the sizes of each together.
pub(crate) fn all() -> Vec<Case> {
    let (small, medium, large) = (of_words::<1>(), of_words::<8>(), of_words::<32>());
    small.into_iter().zip(medium).zip(large).flat_map(|((s, m), l)| [s, m, l]).collect()
}

/// The cases with events of `WORDS` words.
fn of_words<const WORDS: usize>() -> [Case; 31] {
    let case = |name, run| Case { name, bytes: WORDS * 8, run };
    [
        case("single-ring-send", |events| halves::single::<WORDS>(Half::In, events)),
        case("single-ring-receive", |events| halves::single::<WORDS>(Half::Out, events)),
        case("many-ring-send", |events| halves::many::<WORDS>(Half::In, events)),
        case("many-ring-send-by-sender", |events| halves::sender::<WORDS>(Half::In, events)),
        case("many-ring-receive", |events| halves::many::<WORDS>(Half::Out, events)),
        case("store-send", |events| halves::store::<WORDS>(1, Half::In, events)),
        case("store-publish-1", |events| halves::store::<WORDS>(1, Half::Out, events)),
        case("store-publish-4", |events| halves::store::<WORDS>(4, Half::Out, events)),
        case("single-store-send", |events| halves::single_store::<WORDS>(1, Half::In, events)),
        case("single-store-publish-1", |events| {
            halves::single_store::<WORDS>(1, Half::Out, events);
        }),
        case("single-store-publish-4", |events| {
            halves::single_store::<WORDS>(4, Half::Out, events);
        }),
        case("single-ring-alternate", rings::single_alternate::<WORDS>),
        case("single-ring-send-all-receive-into", rings::single_send_all::<WORDS>),
        case("single-ring-send-iter-receive-each", rings::single_send_iter::<WORDS>),
        case("single-ring-displacing", rings::single_displacing::<WORDS>),
        case("many-ring-alternate", rings::many_alternate::<WORDS>),
        case("many-ring-alternate-by-sender", rings::many_alternate_by_sender::<WORDS>),
        case("many-ring-send-all-receive-into", rings::many_send_all::<WORDS>),
        case("many-ring-displacing", rings::many_displacing::<WORDS>),
        case("store-batches-return-error-1", |events| batches::<WORDS>(ReturnError, 1, events)),
        case("store-batches-return-error-4", |events| batches::<WORDS>(ReturnError, 4, events)),
        case("store-batches-return-error-16", |events| batches::<WORDS>(ReturnError, 16, events)),
        case("store-batches-block-1", |events| batches::<WORDS>(Block, 1, events)),
        case("store-batches-drop-oldest-1", |events| batches::<WORDS>(DropOldest, 1, events)),
        case("store-alternate", stores::alternate::<WORDS>),
        case("single-store-batches-1", |events| single_batches::<WORDS>(1, events)),
        case("single-store-batches-4", |events| single_batches::<WORDS>(4, events)),
        case("single-store-batches-16", |events| single_batches::<WORDS>(16, events)),
        case("single-store-alternate", stores::single_alternate::<WORDS>),
        case("typed-batches-1", |events| typed_batches::<WORDS>(1, events)),
        case("typed-batches-4", |events| typed_batches::<WORDS>(4, events)),
    ]
}
