//! The state of programs for whoever asks: copied out with a snapshot, and what its bytes are.
//!
//! The copy is made only while somebody wants it, no more often than snapshots are published, and of so many bytes at most
//! ([`STATES_MAX`]). What the bytes are depends on the programs that run, and those on the machine's *edition*: whoever
//! brings an edition up, the set-up or a reload, announces it before its first cycle ([`Editions`]).

use crate::{control::server::hex_sha256, machine::Machine};
use sensai_model::Cell;
use sensai_scripts::Layout;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

/// Bytes of states that one snapshot has room for. What is beyond is not shown.
pub const STATES_MAX: usize = 64 << 10;

/// Editions that are remembered: what runs, what a reload on its way would bring, and what its undo would.
const EDITIONS_MAX: usize = 8;

/// The states of all programs after one cycle.
#[derive(Clone, Debug)]
pub struct States {
    /// Which cycle; 0 if nothing was copied.
    pub cycle: u64,
    /// Edition of the programs.
    pub edition: u32,
    bytes: Box<[u8]>,
    /// By the programs' global index: where the state ends.
    ends: Box<[usize]>,
}

impl States {
    /// Room for the states of so many programs.
    pub fn of(programs: usize) -> Self {
        Self {
            cycle: 0,
            edition: 0,
            bytes: vec![0; if programs > 0 { STATES_MAX } else { 0 }].into(),
            ends: vec![0; programs].into(),
        }
    }

    /// Copy what there is room for. No allocation, no lock, no wait.
    pub fn copy(&mut self, machine: &Machine, cycle: u64) {
        (self.cycle, self.edition) = (cycle, machine.edition());
        let mut at = 0;
        for (end, program) in self.ends.iter_mut().zip(machine.programs()) {
            let state = program.state();
            let place = self.bytes.get_mut(at..).unwrap_or_default();
            let len = state.len().min(place.len());
            if let (Some(place), Some(state)) = (place.get_mut(..len), state.get(..len)) {
                place.copy_from_slice(state);
            }
            at += len;
            *end = at;
        }
    }

    /// The state of a program, as much of it as was copied.
    pub fn program(&self, index: usize) -> &[u8] {
        let start = index.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        let end = self.ends.get(index).copied().unwrap_or(start);
        self.bytes.get(start..end).unwrap_or_default()
    }
}

/// A program of an edition.
#[derive(Clone, Debug, PartialEq)]
pub struct ProgramFacts {
    /// Name.
    pub name: String,
    /// Path of its text.
    pub path: String,
    /// SHA-256 of its text, hexadecimal.
    pub sha256: String,
    /// The same of the libraries that it imports, by path.
    pub libraries: BTreeMap<String, String>,
    /// What its state is.
    pub layout: Layout,
}

/// What runs in each edition. Nobody who runs cycles looks here.
#[derive(Clone, Debug, Default)]
pub struct Editions(Arc<Mutex<BTreeMap<u32, Arc<[ProgramFacts]>>>>);

impl Editions {
    /// Say what runs in an edition: the programs of `cell`, with these layouts, by global index.
    pub fn announce<'l>(&self, edition: u32, cell: &Cell, layouts: impl Iterator<Item = &'l Layout>) {
        let facts = cell.programs().zip(layouts).map(|((_, program), layout)| ProgramFacts {
            name: program.name.clone(),
            path: program.path.clone(),
            sha256: hex_sha256(program.text.as_bytes()),
            libraries: program
                .libraries
                .iter()
                .map(|library| (library.path.clone(), hex_sha256(library.text.as_bytes())))
                .collect(),
            layout: layout.clone(),
        });
        let facts = facts.collect();
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(edition, facts);
        while all.len() > EDITIONS_MAX {
            all.pop_first();
        }
    }

    /// What runs in an edition.
    pub fn of(&self, edition: u32) -> Option<Arc<[ProgramFacts]>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&edition).cloned()
    }
}
