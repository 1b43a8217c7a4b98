//! Any bytes as the state of the press cell: refused, or taken over as a state that is kept as it is and runs on.
//!
//! `cargo xtask fuzz keyframe`, or `cargo +nightly fuzz run keyframe` in `runtime`.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sensai::machine::{CycleTime, Machine};
use sensai_fieldbus::Exchange;
use sensai_model::{Cell, config};
use std::{cell::RefCell, path::Path, sync::Arc};

thread_local! {
    /// A machine that runs, and its state. Compiling for every input would take longer than anything looked for.
    static RUNNING: RefCell<(Machine, Vec<u8>)> = RefCell::new(running());
}

fn running() -> (Machine, Vec<u8>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/pneumatic-press");
    let report = config::load(|path| std::fs::read(folder.join(path)).map_err(|error| error.to_string()));
    let cell: Arc<Cell> = Arc::new(report.cell.expect("the example is a good cell"));
    let programs = sensai::programs::compile(&cell).expect("its programs compile");
    let mut machine = Machine::new(cell, programs);
    run(&mut machine, 20, &[0x55]);
    let state = saved(&machine);
    (machine, state)
}

fn saved(machine: &Machine) -> Vec<u8> {
    let mut state = vec![0; machine.state_len().0];
    machine.save(&mut state);
    state
}

fn run(machine: &mut Machine, cycles: u64, inputs: &[u8]) {
    let exchange = Exchange { valid: u32::MAX, lost: false, ..Exchange::NONE };
    for index in 1..=cycles {
        for (n, byte) in machine.inputs_mut().iter_mut().enumerate() {
            *byte = inputs.get((n + index as usize) % inputs.len().max(1)).copied().unwrap_or_default();
        }
        let time = CycleTime { index, skipped: 0, first: index == 1 };
        machine.run_task(&exchange, time);
        machine.step_axes(time);
        machine.stage();
    }
}

/// `state` with the changes that `script` asks for: place, length, bytes.
fn changed(state: &[u8], mut script: &[u8]) -> Vec<u8> {
    let mut state = state.to_vec();
    while let [low, high, len, rest @ ..] = script {
        let at = usize::from(u16::from_le_bytes([*low, *high])) % state.len();
        let (bytes, rest) = rest.split_at(rest.len().min(usize::from(*len)));
        for (old, new) in state.iter_mut().skip(at).zip(bytes) {
            *old = *new;
        }
        script = rest;
    }
    state
}

fuzz_target!(|bytes: &[u8]| RUNNING.with_borrow_mut(|(machine, good)| {
    let _ = machine.load(bytes);
    if machine.load(&changed(good, bytes)).is_ok() {
        let taken = saved(machine);
        machine.load(&taken).expect("its own state");
        assert_eq!(saved(machine), taken, "a state is not kept as it is");
        run(machine, 5, bytes);
        let state = saved(machine);
        assert_eq!(state.len(), good.len());
        machine.load(&state).expect("its own state");
    }
}));
