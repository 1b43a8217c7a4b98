//! The ideal drive, and the axis in front of it.

use super::super::drive::Drive;
use sensai_model::{BitField, RawType, cell};
use sensai_motion::{
    Axis, AxisCommand, AxisError, AxisRequest, AxisSettings, AxisState, Commanded, DriveInputs, DriveMode,
    Homing, MotionLimits, StopCategory,
};

const INTERVAL_NS: u64 = 1_000_000;

/// Objects of the drive, one after the other in the two images.
fn entries() -> cell::DriveEntries {
    let field = |byte: u32, bits: u8, raw| BitField { bit_offset: 8 * byte, bit_len: bits, raw };
    let (signed, unsigned) = (RawType::Signed, RawType::Unsigned);
    cell::DriveEntries {
        controlword: field(0, 16, unsigned),
        target_position: Some(field(2, 32, signed)),
        target_velocity: Some(field(6, 32, signed)),
        target_torque: Some(field(10, 16, signed)),
        mode: Some(field(12, 8, signed)),
        digital_outputs: None,
        statusword: field(0, 16, unsigned),
        position_actual: field(2, 32, signed),
        velocity_actual: Some(field(6, 32, signed)),
        torque_actual: Some(field(10, 16, signed)),
        mode_display: Some(field(12, 8, signed)),
        error_code: Some(field(14, 16, unsigned)),
        digital_inputs: None,
    }
}

struct Bench {
    axis: Axis,
    drive: Drive,
    outputs: [u8; 16],
    inputs: [u8; 16],
    cycle: u64,
    id: u64,
}

impl Bench {
    fn new(drive_mode: DriveMode, homing: Homing) -> Self {
        let settings = AxisSettings {
            counts_per_unit: 1000.0,
            modulo: None,
            limits: MotionLimits { velocity: 100.0, acceleration: 2000.0, deceleration: 2000.0, jerk: None },
            software_limits: None,
            following_window: 1.0,
            following_time_ns: 10_000_000,
            in_position_window: 0.01,
            drive_mode,
            homing,
            stop_category: StopCategory::Category1,
            stop_deceleration: 4000.0,
            stop_jerk: None,
            brake: None,
            velocity_gain: 50.0,
            torque_limit: 100.0,
            lost_after_ns: 3_000_000,
            interval_ns: INTERVAL_NS,
        };
        let mode = match drive_mode {
            DriveMode::Csp => cell::DriveMode::Csp,
            DriveMode::Csv => cell::DriveMode::Csv,
            DriveMode::Cst => cell::DriveMode::Cst,
        };
        Self {
            axis: Axis::new(settings).expect("settings that can be"),
            drive: Drive::new(entries(), mode, 0),
            outputs: [0; 16],
            inputs: [0; 16],
            cycle: 0,
            id: 0,
        }
    }

    fn step(&mut self, commands: &[AxisCommand]) {
        self.drive.step(&self.outputs, &mut self.inputs, INTERVAL_NS);
        let at = entries();
        let integer = |field: BitField| field.read_integer(&self.inputs);
        let inputs = DriveInputs {
            valid: true,
            statusword: at.statusword.read_bits(&self.inputs) as u16,
            position: integer(at.position_actual),
            velocity: at.velocity_actual.map(integer),
            torque: at.torque_actual.map(integer),
            mode_display: at.mode_display.map(|field| integer(field) as i8),
            error_code: at.error_code.map(|field| integer(field) as u16),
            digital_inputs: None,
        };
        let commands: Vec<Commanded> = commands
            .iter()
            .map(|command| {
                self.id += 1;
                Commanded { id: self.id, command: *command }
            })
            .collect();
        let out = self.axis.step(&inputs, &commands, AxisRequest::default(), self.cycle * INTERVAL_NS);
        self.cycle += 1;
        at.controlword.write_bits(&mut self.outputs, out.controlword.into());
        let mut write = |field: Option<BitField>, value: i64| {
            field.expect("it is mapped").write_bits(&mut self.outputs, value.cast_unsigned());
        };
        write(at.target_position, out.target_position.into());
        write(at.target_velocity, out.target_velocity.into());
        write(at.target_torque, out.target_torque.into());
        write(at.mode, out.mode.into());
    }

    fn run(&mut self, cycles: u32) {
        (0..cycles).for_each(|_| self.step(&[]));
    }

    fn power_on(&mut self) {
        self.run(2);
        self.step(&[AxisCommand::Power(true)]);
        self.run(20);
        assert!(self.axis.facts().powered, "{:?}", self.axis.facts());
    }
}

const ABSOLUTE: Homing = Homing::Absolute { offset: 0.0 };

#[test]
fn positions_and_velocities_are_followed() {
    for mode in [DriveMode::Csp, DriveMode::Csv] {
        let mut bench = Bench::new(mode, ABSOLUTE);
        bench.power_on();
        let direction = sensai_motion::Direction::Shortest;
        bench.step(&[AxisCommand::MoveAbsolute { position: 20.0, velocity: 100.0, direction }]);
        bench.run(600);
        let facts = bench.axis.facts();
        assert_eq!((facts.state, facts.error), (AxisState::Standstill, None), "{mode:?}");
        assert!((facts.position - 20.0).abs() < 0.05, "{mode:?}: {}", facts.position);
    }
}

#[test]
fn a_torque_is_shown_as_it_was_told() {
    let mut bench = Bench::new(DriveMode::Cst, ABSOLUTE);
    bench.power_on();
    bench.step(&[AxisCommand::Torque { torque: 25.0, ramp: 1000.0 }]);
    bench.run(100);
    assert_eq!(bench.axis.facts().torque, 25.0);
    assert_eq!(bench.axis.facts().position, 0.0, "the shaft stays where it is");
}

#[test]
fn the_drive_homes() {
    let homing = Homing::Drive { method: 35, offset: 7.5, velocity: 1.0, timeout_ns: 1_000_000_000 };
    let mut bench = Bench::new(DriveMode::Csp, homing);
    bench.power_on();
    assert!(!bench.axis.facts().homed);
    bench.step(&[AxisCommand::Home]);
    bench.run(200);
    let facts = bench.axis.facts();
    assert!(facts.homed && facts.error.is_none(), "{facts:?}");
    assert!((facts.position - 7.5).abs() < 1e-9);
}

#[test]
fn a_trip_needs_a_reset_and_a_jam_shows_as_following_error() {
    let mut bench = Bench::new(DriveMode::Csp, ABSOLUTE);
    bench.power_on();
    bench.drive.trip(0x7500);
    bench.run(3);
    assert_eq!(bench.axis.facts().error, Some(AxisError::DriveFault { code: 0x7500 }));
    bench.step(&[AxisCommand::Reset]);
    bench.run(50);
    assert_eq!((bench.axis.facts().state, bench.axis.facts().error), (AxisState::Disabled, None));

    bench.power_on();
    bench.drive.jammed = true;
    let direction = sensai_motion::Direction::Shortest;
    bench.step(&[AxisCommand::MoveAbsolute { position: 20.0, velocity: 100.0, direction }]);
    bench.run(100);
    assert_eq!(bench.axis.facts().error, Some(AxisError::FollowingError));
}
