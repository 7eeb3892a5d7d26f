//! Messages: events with an id, a topic, metadata, a time and a trace, for programs without event types
//! of their own.
//!
//! Run with `cargo run --example message`.

use std::error::Error;

use ringbus::{
    EventStore, Message, OverrunPolicy, SubscribeOptions, TopicError, TopicName, TraceContext,
};

/// What a gateway has read from somewhere.
struct Request {
    topic: &'static str,
    tenant: &'static str,
    traceparent: Option<&'static str>,
    body: &'static str,
}

const REQUESTS: [Request; 4] = [
    Request { topic: "order.placed", tenant: "acme", traceparent: None, body: "5 bolts" },
    Request {
        topic: "order.placed",
        tenant: "umbrella",
        traceparent: Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
        body: "1 umbrella",
    },
    Request { topic: "order.cancelled", tenant: "acme", traceparent: None, body: "5 bolts" },
    Request { topic: "", tenant: "acme", traceparent: None, body: "who knows" },
];

fn main() -> Result<(), Box<dyn Error>> {
    let store = EventStore::<Message<&str>>::builder(64, OverrunPolicy::Block).build()?;

    let placed = TopicName::new("order.placed")?;
    let orders = store.subscribe(placed, |order: &Message<&str>, _| {
        println!("order {}: {}", order.id(), order.data());
    });

    // All topics, but of one tenant.
    let of_acme = Message::where_metadata("tenant", "acme");
    let bill = store.subscribe_with(
        SubscribeOptions::all_topics().filter(of_acme),
        |message: &Message<&str>, _| println!("acme's bill: {}", message.topic()),
    );

    let traced = |message: &Message<&str>| message.trace().is_some();
    let traced = SubscribeOptions::all_topics().filter(traced);
    let traced = store.subscribe_with(traced, |message: &Message<&str>, _| {
        println!(
            "{} is part of {:?}",
            message.id(),
            message.trace().map(|trace| trace.to_string())
        );
    });

    for request in REQUESTS {
        let trace = request.traceparent.map(str::parse::<TraceContext>).transpose()?;
        let message = Message::builder(request.topic, request.body)
            .metadata("tenant", request.tenant)
            .trace(trace)
            .build();
        match message {
            Ok(message) => drop(store.send(message)?),
            Err(error) => {
                let why = error.to_string();
                println!("refused: {why}: {:?}", error.into_data());
            }
        }
    }
    assert_eq!(store.publish(), 3);

    let succeeded = [orders, bill, traced].map(|one| one.stats().map(|stats| stats.succeeded));
    assert_eq!(succeeded, [Some(2), Some(2), Some(1)]);
    assert_eq!(TopicName::new(""), Err(TopicError::Empty));
    println!("{}", store.audit()?);
    Ok(())
}
