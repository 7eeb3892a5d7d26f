//! What became of each test of the Go libraries.

mod go_events;
mod goeventbus;
mod gossip;

pub(crate) use go_events::GO_EVENTS;
pub(crate) use goeventbus::GOEVENTBUS;
pub(crate) use gossip::GOSSIP;

/// What there is here for a Go test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counterpart {
    /// The test of the same name in the module of its file.
    Test,
    /// Nothing yet, for this reason.
    NotYet(&'static str),
    /// Nothing ever, for this reason.
    Never(&'static str),
}

/// A file of Go tests and the module of their counterparts.
pub(crate) struct GoFile {
    pub(crate) name: &'static str,
    pub(crate) source: &'static str,
    pub(crate) tests: &'static [(&'static str, Counterpart)],
}
