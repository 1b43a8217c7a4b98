//! Lines of JSON: what a request, an answer and an event look like, and their limits.

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use std::fmt;

/// Version of the protocol. It changes when an old client would misunderstand something; new fields do not change it.
pub const VERSION: u32 = 1;
/// Longest line a client may send, in bytes, its newline included.
pub const LINE_MAX: usize = 64 * 1024;
/// Clients that may be connected at a time.
pub const CLIENTS_MAX: usize = 8;
/// Those of them that may have come over a network: whoever stands at the machine finds a place.
pub const REMOTE_MAX: usize = 6;
/// Bytes of answers that may wait for a client; one that lets more pile up is dropped.
pub const OUTPUT_MAX: usize = 8 * 1024 * 1024;
/// Longest reason or other text in a request, in characters.
pub const TEXT_MAX: usize = 1000;

/// A request: one line.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// Comes back with the answer: a number, a text, or nothing.
    #[serde(default)]
    pub id: Json,
    /// What to do.
    pub method: String,
    /// With what; an object, or nothing.
    #[serde(default)]
    pub params: Json,
}

/// Why a request was not done. Stable names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// The line is no request.
    BadRequest,
    /// There is no such method.
    UnknownMethod,
    /// The parameters are not what the method takes.
    BadParams,
    /// There is no tag, parameter, unit, axis, alarm or event of this name or number.
    UnknownName,
    /// A value is of another type, or out of its range.
    OutOfRange,
    /// The machine's state does not allow it.
    Refused,
    /// The bus is still coming up: there are no cycles yet.
    Starting,
    /// Too many clients, or too many commands at once.
    Busy,
    /// No cycle took the command in time; it may still be taken.
    Timeout,
    /// Over a network: no good token was shown.
    Unauthenticated,
    /// Over a network: the token does not allow it.
    Forbidden,
}

impl Code {
    /// As it stands in an answer.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BadRequest => "bad-request",
            Self::UnknownMethod => "unknown-method",
            Self::BadParams => "bad-params",
            Self::UnknownName => "unknown-name",
            Self::OutOfRange => "out-of-range",
            Self::Refused => "refused",
            Self::Starting => "starting",
            Self::Busy => "busy",
            Self::Timeout => "timeout",
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "forbidden",
        }
    }
}

/// A request that was not done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// For programs.
    pub code: Code,
    /// What is wrong: what was expected, what was got.
    pub message: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// What all of it is, one sentence each, where it is more than one thing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<String>,
}

impl Failure {
    /// Without help.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), help: None, reasons: Vec::new() }
    }

    /// With help.
    #[must_use]
    pub fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        for reason in &self.reasons {
            write!(f, "\n  {reason}")?;
        }
        if let (Some(help), false) = (&self.help, self.reasons.is_empty()) {
            return write!(f, "\n  {help}");
        }
        self.help.as_ref().map_or(Ok(()), |help| write!(f, "; {help}"))
    }
}

impl std::error::Error for Failure {}

impl Request {
    /// Read one line, without its newline.
    ///
    /// # Errors
    /// What is wrong with it, with the id if one could be found.
    pub fn parse(line: &[u8]) -> Result<Self, (Json, Failure)> {
        let bad = |text: String| Failure::new(Code::BadRequest, text).help(EXAMPLE);
        let json: Json = serde_json::from_slice(line)
            .map_err(|error| (Json::Null, bad(format!("a line that is no JSON: {error}"))))?;
        let id = json.get("id").filter(|id| is_id(id)).cloned().unwrap_or_default();
        let request: Self = serde_json::from_value(json)
            .map_err(|error| (id.clone(), bad(format!("a line that is no request: {error}"))))?;
        if !is_id(&request.id) {
            return Err((Json::Null, bad("`id` is neither a number nor a text of at most 64 bytes".into())));
        }
        if !(request.params.is_object() || request.params.is_null()) {
            return Err((id, bad("`params` is not an object".into())));
        }
        Ok(request)
    }
}

const EXAMPLE: &str = "a request is one line such as {\"id\":1,\"method\":\"status\",\"params\":{}}";

fn is_id(id: &Json) -> bool {
    match id {
        Json::Null | Json::Number(_) => true,
        Json::String(text) => text.len() <= 64,
        _ => false,
    }
}

/// The line that refuses a connection over a network: with the version, and nothing else of the machine.
pub fn refusal_line(id: &Json, failure: &Failure) -> String {
    format!("{}\n", json!({ "id": id, "error": failure, "protocol": VERSION }))
}

/// The line that answers request `id`.
pub fn answer(id: &Json, result: Result<Json, Failure>) -> String {
    let line = match result {
        Ok(result) => json!({ "id": id, "result": result }),
        Err(error) => json!({ "id": id, "error": error }),
    };
    format!("{line}\n")
}

/// The line that tells an event of this kind; `fields` is an object.
pub fn event(kind: &str, mut fields: Json) -> String {
    if let Some(fields) = fields.as_object_mut() {
        fields.insert("event".into(), kind.into());
    }
    format!("{fields}\n")
}

/// The candidate that `name` was probably meant to be.
pub fn suggestion<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let lower = name.to_lowercase();
    let distance = |candidate: &str| strsim::damerau_levenshtein(&lower, &candidate.to_lowercase());
    let near = candidates.map(|candidate| (distance(candidate), candidate)).min_by_key(|(far, _)| *far);
    near.filter(|(far, candidate)| *far <= 1 + candidate.chars().count() / 4).map(|(_, candidate)| candidate)
}

/// No `what` of this name; says what was probably meant, or what there is.
pub fn unknown<'a>(what: &str, name: &str, candidates: impl Iterator<Item = &'a str> + Clone) -> Failure {
    let failure = Failure::new(Code::UnknownName, format!("no {what} is called `{}`", shown(name)));
    if let Some(near) = suggestion(name, candidates.clone()) {
        return failure.help(format!("did you mean `{near}`?"));
    }
    let all: Vec<&str> = candidates.take(13).collect();
    match all.len() {
        0 => failure.help(format!("this cell has no {what} at all")),
        13 => failure,
        _ => failure.help(format!("there are: {}", all.join(", "))),
    }
}

/// A text of a stranger, short enough for a message.
pub fn shown(text: &str) -> String {
    let mut short: String = text.chars().filter(|letter| !letter.is_control()).take(80).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(line: &str) -> Result<Request, String> {
        Request::parse(line.as_bytes()).map_err(|(_, failure)| failure.message)
    }

    #[test]
    fn a_request_has_a_method_and_perhaps_more() {
        assert_eq!(check(r#"{"method":"status"}"#).unwrap().params, Json::Null);
        let full = check(r#"{"id":"a","method":"get","params":{"name":"x"}}"#).unwrap();
        assert_eq!(
            (full.id, full.method.as_str(), full.params["name"].as_str()),
            ("a".into(), "get", Some("x"))
        );
    }

    #[test]
    fn what_is_no_request_is_said() {
        for (line, text) in [
            ("", "no JSON"),
            ("hello", "no JSON"),
            ("[1]", "no request"),
            (r#"{"id":1}"#, "missing field `method`"),
            (r#"{"method":"x","parms":{}}"#, "unknown field `parms`"),
            (r#"{"method":"x","params":[1]}"#, "`params` is not an object"),
            (r#"{"method":"x","id":[1]}"#, "`id` is neither"),
        ] {
            let message = check(line).unwrap_err();
            assert!(message.contains(text), "{line}: {message}");
        }
        let (id, _) = Request::parse(br#"{"id":7,"method":3}"#).unwrap_err();
        assert_eq!(id, 7, "an answer to a bad request finds its way, too");
    }

    #[test]
    fn names_are_suggested() {
        let names = ["force_min", "force_max", "timeout"];
        assert_eq!(suggestion("force_mn", names.into_iter()), Some("force_min"));
        assert_eq!(suggestion("speed", names.into_iter()), None);
        let help = |name| unknown("parameter", name, names.into_iter()).help.unwrap();
        assert_eq!(help("TIMEOUTS"), "did you mean `timeout`?");
        assert_eq!(help("speed"), "there are: force_min, force_max, timeout");
        let long = unknown("tag", &"\u{1b}[2Jä".repeat(100), [].into_iter());
        assert!(long.message.len() < 200 && !long.message.contains('\u{1b}'));
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_strange(line: Vec<u8>) {
            let _ = Request::parse(&line);
        }

        #[test]
        fn an_answer_is_one_line_of_json(id: u32, text: String) {
            let line = answer(&id.into(), Err(Failure::new(Code::Refused, text.clone())));
            prop_assert_eq!(line.matches('\n').count(), 1);
            let back: Json = serde_json::from_str(&line).unwrap();
            prop_assert_eq!(&back["error"]["message"], &Json::from(text));
        }
    }
}
