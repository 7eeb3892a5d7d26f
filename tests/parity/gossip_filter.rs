//! `gossip`, `filter_test.go`. All of its tests have a counterpart.
//!
//! What is metadata there, a map from text to anything, is fields of the event here.

use ringbus::filter::{all_of, any_of};
use ringbus::{
    Event, EventStore, Filter, HandlerError, OverrunPolicy, Retry, RetryPolicy, SubscribeOptions,
    Subscription,
};

use crate::common::Journal;
use crate::helpers::publish;

#[derive(Clone, Copy)]
struct Order {
    priority: &'static str,
    source: Option<&'static str>,
    amount: u32,
}

impl Event for Order {
    type Topic = ();
    fn topic(&self) {}
}

const ORDER: Order = Order { priority: "high", source: Some("web"), amount: 100 };

fn is_high(order: &Order) -> bool {
    order.priority == "high"
}

fn from_web(order: &Order) -> bool {
    order.source == Some("web")
}

/// A part of a filter that is always the same.
fn always(answer: bool) -> impl Filter<Order> {
    move |_: &Order| answer
}

fn parts(answers: &[bool]) -> Vec<Box<dyn Filter<Order>>> {
    answers.iter().map(|&answer| Box::new(always(answer)) as _).collect()
}

fn store() -> EventStore<Order> {
    EventStore::builder(64, OverrunPolicy::ReturnError).build().unwrap()
}

fn subscribe(store: &EventStore<Order>, filter: impl Filter<Order>) -> Subscription {
    store.subscribe_with(SubscribeOptions::topic(()).filter(filter), |_: &Order, _| ())
}

/// How many of `orders` come to a handler behind `filter`, which rejects the rest without an error.
fn handled(filter: impl Filter<Order>, orders: &[Order]) -> u64 {
    let store = store();
    let handler = subscribe(&store, filter);
    store.send_all(&mut orders.to_vec()).unwrap();
    publish(&store);
    let stats = handler.stats().expect("it is there");
    assert_eq!((stats.succeeded + stats.filtered, stats.failed), (orders.len() as u64, 0));
    stats.succeeded
}

#[test]
fn new_filtered_processor_passes_filter() {
    assert_eq!(handled(always(true), &[ORDER]), 1);
}

#[test]
fn new_filtered_processor_fails_filter() {
    assert_eq!(handled(always(false), &[ORDER]), 0);
}

#[test]
fn filter_by_metadata_matches() {
    assert!(is_high.accepts(&ORDER));
}

#[test]
fn filter_by_metadata_no_match() {
    assert!(!is_high.accepts(&Order { priority: "low", ..ORDER }));
}

#[test]
fn filter_by_metadata_missing_key() {
    assert!(!from_web.accepts(&Order { source: None, ..ORDER }));
}

#[test]
fn filter_by_metadata_exists_key_exists() {
    assert!((|order: &Order| order.source.is_some()).accepts(&ORDER));
}

#[test]
fn filter_by_metadata_exists_key_missing() {
    let exists = |order: &Order| order.source.is_some();
    assert!(!exists.accepts(&Order { source: None, ..ORDER }));
}

#[test]
fn and_all_true() {
    assert!(all_of(parts(&[true, true, true])).accepts(&ORDER));
    assert!(always(true).and(always(true)).accepts(&ORDER));
}

#[test]
fn and_one_false() {
    assert!(!all_of(parts(&[true, false, true])).accepts(&ORDER));
    assert!(!always(true).and(always(false)).accepts(&ORDER));
}

#[test]
fn and_all_false() {
    assert!(!all_of(parts(&[false, false])).accepts(&ORDER));
    assert!(!always(false).and(always(false)).accepts(&ORDER));
}

#[test]
fn and_empty_filters() {
    assert!(all_of(parts(&[])).accepts(&ORDER));
}

#[test]
fn or_all_true() {
    assert!(any_of(parts(&[true, true])).accepts(&ORDER));
    assert!(always(true).or(always(true)).accepts(&ORDER));
}

#[test]
fn or_one_true() {
    assert!(any_of(parts(&[false, true, false])).accepts(&ORDER));
    assert!(always(false).or(always(true)).accepts(&ORDER));
}

#[test]
fn or_all_false() {
    assert!(!any_of(parts(&[false, false])).accepts(&ORDER));
    assert!(!always(false).or(always(false)).accepts(&ORDER));
}

#[test]
fn or_empty_filters() {
    assert!(!any_of(parts(&[])).accepts(&ORDER));
}

#[test]
fn not_true() {
    assert!(!always(true).not().accepts(&ORDER));
}

#[test]
fn not_false() {
    assert!(always(false).not().accepts(&ORDER));
}

#[test]
fn complex_filter_and_or_combination() {
    // (high or large) and from the web
    let filter = is_high.or(|order: &Order| order.amount > 1000).and(from_web);
    let order = |priority, amount, source| Order { priority, source: Some(source), amount };
    assert!(filter.accepts(&order("high", 1, "web")));
    assert!(filter.accepts(&order("low", 2000, "web")));
    assert!(!filter.accepts(&order("low", 1, "web")));
    assert!(!filter.accepts(&order("high", 2000, "shop")));
}

#[test]
fn complex_filter_nested_logic() {
    // high, and not both from the web and small
    let filter = is_high.and(from_web.and(|order: &Order| order.amount < 10).not());
    assert!(filter.accepts(&ORDER));
    assert!(!filter.accepts(&Order { amount: 5, ..ORDER }));
    assert!(!filter.accepts(&Order { priority: "low", ..ORDER }));
}

#[test]
fn filter_with_event_bus() {
    assert_eq!(handled(is_high, &[ORDER, Order { priority: "low", ..ORDER }, ORDER]), 2);
}

#[test]
fn filter_multiple_events_with_different_filters() {
    let store = store();
    let large = |order: &Order| order.amount > 150;
    let handlers = [
        subscribe(&store, always(true)),
        subscribe(&store, is_high),
        subscribe(&store, is_high.and(large)),
    ];
    let mut orders =
        vec![ORDER, Order { amount: 200, ..ORDER }, Order { priority: "low", ..ORDER }];
    store.send_all(&mut orders).unwrap();
    publish(&store);
    let succeeded = handlers.map(|handler| handler.stats().expect("it is there").succeeded);
    assert_eq!(succeeded, [3, 2, 1]);
}

#[test]
fn filter_combined_with_middleware() {
    let (store, attempts) = (store(), Journal::new());
    let noted = attempts.clone();
    let options = SubscribeOptions::topic(())
        .filter(is_high)
        .middleware(Retry::new(RetryPolicy::new(3)).unwrap());
    let _handler = store.subscribe_with(options, move |_: &Order, context| {
        noted.write(context.attempt());
        if context.attempt() < 2 { Err(HandlerError::retryable("not yet")) } else { Ok(()) }
    });
    store.send_all(&mut vec![Order { priority: "low", ..ORDER }, ORDER]).unwrap();
    publish(&store);
    assert_eq!(attempts.take(), [1, 2]);
}
