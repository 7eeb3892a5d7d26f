//! What a store promises, one page for each question.
//!
//! Each page has the same parts: the promise, how it is kept, what it costs, what it does not cover, and
//! the tests and models that show it. Their names are those in the repository; a test there fails if one
//! of them is gone. Models are run by `cargo loom`, in all schedules up to two pre-emptions; small models
//! in those up to four, and some that are large in those up to one.
//!
//! | page | its question |
//! |---|---|
//! | [`ordering`] | In which order are events handled, and by whom first? |
//! | [`delivery`] | How often is an event handled, and what becomes of it otherwise? |
//! | [`re_entrancy`] | What may a handler do with the store that calls it, and with others? |
//! | [`overrun`] | What happens when the ring is full, and where is it counted? |
//! | [`shutdown`] | How does a store end, and what is left then? |
//! | [`panics`] | What happens when code of mine panics? |
//! | [`memory_ordering`] | What does one thread see of what another one did? |
//! | [`coming_from`] | What is it called there, and what is different here? |

pub mod coming_from;
pub mod delivery;
pub mod memory_ordering;
pub mod ordering;
pub mod overrun;
pub mod panics;
pub mod re_entrancy;
pub mod shutdown;
