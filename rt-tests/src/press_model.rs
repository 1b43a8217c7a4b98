//! The press example once more, in plain Rust: what its program and the runtime's rules make of recorded inputs.
//!
//! Written from `examples/pneumatic-press`, `docs/cell-toml.md`, `docs/blocks.md` and IEC 61131-3, and from nothing of the
//! product: it is the second opinion that logs and replays are compared with. It follows everything that later cycles
//! depend on, so that two of its states are equal exactly if the cell is in the same state.

use crate::raw_log::{Places, RawRecord};

/// Ids of the faults it knows, as they stand in records.
pub mod fault {
    /// Too many frames lost in a row.
    pub const LOST_FRAMES: u16 = 101;
    /// An input that must be valid is not.
    pub const INVALID_INPUT: u16 = 102;
    /// A device left OP.
    pub const DEVICE_STATE: u16 = 103;
    /// The program's own: the stroke took too long.
    pub const RAISED: u16 = 313;
    /// The run before did not end in an orderly way.
    pub const UNCLEAN_RESTART: u16 = 401;
}

/// Bits of the first input byte.
pub mod input {
    /// Start button.
    pub const START: u8 = 1;
    /// Stop button.
    pub const STOP: u8 = 1 << 1;
    /// Upper end switch.
    pub const UP: u8 = 1 << 2;
    /// Lower end switch.
    pub const DOWN: u8 = 1 << 3;
    /// Part in the nest.
    pub const PRESENT: u8 = 1 << 4;
    /// Reset button.
    pub const RESET: u8 = 1 << 5;
}

/// Bits of the valve terminal.
pub mod valve {
    /// Ram down.
    pub const DOWN: u8 = 1;
    /// Ram up.
    pub const UP: u8 = 1 << 1;
    /// Part clamped.
    pub const CLAMP: u8 = 1 << 2;
    /// Ready lamp.
    pub const LAMP: u8 = 1 << 3;
}

/// Where the ram force stands in the input image: 16 bits, signed, 0.1 N.
const FORCE: usize = 3;
const MS: i64 = 1_000_000;
const INTERVAL_NS: i64 = MS;

/// What a test may have changed in the example.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Bits of the first input byte that are the operator's reset, stop and start.
    pub operator: [u8; 3],
    /// The parameter `timeout`, ns.
    pub timeout_ns: i64,
    /// Lost or invalid cycles in a row that are a fault.
    pub lost_frames_max: u32,
    /// The tag `nest.height` faults while it is invalid.
    pub height_must_be_valid: bool,
}

impl Settings {
    /// As delivered.
    pub const EXAMPLE: Self = Self {
        operator: [input::RESET, input::STOP, input::START],
        timeout_ns: 2000 * MS,
        lost_frames_max: 3,
        height_must_be_valid: false,
    };
}

/// What enters a cycle.
#[derive(Clone, Debug)]
pub struct Inputs {
    /// The first cycle of a start.
    pub first: bool,
    /// Cycles passed over before this one.
    pub skipped: i64,
    /// The exchange was lost.
    pub lost: bool,
    /// Valid sync units: bit 0 the valves' and all others, bit 1 the gauge.
    pub valid: u32,
    /// Kind and first argument of each inbox entry.
    pub inbox: Vec<(u16, i64)>,
    /// The input image.
    pub image: Vec<u8>,
}

impl Inputs {
    /// What a record says.
    pub fn of(record: &RawRecord, places: Places) -> Self {
        let inbox = record.inbox();
        Self {
            first: record.is(RawRecord::FIRST_CYCLE),
            skipped: inbox.iter().filter(|entry| entry.0 == OVERRUN).map(|entry| entry.1).sum(),
            lost: record.is(RawRecord::LOST),
            valid: record.valid(),
            inbox,
            image: record.inputs(places).to_vec(),
        }
    }
}

const STARTUP: u16 = 1;
const START: u16 = 2;
const STOP: u16 = 3;
const RESET: u16 = 4;
const OVERRUN: u16 = 6;
const SHUTDOWN: u16 = 7;

/// The runtime's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Programs stand still.
    Stop,
    /// Programs run.
    Run,
    /// Stopped by this fault.
    Fault(u16),
}

/// On-delay: how long the input has been true, at most the preset time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct OnDelay {
    on_for_ns: Option<i64>,
    elapsed: bool,
}

impl OnDelay {
    fn run(&mut self, input: bool, preset_ns: i64, dt_ns: i64) -> bool {
        self.on_for_ns = match self.on_for_ns {
            _ if !input => None,
            None => Some(0),
            Some(ns) => Some((ns + dt_ns).min(preset_ns)),
        };
        self.elapsed = self.on_for_ns.is_some_and(|ns| ns >= preset_ns);
        self.elapsed
    }
}

/// Counts rising edges.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Counter {
    used: bool,
    input: bool,
    count: i64,
}

impl Counter {
    fn run(&mut self, input: bool) {
        self.used = true;
        self.count += i64::from(input && !self.input);
        self.input = input;
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
enum Step {
    #[default]
    Idle,
    Press,
    Lift,
}

/// The program's `this`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Program {
    step: Step,
    settle: OnDelay,
    dwell: OnDelay,
    timeout: OnDelay,
    start: bool,
    start_rose: bool,
    /// Bits of the number.
    peak: u64,
    good: Counter,
    bad: Counter,
}

/// The tags that programs write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Written {
    valves: u8,
    good: i64,
    bad: i64,
    peak: u64,
}

/// All that the cell has made of its inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Effects {
    /// Of the runtime.
    pub mode: Mode,
    /// What the next exchange sends to the valve terminal.
    pub valves: u8,
    shutting_down: bool,
    /// Last levels of reset, stop, start.
    operator: [bool; 3],
    lost_in_row: u32,
    invalid_in_row: [u32; 2],
    written: Written,
    program: Program,
}

impl Effects {
    /// Good and bad parts so far.
    pub const fn parts(&self) -> (i64, i64) {
        (self.written.good, self.written.bad)
    }
}

/// The last good inputs: what a sync unit that becomes invalid goes on showing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Held {
    switches: u8,
    switches_valid: bool,
    force_raw: i16,
}

/// The cell between two cycles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Model {
    /// What is compared and recorded.
    pub effects: Effects,
    held: Held,
}

impl Model {
    /// After a cold start, before the first cycle.
    pub fn cold() -> Self {
        Self {
            effects: Effects {
                mode: Mode::Stop,
                valves: valve::UP,
                shutting_down: false,
                operator: [true; 3],
                lost_in_row: 0,
                invalid_in_row: [0; 2],
                written: Written::default(),
                program: Program::default(),
            },
            held: Held { switches: 0, switches_valid: false, force_raw: 0 },
        }
    }

    /// One cycle.
    pub fn cycle(&mut self, settings: &Settings, inputs: &Inputs) {
        if inputs.first {
            *self = Self::cold();
        }
        for entry in &inputs.inbox {
            self.command(*entry);
        }
        self.supervise(settings.lost_frames_max, inputs);
        self.take_inputs(inputs);
        self.operate(settings);
        if self.effects.mode == Mode::Run {
            if settings.height_must_be_valid && inputs.valid & 2 == 0 {
                self.raise(fault::INVALID_INPUT);
            } else {
                self.run_program(settings, INTERVAL_NS * (1 + inputs.skipped));
            }
        }
        self.stage();
    }

    fn command(&mut self, (kind, argument): (u16, i64)) {
        match kind {
            STARTUP if argument == 2 => self.raise(fault::UNCLEAN_RESTART),
            START => self.start(),
            STOP => self.stop(),
            RESET => self.reset(),
            SHUTDOWN => {
                self.effects.shutting_down = true;
                self.stop();
            }
            _ => {}
        }
    }

    fn supervise(&mut self, most: u32, inputs: &Inputs) {
        let effects = &mut self.effects;
        effects.lost_in_row = if inputs.lost { effects.lost_in_row + 1 } else { 0 };
        for unit in 0..2 {
            let invalid = inputs.valid >> unit & 1 == 0;
            effects.invalid_in_row[unit] = if invalid { effects.invalid_in_row[unit] + 1 } else { 0 };
        }
        let (lost, valves_gone) = (effects.lost_in_row, effects.invalid_in_row[0]);
        if lost >= most {
            self.raise(fault::LOST_FRAMES);
        }
        if valves_gone >= most && !inputs.lost {
            self.raise(fault::DEVICE_STATE);
        }
    }

    fn take_inputs(&mut self, inputs: &Inputs) {
        self.held.switches_valid = inputs.valid & 1 == 1;
        if self.held.switches_valid {
            self.held.switches = inputs.image[0];
            self.held.force_raw = i16::from_le_bytes([inputs.image[FORCE], inputs.image[FORCE + 1]]);
        }
    }

    fn operate(&mut self, settings: &Settings) {
        let before = self.effects.operator;
        // What cannot be seen has not changed: a button held through lost frames is not pressed anew.
        let seen = settings.operator.map(|bit| self.held.switches & bit != 0);
        let now = if self.held.switches_valid { seen } else { before };
        self.effects.operator = now;
        let [reset, stop, start] = [0, 1, 2].map(|which| now[which] && !before[which]);
        if reset {
            self.reset();
        }
        if stop {
            self.stop();
        }
        if start {
            self.start();
        }
    }

    fn run_program(&mut self, settings: &Settings, dt_ns: i64) {
        let on = |bit: u8| self.held.switches & bit != 0;
        let force = f64::from(self.held.force_raw) * 0.1;
        let mut this = self.effects.program;
        let mut io = self.effects.written;

        let settled = this.settle.run(on(input::PRESENT), 50 * MS, dt_ns);
        this.start_rose = on(input::START) && !this.start;
        this.start = on(input::START);
        let moving = this.step != Step::Idle;
        let late = this.timeout.run(moving, settings.timeout_ns, dt_ns);
        let dwelt = this.dwell.run(this.step == Step::Press && on(input::DOWN), 100 * MS, dt_ns);
        if late {
            // Nothing of this run takes effect.
            self.raise(fault::RAISED);
            return;
        }
        match this.step {
            Step::Idle if settled && this.start_rose && on(input::UP) => {
                this.peak = 0.0_f64.to_bits();
                this.step = Step::Press;
            }
            Step::Idle => {}
            Step::Press => {
                if force > f64::from_bits(this.peak) {
                    this.peak = force.to_bits();
                }
                if dwelt {
                    this.step = Step::Lift;
                }
            }
            Step::Lift if on(input::UP) => {
                let good = (800.0..=1500.0).contains(&f64::from_bits(this.peak));
                this.good.run(good);
                this.bad.run(!good);
                this.good.run(false);
                this.bad.run(false);
                (io.good, io.bad, io.peak) = (this.good.count, this.bad.count, this.peak);
                this.step = Step::Idle;
            }
            Step::Lift => {}
        }
        io.valves = match this.step {
            Step::Press => valve::DOWN | valve::CLAMP,
            Step::Lift => valve::UP | valve::CLAMP,
            Step::Idle if settled => valve::UP | valve::LAMP,
            Step::Idle => valve::UP,
        };
        self.effects.program = this;
        self.effects.written = io;
    }

    fn stage(&mut self) {
        self.effects.valves = match self.effects.mode {
            Mode::Run => self.effects.written.valves,
            // The clamp holds, the ram goes up, everything else is off.
            Mode::Stop | Mode::Fault(_) => self.effects.valves & valve::CLAMP | valve::UP,
        };
    }

    fn start(&mut self) {
        if self.effects.mode == Mode::Stop && !self.effects.shutting_down {
            self.effects.mode = Mode::Run;
        }
    }

    fn stop(&mut self) {
        if self.effects.mode == Mode::Run {
            self.effects.mode = Mode::Stop;
        }
    }

    fn reset(&mut self) {
        if matches!(self.effects.mode, Mode::Fault(_)) {
            self.effects.mode = Mode::Stop;
            self.effects.program = Program::default();
        }
    }

    fn raise(&mut self, code: u16) {
        if !matches!(self.effects.mode, Mode::Fault(_)) {
            self.effects.mode = Mode::Fault(code);
        }
    }
}

/// What the model makes of a whole log: its state after each record.
pub fn trajectory(settings: &Settings, inputs: &[Inputs]) -> Vec<Model> {
    let after = |model: &mut Model, inputs: &Inputs| {
        model.cycle(settings, inputs);
        Some(*model)
    };
    inputs.iter().scan(Model::cold(), after).collect()
}

/// Where it first matters that bit `bit` of the inputs at `index` is another; `None`: nowhere, ever.
pub fn first_effect(
    settings: &Settings,
    inputs: &[Inputs],
    states: &[Model],
    (index, bit): (usize, usize),
) -> Option<usize> {
    let mut model = if index == 0 { Model::cold() } else { states[index - 1] };
    let mut flipped = inputs[index].clone();
    flipped.image[bit / 8] ^= 1 << (bit % 8);
    model.cycle(settings, &flipped);
    let mut at = index;
    while model != states[at] {
        if model.effects != states[at].effects {
            return Some(at);
        }
        at += 1;
        model.cycle(settings, inputs.get(at)?);
    }
    None
}
