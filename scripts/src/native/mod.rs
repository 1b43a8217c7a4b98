//! The native tier: machine code from the typed program.
//!
//! What a program means, `hir` says; what an operation gives and when it faults, the interpreter's modules say, which is
//! the oracle of the tests. Read `emit` first for how code is made, then `program` for how it runs.
//!
//! - The state is one arena. A run begins with a copy of it and works on the arena itself; if it fails, the two change
//!   places: a fault leaves the state as it was. Tags and ports are staged by their owners.
//! - A run allocates nothing, takes no lock and formats nothing, also when it fails: a failure is the number of a place
//!   and the values found there.
//! - Code holds no addresses, and is never writable and executable at once.
//! - There is no recursion, so the stack that a run needs is known when the program is compiled.

mod code;
mod context;
mod effects;
mod emit;
mod names;
mod pages;
mod program;
mod restore;
mod shims;
mod sites;

#[cfg(test)]
mod tests;

pub use program::{Located, NativeProgram};

use crate::{
    Analysed, Layout, Role, ScriptEnvironment,
    cost::Costs,
    hir::{FunctionId, Hir, walk},
    layout::{SYMBOL_CAPACITY, Shape},
    proofs::{NoProofs, Proofs},
};
use emit::{Output, Unit};
use sensai_model::{TagKind, tag::Overflow};
use sites::{Site, TagRange};
use std::{fmt, sync::Arc};

/// Functions up to this weight are compiled where they are called, however often that is.
const INLINED_MAX: usize = 40;

/// What code is made for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Target {
    /// This machine.
    #[default]
    Host,
    /// 64-bit ARM.
    Aarch64,
    /// The oldest 64-bit x86.
    X8664,
}

/// How a program is compiled.
#[derive(Clone, Copy)]
pub struct Options<'a> {
    /// What code is made for; only code for this machine can be run.
    pub target: Target,
    /// What need not be checked.
    pub proofs: &'a dyn Proofs,
    /// Emit checks. False only to measure what they cost: a program that would fault is then undefined.
    pub checks: bool,
    /// Bytes of stack that a run may use, functions of the runtime apart.
    pub stack_max: u32,
}

impl Default for Options<'_> {
    fn default() -> Self {
        Self { target: Target::Host, proofs: &NoProofs, checks: true, stack_max: 256 << 10 }
    }
}

/// Why there is no code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NativeError {
    /// There is no code generator for the machine, or it lacks an instruction.
    Unsupported(String),
    /// A defect of the compiler.
    Generator(String),
    /// The system does not let code run.
    Memory(String),
    /// A run could need more stack than it may use.
    Stack {
        /// Bytes it needs.
        needed: u32,
        /// Bytes it may use.
        most: u32,
    },
    /// A text is too long to be kept.
    Text(String),
}

impl fmt::Display for NativeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsupported(why) => {
                write!(f, "no native code for this machine: {why}; set `tier = \"interpreter\"`")
            }
            Self::Generator(why) => {
                write!(f, "the compiler failed; this is a defect of Sensai, please report the program: {why}")
            }
            Self::Memory(why) => write!(f, "the system does not let compiled code run: {why}"),
            Self::Stack { needed, most } => write!(
                f,
                "a run needs {needed} bytes of stack, at most {most} are there; use smaller arrays and records in variables"
            ),
            Self::Text(text) => {
                write!(
                    f,
                    "a text of {} bytes, at most {SYMBOL_CAPACITY} are kept; use a shorter name",
                    text.len()
                )
            }
        }
    }
}

impl std::error::Error for NativeError {}

/// A checked program, to be compiled.
#[derive(Clone, Copy)]
pub struct Source<'a> {
    /// File stem.
    pub name: &'a str,
    /// What it means.
    pub hir: &'a Hir,
    /// Shape of its state.
    pub layout: &'a Layout,
    /// State that `init` gave.
    pub initial: &'a [u8],
    /// What it sees of its cell.
    pub environment: &'a ScriptEnvironment<'a>,
}

impl<'a> Source<'a> {
    /// Of a program that was looked at; `None`: there are errors in it.
    pub fn of(name: &'a str, analysed: &'a Analysed, environment: &'a ScriptEnvironment<'a>) -> Option<Self> {
        let (hir, layout) = (analysed.hir.as_ref()?, analysed.layout.as_ref()?);
        Some(Self { name, hir, layout, initial: analysed.initial.as_deref()?, environment })
    }
}

/// Compile a program for this machine.
///
/// # Errors
/// See [`NativeError`].
pub fn compile(source: &Source<'_>, options: &Options<'_>) -> Result<NativeProgram, NativeError> {
    let compiled = compile_code(source, options)?;
    NativeProgram::load(source, compiled)
}

/// Only the machine code, for any target.
///
/// # Errors
/// See [`NativeError`].
pub fn code(source: &Source<'_>, options: &Options<'_>) -> Result<Vec<u8>, NativeError> {
    compile_code(source, options).map(|compiled| compiled.image.bytes)
}

/// Everything that compiling gives.
struct Compiled {
    image: code::Image,
    sites: Vec<Site>,
    callees: Vec<usize>,
    constants: Vec<u8>,
    scratch: u32,
    /// Work of every run, if that is known; then it is not counted.
    bound: Option<u64>,
}

fn compile_code(source: &Source<'_>, options: &Options<'_>) -> Result<Compiled, NativeError> {
    let isa = code::isa(options.target, cfg!(debug_assertions))?;
    let (unit, mut out) = unit(source, options, isa.as_ref())?;
    let image = code::compile(&unit, &mut out, isa.as_ref())?;
    if image.stack > options.stack_max {
        return Err(NativeError::Stack { needed: image.stack, most: options.stack_max });
    }
    let bound = if unit.fuel { None } else { unit.costs.function(source.hir.cycle).ok() };
    let Output { sites, callees, constants, scratch, .. } = out;
    Ok(Compiled { image, sites, callees, constants, scratch, bound })
}

fn unit<'a>(
    source: &Source<'a>,
    options: &Options<'a>,
    isa: &dyn cranelift_codegen::isa::TargetIsa,
) -> Result<(Unit<'a>, Output), NativeError> {
    let (hir, environment) = (source.hir, source.environment);
    if let Some(text) = hir.symbols.iter().find(|text| text.len() > SYMBOL_CAPACITY) {
        return Err(NativeError::Text(text.to_string()));
    }
    let tags: Vec<_> = environment.tags.iter().chain(environment.role.shafts()).collect();
    let first_shaft = environment.tags.len();
    let tag_names: Vec<Arc<str>> = tags
        .iter()
        .enumerate()
        .map(|(index, tag)| match (tag.kind, index >= first_shaft) {
            (TagKind::Model, _) => tag.name.as_str().into(),
            (_, true) => format!("axis.{}", tag.name).into(),
            (_, false) => format!("io.{}", tag.name).into(),
        })
        .collect();
    let ranges = tags.iter().zip(&tag_names).map(|(tag, name)| {
        let (low, high) = tag.range.filter(|_| tag.overflow == Overflow::Fault)?;
        Some(Arc::new(TagRange {
            name: name.to_string(),
            unit: tag.unit.clone().unwrap_or_default(),
            scalar: tag.scalar,
            low,
            high,
            twin: environment.role.is_twin(),
        }))
    });
    let ranges = ranges.collect();
    let costs = Costs::new(hir, options.proofs, tags.iter().map(|tag| tag.len()).collect());
    let operations = environment.limits.operations;
    let mut out = Output::default();
    let constants = hir.constants.iter().map(|constant| place_constant(&mut out, &constant.bytes)).collect();
    let effects = effects::of_functions(hir);
    let unit = Unit {
        hir,
        tag_names,
        ranges,
        proofs: options.proofs,
        effects,
        inlined: inlined(hir, &costs),
        fuel: !costs.function(hir.cycle).is_ok_and(|bound| bound <= operations),
        costs,
        operations,
        sequences: sequences(environment),
        seed: match environment.role {
            Role::Twin { seed, .. } => seed,
            Role::Controller => 0,
        },
        checks: options.checks,
        rounds: code::rounds(isa),
        convention: isa.default_call_conv(),
        constants,
        tags,
    };
    Ok((unit, out))
}

fn place_constant(out: &mut Output, bytes: &[u8]) -> u32 {
    out.constants.resize(out.constants.len().next_multiple_of(16), 0);
    let offset = out.constants.len() as u32;
    out.constants.extend_from_slice(bytes);
    out.constants.resize(out.constants.len().next_multiple_of(16), 0);
    offset
}

/// Slot of each model's `sequence`.
fn sequences(environment: &ScriptEnvironment<'_>) -> Vec<Option<u32>> {
    let slot = |name: &str| {
        let name = format!("ai.{name}.sequence");
        let tag = environment.tags.iter().find(|tag| tag.kind == TagKind::Model && tag.name == name);
        tag.map(|tag| tag.slot)
    };
    environment.reach.models.iter().map(|model| slot(&model.name)).collect()
}

/// Functions that are compiled where they are called: small ones, and those that are called from one place only.
fn inlined(hir: &Hir, costs: &Costs<'_>) -> Vec<bool> {
    let mut sites = vec![0_usize; hir.functions.len()];
    let mut callees: Vec<Vec<FunctionId>> = Vec::with_capacity(hir.functions.len());
    for function in &hir.functions {
        let mut called = Vec::new();
        walk::block(function, &function.body, &mut |node| {
            if let walk::Node::Expr(expr) = node
                && let crate::hir::ExprKind::Call { function: callee, .. } = &expr.kind
            {
                called.push(*callee);
            }
        });
        for callee in &called {
            if let Some(count) = sites.get_mut(callee.index()) {
                *count += 1;
            }
        }
        callees.push(called);
    }
    // Callees stand before their callers, so that what is compiled in a function is known.
    let mut inlined: Vec<bool> = Vec::with_capacity(hir.functions.len());
    let mut weights: Vec<usize> = Vec::with_capacity(hir.functions.len());
    for (index, called) in callees.iter().enumerate() {
        let inside = called.iter().filter(|callee| inlined.get(callee.index()).copied().unwrap_or(false));
        let more: usize = inside.filter_map(|callee| weights.get(callee.index())).sum();
        let weight = costs.weight(FunctionId(index as u32)).saturating_add(more);
        weights.push(weight);
        inlined.push(weight <= INLINED_MAX || sites.get(index) == Some(&1));
    }
    inlined
}

/// Where in the arena handles of axes are.
fn handles(layout: &Layout) -> Box<[usize]> {
    layout.leaves().iter().filter(|leaf| *leaf.shape == Shape::Axis).map(|leaf| leaf.offset).collect()
}
