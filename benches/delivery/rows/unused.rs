//! Rows 7 and 8: what is there and has nothing to do.

use std::time::Duration;

use ringbus::{DeadLetterConfig, DeadLetterQueue, ObserveConfig, Observer, SubscribeOptions};

use super::handlers::{base, retry};
use crate::harness::event::Event64;
use crate::section::{Bar, Section};
use crate::subject::{Subject, builder, options};

/// No cost at all, but the noise of the machine. What it costs every store that the crate has these
/// things is in the base too, and so not seen here: the bench `instructions` compares that.
const NOTHING: Bar = Bar::Times(1.05);

/// An observer that is never told of an event that goes well.
struct Blind;

impl Observer<Event64> for Blind {}

/// An observer that is told of each call.
struct Hooked;

impl Observer<Event64> for Hooked {
    fn sees_calls(&self) -> bool {
        true
    }
}

/// Row 7.
pub(crate) fn unused() -> Vec<Section> {
    let run = Subject::send_and_publish;
    let keeping = || {
        let letters = DeadLetterQueue::new(DeadLetterConfig::new(100)).expect("there is room");
        Subject::of(builder().dead_letters(&letters)).handler(options())
    };
    let delaying = || Subject::of(builder().delayed_retries()).handler(options());
    let observed = || Subject::of(builder().observer(Blind)).handler(options());
    let named = || Subject::of(builder()).handler(options().name("one").priority(7));
    let elsewhere = || Subject::bare().bystander(SubscribeOptions::topic(7));
    let paused = || Subject::bare().bystander(options().paused());
    vec![
        base("what has nothing to do, over a store that has none of it")
            .add("the same once more", NOTHING, Subject::bare, run)
            .add("with a dead letter queue", NOTHING, keeping, run)
            .add("with delayed retries", NOTHING, delaying, run)
            .add("with an observer that sees no call", NOTHING, observed, run)
            .add("with a name and a priority", NOTHING, named, run)
            .add("and a subscription to another topic", NOTHING, elsewhere, run)
            .add("and a paused subscription", Bar::Shown, paused, run),
    ]
}

/// Row 8.
pub(crate) fn attached() -> Vec<Section> {
    let run = Subject::send_and_publish;
    let retrying =
        || Subject::of(builder().delayed_retries()).handler(options().middleware(retry()));
    let waiting = || Subject::bare().bystander(options().once().filter(Event64::is_of_second_half));
    let hooked = || Subject::of(builder().observer(Hooked)).handler(options());
    let timed = || {
        let builder = builder().observer(Hooked).slow_after(Duration::from_mins(1));
        Subject::of(builder).handler(options())
    };
    let observing = |config| move || Subject::of(builder().observe(config)).handler(options());
    let counted = observing(ObserveConfig::new().topics_max(100));
    let sampled = observing(ObserveConfig::new().sample_every(64));
    let measured = observing(ObserveConfig::new().sample_every(1));
    let stateful = || Subject::of(builder()).handler_mut();
    vec![
        base("what is attached and goes well")
            .add("a retry, delayed ones allowed", Bar::Shown, retrying, run)
            .add("and a handler to be called once, which waits", Bar::Shown, waiting, run)
            .add("an observer that sees calls", Bar::Shown, hooked, run)
            .beside("GoEventBus, 3 hooks", 57.29)
            .add("the same with slow_after (the clock, twice)", Bar::Shown, timed, run)
            .add("counts by topic", Bar::Shown, counted, run)
            .add("latency of every 64th event", Bar::Shown, sampled, run)
            .add("latency of every event (the clock, again and again)", Bar::Shown, measured, run)
            .add("a handler with a state of its own", Bar::Shown, stateful, run),
    ]
}
