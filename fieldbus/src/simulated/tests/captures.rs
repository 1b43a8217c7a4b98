//! Requests that real MainDevices sent to real devices, sent to simulated ones: do they answer alike?

use crate::{
    NoPlant,
    simulated::{PlantTiming, Segment, SimulatedDevice, frame::*},
};
use std::collections::BTreeMap;

const SHARED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data/ethercat");

/// Time in ns and bytes of each packet in a pcapng file, as far as this test needs that format.
fn packets(file: &[u8]) -> Vec<(u64, Vec<u8>)> {
    let word = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().expect("four bytes"));
    let (mut at, mut packets) = (0, Vec::new());
    while at + 28 <= file.len() {
        let (kind, length) = (word(at), word(at + 4) as usize);
        if kind == 6 {
            let time = u64::from(word(at + 12)) << 32 | u64::from(word(at + 16));
            let captured = word(at + 20) as usize;
            packets.push((time, file[at + 28..at + 28 + captured].to_vec()));
        }
        at += length.max(12);
    }
    packets
}

/// Request and reply, by the index of the first datagram.
fn exchanges(file: &[u8]) -> Vec<(u64, Vec<u8>, Vec<u8>)> {
    let mut waiting: BTreeMap<u8, (u64, Vec<u8>)> = BTreeMap::new();
    let mut exchanges = Vec::new();
    for (time, bytes) in packets(file) {
        if !is_well_formed(&bytes) {
            continue;
        }
        if bytes[6] & 2 == 0 {
            waiting.insert(bytes[17], (time, bytes));
        } else if let Some((sent, request)) = waiting.remove(&bytes[17]) {
            exchanges.push((sent, request, bytes));
        }
    }
    exchanges
}

#[derive(PartialEq)]
struct Reply {
    command: u8,
    address: u16,
    offset: u16,
    data: Vec<u8>,
    working_counter: u16,
}

fn datagrams(frame: &[u8]) -> Vec<Reply> {
    let mut frame = frame.to_vec();
    let (mut at, mut replies) = (DATAGRAMS, Vec::new());
    while let Some(datagram) = Datagram::take(&mut frame, &mut at) {
        replies.push(Reply {
            command: datagram.header[0],
            address: datagram.address(),
            offset: datagram.offset(),
            data: datagram.data.to_vec(),
            working_counter: u16::from_le_bytes(*datagram.working_counter),
        });
        if !datagram.more() {
            break;
        }
    }
    replies
}

/// How a capture compares: datagrams that came back alike, and those that did not, by register.
fn compare(capture: &str, images: &[&str], ns_per_tick: u64) -> Option<(usize, BTreeMap<u16, usize>)> {
    let Ok(file) = std::fs::read(format!("{SHARED}/captures/{capture}.pcapng")) else {
        println!("skipped: capture {capture} of real devices (not at {SHARED})");
        return None;
    };
    let device = |name: &&str| {
        let file = std::fs::read(format!("{SHARED}/sii/{name}.hex")).expect("an image beside the captures");
        let image = sensai_devices::sii::read_image(&file).expect("an SII image");
        SimulatedDevice::from_sii(image).expect("parses")
    };
    let devices = images.iter().map(device).collect();
    let mut segment = Segment::new(devices, Box::new(NoPlant), Vec::new(), PlantTiming::default());
    let (mut alike, mut different) = (0, BTreeMap::new());
    for (time, mut request, reply) in exchanges(&file) {
        assert!(segment.process(&mut request, time * ns_per_tick));
        for (real, simulated) in datagrams(&reply).iter().zip(datagrams(&request)) {
            if *real == simulated {
                alike += 1;
            } else {
                *different.entry(real.offset).or_default() += 1;
            }
        }
    }
    Some((alike, different))
}

/// From INIT to OP and 500 cycles under ethercrab.
#[test]
fn a_coupler_and_two_output_terminals_answer_like_real_ones() {
    let Some((alike, different)) = compare("ek1100-el2828-el2889-op", &["ek1100", "el2828", "el2889"], 1)
    else {
        return;
    };
    // What may differ: type of the controller; its features and numbers of FMMUs and SyncManagers; AL status with
    // the acknowledge bit mirrored, as devices without firmware do; how long the EEPROM is busy; the PDI watchdog;
    // everything that shows time, and which devices have which part of a clock.
    let may_differ = |offset: u16| {
        matches!(offset, 0x0000 | 0x0008 | 0x0110 | 0x0130 | 0x0502)
            || (0x0630..0x0700).contains(&offset)
            || (0x0820..0x0880).contains(&offset)
            || (0x0900..0x0a00).contains(&offset)
    };
    let surprising: Vec<_> = different.iter().filter(|(offset, _)| !may_differ(**offset)).collect();
    assert!(surprising.is_empty(), "{surprising:x?}");
    assert!(alike > 1_400, "{alike} alike, {different:x?}");
}

/// Scan and SDO uploads under SOEM.
#[test]
fn a_servo_drive_is_scanned_like_the_real_one() {
    let Some((alike, different)) = compare("soem-scan-akd-servo", &["akd"], 1_000) else { return };
    // Besides the above: the real one takes time to change its state and to answer its mailbox, and has another
    // object dictionary than the one that follows from its SII.
    let may_differ = |offset: u16| {
        matches!(
            offset,
            0x0000 | 0x0007 | 0x0008 | 0x0120 | 0x0130 | 0x0140 | 0x0502 | 0x0805 | 0x080d | 0x1c00
        ) || (0x0900..0x0a00).contains(&offset)
    };
    let surprising: Vec<_> = different.iter().filter(|(offset, _)| !may_differ(**offset)).collect();
    assert!(surprising.is_empty(), "{surprising:x?}");
    assert!(alike > 3_000, "{alike} alike, {different:x?}");
}
