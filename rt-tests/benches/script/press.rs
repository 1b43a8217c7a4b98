//! The two presses of `press.rhai` as one would write them in Rust.

use super::pins;
use bytemuck::Zeroable;
use sensai_stdlib::{counters::Ctu, edges::RTrig, timers::Ton};

pins! {
    /// What the sensors, the axis and the model say.
    pub struct Inputs {
        start: bool,
        ram_up: bool,
        ram_down: bool,
        nest_present: bool,
        force: f64,
        execute: bool,
        axis_done: bool,
        feeder_ready: bool,
        servo_present: bool,
        servo_force: f64,
        model_fresh: bool,
        model_score: f64,
        kind_0: bool,
        kind_1: bool,
        kind_2: bool,
    }
}

pins! {
    /// What the valves, the axis and the panel are told.
    pub struct Outputs {
        valve_down: bool,
        valve_up: bool,
        clamp: bool,
        lamp: bool,
        good_parts: i64,
        bad_parts: i64,
        peak_force: f64,
        axis_target: f64,
        axis_velocity: f64,
        model_request: bool,
        pressing: bool,
        feeder_run: bool,
        feeder_push: bool,
        servo_eject: bool,
        servo_reject: bool,
        lamp_green: bool,
        stroke_score: f64,
        stroke_peak: f64,
        stroke_bad: bool,
        stroke_kind: i64,
        stroke_number: i64,
        servo_good: i64,
        servo_bad: i64,
    }
}

const SETTLE: f64 = 0.010;
const DWELL: f64 = 0.020;
const TIMEOUT: f64 = 2.0;
const FORCE_MIN: f64 = 800.0;
const FORCE_MAX: f64 = 1500.0;
const UP: f64 = 10.0;
const NEAR: f64 = 35.0;
const DEPTH: f64 = 43.0;
const FAST: f64 = 200.0;
const SLOW: f64 = 100.0;
const LIMIT: f64 = 1.0;
const PUSH: f64 = 0.030;
const PART_TIMEOUT: f64 = 20.0;
const JUDGE_TIMEOUT: f64 = 0.020;

#[derive(Clone, Copy, PartialEq)]
enum Step {
    Idle,
    Press,
    Lift,
}

#[derive(Clone, Copy, PartialEq)]
enum ServoStep {
    Lift,
    Fetch,
    Push,
    Near,
    Press,
    Judge,
    Eject,
}

/// Both stations.
pub struct Program {
    step: Step,
    settle: Ton,
    dwell: Ton,
    timeout: Ton,
    start: RTrig,
    peak: f64,
    good: Ctu,
    bad: Ctu,
    servo: Servo,
}

struct Servo {
    step: ServoStep,
    fed: Ton,
    push: Ton,
    eject: Ton,
    wait: Ton,
    peak: f64,
    kind: i64,
    bad: bool,
    number: i64,
    good_parts: i64,
    bad_parts: i64,
    target: f64,
    velocity: f64,
    ask: bool,
}

/// The stroke takes too long.
#[derive(Debug)]
pub struct StrokeTimeout;

impl Default for Program {
    fn default() -> Self {
        Self {
            step: Step::Idle,
            settle: Ton::zeroed(),
            dwell: Ton::zeroed(),
            timeout: Ton::zeroed(),
            start: RTrig::zeroed(),
            peak: 0.0,
            good: Ctu::zeroed(),
            bad: Ctu::zeroed(),
            servo: Servo::default(),
        }
    }
}

impl Default for Servo {
    fn default() -> Self {
        Self {
            step: ServoStep::Lift,
            fed: Ton::zeroed(),
            push: Ton::zeroed(),
            eject: Ton::zeroed(),
            wait: Ton::zeroed(),
            peak: 0.0,
            kind: 0,
            bad: false,
            number: 0,
            good_parts: 0,
            bad_parts: 0,
            target: 0.0,
            velocity: 0.0,
            ask: false,
        }
    }
}

impl Program {
    /// One cycle.
    ///
    /// # Errors
    /// If the stroke takes too long.
    pub fn cycle(&mut self, io: &Inputs, out: &mut Outputs, dt_ns: i64) -> Result<(), StrokeTimeout> {
        self.settle.run(io.nest_present, SETTLE, dt_ns);
        self.start.run(io.start);
        self.timeout.run(matches!(self.step, Step::Press | Step::Lift), TIMEOUT, dt_ns);
        self.dwell.run(self.step == Step::Press && io.ram_down, DWELL, dt_ns);
        if self.timeout.q() {
            return Err(StrokeTimeout);
        }
        match self.step {
            Step::Idle => {
                if self.settle.q() && self.start.q() && io.ram_up {
                    self.peak = 0.0;
                    self.step = Step::Press;
                }
            }
            Step::Press => {
                self.peak = self.peak.max(io.force);
                if self.dwell.q() {
                    self.step = Step::Lift;
                }
            }
            Step::Lift => {
                if io.ram_up {
                    self.judge(out);
                    self.step = Step::Idle;
                }
            }
        }
        out.valve_down = self.step == Step::Press;
        out.valve_up = self.step != Step::Press;
        out.clamp = self.step != Step::Idle;
        out.lamp = self.step == Step::Idle && self.settle.q();
        self.servo.cycle(io, out, dt_ns);
        Ok(())
    }

    fn judge(&mut self, out: &mut Outputs) {
        let ok = (FORCE_MIN..=FORCE_MAX).contains(&self.peak);
        self.good.run(ok, false, 1_000_000);
        self.bad.run(!ok, false, 1_000_000);
        self.good.run(false, false, 1_000_000);
        self.bad.run(false, false, 1_000_000);
        out.good_parts = self.good.cv();
        out.bad_parts = self.bad.cv();
        out.peak_force = self.peak;
    }
}

impl Servo {
    fn cycle(&mut self, io: &Inputs, out: &mut Outputs, dt_ns: i64) {
        self.fed.run(io.feeder_ready, SETTLE, dt_ns);
        self.push.run(self.step == ServoStep::Push, PUSH, dt_ns);
        self.eject.run(self.step == ServoStep::Eject, PUSH, dt_ns);
        let longest = if self.step == ServoStep::Fetch { PART_TIMEOUT } else { JUDGE_TIMEOUT };
        self.wait.run(matches!(self.step, ServoStep::Judge | ServoStep::Fetch), longest, dt_ns);
        self.ask = false;
        if io.execute {
            self.stroke(io, out);
        } else {
            self.step = ServoStep::Lift;
            self.to(UP, FAST);
        }
        out.axis_target = self.target;
        out.axis_velocity = self.velocity;
        out.model_request = self.ask;
        out.pressing = io.execute && self.step == ServoStep::Press;
        out.feeder_run = io.execute;
        out.feeder_push = io.execute && self.step == ServoStep::Push;
        out.servo_eject = self.step == ServoStep::Eject && !self.bad;
        out.servo_reject = self.step == ServoStep::Eject && self.bad;
        out.lamp_green = io.execute;
    }

    fn to(&mut self, position: f64, velocity: f64) {
        self.target = position;
        self.velocity = velocity;
    }

    fn stroke(&mut self, io: &Inputs, out: &mut Outputs) {
        match self.step {
            ServoStep::Lift => {
                self.to(UP, FAST);
                if io.axis_done {
                    self.step = ServoStep::Fetch;
                }
            }
            ServoStep::Fetch => {
                if io.servo_present {
                    self.bad = true;
                    self.step = ServoStep::Eject;
                } else if self.fed.q() {
                    self.step = ServoStep::Push;
                }
            }
            ServoStep::Push => {
                if self.push.q() {
                    self.kind = kind(io);
                    self.step = ServoStep::Near;
                }
            }
            ServoStep::Near => {
                self.to(NEAR, FAST);
                self.peak = 0.0;
                if io.axis_done {
                    self.step = ServoStep::Press;
                }
            }
            ServoStep::Press => {
                self.to(DEPTH, SLOW);
                self.peak = self.peak.max(io.servo_force);
                if io.axis_done {
                    self.ask = true;
                    self.step = ServoStep::Judge;
                }
            }
            ServoStep::Judge => self.judge(io, out),
            ServoStep::Eject => {
                self.to(UP, FAST);
                if self.eject.q() && io.axis_done {
                    self.step = ServoStep::Lift;
                }
            }
        }
    }

    fn judge(&mut self, io: &Inputs, out: &mut Outputs) {
        if io.model_fresh {
            self.bad = io.model_score > LIMIT;
            if self.bad {
                self.bad_parts += 1;
            } else {
                self.good_parts += 1;
            }
            self.number += 1;
            out.stroke_score = io.model_score;
            out.stroke_peak = self.peak;
            out.stroke_bad = self.bad;
            out.stroke_kind = self.kind;
            out.stroke_number = self.number;
            out.servo_good = self.good_parts;
            out.servo_bad = self.bad_parts;
            self.step = ServoStep::Eject;
        } else if self.wait.q() {
            self.bad = true;
            self.step = ServoStep::Eject;
        }
    }
}

fn kind(io: &Inputs) -> i64 {
    i64::from(io.kind_0) + 2 * i64::from(io.kind_1) + 4 * i64::from(io.kind_2)
}
