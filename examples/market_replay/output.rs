//! What the command-line examples print, and how they end.

use std::io::{self, Write};
use std::process::ExitCode;

use serde::Serialize;

/// The books are not in order.
pub(crate) const EXIT_AUDIT: u8 = 1;
/// The command line or the input is no good.
const EXIT_USAGE: u8 = 2;

/// A report as one line.
pub(crate) fn json(report: &impl Serialize) -> String {
    let object = serde_json::to_string(report).expect("text and numbers can be written as JSON");
    object + "\n"
}

/// Prints all of `text`; `code` if that went well, or if nobody wants to read it.
pub(crate) fn print(text: &str, code: ExitCode) -> ExitCode {
    let mut out = io::stdout();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            refuse(&format!("cannot print the result: {error}"))
        }
        _ => code,
    }
}

/// Says why there is no result.
pub(crate) fn refuse(complaint: &str) -> ExitCode {
    let _ = writeln!(io::stderr(), "{}: {complaint}", env!("CARGO_CRATE_NAME"));
    ExitCode::from(EXIT_USAGE)
}

/// An error that says which equation does not hold.
pub(crate) fn equal(equation: &str, left: u64, right: u64) -> Result<(), String> {
    if left == right {
        return Ok(());
    }
    Err(format!("{equation} does not hold: {left} against {right}"))
}

/// How many a second, in whole numbers.
#[allow(clippy::cast_precision_loss)] // Nobody reads the sixteenth digit.
pub(crate) fn rate(count: u64, seconds: f64) -> f64 {
    if seconds > 0.0 { (count as f64 / seconds).round() } else { 0.0 }
}
