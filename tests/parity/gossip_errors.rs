//! `gossip`, `errors_test.go`. All of its tests have a counterpart.
//!
//! There each kind of failure is a type of its own; here it is an [`ErrorKind`] of one type, and what
//! a type adds there, a field or a limit, is in the error behind it.

use std::fmt;

use ringbus::{ErrorKind, HandlerError, ResultExt};

/// An error with more to it than its text.
#[derive(Debug, PartialEq)]
struct BadField {
    field: &'static str,
}

impl fmt::Display for BadField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "field '{}' is bad", self.field)
    }
}

impl std::error::Error for BadField {}

const BAD: BadField = BadField { field: "email" };

const KINDS: [ErrorKind; 10] = [
    ErrorKind::Retryable,
    ErrorKind::Validation,
    ErrorKind::Processing,
    ErrorKind::Timeout,
    ErrorKind::Fatal,
    ErrorKind::TypeMismatch,
    ErrorKind::NoData,
    ErrorKind::InvalidEvent,
    ErrorKind::UnsupportedTopic,
    ErrorKind::Panic,
];

/// The error says what kind it is, says once what the error behind it says, and leads to that.
#[track_caller]
fn reads(error: &HandlerError, text: &str) {
    assert_eq!(error.to_string(), text);
    assert_eq!(error.source().to_string(), "field 'email' is bad");
}

/// `is` is true for errors of this kind, and of no other.
#[track_caller]
fn tells(kind: ErrorKind, is: fn(&HandlerError) -> bool) {
    let right: Vec<_> =
        KINDS.into_iter().filter(|&kind| is(&HandlerError::new(kind, BAD))).collect();
    assert_eq!(right, [kind]);
}

/// The error behind one of this kind is found by its type, and no other is.
#[track_caller]
fn leads_to_its_source(kind: ErrorKind) {
    let error = HandlerError::new(kind, BAD);
    assert_eq!((error.kind(), error.downcast_ref::<BadField>()), (kind, Some(&BAD)));
    assert!(HandlerError::new(kind, "a text").downcast_ref::<BadField>().is_none());
    assert_eq!(error.into_source().downcast::<BadField>().expect("it is"), Box::new(BAD));
}

/// A text reads like an error, and an error is not named twice.
#[track_caller]
fn reads_with_and_without_a_type(
    make: fn(Box<dyn std::error::Error + Send + Sync>) -> HandlerError,
) {
    let (typed, text) = (make(Box::new(BAD)), make("field 'email' is bad".into()));
    assert_eq!(typed.to_string(), text.to_string());
    assert_eq!(typed.to_string().matches("is bad").count(), 1);
}

#[test]
fn retryable_error() {
    reads(&HandlerError::retryable(BAD), "a failure that may pass: field 'email' is bad");
}

#[test]
fn validation_error() {
    reads(&HandlerError::validation(BAD), "the event was refused: field 'email' is bad");
}

/// Of this kind nothing is known, so nothing is said.
#[test]
fn processing_error() {
    reads(&HandlerError::processing(BAD), "field 'email' is bad");
}

#[test]
fn timeout_error() {
    reads(&HandlerError::timeout(BAD), "the time is up: field 'email' is bad");
}

#[test]
fn fatal_error() {
    reads(&HandlerError::fatal(BAD), "a fatal failure: field 'email' is bad");
}

/// This asks whether another try can help, which three of the kinds are for.
#[test]
fn is_retryable() {
    let retryable: Vec<_> =
        KINDS.into_iter().filter(|&kind| HandlerError::new(kind, BAD).is_retryable()).collect();
    assert_eq!(retryable, [ErrorKind::Retryable, ErrorKind::Processing, ErrorKind::Timeout]);
}

#[test]
fn is_validation() {
    tells(ErrorKind::Validation, HandlerError::is_validation);
}

#[test]
fn is_processing() {
    tells(ErrorKind::Processing, HandlerError::is_processing);
}

#[test]
fn is_timeout() {
    tells(ErrorKind::Timeout, HandlerError::is_timeout);
}

#[test]
fn is_fatal() {
    tells(ErrorKind::Fatal, HandlerError::is_fatal);
}

#[test]
fn as_retryable() {
    leads_to_its_source(ErrorKind::Retryable);
}

#[test]
fn as_validation_error() {
    leads_to_its_source(ErrorKind::Validation);
}

#[test]
fn as_processing_error() {
    leads_to_its_source(ErrorKind::Processing);
}

#[test]
fn as_timeout_error() {
    leads_to_its_source(ErrorKind::Timeout);
}

#[test]
fn as_fatal_error() {
    leads_to_its_source(ErrorKind::Fatal);
}

#[test]
fn retryable_error_formatting() {
    reads_with_and_without_a_type(HandlerError::retryable);
}

#[test]
fn validation_error_formatting() {
    reads_with_and_without_a_type(HandlerError::validation);
}

#[test]
fn processing_error_formatting() {
    reads_with_and_without_a_type(HandlerError::processing);
}

#[test]
fn timeout_error_formatting() {
    reads_with_and_without_a_type(HandlerError::timeout);
}

#[test]
fn fatal_error_formatting() {
    reads_with_and_without_a_type(HandlerError::fatal);
}

/// There the text came twice (GS-23).
#[test]
fn formatted_error_creation() {
    let field = "email";
    let error = HandlerError::validation(format!("invalid {field}"));
    assert_eq!(error.to_string(), "the event was refused: invalid email");
    let error = Err::<(), _>(format!("invalid {field}")).fatal().unwrap_err();
    assert_eq!(error.to_string(), "a fatal failure: invalid email");
}

#[test]
fn type_assertion_error() {
    let error = HandlerError::type_mismatch(BAD);
    reads(&error, "the payload has the wrong type: field 'email' is bad");
}

#[test]
fn no_data_error() {
    reads(&HandlerError::no_data(BAD), "the event lacks data: field 'email' is bad");
}

#[test]
fn invalid_event_error() {
    reads(&HandlerError::invalid_event(BAD), "the event is invalid: field 'email' is bad");
}

#[test]
fn unsupported_event_type_error() {
    let error = HandlerError::unsupported_topic(BAD);
    reads(&error, "the topic is not supported: field 'email' is bad");
}

#[test]
fn is_type_assertion() {
    tells(ErrorKind::TypeMismatch, HandlerError::is_type_mismatch);
}

#[test]
fn is_no_data() {
    tells(ErrorKind::NoData, HandlerError::is_no_data);
}

#[test]
fn is_invalid_event() {
    tells(ErrorKind::InvalidEvent, HandlerError::is_invalid_event);
}

#[test]
fn is_unsupported_event_type() {
    tells(ErrorKind::UnsupportedTopic, HandlerError::is_unsupported_topic);
}

#[test]
fn as_type_assertion_error() {
    leads_to_its_source(ErrorKind::TypeMismatch);
}

#[test]
fn as_no_data_error() {
    leads_to_its_source(ErrorKind::NoData);
}

#[test]
fn as_invalid_event_error() {
    leads_to_its_source(ErrorKind::InvalidEvent);
}

#[test]
fn as_unsupported_event_type_error() {
    leads_to_its_source(ErrorKind::UnsupportedTopic);
}

/// There the constants are compared by their address (GS-23); a kind is a value.
#[test]
fn error_constants() {
    let texts: Vec<_> = KINDS.iter().map(ToString::to_string).collect();
    assert!(texts.iter().all(|text| !text.is_empty()));
    for (place, kind) in KINDS.into_iter().enumerate() {
        assert_eq!(texts.iter().position(|text| *text == kind.to_string()), Some(place));
    }
}

#[test]
fn error_constants_usage() {
    for kind in KINDS {
        let error = HandlerError::message("no").with_kind(kind);
        assert!(matches!(error.kind(), same if same == kind));
        assert_eq!(error.is_retryable(), kind.is_retryable());
    }
}
