//! Registers, EEPROM, SyncManagers and FMMUs.

use super::bench::{Bench, logical};
use crate::simulated::{Fault, frame::Command, registers::*};

#[test]
fn what_a_device_says_about_itself() {
    let mut bench = Bench::new(&["EK1100", "EL1008"]);
    let (information, _) = bench.read(0, INFORMATION, 10);
    assert_eq!(information[4..7], [8, 8, 8]); // FMMUs, SyncManagers, KiB.
    assert_eq!(information[8..], [0xfc, 0]); // Clock, 64 bits.
    assert_eq!(bench.read(1, INFORMATION + 8, 2).0, [0xf0, 0]);
    let (status, _) = bench.read(0, DL_STATUS, 2);
    assert_eq!(u16::from_le_bytes([status[0], status[1]]), 0x5a33); // Both ports in use.
    let (status, _) = bench.read(1, DL_STATUS, 2);
    assert_eq!(u16::from_le_bytes([status[0], status[1]]), 0x5613); // End of the line.
}

#[test]
fn registers_that_are_not_there_do_not_answer() {
    let mut bench = Bench::new(&["EL1008", "EK1100"]);
    assert_eq!(bench.send(Command::Bwr, 0, 0x0900, &[0; 4]).working_counter, 1); // The coupler's clock only.
    assert_eq!(bench.send(Command::Bwr, 0, 0x06f0, &[0; 16]).working_counter, 0);
    assert_eq!(bench.send(Command::Bwr, 0, 0x0878, &[0; 8]).working_counter, 0);
    assert_eq!(bench.send(Command::Brd, 0, 0xf000, &[0; 8]).working_counter, 0);
    // At least one byte is there.
    assert_eq!(bench.send(Command::Bwr, 0, 0x0678, &[0; 16]).working_counter, 2);
}

#[test]
fn read_only_registers_keep_their_value() {
    let mut bench = Bench::new(&["EK1100"]);
    let clock = [RECEIVE_TIMES + 4, RECEIVE_TIME_UNIT, SYSTEM_TIME_DIFFERENCE, SYNC_PULSE_LENGTH];
    let others = [INFORMATION, STATION_ALIAS, DL_STATUS, AL_STATUS, AL_STATUS_CODE, WATCHDOG_STATUS];
    for at in clock.into_iter().chain(others) {
        let (before, _) = bench.read(0, at, 2);
        assert_eq!(bench.write(0, at, &[0xee, 0xee]), 0);
        assert_eq!(bench.read(0, at, 2).0, before, "{at:#06x}");
    }
}

#[test]
fn a_write_may_span_many_registers() {
    let mut bench = Bench::new(&["EL3104"]);
    // Both mailbox SyncManagers in one write, whose status bytes are not taken.
    let description = bench.segment.devices()[0].description().clone();
    let mut bytes = Vec::new();
    for channel in &description.sync_managers[..2] {
        bytes.extend(channel.start.to_le_bytes());
        bytes.extend(channel.length.to_le_bytes());
        bytes.extend([channel.control, 0xff, 1, 0xff]);
    }
    assert_eq!(bench.write(0, SYNC_MANAGER, &bytes), 1);
    let (read, _) = bench.read(0, SYNC_MANAGER, 16);
    assert_eq!((read[5], read[7], read[13], read[15]), (0, 0, 0, 0));
    assert_eq!(bench.request(0, 2), (2, 0));
    // AL control in the middle of a longer write.
    bench.write(0, AL_CONTROL - 2, &[0, 0, 1, 0, 0, 0]);
    assert_eq!(bench.read(0, AL_STATUS, 1).0, [1]);
}

#[test]
fn counters_are_cleared_by_any_write() {
    let mut bench = Bench::new(&["EL1008", "EL1008"]);
    bench.segment.process_damaged(&mut [0; 60], 1, 2_000_000);
    bench.segment.inject(Fault::Break(1));
    bench.segment.inject(Fault::Heal(1));
    assert_eq!(bench.read(0, FORWARDED_ERRORS, 2).0, [0, 1]);
    assert_eq!(bench.read(1, RX_ERRORS, 2).0, [1, 1]);
    assert_eq!(bench.read(0, LOST_LINKS, 2).0, [0, 1]);
    bench.write(1, RX_ERRORS + 3, &[0x55]);
    bench.write(0, LOST_LINKS, &[0]);
    assert_eq!(bench.read(1, RX_ERRORS, 2).0, [0, 0]);
    assert_eq!(bench.read(0, LOST_LINKS, 2).0, [0, 0]);
    assert_eq!(bench.read(0, FORWARDED_ERRORS, 2).0, [0, 1]);
}

/// Read words from the SII as a MainDevice does; how many status reads it took.
fn read_sii(bench: &mut Bench, word: u16) -> (Vec<u8>, u32) {
    let [low, high] = word.to_le_bytes();
    assert_eq!(bench.write(0, SII_CONTROL, &[0, 1, low, high, 0, 0]), 1);
    for polls in 1..10 {
        let (status, _) = bench.read(0, SII_CONTROL, 2);
        if status[1] & 0x80 == 0 {
            assert_eq!(status[1] & 0x78, 0, "no error");
            let len = if status[0] & 0x40 != 0 { 8 } else { 4 };
            return (bench.read(0, SII_DATA, len).0, polls);
        }
    }
    panic!("the EEPROM stays busy");
}

#[test]
fn the_eeprom_reads_four_or_eight_bytes_after_being_busy() {
    let mut bench = Bench::new(&["EL1008"]);
    let image = bench.segment.devices()[0].eeprom.image().to_vec();
    assert_eq!(read_sii(&mut bench, 8), (image[16..24].to_vec(), 2));
    let eeprom = bench.segment.device_mut(0).unwrap().eeprom_mut();
    (eeprom.eight_bytes, eeprom.busy_reads_per_command) = (false, 4);
    let (rest, _) = bench.read(0, SII_DATA + 4, 4);
    assert_eq!(read_sii(&mut bench, 10), (image[20..24].to_vec(), 5));
    assert_eq!(bench.read(0, SII_DATA + 4, 4).0, rest);
    assert_eq!(read_sii(&mut bench, 0x7fff).0, [0xff; 4]);
}

#[test]
fn the_eeprom_is_written_only_where_that_is_enabled() {
    let mut bench = Bench::new(&["EL1008"]);
    bench.segment.device_mut(0).unwrap().eeprom_mut().busy_reads_per_command = 0;
    bench.write(0, SII_DATA, &[0xcd, 0xab]);
    bench.write(0, SII_CONTROL, &[0, 2, 0x0e, 0, 0, 0]);
    assert_eq!(bench.read(0, SII_CONTROL + 1, 1).0, [0x40]);
    bench.write(0, SII_CONTROL, &[1, 2, 0x0e, 0, 0, 0]);
    assert_eq!(bench.read(0, SII_CONTROL + 1, 1).0, [0]);
    assert_eq!(read_sii(&mut bench, 0x0e).0[..2], [0xcd, 0xab]);
    // Out of the content: an error, not a longer EEPROM.
    bench.write(0, SII_CONTROL, &[1, 2, 0xff, 0xff, 0xff, 0xff]);
    assert_eq!(bench.read(0, SII_CONTROL + 1, 1).0, [0x20]);
    // The PDI owns it.
    bench.write(0, SII_CONFIGURATION, &[1]);
    bench.write(0, SII_CONTROL, &[0, 1, 0, 0, 0, 0]);
    assert_eq!(bench.read(0, SII_CONTROL + 1, 1).0, [0x20]);
}

#[test]
fn a_wrong_checksum_shows_and_presets_nothing() {
    let mut bench = Bench::new(&["EL1008"]);
    bench.segment.device_mut(0).unwrap().eeprom_mut().image_mut()[9] ^= 1;
    bench.segment.inject(Fault::PowerOff(0));
    bench.segment.inject(Fault::PowerOn(0));
    assert_eq!(bench.read(0, SII_CONTROL + 1, 1).0, [0x08]);
    assert_eq!(bench.read(0, STATION_ALIAS, 2).0, [0, 0]);
}

#[test]
fn a_buffer_opens_at_its_first_byte_and_in_its_own_direction() {
    let mut bench = Bench::new(&["EL3104"]);
    bench.bring_up();
    let len = bench.segment.inputs_mut().len();
    for (i, byte) in bench.segment.inputs_mut().iter_mut().enumerate() {
        *byte = i as u8 + 1;
    }
    let start = usize::from(bench.segment.devices()[0].description().sync_managers[3].start);
    assert_eq!(bench.read(0, start + 2, 2).1, 0); // Not opened.
    assert_eq!(bench.write(0, start, &vec![0; len]), 0); // Wrong direction.
    assert_eq!(bench.read(0, start, 2), (vec![1, 2], 1));
    bench.segment.inputs_mut().fill(0xee);
    assert_eq!(bench.read(0, start + 2, 2), (vec![3, 4], 1)); // The same buffer until its last byte.
    assert_eq!(bench.read(0, start + 4, len - 4).1, 1);
    assert_eq!(bench.read(0, start + 4, 1).1, 0); // Closed.
    assert_eq!(bench.read(0, start, 2), (vec![0xee, 0xee], 1));
}

#[test]
fn outputs_arrive_with_their_last_byte() {
    let mut bench = Bench::new(&["EL5101"]);
    bench.bring_up();
    let channel = bench.segment.devices()[0].description().sync_managers[2];
    let len = bench.segment.outputs().len();
    assert!(len > 2);
    assert_eq!(bench.write(0, channel.start.into(), &vec![7; len - 1]), 1);
    assert_eq!(bench.segment.outputs(), vec![0; len]);
    assert_eq!(bench.write(0, usize::from(channel.start) + len - 1, &[8]), 1);
    assert_eq!(bench.segment.outputs(), [vec![7; len - 1], vec![8]].concat());
}

#[test]
fn the_working_counter_follows_the_configuration_as_it_stands() {
    let mut bench = Bench::new(&["EL2008", "EL1008"]);
    bench.bring_up();
    let counter =
        |bench: &mut Bench, position| bench.logical(Command::Lrw, logical(position, 0), &[0]).working_counter;
    assert_eq!((counter(&mut bench, 0), counter(&mut bench, 1)), (2, 1));
    bench.write(1, FMMU + 12, &[0]);
    assert_eq!(counter(&mut bench, 1), 0); // FMMU disabled.
    bench.write(1, FMMU + 12, &[1]);
    bench.write(1, FMMU + 11, &[2]);
    assert_eq!(counter(&mut bench, 1), 0); // FMMU in the wrong direction: SyncManager denies.
    bench.write(1, FMMU + 11, &[1]);
    assert_eq!(counter(&mut bench, 1), 1);
    bench.request(1, 2);
    assert_eq!(counter(&mut bench, 1), 0); // The device has locked its SyncManager.
    bench.request(1, 4);
    assert_eq!(counter(&mut bench, 1), 1);
    bench.segment.inject(Fault::PowerOff(1));
    assert_eq!((counter(&mut bench, 0), counter(&mut bench, 1)), (2, 0));
    bench.segment.inject(Fault::PowerOn(1));
    assert_eq!(counter(&mut bench, 1), 0); // It has forgotten its FMMU.
    assert_eq!(counter(&mut bench, 0), 2);
}

#[test]
fn fmmus_map_single_bits() {
    let mut bench = Bench::new(&["EL1008", "EL2008"]);
    bench.bring_up();
    bench.segment.inputs_mut()[0] = 0b0110_1100;
    // Input bits 2 to 5 to logical bits 6.. of byte 0x500, over the byte's end.
    bench.write(0, FMMU, &[0x00, 5, 0, 0, 2, 0, 6, 1, 0x00, 0x10, 2, 1, 1, 0, 0, 0]);
    let answer = bench.logical(Command::Lrd, 0x500, &[0xff, 0x00]);
    assert_eq!((answer.working_counter, answer.data), (1, vec![0b1111_1111, 0b10]));
    let answer = bench.logical(Command::Lrd, 0x500, &[0x00, 0xff]);
    assert_eq!(answer.data, [0b1100_0000, 0b1111_1110]);
    // Logical bits 3 and 4 of byte 0x600 to output bits 6 and 7; the others keep what they were.
    bench.logical(Command::Lwr, logical(1, 0), &[0b0000_0101]);
    bench.write(1, FMMU, &[0x00, 6, 0, 0, 1, 0, 3, 4, 0x00, 0x0f, 6, 2, 1, 0, 0, 0]);
    assert_eq!(bench.logical(Command::Lwr, 0x600, &[0b0000_1000]).working_counter, 1);
    assert_eq!(bench.segment.outputs(), [0b0100_0101]);
    assert_eq!(bench.logical(Command::Lwr, 0x601, &[0xff]).working_counter, 0);
}

#[test]
fn blanking_sixteen_fmmus_and_sync_managers_is_harmless() {
    let mut bench = Bench::new(&["EK1100", "EL3104", "EL2008"]);
    for n in 0..16 {
        bench.send(Command::Bwr, 0, (FMMU + 16 * n) as u16, &[0; 16]);
        bench.send(Command::Bwr, 0, (SYNC_MANAGER + 8 * n) as u16, &[0; 8]);
    }
    bench.bring_up();
}
