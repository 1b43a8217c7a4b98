//! The power state machine: every state against every command, and what the statusword says.

use super::*;
use crate::simulated::drive::power::{Command, controlword, statusword, transition};
use PowerState::{
    Fault, FaultReactionActive, NotReadyToSwitchOn, OperationEnabled, QuickStopActive, ReadyToSwitchOn,
    SwitchOnDisabled, SwitchedOn,
};

/// A rig brought to this state by commands. Quick stop stays where it is (option 5).
fn rig_in(state: PowerState) -> Rig {
    let mut rig = Rig::new();
    rig.set(0x605a, 0, &5_i16.to_le_bytes());
    rig.set(0x605e, 0, &1_i16.to_le_bytes());
    if state == NotReadyToSwitchOn {
        rig.cycle();
        assert_eq!(rig.drive.state(), state);
        return rig;
    }
    rig.cycles(15);
    let way: &[u16] = match state {
        ReadyToSwitchOn => &[SHUTDOWN],
        SwitchedOn => &[SHUTDOWN, SWITCH_ON],
        OperationEnabled => &[SHUTDOWN, SWITCH_ON, ENABLE],
        QuickStopActive => &[SHUTDOWN, SWITCH_ON, ENABLE, QUICK_STOP],
        _ => &[],
    };
    for controlword in way {
        rig.command(*controlword);
        rig.cycles(2);
    }
    match state {
        Fault => rig.drive.inject(DriveFault::Trip(0x7305)),
        FaultReactionActive => {
            // In motion, so that the reaction takes its time.
            rig.enable(super::super::demand::CSV);
            rig.commands.target_velocity = (20.0 * REV) as i32;
            rig.cycles(300);
            rig.drive.inject(DriveFault::Trip(0x7305));
        }
        _ => {}
    }
    assert_eq!(rig.drive.state(), state);
    rig
}

/// IEC 61800-7-201, figure "PDS FSA": what each of the eight patterns of bits 0 to 3 that differ does in each state.
/// Words: disable voltage, quick stop, shutdown, switch on (disable operation), enable operation.
#[test]
fn every_state_against_every_command() {
    let commands = [DISABLE_VOLTAGE, QUICK_STOP, SHUTDOWN, SWITCH_ON, ENABLE];
    let table = [
        (NotReadyToSwitchOn, [NotReadyToSwitchOn; 5]),
        (
            SwitchOnDisabled,
            [SwitchOnDisabled, SwitchOnDisabled, ReadyToSwitchOn, SwitchOnDisabled, SwitchOnDisabled],
        ),
        // Enable operation passes through switched on.
        (
            ReadyToSwitchOn,
            [SwitchOnDisabled, SwitchOnDisabled, ReadyToSwitchOn, SwitchedOn, OperationEnabled],
        ),
        (SwitchedOn, [SwitchOnDisabled, SwitchOnDisabled, ReadyToSwitchOn, SwitchedOn, OperationEnabled]),
        (
            OperationEnabled,
            [SwitchOnDisabled, QuickStopActive, ReadyToSwitchOn, SwitchedOn, OperationEnabled],
        ),
        (
            QuickStopActive,
            [SwitchOnDisabled, QuickStopActive, QuickStopActive, QuickStopActive, OperationEnabled],
        ),
        (FaultReactionActive, [FaultReactionActive; 5]),
        (Fault, [Fault; 5]),
    ];
    for (state, expected) in table {
        for (command, expected) in commands.into_iter().zip(expected) {
            // Bits that belong to no command change nothing.
            for others in [0, 0x0e10] {
                let mut rig = rig_in(state);
                let got = rig.command(command | others);
                assert_eq!(got, expected, "{state:?} with {:#06x}", command | others);
            }
        }
    }
}

#[test]
fn every_controlword_is_one_command() {
    for word in 0..=u16::MAX {
        let expected = match word & 0x0f {
            0b0110 | 0b1110 => Command::Shutdown,
            0b0111 => Command::SwitchOn,
            0b1111 => Command::EnableOperation,
            low if low & 0b0010 == 0 => Command::DisableVoltage,
            _ => Command::QuickStop,
        };
        assert_eq!(Command::of(word), expected, "{word:#06x}");
    }
    // Transition 16 needs an option code that stays.
    assert_eq!(transition(QuickStopActive, Command::EnableOperation, false), None);
    assert_eq!(transition(QuickStopActive, Command::EnableOperation, true), Some(16));
}

/// Table "State coding", with the mask that each state is read with.
#[test]
fn the_statusword_codes_the_state() {
    let table = [
        (NotReadyToSwitchOn, 0x4f, 0x00),
        (SwitchOnDisabled, 0x4f, 0x40),
        (ReadyToSwitchOn, 0x6f, 0x21),
        (SwitchedOn, 0x6f, 0x23),
        (OperationEnabled, 0x6f, 0x27),
        (QuickStopActive, 0x6f, 0x07),
        (FaultReactionActive, 0x4f, 0x0f),
        (Fault, 0x4f, 0x08),
    ];
    for (state, mask, pattern) in table {
        let mut rig = rig_in(state);
        rig.pass(TICK_NS);
        let word = rig.drive.statusword();
        assert_eq!(word & mask, pattern, "{state:?}: {word:#06x}");
        assert_ne!(word & statusword::VOLTAGE_ENABLED, 0);
        assert_ne!(word & statusword::REMOTE, 0);
        // Read as a master does, it is no other state.
        let matching = table.iter().filter(|(_, mask, pattern)| word & mask == *pattern).count();
        assert_eq!(matching, 1, "{state:?}");
    }
}

#[test]
fn torque_only_in_the_states_that_have_it() {
    for state in PowerState::ALL {
        let mut rig = rig_in(state);
        rig.shaft.load = 0.5;
        rig.cycles(20);
        let has_torque = rig.shaft.torque != 0.0;
        assert_eq!(has_torque, rig.drive.state().has_torque(), "{state:?}: {:?}", rig.shaft);
    }
}

#[test]
fn a_fault_is_reset_by_an_edge_only() {
    let mut rig = rig_in(OperationEnabled);
    rig.command(ENABLE | FAULT_RESET); // Held since before the fault.
    rig.drive.inject(DriveFault::Trip(0x7305));
    rig.cycles(50);
    assert_eq!(rig.drive.state(), Fault);
    assert_eq!(rig.drive.feedback.error_code, 0x7305);
    assert_eq!(rig.command(ENABLE), Fault);
    assert_eq!(rig.command(FAULT_RESET), SwitchOnDisabled);
    assert_eq!(rig.drive.feedback.error_code, 0);
    assert_eq!(rig.command(SHUTDOWN | FAULT_RESET), ReadyToSwitchOn, "bit 7 held does no harm");
    rig.drive.inject(DriveFault::Trip(0x7306));
    assert_eq!(rig.command(SHUTDOWN | FAULT_RESET), Fault, "held: no edge");
    assert_eq!(rig.drive.errors().history[..3], [0x7306, 0x7305, 0]);
    let emergencies: Vec<u16> =
        std::iter::from_fn(|| rig.drive.take_emergency()).map(|emergency| emergency.code).collect();
    assert_eq!(emergencies, [0x7305, 0, 0x7306]);
}

#[test]
fn a_bit_that_is_already_set_when_op_begins_is_no_edge() {
    let mut rig = rig_in(Fault);
    rig.link.is_operational = false;
    rig.cycles(3);
    rig.link.is_operational = true;
    assert_eq!(rig.command(FAULT_RESET), Fault);
    rig.command(0);
    assert_eq!(rig.command(FAULT_RESET), SwitchOnDisabled);
}

#[test]
fn disable_operation_and_shutdown_ramp_down_where_their_options_say_so() {
    for (command, option, object, next) in [
        (SWITCH_ON, 1_i16, 0x605c, SwitchedOn),
        (SWITCH_ON, 0, 0x605c, SwitchedOn),
        (SHUTDOWN, 1, 0x605b, ReadyToSwitchOn),
        (SHUTDOWN, 0, 0x605b, ReadyToSwitchOn),
    ] {
        let mut rig = Rig::enabled(super::super::demand::CSV, |_| {});
        rig.set(object, 0, &option.to_le_bytes());
        rig.commands.target_velocity = (20.0 * REV) as i32;
        rig.cycles(100);
        let state = rig.command(command);
        if option == 0 {
            assert_eq!(state, next);
            assert!(rig.drive.rotor.velocity > 19.0, "coasts");
            continue;
        }
        // 20 rev/s at 500 rev/s² take 40 ms.
        assert_eq!(state, OperationEnabled);
        rig.cycles(36);
        assert_eq!(rig.drive.state(), OperationEnabled);
        rig.cycles(10);
        assert_eq!(rig.drive.state(), next);
        assert!(rig.drive.rotor.velocity.abs() < 0.1);
    }
}

#[test]
fn without_mains_the_power_stage_stays_off() {
    let mut rig = rig_in(SwitchOnDisabled);
    rig.drive.inject(DriveFault::Mains(false));
    assert_eq!(rig.command(SHUTDOWN), ReadyToSwitchOn);
    assert_eq!(rig.command(SWITCH_ON), ReadyToSwitchOn);
    assert_eq!(rig.drive.statusword() & statusword::VOLTAGE_ENABLED, 0);
    rig.drive.inject(DriveFault::Mains(true));
    assert_eq!(rig.command(SWITCH_ON), SwitchedOn);
    assert_eq!(rig.command(ENABLE | controlword::HALT), OperationEnabled);
}

#[test]
fn the_brake_opens_before_motion_and_closes_before_the_torque_goes() {
    let mut rig = Rig::with(|shaft| shaft.load = 1.0); // A ram that would fall.
    rig.set(0x2001, 1, &3.0_f32.to_le_bytes());
    rig.set(0x605b, 0, &1_i16.to_le_bytes());
    rig.cycles(15);
    for controlword in [SHUTDOWN, SWITCH_ON] {
        rig.command(controlword);
    }
    assert!(!rig.shaft.brake_released);
    assert_eq!(rig.shaft.position, 0.0, "the brake holds");
    rig.command(ENABLE);
    assert!(rig.shaft.brake_released);
    assert_eq!(rig.drive.statusword() & statusword::FOLLOWS_COMMAND, 0, "still opening");
    rig.commands.target_position = rig.drive.position();
    rig.cycles(40);
    assert_ne!(rig.drive.statusword() & statusword::FOLLOWS_COMMAND, 0);
    let sag = rig.shaft.position.abs();
    rig.cycles(300);
    assert!(sag < 0.02, "sags {sag} revolutions");
    rig.command(SHUTDOWN);
    assert!(!rig.shaft.brake_released);
    assert_eq!(rig.drive.state(), OperationEnabled, "torque holds while the brake closes");
    let held = rig.shaft.position;
    rig.cycles(50);
    assert_eq!(rig.drive.state(), ReadyToSwitchOn);
    assert_eq!(rig.shaft.torque, 0.0);
    assert!((rig.shaft.position - held).abs() < 0.001, "fell {}", held - rig.shaft.position);
    // The MainDevice closes the brake itself.
    rig.enable(CSP);
    rig.cycles(50);
    rig.commands.digital_outputs = 1;
    rig.cycle();
    assert!(!rig.shaft.brake_released);
}

#[test]
fn without_power_the_brake_closes_by_its_spring_and_takes_its_time() {
    let fall = |closing_s: f32| {
        let mut rig = Rig::with(|shaft| shaft.load = 1.0);
        rig.set(0x2001, 1, &3.0_f32.to_le_bytes());
        rig.set(0x2001, 3, &closing_s.to_le_bytes());
        rig.cycles(15);
        rig.enable(CSP);
        rig.cycles(100);
        let held = rig.shaft.position;
        rig.drive.power_off();
        rig.cycles(300);
        let rest = rig.shaft.position;
        rig.cycles(100);
        assert_eq!(rig.shaft.position, rest, "the brake does not hold");
        (rest - held).abs()
    };
    let (short, long) = (fall(0.01), fall(0.04));
    assert!(short > 0.0 && long > 3.0 * short, "{short} and {long} revolutions");
}
