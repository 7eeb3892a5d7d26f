//! The bound on names of topics. A binary of its own, because no name can be made after it.

use ringbus::{TopicError, TopicName};

#[test]
fn names_are_bounded_and_those_that_are_there_stay() {
    let first = TopicName::new("name 0").unwrap();
    for number in 1..TopicName::COUNT_MAX {
        TopicName::new(&format!("name {number}")).unwrap();
    }
    let error = TopicName::new("one more").unwrap_err();
    assert_eq!(error, TopicError::TooMany { count_max: 65_536 });
    assert_eq!(TopicName::new("name 0"), Ok(first));
    assert_eq!(TopicName::find("one more"), None);
}
