//! Measuring some events from their send on; with the feature `histogram`, and if it is asked for.

use super::Shared;
use crate::error::SendError;
use crate::event::Event;
use crate::meter::Measured;
#[cfg(feature = "histogram")]
use crate::meter::SendMarks;
use crate::ring::Sent;

impl<E: Event> Shared<E> {
    /// Makes a first attempt to send.
    #[inline]
    pub(super) fn try_send(&self, event: E) -> Result<Sent<E>, SendError<E>> {
        #[cfg(feature = "histogram")]
        if let Some(marks) = self.marks() {
            let is_stored =
                |result: &Result<_, _>| matches!(result, Ok(Sent::Stored | Sent::Displaced(_)));
            return self.marked(marks, || self.intake.try_send(event), is_stored);
        }
        self.intake.try_send(event)
    }

    /// How long events took from their send on, if that is measured.
    #[cfg_attr(not(feature = "histogram"), allow(clippy::unused_self))] // As with the feature.
    pub(super) fn end_to_end(&self) -> Option<Measured> {
        #[cfg(feature = "histogram")]
        let measured = self.marks().map(SendMarks::measured);
        #[cfg(not(feature = "histogram"))]
        let measured = None;
        measured
    }
}

#[cfg(feature = "histogram")]
impl<E: Event> Shared<E> {
    /// Present if events are measured from their send on.
    #[inline]
    pub(super) fn marks(&self) -> Option<&SendMarks> {
        self.gauges.marks.as_deref()
    }

    /// Makes an attempt to send one event, and marks about every n-th with the time.
    pub(super) fn marked<R>(
        &self,
        marks: &SendMarks,
        attempt: impl FnOnce() -> R,
        is_stored: impl FnOnce(&R) -> bool,
    ) -> R {
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

    /// How many events may be taken out at once.
    #[inline]
    pub(super) fn run_max(&self) -> u64 {
        self.marks().map_or(u64::MAX, |marks| marks.run_max(self.intake.head_position()))
    }

    /// Notes that the dispatch of so many events is over, the first of them at this position.
    #[inline]
    pub(super) fn finish_marks(&self, first: u64, count: usize) {
        if let Some(marks) = self.marks() {
            marks.finish(first, first + count as u64, || self.now());
        }
    }
}
