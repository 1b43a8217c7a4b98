//! The fifteen commands, datagram by datagram.

use super::bench::{Bench, frame, logical};
use crate::simulated::{frame::Command, registers::*};

/// Three devices without clock or mailbox; the station addresses are 0x1001, 0x1002, 0x1003.
fn three() -> Bench {
    let mut bench = Bench::new(&["EL1008", "EL2008", "EL1008"]);
    for position in 0..3 {
        assert_eq!(bench.write(position, STATION_ADDRESS, &(0x1001 + position).to_le_bytes()), 1);
    }
    bench
}

/// RAM that no SyncManager owns.
const RAM: u16 = 0x2000;

fn ram(bench: &Bench, position: usize) -> u8 {
    bench.segment.devices()[position].memory()[usize::from(RAM)]
}

#[test]
fn nop_changes_nothing() {
    let answer = three().send(Command::Nop, 7, RAM, &[1, 2]);
    assert_eq!((answer.working_counter, answer.address, answer.data), (0, 7, vec![1, 2]));
}

#[test]
fn auto_increment_addresses_count_up_and_match_at_zero() {
    let mut bench = three();
    let answer = bench.send(Command::Apwr, 0xffff, RAM, &[7]);
    assert_eq!((answer.working_counter, answer.address), (1, 2));
    assert_eq!([0, 1, 2].map(|position| ram(&bench, position)), [0, 7, 0]);
    let answer = bench.send(Command::Aprd, 0xffff, RAM, &[0]);
    assert_eq!((answer.working_counter, answer.data), (1, vec![7]));
    let answer = bench.send(Command::Aprw, 0xffff, RAM, &[9]);
    assert_eq!((answer.working_counter, answer.data, ram(&bench, 1)), (3, vec![7], 9));
    assert_eq!(bench.send(Command::Aprd, 1, RAM, &[0]).working_counter, 0);
    assert_eq!(bench.send(Command::Aprd, 0xfffd, RAM, &[0]).working_counter, 0);
}

#[test]
fn configured_addresses_match_one_device() {
    let mut bench = three();
    assert_eq!(bench.send(Command::Fpwr, 0x1003, RAM, &[5]).working_counter, 1);
    assert_eq!([0, 1, 2].map(|position| ram(&bench, position)), [0, 0, 5]);
    let answer = bench.send(Command::Fprd, 0x1003, RAM, &[0]);
    assert_eq!((answer.working_counter, answer.address, answer.data), (1, 0x1003, vec![5]));
    let answer = bench.send(Command::Fprw, 0x1003, RAM, &[6]);
    assert_eq!((answer.working_counter, answer.data, ram(&bench, 2)), (3, vec![5], 6));
    assert_eq!(bench.send(Command::Fprd, 0x1004, RAM, &[0]).working_counter, 0);
}

#[test]
fn an_alias_answers_only_where_it_is_enabled() {
    let mut bench = three();
    let image = bench.segment.device_mut(1).unwrap().eeprom_mut().image_mut();
    image[8..10].copy_from_slice(&0x0777_u16.to_le_bytes());
    image[14] = sensai_devices::sii::checksum(&image[..14]);
    bench.write(1, SII_CONTROL, &[0, 4]); // Reload.
    assert_eq!(bench.read(1, STATION_ALIAS, 2).0, [0x77, 0x07]);
    assert_eq!(bench.send(Command::Fprd, 0x0777, RAM, &[0]).working_counter, 0);
    bench.write(1, DL_CONTROL, &[1, 0, 0, 1]);
    assert_eq!(bench.send(Command::Fprd, 0x0777, RAM, &[0]).working_counter, 1);
}

#[test]
fn broadcasts_reach_all_and_or_what_they_read() {
    let mut bench = three();
    for position in 0..3 {
        bench.write(position, RAM.into(), &[1 << position]);
    }
    let answer = bench.send(Command::Brd, 0, RAM, &[0x80]);
    assert_eq!((answer.working_counter, answer.address, answer.data), (3, 3, vec![0x87]));
    let answer = bench.send(Command::Brw, 0, RAM, &[0x10]);
    assert_eq!((answer.working_counter, answer.data), (9, vec![0x17]));
    assert_eq!([0, 1, 2].map(|position| ram(&bench, position)), [0x10, 0x11, 0x13]);
    assert_eq!(bench.send(Command::Bwr, 0, RAM, &[3]).working_counter, 3);
    assert_eq!([0, 1, 2].map(|position| ram(&bench, position)), [3; 3]);
}

#[test]
fn read_multiple_write_reads_one_and_writes_the_others_behind_it() {
    let mut bench = three();
    bench.write(1, RAM.into(), &[0x42]);
    let answer = bench.send(Command::Frmw, 0x1002, RAM, &[0x11]);
    assert_eq!((answer.working_counter, answer.data), (3, vec![0x42]));
    assert_eq!([0, 1, 2].map(|position| ram(&bench, position)), [0x11, 0x42, 0x42]);
    let answer = bench.send(Command::Armw, 0, RAM, &[0]);
    assert_eq!((answer.working_counter, answer.address, answer.data), (3, 3, vec![0x11]));
    assert_eq!([0, 1, 2].map(|position| ram(&bench, position)), [0x11; 3]);
}

#[test]
fn logical_commands_count_each_device_once_for_reading_and_twice_for_writing() {
    let mut bench = Bench::new(&["EL1008", "EL2008", "EL1008"]);
    bench.bring_up();
    bench.segment.inputs_mut().copy_from_slice(&[0x12, 0x34]);
    let answer = bench.logical(Command::Lrd, logical(0, 0), &[0xff]);
    assert_eq!((answer.working_counter, answer.data), (1, vec![0x12]));
    assert_eq!(bench.logical(Command::Lwr, logical(1, 0), &[0x5a]).working_counter, 1);
    assert_eq!(bench.segment.outputs(), [0x5a]);
    let answer = bench.logical(Command::Lrw, logical(1, 0), &[0xa5]);
    assert_eq!((answer.working_counter, answer.data), (2, vec![0xa5]));
    assert_eq!(bench.segment.outputs(), [0xa5]);
    // One logical byte that both an input and an output own: written with what came, read as what is there.
    let mut fmmu = logical(0, 0).to_le_bytes().to_vec();
    fmmu.extend([1, 0, 0, 7, 0x00, 0x0f, 0, 2, 1, 0, 0, 0]);
    bench.write(1, FMMU + 0x10, &fmmu);
    let answer = bench.logical(Command::Lrw, logical(0, 0), &[0x77]);
    assert_eq!((answer.working_counter, answer.data), (3, vec![0x12]));
    // The input device comes first on the line and has already put its byte into the frame.
    assert_eq!(bench.segment.outputs(), [0x12]);
}

#[test]
fn a_device_without_lrw_leaves_it_alone() {
    let mut description = (*super::bench::described("EL1008")).clone();
    description.no_lrw = true;
    let mut bench = Bench::of(&[description.into()]);
    bench.bring_up();
    assert_eq!(bench.logical(Command::Lrw, logical(0, 0), &[0]).working_counter, 0);
    assert_eq!(bench.logical(Command::Lrd, logical(0, 0), &[0]).working_counter, 1);
    assert_eq!(bench.read(0, INFORMATION + 8, 2).0, [0xf0, 2]);
}

#[test]
fn frames_keep_what_is_not_theirs_to_change() {
    let mut bench = three();
    let mut bytes = frame(&[
        (Command::Brd, 0, 0x0130, &[0, 0]),
        (Command::Fpwr, 0x1002, RAM, &[1, 2, 3]),
        (Command::Fprd, 0x1002, RAM, &[0, 0, 0]),
    ]);
    let sent = bytes.clone();
    assert!(bench.segment.process(&mut bytes, bench.now_ns + 1));
    assert_eq!(bytes[6], sent[6] | 0x02);
    assert_eq!([bytes[16], bytes[17]], [7, 0x40]); // Command and index.
    assert_eq!([bytes[22], bytes[23]], [2, 0x80]); // Length and the more bit.
    assert_eq!(&bytes[26..30], [1, 0, 3, 0]); // INIT, and three devices.
    assert_eq!(&bytes[40..45], [1, 2, 3, 1, 0]);
    assert_eq!(&bytes[55..], [1, 2, 3, 1, 0]); // Written by the datagram before it.
}

#[test]
fn events_show_in_the_irq_field_where_they_are_enabled() {
    let mut bench = three();
    bench.write(1, EVENT_MASK, &[0x08, 0]);
    bench.configure(1);
    bench.write(1, AL_CONTROL, &[2, 0]);
    let mut bytes = frame(&[(Command::Nop, 0, 0, &[])]);
    bytes[24] = 0x01; // Somebody else's event stays.
    bench.segment.process(&mut bytes, bench.now_ns + 1);
    assert_eq!(bytes[24..26], [0x09, 0]);
    bench.read(1, AL_STATUS, 2);
    let mut bytes = frame(&[(Command::Nop, 0, 0, &[])]);
    bench.segment.process(&mut bytes, bench.now_ns + 1);
    assert_eq!(bytes[24..26], [0, 0]);
}
