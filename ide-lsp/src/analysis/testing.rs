//! Cells in memory for the tests of the features: `$0` marks the place in question.

use super::{CELL_FILE, Location, Place, Snapshot};
use crate::host::{Host, Loaded, Read, Side, Subject};
use sensai_model::{
    Cell,
    cell::{Library, ProgramSource},
    config::{self, Finding},
};
use sensai_scripts::{
    Analysed,
    lints::{Member, across},
};
use std::{collections::BTreeMap, sync::Arc};

/// The cell that programs of tests belong to.
pub const CELL: &str = r#"[cell]
name = "test"

[devices]
inputs = { type = "EL1008" }
outputs = { type = "EL2008" }

[tags]
start = { input = "inputs.channel_1", description = "the button" }
lamp.green = { output = "outputs.channel_1" }
lamp.red = { output = "outputs.channel_2" }
count = { type = "i64" }
force = { type = "f64", unit = "N", range = [0.0, 500.0] }
levels = { type = "f64", array = 4, unit = "mm" }

[parameters]
depth = { default = 4.0, range = [0.0, 10.0], unit = "mm", description = "how deep" }
batch = { default = 3, range = [1, 9] }

[operator]
start = "start"

[tasks.main]
interval = "1ms"
priority = 80
programs = ["programs/main.rhai"]
"#;

/// A model that cells of tests may have.
pub const MODEL: &str = "[models.m]\nfile = \"models/m.onnx\"\ninputs = [\"force\"]\n";

/// Its description.
pub const DESCRIPTION: &str = r#"sha256 = "1b465fa6b6bcbc06a3199e3d2d8aec35d37494a712f888b6d5536684dd89d0f0"
threshold = 0.5

[[inputs]]
name = "curve"
shape = [1, 1]
unit = "N"

[[outputs]]
name = "score"
shape = [1, 1]
"#;

/// A library that programs of tests may import.
pub const TOOLS: &str = "/// @param x i64\nfn twice(x) { x * 2 }\n";

/// What the binary does, without what only it can.
pub struct Rules;

impl Host for Rules {
    fn load(&self, read: &Read<'_>) -> Loaded {
        let report = config::load(read);
        let cell = report.cell.map(Arc::new);
        let subjects = |cell: &Arc<Cell>| {
            let mut programs = Vec::new();
            for task in cell.tasks() {
                for source in &task.programs {
                    programs.push(Arc::new(Subject {
                        source: source.clone(),
                        task: task.name.clone(),
                        interval_ns: task.interval_ns,
                        tier: task.tier,
                        index: programs.len() as u16,
                        side: Side::Controller { limits: task.limits },
                    }));
                }
            }
            programs
        };
        let programs = cell.as_ref().map(subjects).unwrap_or_default();
        Loaded { cell, findings: report.findings, programs }
    }

    fn attach(&self, program: &mut ProgramSource, read: &Read<'_>) {
        let library = |name: String| {
            let path = format!("lib/{name}.rhai");
            let text: Arc<str> = String::from_utf8(read(&path).ok()?).ok()?.into();
            Some(Library { name, path, text })
        };
        program.libraries = sensai_scripts::imports(&program.text).into_iter().filter_map(library).collect();
    }

    fn across(&self, cell: &Cell, programs: &[(&Subject, &Analysed)]) -> Vec<Finding> {
        let members: Option<Vec<Member<'_>>> = programs
            .iter()
            .map(|(subject, analysed)| {
                Some(Member { hir: analysed.hir.as_ref()?, task: 0, task_name: &subject.task })
            })
            .collect();
        let found = members.map(|members| across(&members, &cell.tags, &cell.axes)).unwrap_or_default();
        assert!(found.is_empty(), "the cells of these tests have one program");
        Vec::new()
    }

    fn ns_per_unit(&self) -> Option<f64> {
        Some(2.0)
    }
}

/// A cell with its files.
pub struct Fixture {
    /// It, looked at.
    pub snapshot: Snapshot,
}

impl Fixture {
    /// With a text of the program; further files behind lines `//- path`.
    pub fn new(text: &str) -> Self {
        let mut files: BTreeMap<String, String> = BTreeMap::new();
        files.insert(CELL_FILE.into(), CELL.into());
        files.insert("lib/tools.rhai".into(), TOOLS.into());
        let mut path = "programs/main.rhai".to_owned();
        files.insert(path.clone(), String::new());
        for line in text.split_inclusive('\n') {
            match line.strip_prefix("//- ") {
                Some(name) => {
                    path = name.trim().to_owned();
                    files.insert(path.clone(), String::new());
                }
                None => files.entry(path.clone()).or_default().push_str(line),
            }
        }
        Self::of(files)
    }

    /// Of these files.
    pub fn of(files: BTreeMap<String, String>) -> Self {
        let files = files.into_iter().map(|(path, text)| (path, text.into_bytes())).collect();
        Self { snapshot: Snapshot::of_files(&Rules, &files) }
    }

    /// The same, with the place of `$0`.
    pub fn with_cursor(text: &str) -> (Self, Place) {
        let fixture = Self::new(text);
        let (path, at) = fixture
            .snapshot
            .texts
            .iter()
            .find_map(|(path, text)| Some((path.clone(), text.find("$0")?)))
            .expect("a `$0` in the text");
        let files = fixture.snapshot.texts.iter();
        let files = files.map(|(path, text)| (path.clone(), text.replacen("$0", "", 1)));
        (Self::of(files.collect()), Place { path, at })
    }

    /// A cell with the model `m`, and the place of `$0` in a text: behind `//- more` at the end of its `cell.toml`, else behind
    /// `//- path`. While the text is wrong, the cell is shown as it was last.
    pub fn with_model(text: &str) -> (Self, Place) {
        let program = "fn init() { #{ x: 0 } }\nfn cycle() { this.x += 1; }\n";
        let files = format!(
            "{program}//- models/m.onnx\nweights\n//- models/m.toml\n{DESCRIPTION}//- cell.toml\n{CELL}\n{MODEL}"
        );
        let text = text.strip_prefix("//- more\n").unwrap_or(text);
        let (mut fixture, place) = Self::with_cursor(&format!("{files}{text}"));
        if fixture.snapshot.loaded.cell.is_none() {
            let findings = std::mem::take(&mut fixture.snapshot.loaded.findings);
            fixture.snapshot.loaded = Loaded { findings, ..Self::new(&files).snapshot.loaded };
        }
        (fixture, place)
    }

    /// Path, line, column and text of a place.
    pub fn show(&self, at: &Location) -> String {
        let text = self.snapshot.text(&at.path).unwrap_or_default();
        let before = &text[..at.start];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        format!("{}:{line}:{column} {}", at.path, &text[at.range()])
    }
}
