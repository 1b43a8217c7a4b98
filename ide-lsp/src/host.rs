//! What the server asks of the binary that it is part of: the rules of a cell that need more than its text.
//!
//! The binary answers with what `sensai check` runs, so that editor and command line can never disagree.

use crate::online::Online;
use sensai_model::{
    Cell, Tag,
    cell::{Limits, Parameter, ProgramSource, Tier},
    config::Finding,
};
use sensai_scripts::{Analysed, Reach, Role, ScriptEnvironment};
use std::sync::Arc;

/// Bytes of a file of the cell, by its path relative to the cell's directory; or why it cannot be read.
pub type Read<'a> = dyn Fn(&str) -> Result<Vec<u8>, String> + 'a;

/// The rest of the product.
pub trait Host {
    /// Read and check what of a cell does not depend on the texts of its programs.
    fn load(&self, read: &Read<'_>) -> Loaded;

    /// Give a program the libraries that its text imports.
    fn attach(&self, program: &mut ProgramSource, read: &Read<'_>);

    /// What is wrong between the programs of a cell: all of them, in the order of [`Loaded::programs`].
    fn across(&self, cell: &Cell, programs: &[(&Subject, &Analysed)]) -> Vec<Finding>;

    /// Nanoseconds that a work unit takes on this computer, if that is known.
    fn ns_per_unit(&self) -> Option<f64>;

    /// How running cells are reached, if they are.
    fn online(&self) -> Option<Arc<dyn Online>> {
        None
    }
}

/// A cell without the texts of its programs.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// If there is no error in it.
    pub cell: Option<Arc<Cell>>,
    /// What is wrong with it.
    pub findings: Vec<Finding>,
    /// Its programs: those of tasks in the order of their global index, then those of the twin. None without a cell.
    pub programs: Vec<Arc<Subject>>,
}

/// A program, and what it sees of its cell.
#[derive(Clone, Debug)]
pub struct Subject {
    /// Name, path, and the text as it was when the cell was read.
    pub source: ProgramSource,
    /// Who runs it.
    pub task: String,
    /// Time from one run to the next.
    pub interval_ns: u64,
    /// What runs it.
    pub tier: Tier,
    /// Index among the programs of its side.
    pub index: u16,
    /// On which side of the wires it stands.
    pub side: Side,
}

/// On which side of the wires a program stands.
#[derive(Clone, Debug)]
pub enum Side {
    /// The cell's.
    Controller {
        /// What a run may use.
        limits: Limits,
    },
    /// The simulated machine's.
    Twin(Arc<TwinSide>),
}

/// What a twin sees.
#[derive(Clone, Debug)]
pub struct TwinSide {
    /// The cell's tags with their directions turned round.
    pub tags: Vec<Tag>,
    /// Behind `axis`.
    pub shafts: Vec<Tag>,
    /// Behind `param`.
    pub parameters: Vec<Parameter>,
    /// What a run may use.
    pub limits: Limits,
    /// `sys.seed`.
    pub seed: i64,
}

impl Subject {
    /// What the program sees.
    pub fn environment<'a>(&'a self, cell: &'a Cell) -> ScriptEnvironment<'a> {
        match &self.side {
            Side::Controller { limits } => ScriptEnvironment {
                tags: &cell.tags,
                parameters: &cell.parameters,
                limits: *limits,
                program_index: self.index,
                role: Role::Controller,
                reach: Reach::of(cell, self.index),
            },
            Side::Twin(side) => ScriptEnvironment {
                tags: &side.tags,
                parameters: &side.parameters,
                limits: side.limits,
                program_index: self.index,
                role: Role::Twin { seed: side.seed, shafts: &side.shafts },
                reach: Reach::default(),
            },
        }
    }

    /// True for the simulated machine's.
    pub fn is_twin(&self) -> bool {
        matches!(self.side, Side::Twin(_))
    }
}
