//! Programs of which it is known what is found, and programs that are run to see whether what is found holds.

mod concrete;
mod found;
mod large;
mod proven;
mod random;

use super::{
    Examined, Proven, examine,
    facts::{Facts, Site},
    prove,
};
use crate::{
    Reach, Role, ScriptEnvironment, analyse,
    hir::{ExprId, FunctionId, Hir},
};
use concrete::{Datum, Run, Watch, World, arbitrary};
use sensai_model::{
    BitField, RawType, ScalarType, Tag, TagKind, Value,
    cell::{Limits, Parameter, ProgramSource},
    tag::{OnFault, OnInvalid, Overflow, Scale},
};

const LIMITS: Limits =
    Limits { operations: 100_000, call_depth: 16, text_len: 63, array_len: 4096, record_len: 256 };

/// A cell with a tag of each sort.
pub(super) struct Cell {
    pub tags: Vec<Tag>,
    pub parameters: Vec<Parameter>,
}

fn tag(name: &str, kind: TagKind, initial: Value, len: Option<u32>, range: Option<(Value, Value)>) -> Tag {
    let raw = match (kind, initial) {
        (TagKind::Memory | TagKind::Model, _) => None,
        (_, Value::Bool(_)) => Some((RawType::Bool, 1)),
        (_, Value::I64(_)) => Some((RawType::Unsigned, 8)),
        (_, Value::F64(_)) => Some((RawType::Signed, 16)),
    };
    let field = |(raw, bit_len)| BitField { bit_offset: 0, bit_len, raw };
    let fields: Vec<BitField> = (0..len.unwrap_or(1)).filter_map(|_| raw.map(field)).collect();
    Tag {
        name: name.to_owned(),
        aliases: Vec::new(),
        kind,
        scalar: initial.scalar_type(),
        array_len: len,
        slot: 0,
        sync_units: vec![0; fields.len()],
        bindings: vec![String::new(); fields.len()],
        scale: (initial.scalar_type() == ScalarType::F64 && raw.is_some())
            .then_some(Scale { factor: 0.01, offset: 1.0 }),
        fields,
        unit: None,
        range,
        on_invalid: OnInvalid::Hold,
        on_fault: OnFault::Hold,
        overflow: Overflow::Fault,
        initial,
        description: String::new(),
    }
}

impl Cell {
    pub fn new() -> Self {
        let (i, f) = (Value::I64, Value::F64);
        let mut tags = vec![
            tag("start", TagKind::Input, Value::Bool(false), None, None),
            tag("byte", TagKind::Input, i(0), None, None),
            tag("force", TagKind::Input, f(1.0), None, None),
            tag("bytes", TagKind::Input, i(0), Some(4), None),
            tag("lamp", TagKind::Output, Value::Bool(false), None, None),
            tag("count", TagKind::Output, i(0), None, Some((i(0), i(100)))),
            tag("valve", TagKind::Output, f(0.0), None, Some((f(-10.0), f(10.0)))),
            tag("valves", TagKind::Output, f(0.0), Some(3), Some((f(0.0), f(5.0)))),
            tag("free", TagKind::Memory, f(0.0), None, None),
            tag("limited", TagKind::Memory, i(0), None, Some((i(-5), i(5)))),
        ];
        if let Some(limited) = tags.last_mut() {
            limited.overflow = Overflow::Saturate;
        }
        let mut slot = 0;
        for tag in &mut tags {
            tag.slot = slot;
            slot += tag.len();
        }
        let parameter = |name: &str, default: Value, range| Parameter {
            name: name.to_owned(),
            scalar: default.scalar_type(),
            default,
            range,
            unit: None,
            description: String::new(),
        };
        let parameters = vec![
            parameter("batch", i(3), Some((i(0), i(7)))),
            parameter("any", i(3), None),
            parameter("gain", f(0.5), Some((f(0.1), f(2.0)))),
        ];
        Self { tags, parameters }
    }

    pub fn environment(&self) -> ScriptEnvironment<'_> {
        ScriptEnvironment {
            tags: &self.tags,
            parameters: &self.parameters,
            limits: LIMITS,
            program_index: 0,
            role: Role::Controller,
            reach: Reach::default(),
        }
    }
}

/// The typed tree of a text.
pub(super) fn hir(text: &str, environment: &ScriptEnvironment<'_>) -> Hir {
    let program = ProgramSource::new("t", "t.rhai", text);
    let analysed = analyse(&program, environment);
    let findings: Vec<String> = analysed.findings.iter().map(ToString::to_string).collect();
    analysed.hir.unwrap_or_else(|| panic!("{findings:#?}\n{text}"))
}

/// A body of `cycle` with this state.
fn program(state: &str, body: &str) -> String {
    format!("fn init() {{ #{{ {state} }} }}\nfn cycle() {{ {body} }}\n")
}

/// Holds what is found against what happens.
struct Judge<'a> {
    hir: &'a Hir,
    facts: &'a dyn Fn(FunctionId) -> &'a Facts,
    text: &'a str,
    wrong: Vec<String>,
}

impl Judge<'_> {
    fn say(&mut self, function: FunctionId, expr: ExprId, what: &str) {
        let function = self.hir.function(function);
        let span = function.expr(expr).span;
        let written = self.text.get(span.start as usize..span.end as usize).unwrap_or_default();
        self.wrong.push(format!("{}: `{written}` {what}", function.name));
    }

    fn is_known(&self, known: Option<&super::value::Known>, value: &Datum) -> bool {
        match (value, known) {
            (Datum::Scalar(value), known) => known.is_some_and(|known| known.contains(*value)),
            (Datum::Text(text), Some(super::value::Known::Symbol(symbols))) => {
                match self.hir.symbols.iter().position(|symbol| symbol == text) {
                    Some(place) => symbols.contains(crate::hir::SymbolId(place as u32)),
                    None => symbols.has_others(),
                }
            }
            (Datum::Text(_), _) => false,
            _ => true,
        }
    }
}

impl Watch for Judge<'_> {
    fn value(&mut self, function: FunctionId, expr: ExprId, value: &Datum) {
        let facts = (self.facts)(function);
        let known = facts.known(expr);
        if !facts.is_reached(expr) || !self.is_known(known, value) {
            self.say(function, expr, &format!("is {value:?}, said to be {known:?}"));
        }
    }

    fn check(&mut self, function: FunctionId, expr: ExprId, site: Site, holds: bool) {
        let facts = (self.facts)(function);
        if !holds && facts.holds(expr, site) {
            self.say(function, expr, &format!("faults, {site:?} is said never to do so"));
        }
        if holds && facts.fails_always(expr, site) {
            self.say(function, expr, &format!("does not fault, {site:?} is said always to do so"));
        }
    }

    fn stored(&mut self, function: FunctionId, expr: ExprId, value: &Datum) {
        let known = (self.facts)(function).stored(expr);
        if !self.is_known(known, value) {
            self.say(function, expr, &format!("is stored as {value:?}, said to be {known:?}"));
        }
    }

    fn turns(&mut self, function: FunctionId, start: u32, turns: u64, to_its_end: bool) {
        let known = (self.facts)(function).loop_turns(start);
        let fits = known.is_some_and(|known| {
            known.most.is_none_or(|most| turns <= most) && (!to_its_end || known.least <= turns)
        });
        if !fits {
            self.wrong
                .push(format!("the loop at byte {start} turned {turns} times, said to do so {known:?}"));
        }
    }
}

/// Run a program for some cycles, from states and on values that are drawn by `seed`; panics if what is proven does not hold.
/// How many cycles came to their end.
pub(super) fn run_and_judge(text: &str, hir: &Hir, cell: &Cell, cycles: u64, seed: u64) -> u64 {
    let environment = cell.environment();
    let (proven, examined) = (prove(hir, &environment), examine(hir, &environment));
    judge_proofs(text, hir, cell, &proven, cycles, seed)
        + judge_advice(text, hir, cell, &examined, cycles, seed)
}

fn world(cell: &Cell, seed: u64) -> World<'_> {
    let slots = cell.tags.iter().map(|tag| tag.slot + tag.len()).max().unwrap_or(0);
    let mut values = vec![Value::Bool(false); slots as usize];
    for tag in &cell.tags {
        values[tag.slot as usize..(tag.slot + tag.len()) as usize].fill(tag.initial);
    }
    World {
        tags: &cell.tags,
        values,
        parameters: cell.parameters.iter().map(|parameter| parameter.default).collect(),
        cycle: 0,
        time_ns: 0,
        dt_ns: 1_000_000,
        first_cycle: true,
        seed: 7,
        chance: seed,
    }
}

/// Any state, any tags: what is proven holds all the same.
fn judge_proofs(text: &str, hir: &Hir, cell: &Cell, proven: &Proven, cycles: u64, seed: u64) -> u64 {
    let facts = |function| proven.facts(function).unwrap();
    let mut judge = Judge { hir, facts: &facts, text, wrong: Vec::new() };
    let mut world = world(cell, seed);
    let mut state = Run::new(hir, &mut world, &mut judge).init().expect("init runs");
    let mut ended = 0;
    for cycle in 0..cycles {
        draw_tags(cell, &mut world, true);
        draw_parameters(cell, &mut world);
        world.cycle = if cycle % 7 == 6 { u64::MAX } else { cycle };
        world.time_ns = world.cycle.cast_signed();
        world.first_cycle = cycle == 0;
        let begun = arbitrary(&mut world, &state, &hir.symbols);
        if let Some(after) = Run::new(hir, &mut world, &mut judge).cycle(begun) {
            state = after;
            ended += 1;
        }
    }
    assert!(judge.wrong.is_empty(), "seed {seed}: {:#?}\n{text}", judge.wrong);
    ended
}

/// From what `init` gives, on tags that are what the cell says.
fn judge_advice(text: &str, hir: &Hir, cell: &Cell, examined: &Examined, cycles: u64, seed: u64) -> u64 {
    let facts = |function| examined.facts(function).unwrap();
    let mut judge = Judge { hir, facts: &facts, text, wrong: Vec::new() };
    let mut world = world(cell, seed);
    let mut state = Run::new(hir, &mut world, &mut judge).init().expect("init runs");
    let mut ended = 0;
    for cycle in 0..cycles {
        draw_tags(cell, &mut world, false);
        draw_parameters(cell, &mut world);
        (world.cycle, world.time_ns, world.first_cycle) = (cycle, cycle as i64 * world.dt_ns, cycle == 0);
        let values = world.values.clone();
        match Run::new(hir, &mut world, &mut judge).cycle(state.clone()) {
            Some(after) => {
                state = after;
                ended += 1;
            }
            None => world.values = values,
        }
    }
    assert!(judge.wrong.is_empty(), "seed {seed}: {:#?}\n{text}", judge.wrong);
    ended
}

/// Inputs; with `any`, everything, whatever the cell says of it.
fn draw_tags(cell: &Cell, world: &mut World<'_>, any: bool) {
    for tag in &cell.tags {
        for slot in tag.slot..tag.slot + tag.len() {
            let drawn = draw(world, tag.scalar);
            let value = if any {
                drawn
            } else if let Some(field) = tag.fields.first().filter(|_| tag.kind == TagKind::Input) {
                let mut image = [0_u8; 8];
                let bits = world.chance.to_le_bytes();
                image.copy_from_slice(&bits);
                tag.decode(field, &image).unwrap_or(tag.initial)
            } else {
                continue;
            };
            world.values[slot as usize] = value;
        }
    }
}

fn draw_parameters(cell: &Cell, world: &mut World<'_>) {
    for (index, parameter) in cell.parameters.iter().enumerate() {
        let drawn = draw(world, parameter.scalar);
        if parameter.admits(drawn) {
            world.parameters[index] = drawn;
        }
    }
}

fn draw(world: &mut World<'_>, scalar: ScalarType) -> Value {
    let datum = arbitrary(world, &Datum::Scalar(scalar.zero()), &[]);
    if let Datum::Scalar(value) = datum { value } else { scalar.zero() }
}
