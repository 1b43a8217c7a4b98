use super::*;
use proptest::prelude::*;
use sensai_model::{ScalarType, Tag, TagKind, cell::ModelInput};
use std::sync::Arc;

/// Slots: 0 force, 1 position, 2 pressing, then the results.
const RESULTS: u32 = 3;

fn store(outputs: u32) -> TagStore {
    let tag = |slot: u32, scalar: ScalarType| Tag {
        name: format!("t{slot}"),
        aliases: Vec::new(),
        kind: TagKind::Memory,
        scalar,
        array_len: None,
        slot,
        sync_units: Vec::new(),
        bindings: Vec::new(),
        fields: Vec::new(),
        unit: None,
        scale: None,
        range: None,
        on_invalid: sensai_model::tag::OnInvalid::Hold,
        on_fault: sensai_model::tag::OnFault::Hold,
        overflow: sensai_model::tag::Overflow::Fault,
        initial: scalar.zero(),
        description: String::new(),
    };
    let mut scalars = vec![ScalarType::F64, ScalarType::F64, ScalarType::Bool];
    scalars.extend([ScalarType::F64, ScalarType::I64, ScalarType::Bool, ScalarType::I64, ScalarType::I64]);
    scalars.extend((0..outputs).map(|_| ScalarType::F64));
    TagStore::new(
        &scalars.into_iter().enumerate().map(|(slot, scalar)| tag(slot as u32, scalar)).collect::<Vec<_>>(),
    )
}

fn model(engine: ModelEngine, inputs: Vec<ModelInput>, trigger: ModelTrigger) -> Model {
    Model {
        name: "stroke".into(),
        path: "models/stroke.onnx".into(),
        bytes: Arc::new([]),
        sha256: String::new(),
        engine,
        inputs: vec![inputs],
        normalisation: Vec::new(),
        trigger,
        deadline_cycles: 5,
        age_max_cycles: 10,
        substitute: -1.0,
        score: ModelScore::Output { output: 0, element: 1 },
        output_lens: vec![2],
        output_len: 2,
        slice_operations: 0,
        golden: None,
        threshold: None,
        slot: RESULTS,
    }
}

fn beside(trigger: ModelTrigger) -> Models {
    let inputs = vec![ModelInput::Slots { tag: "force".into(), slot: 0, len: 2 }];
    Models { blocks: vec![Block::new(&model(ModelEngine::Ort, inputs, trigger))] }
}

fn facts(store: &TagStore) -> [Value; 5] {
    [0, 1, 2, 3, 4].map(|place| store.committed(RESULTS + place))
}

fn saved(models: &Models) -> Vec<u8> {
    let mut length = Writer::measure();
    models.save(&mut length);
    let mut bytes = vec![0; length.len()];
    models.save(&mut Writer::into(&mut bytes));
    bytes
}

fn output_words(values: [f32; 2]) -> [i64; 3] {
    let [low, high] = values.map(|value| u64::from(value.to_bits()));
    [0, (low | high << 32).cast_signed(), 0]
}

#[test]
fn a_result_from_beside_is_valid_grows_old_and_gives_way_to_the_substitute() {
    let (mut models, mut store) = (beside(ModelTrigger::Request), store(2));
    store.restore(0, Value::F64(2.5), true);
    models.periodic(&mut store, 100, 0);
    assert_eq!(facts(&store)[0], Value::F64(-1.0));
    models.requested(&store, |index| index == 0, 100);
    let (number, inputs) = models.job(0).expect("a request");
    assert_eq!((number, inputs[0].to_vec()), (1, vec![2.5, 0.0]));
    assert!(models.job(0).is_none() && models.job(1).is_none(), "given once");
    assert!(models.waits_for(0, 1) && !models.waits_for(0, 2) && !models.waits_for(1, 1));
    models.output(output_words([0.25, 0.75]));
    models.result(0, 1, true);
    models.periodic(&mut store, 102, 0);
    let expected = [Value::F64(0.75), Value::I64(2), Value::Bool(true), Value::I64(0), Value::I64(1)];
    assert_eq!(facts(&store), expected);
    assert_eq!(store.committed(RESULTS + 5), Value::F64(0.25));
    models.periodic(&mut store, 111, 0);
    assert_eq!(facts(&store)[..3], [Value::F64(-1.0), Value::I64(11), Value::Bool(false)]);
}

#[test]
fn a_late_result_is_a_miss_and_changes_nothing() {
    let (mut models, mut store) = (beside(ModelTrigger::Request), store(2));
    models.requested(&store, |_| true, 1);
    assert!(models.job(0).is_some());
    for cycle in 2..=5 {
        models.periodic(&mut store, cycle, 0);
        assert_eq!(facts(&store)[3], Value::I64(0), "cycle {cycle}");
    }
    models.periodic(&mut store, 6, 0);
    assert_eq!(facts(&store)[3], Value::I64(1));
    models.result(0, 1, true);
    models.result(7, 1, true);
    models.output([i64::MAX, 1, 1]);
    models.periodic(&mut store, 7, 0);
    assert_eq!(facts(&store)[2..], [Value::Bool(false), Value::I64(1), Value::I64(0)]);
    models.requested(&store, |_| true, 7);
    models.requested(&store, |_| true, 8);
    models.result(0, 2, false);
    models.periodic(&mut store, 9, 0);
    assert_eq!(facts(&store)[3], Value::I64(3), "a request over another one, and a failed run");
}

#[test]
fn a_periodic_model_runs_in_its_cycles() {
    let (mut models, mut store) = (beside(ModelTrigger::Periodic { every: 4 }), store(2));
    let mut cycles = Vec::new();
    for cycle in 1..=13 {
        models.periodic(&mut store, cycle, 0);
        if let Some((number, _)) = models.job(0) {
            cycles.push(cycle);
            models.result(0, number.cast_signed(), true);
        }
    }
    assert_eq!(cycles, [4, 8, 12]);
}

/// A catch-up passes over the trigger's own cycle.
#[test]
fn a_periodic_model_that_was_due_in_a_skipped_cycle_runs_behind_it() {
    let (mut models, mut store) = (beside(ModelTrigger::Periodic { every: 4 }), store(2));
    for (cycle, skipped, expected) in
        [(1, 0, false), (3, 1, false), (6, 2, true), (7, 0, false), (21, 13, true)]
    {
        models.periodic(&mut store, cycle, skipped);
        let job = models.job(0).map(|(number, _)| number);
        assert_eq!(job.is_some(), expected, "cycle {cycle}");
        models.result(0, job.unwrap_or(0).cast_signed(), true);
    }
}

/// Values come over several cycles; what is seen beside them is of one result.
#[test]
fn outputs_are_of_the_last_good_result_whatever_has_arrived_since() {
    let (mut models, mut store) = (beside(ModelTrigger::Request), store(2));
    let outputs = |store: &TagStore| [5, 6].map(|place| store.committed(RESULTS + place));
    models.requested(&store, |_| true, 1);
    models.output(output_words([0.25, 0.75]));
    models.periodic(&mut store, 2, 0);
    assert_eq!(outputs(&store), [0.0, 0.0].map(Value::F64), "not before its result");
    models.result(0, 1, true);
    models.periodic(&mut store, 3, 0);
    assert_eq!(outputs(&store), [0.25, 0.75].map(Value::F64));
    models.requested(&store, |_| true, 3);
    models.output(output_words([8.0, 9.0]));
    // The deadline passes in the middle, then the rest comes.
    models.periodic(&mut store, 8, 0);
    models.output(output_words([6.0, 7.0]));
    models.result(0, 2, true);
    models.periodic(&mut store, 9, 0);
    assert_eq!(facts(&store)[3..], [Value::I64(1), Value::I64(1)]);
    assert_eq!(outputs(&store), [0.25, 0.75].map(Value::F64));
    for bad in [f32::NAN, f32::INFINITY] {
        models.requested(&store, |_| true, 9);
        models.output(output_words([bad, 1.0]));
        models.result(0, 3, true);
        models.result(0, 4, true);
        models.periodic(&mut store, 10, 0);
        assert_eq!(outputs(&store), [0.25, 0.75].map(Value::F64), "{bad}");
    }
    assert_eq!(facts(&store)[0], Value::F64(0.75));
    assert_eq!(facts(&store)[3..], [Value::I64(3), Value::I64(1)]);
}

#[test]
fn a_window_begins_with_its_gate_and_is_padded_with_its_first_value() {
    let of = ModelInput::Window { tag: String::new(), slot: 0, len: 4, every: 2, gate: Some(2) };
    let (mut capture, mut store) = (Capture::new(&of), store(0));
    let read = |capture: &Capture, store: &TagStore| {
        let mut values = Vec::new();
        capture.read(store, |value| values.push(value));
        values
    };
    assert_eq!(read(&capture, &store), [0.0; 4]);
    let feed = |capture: &mut Capture, store: &mut TagStore, open: bool, value: f64| {
        store.restore(0, Value::F64(value), true);
        store.restore(2, Value::Bool(open), true);
        capture.sample(store);
    };
    feed(&mut capture, &mut store, false, 99.0);
    for value in [1.0, 2.0, 3.0, 4.0] {
        feed(&mut capture, &mut store, true, value);
    }
    assert_eq!(read(&capture, &store), [1.0, 1.0, 1.0, 3.0]);
    for value in [5.0, 6.0, 7.0, 8.0, 9.0] {
        feed(&mut capture, &mut store, true, value);
    }
    assert_eq!(read(&capture, &store), [3.0, 5.0, 7.0, 9.0]);
    feed(&mut capture, &mut store, false, 50.0);
    assert_eq!(read(&capture, &store), [3.0, 5.0, 7.0, 9.0], "kept while the gate is closed");
    feed(&mut capture, &mut store, true, 60.0);
    assert_eq!(read(&capture, &store), [60.0; 4]);
}

proptest! {
    /// A straight line stays one, whatever steps it is sampled in, in both directions.
    #[test]
    fn a_curve_is_the_same_for_any_steps(steps in proptest::collection::vec(0.05..3.0_f64, 1..80), down: bool) {
        let (from, to) = if down { (20.0, 10.0) } else { (10.0, 20.0) };
        let of = ModelInput::Curve { tag: String::new(), slot: 0, over: 1, from, to, len: 21, gate: None };
        let (mut capture, mut store) = (Capture::new(&of), store(0));
        let mut over = if down { 25.0 } else { 5.0 };
        let line = |over: f64| 3.0 * over - 7.0;
        for step in steps.iter().chain([&40.0]) {
            store.restore(0, Value::F64(line(over)), true);
            store.restore(1, Value::F64(over), true);
            capture.sample(&store);
            over += if down { -*step } else { *step };
        }
        store.restore(0, Value::F64(line(over)), true);
        store.restore(1, Value::F64(over), true);
        capture.sample(&store);
        let mut place = 0;
        let mut worst = 0.0_f64;
        capture.read(&store, |value| {
            let at = from + (to - from) * f64::from(place) / 20.0;
            worst = worst.max((value - line(at)).abs());
            place += 1;
        });
        prop_assert!(place == 21 && worst < 1e-9, "{} values, off by {}", place, worst);
    }

    /// A keyframe anywhere, and the rest goes on alike.
    #[test]
    fn saved_models_go_on_alike(events in proptest::collection::vec(0..6_u8, 1..60), cut in 0..60_usize) {
        let window = ModelInput::Window { tag: String::new(), slot: 0, len: 3, every: 2, gate: Some(2) };
        let make = || Models { blocks: vec![Block::new(&model(ModelEngine::Ort, vec![window.clone()], ModelTrigger::Request))] };
        let (mut models, mut copy) = (make(), make());
        let (mut store, mut other) = (store(2), store(2));
        for (cycle, event) in events.iter().enumerate() {
            if cycle == cut {
                let bytes = saved(&models);
                let mut from = Reader::new(&bytes);
                copy.load(&mut from).unwrap();
                from.end().unwrap();
                other = store.clone();
            }
            // Only the live one gives its requests to an engine.
            for (models, store, live) in [(&mut models, &mut store, true), (&mut copy, &mut other, false)] {
                store.restore(0, Value::F64(cycle as f64), true);
                store.restore(2, Value::Bool(event % 2 == 0), true);
                models.periodic(store, cycle as u64, 0);
                models.requested(store, |_| *event == 3, cycle as u64);
                if live {
                    let _ = models.job(0);
                }
                if *event == 4 {
                    models.output(output_words([cycle as f32, 1.0]));
                    models.result(0, 1 + cycle as i64 / 8, true);
                }
            }
            if cycle >= cut {
                prop_assert_eq!(facts(&store), facts(&other));
                prop_assert_eq!(saved(&models), saved(&copy));
            }
        }
    }
}

#[test]
fn a_model_that_cannot_be_loaded_says_why_and_never_gives_a_result() {
    let inputs = vec![ModelInput::Slots { tag: String::new(), slot: 0, len: 2 }];
    let broken =
        Model { bytes: Arc::new([1, 2, 3]), ..model(ModelEngine::Inline, inputs, ModelTrigger::Request) };
    assert!(!check(&broken).is_empty());
    let mut models = Models { blocks: vec![Block::new(&broken)] };
    let mut store = store(2);
    models.requested(&store, |_| true, 1);
    assert!(models.job(0).is_none());
    models.result(0, 1, true);
    models.periodic(&mut store, 2, 0);
    assert_eq!(facts(&store)[2..], [Value::Bool(false), Value::I64(1), Value::I64(0)]);
}

#[test]
fn the_score_is_an_element_of_any_output() {
    let inputs = vec![ModelInput::Slots { tag: "force".into(), slot: 0, len: 2 }];
    let score = ModelScore::Output { output: 1, element: 1 };
    let of = Model {
        score,
        output_lens: vec![1, 2],
        output_len: 3,
        ..model(ModelEngine::Ort, inputs, ModelTrigger::Request)
    };
    let mut models = Models { blocks: vec![Block::new(&of)] };
    let mut store = store(3);
    models.requested(&store, |_| true, 1);
    models.output(output_words([1.0, 2.0]));
    models.output([2, i64::from(3.0_f32.to_bits()), 0]);
    models.result(0, 1, true);
    models.periodic(&mut store, 2, 0);
    assert_eq!(facts(&store)[0], Value::F64(3.0));
    assert_eq!([5, 6, 7].map(|place| store.committed(RESULTS + place)), [1.0, 2.0, 3.0].map(Value::F64));
}
