//! The event: one line of an access log, in the common or the combined format.
//!
//! `host ident user [time] "request" status bytes`, and in the combined format also
//! `"referer" "agent"`. Quotes within quotes are escaped with a backslash; bytes are `-` for none.

use std::error::Error;
use std::fmt;
use std::ops::Range;

use ringbus::Event;

use crate::time::LogTime;

/// One line. Its topic is the class of its status, or that it is malformed.
#[derive(Debug)]
pub(crate) struct Line {
    /// Counted from 1.
    pub(crate) number: u64,
    /// The line; of one that is too long, or no text, what can be shown.
    pub(crate) text: Box<str>,
    pub(crate) entry: Result<Entry, Malformed>,
}

/// What a line says. Texts are places in the line, so that they cost no allocation.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) host: Range<usize>,
    /// Without the query; of a request that is not HTTP, all of it.
    pub(crate) path: Range<usize>,
    pub(crate) time: LogTime,
    pub(crate) class: Topic,
    pub(crate) bytes: u64,
}

/// What was expected of a line that is no entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Malformed(pub(crate) String);

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Malformed {}

/// What handlers subscribe to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Topic {
    Informational,
    Successful,
    Redirection,
    ClientError,
    ServerError,
    Malformed,
}

impl Topic {
    pub(crate) const ALL: [Self; 6] = [
        Self::Informational,
        Self::Successful,
        Self::Redirection,
        Self::ClientError,
        Self::ServerError,
        Self::Malformed,
    ];
    /// Those of well-formed lines.
    pub(crate) const CLASSES: [Self; 5] = {
        let [classes @ .., Self::Malformed] = Self::ALL else { unreachable!() };
        classes
    };
    /// Those that a burst is made of.
    pub(crate) const ERRORS: [Self; 2] = [Self::ClientError, Self::ServerError];

    /// The place in a table that has one entry per topic.
    pub(crate) const fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Informational => "1xx",
            Self::Successful => "2xx",
            Self::Redirection => "3xx",
            Self::ClientError => "4xx",
            Self::ServerError => "5xx",
            Self::Malformed => "malformed",
        })
    }
}

impl Event for Line {
    type Topic = Topic;

    fn topic(&self) -> Topic {
        self.entry.as_ref().map_or(Topic::Malformed, |entry| entry.class)
    }
}

impl Line {
    pub(crate) fn parse(number: u64, text: String) -> Self {
        let entry = Scan { text: &text, at: 0 }.entry();
        Self { number, text: text.into_boxed_str(), entry }
    }
}

/// A line that is being read from left to right.
struct Scan<'a> {
    text: &'a str,
    at: usize,
}

impl Scan<'_> {
    fn entry(mut self) -> Result<Entry, Malformed> {
        if self.text.is_empty() {
            return Err(Malformed("expected an entry, found an empty line".to_owned()));
        }
        let host = self.until(" ", "a host and a space")?;
        self.until(" ", "an identity, mostly -, and a space")?;
        // Some servers let spaces into the name.
        self.until(" [", "a user, mostly -, and a time in brackets")?;
        let time = self.until("] ", "the closing bracket of the time")?;
        let time = LogTime::parse(&self.text[time.clone()]).ok_or_else(|| {
            self.unlike("a time such as 17/May/2015:10:05:03 +0000", &self.text[time])
        })?;
        let request = self.quoted("request")?;
        self.expect(" ", "a space after the request")?;
        let status = self.until(" ", "a status and a space")?;
        let class = class_of(&self.text[status.clone()])
            .ok_or_else(|| self.unlike("a status from 100 to 599", &self.text[status]))?;
        let bytes = self.word();
        let bytes = size(&self.text[bytes.clone()])
            .ok_or_else(|| self.unlike("a number of bytes, or -", &self.text[bytes]))?;
        if self.at < self.text.len() {
            self.expect(" ", "a space after the bytes")?;
            self.quoted("referer")?;
            self.expect(" ", "a space after the referer")?;
            self.quoted("agent")?;
        }
        if self.at < self.text.len() {
            return Err(self.unlike("the end of the line", &self.text[self.at..]));
        }
        Ok(Entry { host, path: path_of(self.text, request), time, class, bytes })
    }

    /// What is before `end`, of which there is something; goes on behind it.
    fn until(&mut self, end: &str, expected: &str) -> Result<Range<usize>, Malformed> {
        match self.text[self.at..].find(end) {
            Some(length @ 1..) => {
                let found = self.at..self.at + length;
                self.at = found.end + end.len();
                Ok(found)
            }
            _ => Err(self.unlike(expected, &self.text[self.at..])),
        }
    }

    /// What is before the next space, or the end of the line; goes on before the space.
    fn word(&mut self) -> Range<usize> {
        let rest = &self.text[self.at..];
        let found = self.at..self.at + rest.find(' ').unwrap_or(rest.len());
        self.at = found.end;
        found
    }

    fn expect(&mut self, wanted: &str, expected: &str) -> Result<(), Malformed> {
        if !self.text[self.at..].starts_with(wanted) {
            return Err(self.unlike(expected, &self.text[self.at..]));
        }
        self.at += wanted.len();
        Ok(())
    }

    /// What is between quotes; goes on behind the closing one.
    fn quoted(&mut self, what: &str) -> Result<Range<usize>, Malformed> {
        self.expect("\"", &format!("the {what} in quotes"))?;
        let begin = self.at;
        let mut is_escaped = false;
        for (offset, byte) in self.text.bytes().enumerate().skip(begin) {
            match byte {
                b'"' if !is_escaped => {
                    self.at = offset + 1;
                    return Ok(begin..offset);
                }
                _ => is_escaped = byte == b'\\' && !is_escaped,
            }
        }
        Err(Malformed(format!("expected the {what} to end with a quote")))
    }

    fn unlike(&self, expected: &str, found: &str) -> Malformed {
        let column = self.text[..self.at].chars().count() + 1;
        Malformed(match found {
            "" => format!("expected {expected}, found nothing"),
            _ => format!("expected {expected}, found \"{}\" at column {column}", Shown(found, 30)),
        })
    }
}

fn class_of(status: &str) -> Option<Topic> {
    let is_number = status.len() == 3 && status.bytes().all(|byte| byte.is_ascii_digit());
    let first = status.bytes().next().filter(|_| is_number)?;
    Topic::CLASSES.get(usize::from(first).checked_sub(usize::from(b'1'))?).copied()
}

fn size(text: &str) -> Option<u64> {
    match text {
        "-" => Some(0),
        _ => text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit())),
    }
}

/// Where the path is in `GET /path?query HTTP/1.1`.
fn path_of(text: &str, request: Range<usize>) -> Range<usize> {
    let whole = &text[request.clone()];
    let Some((method, rest)) = whole.split_once(' ') else { return request };
    let target = rest.rsplit_once(' ').filter(|(_, last)| last.starts_with("HTTP/"));
    let target = target.map_or(rest, |(target, _)| target);
    let length = target.find('?').unwrap_or(target.len());
    let begin = request.start + method.len() + 1;
    begin..begin + length
}

/// A text as it can be printed: without control characters, and at most so many characters of it.
pub(crate) struct Shown<'a>(pub(crate) &'a str, pub(crate) usize);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(text, max) = *self;
        for character in text.chars().take(max) {
            if character.is_control() {
                write!(f, "{}", character.escape_default())?;
            } else {
                write!(f, "{character}")?;
            }
        }
        if text.chars().nth(max).is_some() { f.write_str("…") } else { Ok(()) }
    }
}
