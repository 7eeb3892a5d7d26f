//! Random sends and questions: every answer is what the handlers have said.

use proptest::prelude::*;

use crate::common::{Journal, Number, audited};
use crate::{NEVER, said};
use ringbus::{
    DriverConfig, EventStore, HandlerError, Outcome, OverrunPolicy, Replied, SubscribeOptions,
};

/// What a caller does next.
#[derive(Debug, Clone, Copy)]
enum Step {
    Send(u64),
    Ask(u64),
    Publish,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (0..30_u64).prop_map(Step::Send),
        3 => (0..30_u64).prop_map(Step::Ask),
        1 => Just(Step::Publish),
    ];
    prop::collection::vec(step, 0..60)
}

/// What three handlers say to a number.
fn expected(value: u64) -> [Result<Replied, String>; 3] {
    [
        if value.is_multiple_of(3) { Err(format!("{value} by 3")) } else { Ok(Replied::Done) },
        if value.is_multiple_of(2) { Ok(Replied::Filtered) } else { Ok(Replied::Ignored) },
        if value.is_multiple_of(5) { Err(format!("{value} by 5")) } else { Ok(Replied::Done) },
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Of one thread, events are handled in the order of its calls, whichever they are, and answers are
    /// what the handlers said.
    #[test]
    fn answers_are_those_of_a_plain_list_of_calls(steps in steps(), has_driver: bool) {
        let builder = EventStore::builder(64, OverrunPolicy::Block);
        let builder = if has_driver { builder.driver(DriverConfig::new()) } else { builder };
        let store: EventStore<Number> = builder.build().unwrap();
        let seen = Journal::new();
        let journal = seen.clone();
        let _by_3 = store.subscribe((), move |number: &Number, _| {
            journal.write(number.0);
            if number.0.is_multiple_of(3) {
                return Err(HandlerError::message(format!("{} by 3", number.0)));
            }
            Ok(())
        });
        let odd = SubscribeOptions::topic(()).filter(|number: &Number| !number.0.is_multiple_of(2));
        let _odd = store.subscribe_with(odd, |_: &Number, _| Outcome::Ignored);
        let _by_5 = store.subscribe((), |number: &Number, _| {
            let by_5 = number.0.is_multiple_of(5);
            if by_5 { Err(HandlerError::message(format!("{} by 5", number.0))) } else { Ok(()) }
        });
        let mut model = Vec::new();
        for step in steps {
            match step {
                Step::Send(value) => {
                    store.send(Number(value)).unwrap();
                    model.push(value);
                }
                Step::Publish => drop(store.publish()),
                Step::Ask(value) => {
                    let answer = store.send_wait(Number(value), NEVER).unwrap();
                    prop_assert_eq!(said(&answer), expected(value));
                    model.push(value);
                    prop_assert_eq!(seen.take(), std::mem::take(&mut model));
                    audited(&store);
                }
            }
        }
        store.flush(NEVER).unwrap();
        prop_assert_eq!(seen.take(), model);
        audited(&store);
    }
}
