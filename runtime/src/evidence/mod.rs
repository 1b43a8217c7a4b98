//! What is kept of a jidoka event: the cycles around it as a log that replays by itself, and beside it a small file that
//! says what was judged and, once somebody has, what they say. One labelled sample for the next model.
//!
//! `a.snlog.jidoka/3-stroke-81250.snlog` and `….json`: number of the event in its run, rule, cycle. The newest are kept.

mod keeper;
mod shelf;
mod tap;
#[cfg(test)]
mod tests;

pub use keeper::{Evidence, Keeper};
pub use shelf::Shelf;
pub use tap::Tap;

use crate::machine::jidoka::{Event, Verdict};
use sensai_model::{Cell, Value};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Number of the file's form.
const FORM: u32 = 1;

/// Why a verdict is what it is, as the person said it. The cycle knows its hash only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// Low 64 bits of the hash of `why`, as in the cycle's record.
    pub hash: u64,
    /// The text.
    pub why: String,
    /// Who said it.
    pub who: String,
    /// Wall clock, RFC 3339.
    pub utc: String,
    /// Cycle that took the verdict.
    pub cycle: u64,
}

/// The small file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// Number of the form.
    pub form: u32,
    /// Name of the cell.
    pub cell: String,
    /// Number of the event in its run, from 1.
    pub event: u64,
    /// `[jidoka.<name>]`.
    pub rule: String,
    /// Cycle of the event.
    pub cycle: u64,
    /// Its nominal time, ns.
    pub time_ns: i64,
    /// Wall clock when it was written down first, RFC 3339.
    pub utc: String,
    /// The model that the rule watches; nothing where only programs raise it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub model: Option<ModelFacts>,
    /// The parameters at the event, by name.
    pub parameters: BTreeMap<String, serde_json::Value>,
    /// The cycles around it; nothing as long as they have not been cut out.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub log: Option<LogFacts>,
    /// Why the cycles could not be cut out.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub trouble: Option<String>,
    /// What a person said; nothing as long as nobody has.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub verdict: Option<VerdictFacts>,
}

/// The model behind a rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelFacts {
    /// `[models.<name>]`.
    pub name: String,
    /// Its file, relative to the cell.
    pub path: String,
    /// SHA-256 of the file.
    pub sha256: String,
    /// What it gave; 0 if a program raised the rule all the same.
    pub score: f64,
    /// Above this it is suspicious.
    pub limit: f64,
}

/// The cut log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogFacts {
    /// Name of the file, beside this one.
    pub file: String,
    /// SHA-256 of it.
    pub sha256: String,
    /// First record.
    pub first: u64,
    /// Last record.
    pub last: u64,
}

/// A verdict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VerdictFacts {
    /// The part was good, and the stop a false one.
    pub good: bool,
    /// Low 64 bits of the SHA-256 of the reason, hexadecimal: what the cycle log has of it.
    pub why_hash: String,
    /// The reason; empty where only its hash is known.
    pub why: String,
    /// Who said it.
    pub who: String,
    /// Wall clock, RFC 3339.
    pub utc: String,
    /// Cycle that took it; 0 where it is not known.
    pub cycle: u64,
}

impl Document {
    /// Of an event that nobody has judged.
    pub fn new(cell: &Cell, event: &Event, parameters: &[Value], utc: String) -> Self {
        let rule = cell.jidoka.get(usize::from(event.rule));
        let model = rule.and_then(|rule| rule.model).and_then(|model| cell.models.get(usize::from(model)));
        let facts = |(of, limit): (&sensai_model::cell::Model, f64)| ModelFacts {
            name: of.name.clone(),
            path: of.path.clone(),
            sha256: of.sha256.clone(),
            score: event.score,
            limit,
        };
        let parameters = cell.parameters.iter().zip(parameters);
        Self {
            form: FORM,
            cell: cell.name.clone(),
            event: event.number,
            rule: rule.map_or_else(String::new, |rule| rule.name.clone()),
            cycle: event.cycle,
            time_ns: cell.task.interval_ns.cast_signed().saturating_mul(event.cycle.cast_signed()),
            utc,
            model: model.zip(rule.map(|rule| rule.limit)).map(facts),
            parameters: parameters.map(|(of, value)| (of.name.clone(), json(*value))).collect(),
            log: None,
            trouble: None,
            verdict: None,
        }
    }

    /// What its files are called, without the ending.
    pub fn stem(&self) -> String {
        format!("{}-{}-{}", self.event, self.rule, self.cycle)
    }

    /// Take over what the machine says of the verdict, and what the person said, if that is known.
    fn judge(&mut self, event: &Event, reason: Option<&Reason>) {
        if event.verdict == Verdict::Open {
            return;
        }
        let of = |text: fn(&Reason) -> &String| reason.map(text).cloned().unwrap_or_default();
        self.verdict = Some(VerdictFacts {
            good: event.verdict == Verdict::Good,
            why_hash: format!("{:016x}", event.why),
            why: of(|reason| &reason.why),
            who: of(|reason| &reason.who),
            utc: of(|reason| &reason.utc),
            cycle: reason.map_or(0, |reason| reason.cycle),
        });
    }
}

fn json(value: Value) -> serde_json::Value {
    match value {
        Value::Bool(value) => value.into(),
        Value::I64(value) => value.into(),
        // A parameter is finite; what is not has no number in JSON.
        Value::F64(value) => value.into(),
    }
}
