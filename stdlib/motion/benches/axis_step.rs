//! Nanoseconds per step of an axis.
//!
//! `cargo bench -p sensai-motion`. Each figure is the median of 21 rounds of 20 000 steps.

use sensai_motion::{
    Axis, AxisCommand, AxisRequest, AxisSettings, Cia402, Commanded, Controlword, Direction, DriveInputs,
    DriveMode, DriveOutputs, Homing, MotionLimits, StopCategory,
};
use std::hint::black_box;

const STEPS: u64 = 20_000;
const ROUNDS: usize = 21;
const INTERVAL_NS: u64 = 1_000_000;

fn main() {
    println!("{:<44} {:>8}", "axis step", "ns");
    let disabled = || Bench::new();
    println!("{:<44} {:>8.1}", "disabled", median(disabled, |_| None));
    println!("{:<44} {:>8.1}", "standing under power", median(Bench::powered, |_| None));
    let there_and_back = |step: u64| step.is_multiple_of(500).then(|| to((step / 500 % 2) as f64 * 20.0));
    println!(
        "{:<44} {:>8.1}",
        "moving, a new target every 500 intervals",
        median(Bench::powered, there_and_back)
    );
    let every = |step: u64| Some(to((step * 7_919 % 1_000) as f64));
    println!("{:<44} {:>8.1}", "moving, a new target every interval", median(Bench::powered, every));
    let mut axis = Bench::powered().axis;
    let mut words = [0; Axis::WORDS];
    let save = (0..ROUNDS).map(|_| {
        let start = now_ns();
        for _ in 0..STEPS {
            black_box(&mut axis).save(black_box(&mut words));
        }
        (now_ns() - start) as f64 / STEPS as f64
    });
    println!("{:<44} {:>8.1}", format!("saving {} words", Axis::WORDS), middle(save.collect()));
}

fn to(position: f64) -> AxisCommand {
    AxisCommand::MoveAbsolute { position, velocity: 100.0, direction: Direction::Shortest }
}

fn median(bench: impl Fn() -> Bench, command: impl Fn(u64) -> Option<AxisCommand>) -> f64 {
    let mut bench = bench();
    let rounds = (0..ROUNDS).map(|_| {
        let start = now_ns();
        for step in 0..STEPS {
            bench.step(command(step));
        }
        (now_ns() - start) as f64 / STEPS as f64
    });
    middle(rounds.collect())
}

fn middle(mut rounds: Vec<f64>) -> f64 {
    rounds.sort_by(f64::total_cmp);
    rounds[ROUNDS / 2]
}

#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
fn now_ns() -> u64 {
    use std::{sync::OnceLock, time::Instant};
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed().as_nanos() as u64
}

struct Bench {
    axis: Axis,
    state: Cia402,
    position: i32,
    outputs: DriveOutputs,
    now_ns: u64,
    id: u64,
}

impl Bench {
    fn new() -> Self {
        let limits =
            MotionLimits { velocity: 100.0, acceleration: 1_000.0, deceleration: 1_500.0, jerk: Some(2e4) };
        let settings = AxisSettings {
            counts_per_unit: 1_000.0,
            modulo: None,
            limits,
            software_limits: Some((-1_000.0, 1_000.0)),
            following_window: 1.0,
            following_time_ns: 5_000_000,
            in_position_window: 0.1,
            drive_mode: DriveMode::Csp,
            homing: Homing::CurrentPosition { position: 0.0 },
            stop_category: StopCategory::Category1,
            stop_deceleration: 2_000.0,
            stop_jerk: Some(1e5),
            brake: None,
            velocity_gain: 0.0,
            torque_limit: 100.0,
            lost_after_ns: 0,
            interval_ns: INTERVAL_NS,
        };
        let axis = Axis::new(settings).expect("good settings");
        let outputs = DriveOutputs::default();
        Self { axis, state: Cia402::SwitchOnDisabled, position: 0, outputs, now_ns: 0, id: 0 }
    }

    fn powered() -> Self {
        let mut bench = Self::new();
        bench.step(None);
        bench.step(Some(AxisCommand::Power(true)));
        (0..20).for_each(|_| bench.step(None));
        bench.step(Some(AxisCommand::Home));
        assert!(bench.axis.facts().powered && bench.axis.facts().homed);
        bench
    }

    /// With a drive that follows at once.
    fn step(&mut self, command: Option<AxisCommand>) {
        let inputs = DriveInputs {
            valid: true,
            statusword: self.state.pattern().1,
            position: i64::from(self.position),
            mode_display: Some(self.outputs.mode),
            ..DriveInputs::default()
        };
        let command_in = Controlword(self.outputs.controlword).command_in(self.state);
        self.state = self.state.after(command_in).map_or(self.state, |transition| transition.to);
        if self.state == Cia402::OperationEnabled {
            self.position = self.outputs.target_position;
        }
        self.now_ns += INTERVAL_NS;
        self.id += u64::from(command.is_some());
        let commanded = command.map(|command| Commanded { id: self.id, command });
        let request = AxisRequest::default();
        self.outputs =
            black_box(&mut self.axis).step(black_box(&inputs), commanded.as_slice(), request, self.now_ns);
    }
}
