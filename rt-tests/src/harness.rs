//! Where things are, and how `sensai` is run.

use crate::clock::{Stopwatch, wait_for};
use std::{
    env,
    ffi::OsStr,
    io::Read,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

/// Longest that a run of `sensai` may take unless the test says otherwise.
pub const RUN_LIMIT: Duration = Duration::from_secs(120);

/// Top of the checkout.
pub fn workspace() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// The folder with third-party data beside the checkout.
pub fn shared() -> Option<PathBuf> {
    let folder = workspace().join("../shared").canonicalize().ok()?;
    folder.is_dir().then_some(folder)
}

/// A cell of `examples/`.
pub fn example(name: &str) -> PathBuf {
    workspace().join("examples").join(name)
}

/// Whether tests run with their full counts (`cargo xtask soak`).
pub fn soak() -> bool {
    env::var_os("SENSAI_SOAK").is_some_and(|value| value == "1")
}

/// A count: `quick` in `cargo xtask test`, `full` in `cargo xtask soak`.
pub fn count(quick: u64, full: u64) -> u64 {
    if soak() { full } else { quick }
}

/// How long a test that runs for a given time should run: `quick`, or what `cargo xtask soak --minutes` says.
pub fn duration(quick: Duration) -> Duration {
    let minutes = env::var("SENSAI_SOAK_MINUTES").ok().and_then(|text| text.parse::<f64>().ok());
    match minutes {
        Some(minutes) if soak() && (0.0..=100_000.0).contains(&minutes) => {
            Duration::from_secs_f64(minutes * 60.0)
        }
        _ => quick,
    }
}

/// Hold this while a test needs the machine's cores for itself. Test binaries run one after another, so that a lock
/// within the process is enough.
pub fn exclusive() -> MutexGuard<'static, ()> {
    static MACHINE: Mutex<()> = Mutex::new(());
    MACHINE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A program on the path, the administrator's folders included.
///
/// # Errors
/// Why not, in words for [`crate::skip!`].
pub fn tool(program: &str) -> Result<PathBuf, String> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    folders
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
        .ok_or_else(|| format!("{program} is not installed"))
}

/// A Python that has the third-party peers, as `cargo xtask test` installs it.
///
/// # Errors
/// Why not, in words for [`crate::skip!`].
pub fn python_with(module: &str) -> Result<PathBuf, String> {
    let installed = || Some(profile_folder()?.parent()?.join("xtask/venv/bin/python"));
    let python = env::var_os("SENSAI_PYTHON").map(PathBuf::from).or_else(installed);
    let python =
        python.filter(|file| file.is_file()).ok_or("no Python environment, see `cargo xtask test`")?;
    let imported = Command::new(&python).args(["-c", &format!("import {module}")]).output();
    match imported {
        Ok(output) if output.status.success() => Ok(python),
        _ => Err(format!("Python has no module {module}, see `cargo xtask test`")),
    }
}

/// Which build of `sensai`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// `--release`; what timing is measured on.
    Release,
    /// With overflow checks and assertions.
    Debug,
}

/// The binary `sensai`: as `cargo xtask test` built it, else built now.
///
/// # Panics
/// It does not build.
pub fn sensai(profile: Profile) -> &'static Path {
    static RELEASE: OnceLock<PathBuf> = OnceLock::new();
    static DEBUG: OnceLock<PathBuf> = OnceLock::new();
    let (place, variable, folder, flag) = match profile {
        Profile::Release => (&RELEASE, "SENSAI_BIN", "release", Some("--release")),
        Profile::Debug => (&DEBUG, "SENSAI_BIN_DEBUG", "debug", None),
    };
    place.get_or_init(|| {
        if let Some(binary) = env::var_os(variable).map(PathBuf::from) {
            assert!(binary.is_file(), "{variable} names {}, which is not there", binary.display());
            return binary;
        }
        let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command
            .current_dir(workspace())
            .args(["build", "--quiet", "-p", "sensai", "--bin", "sensai"])
            .args(flag);
        let status = command.status().expect("cargo starts");
        assert!(status.success(), "sensai does not build");
        let target = profile_folder().and_then(Path::parent).expect("tests lie in target/<profile>/deps");
        target.join(folder).join("sensai")
    })
}

/// `target/<profile>` of the running test.
fn profile_folder() -> Option<&'static Path> {
    static FOLDER: OnceLock<Option<PathBuf>> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| Some(env::current_exe().ok()?.parent()?.parent()?.to_path_buf()));
    folder.as_deref()
}

/// What a program printed, and how it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// Wall time.
    pub time: Duration,
}

impl Output {
    /// Itself, if the exit code is the expected one.
    ///
    /// # Panics
    /// Another exit code; with all that was printed.
    #[track_caller]
    pub fn expect_code(self, expected: i32) -> Self {
        assert!(
            self.code == Some(expected),
            "exit code {:?}, expected {expected}\n--- stdout\n{}\n--- stderr\n{}",
            self.code,
            self.stdout,
            self.stderr
        );
        self
    }
}

/// Run the release build at the top of the workspace, for at most [`RUN_LIMIT`].
///
/// # Panics
/// It does not start, or takes too long.
#[track_caller]
pub fn run_sensai(arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Output {
    output_of(sensai_command(Profile::Release).args(arguments), RUN_LIMIT)
}

/// A place of its own for a command's control socket: two tests may run cells of one name at the same time. The runtime
/// makes it if it needs it.
pub fn place_for_sockets() -> PathBuf {
    static COMMANDS: AtomicU64 = AtomicU64::new(0);
    let number = COMMANDS.fetch_add(1, Ordering::Relaxed);
    env::temp_dir().join(format!("sensai-run-{}/{number}", std::process::id()))
}

/// `sensai` without arguments yet, at the top of the workspace.
pub fn sensai_command(profile: Profile) -> Command {
    let mut command = Command::new(sensai(profile));
    command.current_dir(workspace()).env_remove("RUST_BACKTRACE");
    command.env("XDG_RUNTIME_DIR", place_for_sockets());
    command
}

/// Run to the end.
///
/// # Panics
/// It does not start, or is not done within `limit`.
#[track_caller]
pub fn output_of(command: &mut Command, limit: Duration) -> Output {
    output_in_background(command).wait(limit)
}

/// Start it, and collect what it prints.
///
/// # Panics
/// It does not start.
#[track_caller]
pub fn output_in_background(command: &mut Command) -> Background {
    let watch = Stopwatch::start();
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut running = Running::start(command);
    let (stdout, stderr) = (running.0.stdout.take(), running.0.stderr.take());
    Background {
        shown: format!("{command:?}"),
        running,
        watch,
        stdout: read_in_background(stdout),
        stderr: read_in_background(stderr),
    }
}

/// A program that runs while the test does something else; killed when dropped.
#[derive(Debug)]
pub struct Background {
    shown: String,
    running: Running,
    watch: Stopwatch,
    stdout: thread::JoinHandle<String>,
    stderr: thread::JoinHandle<String>,
}

impl Background {
    /// Its process id.
    pub fn id(&self) -> u32 {
        self.running.0.id()
    }

    /// Send a signal by its name, such as `TERM`.
    ///
    /// # Panics
    /// There is no such process any more.
    #[track_caller]
    pub fn signal(&self, name: &str) {
        self.running.signal(name);
    }

    /// Wait for its end, for at most `limit` from now.
    ///
    /// # Panics
    /// It is not done by then.
    #[track_caller]
    pub fn wait(mut self, limit: Duration) -> Output {
        let status = wait_for(limit, || self.running.0.try_wait().expect("a child can be waited for"));
        drop(self.running);
        let text = |reader: thread::JoinHandle<String>| reader.join().expect("reading does not panic");
        let (stdout, stderr) = (text(self.stdout), text(self.stderr));
        let Some(status) = status else {
            panic!("{} took longer than {limit:?}\n--- stdout\n{stdout}\n--- stderr\n{stderr}", self.shown);
        };
        Output { code: status.code(), stdout, stderr, time: self.watch.elapsed() }
    }
}

fn read_in_background(stream: Option<impl Read + Send + 'static>) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // What came before an error is still worth showing.
        let _ = stream.map(|mut stream| stream.read_to_end(&mut bytes));
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// A process that is killed when this is dropped, also when the test fails.
#[derive(Debug)]
pub struct Running(pub Child);

impl Running {
    /// Start it.
    ///
    /// # Panics
    /// It cannot be started.
    #[track_caller]
    pub fn start(command: &mut Command) -> Self {
        match command.spawn() {
            Ok(child) => Self(child),
            Err(error) => panic!("cannot start {command:?}: {error}"),
        }
    }

    /// Send a signal by its name, such as `TERM`.
    ///
    /// # Panics
    /// There is no such process any more.
    #[track_caller]
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").arg(format!("-{name}")).arg(self.0.id().to_string()).status();
        assert!(sent.is_ok_and(|status| status.success()), "cannot send {name} to {}", self.0.id());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// For [`crate::skip!`]: `place` is the type name of a function inside the test.
pub fn print_skipped(place: &str, why: &str) {
    println!("{}", skipped_line(place, why));
}

fn skipped_line(place: &str, why: &str) -> String {
    let test = place.trim_end_matches("::here").trim_end_matches("::{{closure}}");
    let test = test.split_once("::").map_or(test, |(_, path)| path);
    format!("skipped: {test} ({})", why.lines().map(str::trim).collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_is_one_line_with_the_tests_name() {
        let line = skipped_line("interop::names_and_sizes::{{closure}}::here", "no pysoem:\n  pip failed");
        assert_eq!(line, "skipped: names_and_sizes (no pysoem: pip failed)");
    }

    #[test]
    fn output_and_exit_code_are_kept() {
        let output = output_of(Command::new("sh").args(["-c", "echo out; echo err >&2; exit 3"]), RUN_LIMIT);
        assert_eq!(
            (output.code, output.stdout.as_str(), output.stderr.as_str()),
            (Some(3), "out\n", "err\n")
        );
    }

    #[test]
    #[should_panic(expected = "took longer than")]
    fn what_hangs_is_killed() {
        output_of(Command::new("sleep").arg("100"), Duration::from_millis(50));
    }

    #[test]
    #[should_panic(expected = "exit code Some(3), expected 0\n--- stdout\nout")]
    fn an_unexpected_code_shows_the_output() {
        output_of(Command::new("sh").args(["-c", "echo out; exit 3"]), RUN_LIMIT).expect_code(0);
    }

    #[test]
    fn what_runs_is_killed_when_dropped() {
        let running = Running::start(Command::new("sleep").arg("100"));
        let process = PathBuf::from(format!("/proc/{}", running.0.id()));
        assert!(process.exists());
        drop(running);
        assert!(!process.exists());
    }

    #[test]
    fn tools_are_found_or_named() {
        assert!(tool("sh").is_ok());
        assert_eq!(tool("sensai-no-such-tool"), Err("sensai-no-such-tool is not installed".into()));
        assert!(workspace().join("Cargo.toml").is_file());
    }
}
