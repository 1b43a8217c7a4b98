//! Any bytes: refused with findings, or a plan that runs to its end, and once more in slices to the same bits.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sensai_inference::{Engine, Plan, Progress};

/// A mutated model may be larger than there is time for.
const OPERATIONS: u64 = 20_000_000;

fuzz_target!(|bytes: &[u8]| {
    let mut plan = match Plan::load(bytes) {
        Ok(plan) => plan,
        Err(findings) => {
            assert!(!findings.is_empty());
            assert!(findings.iter().all(|finding| !finding.to_string().is_empty()));
            return;
        }
    };
    if plan.operations() > OPERATIONS {
        return;
    }
    let inputs: Vec<Vec<f32>> = plan.inputs().iter().map(|info| vec![1.0; info.len()]).collect();
    let inputs: Vec<&[f32]> = inputs.iter().map(Vec::as_slice).collect();
    let mut outputs: Vec<Vec<f32>> = plan.outputs().iter().map(|info| vec![0.0; info.len()]).collect();
    let mut slices: Vec<&mut [f32]> = outputs.iter_mut().map(Vec::as_mut_slice).collect();
    plan.run(&inputs, &mut slices).expect("the slices are as long as the plan says");
    plan.begin(&inputs).expect("they have been taken before");
    let budget = plan.operations() / 7;
    while plan.run_slice(budget) != Progress::Done {}
    for (index, whole) in outputs.iter().enumerate() {
        let mut again = vec![0.0; whole.len()];
        plan.read_output(index, &mut again).expect("the run is done");
        assert!(whole.iter().zip(&again).all(|(a, b)| a.to_bits() == b.to_bits()));
    }
});
