//! Closed loop: the modes of operation with a machine at the shaft.

use super::*;
use crate::simulated::drive::{
    demand::{CST, CSV},
    power::{controlword, statusword},
};

fn torque_of(shaft: &Shaft) -> f64 {
    shaft.torque
}

#[test]
fn csp_follows_a_jerk_limited_move() {
    let mut rig = Rig::enabled(CSP, |shaft| shaft.inertia = 2.0e-4);
    let (mut worst, mut late) = (0.0_f64, 0.0_f64);
    let mut last_target = 0;
    let mut targets = Vec::new();
    rig.travel(20.0, 0.6, |feedback, _| {
        worst = worst.max(f64::from(feedback.following_error).abs());
        targets.push(feedback.position);
    });
    // What is seen in a cycle is where the set-point of that cycle had to be at its end.
    let mut again = Rig::enabled(CSP, |shaft| shaft.inertia = 2.0e-4);
    let mut commanded = Vec::new();
    for k in 1..=600 {
        let s = f64::from(k) / 600.0;
        let part = s * s * s * s * (35.0 - 84.0 * s + 70.0 * s * s - 20.0 * s * s * s);
        last_target = (20.0 * REV * part).round() as i32;
        commanded.push(last_target);
    }
    for (target, actual) in commanded.iter().zip(&targets) {
        late = late.max(f64::from(target - actual).abs());
    }
    assert!(worst < 0.01 * REV, "following error {worst}");
    assert!(late < 0.02 * REV, "behind the set-point by {late}");
    rig.cycles(50);
    assert!((rig.drive.position() - last_target).abs() < 50, "{} {last_target}", rig.drive.position());
    let expected = statusword::FOLLOWS_COMMAND | statusword::TARGET_REACHED;
    assert_eq!(rig.drive.statusword() & (expected | statusword::FOLLOWING_ERROR), expected);
    assert_eq!(again.cycle().following_error.abs() / 100, 0);
}

#[test]
fn the_first_cycle_after_enabling_does_not_jerk() {
    let mut rig = Rig::enabled(CSP, |_| {});
    rig.travel(0.0, 0.05, |feedback, shaft| {
        assert!(feedback.following_error.abs() <= 2 && shaft.velocity.abs() < 0.01, "{feedback:?}");
    });
}

#[test]
fn torque_and_velocity_limits_hold() {
    let mut rig = Rig::enabled(CSP, |shaft| shaft.inertia = 1.0e-3);
    rig.set(0x6072, 0, &1_500_u16.to_le_bytes());
    rig.set(0x60e1, 0, &500_u16.to_le_bytes());
    rig.set(0x6080, 0, &1_200_u32.to_le_bytes());
    rig.set(0x6065, 0, &u32::MAX.to_le_bytes());
    rig.commands.target_position += (30.0 * REV) as i32; // A step.
    let rated = 2.39;
    let (mut top, mut bottom, mut fastest, mut limited) = (0.0_f64, 0.0_f64, 0.0_f64, 0);
    for _ in 0..3_000 {
        let feedback = rig.cycle();
        (top, bottom) = (top.max(rig.shaft.torque), bottom.min(rig.shaft.torque));
        fastest = fastest.max(rig.shaft.velocity.abs());
        limited += usize::from(feedback.statusword & statusword::INTERNAL_LIMIT != 0);
    }
    assert!(top <= 1.5 * rated + 1.0e-9 && top > 1.49 * rated, "{top}");
    assert!(bottom >= -0.5 * rated - 1.0e-9 && bottom < -0.49 * rated, "{bottom}");
    assert!(fastest < 20.0 * 1.05, "{fastest} rev/s, 20 is the limit");
    assert!(limited > 1_000, "{limited}");
    assert!((rig.drive.position() - rig.commands.target_position).abs() < 100, "arrives all the same");
}

/// What the motor put in is in the flywheel, or went into friction.
#[test]
fn energy_is_neither_made_nor_lost() {
    let inertia = 5.0e-4;
    let mut rig = Rig::enabled(CST, move |shaft| shaft.inertia = inertia - 1.0e-4);
    for (index, value) in [(2_u8, 0.0_f32), (3, 0.02), (4, 0.02)] {
        rig.set(0x2000, index, &value.to_le_bytes());
    }
    let tau = std::f64::consts::TAU;
    let (mut work, mut heat) = (0.0, 0.0);
    let mut last = rig.shaft;
    for k in 0..2_000 {
        rig.commands.target_torque = if k < 800 { 300 } else { -200 };
        rig.send();
        // In steps of the plant, whose torque is constant over a tick at most.
        for _ in 0..10 {
            rig.pass(STEP_NS);
            let angle = tau * (rig.shaft.position - last.position);
            work += 0.5 * (last.torque + rig.shaft.torque) * angle;
            heat += 0.02 * angle.abs();
            last = rig.shaft;
        }
    }
    let kinetic = 0.5 * inertia * (tau * rig.shaft.velocity) * (tau * rig.shaft.velocity);
    let balance = work - heat - kinetic;
    assert!(heat > 1.0, "{heat}");
    assert!(balance.abs() < 0.01 * (heat + kinetic), "work {work} heat {heat} kinetic {kinetic}");
}

#[test]
fn csv_holds_its_velocity_under_load() {
    let mut rig = Rig::enabled(CSV, |_| {});
    rig.shaft.load = 1.5;
    rig.commands.target_velocity = (10.0 * REV) as i32;
    rig.commands.velocity_offset = (2.0 * REV) as i32;
    rig.cycles(300);
    assert!((rig.shaft.velocity - 12.0).abs() < 0.01, "{}", rig.shaft.velocity);
    let carried = rig.shaft.torque;
    assert!((carried - 1.5 - 0.03 - 0.012).abs() < 0.02, "{carried}");
    assert_eq!(rig.drive.feedback.following_error, 0);
    assert_ne!(rig.drive.statusword() & statusword::FOLLOWS_COMMAND, 0);
    // Back to CSP in motion: no jump of the torque beyond what the load needs.
    rig.commands = Commands { mode: Some(CSP), controlword: ENABLE, ..Commands::default() };
    let mut target = f64::from(rig.drive.position());
    for _ in 0..100 {
        target += 12.0 * REV / 1_000.0;
        rig.commands.target_position = target as i32;
        rig.cycle();
        assert!((rig.shaft.velocity - 12.0).abs() < 1.5, "{}", rig.shaft.velocity);
    }
    assert_eq!(rig.drive.mode(), CSP);
    assert_eq!(rig.drive.state(), PowerState::OperationEnabled);
}

#[test]
fn cst_makes_its_torque_and_keeps_below_the_velocity_limit() {
    let mut rig = Rig::enabled(CST, |_| {});
    rig.set(0x6080, 0, &600_u32.to_le_bytes());
    rig.commands.target_torque = 100;
    rig.commands.torque_offset = 50;
    rig.cycle();
    assert!((torque_of(&rig.shaft) - 0.15 * 2.39).abs() < 1.0e-9);
    assert_eq!(rig.drive.feedback.torque, 150);
    rig.cycles(1_000);
    assert!((rig.shaft.velocity - 10.0).abs() < 0.2, "{}", rig.shaft.velocity);
    assert_ne!(rig.drive.statusword() & statusword::INTERNAL_LIMIT, 0);
}

/// Contact with a part as stiff as steel, coupled once in 100 µs: the press holds its force and does not ring.
#[test]
fn a_stiff_part_is_pressed_without_ringing() {
    const CONTACT: f64 = 1.0;
    for stiffness in [5.0, 50.0, 500.0] {
        let mut rig = Rig::enabled(CSP, move |shaft| {
            shaft.inertia = 3.0e-4;
            let depth = shaft.position - CONTACT;
            (shaft.load, shaft.stiffness) =
                if depth > 0.0 { (stiffness * depth, stiffness) } else { (0.0, 0.0) };
        });
        rig.set(0x6065, 0, &u32::MAX.to_le_bytes());
        rig.travel(CONTACT + 2.0 / stiffness, 0.5, |_, shaft| {
            assert!(shaft.velocity.abs() < 20.0 && shaft.torque.abs() < 7.2);
        });
        let mut speeds = 0.0_f64;
        for k in 0..500 {
            rig.cycle();
            speeds = if k < 300 { 0.0 } else { speeds.max(rig.shaft.velocity.abs()) };
        }
        assert!(speeds < 0.05, "stiffness {stiffness}: still moves with {speeds} rev/s");
        assert!((rig.shaft.load - 2.0).abs() < 0.1, "stiffness {stiffness}: {}", rig.shaft.load);
    }
}

#[test]
fn halt_stops_and_release_goes_on() {
    let mut rig = Rig::enabled(CSV, |_| {});
    rig.commands.target_velocity = (20.0 * REV) as i32;
    rig.cycles(100);
    rig.command(ENABLE | controlword::HALT);
    assert_eq!(rig.drive.statusword() & statusword::FOLLOWS_COMMAND, 0);
    rig.cycles(60);
    assert!(rig.shaft.velocity.abs() < 0.02);
    assert_ne!(rig.drive.statusword() & statusword::TARGET_REACHED, 0);
    assert_eq!(rig.drive.state(), PowerState::OperationEnabled);
    rig.command(ENABLE);
    rig.cycles(50);
    assert!((rig.shaft.velocity - 20.0).abs() < 0.1);
}

#[test]
fn quick_stop_ramps_down_and_then_does_what_its_option_says() {
    // 40 rev/s on 1000 rev/s²: 40 ms; on the slow-down ramp of 500 rev/s²: 80 ms; at the torque limit: less.
    for (option, milliseconds, stays) in
        [(1_i16, 80, false), (2, 40, false), (3, 50, false), (5, 80, true), (6, 40, true), (7, 50, true)]
    {
        let mut rig = Rig::enabled(CSV, |_| {});
        rig.set(0x605a, 0, &option.to_le_bytes());
        rig.commands.target_velocity = (40.0 * REV) as i32;
        rig.cycles(100);
        let start = rig.shaft.position;
        assert_eq!(rig.command(QUICK_STOP), PowerState::QuickStopActive);
        let mut lasted = 1;
        while rig.shaft.velocity.abs() > 0.02 {
            rig.cycle();
            lasted += 1;
            assert!(lasted < 200, "option {option} never stops");
        }
        assert!(lasted <= milliseconds + 5, "option {option}: {lasted} ms");
        if option != 3 && option != 7 {
            assert!(lasted + 5 >= milliseconds, "option {option}: {lasted} ms");
            let way = rig.shaft.position - start;
            let expected = 0.5 * 40.0 * milliseconds as f64 * 1.0e-3;
            assert!((way - expected).abs() < 0.1 * expected, "option {option}: {way} rev");
        }
        rig.cycles(20);
        if stays {
            assert_eq!(rig.drive.state(), PowerState::QuickStopActive);
            assert_ne!(rig.drive.statusword() & statusword::TARGET_REACHED, 0);
            let held = rig.shaft.position;
            rig.shaft.load = 1.0;
            rig.cycles(200);
            assert!((rig.shaft.position - held).abs() < 0.01, "held under load");
            rig.commands.target_velocity = 0;
            assert_eq!(rig.command(ENABLE), PowerState::OperationEnabled, "transition 16");
        } else {
            assert_eq!(rig.drive.state(), PowerState::SwitchOnDisabled);
            assert_eq!(rig.shaft.torque, 0.0);
        }
    }
}

/// The demand is far ahead, and nothing watches it: a stop is one for the motor, not the rest of the way.
#[test]
fn a_stop_begins_where_the_motor_is() {
    for (index, value) in [(0x6065, u32::MAX), (0x6065, 1_000_000)] {
        let mut rig = Rig::enabled(CSP, |shaft| shaft.inertia = 1.0e-3);
        rig.set(index, 0, &value.to_le_bytes());
        rig.set(0x6066, 0, &5_000_u16.to_le_bytes());
        rig.commands.target_position += (40.0 * REV) as i32;
        rig.cycles(60);
        let (start, speed) = (rig.shaft.position, rig.shaft.velocity);
        assert!(speed > 20.0, "{speed}");
        rig.command(QUICK_STOP);
        rig.cycles(150);
        let way = rig.shaft.position - start;
        // 7.17 N·m on 1.1e-3 kg·m² are 1037 rev/s²: the ramp of 1000 is just within reach.
        assert!((way - speed * speed / 2_000.0).abs() < 0.1 * way, "{way} rev from {speed} rev/s");
        assert_eq!(rig.drive.state(), PowerState::SwitchOnDisabled);
    }
}

#[test]
fn software_limits_clamp_the_demand() {
    let mut rig = Rig::enabled(CSP, |_| {});
    rig.set(0x607d, 1, &(-1_000_000_i32).to_le_bytes());
    rig.set(0x607d, 2, &2_000_000_i32.to_le_bytes());
    let mut highest = 0;
    rig.travel(3.0, 0.5, |feedback, _| highest = highest.max(feedback.position));
    rig.cycles(100);
    assert!((rig.drive.position() - 2_000_000).abs() < 500, "{}", rig.drive.position());
    assert!(highest < 2_020_000, "{highest}");
    assert_ne!(rig.drive.statusword() & statusword::INTERNAL_LIMIT, 0);
    rig.travel(-3.0, 0.5, |_, _| {});
    assert_eq!(rig.drive.state(), PowerState::OperationEnabled);
}

/// Gear and feed: 10 motor revolutions move 5000 user units (10 mm in micrometres, with a feed of 5000 a table turn).
#[test]
fn user_units_follow_gear_and_feed() {
    let mut rig = Rig::new();
    rig.set(0x6091, 1, &10_u32.to_le_bytes());
    rig.set(0x6092, 1, &5_000_u32.to_le_bytes());
    rig.set(0x6065, 0, &500_u32.to_le_bytes());
    rig.enable(CSP);
    for k in 1..=500 {
        rig.commands.target_position = k * 10;
        rig.cycle();
    }
    rig.cycles(100);
    assert!((rig.shaft.position - 10.0).abs() < 0.01, "{}", rig.shaft.position);
    assert_eq!((rig.drive.position() - 5_000).abs() / 4, 0);
    rig.commands.mode = Some(CSV);
    rig.commands.target_velocity = 2_500;
    rig.cycles(200);
    assert!((rig.shaft.velocity - 5.0).abs() < 0.05, "{}", rig.shaft.velocity);
    assert!((rig.drive.feedback.velocity - 2_500).abs() < 25);
}

/// Positions have 32 bits on the wire and go round; the motor does not notice.
#[test]
fn positions_wrap_without_a_jump() {
    let mut rig = Rig::enabled(CSP, |_| {});
    rig.set(0x6080, 0, &60_000_u32.to_le_bytes());
    rig.set(0x607c, 0, &(i32::MAX - 2_000_000).to_le_bytes());
    rig.commands.mode = Some(super::super::demand::HM);
    rig.command(ENABLE | controlword::HOMING_START);
    rig.command(ENABLE);
    assert_eq!(rig.drive.position(), i32::MAX - 2_000_000);
    rig.commands.mode = Some(CSP);
    rig.commands.target_position = rig.drive.position();
    for _ in 0..1_000 {
        rig.commands.target_position = rig.commands.target_position.wrapping_add(10_000);
        let feedback = rig.cycle();
        assert!(feedback.following_error.abs() < 20_000, "{feedback:?}");
    }
    rig.cycles(20);
    assert!(rig.drive.position() < 0, "has wrapped: {}", rig.drive.position());
    assert_eq!(rig.drive.state(), PowerState::OperationEnabled);
    assert!((rig.shaft.position - 10_000_000.0 / REV).abs() < 0.01);
}

/// The MainDevice's own feed-forward takes the place of the derivative, it is not added to it.
#[test]
fn a_velocity_offset_is_a_feed_forward() {
    for offset in [false, true] {
        let mut rig = Rig::enabled(CSP, |_| {});
        let step = 20_000;
        let mut worst = 0;
        for k in 0..300 {
            rig.commands.target_position += step;
            rig.commands.velocity_offset = if offset { step * 1_000 } else { 0 };
            let feedback = rig.cycle();
            if k > 100 {
                worst = worst.max(feedback.following_error.abs());
            }
        }
        assert!(worst < 2_000, "{offset}: {worst}");
    }
}

#[test]
fn other_cycles_are_measured_or_told() {
    for (cycle_ns, told) in [(250_000, None), (2_000_000, None), (4_000_000, Some(4_u8))] {
        let mut rig = Rig::enabled(CSP, |_| {});
        if let Some(value) = told {
            rig.set(0x60c2, 1, &[value]);
        }
        let mut worst = 0;
        for k in 0..400_000_000 / cycle_ns {
            rig.commands.target_position += (5.0 * REV * cycle_ns as f64 * 1.0e-9) as i32;
            rig.send();
            rig.pass(cycle_ns);
            if k * cycle_ns > 200_000_000 {
                worst = worst.max(rig.drive.feedback.following_error.abs());
                assert_eq!(rig.drive.watch.sync_errors, 0, "{cycle_ns} ns");
                assert!((rig.shaft.velocity - 5.0).abs() < 0.1, "{cycle_ns} ns: {}", rig.shaft.velocity);
            }
        }
        assert!(worst < 2_000, "{cycle_ns} ns: {worst}");
    }
}
