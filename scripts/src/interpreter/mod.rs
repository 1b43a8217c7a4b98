//! The interpreter tier: stock Rhai, fenced in.
//!
//! What is peculiar about hosting Rhai, and where it is dealt with:
//! - Built-in operators compare floats with a tolerance and grow texts: `operators`.
//! - Top-level constants are invisible in functions, and a variable callback beats locals: `host`, `on_var`.
//! - Values are copied silently, blocks included: `block`.
//! - Errors that stop a program (operations, depth, size) lose their place on the way out: `Host::reached`.
//! - A record takes any field and any type: `state`.
//! - One operation can cost as much as the state is large: `weight`. What is not in the state is paid for where
//!   it is made and looked at: `Host::spend`.

mod ai;
mod axis;
mod block;
mod engine;
mod facts;
mod fault;
mod functions;
mod host;
mod library;
mod made;
mod operators;
mod reached;
mod state;
mod unit;
mod walk;
mod weight;

pub(crate) use fault::fuel as fuel_text;

use crate::{
    AssignedTag, Layout, Program, ProgramError, RunContext, ScriptEnvironment, ScriptFinding, UsedAxis,
    analyse::{Analysed, analyse},
    axis::AxisHandle,
    environment::VALUES_MAX,
    finding::code,
    hir::{self, ExprKind, FileId, Hir, Span},
    layout::Shape,
    sink::{Found, Sink},
};
use facts::Facts;
use fault::{Explained, explain};
use host::{Host, Phase};
use made::Made;
use rhai::{AST, CallFnOptions, Dynamic, Engine, EvalAltResult, Position, Scope};
use sensai_model::{
    Fault, FaultCode,
    cell::{Limits, ProgramSource},
};
use std::{
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
};
use weight::Copied;

thread_local! {
    /// True while this thread runs a program in the interpreter: allocations made then are the interpreter's own.
    pub static IN_INTERPRETER: Cell<bool> = const { Cell::new(false) };
}

/// Work units of constants and `init`; they run once, before the first cycle.
const INIT_OPERATIONS: u64 = 2_000_000;

/// Values that arrays and records made in `cycle` may have in any program.
const TEMPORARIES_MIN: u64 = 64;

/// Operations after which a place no longer tells where the program is.
const STALE_AFTER: u64 = 64;

/// A program in the interpreter. Neither `Send` nor `Sync`: it is compiled on the thread that runs it.
pub struct InterpretedProgram {
    name: String,
    index: u16,
    limits: Limits,
    engine: Engine,
    ast: AST,
    scope: Scope<'static>,
    host: Rc<Host>,
    facts: Facts,
    assigned: Vec<AssignedTag>,
    axes: Vec<UsedAxis>,
    layout: Layout,
    /// The state as Rhai sees it; equal to `arena` between runs.
    state: Dynamic,
    arena: Box<[u8]>,
    /// Where the next arena is written; its padding is zero.
    next: Box<[u8]>,
    initial: Box<[u8]>,
    failed: Option<Dynamic>,
    slots: usize,
    parameters: usize,
    /// Where in the arena the handles of axes are.
    handles: Box<[usize]>,
}

/// Compile a program, and run its `init`.
///
/// # Errors
/// All findings, if at least one of them is an error.
pub fn compile(
    program: &ProgramSource,
    environment: &ScriptEnvironment<'_>,
) -> Result<InterpretedProgram, Vec<ScriptFinding>> {
    let mut analysed = analyse(program, environment);
    prepare(program, environment, &mut analysed).ok_or(analysed.findings)
}

/// A program that was analysed, in the interpreter. What this tier cannot do with it is added to the findings: it is no
/// program then.
pub(crate) fn prepare(
    program: &ProgramSource,
    environment: &ScriptEnvironment<'_>,
    analysed: &mut Analysed,
) -> Option<InterpretedProgram> {
    let hir = analysed.hir.as_ref()?;
    let mut sink = Sink::new(hir.files.clone());
    let prepared = build(program, analysed, hir, environment, &mut sink).filter(|_| !sink.has_errors());
    analysed.findings.extend(sink.finish());
    analysed.findings.sort_by_key(|finding| finding.start);
    if prepared.is_none() {
        analysed.others.splice(..0, analysed.hir.take().into_iter().flat_map(|hir| hir.functions));
    }
    prepared
}

fn build(
    program: &ProgramSource,
    analysed: &Analysed,
    hir: &Hir,
    environment: &ScriptEnvironment<'_>,
    sink: &mut Sink,
) -> Option<InterpretedProgram> {
    let limits = environment.limits;
    let host = Rc::new(Host::new(environment, VALUES_MAX));
    let mut engine = {
        let models: Vec<&str> = environment.reach.models.iter().map(|model| model.name.as_str()).collect();
        engine::engine(&host, &limits, &models)
    };
    let ast = match engine.compile(&*program.text) {
        Ok(ast) => ast,
        Err(error) => {
            // Whatever Rhai refuses, the analysis has refused before. Should it not, that is told at least.
            let text = format!("Rhai does not take this: {}", error.err_type());
            report(sink, code::SYNTAX, error.position(), 1, text, "");
            return None;
        }
    };
    let libraries = library::compile(&mut engine, program, analysed, sink)?;
    let functions = walk::functions(&ast);
    let facts = Facts::of(&functions);
    let made = check_made(&facts, &limits, sink);
    if sink.has_errors() {
        return None;
    }
    let of_libraries = libraries.iter().map(|library| (library.path.as_str(), &library.ast));
    let constant_values = constants(&engine, &ast, of_libraries, (&host, &limits, &facts), sink)?;
    library::register(&mut engine, libraries, sink)?;
    let (layout, arena, state) = first_state(&engine, &ast, &host, &limits, &facts, sink)?;
    let held = layout.values() + constant_values;
    let array_len = limits.array_len as u64;
    let largest = made.largest.max(largest_made(hir)).min(VALUES_MAX);
    let largest = largest.max(if made.computed { array_len } else { 0 });
    let allowed = held + largest.max(TEMPORARIES_MIN);
    let mut copied = copied(hir);
    if let Some(position) = facts.calls_on_results.filter(|_| allowed > copied.values) {
        copied = Copied { values: allowed, position };
    }
    let weight = match weight::weight(&functions, &layout, copied, limits.operations) {
        Ok(weight) => weight,
        Err(heavy) => {
            report(sink, code::WEIGHT, heavy.position, 1, heavy.message, &heavy.help);
            return None;
        }
    };
    host.set_weight(weight, facts.calls_on_values);
    engine.set_max_array_size(allowed as usize).set_max_map_size(allowed as usize);
    let all_tags = environment.tags.iter().chain(environment.role.shafts());
    let slots = all_tags.map(|tag| tag.slot + tag.len()).max().unwrap_or(0) as usize;
    let handles =
        layout.leaves().iter().filter(|leaf| *leaf.shape == Shape::Axis).map(|leaf| leaf.offset).collect();
    Some(InterpretedProgram {
        name: program.name.clone(),
        index: environment.program_index,
        limits,
        engine,
        ast,
        scope: Scope::new(),
        host,
        facts,
        assigned: analysed.assigned.clone(),
        axes: analysed.axes.clone(),
        layout,
        state,
        next: vec![0; arena.len()].into(),
        initial: arena.clone(),
        arena,
        failed: None,
        slots,
        parameters: environment.parameters.len(),
        handles,
    })
}

/// A finding at a place that Rhai names.
fn report(
    sink: &mut Sink,
    code: &'static str,
    position: Position,
    len: usize,
    message: impl Into<String>,
    help: &str,
) {
    let file = FileId(0);
    let place = position.line().and_then(|line| {
        let column = position.position().unwrap_or(1) as u32;
        sink.files().first()?.offset(hir::Position { line: line as u32, column })
    });
    let found = match place {
        Some(start) => {
            let rest = sink.text(file, Span::new(start, u32::MAX));
            let bytes: usize = rest.chars().take(len).map(char::len_utf8).sum();
            Found::error(code, file, Span::new(start, start + bytes as u32), message)
        }
        None => Found::whole(code, file, message),
    };
    sink.add(found.help(help));
}

/// What arrays and records that are made in `cycle` come to. Refuses what no cycle can make.
fn check_made(facts: &Facts, limits: &Limits, sink: &mut Sink) -> Made {
    let most = VALUES_MAX.min(limits.operations);
    let mut all = Made::default();
    for (position, made) in &facts.made {
        all = all.join(*made);
        if made.largest > most {
            let message = format!("{} values made at once, expected at most {most} in a cycle", made.largest);
            let help = if most < VALUES_MAX {
                "each costs an operation; make fewer, keep them in the state, or raise [limits] operations"
            } else {
                "make fewer"
            };
            report(sink, code::TOO_LARGE, *position, 1, message, help);
        }
    }
    all
}

/// Values of the largest array or record that is made anywhere. What an element of another one is, as in
/// `array(4, f()[0])`, only its type says.
fn largest_made(hir: &Hir) -> u64 {
    let exprs = hir.functions.iter().flat_map(|function| &function.exprs);
    let made = exprs
        .filter(|expr| matches!(expr.kind, ExprKind::Fill { .. } | ExprKind::Array(_) | ExprKind::Record(_)));
    made.map(|expr| expr.ty.values()).max().unwrap_or(0)
}

/// The largest array or record that is copied out of the state: by `cycle`, and by what is called on parts of the state.
fn copied(hir: &Hir) -> Copied {
    let mut copied = Copied { values: 0, position: Position::NONE };
    let (mut open, mut seen) = (vec![hir.cycle], Vec::new());
    while let Some(next) = open.pop() {
        if seen.contains(&next) {
            continue;
        }
        seen.push(next);
        let function = hir.function(next);
        for expr in &function.exprs {
            let of_state = |place: &hir::Place| place.root == hir::Root::This;
            let values = match &expr.kind {
                ExprKind::Read(place) if of_state(place) && place.ty.is_composite() => place.ty.values(),
                ExprKind::Call { function, receiver: Some(place), .. } if of_state(place) => {
                    open.push(*function);
                    continue;
                }
                _ => continue,
            };
            if values > copied.values {
                let at = hir.files.get(function.file.index()).map(|file| file.position(expr.span.start));
                let position =
                    at.map_or(Position::NONE, |at| Position::new(at.line as u16, at.column as u16));
                copied = Copied { values, position };
            }
        }
    }
    copied
}

/// Compute the constants of the program and its libraries, and hand them to the host; how many values they have.
fn constants<'l>(
    engine: &Engine,
    ast: &'l AST,
    libraries: impl Iterator<Item = (&'l str, &'l AST)>,
    (host, limits, facts): (&Host, &Limits, &Facts),
    sink: &mut Sink,
) -> Option<u64> {
    let (mut constants, mut values) = (host::Constants::new(), 0);
    // The program's own text comes last: its imports need what the libraries are.
    for (source, ast) in libraries.chain([("", ast)]) {
        host.begin(Phase::Constants, INIT_OPERATIONS);
        let mut scope = Scope::new();
        if let Err(error) = engine.run_ast_with_scope(&mut scope, ast) {
            let explained = locate(explain(&error, init_bounds(limits)), host, facts, "");
            let help = "write a value that can be computed";
            report(sink, code::CONSTANT, explained.position, 1, explained.text, help);
            return None;
        }
        let of_text = scope.iter().map(|(name, _, value)| {
            let size = size(&value);
            values += size;
            (name.to_owned(), (value, size))
        });
        constants.insert(source.to_owned(), of_text.collect());
    }
    host.set_constants(constants);
    Some(values)
}

/// How deeply arrays and records contain each other; counts no further than to one more than `most`.
fn nesting(value: &Dynamic, most: usize) -> usize {
    let deepest = |depth: usize, value: &Dynamic| match most {
        0 => depth,
        most => depth.max(nesting(value, most - 1)),
    };
    if let Some(array) = value.read_lock::<rhai::Array>() {
        return 1 + array.iter().fold(0, deepest);
    }
    if let Some(map) = value.read_lock::<rhai::Map>() {
        return 1 + map.values().fold(0, deepest);
    }
    0
}

/// Values in a value, itself included.
fn size(value: &Dynamic) -> u64 {
    if let Some(array) = value.read_lock::<rhai::Array>() {
        return 1 + array.iter().map(size).sum::<u64>();
    }
    if let Some(map) = value.read_lock::<rhai::Map>() {
        return 1 + map.values().map(size).sum::<u64>();
    }
    1
}

/// Run `init`: the layout, the arena, and the script value built from it.
fn first_state(
    engine: &Engine,
    ast: &AST,
    host: &Host,
    limits: &Limits,
    facts: &Facts,
    sink: &mut Sink,
) -> Option<(Layout, Box<[u8]>, Dynamic)> {
    host.begin(Phase::Init, INIT_OPERATIONS);
    let options = CallFnOptions::new().eval_ast(false).with_tag(0_i64);
    let value = match engine.call_fn_with_options::<Dynamic>(options, &mut Scope::new(), ast, "init", ()) {
        Ok(value) => value,
        Err(error) => {
            let explained = locate(explain(&error, init_bounds(limits)), host, facts, "init");
            let text = format!("`init` failed: {}", explained.text);
            report(sink, code::INIT_FAILED, explained.position, 1, text, "");
            return None;
        }
    };
    let built = state::layout_of(&value, limits).and_then(|layout| {
        let mut arena = vec![0; layout.size()].into_boxed_slice();
        state::write_first(&value, &layout, limits, &mut arena)?;
        let state = state::read(&layout, limits, &arena)?;
        Ok((layout, arena, state))
    });
    match built {
        Ok(built) => Some(built),
        Err(mismatch) => {
            report(sink, code::STATE, facts.start("init"), 1, mismatch.sentence(), "");
            None
        }
    }
}

fn init_bounds(limits: &Limits) -> fault::Bounds {
    fault::Bounds { operations: INIT_OPERATIONS, ..engine::bounds(limits) }
}

/// Give an error the place that Rhai lost: the last operation that noted its own, or a loop that notes none; without
/// either, the start of `entry`. The text names the function it is in.
fn locate(explained: Explained, host: &Host, facts: &Facts, entry: &str) -> Explained {
    if !explained.position.is_none() {
        return explained;
    }
    let (reached, ago) = host.position();
    let position = if explained.code == FaultCode::FuelExhausted && ago > STALE_AFTER {
        let silent = &facts.silent_loops;
        let next = silent.iter().find(|position| **position >= reached);
        next.or(silent.first()).copied().unwrap_or(reached)
    } else {
        reached
    };
    let position = position.or_else(facts.start(entry));
    let inside = facts.functions.iter().rfind(|(_, start)| *start <= position);
    match inside.filter(|(name, _)| !entry.is_empty() && name != entry) {
        Some((name, _)) => {
            Explained { position, text: format!("{} (in `{name}`)", explained.text), ..explained }
        }
        None => Explained { position, ..explained },
    }
}

/// The bytes of the handle at `at`; none if the arena ends before.
fn part(arena: &[u8], at: usize) -> &[u8] {
    arena.get(at..).and_then(|rest| rest.get(..AxisHandle::SIZE as usize)).unwrap_or_default()
}

/// Sets [`IN_INTERPRETER`] while it lives.
struct Interpreting(bool);

impl Interpreting {
    fn new() -> Self {
        Self(IN_INTERPRETER.replace(true))
    }
}

impl Drop for Interpreting {
    fn drop(&mut self) {
        IN_INTERPRETER.set(self.0);
    }
}

impl InterpretedProgram {
    /// Tags that its text assigns to, each once, by ascending index.
    pub fn assigned_tags(&self) -> &[AssignedTag] {
        &self.assigned
    }

    /// Axes that its state has handles of, by index in the cell, ascending: each once, with the place where a handle of it
    /// is made. All programs that have handles of one axis must belong to one task.
    pub fn axes(&self) -> &[UsedAxis] {
        &self.axes
    }

    /// A handle stays with the axis for which `init` made it.
    fn same_axes(&self, arena: &[u8]) -> Result<(), state::Mismatch> {
        let axis = |arena, at| AxisHandle::from_bytes(part(arena, at)).map(|handle| handle.axis());
        match self.handles.iter().all(|at| axis(arena, *at) == axis(&self.initial, *at)) {
            true => Ok(()),
            false => {
                Err(state::Mismatch::new("a handle is of another axis than the one that `init` gave it"))
            }
        }
    }

    /// The state in which the last fault found the program, as text; `None` if it did not fault since it was reset.
    pub fn failed_state(&self) -> Option<String> {
        self.failed.as_ref().map(state::render)
    }

    fn run(&mut self, context: &mut RunContext<'_>) -> Result<(), Explained> {
        self.host.begin(Phase::Cycle, self.limits.operations);
        let dt_ns = context.sys.dt_ns;
        let options = CallFnOptions::new().eval_ast(false).bind_this_ptr(&mut self.state).with_tag(dt_ns);
        let (engine, scope, ast) = (&self.engine, &mut self.scope, &self.ast);
        let called = self.host.lend(context, || {
            // Rhai has asserts of its own. None is known to be reachable; one that is must not end the process.
            catch_unwind(AssertUnwindSafe(|| {
                engine.call_fn_with_options::<Dynamic>(options, scope, ast, "cycle", ())
            }))
        });
        match called {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => return Err(self.explain(&error)),
            Err(_) => {
                self.scope.clear();
                let text =
                    "the interpreter failed here; this is a defect of Sensai, please report the program";
                return Err(self.locate(FaultCode::Script, text.to_owned()));
            }
        }
        let settle = Some((&*context.ports, context.sys.first_cycle));
        state::write(&self.state, &self.layout, &self.limits, settle, &mut self.next).map_err(
            |mismatch| {
                let position = self.assignment(&mismatch.path);
                let position = position.or_else(self.facts.start("cycle"));
                Explained { code: mismatch.code, position, text: mismatch.sentence() }
            },
        )?;
        std::mem::swap(&mut self.arena, &mut self.next);
        Ok(())
    }

    fn explain(&self, error: &EvalAltResult) -> Explained {
        let bounds = fault::Bounds { weight: self.host.weight(), ..engine::bounds(&self.limits) };
        locate(explain(error, bounds), &self.host, &self.facts, "cycle")
    }

    fn locate(&self, code: FaultCode, text: String) -> Explained {
        locate(Explained { code, position: Position::NONE, text }, &self.host, &self.facts, "cycle")
    }

    /// Where a field of the state is assigned to. Methods see a part of the state, so their paths are ends of the whole.
    fn assignment(&self, path: &str) -> Position {
        let mut plain = String::new();
        let mut nested = 0_usize;
        for character in path.chars() {
            match character {
                '[' => nested += 1,
                ']' => nested = nested.saturating_sub(1),
                character if nested == 0 => plain.push(character),
                _ => {}
            }
        }
        let all = &self.facts.assignments;
        let whole = all.iter().find(|(assigned, _)| *assigned == plain);
        let end = || all.iter().find(|(assigned, _)| plain.ends_with(&format!(".{assigned}")));
        let above = || all.iter().find(|(assigned, _)| plain.starts_with(&format!("{assigned}.")));
        // With an index that is computed, any field may be meant.
        let computed = || all.iter().find(|(assigned, _)| assigned.is_empty());
        whole.or_else(end).or_else(above).or_else(computed).map_or(Position::NONE, |(_, position)| *position)
    }

    fn error(&self, explained: Explained) -> ProgramError {
        ProgramError {
            fault: Fault {
                code: explained.code,
                source: self.index,
                line: explained.position.line().unwrap_or(0) as u32,
                column: explained.position.position().unwrap_or(0) as u16,
            },
            text: explained.text.into(),
        }
    }

    /// Build the script value anew from the arena.
    fn rebuild(&mut self) -> Dynamic {
        // The arena was checked when it was written, so this cannot fail; if it does, the next cycle says so.
        let rebuilt = state::read(&self.layout, &self.limits, &self.arena).unwrap_or(Dynamic::UNIT);
        std::mem::replace(&mut self.state, rebuilt)
    }
}

impl Program for InterpretedProgram {
    fn name(&self) -> &str {
        &self.name
    }

    fn layout(&self) -> &Layout {
        &self.layout
    }

    fn state(&self) -> &[u8] {
        &self.arena
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), ProgramError> {
        let read = state::read(&self.layout, &self.limits, state).and_then(|value| {
            // Writing it again gives the bytes that this state has: padding and NaN may differ in a foreign arena.
            self.next.fill(0);
            state::write(&value, &self.layout, &self.limits, None, &mut self.next)?;
            self.same_axes(&self.next)?;
            Ok(value)
        });
        match read {
            Ok(value) => {
                self.state = value;
                self.failed = None;
                std::mem::swap(&mut self.arena, &mut self.next);
                self.next.fill(0);
                Ok(())
            }
            Err(mismatch) => {
                self.next.fill(0);
                let text = format!("{} cannot take this state: {}", self.name, mismatch.sentence());
                Err(self.error(Explained { code: mismatch.code, position: Position::NONE, text }))
            }
        }
    }

    fn reset(&mut self) {
        self.arena.copy_from_slice(&self.initial);
        drop(self.rebuild());
        self.failed = None;
    }

    fn cycle(&mut self, context: &mut RunContext<'_>) -> Result<(), ProgramError> {
        let _interpreting = Interpreting::new();
        if context.tags.len() < self.slots || context.parameters.len() != self.parameters {
            let text = format!(
                "the cell has {} tag values and {} parameters, {} was compiled for {} and {}",
                context.tags.len(),
                context.parameters.len(),
                self.name,
                self.slots,
                self.parameters
            );
            return Err(self.error(Explained { code: FaultCode::Script, position: Position::NONE, text }));
        }
        let reached = &self.host.reached;
        if context.ports.axes.len() < reached.axes.len() || context.ports.models() < reached.models.len() {
            let text = format!(
                "the task has {} axes and {} models, {} was compiled for {} and {}",
                context.ports.axes.len(),
                context.ports.models(),
                self.name,
                reached.axes.len(),
                reached.models.len()
            );
            return Err(self.error(Explained { code: FaultCode::Script, position: Position::NONE, text }));
        }
        match self.run(context) {
            Ok(()) => Ok(()),
            Err(explained) => {
                self.failed = Some(self.rebuild());
                Err(self.error(explained))
            }
        }
    }

    fn operations(&self) -> u64 {
        self.host.work()
    }

    fn allocates(&self) -> bool {
        true
    }
}
