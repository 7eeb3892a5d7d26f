//! The time of a log line, to the second.

use std::fmt;

use serde::{Serialize, Serializer};

const SECONDS_PER_DAY: i64 = 86_400;
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Seconds since the beginning of 1970, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LogTime(pub(crate) i64);

impl LogTime {
    /// Reads `17/May/2015:10:05:03 +0000`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (date, zone) = text.split_once(' ')?;
        let (day, rest) = date.split_once('/')?;
        let (month, rest) = rest.split_once('/')?;
        let month = 1 + MONTHS.iter().position(|name| *name == month)?;
        let mut rest = rest.split(':');
        let year = digits(rest.next()?, 4)?;
        let day = digits(day, 2).filter(|day| (1..=days_of(year, month)).contains(day))?;
        let hour = digits(rest.next()?, 2).filter(|hour| *hour < 24)?;
        let minute = digits(rest.next()?, 2).filter(|minute| *minute < 60)?;
        // A leap second is 60.
        let second = digits(rest.next()?, 2).filter(|second| *second <= 60)?;
        if rest.next().is_some() {
            return None;
        }
        let local = days_before(year, month) + day - 1;
        let local = local * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second;
        Some(Self(local - offset(zone)?))
    }
}

/// Exactly so many digits.
fn digits(text: &str, count: usize) -> Option<i64> {
    let are_digits = text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    are_digits.then(|| text.parse().ok())?
}

/// How far a zone such as `+0130` is ahead of UTC, in seconds.
fn offset(zone: &str) -> Option<i64> {
    let (sign, hours_and_minutes) = match zone.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let zone = digits(hours_and_minutes, 4)?;
    Some(sign * (zone / 100 * 3600 + zone % 100 * 60))
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// How many days a month, from 1, has.
fn days_of(year: i64, month: usize) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if is_leap(year) => 29,
        2 => 28,
        _ => 31,
    }
}

/// The days from the beginning of 1970 to that of a month; negative before.
fn days_before(year: i64, month: usize) -> i64 {
    let leap_days = |year: i64| year / 4 - year / 100 + year / 400;
    let years = (year - 1970) * 365 + leap_days(year - 1) - leap_days(1969);
    years + (1..month).map(|month| days_of(year, month)).sum::<i64>()
}

impl LogTime {
    /// As it stands in a log, in UTC.
    pub(crate) fn in_log(self) -> String {
        let Civil { year, month, day, hour, minute, second } = self.civil();
        let month = MONTHS[month - 1];
        format!("{day:02}/{month}/{year:04}:{hour:02}:{minute:02}:{second:02} +0000")
    }

    fn civil(self) -> Civil {
        let (day, second) =
            (self.0.div_euclid(SECONDS_PER_DAY), self.0.rem_euclid(SECONDS_PER_DAY));
        // Because of leap days this guess can be too late, but never too early.
        let mut year = 1970 + day.div_euclid(365);
        while days_before(year, 1) > day {
            year -= 1;
        }
        let month = (1..=12).rfind(|month| days_before(year, *month) <= day).unwrap_or(1);
        let day = day - days_before(year, month) + 1;
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        Civil { year, month, day, hour, minute, second }
    }
}

/// A time as people write it, in UTC.
struct Civil {
    year: i64,
    /// From 1.
    month: usize,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
}

impl fmt::Display for LogTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Civil { year, month, day, hour, minute, second } = self.civil();
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

impl Serialize for LogTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
