//! What of the language was run, in both tiers: each kind of node of the typed program, by the types of its operands.
//!
//! A program with counters (`print::counting`) is itself a program of the language, so both tiers run the counters along
//! with everything else, and count for themselves. Which node a counter stands at, the typed program says. Only what took
//! effect counts: a run that faults takes its counts back with its tags.

mod labels;

use crate::{
    campaign::{self, CYCLES},
    drive::{self, Case, Verdict},
    print,
    tiers::Tiers,
    world::{PROGRAM, World},
};
use sensai_model::cell::ProgramSource;
use sensai_scripts::{
    ScriptEnvironment, analyse,
    hir::{Block, ExprKind, Function, Hir, Statement, StatementKind},
};
use std::collections::{BTreeMap, BTreeSet};

pub use labels::expected;

/// A kind of node, and the types that it was used with.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Label {
    /// Such as `+`, `read this[]`, `TON.run`.
    pub kind: String,
    /// Such as `i64, f64`; empty where there are none.
    pub types: String,
}

/// Times that each was run: by the oracle, by the other tier.
#[derive(Clone, Debug, Default)]
pub struct Coverage {
    counts: BTreeMap<Label, [u64; 2]>,
    /// Programs that were counted.
    pub programs: u64,
}

impl Label {
    pub(crate) fn new(kind: impl Into<String>, types: impl Into<String>) -> Self {
        Self { kind: kind.into(), types: types.into() }
    }
}

impl Coverage {
    /// Run a seed's program with counters, and add what they say.
    ///
    /// # Errors
    /// How the tiers differ on it.
    pub fn add(&mut self, seed: u64, tiers: Tiers<'_>) -> Result<(), drive::Difference> {
        let (world, program) = campaign::case_of(seed);
        let printed = print::counting(&program, seed as u32);
        let case = Case {
            world: &world,
            text: &printed.text,
            probes: printed.probes,
            cycles: CYCLES,
            seed,
            trace: false,
        };
        let run = drive::run(&case, tiers);
        match run.verdict {
            // Braces around so much nest more deeply than a parser likes now and then.
            Verdict::Differs(difference) if difference.kind == "refused" => return Ok(()),
            Verdict::Differs(difference) => return Err(difference),
            Verdict::Equal => {}
        }
        let Some(hir) = understood(&printed.text, printed.probes, &world) else { return Ok(()) };
        self.programs += 1;
        let [one, other] = &run.probes;
        for (probe, labels) in labels_of_probes(&hir, &world) {
            let count = |counts: &[u64]| counts.get(probe as usize).copied().unwrap_or(0);
            let counts = [count(one), count(other)];
            for label in labels {
                self.count(label, counts);
            }
        }
        for label in labels::of_init(&hir) {
            self.count(label, [1, 1]);
        }
        Ok(())
    }

    fn count(&mut self, label: Label, counts: [u64; 2]) {
        let sums = self.counts.entry(label).or_default();
        for (sum, count) in sums.iter_mut().zip(counts) {
            *sum += count;
        }
    }

    /// Add what another one counted.
    pub fn join(&mut self, other: Self) {
        self.programs += other.programs;
        for (label, counts) in other.counts {
            self.count(label, counts);
        }
    }

    /// What there is and was run by a tier not even once.
    pub fn missing(&self) -> Vec<Label> {
        let run = |label: &Label| self.counts.get(label).is_some_and(|counts| counts.iter().all(|n| *n > 0));
        expected().into_iter().filter(|label| !run(label)).collect()
    }

    /// All counts as a table, one kind a line.
    pub fn table(&self) -> String {
        let mut kinds: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        let all = expected();
        let known: BTreeSet<&Label> = all.iter().chain(self.counts.keys()).collect();
        for label in known {
            let [one, other] = self.counts.get(label).copied().unwrap_or_default();
            let types = if label.types.is_empty() { String::new() } else { format!("{} ", label.types) };
            let counts = if one == other { format!("{one}") } else { format!("{one}/{other}") };
            kinds.entry(&label.kind).or_default().push(format!("{types}{counts}"));
        }
        let lines = kinds.iter().map(|(kind, counts)| format!("{kind:<26} {}", counts.join("  ")));
        lines.collect::<Vec<_>>().join("\n")
    }
}

/// The typed program of a text in its world.
fn understood(text: &str, probes: u32, world: &World) -> Option<Hir> {
    let source = ProgramSource::new("case", "programs/case.rhai", text);
    let tags = world.tags_with_probes(probes);
    let environment: ScriptEnvironment<'_> = world.environment(&tags);
    debug_assert_eq!(environment.program_index, PROGRAM);
    analyse(&source, &environment).hir
}

/// What stands behind each counter. Of a function with several instances only what is the same in all of them: who of
/// them counted, nobody knows.
fn labels_of_probes(hir: &Hir, world: &World) -> BTreeMap<u32, BTreeSet<Label>> {
    let probe_tag = world.tags.len() as u32;
    let mut found: BTreeMap<u32, BTreeSet<Label>> = BTreeMap::new();
    for function in &hir.functions {
        let mut of_function: BTreeMap<u32, BTreeSet<Label>> = BTreeMap::new();
        each_block(function, &mut |block| {
            for (place, statement) in block.statements.iter().enumerate() {
                let Some(probe) = probe_of(function, statement, probe_tag) else { continue };
                let labels = match (block.statements.get(place + 1), block.value) {
                    (Some(next), _) => labels::of_statement(hir, function, world, next),
                    (None, Some(value)) => labels::of_expr(hir, function, world, value),
                    (None, None) => Vec::new(),
                };
                of_function.entry(probe).or_default().extend(labels);
            }
        });
        for (probe, labels) in of_function {
            found
                .entry(probe)
                .and_modify(|known| *known = known.intersection(&labels).cloned().collect())
                .or_insert(labels);
        }
    }
    found
}

/// Number of the counter, if the statement is one.
fn probe_of(function: &Function, statement: &Statement, probe_tag: u32) -> Option<u32> {
    let StatementKind::AssignTag { tag, .. } = &statement.kind else { return None };
    let index = tag.index.filter(|_| tag.tag == probe_tag)?;
    match function.expr(index).kind {
        ExprKind::Literal(sensai_model::Value::I64(number)) => u32::try_from(number).ok(),
        _ => None,
    }
}

/// Every block of a function.
fn each_block(function: &Function, visit: &mut dyn FnMut(&Block)) {
    blocks_in(&function.body, visit);
    for expr in &function.exprs {
        match &expr.kind {
            ExprKind::If { then, otherwise, .. } => {
                blocks_in(then, visit);
                if let Some(otherwise) = otherwise {
                    blocks_in(otherwise, visit);
                }
            }
            ExprKind::Block(block) => blocks_in(block, visit),
            _ => {}
        }
    }
}

/// A block and the loops in it; blocks in expressions are found there.
fn blocks_in(block: &Block, visit: &mut dyn FnMut(&Block)) {
    visit(block);
    for statement in &block.statements {
        if let StatementKind::While { body, .. } | StatementKind::For { body, .. } = &statement.kind {
            blocks_in(body, visit);
        }
    }
}
