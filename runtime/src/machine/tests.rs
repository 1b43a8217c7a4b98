use super::*;
use crate::inbox::entry;
use proptest::prelude::*;
use sensai_model::{
    BitField, RawType, ScalarType,
    cell::{
        Bus, Device, ImageSize, Limits, Log, OnOverrun, Operator, ProgramSource, Simulation, SyncUnit, Task,
    },
    record::{InboxEntry, InboxKind, InboxSource},
    tag::{OnInvalid, Overflow},
};
use sensai_scripts::{Layout, Program, layout::Reading};
use std::sync::Arc;

mod forces;
mod reload;
mod tasks;
mod whole;

/// A machine whose programs are the given texts, in the interpreter.
fn scripted(mut cell: Cell, texts: &[&str]) -> Machine {
    let source = |(index, text): (usize, &&str)| ProgramSource {
        name: format!("p{index}"),
        path: format!("programs/p{index}.rhai"),
        text: (*text).into(),
        libraries: Default::default(),
    };
    cell.task.programs = texts.iter().enumerate().map(source).collect();
    let cell = Arc::new(cell);
    let programs = crate::programs::compile(&cell).expect("the texts compile");
    Machine::new(cell, programs)
}

/// Counts up in its state; writes `count` to the first tag and `input + 1` to the second; faults on input 13.
struct Double {
    layout: Layout,
    state: [u8; 8],
    input: u32,
    outputs: [u32; 2],
}

impl Program for Double {
    fn name(&self) -> &str {
        "double"
    }
    fn layout(&self) -> &Layout {
        &self.layout
    }
    fn state(&self) -> &[u8] {
        &self.state
    }
    fn restore(&mut self, state: &[u8]) -> Result<(), ProgramError> {
        let text = "eight bytes expected".into();
        let error = ProgramError { fault: Fault::new(FaultCode::StateShape), text };
        self.state = state.try_into().map_err(|_| error)?;
        Ok(())
    }
    fn reset(&mut self) {
        self.state = [0; 8];
    }
    fn cycle(&mut self, context: &mut RunContext<'_>) -> Result<(), ProgramError> {
        let count = i64::from_le_bytes(self.state) + 1;
        context.tags.write(self.outputs[0], Value::I64(count));
        let Value::I64(input) = context.tags.value(self.input) else { unreachable!("the input is an i64") };
        if input == 13 {
            let fault = Fault { source: 0, line: 7, column: 3, ..Fault::new(FaultCode::Raised) };
            return Err(ProgramError { fault, text: "thirteen".into() });
        }
        context.tags.write(self.outputs[1], Value::I64(input + 1));
        self.state = count.to_le_bytes();
        Ok(())
    }
    fn operations(&self) -> u64 {
        5
    }
}

fn tag(name: &str, kind: TagKind, slot: u32, byte: u32, on_fault: OnFault) -> Tag {
    let bound = kind != TagKind::Memory;
    let field = BitField { bit_offset: 8 * byte, bit_len: 8, raw: RawType::Unsigned };
    Tag {
        name: name.into(),
        aliases: Vec::new(),
        kind,
        scalar: ScalarType::I64,
        array_len: None,
        slot,
        fields: if bound { vec![field] } else { Vec::new() },
        sync_units: if bound { vec![0] } else { Vec::new() },
        bindings: Vec::new(),
        unit: None,
        scale: None,
        range: None,
        on_invalid: OnInvalid::Hold,
        on_fault,
        overflow: Overflow::Fault,
        initial: Value::I64(0),
        description: String::new(),
    }
}

/// One device, a byte in, two bytes out (`hold` and fault value 99), one memory tag, limit of three losses.
fn cell() -> Cell {
    let description = sensai_devices::catalogue::find("EL2008").expect("EL2008 is in the catalogue");
    let zero = OnFault::Value(Value::I64(0));
    Cell {
        name: "test".into(),
        bus: Bus {
            interface: None,
            deadline_ns: 250_000,
            lost_frames_max: 3,
            watchdog_ns: 10_000_000,
            acyclic_bytes_max: 512,
        },
        devices: vec![Device {
            name: "d".into(),
            position: 0,
            description,
            sync_unit: 0,
            inputs: 0..1,
            outputs: 0..2,
            serial: None,
            startup: Vec::new(),
        }],
        sync_units: vec![SyncUnit { name: "main".into(), devices: vec![0] }],
        tags: vec![
            tag("level", TagKind::Input, 0, 0, zero),
            tag("held", TagKind::Output, 1, 0, OnFault::Hold),
            tag("fallen", TagKind::Output, 2, 1, OnFault::Value(Value::I64(99))),
            tag("memory", TagKind::Memory, 3, 0, zero),
        ],
        slow_tasks: Vec::new(),
        axes: Vec::new(),
        units: Vec::new(),
        routes: Vec::new(),
        alarms: Vec::new(),
        models: Vec::new(),
        jidoka: Vec::new(),
        task: Task {
            name: "main".into(),
            interval_ns: 1_000_000,
            priority: 80,
            core: None,
            spin_ns: None,
            multiple: 1,
            on_overrun: OnOverrun::Stop,
            tier: Default::default(),
            programs: Vec::new(),
            limits: Limits { operations: 1000, call_depth: 8, text_len: 64, array_len: 64, record_len: 64 },
        },
        parameters: vec![sensai_model::cell::Parameter {
            name: "p".into(),
            scalar: ScalarType::F64,
            default: Value::F64(1.0),
            range: Some((Value::F64(0.0), Value::F64(2.0))),
            unit: None,
            description: String::new(),
        }],
        image: ImageSize { inputs: 1, outputs: 2 },
        retain_interval_ns: 1_000_000_000,
        log: Log { sync_interval_ns: 100_000_000, keyframe_interval: 1000, ring_ns: 1_000_000_000 },
        operator: Operator::default(),
        simulation: Simulation { auto_start: true, ..Simulation::default() },
    }
}

fn machine(cell: Cell) -> Machine {
    let program = Double { layout: Layout::new(Vec::new()), state: [0; 8], input: 0, outputs: [1, 2] };
    Machine::new(Arc::new(cell), vec![Loaded::Here(Box::new(program))])
}

const GOOD: Exchange = Exchange { valid: 1, lost: false, ..Exchange::NONE };

fn step(machine: &mut Machine, input: u8, exchange: &Exchange, kinds: &[InboxKind]) {
    machine.images().1[0] = input;
    for kind in kinds {
        machine.apply(&entry(*kind, InboxSource::TERMINAL, [0; 3]));
    }
    let time = CycleTime { index: 1, skipped: 0, first: false };
    machine.run_task(exchange, time);
    machine.step_axes(time);
    machine.stage();
}

#[test]
fn it_comes_up_in_stop_with_fault_values() {
    let mut machine = machine(cell());
    assert_eq!((machine.mode(), machine.outputs()), (Mode::Stop, &[0, 99][..]));
    step(&mut machine, 5, &GOOD, &[]);
    assert_eq!((machine.mode(), machine.outputs()), (Mode::Stop, &[0, 99][..]));
}

#[test]
fn outputs_are_committed_in_run() {
    let mut machine = machine(cell());
    step(&mut machine, 5, &GOOD, &[InboxKind::Start]);
    step(&mut machine, 6, &GOOD, &[]);
    assert_eq!((machine.mode(), machine.outputs()), (Mode::Run, &[2, 7][..]));
    assert_eq!(machine.operations(), 5);
}

#[test]
fn a_failed_run_changes_nothing_but_the_fault() {
    let mut machine = machine(cell());
    step(&mut machine, 5, &GOOD, &[InboxKind::Start]);
    step(&mut machine, 13, &GOOD, &[]);
    assert_eq!(machine.mode(), Mode::Fault);
    assert_eq!(machine.fault().map(|fault| (fault.code, fault.line)), Some((FaultCode::Raised, 7)));
    // The tag the program wrote before it failed is rolled back, `hold` holds, the other falls.
    assert_eq!(machine.store().value(1), Value::I64(1));
    assert_eq!(machine.outputs(), [1, 99]);
    assert_eq!(machine.take_error().map(|error| error.text), Some("thirteen".into()));
    // It does not run again until reset, whatever comes.
    step(&mut machine, 6, &GOOD, &[InboxKind::Start]);
    assert_eq!((machine.mode(), machine.outputs()), (Mode::Fault, &[1, 99][..]));
    step(&mut machine, 6, &GOOD, &[InboxKind::Reset]);
    assert_eq!((machine.mode(), machine.fault()), (Mode::Stop, None));
    step(&mut machine, 6, &GOOD, &[InboxKind::Start]);
    assert_eq!((machine.mode(), machine.outputs()), (Mode::Run, &[1, 7][..]));
}

#[test]
fn the_first_fault_is_kept() {
    let mut machine = machine(cell());
    step(&mut machine, 13, &GOOD, &[InboxKind::Start]);
    for _ in 0..5 {
        step(&mut machine, 13, &Exchange::NONE, &[]);
    }
    assert_eq!(machine.fault().map(|fault| fault.code), Some(FaultCode::Raised));
}

#[test]
fn losses_in_a_row_fault_at_the_limit_and_a_reply_resets_the_count() {
    let mut machine = machine(cell());
    step(&mut machine, 5, &GOOD, &[InboxKind::Start]);
    for _ in 0..2 {
        step(&mut machine, 0, &Exchange::NONE, &[]);
    }
    step(&mut machine, 5, &GOOD, &[]);
    for _ in 0..2 {
        step(&mut machine, 0, &Exchange::NONE, &[]);
    }
    assert_eq!(machine.mode(), Mode::Run);
    // Inputs are held while nothing comes.
    assert_eq!((machine.store().value(0), machine.store().valid(0)), (Value::I64(5), false));
    step(&mut machine, 0, &Exchange::NONE, &[]);
    assert_eq!(machine.fault().map(|fault| fault.code), Some(FaultCode::LostFrames));
}

#[test]
fn an_invalid_unit_with_outputs_faults_at_the_limit() {
    let mut machine = machine(cell());
    let invalid = Exchange { valid: 0, ..GOOD };
    step(&mut machine, 5, &GOOD, &[InboxKind::Start]);
    for _ in 0..2 {
        step(&mut machine, 0, &invalid, &[]);
    }
    assert_eq!(machine.mode(), Mode::Run);
    step(&mut machine, 0, &invalid, &[]);
    let fault = machine.fault().expect("a fault");
    assert_eq!((fault.code, fault.source), (FaultCode::DeviceState, 0));
}

#[test]
fn an_input_that_must_be_valid_faults_at_once() {
    let mut cell = cell();
    cell.tags[0].on_invalid = OnInvalid::Fault;
    let mut machine = machine(cell);
    step(&mut machine, 5, &GOOD, &[InboxKind::Start]);
    step(&mut machine, 0, &Exchange::NONE, &[]);
    let fault = machine.fault().expect("a fault");
    assert_eq!((fault.code, fault.source), (FaultCode::InvalidInput, 0));
}

#[test]
fn overrun_stops_only_where_the_rule_says_so() {
    let mut stopping = machine(cell());
    step(&mut stopping, 5, &GOOD, &[InboxKind::Start, InboxKind::Overrun]);
    assert_eq!(stopping.fault().map(|fault| fault.code), Some(FaultCode::Overrun));
    let mut skipping = cell();
    skipping.task.on_overrun = OnOverrun::Skip;
    let mut skipping = machine(skipping);
    step(&mut skipping, 5, &GOOD, &[InboxKind::Start, InboxKind::Overrun]);
    assert_eq!(skipping.mode(), Mode::Run);
}

#[test]
fn an_unclean_restart_wants_a_reset_before_the_start() {
    let mut machine = machine(cell());
    machine.apply(&entry(InboxKind::Startup, InboxSource::RUNTIME, [UNCLEAN, 0, 0]));
    step(&mut machine, 5, &GOOD, &[InboxKind::Start]);
    assert_eq!(machine.fault().map(|fault| fault.code), Some(FaultCode::UncleanRestart));
    step(&mut machine, 5, &GOOD, &[InboxKind::Reset, InboxKind::Start]);
    assert_eq!(machine.mode(), Mode::Run);
}

#[test]
fn nothing_starts_during_a_shutdown() {
    let mut machine = machine(cell());
    step(&mut machine, 5, &GOOD, &[InboxKind::Start, InboxKind::Shutdown, InboxKind::Start]);
    assert_eq!((machine.mode(), machine.outputs()), (Mode::Stop, &[0, 99][..]));
}

#[test]
fn operator_tags_act_on_edges_not_on_levels() {
    let mut cell = cell();
    cell.tags[0].scalar = ScalarType::Bool;
    cell.tags[0].initial = Value::Bool(false);
    cell.operator.start = Some(0);
    // The double reads its input as i64, so it must not run here: only the mode is looked at.
    let mut machine = Machine::new(Arc::new(cell), Vec::new());
    step(&mut machine, 1, &GOOD, &[]);
    assert_eq!(machine.mode(), Mode::Stop, "a button that is stuck at power-on starts nothing");
    step(&mut machine, 0, &GOOD, &[]);
    step(&mut machine, 1, &GOOD, &[]);
    assert_eq!(machine.mode(), Mode::Run);
    step(&mut machine, 1, &GOOD, &[InboxKind::Stop]);
    step(&mut machine, 1, &GOOD, &[]);
    assert_eq!(machine.mode(), Mode::Stop);
}

#[test]
fn a_button_held_through_lost_frames_is_no_edge() {
    let mut cell = cell();
    cell.tags[0].scalar = ScalarType::Bool;
    cell.tags[0].initial = Value::Bool(false);
    cell.operator.start = Some(0);
    let mut machine = Machine::new(Arc::new(cell), Vec::new());
    for exchange in [GOOD, GOOD, Exchange::NONE, GOOD, Exchange { valid: 0, ..GOOD }, GOOD] {
        step(&mut machine, 1, &exchange, &[]);
        assert_eq!(machine.mode(), Mode::Stop);
    }
    // Released unseen, and pressed again: that is one.
    step(&mut machine, 0, &GOOD, &[]);
    step(&mut machine, 0, &Exchange::NONE, &[]);
    step(&mut machine, 1, &GOOD, &[]);
    assert_eq!(machine.mode(), Mode::Run);
}

#[test]
fn a_reset_does_not_help_while_the_cause_is_there() {
    for bad in [Exchange::NONE, Exchange { valid: 0, ..GOOD }] {
        let mut machine = machine(cell());
        step(&mut machine, 5, &GOOD, &[InboxKind::Start]);
        for _ in 0..3 {
            step(&mut machine, 5, &bad, &[]);
        }
        let fault = machine.fault();
        assert!(fault.is_some());
        step(&mut machine, 5, &bad, &[InboxKind::Reset, InboxKind::Start]);
        assert_eq!((machine.mode(), machine.fault(), machine.committed()), (Mode::Fault, fault, false));
        step(&mut machine, 5, &GOOD, &[InboxKind::Reset, InboxKind::Start]);
        assert_eq!((machine.mode(), machine.committed()), (Mode::Run, true));
    }
}

const RETAINING: &str = "
    fn init() { #{ runs: 0, retain: #{ total: 100 }, zone: 0 } }
    fn cycle() {
        this.runs += 1;
        this.zone -= 1;
        this.retain.total += 1;
        io.held = this.runs;
        io.memory = this.retain.total;
        if io.level == 13 { fault(\"thirteen\"); }
    }";

#[test]
fn a_reset_restarts_warm_what_is_retained_stays() {
    let mut machine = scripted(cell(), &[RETAINING]);
    step(&mut machine, 5, &GOOD, &[InboxKind::Start]);
    for _ in 0..4 {
        step(&mut machine, 5, &GOOD, &[]);
    }
    step(&mut machine, 13, &GOOD, &[]);
    assert_eq!(machine.mode(), Mode::Fault);
    // Kept for a post-mortem until the reset.
    let read = |machine: &Machine, path: &str| {
        let program = &machine.programs()[0];
        program.layout().read(program.state(), path)
    };
    let number = |value| Some(Reading::Scalar(Value::I64(value)));
    assert_eq!((read(&machine, "runs"), read(&machine, "retain.total")), (number(5), number(105)));
    step(&mut machine, 5, &GOOD, &[InboxKind::Reset]);
    assert_eq!((read(&machine, "runs"), read(&machine, "zone")), (number(0), number(0)));
    assert_eq!(read(&machine, "retain.total"), number(105));
    step(&mut machine, 5, &GOOD, &[InboxKind::Start]);
    assert_eq!((machine.store().value(1), machine.store().value(3)), (Value::I64(1), Value::I64(106)));
}

#[test]
fn the_task_succeeds_or_fails_as_a_whole() {
    let second =
        "fn init() { #{ n: 0 } } fn cycle() { this.n += 1; if io.level == 13 { fault(\"second\"); } }";
    let first = "fn init() { #{ n: 0 } } fn cycle() { this.n += 1; io.held = this.n; }";
    let mut machine = scripted(cell(), &[first, second]);
    step(&mut machine, 5, &GOOD, &[InboxKind::Start]);
    step(&mut machine, 5, &GOOD, &[]);
    let before: Vec<Vec<u8>> = machine.programs().iter().map(|program| program.state().to_vec()).collect();
    step(&mut machine, 13, &GOOD, &[]);
    assert_eq!(machine.fault().map(|fault| (fault.code, fault.source)), Some((FaultCode::Raised, 1)));
    let after: Vec<Vec<u8>> = machine.programs().iter().map(|program| program.state().to_vec()).collect();
    assert_eq!(before, after);
    assert_eq!(machine.store().value(1), Value::I64(2));
}

#[test]
fn the_first_cycle_is_the_first_run_after_stop() {
    let text = "fn init() { #{ firsts: 0 } }
        fn cycle() { if sys.first_cycle { this.firsts += 1; } io.held = this.firsts; }";
    let mut machine = scripted(cell(), &[text]);
    let mut firsts = |kinds: &[InboxKind]| {
        step(&mut machine, 5, &GOOD, kinds);
        machine.store().value(1)
    };
    // The operator takes some time.
    assert_eq!([firsts(&[]), firsts(&[])], [Value::I64(0); 2]);
    assert_eq!([firsts(&[InboxKind::Start]), firsts(&[]), firsts(&[])], [Value::I64(1); 3]);
    assert_eq!([firsts(&[InboxKind::Stop]), firsts(&[])], [Value::I64(1); 2]);
    assert_eq!([firsts(&[InboxKind::Start]), firsts(&[])], [Value::I64(2); 2]);
}

#[test]
fn numbers_of_a_hostile_record_do_not_overflow() {
    let text = "fn init() { #{ t: TON() } } fn cycle() { this.t.run(true, 1.0); io.held = sys.cycle % 100; }";
    let mut machine = scripted(cell(), &[text]);
    machine.apply(&entry(InboxKind::Start, InboxSource::TERMINAL, [0; 3]));
    for (index, skipped) in [(u64::MAX, u64::MAX), (1 << 63, i64::MAX as u64), (0, 1 << 63)] {
        let time = CycleTime { index, skipped, first: true };
        machine.run_task(&GOOD, time);
        machine.step_axes(time);
        machine.stage();
    }
}

#[test]
fn an_input_that_nothing_reads_is_not_hashed() {
    let hashed = |input: u8| {
        let mut machine = Machine::new(Arc::new(cell()), Vec::new());
        step(&mut machine, input, &GOOD, &[InboxKind::Start]);
        let (len, hashed) = machine.state_len();
        let mut state = vec![0; len];
        machine.save(&mut state);
        assert_eq!(machine.state_parts().iter().map(|(_, len)| len).sum::<usize>(), len);
        (state[..hashed].to_vec(), state[hashed..].to_vec())
    };
    let (first, second) = (hashed(1), hashed(2));
    assert_eq!(first.0, second.0);
    assert_ne!(first.1, second.1);
}

#[test]
fn parameters_out_of_range_are_refused() {
    let mut machine = machine(cell());
    let set = |value: f64| InboxEntry {
        argument: [0, value.to_bits().cast_signed(), 0],
        ..entry(InboxKind::Parameter, InboxSource::TERMINAL, [0; 3])
    };
    for (value, expected) in [(1.5, 1.5), (2.5, 1.5), (f64::NAN, 1.5), (0.0, 0.0)] {
        machine.apply(&set(value));
        assert_eq!(machine.parameters[0], Value::F64(expected));
    }
    machine.apply(&entry(InboxKind::Parameter, InboxSource::TERMINAL, [99, 0, 0]));
    machine.apply(&entry(InboxKind::Parameter, InboxSource::TERMINAL, [-1, 0, 0]));
}

proptest! {
    /// Whatever happened before: a machine that takes over another's state does the same from there on.
    #[test]
    fn a_loaded_machine_goes_on_the_same(
        history in proptest::collection::vec((any::<u8>(), 0_u8..4, 0_usize..9), 0..60),
        future in proptest::collection::vec((any::<u8>(), 0_u8..4, 0_usize..9), 1..60),
    ) {
        let kinds = [InboxKind::Start, InboxKind::Stop, InboxKind::Reset, InboxKind::Overrun];
        let run = |machine: &mut Machine, steps: &[(u8, u8, usize)]| {
            let mut states = Vec::new();
            for (input, exchange, kind) in steps {
                let exchange = match exchange {
                    0 => Exchange::NONE,
                    1 => Exchange { valid: 0, ..GOOD },
                    _ => GOOD,
                };
                step(machine, input % 16, &exchange, kinds.get(*kind).map(std::slice::from_ref).unwrap_or_default());
                let mut state = vec![0; machine.state_len().0];
                machine.save(&mut state);
                states.push(state);
            }
            states
        };
        let mut first = machine(cell());
        run(&mut first, &history);
        let mut state = vec![0; first.state_len().0];
        first.save(&mut state);
        let mut second = machine(cell());
        second.load(&state).expect("the state of the same cell");
        prop_assert_eq!(run(&mut first, &future), run(&mut second, &future));
    }

    /// As above, with what the interpreter keeps: whatever a reset and a second program do.
    #[test]
    fn a_loaded_scripted_machine_goes_on_the_same(
        history in proptest::collection::vec((12_u8..14, 0_usize..9), 0..30),
        future in proptest::collection::vec((12_u8..14, 0_usize..9), 1..30),
    ) {
        let kinds = [InboxKind::Start, InboxKind::Stop, InboxKind::Reset];
        let other = "fn init() { #{ n: 0 } }
            fn cycle() { this.n += 1; if sys.first_cycle { this.n += 1000; } io.fallen = this.n % 100; }";
        let run = |machine: &mut Machine, steps: &[(u8, usize)]| {
            let mut states = Vec::new();
            for (input, kind) in steps {
                step(machine, *input, &GOOD, kinds.get(*kind).map(std::slice::from_ref).unwrap_or_default());
                let mut state = vec![0; machine.state_len().0];
                machine.save(&mut state);
                states.push(state);
            }
            states
        };
        let mut first = scripted(cell(), &[other, RETAINING]);
        run(&mut first, &history);
        let mut state = vec![0; first.state_len().0];
        first.save(&mut state);
        let mut second = scripted(cell(), &[other, RETAINING]);
        second.load(&state).expect("the state of the same cell");
        prop_assert_eq!(run(&mut first, &future), run(&mut second, &future));
    }

    /// Most of a good state, so that all of it is read.
    #[test]
    fn no_altered_state_makes_it_panic(
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 0..6),
        cut in proptest::option::of(any::<proptest::sample::Index>()),
    ) {
        let mut machine = scripted(cell(), &[RETAINING]);
        step(&mut machine, 5, &GOOD, &[InboxKind::Start]);
        let mut state = vec![0; machine.state_len().0];
        machine.save(&mut state);
        for (at, value) in changes {
            let at = at.index(state.len());
            state[at] = value;
        }
        if let Some(cut) = cut {
            state.truncate(cut.index(state.len()));
        }
        let _ = machine.load(&state);
        for kinds in [&[][..], &[InboxKind::Reset, InboxKind::Start], &[]] {
            step(&mut machine, 1, &GOOD, kinds);
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let mut machine = machine(cell());
        let _ = machine.load(&bytes);
        step(&mut machine, 1, &GOOD, &[InboxKind::Reset, InboxKind::Start]);
    }
}
