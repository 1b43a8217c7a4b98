//! A program's own `migrate(old)`: the last word on its state, when it takes the place of another one.
//!
//! It is compiled as a program of its own, whose state is the new state and what there is to see of the old one, and whose
//! `cycle` calls `migrate` on the one with the other. So it has the same rules, faults and limits as every run.
//!
//! Of the old state it sees scalars and texts as they are, of a block a record of its pins, and no handles. It may change
//! everything in the new state but handles, which keep what they have.
//!
//! It runs once, at the edge of a cycle. So what it does at most is found out before, and more than a run may do is not
//! taken; where that is not known, the limit of a run ends it.

use crate::{
    Layout, Ports, Program, ProgramError, RunContext, ScriptEnvironment, SysFacts,
    axis::AxisHandle,
    cost::Costs,
    hir::{
        Block, Expr, ExprId, ExprKind, Function, FunctionId, Hir, Place, Root, Statement, StatementKind,
        Step, Type,
    },
    layout::Shape,
    migrate::Migrate,
    native::{self, NativeError, NativeProgram, Options, Source},
    ranges::{Proven, prove},
};
use sensai_model::{TagStore, Value};
use sensai_stdlib::registry::{self, Pin};
use std::fmt;

/// Name of the function.
pub(crate) const MIGRATE: &str = "migrate";

/// Fields of the migration's own state.
const NEW: &str = "new";
const OLD: &str = "old";

/// What `migrate` sees of a state.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Type of `old`.
    pub ty: Type,
    shape: Shape,
}

/// How a part of it comes about.
#[derive(Debug)]
enum Move {
    /// As it is.
    Copy { from: usize, to: usize, len: usize },
    /// Read from a block.
    Pin { from: usize, size: usize, pin: &'static Pin, to: usize },
}

impl Seen {
    /// Of a state with this layout.
    pub fn of(layout: &Layout) -> Self {
        let fields = layout.fields().iter();
        let seen = fields.filter_map(|field| Some((field.name.clone(), see(&field.shape)?)));
        let (ty, shape) = record(seen.collect());
        Self { ty, shape }
    }
}

/// Type and shape of what is seen of a part; `None`: nothing.
fn see(shape: &Shape) -> Option<(Type, Shape)> {
    Some(match shape {
        Shape::Bool => (Type::Bool, Shape::Bool),
        Shape::I64 => (Type::I64, Shape::I64),
        Shape::F64 => (Type::F64, Shape::F64),
        Shape::Symbol => (Type::Symbol, Shape::Symbol),
        Shape::Array { element, len } => {
            let (ty, shape) = see(element)?;
            (Type::array(ty, *len), Shape::Array { element: Box::new(shape), len: *len })
        }
        Shape::Record { fields } => {
            let seen = fields.iter().filter_map(|field| Some((field.name.clone(), see(&field.shape)?)));
            record(seen.collect())
        }
        Shape::Block(block) => {
            let pins = registry::find(&block.block)?.pins.iter();
            let of = |pin: &Pin| (pin.name.to_owned(), (Type::scalar(pin.scalar), Shape::scalar(pin.scalar)));
            record(pins.map(of).collect())
        }
        Shape::Axis => return None,
    })
}

fn record(fields: Vec<(String, (Type, Shape))>) -> (Type, Shape) {
    let (types, shapes) =
        fields.into_iter().map(|(name, (ty, shape))| ((name.clone(), ty), (name, shape))).unzip();
    (Type::record(types), Shape::record(shapes))
}

/// What has to be done to see `old` as `seen`.
fn moves(old: &Shape, seen: &Shape, from: usize, to: usize, out: &mut Vec<Move>) {
    match (old, seen) {
        (Shape::Array { element: old, len }, Shape::Array { element: seen, .. }) => {
            if matches!(**old, Shape::Bool | Shape::I64 | Shape::F64 | Shape::Symbol) {
                let len = old.size() as usize * *len as usize;
                return out.push(Move::Copy { from, to, len });
            }
            for index in 0..*len as usize {
                let (from, to) = (from + index * old.size() as usize, to + index * seen.size() as usize);
                moves(old, seen, from, to, out);
            }
        }
        (Shape::Record { fields: old }, Shape::Record { fields: seen }) => {
            for field in seen {
                if let Some(was) = old.iter().find(|was| was.name == field.name) {
                    let (from, to) = (from + was.offset as usize, to + field.offset as usize);
                    moves(&was.shape, &field.shape, from, to, out);
                }
            }
        }
        (Shape::Block(block), Shape::Record { fields }) => {
            let pins = registry::find(&block.block).map_or(&[][..], |of| of.pins);
            for pin in pins {
                if let Some(field) = fields.iter().find(|field| field.name == pin.name) {
                    let to = to + field.offset as usize;
                    out.push(Move::Pin { from, size: block.size as usize, pin, to });
                }
            }
        }
        (old, _) => out.push(Move::Copy { from, to, len: old.size() as usize }),
    }
}

/// Why a `migrate(old)` is not taken.
#[derive(Clone, Debug)]
pub enum MigratorError {
    /// There is no code for it.
    Native(NativeError),
    /// It may do more than a run is allowed to.
    TooMuch {
        /// Units that it may take.
        needed: u64,
        /// `[limits] operations`.
        most: u64,
    },
}

impl fmt::Display for MigratorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Native(error) => error.fmt(f),
            Self::TooMuch { needed, most } => write!(
                f,
                "`migrate` may take {needed} units, a run may take {most} (`[limits] operations`); do less in it, or raise the limit"
            ),
        }
    }
}

impl std::error::Error for MigratorError {}

/// A compiled `migrate(old)`.
#[derive(Debug)]
pub struct Migrator {
    program: NativeProgram,
    units: u64,
    moves: Box<[Move]>,
    /// The state of the migration, to be filled.
    state: Box<[u8]>,
    new: std::ops::Range<usize>,
    /// Handles in the new state.
    handles: Box<[usize]>,
    tags: TagStore,
    parameters: Box<[Value]>,
    ports: Ports,
}

impl Migrator {
    /// Compile the `migrate` of a program that replaces one with the layout `old`; `None` if it has none. `hir` is what was
    /// understood with [`Seen::of`] that layout.
    ///
    /// # Errors
    /// See [`MigratorError`].
    pub fn compile(source: &Source<'_>, old: &Layout) -> Result<Option<Self>, MigratorError> {
        let Some(migrate) = source.hir.migrate else { return Ok(None) };
        let seen = Seen::of(old);
        let (environment, new_len) = (source.environment, source.initial.len());
        let new = Shape::Record { fields: source.layout.fields().to_vec() };
        let layout = Layout::new(vec![(NEW.into(), new), (OLD.into(), seen.shape.clone())]);
        let at = |name: &str| layout.lookup(name).map_or(0, |place| place.offset);
        let (new_at, old_at) = (at(NEW), at(OLD));
        let mut initial = vec![0; layout.size()];
        if let Some(place) = initial.get_mut(new_at..new_at + source.initial.len()) {
            place.copy_from_slice(source.initial);
        }
        let hir = calling(source.hir, migrate, &seen.ty);
        let proven = prove(&hir, environment);
        let units = admit(&hir, &proven, environment)?;
        let source = Source { hir: &hir, layout: &layout, initial: &initial, ..*source };
        let options = Options { proofs: &proven, ..Options::default() };
        let program = native::compile(&source, &options).map_err(MigratorError::Native)?;
        let mut all = Vec::new();
        let old_shape = Shape::Record { fields: old.fields().to_vec() };
        moves(&old_shape, &seen.shape, 0, old_at, &mut all);
        let leaves = layout.leaves();
        let handles = leaves.iter().filter(|leaf| *leaf.shape == Shape::Axis).map(|leaf| leaf.offset);
        let programs = usize::from(environment.program_index) + 1;
        let reach = &environment.reach;
        Ok(Some(Self {
            program,
            units,
            moves: all.into(),
            new: new_at..new_at + new_len,
            handles: handles.collect(),
            tags: TagStore::new(environment.tags),
            parameters: environment.parameters.iter().map(|parameter| parameter.default).collect(),
            ports: Ports::new(reach.axes.len(), programs, reach.models.len()),
            state: initial.into(),
        }))
    }

    fn fill(&mut self, old: &[u8]) -> Option<()> {
        let Self { moves, state, .. } = self;
        for one in moves {
            match *one {
                Move::Copy { from, to, len } => {
                    state.get_mut(to..to + len)?.copy_from_slice(old.get(from..from + len)?);
                }
                Move::Pin { from, size, pin, to } => {
                    let bits = pin.get(old.get(from..from + size)?).to_bits().to_le_bytes();
                    let len = Shape::scalar(pin.scalar).size() as usize;
                    state.get_mut(to..to + len)?.copy_from_slice(bits.get(..len)?);
                }
            }
        }
        Some(())
    }
}

impl Migrate for Migrator {
    fn units(&self) -> u64 {
        self.units
    }

    fn run(&mut self, old: &[u8], new: &mut [u8]) -> Result<(), ProgramError> {
        let range = self.new.clone();
        if let Some(place) = self.state.get_mut(range.clone()).filter(|place| place.len() == new.len()) {
            place.copy_from_slice(new);
        }
        // Both are as long as the layouts that it was compiled for: the plan has asked.
        let filled = self.fill(old);
        debug_assert!(filled.is_some(), "a state of {} bytes does not have what was seen of it", old.len());
        self.program.restore(&self.state)?;
        self.ports.begin(0);
        let Self { program, tags, parameters, ports, .. } = self;
        let sys = SysFacts { cycle: 0, time_ns: 0, dt_ns: 0, first_cycle: false };
        program.cycle(&mut RunContext { sys, tags, parameters, ports })?;
        let changed = program.state().get(range.clone()).unwrap_or_default();
        if changed.len() == new.len() {
            new.copy_from_slice(changed);
            restore_handles(&self.handles, &self.state, &range, new);
        }
        Ok(())
    }
}

/// Units that it may take at most, if a run may take so many.
fn admit(hir: &Hir, proven: &Proven, environment: &ScriptEnvironment<'_>) -> Result<u64, MigratorError> {
    let tags = environment.tags.iter().chain(environment.role.shafts());
    let costs = Costs::new(hir, proven, tags.map(|tag| tag.len()).collect());
    let most = environment.limits.operations;
    match costs.function(hir.cycle) {
        Ok(needed) if needed > most => Err(MigratorError::TooMuch { needed, most }),
        Ok(needed) => Ok(needed),
        // The limit ends it.
        Err(_) => Ok(most),
    }
}

/// Handles as they were before: what a migration commands goes nowhere.
fn restore_handles(handles: &[usize], state: &[u8], range: &std::ops::Range<usize>, new: &mut [u8]) {
    for at in handles {
        let len = AxisHandle::SIZE as usize;
        let place = at.checked_sub(range.start).and_then(|at| new.get_mut(at..at + len));
        if let (Some(place), Some(kept)) = (place, state.get(*at..*at + len)) {
            place.copy_from_slice(kept);
        }
    }
}

/// The program whose `cycle` is `this.new.migrate(this.old)`.
fn calling(of: &Hir, migrate: FunctionId, seen: &Type) -> Hir {
    let mut hir = of.clone();
    let state = Type::record(vec![(NEW.into(), of.state.clone()), (OLD.into(), seen.clone())]);
    let (file, span, result) = of.functions.get(migrate.index()).map_or_else(
        || (crate::hir::FileId(0), crate::hir::Span::new(0, 0), Type::Unit),
        |function| (function.file, function.span, function.result.clone()),
    );
    let part = |name: &str, ty: Type| {
        let step = match &state {
            Type::Record(record) => record.field(name).map(|(index, field)| (index, field.offset)),
            _ => None,
        };
        let path = step.map(|(index, offset)| Step::Field { index, offset }).into_iter().collect();
        Place { root: Root::This, path, ty, span }
    };
    let (receiver, old) = (part(NEW, of.state.clone()), part(OLD, seen.clone()));
    let argument = Expr { kind: ExprKind::Read(old), ty: seen.clone(), span, at: span.start };
    let call = ExprKind::Call { function: migrate, receiver: Some(receiver), arguments: vec![ExprId(0)] };
    let call = Expr { kind: call, ty: result, span, at: span.start };
    let statement = Statement { kind: StatementKind::Expr(ExprId(1)), span, at: span.start };
    hir.cycle = FunctionId(hir.functions.len() as u32);
    hir.functions.push(Function {
        name: MIGRATE.into(),
        file,
        span,
        this: Some(state.clone()),
        parameters: 0,
        locals: Vec::new(),
        result: Type::Unit,
        exprs: vec![argument, call],
        body: Block { statements: vec![statement], value: None },
    });
    hir.state = state;
    hir
}
