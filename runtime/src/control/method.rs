//! Methods: from a request to what is to be shown, or to the inbox entry that is to be given to the cycle. Names are
//! looked up, types and ranges checked, here; whether the machine's state allows a command is for the cycle to say.

use crate::{
    control::protocol::{Code, Failure, LINE_MAX, Request, TEXT_MAX, shown, suggestion, unknown},
    control::{describe, force, remote::token::Right, tail::TAIL_S_MAX, view::Section},
    inbox::entry,
    machine::reload::PROBATION,
};
use sensai_model::{
    Cell, ScalarType, Value,
    packml::{Command as UnitCommand, Mode as UnitMode},
    record::{InboxEntry, InboxKind, InboxSource},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

/// Every method and what it does.
pub const METHODS: &[(&str, &str)] = &[
    ("hello", "version of the protocol, cell, hash of its files, who you are"),
    ("describe", "everything that does not change: tags, parameters, axes, units, alarms, models"),
    ("status", "the machine after a cycle; `sections`"),
    ("tags", "all tags, or those whose name begins with `prefix`"),
    ("get", "the tag or parameter `name`"),
    ("params", "all parameters with type, range and present value"),
    ("subscribe", "what has changed, up to 50 times a second; `sections`, `prefix`, `hz`"),
    ("unsubscribe", "no more of that"),
    ("clear-statistics", "begin the tasks' statistics anew"),
    ("start", "leave Stop for Run"),
    ("stop", "leave Run for Stop"),
    ("reset", "acknowledge the latched fault; `restart`: warm, cold or origin"),
    ("unit", "PackML `command` to `unit`, or to all; `chain` with start: also what leads there"),
    ("mode", "PackML `mode` of `unit`, or of all"),
    ("set-param", "set the parameter `name` to `value`"),
    ("force", "put `value` in the place of what the wire or a program says of the tag `name`"),
    ("unforce", "let the tag `name` go"),
    ("unforce-all", "let everything go that is forced"),
    ("jog", "move `axis` at `velocity` (units/s) `for_ms`, in manual mode"),
    ("override", "velocity `factor` 0 to 2 of `axis`, or of all"),
    ("ack", "acknowledge `alarm`, or all"),
    ("shelve", "shelve `alarm` `for_s` seconds, 0 to bring it back"),
    ("log-tail", "write the last `seconds` of the log into a log of its own"),
    (
        "reload",
        "the programs whose files have changed, or only `program`; `probation`: runs for which it may be undone",
    ),
    ("verdict", "judge the jidoka `event`, or the oldest open one: `good` or not, `why`"),
];

/// Events a second that a subscriber may get.
pub const HZ_MAX: f64 = 50.0;
/// Longest jog that one command may ask for, ms: whoever holds the key sends it again and again.
pub const JOG_MS_MAX: u64 = 10_000;
/// Longest time an alarm may be shelved, s: a day.
pub const SHELVE_S_MAX: u64 = 86_400;
/// Most runs for which a reload may be undone.
pub const PROBATION_MAX: u64 = 1_000_000_000;

/// What a request asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Call {
    /// `hello`
    Hello,
    /// `describe`
    Describe,
    /// `status`
    Status(Vec<Section>),
    /// `tags`
    Tags(String),
    /// `get`: index of a tag.
    GetTag(usize),
    /// `get`: index of a parameter.
    GetParameter(usize),
    /// `params`
    Params,
    /// `subscribe`
    Subscribe(Subscribe),
    /// `unsubscribe`
    Unsubscribe,
    /// `clear-statistics`
    ClearStatistics,
    /// Something for the cycle.
    Command(Command),
    /// `reload`
    Reload(Reload),
    /// `log-tail`: cycles.
    LogTail(u64),
}

/// A reload that is asked for.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reload {
    /// Only this program.
    pub program: Option<String>,
    /// Runs for which it may be undone.
    #[serde(default = "probation")]
    pub probation: u64,
    /// The reason given.
    #[serde(default)]
    pub why: String,
}

fn probation() -> u64 {
    PROBATION
}

/// What a subscriber wants.
#[derive(Clone, Debug, PartialEq)]
pub struct Subscribe {
    /// Which sections.
    pub sections: Vec<Section>,
    /// Which tags.
    pub prefix: String,
    /// Nanoseconds between two events.
    pub period_ns: u64,
}

/// A command for the cycle.
#[derive(Clone, Debug, PartialEq)]
pub struct Command {
    /// Name of the method.
    pub method: &'static str,
    /// As it was asked for.
    pub params: Json,
    /// The entry.
    pub entry: InboxEntry,
    /// The reason given.
    pub why: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Why {
    #[serde(default)]
    why: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StatusParams {
    sections: Option<Vec<Section>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TagsParams {
    #[serde(default)]
    prefix: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GetParams {
    name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SubscribeParams {
    sections: Option<Vec<Section>>,
    #[serde(default)]
    prefix: String,
    hz: Option<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ResetParams {
    #[serde(default)]
    restart: Restart,
    #[serde(default)]
    why: String,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Restart {
    #[default]
    Warm = 0,
    Cold = 1,
    Origin = 2,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UnitParams {
    command: UnitCommand,
    unit: Option<String>,
    #[serde(default)]
    chain: bool,
    #[serde(default)]
    why: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ModeParams {
    mode: UnitMode,
    unit: Option<String>,
    #[serde(default)]
    why: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetParams {
    name: String,
    value: Json,
    #[serde(default)]
    why: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TailParams {
    seconds: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UnforceParams {
    name: String,
    #[serde(default)]
    why: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JogParams {
    axis: String,
    velocity: f64,
    for_ms: u64,
    #[serde(default)]
    why: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OverrideParams {
    factor: f64,
    axis: Option<String>,
    #[serde(default)]
    why: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AckParams {
    alarm: Option<String>,
    #[serde(default)]
    why: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ShelveParams {
    alarm: String,
    for_s: u64,
    #[serde(default)]
    why: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct VerdictParams {
    #[serde(default)]
    event: u64,
    good: bool,
    why: String,
}

impl Call {
    /// It shows the state of programs.
    pub fn wants_states(&self) -> bool {
        matches!(self, Self::Status(sections) if sections.contains(&Section::Programs))
    }

    /// Its name.
    pub const fn method(&self) -> &'static str {
        match self {
            Self::Hello => "hello",
            Self::Describe => "describe",
            Self::Status(_) => "status",
            Self::Tags(_) => "tags",
            Self::GetTag(_) | Self::GetParameter(_) => "get",
            Self::Params => "params",
            Self::Subscribe(_) => "subscribe",
            Self::Unsubscribe => "unsubscribe",
            Self::ClearStatistics => "clear-statistics",
            Self::Command(command) => command.method,
            Self::Reload(_) => "reload",
            Self::LogTail(_) => "log-tail",
        }
    }

    /// What a token has to allow for it.
    pub const fn needs(&self) -> Right {
        match self {
            Self::Hello
            | Self::Describe
            | Self::Status(_)
            | Self::Tags(_)
            | Self::GetTag(_)
            | Self::GetParameter(_)
            | Self::Params
            | Self::Subscribe(_)
            | Self::Unsubscribe => Right::Read,
            // A tail is written to the machine's disk, and statistics are others', too.
            Self::ClearStatistics | Self::Command(_) | Self::Reload(_) | Self::LogTail(_) => Right::Operate,
        }
    }

    /// What a request asks of a runtime that runs `cell`.
    ///
    /// # Errors
    /// What is wrong with it, and what would be right.
    pub fn parse(cell: &Cell, request: Request) -> Result<Self, Failure> {
        let Some((method, _)) = METHODS.iter().find(|(name, _)| *name == request.method) else {
            return Err(unknown_method(&request.method));
        };
        let params = if request.params.is_null() { Json::Object(Default::default()) } else { request.params };
        Ok(match *method {
            "hello" => typed::<Nothing>(method, params).map(|_| Self::Hello)?,
            "describe" => typed::<Nothing>(method, params).map(|_| Self::Describe)?,
            "params" => typed::<Nothing>(method, params).map(|_| Self::Params)?,
            "unsubscribe" => typed::<Nothing>(method, params).map(|_| Self::Unsubscribe)?,
            "clear-statistics" => typed::<Nothing>(method, params).map(|_| Self::ClearStatistics)?,
            "status" => {
                let of: StatusParams = typed(method, params)?;
                let usual = || usual_sections().filter(|section| *section != Section::Tags);
                Self::Status(of.sections.unwrap_or_else(|| usual().collect()))
            }
            "tags" => Self::Tags(typed::<TagsParams>(method, params)?.prefix),
            "get" => get(cell, &typed::<GetParams>(method, params)?.name)?,
            "subscribe" => Self::Subscribe(subscribe(typed(method, params)?)?),
            "log-tail" => {
                let of: TailParams = typed(method, params)?;
                in_range("seconds", of.seconds, 0.001, TAIL_S_MAX, " s")?;
                let cycles = cycles(cell, (of.seconds * 1e9) as u64);
                Self::LogTail(cycles.cast_unsigned())
            }
            "reload" => Self::Reload(reload(typed(method, params)?)?),
            method => Self::Command(command(cell, method, params)?),
        })
    }
}

fn reload(of: Reload) -> Result<Reload, Failure> {
    if !(1..=PROBATION_MAX).contains(&of.probation) {
        let text = format!("`probation` is {}, expected 1 to {PROBATION_MAX} runs", of.probation);
        return Err(Failure::new(Code::OutOfRange, text));
    }
    short(&of.why)?;
    Ok(of)
}

fn short(why: &str) -> Result<(), Failure> {
    if why.chars().count() <= TEXT_MAX {
        return Ok(());
    }
    Err(Failure::new(Code::OutOfRange, format!("`why` is longer than {TEXT_MAX} characters")))
}

/// All that costs the cycle nothing more.
fn usual_sections() -> impl Iterator<Item = Section> {
    Section::ALL.iter().copied().filter(|section| *section != Section::Programs)
}

fn unknown_method(name: &str) -> Failure {
    let names = METHODS.iter().map(|(name, _)| *name);
    let failure = Failure::new(Code::UnknownMethod, format!("there is no method `{}`", shown(name)));
    match suggestion(name, names.clone()) {
        Some(near) => failure.help(format!("did you mean `{near}`?")),
        None => failure.help(format!("there are: {}", names.collect::<Vec<_>>().join(", "))),
    }
}

fn typed<T: DeserializeOwned>(method: &str, params: Json) -> Result<T, Failure> {
    serde_json::from_value(params).map_err(|error| {
        let text = METHODS.iter().find(|(name, _)| *name == method).map_or("", |(_, text)| *text);
        let message = format!("the parameters of `{method}`: {}", shown(&error.to_string()));
        Failure::new(Code::BadParams, message).help(format!("`{method}`: {text}"))
    })
}

fn get(cell: &Cell, name: &str) -> Result<Call, Failure> {
    let parameters = cell.parameters.iter().map(|of| of.name.as_str());
    if let Some(bare) = name.strip_prefix("param.") {
        return index_of("parameter", bare, parameters).map(|index| Call::GetParameter(index as usize));
    }
    if let Some(index) = tag_index(cell, name) {
        return Ok(Call::GetTag(index));
    }
    if let Some(index) = parameters.clone().position(|known| known == name) {
        return Ok(Call::GetParameter(index));
    }
    let tags = cell.tags.iter().map(|tag| tag.name.as_str());
    Err(unknown("tag or parameter", name, tags.chain(parameters)))
}

fn tag_index(cell: &Cell, name: &str) -> Option<usize> {
    let bare = name.strip_prefix("io.").unwrap_or(name);
    let found = cell.tag(name).or_else(|| cell.tag(bare))?;
    cell.tags.iter().position(|tag| tag.name == found.name)
}

fn subscribe(of: SubscribeParams) -> Result<Subscribe, Failure> {
    let hz = of.hz.unwrap_or(10.0);
    if !(0.1..=HZ_MAX).contains(&hz) {
        let text = format!("`hz` is {hz}, expected 0.1 to {HZ_MAX}");
        return Err(Failure::new(Code::OutOfRange, text));
    }
    Ok(Subscribe {
        sections: of.sections.unwrap_or_else(|| usual_sections().collect()),
        prefix: of.prefix,
        period_ns: (1e9 / hz) as u64,
    })
}

fn command(cell: &Cell, method: &'static str, params: Json) -> Result<Command, Failure> {
    let mut told = params.clone();
    // The reason has a place of its own.
    let _ = told.as_object_mut().map(|members| members.remove("why"));
    let (kind, argument, why) = match method {
        "start" => (InboxKind::Start, [0; 3], typed::<Why>(method, params)?.why),
        "stop" => (InboxKind::Stop, [0; 3], typed::<Why>(method, params)?.why),
        "reset" => {
            let of: ResetParams = typed(method, params)?;
            (InboxKind::Reset, [of.restart as i64, 0, 0], of.why)
        }
        "unit" => {
            let of: UnitParams = typed(method, params)?;
            let unit = unit(cell, of.unit.as_deref())?;
            (InboxKind::UnitCommand, [unit, of.command as i64, i64::from(of.chain)], of.why)
        }
        "mode" => {
            let of: ModeParams = typed(method, params)?;
            let unit = unit(cell, of.unit.as_deref())?;
            known_mode(cell, unit, of.mode)?;
            (InboxKind::UnitMode, [unit, of.mode as i64, 0], of.why)
        }
        "set-param" => {
            let of: SetParams = typed(method, params)?;
            let (index, value) = parameter(cell, &of.name, &of.value)?;
            (InboxKind::Parameter, [index, value.to_bits().cast_signed(), 0], of.why)
        }
        "force" => {
            let of: SetParams = typed(method, params)?;
            (InboxKind::Force, force::force(cell, &of.name, &of.value)?, of.why)
        }
        "unforce" => {
            let of: UnforceParams = typed(method, params)?;
            (InboxKind::Unforce, force::unforce(cell, &of.name)?, of.why)
        }
        "unforce-all" => (InboxKind::Unforce, [-1, -1, 0], typed::<Why>(method, params)?.why),
        "jog" => {
            let of: JogParams = typed(method, params)?;
            let argument = jog(cell, &of)?;
            (InboxKind::Jog, argument, of.why)
        }
        "override" => {
            let of: OverrideParams = typed(method, params)?;
            in_range("factor", of.factor, 0.0, 2.0, "")?;
            let all = || match cell.axes.is_empty() {
                true => Err(Failure::new(Code::UnknownName, "this cell has no axes")),
                false => Ok(-1),
            };
            let axis = of.axis.as_deref().map_or_else(all, |name| axis(cell, name))?;
            (InboxKind::Override, [axis, of.factor.to_bits().cast_signed(), 0], of.why)
        }
        "ack" => {
            let of: AckParams = typed(method, params)?;
            let alarm = of.alarm.as_deref().map_or(Ok(-1), |name| alarm(cell, name))?;
            (InboxKind::Acknowledge, [alarm, 0, 0], of.why)
        }
        "shelve" => {
            let of: ShelveParams = typed(method, params)?;
            in_range("for_s", of.for_s as f64, 0.0, SHELVE_S_MAX as f64, " s")?;
            let cycles = cycles(cell, of.for_s.saturating_mul(1_000_000_000));
            (InboxKind::Shelve, [alarm(cell, &of.alarm)?, cycles, 0], of.why)
        }
        "verdict" => {
            let of: VerdictParams = typed(method, params)?;
            verdict(of)?
        }
        _ => return Err(unknown_method(method)),
    };
    short(&why)?;
    Ok(Command { method, params: told, entry: entry(kind, InboxSource::CONTROL, argument), why })
}

const _: () = assert!(LINE_MAX > 8 * TEXT_MAX);

fn verdict(of: VerdictParams) -> Result<(InboxKind, [i64; 3], String), Failure> {
    if of.why.trim().is_empty() {
        let text = "a verdict needs a reason";
        return Err(Failure::new(Code::BadParams, text).help("say `why`: the next model learns from it"));
    }
    let event = i64::try_from(of.event).unwrap_or(i64::MAX);
    Ok((InboxKind::Verdict, [event, of.good.into(), reason_hash(&of.why).cast_signed()], of.why))
}

/// Low 64 bits of the hash of a reason, as the record of the verdict has them: the first eight bytes of its SHA-256, little
/// endian. The text itself is in the log's events and in the audit file.
pub fn reason_hash(why: &str) -> u64 {
    let hash = Sha256::digest(why);
    hash.iter().take(8).rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

fn index_of<'a>(
    what: &str,
    name: &str,
    names: impl Iterator<Item = &'a str> + Clone,
) -> Result<i64, Failure> {
    let index = names.clone().position(|known| known == name);
    index.map(|index| index as i64).ok_or_else(|| unknown(what, name, names))
}

fn unit(cell: &Cell, name: Option<&str>) -> Result<i64, Failure> {
    if cell.units.is_empty() {
        let failure = Failure::new(Code::UnknownName, "this cell has no PackML units");
        return Err(failure.help("`start`, `stop` and `reset` are for the runtime itself"));
    }
    let names = cell.units.iter().map(|unit| unit.name.as_str());
    name.map_or(Ok(-1), |name| index_of("unit", name, names))
}

fn known_mode(cell: &Cell, unit: i64, mode: UnitMode) -> Result<(), Failure> {
    let asked = cell.units.iter().enumerate().filter(|(index, _)| unit < 0 || *index as i64 == unit);
    let lacking: Vec<&str> =
        asked.filter(|(_, of)| !of.modes.contains(&mode)).map(|(_, of)| of.name.as_str()).collect();
    if lacking.is_empty() {
        return Ok(());
    }
    let text = format!("no mode {} in unit {}", mode.name(), lacking.join(", "));
    Err(Failure::new(Code::UnknownName, text).help("the unit's `modes` in cell.toml say which it has"))
}

fn axis(cell: &Cell, name: &str) -> Result<i64, Failure> {
    index_of("axis", name, cell.axes.iter().map(|axis| axis.name.as_str()))
}

fn alarm(cell: &Cell, name: &str) -> Result<i64, Failure> {
    // By its number, too: that is what stands in lists.
    let number = name.trim_start_matches('A').parse::<u16>();
    if let Some(index) = number.ok().and_then(|id| cell.alarms.iter().position(|alarm| alarm.id == id)) {
        return Ok(index as i64);
    }
    index_of("alarm", name, cell.alarms.iter().map(|alarm| alarm.name.as_str()))
}

fn jog(cell: &Cell, of: &JogParams) -> Result<[i64; 3], Failure> {
    let index = axis(cell, &of.axis)?;
    let axis = usize::try_from(index).ok().and_then(|index| cell.axes.get(index));
    let limit = axis.map_or(0.0, |axis| axis.velocity_max);
    in_range("velocity", of.velocity, -limit, limit, axis.map_or("", |axis| axis.unit.as_str()))?;
    in_range("for_ms", of.for_ms as f64, 1.0, JOG_MS_MAX as f64, "")?;
    if !cell.units.iter().any(|unit| unit.jog.iter().any(|jog| i64::from(*jog) == index)) {
        let text = format!("no unit may jog the axis {}", of.axis);
        return Err(Failure::new(Code::Refused, text).help("name it under `jog` of a unit in cell.toml"));
    }
    Ok([index, of.velocity.to_bits().cast_signed(), cycles(cell, of.for_ms.saturating_mul(1_000_000))])
}

/// Whole cycles that last at least this long.
fn cycles(cell: &Cell, ns: u64) -> i64 {
    i64::try_from(ns.div_ceil(cell.task.interval_ns.max(1))).unwrap_or(i64::MAX)
}

fn in_range(what: &str, value: f64, low: f64, high: f64, unit: &str) -> Result<(), Failure> {
    if (low..=high).contains(&value) {
        return Ok(());
    }
    let per = if unit.is_empty() || unit.starts_with(' ') { unit.to_owned() } else { format!(" {unit}/s") };
    Err(Failure::new(Code::OutOfRange, format!("`{what}` is {value}, expected {low} to {high}{per}")))
}

/// Index and value of a parameter, of its type and in its range.
fn parameter(cell: &Cell, name: &str, value: &Json) -> Result<(i64, Value), Failure> {
    let bare = name.strip_prefix("param.").unwrap_or(name);
    let index = index_of("parameter", bare, cell.parameters.iter().map(|of| of.name.as_str()))?;
    let Some(of) = usize::try_from(index).ok().and_then(|index| cell.parameters.get(index)) else {
        return Err(unknown("parameter", name, [].into_iter()));
    };
    let typed = match of.scalar {
        ScalarType::Bool => value.as_bool().map(Value::Bool),
        ScalarType::I64 => value.as_i64().map(Value::I64),
        ScalarType::F64 => value.as_f64().map(Value::F64),
    };
    let expected = match of.range {
        None => String::new(),
        Some((low, high)) => format!(" in {} to {}", describe::json(low), describe::json(high)),
    };
    let unit = of.unit.as_deref().map_or(String::new(), |unit| format!(" {unit}"));
    let wrong = || {
        let got = shown(&value.to_string());
        let text = format!("`{bare}` is {}{expected}{unit}, got {got}", of.scalar.name());
        Failure::new(Code::OutOfRange, text)
    };
    let typed = typed.ok_or_else(wrong)?;
    if of.admits(typed) { Ok((index, typed)) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn call(method: &str, params: Json) -> Result<Call, Failure> {
        let cell =
            crate::source::Source::from_directory(&crate::test_cell()).cell.expect("the example is valid");
        Call::parse(&cell, Request { id: Json::Null, method: method.into(), params })
    }

    fn entry_of(method: &str, params: Json) -> InboxEntry {
        match call(method, params) {
            Ok(Call::Command(command)) => command.entry,
            other => panic!("{other:?}"),
        }
    }

    fn failure(method: &str, params: Json) -> String {
        call(method, params).unwrap_err().to_string()
    }

    #[test]
    fn every_method_is_known() {
        for (method, _) in METHODS {
            let result = call(method, json!({"nonsense": 1}));
            let failure = result.expect_err("no method takes nonsense");
            assert_eq!(failure.code, Code::BadParams, "{method}: {failure}");
            assert!(failure.message.contains("unknown field `nonsense`"), "{method}: {failure}");
        }
    }

    #[test]
    fn every_method_and_code_is_described() {
        let page = include_str!("../../../docs/control-protocol.md");
        let rows: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("| `")).collect();
        let described = |name: &str| rows.iter().any(|row| row.split('`').next() == Some(name));
        for (method, _) in METHODS {
            assert!(described(method), "{method}");
        }
        use Code::*;
        let codes =
            [BadRequest, UnknownMethod, BadParams, UnknownName, OutOfRange, Refused, Starting, Busy, Timeout];
        for code in codes {
            assert!(described(code.name()), "{}", code.name());
            assert_eq!(serde_json::to_value(code).unwrap(), code.name());
        }
        for section in Section::ALL {
            let name = serde_json::to_value(section).unwrap();
            assert!(page.contains(&format!("`{}`", name.as_str().unwrap())), "{name}");
        }
    }

    #[test]
    fn commands_become_entries() {
        let reset = entry_of("reset", json!({"restart": "cold", "why": "new tool"}));
        assert_eq!(
            (reset.kind, reset.source, reset.argument),
            (InboxKind::Reset, InboxSource::CONTROL, [1, 0, 0])
        );
        let set = entry_of("set-param", json!({"name": "force_min", "value": 900}));
        let index = set.argument[0];
        assert_eq!((set.kind, index), (InboxKind::Parameter, 0));
        assert_eq!(f64::from_bits(set.argument[1].cast_unsigned()), 900.0);
        let verdict = entry_of("verdict", json!({"good": false, "why": "crack"}));
        assert_eq!(verdict.argument[..2], [0, 0]);
        assert_eq!(verdict.argument[2].cast_unsigned(), reason_hash("crack"));
    }

    #[test]
    fn what_is_wrong_is_said_with_what_would_be_right() {
        for (method, params, text) in [
            ("stats", json!({}), "there is no method `stats`; did you mean `status`?"),
            ("get", json!({"name": "force_mim"}), "did you mean `force_min`?"),
            ("get", json!({}), "missing field `name`"),
            ("set-param", json!({"name": "force_min", "value": 9000}), "expected"),
            ("set-param", json!({"name": "force_min", "value": "x"}), "`force_min` is f64"),
            ("set-param", json!({"name": "forcemin", "value": 1}), "did you mean `force_min`?"),
            ("subscribe", json!({"hz": 1000}), "expected 0.1 to 50"),
            ("subscribe", json!({"sections": ["axles"]}), "unknown variant `axles`"),
            ("verdict", json!({"good": true, "why": "  "}), "needs a reason"),
            ("stop", json!({"why": "x".repeat(1001)}), "longer than 1000"),
            ("override", json!({"factor": 2.5}), "`factor` is 2.5, expected 0 to 2"),
            ("reset", json!({"restart": "hot"}), "unknown variant `hot`"),
        ] {
            let message = failure(method, params);
            let text = if text == "expected" { "in 0.0 to 3000.0 N, got 9000" } else { text };
            assert!(message.contains(text), "{method}: {message}");
        }
    }
}
