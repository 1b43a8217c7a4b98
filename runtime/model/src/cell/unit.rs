//! `[units.<name>]`: a part of the machine with a mode and a state of its own (ISA-TR88.00.02, PackML).

use crate::packml::Mode;

/// A PackML unit. A cell without `[units]` has none: its programs run whenever the runtime is in Run.
#[derive(Clone, Debug, PartialEq)]
pub struct Unit {
    /// `[units.<name>]`.
    pub name: String,
    /// Modes it has, the one after a start first.
    pub modes: Vec<Mode>,
    /// Programs that belong to it: their `sys.mode`, `sys.state`, and their `hold()` and `jidoka()` are the unit's. Global
    /// indices, see [`super::Cell::programs`].
    pub programs: Vec<u16>,
    /// Acting states that end by themselves in the cycle after they begin; in all others a program calls
    /// `state_complete()`. Bit *n* is the state with number *n*.
    pub immediate: u32,
    /// Axes that can be jogged in manual mode: indices into [`super::Cell::axes`].
    pub jog: Vec<u16>,
}

/// `[[route]]`: a copy of process data from one device to another, made in every mode, also when faulted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// First bit in the input image.
    pub from_bit: u32,
    /// First bit in the output image.
    pub to_bit: u32,
    /// Bits to copy.
    pub bits: u32,
    /// Sync unit of the source: while it is invalid, zeros are sent instead (what FSoE takes for a lost connection).
    pub sync_unit: u8,
    /// As the file says it, for people.
    pub text: String,
}
