//! What requests carry and what is answered, as far as it is more than a number.

use serde::Deserialize;
use serde_json::{Value, json};

/// A file, as the editor names it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Source {
    /// Name to show.
    pub name: Option<String>,
    /// Where it is.
    pub path: Option<String>,
    /// Number of a text that the adapter has; 0: it is a file.
    pub source_reference: i64,
}

/// A breakpoint that is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Wanted {
    /// From 1.
    pub line: u32,
    /// From 1.
    pub column: Option<u32>,
    /// Only if this holds.
    pub condition: Option<String>,
    /// Only at some hits.
    pub hit_condition: Option<String>,
    /// Say this instead of stopping.
    pub log_message: Option<String>,
    /// Only in this task; not of the protocol, `condition` may begin with `task <name>:` instead.
    pub task: Option<String>,
}

/// What became of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Placed {
    /// Number that hits are told with.
    pub id: i64,
    /// It can be hit.
    pub verified: bool,
    /// Where it is now.
    pub line: u32,
    /// Where in the line, if it is not at its start.
    pub column: Option<u32>,
    /// Why not, or what is odd about it.
    pub message: Option<String>,
}

/// Why it stands still.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stopped {
    /// As the protocol knows it: `step`, `breakpoint`, `data breakpoint`, `exception`, `pause`, `entry`, `goto`.
    pub reason: &'static str,
    /// For people.
    pub description: String,
    /// What stands at the place.
    pub thread: i64,
    /// Breakpoints that were hit.
    pub hits: Vec<i64>,
}

/// How it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It goes on.
    Running,
    /// There is nothing to do at the moment.
    Waiting,
    /// It stands still.
    Stopped(Stopped),
}

/// A call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    /// Number to ask with.
    pub id: i64,
    /// Name of the function.
    pub name: String,
    /// Where it is written.
    pub source: Option<Source>,
    /// From 1; 0 without a source.
    pub line: u32,
    /// From 1.
    pub column: u32,
    /// End of what runs next.
    pub end: Option<(u32, u32)>,
}

/// Something to see in a call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// Name.
    pub name: String,
    /// Number to ask for its parts with.
    pub reference: i64,
    /// Variables of the call itself.
    pub local: bool,
}

/// A value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Variable {
    /// Name.
    pub name: String,
    /// As people read it.
    pub value: String,
    /// Type.
    pub kind: String,
    /// Number to ask for its parts with; 0: it has none.
    pub reference: i64,
    /// How to write it in an expression; empty: not at all.
    pub expression: String,
}

impl Source {
    pub(super) fn json(&self) -> Value {
        json!({"name": self.name, "path": self.path, "sourceReference": self.source_reference})
    }
}

impl Placed {
    pub(super) fn json(&self) -> Value {
        let mut json = json!({"id": self.id, "verified": self.verified, "line": self.line});
        set(&mut json, "column", self.column.map(Value::from));
        set(&mut json, "message", self.message.clone().map(Value::from));
        json
    }
}

impl Stopped {
    pub(super) fn json(&self) -> Value {
        json!({
            "reason": self.reason,
            "description": self.description,
            "text": self.description,
            "threadId": self.thread,
            "allThreadsStopped": true,
            "hitBreakpointIds": self.hits,
        })
    }
}

impl Frame {
    pub(super) fn json(&self) -> Value {
        let mut json = json!({"id": self.id, "name": self.name, "line": self.line, "column": self.column});
        set(&mut json, "source", self.source.as_ref().map(Source::json));
        set(&mut json, "endLine", self.end.map(|end| end.0.into()));
        set(&mut json, "endColumn", self.end.map(|end| end.1.into()));
        json
    }
}

impl Scope {
    pub(super) fn json(&self) -> Value {
        let mut json = json!({"name": self.name, "variablesReference": self.reference, "expensive": false});
        set(&mut json, "presentationHint", self.local.then(|| "locals".into()));
        json
    }
}

impl Variable {
    pub(super) fn json(&self) -> Value {
        json!({
            "name": self.name,
            "value": self.value,
            "type": self.kind,
            "variablesReference": self.reference,
            "evaluateName": self.expression,
        })
    }
}

fn set(json: &mut Value, name: &str, value: Option<Value>) {
    if let (Some(object), Some(value)) = (json.as_object_mut(), value) {
        object.insert(name.to_owned(), value);
    }
}
