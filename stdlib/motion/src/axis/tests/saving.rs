//! Saved and loaded axes.

use super::*;
use proptest::prelude::*;

/// Through power, motion, a stop, homing by the drive, an error.
fn story(cell: &mut Cell, interval: usize) {
    let command = match interval {
        3 => Some(AxisCommand::Power(true)),
        40 => Some(AxisCommand::Home),
        400 => Some(to(60.0)),
        600 => Some(to(-50.0)),
        1_000 => Some(jog(30.0)),
        1_200 => Some(AxisCommand::Stop),
        1_300 => Some(AxisCommand::ReleaseStop),
        1_400 => Some(by(5.0)),
        1_700 => Some(AxisCommand::Reset),
        _ => None,
    };
    match interval {
        700 => cell.request.override_factor = 0.3,
        1_500 => cell.drive.fault(0x1000),
        _ => {}
    }
    match command {
        Some(command) => {
            cell.give(command);
        }
        None => cell.run(1),
    }
}

fn words(axis: &Axis) -> [u64; Axis::WORDS] {
    let mut words = [u64::MAX; Axis::WORDS];
    axis.save(&mut words);
    words
}

#[test]
fn an_axis_that_was_loaded_goes_on_as_if_nothing_had_been() {
    let homing = Homing::Drive { method: 1, offset: 1.0, velocity: 5.0, timeout_ns: 2_000_000_000 };
    let settings = AxisSettings { homing, ..settings() };
    let mut cell = Cell::new(settings);
    let mut copies = Vec::new();
    for interval in 0..2_000 {
        story(&mut cell, interval);
        let saved = words(&cell.axis);
        let mut loaded = Axis::new(settings).expect("good settings");
        loaded.load(&saved).expect("its own words");
        assert_eq!(loaded, cell.axis, "interval {interval}");
        assert_eq!(words(&loaded), saved);
        copies.push(saved);
    }
    copies.dedup();
    assert_eq!(copies.len(), 2_000, "every interval changes something");
    let facts = *cell.facts();
    assert_eq!((facts.state, facts.homed), (AxisState::Disabled, true), "{facts:?}");
}

proptest! {
    /// Words from anywhere are loaded or refused, and what was loaded can be stepped.
    #[test]
    fn foreign_words_do_no_harm(
        at in prop::collection::vec((0..Axis::WORDS, prop_oneof![any::<u64>(), 0..8u64]), 1..20),
        drive_mode in prop_oneof![Just(DriveMode::Csp), Just(DriveMode::Csv), Just(DriveMode::Cst)],
        modulo in prop::option::of(Just(360.0)),
        commands in any::<bool>(),
    ) {
        let software_limits = if modulo.is_some() { None } else { Some((-100.0, 100.0)) };
        let mut cell = Cell::ready(AxisSettings { drive_mode, modulo, software_limits, ..settings() });
        cell.give(to(50.0));
        cell.give(AxisCommand::Torque { torque: 10.0, ramp: 20.0 });
        cell.run(30);
        let mut saved = words(&cell.axis);
        for (index, word) in at {
            saved[index] = word;
        }
        let before = cell.axis.clone();
        match cell.axis.load(&saved) {
            Ok(()) => {
                cell.run(3);
                if commands {
                    cell.next_id = cell.facts().seen.saturating_add(1);
                    for command in [AxisCommand::Reset, by(1.0), to(3.0), AxisCommand::Halt, AxisCommand::Home] {
                        let id = cell.next_id;
                        cell.next_id = id.saturating_add(1);
                        cell.step(&[Commanded { id, command }]);
                    }
                }
                cell.run(3);
            }
            Err(error) => {
                prop_assert!(error.word < Axis::WORDS);
                prop_assert_eq!(cell.axis, before);
            }
        }
    }
}

#[test]
fn all_findings_about_settings_come_at_once() {
    let bad = AxisSettings {
        counts_per_unit: 0.0,
        limits: MotionLimits { velocity: -1.0, acceleration: f64::NAN, deceleration: 1.0, jerk: Some(0.0) },
        software_limits: Some((1.0, 0.0)),
        stop_deceleration: 0.5,
        interval_ns: 0,
        ..settings()
    };
    let fields: Vec<_> = Axis::new(bad).expect_err("bad").iter().map(|error| error.field).collect();
    let expected = [
        "counts_per_unit",
        "limits.velocity",
        "limits.acceleration",
        "limits.jerk",
        "software_limits",
        "stop_deceleration",
        "interval_ns",
    ];
    assert_eq!(fields, expected);
}
