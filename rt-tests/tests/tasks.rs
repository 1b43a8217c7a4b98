//! Three tasks at 1, 4 and 20 ms: what they compute depends on nominal time alone, not on cores, load or speed; and what
//! the time did to them stands in the log.

use rt_tests::{
    Profile,
    cells::{Run, Scratch},
    harness::{Output, RUN_LIMIT, Running, count, exclusive, output_of, sensai_command, tool},
    raw_log::{RawLog, RawRecord},
    skip,
};
use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

const CELL: &str = r#"
[cell]
name = "three-tasks"

[tasks.fast]
interval = "1ms"
programs = ["programs/fast.rhai"]

[tasks.middle]
interval = "4ms"
programs = ["programs/middle.rhai"]
on_overrun = "skip"

[tasks.slow]
interval = "20ms"
programs = ["programs/slow.rhai"]
on_overrun = "skip"

[devices]
coupler = { type = "EK1100" }
inputs = { type = "EL1008" }
outputs = { type = "EL2008" }

[tags]
present = { input = "inputs.channel_1" }
fast = { output = "outputs.channel_1" }
middle = { output = "outputs.channel_2" }
slow = { output = "outputs.channel_3" }
quick = { type = "i64" }
mean = { type = "i64" }
trend = { type = "f64" }

[limits]
operations = 1_000_000

[simulation]
auto_start = true
"#;

/// A chaotic number that the slow results lead on.
const FAST: &str = "
fn init() { #{ } }
fn cycle() {
    io.quick = (io.quick * 1103515245 + 12345 + io.mean + sys.cycle) % 65536;
    io.fast = io.quick % 2 == 1;
}";
const MIDDLE: &str = "
fn init() { #{ kept: array(8, 0), at: 0, slow: TON() } }
fn cycle() {
    this.kept[this.at] = io.quick;
    this.at = (this.at + 1) % 8;
    let sum = 0;
    for value in this.kept { sum += value; }
    io.mean = sum / 8 + if io.trend > 0.0 { 3 } else { 0 };
    this.slow.run(io.mean % 3 != 0, 0.012);
    io.middle = this.slow.Q;
}";
const SLOW: &str = "
fn init() { #{ last: 0.0 } }
fn cycle() {
    let mean = to_float(io.mean);
    io.trend = (mean - this.last) / sys.dt;
    this.last = mean;
    io.slow = io.trend > 0.0;
}";
/// Many times longer than its interval.
const HEAVY: &str = "
fn init() { #{ n: 0 } }
fn cycle() {
    for i in 0..60000 { this.n = (this.n * 31 + i) % 1000003; }
    io.mean = this.n + io.quick;
    io.middle = this.n % 2 == 0;
}";

/// The cell in a folder of its own, with this program for the middle task.
struct Cell(Scratch);

impl Cell {
    fn new(middle: &str) -> Self {
        let scratch = Scratch::new();
        // What is to be late is interpreted: compiled, it is not.
        let late = CELL.replacen("on_overrun = \"skip\"", "on_overrun = \"skip\"\ntier = \"interpreter\"", 1);
        scratch.write("cell/cell.toml", if middle == HEAVY { &late } else { CELL });
        for (name, text) in [("fast", FAST), ("middle", middle), ("slow", SLOW)] {
            scratch.write(&format!("cell/programs/{name}.rhai"), text);
        }
        Self(scratch)
    }

    fn directory(&self) -> PathBuf {
        self.0.path("cell")
    }

    /// Run `command`, which is `sensai`, on it into a log of this name.
    #[track_caller]
    fn record(&self, mut command: Command, name: &str, cycles: u64, options: &[&str]) -> (Run, PathBuf) {
        let log = self.0.path(&format!("{name}.snlog"));
        command.arg("run").arg(self.directory()).args(["--cycles", &cycles.to_string()]).args(options);
        let output = output_of(command.arg("--json").arg("--log").arg(&log), RUN_LIMIT);
        (Run::from(output), log)
    }
}

/// `sensai` on one core.
fn on_core_0() -> Result<Command, String> {
    let mut command = Command::new(tool("taskset")?);
    command.args(["-c", "0"]).arg(sensai_command(Profile::Release).get_program());
    Ok(command)
}

#[track_caller]
fn records(log: &Path) -> Vec<RawRecord> {
    RawLog::read(log).records()
}

fn replay(log: &Path, profile: Profile, options: &[&str]) -> Output {
    output_of(sensai_command(profile).arg("replay").arg(log).args(options), RUN_LIMIT)
}

/// From the start, and from the middle: there runs of the slow tasks are in flight, whatever the cycle.
#[track_caller]
fn assert_replays(log: &Path) {
    let all = records(log);
    let (first, last) = (all[0].cycle(), all[all.len() - 1].cycle());
    for profile in [Profile::Release, Profile::Debug] {
        for from in [first, first + (last - first) * 2 / 3] {
            let output = replay(log, profile, &["--from", &from.to_string()]).expect_code(0);
            assert!(output.stdout.contains(&format!("to {last},")), "{}", output.stdout);
        }
    }
}

const TASK_OVERRUN: u16 = 16;

/// Cycles with a verdict about slow tasks, and its bits.
fn verdicts(log: &Path) -> Vec<(u64, i64)> {
    let of = |record: RawRecord| {
        let entries = record.inbox();
        entries
            .into_iter()
            .filter(|(kind, _)| *kind == TASK_OVERRUN)
            .map(move |(_, bits)| (record.cycle(), bits))
    };
    records(log).into_iter().flat_map(of).collect()
}

#[test]
fn tasks_compute_the_same_on_one_core_and_on_all_and_under_load() {
    let _machine = exclusive();
    let cell = Cell::new(MIDDLE);
    let cycles = count(4_000, 200_000);
    let (run, all_cores) = cell.record(sensai_command(Profile::Release), "all", cycles, &["--virtual"]);
    assert_eq!(run.output.code, Some(0), "{}", run.output.stderr);
    for (task, releases) in [cycles, cycles / 4, cycles / 20].into_iter().enumerate() {
        let found = run.number(&format!("/tasks/{task}/releases"));
        assert!((releases.saturating_sub(1)..releases + 10).contains(&found), "{found} of task {task}");
        assert_eq!(run.number(&format!("/tasks/{task}/overruns")), 0);
    }
    let expected = records(&all_cores);
    // The middle task's output changes, so that equal logs mean something.
    let changes = expected.windows(2).filter(|pair| pair[0].hash() != pair[1].hash()).count();
    assert!(changes as u64 > cycles / 2, "{changes}");

    let mut spin = Command::new("sh");
    spin.args(["-c", "while :; do :; done"]).stdin(Stdio::null());
    let busy: Vec<_> = (0..4).map(|_| Running::start(&mut spin)).collect();
    let (_, loaded) = cell.record(sensai_command(Profile::Release), "loaded", cycles, &["--virtual"]);
    drop(busy);
    assert!(expected == records(&loaded));
    assert_replays(&all_cores);

    let command = match on_core_0() {
        Ok(command) => command,
        Err(why) => skip!("{why}"),
    };
    let (_, one_core) = cell.record(command, "one", cycles, &["--virtual"]);
    assert!(expected == records(&one_core));
}

#[test]
fn tasks_compute_the_same_under_stress_ng() {
    let stress = match tool("stress-ng") {
        Ok(stress) => stress,
        Err(why) => skip!("{why}"),
    };
    let _machine = exclusive();
    let cell = Cell::new(MIDDLE);
    let cycles = count(2_000, 100_000);
    let (_, quiet) = cell.record(sensai_command(Profile::Release), "quiet", cycles, &["--virtual"]);
    let mut command = Command::new(stress);
    command.args([
        "--quiet",
        "--cpu",
        "2",
        "--vm",
        "1",
        "--vm-bytes",
        "64M",
        "--switch",
        "2",
        "--timeout",
        "120",
    ]);
    let busy = Running::start(command.stdout(Stdio::null()).stderr(Stdio::null()));
    let (_, loaded) = cell.record(sensai_command(Profile::Release), "loaded", cycles, &["--virtual"]);
    drop(busy);
    assert!(records(&quiet) == records(&loaded));
}

#[test]
fn tasks_at_real_pace_are_quiet_guarded_and_replayed() {
    let _machine = exclusive();
    let cell = Cell::new(MIDDLE);
    let cycles = count(3_000, 60_000);
    let (run, log) = cell.record(sensai_command(Profile::Release), "real", cycles, &["--guard"]);
    assert_eq!(run.output.code, Some(0), "{}", run.output.stderr);
    run.assert_quiet();
    assert_eq!(run.summary["guarded"], true, "{:#}", run.summary);
    assert!(run.number("/tasks/2/releases") >= cycles / 20 - 1);
    assert!(run.number("/tasks/1/execution/p50") > 0);
    assert_replays(&log);
    // What the time did is in the log, and was counted.
    let late = |task: u64| verdicts(&log).iter().filter(|(_, bits)| bits >> task & 1 == 1).count() as u64;
    assert_eq!([1, 2].map(late), [1, 2].map(|task| run.number(&format!("/tasks/{task}/overruns"))));
}

#[test]
fn a_task_that_is_late_is_in_the_log_and_comes_out_the_same_again() {
    let _machine = exclusive();
    let cell = Cell::new(HEAVY);
    let (run, log) = cell.record(sensai_command(Profile::Release), "late", 2_000, &[]);
    assert_eq!(run.output.code, Some(0), "{}", run.output.stderr);
    let overruns = run.number("/tasks/1/overruns");
    assert!(overruns > 50, "{overruns}");
    assert_eq!(verdicts(&log).len() as u64, overruns);
    assert!(run.number("/tasks/1/releases") > 10, "it gets done now and then");
    assert_replays(&log);

    // Nothing is late where nobody is in a hurry; and the filter lets the threads wait for each other there.
    let options = ["--virtual", "--guard"];
    let (run, _) = cell.record(sensai_command(Profile::Release), "virtual", 400, &options);
    assert_eq!((run.output.code, &run.summary["guarded"]), (Some(0), &true.into()), "{}", run.output.stderr);
    assert_eq!((run.number("/tasks/1/overruns"), run.number("/tasks/1/releases")), (0, 100));
}

#[test]
fn a_late_task_stops_the_machine_where_its_rule_says_so() {
    let _machine = exclusive();
    let cell = Cell::new(HEAVY);
    let text = CELL.replacen("on_overrun = \"skip\"", "on_overrun = \"stop\"\ntier = \"interpreter\"", 1);
    cell.0.write("cell/cell.toml", text);
    let (run, log) = cell.record(sensai_command(Profile::Release), "stop", 500, &[]);
    assert_eq!(run.output.code, Some(1), "{}", run.output.stderr);
    assert_eq!(run.fault(), "F201 at task middle");
    let faults: Vec<(u64, u16)> =
        records(&log).iter().filter(|record| record.fault() > 0).map(|it| (it.cycle(), it.fault())).collect();
    let late = verdicts(&log);
    assert_eq!(faults, [(late[0].0, 201)]);
    assert_replays(&log);
}

#[test]
fn a_fault_of_a_slow_task_names_its_line() {
    let cell = Cell::new(
        "fn init() { #{ n: 0 } }\nfn cycle() {\n    this.n += 1;\n    if this.n == 50 { fault(\"fifty\"); }\n}",
    );
    let (run, log) = cell.record(sensai_command(Profile::Release), "fault", 400, &["--virtual"]);
    assert_eq!(run.output.code, Some(1));
    assert_eq!(run.fault(), "F313 at programs/middle.rhai:4:23");
    assert!(run.output.stderr.contains("fifty"), "{}", run.output.stderr);
    assert_replays(&log);
}

#[test]
fn a_tag_that_two_tasks_write_is_refused_with_both_places() {
    let cell = Cell::new("fn init() { #{ } }\nfn cycle() {\n    io.quick = 7;\n}");
    let output = output_of(sensai_command(Profile::Release).arg("check").arg(cell.directory()), RUN_LIMIT);
    assert_eq!(output.code, Some(1), "{}", output.stdout);
    let text = format!("{}{}", output.stdout, output.stderr);
    for part in
        ["R110", "programs/middle.rhai:3:5", "`io.quick`", "task `fast` in programs/fast.rhai, line 4"]
    {
        assert!(text.contains(part), "no {part} in\n{text}");
    }
}
