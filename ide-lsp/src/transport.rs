//! Messages over standard input and output.
//!
//! What comes in is bounded: a message that says that it is longer than any can be ends the connection before room is made
//! for it, one that is no JSON is answered and left out.

use crossbeam::channel::{Receiver, Sender, bounded};
use lsp_server::{Connection, ErrorCode, Message, Response};
use std::{
    io::{self, BufRead, Read, Write},
    thread,
};

/// Bytes of a message.
const MESSAGE_MAX: usize = 64 << 20;

/// Bytes of a line of a header.
const HEADER_MAX: u64 = 4 << 10;

/// Messages that wait for the server.
const WAITING_MAX: usize = 64;

/// A connection and the thread that writes.
pub struct Transport {
    pub connection: Connection,
    writer: thread::JoinHandle<io::Result<()>>,
}

impl Transport {
    /// Wait until everything is written, if the end was orderly.
    pub fn finish(self, orderly: bool) -> io::Result<()> {
        drop(self.connection);
        match orderly {
            true => {
                self.writer.join().unwrap_or_else(|_| Err(io::Error::other("the writing thread panicked")))
            }
            false => Ok(()),
        }
    }
}

/// Over the standard streams of the process.
pub fn stdio() -> Transport {
    let (out, outgoing) = bounded::<Message>(WAITING_MAX);
    let (incoming, receiver) = bounded::<Message>(WAITING_MAX);
    let answers = out.clone();
    thread::spawn(move || read(&mut io::stdin().lock(), &incoming, &answers));
    let writer = thread::spawn(move || write(&mut io::stdout().lock(), &outgoing));
    Transport { connection: Connection { sender: out, receiver }, writer }
}

/// Everything that comes, until there is an end or nobody wants to know.
fn read(input: &mut dyn BufRead, incoming: &Sender<Message>, answers: &Sender<Message>) {
    loop {
        match next(input) {
            Ok(Some(Ok(message))) => {
                let is_exit = matches!(&message, Message::Notification(of) if of.method == "exit");
                if incoming.send(message).is_err() || is_exit {
                    return;
                }
            }
            Ok(Some(Err(text))) => {
                // Whose answer it is nobody can know.
                let answer = Response::new_err((-1).into(), ErrorCode::ParseError as i32, text);
                if answers.send(answer.into()).is_err() {
                    return;
                }
            }
            Ok(None) | Err(_) => return,
        }
    }
}

fn write(output: &mut dyn Write, outgoing: &Receiver<Message>) -> io::Result<()> {
    for message in outgoing {
        let text = serde_json::to_string(&WithVersion { jsonrpc: "2.0", message })?;
        write!(output, "Content-Length: {}\r\n\r\n", text.len())?;
        output.write_all(text.as_bytes())?;
        output.flush()?;
    }
    Ok(())
}

#[derive(serde::Serialize)]
struct WithVersion {
    jsonrpc: &'static str,
    #[serde(flatten)]
    message: Message,
}

/// The next message; none at the end. An inner error: it was none.
fn next(input: &mut dyn BufRead) -> io::Result<Option<Result<Message, String>>> {
    let mut len: Option<usize> = None;
    loop {
        let mut line = Vec::new();
        let read = input.take(HEADER_MAX).read_until(b'\n', &mut line)?;
        if read == 0 {
            return Ok(None);
        }
        let line = String::from_utf8_lossy(&line).trim().to_owned();
        if line.is_empty() {
            if len.is_some() {
                break;
            }
            continue;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.trim().eq_ignore_ascii_case("content-length")
        {
            len = value.trim().parse().ok();
        }
    }
    let len = len.unwrap_or_default();
    if len > MESSAGE_MAX {
        let text = format!("a message of {len} bytes, at most {MESSAGE_MAX} are read");
        return Err(io::Error::new(io::ErrorKind::InvalidData, text));
    }
    let mut body = Vec::new();
    if input.take(len as u64).read_to_end(&mut body)? < len {
        return Ok(None);
    }
    if body.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
        return Ok(Some(Err("no message: it is no object".to_owned())));
    }
    Ok(Some(serde_json::from_slice(&body).map_err(|error| format!("no message: {error}"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(bytes: &[u8]) -> (Vec<String>, Vec<String>) {
        let (incoming, messages) = bounded(WAITING_MAX);
        let (out, answers) = bounded(WAITING_MAX);
        read(&mut io::BufReader::new(bytes), &incoming, &out);
        let show = |message: Message| serde_json::to_string(&message).unwrap_or_default();
        (messages.try_iter().map(show).collect(), answers.try_iter().map(show).collect())
    }

    fn framed(body: &str) -> String {
        format!("Content-Length: {}\r\n\r\n{body}", body.len())
    }

    #[test]
    fn nonsense_is_answered_and_left_out() {
        let good = r#"{"jsonrpc":"2.0","method":"initialized","params":{}}"#;
        let garbage = "Garbage: 1\r\n\r\n\r\n".to_owned();
        let bytes = [framed("{ no json"), framed("[1,2]"), garbage, framed(good)].concat();
        let (messages, answers) = all(bytes.as_bytes());
        assert_eq!(messages.len(), 1, "{messages:?}");
        assert_eq!(answers.len(), 2, "{answers:?}");
        assert!(answers[0].contains("-32700"));
    }

    #[test]
    fn no_room_is_made_for_what_is_too_long() {
        for bytes in [
            "Content-Length: 99999999999999\r\n\r\n{}",
            "Content-Length: 70000000\r\n\r\n{}",
            "Content-Length: 10\r\n\r\n{}",
        ] {
            assert_eq!(all(bytes.as_bytes()), (vec![], vec![]), "{bytes}");
        }
        let endless = vec![b'x'; 1 << 20];
        assert_eq!(all(&endless), (vec![], vec![]));
    }

    #[test]
    fn what_is_written_can_be_read() {
        let (out, outgoing) = bounded(4);
        let response = Response::new_ok(1.into(), "ü");
        out.send(response.into()).unwrap();
        drop(out);
        let mut bytes = Vec::new();
        write(&mut bytes, &outgoing).unwrap();
        assert!(String::from_utf8_lossy(&bytes).contains(r#""jsonrpc":"2.0""#));
        assert_eq!(all(&bytes).0.len(), 1);
    }
}
