//! A log, for an editor: what the protocol of `sensai-lsp` asks, answered by a [`Session`].

use super::{
    placing::Placing,
    point::{Hit, Target},
    programs::{SharedProbe, Watching},
    session::{Ended, Motion, Session},
    travel::Travel,
};
use crate::machine::Machine;
use sensai_log::{LogReader, storage::ReadAt};
use sensai_lsp::dap::{self, Debuggee, Frame, Placed, Progress, Scope, Source, Stopped, Variable, Wanted};
use sensai_model::TagKind;
use sensai_scripts::debug::Shown;
use std::{io::Write, path::PathBuf, sync::Arc};

/// Serve an editor over a log, beginning in `cycle` or at the log's start.
///
/// # Errors
/// If the log cannot be replayed, or what the editor sends is no protocol. The editor is told of the first.
pub fn serve<W: Write, R: ReadAt>(
    connection: &mut dap::Connection<W>,
    begun: &dap::Begun,
    log: &LogReader<R>,
    cell: Option<PathBuf>,
    cycle: Option<u64>,
) -> anyhow::Result<()> {
    let probe = SharedProbe::default();
    let shop = Watching(Arc::clone(&probe));
    let session = Travel::new(log, &shop).and_then(|travel| Session::new(travel, probe));
    let opened = session.and_then(|mut session| {
        if let Some(cycle) = cycle {
            session.go_to(cycle)?;
        }
        Ok(Logged::new(session, cell))
    });
    match opened {
        Ok(mut logged) => {
            connection.accept(begun)?;
            Ok(dap::serve(connection, &mut logged)?)
        }
        Err(why) => {
            connection.refuse(begun, &format!("{why:#}"))?;
            Err(why)
        }
    }
}

/// What a number that the editor asks with stands for.
struct Handle {
    parts: Vec<Shown>,
    /// How what they are of is written in an expression.
    expression: String,
}

/// A log that is debugged.
pub struct Logged<'l, R> {
    session: Session<'l, R>,
    placing: Placing,
    handles: Vec<Handle>,
    reason: Stopped,
    trouble: Vec<String>,
}

impl<'l, R: ReadAt> Logged<'l, R> {
    /// Where the session is; `cell` is the cell's directory, as the editor sees it.
    pub fn new(session: Session<'l, R>, cell: Option<PathBuf>) -> Self {
        session.probe().faults = true;
        let mut new = Self {
            session,
            placing: Placing::new(cell, None),
            handles: Vec::new(),
            reason: Stopped::default(),
            trouble: Vec::new(),
        };
        new.stopped("entry", None, Vec::new());
        new
    }

    /// The session behind it.
    pub fn session(&self) -> &Session<'l, R> {
        &self.session
    }

    fn stopped(&mut self, reason: &'static str, why: Option<String>, hits: Vec<i64>) -> Stopped {
        self.handles.clear();
        let place = self.session.describe();
        let description = why.map_or_else(|| place.clone(), |why| format!("{why}; {place}"));
        let program = self.session.capture().map_or(0, |capture| capture.program);
        let thread = self.session.probe().task(program).map_or(1, |(number, _)| *number as i64 + 1);
        self.reason = Stopped { reason, description, thread, hits };
        self.reason.clone()
    }

    fn ended(&mut self, ended: Ended) -> Option<Stopped> {
        Some(match ended {
            Ended::NotYet => return None,
            Ended::Step => self.stopped("step", None, Vec::new()),
            Ended::Hit(Hit::Breakpoint(id)) => self.stopped("breakpoint", None, vec![id]),
            Ended::Hit(Hit::Changed(name)) => {
                self.stopped("data breakpoint", Some(format!("`{name}` has changed")), Vec::new())
            }
            Ended::Hit(Hit::Fault(fault)) | Ended::Fault(fault) => {
                let text = self.session.error().map_or(String::new(), |text| format!(": {text}"));
                self.stopped("exception", Some(format!("{fault}{text}")), Vec::new())
            }
            Ended::Differs(text) => self.stopped("exception", Some(text), Vec::new()),
            Ended::Gap(text) => self.stopped("pause", Some(text), Vec::new()),
            Ended::End => self.stopped("pause", Some("the log ends here".into()), Vec::new()),
            Ended::Start => self.stopped("entry", Some("the log begins here".into()), Vec::new()),
        })
    }

    fn failed(&mut self, why: &anyhow::Error) -> Stopped {
        self.trouble.push(format!("{why:#}"));
        self.stopped("exception", Some(format!("{why:#}")), Vec::new())
    }

    fn keep(&mut self, parts: Vec<Shown>, expression: String) -> i64 {
        if parts.is_empty() {
            return 0;
        }
        self.handles.push(Handle { parts, expression });
        self.handles.len() as i64
    }

    fn variable(&mut self, shown: Shown, expression: String) -> Variable {
        let Shown { name, value, kind, parts } = shown;
        let reference = self.keep(parts, expression.clone());
        Variable { name, value, kind, reference, expression }
    }

    /// What there is to see between two cycles: the machine's own.
    fn machine_scope(&self) -> Vec<Shown> {
        let Some(machine) = self.session.machine() else { return Vec::new() };
        let mut shown = vec![
            Shown::leaf("cycle", self.session.cycle().to_string(), "i64"),
            Shown::leaf("mode", machine.mode().name(), "mode"),
            Shown::leaf(
                "hash",
                self.session.hash().map_or(String::new(), |hash| format!("{hash:016x}")),
                "hash",
            ),
        ];
        if let Some(fault) = machine.fault() {
            shown.push(Shown::leaf("fault", format!("{fault} (line {})", fault.line), "fault"));
        }
        if let Some(error) = self.session.error() {
            shown.push(Shown::leaf("error", error, "text"));
        }
        shown
    }

    fn committed(machine: &Machine) -> Vec<Shown> {
        let store = machine.store();
        let shown = |tag: &sensai_model::Tag| {
            let element = |index: u32| store.committed(tag.slot + index);
            match tag.array_len {
                None => Shown::scalar(&tag.name, element(0)),
                Some(len) => {
                    let parts = (0..len).map(|index| Shown::scalar(format!("[{index}]"), element(index)));
                    Shown::group(&tag.name, format!("{len} elements"), parts.collect())
                }
            }
        };
        machine.cell().tags.iter().map(shown).collect()
    }
}

/// Number of the only frame where no program is.
const BETWEEN: i64 = 1;

impl<R: ReadAt> Debuggee for Logged<'_, R> {
    fn set_breakpoints(&mut self, source: &Source, wanted: &[Wanted]) -> Vec<Placed> {
        self.placing.set(&mut self.session.probe(), source, wanted)
    }

    fn stop_at_faults(&mut self, stop: bool) {
        self.session.probe().faults = stop;
    }

    fn data(&mut self, name: &str, reference: i64) -> Result<String, String> {
        let index = usize::try_from(reference).ok().and_then(|reference| reference.checked_sub(1));
        let outer = match index.and_then(|index| self.handles.get(index)) {
            Some(handle) => handle.expression.clone(),
            None => String::new(),
        };
        let expression = join(&outer, name);
        let program = self.session.capture().map(|capture| capture.subject.name().to_owned());
        let full = match (expression.strip_prefix("this."), program) {
            (Some(_), Some(program)) => format!("{program}.{expression}"),
            _ => expression,
        };
        let machine = self.session.machine().ok_or("nothing runs yet")?;
        let programs = machine.programs().iter().map(|program| (program.name(), program.layout()));
        Target::find(&full, machine.cell(), programs).map(|target| target.name)
    }

    fn set_data(&mut self, names: &[String]) -> Vec<Result<(), String>> {
        let Some(machine) = self.session.machine() else {
            return names.iter().map(|_| Err("nothing runs yet".into())).collect();
        };
        let find = |name: &String| {
            let programs = machine.programs().iter().map(|program| (program.name(), program.layout()));
            Target::find(name, machine.cell(), programs)
        };
        let found: Vec<Result<Target, String>> = names.iter().map(find).collect();
        let targets = found.iter().filter_map(|found| found.as_ref().ok().cloned()).collect();
        self.session.set_targets(targets);
        found.into_iter().map(|found| found.map(drop)).collect()
    }

    fn lines(&mut self, source: &Source, from: u32, to: u32) -> Vec<u32> {
        self.placing.lines(&self.session.probe(), source, from, to)
    }

    fn threads(&mut self) -> Vec<(i64, String)> {
        let Some(machine) = self.session.machine() else { return vec![(1, "cell".into())] };
        (1..).zip(machine.cell().tasks()).map(|(number, task)| (number, task.name.clone())).collect()
    }

    fn frames(&mut self, thread: i64) -> Vec<Frame> {
        let Some(capture) = self.session.capture() else {
            let name = self.session.describe();
            return vec![Frame { id: BETWEEN, name, ..Frame::default() }];
        };
        let (subject, program) = (Arc::clone(&capture.subject), capture.program);
        let task = self.session.probe().task(program).map_or(1, |(number, _)| *number as i64 + 1);
        if task != thread {
            let name = format!("not in this task; cycle {}", self.session.cycle());
            return vec![Frame { id: 0, name, ..Frame::default() }];
        }
        let calls = capture.snapshot.calls(&subject);
        let frame = |(id, call): (i64, &sensai_scripts::debug::Call), logged: &mut Self| {
            let source = logged.placing.source(&subject, call.stop.file.index());
            let file = subject.files().get(call.stop.file.index());
            let start = file.map(|file| file.position(call.stop.span.start));
            let end = file.map(|file| file.position(call.stop.span.end));
            Frame {
                id,
                name: format!("{}.{}", subject.name(), call.function),
                source,
                line: start.map_or(0, |start| start.line),
                column: start.map_or(0, |start| start.column),
                end: end.map(|end| (end.line, end.column)),
            }
        };
        (1..).zip(&calls).map(|call| frame(call, self)).collect()
    }

    fn scopes(&mut self, frame: i64) -> Vec<Scope> {
        let machine = self.machine_scope();
        let mut found: Vec<(&str, Vec<Shown>, &str)> = Vec::new();
        match (self.session.capture(), usize::try_from(frame).ok().and_then(|frame| frame.checked_sub(1))) {
            (Some(capture), Some(call)) => {
                let (subject, snapshot) = (&*capture.subject, &capture.snapshot);
                let state =
                    snapshot.this(subject, call).map_or(Vec::new(), |this| match this.parts.is_empty() {
                        true => vec![this],
                        false => this.parts,
                    });
                found.push(("Variables", snapshot.variables(subject, call), ""));
                found.push(("State (this)", state, "this"));
                found.push(("Inputs (io)", snapshot.shown_tags(subject, &[TagKind::Input]), "io"));
                found.push(("Outputs (io)", snapshot.shown_tags(subject, &[TagKind::Output]), "io"));
                found.push(("Memory (io)", snapshot.shown_tags(subject, &[TagKind::Memory]), "io"));
                found.push(("Models (ai)", snapshot.shown_tags(subject, &[TagKind::Model]), "ai"));
                found.push(("Parameters (param)", snapshot.shown_parameters(subject), "param"));
                found.push(("Cycle (sys)", snapshot.shown_facts(subject), "sys"));
            }
            _ => {
                if let Some(machine) = self.session.machine() {
                    found.push(("Tags (io)", Self::committed(machine), "io"));
                }
            }
        }
        found.push(("Machine", machine, ""));
        let scope = |(name, parts, expression): (&str, Vec<Shown>, &str), logged: &mut Self| {
            let reference = logged.keep(parts, expression.to_owned());
            Scope { name: name.to_owned(), reference, local: name == "Variables" }
        };
        let all = found.into_iter().map(|found| scope(found, self));
        all.filter(|scope| scope.reference > 0).collect()
    }

    fn variables(&mut self, reference: i64) -> Result<Vec<Variable>, String> {
        let index = usize::try_from(reference).ok().and_then(|reference| reference.checked_sub(1));
        let handle = index.and_then(|index| self.handles.get(index));
        let Some(Handle { parts, expression: outer }) = handle else {
            return Err("what was shown there is gone: the machine has moved on".into());
        };
        let (parts, outer) = (parts.clone(), outer.clone());
        Ok(parts
            .into_iter()
            .map(|part| {
                let expression = join(&outer, &part.name);
                self.variable(part, expression)
            })
            .collect())
    }

    fn evaluate(&mut self, expression: &str, frame: i64) -> Result<Variable, String> {
        let call = usize::try_from(frame).ok().and_then(|frame| frame.checked_sub(1)).unwrap_or(0);
        let Some(capture) = self.session.capture() else {
            return Err("no program is at a statement here: go on to one".into());
        };
        let of = capture.subject.understand(&capture.snapshot, call, expression)?;
        let shown = capture.snapshot.evaluate(&capture.subject, &of)?;
        Ok(self.variable(shown, expression.trim().to_owned()))
    }

    fn text(&mut self, reference: i64) -> Option<String> {
        self.placing.text(reference)
    }

    fn go_to_cycle(&mut self, cycle: u64) -> Result<Stopped, String> {
        self.session.go_to(cycle).map_err(|why| format!("{why:#}"))?;
        Ok(self.stopped("goto", None, Vec::new()))
    }

    fn here(&mut self) -> Stopped {
        self.reason.clone()
    }

    fn begin(&mut self, motion: dap::Motion) -> Result<(), String> {
        self.session.begin(match motion {
            dap::Motion::Run => Motion::Run,
            dap::Motion::RunBack => Motion::RunBack,
            dap::Motion::Over => Motion::Over,
            dap::Motion::In => Motion::In,
            dap::Motion::Out => Motion::Out,
            dap::Motion::Back => Motion::Back,
        });
        Ok(())
    }

    fn go_on(&mut self) -> Progress {
        match self.session.go_on() {
            Ok(ended) => self.ended(ended).map_or(Progress::Running, Progress::Stopped),
            Err(why) => Progress::Stopped(self.failed(&why)),
        }
    }

    fn pause(&mut self) -> Stopped {
        match self.session.pause() {
            Ok(()) => self.stopped("pause", None, Vec::new()),
            Err(why) => self.failed(&why),
        }
    }

    fn said(&mut self) -> Vec<String> {
        let mut said = std::mem::take(&mut self.trouble);
        said.extend(self.session.probe().take_said());
        said
    }

    fn never_stops(&self) -> Option<String> {
        None
    }
}

/// How a part of something is written.
fn join(outer: &str, name: &str) -> String {
    match (outer, name.starts_with('[')) {
        ("", _) => name.to_owned(),
        (outer, true) => format!("{outer}{name}"),
        (outer, false) => format!("{outer}.{name}"),
    }
}
