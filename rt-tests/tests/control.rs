//! `sensai run` with its control socket, `sensai ctl` and `sensai top`, as a user has them: the binary, at real pace.

use rt_tests::{
    cells::PressCell,
    clock::wait_for,
    harness::{Profile, exclusive, sensai},
};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::Duration,
};

/// A runtime that is ended with the test, whatever happens.
struct Runtime {
    child: Child,
    socket: PathBuf,
}

impl Drop for Runtime {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(sensai(Profile::Debug));
    command.args(arguments).stdin(Stdio::null());
    command
}

fn run(arguments: &[&str]) -> Output {
    command(arguments).output().expect("sensai can be started")
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("UTF-8")
}

impl Runtime {
    fn start(cell: &Path, socket: PathBuf, more: &[&str]) -> Self {
        let (cell, at) = (cell.display().to_string(), socket.display().to_string());
        let arguments = [&["run", &cell, "--quiet", "--control", &at], more].concat();
        let child = command(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let runtime = Self { child: child.expect("sensai can be started"), socket };
        let state = || runtime.json(&["status"])["runtime"]["state"].clone();
        let up = wait_for(Duration::from_secs(30), || (state() == "run").then_some(()));
        assert!(up.is_some(), "the runtime comes to run");
        runtime
    }

    fn ctl(&self, arguments: &[&str]) -> Output {
        let at = self.socket.display().to_string();
        run(&[&["ctl", "--socket", &at], arguments].concat())
    }

    /// What it prints; it has to go well.
    #[track_caller]
    fn good(&self, arguments: &[&str]) -> String {
        let output = self.ctl(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
        text(&output.stdout).to_owned()
    }

    /// What it complains about; it has to end with 1.
    #[track_caller]
    fn bad(&self, arguments: &[&str]) -> String {
        let output = self.ctl(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {}", text(&output.stdout));
        text(&output.stderr).to_owned()
    }

    fn json(&self, arguments: &[&str]) -> serde_json::Value {
        let output = self.ctl(&[&["--json"], arguments].concat());
        serde_json::from_slice(&output.stdout).unwrap_or_default()
    }

    /// End it as a service manager does, and give back its exit code and what it printed.
    fn end(mut self) -> (Option<i32>, String, String) {
        let ended = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        assert!(ended.expect("kill can be started").success());
        let mut outputs = [String::new(), String::new()];
        if let (Some(out), Some(err)) = (&mut self.child.stdout, &mut self.child.stderr) {
            std::io::Read::read_to_string(out, &mut outputs[0]).expect("UTF-8");
            std::io::Read::read_to_string(err, &mut outputs[1]).expect("UTF-8");
        }
        let [out, err] = outputs;
        (self.child.wait().expect("it ends").code(), out, err)
    }
}

#[test]
fn a_cell_is_commanded_and_every_command_is_replayed() {
    let _machine = exclusive();
    let cell = PressCell::new();
    let (log, socket) = (cell.beside("a.snlog"), cell.beside("a.sock"));
    let log_text = log.display().to_string();
    let runtime = Runtime::start(&cell.directory(), socket.clone(), &["--log", &log_text]);

    let status = runtime.good(&["status"]);
    assert!(status.contains("the runtime is in run") && status.contains("0 dropped"), "{status}");
    let stopped = runtime.json(&["stop", "--why", "lunch"]);
    assert_eq!(
        (stopped["applied"].as_bool(), stopped["state"]["runtime"]["state"].as_str()),
        (Some(true), Some("stop"))
    );
    // The simulated operator presses start whenever the machine stands, so that the next one may come too late.
    let _ = runtime.ctl(&["start"]);
    assert!(runtime.bad(&["start"]).contains("cannot start: the runtime is in run; legal now: stop"));
    assert!(runtime.bad(&["reset"]).contains("legal now: stop"));
    assert!(runtime.bad(&["strt"]).contains("no command is called `strt`; did you mean `start`?"));
    assert!(runtime.good(&["param", "force_min", "900"]).starts_with("force_min = 900: applied in cycle "));
    assert_eq!(runtime.good(&["param", "force_min"]), "900.0 N\n");
    assert!(runtime.bad(&["param", "force_min", "9000"]).contains("in 0.0 to 3000.0 N, got 9000"));
    assert!(runtime.bad(&["param", "force_mim"]).contains("did you mean `force_min`?"));
    assert_eq!(runtime.json(&["param", "force_mim"])["error"]["code"], "unknown-name");
    assert!(runtime.bad(&["verdict", "bad"]).contains("--why TEXT"));
    assert!(runtime.bad(&["jog", "ram", "5", "--for", "1"]).contains("a number and ms, s, min or h"));
    assert!(runtime.good(&["tags", "ram"]).contains("ram.position"));

    let forced = runtime.good(&["force", "lamp", "on", "--why", "a try"]);
    assert!(
        forced.starts_with("lamp is forced to on: applied in cycle ") && forced.contains("forced now: lamp"),
        "{forced}"
    );
    runtime.good(&["force", "peak_force", "-1.5"]);
    assert_eq!(runtime.good(&["get", "lamp"]), "true (FORCED)\n");
    assert!(runtime.good(&["status"]).contains("FORCED\n  lamp        true"));
    assert!(runtime.bad(&["force", "start", "on"]).contains("an operator's button, which cannot be forced"));

    let at = socket.display().to_string();
    let frame = run(&["top", "--socket", &at, "--once", "--page", "devices"]);
    let frame = text(&frame.stdout).to_owned();
    assert_eq!(frame.lines().count(), 24, "{frame}");
    assert!(frame.contains("EL2008") && frame.contains("bus sim OP 6/6"), "{frame}");
    assert!(frame.contains("FORCED 2"), "{frame}");
    assert!(runtime.good(&["unforce", "peak_force"]).starts_with("unforce: applied"));
    let no_terminal = run(&["top", "--socket", &at]);
    assert!(text(&no_terminal.stderr).contains("this is no terminal: `sensai top --once`"));

    let other_log = cell.beside("b.snlog");
    let other_text = other_log.display().to_string();
    let directory = cell.directory().display().to_string();
    let second = run(&["run", &directory, "--control", &at, "--cycles", "10", "--log", &other_text]);
    assert_eq!(second.status.code(), Some(1));
    let refused = text(&second.stderr).to_owned();
    assert!(
        refused.contains(&format!("another runtime (process {}) listens at {at}", runtime.child.id())),
        "{refused}"
    );
    assert!(!other_log.exists(), "what is refused leaves no trace");

    let (code, summary, told) = runtime.end();
    assert_eq!(code, Some(0), "{summary}\n{told}");
    assert!(told.starts_with(&format!("control socket {at}\n")), "{told}");
    assert!(!socket.exists(), "the socket goes with its runtime");
    let gone = run(&["ctl", "--socket", &at, "status"]);
    assert!(
        text(&gone.stderr).contains(&format!("no runtime is listening at {at}: start one with `sensai run"))
    );

    assert!(summary.contains("FORCED at the end: io.lamp = true"), "{summary}");
    let info = run(&["log", "info", &log_text]);
    let info = text(&info.stdout);
    assert!(info.contains("FORCED: cycle ") && info.contains(": a try\n"), "{info}");

    let replayed = run(&["replay", &log_text]);
    assert!(text(&replayed.stdout).starts_with("equal: "), "{}", text(&replayed.stdout));
    let audit = format!("{log_text}.audit");
    let lines = fs::read_to_string(&audit).expect("an audit file");
    assert!(lines.contains("\"why\":\"lunch\",\"result\":\"applied\""), "{lines}");
    let checked = run(&["ctl", "audit", &audit]);
    assert!(text(&checked.stdout).contains("none changed, none missing"), "{}", text(&checked.stdout));
    fs::write(&audit, lines.replacen("lunch", "coffee", 1)).expect("the folder is writable");
    let checked = run(&["ctl", "audit", &audit]);
    assert!(text(&checked.stderr).contains("it was changed"), "{}", text(&checked.stderr));
}

#[test]
fn a_killed_runtime_leaves_a_socket_that_the_next_one_replaces() {
    let _machine = exclusive();
    let cell = PressCell::new();
    let socket = cell.beside("a.sock");
    let mut killed = Runtime::start(&cell.directory(), socket.clone(), &[]);
    killed.child.kill().expect("it can be killed");
    killed.child.wait().expect("it ends");
    assert!(socket.exists());
    assert!(killed.bad(&["status"]).contains("no runtime is listening"));
    let next = Runtime::start(&cell.directory(), socket, &[]);
    assert!(next.good(&["status"]).contains("the runtime is in run"));
}

/// Over the loopback interface: `sensai access` at the machine, `sensai host` and everything with `--host` elsewhere.
#[test]
fn a_cell_is_reached_over_a_network() {
    let _machine = exclusive();
    let cell = PressCell::new();
    let settings = cell.beside("settings");
    let here = |arguments: &[&str]| {
        let mut command = command(arguments);
        command.env("XDG_CONFIG_HOME", &settings).env_remove("SENSAI_TOKEN");
        command
    };
    let good = |arguments: &[&str]| {
        let output = here(arguments).output().expect("sensai can be started");
        assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
        text(&output.stdout).to_owned()
    };
    let bad = |arguments: &[&str]| {
        let output = here(arguments).output().expect("sensai can be started");
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {}", text(&output.stdout));
        text(&output.stderr).to_owned()
    };
    let directory = cell.directory().display().to_string();
    let log = cell.beside("a.snlog").display().to_string();
    let without_key = bad(&["run", &directory, "--log", &log, "--listen", "127.0.0.1:0"]);
    assert!(without_key.contains("make one with `sensai access init`"), "{without_key}");

    let begun = good(&["access", "init"]);
    let fingerprint =
        begun.lines().next().and_then(|line| line.strip_prefix("fingerprint  ")).expect("a fingerprint");
    let file = cell.beside("token").display().to_string();
    good(&["access", "grant", "maria", "--right", "operate", "--out", &file]);
    let shown = good(&["access", "grant", "wall-display", "--right", "read", "--days", "7"]);
    assert!(shown.starts_with("sensai_") && shown.trim_end().len() == 71, "{shown}");
    assert!(good(&["access", "list"]).lines().nth(1).is_some_and(|line| line.starts_with("wall-display")));
    let again = bad(&["access", "grant", "maria", "--right", "read"]);
    assert!(again.contains("`sensai access revoke maria` first"), "{again}");

    let key = settings.join("sensai/access/key.pem");
    let mode = |mode| {
        fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(mode)).expect("it is ours")
    };
    mode(0o644);
    let open = bad(&["run", &directory, "--log", &log, "--listen", "127.0.0.1:0"]);
    assert!(open.contains(&format!("`chmod 600 {}`", key.display())), "{open}");
    mode(0o600);

    let socket = cell.beside("a.sock").display().to_string();
    let arguments =
        ["run", &directory, "--quiet", "--control", &socket, "--log", &log, "--listen", "127.0.0.1:0"];
    let child = here(&arguments).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
    let mut runtime = Runtime { child: child.expect("sensai can be started"), socket: cell.beside("a.sock") };
    let told = std::io::BufReader::new(runtime.child.stderr.take().expect("it is piped"));
    let address = std::io::BufRead::lines(told)
        .find_map(|line| Some(line.ok()?.strip_prefix("control socket 127")?.split_once(',')?.0.to_owned()));
    let address = format!("127{}", address.expect("it says where it listens"));
    let taken = bad(&[
        "run",
        &directory,
        "--control",
        &cell.beside("b.sock").display().to_string(),
        "--log",
        &cell.beside("b.snlog").display().to_string(),
        "--listen",
        &address,
    ]);
    assert!(taken.contains(&format!("another process listens at {address}")), "{taken}");

    good(&["host", "add", "press", &address, "--fingerprint", fingerprint, "--token-file", &file]);
    let up = wait_for(Duration::from_secs(30), || {
        good(&["ctl", "--host", "press", "status"]).contains("the runtime is in run").then_some(())
    });
    assert!(up.is_some(), "the runtime comes to run");
    assert!(
        good(&["ctl", "--host", "press", "param", "force_min", "900", "--why", "from afar"])
            .starts_with("force_min = 900: applied")
    );
    assert!(good(&["top", "--host", "press", "--once", "--page", "devices"]).contains("EL2008"));
    assert!(bad(&["reload", "--host", "press"]).contains("nothing to reload"), "the files are as they were");

    // With nothing noted, and a token that may look only: it is never an argument.
    let looks = |arguments: &[&str]| {
        let all = [&["ctl", "--host", &address, "--fingerprint", fingerprint], arguments].concat();
        here(&all).env("SENSAI_TOKEN", shown.trim_end()).output().expect("sensai can be started")
    };
    assert_eq!(text(&looks(&["get", "param.force_min"]).stdout), "900.0 N\n");
    let forbidden = looks(&["param", "force_min", "800"]);
    assert_eq!(forbidden.status.code(), Some(1));
    let forbidden = text(&forbidden.stderr).to_owned();
    assert!(
        forbidden.contains("the token `wall-display` has the right `read`, `set-param` needs `operate`"),
        "{forbidden}"
    );
    let wrong = format!("sha256:{}", "0".repeat(64));
    let wrong = bad(&["ctl", "--host", &address, "--fingerprint", &wrong, "--token-file", &file, "status"]);
    assert!(wrong.contains(&format!("got      {fingerprint}")), "{wrong}");
    assert!(bad(&["ctl", "--host", "pres", "status"]).contains("did you mean `press`?"));

    good(&["access", "revoke", "maria"]);
    assert!(bad(&["ctl", "--host", "press", "status"]).contains("the token `maria` was revoked at "));
    good(&["host", "remove", "press"]);
    assert!(
        runtime.good(&["status"]).contains("the runtime is in run"),
        "the socket of the machine is what it was"
    );
    let (code, ..) = runtime.end();
    assert_eq!(code, Some(0));
    let audit = format!("{log}.audit");
    let lines = fs::read_to_string(&audit).expect("an audit file");
    for part in [
        r#""who":{"token":"maria","address":"127.0.0.1:"#,
        r#""what":"set-param","params":{"name":"force_min","value":900},"why":"from afar","result":"applied""#,
        r#""what":"set-param","params":{"reason":"forbidden","times":1},"result":"refused""#,
        r#""what":"connect","params":{"reason":"revoked token","times":1},"result":"refused""#,
    ] {
        assert!(lines.contains(part), "{part}: {lines}");
    }
    assert!(good(&["ctl", "audit", &audit]).contains("none changed, none missing"));
    assert!(good(&["replay", &log]).starts_with("equal: "));
}
