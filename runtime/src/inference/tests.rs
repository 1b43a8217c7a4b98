//! The threads beside, with engines that are slow, wrong or hang on purpose.

use super::{
    Beside, Watch,
    beside::entries,
    findings::entering_cycles,
    ort_engine::Terminator,
    start::{Settings, start_with},
    worker::Runs,
};
use crate::{machine::models::Models, source::Source};
use proptest::prelude::*;
use sensai_inference::{Element, Engine, RunError, TensorInfo};
use sensai_model::{
    Cell, Tag, TagKind, TagStore, Value,
    cell::{Model, ModelEngine, ModelScore, ModelTrigger},
    record::{INBOX_MAX, InboxEntry, InboxKind},
};
use std::{sync::Arc, time::Duration};

/// Output *i* of run *n* is `n * 100 + i`; what else it does is in the model's name.
struct Fake {
    manner: String,
    runs: u32,
    info: [TensorInfo; 2],
}

impl Engine for Fake {
    fn name(&self) -> &'static str {
        "fake"
    }
    fn inputs(&self) -> &[TensorInfo] {
        &self.info[..1]
    }
    fn outputs(&self) -> &[TensorInfo] {
        &self.info[1..]
    }
    fn run(&mut self, _: &[&[f32]], outputs: &mut [&mut [f32]]) -> Result<(), RunError> {
        self.runs += 1;
        match self.manner.as_str() {
            "slow" => std::thread::sleep(Duration::from_millis(60)),
            "uneven" => std::thread::sleep(Duration::from_micros(u64::from(self.runs * 7919 % 3000))),
            "second fails" if self.runs == 2 => return Err(RunError::Phase("on purpose")),
            "second panics" if self.runs == 2 => panic!("on purpose"),
            "hangs" => std::thread::sleep(Duration::from_secs(3600)),
            _ => {}
        }
        for (index, value) in outputs.iter_mut().flat_map(|output| output.iter_mut()).enumerate() {
            *value = (self.runs * 100) as f32 + index as f32;
        }
        Ok(())
    }
}

impl Runs for Fake {
    fn terminator(&self) -> Option<Terminator> {
        None
    }
    fn rearm(&self) {}
}

const OUTPUTS: usize = 6;

fn fake(model: &Model) -> Result<Box<dyn Runs>, Vec<String>> {
    let info = |len| TensorInfo { name: "t".into(), shape: vec![len], element: Element::F32 };
    if model.name == "refused" {
        return Err(vec!["not this one".into()]);
    }
    Ok(Box::new(Fake { manner: model.name.clone(), runs: 0, info: [info(2), info(OUTPUTS)] }))
}

/// The example's cell, with models that behave in these manners instead of its own.
pub(super) fn cell(manners: &[&str]) -> Cell {
    let source = Source::from_directory(&crate::test_cell());
    let mut cell = Cell::clone(&source.cell.expect("the example is valid"));
    // All models publish to the same place, behind the example's own tags.
    let slot = cell.tags.iter().map(|tag| tag.slot + tag.len()).max().unwrap_or(0);
    let facts = [Value::F64(0.0), Value::I64(0), Value::Bool(false), Value::I64(0), Value::I64(0)];
    let results = facts.into_iter().chain([Value::F64(0.0); OUTPUTS]);
    for (slot, initial) in (slot..).zip(results) {
        let (scalar, name) = (initial.scalar_type(), format!("ai.{slot}"));
        let tag = cell.tags[0].clone();
        cell.tags.push(Tag { name, kind: TagKind::Model, scalar, initial, slot, ..tag });
    }
    let model = |name: &&str| Model {
        name: (*name).to_owned(),
        path: "models/none.onnx".into(),
        bytes: Arc::new([]),
        sha256: String::new(),
        engine: ModelEngine::Ort,
        inputs: vec![vec![sensai_model::cell::ModelInput::Slots { tag: String::new(), slot: 0, len: 2 }]],
        normalisation: Vec::new(),
        trigger: ModelTrigger::Request,
        deadline_cycles: 5,
        age_max_cycles: 100,
        substitute: -1.0,
        score: ModelScore::Output { output: 0, element: 1 },
        output_lens: vec![OUTPUTS as u32],
        output_len: OUTPUTS as u32,
        slice_operations: 0,
        golden: None,
        threshold: None,
        slot,
    };
    cell.models = manners.iter().map(model).collect();
    cell
}

/// What a machine has of its models, without the machine.
struct Rig {
    models: Models,
    store: TagStore,
    beside: Beside,
    watch: Watch,
    cycle: u64,
}

impl Rig {
    fn new(manners: &[&str], virtual_time: bool) -> Self {
        let cell = cell(manners);
        let settings = Settings { virtual_time, cyclic_core: None };
        let (beside, watch) = start_with(&cell, settings, fake).unwrap().expect("it has models beside");
        Self { models: Models::new(&cell), store: TagStore::new(&cell.tags), beside, watch, cycle: 0 }
    }

    /// One cycle with at most `places` in the inbox; the entries that came.
    fn cycle(&mut self, requested: bool, places: usize) -> Vec<InboxEntry> {
        self.cycle += 1;
        let mut came = Vec::new();
        while came.len() < places
            && let Some(entry) = self.beside.next_entry()
        {
            match entry.kind {
                InboxKind::ModelOutput => self.models.output(entry.argument),
                InboxKind::ModelResult => {
                    self.models.result(entry.argument[0], entry.argument[1], entry.argument[2] == 1);
                }
                other => panic!("{other:?}"),
            }
            came.push(entry);
        }
        self.models.periodic(&mut self.store, self.cycle, 0);
        self.models.requested(&self.store, |_| requested, self.cycle);
        self.beside.after_cycle(&mut self.models);
        came
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        // As after a run: the cycle is over first.
        self.beside.places.clear();
        std::mem::take(&mut self.watch).finish();
    }
}

fn values(entry: &InboxEntry) -> (i64, Vec<f32>) {
    let words = [entry.argument[1], entry.argument[2]].map(i64::cast_unsigned);
    let values = words.into_iter().flat_map(|word| [word as u32, (word >> 32) as u32]);
    (entry.argument[0], values.map(f32::from_bits).collect())
}

#[test]
fn in_virtual_time_a_result_enters_in_the_next_cycle_values_first() {
    let mut rig = Rig::new(&["plain"], true);
    assert!(rig.cycle(true, INBOX_MAX).is_empty());
    let came = rig.cycle(false, INBOX_MAX);
    assert_eq!(came.len(), entries(OUTPUTS));
    assert_eq!(values(&came[0]), (0, vec![100.0, 101.0, 102.0, 103.0]));
    assert_eq!(values(&came[1]), (4, vec![104.0, 105.0, 0.0, 0.0]));
    assert_eq!((came[2].kind, came[2].argument), (InboxKind::ModelResult, [0, 1, 1]));
    assert_eq!(rig.cycle(false, INBOX_MAX), []);
}

#[test]
fn a_result_takes_the_places_that_are_left() {
    let mut rig = Rig::new(&["plain", "also plain"], true);
    rig.cycle(true, 0);
    let counts: Vec<usize> = (0..5).map(|_| rig.cycle(false, 2).len()).collect();
    // Two times three entries; the deadline is five cycles.
    assert_eq!(counts, [2, 2, 2, 0, 0]);
    rig.cycle(true, 0);
    for _ in 0..6 {
        rig.cycle(false, 0);
    }
    assert_eq!(rig.cycle(false, INBOX_MAX), [], "the deadline has passed: nobody wants it any more");
}

#[test]
fn a_run_that_fails_or_panics_is_a_result_that_says_so() {
    for manner in ["second fails", "second panics"] {
        let mut rig = Rig::new(&[manner], true);
        let mut results = Vec::new();
        for _ in 0..3 {
            rig.cycle(true, INBOX_MAX);
            let came = rig.cycle(false, INBOX_MAX);
            results.push((came.len(), came.last().expect("a result").argument));
        }
        assert_eq!(results, [(3, [0, 1, 1]), (1, [0, 2, 0]), (3, [0, 3, 1])], "{manner}");
        assert!(rig.watch.look().iter().any(|text| text.contains(manner)));
    }
}

#[test]
fn an_engine_that_is_given_up_fails_its_runs_instead_of_stopping_the_machine() {
    let mut rig = Rig::new(&["hangs"], true);
    let pulse = Arc::clone(&rig.beside.places[0].pulse);
    let killer = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(50));
        pulse.given_up.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    rig.cycle(true, INBOX_MAX);
    killer.join().unwrap();
    assert_eq!(rig.cycle(false, INBOX_MAX)[0].argument, [0, 1, 0]);
    for _ in 0..10 {
        assert_eq!(rig.cycle(true, INBOX_MAX), [], "its requests pass their deadlines");
    }
    // Nobody waits an hour for it.
    rig.watch.engines.clear();
}

#[test]
fn a_slow_engine_is_not_waited_for_and_its_late_result_never_enters() {
    let mut rig = Rig::new(&["slow"], false);
    for cycle in 0..8 {
        assert_eq!(rig.cycle(cycle == 0, INBOX_MAX), []);
    }
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(rig.cycle(false, INBOX_MAX), []);
    // The engine is free again: the next request has a run of its own, with its own number.
    rig.cycle(true, INBOX_MAX);
    std::thread::sleep(Duration::from_millis(200));
    let came = rig.cycle(false, INBOX_MAX);
    assert_eq!(came.last().expect("in time by cycles").argument, [0, 2, 1]);
    assert_eq!(values(&came[0]).1[0], 200.0);
}

#[test]
fn what_refuses_a_model_is_told_with_its_name() {
    let settings = Settings { virtual_time: true, cyclic_core: None };
    let text = start_with(&cell(&["plain", "refused"]), settings, fake).err().expect("refused").to_string();
    assert_eq!(text, "model `refused`: not this one");
    let mut none = cell(&[]);
    none.models.clear();
    assert!(start_with(&none, settings, fake).unwrap().is_none());
}

#[test]
fn entries_are_counted() {
    assert_eq!([1, 4, 5, 64].map(entries), [2, 2, 3, 17]);
    assert_eq!([1, 12, 13, 64].map(entering_cycles), [1, 1, 2, 5]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Which cycle sees what does not depend on how long a run takes.
    #[test]
    fn in_virtual_time_load_changes_nothing(events in proptest::collection::vec((any::<bool>(), 0..=INBOX_MAX), 1..40)) {
        let trace = |manner: &str| {
            let mut rig = Rig::new(&[manner, manner], true);
            events.iter().map(|(requested, places)| rig.cycle(*requested, *places)).collect::<Vec<_>>()
        };
        prop_assert_eq!(trace("plain"), trace("uneven"));
    }
}
