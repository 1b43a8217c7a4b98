//! Running a command: its output live on the screen, whole in a file, and counted.

use crate::{
    clock::{Seconds, Stopwatch},
    libtest::Tally,
};
use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read, Write},
    path::Path,
    process::{Command, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread,
    time::Duration,
};

/// How a command ended.
pub struct Ended {
    pub success: bool,
    /// Killed because it took longer than allowed.
    pub timed_out: bool,
    pub tally: Tally,
    pub time: Seconds,
}

/// How long output may stay silent after the command's end, when something it started still holds the pipe.
const SILENCE: Duration = Duration::from_secs(2);

/// Run to the end, or until `limit` is over: then the command and all it started are killed.
///
/// # Errors
/// The command cannot be started, or its output not be written to `log`.
pub fn run(command: Command, log: &Path, limit: Duration) -> Result<Ended, String> {
    println!("$ {}", display(&command));
    run_on(io::stdout(), command, log, limit)
}

/// [`run`], with nothing on the screen but what goes wrong.
///
/// # Errors
/// Those of [`run`].
pub fn silently(command: Command, log: &Path, limit: Duration) -> Result<Ended, String> {
    run_on(io::sink(), command, log, limit)
}

fn run_on(screen: impl Write, mut command: Command, log: &Path, limit: Duration) -> Result<Ended, String> {
    let watch = Stopwatch::start();
    let shown = display(&command);
    let mut sink =
        Sink::new(screen, log, &shown).map_err(|error| format!("cannot write {}: {error}", log.display()))?;

    // Both streams through one pipe, so that lines keep their order.
    let (output, input) = io::pipe().map_err(|error| format!("cannot open a pipe: {error}"))?;
    let second = input.try_clone().map_err(|error| format!("cannot open a pipe: {error}"))?;
    command.stdin(Stdio::null()).stdout(input).stderr(second);
    let mut child = command.spawn().map_err(|error| format!("cannot start `{shown}`: {error}"))?;
    // The command holds our ends of the pipe; while it lives, the output never ends.
    drop(command);
    let chunks = read_in_background(output);

    let mut status = None;
    let mut timed_out = false;
    loop {
        match chunks.recv_timeout(if status.is_some() { SILENCE } else { Duration::from_millis(100) }) {
            Ok(chunk) => {
                sink.take(&chunk).map_err(|error| format!("cannot write {}: {error}", log.display()))?
            }
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) if status.is_some() => {
                eprintln!("something that `{shown}` started is still running");
                break;
            }
            Err(RecvTimeoutError::Timeout) => {
                status = child.try_wait().map_err(|error| format!("cannot wait for `{shown}`: {error}"))?;
            }
        }
        if !timed_out && status.is_none() && watch.read().0 > limit.as_secs_f64() {
            timed_out = true;
            eprintln!("taking longer than {} s, killed", limit.as_secs());
            kill_tree(child.id());
        }
    }
    let status = child.wait().map_err(|error| format!("cannot wait for `{shown}`: {error}"))?;
    Ok(Ended { success: status.success(), timed_out, tally: sink.finish(), time: watch.read() })
}

/// The screen, the log and the tally.
struct Sink<S> {
    screen: S,
    log: File,
    tally: Tally,
    line: Vec<u8>,
}

impl<S: Write> Sink<S> {
    fn new(screen: S, log: &Path, title: &str) -> io::Result<Self> {
        let mut log = File::create(log)?;
        writeln!(log, "$ {title}")?;
        Ok(Self { screen, log, tally: Tally::default(), line: Vec::new() })
    }

    fn take(&mut self, chunk: &[u8]) -> io::Result<()> {
        self.screen.write_all(chunk)?;
        self.screen.flush()?;
        self.log.write_all(chunk)?;
        for byte in chunk {
            if *byte == b'\n' {
                self.tally.line(String::from_utf8_lossy(&self.line).trim_end_matches('\r'));
                self.line.clear();
            } else {
                self.line.push(*byte);
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Tally {
        self.tally.line(&String::from_utf8_lossy(&self.line));
        self.tally
    }
}

fn read_in_background(mut output: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (sender, chunks) = mpsc::channel();
    thread::spawn(move || {
        let mut chunk = [0_u8; 8192];
        loop {
            match output.read(&mut chunk) {
                Ok(0) => return,
                Ok(length) => {
                    let bytes = chunk.get(..length).unwrap_or_default().to_vec();
                    if sender.send(bytes).is_err() {
                        return;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return,
            }
        }
    });
    chunks
}

/// The process and its descendants. Cargo does not hand a signal on to the test it runs, and a process group of our own
/// would take Ctrl-C away from the terminal.
fn kill_tree(pid: u32) {
    let mut doomed = vec![pid];
    let parents = parents();
    let mut next = 0;
    while let Some(parent) = doomed.get(next).copied() {
        doomed.extend(parents.iter().filter(|(_, of)| **of == parent).map(|(child, _)| *child));
        next += 1;
    }
    let _ = Command::new("kill").arg("-KILL").args(doomed.iter().map(u32::to_string)).status();
}

/// Process → its parent.
fn parents() -> BTreeMap<u32, u32> {
    let Ok(processes) = fs::read_dir("/proc") else { return BTreeMap::new() };
    processes
        .filter_map(|entry| {
            let pid = entry.ok()?.file_name().to_str()?.parse().ok()?;
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
            // proc(5): pid (comm) state ppid; the name may hold spaces and parentheses.
            let parent = stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()?;
            Some((pid, parent))
        })
        .collect()
}

fn display(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let words = std::iter::once(program).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// Run without showing anything unless it fails.
///
/// # Errors
/// The last lines of what it printed.
pub fn run_quietly(mut command: Command) -> Result<(), String> {
    let shown = display(&command);
    let output = command.output().map_err(|error| format!("`{shown}`: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr);
    let last = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("no message");
    Err(format!("`{shown}` failed: {}", last.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    fn log(name: &str) -> std::path::PathBuf {
        std::env::temp_dir().join(format!("sensai-xtask-{}-{name}.log", std::process::id()))
    }

    #[test]
    fn both_streams_are_counted_and_logged() {
        let log = log("streams");
        let command =
            shell("echo 'test result: ok. 3 passed; 0 failed; 0 ignored'; echo 'skipped: x (y)' >&2; exit 1");
        let ended = run_on(io::sink(), command, &log, Duration::from_secs(20)).expect("sh starts");
        assert!(!ended.success && !ended.timed_out);
        assert_eq!((ended.tally.passed, ended.tally.skipped), (3, 1));
        let text = fs::read_to_string(&log).expect("the log was written");
        assert!(text.contains("3 passed") && text.contains("skipped: x"), "{text}");
        let _ = fs::remove_file(log);
    }

    #[test]
    fn a_hanging_grandchild_is_killed() {
        let log = log("hang");
        let ended = run_on(
            io::sink(),
            shell("sh -c 'sleep 100; echo no'; echo no"),
            &log,
            Duration::from_millis(300),
        );
        let ended = ended.expect("sh starts");
        assert!(ended.timed_out && !ended.success);
        assert!(ended.time.0 < 20.0, "{}", ended.time);
        let _ = fs::remove_file(log);
    }

    #[test]
    fn a_process_left_behind_does_not_hold_us() {
        let log = log("left");
        let ended =
            run_on(io::sink(), shell("sleep 30 & echo $! >&2; echo done"), &log, Duration::from_secs(20))
                .expect("sh starts");
        assert!(ended.success && !ended.timed_out);
        assert!(ended.time.0 < 15.0, "{}", ended.time);
        let text = fs::read_to_string(&log).expect("the log was written");
        let left = text.lines().nth(1).expect("sh printed the process id");
        run_quietly(shell(&format!("kill {left}"))).expect("it was still running");
        let _ = fs::remove_file(log);
    }

    #[test]
    fn a_missing_program_is_named() {
        let error =
            run_on(io::sink(), Command::new("sensai-no-such-tool"), &log("missing"), Duration::from_secs(1))
                .err();
        assert!(error.is_some_and(|text| text.contains("sensai-no-such-tool")));
        let error = run_quietly(shell("echo first >&2; echo last >&2; exit 3")).expect_err("it exits with 3");
        assert!(error.ends_with("failed: last"), "{error}");
    }
}
