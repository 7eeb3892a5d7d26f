//! What each policy does with a full ring, and what the counters then say.
//!
//! Where the older Go library had a test of the same promise, its name is given.

use crate::common::{Journal, Notes, Number, POLICIES, audited, numbers, watched};
use ringbus::{EventStore, OverrunPolicy, SendAllError, SendError, Sent, SentAll};

fn filled(capacity: u64, policy: OverrunPolicy) -> EventStore<Number> {
    let store = numbers(usize::try_from(capacity).unwrap(), policy);
    for value in 0..capacity {
        assert_eq!(store.send(Number(value)), Ok(Sent::Stored));
    }
    store
}

/// `TestOverflowBehavior`.
#[test]
fn drop_oldest_keeps_the_newest_capacity_events() {
    let store = numbers(65_536, OverrunPolicy::DropOldest);
    let seen = Journal::new();
    let _keep = store.subscribe((), seen.handler());
    for value in 0..65_636 {
        store.send(Number(value)).unwrap();
    }
    assert_eq!(store.publish(), 65_536);
    assert_eq!(seen.take(), (100..65_636).collect::<Vec<_>>());
    assert_eq!(store.metrics().displaced_oldest, 100);
    audited(&store);
}

/// `TestOverflowThreshold` and `TestExactBufferSizeNoOverflow`.
#[test]
fn the_first_event_too_many_is_the_first_to_displace_one() {
    let store = filled(65_536, OverrunPolicy::DropOldest);
    assert_eq!(store.metrics().displaced(), 0);
    assert_eq!(store.send(Number(65_536)), Ok(Sent::Displaced(Number(0))));
    assert_eq!(store.publish(), 65_536);
    assert_eq!(audited(&store).displaced, 1);
}

#[test]
fn drop_oldest_displaces_one_per_send_oldest_first_and_never_while_there_is_room() {
    let notes = Notes::new();
    let builder = EventStore::builder(4, OverrunPolicy::DropOldest).observer(notes.clone());
    let store = builder.build().unwrap();
    for value in 0..4 {
        assert_eq!(store.send(Number(value)), Ok(Sent::Stored));
    }
    for value in 4..8 {
        assert_eq!(store.send(Number(value)), Ok(Sent::Displaced(Number(value - 4))));
        assert_eq!(store.len_hint(), 4);
    }
    let expected: Vec<_> = (0..4).map(|value| format!("displaced {value} (oldest)")).collect();
    assert_eq!(notes.0.take(), expected);
    store.publish();
    assert_eq!(store.send(Number(8)), Ok(Sent::Stored));
    audited(&store);
}

#[test]
fn a_group_under_drop_oldest_displaces_what_it_needs_and_stays_together() {
    let notes = Notes::new();
    let builder = EventStore::builder(4, OverrunPolicy::DropOldest).observer(notes.clone());
    let store = builder.build().unwrap();
    let seen = Journal::new();
    let _keep = store.subscribe((), seen.handler());
    assert_eq!(store.send_all(&mut (0..3).map(Number).collect()), Ok(SentAll::Stored));
    let sent = store.try_send_all(&mut (3..6).map(Number).collect()).unwrap();
    assert_eq!(sent, SentAll::Displaced(vec![Number(0), Number(1)]));
    assert_eq!(notes.0.take(), ["displaced 0 (oldest)", "displaced 1 (oldest)"]);
    store.publish();
    assert_eq!(seen.take(), [2, 3, 4, 5]);
    assert_eq!(audited(&store).displaced, 2);
}

/// `TestOverflowReturnError` and `TestOverrunPolicyReturnError`.
#[test]
fn return_error_gives_the_event_too_many_back() {
    for capacity in [1, 2, 8] {
        let store = filled(capacity, OverrunPolicy::ReturnError);
        assert_eq!(store.send(Number(99)), Err(SendError::Full(Number(99))));
        assert_eq!(store.try_send(Number(98)), Err(SendError::Full(Number(98))));
        let mut group = vec![Number(97)];
        assert_eq!(store.send_all(&mut group), Err(SendAllError::Full));
        assert_eq!(group, [Number(97)]);
        assert_eq!(store.metrics().rejected_full, 3);
        let balance = audited(&store);
        assert_eq!((balance.accepted, balance.pending), (capacity, capacity));
    }
}

#[test]
fn return_error_never_waits_whatever_the_deadline() {
    watched(|| {
        let store = filled(1, OverrunPolicy::ReturnError);
        let never = std::time::Duration::MAX;
        assert_eq!(store.send_timeout(Number(9), never), Err(SendError::Full(Number(9))));
        let store = filled(1, OverrunPolicy::DropOldest);
        assert_eq!(store.send_timeout(Number(9), never), Ok(Sent::Displaced(Number(0))));
        audited(&store);
    });
}

#[test]
fn a_group_too_large_for_the_ring_is_refused_under_every_policy() {
    for policy in POLICIES {
        let store = numbers(2, policy);
        store.send(Number(0)).unwrap();
        let mut group: Vec<_> = (1..4).map(Number).collect();
        let error = store.send_all(&mut group).unwrap_err();
        assert_eq!(error, SendAllError::TooLarge { len: 3, capacity: 2 });
        assert_eq!(group.len(), 3);
        assert_eq!(store.metrics().rejected(), 3);
        assert_eq!(audited(&store).pending, 1, "nothing was displaced for it");
    }
}

/// `TestPublishIdempotent`.
#[test]
fn a_second_publish_finds_nothing() {
    for policy in POLICIES {
        let store = numbers(8, policy);
        let seen = Journal::new();
        let _keep = store.subscribe((), seen.handler());
        store.send(Number(1)).unwrap();
        assert_eq!((store.publish(), store.publish()), (1, 0));
        assert_eq!(seen.take(), [1]);
        audited(&store);
    }
}

/// `TestPublishEmpty`.
#[test]
fn publishing_an_empty_store_changes_nothing() {
    for policy in POLICIES {
        let store = numbers(8, policy);
        let before = store.metrics();
        assert_eq!(store.publish(), 0);
        assert_eq!(store.metrics(), before);
        audited(&store);
    }
}

/// `TestMetricsCounts` and `TestEventStore_Metrics`.
#[test]
fn the_metrics_follow_an_event_from_accepted_to_handled() {
    for policy in POLICIES {
        let store = numbers(8, policy);
        let _keep = store.subscribe((), |_: &Number, _| ());
        store.send_all(&mut (0..5).map(Number).collect()).unwrap();
        let metrics = store.metrics();
        assert_eq!((metrics.accepted, metrics.pending, metrics.handled), (5, 5, 0));
        assert_eq!(metrics.capacity, 8);
        store.publish();
        let metrics = store.metrics();
        assert_eq!((metrics.accepted, metrics.pending, metrics.handled), (5, 0, 5));
        assert_eq!((metrics.failed_calls, metrics.in_flight), (0, 0));
        audited(&store);
    }
}

#[test]
fn the_metrics_and_the_balance_can_be_read_by_people() {
    let store = filled(2, OverrunPolicy::DropOldest);
    store.send(Number(2)).unwrap();
    store.publish();
    store.close();
    store.send(Number(3)).unwrap_err();
    let expected = "\
accepted               3
  handled              0
  unhandled            2
  displaced            1  (1 oldest, 0 incoming)
  undelivered          0
  pending              0  (of 2 slots)
  in flight            0
rejected               1  (0 full, 0 timeout, 1 closed, 0 would deadlock)
failed                 0  (handler calls; 0 of them panicked)
panics                 0  (0 in events, 0 in observers)";
    assert_eq!(store.metrics().to_string(), expected);
    assert_eq!(
        audited(&store).to_string(),
        "audit ok: 3 accepted = 0 handled + 2 unhandled + 1 displaced + 0 undelivered + 0 pending"
    );
}

#[test]
fn a_store_tells_what_it_was_built_with() {
    for policy in POLICIES {
        let store = numbers(16, policy);
        assert_eq!((store.capacity(), store.policy(), store.len_hint()), (16, policy, 0));
        assert!(!store.is_closed());
        assert_eq!(policy.to_string().parse(), Ok(policy));
        let shown = format!("{store:?}");
        assert!(shown.contains("capacity: 16"), "{shown}");
        audited(&store);
    }
    let unknown = "drop-newest".parse::<OverrunPolicy>().unwrap_err();
    assert!(unknown.to_string().contains("\"drop-newest\""), "{unknown}");
}
