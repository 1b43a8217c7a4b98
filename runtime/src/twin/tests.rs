//! Small cells in memory, their twins stepped by hand.

mod host;
mod servo_press;

use super::{Failure, connect};
use crate::source::{Files, Source};
use sensai_fieldbus::{Plant, Shaft};
use sensai_model::{Cell, Tag, Value};
use std::sync::Arc;

/// `cell.toml` of the servo press.
const CELL: &str = include_str!("tests/cell.toml");

/// The cell with this twin, checked.
fn source(toml: &str, twin: &[(&str, &str)]) -> Source {
    let program = "fn init() { #{ n: 0 } }\nfn cycle() { this.n += 1; io.strokes = this.n; }\n";
    let mut files = Files::new();
    files.insert("cell.toml".into(), toml.into());
    files.insert("programs/main.rhai".into(), program.into());
    for (path, text) in twin {
        files.insert((*path).into(), (*text).into());
    }
    Source::read(|path| files.get(path).cloned().ok_or_else(|| "it is not there".into()))
}

#[track_caller]
pub(super) fn cell(twin: &str) -> Cell {
    let source = source(CELL, &[("twin/press.rhai", twin)]);
    let shown = source.render(false);
    Cell::clone(&source.cell.unwrap_or_else(|| panic!("{shown}")))
}

/// A twin between images that a test sets and looks at, with shafts that the test turns.
struct Rig {
    cell: Cell,
    plant: Box<dyn Plant>,
    failure: Arc<Failure>,
    outputs: Vec<u8>,
    inputs: Vec<u8>,
    shafts: Vec<Shaft>,
    now_ns: u64,
}

impl Rig {
    #[track_caller]
    fn new(cell: Cell) -> Self {
        let (plant, failure) = connect(&cell).unwrap_or_else(|error| panic!("{error:#}"));
        let (outputs, inputs) = (vec![0; cell.image.outputs], vec![0; cell.image.inputs]);
        Self { plant, failure, outputs, inputs, shafts: vec![Shaft::default(); 2], now_ns: 5_000_000, cell }
    }

    fn tag(&self, name: &str) -> Tag {
        self.cell.tag(name).unwrap_or_else(|| panic!("no tag {name}")).clone()
    }

    fn drive(&mut self, name: &str, value: bool) {
        let tag = self.tag(name);
        tag.encode(&tag.fields[0], Value::Bool(value), &mut self.outputs);
    }

    fn number(&self, name: &str) -> f64 {
        let tag = self.tag(name);
        match tag.decode(&tag.fields[0], &self.inputs) {
            Some(Value::F64(number)) => number,
            other => panic!("{name} is {other:?}"),
        }
    }

    fn flag(&self, name: &str) -> bool {
        let tag = self.tag(name);
        tag.decode(&tag.fields[0], &self.inputs) == Some(Value::Bool(true))
    }

    /// Steps of 100 µs, as the segment makes them.
    fn step(&mut self, steps: u32) {
        for _ in 0..steps {
            self.now_ns += 100_000;
            self.plant.step(self.now_ns, &self.outputs, &mut self.inputs, &mut self.shafts);
        }
    }

    /// Milliseconds.
    fn run(&mut self, ms: u32) {
        self.step(10 * ms);
    }
}
