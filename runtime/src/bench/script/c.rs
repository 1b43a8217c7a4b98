//! The programs in C, as compilers from Structured Text write them: built when they are measured, and run by a process of
//! their own that takes orders.

use super::{
    cases::{CYCLES, Case, Pin},
    reference::INTERVAL_NS,
    subject::{Pass, Subject, Work},
};
use anyhow::Context;
use sensai_model::ScalarType;
use std::{
    fmt::Write as _,
    fs,
    io::{BufRead, BufReader, Write as _},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

const HEADER: &str = include_str!("../../../../rt-tests/benches/script/iec.h");
const HARNESS: &str = include_str!("../../../../rt-tests/benches/script/harness.c");

/// What the compiler is told beside its level: no fused operations, since no other column has them. A program does not use
/// all function blocks of the header.
const OPTIONS: [&str; 5] = ["-std=c11", "-Wall", "-Werror", "-Wno-unused-function", "-ffp-contract=off"];

/// The compiler and its version; `None` if there is none.
pub fn compiler() -> Option<String> {
    let output = Command::new("gcc").arg("--version").output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().next().filter(|_| output.status.success()).map(str::to_owned)
}

/// A process that runs a program over its stream.
pub struct Process {
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Process {
    /// Build the program of a case at this level (`-O2`), in a directory, and start it.
    ///
    /// # Errors
    /// If the compiler refuses it, or the process does not start.
    pub fn start(case: &Case, level: &str, directory: &Path) -> anyhow::Result<Self> {
        let stream: Vec<u8> = case.stream.iter().flat_map(|word| word.to_ne_bytes()).collect();
        let image = image(case);
        let files = [
            ("iec.h", HEADER.as_bytes()),
            ("image.h", image.as_bytes()),
            ("harness.c", HARNESS.as_bytes()),
            ("program.c", case.c.as_bytes()),
            ("stream", &stream),
        ];
        for (name, bytes) in files {
            let file = directory.join(name);
            fs::write(&file, bytes).with_context(|| format!("cannot write {}", file.display()))?;
        }
        let binary = directory.join(format!("program{level}"));
        let mut command = Command::new("gcc");
        command.current_dir(directory).args(OPTIONS).arg(level);
        command.args(["program.c", "harness.c", "-o"]).arg(&binary).arg("-lm");
        let built = command.output().context("cannot run gcc")?;
        anyhow::ensure!(
            built.status.success(),
            "gcc refuses {}.c:\n{}",
            case.name,
            String::from_utf8_lossy(&built.stderr)
        );
        let mut command = Command::new(&binary);
        command.arg(directory.join("stream")).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("cannot start {}", binary.display()))?;
        let (orders, answers) = child.stdin.take().zip(child.stdout.take()).context("no pipes")?;
        Ok(Self { child, orders, answers: BufReader::new(answers) })
    }
}

impl Subject for Process {
    fn run(&mut self, work: Work, passes: u32) -> anyhow::Result<Pass> {
        let word = match work {
            Work::Whole => "run",
            Work::Copies => "copy",
        };
        writeln!(self.orders, "{word} {passes}")?;
        self.orders.flush()?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        let mut numbers = line.split_whitespace().map(str::parse::<u64>);
        match (numbers.next(), numbers.next()) {
            (Some(Ok(ns)), Some(Ok(checksum))) => Ok(Pass { ns, checksum, allocations: 0 }),
            _ => {
                let status = self.child.wait()?;
                anyhow::bail!("the program in C ended with {status}")
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It waits for orders; that there are none any more it sees only when its standard input is closed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the harness has to know of a case.
fn image(case: &Case) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "#define CYCLES {CYCLES}");
    let _ = writeln!(text, "#define INTERVAL_NS {INTERVAL_NS}");
    let _ = writeln!(text, "#define INTERVAL_S {:e}", sensai_stdlib::time::step_seconds(INTERVAL_NS));
    let _ = writeln!(text, "#define INPUT_COUNT {}", case.inputs.len());
    for (name, pins) in [("INPUTS", &case.inputs), ("OUTPUTS", &case.outputs)] {
        let _ = write!(text, "#define {name}(EACH_)");
        for Pin { name, scalar } in pins {
            let of = match scalar {
                ScalarType::Bool => "BOOL",
                ScalarType::I64 => "LINT",
                ScalarType::F64 => "LREAL",
            };
            let _ = write!(text, " EACH_({of}, {})", name.to_uppercase());
        }
        text.push('\n');
    }
    for (name, table) in [("TAN", &case.tan), ("EXPM1", &case.expm1)] {
        let _ = write!(text, "static const LREAL {name}[][2] = {{");
        for (argument, value) in table {
            let _ = write!(text, " {{ {argument:e}, {value:e} }},");
        }
        // A program that calls neither has no table to look into.
        text.push_str(" { 0.0, 0.0 } };\n");
    }
    text
}
