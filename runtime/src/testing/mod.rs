//! `sensai test`: tests of a cell's programs, in virtual time and without anything that a program is wired to.
//!
//! A test is a function of a Rhai file in the cell's directory `tests`. It gets a `Stand` with one program, and
//! says what its surroundings do and what it expects. Tests know nothing of each other and run side by side.
//!
//! Deliberately absent: clocks (but for how long a test took), the bus, the log.

mod acting;
mod calls;
mod changes;
mod drive;
mod idle;
pub mod junit;
mod language;
mod literal;
mod name;
pub mod report;
mod session;
mod stand;
#[cfg(test)]
mod tests;

pub use calls::CALLS;
pub use report::{Listed, Listing, Report, Tested};

use crate::programs::Tier;
use anyhow::Context;
use language::{Suite, TestFile};
use rhai::Position;
use sensai_fieldbus::clock;
use sensai_model::{
    Cell,
    config::{Finding, Sources},
};
use session::Session;
use stand::{SeenFault, Stand};
use std::{
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

/// Codes of findings about tests, with what each stands for.
pub const CODES: &[(&str, &str)] = &[
    ("T101", "a file of tests is Rhai"),
    ("T102", "a test is a function with one parameter"),
    ("T103", "a file of tests tests a program of the cell"),
    ("T201", "what is expected is so"),
    ("T202", "what is waited for comes in time"),
    ("T203", "a fault is expected by the test"),
    ("T204", "a test calls what there is, with what it takes"),
    ("T205", "a test ends"),
];

/// Directory of the tests in a cell's directory.
pub const DIRECTORY: &str = "tests";

/// What to run, and how.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Only tests whose full name contains one of these; none: all.
    pub filter: Vec<String>,
    /// Tests at a time; 0: as many as there are processors.
    pub jobs: usize,
    /// How programs are run; `None`: as their tasks say.
    pub tier: Option<Tier>,
}

impl Options {
    fn wants(&self, files: &[TestFile], test: &Planned) -> bool {
        let suite = files.get(test.file).map_or("", |file| &file.name);
        let full_name = report::full_name(suite, &test.name);
        self.filter.is_empty() || self.filter.iter().any(|part| full_name.contains(part.as_str()))
    }
}

/// A test to be run.
struct Planned {
    file: usize,
    program: usize,
    name: String,
    line: u32,
}

/// The rule behind a code.
fn rule(code: &str) -> &'static str {
    CODES.iter().find(|(known, _)| *known == code).map_or("", |(_, rule)| rule)
}

/// Run the tests of a checked cell.
///
/// # Errors
/// If files cannot be read.
pub fn run(directory: &Path, cell: &Arc<Cell>, options: &Options) -> anyhow::Result<Report> {
    let files = read(directory)?;
    let mut report = Report::new(cell, sources(cell, &files));
    let mut planned;
    (planned, report.findings) = plan_all(cell, &files);
    report.found = planned.len();
    planned.retain(|test| options.wants(&files, test));
    report.tests = run_all(cell, &files, &planned, options)?;
    Ok(report)
}

/// The tests that [`run`] would run.
///
/// # Errors
/// If files cannot be read.
pub fn list(directory: &Path, cell: &Arc<Cell>, options: &Options) -> anyhow::Result<Listing> {
    let files = read(directory)?;
    let (planned, findings) = plan_all(cell, &files);
    let wanted = planned.iter().filter(|test| options.wants(&files, test));
    let tests = wanted.filter_map(|test| {
        let TestFile { path, name, .. } = files.get(test.file)?;
        Some(Listed { suite: name.clone(), name: test.name.clone(), file: path.clone(), line: test.line })
    });
    Ok(Listing::new(cell, tests.collect(), findings, sources(cell, &files)))
}

/// The tests of all files, and what is wrong with files.
fn plan_all(cell: &Cell, files: &[TestFile]) -> (Vec<Planned>, Vec<Finding>) {
    let (mut planned, mut findings) = (Vec::new(), Vec::new());
    for (index, file) in files.iter().enumerate() {
        match plan(cell, file) {
            Ok((tests, found)) => {
                findings.extend(found);
                planned.extend(tests.into_iter().map(|test| Planned { file: index, ..test }));
            }
            Err(finding) => findings.push(*finding),
        }
    }
    (planned, findings)
}

/// The files of tests, by name.
fn read(directory: &Path) -> anyhow::Result<Vec<TestFile>> {
    let place = directory.join(DIRECTORY);
    let Ok(entries) = std::fs::read_dir(&place) else { return Ok(Vec::new()) };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.with_context(|| format!("cannot read {}", place.display()))?.path();
        if path.extension().is_none_or(|extension| extension != "rhai") || !path.is_file() {
            continue;
        }
        let text =
            std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let part = |part: Option<&std::ffi::OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
        let shown = format!("{DIRECTORY}/{}", part(path.file_name()));
        files.push(TestFile { path: shown, name: part(path.file_stem()), text });
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

/// Texts that findings point into.
fn sources(cell: &Cell, files: &[TestFile]) -> Sources {
    let mut sources = Sources::default();
    for (_, program) in cell.programs() {
        sources.insert(program.path.clone(), Arc::clone(&program.text));
    }
    for file in files {
        sources.insert(file.path.clone(), file.text.as_str());
    }
    sources
}

/// The tests of a file, and what is wrong with it without keeping it from running.
fn plan(cell: &Cell, file: &TestFile) -> Result<(Vec<Planned>, Vec<Finding>), Box<Finding>> {
    let suite = Suite::parse(file.clone())?;
    let program = program_of(cell, &suite)?;
    let (tests, findings) = suite.tests();
    let planned =
        tests.into_iter().map(|test| Planned { file: 0, program, name: test.name, line: test.line });
    Ok((planned.collect(), findings))
}

/// The program that a file tests: the one that it names, else the one whose name its own begins with.
fn program_of(cell: &Cell, suite: &Suite) -> Result<usize, Box<Finding>> {
    let names: Vec<&str> = cell.programs().map(|(_, program)| program.name.as_str()).collect();
    let file = suite.file();
    if let Some(named) = suite.program()? {
        return names.iter().position(|name| *name == named).ok_or_else(|| {
            let failure = crate::control::protocol::unknown("program", &named, names.iter().copied());
            Box::new(file.finding("T103", suite.place_of("PROGRAM"), failure.message, failure.help))
        });
    }
    let begins = |name: &str| {
        file.name.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
    };
    let fitting = names.iter().enumerate().filter(|(_, name)| begins(name));
    let longest = fitting.max_by_key(|(_, name)| name.len()).map(|(index, _)| index);
    longest.ok_or_else(|| {
        let message = format!("{} is called after no program of the cell", file.path);
        let help = format!(
            "write `const PROGRAM = \"{}\";`, or call the file after its program",
            names.first().unwrap_or(&"name")
        );
        Box::new(file.finding("T103", Position::NONE, message, Some(help)))
    })
}

/// Run the tests, several at a time; results in their order.
fn run_all(
    cell: &Arc<Cell>,
    files: &[TestFile],
    planned: &[Planned],
    options: &Options,
) -> anyhow::Result<Vec<Tested>> {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let jobs = if options.jobs == 0 { processors } else { options.jobs }.clamp(1, planned.len().max(1));
    let (next, results) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        // What a worker parses last is what it runs next: tests of a file stand together.
        let mut parsed: Option<(usize, Suite)> = None;
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(test) = planned.get(index) else { return };
            let result = run_one(cell, files, test, options.tier, &mut parsed);
            if let Ok(mut results) = results.lock() {
                results.push((index, result));
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(work);
        }
    });
    let mut results =
        results.into_inner().map_err(|_| anyhow::anyhow!("a test ended the process it ran in"))?;
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

fn run_one(
    cell: &Arc<Cell>,
    files: &[TestFile],
    test: &Planned,
    tier: Option<Tier>,
    parsed: &mut Option<(usize, Suite)>,
) -> anyhow::Result<Tested> {
    if parsed.as_ref().is_none_or(|(file, _)| *file != test.file) {
        let file = files.get(test.file).context("a test without a file")?;
        let suite = Suite::parse(file.clone()).map_err(|finding| anyhow::anyhow!("{finding}"))?;
        *parsed = Some((test.file, suite));
    }
    let (_, suite) = parsed.as_ref().context("a test without a file")?;
    let begun = clock::monotonic_ns();
    let stand = Stand::new(cell, test.program, tier)?;
    let session = suite.run(&test.name, Session::new(stand)).context("a test has kept its stand")?;
    let wall_ns = clock::monotonic_ns().saturating_sub(begun);
    let mut findings: Vec<Finding> = unexpected(&session, suite.file()).collect();
    findings.extend(session.findings);
    let failed = !findings.is_empty();
    Ok(Tested {
        suite: suite.file().name.clone(),
        name: test.name.clone(),
        file: suite.file().path.clone(),
        line: test.line,
        passed: !failed,
        cycles: session.stand.cycles(),
        seconds: session.stand.seconds(),
        wall_s: wall_ns as f64 / 1e9,
        findings,
        changes: if failed { session.stand.changes().last().cloned().collect() } else { Vec::new() },
        printed: session.printed,
    })
}

/// Faults that the test did not ask for, at their lines of the program; at those of the test if they have none.
fn unexpected<'a>(session: &'a Session, file: &'a TestFile) -> impl Iterator<Item = Finding> + 'a {
    let standing = session.stand.fault().filter(|fault| !fault.expected);
    let standing = standing.map(|fault| (fault, session.fault_at));
    let earlier = session.faults.iter().map(|(fault, at)| (fault, *at));
    earlier.chain(standing).map(|(fault, at)| fault_finding(session, file, fault, at))
}

fn fault_finding(session: &Session, file: &TestFile, seen: &SeenFault, at: Option<Position>) -> Finding {
    let (stand, fault) = (&session.stand, seen.fault);
    let seconds = stand.machine().time_ns(seen.cycle + 1) as f64 / 1e9;
    let message = format!("at {seconds:.3} s, {}", session.describe(seen));
    let help = "a test that means it says t.expect_fault(name)";
    let at = at.unwrap_or(Position::NONE);
    let in_test = file.finding("T203", at, message, Some(help.to_owned()));
    let program = stand.cell().programs().nth(stand.program()).filter(|_| fault.line > 0);
    let Some((_, program)) = program else { return in_test };
    Finding {
        path: program.path.clone(),
        span: crate::programs::span(&program.text, fault.line, fault.column.into(), 1),
        line: fault.line,
        column: u32::from(fault.column).max(1),
        help: Some(format!("it came in {}, line {}; {help}", in_test.path, in_test.line)),
        ..in_test
    }
}
