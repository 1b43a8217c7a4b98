//! `[models.<name>]`: an ONNX model as a block of the cycle, and what happens when it is unhappy (`[jidoka.<name>]`).

use std::sync::Arc;

/// Which engine runs a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelEngine {
    /// In the cycle, where the operators allow it.
    Inline,
    /// ONNX Runtime, beside the cycle on its own thread.
    Ort,
}

/// Where one element group of a model's input comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum ModelInput {
    /// The present values of consecutive store slots (a tag or an array).
    Slots {
        /// Tag name.
        tag: String,
        /// First slot.
        slot: u32,
        /// How many.
        len: u32,
    },
    /// The last `len` values of a slot, oldest first, one every `every` cycles; captured while `gate` (a `bool` slot) is
    /// true, or always. A window that is not full yet is padded with its first value.
    Window {
        /// Tag name.
        tag: String,
        /// Slot.
        slot: u32,
        /// Values.
        len: u32,
        /// Cycles between two of them.
        every: u32,
        /// Slot of the gate; its rising edge empties the window.
        gate: Option<u32>,
    },
    /// A curve: `len` values of one slot at even steps of another (such as force over displacement), by linear
    /// interpolation between the cycles' samples; captured while `gate` is true, its rising edge empties it.
    Curve {
        /// Tag name of the value.
        tag: String,
        /// Slot of the value.
        slot: u32,
        /// Slot of what it is a curve over.
        over: u32,
        /// Where it begins, in the unit of `over`.
        from: f64,
        /// Where it ends.
        to: f64,
        /// Values.
        len: u32,
        /// Slot of the gate.
        gate: Option<u32>,
    },
}

/// When a model runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelTrigger {
    /// In every *n*th cycle.
    Periodic {
        /// Cycles.
        every: u32,
    },
    /// When a program calls `ai.<name>.request()`.
    Request,
}

/// What the score is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelScore {
    /// Element `0` of output `n`.
    Output {
        /// Which output.
        output: u16,
        /// Which element.
        element: u16,
    },
    /// Mean squared error between the first input and the first output: an autoencoder's.
    ReconstructionError,
}

/// A model block. Its results are the tags `ai.<name>.score`, `.age`, `.valid`, `.misses`, `.sequence`, and one array `ai.<name>.output`.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// `[models.<name>]`.
    pub name: String,
    /// Path of the `.onnx` file relative to the cell's directory.
    pub path: String,
    /// The file.
    pub bytes: Arc<[u8]>,
    /// SHA-256 of it, hexadecimal.
    pub sha256: String,
    /// Which engine.
    pub engine: ModelEngine,
    /// In the order of the model's inputs; several groups may make one input.
    pub inputs: Vec<Vec<ModelInput>>,
    /// Subtracted from every value of an input, then divided: (mean, scale) per input element; empty: none.
    pub normalisation: Vec<(f64, f64)>,
    /// When it runs.
    pub trigger: ModelTrigger,
    /// Cycles from the trigger until the result has to be there.
    pub deadline_cycles: u32,
    /// Cycles after which a result is no longer valid.
    pub age_max_cycles: u32,
    /// Score while there is no valid result.
    pub substitute: f64,
    /// What the score is.
    pub score: ModelScore,
    /// Elements of each output, in the model's order.
    pub output_lens: Vec<u32>,
    /// Elements of all outputs together.
    pub output_len: u32,
    /// For the inline engine: operations a cycle; 0: all in one.
    pub slice_operations: u64,
    /// Inputs and expected outputs that are run at load, flat in the model's order; tolerance.
    pub golden: Option<Golden>,
    /// Score above which the part is bad, if the description says one.
    pub threshold: Option<f64>,
    /// First store slot of its results: score (f64), age (i64, cycles), valid (bool), misses (i64), sequence (i64), outputs (f64 each).
    pub slot: u32,
}

/// What a model must give at load.
#[derive(Clone, Debug, PartialEq)]
pub struct Golden {
    /// All inputs, one after the other.
    pub inputs: Vec<f32>,
    /// All outputs.
    pub outputs: Vec<f32>,
    /// Largest absolute difference.
    pub tolerance: f32,
}

/// `[jidoka.<name>]`: detect, stop, a human judges.
#[derive(Clone, Debug, PartialEq)]
pub struct Jidoka {
    /// `[jidoka.<name>]`; programs raise it with `jidoka("name")`.
    pub name: String,
    /// Model whose score is watched (index into [`super::Cell::models`]); `None`: only programs raise it.
    pub model: Option<u16>,
    /// Score over which a part is suspicious.
    pub limit: f64,
    /// Suspicious results in a row that hold the unit.
    pub count: u32,
    /// Unit that is held (index into [`super::Cell::units`]); `u16::MAX`: all.
    pub unit: u16,
    /// How much before and after the event the snapshot keeps, ns.
    pub before_ns: u64,
    /// After the event.
    pub after_ns: u64,
}
