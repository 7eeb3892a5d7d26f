//! Messages: what they carry, what they are equal to, and what cannot be one.
//!
//! The Go libraries' features that are shown here are in section A of `docs/PARITY.md`.

mod common;

use std::collections::{HashMap, HashSet};
use std::thread;
use std::time::{Duration, SystemTime};

use proptest::prelude::*;

use common::{Journal, POLICIES, audited, watched};
use ringbus::{
    DeadLetterConfig, DeadLetterQueue, Deadline, Event, EventStore, Filter, HandlerError,
    LaneConfig, ManualClock, Message, MessageError, MessageId, MetaValue, Metadata, MetadataError,
    OverrunPolicy, SubscribeOptions, TopicError, TopicName, TraceContext, WallClock, Workers,
};

const HEADER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn topic(name: &str) -> TopicName {
    TopicName::new(name).expect("the name is short and not empty")
}

fn store(capacity: usize) -> EventStore<Message<u64>> {
    EventStore::builder(capacity, OverrunPolicy::Block).build().expect("a power of two")
}

#[test]
fn a_handler_sees_all_that_a_message_carries() {
    let store = EventStore::builder(4, OverrunPolicy::Block).build().unwrap();
    let seen = Journal::new();
    let journal = seen.clone();
    let _seen = store.subscribe(topic("order.placed"), move |message: &Message<String>, _| {
        journal.write(message.clone());
    });
    let (trace, noon) =
        (HEADER.parse().unwrap(), SystemTime::UNIX_EPOCH + Duration::from_hours(12));
    let message = Message::builder("order.placed", "five".to_owned())
        .id(77_u64)
        .timestamp(noon)
        .metadata("tenant", "acme")
        .metadata("tries", 3)
        .metadata("share", 0.5)
        .metadata("urgent", true)
        .metadata("key", vec![1, 255])
        .trace(trace);
    store.send(message.clone().build().unwrap()).unwrap();
    assert_eq!(store.publish(), 1);
    let [message] = &seen.take()[..] else { panic!("one message was sent") };
    assert_eq!((message.id(), message.topic().as_str()), (MessageId::from(77_u64), "order.placed"));
    assert_eq!((message.timestamp(), message.trace()), (noon, Some(trace)));
    assert_eq!(message.data(), "five");
    let metadata = message.metadata();
    let text = metadata.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>();
    assert_eq!(text, ["tenant=acme", "tries=3", "share=0.5", "urgent=true", "key=01ff"]);
    assert_eq!(metadata.get("tenant").and_then(MetaValue::as_text), Some("acme"));
    assert_eq!(metadata.get("tries").and_then(MetaValue::as_integer), Some(3));
    assert_eq!(metadata.get("share").and_then(MetaValue::as_float), Some(0.5));
    assert_eq!(metadata.get("urgent").and_then(MetaValue::as_flag), Some(true));
    assert_eq!(metadata.get("key").and_then(MetaValue::as_bytes), Some(&[1, 255][..]));
    assert_eq!(metadata.get("nothing"), None);
    audited(&store);
}

#[test]
fn a_message_is_eighty_bytes_more_than_its_payload() {
    assert_eq!(size_of::<Message<()>>(), 80);
    assert_eq!(size_of::<Message<[u64; 6]>>(), 128);
    assert_eq!(size_of::<TopicName>(), size_of::<usize>());
}

#[test]
fn what_is_not_given_is_the_next_id_and_the_present() {
    let before = SystemTime::now();
    let first = Message::new(topic("a"), ());
    let second = Message::builder("a", ()).build().unwrap();
    assert!(first.id() < second.id());
    for message in [&first, &second] {
        assert!(message.timestamp() >= before && message.timestamp() <= SystemTime::now());
        assert!(message.metadata().is_empty() && message.trace().is_none());
    }
}

#[test]
fn ids_are_unique_in_the_process_and_increase_on_each_thread() {
    const EACH: usize = 5000; // Several blocks.
    let ids = || (0..EACH).map(|_| MessageId::next()).collect::<Vec<_>>();
    let all = thread::scope(|scope| {
        let threads = (0..4).map(|_| scope.spawn(ids)).collect::<Vec<_>>();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    assert!(all.iter().all(|ids| ids.is_sorted_by(|first, second| first < second)));
    let distinct = all.iter().flatten().collect::<HashSet<_>>();
    assert_eq!(distinct.len(), 4 * EACH);
}

#[test]
fn an_id_is_written_as_a_number_or_as_a_uuid() {
    assert_eq!(MessageId::from(12_u64).to_string(), "12");
    let uuid = MessageId::from_u128(0x0192_f0c1_2345_7abc_8def_0123_4567_89ab);
    assert_eq!(uuid.to_string(), "0192f0c1-2345-7abc-8def-0123456789ab");
    assert!(MessageId::from(u64::MAX) < uuid);
}

#[cfg(feature = "uuid")]
#[test]
fn an_id_may_be_a_uuid_that_is_ordered_by_time() {
    let ids = (0..1000).map(|_| MessageId::now_v7()).collect::<Vec<_>>();
    assert!(ids.is_sorted_by(|first, second| first < second));
    let uuid = uuid::Uuid::from(ids[0]);
    assert_eq!((uuid.to_string(), MessageId::from(uuid)), (ids[0].to_string(), ids[0]));
}

#[test]
fn one_text_is_one_name_on_all_threads() {
    let texts = (0..100).map(|number| format!("same.{number}")).collect::<Vec<_>>();
    let names = || texts.iter().map(|text| topic(text)).collect::<Vec<_>>();
    let all = thread::scope(|scope| {
        let threads = (0..4).map(|_| scope.spawn(names)).collect::<Vec<_>>();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    assert!(all.iter().all(|names| *names == all[0]));
    let numbers = all[0].iter().zip(0..).collect::<HashMap<_, _>>();
    assert_eq!((numbers.len(), numbers[&topic("same.7")]), (100, 7));
    assert!(all[0].iter().zip(&texts).all(|(name, text)| name.as_str() == text));
    assert_eq!((TopicName::find("same.7"), TopicName::find("no such")), (Some(all[0][7]), None));
    assert_eq!(format!("{0} {0:?} {0:>8}", topic("same.7")), "same.7 \"same.7\"   same.7");
}

#[test]
fn an_empty_or_endless_topic_is_an_error_that_gives_the_payload_back() {
    let refused = Message::builder("", "data").build().unwrap_err();
    assert_eq!(refused.to_string(), "the name of a topic is empty");
    assert!(matches!(refused, MessageError::Topic { error: TopicError::Empty, .. }));
    assert_eq!(refused.into_data(), "data");
    let longest = "x".repeat(TopicName::BYTES_MAX);
    assert!(Message::builder(longest.clone(), ()).build().is_ok());
    let error = TopicName::new(&(longest + "x")).unwrap_err();
    assert_eq!(error, TopicError::TooLong { bytes: 256, bytes_max: 255 });
    assert_eq!(
        format!("{:?}", Message::builder("", "secret").build().unwrap_err()),
        "Topic(Empty)"
    );
}

#[test]
fn metadata_of_a_mebibyte_arrive_and_a_byte_more_is_refused() {
    let store = store(2);
    let seen = Journal::new();
    let journal = seen.clone();
    let _seen = store.subscribe(topic("large"), move |message: &Message<u64>, _| {
        journal.write(message.metadata().len_bytes());
    });
    let value = |bytes: usize| "v".repeat(bytes - "key".len());
    let largest = Message::builder("large", 1).metadata("key", value(1 << 20)).build().unwrap();
    store.send(largest).unwrap();
    store.publish();
    assert_eq!(seen.take(), [1 << 20]);
    let refused = Message::builder("large", 2)
        .metadata("key", value((1 << 20) + 1))
        .metadata("small", 1)
        .build()
        .unwrap_err();
    let text = "the metadata would have 1048577 bytes, more than 1048576: what is large belongs in \
                the payload";
    assert_eq!(refused.to_string(), text);
    assert_eq!(refused.into_data(), 2);
}

#[test]
fn metadata_of_too_many_entries_are_refused_and_stay_as_they_were() {
    let mut metadata = Metadata::new();
    for number in 0..Metadata::COUNT_MAX {
        metadata.insert(number.to_string(), true).unwrap();
    }
    let before = metadata.clone();
    let error = metadata.insert("one more", true).unwrap_err();
    assert_eq!(error, MetadataError::TooMany { count_max: 1024 });
    assert_eq!(metadata, before);
    assert_eq!(metadata.insert("7", false).unwrap(), Some(MetaValue::Flag(true)));
    assert_eq!(metadata.remove("8"), Some(MetaValue::Flag(true)));
    assert_eq!(metadata.insert("one more", "x").unwrap(), None);
    assert_eq!(metadata.len(), 1024);
}

#[test]
fn messages_are_filtered_by_their_metadata() {
    let store = store(8);
    let seen = Journal::new();
    let wanted = Message::where_metadata("tenant", "acme")
        .and(Message::where_metadata("tries", 3_u8))
        .or(Message::where_metadata_has("urgent"));
    let journal = seen.clone();
    let options = SubscribeOptions::all_topics().filter(wanted);
    let _seen = store.subscribe_with(options, move |message: &Message<u64>, _| {
        journal.write(*message.data());
    });
    let message = |data: u64| Message::builder("job", data);
    for message in [
        message(1).metadata("tenant", "acme").metadata("tries", 3_i64),
        message(2).metadata("tenant", "acme").metadata("tries", "3"),
        message(3).metadata("tries", 3),
        message(4).metadata("urgent", f64::NAN),
        message(5),
    ] {
        store.send(message.build().unwrap()).unwrap();
    }
    assert_eq!(store.publish(), 5);
    assert_eq!(seen.take(), [1, 4]);
    audited(&store);
}

#[test]
fn a_test_can_set_the_time_of_messages() {
    let clock = ManualClock::new();
    let start = SystemTime::UNIX_EPOCH + Duration::from_hours(438_288);
    let wall = WallClock::starting_at(start, clock.clone());
    let made = || Message::builder("a", ()).clock(&wall).build().unwrap().timestamp();
    assert_eq!(made(), start);
    clock.advance(Duration::from_millis(1500));
    assert_eq!(made(), start + Duration::from_millis(1500));
    clock.advance(Duration::MAX);
    assert!(made() >= start, "no panic at the end of time");
    assert!(WallClock::system().now() <= SystemTime::now());
}

#[test]
fn a_message_goes_wherever_events_go() {
    watched(|| {
        for policy in POLICIES {
            let letters = DeadLetterQueue::new(DeadLetterConfig::new(4)).unwrap();
            let builder = EventStore::builder(4, policy).dead_letters(&letters);
            let store: EventStore<Message<u64>> = builder.build().unwrap();
            let (seen, in_lane) = (Journal::new(), Journal::new());
            let (journal, lane) = (seen.clone(), in_lane.clone());
            let name = topic("everywhere");
            let _seen = store.subscribe(name, move |message: &Message<u64>, _| {
                journal.write(*message.data());
                if message.data().is_multiple_of(2) {
                    Ok(())
                } else {
                    Err(HandlerError::message("odd"))
                }
            });
            let lane_of_4 = LaneConfig::new(4, OverrunPolicy::Block);
            let options = SubscribeOptions::topic(name);
            let _lane = store
                .subscribe_lane(options, lane_of_4, move |message, _| lane.write(message.id()))
                .unwrap();
            let first = Message::new(name, 1);
            store.send(first.clone()).unwrap();
            let mut transaction = store.transaction();
            transaction.push(Message::new(name, 2));
            assert_eq!(transaction.commit().unwrap(), 1);
            store.publish();
            store.flush(Deadline::NEVER).unwrap();
            assert_eq!(seen.take(), [2, 1]);
            assert_eq!(in_lane.take().last(), Some(&first.id()));
            assert_eq!(letters.drain()[0].event(), &first);
            audited(&store);
        }
    });
}

#[test]
fn messages_of_a_topic_stay_in_order_in_lanes() {
    watched(|| {
        let workers = Workers::by_key(|message: &Message<u64>| message.topic()).count(2);
        let lanes = EventStore::builder(16, OverrunPolicy::Block).build_lanes(workers).unwrap();
        let seen: Journal<(TopicName, MessageId)> = Journal::new();
        let journal = seen.clone();
        let options = SubscribeOptions::all_topics();
        let _seen = lanes.subscribe_with(options, move |message: &Message<u64>, _| {
            journal.write((message.topic(), message.id()));
        });
        let names = ["lane.a", "lane.b", "lane.c"].map(topic);
        for number in 0..60 {
            lanes.send(Message::new(names[number % 3], 0)).unwrap();
        }
        lanes.flush(Deadline::NEVER).unwrap();
        let seen = seen.take();
        for name in names {
            let of_name = seen.iter().filter(|(topic, _)| *topic == name).map(|(_, id)| *id);
            let ids = of_name.collect::<Vec<_>>();
            assert!(ids.len() == 20 && ids.is_sorted());
        }
    });
}

#[test]
fn metadata_that_were_taken_out_leave_nothing() {
    let mut metadata = Metadata::new();
    metadata.insert("tries", 3).unwrap();
    assert_eq!(metadata.remove("tries"), Some(3.into()));
    assert_eq!(metadata, Metadata::new());
    assert_eq!((metadata.len(), metadata.len_bytes()), (0, 0));
}

#[test]
fn what_is_changed_of_a_message_leaves_the_rest() {
    let mut message = Message::builder("a", 5).metadata("k", 1).build().unwrap();
    let before = message.clone();
    *message.data_mut() += 1;
    message.metadata_mut().insert("k", 2).unwrap();
    assert_ne!(message, before);
    let text = message.clone().map(|number: i32| number.to_string());
    assert_eq!(
        (text.id(), text.topic(), text.timestamp()),
        (before.id(), Event::topic(&before.clone()), before.timestamp())
    );
    assert_eq!((text.into_data(), before.into_data()), ("6".to_owned(), 5));
}

#[test]
fn a_header_that_is_none_is_refused() {
    let with = |place: usize, text: &str| {
        let mut header = HEADER.to_owned();
        header.replace_range(place..place + text.len(), text);
        header
    };
    let later = with(0, "cc") + "-what comes then";
    assert_eq!(later.parse::<TraceContext>().unwrap(), HEADER.parse().unwrap());
    for bad in [
        String::new(),
        HEADER[..54].to_owned(),
        format!("{HEADER}-00"),
        with(0, "ff"),
        with(0, "0x"),
        with(2, "_"),
        with(3, &"0".repeat(32)),
        with(36, &"0".repeat(16)),
        with(40, "F"),
        with(53, "ä"),
    ] {
        assert!(bad.parse::<TraceContext>().is_err(), "{bad}");
    }
}

proptest! {
    #[test]
    fn a_trace_is_read_as_it_was_written(
        trace_id in any::<[u8; 16]>(), parent_id in any::<[u8; 8]>(), flags: u8,
    ) {
        prop_assume!(trace_id != [0; 16] && parent_id != [0; 8]);
        let trace = TraceContext { trace_id, parent_id, flags };
        prop_assert_eq!(trace.to_string().parse(), Ok(trace));
    }

    #[test]
    fn any_text_is_read_without_a_panic(text in "[0-9a-f-]{50,60}|.{0,60}") {
        if let Ok(trace) = text.parse::<TraceContext>() {
            prop_assert!(trace.to_string()[3..] == text[3..55]);
        }
        if let Ok(name) = TopicName::new(&text) {
            prop_assert_eq!(name.as_str(), text);
        }
    }

    #[test]
    fn metadata_are_a_list_of_keys_that_are_there_once(
        steps in prop::collection::vec((0_u8..6, prop::option::of("[a-z]{0,9}")), 0..40),
    ) {
        let mut metadata = Metadata::new();
        let mut model: Vec<(String, String)> = Vec::new();
        for (key, value) in steps {
            let key = format!("{key:02}");
            let place = model.iter().position(|(other, _)| *other == key);
            if let Some(value) = value {
                let before = metadata.insert(key.clone(), value.clone()).unwrap();
                let text = before.as_ref().and_then(MetaValue::as_text);
                prop_assert_eq!(text, place.map(|place| &*model[place].1));
                match place {
                    Some(place) => model[place].1 = value,
                    None => model.push((key, value)),
                }
            } else {
                let removed = metadata.remove(&key);
                prop_assert_eq!(removed, place.map(|place| model.remove(place).1.into()));
            }
            let bytes: usize = model.iter().map(|(key, value)| key.len() + value.len()).sum();
            prop_assert_eq!((metadata.len(), metadata.len_bytes()), (model.len(), bytes));
        }
        let entries = metadata.iter().map(|(key, value)| (key.to_owned(), value.to_string()));
        prop_assert_eq!(entries.collect::<Vec<_>>(), model);
    }
}
