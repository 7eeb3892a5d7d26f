//! Rows 1 to 3: what stands before a handler.

use std::time::Duration;

use ringbus::{
    BreakerPolicy, CallContext, CatchPanic, CircuitBreaking, Filter, Handler, Middleware, Only,
    Outcome, PayloadLimit, RateLimit, Retry, RetryPolicy, SubscribeOptions, Timeout, around,
};

use crate::harness::event::Event64;
use crate::section::{Bar, Section};
use crate::subject::{Subject, builder, options};

/// More for a chain of three middlewares than for the bare handler.
const CHAIN: Bar = Bar::Over(5.0);
/// More for a filter that rejects.
const REJECTED: Bar = Bar::Over(2.0);

const VALID: &str = "the settings are valid";

/// Row 1.
pub(crate) fn bare() -> Vec<Section> {
    let section = base("send, publish per 1,024").beside("GoEventBus, 1 handler", 55.05);
    let two = || Subject::bare().handler(options());
    let four = || (0..3).fold(Subject::bare(), |subject, _| subject.handler(options()));
    vec![
        section
            .add("2 handlers", Bar::Shown, two, Subject::send_and_publish)
            .add("4 handlers", Bar::Shown, four, Subject::send_and_publish)
            .beside("GoEventBus, 4 handlers", 111.3),
    ]
}

/// A section with the bare handler as its base.
pub(super) fn base(title: &'static str) -> Section {
    Section::new(title, "a bare handler", Subject::bare, Subject::send_and_publish)
}

/// A middleware that passes everything on.
fn pass() -> impl Middleware<Event64> {
    around(|event: &Event64, context: &CallContext<'_, Event64>, next: &dyn Handler<Event64>| {
        next.handle(event, context)
    })
}

/// A limit that every event keeps.
fn limit() -> PayloadLimit<impl Fn(&Event64) -> usize> {
    PayloadLimit::new(1024, size_of_val::<Event64>)
}

/// A retry that has nothing to do.
pub(super) fn retry() -> Retry {
    Retry::new(RetryPolicy::new(3)).expect(VALID)
}

/// A store whose only handler has these options.
fn with(add: fn(SubscribeOptions<Event64>) -> SubscribeOptions<Event64>) -> impl Fn() -> Subject {
    move || Subject::of(builder()).handler(add(options()))
}

/// Row 2.
pub(crate) fn middleware() -> Vec<Section> {
    let run = Subject::send_and_publish;
    let of_store = || {
        let builder = builder().middleware(pass()).middleware(pass()).middleware(pass());
        Subject::of(builder).handler(options())
    };
    let chains = base("middleware")
        .add("1 around", Bar::Shown, with(|options| options.middleware(pass())), run)
        .beside("GoEventBus, 1 middleware", 84.73)
        .add(
            "3 around",
            CHAIN,
            with(|options| options.middleware(pass()).middleware(pass()).middleware(pass())),
            run,
        )
        .beside("gossip, a chain of 3 alone", 3377.0)
        .add("3 around, of the store", CHAIN, of_store, run)
        .add(
            "PayloadLimit, Retry, CatchPanic",
            CHAIN,
            with(|options| options.middleware(limit()).middleware(retry()).middleware(CatchPanic)),
            run,
        );
    vec![chains, shipped()]
}

/// Each of the middlewares of the crate.
fn shipped() -> Section {
    const MINUTE: Duration = Duration::from_mins(1);
    let run = Subject::send_and_publish;
    let breaking = |policy: BreakerPolicy| {
        let breaking = move || CircuitBreaking::new(policy.clone()).expect(VALID);
        move || Subject::of(builder()).handler(options().middleware(breaking()))
    };
    let by_number = BreakerPolicy::new(MINUTE, MINUTE).failures(5);
    let by_rate = BreakerPolicy::new(MINUTE, MINUTE).failure_percent(50, 100);
    let limited = || RateLimit::new(u32::MAX, u32::MAX).expect(VALID);
    let timed = || Timeout::new(MINUTE).expect(VALID);
    let section = base("middleware of the crate, one at a time")
        .add("PayloadLimit", Bar::Shown, with(|options| options.middleware(limit())), run)
        .add("Retry", Bar::Shown, with(|options| options.middleware(retry())), run)
        .beside("gossip, a retry alone", 7.887)
        .add("CatchPanic", Bar::Shown, with(|options| options.middleware(CatchPanic)), run)
        .add(
            "Only, which lets all through",
            Bar::Shown,
            with(|options| options.middleware(Only::new(|_: &Event64| true))),
            run,
        )
        .add("CircuitBreaking by number", Bar::Shown, breaking(by_number), run)
        .add("CircuitBreaking by rate (a lock and the clock)", Bar::Shown, breaking(by_rate), run)
        .add(
            "RateLimit (a lock and the clock)",
            Bar::Shown,
            move || Subject::of(builder()).handler(options().middleware(limited())),
            run,
        )
        .add(
            "Timeout (the clock, twice)",
            Bar::Shown,
            move || Subject::of(builder()).handler(options().middleware(timed())),
            run,
        )
        .beside("gossip, a timeout alone", 2564.0);
    #[cfg(feature = "tracing")]
    let section = section.add(
        "Spans, and nobody listens",
        Bar::Shown,
        with(|options| options.middleware(ringbus::Spans::new())),
        run,
    );
    section
}

/// Options that keep every event from the handler; what decides that is in the event.
fn rejecting() -> SubscribeOptions<Event64, impl Filter<Event64>> {
    options().filter(|event: &Event64| event.is_of_second_half())
}

/// Row 3.
pub(crate) fn filters() -> Vec<Section> {
    let run = Subject::send_and_publish;
    let rejected = || Subject::bare().bystander(rejecting());
    let alone = || Subject::of(builder()).bystander(rejecting());
    let ignored = || Subject::bare().handler_that(options(), || Outcome::Ignored);
    let two = || Subject::bare().handler(options());
    let three = move || two().bystander(rejecting());
    let only = || options().middleware(Only::new(Event64::is_of_second_half));
    vec![
        base("a filter that rejects all")
            .add("and a subscription that rejects", REJECTED, rejected, run)
            .beside("gossip, one filter alone", 24.96)
            .add(
                "and one that rejects by Only",
                Bar::Shown,
                move || Subject::bare().bystander(only()),
                run,
            )
            .add("only a subscription that rejects", Bar::Shown, alone, run),
        Section::new("the same, beside two handlers", "two handlers", two, run).add(
            "and a subscription that rejects",
            REJECTED,
            three,
            run,
        ),
        Section::new("the same, instead of a handler", "two, one of which ignores", ignored, run)
            .add("one, and a subscription that rejects", REJECTED, rejected, run),
        base("a filter that accepts all").add(
            "a handler with a filter",
            REJECTED,
            || {
                Subject::of(builder())
                    .handler(options().filter(|event: &Event64| !event.is_of_second_half()))
            },
            run,
        ),
    ]
}
