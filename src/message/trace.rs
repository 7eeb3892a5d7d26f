//! The trace that a message is part of.

use std::fmt;
use std::str::FromStr;

use crate::error::TraceError;

/// The place of a message in a trace, as W3C Trace Context has it: carried along, and not looked at.
///
/// Twenty-five bytes. It is written and read as the `traceparent` header.
///
/// # Examples
///
/// ```
/// use ringbus::TraceContext;
///
/// let header = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
/// let trace: TraceContext = header.parse()?;
/// assert_eq!(trace.to_string(), header);
/// # Ok::<(), ringbus::TraceError>(())
/// ```
#[doc(alias = "traceparent")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceContext {
    /// The trace, the same for all that belongs to it.
    pub trace_id: [u8; 16],
    /// The span that made the message.
    pub parent_id: [u8; 8],
    /// Whether it is sampled, and what later versions say.
    pub flags: u8,
}

/// Reads two lower-case digits for each byte.
fn read<const N: usize>(digits: &[u8]) -> Result<[u8; N], TraceError> {
    let digit = |digit: u8| match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        _ => Err(TraceError),
    };
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Ok(bytes)
}

impl FromStr for TraceContext {
    type Err = TraceError;

    /// Reads the header; of later versions what this one knows.
    fn from_str(header: &str) -> Result<Self, TraceError> {
        let header = header.as_bytes();
        let (known, rest) = header.split_at_checked(55).ok_or(TraceError)?;
        let [version] = read(&known[..2])?;
        let is_longer = version != 0 && rest.first() == Some(&b'-');
        let has_dashes = [2, 35, 52].iter().all(|place| known[*place] == b'-');
        if version == 0xff || !has_dashes || !(rest.is_empty() || is_longer) {
            return Err(TraceError);
        }
        let (trace_id, parent_id) = (read(&known[3..35])?, read(&known[36..52])?);
        let [flags] = read(&known[53..])?;
        if trace_id == [0; 16] || parent_id == [0; 8] {
            return Err(TraceError);
        }
        Ok(Self { trace_id, parent_id, flags })
    }
}

impl fmt::Display for TraceContext {
    /// The header.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let trace_id = u128::from_be_bytes(self.trace_id);
        let parent_id = u64::from_be_bytes(self.parent_id);
        write!(f, "00-{trace_id:032x}-{parent_id:016x}-{:02x}", self.flags)
    }
}
