//! The cell as a twin sees it: directions turned round, shafts, parameters.

use super::{is_on_the_wires, shaft::ShaftPort};
use sensai_model::{
    Cell, ScalarType, Tag, TagKind, TagStore, Value,
    cell::{Limits, Parameter},
    tag::Overflow,
};
use sensai_scripts::{Reach, Role, ScriptEnvironment};

/// Operations that a run of a twin may take at least: it is no part of the machine's cycle time.
const OPERATIONS_MIN: u64 = 1_000_000;

/// What the programs of a twin are compiled against.
pub(super) struct Side {
    /// The cell's tags, those in memory included so that using one can be explained. Inputs of the cell are outputs here.
    pub tags: Vec<Tag>,
    /// What is behind `axis.`, in slots behind those of the tags.
    pub shafts: Vec<Tag>,
    /// Where the shafts are, in the order of their tags.
    pub ports: Vec<ShaftPort>,
    pub parameters: Vec<Parameter>,
    limits: Limits,
    seed: i64,
}

impl Side {
    pub fn new(cell: &Cell) -> Self {
        let seen = |tag: &&Tag| is_on_the_wires(tag.kind) || tag.kind == TagKind::Memory;
        let mut slot = 0;
        let tags: Vec<Tag> = cell.tags.iter().filter(seen).map(|tag| turn_round(tag, &mut slot)).collect();
        let (ports, shafts) = ShaftPort::all(cell, slot);
        let parameter = |(name, value): &(String, f64)| Parameter {
            name: name.clone(),
            scalar: ScalarType::F64,
            default: Value::F64(*value),
            range: None,
            unit: None,
            description: String::new(),
        };
        let limits = cell.task.limits;
        Self {
            tags,
            shafts,
            ports,
            parameters: cell.simulation.parameters.iter().map(parameter).collect(),
            limits: Limits { operations: limits.operations.max(OPERATIONS_MIN), ..limits },
            seed: cell.simulation.seed.cast_signed(),
        }
    }

    /// For the twin's program at `index`.
    pub fn environment(&self, index: usize) -> ScriptEnvironment<'_> {
        ScriptEnvironment {
            tags: &self.tags,
            parameters: &self.parameters,
            limits: self.limits,
            program_index: index as u16,
            role: Role::Twin { seed: self.seed, shafts: &self.shafts },
            reach: Reach::default(),
        }
    }

    /// Room for all of them.
    pub fn store(&self) -> TagStore {
        let all: Vec<Tag> = self.tags.iter().chain(&self.shafts).cloned().collect();
        TagStore::new(&all)
    }

    /// A tag as scripts write it, by its index behind the compiler's.
    pub fn name(&self, index: u32) -> Option<String> {
        let index = index as usize;
        let shaft = || self.shafts.get(index - self.tags.len()).map(|tag| format!("axis.{}", tag.name));
        self.tags.get(index).map(|tag| format!("io.{}", tag.name)).or_else(shaft)
    }

    /// The simulated drive that a tag is bound to, if it is one.
    pub fn drive_of<'a>(&self, cell: &'a Cell, index: u32) -> Option<&'a str> {
        let tag = self.tags.get(index as usize)?;
        let drives = cell.devices.iter().filter(|device| super::shaft::is_drive(device));
        let mut drives = drives.map(|device| device.name.as_str());
        drives.find(|name| tag.bindings.iter().any(|binding| binding.split('.').next() == Some(name)))
    }
}

/// The same tag from the machine's side, in the next free slot.
fn turn_round(tag: &Tag, slot: &mut u32) -> Tag {
    let kind = match tag.kind {
        TagKind::Input => TagKind::Output,
        TagKind::Output => TagKind::Input,
        other => other,
    };
    // What a device cannot show, it shows as its end of scale: the machine may go where the sensor does not see.
    let range = None;
    let turned = Tag { kind, range, overflow: Overflow::Saturate, slot: *slot, ..tag.clone() };
    *slot += tag.len();
    turned
}
