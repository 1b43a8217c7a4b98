//! A log, for an editor: what the protocol of `sensai-lsp` asks, answered by a [`Session`].

use super::{
    point::{Breakpoint, Count, Hit, Target, message},
    programs::{SharedProbe, Watching},
    session::{Ended, Motion, Session},
    travel::Travel,
};
use crate::machine::Machine;
use sensai_log::{LogReader, storage::ReadAt};
use sensai_lsp::dap::{self, Debuggee, Frame, Placed, Progress, Scope, Source, Stopped, Variable, Wanted};
use sensai_model::TagKind;
use sensai_scripts::debug::{Shown, Subject};
use std::{
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
};

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
    /// The cell's directory, as the editor sees it.
    cell: Option<PathBuf>,
    handles: Vec<Handle>,
    /// Texts that the editor does not have: path and text.
    texts: Vec<(String, Arc<str>)>,
    breakpoints: Vec<(String, Vec<Breakpoint>)>,
    last_id: i64,
    reason: Stopped,
    trouble: Vec<String>,
}

impl<'l, R: ReadAt> Logged<'l, R> {
    /// Where the session is.
    pub fn new(session: Session<'l, R>, cell: Option<PathBuf>) -> Self {
        session.probe().faults = true;
        let mut new = Self {
            session,
            cell,
            handles: Vec::new(),
            texts: Vec::new(),
            breakpoints: Vec::new(),
            last_id: 0,
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

    /// Path relative to the cell's directory of a file that the editor names.
    fn relative(&self, source: &Source) -> Option<String> {
        if source.source_reference > 0 {
            let index = usize::try_from(source.source_reference).ok()?.checked_sub(1)?;
            return self.texts.get(index).map(|(path, _)| path.clone());
        }
        let path = Path::new(source.path.as_deref()?);
        let cell = self.cell.as_deref();
        if let Some(relative) = cell.and_then(|cell| path.strip_prefix(cell).ok()) {
            return Some(relative.to_string_lossy().replace('\\', "/"));
        }
        // The editor's cell may be a copy: the file is the one whose path ends alike.
        let probe = self.session.probe();
        let files = probe.subjects().flat_map(|(_, subject)| subject.files());
        let found = files.map(|file| &file.path).find(|known| path.ends_with(known.as_str()));
        found.cloned()
    }

    /// How the editor finds a file of a program: on disk, if what is there is what ran; else the text itself.
    fn source(&mut self, subject: &Subject, file: usize) -> Option<Source> {
        let file = subject.files().get(file)?;
        let name = Some(file.path.clone());
        let on_disk = self.cell.as_ref().map(|cell| cell.join(&file.path));
        let same = |path: &PathBuf| std::fs::read(path).is_ok_and(|text| text == file.text.as_bytes());
        if let Some(path) = on_disk.filter(same) {
            return Some(Source { name, path: Some(path.display().to_string()), source_reference: 0 });
        }
        let known = self.texts.iter().position(|(path, text)| *path == file.path && *text == file.text);
        let index = known.unwrap_or_else(|| {
            self.texts.push((file.path.clone(), Arc::clone(&file.text)));
            self.texts.len() - 1
        });
        let name = Some(format!("{} (as recorded)", file.path));
        Some(Source { name, path: Some(file.path.clone()), source_reference: index as i64 + 1 })
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

    fn all_breakpoints(&mut self) {
        let all = self.breakpoints.iter().flat_map(|(_, of)| of.iter().cloned()).collect();
        self.session.set_breakpoints(all);
    }

    fn place(&mut self, path: Option<&str>, wanted: &Wanted) -> (Placed, Option<Breakpoint>) {
        self.last_id += 1;
        let id = self.last_id;
        let bad = |text: String| {
            let placed = Placed { id, line: wanted.line, message: Some(text), ..Placed::default() };
            (placed, None)
        };
        let Some(path) = path else { return bad("the file is none of the cell's programs".into()) };
        let count = match wanted.hit_condition.as_deref().filter(|text| !text.trim().is_empty()) {
            Some(text) => match Count::parse(text) {
                Ok(count) => Some(count),
                Err(why) => return bad(why),
            },
            None => None,
        };
        let probe = self.session.probe();
        let tasks: Vec<&String> = probe.subjects().filter_map(|(at, _)| Some(&probe.task(at)?.1)).collect();
        if let Some(task) = wanted.task.as_ref().filter(|task| !tasks.contains(task)) {
            return bad(format!("there is no task `{task}`"));
        }
        let found = probe.subjects().find_map(|(_, subject)| {
            Some((Arc::clone(subject), subject.find(path, wanted.line, wanted.column)?))
        });
        let Some((subject, stop)) = found else {
            return bad("no statement that runs in a cycle is there or below".into());
        };
        drop(probe);
        if let Some(condition) = &wanted.condition {
            let functions = subject.functions_at(stop);
            let asked = functions.first().map(|function| subject.understand_at(*function, stop, condition));
            match asked {
                Some(Err(why)) => return bad(why),
                Some(Ok(of)) if !of.is_condition() => {
                    return bad(format!("a condition is a bool, `{condition}` is {}", of.kind()));
                }
                _ => {}
            }
        }
        let at = subject.files().get(stop.file.index()).map(|file| file.position(stop.span.start));
        let (line, column) = at.map_or((wanted.line, 1), |at| (at.line, at.column));
        let placed = Placed { id, verified: true, line, column: Some(column), message: None };
        let breakpoint = Breakpoint {
            id,
            path: path.to_owned(),
            line: wanted.line,
            column: wanted.column,
            condition: wanted.condition.clone(),
            task: wanted.task.clone(),
            count,
            message: wanted.log_message.as_deref().filter(|text| !text.is_empty()).map(message),
            hits: 0,
            complained: false,
        };
        (placed, Some(breakpoint))
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
        let path = self.relative(source);
        let mut placed = Vec::with_capacity(wanted.len());
        let mut set = Vec::new();
        for one in wanted {
            let (answer, breakpoint) = self.place(path.as_deref(), one);
            placed.push(answer);
            set.extend(breakpoint);
        }
        if let Some(path) = path {
            self.breakpoints.retain(|(known, _)| *known != path);
            self.breakpoints.push((path, set));
        }
        self.all_breakpoints();
        placed
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
        let Some(path) = self.relative(source) else { return Vec::new() };
        let probe = self.session.probe();
        let mut lines: Vec<u32> = Vec::new();
        for (_, subject) in probe.subjects() {
            for (index, file) in (0_u32..).zip(subject.files()).filter(|(_, file)| file.path == path) {
                let stops = subject.stops(sensai_scripts::hir::FileId(index));
                lines.extend(stops.iter().map(|stop| file.position(stop.span.start).line));
            }
        }
        lines.retain(|line| (from..=to).contains(line));
        lines.sort_unstable();
        lines.dedup();
        lines
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
            let source = logged.source(&subject, call.stop.file.index());
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
        let index = usize::try_from(reference).ok()?.checked_sub(1)?;
        self.texts.get(index).map(|(_, text)| text.to_string())
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
