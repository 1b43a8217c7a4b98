//! The programs, and the machines that make their inputs.
//!
//! Inputs are made beforehand, from a seed: a machine answers what the program in Rust does, and what it showed in each
//! cycle is kept. All columns then get the same, and do the same if they are right.

use super::{
    pins::{Pins, checksum},
    reference::{INTERVAL_NS, Reference, RustForm, logic, numeric, press},
    subject::Subject,
};
use crate::bench::random::Random;
use sensai_model::ScalarType;
use sensai_stdlib::time::step_seconds;

/// Cycles of a stream.
pub const CYCLES: usize = 4096;

/// A scalar that goes in or comes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pin {
    /// Its name, as programs have it behind `io.`.
    pub name: &'static str,
    /// Its type.
    pub scalar: ScalarType,
}

/// A program in all its forms, and what it is given.
pub struct Case {
    /// File stem.
    pub name: &'static str,
    /// What it is.
    pub title: &'static str,
    /// As a cell program.
    pub rhai: &'static str,
    /// In C.
    pub c: &'static str,
    /// In Rust, over the stream.
    pub rust: Box<dyn Subject + Send>,
    /// What goes in.
    pub inputs: Vec<Pin>,
    /// What comes out.
    pub outputs: Vec<Pin>,
    /// Inputs of all cycles, one after the other.
    pub stream: Vec<u64>,
    /// Checksum of the outputs of all cycles.
    pub checksum: u64,
    /// How many outputs change in the stream.
    pub alive: usize,
    /// Arguments for which the program in C asks, with what the pinned library gives.
    pub tan: Vec<(f64, f64)>,
    /// The same of another function.
    pub expm1: Vec<(f64, f64)>,
}

/// The machine around a program: what it shows in the next cycle, from what it was told in the last one.
trait Machine<R: Reference> {
    fn step(&mut self, told: &R::Outputs) -> R::Inputs;
}

macro_rules! texts {
    ($name:literal) => {
        (
            include_str!(concat!("../../../../rt-tests/benches/script/", $name, ".rhai")),
            include_str!(concat!("../../../../rt-tests/benches/script/", $name, ".c")),
        )
    };
}

/// All of them.
///
/// # Errors
/// If a program in Rust faults on its machine.
pub fn all() -> anyhow::Result<Vec<Case>> {
    let press = case::<press::Program>("press", "two presses", texts!("press"), Presses::new())?;
    let switches = Switches { random: Random::new(64), on: 0 };
    let logic = case::<logic::Program>("logic", "200 rungs", texts!("logic"), switches)?;
    let numeric = case::<numeric::Program>(
        "numeric",
        "filters, PID, 4×4 matrices",
        texts!("numeric"),
        Tool { random: Random::new(3), cycle: 0 },
    )?;
    let dt = step_seconds(INTERVAL_NS);
    let tangents = [40.0, 100.0].map(|hertz| std::f64::consts::PI * (hertz * dt));
    let numeric = Case {
        tan: tangents.map(|x| (x, libm::tan(x))).to_vec(),
        expm1: [-dt / 0.020].map(|x| (x, libm::expm1(x))).to_vec(),
        ..numeric
    };
    Ok(vec![press, logic, numeric])
}

fn case<R: Reference + Send + 'static>(
    name: &'static str,
    title: &'static str,
    (rhai, c): (&'static str, &'static str),
    mut machine: impl Machine<R>,
) -> anyhow::Result<Case> {
    let (mut program, mut told) = (R::new(), R::Outputs::default());
    let mut stream = vec![0; CYCLES * R::Inputs::NAMES.len()];
    let mut outputs = vec![0; CYCLES * R::Outputs::NAMES.len()];
    let rows = stream.chunks_exact_mut(R::Inputs::NAMES.len());
    for (row, places) in rows.zip(outputs.chunks_exact_mut(R::Outputs::NAMES.len())) {
        let shown = machine.step(&told);
        shown.to_words(row);
        program.cycle(&shown, &mut told)?;
        told.to_words(places);
    }
    let width = R::Outputs::NAMES.len();
    let first = outputs.get(..width).unwrap_or_default();
    let changes =
        |pin: &usize| outputs.iter().skip(*pin).step_by(width).any(|word| Some(word) != first.get(*pin));
    Ok(Case {
        name,
        title,
        rhai,
        c,
        rust: Box::new(RustForm::<R>::new(&stream)),
        inputs: pins::<R::Inputs>(),
        outputs: pins::<R::Outputs>(),
        checksum: checksum(outputs.iter().copied()),
        alive: (0..width).filter(changes).count(),
        stream,
        tan: Vec::new(),
        expm1: Vec::new(),
    })
}

fn pins<P: Pins>() -> Vec<Pin> {
    P::NAMES.iter().zip(P::TYPES).map(|(name, scalar)| Pin { name, scalar: *scalar }).collect()
}

/// Two presses whose strokes take a tenth of a second or so.
struct Presses {
    random: Random,
    cycle: u64,
    /// 0 is up, 1 is down.
    ram: f64,
    present_for: u64,
    strength: f64,
    axis: f64,
    fed_for: u64,
    in_nest: bool,
    kind: u64,
    /// Cycles until the model answers.
    answer: Option<u64>,
}

impl Presses {
    fn new() -> Self {
        Self {
            random: Random::new(25),
            cycle: 0,
            ram: 0.0,
            present_for: 0,
            strength: 1200.0,
            axis: 0.0,
            fed_for: 0,
            in_nest: false,
            kind: 0,
            answer: None,
        }
    }
}

impl Machine<press::Program> for Presses {
    fn step(&mut self, told: &press::Outputs) -> press::Inputs {
        self.cycle += 1;
        let (before, travel) = (self.ram, 1.0 / 40.0);
        self.ram = (self.ram + if told.valve_down { travel } else { -travel }).clamp(0.0, 1.0);
        let was_pressed = before > 0.0 && self.ram == 0.0;
        if was_pressed {
            self.present_for = 0;
            self.strength = 1200.0 + 500.0 * self.random.noise();
        } else {
            self.present_for += 1;
        }
        let squeezed = ((self.ram - 0.75) * 4.0).max(0.0);
        let way = told.axis_target - self.axis;
        self.axis += way.clamp(-told.axis_velocity * 0.005, told.axis_velocity * 0.005);
        if told.feeder_push {
            self.in_nest = true;
        }
        if told.servo_eject || told.servo_reject {
            self.in_nest = false;
            self.kind = self.random.next();
            self.fed_for = 0;
        } else {
            self.fed_for += 1;
        }
        self.answer = match self.answer {
            _ if told.model_request => Some(self.random.next() % 30),
            Some(left) => left.checked_sub(1),
            None => None,
        };
        let fresh = self.answer == Some(0);
        press::Inputs {
            start: self.present_for % 64 > 40,
            ram_up: self.ram == 0.0,
            ram_down: self.ram >= 0.95,
            nest_present: self.present_for > 10,
            force: squeezed * self.strength + self.random.noise(),
            execute: self.cycle % 1500 > 30,
            axis_done: (told.axis_target - self.axis).abs() < 0.01,
            feeder_ready: self.fed_for > 5,
            servo_present: self.in_nest || self.random.one_in(400),
            servo_force: ((self.axis - 38.0) * 300.0).max(0.0) + self.random.noise(),
            model_fresh: fresh,
            model_score: if fresh { 0.7 + 0.5 * self.random.noise() } else { 0.0 },
            kind_0: self.kind & 1 == 1,
            kind_1: self.kind & 2 == 2,
            kind_2: self.kind & 4 == 4,
        }
    }
}

/// Switches that somebody plays with: each turns once in sixteen cycles.
struct Switches {
    random: Random,
    /// A bit for each.
    on: u64,
}

impl Machine<logic::Program> for Switches {
    fn step(&mut self, _told: &logic::Outputs) -> logic::Inputs {
        // Bits of four numbers, ANDed, are set once in sixteen times.
        self.on ^= (0..4).fold(u64::MAX, |bits, _| bits & self.random.next());
        let words: Vec<u64> = (0..u64::BITS).map(|place| self.on >> place & 1).collect();
        logic::Inputs::from_words(&words)
    }
}

/// A tool on its way around a square, with a heater that has something to do.
struct Tool {
    random: Random,
    cycle: u64,
}

impl Machine<numeric::Program> for Tool {
    fn step(&mut self, told: &numeric::Outputs) -> numeric::Inputs {
        self.cycle += 1;
        let turn = (self.cycle % 1024) as f64 / 256.0;
        let edge = |shift: f64| {
            let at = (turn + shift) % 4.0;
            let along = if at < 2.0 { at - 1.0 } else { 3.0 - at };
            (2.0 * along).clamp(-1.0, 1.0)
        };
        let pulse = if self.random.one_in(50) { 3.0 } else { 0.0 };
        numeric::Inputs {
            temperature: 20.0 + 0.6 * told.heat + 0.5 * self.random.noise(),
            pressure: 5.0 + edge(0.5) + pulse + 0.2 * self.random.noise(),
            setpoint: if self.cycle % 2048 < 1024 { 60.0 } else { 45.0 },
            automatic: self.cycle % 700 > 60,
            manual: 30.0,
            place_x: 50.0 * edge(0.0) + 0.5 * self.random.noise(),
            place_y: 50.0 * edge(1.0) + 0.5 * self.random.noise(),
            height: 10.0 + self.random.noise(),
        }
    }
}
