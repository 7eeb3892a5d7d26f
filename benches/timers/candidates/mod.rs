//! Who is measured. Each is told time in ticks, and never to go back.

pub(crate) mod delay;
pub(crate) mod heap;
pub(crate) mod nexus;
pub(crate) mod quad;
pub(crate) mod ringbus;
pub(crate) mod store;
pub(crate) mod subms;
pub(crate) mod tree;

use crate::timer::Payload;

/// Something that holds timers until they are due.
pub(crate) trait Timers<P: Payload>: 'static {
    const NAME: &'static str;
    /// What a timer can be cancelled by.
    type Handle;

    /// Has room for so many timers, where that can be asked for; it is tick 0.
    fn open(pending: usize) -> Self;

    /// The deadline is in the payload, and after the last tick that the candidate was told.
    fn schedule(&mut self, payload: P) -> Self::Handle;

    /// Moves time forward by one tick. What `again` answers to a timer that fires is a new timer;
    /// nobody will cancel it.
    fn tick(&mut self, now: u64, again: &mut impl FnMut(P) -> Option<P>);
}

/// One whose timers can be cancelled.
pub(crate) trait Cancels<P: Payload>: Timers<P> {
    /// Whether the timer was pending.
    fn cancel(&mut self, handle: Self::Handle) -> bool;

    /// Moves time forward by several ticks; nothing is due.
    fn skip(&mut self, now: u64);
}
