//! A program as its debugger sees it: a cycle of it is run beside the tier that counts, statement by statement, on copies.
//!
//! The typed tree is run as it stands ([`Subject::run`]), and a [`Watch`] is told of every statement. Nothing waits in the middle
//! of a run: whoever wants to look takes a [`Snapshot`], which is all that the program has there, and the run goes on to its
//! end. The place before is found by running the cycle once more.

mod expression;
mod shown;
mod snapshot;

pub use crate::evaluate::Kind;
pub use expression::Expression;
pub use shown::Shown;
pub use snapshot::{Call, Snapshot};

use crate::{
    LoadError, ProgramError, Reach, Role, RunContext, ScriptEnvironment,
    analyse::analyse,
    evaluate::{Arrival, Datum, Evaluator, Fault as Failed, Observer, World},
    fault::in_library,
    hir::{ExprKind, FileId, Function, FunctionId, Hir, SourceFile, Span, StatementKind, walk},
    program::FailureText,
};
use sensai_model::{
    Fault, FaultCode, Tag,
    cell::{Alarm, Axis, Jidoka, Limits, Model, Parameter, ProgramSource, Unit},
};
use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

/// A place at which a program can be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stop {
    /// The text.
    pub file: FileId,
    /// What runs next.
    pub span: Span,
    /// What that is.
    pub kind: Kind,
}

/// Is told where a program is.
pub trait Watch {
    /// It arrives somewhere.
    fn arrive(&mut self, here: &Here<'_>);
}

/// Where a program is.
pub struct Here<'e> {
    subject: &'e Subject,
    arrival: &'e Arrival<'e>,
}

/// A program, understood, with all that it sees of its cell.
#[derive(Debug)]
pub struct Subject {
    source: ProgramSource,
    outside: Outside,
    hir: Hir,
    constants: Vec<Datum>,
    assigned: Vec<u32>,
    id: u64,
}

/// How many programs there have been.
static SUBJECTS: AtomicU64 = AtomicU64::new(0);

/// A [`ScriptEnvironment`] that belongs to nobody else.
#[derive(Debug)]
struct Outside {
    tags: Vec<Tag>,
    parameters: Vec<Parameter>,
    limits: Limits,
    program_index: u16,
    twin: Option<(i64, Vec<Tag>)>,
    axes: Vec<Axis>,
    models: Vec<Model>,
    alarms: Vec<Alarm>,
    jidoka: Vec<Jidoka>,
    unit: Option<Unit>,
}

impl Outside {
    fn of(environment: &ScriptEnvironment<'_>) -> Self {
        let reach = environment.reach;
        Self {
            tags: environment.tags.to_vec(),
            parameters: environment.parameters.to_vec(),
            limits: environment.limits,
            program_index: environment.program_index,
            twin: match environment.role {
                Role::Controller => None,
                Role::Twin { seed, shafts } => Some((seed, shafts.to_vec())),
            },
            axes: reach.axes.to_vec(),
            models: reach.models.to_vec(),
            alarms: reach.alarms.to_vec(),
            jidoka: reach.jidoka.to_vec(),
            unit: reach.unit.cloned(),
        }
    }

    fn get(&self) -> ScriptEnvironment<'_> {
        ScriptEnvironment {
            tags: &self.tags,
            parameters: &self.parameters,
            limits: self.limits,
            program_index: self.program_index,
            role: match &self.twin {
                None => Role::Controller,
                Some((seed, shafts)) => Role::Twin { seed: *seed, shafts },
            },
            reach: Reach {
                axes: &self.axes,
                models: &self.models,
                alarms: &self.alarms,
                jidoka: &self.jidoka,
                unit: self.unit.as_ref(),
            },
        }
    }
}

/// Steps of a run for each unit of work that the tiers may do: they count in other units, and a run that they let end must end
/// here.
const STEPS_PER_OPERATION: u64 = 8;

impl Subject {
    /// Understand a program.
    ///
    /// # Errors
    /// Its findings, if it is wrong.
    pub fn new(source: &ProgramSource, environment: &ScriptEnvironment<'_>) -> Result<Self, LoadError> {
        let analysed = analyse(source, environment);
        match analysed.hir {
            Some(hir) => Ok(Self {
                source: source.clone(),
                outside: Outside::of(environment),
                constants: constants(&hir),
                id: SUBJECTS.fetch_add(1, Relaxed),
                assigned: analysed.assigned.iter().map(|assigned| assigned.tag).collect(),
                hir,
            }),
            None => Err(LoadError::Findings(analysed.findings)),
        }
    }

    /// A number that no other one has.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// File stem.
    pub fn name(&self) -> &str {
        &self.source.name
    }

    /// Its text, and those of its libraries.
    pub fn files(&self) -> &[SourceFile] {
        &self.hir.files
    }

    /// It assigns to the tag with this index.
    pub fn assigns(&self, tag: u32) -> bool {
        self.assigned.contains(&tag)
    }

    /// The first place at or behind a line and column, from 1, at which a cycle can be looked at. On the line itself, if there
    /// is one; else on the next line that has one.
    pub fn find(&self, path: &str, line: u32, column: Option<u32>) -> Option<Stop> {
        let file = self.hir.files.iter().position(|file| file.path == path)?;
        let text = self.hir.files.get(file)?;
        let place = |stop: &Stop| text.position(stop.span.start);
        let stops = self.stops(FileId(file as u32));
        let least = (line, column.unwrap_or(1));
        let found = stops.iter().filter(|stop| (place(stop).line, place(stop).column) >= least);
        found.min_by_key(|stop| (stop.span.start, std::cmp::Reverse(stop.span.end))).copied()
    }

    /// Functions that a place is in: one for each set of types that it is called with.
    pub fn functions_at(&self, stop: Stop) -> Vec<FunctionId> {
        let has = |function: &Function| {
            let mut found = false;
            let mut look = |span, kind| found |= (span, kind) == (stop.span, stop.kind);
            of_block(function, &function.body, &mut look);
            walk::block(function, &function.body, &mut |node| in_node(function, &node, &mut look));
            found
        };
        let functions = (0_u32..).zip(&self.hir.functions);
        let here = functions.filter(|(_, function)| function.file == stop.file && has(function));
        here.map(|(id, _)| FunctionId(id)).collect()
    }

    /// A function by its number.
    pub fn function(&self, id: FunctionId) -> Option<&Function> {
        self.hir.functions.get(id.index())
    }

    /// Every place in a file at which a cycle can be looked at, in the order of the text.
    pub fn stops(&self, file: FileId) -> Vec<Stop> {
        let mut found = BTreeSet::new();
        let hir = &self.hir;
        let of_file = |function: &&Function| function.file == file;
        let init = hir.functions.get(hir.init.index());
        let cycles =
            hir.functions.iter().filter(|function| !init.is_some_and(|init| std::ptr::eq(init, *function)));
        for function in cycles.filter(of_file) {
            let mut stop = |span, kind| {
                found.insert(Stop { file, span, kind });
            };
            of_block(function, &function.body, &mut stop);
            walk::block(function, &function.body, &mut |node| in_node(function, &node, &mut stop));
        }
        found.into_iter().collect()
    }

    /// Run a cycle on a state, telling `watch` of every statement. Tags and ports of `context` are written to as by a run that
    /// counts: give it copies.
    ///
    /// # Errors
    /// What the program failed at.
    pub fn run(
        &self,
        state: &[u8],
        context: &mut RunContext<'_>,
        watch: &mut dyn Watch,
    ) -> Result<Box<[u8]>, ProgramError> {
        let Some(before) = Datum::read(&self.hir.state, state) else {
            return Err(self.error(FaultCode::StateShape, "the bytes are no state of this program"));
        };
        let environment = self.outside.get();
        let world = World {
            tags: &mut *context.tags,
            parameters: context.parameters,
            ports: &mut *context.ports,
            sys: context.sys,
        };
        let limit = self.outside.limits.operations.saturating_mul(STEPS_PER_OPERATION);
        let run = Evaluator::of_cycle(&self.hir, &self.constants, &environment, world, limit);
        let mut told = Told { subject: self, watch };
        let after = run.cycle(self.hir.cycle, before, &mut told).map_err(|failed| self.failed(&failed))?;
        let mut bytes = vec![0; state.len()].into_boxed_slice();
        after.write(&self.hir.state, &mut bytes);
        Ok(bytes)
    }

    fn failed(&self, failed: &Failed) -> ProgramError {
        let file = self.hir.files.get(failed.file.index());
        let place = file.map(|file| file.position(failed.at));
        let (line, column) = place.map_or((0, 0), |place| (place.line, place.column as u16));
        let code = failed.raised.code;
        let library = file.filter(|_| failed.file.index() > 0).map(|file| in_library(&file.path));
        let text = format!("{}{}", library.unwrap_or_default(), failed.raised.text);
        let fault = Fault { code, source: self.outside.program_index, line, column };
        ProgramError { fault, text: FailureText::Made(text) }
    }

    fn error(&self, code: FaultCode, text: &str) -> ProgramError {
        let fault = Fault { code, source: self.outside.program_index, line: 0, column: 0 };
        ProgramError { fault, text: text.into() }
    }
}

/// Values of a program's constants.
fn constants(hir: &Hir) -> Vec<Datum> {
    let value =
        |constant: &crate::hir::Constant| Datum::read(&constant.ty, &constant.bytes).unwrap_or(Datum::Unit);
    hir.constants.iter().map(value).collect()
}

struct Told<'w> {
    subject: &'w Subject,
    watch: &'w mut dyn Watch,
}

impl Observer for Told<'_> {
    fn arrive(&mut self, arrival: &Arrival<'_>) {
        self.watch.arrive(&Here { subject: self.subject, arrival });
    }
}

impl<'e> Here<'e> {
    /// The program.
    pub fn subject(&self) -> &'e Subject {
        self.subject
    }

    /// What runs next.
    pub fn stop(&self) -> Option<Stop> {
        let call = self.arrival.calls.last()?;
        Some(Stop { file: call.file, span: call.span, kind: call.kind })
    }

    /// The function that it is in.
    pub fn function(&self) -> Option<FunctionId> {
        self.arrival.calls.last()?.function
    }

    /// How many calls are at hand; 1 in `cycle` itself.
    pub fn depth(&self) -> usize {
        self.arrival.calls.len()
    }

    /// All that the program has here.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::of(self.arrival)
    }

    /// The words of a tag as the program sees it: value and quality of each element.
    pub fn tag(&self, slot: u32, len: u32) -> impl Iterator<Item = (u64, bool)> {
        let tags = &*self.arrival.world.tags;
        let known = u32::try_from(tags.len()).unwrap_or(u32::MAX);
        (slot..slot.saturating_add(len).min(known)).map(|slot| (tags.value(slot).to_bits(), tags.valid(slot)))
    }

    /// Bytes of the state as it is here, laid out as it is between cycles. `None`: it has no such part.
    pub fn part(&self, offset: usize, len: usize) -> Option<Vec<u8>> {
        let ty = &self.subject.hir.state;
        let mut bytes = vec![0; ty.size() as usize];
        self.arrival.slots.first()?.write(ty, &mut bytes);
        Some(bytes.get(offset..)?.get(..len)?.to_vec())
    }
}

/// The end of a block, which its statements do not tell.
fn of_block(function: &Function, block: &crate::hir::Block, stop: &mut dyn FnMut(Span, Kind)) {
    if let Some(value) = block.value {
        stop(function.expr(value).span, Kind::Value);
    }
}

fn in_node(function: &Function, node: &walk::Node<'_>, stop: &mut dyn FnMut(Span, Kind)) {
    match node {
        walk::Node::Statement(statement) => {
            stop(statement.span, Kind::Statement);
            match &statement.kind {
                StatementKind::While { body, .. } | StatementKind::For { body, .. } => {
                    of_block(function, body, stop);
                }
                _ => {}
            }
        }
        walk::Node::Expr(expr) => match &expr.kind {
            ExprKind::If { then, otherwise, .. } => {
                of_block(function, then, stop);
                otherwise.iter().for_each(|block| of_block(function, block, stop));
            }
            ExprKind::Block(block) => of_block(function, block, stop),
            ExprKind::Switch(switch) => {
                let bodies = switch.arms.iter().map(|arm| arm.body).chain(switch.default);
                for body in bodies.map(|body| function.expr(body)) {
                    if !matches!(body.kind, ExprKind::Block(_)) {
                        stop(body.span, Kind::Value);
                    }
                }
            }
            _ => {}
        },
    }
}
