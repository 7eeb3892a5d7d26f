//! What a frame shows of a store, at any size.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;
use ringbus::{
    Context, DeadLetterConfig, DeadLetterQueue, Event, EventStore, HandlerError, HealthLimits,
    LaneConfig, Limit, ManualClock, ObserveConfig, OverrunPolicy, SubscribeOptions,
};

use crate::common::{Number, numbers, watched};
use crate::draw::{Dashboard, HEIGHT, WIDTH};
use crate::slow::Slow;
use crate::watch::{Look, Watch};

const MILLISECOND: Duration = Duration::from_millis(1);

fn frame_of(look: &Look) -> String {
    Dashboard { title: "a feed", look }.to_text(WIDTH, HEIGHT)
}

/// The line that begins with that, without the blanks between figures.
#[track_caller]
fn line<'a>(frame: &'a str, begin: &str) -> Vec<&'a str> {
    let line = frame.lines().find(|line| line.starts_with(begin));
    line.unwrap_or_else(|| panic!("no {begin}:\n{frame}")).split_whitespace().collect()
}

#[track_caller]
fn assert_line(frame: &str, expected: &str) {
    let begin = expected.split_whitespace().next().unwrap_or_default();
    assert_eq!(line(frame, begin).join(" "), expected, "\n{frame}");
}

fn look<E: Event>(store: &EventStore<E>) -> Look {
    Watch::new(store.monitor()).look().expect("the store is there")
}

/// A store that has done a bit of everything, two seconds long.
fn busy() -> Look {
    let clock = ManualClock::new();
    let letters = DeadLetterQueue::new(DeadLetterConfig::new(3)).unwrap();
    let store = EventStore::builder(16, OverrunPolicy::DropOldest)
        .clock(clock.clone())
        .dead_letters(&letters)
        .observe(ObserveConfig::new().sample_every(1).topics_max(1))
        .health_limits(HealthLimits::off().lag_events(Limit::new(4, 100)))
        .build()
        .unwrap();
    let hand = clock.clone();
    let fast = SubscribeOptions::topic(()).name("fast");
    store.subscribe_with(fast, move |_, _| hand.advance(3 * MILLISECOND)).detach();
    let slow = Slow::new(&store, LaneConfig::new(4, OverrunPolicy::DropOldest));
    let failing = SubscribeOptions::topic(()).name("failing");
    let fail = |number: &Number, _: &Context<'_, Number>| match number.0 % 4 {
        0 => Err(HandlerError::validation(format!("{} is too much", number.0))),
        _ => Ok(()),
    };
    store.subscribe_with(failing, fail).detach();

    let mut watch = Watch::new(store.monitor());
    watch.look().expect("the store is there");
    store.send(Number(0)).unwrap();
    store.publish();
    assert_eq!(slow.begun.recv().unwrap(), 0);
    // The first four are displaced, and twelve of the others lost by the slow one.
    for number in 1..=20 {
        store.send(Number(number)).map(drop).unwrap();
    }
    store.publish();
    for number in 21..=23 {
        store.send(Number(number)).map(drop).unwrap();
    }
    clock.advance((2000 - 17 * 3) * MILLISECOND);
    watch.look().expect("the store is there")
}

#[test]
fn a_frame_shows_all_figures_of_a_known_snapshot() {
    let look = watched(busy);
    let frame = frame_of(&look);
    assert_line(&frame, "ringbus a feed, drop-oldest up 2.00s q quits");
    assert_line(&frame, "health degraded, for one reason");
    assert!(frame.contains("\n         5 events wait for slow (limit 4)\n"), "{frame}");
    let ring = line(&frame, "ring ").split_off(2).join(" ");
    assert_eq!(ring, "3 of 16 (18 %), high water 16, full 1x", "{frame}");
    let rates = line(&frame, "a second").join(" ");
    assert_eq!(rates, "a second accepted 12 handled 8.5 displaced 2.0 rejected 0", "{frame}");
    let totals = line(&frame, "in total").join(" ");
    assert_eq!(totals, "in total accepted 24 handled 17 displaced 4 rejected 0", "{frame}");
    assert_line(&frame, "waiting 3 events, oldest 0ns; 0 senders, 0 waits, longest 0ns");
    assert_line(&frame, "topics () 17 (5 failures)");
    assert_line(&frame, "letters 3 dead letters kept; 5 filed, 2 dropped, 0 refused");
    let errors = line(&frame, "errors").join(" ");
    assert!(errors.starts_with("errors 5x 1.9"), "{frame}");
    assert!(errors.ends_with("failing: the event was refused: 20 is too much"), "{frame}");
}

#[test]
fn a_frame_shows_lag_losses_letters_and_percentiles_of_each_subscription() {
    let look = watched(busy);
    let frame = frame_of(&look);
    let heads = "per s lag lost failed retry dead p50 p99 p99.9 max";
    assert!(
        frame
            .lines()
            .any(|line| { line.split_whitespace().collect::<Vec<_>>().join(" ") == heads }),
        "{frame}"
    );
    if cfg!(feature = "histogram") {
        assert_line(&frame, "fast 8.5 0 0 0 0 0 3.00ms 3.00ms 3.00ms 3.00ms");
        assert_line(&frame, "slow 8.5 5 12 0 0 0 - - - -");
        assert_line(&frame, "failing 8.5 0 0 0 0 5 0ns 0ns 0ns 0ns");
        let end_to_end = line(&frame, "end to end");
        assert_eq!(end_to_end.len(), 3 + 4, "{frame}");
        assert!(end_to_end.iter().all(|figure| *figure != "-"), "{frame}");
    } else {
        assert_line(&frame, "fast 8.5 0 0 0 0 0 - - - 3.00ms");
        assert_line(&frame, "slow 8.5 5 12 0 0 0 - - - -");
        assert_eq!(line(&frame, "end to end").split_off(3), ["-"; 4], "{frame}");
        assert!(frame.contains("--features histogram"), "{frame}");
    }
}

#[test]
fn a_frame_fits_the_usual_terminal() {
    let look = watched(busy);
    let frame = frame_of(&look);
    assert!(frame.lines().count() <= 24, "{frame}");
    assert!(frame.lines().all(|line| line.chars().count() <= 80), "{frame}");
    assert!(!frame.contains('…'), "nothing is cut:\n{frame}");
}

#[test]
fn a_frame_can_be_drawn_at_any_size() {
    let look = watched(busy);
    let dashboard = Dashboard { title: "a feed", look: &look };
    for width in [0, 1, 2, 5, 20, 40, 59, 60, 61, 79, 80, 81, 200, 300] {
        for height in [0, 1, 2, 5, 7, 8, 9, 16, 23, 24, 25, 100] {
            let text = dashboard.to_text(width, height);
            assert!(text.lines().count() <= height.into(), "{width}x{height}:\n{text}");
            let widest = text.lines().map(|line| line.chars().count()).max().unwrap_or(0);
            assert!(widest <= width.into(), "{width}x{height}:\n{text}");
        }
    }
    for (width, height, expected) in
        [(1, 1, "1"), (20, 5, "20x5 is too small:\nneeds 80x24.\nq quits")]
    {
        assert_eq!(dashboard.to_text(width, height), expected);
    }
    let low = dashboard.to_text(80, 8);
    assert!(low.contains("high water") && low.contains("in total"), "{low}");
    let wide = dashboard.to_text(300, 100);
    assert!(wide.lines().any(|line| line.chars().count() > 200), "{wide}");
}

#[test]
fn a_frame_stays_within_its_part_of_the_screen() {
    let store = numbers(8, OverrunPolicy::Block);
    let look = look(&store);
    let mut buffer = Buffer::empty(Rect::new(0, 0, 100, 40));
    let area = Rect::new(10, 5, 70, 20);
    Dashboard { title: "a feed", look: &look }.render(area, &mut buffer);
    let is_drawn = |x, y| buffer[(x, y)].symbol() != " ";
    let all = (0..100).flat_map(|x| (0..40).map(move |y| (x, y)));
    let (inside, outside): (Vec<_>, Vec<_>) = all.partition(|&place| area.contains(place.into()));
    assert!(inside.iter().any(|&(x, y)| is_drawn(x, y)));
    assert!(!outside.iter().any(|&(x, y)| is_drawn(x, y)));
}

#[test]
fn a_store_that_has_done_nothing_has_dashes() {
    let store = EventStore::<Number>::builder(8, OverrunPolicy::Block)
        .observe(ObserveConfig::new().sample_every(1))
        .build()
        .unwrap();
    store.subscribe((), |_, _| ()).detach();
    let frame = frame_of(&look(&store));
    assert_line(&frame, "health healthy");
    let rates = line(&frame, "a second").join(" ");
    assert_eq!(rates, "a second accepted - handled - displaced - rejected -", "{frame}");
    assert_eq!(line(&frame, "end to end").split_off(3), ["-"; 4], "{frame}");
    assert_eq!(line(&frame, "no.")[2..].join(" "), "- 0 0 0 0 0 - - - -", "{frame}");
    assert_line(&frame, "waiting 0 events, oldest -; 0 senders, 0 waits, longest 0ns");
    assert_line(&frame, "topics -");
    assert_line(&frame, "letters -");
    assert_line(&frame, "errors none");
}

#[test]
fn two_looks_at_the_same_time_have_no_rates() {
    let clock = ManualClock::new();
    let store = EventStore::<Number>::builder(8, OverrunPolicy::Block)
        .clock(clock.clone())
        .build()
        .unwrap();
    let mut watch = Watch::new(store.monitor());
    assert!(watch.look().unwrap().rates.is_none());
    assert!(watch.look().unwrap().rates.is_none());
    clock.advance(MILLISECOND);
    assert!(watch.look().unwrap().rates.is_some());
}

#[test]
fn rates_are_those_of_the_last_second() {
    let clock = ManualClock::new();
    let store = EventStore::builder(1024, OverrunPolicy::Block).clock(clock.clone()).build();
    let store = store.unwrap();
    let mut watch = Watch::new(store.monitor());
    let mut accepted = Vec::new();
    // Ten in the first tenth of a second, then nothing.
    store.send_all(&mut (0..10).map(Number).collect()).unwrap();
    for _ in 0..15 {
        accepted.push(watch.look().unwrap().rates.map(|rates| rates.accepted));
        if accepted.len() == 1 {
            store.send_all(&mut (0..10).map(Number).collect()).unwrap();
        }
        clock.advance(100 * MILLISECOND);
    }
    let near = |figure: Option<f64>, expected: f64| (figure.unwrap() - expected).abs() < 1e-6;
    assert_eq!(accepted[0], None);
    assert!(near(accepted[1], 100.0) && near(accepted[5], 20.0), "{accepted:?}");
    assert!(near(accepted[10], 10.0) && near(accepted[11], 0.0), "{accepted:?}");
}

#[test]
fn a_closed_store_is_shown_as_closed_and_one_that_is_gone_is_not_shown() {
    let store = numbers(8, OverrunPolicy::ReturnError);
    let mut watch = Watch::new(store.monitor());
    store.send(Number(0)).unwrap();
    store.close();
    assert!(store.send(Number(1)).is_err());
    let frame = frame_of(&watch.look().expect("it is there"));
    assert!(frame.lines().next().is_some_and(|head| head.contains("closed")), "{frame}");
    assert_line(&frame, "health unhealthy, for one reason");
    assert!(frame.contains("the store is closed"), "{frame}");
    let totals = line(&frame, "in total").join(" ");
    assert_eq!(totals, "in total accepted 1 handled 0 displaced 0 rejected 1", "{frame}");
    drop(store);
    assert!(watch.look().is_none());
}

#[test]
fn long_names_and_odd_errors_are_cut() {
    let store = numbers(8, OverrunPolicy::Block);
    for name in
        ["a name of far more than ten columns", "日本語日本語日本語", "with\na break\u{1b}[2J", ""]
    {
        let options = SubscribeOptions::topic(()).name(name);
        let fail = |_: &Number, _: &Context<'_, Number>| {
            Err::<(), _>(HandlerError::message("no\r\ngood\u{7} ".repeat(50)))
        };
        store.subscribe_with(options, fail).detach();
    }
    store.send(Number(0)).unwrap();
    store.publish();
    let look = look(&store);
    let title = "a title that is longer than there is room for in any terminal of the usual size";
    let frame = Dashboard { title, look: &look }.to_text(WIDTH, HEIGHT);
    assert!(frame.contains("\na name of…"), "{frame}");
    assert!(frame.contains("\nwith a br…"), "{frame}");
    assert!(frame.lines().next().is_some_and(|head| head.ends_with("q quits")), "{frame}");
    assert!(!frame.contains(['\r', '\u{7}', '\u{1b}']), "{frame}");
    assert!(frame.lines().count() <= 24, "{frame}");
    let wide = Dashboard { title, look: &look }.to_text(200, 50);
    assert!(wide.contains("a name of far more than ten columns"), "{wide}");
}

#[test]
fn many_subscriptions_leave_room_for_the_errors() {
    let store = numbers(8, OverrunPolicy::Block);
    for number in 0..200 {
        let options = SubscribeOptions::topic(()).name(format!("{number}"));
        store
            .subscribe_with(options, |_: &Number, _| Err::<(), _>(HandlerError::message("no")))
            .detach();
    }
    store.send(Number(0)).unwrap();
    store.publish();
    let frame = frame_of(&look(&store));
    assert!(frame.contains("\n… and 19"), "{frame}");
    assert!(frame.lines().count() <= 24, "{frame}");
    assert_eq!(frame.lines().filter(|line| line.contains(" ago  ")).count(), 3, "{frame}");
}

#[test]
fn huge_figures_fit() {
    let mut look = watched(busy);
    let huge = u64::MAX / 8;
    let snapshot = &mut look.snapshot;
    snapshot.uptime = Duration::MAX;
    let metrics = &mut snapshot.metrics;
    (metrics.accepted, metrics.handled, metrics.pending) = (huge, huge, huge);
    (metrics.displaced_oldest, metrics.rejected_full) = (huge, huge);
    snapshot.fill.pending_events = u64::MAX;
    snapshot.fill.peak_events = u64::MAX;
    snapshot.fill.full_episodes = u64::MAX;
    snapshot.blocked.longest = Duration::MAX;
    snapshot.oldest_age = Some(Duration::MAX);
    for report in &mut snapshot.subscriptions {
        (report.stats.lost, report.stats.lagging) = (huge, huge);
        (report.stats.failed, report.stats.dead_lettered) = (huge, huge);
        let mut latency = report.latency.unwrap_or_default();
        (latency.p50, latency.max) = (Some(Duration::MAX), Some(Duration::MAX));
        report.latency = Some(latency);
    }
    for error in &mut snapshot.errors.errors {
        (error.count, error.last_ago) = (u64::MAX, Duration::MAX);
    }
    if let Some(letters) = &mut snapshot.dead_letters {
        (letters.letters, letters.filed, letters.dropped) = (u64::MAX, u64::MAX, u64::MAX);
    }
    let frame = frame_of(&look);
    let fast = line(&frame, "fast").join(" ");
    assert!(fast.starts_with("fast 8.5 2.30E 2.30E 2.30E 0 2.30E 213Td "), "{frame}");
    assert!(fast.ends_with(" 213Td"), "{frame}");
    assert!(frame.lines().all(|line| line.chars().count() <= 80), "{frame}");
    assert!(frame.contains("18.4Ex  213Td ago"), "{frame}");
    let ring = line(&frame, "ring ");
    assert!(ring[1].chars().all(|cell| cell == '█' || cell == '│'), "{frame}");
    // There is no such ring, and no division by nought.
    look.snapshot.fill.capacity_events = 0;
    assert!(frame_of(&look).contains("of 0"));
}
