//! Faults: what trips the drive, and what the motor does then.

use super::*;
use crate::simulated::drive::{
    demand::{CST, CSV},
    errors::code,
    power::statusword,
};

/// Enabled in CSV and turning at 40 rev/s.
fn turning() -> Rig {
    let mut rig = Rig::enabled(CSV, |_| {});
    rig.commands.target_velocity = (40.0 * REV) as i32;
    rig.cycles(100);
    assert!((rig.shaft.velocity - 40.0).abs() < 0.1);
    rig
}

/// Milliseconds until the shaft is at rest.
fn rests_after(rig: &mut Rig) -> u32 {
    (1..2_000)
        .find(|_| {
            rig.cycle();
            rig.shaft.velocity.abs() < 0.05
        })
        .expect("comes to rest")
}

#[test]
fn the_fault_reaction_follows_its_option() {
    for (option, range) in [(0_i16, 300..2_000), (1, 75..90), (2, 36..48), (3, 1..60)] {
        let mut rig = turning();
        rig.set(0x605e, 0, &option.to_le_bytes());
        rig.drive.inject(DriveFault::Trip(0x7305));
        let reacts = option != 0;
        rig.pass(TICK_NS);
        assert_eq!(rig.drive.state() == PowerState::FaultReactionActive, reacts, "option {option}");
        let lasted = rests_after(&mut rig);
        assert!(range.contains(&lasted), "option {option}: {lasted} ms");
        rig.cycles(10);
        assert_eq!(rig.drive.state(), PowerState::Fault);
        assert_eq!((rig.shaft.torque, rig.drive.feedback.error_code), (0.0, 0x7305));
    }
}

#[test]
fn sto_takes_the_torque_at_once_and_blocks_switching_on() {
    let mut rig = turning();
    rig.commands.target_velocity = (80.0 * REV) as i32;
    rig.cycle();
    assert!(rig.shaft.torque > 1.0);
    rig.shaft.sto = true;
    rig.pass(STEP_NS);
    assert_eq!(rig.shaft.torque, 0.0, "in the same step");
    rig.cycle();
    assert_eq!((rig.drive.state(), rig.drive.feedback.error_code), (PowerState::Fault, code::STO));
    assert_ne!(rig.drive.statusword() & statusword::STO_ACTIVE, 0);
    let speed = rig.shaft.velocity;
    rig.cycles(50);
    assert!(rig.shaft.velocity > 0.5 * speed, "coasts, no ramp");
    rig.command(0);
    rig.command(FAULT_RESET);
    assert_eq!(rig.command(SHUTDOWN), PowerState::SwitchOnDisabled, "no transition 2");
    for _ in 0..16 {
        rig.pass(TICK_NS);
        assert_eq!(rig.drive.state(), PowerState::SwitchOnDisabled, "not even for a tick");
    }
    rig.shaft.sto = false;
    assert_eq!(rig.command(SHUTDOWN), PowerState::ReadyToSwitchOn);
    rig.command(SWITCH_ON);
    rig.drive.inject(DriveFault::Sto(true));
    rig.cycle();
    assert_eq!(rig.drive.state(), PowerState::SwitchOnDisabled, "no fault where there was no torque");
    assert_eq!(rig.drive.feedback.error_code, 0);
}

#[test]
fn a_blocked_shaft_is_a_following_error() {
    let mut rig = Rig::enabled(CSP, |shaft| shaft.friction = if shaft.position > 0.5 { 50.0 } else { 0.0 });
    rig.travel(3.0, 1.0, |_, _| {});
    assert_eq!(rig.drive.feedback.error_code, code::FOLLOWING);
    assert_eq!(rig.drive.state(), PowerState::Fault);
    assert_ne!(rig.drive.statusword() & statusword::FOLLOWING_ERROR, 0);
    rig.command(0);
    rig.command(FAULT_RESET);
    rig.cycle();
    assert_eq!(rig.drive.statusword() & statusword::FOLLOWING_ERROR, 0);
}

/// Long enough below the time out: no fault; the window of 0xFFFFFFFF: never.
#[test]
fn the_following_window_has_a_time_and_an_off() {
    for (window, milliseconds, faults) in
        [(1_000_u32, 10_u16, true), (1_000, 2_000, false), (u32::MAX, 0, false)]
    {
        let mut rig = Rig::enabled(CSP, |shaft| shaft.inertia = 1.0e-3);
        rig.set(0x6065, 0, &window.to_le_bytes());
        rig.set(0x6066, 0, &milliseconds.to_le_bytes());
        rig.commands.target_position += (2.0 * REV) as i32;
        rig.cycles(500);
        let is_fault = rig.drive.state() == PowerState::Fault;
        assert_eq!(is_fault, faults, "window {window}, {milliseconds} ms");
    }
}

#[test]
fn an_encoder_jump_is_a_following_error() {
    let mut rig = Rig::enabled(CSP, |_| {});
    rig.drive.inject(DriveFault::EncoderJump(600_000));
    let before = rig.shaft.position;
    rig.cycles(50);
    assert_eq!(rig.drive.feedback.error_code, code::FOLLOWING);
    assert!((rig.shaft.position - before).abs() < 1.0, "ran {}", rig.shaft.position - before);
}

#[test]
fn limit_switches_stop_motion_into_them_and_allow_the_way_out() {
    for direction in [1.0, -1.0] {
        let mut rig = Rig::enabled(CSV, |shaft| {
            shaft.limit_positive = shaft.position > 2.0;
            shaft.limit_negative = shaft.position < -2.0;
        });
        rig.commands.target_velocity = (direction * 10.0 * REV) as i32;
        rig.cycles(400);
        assert_eq!(rig.drive.feedback.error_code, code::LIMIT_SWITCH);
        assert_eq!(rig.drive.state(), PowerState::Fault);
        let beyond = rig.shaft.position.abs() - 2.0;
        assert!((0.0..0.1).contains(&beyond), "{beyond} beyond the switch: 10 rev/s, 1000 rev/s²");
        assert_eq!(rig.drive.feedback.digital_inputs & 0b11, if direction > 0.0 { 0b10 } else { 0b01 });
        rig.commands.target_velocity = 0;
        rig.command(0);
        rig.command(FAULT_RESET);
        rig.enable(CSV);
        rig.commands.target_velocity = (-direction * 2.0 * REV) as i32;
        rig.cycles(200);
        assert_eq!(rig.drive.state(), PowerState::OperationEnabled);
        assert_eq!(rig.drive.feedback.digital_inputs & 0b11, 0);
    }
    // Only shown, where the option says so.
    let mut rig = Rig::enabled(CSV, |shaft| shaft.limit_positive = shaft.position > 2.0);
    rig.set(0x2003, 1, &[0]);
    rig.commands.target_velocity = (10.0 * REV) as i32;
    rig.cycles(400);
    assert_eq!(rig.drive.state(), PowerState::OperationEnabled);
    assert_eq!(rig.drive.feedback.digital_inputs & 0b11, 0b10);
}

/// Leaving OP: by option 0x6007, on the ramp, not as the zeroed outputs would have it.
#[test]
fn leaving_op_in_motion_is_a_fault_with_a_ramp() {
    for (is_watchdog, expected) in [(true, code::WATCHDOG), (false, code::CONNECTION)] {
        let mut rig = turning();
        rig.link = Link { is_operational: false, is_watchdog, ..rig.link };
        rig.outputs.fill(0);
        let start = rig.shaft.position;
        rig.pass(2 * CYCLE_NS);
        assert_eq!(rig.drive.state(), PowerState::FaultReactionActive);
        assert_eq!(rig.drive.statusword() & statusword::REMOTE, 0);
        rig.pass(60 * CYCLE_NS);
        assert_eq!((rig.drive.state(), rig.drive.feedback.error_code), (PowerState::Fault, expected));
        let way = rig.shaft.position - start;
        assert!((way - 0.8).abs() < 0.1, "40 rev/s on 1000 rev/s² are 0.8 rev: {way}");
    }
    for (option, expected) in [
        (2_i16, PowerState::SwitchOnDisabled),
        (3, PowerState::QuickStopActive),
        (0, PowerState::OperationEnabled),
    ] {
        let mut rig = turning();
        rig.set(0x6007, 0, &option.to_le_bytes());
        rig.link.is_operational = false;
        rig.pass(2 * CYCLE_NS);
        assert_eq!((rig.drive.state(), rig.drive.feedback.error_code), (expected, 0), "option {option}");
    }
    let mut rig = Rig::new();
    rig.cycles(15);
    assert_eq!(rig.command(SHUTDOWN), PowerState::ReadyToSwitchOn);
    rig.link.is_operational = false;
    rig.pass(CYCLE_NS);
    assert_eq!(
        (rig.drive.state(), rig.drive.errors().code),
        (PowerState::SwitchOnDisabled, 0),
        "no torque, no fault"
    );
}

#[test]
fn set_points_that_fail_to_come_are_ridden_out_up_to_a_limit() {
    let moving = || {
        let mut rig = Rig::enabled(CSP, |_| {});
        for _ in 0..200 {
            rig.commands.target_position += 20_000;
            rig.cycle();
        }
        rig
    };
    let mut rig = moving();
    for _ in 0..20 {
        // Every fifth is lost.
        for k in 0..5 {
            rig.commands.target_position += 20_000;
            if k > 0 {
                rig.send();
            }
            rig.pass(CYCLE_NS);
            assert!((rig.shaft.velocity - 2.0e7 / REV).abs() < 0.3, "{}", rig.shaft.velocity);
        }
    }
    assert_eq!(rig.drive.state(), PowerState::OperationEnabled);
    let mut rig = moving();
    rig.pass(20 * CYCLE_NS);
    assert_eq!(rig.drive.feedback.error_code, code::SYNC);
    let mut rig = moving();
    rig.set(0x10f1, 2, &0_u16.to_le_bytes());
    rig.pass(20 * CYCLE_NS);
    assert_eq!(rig.drive.state(), PowerState::OperationEnabled, "0 never trips");
}

#[test]
fn a_load_that_overhauls_the_motor_trips_it() {
    let mut rig = Rig::enabled(CST, |_| {});
    rig.shaft.load = -10.0;
    rig.commands.target_torque = 0;
    rig.cycles(2_000);
    assert_eq!((rig.drive.state(), rig.drive.feedback.error_code), (PowerState::Fault, code::OVERSPEED));
}

#[test]
fn without_mains_the_motor_coasts() {
    let mut rig = turning();
    rig.drive.inject(DriveFault::Mains(false));
    rig.cycle();
    assert_eq!((rig.drive.state(), rig.drive.feedback.error_code), (PowerState::Fault, code::UNDERVOLTAGE));
    assert!(rig.shaft.velocity > 35.0);
}
