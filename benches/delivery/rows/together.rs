//! Rows 4 and 5: events that are handled together, or sent together.

use super::handlers::base;
use crate::section::{Bar, Section};
use crate::subject::{Subject, builder, options};

/// Row 4.
pub(crate) fn batches() -> Vec<Section> {
    const BAR: Bar = Bar::Times(1.2);
    let run = Subject::send_and_publish;
    let few = Subject::send_few_and_publish;
    let of = |events_max| move || Subject::of(builder()).batch_handler(events_max);
    let beside = || Subject::bare().batch_handler(64);
    let two = || Subject::bare().handler(options());
    vec![
        base("batches")
            .add("in batches of 64", BAR, of(64), run)
            .beside("GoEventBus, batches of 64", 183.3)
            .add("in batches of 16", Bar::Shown, of(16), run)
            .add("in batches of 1,024", Bar::Shown, of(1024), run),
        Section::new("batches, publish per 64", "a bare handler", Subject::bare, few).add(
            "in batches of 64",
            BAR,
            of(64),
            few,
        ),
        Section::new("batches beside a handler", "two handlers", two, run).add(
            "one, and one in batches of 64",
            Bar::Shown,
            beside,
            run,
        ),
    ]
}

/// Row 5.
pub(crate) fn transactions() -> Vec<Section> {
    const BAR: Bar = Bar::Times(1.5);
    let base = "send_all of 16, then publish";
    vec![
        Section::new("transactions of 16", base, Subject::bare, Subject::send_all_and_publish)
            .add("commit", BAR, Subject::bare, Subject::commit)
            .beside("GoEventBus, transactions of 16", 225.8)
            .add("enqueue, then publish", BAR, Subject::bare, Subject::enqueue_and_publish)
            .add("begin, then commit", BAR, Subject::bare, Subject::begin_and_commit)
            .allocating(4.0 / 16.0),
    ]
}
