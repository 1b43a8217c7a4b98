//! The simulated segment may sit inside the cycle's own thread: processing a frame allocates nothing.

use sensai_alloc_count::{CountingAllocator, thread_counts};
use sensai_devices::{DeviceDescription, catalogue};
use sensai_fieldbus::{
    NoPlant, Wire, clock,
    simulated::{
        DevicePlace, Emergency, Fault, InProcess, PlantTiming, Segment, SimulatedDevice, WireFault, WireRates,
    },
};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

const APRD: u8 = 1;
const APWR: u8 = 2;
const BRD: u8 = 7;
const LRW: u8 = 12;

/// One datagram in a frame of its own.
fn frame(command: u8, address: u16, offset: u16, data: &[u8]) -> Vec<u8> {
    let mut frame = vec![0xff; 6];
    frame.extend([0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x88, 0xa4]);
    frame.extend(((data.len() as u16 + 12) | 0x1000).to_le_bytes());
    frame.extend([command, 0]);
    frame.extend(address.to_le_bytes());
    frame.extend(offset.to_le_bytes());
    frame.extend((data.len() as u16).to_le_bytes());
    frame.extend([0, 0]);
    frame.extend(data);
    frame.extend([0, 0]);
    frame
}

fn mailbox(len: u16, counter: u8, coe: &[u8]) -> Vec<u8> {
    let mut message = (coe.len() as u16).to_le_bytes().to_vec();
    message.extend([0, 0, 0, 3 | counter << 4]);
    message.extend(coe);
    message.resize(len.into(), 0);
    message
}

/// Bring the only device to OP, with its SyncManagers mapped to 0, 0x100, 0x200, ...
fn start_up(description: &DeviceDescription) -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    for (n, channel) in description.sync_managers.iter().enumerate() {
        let (kind, length) = match channel.kind {
            sensai_devices::SyncManagerKind::Outputs => (2, 6_u16),
            sensai_devices::SyncManagerKind::Inputs => (1, 10),
            _ => (0, channel.length),
        };
        let mut bytes = channel.start.to_le_bytes().to_vec();
        bytes.extend(length.to_le_bytes());
        bytes.extend([channel.control, 0, 1, 0]);
        frames.push(frame(APWR, 0, 0x0800 + 8 * n as u16, &bytes));
        if kind != 0 {
            let mut bytes = (0x100 * n as u32).to_le_bytes().to_vec();
            bytes.extend(length.to_le_bytes());
            bytes.extend([0, 7]);
            bytes.extend(channel.start.to_le_bytes());
            bytes.extend([0, kind, 1, 0, 0, 0]);
            frames.push(frame(APWR, 0, 0x0600 + 16 * n as u16, &bytes));
        }
    }
    for state in [2, 4, 8] {
        frames.push(frame(APWR, 0, 0x0120, &[state, 0]));
    }
    frames
}

#[test]
fn frames_mailboxes_and_faults_allocate_nothing() {
    clock::start_virtual(1_000_000);
    let description = catalogue::find("EL5101").expect("in the catalogue");
    let places = vec![DevicePlace { inputs: 0..10, outputs: 0..6 }];
    let device = SimulatedDevice::new(&description);
    let mut segment = Segment::new(vec![device], Box::new(NoPlant), places, PlantTiming::default());
    segment.record(64);
    for k in 0..20 {
        segment.schedule_power_cycle(2_000_000_000 + k * 20_000_000, 0, 5_000_000);
    }
    let mut wire = InProcess::new(segment);
    let rates = WireRates {
        lose_request: 20_000,
        lose_reply: 20_000,
        delay: 20_000,
        delay_ns_max: 3_000_000,
        duplicate: 20_000,
        reorder: 20_000,
        corrupt: 20_000,
        truncate: 20_000,
        damage: 20_000,
    };

    let places = description.mailbox.expect("has a mailbox");
    let sdo = |counter, data: &[u8]| {
        frame(APWR, 0, places.receive.0, &mailbox(places.receive.1, counter, &[&[0, 0x20], data].concat()))
    };
    let info = |counter, data: &[u8]| {
        frame(APWR, 0, places.receive.0, &mailbox(places.receive.1, counter, &[&[0, 0x80], data].concat()))
    };
    let start = start_up(&description);
    let cyclic = [
        frame(LRW, 0x0200, 0, &[0x5a; 6]),
        frame(LRW, 0x0300, 0, &[0; 10]),
        frame(BRD, 0, 0x0130, &[0; 2]),
        frame(BRD, 0, 0x0900, &[0; 0x40]),
    ];
    let fetch = frame(APRD, 0, places.send.0, &vec![0; places.send.1.into()]);
    let requests = [
        sdo(1, &[0x40, 0x18, 0x10, 1, 0, 0, 0, 0]), // expedited upload
        sdo(2, &[0x50, 0x18, 0x10, 0, 0, 0, 0, 0]), // complete access
        sdo(3, &[0x40, 0xff, 0x2f, 0, 0, 0, 0, 0]), // no such object
        info(4, &[1, 0, 0, 0, 1, 0]),               // object list
        info(5, &[3, 0, 0, 0, 0x18, 0x10]),         // object description
        sdo(6, &[0x40, 0x08, 0x10, 0, 0, 0, 0, 0]), // text
        sdo(7, &[0x2f, 0x13, 0x1c, 0, 0, 0, 0, 0]), // PDO assignment: refused in OP
    ];

    let mut buffer = [0; 1514];
    let (mut received, mut op) = (0_u64, 0_u64);
    let before = thread_counts();
    for k in 0..3_000_u64 {
        if k == 1_000 {
            wire.line_mut().set_rates(rates, 11);
        }
        if k % 500 == 0 || k > 2_000 && k % 20 == 7 {
            for bytes in &start {
                wire.send(bytes);
            }
        }
        for bytes in &cyclic {
            wire.send(bytes);
        }
        wire.send(&requests[k as usize % requests.len()]);
        wire.send(&fetch);
        wire.send(&fetch);
        if k % 100 == 50 {
            let emergency = Emergency { code: 0xff00, register: 1, data: [0; 5] };
            wire.segment_mut().inject(Fault::Emergency(0, emergency));
            wire.line_mut().order(WireFault::Reorder, 1);
        }
        op += u64::from(wire.segment().outputs() == [0x5a; 6]);
        wire.wait((k + 2) * 1_000_000);
        while wire.recv(&mut buffer).is_some() {
            received += 1;
        }
        clock::advance_to((k + 2) * 1_000_000);
    }
    let counts = thread_counts() - before;
    assert!(counts.is_quiet(), "{counts:?}");
    // All of that did happen.
    assert!(received > 15_000, "{received}");
    assert!((1_500..3_000).contains(&op), "{op} cycles with outputs");
    assert!(wire.line_mut().counters().faults > 1_000);
    assert!(wire.segment().trace().total() > 60);
}
