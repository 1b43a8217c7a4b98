//! A step neither takes from the heap nor gives back, whatever it has to do.

use sensai_alloc_count::{CountingAllocator, thread_counts};
use sensai_motion::{
    Axis, AxisCommand, AxisRequest, AxisSettings, AxisState, Cia402, Commanded, Controlword, Direction,
    DriveInputs, DriveMode, DriveOutputs, Homing, MotionLimits, Outcome, StopCategory, StopRequest,
};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

const INTERVAL_NS: u64 = 1_000_000;

fn settings() -> AxisSettings {
    AxisSettings {
        counts_per_unit: 1_000.0,
        modulo: None,
        limits: MotionLimits {
            velocity: 100.0,
            acceleration: 1_000.0,
            deceleration: 1_500.0,
            jerk: Some(2e4),
        },
        software_limits: Some((-500.0, 500.0)),
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
    }
}

/// Follows at once.
fn exchange(state: &mut Cia402, position: &mut i32, outputs: DriveOutputs) -> DriveInputs {
    let inputs = DriveInputs {
        valid: true,
        // Bit 12: it follows set-points.
        statusword: state.pattern().1 | if *state == Cia402::OperationEnabled { 1 << 12 } else { 0 },
        position: i64::from(*position),
        mode_display: Some(outputs.mode),
        ..DriveInputs::default()
    };
    let command = Controlword(outputs.controlword).command_in(*state);
    *state = state.after(command).map_or(*state, |transition| transition.to);
    if *state == Cia402::OperationEnabled {
        *position = outputs.target_position;
    }
    inputs
}

#[test]
fn a_step_leaves_the_heap_alone() {
    let mut axis = Axis::new(settings()).expect("good settings");
    let mut words = [0; Axis::WORDS];
    let (mut state, mut position, mut outputs) = (Cia402::SwitchOnDisabled, 42, DriveOutputs::default());
    let (mut id, mut moved) = (0, 0);
    let before = thread_counts();
    for interval in 1..=20_000u64 {
        let mut inputs = exchange(&mut state, &mut position, outputs);
        inputs.valid = !(15_000..=15_010).contains(&interval);
        let command = match interval {
            5 => Some(AxisCommand::Power(true)),
            50 => Some(AxisCommand::Home),
            12_000 => Some(AxisCommand::Power(false)),
            12_500 => Some(AxisCommand::Power(true)),
            13_000 => Some(AxisCommand::MoveVelocity { velocity: 50.0 }),
            16_000 => Some(AxisCommand::Reset),
            17_000 => Some(AxisCommand::Power(true)),
            // Another target every ten intervals, in flight.
            _ if interval % 10 == 0 && (60..12_000).contains(&interval) => Some(AxisCommand::MoveAbsolute {
                position: (interval * 7_919 % 1_000) as f64 - 500.0,
                velocity: 100.0,
                direction: Direction::Shortest,
            }),
            _ => None,
        };
        let request = AxisRequest {
            override_factor: if interval % 500 < 250 { 1.0 } else { 0.7 },
            stop: (interval > 19_000).then_some(StopRequest::Configured),
            enable: true,
        };
        id += u64::from(command.is_some());
        let commanded = command.map(|command| Commanded { id, command });
        outputs = axis.step(&inputs, commanded.as_slice(), request, interval * INTERVAL_NS);
        axis.save(&mut words);
        assert!(axis.load(&words).is_ok());
        moved += u32::from(axis.facts().state == AxisState::DiscreteMotion);
    }
    let counts = thread_counts() - before;
    assert!(counts.is_quiet(), "{counts:?}");
    assert!(moved > 10_000, "it moved: {moved}");
    assert_eq!(axis.facts().state, AxisState::Disabled);
    assert_eq!(axis.facts().outcome(id), Outcome::Done);
}
