//! What changed last in the machine on the stand: the story that leads to a failed expectation.
//!
//! Bits, texts and states, not numbers: a position changes in every cycle and says little.

use crate::machine::Machine;
use sensai_model::{ScalarType, TagKind};
use sensai_scripts::{
    axis::state_name,
    layout::{Reading, Shape},
};
use serde::Serialize;
use std::{collections::VecDeque, ops::Range};

/// Changes that are remembered.
const KEPT: usize = 12;

/// One change.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    /// Virtual time at the end of the cycle, s.
    pub seconds: f64,
    /// As a test writes it.
    pub name: String,
    /// Before the cycle.
    pub before: String,
    /// After it.
    pub after: String,
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    watched: Vec<Watched>,
    last: VecDeque<Change>,
}

/// Something that is watched.
#[derive(Clone, Debug)]
struct Watched {
    name: String,
    what: What,
    /// [`What::key`] at the last look, and how it was shown.
    key: u64,
    text: String,
}

#[derive(Clone, Debug)]
enum What {
    Mode,
    Slot(u32),
    /// A symbol of the program's state: its bytes.
    Symbol(Range<usize>),
    UnitState(usize),
    AxisState(usize),
}

impl Changes {
    /// The last changes, oldest first.
    pub fn last(&self) -> impl Iterator<Item = &Change> {
        self.last.iter()
    }

    /// Compare with the last look.
    pub fn look(&mut self, machine: &Machine, program: usize, seconds: f64) {
        if self.watched.is_empty() {
            self.watched = watched(machine, program);
            return;
        }
        for watched in &mut self.watched {
            let key = watched.what.key(machine, program);
            if key != watched.key {
                watched.key = key;
                let after = watched.what.show(machine, program, &watched.name);
                let before = std::mem::replace(&mut watched.text, after.clone());
                self.last.push_back(Change { seconds, name: watched.name.clone(), before, after });
            }
        }
        while self.last.len() > KEPT {
            self.last.pop_front();
        }
    }
}

/// Everything there is to watch, as it is now.
fn watched(machine: &Machine, program: usize) -> Vec<Watched> {
    let mut all = vec![(What::Mode, "runtime".to_owned())];
    let cell = machine.cell();
    for tag in cell.tags.iter().filter(|tag| tag.scalar == ScalarType::Bool) {
        let root = if tag.kind == TagKind::Model { "" } else { "io." };
        for element in 0..tag.len() {
            let index = tag.array_len.map(|_| format!("[{element}]")).unwrap_or_default();
            all.push((What::Slot(tag.slot + element), format!("{root}{}{index}", tag.name)));
        }
    }
    if let Some(program) = machine.programs().get(program) {
        let texts = program.layout().leaves().into_iter().filter(|leaf| *leaf.shape == Shape::Symbol);
        let range = |at: usize| at..at + Shape::Symbol.size() as usize;
        all.extend(texts.map(|leaf| (What::Symbol(range(leaf.offset)), format!("this.{}", leaf.path))));
    }
    let units = cell.units.iter().enumerate();
    all.extend(units.map(|(index, unit)| (What::UnitState(index), format!("unit {}", unit.name))));
    let axes = cell.axes.iter().enumerate();
    all.extend(axes.map(|(index, axis)| (What::AxisState(index), format!("axis.{}.state", axis.name))));
    let now = |(what, name): (What, String)| Watched {
        key: what.key(machine, program),
        text: what.show(machine, program, &name),
        name,
        what,
    };
    all.into_iter().map(now).collect()
}

impl What {
    /// Equal keys: nothing changed.
    fn key(&self, machine: &Machine, program: usize) -> u64 {
        match self {
            Self::Mode => machine.mode() as u64,
            Self::Slot(slot) => machine.store().value(*slot).to_bits(),
            Self::Symbol(range) => {
                let state = machine.programs().get(program).map_or(&[][..], |program| program.state());
                twox_hash::XxHash3_64::oneshot(state.get(range.clone()).unwrap_or_default())
            }
            Self::UnitState(index) => {
                machine.units().states().get(*index).map_or(0, |unit| unit.state as u64)
            }
            Self::AxisState(index) => {
                machine.axes().facts().nth(*index).map_or(0, |facts| facts.state as u64)
            }
        }
    }

    fn show(&self, machine: &Machine, program: usize, name: &str) -> String {
        let quoted = |text: &str| format!("{text:?}");
        match self {
            Self::Mode => machine.mode().name().to_owned(),
            Self::Slot(slot) => machine.store().value(*slot).to_string(),
            Self::Symbol(_) => {
                let program = machine.programs().get(program);
                match program.and_then(|program| program.layout().read(program.state(), name)) {
                    Some(Reading::Symbol(symbol)) => quoted(&symbol),
                    _ => String::new(),
                }
            }
            Self::UnitState(index) => machine
                .units()
                .states()
                .get(*index)
                .map_or_else(String::new, |unit| quoted(unit.state.name())),
            Self::AxisState(index) => {
                let facts = machine.axes().facts().nth(*index);
                facts.map_or_else(String::new, |facts| quoted(state_name(facts.state)))
            }
        }
    }
}
