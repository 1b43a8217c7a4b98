//! The AL state machine and the SyncManager watchdog.

use super::bench::{Bench, described, logical};
use crate::simulated::{AlState, Fault, TraceKind, code, frame::Command, registers::*};

const ERROR: u8 = 0x10;

#[test]
fn transitions_and_refusals() {
    let mut bench = Bench::new(&["EL3104"]);
    bench.configure(0);
    for (control, expected) in [
        (0x04, (0x11, code::INVALID_CHANGE)),
        (0x14, (0x11, code::INVALID_CHANGE)), // Acknowledged and refused again.
        (0x02, (0x11, code::INVALID_CHANGE)), // Not without an acknowledgement.
        (0x12, (0x02, 0)),
        (0x08, (0x12, code::INVALID_CHANGE)),
        (0x12, (0x02, 0)),
        (0x03, (0x12, code::BOOTSTRAP_NOT_SUPPORTED)),
        (0x15, (0x12, code::UNKNOWN_STATE)),
        (0x01, (0x11, code::UNKNOWN_STATE)), // Down it goes; the error stays until acknowledged.
        (0x11, (0x01, 0)),
        (0x02, (0x02, 0)),
        (0x04, (0x04, 0)),
        (0x08, (0x08, 0)), // No outputs to wait for.
        (0x02, (0x02, 0)),
        (0x04, (0x04, 0)),
        (0x01, (0x01, 0)),
    ] {
        assert_eq!(bench.request(0, control), expected, "after {control:#04x}");
    }
}

/// Spoil one byte of a SyncManager; the state asked for is refused with this code.
fn spoiled(name: &str, sync_manager: usize, byte: usize, value: u8, state: u8) -> (u8, u16) {
    let mut bench = Bench::new(&[name]);
    bench.configure(0);
    if state == 4 {
        assert_eq!(bench.request(0, 2), (2, 0));
    }
    bench.write(0, SYNC_MANAGER + 8 * sync_manager + byte, &[value]);
    bench.request(0, state)
}

#[test]
fn sync_managers_must_be_as_described() {
    for (byte, value) in [(0, 0x33), (2, 0), (4, 0x22), (4, 0x24), (6, 0)] {
        assert_eq!(spoiled("EL3104", 0, byte, value, 2), (ERROR | 1, code::INVALID_MAILBOX), "{byte}");
    }
    assert_eq!(spoiled("EL3104", 1, 6, 0, 2), (ERROR | 1, code::INVALID_MAILBOX));
    for (byte, value) in [(2, 1), (4, 0x64), (4, 0x22), (6, 0)] {
        assert_eq!(spoiled("EL3104", 3, byte, value, 4), (ERROR | 2, code::INVALID_INPUTS), "{byte}");
    }
    for (byte, value) in [(2, 2), (4, 0x00), (6, 0)] {
        assert_eq!(spoiled("EL2008", 0, byte, value, 4), (ERROR | 2, code::INVALID_OUTPUTS), "{byte}");
    }
    // Outside the memory, and over the mailbox.
    assert_eq!(spoiled("EL5101", 3, 1, 0xff, 4), (ERROR | 2, code::INVALID_SYNC_MANAGER));
    assert_eq!(spoiled("EL5101", 3, 1, 0x10, 4), (ERROR | 2, code::INVALID_SYNC_MANAGER));
}

#[test]
fn a_device_falls_back_when_its_sync_managers_are_taken_away() {
    let mut bench = Bench::new(&["EL5101"]);
    bench.bring_up();
    bench.write(0, SYNC_MANAGER + 8 * 3 + 6, &[0]);
    assert_eq!(bench.read(0, AL_STATUS, 6).0, [0x12, 0, 0, 0, 0x1e, 0]);
    bench.write(0, SYNC_MANAGER + 6, &[0]);
    assert_eq!(bench.read(0, AL_STATUS, 6).0, [0x11, 0, 0, 0, 0x16, 0]);
}

#[test]
fn op_waits_for_outputs_and_gives_up() {
    let mut bench = Bench::new(&["EL2008"]);
    bench.configure(0);
    bench.request(0, 2);
    bench.request(0, 4);
    assert_eq!(bench.request(0, 8), (4, 0));
    let asked_ns = bench.now_ns - 1_000;
    bench.segment.tick(asked_ns + 199_999_999);
    assert_eq!(bench.segment.devices()[0].error(), None);
    bench.segment.tick(asked_ns + 200_000_000);
    assert_eq!(bench.segment.devices()[0].error(), Some(code::NO_VALID_OUTPUTS));
    bench.now_ns = asked_ns + 200_000_000;
    assert_eq!(bench.request(0, 0x18), (4, 0));
    bench.logical(Command::Lwr, logical(0, 0), &[0x55]);
    assert_eq!(bench.segment.devices()[0].state(), AlState::Op);
    assert_eq!(bench.segment.outputs(), [0x55]);
    // SAFE-OP and back: the old outputs are no reason to drive anything.
    assert_eq!(bench.request(0, 4), (4, 0));
    assert_eq!(bench.segment.outputs(), [0]);
    assert_eq!(bench.request(0, 8), (4, 0));
}

#[test]
fn a_slow_device_takes_its_time() {
    let mut bench = Bench::new(&["EL1008"]);
    bench.configure(0);
    bench.segment.device_mut(0).unwrap().set_transition_time(3_000_000);
    let asked_ns = bench.now_ns + 1_000;
    assert_eq!(bench.request(0, 2), (1, 0));
    bench.segment.tick(asked_ns + 2_999_999);
    assert_eq!(bench.segment.devices()[0].state(), AlState::Init);
    bench.segment.tick(asked_ns + 3_000_000);
    assert_eq!(bench.segment.devices()[0].state(), AlState::PreOp);
}

#[test]
fn the_watchdog_expires_on_time_and_outputs_fall_to_their_defaults() {
    let mut bench = Bench::new(&["EL1008", "EL2008"]);
    bench.segment.device_mut(1).unwrap().output_defaults_mut()[0] = 0x80;
    bench.bring_up();
    bench.segment.record(16);
    // 2498 × 40 ns + 80 ns is 100 µs; 100 of them.
    bench.write(1, WATCHDOG_TIME, &[100, 0]);
    bench.logical(Command::Lwr, logical(1, 0), &[0x0f]);
    let fed_ns = bench.now_ns + 600; // The second device on the line sees the frame this much later.
    let limit_ns = 10_000_000;
    // Reading is no sign of life.
    bench.now_ns = fed_ns + limit_ns - 2_000;
    assert_eq!(bench.read(1, WATCHDOG_STATUS, 3).0, [1, 0, 0]);
    assert_eq!(bench.segment.outputs(), [0x0f]);
    bench.segment.tick(fed_ns + limit_ns - 1);
    assert_eq!(bench.segment.outputs(), [0x0f]);
    bench.segment.tick(fed_ns + limit_ns);
    assert_eq!(bench.segment.outputs(), [0x80]);
    bench.now_ns = fed_ns + limit_ns;
    assert_eq!(bench.read(1, AL_STATUS, 6).0, [0x14, 0, 0, 0, 0x1b, 0]);
    assert_eq!(bench.read(1, WATCHDOG_STATUS, 3).0, [0, 0, 1]);
    assert_eq!(bench.segment.devices()[0].state(), AlState::Op);

    let events: Vec<_> = bench.segment.trace().iter().map(|event| (event.time_ns, event.kind)).collect();
    let expired = events.iter().position(|(_, kind)| *kind == TraceKind::Watchdog).expect("traced");
    assert_eq!(events[expired].0, fed_ns + limit_ns);
    assert_eq!(events[expired + 1].1, TraceKind::State(AlState::SafeOp, Some(code::WATCHDOG)));
    assert!(matches!(events[expired + 2].1, TraceKind::Outputs(hash) if hash != 0));

    // Acknowledge, feed, and it goes on.
    assert_eq!(bench.request(1, 0x14), (4, 0));
    assert_eq!(bench.request(1, 8), (4, 0));
    bench.logical(Command::Lwr, logical(1, 0), &[0x03]);
    assert_eq!(bench.read(1, AL_STATUS, 1).0, [8]);
    assert_eq!(bench.read(1, WATCHDOG_STATUS, 3).0, [1, 0, 1]);
    assert_eq!(bench.segment.outputs(), [0x03]);
    bench.write(1, WATCHDOG_COUNTER, &[0]);
    assert_eq!(bench.read(1, WATCHDOG_COUNTER, 1).0, [0]);

    // A power cycle resets it as well.
    bench.segment.tick(bench.now_ns + 2 * limit_ns);
    bench.now_ns += 2 * limit_ns;
    assert_eq!(bench.read(1, WATCHDOG_STATUS, 3).0, [0, 0, 1]);
    bench.segment.inject(Fault::PowerOff(1));
    bench.segment.inject(Fault::PowerOn(1));
    assert_eq!(bench.read(1, WATCHDOG_STATUS, 3).0, [1, 0, 0]);
}

#[test]
fn the_watchdog_follows_its_registers() {
    for (divider, time, expected_ns) in [
        (0x09c2_u16, 1000_u16, Some(100_000_000)),
        (0x09c2, 0, None),
        (23, 40, Some(40_000)),
        (0, 1, Some(80)),
    ] {
        let mut bench = Bench::new(&["EL2008"]);
        bench.write(0, WATCHDOG_DIVIDER, &divider.to_le_bytes());
        bench.write(0, WATCHDOG_TIME, &time.to_le_bytes());
        bench.configure(0);
        bench.request(0, 2);
        bench.request(0, 4);
        bench.request(0, 8);
        bench.logical(Command::Lwr, logical(0, 0), &[1]);
        let fed_ns = bench.now_ns;
        bench.segment.tick(fed_ns + expected_ns.unwrap_or(3_600_000_000_000) - 1);
        assert_eq!(bench.segment.outputs(), [1], "{divider} {time}");
        bench.segment.tick(fed_ns + expected_ns.unwrap_or(3_600_000_000_000));
        assert_eq!(bench.segment.outputs(), [u8::from(expected_ns.is_none())], "{divider} {time}");
    }
}

#[test]
fn a_sync_manager_without_its_watchdog_bit_is_not_watched() {
    let mut description = (*described("EL2008")).clone();
    description.sync_managers[0].control &= !0x40;
    let mut bench = Bench::of(&[description.into()]);
    bench.bring_up();
    bench.logical(Command::Lwr, logical(0, 0), &[1]);
    bench.segment.tick(bench.now_ns + 1_000_000_000);
    assert_eq!(bench.segment.outputs(), [1]);
}

#[test]
fn refused_stuck_and_powered_off() {
    let mut bench = Bench::new(&["EL1008", "EL2008", "EL1008"]);
    for position in 0..3 {
        bench.configure(position);
        bench.request(position, 2);
    }
    bench.segment.inject(Fault::Refuse(0, Some((AlState::SafeOp, 0x8001))));
    assert_eq!(bench.request(0, 4), (0x12, 0x8001));
    bench.segment.inject(Fault::Refuse(0, None));
    assert_eq!(bench.request(0, 0x14), (4, 0));
    bench.segment.inject(Fault::Stuck(2, true));
    assert_eq!(bench.request(2, 4), (2, 0));
    bench.segment.inject(Fault::Stuck(2, false));
    assert_eq!(bench.request(2, 4), (4, 0));

    bench.segment.record(8);
    bench.write(1, STATION_ADDRESS, &[9, 0]);
    let off_ns = bench.now_ns + 5_000_000;
    bench.segment.schedule_power_cycle(off_ns, 1, 20_000_000);
    bench.segment.tick(off_ns - 1);
    assert_eq!(bench.segment.reach(), 3);
    bench.segment.tick(off_ns);
    assert_eq!(bench.segment.reach(), 1);
    assert_eq!(bench.send(Command::Brd, 0, 0, &[0]).working_counter, 1);
    bench.segment.tick(off_ns + 20_000_000);
    assert_eq!(bench.segment.reach(), 3);
    bench.now_ns = off_ns + 20_000_000;
    assert_eq!(bench.read(1, AL_STATUS, 1).0, [1]);
    assert_eq!(bench.read(1, STATION_ADDRESS, 2).0, [0, 0]);
    assert_eq!(bench.read(0, LOST_LINKS + 1, 1).0, [1]);
    assert_eq!(bench.read(2, AL_STATUS, 1).0, [4]); // Without a frame, but with power.
    let kinds: Vec<_> = bench.segment.trace().iter().map(|event| (event.time_ns, event.kind)).collect();
    assert_eq!(
        kinds,
        [
            (off_ns, TraceKind::PowerOff),
            (off_ns + 20_000_000, TraceKind::PowerOn),
            (off_ns + 20_000_000, TraceKind::State(AlState::Init, None)),
        ]
    );
}

#[test]
fn a_cut_wire_ends_the_line() {
    let mut bench = Bench::new(&["EL1008", "EL1008", "EL1008"]);
    bench.segment.inject(Fault::Break(2));
    assert_eq!(bench.send(Command::Brd, 0, 0, &[0]).working_counter, 2);
    assert_eq!(bench.read(1, DL_STATUS, 1).0, [0x13]);
    bench.segment.inject(Fault::Heal(2));
    assert_eq!(bench.send(Command::Brd, 0, 0, &[0]).working_counter, 3);
    // The MainDevice closes port 1 of the first device.
    bench.write(0, DL_CONTROL + 1, &[0x0c]);
    assert_eq!(bench.send(Command::Brd, 0, 0, &[0]).working_counter, 1);
    bench.write(0, DL_CONTROL + 1, &[0]);
    bench.segment.inject(Fault::Break(0));
    assert!(!bench.segment.process(&mut super::bench::frame(&[(Command::Brd, 0, 0, &[0])]), u64::MAX));
    assert!(!bench.segment.inject(Fault::Break(3)));
}

#[test]
fn another_device_in_its_place() {
    let mut bench = Bench::new(&["EL1008", "EL3104"]);
    let identity = sensai_devices::Identity { vendor: 0x1234, product: 5, revision: 6, serial: 7 };
    assert!(bench.segment.inject(Fault::Identity(1, identity)));
    assert!(bench.segment.inject(Fault::Swap(0, 1)));
    let eeprom = &bench.segment.devices()[0].eeprom;
    assert_eq!([8, 9, 10, 12, 14].map(|word| eeprom.word(word)), [0x1234, 0, 5, 6, 7]);
    assert_eq!(sensai_devices::sii::parse(eeprom.image()).expect("still whole").identity, identity);
    assert_eq!(bench.segment.devices()[1].description().name, "EL1008");
    // Each is still connected to its own part of the machine.
    bench.segment.inputs_mut()[0] = 0x77;
    bench.segment.tick(bench.now_ns + 1);
    assert_eq!(bench.segment.device_mut(1).expect("exists").inputs_mut(), [0x77]);
}
