//! `[tasks]` and `[limits]`: when programs run, which, and what a run may use.

use super::{
    Loader,
    fields::{Fields, Item},
    finding::Rule,
    names,
    quantity::show_ns,
    schema,
    sink::Sink,
};
use crate::cell::{Limits, OnOverrun, ProgramSource, Task, Tier};
use std::{
    ops::{Range, RangeInclusive},
    sync::Arc,
};

/// Cycle times that can be asked for.
pub(crate) const INTERVAL_NS: RangeInclusive<u64> = 100_000..=1_000_000_000;
/// `SCHED_FIFO` priorities; 99 is left to the kernel's watchdogs, and the process watchdog runs above the task.
const PRIORITY: RangeInclusive<i64> = 1..=98;
const PRIORITY_DEFAULT: u8 = 80;
/// Tasks of a cell.
const TASKS_MAX: usize = 8;
/// Bytes of a program's text.
const PROGRAM_BYTES_MAX: usize = 1 << 20;

/// What `[tasks]` and `[limits]` gave. `interval_ns` is the base task's, and `None` if it could not be read: then nothing
/// is compared with it.
pub(crate) struct Tasks {
    pub(crate) task: Task,
    /// By ascending interval.
    pub(crate) slow: Vec<Task>,
    pub(crate) interval_ns: Option<u64>,
    /// Where the interval is written.
    pub(crate) interval_span: Option<Range<usize>>,
    /// Every program named, also those with a finding.
    programs_named: Vec<String>,
}

/// A program that other tables name.
pub(crate) enum NamedProgram {
    /// Its global index, see [`crate::Cell::programs`].
    Index(u16),
    /// Something is wrong with it, and there is a finding about it.
    Broken,
    Unknown,
}

impl Tasks {
    /// The program of this name.
    pub(crate) fn program(&self, name: &str) -> NamedProgram {
        let all = self.task.programs.iter().chain(self.slow.iter().flat_map(|task| &task.programs));
        match all.map(|program| &program.name).position(|known| known == name) {
            Some(index) => u16::try_from(index).map_or(NamedProgram::Broken, NamedProgram::Index),
            None if self.programs_named.iter().any(|known| known == name) => NamedProgram::Broken,
            None => NamedProgram::Unknown,
        }
    }

    /// Programs of all tasks.
    pub(crate) fn programs_len(&self) -> usize {
        self.task.programs.len() + self.slow.iter().map(|task| task.programs.len()).sum::<usize>()
    }

    /// For hints.
    pub(crate) fn program_names(&self) -> Vec<&str> {
        self.programs_named.iter().map(String::as_str).collect()
    }
}

/// A task as it stands in the file.
struct Read {
    task: Task,
    /// Dotted key and where it is written.
    key: String,
    key_span: Range<usize>,
    /// `None`: it could not be read.
    interval_ns: Option<u64>,
    interval_span: Option<Range<usize>>,
    /// Given, and where.
    priority: Option<(u8, Range<usize>)>,
    spin: Option<(String, Range<usize>)>,
}

/// A program's name, its path, and where it is named.
pub(crate) type Seen = Vec<(String, String, Range<usize>)>;

/// Read `[tasks]` and `[limits]`.
pub(crate) fn read(loader: &mut Loader<'_, '_>, root: &Fields<'_>) -> Tasks {
    let limits = read_limits(loader, root);
    let help = "write [tasks.main] with `interval` and `programs`";
    let table = root.required(&mut loader.sink, "tasks", help);
    let items = table.as_ref().map(|table| table.items(&mut loader.sink)).unwrap_or_default();
    if let Some(table) = table.filter(|table| table.node.is_table() && items.is_empty()) {
        let message = "`tasks` has no task in it";
        loader.sink.push(Rule::MissingKey, &table.key_span, "tasks", message).help(help);
    }
    if let Some((_, item)) = items.get(TASKS_MAX) {
        let message = format!("`{}` is one task more than the {TASKS_MAX} a cell may have", item.key);
        loader
            .sink
            .push(Rule::TooMany, &item.key_span, &item.key, message)
            .help("let one task call several programs: they run in the order of its `programs`");
    }
    let mut seen = Seen::new();
    let mut read = Vec::new();
    for (name, item) in items.into_iter().take(TASKS_MAX) {
        names::check(&mut loader.sink, name, &item.key_span, &item.key);
        read.push(read_task(loader, &item, new_task(name, limits), &mut seen));
    }
    let programs_named = seen.into_iter().map(|(name, ..)| name).collect();
    order(&mut loader.sink, read, programs_named, limits)
}

fn new_task(name: &str, limits: Limits) -> Task {
    Task {
        name: name.to_owned(),
        interval_ns: 1_000_000,
        priority: PRIORITY_DEFAULT,
        core: None,
        spin_ns: None,
        multiple: 1,
        on_overrun: OnOverrun::Skip,
        tier: Tier::Native,
        programs: Vec::new(),
        limits,
    }
}

fn read_task(loader: &mut Loader<'_, '_>, item: &Item<'_>, task: Task, seen: &mut Seen) -> Read {
    let mut read = Read {
        task,
        key: item.key.clone(),
        key_span: item.key_span.clone(),
        interval_ns: None,
        interval_span: None,
        priority: None,
        spin: None,
    };
    let sink = &mut loader.sink;
    let Some(fields) = Fields::open(sink, item, schema::TASK) else { return read };
    let interval = fields.required(sink, "interval", "write the cycle time, such as \"1ms\"");
    read.interval_span = interval.as_ref().map(|item| item.node.span.clone());
    read.interval_ns = interval.and_then(|item| item.duration(sink, INTERVAL_NS));
    read.task.interval_ns = read.interval_ns.unwrap_or(read.task.interval_ns);
    if let Some(item) = fields.get("priority") {
        let priority = item.integer(sink, PRIORITY).and_then(|priority| u8::try_from(priority).ok());
        read.priority = priority.map(|priority| (priority, item.node.span.clone()));
    }
    let core = fields.get("core").and_then(|item| item.integer(sink, 0..=1023));
    read.task.core = core.and_then(|core| usize::try_from(core).ok());
    if let Some(item) = fields.get("spin") {
        read.spin = Some((item.key.clone(), item.key_span.clone()));
        if !item.node.is_text("auto") {
            let most = read.interval_ns.unwrap_or(*INTERVAL_NS.end());
            read.task.spin_ns = item.duration(sink, 0..=most - 1);
        }
    }
    let choices = [("skip", OnOverrun::Skip), ("stop", OnOverrun::Stop)];
    if let Some(rule) = fields.get("on_overrun").and_then(|item| item.choice(sink, &choices)) {
        read.task.on_overrun = rule;
    }
    let tiers = [("native", Tier::Native), ("interpreter", Tier::Interpreter)];
    if let Some(tier) = fields.get("tier").and_then(|item| item.choice(sink, &tiers)) {
        read.task.tier = tier;
    }
    let help = "write the programs in calling order: programs = [\"programs/main.rhai\"]";
    if let Some(item) = fields.required(&mut loader.sink, "programs", help) {
        read.task.programs = read_programs(loader, &item, seen, "a task runs at least one program", help);
    }
    read
}

/// The fastest task is the base; all others are held against it.
fn order(sink: &mut Sink<'_>, mut read: Vec<Read>, programs_named: Vec<String>, limits: Limits) -> Tasks {
    // Tasks of one interval stay in the order of the file.
    read.sort_by_key(|read| (read.interval_ns.unwrap_or(u64::MAX), read.key_span.start));
    if let Some((base, slower)) = read.split_first_mut() {
        for slow in slower.iter_mut() {
            check_interval(sink, base, slow);
            if let Some((key, span)) = &slow.spin {
                let message =
                    format!("`spin` means nothing for `{}`: the base task releases it", slow.task.name);
                sink.push(Rule::Conflict, span, key, message)
                    .help(format!("write it in `{}`, the fastest task, or remove it", base.key));
                slow.task.spin_ns = None;
            }
        }
    }
    give_priorities(&mut read);
    check_priorities(sink, &read);
    // If the interval of one task is not known, it is not known which is the fastest either.
    let all_known = read.iter().all(|read| read.interval_ns.is_some());
    let mut read = read.into_iter();
    let base = read.next();
    let interval_ns = base.as_ref().and_then(|base| base.interval_ns).filter(|_| all_known);
    let interval_span = base.as_ref().and_then(|base| base.interval_span.clone());
    Tasks {
        task: base.map_or_else(|| new_task("main", limits), |base| base.task),
        slow: read.map(|read| read.task).collect(),
        interval_ns,
        interval_span,
        programs_named,
    }
}

fn check_interval(sink: &mut Sink<'_>, base: &Read, slow: &mut Read) {
    let (Some(short), Some(long)) = (base.interval_ns, slow.interval_ns) else { return };
    let (Some(base_span), Some(span)) = (&base.interval_span, &slow.interval_span) else { return };
    slow.task.multiple = (long / short).max(1);
    let key = format!("{}.interval", slow.key);
    let place = sink.place(base_span, format!("the interval of `{}`, the base task", base.task.name));
    if long == short {
        let message = format!(
            "`{}` and `{}` both have the shortest interval, {}",
            base.task.name,
            slow.task.name,
            show_ns(short)
        );
        sink.push(Rule::TaskInterval, span, &key, message)
            .help("one task alone exchanges with the bus: put their programs into one task, in calling order, or make one of the two slower")
            .related(place);
    } else if !long.is_multiple_of(short) {
        let below = long / short * short;
        let legal: Vec<String> = [below, below + short]
            .into_iter()
            .filter(|near| *near > short && INTERVAL_NS.contains(near))
            .map(|near| format!("\"{}\"", show_ns(near)))
            .collect();
        let message = format!(
            "the interval {} is no multiple of {}, the interval of `{}`",
            show_ns(long),
            show_ns(short),
            base.task.name
        );
        sink.push(Rule::TaskInterval, span, &key, message)
            .help(format!("write {}", legal.join(" or ")))
            .related(place);
    }
}

/// A task that says nothing comes one below the next faster one.
fn give_priorities(read: &mut [Read]) {
    let mut faster: Option<(u64, u8)> = None;
    for read in read {
        let interval = read.task.interval_ns;
        read.task.priority = match (&read.priority, faster) {
            (Some((priority, _)), _) => *priority,
            (None, None) => PRIORITY_DEFAULT,
            (None, Some((same, priority))) if same == interval => priority,
            (None, Some((_, priority))) => priority.saturating_sub(1).max(1),
        };
        faster = Some((interval, read.task.priority));
    }
}

/// Rate monotonic: the shorter the interval, the higher the priority. Else a slow task holds up a fast one.
fn check_priorities(sink: &mut Sink<'_>, read: &[Read]) {
    // Who says no core gets the last one, whose number the file does not know.
    let may_meet = |a: &Task, b: &Task| a.core == b.core || a.core.is_none() || b.core.is_none();
    for (at, slow) in read.iter().enumerate() {
        let faster = read.iter().take(at).rev().find(|fast| {
            let known = fast.interval_ns.is_some() && slow.interval_ns.is_some();
            known
                && fast.task.interval_ns < slow.task.interval_ns
                && fast.task.priority <= slow.task.priority
                && may_meet(&fast.task, &slow.task)
        });
        let Some(fast) = faster else { continue };
        let (key, span) = match &slow.priority {
            Some((_, span)) => (format!("{}.priority", slow.key), span.clone()),
            None => (slow.key.clone(), slow.key_span.clone()),
        };
        let message = format!(
            "`{}` has priority {}, but the faster `{}` has {}: it could be held up",
            slow.task.name, slow.task.priority, fast.task.name, fast.task.priority
        );
        let other = fast.priority.as_ref().map_or(&fast.key_span, |(_, span)| span);
        let place = sink.place(other, "the faster task");
        let help = match fast.task.priority {
            1 => format!("give `{}` a higher priority, or another core", fast.task.name),
            most => format!("write a priority below {most}, leave it out, or give the tasks different cores"),
        };
        sink.push(Rule::TaskPriority, &span, &key, message).help(help).related(place);
    }
}

/// Texts of programs, in calling order; `empty` and `help` are for a list without any.
pub(crate) fn read_programs(
    loader: &mut Loader<'_, '_>,
    list: &Item<'_>,
    seen: &mut Seen,
    empty: &str,
    help: &str,
) -> Vec<ProgramSource> {
    let Some(items) = list.elements(&mut loader.sink, "texts") else { return Vec::new() };
    if items.is_empty() {
        list.find(&mut loader.sink, Rule::OutOfRange, empty).help(help);
    }
    let mut programs: Vec<ProgramSource> = Vec::new();
    for item in items {
        let Some(path) = item.text(&mut loader.sink) else { continue };
        let file = path.rsplit('/').next().unwrap_or(path);
        let Some(name) = file.strip_suffix(".rhai") else {
            item.find(&mut loader.sink, Rule::BadName, format!("`{path}` is not the name of a program"))
                .help("programs are files that end with `.rhai`");
            continue;
        };
        if !names::check(&mut loader.sink, name, &item.node.span, &item.key) {
            continue;
        }
        if let Some((_, other, span)) = seen.iter().find(|(other, ..)| other == name) {
            let place = loader.sink.place(span, "the other one");
            let (message, help) = if other == path {
                (
                    format!("program `{name}` is called twice"),
                    "a program has one state and one task: remove one of the two",
                )
            } else {
                (
                    format!("there are two programs `{name}`"),
                    "a program's name is its file's, without folder; rename one",
                )
            };
            item.find(&mut loader.sink, Rule::NameTaken, message).help(help).related(place);
            continue;
        }
        seen.push((name.to_owned(), path.to_owned(), item.node.span.clone()));
        if let Some(text) = loader.read_text(&item, path, PROGRAM_BYTES_MAX) {
            let (name, path, libraries) = (name.to_owned(), path.to_owned(), Arc::default());
            programs.push(ProgramSource { name, path, text, libraries });
        }
    }
    programs
}

fn read_limits(loader: &mut Loader<'_, '_>, root: &Fields<'_>) -> Limits {
    let mut limits =
        Limits { operations: 100_000, call_depth: 16, text_len: 4096, array_len: 1024, record_len: 256 };
    let sink = &mut loader.sink;
    let Some(fields) = root.get("limits").and_then(|item| Fields::open(sink, &item, schema::LIMITS)) else {
        return limits;
    };
    if let Some(operations) =
        fields.get("operations").and_then(|item| item.integer(sink, 100..=1_000_000_000))
    {
        limits.operations = operations.cast_unsigned();
    }
    let mut size = |name: &str, range: RangeInclusive<i64>, limit: &mut usize| {
        let value = fields.get(name).and_then(|item| item.integer(sink, range));
        if let Some(value) = value.and_then(|value| usize::try_from(value).ok()) {
            *limit = value;
        }
    };
    size("call_depth", 1..=64, &mut limits.call_depth);
    size("array_len", 1..=65_536, &mut limits.array_len);
    size("record_len", 1..=4096, &mut limits.record_len);
    if let Some(bytes) = fields.get("text_len").and_then(|item| item.size(sink, 16..=1 << 20)) {
        limits.text_len = usize::try_from(bytes).unwrap_or(limits.text_len);
    }
    limits
}

/// A duration as a number of cycles, rounded up, at least one.
pub(crate) fn cycles(duration_ns: u64, interval_ns: u64) -> u64 {
    duration_ns.div_ceil(interval_ns.max(1)).max(1)
}
