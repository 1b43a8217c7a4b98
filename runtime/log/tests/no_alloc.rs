//! The cyclic thread's side of the log: no allocation, with room in the ring and without.

mod common;

use sensai_alloc_count::{CountingAllocator, thread_counts};
use sensai_log::{CycleLog, KeyframeSlicer};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

#[test]
fn recording_never_allocates() {
    let directory = tempfile::tempdir().unwrap();
    let options = sensai_log::LogOptions { ring_slots: 1024, ..common::options(directory.path()) };
    let log = CycleLog::open(&directory.path().join("a.snlog"), options).unwrap();
    let (mut recorder, thread) = log.start(&common::spec(1), common::clock).unwrap();
    let mut slicer = KeyframeSlicer::new(common::KEYFRAME_LEN, 50);
    // The first use of a CRC asks the processor what it can.
    common::record_cycle(&mut recorder, &mut slicer, 1);
    let before = thread_counts();
    let mut kept = 1;
    for cycle in 2..=20_000 {
        kept += u64::from(common::record_cycle(&mut recorder, &mut slicer, cycle));
        recorder.event(cycle, 1, "a text that is copied");
    }
    let counts = thread_counts() - before;
    assert!(counts.is_quiet(), "{counts:?}");
    assert!(recorder.dropped() > 0, "the ring was never full");
    assert_eq!(kept + recorder.dropped(), 20_000);
    let statistics = thread.stop().unwrap();
    assert_eq!((statistics.records, statistics.dropped), (kept, 20_000 - kept));
    assert!(statistics.slices > 0 && statistics.events > 0);
    // The counter does count.
    let before = thread_counts();
    drop(std::hint::black_box(vec![1_u8; 100]));
    assert!(!(thread_counts() - before).is_quiet());
}
