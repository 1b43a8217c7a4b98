//! Frames of the protocol: a header that says how long the message is, and the message as JSON.

use serde_json::Value;
use std::io::{BufRead, Read, Write};

/// Bytes of a message; no client has reason to send one as large.
pub const MESSAGE_MAX: usize = 16 << 20;

/// Bytes of a line in a header.
const LINE_MAX: u64 = 4096;

/// Lines in a header.
const LINES_MAX: usize = 32;

/// Why what came is no message.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// Reading or writing failed.
    #[error("the connection to the editor: {0}")]
    Io(#[from] std::io::Error),
    /// The header is none. What follows cannot be found.
    #[error("a message begins with `Content-Length: <bytes>`, got `{0}`")]
    Header(String),
    /// It is longer than any message.
    #[error("a message of {0} bytes, at most {MESSAGE_MAX} are taken")]
    TooLong(u64),
    /// Its end is missing.
    #[error("the connection ended in the middle of a message")]
    Torn,
    /// It is no JSON. The next one can be read.
    #[error("a message is no JSON: {0}")]
    Json(#[from] serde_json::Error),
}

/// The next message; `None` at an orderly end of the stream.
///
/// # Errors
/// See [`WireError`].
pub fn read(from: &mut impl BufRead) -> Result<Option<Value>, WireError> {
    let mut length = None;
    for number in 0..LINES_MAX {
        let mut line = Vec::new();
        from.by_ref().take(LINE_MAX).read_until(b'\n', &mut line)?;
        let ended = line.last() == Some(&b'\n');
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_end();
        match (ended, text) {
            (false, "") if number == 0 => return Ok(None),
            (false, _) if line.len() as u64 >= LINE_MAX => return Err(header(text)),
            (false, _) => return Err(WireError::Torn),
            (true, "") => match length {
                Some(length) => return body(from, length).map(Some),
                None => return Err(header(text)),
            },
            (true, line) => {
                let (name, value) = line.split_once(':').ok_or_else(|| header(line))?;
                if name.eq_ignore_ascii_case("content-length") {
                    length = Some(value.trim().parse::<u64>().map_err(|_| header(line))?);
                }
            }
        }
    }
    Err(header("more than a header"))
}

fn header(line: &str) -> WireError {
    WireError::Header(line.chars().take(80).collect())
}

fn body(from: &mut impl BufRead, length: u64) -> Result<Value, WireError> {
    if length > MESSAGE_MAX as u64 {
        return Err(WireError::TooLong(length));
    }
    // As it comes: a length that is not true must not cost memory.
    let mut bytes = Vec::new();
    from.by_ref().take(length).read_to_end(&mut bytes)?;
    if (bytes.len() as u64) < length {
        return Err(WireError::Torn);
    }
    Ok(serde_json::from_slice(&bytes)?)
}

/// Send a message.
///
/// # Errors
/// If the other end is gone.
pub fn write(to: &mut impl Write, message: &Value) -> Result<(), WireError> {
    let text = message.to_string();
    write!(to, "Content-Length: {}\r\n\r\n{text}", text.len())?;
    to.flush()?;
    Ok(())
}
