//! One test on its stand: time, expectations, and what the test found out. What it does to the stand is in [`super::acting`].

use super::{
    literal::Literal,
    name::{Name, Reading, Unknown},
    stand::{SeenFault, Stand},
};
use crate::control::protocol::suggestion;
use rhai::Position;
use sensai_model::{FaultCode, Value, config::Finding};

/// Cycles of the program's task that one test may run.
pub const CYCLES_MAX: u64 = 1_000_000;

/// Expectations that may fail before a test ends by itself.
pub const FAILURES_MAX: usize = 20;

/// Why something in a test did not go well.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// Stable code, see [`super::CODES`].
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
    /// The test ends here.
    pub ends: bool,
}

impl Problem {
    /// The test itself is wrong.
    pub fn misuse(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { code: "T204", message: message.into(), help: Some(help.into()), ends: true }
    }

    /// Something is not as expected; the test goes on.
    pub(super) fn failed(message: String) -> Self {
        Self { code: "T201", message, help: None, ends: false }
    }
}

impl From<Unknown> for Problem {
    fn from(unknown: Unknown) -> Self {
        Self { code: "T204", message: unknown.message, help: unknown.help, ends: true }
    }
}

/// What came of a call.
pub type Done<T> = Result<T, Problem>;

/// See the module.
pub struct Session {
    pub stand: Stand,
    /// What the test found, with its places.
    pub findings: Vec<Finding>,
    /// What it printed.
    pub printed: Vec<String>,
    /// Where `t` was called last.
    pub last_call: Position,
    /// Where the test was when the fault came that there is.
    pub fault_at: Option<Position>,
    /// Faults that it took back without asking for them, and where it was when each came.
    pub faults: Vec<(SeenFault, Option<Position>)>,
}

impl Session {
    /// Before the first line of the test.
    pub fn new(stand: Stand) -> Self {
        Self {
            stand,
            findings: Vec::new(),
            printed: Vec::new(),
            last_call: Position::NONE,
            fault_at: None,
            faults: Vec::new(),
        }
    }

    pub(super) fn read(&self, name: &str) -> Done<Reading> {
        Name::resolve(&self.stand, name)?.read(&self.stand).ok_or_else(|| {
            Problem::misuse(format!("`{name}` has no value of its own"), "name one of its fields")
        })
    }

    /// `t.get(name)`.
    pub fn get(&self, name: &str) -> Done<Reading> {
        self.read(name)
    }

    /// `t.advance(seconds)`.
    pub fn advance(&mut self, seconds: f64) -> Done<()> {
        let cycles = self.cycles_of(seconds)?;
        self.run(cycles)
    }

    /// `t.cycles(n)`.
    pub fn run(&mut self, cycles: u64) -> Done<()> {
        self.afford(cycles)?;
        for _ in 0..cycles {
            self.stand.run_cycle();
        }
        Ok(())
    }

    /// Whole cycles that last at least so long.
    fn cycles_of(&self, seconds: f64) -> Done<u64> {
        if !seconds.is_finite() || seconds < 0.0 {
            return Err(Problem::misuse(
                format!("{seconds:?} s is no time to advance"),
                "write seconds, such as 0.5",
            ));
        }
        // 0.060 s is 60 cycles of 1 ms, and not 61 because 0.060 is a little more than that in binary.
        let cycles = seconds * 1e9 / self.stand.interval_ns() as f64;
        Ok((cycles - 1e-6).ceil().max(0.0) as u64)
    }

    fn afford(&self, cycles: u64) -> Done<()> {
        let wanted = self.stand.cycles().saturating_add(cycles);
        if wanted <= CYCLES_MAX {
            return Ok(());
        }
        Err(Problem {
            code: "T205",
            message: format!("the test would run {wanted} cycles, a test has {CYCLES_MAX}"),
            help: Some("divide it, or set what it waits for".to_owned()),
            ends: true,
        })
    }

    /// `t.expect(name, value)`.
    pub fn expect(&self, name: &str, wanted: &Literal) -> Done<()> {
        let got = self.read(name)?;
        if got.is(name, wanted)? {
            return Ok(());
        }
        Err(Problem::failed(format!("{name} is {}, expected {}", got.show(), wanted.show())))
    }

    /// `t.expect(#{ … })`: all at once, and a difference of those that are not as expected.
    pub fn expect_all(&self, wanted: &[(String, Literal)]) -> Done<()> {
        let mut lines = Vec::new();
        let width = wanted.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        let mut bad = 0;
        for (name, wanted) in wanted {
            let got = self.read(name)?;
            if got.is(name, wanted)? {
                lines.push(format!("    {name:<width$}  {}", got.show()));
            } else {
                bad += 1;
                lines.push(format!("  - {name:<width$}  {}", wanted.show()));
                lines.push(format!("  + {name:<width$}  {}", got.show()));
            }
        }
        if bad == 0 {
            return Ok(());
        }
        let count = wanted.len();
        Err(Problem::failed(format!(
            "{bad} of {count} are not as expected (- expected, + got)\n{}",
            lines.join("\n")
        )))
    }

    fn number(&self, name: &str) -> Done<f64> {
        match self.read(name)? {
            Reading::One(Value::F64(number)) => Ok(number),
            other => Err(Problem::misuse(
                format!("`{name}` is {}, which is no f64", other.show()),
                "near is for f64; use t.expect for everything else",
            )),
        }
    }

    /// `t.expect_near(name, value, tolerance)`.
    pub fn expect_near(&self, name: &str, wanted: f64, tolerance: f64) -> Done<()> {
        let got = self.number(name)?;
        if (got - wanted).abs() <= tolerance {
            return Ok(());
        }
        let off = (got - wanted).abs();
        Err(Problem::failed(format!(
            "{name} is {got:?}, expected {wanted:?} within {tolerance:?}; it is {off:?} off"
        )))
    }

    /// `t.wait_until(name, value, seconds)`: how long it took, s.
    pub fn until(&mut self, name: &str, wanted: &Literal, seconds: f64) -> Done<f64> {
        self.wait(seconds, |session| {
            let got = session.read(name)?;
            Ok((got.is(name, wanted)?, format!("{name} is {}, expected {}", got.show(), wanted.show())))
        })
    }

    /// `t.wait_near(name, value, tolerance, seconds)`.
    pub fn until_near(&mut self, name: &str, wanted: f64, tolerance: f64, seconds: f64) -> Done<f64> {
        self.wait(seconds, |session| {
            let got = session.number(name)?;
            let text = format!("{name} is {got:?}, expected {wanted:?} within {tolerance:?}");
            Ok(((got - wanted).abs() <= tolerance, text))
        })
    }

    /// `t.wait_fault(name, seconds)`.
    pub fn until_fault(&mut self, name: &str, seconds: f64) -> Done<f64> {
        let took = self.wait(seconds, |session| {
            Ok((session.stand.fault().is_some(), format!("there is no fault, expected `{name}`")))
        })?;
        self.expect_fault(name)?;
        Ok(took)
    }

    fn wait(&mut self, seconds: f64, mut arrived: impl FnMut(&Self) -> Done<(bool, String)>) -> Done<f64> {
        let (limit, begun) = (self.cycles_of(seconds)?, self.stand.seconds());
        for waited in 0..=limit {
            let (is_there, text) = arrived(self)?;
            if is_there {
                return Ok(self.stand.seconds() - begun);
            }
            if waited == limit {
                return Err(Problem {
                    code: "T202",
                    message: format!("{text} within {seconds:?} s"),
                    help: None,
                    ends: true,
                });
            }
            self.run(1)?;
        }
        Ok(self.stand.seconds() - begun)
    }

    /// `t.stays(name, value, seconds)`: in every cycle.
    pub fn stays(&mut self, name: &str, wanted: &Literal, seconds: f64) -> Done<()> {
        let (cycles, begun) = (self.cycles_of(seconds)?, self.stand.seconds());
        for cycle in 0..=cycles {
            let got = self.read(name)?;
            if !got.is(name, wanted)? {
                let after = self.stand.seconds() - begun;
                return Err(Problem::failed(format!(
                    "{name} is {} after {after:.3} s, expected {} for {seconds:?} s",
                    got.show(),
                    wanted.show()
                )));
            }
            if cycle < cycles {
                self.run(1)?;
            }
        }
        Ok(())
    }

    /// `t.expect_fault(name)`.
    pub fn expect_fault(&mut self, wanted: &str) -> Done<()> {
        let Some(fault) = self.stand.fault().cloned() else {
            return Err(Problem::failed(format!("there is no fault, expected `{wanted}`")));
        };
        // Either way the test knows of it.
        self.stand.expect_fault();
        let names = names_of(&fault);
        if names.iter().any(|name| name == wanted) {
            return Ok(());
        }
        let known = FaultCode::ALL.iter().map(|code| snake(*code)).collect::<Vec<_>>();
        let near =
            suggestion(wanted, known.iter().map(String::as_str).chain(names.iter().map(String::as_str)));
        let help = near.filter(|_| fault.fault.code != FaultCode::Raised);
        Err(Problem {
            help: help.map(|near| format!("did you mean `{near}`?")),
            ..Problem::failed(format!("the fault is {}, expected `{wanted}`", self.describe(&fault)))
        })
    }

    /// `t.expect_no_fault()`.
    pub fn expect_no_fault(&self) -> Done<()> {
        match self.stand.fault() {
            None => Ok(()),
            Some(fault) => Err(Problem::failed(format!("there is a fault: {}", self.describe(fault)))),
        }
    }

    /// A fault in one line.
    pub fn describe(&self, seen: &SeenFault) -> String {
        let cell = self.stand.cell();
        let source = usize::from(seen.fault.source);
        let what = match (&seen.text, seen.fault.code) {
            (Some(text), _) => text.clone(),
            (None, FaultCode::InvalidInput) => {
                let tag = cell.tags.get(source).map_or("", |tag| tag.name.as_str());
                format!("io.{tag} is invalid, and must not be")
            }
            (None, FaultCode::Axis) => {
                let axis = cell.axes.get(source).map_or("", |axis| axis.name.as_str());
                format!("axis `{axis}` is in error")
            }
            (None, FaultCode::Alarm) => {
                let alarm = cell.alarms.get(source).map_or("", |alarm| alarm.name.as_str());
                format!("alarm `{alarm}` is there")
            }
            (None, code) => code.text().to_owned(),
        };
        format!("F{}: {what}", seen.fault.code.id())
    }

    /// `t.reset()`, `t.restart()`: faults that nobody asked for are told at the end.
    pub fn reset(&mut self, cold: bool) {
        let (fault, at) = (self.stand.reset(cold), self.fault_at.take());
        self.faults.extend(fault.filter(|fault| !fault.expected).map(|fault| (fault, at)));
    }

    /// `t.check(condition, text)`.
    pub fn check(&self, condition: bool, text: &str) -> Done<()> {
        if condition { Ok(()) } else { Err(Problem::failed(text.to_owned())) }
    }
}

/// What a test may call this fault.
fn names_of(seen: &SeenFault) -> Vec<String> {
    let code = seen.fault.code;
    let mut names = vec![snake(code), format!("F{}", code.id())];
    if code == FaultCode::Raised
        && let Some(text) = &seen.text
    {
        // The text has the fault's own name in backticks.
        names = text.split('`').nth(1).map(str::to_owned).into_iter().collect();
    }
    names
}

/// `DivisionByZero` as `division_by_zero`.
fn snake(code: FaultCode) -> String {
    let mut text = String::new();
    for letter in format!("{code:?}").chars() {
        if letter.is_ascii_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.push(letter.to_ascii_lowercase());
    }
    text
}
