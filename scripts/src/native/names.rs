//! Texts as compiled programs keep them, and those that the runtime says.

use crate::{
    Reach,
    hir::NamedRequest,
    layout::{SYMBOL_CAPACITY, SYMBOL_SIZE},
};
use sensai_model::packml::{Mode, State};
use sensai_stdlib::registry::handle::AXIS_STATES;
use std::sync::Arc;

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

fn sorted<'a>(names: impl Iterator<Item = &'a str>) -> Box<[(Arc<str>, u16)]> {
    let mut all: Vec<(Arc<str>, u16)> = names.zip(0..).map(|(name, index)| (name.into(), index)).collect();
    all.sort();
    all.into()
}

/// All numbers up to the largest.
fn numbers(used: impl Iterator<Item = u8>) -> impl Iterator<Item = u8> {
    0..=used.max().unwrap_or(0)
}

/// Texts of `sys.mode`, `sys.state` and `axis.state`.
#[derive(Debug)]
pub(super) struct Names {
    /// By their numbers.
    modes: Box<[SymbolBytes]>,
    states: Box<[SymbolBytes]>,
    axis_states: Box<[SymbolBytes]>,
    none: SymbolBytes,
    /// Of the cell, each with its index, ascending by name.
    alarms: Box<[(Arc<str>, u16)]>,
    jidoka: Box<[(Arc<str>, u16)]>,
}

impl Names {
    pub fn new(reach: &Reach<'_>) -> Self {
        let all = |texts: &mut dyn Iterator<Item = &str>| -> Box<[SymbolBytes]> {
            texts.map(|text| symbol_bytes(text).unwrap_or([0; SYMBOL_SIZE as usize])).collect()
        };
        Self {
            modes: all(&mut numbers(Mode::ALL.iter().map(|mode| *mode as u8))
                .map(|number| Mode::from_number(number).map_or("", Mode::name))),
            states: all(&mut numbers(State::ALL.iter().map(|state| *state as u8))
                .map(|number| State::from_number(number).map_or("", State::name))),
            axis_states: all(&mut AXIS_STATES.iter().copied()),
            none: [0; SYMBOL_SIZE as usize],
            alarms: sorted(reach.alarms.iter().map(|alarm| alarm.name.as_str())),
            jidoka: sorted(reach.jidoka.iter().map(|jidoka| jidoka.name.as_str())),
        }
    }

    /// Index of what a program asks for by its name.
    pub fn find(&self, request: NamedRequest, name: &str) -> Option<u16> {
        let known = match request {
            NamedRequest::Alarm => &self.alarms,
            NamedRequest::Jidoka => &self.jidoka,
        };
        let place = known.binary_search_by(|(known, _)| (**known).cmp(name)).ok()?;
        known.get(place).map(|(_, index)| *index)
    }

    /// Names of alarms and jidoka rules, ascending.
    pub fn lists(&self) -> [Box<[Arc<str>]>; 2] {
        [&self.alarms, &self.jidoka].map(|list| list.iter().map(|(name, _)| name.clone()).collect())
    }

    pub fn mode(&self, mode: Mode) -> &SymbolBytes {
        self.modes.get(mode as usize).unwrap_or(&self.none)
    }

    pub fn state(&self, state: State) -> &SymbolBytes {
        self.states.get(state as usize).unwrap_or(&self.none)
    }

    pub fn axis_state(&self, name: &str) -> &SymbolBytes {
        let place = AXIS_STATES.iter().position(|one| *one == name);
        place.and_then(|place| self.axis_states.get(place)).unwrap_or(&self.none)
    }
}

#[cfg(test)]
mod tests {
    use super::{Names, symbol_bytes};
    use crate::Reach;
    use sensai_model::packml::{Mode, State};

    #[test]
    fn modes_and_states_have_their_names() {
        let names = Names::new(&Reach::default());
        for mode in Mode::ALL {
            assert_eq!(Some(*names.mode(*mode)), symbol_bytes(mode.name()));
        }
        for state in State::ALL {
            assert_eq!(Some(*names.state(*state)), symbol_bytes(state.name()));
        }
    }
}
