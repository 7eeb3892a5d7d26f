//! Figures in few characters, however large.

use std::time::Duration;

use ratatui::text::Span;

/// What stands where there is no figure.
pub(crate) const NONE: &str = "-";

/// A whole number in at most five characters, rounded down: `9999`, `12.3k`, `18.4E`.
pub(crate) fn count(number: u64) -> String {
    if number < 10_000 {
        return number.to_string();
    }
    let mut unit = 1;
    for suffix in ["k", "M", "G", "T", "P"] {
        unit *= 1000;
        if number / unit < 1000 {
            return three_digits(number, unit, suffix);
        }
    }
    three_digits(number, unit * 1000, "E")
}

/// How many a second, in as many characters.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // A cast stops at the ends.
pub(crate) fn rate(per_second: f64) -> String {
    if per_second > 0.0 && per_second < 10.0 {
        return format!("{per_second:.1}");
    }
    count(per_second.round() as u64)
}

/// A time in at most six characters, rounded down: `999ns`, `12.3µs`, `4m05s`, `27h46m`, `500d`.
pub(crate) fn time(time: Duration) -> String {
    let (seconds, minutes, hours) = (time.as_secs(), time.as_secs() / 60, time.as_secs() / 60 / 60);
    match u64::try_from(time.as_nanos()).unwrap_or(u64::MAX) {
        nanos @ 0..1_000 => format!("{nanos}ns"),
        nanos @ 1_000..1_000_000 => three_digits(nanos, 1_000, "µs"),
        nanos @ 1_000_000..1_000_000_000 => three_digits(nanos, 1_000_000, "ms"),
        nanos @ 1_000_000_000..60_000_000_000 => three_digits(nanos, 1_000_000_000, "s"),
        _ if hours == 0 => format!("{minutes}m{:02}s", seconds % 60),
        _ if hours < 100 => format!("{hours}h{:02}m", minutes % 60),
        _ => format!("{}d", count(hours / 24)),
    }
}

/// The same, if there is one.
pub(crate) fn time_if(known: Option<Duration>) -> String {
    known.map_or_else(|| NONE.to_owned(), time)
}

/// A number of thousands of `unit / 1000`, less than a thousand units.
fn three_digits(number: u64, unit: u64, suffix: &str) -> String {
    let (whole, thousandths) = (number / unit, number % unit / (unit / 1000));
    match whole {
        0..10 => format!("{whole}.{:02}{suffix}", thousandths / 10),
        10..100 => format!("{whole}.{}{suffix}", thousandths / 100),
        _ => format!("{whole}{suffix}"),
    }
}

/// A text in exactly so many columns: cut, with an ellipsis, or filled up with blanks. What is no
/// character to be seen becomes a blank.
pub(crate) fn fit(text: &str, columns: usize) -> String {
    let seen = |c: char| if c.is_control() { ' ' } else { c };
    let width = |c: char| Span::raw(c.to_string()).width();
    let (mut cut, mut used) = (String::new(), 0);
    let mut rest = text.chars().map(seen).peekable();
    while let Some(next) = rest.next() {
        // The last column is for the ellipsis, unless this is the end.
        let room = columns.saturating_sub(used + usize::from(rest.peek().is_some()));
        if width(next) > room {
            if used < columns {
                cut.push('…');
                used += 1;
            }
            break;
        }
        cut.push(next);
        used += width(next);
    }
    cut + &" ".repeat(columns - used)
}
