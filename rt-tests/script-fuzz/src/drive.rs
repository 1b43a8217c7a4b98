//! Both tiers in step on the same program, world and outside; what differs first is what is said.

use crate::{
    chance::Chance,
    outside::{Event, Outside, obey},
    tiers::Tiers,
    world::{PROGRAM, World},
};
use sensai_model::{FaultCode, Tag, TagStore, Value, cell::ProgramSource};
use sensai_scripts::{Ports, Program, ProgramError, RunContext};
use std::{
    collections::BTreeMap,
    fmt::Write,
    panic::{AssertUnwindSafe, catch_unwind},
};

/// How a run of both tiers ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// Equal in everything, to the end.
    Equal,
    /// They differ.
    Differs(Difference),
}

/// The first difference.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// What kind of thing differs; a smaller program must differ in the same kind.
    pub kind: &'static str,
    /// Cycles run before.
    pub cycle: u64,
    /// What the oracle says, what the other one says.
    pub text: String,
}

/// What a run came to.
#[derive(Clone, Debug)]
pub struct Run {
    /// Its end.
    pub verdict: Verdict,
    /// Cycles run.
    pub cycles: u64,
    /// Cycles that faulted in both, by code.
    pub faults: BTreeMap<u16, u64>,
    /// Faults of which the column differed: no part of the agreement, but good to know.
    pub columns: u64,
    /// What each tier's counters came to, if the program has some.
    pub probes: [Vec<u64>; 2],
    /// Facts of the last cycles, for a report.
    pub trace: Vec<String>,
}

/// What is run.
pub struct Case<'a> {
    /// The cell.
    pub world: &'a World,
    /// The program.
    pub text: &'a str,
    /// Number of counters in it.
    pub probes: u32,
    /// Cycles.
    pub cycles: u64,
    /// Of the outside.
    pub seed: u64,
    /// Keep a trace.
    pub trace: bool,
}

/// Stream of a seed for the outside.
const OUTSIDE: u64 = 2;

struct Side {
    program: Box<dyn Program>,
    store: TagStore,
    ports: Ports,
}

/// Run a case in both tiers.
pub fn run(case: &Case<'_>, tiers: Tiers<'_>) -> Run {
    let mut run = Run {
        verdict: Verdict::Equal,
        cycles: 0,
        faults: BTreeMap::new(),
        columns: 0,
        probes: [Vec::new(), Vec::new()],
        trace: Vec::new(),
    };
    let ended = catch_unwind(AssertUnwindSafe(|| steps(case, tiers, &mut run)));
    run.verdict = match ended {
        Ok(Ok(())) => Verdict::Equal,
        Ok(Err(verdict)) => verdict,
        Err(panicked) => {
            let text = panicked.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panicked.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            differs("panic", run.cycles, text.unwrap_or_default())
        }
    };
    run
}

fn differs(kind: &'static str, cycle: u64, text: String) -> Verdict {
    Verdict::Differs(Difference { kind, cycle, text })
}

/// The program in each tier.
fn compiled(case: &Case<'_>, tags: &[Tag], tiers: Tiers<'_>) -> Result<[Box<dyn Program>; 2], Verdict> {
    let source = ProgramSource::new("case", "programs/case.rhai", case.text);
    let environment = case.world.environment(tags);
    let both = ((tiers.oracle)(&source, &environment), (tiers.tested)(&source, &environment));
    match both {
        (Ok(oracle), Ok(tested)) => Ok([oracle, tested]),
        // A program that no tier takes is a mistake of the generator, and no comparison at all.
        (Err(left), Err(_)) => Err(differs("refused", 0, format!("both refuse it:\n{}", left))),
        (Err(left), Ok(_)) => {
            Err(differs("accepted", 0, format!("the oracle refuses it, the other takes it:\n{}", left)))
        }
        (Ok(_), Err(right)) => {
            Err(differs("accepted", 0, format!("the oracle takes it, the other refuses it:\n{}", right)))
        }
    }
}

fn steps(case: &Case<'_>, tiers: Tiers<'_>, run: &mut Run) -> Result<(), Verdict> {
    let tags = case.world.tags_with_probes(case.probes);
    let [oracle, tested] = compiled(case, &tags, tiers)?;
    let all: Vec<Tag> = tags.iter().chain(&case.world.shafts).cloned().collect();
    let side = |program| Side { program, store: TagStore::new(&all), ports: case.world.ports() };
    let mut sides = [side(oracle), side(tested)];
    let [left, right] = &sides;
    let (one, other) = (left.program.layout(), right.program.layout());
    if one.hash() != other.hash() {
        let text = format!("layout {}\nand    {}", one.signature(), other.signature());
        return Err(differs("layout", 0, text));
    }
    compare_states(&sides, 0)?;
    let mut outside = Outside::new(case.world, Chance::new(case.seed, OUTSIDE));
    let mut history: Vec<Vec<u8>> = vec![sides[0].program.state().to_vec()];
    let mut faulted = false;
    for number in 0..case.cycles {
        let event = outside.event(faulted);
        happen(event, &mut sides, &history, &mut outside, number)?;
        if case.trace {
            run.trace.push(format!("cycle {number}: {event:?}, {:?}", outside.sys));
        }
        let [left, right] = &mut sides;
        outside.enter([&mut left.store, &mut right.store], [&mut left.ports, &mut right.ports]);
        faulted = cycle(&mut sides, &outside, number, run)?;
        run.cycles += 1;
        for (side, probes) in sides.iter().zip(&mut run.probes) {
            *probes = counted(side, &tags, case.probes);
        }
        history.push(sides[0].program.state().to_vec());
        outside.advance();
    }
    Ok(())
}

/// What happens to the programs before a cycle.
fn happen(
    event: Event,
    sides: &mut [Side; 2],
    history: &[Vec<u8>],
    outside: &mut Outside<'_>,
    number: u64,
) -> Result<(), Verdict> {
    match event {
        Event::None => return Ok(()),
        Event::Reset => {
            sides.iter_mut().for_each(|side| side.program.reset());
            outside.sys.first_cycle = true;
        }
        Event::Exchange => {
            let states = [sides[1].program.state().to_vec(), sides[0].program.state().to_vec()];
            restore(sides, [&states[0], &states[1]], number)?;
        }
        Event::Return => {
            let state = history[history.len() / 2].clone();
            restore(sides, [&state, &state], number)?;
        }
        Event::Damage => {
            let mut state = sides[0].program.state().to_vec();
            outside.damage(sides[0].program.layout(), &mut state);
            restore(sides, [&state, &state], number)?;
        }
    }
    compare_states(sides, number)
}

/// Both take a state, or neither does.
fn restore(sides: &mut [Side; 2], states: [&[u8]; 2], number: u64) -> Result<(), Verdict> {
    let [left, right] = sides;
    let both = (left.program.restore(states[0]), right.program.restore(states[1]));
    match both {
        (Ok(()), Ok(())) => Ok(()),
        (Err(left), Err(right)) if left.fault.code == right.fault.code => Ok(()),
        (left, right) => Err(differs("restore", number, format!("restored {left:?}\nand      {right:?}"))),
    }
}

/// One cycle in both; true if it faulted.
fn cycle(sides: &mut [Side; 2], outside: &Outside<'_>, number: u64, run: &mut Run) -> Result<bool, Verdict> {
    let mut ended = Vec::with_capacity(2);
    for side in sides.iter_mut() {
        let before = side.program.state().to_vec();
        side.ports.begin(outside.sys.cycle + 1);
        let mut context = RunContext {
            sys: outside.sys,
            tags: &mut side.store,
            parameters: &outside.parameters,
            ports: &mut side.ports,
        };
        let result = side.program.cycle(&mut context);
        if result.is_err() && side.program.state() != before {
            return Err(differs("roll back", number, "a fault changed the state".to_owned()));
        }
        ended.push(result);
    }
    let (right, left) = (ended.pop(), ended.pop());
    let (Some(left), Some(right)) = (left, right) else { return Ok(false) };
    if run.trace.last().is_some() {
        run.trace.push(format!("    {}", said(&left)));
    }
    match (left, right) {
        (Ok(()), Ok(())) => {
            compare_effects(sides, number)?;
            for side in sides.iter_mut() {
                side.store.commit();
                outside.seen(&mut side.ports);
                obey(&mut side.ports);
            }
            compare_committed(sides, number)?;
            compare_states(sides, number)?;
            Ok(false)
        }
        (Err(left), Err(right)) => {
            // Where in a loop without end the fuel is used up, each tier has its own opinion on.
            let line = |error: &ProgramError| match error.fault.code {
                FaultCode::FuelExhausted => 0,
                _ => error.fault.line,
            };
            let place = |error: &ProgramError| (error.fault.code, line(error), error.fault.source);
            if place(&left) != place(&right) {
                let text = format!("{}\nand {}", shown(&left), shown(&right));
                return Err(differs("fault", number, text));
            }
            if left.fault.source != PROGRAM {
                return Err(differs("source", number, format!("fault of program {}", left.fault.source)));
            }
            run.columns += u64::from(left.fault.column != right.fault.column);
            *run.faults.entry(left.fault.code.id()).or_default() += 1;
            for side in sides.iter_mut() {
                side.store.roll_back();
                side.ports.roll_back();
            }
            compare_states(sides, number)?;
            Ok(true)
        }
        (left, right) => Err(differs("end", number, format!("{}\nand {}", said(&left), said(&right)))),
    }
}

fn said(result: &Result<(), ProgramError>) -> String {
    match result {
        Ok(()) => "no fault".to_owned(),
        Err(error) => shown(error),
    }
}

fn shown(error: &ProgramError) -> String {
    let fault = &error.fault;
    format!("{:?} in line {}, column {}: {}", fault.code, fault.line, fault.column, error.text)
}

fn value(value: Value) -> String {
    format!("{value:?} ({:#x})", value.to_bits())
}

/// Bits as they are: also those of a NaN that is not canonical.
fn same(left: Value, right: Value) -> bool {
    match (left, right) {
        (Value::F64(left), Value::F64(right)) => left.to_bits() == right.to_bits(),
        (left, right) => left == right,
    }
}

fn compare_effects(sides: &[Side; 2], number: u64) -> Result<(), Verdict> {
    let [left, right] = sides;
    for slot in 0..left.store.len() as u32 {
        let (one, other) = (left.store.value(slot), right.store.value(slot));
        if !same(one, other) {
            let text = format!("slot {slot} is staged as {}\nand {}", value(one), value(other));
            return Err(differs("tag", number, text));
        }
        if left.store.written(slot) != right.store.written(slot) {
            let text = format!("slot {slot} was written: {}", left.store.written(slot));
            return Err(differs("written", number, text));
        }
    }
    let (one, other) = (left.ports.commands(), right.ports.commands());
    if one != other {
        return Err(differs("commands", number, format!("commands {one:?}\nand {other:?}")));
    }
    let (one, other) = (left.ports.requests(), right.ports.requests());
    if one != other {
        return Err(differs("requests", number, format!("requests {one:?}\nand {other:?}")));
    }
    Ok(())
}

fn compare_committed(sides: &[Side; 2], number: u64) -> Result<(), Verdict> {
    let [left, right] = sides;
    for slot in 0..left.store.len() as u32 {
        let (one, other) = (left.store.committed(slot), right.store.committed(slot));
        if !same(one, other) {
            let text = format!("slot {slot} was committed as {}\nand {}", value(one), value(other));
            return Err(differs("tag", number, text));
        }
    }
    Ok(())
}

fn compare_states(sides: &[Side; 2], number: u64) -> Result<(), Verdict> {
    let [left, right] = sides;
    let (one, other) = (left.program.state(), right.program.state());
    if one == other {
        return Ok(());
    }
    let at = one.iter().zip(other).position(|(one, other)| one != other);
    let at = at.unwrap_or(one.len().min(other.len()));
    let mut text = format!("state of {} and {} bytes, different at {at}", one.len(), other.len());
    let layout = left.program.layout();
    for leaf in layout.leaves() {
        let (start, end) = (leaf.offset, leaf.offset + leaf.shape.size() as usize);
        if (start..end).contains(&at) {
            let part = |state: &[u8]| state.get(start..end).map(<[u8]>::to_vec).unwrap_or_default();
            let read = |state| layout.read(state, &leaf.path).map(|reading| format!(" = {reading:?}"));
            let _ = write!(
                text,
                "\n`this.{}` ({}){}\nand{}\nbytes {:02x?}\nand   {:02x?}",
                leaf.path,
                leaf.shape.describe(),
                read(one).unwrap_or_default(),
                read(other).unwrap_or_default(),
                part(one),
                part(other)
            );
        }
    }
    Err(differs("state", number, text))
}

fn counted(side: &Side, tags: &[Tag], probes: u32) -> Vec<u64> {
    let Some(tag) = tags.last().filter(|_| probes > 0) else { return Vec::new() };
    let count = |slot| match side.store.committed(slot) {
        Value::I64(count) => u64::try_from(count).unwrap_or(0),
        _ => 0,
    };
    (tag.slot..tag.slot + probes).map(count).collect()
}
