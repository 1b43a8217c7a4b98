//! What a plan promises: the same bits however it is run, no allocation, a fixed amount of work.

use crate::support::{cases, folders, run_plan};
use proptest::prelude::*;
use sensai_alloc_count::{CountingAllocator, thread_counts};
use sensai_inference::{Engine, Plan, Progress, RunError, StateError};
use std::{fmt::Write, path::Path, process::Command, sync::OnceLock};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

/// A model file with inputs.
struct Sample {
    name: String,
    bytes: Vec<u8>,
    inputs: Vec<Vec<f32>>,
}

impl Sample {
    fn plan(&self) -> Plan {
        Plan::load(&self.bytes).expect("it loads")
    }
}

fn samples() -> &'static [Sample] {
    static SAMPLES: OnceLock<Vec<Sample>> = OnceLock::new();
    SAMPLES.get_or_init(|| {
        let folders = folders(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data"));
        let mut samples = Vec::new();
        for folder in folders.iter().filter(|folder| !folder.ends_with("refused_two_scores")) {
            for case in cases(folder) {
                samples.push(Sample {
                    inputs: case.values(case.inputs.len()).expect("floats"),
                    bytes: std::fs::read(folder.join("model.onnx")).expect("it can be read"),
                    name: case.name,
                });
            }
        }
        assert!(samples.len() >= 40);
        samples
    })
}

fn bits(outputs: &[Vec<f32>]) -> Vec<u32> {
    outputs.iter().flatten().map(|value| value.to_bits()).collect()
}

fn outputs_of(plan: &Plan) -> Vec<Vec<f32>> {
    let read = |(index, info): (usize, &sensai_inference::TensorInfo)| {
        let mut values = vec![f32::NAN; info.len()];
        plan.read_output(index, &mut values).expect("the run is done");
        values
    };
    plan.outputs().iter().enumerate().map(read).collect()
}

fn begin(plan: &mut Plan, inputs: &[Vec<f32>]) {
    let inputs: Vec<&[f32]> = inputs.iter().map(Vec::as_slice).collect();
    plan.begin(&inputs).expect("the inputs fit");
}

/// FNV-1a, 64 bits.
fn hash(bits: &[u32]) -> u64 {
    let bytes = bits.iter().flat_map(|word| word.to_le_bytes());
    bytes.fold(0xCBF2_9CE4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3))
}

/// The bits of every model's outputs, as they are on every machine of the profile.
#[test]
fn the_bits_are_the_profiles() {
    let mut table = String::new();
    for sample in samples() {
        let outputs = run_plan(&mut sample.plan(), &sample.inputs);
        writeln!(table, "{} {:016x}", sample.name, hash(&bits(&outputs))).expect("a string takes all");
    }
    let expected = include_str!("../data/bits.txt");
    assert!(table == expected, "the bits have changed; now they are\n{table}");
}

/// The same table on a processor without AVX: Nehalem, of 2008.
#[cfg(target_arch = "x86_64")]
#[test]
fn an_older_processor_comes_to_the_same_bits() {
    const TABLE: &str = "plan::the_bits_are_the_profiles";
    if Command::new("qemu-x86_64").arg("--version").output().is_err() {
        println!("skipped: the bits of an emulated Nehalem (no qemu-x86_64; Debian package qemu-user)");
        return;
    }
    let emulated = Command::new("qemu-x86_64")
        .args(["-cpu", "Nehalem"])
        .arg(std::env::current_exe().expect("this program has a path"))
        .args([TABLE, "--exact", "--test-threads", "1"])
        .output()
        .expect("it starts");
    let said = String::from_utf8_lossy(&emulated.stdout);
    let complained = String::from_utf8_lossy(&emulated.stderr);
    assert!(emulated.status.success(), "{said}\n{complained}");
    // A renamed table would be no test, and no failure either.
    assert!(said.contains("test result: ok. 1 passed"), "{said}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    /// Slices of any size, with the state moved to another plan in between, come to the bits of one whole run.
    #[test]
    fn slices_and_moves_make_no_difference(
        which in 0_usize..1000,
        budgets in prop::collection::vec(0_u64..3000, 1..20),
        moves in prop::collection::vec(any::<bool>(), 1..20),
        poison in prop::option::of(0_usize..1000),
    ) {
        let sample = &samples()[which % samples().len()];
        let mut inputs = sample.inputs.clone();
        if let (Some(place), Some(input)) = (poison, inputs.first_mut())
            && sample.name != "not"
        {
            let place = place % input.len();
            input[place] = -f32::NAN;
        }
        let mut plan = sample.plan();
        let whole = run_plan(&mut plan, &inputs);
        // What another run has left behind must not show.
        begin(&mut plan, &sample.inputs);
        plan.run_slice(500);
        begin(&mut plan, &inputs);
        let mut left = plan.operations();
        for step in 0.. {
            let budget = budgets[step % budgets.len()];
            match plan.run_slice(budget) {
                Progress::Running { operations_left } => {
                    let done = left - operations_left;
                    prop_assert!(done > 0 && done <= budget.max(plan.largest_unit()), "{done} of {budget}");
                    left = operations_left;
                }
                Progress::Done => break,
                Progress::Idle => prop_assert!(false, "a run that was begun"),
            }
            if moves[step % moves.len()] {
                let mut state = vec![0; plan.state_len()];
                plan.save(&mut state).expect("it fits");
                let mut other = sample.plan();
                other.restore(&state).expect("it is a state of the same model");
                let mut again = vec![0; other.state_len()];
                other.save(&mut again).expect("it fits");
                prop_assert_eq!(&state, &again);
                plan = other;
            }
        }
        prop_assert_eq!(bits(&outputs_of(&plan)), bits(&whole), "{}", sample.name);
    }

    /// Threads, and inputs that begin anywhere in memory, come to the same bits.
    #[test]
    fn place_makes_no_difference(which in 0_usize..1000, offset in 0_usize..16) {
        let sample = &samples()[which % samples().len()];
        let here = run_plan(&mut sample.plan(), &sample.inputs);
        let shifted: Vec<Vec<f32>> =
            sample.inputs.iter().map(|input| [vec![0.0; offset], input.clone()].concat()).collect();
        let there = std::thread::spawn(move || {
            let mut plan = sample.plan();
            let inputs: Vec<&[f32]> = shifted.iter().map(|input| &input[offset..]).collect();
            plan.begin(&inputs).expect("the inputs fit");
            assert_eq!(plan.run_slice(u64::MAX), Progress::Done);
            outputs_of(&plan)
        });
        let there = there.join().expect("the thread ends well");
        prop_assert_eq!(bits(&here), bits(&there));
    }

    /// No state, however it came about, makes a run panic or lose its way.
    #[test]
    fn a_foreign_state_is_refused_or_runs_to_its_end(
        which in 0_usize..1000,
        head in (0_u64..12, 0_u64..40),
        fill in any::<u8>(),
    ) {
        let sample = &samples()[which % samples().len()];
        let mut plan = sample.plan();
        let mut state = vec![fill; plan.state_len()];
        state[..8].copy_from_slice(&head.0.to_le_bytes());
        state[8..16].copy_from_slice(&head.1.to_le_bytes());
        match plan.restore(&state) {
            Ok(()) => prop_assert_eq!(plan.run_slice(u64::MAX), Progress::Done),
            Err(error) => {
                let expected = StateError::Position { step: head.0, unit: head.1 };
                prop_assert_eq!(error, expected);
                prop_assert_eq!(plan.progress(), Progress::Idle);
            }
        }
    }
}

#[test]
fn a_run_allocates_nothing() {
    for sample in samples() {
        let mut plan = sample.plan();
        let inputs: Vec<&[f32]> = sample.inputs.iter().map(Vec::as_slice).collect();
        let mut outputs: Vec<Vec<f32>> = plan.outputs().iter().map(|info| vec![0.0; info.len()]).collect();
        let mut slices: Vec<&mut [f32]> = outputs.iter_mut().map(Vec::as_mut_slice).collect();
        let mut state = vec![0; plan.state_len()];
        let before = thread_counts();
        plan.run(&inputs, &mut slices).expect("it runs");
        plan.begin(&inputs).expect("the inputs fit");
        while plan.run_slice(1000) != Progress::Done {
            plan.save(&mut state).expect("it fits");
            plan.restore(&state).expect("it is its own");
        }
        let wrong = plan.run(&[], &mut slices);
        let counts = thread_counts() - before;
        assert!(counts.is_quiet(), "{}: {counts:?}", sample.name);
        assert!(matches!(wrong, Err(RunError::Count { what: "inputs", actual: 0, .. })));
    }
}

#[test]
fn operations_add_up() {
    for sample in samples() {
        let plan = sample.plan();
        let steps: u64 = plan.steps().map(|step| step.operations).sum();
        assert_eq!(plan.operations(), steps, "{}", sample.name);
        assert!(plan.steps().all(|step| step.units > 0 && step.operations >= step.units), "{}", sample.name);
        assert!(plan.largest_unit() <= plan.operations() && plan.operations() > 0, "{}", sample.name);
    }
    let mlp = samples().iter().find(|sample| sample.name == "mlp").expect("it is there").plan();
    let labels: Vec<_> = mlp.steps().map(|step| step.label.to_owned()).collect();
    let expected = [
        "node 0 (MatMul) + node 1 (Add) + node 2 (Relu)",
        "node 3 (Gemm) + node 4 (Sigmoid)",
        "node 5 (MatMul) + node 6 (Add)",
        "node 7 (Softmax)",
    ];
    assert_eq!(labels, expected);
}

#[test]
fn outputs_are_there_only_after_a_run() {
    let sample = samples().iter().find(|sample| sample.name == "mlp").expect("it is there");
    let mut plan = sample.plan();
    let mut values = vec![0.0; 15];
    assert_eq!((plan.progress(), plan.output(0)), (Progress::Idle, None));
    let early = plan.read_output(0, &mut values).expect_err("too early");
    assert_eq!(early.to_string(), "the run of the model is not done");
    assert_eq!(plan.run_slice(u64::MAX), Progress::Idle);
    run_plan(&mut plan, &sample.inputs);
    assert_eq!(plan.output(0).map(<[f32]>::len), Some(15));
    assert!(plan.read_output(1, &mut values).is_err() && plan.read_output(0, &mut values[1..]).is_err());
    let error = plan.restore(&[0; 3]).expect_err("too short");
    assert_eq!(
        error.to_string(),
        format!("the saved state of the model has 3 bytes, expected {}", plan.state_len())
    );
    // What was refused has changed nothing.
    assert_eq!(plan.read_output(0, &mut values), Ok(()));
}

#[test]
fn values_that_are_none_are_refused() {
    let sample = samples().iter().find(|sample| sample.name == "not").expect("it is there");
    let mut plan = sample.plan();
    let mut input = sample.inputs[0].clone();
    input[3] = 0.5;
    let error = plan.begin(&[&input]).expect_err("half true");
    assert_eq!(error.to_string(), "input 0, value 3: 0.5 is no bool");
    assert_eq!(plan.progress(), Progress::Idle);
}
