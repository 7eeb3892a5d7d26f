//! What the handlers do, and what they must have been called for.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ringbus::{
    BackOff, Batch, BatchConfig, CallContext, Context, Deadline, FlushError, HandlerError, Lanes,
    Replay, Retry, RetryPolicy, SubscribeOptions,
};

use crate::world::{Called, Command, Known, NOBODY, Spec, Work, World};

/// A panic that nobody prints.
pub(crate) fn quiet_panic() {
    std::panic::resume_unwind(Box::new("as the model says"));
}

/// Does what an event says.
pub(crate) fn obey(world: &World, work: &Work, context: &Context<'_, Work>) {
    let make = |key| world.make(key, NOBODY, Command::Nothing);
    match work.command {
        Command::Nothing => {}
        Command::Send(key, count) => {
            for index in 1..=count {
                // Each of which may send again.
                let next = Command::Send(key + 1, index - 1);
                world.note_sent(context.send(world.make(key, NOBODY, next)));
            }
        }
        Command::SendAll(key, count) => {
            let mut group: Vec<_> = (0..count).map(|_| make(key)).collect();
            let sent = context.send_all(&mut group);
            world.note_sent_all(sent, group);
        }
        Command::SendElsewhere(key) => std::thread::scope(|scope| {
            scope.spawn(|| world.note_sent(context.send(make(key))));
        }),
        Command::Schedule(key, ms) => {
            let event = make(key);
            world.note_timer(event.id);
            if let Err(refused) = context.schedule_after(Duration::from_millis(ms), event) {
                world.note_returned([refused.into_event()]);
            }
        }
        Command::Unsubscribe(which) => {
            if let (Some(known), Some(lanes)) = (world.known(which), world.lanes()) {
                known.steady.store(false, Ordering::SeqCst);
                lanes.unsubscribe(known.id);
            }
        }
        Command::Pause(which, paused) => {
            if let (Some(known), Some(lanes)) = (world.known(which), world.lanes()) {
                known.steady.store(false, Ordering::SeqCst);
                _ = if paused { lanes.pause(known.id) } else { lanes.resume(known.id) };
            }
        }
        Command::Refused => {
            if let Some(lanes) = world.lanes() {
                assert_eq!(lanes.flush(Deadline::NEVER).unwrap_err(), FlushError::WouldDeadlock);
                assert!(lanes.audit().is_err());
                let nobody = context.subscription();
                assert!(world.known(0).is_some_and(|known| known.id == nobody));
            }
        }
        Command::Panic => quiet_panic(),
        Command::Publish(lane) => {
            if let Some(lanes) = world.lanes() {
                lanes.lane(lane % lanes.count()).unwrap().publish();
            }
        }
        Command::FlushLane(lane) => {
            if let Some(lanes) = world.lanes() {
                // Which of them depends on what the others do.
                let _ = lanes.lane(lane % lanes.count()).unwrap().flush(Deadline::NEVER);
            }
        }
        Command::Replay => {
            if let (Some(lanes), Some(letters)) = (world.lanes(), &world.letters) {
                let _ = lanes.replay(letters, Replay::all().max(3));
            }
        }
        Command::End => drop(world.lanes.lock().unwrap().take()),
    }
}

fn answer(
    spec: &Spec,
    calls: &Mutex<Vec<Called>>,
    work: &Work,
    attempt: u32,
) -> Result<(), HandlerError> {
    let fails = spec.fails(work.id, attempt);
    calls.lock().unwrap().push((work.id, work.key, work.from, attempt, !fails));
    if !fails {
        return Ok(());
    }
    if work.id % 4 == 1 && spec.retry.is_none() && spec.batch.is_none() {
        quiet_panic();
    }
    Err(HandlerError::retryable("again"))
}

fn options(spec: &Spec) -> SubscribeOptions<Work> {
    let options = match spec.topic {
        Some(topic) => SubscribeOptions::topic(topic),
        None => SubscribeOptions::all_topics(),
    };
    let options = match spec.once {
        Some(true) => options.once_successful(),
        Some(false) => options.once(),
        None => options,
    };
    match spec.retry {
        None => options,
        Some((attempts, waits)) => {
            let wait = Duration::from_millis(2);
            let back_off = if waits { BackOff::Constant(wait) } else { BackOff::None };
            let policy = RetryPolicy::new(attempts).back_off(back_off).without_jitter();
            options.middleware(Retry::new(policy).unwrap())
        }
    }
}

/// Subscribes a handler that behaves like that.
pub(crate) fn subscribe(world: &Arc<World>, lanes: &Lanes<Work>, spec: Spec) {
    let calls = Arc::<Mutex<Vec<Called>>>::default();
    let (journal, keeps) = (Arc::clone(&calls), Arc::clone(world));
    let note = Arc::new(move |work: &Work, attempt| {
        let _ = &keeps;
        answer(&spec, &journal, work, attempt)
    });
    let options = options(&spec).filter(move |work: &Work| !work.id.is_multiple_of(spec.rejects));
    let subscription = match spec.batch {
        Some(max) => {
            let handler = move |batch: &mut Batch<'_, Work>, context: &CallContext<'_, Work>| {
                for index in 0..batch.len() {
                    let work = batch.get(index).expect("it is there").clone();
                    if let Err(error) = note(&work, context.attempt()) {
                        batch.fail(index, error);
                    }
                }
            };
            lanes.subscribe_batch(options, BatchConfig::new(max), handler).unwrap()
        }
        None if spec.each => lanes.subscribe_each(options, |_| {
            let note = Arc::clone(&note);
            move |work: &Work, context: &Context<'_, Work>| note(work, context.attempt())
        }),
        None => {
            lanes.subscribe_with(options, move |work: &Work, context| note(work, context.attempt()))
        }
    };
    let (id, first) = (subscription.detach(), world.made());
    let known = Known { id, spec, first, steady: true.into(), calls };
    world.known.lock().unwrap().push(Arc::new(known));
}

/// Checks what a subscription was called for.
pub(crate) fn check(world: &World, known: &Known, by_key: bool, is_whole: bool) {
    let calls = known.calls.lock().unwrap();
    let mut attempts = BTreeMap::<usize, (u32, bool)>::new();
    let mut last = BTreeMap::new();
    for &(id, key, from, attempt, is_success) in &*calls {
        let (before, was_success) = attempts.insert(id, (attempt, is_success)).unwrap_or_default();
        assert_eq!(attempt, before + 1, "event {id}: {:?}", known.spec);
        assert!(!was_success, "event {id} was handled before: {:?}", known.spec);
        if attempt == 1 && by_key && from != NOBODY {
            let before = last.insert((from, key), id);
            assert!(before < Some(id), "{id} after {before:?} of key {key}: {:?}", known.spec);
        }
    }
    match known.spec.once {
        Some(true) => assert!(attempts.values().filter(|(_, is_success)| *is_success).count() <= 1),
        Some(false) => assert!(attempts.len() <= 1, "{} calls", attempts.len()),
        None if is_whole && known.steady.load(Ordering::SeqCst) => {
            for id in known.first..world.made() {
                if known.spec.wants(&world.like(id)) && world.was_dispatched(id) {
                    assert!(attempts.contains_key(&id), "{id} was missed: {:?}", known.spec);
                }
            }
        }
        None => {}
    }
}
