//! Reading a log line by line, plain or gzipped, with bounded memory.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use crate::access::{Line, Malformed};

/// How much is read from the file, or unpacked, at a time.
const BUFFER_BYTES: usize = 64 * 1024;
/// The longest line that is looked at. Servers take 8,190 bytes for each of request, referer and
/// agent by default; the log may need four for one of them.
const LINE_BYTES_MAX: usize = 3 * 4 * 8190 + 1000;
/// How much is kept of a line that is too long.
const KEPT_BYTES: usize = 200;
/// The first bytes of a gzip file.
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// A log that is being read; an iterator of lines, the malformed ones included.
pub(crate) struct Lines {
    reader: Box<dyn BufRead + Send>,
    is_gzip: bool,
    line: Vec<u8>,
    /// How many lines.
    read_so_far: u64,
    is_over: bool,
}

/// Opens a log, for reading through `watch`; whether it is gzipped shows in its first bytes.
pub(crate) fn open<R: Read + Send + 'static>(
    path: &Path,
    watch: impl FnOnce(File) -> R,
) -> io::Result<Lines> {
    let file = File::open(path)?;
    if file.metadata()?.is_dir() {
        return Err(io::Error::from(io::ErrorKind::IsADirectory));
    }
    let mut reader = BufReader::with_capacity(BUFFER_BYTES, watch(file));
    let start = reader.fill_buf()?;
    // A `.gz` that was cut inside its first two bytes is still a gzip file.
    let is_cut = path.extension() == Some(OsStr::new("gz")) && start.len() < GZIP_MAGIC.len();
    let is_gzip = is_cut || start.starts_with(&GZIP_MAGIC);
    let reader: Box<dyn BufRead + Send> = if is_gzip {
        Box::new(BufReader::with_capacity(BUFFER_BYTES, MultiGzDecoder::new(reader)))
    } else {
        Box::new(reader)
    };
    Ok(Lines { reader, is_gzip, line: Vec::new(), read_so_far: 0, is_over: false })
}

impl Lines {
    /// Reads the next line into `self.line`, without its line break; whether there is one, or what
    /// is wrong with it.
    fn read_line(&mut self) -> Result<bool, Malformed> {
        self.line.clear();
        let limit = LINE_BYTES_MAX as u64 + 1;
        let read = self.reader.by_ref().take(limit).read_until(b'\n', &mut self.line);
        let too_long = match read {
            Ok(0) => return Ok(false),
            Ok(_) if self.line.pop_if(|last| *last == b'\n').is_some() => false,
            Ok(_) => self.line.len() > LINE_BYTES_MAX,
            Err(error) => return Err(self.end_with(&error)),
        };
        if too_long {
            self.line.truncate(KEPT_BYTES);
            if let Err(error) = self.reader.skip_until(b'\n') {
                return Err(self.end_with(&error));
            }
            return Err(Malformed(format!("expected a line of at most {LINE_BYTES_MAX} bytes")));
        }
        self.line.pop_if(|last| *last == b'\r');
        Ok(true)
    }

    /// Says why the log cannot be read on. What was read of the line may lack its end.
    fn end_with(&mut self, error: &io::Error) -> Malformed {
        self.is_over = true;
        Malformed(match error.kind() {
            io::ErrorKind::UnexpectedEof if self.is_gzip => {
                "expected more gzip data: the file is truncated".to_owned()
            }
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData if self.is_gzip => {
                format!("expected intact gzip data: {error}")
            }
            _ => format!("expected to be able to read on: {error}"),
        })
    }
}

impl Iterator for Lines {
    type Item = Line;

    fn next(&mut self) -> Option<Line> {
        if self.is_over {
            return None;
        }
        let read = self.read_line();
        if read == Ok(false) {
            self.is_over = true;
            return None;
        }
        self.read_so_far += 1;
        let bytes = std::mem::take(&mut self.line);
        let text = String::from_utf8(bytes);
        Some(match (read, text) {
            (Ok(_), Ok(text)) => Line::parse(self.read_so_far, text),
            (read, text) => {
                let malformed = read.err();
                let malformed = malformed.unwrap_or_else(|| Malformed("expected UTF-8".to_owned()));
                let text = text.unwrap_or_else(|error| {
                    let bytes = error.as_bytes();
                    bytes[..bytes.len().min(KEPT_BYTES)].escape_ascii().to_string()
                });
                let text = text.into_boxed_str();
                Line { number: self.read_so_far, text, entry: Err(malformed) }
            }
        })
    }
}
