//! `sensai reload` and `run --watch` as a user has them: the binary, at real pace, with log, audit file, status and replay.

use rt_tests::{
    clock::wait_for,
    harness::{Profile, count, exclusive, sensai},
};
use sensai_log::LogReader;
use sensai_model::record::{InboxKind, RecordFlags};
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};
use std::{
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

const CELL: &str = r#"
[cell]
name = "counter"
[tasks.main]
interval = "1ms"
on_overrun = "skip"
programs = ["programs/count.rhai"]
[tasks.slow]
interval = "10ms"
on_overrun = "skip"
programs = ["programs/slow.rhai"]
[devices]
coupler = { type = "EK1100" }
lamps = { type = "EL2008" }
[tags]
lamp = { output = "lamps.channel_1" }
count = { type = "i64" }
slow = { type = "i64" }
[parameters]
bad = { default = false }
[retain]
interval = "100ms"
[simulation]
auto_start = true
"#;

/// Counts by `step`; `more` are further fields, `then` what it does beside.
fn counter(tag: &str, step: u64, more: &str, then: &str) -> String {
    format!(
        "fn init() {{\n    #{{ n: 0{more}, retain: #{{ total: 0 }} }}\n}}\nfn cycle() {{\n    this.n += {step};\n    this.retain.total += \
         1;\n    {then}\n    io.{tag} = this.n;\n}}\n"
    )
}

/// A cell of its own, and a runtime that is ended with the test.
struct Cell {
    folder: tempfile::TempDir,
    child: Option<Child>,
}

impl Drop for Cell {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(sensai(Profile::Debug));
    command.args(arguments).stdin(Stdio::null());
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

impl Cell {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let cell = Self { folder, child: None };
        fs::create_dir_all(cell.path("cell/programs")).unwrap();
        fs::write(cell.path("cell/cell.toml"), CELL).unwrap();
        cell.write("count", &counter("count", 1, "", ""));
        cell.write("slow", &counter("slow", 1, "", ""));
        cell
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn shown(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    fn write(&self, program: &str, text: &str) {
        fs::write(self.path(&format!("cell/programs/{program}.rhai")), text).unwrap();
    }

    fn start(&mut self, more: &[&str]) {
        let (cell, socket, log) = (self.shown("cell"), self.shown("a.sock"), self.shown("a.snlog"));
        let arguments =
            [&["run", &cell, "--quiet", "--json", "--control", &socket, "--log", &log], more].concat();
        let child = command(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        self.child = Some(child.expect("sensai can be started"));
        let up =
            wait_for(Duration::from_secs(60), || (self.status()["runtime"]["state"] == "run").then_some(()));
        assert!(up.is_some(), "the runtime comes to run");
    }

    fn run(&self, of: &str, arguments: &[&str]) -> Output {
        let socket = self.shown("a.sock");
        command(&[&[of, "--socket", &socket], arguments].concat()).output().expect("sensai can be started")
    }

    fn status(&self) -> Json {
        serde_json::from_slice(&self.run("ctl", &["--json", "status"]).stdout).unwrap_or_default()
    }

    fn tag(&self, name: &str) -> i64 {
        let output = self.run("ctl", &["--json", "get", name]);
        let json: Json = serde_json::from_slice(&output.stdout).unwrap();
        json["value"].as_i64().unwrap_or_else(|| panic!("{json}"))
    }

    #[track_caller]
    fn reload(&self, arguments: &[&str]) -> String {
        let output = self.run("reload", arguments);
        assert_eq!(output.status.code(), Some(0), "{}{}", text(&output.stdout), text(&output.stderr));
        text(&output.stdout)
    }

    #[track_caller]
    fn refused(&self, arguments: &[&str]) -> String {
        let output = self.run("reload", arguments);
        assert_eq!(output.status.code(), Some(1), "{}{}", text(&output.stdout), text(&output.stderr));
        text(&output.stdout) + &text(&output.stderr)
    }

    fn wait_until(&self, what: &str, ready: impl Fn(&Json) -> bool) -> Json {
        let found = wait_for(Duration::from_secs(30), || Some(self.status()).filter(&ready));
        found.unwrap_or_else(|| panic!("{what}: {}", self.status()))
    }

    /// End it as a service manager does; the summary, and what it complained about.
    fn end(&mut self) -> (Json, String) {
        let child = self.child.take().expect("it runs");
        let ended = Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
        assert!(ended.expect("kill can be started").success());
        let output = child.wait_with_output().expect("it ends");
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{told}");
        (serde_json::from_slice(&output.stdout).unwrap(), told)
    }

    /// All of the log is a proof, and good.
    #[track_caller]
    fn replay(&self) {
        let log = self.shown("a.snlog");
        for arguments in [&["replay", &log][..], &["log", "verify", &log]] {
            let output = command(arguments).output().unwrap();
            assert!(
                output.status.success(),
                "{arguments:?}: {}{}",
                text(&output.stdout),
                text(&output.stderr)
            );
        }
    }

    fn audit(&self) -> Vec<Json> {
        let text = fs::read_to_string(self.path("a.snlog.audit")).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

#[test]
fn a_running_cell_gets_other_programs_and_gets_the_old_ones_back_if_they_fail() {
    let _machine = exclusive();
    let mut cell = Cell::new();
    cell.start(&["--retain", &cell.shown("kept")]);

    let nothing = cell.refused(&[]);
    assert!(nothing.contains("nothing to reload: the programs are those that run"), "{nothing}");
    let unknown = cell.refused(&["--program", "cuont"]);
    assert!(unknown.contains("no program is called `cuont`; did you mean `count`?"), "{unknown}");

    // A good one, with a field more; what it had counted goes on.
    let before = cell.tag("count");
    cell.write("count", &counter("count", 1000, ", extra: 0.5", ""));
    let told = cell.reload(&["--probation", "50", "--wait", "--why", "faster"]);
    assert!(told.starts_with("reloaded count in cycle ") && told.contains("(reload "), "{told}");
    assert!(told.contains("programs/count.rhai: `extra` is new: it starts as `init` gives it"), "{told}");
    assert!(told.ends_with("kept, after 50 runs\n"), "{told}");
    let after = cell.tag("count");
    assert!(after > before + 50_000, "{before} to {after}");

    // A type that does not fit, a block that does not, and a text that is no program: told, and nothing happens.
    cell.write("count", &counter("count", 1, ", extra: 1, lag: LAG1(0.1)", ""));
    let refused = cell.refused(&[]);
    assert!(refused.contains("programs/count.rhai: `extra` was f64 and is i64 now"), "{refused}");
    let json: Json = serde_json::from_str(&cell.refused(&["--json"])).unwrap();
    assert_eq!(json["error"]["code"], "refused");
    assert_eq!(json["error"]["reasons"].as_array().map(Vec::len), Some(1), "{json}");
    cell.write("count", "fn init() { #{ n: 0 } }\nfn cycle() { this.n += ; }\n");
    let refused = cell.refused(&[]);
    assert!(
        refused.contains("do not pass the check") && refused.contains("programs/count.rhai:2:"),
        "{refused}"
    );
    assert_eq!(cell.status()["reload"]["state"], "kept");

    // Two programs at once, one of them bad as soon as it is told so.
    let bad = "if param.bad { fault(\"worse\"); }";
    cell.write("count", &counter("count", 1, ", extra: 0.5", bad));
    cell.write("slow", &counter("slow", 5, "", ""));
    let json: Json = serde_json::from_str(&cell.reload(&["--json", "--probation", "1000000"])).unwrap();
    assert_eq!(
        (json["applied"].as_bool(), &json["programs"]),
        (Some(true), &serde_json::json!(["count", "slow"]))
    );
    assert_eq!(cell.status()["reload"]["state"], "probation");
    assert!(cell.run("ctl", &["param", "bad", "true"]).status.success());
    let status = cell.wait_until("it is undone", |status| status["reload"]["state"] == "undone");
    let why = status["reload"]["why_undone"].as_str().unwrap();
    assert!(why.starts_with("F313") && why.contains("programs/count.rhai:7:"), "{why}");
    assert_eq!(status["runtime"]["state"], "run", "the machine runs on");
    let shown = text(&cell.run("ctl", &["status"]).stdout);
    assert!(shown.contains("of count, slow in cycle ") && shown.contains(": undone in cycle "), "{shown}");
    // The old one counts in thousands, and so does what it wrote last.
    let goes_on = wait_for(Duration::from_secs(10), || (cell.tag("count") > after + 100_000).then_some(()));
    assert!(goes_on.is_some());

    // Asked to wait, the command says so, too. The parameter is still set.
    let undone = cell.refused(&["--wait", "--probation", "500"]);
    assert!(undone.contains("undone in cycle ") && undone.contains("F313"), "{undone}");

    let (summary, told) = cell.end();
    assert_eq!((summary["mode"].as_str(), summary["fault"].is_null()), (Some("run"), true));
    assert_eq!(told.matches("is undone: F313").count(), 2, "{told}");
    cell.replay();
    let audit = cell.audit();
    let of = |what: &str| audit.iter().filter(|line| line["what"] == what).collect::<Vec<_>>();
    let results: Vec<_> =
        of("reload").iter().map(|line| line["result"].as_str().unwrap().to_owned()).collect();
    assert_eq!(results.iter().filter(|result| *result == "applied").count(), 3, "{results:?}");
    assert_eq!(results.iter().filter(|result| *result == "refused").count(), 5, "{results:?}");
    let first = of("reload").into_iter().find(|line| line["result"] == "applied").unwrap();
    assert_eq!(
        (&first["why"], &first["params"]["programs"]),
        (&"faster".into(), &serde_json::json!(["count"]))
    );
    assert!(of("reload-undone").iter().all(|line| line["why"].as_str().unwrap().contains("F313")));
    assert_eq!(of("reload-undone").len(), 2);
    assert!(command(&["ctl", "audit", &cell.shown("a.snlog.audit")]).output().unwrap().status.success());
}

/// A client of the control socket that looks at programs: once, or told of what changes.
struct Looker {
    lines: BufReader<UnixStream>,
    known: Json,
}

impl Looker {
    fn new(cell: &Cell, method: &str, params: &Json) -> Self {
        let mut stream = UnixStream::connect(cell.path("a.sock")).expect("it listens");
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        writeln!(stream, "{}", json!({ "id": 1, "method": method, "params": params })).unwrap();
        let mut looker = Self { lines: BufReader::new(stream), known: json!({}) };
        let answer = looker.line();
        assert!(answer.get("error").is_none(), "{answer}");
        looker.known = answer["result"].clone();
        looker
    }

    fn now(cell: &Cell) -> Json {
        Self::new(cell, "status", &json!({ "sections": ["programs"] })).known["programs"].take()
    }

    fn line(&mut self) -> Json {
        let mut line = String::new();
        self.lines.read_line(&mut line).expect("a line in time");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }

    /// What a subscriber knows, once it is as it is waited for.
    fn told(&mut self, ready: impl Fn(&Json) -> bool) -> &Json {
        while !ready(&self.known["programs"]) {
            let mut line = self.line();
            merge(&mut self.known, line["patch"].take());
        }
        &self.known["programs"]
    }
}

/// RFC 7396.
fn merge(target: &mut Json, patch: Json) {
    let Json::Object(patch) = patch else {
        *target = patch;
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    for (name, part) in patch {
        let members = target.as_object_mut().expect("it is one now");
        if part.is_null() {
            members.remove(&name);
        } else {
            merge(members.entry(name).or_insert(Json::Null), part);
        }
    }
}

fn sha256(text: &str) -> Json {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect::<String>().into()
}

fn fields(program: &Json) -> Vec<&str> {
    program["state"].as_object().expect("a state").keys().map(String::as_str).collect()
}

#[test]
fn the_socket_tells_which_text_runs_behind_a_reload_and_behind_its_undo() {
    let _machine = exclusive();
    let mut cell = Cell::new();
    cell.start(&[]);
    let first = counter("count", 1, "", "");
    let slow = sha256(&counter("slow", 1, "", ""));
    let seen = Looker::now(&cell);
    assert_eq!((&seen["count"]["sha256"], &seen["slow"]["sha256"]), (&sha256(&first), &slow));
    assert_eq!(fields(&seen["count"]), ["n", "retain"]);
    let mut told = Looker::new(&cell, "subscribe", &json!({ "sections": ["programs"], "hz": 50 }));
    told.known = json!({});

    // A file that has changed is not what runs.
    let second = counter("count", 1, ", extra: 0.5", "");
    cell.write("count", &second);
    assert_eq!(Looker::now(&cell)["count"]["sha256"], sha256(&first));
    cell.reload(&["--probation", "50", "--wait"]);
    let seen = Looker::now(&cell);
    assert_eq!((&seen["count"]["sha256"], &seen["slow"]["sha256"]), (&sha256(&second), &slow));
    assert_eq!(
        (fields(&seen["count"]), &seen["count"]["state"]["extra"]),
        (vec!["extra", "n", "retain"], &json!(0.5))
    );
    told.told(|programs| {
        programs["count"]["sha256"] == sha256(&second) && programs["count"]["state"]["extra"] == 0.5
    });

    // Nor is one that was refused.
    cell.write("count", &counter("count", 1, ", extra: 1", ""));
    cell.refused(&[]);
    assert_eq!(Looker::now(&cell)["count"]["sha256"], sha256(&second));

    // One on probation runs, and when it is undone, the one before it, with the fields that it has.
    let third = counter("count", 1, ", extra: 0.5, more: 7", "if param.bad { fault(\"worse\"); }");
    cell.write("count", &third);
    cell.reload(&["--probation", "1000000"]);
    let seen = Looker::now(&cell);
    assert_eq!((&seen["count"]["sha256"], &seen["count"]["state"]["more"]), (&sha256(&third), &json!(7)));
    told.told(|programs| {
        programs["count"]["sha256"] == sha256(&third) && programs["count"]["state"]["more"] == 7
    });
    assert!(cell.run("ctl", &["param", "bad", "true"]).status.success());
    cell.wait_until("it is undone", |status| status["reload"]["state"] == "undone");
    let seen = Looker::now(&cell);
    assert_eq!((&seen["count"]["sha256"], &seen["slow"]["sha256"]), (&sha256(&second), &slow));
    assert_eq!(fields(&seen["count"]), ["extra", "n", "retain"]);
    let known = told.told(|programs| {
        programs["count"]["sha256"] == sha256(&second) && programs["count"]["state"].get("more").is_none()
    });
    assert_eq!(fields(&known["count"]), ["extra", "n", "retain"]);
    // It is the state of what runs: it goes on counting.
    let n = known["count"]["state"]["n"].as_i64().expect("a number");
    told.told(|programs| programs["count"]["state"]["n"].as_i64() > Some(n + 100));
    cell.end();
    cell.replay();
}

#[test]
fn what_is_retained_follows_the_program() {
    let _machine = exclusive();
    let mut cell = Cell::new();
    let kept = cell.shown("kept");
    cell.start(&["--retain", &kept]);
    let more = "fn init() {\n    #{ n: 0, retain: #{ total: 0, text: \"long enough to need more room than there was\", list: array(9, 7) } }\n}\nfn \
                cycle() { this.n += 1; this.retain.total += 1; io.count = this.n; }\n";
    cell.write("count", more);
    cell.reload(&["--wait", "--probation", "20"]);
    std::thread::sleep(Duration::from_millis(300));
    cell.end();
    let shown = text(&command(&["retained", &kept]).output().unwrap().stdout);
    assert!(shown.contains("long enough to need more room") && shown.contains("list[8]"), "{shown}");
    cell.replay();
}

#[test]
fn a_saved_file_is_reloaded_and_a_bad_one_leaves_what_runs() {
    let _machine = exclusive();
    let mut cell = Cell::new();
    cell.start(&["--watch", "--probation", "30"]);
    cell.write("slow", &counter("slow", 1_000_000, "", ""));
    cell.wait_until("it is kept", |status| status["reload"]["state"] == "kept");
    let fast = wait_for(Duration::from_secs(10), || (cell.tag("slow") > 30_000_000).then_some(()));
    assert!(fast.is_some());
    cell.write("slow", "fn init() { #{ n: false } }\nfn cycle() { this.n = !this.n; }\n");
    std::thread::sleep(Duration::from_millis(1500));
    let slow = cell.tag("slow");
    let on = wait_for(Duration::from_secs(10), || (cell.tag("slow") > slow).then_some(()));
    assert!(on.is_some(), "what ran runs on");
    // One that fails is undone, and once its text is taken back, the file is what runs again.
    cell.write("slow", &counter("slow", 1, "", "if this.n > 0 { fault(\"worse\"); }"));
    cell.wait_until("it is undone", |status| status["reload"]["state"] == "undone");
    cell.write("slow", &counter("slow", 1_000_000, "", ""));
    let lines = || fs::read_to_string(cell.path("a.snlog.audit")).unwrap().lines().count();
    let heard = wait_for(Duration::from_secs(10), || (lines() >= 5).then_some(()));
    assert!(heard.is_some(), "{} lines", lines());
    let (_, told) = cell.end();
    assert!(told.contains("watch: reload 1 of slow was taken"), "{told}");
    let same = told.matches("watch: nothing to reload: the files hold the programs that run\n").count();
    assert_eq!((same, told.matches("watch: not reloaded").count()), (1, 1), "{told}");
    let (taken, undone) = (told.rfind("of slow was taken"), told.find("(slow) is undone: F313"));
    assert!(undone.is_some() && taken < undone, "what follows is told later: {told}");
    assert!(told.contains("watch: not reloaded, the programs before it run on"), "{told}");
    assert!(told.contains("programs/slow.rhai: `n` was i64 and is bool now"), "{told}");
    let of = cell.audit();
    let asked = of.iter().filter(|line| line["what"] == "reload");
    let why: Vec<_> = asked.map(|line| (line["result"].clone(), line["why"].clone())).collect();
    assert_eq!(
        why,
        ["applied", "refused", "applied", "refused"].map(|of| (of.into(), "a file has changed".into()))
    );
    cell.replay();
}

/// Threads that keep the computer busy.
struct Load(Arc<AtomicBool>, Vec<std::thread::JoinHandle<u64>>);

impl Load {
    fn new(threads: usize) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let work = |_| {
            let stop = Arc::clone(&stop);
            std::thread::spawn(move || {
                let mut sum = 0_u64;
                while !stop.load(Relaxed) {
                    sum = std::hint::black_box(sum.wrapping_mul(31).wrapping_add(7));
                }
                sum
            })
        };
        let threads = (0..threads).map(work).collect();
        Self(stop, threads)
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
        self.1.drain(..).for_each(|thread| drop(thread.join()));
    }
}

/// Cycles with a swap, and how long each took from its start to the end of staging, ns.
fn swaps(log: &Path) -> (Vec<u32>, u64, u64, u64) {
    let reader = LogReader::open_file(log).unwrap();
    let (mut times, mut late_behind, mut late, mut all) = (Vec::new(), 0, 0, 0);
    let mut swapped = false;
    for record in reader.records(0) {
        let record = record.unwrap();
        let view = record.view();
        let overrun = view.flags().contains(RecordFlags::OVERRUN);
        all += 1;
        late += u64::from(overrun);
        late_behind += u64::from(overrun && swapped);
        swapped = view.inbox().any(|entry| matches!(entry.kind, InboxKind::Reload | InboxKind::Undo));
        if swapped {
            times.push(view.execution_ns());
        }
    }
    times.sort_unstable();
    (times, late_behind, late, all)
}

#[test]
fn a_reload_under_load_makes_no_cycle_late_and_asks_nothing_of_the_heap() {
    let _machine = exclusive();
    let mut cell = Cell::new();
    cell.start(&[]);
    let load = Load::new(1);
    let reloads = count(60, 2000);
    for round in 0..reloads {
        let more = if round % 2 == 0 { ", list: array(500, 0.5)" } else { "" };
        cell.write("count", &counter("count", 1 + round % 7, more, ""));
        cell.write("slow", &counter("slow", 1 + round % 5, more, ""));
        cell.reload(&["--probation", "20"]);
    }
    drop(load);
    let (summary, _) = cell.end();
    let heap = &summary["allocations"];
    assert_eq!((&heap["rust"], &heap["frees"]), (&0.into(), &0.into()), "{heap}");
    assert!(heap["c"].is_null() || heap["c"] == 0, "{heap}");
    let (times, late_behind, late, all) = swaps(&cell.path("a.snlog"));
    // Some may be undone: on a computer without real-time threads, a cycle is late now and then by itself.
    assert!(times.len() as u64 >= reloads, "{} swaps", times.len());
    let at = |share: usize| times[(times.len() - 1) * share / 100] as f64 / 1000.0;
    println!(
        "{} swaps: execution of their cycles p50 {:.1} µs, p99 {:.1} µs, longest {:.1} µs; {late_behind} of them late, {late} of all {all} \
         cycles",
        times.len(),
        at(50),
        at(99),
        at(100)
    );
    // The load takes a core for as long as it likes, a swap or not: late ones behind a swap must be as rare as others.
    let expected = late as f64 / all as f64 * times.len() as f64;
    assert!(late_behind as f64 <= 3.0 + 3.0 * expected, "{late_behind} late, {expected:.2} expected");
    assert!(at(50) < 500.0, "a swap takes {} µs", at(50));
    cell.replay();
}
