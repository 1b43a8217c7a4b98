//! What was taken out of a program is still in it: the same findings at most, and the same outputs in both tiers.

use super::*;
use crate::analysis::{Unit, laws::examples::examples, testing::Rules};
use sensai_model::{
    ScalarType, Tag, TagKind, TagStore, Value,
    cell::Tier,
    packml::{Mode, State},
};
use sensai_motion::Outcome;
use sensai_scripts::{Ports, Program, RunContext, SysFacts};
use std::collections::BTreeMap;

/// Cycles that are compared.
const CYCLES: u64 = 150;

/// Of the extractions, each of this many is run. All are checked.
const STRIDE: usize = 8;

/// Numbers that are the same each time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }

    fn value(&mut self, scalar: ScalarType) -> Value {
        match scalar {
            ScalarType::Bool => Value::Bool(self.below(2) == 0),
            ScalarType::I64 => Value::I64(self.below(24) as i64 - 4),
            ScalarType::F64 => Value::F64(self.below(800) as f64 / 4.0 - 20.0),
        }
    }

    fn enter(&mut self, tags: &[Tag], store: &mut TagStore, ports: &mut Ports, cycle: u64) {
        for tag in tags {
            for slot in tag.slot..tag.slot + tag.len() {
                match tag.kind {
                    TagKind::Input if self.below(3) == 0 => {
                        let value = self.value(tag.scalar);
                        store.set_input(slot, value, self.below(10) > 0);
                    }
                    TagKind::Model if tag.name.ends_with(".sequence") => {
                        store.set_input(slot, Value::I64(cycle as i64 / 3), true);
                    }
                    TagKind::Model => {
                        let value = self.value(tag.scalar);
                        store.set_input(slot, value, true);
                    }
                    _ => {}
                }
            }
        }
        for facts in &mut ports.axes {
            facts.position = self.below(400) as f64 / 8.0;
            facts.powered = self.below(8) > 0;
            (facts.homed, facts.in_position) = (true, self.below(2) == 0);
            if self.below(2) == 0 && facts.active != 0 {
                facts.recent.rotate_right(1);
                facts.recent[0].id = std::mem::take(&mut facts.active);
                let is_done = self.below(6) > 0;
                facts.recent[0].outcome = if is_done { Outcome::Done } else { Outcome::CommandAborted };
            }
        }
        for unit in &mut ports.units {
            if self.below(12) == 0 {
                unit.mode = Mode::ALL[self.below(Mode::ALL.len() as u64) as usize];
                unit.state = State::ALL[self.below(State::ALL.len() as u64) as usize];
            } else if self.below(4) == 0 {
                (unit.mode, unit.state) = (Mode::Production, State::Execute);
            }
        }
    }
}

/// All that a program does, cycle by cycle.
fn trace(unit: &Unit, tier: Tier) -> Vec<String> {
    let environment = unit.environment();
    let loaded = sensai_scripts::load(&unit.source, &environment, tier);
    let mut program: Box<dyn Program> = loaded.unwrap_or_else(|error| panic!("{error}")).program.boxed();
    let mut store = TagStore::new(environment.tags);
    let (cell, reach) = (&unit.cell, &environment.reach);
    let programs = usize::from(environment.program_index) + 1;
    let mut ports = Ports::new(reach.axes.len(), programs, reach.models.len());
    let parameters: Vec<Value> = cell.parameters.iter().map(|parameter| parameter.default).collect();
    let mut chance = Chance(0x9e37_79b9_7f4a_7c15);
    let mut seen = vec![program.layout().signature()];
    for cycle in 0..CYCLES {
        chance.enter(environment.tags, &mut store, &mut ports, cycle);
        ports.begin(cycle + 1);
        let dt_ns = 100_000_000;
        let sys = SysFacts { cycle, time_ns: cycle as i64 * dt_ns, dt_ns, first_cycle: cycle == 0 };
        let mut context = RunContext { sys, tags: &mut store, parameters: &parameters, ports: &mut ports };
        match program.cycle(&mut context) {
            Ok(()) => {
                let asked = (ports.commands().to_vec(), ports.requests().to_vec());
                store.commit();
                ports.see(|_| cycle as i64 / 3);
                for given in &asked.0 {
                    if let Some(facts) = ports.axes.get_mut(usize::from(given.axis)) {
                        (facts.seen, facts.active) = (given.commanded.id, given.commanded.id);
                    }
                }
                let tags: Vec<Value> = (0..store.len() as u32).map(|slot| store.committed(slot)).collect();
                seen.push(format!("{tags:?} {asked:?} {:?}", program.state()));
            }
            Err(error) => {
                store.roll_back();
                ports.roll_back();
                seen.push(format!("{:?}", error.fault.code));
            }
        }
    }
    seen
}

/// Every expression, and every row of statements, of a text.
fn selections(tree: &SyntaxNode) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for node in tree.descendants() {
        if let Some(block) = ast::Block::cast(node.clone()) {
            let statements: Vec<Range<usize>> =
                block.statements().map(|statement| span(statement.syntax())).collect();
            for (first, from) in statements.iter().enumerate() {
                found.extend(statements[first..].iter().map(|to| from.start..to.end));
            }
        }
        if ast::Expr::cast(node.clone()).is_some() {
            found.push(span(&node));
        }
    }
    found
}

#[test]
fn a_function_that_was_taken_out_does_what_was_there() {
    let (mut done, mut run) = (0, 0);
    let mut refused: BTreeMap<String, usize> = BTreeMap::new();
    for (name, files) in examples() {
        let snapshot = Snapshot::of_files(&Rules, &files);
        for unit in &snapshot.units {
            let path = unit.source.path.clone();
            let tiers = [Tier::Native, Tier::Interpreter];
            let before = tiers.map(|tier| trace(unit, tier));
            let steps = before[0].windows(2).filter(|two| two[0] != two[1]).count();
            assert!(steps > 20 && before[0] == before[1], "{name} {path} does something in {steps} cycles");
            for within in selections(&unit.analysed.trees[0].syntax()) {
                let part = unit.text(FileId(0))[within.clone()].to_owned();
                let extraction = match extract(&snapshot, &path, within) {
                    None => continue,
                    Some(Err(why)) => {
                        let why = why.split('`').step_by(2).collect::<Vec<_>>().join("…");
                        *refused.entry(why).or_default() += 1;
                        continue;
                    }
                    Some(Ok(extraction)) => extraction,
                };
                let text: Arc<str> = apply(unit.text(FileId(0)), &extraction.edits).into();
                let after = unit.with_texts(|_| Some(Arc::clone(&text)));
                let codes = |of: &Unit| {
                    let mut codes: Vec<&str> = of.analysed.findings.iter().map(|found| found.code).collect();
                    codes.sort_unstable();
                    codes
                };
                let (now, known) = (codes(&after), codes(unit));
                assert!(
                    now.iter().all(|code| known.contains(code)) && now.len() <= known.len(),
                    "{part}: {now:?}"
                );
                assert_eq!(format::format("", &text, text.len() - 1..text.len()), Some(Vec::new()), "{text}");
                done += 1;
                if done % STRIDE == 0 {
                    for (tier, before) in tiers.into_iter().zip(&before) {
                        let after = trace(&after, tier);
                        let differs = after.iter().zip(before).position(|(after, before)| after != before);
                        assert_eq!(differs, None, "{name} {path}: {part}\n{text}");
                    }
                    run += 1;
                }
            }
        }
    }
    assert!(done > 500 && run > 50, "{done} done, {run} run, refused: {refused:#?}");
}
