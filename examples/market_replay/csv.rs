//! Reading a recorded feed: CSV, plain or gzipped, line by line.
//!
//! A line is `microseconds,kind,price,quantity` and is judged by itself: whatever is wrong with it
//! costs no other line. So a time that runs backwards is accepted too (merged recordings have
//! that); were it refused, one corrupt time far ahead would cost every line after it.

use std::ffi::OsStr;
use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use crate::market::{Market, Quote, Side, UNITS_PER_ONE};

/// How much is read from the file, or unpacked, at a time.
const BUFFER_BYTES: usize = 64 * 1024;
/// The longest line that is looked at. Memory stays bounded whatever the file holds.
const LINE_BYTES_MAX: usize = 1000;
/// How much of a wrong field is shown.
const SHOWN_BYTES_MAX: usize = 40;
/// The first bytes of a gzip file.
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// A line that is no event, and what was expected in its place.
#[derive(Debug)]
pub(crate) struct Malformed {
    /// Counted from 1.
    line: u64,
    expected: String,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.line, self.expected)
    }
}

/// A feed that is being read. Holds one line and two buffers, never the file.
pub(crate) struct CsvFeed {
    reader: Box<dyn BufRead + Send>,
    is_gzip: bool,
    line: Vec<u8>,
    lines_read: u64,
    /// An error found while looking ahead.
    failure: Option<io::Error>,
    is_over: bool,
}

/// What the next line is.
enum Line {
    Complete,
    TooLong,
    End,
}

/// Opens a feed, for reading through `watch`; whether it is gzipped shows in its first bytes.
pub(crate) fn open<R: Read + Send + 'static>(
    path: &Path,
    watch: impl FnOnce(File) -> R,
) -> io::Result<CsvFeed> {
    let file = File::open(path)?;
    if file.metadata()?.is_dir() {
        return Err(io::Error::from(io::ErrorKind::IsADirectory));
    }
    let mut reader = BufReader::with_capacity(BUFFER_BYTES, watch(file));
    let start = reader.fill_buf()?;
    // A `.gz` that was cut inside its first two bytes is still a gzip file.
    let is_named_gzip = path.extension() == Some(OsStr::new("gz"));
    let is_gzip = start.starts_with(&GZIP_MAGIC) || (is_named_gzip && start.len() < 2);
    let reader: Box<dyn BufRead + Send> = if is_gzip {
        Box::new(BufReader::with_capacity(BUFFER_BYTES, MultiGzDecoder::new(reader)))
    } else {
        Box::new(reader)
    };
    Ok(CsvFeed {
        reader,
        is_gzip,
        line: Vec::with_capacity(LINE_BYTES_MAX + 1),
        lines_read: 0,
        failure: None,
        is_over: false,
    })
}

impl CsvFeed {
    /// Reads the next line into `self.line`, without its line break.
    fn read_line(&mut self) -> io::Result<Line> {
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        self.line.clear();
        let limit = LINE_BYTES_MAX as u64 + 1;
        self.reader.by_ref().take(limit).read_until(b'\n', &mut self.line)?;
        match self.line.last() {
            None => return Ok(Line::End),
            Some(b'\n') => _ = self.line.pop(),
            Some(_) if self.line.len() > LINE_BYTES_MAX => {
                self.failure = self.reader.skip_until(b'\n').err();
                return Ok(Line::TooLong);
            }
            Some(_) => {}
        }
        if self.line.last() == Some(&b'\r') {
            self.line.pop();
        }
        Ok(Line::Complete)
    }

    /// Whether nothing follows. An error found by looking is kept for the next read.
    fn is_at_end(&mut self) -> bool {
        match self.reader.fill_buf() {
            Ok(rest) => rest.is_empty(),
            Err(error) => {
                self.failure = Some(error);
                false
            }
        }
    }

    /// Says why the file cannot be read on.
    fn explain(&self, error: &io::Error) -> String {
        match error.kind() {
            io::ErrorKind::UnexpectedEof if self.is_gzip => {
                "expected more gzip data: the file is truncated".to_owned()
            }
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData if self.is_gzip => {
                format!("expected intact gzip data: {error}")
            }
            _ => format!("expected to be able to read on: {error}"),
        }
    }
}

impl Iterator for CsvFeed {
    type Item = Result<Market, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let result = match self.read_line() {
            Ok(Line::End) => {
                self.is_over = true;
                return None;
            }
            // A blank line at the very end is how some programs end a file.
            Ok(Line::Complete) if self.line.is_empty() && self.is_at_end() => {
                self.is_over = true;
                return None;
            }
            Ok(Line::Complete) => parse(&self.line),
            Ok(Line::TooLong) => Err(format!("expected a line of at most {LINE_BYTES_MAX} bytes")),
            // What was read of the line before the error may lack its last digits.
            Err(error) => {
                self.is_over = true;
                Err(self.explain(&error))
            }
        };
        self.lines_read += 1;
        Some(result.map_err(|expected| Malformed { line: self.lines_read, expected }))
    }
}

/// Reads one line, or says what was expected.
fn parse(line: &[u8]) -> Result<Market, String> {
    let mut fields = line.split(|&byte| byte == b',');
    let (Some(time), Some(kind), Some(price), Some(quantity), None) =
        (fields.next(), fields.next(), fields.next(), fields.next(), fields.next())
    else {
        return Err(match line.split(|&byte| byte == b',').count() {
            1 if line.is_empty() => {
                "expected microseconds,kind,price,quantity, found nothing".into()
            }
            count => {
                format!("expected the 4 fields microseconds,kind,price,quantity, found {count}")
            }
        });
    };
    let quote = Quote {
        at_us: whole(time).ok_or_else(|| {
            format!("expected a time in whole microseconds, found {}", shown(time))
        })?,
        sent_ns: 0,
        price: decimal(price).filter(|&price| price > 0).ok_or_else(|| {
            format!("expected a price above 0, of at most 8 decimals, found {}", shown(price))
        })?,
        quantity: decimal(quantity).ok_or_else(|| {
            format!("expected a quantity from 0, of at most 8 decimals, found {}", shown(quantity))
        })?,
    };
    match kind {
        b"T" => Ok(Market::Top(quote)),
        b"B" => Ok(Market::Trade(Side::Buy, quote)),
        b"S" => Ok(Market::Trade(Side::Sell, quote)),
        b"D" => Ok(Market::Level(Side::Buy, quote)),
        b"A" => Ok(Market::Level(Side::Sell, quote)),
        _ => Err(format!("expected one of the kinds T, B, S, D and A, found {}", shown(kind))),
    }
}

/// A whole number without a sign; `None` if it is none, or needs more than 64 bits.
fn whole(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |number, &digit| {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })
}

/// A decimal number such as `12` or `12.5`, in units of 10⁻⁸; exact, or `None`.
fn decimal(text: &[u8]) -> Option<u64> {
    let Some(point) = text.iter().position(|&byte| byte == b'.') else {
        return whole(text)?.checked_mul(UNITS_PER_ONE);
    };
    let (integer, decimals) = (&text[..point], &text[point + 1..]);
    if decimals.len() > 8 {
        return None;
    }
    let mut fraction = whole(decimals)?;
    for _ in decimals.len()..8 {
        fraction *= 10;
    }
    whole(integer)?.checked_mul(UNITS_PER_ONE)?.checked_add(fraction)
}

/// A field as it can be printed: quoted, without control characters, not too long.
fn shown(field: &[u8]) -> String {
    let start = &field[..field.len().min(SHOWN_BYTES_MAX)];
    let rest = if start.len() < field.len() { "…" } else { "" };
    format!("\"{}{rest}\"", start.escape_ascii())
}
