//! Distributed clocks: what a MainDevice measures at start-up must be true.

use super::{
    bench::{Bench, described, segment_of},
    main_device::connect,
    op::bring_up,
};
use crate::{
    clock,
    simulated::{InProcess, frame::Command, registers::*},
};

fn word64(bytes: &[u8]) -> u64 {
    u64::from_le_bytes(bytes[..8].try_into().expect("eight bytes"))
}

fn word32(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}

#[test]
fn receive_times_tell_the_delays() {
    let mut bench = Bench::new(&["EK1100", "SN7001", "EK1100"]);
    assert_eq!(bench.send(Command::Bwr, 0, RECEIVE_TIMES as u16, &[0; 4]).working_counter, 3);
    let latched_ns = bench.now_ns;
    let times: Vec<_> = (0..3).map(|position| bench.read(position, RECEIVE_TIMES, 32).0).collect();
    // Clocks start at zero with the segment and do not drift here: local time is segment time.
    for (position, times) in times.iter().enumerate() {
        let unit = word64(&times[24..]);
        assert_eq!(unit, latched_ns + 600 * position as u64);
        assert_eq!(word32(times, 0), unit as u32);
        assert_eq!(word32(times, 8), 0); // Ports 2 and 3 are not there.
    }
    // Loop times: what lies behind each device, there and back.
    let loops = [0, 1].map(|i| word32(&times[i], 4) - word32(&times[i], 0));
    assert_eq!(loops, [2 * (600 + 400), 600 + 400]);
    assert_eq!(word32(&times[2], 4), 0); // The end of the line.
}

#[test]
fn clocks_of_their_own_agree_after_start_up() {
    // A device without a clock comes last: ethercrab takes the delay over one in between for zero.
    let names = ["EK1100", "SN7001", "SN7001", "EL1008"];
    let descriptions: Vec<_> = names.iter().map(|name| described(name)).collect();
    let mut segment = segment_of(&descriptions);
    segment.scatter_clocks(7);
    let (main_device, mut bus) = connect(InProcess::new(segment));
    let group = bring_up(&mut bus, &main_device).expect("reaches OP");
    let clocks = |bus: &super::main_device::TestBus<'_, InProcess>| -> Vec<u64> {
        let devices = bus.wire.segment().devices().iter().filter(|device| device.has_clock);
        devices.map(|device| device.clock.system_ns(device.memory(), clock::now_ns())).collect()
    };
    let spread = |clocks: &[u64]| clocks.iter().max().unwrap() - clocks.iter().min().unwrap();
    assert_eq!(clocks(&bus).len(), 3);
    // Before: up to two seconds apart. The offsets are right but for drift since then and half a hop.
    assert!(spread(&clocks(&bus)) < 100_000, "{:?}", clocks(&bus));
    // Half a second undisturbed at up to ±50 ppm: apart by tens of microseconds.
    clock::advance_to(clock::now_ns() + 500_000_000);
    bus.block_on(group.tx_rx(&main_device)).expect("exchange");
    let adrift = spread(&clocks(&bus));
    assert!(adrift > 1_000, "{adrift} ns");
    // A thousand cycles of the reference's time, and they follow.
    for _ in 0..1_000 {
        clock::advance_to(clock::now_ns() + 1_000_000);
        let time = ethercrab::Command::frmw(0x1000, SYSTEM_TIME as u16).with_wkc(3);
        bus.block_on(time.receive_slice(&main_device, 8)).expect("FRMW");
    }
    let together = spread(&clocks(&bus));
    assert!(together < 1_000, "{together} ns");
    for device in bus.wire.segment().devices().iter().filter(|device| device.has_clock).skip(1) {
        let difference = word32(device.memory(), SYSTEM_TIME_DIFFERENCE) & 0x7fff_ffff;
        assert!(difference < 1_000, "{difference} ns");
    }
}

#[test]
fn the_difference_shows_who_is_behind() {
    let mut bench = Bench::new(&["EK1100"]);
    let (system, _) = bench.read(0, SYSTEM_TIME, 8);
    let ahead = (word64(&system) as u32).wrapping_add(1_000_000).to_le_bytes();
    bench.write(0, SYSTEM_TIME, &ahead);
    let shown = word32(&bench.read(0, SYSTEM_TIME_DIFFERENCE, 4).0, 0);
    assert!(shown & 1 << 31 != 0 && shown & 0x7fff_ffff > 200_000, "{shown:#x}");
    bench.write(0, SPEED_COUNTER_START, &[0, 0x10]);
    assert_eq!(bench.read(0, SYSTEM_TIME_DIFFERENCE, 4).0, [0; 4]);
    let behind = (word64(&bench.read(0, SYSTEM_TIME, 8).0) as u32).wrapping_sub(1_000_000).to_le_bytes();
    bench.write(0, SYSTEM_TIME, &behind);
    let shown = word32(&bench.read(0, SYSTEM_TIME_DIFFERENCE, 4).0, 0);
    assert!(shown & 1 << 31 == 0 && shown > 200_000, "{shown:#x}");
}

#[test]
fn the_start_time_reads_as_the_next_pulse() {
    let mut bench = Bench::new(&["SN7001"]);
    bench.write(0, SYNC0_CYCLE, &[0x40, 0x42, 0x0f, 0, 0, 0, 0, 0]); // 1 ms, and no SYNC1.
    let now = word64(&bench.read(0, SYSTEM_TIME, 8).0);
    bench.write(0, SYNC_START_TIME, &(now + 10_000).to_le_bytes());
    bench.write(0, SYNC_ACTIVATION, &[3]);
    assert_eq!(word64(&bench.read(0, SYNC_START_TIME, 8).0), now + 10_000);
    bench.now_ns += 7_500_000;
    assert_eq!(word64(&bench.read(0, SYNC_START_TIME, 8).0), now + 8_010_000);
}
