//! On which side of the wires a program stands.

use sensai_model::Tag;

/// Whose program it is. The language is the same; directions of tags and roots differ.
#[derive(Clone, Copy, Debug, Default)]
pub enum Role<'a> {
    /// The cell's: it reads inputs and writes outputs.
    #[default]
    Controller,
    /// The simulated machine's: it reads what the outputs drive, and writes what the sensors show.
    ///
    /// The tags of its environment have their directions turned round: an output of the cell is an input here. Tags in
    /// memory are the controller's own; using one is a finding.
    Twin {
        /// `sys.seed`, which `init` may read.
        seed: i64,
        /// What is behind `axis.`, in slots behind those of the tags. What the drive moves is an input, what the machine
        /// does to the shaft an output.
        shafts: &'a [Tag],
    },
}

/// A tag that a program assigns to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AssignedTag {
    /// Index into the tags of the environment; behind those, into the shafts of a twin.
    pub tag: u32,
    /// Line of the first assignment, from 1.
    pub line: u32,
    /// Its column, from 1.
    pub column: u32,
}

impl<'a> Role<'a> {
    /// Tags behind `axis.`.
    pub(crate) fn shafts(self) -> &'a [Tag] {
        match self {
            Self::Controller => &[],
            Self::Twin { shafts, .. } => shafts,
        }
    }

    /// True for the simulated machine's.
    pub(crate) fn is_twin(self) -> bool {
        matches!(self, Self::Twin { .. })
    }
}
