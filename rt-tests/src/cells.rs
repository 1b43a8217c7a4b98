//! Cells to try things on: copies of the press example in folders of their own, and what a run of one reports.

use crate::{
    harness::{Output, Profile, RUN_LIMIT, example, output_of, sensai_command},
    namespace::Namespace,
};
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// A folder that is gone when this is dropped.
#[derive(Debug)]
pub struct Scratch(tempfile::TempDir);

impl Scratch {
    /// A fresh one.
    ///
    /// # Panics
    /// The temporary folder cannot be written to.
    #[track_caller]
    pub fn new() -> Self {
        Self(
            tempfile::Builder::new()
                .prefix("sensai-test-")
                .tempdir()
                .expect("a temporary folder can be made"),
        )
    }

    /// A path in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Write a file into it.
    ///
    /// # Panics
    /// It cannot be written.
    #[track_caller]
    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a file is in a folder")).expect("a folder can be made");
        fs::write(&path, bytes).expect("a file can be written");
        path
    }
}

impl Drop for Scratch {
    /// Memory that killed runs have left for the next start of their logs, which will not come.
    fn drop(&mut self) {
        let Ok(folder) = self.0.path().canonicalize() else { return };
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let _ = fs::remove_file(sensai_log::ring::path_for(&folder.join(entry.file_name()), None));
        }
    }
}

impl Default for Scratch {
    fn default() -> Self {
        Self::new()
    }
}

/// A copy of the press example.
#[derive(Debug)]
pub struct PressCell(Scratch);

/// Its program, inside the cell.
pub const PROGRAM: &str = "programs/press.rhai";

impl PressCell {
    /// As it is in `examples/`.
    ///
    /// # Panics
    /// The example is not there.
    #[track_caller]
    pub fn new() -> Self {
        let cell = Self(Scratch::new());
        for file in ["cell.toml", PROGRAM] {
            let bytes = fs::read(example("pneumatic-press").join(file)).expect("the example is there");
            cell.0.write(&format!("pneumatic-press/{file}"), bytes);
        }
        cell
    }

    /// The cell's directory.
    pub fn directory(&self) -> PathBuf {
        self.0.path("pneumatic-press")
    }

    /// A file beside the cell, such as a log.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.0.path(name)
    }

    /// Replace the first `from` in a file of the cell.
    ///
    /// # Panics
    /// It does not stand there: the example has changed, and the test has to follow.
    #[must_use]
    #[track_caller]
    pub fn with(self, file: &str, from: &str, to: &str) -> Self {
        let path = self.directory().join(file);
        let text = fs::read_to_string(&path).expect("the file is there");
        assert!(text.contains(from), "`{from}` does not stand in {file}");
        fs::write(path, text.replacen(from, to, 1)).expect("the copy can be written");
        self
    }

    /// Another program.
    #[must_use]
    #[track_caller]
    pub fn with_program(self, text: &str) -> Self {
        self.0.write(&format!("pneumatic-press/{PROGRAM}"), text);
        self
    }
}

impl Default for PressCell {
    fn default() -> Self {
        Self::new()
    }
}

/// `sensai run --json`: how it ended, and what it printed.
#[derive(Clone, Debug)]
pub struct Run {
    /// Exit code and texts.
    pub output: Output,
    /// The summary; `Null` if there is none.
    pub summary: Value,
}

impl Run {
    /// Of a command that includes `--json`.
    ///
    /// # Panics
    /// It takes too long, or prints something else than one JSON document.
    #[track_caller]
    pub fn of(command: &mut Command) -> Self {
        Self::from(output_of(command, RUN_LIMIT))
    }

    /// Of the embedded segment.
    ///
    /// # Panics
    /// As [`Run::of`].
    #[track_caller]
    pub fn embedded(cell: &Path, options: &[&str]) -> Self {
        let mut command = sensai_command(Profile::Release);
        Self::of(command.arg("run").arg(cell).args(options).arg("--json"))
    }

    /// A number of the summary, by its JSON pointer such as `/exchange/lost`.
    ///
    /// # Panics
    /// There is none.
    #[track_caller]
    pub fn number(&self, pointer: &str) -> u64 {
        let found = self.summary.pointer(pointer).and_then(Value::as_u64);
        found.unwrap_or_else(|| panic!("no number {pointer} in\n{:#}\n{}", self.summary, self.output.stderr))
    }

    /// A text of the summary; empty if there is none.
    pub fn text(&self, pointer: &str) -> &str {
        self.summary.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    /// The last value of a memory tag.
    ///
    /// # Panics
    /// There is no such tag, or it is no number.
    #[track_caller]
    pub fn memory(&self, tag: &str) -> f64 {
        let pairs = self.summary["memory"].as_array().into_iter().flatten();
        let found = pairs.filter(|pair| pair[0] == tag).find_map(|pair| pair[1].as_str()?.parse().ok());
        found.unwrap_or_else(|| panic!("no memory tag {tag} in\n{:#}", self.summary))
    }

    /// `F301 at programs/press.rhai:12:3`, or empty.
    pub fn fault(&self) -> String {
        let (id, place) = (self.text("/fault/id"), self.text("/fault/place"));
        if place.is_empty() { id.to_owned() } else { format!("{id} at {place}") }
    }

    /// All that the cyclic thread may not do after warm-up was not done.
    ///
    /// # Panics
    /// It was.
    #[track_caller]
    pub fn assert_quiet(&self) {
        let quiet = [
            "/allocations/rust",
            "/allocations/c",
            "/allocations/frees",
            "/page_faults/minor",
            "/page_faults/major",
        ];
        for pointer in quiet {
            assert_eq!(self.number(pointer), 0, "{pointer}\n{:#}\n{}", self.summary, self.output.stderr);
        }
    }

    /// The exchange had no loss of any kind.
    ///
    /// # Panics
    /// It had.
    #[track_caller]
    pub fn assert_lossless(&self) {
        for pointer in ["/exchange/lost", "/exchange/invalid", "/exchange/late", "/exchange/stray"] {
            assert_eq!(self.number(pointer), 0, "{pointer}\n{:#}\n{}", self.summary, self.output.stderr);
        }
    }
}

impl From<Output> for Run {
    #[track_caller]
    fn from(output: Output) -> Self {
        let summary = match output.stdout.trim() {
            "" => Value::Null,
            text => serde_json::from_str(text).unwrap_or_else(|error| panic!("not JSON: {error}\n{text}")),
        };
        Self { output, summary }
    }
}

/// `sensai sim` of a cell on the segment's end of a namespace, ready to answer.
#[derive(Debug)]
pub struct Simulator(pub crate::harness::Running);

impl Simulator {
    /// Start it and wait until it listens.
    ///
    /// # Panics
    /// It ends, or does not listen within seconds.
    #[track_caller]
    pub fn start(namespace: &Namespace, cell: &Path, options: &[&str]) -> Self {
        Self::serve(namespace, namespace.sensai(&["sim"]).arg(cell).args(options))
    }

    /// The same for devices with these EEPROM images.
    ///
    /// # Panics
    /// As [`Simulator::start`].
    #[track_caller]
    pub fn of_images(namespace: &Namespace, images: &[PathBuf]) -> Self {
        Self::serve(namespace, namespace.sensai(&["sim", "--sii"]).args(images))
    }

    #[track_caller]
    fn serve(namespace: &Namespace, command: &mut Command) -> Self {
        command.args(["--interface", Namespace::SEGMENT]);
        let silent = std::process::Stdio::null;
        command.stdin(silent()).stdout(silent()).stderr(silent());
        let mut running = crate::harness::Running::start(command);
        let listens = crate::clock::wait_for(std::time::Duration::from_secs(10), || {
            let ended = running.0.try_wait().expect("a child can be waited for");
            assert_eq!(ended, None, "the simulator ended before anybody asked it anything");
            namespace.has_packet_socket(Namespace::SEGMENT).then_some(())
        });
        assert!(listens.is_some(), "the simulator does not listen");
        Self(running)
    }

    /// Put it ahead of everything that is not real time: devices of their own do not wait for this computer's load.
    /// Where that is not allowed it goes on as it is.
    #[must_use]
    pub fn ahead_of_load(self) -> Self {
        let process = self.0.0.id().to_string();
        let _ = Command::new("chrt").args(["--fifo", "--pid", "20", &process]).output();
        self
    }
}
