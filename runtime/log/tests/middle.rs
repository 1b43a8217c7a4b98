//! A log of 100 MB is read from its middle without the part before.

mod common;
#[path = "common/simulated.rs"]
mod simulated;

use sensai_log::{LogReader, append::Appender, storage::ReadAt};
use simulated::Run;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts what is read.
struct Counting<'a> {
    bytes: &'a [u8],
    read: AtomicU64,
}

impl ReadAt for Counting<'_> {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> std::io::Result<()> {
        self.read.fetch_add(buf.len() as u64, Ordering::Relaxed);
        self.bytes.read_at(buf, offset)
    }

    fn len(&self) -> std::io::Result<u64> {
        Ok(self.bytes.len() as u64)
    }
}

#[test]
fn reading_from_the_middle_touches_less_than_a_hundredth() {
    let directory = tempfile::tempdir().unwrap();
    let storage = Appender::create(Vec::new(), [9; 16]);
    let mut run = Run::start(storage, &directory.path().join("m.ring"), 1).unwrap();
    while run.core.appender().written_len() < 100_000_000 {
        run.cycle();
    }
    run.core.finish(true).unwrap();
    let last = run.cycle - 1;
    let bytes = run.core.into_parts().0.into_storage();

    let mut worst = 0;
    for cycle in (0..40).map(|i| 1 + common::mix(i) % (last - 200)) {
        let source = Counting { bytes: &bytes, read: AtomicU64::new(0) };
        let reader = LogReader::open(&source).unwrap();
        let keyframe = reader.keyframe_before(cycle).unwrap();
        if let Some(keyframe) = &keyframe {
            assert!(keyframe.cycle < cycle && cycle - keyframe.cycle < 200);
            assert_eq!(keyframe.bytes, common::keyframe(keyframe.cycle));
        }
        let from = keyframe.map_or(cycle, |keyframe| keyframe.cycle + 1);
        let mut count = 0;
        for (record, expected) in reader.records(from).take(100).zip(from..) {
            assert_eq!(record.unwrap().bytes(), common::expected(expected));
            count += 1;
        }
        assert_eq!(count, 100);
        worst = worst.max(source.read.load(Ordering::Relaxed));
    }
    let share = worst as f64 / bytes.len() as f64;
    println!("{worst} of {} bytes at most ({:.3} %)", bytes.len(), share * 100.0);
    assert!(share < 0.01, "{worst} of {} bytes", bytes.len());
}
