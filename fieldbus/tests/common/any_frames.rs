//! What holds of a simulated segment whatever frames pass through it, and of a MainDevice whatever comes back.
//! The tests and the fuzz targets share it.
#![allow(dead_code)]

use crate::common::{self, DEADLINE_NS, INTERVAL_NS};
use sensai_devices::catalogue;
use sensai_fieldbus::ethercat::start;
use sensai_fieldbus::simulated::{DevicePlace, InProcess, PlantTiming, Segment, SimulatedDevice};
use sensai_fieldbus::{Bus as _, NoPlant, Wire, clock};
use std::ops::Range;

/// Bytes read one after the other; zero behind the end.
pub struct Script<'a>(pub &'a [u8]);

impl Script<'_> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let (head, rest) = self.0.split_at(self.0.len().min(N));
        self.0 = rest;
        let mut out = [0; N];
        out[..head.len()].copy_from_slice(head);
        out
    }

    fn byte(&mut self) -> u8 {
        self.take::<1>()[0]
    }

    fn bytes(&mut self) -> &[u8] {
        let len = usize::from(self.byte());
        let (head, rest) = self.0.split_at(self.0.len().min(len));
        self.0 = rest;
        head
    }
}

/// A coupler, a terminal with a mailbox, one with outputs, and a drive.
fn segment() -> Segment {
    let described =
        ["EK1100", "EL3104", "EL2008", "SN4020"].map(|kind| catalogue::find(kind).expect("a catalogue type"));
    let devices = described.iter().map(|description| SimulatedDevice::new(description)).collect();
    let places = vec![
        DevicePlace::default(),
        DevicePlace { inputs: 0..16, outputs: 0..0 },
        DevicePlace { inputs: 0..0, outputs: 0..1 },
        DevicePlace { inputs: 16..40, outputs: 1..25 },
    ];
    Segment::new(devices, Box::new(NoPlant), places, PlantTiming::default())
}

/// Registers where something happens, and the mailboxes of the second device.
const PLACES: [u16; 16] = [
    0x0000, 0x0010, 0x0100, 0x0120, 0x0130, 0x0204, 0x0300, 0x0400, 0x0500, 0x0600, 0x0800, 0x0900, 0x0980,
    0x0f00, 0x1000, 0x1080,
];

/// Ranges of a frame that no device may change: everything but addresses, IRQ, data and working counters.
struct Kept(Vec<Range<usize>>);

/// A frame of datagrams as the script wants them.
fn frame(script: &mut Script<'_>) -> (Vec<u8>, Kept) {
    let mut frame = vec![0xff; 6];
    frame.extend([0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x88, 0xa4, 0, 0]);
    let mut kept = vec![0..6, 7..16];
    let count = 1 + script.byte() % 4;
    for n in 0..count {
        let [command, index, station, place, fine] = script.take();
        let logical = command % 16 >= 10 && command % 16 <= 12;
        let address: u32 = if logical {
            u32::from(station) << 8 | u32::from(fine)
        } else {
            let base = PLACES[usize::from(place) % PLACES.len()];
            let register = base.wrapping_add(u16::from(place >> 4)).wrapping_add(u16::from(fine));
            let station = match station {
                0..=7 => 0_u16.wrapping_sub(station.into()),
                8..=15 => 0x1000 + u16::from(station - 8),
                other => other.into(),
            };
            u32::from(register) << 16 | u32::from(station)
        };
        let data = if command & 0x80 == 0 { script.bytes().to_vec() } else { mailbox(script) };
        let more = if n + 1 < count { 0x8000 } else { 0 };
        let start = frame.len();
        kept.extend([start..start + 2, start + 6..start + 8]);
        frame.extend([command % 16, index]);
        frame.extend(address.to_le_bytes());
        frame.extend((data.len() as u16 | more).to_le_bytes());
        frame.extend([0, 0]);
        frame.extend(data);
        frame.extend([0, 0]);
    }
    let length = (frame.len() - 16) as u16 | 0x1000;
    frame[14..16].copy_from_slice(&length.to_le_bytes());
    (frame, Kept(kept))
}

/// A whole mailbox of 128 bytes, CoE for the most part.
fn mailbox(script: &mut Script<'_>) -> Vec<u8> {
    let [kind, counter, service, command, index, more, subindex] = script.take();
    let indices =
        [0x1000_u16, 0x1018, 0x1c12, 0x1c13, 0x6000, 0x8000, 0xf000, 0x1008, 0x2000, 0x6065, 0x6092, 0x60c2];
    let data = script.bytes();
    let mut bytes = ((10 + data.len()) as u16).to_le_bytes().to_vec();
    bytes.extend([0, 0, 0, if kind == 0 { 0x03 | counter << 4 } else { kind }]);
    bytes.extend((u16::from(service % 16) << 12).to_le_bytes());
    bytes.push(command);
    let index = indices[usize::from(index) % indices.len()] + u16::from(more);
    bytes.extend(index.to_le_bytes());
    bytes.push(subindex);
    bytes.extend(data);
    bytes.resize(128, 0);
    bytes
}

/// Frames, one after the other, some of them anything at all, and time that passes between them.
pub fn check_segment(script: &[u8]) {
    let mut script = Script(script);
    let mut segment = segment();
    let mut now_ns = 1_000_000;
    if script.byte() & 1 == 0 {
        bring_up(&mut segment, &mut now_ns);
    }
    let mut frames = 0;
    while !script.0.is_empty() && frames < 64 {
        frames += 1;
        let [how, step] = script.take();
        now_ns += u64::from(step) * if how & 0x40 == 0 { 1_000 } else { 1_000_000 };
        match how % 8 {
            0 => {
                let mut bytes = script.bytes().to_vec();
                let len = bytes.len();
                segment.process(&mut bytes, now_ns);
                assert_eq!(bytes.len(), len);
            }
            1 => segment.process_damaged(&mut frame(&mut script).0, usize::from(step) % 4, now_ns),
            2 => {
                let (mut bytes, _) = frame(&mut script);
                let cut = usize::from(script.byte()) % bytes.len();
                bytes.truncate(cut);
                segment.process(&mut bytes, now_ns);
            }
            _ => {
                let (mut bytes, kept) = frame(&mut script);
                let sent = bytes.clone();
                let reach = segment.reach();
                assert_eq!(segment.process(&mut bytes, now_ns), reach > 0);
                assert_eq!(bytes.len(), sent.len());
                for range in kept.0 {
                    assert_eq!(bytes[range.clone()], sent[range.clone()], "{range:?} was changed");
                }
            }
        }
        assert_eq!(segment.outputs().len(), 25);
    }
    segment.tick(now_ns + 1_000_000_000);
}

/// Station addresses, mailboxes and PRE-OP, as every start-up does it.
fn bring_up(segment: &mut Segment, now_ns: &mut u64) {
    let mut write = |position: u16, register: u16, data: &[u8]| {
        let mut bytes = vec![0xff; 6];
        let length = (12 + data.len()) as u16 | 0x1000;
        bytes.extend([0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x88, 0xa4]);
        bytes.extend(length.to_le_bytes());
        bytes.extend([2, 0]);
        bytes.extend(0_u16.wrapping_sub(position).to_le_bytes());
        bytes.extend(register.to_le_bytes());
        bytes.extend((data.len() as u16).to_le_bytes());
        bytes.extend([0, 0]);
        bytes.extend(data);
        bytes.extend([0, 0]);
        *now_ns += 1_000_000;
        assert!(segment.process(&mut bytes, *now_ns));
    };
    for position in 0..4 {
        write(position, 0x0010, &(0x1000 + position).to_le_bytes());
    }
    for (position, kind) in [(1, "EL3104"), (3, "SN4020")] {
        let description = catalogue::find(kind).expect("a catalogue type");
        for (n, channel) in (0_u16..).zip(&description.sync_managers) {
            let mut bytes = channel.start.to_le_bytes().to_vec();
            bytes.extend(channel.length.to_le_bytes());
            bytes.extend([channel.control, 0, u8::from(channel.length > 0), 0]);
            write(position, 0x0800 + 8 * n, &bytes);
        }
    }
    for position in 0..4 {
        write(position, 0x0120, &[2, 0]);
    }
}

/// A wire whose replies are changed as the script says, once it is let loose.
pub struct ScriptedWire<'a> {
    inner: InProcess,
    script: Script<'a>,
    loose: bool,
    sent: Vec<u8>,
}

impl<'a> ScriptedWire<'a> {
    fn new(segment: Segment, script: &'a [u8]) -> Self {
        Self { inner: InProcess::new(segment), script: Script(script), loose: false, sent: Vec::new() }
    }
}

impl Wire for ScriptedWire<'_> {
    fn send(&mut self, frame: &[u8]) -> bool {
        self.sent = frame.to_vec();
        self.inner.send(frame)
    }

    fn recv(&mut self, buffer: &mut [u8]) -> Option<usize> {
        if !self.loose || self.script.0.is_empty() {
            return self.inner.recv(buffer);
        }
        match self.script.byte() % 8 {
            // Nothing comes, although something did.
            0 => {
                let _ = self.inner.recv(buffer);
                None
            }
            // Anything at all.
            1 => {
                let bytes = self.script.bytes();
                let len = bytes.len().min(buffer.len());
                buffer[..len].copy_from_slice(&bytes[..len]);
                Some(len).filter(|len| *len > 0)
            }
            // What was sent, as if it had met devices.
            2 => {
                let len = self.sent.len().min(buffer.len());
                buffer[..len].copy_from_slice(&self.sent[..len]);
                if let Some(first) = buffer[..len].get_mut(6) {
                    *first |= 2;
                }
                Some(len).filter(|len| *len > 0)
            }
            3 => {
                let len = self.inner.recv(buffer)?;
                Some((usize::from(self.script.byte()) % len).max(1))
            }
            4 | 5 => {
                let len = self.inner.recv(buffer)?;
                let at = usize::from(u16::from_le_bytes(self.script.take())) % len;
                for (old, new) in buffer[at..len].iter_mut().zip(self.script.bytes()) {
                    *old = *new;
                }
                Some(len)
            }
            _ => self.inner.recv(buffer),
        }
    }

    fn wait(&mut self, until_ns: u64) {
        self.inner.wait(until_ns);
    }
}

/// A cell with a mailbox, inputs and outputs runs while its wire does what it wants. Every exchange ends at its
/// deadline, and inputs of a sync unit that is not valid stay as they were.
pub fn check_exchange(script: &[u8]) {
    clock::start_virtual(1_000_000_000);
    let cell = common::cell(&[("EK1100", "main"), ("EL3104", "analog"), ("EL2008", "main")]);
    let wire = ScriptedWire::new(Segment::for_cell(&cell, Box::new(NoPlant)), script);
    let outputs = vec![0x55; cell.image.outputs];
    let mut bus = start(&cell, wire, &outputs, &mut |_| {}).expect("a good wire so far");
    let mut inputs = vec![0xa5; cell.image.inputs];
    bus.wire_mut().loose = true;
    let mut next_ns = clock::now_ns();
    for _ in 0..50 {
        let before = inputs.clone();
        let deadline_ns = clock::now_ns() + DEADLINE_NS;
        let exchange = bus.exchange(&outputs, &mut inputs, deadline_ns);
        assert!(clock::now_ns() <= deadline_ns, "an exchange outlasted its deadline");
        assert!(!exchange.lost || exchange.valid == 0);
        assert_eq!(exchange.valid >> cell.sync_units.len(), 0, "a sync unit that does not exist");
        for (unit, members) in cell.sync_units.iter().enumerate() {
            let valid = exchange.valid >> unit & 1 == 1;
            for device in members.devices.iter().map(|device| &cell.devices[usize::from(*device)]) {
                let range = device.inputs.clone();
                assert!(valid || inputs[range.clone()] == before[range], "invalid data was taken");
            }
        }
        next_ns += INTERVAL_NS;
        bus.acyclic(next_ns - 100_000);
        clock::advance_to(next_ns);
        if bus.wire_mut().script.0.is_empty() {
            break;
        }
    }
}

/// A bus is brought up while its wire does what it wants: it comes up, or says why not, in bounded time.
pub fn check_startup(script: &[u8]) {
    clock::start_virtual(1_000_000_000);
    let cell = common::cell(&[("EK1100", "main"), ("EL3104", "main")]);
    let mut wire = ScriptedWire::new(Segment::for_cell(&cell, Box::new(NoPlant)), script);
    wire.loose = true;
    if let Err(error) = start(&cell, wire, &vec![0; cell.image.outputs], &mut |_| {}) {
        assert!(!error.to_string().is_empty());
    }
    assert!(clock::now_ns() < 120_000_000_000, "start-up took {} ns", clock::now_ns());
}
