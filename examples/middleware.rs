//! What stands between the dispatch and a handler: shipped middleware, one of your own, and an
//! observer that sees every call.

use std::error::Error;
use std::time::Duration;

use ringbus::{
    CallContext, CatchPanic, Event, EventStore, Failure, Handler, HandlerError, Observer, Only,
    Outcome, OverrunPolicy, PayloadLimit, RateLimit, SubscribeOptions, Timeout, around,
};

/// A message of somebody.
struct Message {
    from: &'static str,
    text: String,
}

impl Event for Message {
    type Topic = ();

    fn topic(&self) {}
}

/// Prints what fails and what takes long.
struct Report;

impl Observer<Message> for Report {
    fn failed(&self, message: &Message, failure: Failure<'_>) {
        println!("  failed on a message from {}: {}", message.from, failure.error);
    }

    fn sees_calls(&self) -> bool {
        true
    }

    fn after(
        &self,
        message: &Message,
        _: &CallContext<'_, Message>,
        answer: Result<&Outcome, &HandlerError>,
    ) {
        println!("  {}: {answer:?}", message.from);
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    // Around every handler of the store; the first is the outermost.
    let shout = around(
        |message: &Message, context: &CallContext<'_, Message>, next: &dyn Handler<Message>| {
            println!("message {} from {}", context.position(), message.from);
            next.handle(message, context)
        },
    );
    let store = EventStore::builder(64, OverrunPolicy::ReturnError)
        .observer(Report)
        .middleware(CatchPanic)
        .middleware(shout)
        .build()?;

    // Around this one only.
    let options = SubscribeOptions::topic(())
        .middleware(Only::new(|message: &Message| message.from != "spam"))
        .middleware(PayloadLimit::new(100, |message: &Message| message.text.len()))
        .middleware(RateLimit::new(1000, 10)?)
        .middleware(Timeout::new(Duration::from_secs(1))?);
    let inbox = store.subscribe_with(options, |message: &Message, _| {
        assert!(!message.text.is_empty(), "an empty message");
        println!("  {}: {}", message.from, message.text);
    });

    let long = "la ".repeat(50);
    for (from, text) in [("anna", "hello"), ("spam", "buy"), ("ben", &long), ("carl", "")] {
        store.send(Message { from, text: text.to_owned() })?;
    }
    store.publish();

    let stats = inbox.stats().expect("it has not ended");
    println!("{stats}");
    assert_eq!((stats.succeeded, stats.filtered, stats.failed), (1, 1, 2));
    println!("{}", store.audit()?);
    Ok(())
}
