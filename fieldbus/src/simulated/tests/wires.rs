//! The cable, its faults, and the plant's time.

use super::bench::{described, frame, segment_of};
use crate::{
    Plant, Shaft, Wire, clock,
    simulated::{
        DevicePlace, Fault, InProcess, Line, PlantTiming, Segment, SimulatedDevice, WireFault, WireRates,
        frame::Command, random_faults, registers::*, serve,
    },
};
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

fn line() -> Line {
    Line::new(segment_of(&[described("EK1100"), described("EL1008")]))
}

/// A frame that can be told from others by its index.
fn numbered(index: u8) -> Vec<u8> {
    let mut bytes = frame(&[(Command::Brd, 0, 0, &[0; 40])]);
    bytes[17] = index;
    bytes
}

/// Indices of the replies that are there, in order.
fn received(line: &mut Line, now_ns: u64) -> Vec<u8> {
    let mut buffer = [0; 1514];
    let mut indices = Vec::new();
    while let Some(len) = line.receive(&mut buffer, now_ns) {
        assert_eq!(len, numbered(0).len());
        indices.push(buffer[17]);
    }
    indices
}

#[test]
fn each_fault_does_what_it_says() {
    let mut line = line();
    line.set_latency(10_000);
    let mut expect = |fault: WireFault, at_once: &[u8], later: &[u8], seen: u64| {
        let before = line.segment().frames();
        let now_ns = line.segment().last_frame_ns() + 1_000_000;
        line.order(fault, 1);
        assert!(line.transmit(&numbered(1), now_ns));
        assert!(line.transmit(&numbered(2), now_ns + 1));
        assert_eq!(received(&mut line, now_ns + 9_999), Vec::<u8>::new(), "{fault:?}");
        assert_eq!(received(&mut line, now_ns + 10_001), at_once, "{fault:?}");
        assert_eq!(received(&mut line, now_ns + 15_000), later, "{fault:?}");
        assert_eq!(line.segment().frames() - before, seen, "{fault:?}");
    };
    expect(WireFault::LoseRequest, &[2], &[], 1);
    expect(WireFault::LoseReply, &[2], &[], 2);
    expect(WireFault::Delay(5_000), &[2], &[1], 2);
    expect(WireFault::Duplicate, &[1, 1, 2], &[], 2);
    expect(WireFault::Reorder, &[2, 1], &[], 2);
    expect(WireFault::Damage(1), &[2], &[], 1);
    assert_eq!(line.segment().devices()[1].memory()[RX_ERRORS + 1], 1);
    assert_eq!(line.segment().devices()[0].memory()[FORWARDED_ERRORS + 1], 1);
}

#[test]
fn corrupt_and_cut_replies_arrive() {
    let mut line = line();
    let mut buffer = [0; 1514];
    let mut perfect = numbered(1);
    line.segment_mut().process(&mut perfect, 1);
    line.order(WireFault::Corrupt, 20);
    for now_ns in 0..20 {
        line.transmit(&numbered(1), now_ns);
        assert_eq!(line.receive(&mut buffer, now_ns), Some(perfect.len()));
        let flipped: u32 = perfect.iter().zip(&buffer).map(|(a, b)| (a ^ b).count_ones()).sum();
        assert!((1..=3).contains(&flipped), "{flipped}");
    }
    line.order(WireFault::Truncate, 20);
    for now_ns in 20..40 {
        line.transmit(&numbered(1), now_ns);
        let len = line.receive(&mut buffer, now_ns).expect("a reply");
        assert!((1..perfect.len()).contains(&len));
        assert_eq!(buffer[..len], perfect[..len]);
    }
    assert_eq!(line.receive(&mut buffer, 100), None);
}

#[test]
fn chance_is_repeatable_and_as_often_as_asked() {
    let rates = WireRates {
        lose_request: 50_000,
        lose_reply: 50_000,
        delay: 50_000,
        delay_ns_max: 5_000,
        duplicate: 50_000,
        reorder: 50_000,
        ..WireRates::default()
    };
    let run = |seed| {
        let mut line = line();
        line.set_rates(rates, seed);
        let mut seen = Vec::new();
        for k in 0..4_000_u64 {
            line.transmit(&numbered(k as u8), k * 1_000);
            seen.push(received(&mut line, k * 1_000));
        }
        (seen, line.counters())
    };
    let (first, counters) = run(42);
    assert_eq!((&first, counters), (&run(42).0, run(42).1));
    assert_ne!(first, run(43).0);
    assert!((850..1_150).contains(&counters.faults), "{counters:?}"); // 25 %
    assert_eq!(counters.overflows, 0);
    // As many doubled as lost, near enough, so that about 95 % of the frames sent came back.
    assert!((3_600..4_000).contains(&counters.received), "{counters:?}");
}

#[test]
fn a_full_wire_loses_frames_and_recovers() {
    let mut line = line();
    for _ in 0..100 {
        assert!(line.transmit(&numbered(3), 0));
    }
    assert_eq!(line.counters().overflows, 36);
    assert_eq!(received(&mut line, 0).len(), 64);
    assert!(line.transmit(&numbered(4), 1));
    assert_eq!(received(&mut line, 1), [4]);
    assert!(!line.transmit(&[0; 1515], 2));
}

#[test]
fn virtual_time_passes_only_while_waiting() {
    clock::start_virtual(1_000_000);
    let mut wire = InProcess::new(segment_of(&[described("EL1008")]));
    wire.line_mut().set_latency(20_000);
    let mut buffer = [0; 1514];
    assert!(wire.send(&numbered(1)));
    assert_eq!(wire.recv(&mut buffer), None);
    wire.wait(2_000_000);
    assert_eq!(clock::now_ns(), 1_020_000);
    wire.wait(2_000_000); // The reply is there: no waiting.
    assert_eq!(clock::now_ns(), 1_020_000);
    assert!(wire.recv(&mut buffer).is_some());
    wire.wait(2_000_000);
    assert_eq!(clock::now_ns(), 2_000_000);
}

#[test]
fn random_fault_lists_are_repeatable_and_recover() {
    let faults = random_faults(5, 6, 1_000_000_000..2_000_000_000, 200);
    assert_eq!(faults, random_faults(5, 6, 1_000_000_000..2_000_000_000, 200));
    assert_ne!(faults, random_faults(6, 6, 1_000_000_000..2_000_000_000, 200));
    assert!(faults.is_sorted_by_key(|(at_ns, _)| *at_ns));
    assert_eq!(random_faults(5, 0, 0..1, 10), []);
    let mut segment = segment_of(&[(); 6].map(|()| described("EL1008")));
    let mut reaches = std::collections::BTreeSet::new();
    for (at_ns, fault) in faults {
        segment.schedule(at_ns, fault);
    }
    for ms in 0..3_000 {
        segment.tick(ms * 1_000_000);
        reaches.insert(segment.reach());
    }
    assert!(reaches.contains(&0) && reaches.len() > 3, "{reaches:?}");
    assert_eq!(segment.reach(), 6); // Everything has recovered.
}

/// Notes when it is stepped, and answers every output byte with its complement.
struct Recorder(Arc<Mutex<Vec<u64>>>);

impl Plant for Recorder {
    fn step(&mut self, time_ns: u64, outputs: &[u8], inputs: &mut [u8], _shafts: &mut [Shaft]) {
        self.0.lock().expect("not poisoned").push(time_ns);
        inputs[1] = !outputs[2];
    }
}

#[test]
fn the_plant_moves_in_equal_steps_and_sees_the_images() {
    let steps = Arc::new(Mutex::new(Vec::new()));
    let devices = ["EL1008", "EL2008"].map(|name| SimulatedDevice::new(&described(name)));
    let places =
        vec![DevicePlace { inputs: 1..2, outputs: 0..0 }, DevicePlace { inputs: 0..0, outputs: 2..3 }];
    let timing = PlantTiming { step_ns: 100, steps_max: 10 };
    let segment = Segment::new(devices.into(), Box::new(Recorder(steps.clone())), places, timing);
    let mut bench = super::bench::Bench { segment, now_ns: 10_000 };
    bench.segment.tick(10_000);
    bench.segment.tick(10_099);
    assert_eq!(*steps.lock().unwrap(), Vec::<u64>::new());
    bench.segment.tick(10_350);
    bench.segment.tick(10_399);
    bench.segment.tick(10_400);
    assert_eq!(*steps.lock().unwrap(), [10_100, 10_200, 10_300, 10_400]);
    bench.segment.tick(9_000); // Time never runs backwards.
    steps.lock().unwrap().clear();
    bench.segment.tick(13_000); // 26 steps at once: the first 16 are left out.
    assert_eq!(*steps.lock().unwrap(), (0..10).map(|k| 12_100 + 100 * k).collect::<Vec<u64>>());
    assert_eq!(bench.segment.skipped_steps(), 16);

    bench.now_ns = 20_000;
    bench.bring_up();
    bench.logical(Command::Lwr, super::bench::logical(1, 0), &[0x35]);
    assert_eq!(bench.segment.outputs(), [0, 0, 0x35]);
    let answer = bench.logical(Command::Lrd, super::bench::logical(0, 0), &[0]);
    assert_eq!(answer.data, [!0x35]);
}

/// A wire whose other end is held by the test.
#[derive(Default)]
struct Pipe {
    requests: Mutex<Vec<Vec<u8>>>,
    replies: Mutex<Vec<Vec<u8>>>,
}

impl Wire for &Pipe {
    fn send(&mut self, frame: &[u8]) -> bool {
        self.replies.lock().expect("not poisoned").push(frame.to_vec());
        true
    }
    fn recv(&mut self, buf: &mut [u8]) -> Option<usize> {
        let request = self.requests.lock().expect("not poisoned").pop()?;
        buf[..request.len()].copy_from_slice(&request);
        Some(request.len())
    }
    fn wait(&mut self, until_ns: u64) {
        clock::advance_to(until_ns);
    }
}

#[test]
fn serving_answers_and_lets_time_pass() {
    let pipe = Pipe::default();
    let stop = AtomicBool::new(false);
    let started = std::thread::scope(|scope| {
        let server = scope.spawn(|| {
            clock::start_virtual(5_000_000);
            let mut line = line();
            line.segment_mut().schedule(9_000_000, Fault::PowerOff(1));
            serve(&mut &pipe, &mut line, &stop);
            line.segment().reach()
        });
        pipe.requests.lock().expect("not poisoned").push(numbered(9));
        while pipe.replies.lock().expect("not poisoned").is_empty() {
            std::thread::yield_now();
        }
        // Virtual time runs by itself while nobody sends anything.
        std::thread::sleep(std::time::Duration::from_millis(50));
        stop.store(true, Ordering::Relaxed);
        server.join().expect("server ends")
    });
    assert_eq!(started, 1); // The second device has lost its power meanwhile.
    let replies = pipe.replies.lock().expect("not poisoned");
    assert_eq!((replies.len(), replies[0][17]), (1, 9));
}
