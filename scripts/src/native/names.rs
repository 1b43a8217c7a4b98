//! Texts as compiled programs keep them, and those that the runtime says.

use crate::layout::{SYMBOL_CAPACITY, SYMBOL_SIZE};
use sensai_model::packml::{Mode, State};
use sensai_stdlib::registry::handle::AXIS_STATES;

/// A text in memory: its length, its bytes, zeros.
pub(super) type SymbolBytes = [u8; SYMBOL_SIZE as usize];

/// `None`: it is too long to be kept.
pub(super) fn symbol_bytes(text: &str) -> Option<SymbolBytes> {
    let mut bytes = [0; SYMBOL_SIZE as usize];
    if text.len() > SYMBOL_CAPACITY {
        return None;
    }
    let (len, rest) = bytes.split_first_mut()?;
    *len = text.len() as u8;
    rest.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
    Some(bytes)
}

/// Texts of `sys.mode`, `sys.state` and `axis.state`.
#[derive(Debug)]
pub(super) struct Names {
    modes: Box<[SymbolBytes]>,
    states: Box<[SymbolBytes]>,
    axis_states: Box<[SymbolBytes]>,
    none: SymbolBytes,
}

impl Names {
    pub fn new() -> Self {
        let all = |texts: &mut dyn Iterator<Item = &str>| -> Box<[SymbolBytes]> {
            texts.map(|text| symbol_bytes(text).unwrap_or([0; SYMBOL_SIZE as usize])).collect()
        };
        Self {
            modes: all(&mut Mode::ALL.iter().map(|mode| mode.name())),
            states: all(&mut State::ALL.iter().map(|state| state.name())),
            axis_states: all(&mut AXIS_STATES.iter().copied()),
            none: [0; SYMBOL_SIZE as usize],
        }
    }

    pub fn mode(&self, mode: Mode) -> &SymbolBytes {
        let place = Mode::ALL.iter().position(|one| *one == mode);
        place.and_then(|place| self.modes.get(place)).unwrap_or(&self.none)
    }

    pub fn state(&self, state: State) -> &SymbolBytes {
        let place = State::ALL.iter().position(|one| *one == state);
        place.and_then(|place| self.states.get(place)).unwrap_or(&self.none)
    }

    pub fn axis_state(&self, name: &str) -> &SymbolBytes {
        let place = AXIS_STATES.iter().position(|one| *one == name);
        place.and_then(|place| self.axis_states.get(place)).unwrap_or(&self.none)
    }
}
