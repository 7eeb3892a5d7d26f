//! Measuring some events from their send on; with the feature `histogram`, and if it is asked for.

use super::Shared;
use crate::error::SendError;
use crate::event::Event;
use crate::meter::Measured;
use crate::ring::Sent;

impl<E: Event> Shared<E> {
    /// Makes a first attempt to send.
    #[inline]
    pub(super) fn try_send(&self, event: E) -> Result<Sent<E>, SendError<E>> {
        let is_stored =
            |result: &Result<_, _>| matches!(result, Ok(Sent::Stored | Sent::Displaced(_)));
        self.marked(|| self.intake.try_send(event), is_stored)
    }

    /// Makes an attempt to send one event, and marks about every n-th with the time, if that is measured.
    #[cfg(feature = "histogram")]
    #[inline]
    pub(super) fn marked<R>(
        &self,
        attempt: impl FnOnce() -> R,
        is_stored: impl FnOnce(&R) -> bool,
    ) -> R {
        let Some(marks) = &self.gauges.marks else { return attempt() };
        if !marks.is_due(self.intake.tail_position()) {
            return attempt();
        }
        let now = self.now();
        let position = self.intake.tail_position();
        marks.begin(position, now);
        let result = attempt();
        if !is_stored(&result) {
            marks.cancel(position);
        }
        result
    }

    /// Without the feature `histogram` nothing is measured from its send on.
    #[cfg(not(feature = "histogram"))]
    #[inline]
    pub(super) fn marked<R>(
        &self,
        attempt: impl FnOnce() -> R,
        _is_stored: impl FnOnce(&R) -> bool,
    ) -> R {
        attempt()
    }

    /// How many events may be taken out at once.
    #[cfg(feature = "histogram")]
    #[inline]
    pub(super) fn run_max(&self) -> u64 {
        let marks = self.gauges.marks.as_ref();
        marks.map_or(u64::MAX, |marks| marks.run_max(self.intake.head_position()))
    }

    /// Notes that the dispatch of so many events is over, the first of them at this position.
    #[cfg(feature = "histogram")]
    #[inline]
    pub(super) fn finish_marks(&self, first: u64, count: usize) {
        if let Some(marks) = &self.gauges.marks {
            marks.finish(first, first + count as u64, || self.now());
        }
    }

    /// How long events took from their send on, if that is measured.
    pub(super) fn end_to_end(&self) -> Option<Measured> {
        #[cfg(feature = "histogram")]
        let measured = self.gauges.marks.as_ref().map(|marks| marks.measured());
        #[cfg(not(feature = "histogram"))]
        let measured = None;
        measured
    }
}
