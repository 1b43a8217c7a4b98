//! The editor's side of the Debug Adapter Protocol, over whatever carries it.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};

pub struct Client<W: Write, R: Read> {
    to: W,
    from: BufReader<R>,
    sequence: i64,
    /// What was said and is not asked for yet.
    events: Vec<Value>,
}

impl<W: Write, R: Read> Client<W, R> {
    pub fn new(to: W, from: R) -> Self {
        Self { to, from: BufReader::new(from), sequence: 0, events: Vec::new() }
    }

    #[track_caller]
    fn next(&mut self) -> Value {
        let mut length = 0;
        loop {
            let mut line = String::new();
            assert!(self.from.read_line(&mut line).unwrap() > 0, "the adapter has gone");
            match line.trim().split_once(": ") {
                Some((_, value)) => length = value.parse().unwrap(),
                None => break,
            }
        }
        let mut bytes = vec![0; length];
        self.from.read_exact(&mut bytes).unwrap();
        serde_json::from_slice(&bytes).unwrap()
    }

    /// What was said and not asked for yet.
    #[allow(dead_code, reason = "not everybody looks")]
    pub fn events(&self) -> &[Value] {
        &self.events
    }

    /// Say nothing more, and hear the other side out.
    pub fn close(mut self) {
        drop(self.to);
        std::io::copy(&mut self.from, &mut std::io::sink()).unwrap();
    }

    /// Ask for something that may be refused.
    #[track_caller]
    pub fn request(&mut self, command: &str, arguments: Value) -> Value {
        self.sequence += 1;
        let message =
            json!({"seq": self.sequence, "type": "request", "command": command, "arguments": arguments});
        let text = message.to_string();
        write!(self.to, "Content-Length: {}\r\n\r\n{text}", text.len()).unwrap();
        loop {
            let message = self.next();
            if message["type"] == "response" && message["request_seq"] == self.sequence {
                return message;
            }
            self.events.push(message);
        }
    }

    /// Ask for something that must not be.
    #[track_caller]
    pub fn ask(&mut self, command: &str, arguments: Value) -> Value {
        let response = self.request(command, arguments);
        assert_eq!(response["success"], true, "{response}");
        response["body"].clone()
    }

    /// The next event of this name, which may have come already.
    #[track_caller]
    pub fn event(&mut self, name: &str) -> Value {
        loop {
            if let Some(place) = self.events.iter().position(|event| event["event"] == name) {
                return self.events.remove(place)["body"].clone();
            }
            let message = self.next();
            self.events.push(message);
        }
    }
}
