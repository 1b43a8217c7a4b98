//! `[tasks]` and `[limits]`: when programs run, which, and what a run may use.

use super::{
    Loader,
    fields::{Fields, Item},
    finding::Rule,
    names, schema,
};
use crate::cell::{Limits, OnOverrun, ProgramSource, Task};
use std::ops::RangeInclusive;

/// Cycle times that can be asked for.
pub(crate) const INTERVAL_NS: RangeInclusive<u64> = 100_000..=1_000_000_000;
/// `SCHED_FIFO` priorities; 99 is left to the kernel's watchdogs, and the process watchdog runs above the task.
const PRIORITY: RangeInclusive<i64> = 1..=98;
const PRIORITY_DEFAULT: u8 = 80;
/// Bytes of a program's text.
const PROGRAM_BYTES_MAX: usize = 1 << 20;

/// What `[tasks]` and `[limits]` gave. `interval_ns` is `None` if it could not be read: then nothing is compared with it.
pub(crate) struct Tasks {
    pub(crate) task: Task,
    pub(crate) interval_ns: Option<u64>,
    /// Where the interval is written.
    pub(crate) interval_span: Option<std::ops::Range<usize>>,
}

/// Read `[tasks]` and `[limits]`.
pub(crate) fn read(loader: &mut Loader<'_, '_>, root: &Fields<'_>) -> Tasks {
    let limits = read_limits(loader, root);
    let mut task = Task {
        name: "main".to_owned(),
        interval_ns: 1_000_000,
        priority: PRIORITY_DEFAULT,
        core: None,
        spin_ns: None,
        multiple: 1,
        on_overrun: OnOverrun::Skip,
        programs: Vec::new(),
        limits,
    };
    let help = "write [tasks.main] with `interval` and `programs`";
    let table = root.required(&mut loader.sink, "tasks", help);
    let tasks = table.as_ref().map(|table| table.items(&mut loader.sink)).unwrap_or_default();
    let Some(((name, first), more)) = tasks.split_first() else {
        if let Some(table) = table.filter(|table| table.node.is_table()) {
            let message = "`tasks` has no task in it";
            loader.sink.push(Rule::MissingKey, &table.key_span, "tasks", message).help(help);
        }
        return Tasks { task, interval_ns: None, interval_span: None };
    };
    for (_, item) in more {
        let place = loader.sink.place(&first.key_span, "the first task");
        let message = format!("`{}` is one task more than a cell can have for now", item.key);
        loader
            .sink
            .push(Rule::OneTask, &item.key_span, &item.key, message)
            .help("let one task call all programs: they run in the order of its `programs`")
            .related(place);
    }
    names::check(&mut loader.sink, name, &first.key_span, &first.key);
    task.name = (*name).to_owned();
    let fields = Fields::open(&mut loader.sink, first, schema::TASK);
    let interval_ns = fields.as_ref().and_then(|fields| read_task(loader, fields, &mut task));
    let interval_span = fields.and_then(|fields| fields.get("interval")).map(|item| item.node.span.clone());
    Tasks { task, interval_ns, interval_span }
}

fn read_task(loader: &mut Loader<'_, '_>, fields: &Fields<'_>, task: &mut Task) -> Option<u64> {
    let sink = &mut loader.sink;
    let interval = fields.required(sink, "interval", "write the cycle time, such as \"1ms\"");
    let interval_ns = interval.and_then(|item| item.duration(sink, INTERVAL_NS));
    task.interval_ns = interval_ns.unwrap_or(task.interval_ns);
    if let Some(priority) = fields.get("priority").and_then(|item| item.integer(sink, PRIORITY)) {
        task.priority = u8::try_from(priority).unwrap_or(PRIORITY_DEFAULT);
    }
    let core = fields.get("core").and_then(|item| item.integer(sink, 0..=1023));
    task.core = core.and_then(|core| usize::try_from(core).ok());
    if let Some(item) = fields.get("spin").filter(|item| !item.node.is_text("auto")) {
        let most = interval_ns.unwrap_or(*INTERVAL_NS.end());
        task.spin_ns = item.duration(sink, 0..=most - 1);
    }
    let choices = [("skip", OnOverrun::Skip), ("stop", OnOverrun::Stop)];
    if let Some(rule) = fields.get("on_overrun").and_then(|item| item.choice(sink, &choices)) {
        task.on_overrun = rule;
    }
    let help = "write the programs in calling order: programs = [\"programs/main.rhai\"]";
    if let Some(item) = fields.required(&mut loader.sink, "programs", help) {
        task.programs = read_programs(loader, &item);
    }
    interval_ns
}

fn read_programs(loader: &mut Loader<'_, '_>, list: &Item<'_>) -> Vec<ProgramSource> {
    let Some(items) = list.elements(&mut loader.sink, "texts") else { return Vec::new() };
    if items.is_empty() {
        list.find(&mut loader.sink, Rule::OutOfRange, "a task runs at least one program")
            .help("write the programs in calling order: programs = [\"programs/main.rhai\"]");
    }
    let mut programs: Vec<ProgramSource> = Vec::new();
    let mut seen: Vec<(String, std::ops::Range<usize>)> = Vec::new();
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
        if let Some((_, span)) = seen.iter().find(|(other, _)| other == name) {
            let place = loader.sink.place(span, "the other one");
            item.find(&mut loader.sink, Rule::NameTaken, format!("there are two programs `{name}`"))
                .help("a program's name is its file's, without folder; rename one")
                .related(place);
            continue;
        }
        seen.push((name.to_owned(), item.node.span.clone()));
        if let Some(text) = loader.read_text(&item, path, PROGRAM_BYTES_MAX) {
            programs.push(ProgramSource { name: name.to_owned(), path: path.to_owned(), text });
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
