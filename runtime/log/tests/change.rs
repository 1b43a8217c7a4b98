//! Other programs in the middle of a run: the records before and behind it, when nothing goes wrong and when the ring is full
//! or the process dies.

mod common;

use common::*;
use sensai_log::{CycleLog, EpochMark, KeyframeSlicer, LogOptions, LogReader, LogThread, Recorder, Start};
use std::path::Path;

struct Running {
    recorder: Recorder,
    slicer: KeyframeSlicer,
    thread: LogThread,
}

impl Running {
    fn new(path: &Path, ring_slots: u64) -> Self {
        let options = LogOptions { ring_slots, ..options(path.parent().unwrap()) };
        let log = CycleLog::open(path, options).unwrap();
        let (recorder, thread) = log.start(&spec(log_next(path)), clock).unwrap();
        Self { recorder, slicer: KeyframeSlicer::new(KEYFRAME_LEN, 50), thread }
    }

    fn cycles(&mut self, cycles: std::ops::RangeInclusive<u64>) {
        for cycle in cycles {
            while !record_cycle(&mut self.recorder, &mut self.slicer, cycle) {
                std::thread::yield_now();
            }
        }
    }

    fn change(&mut self, edition: u32, cycle: u64) -> EpochMark {
        let mark = self.thread.epochs().prepare(change(edition)).unwrap();
        self.recorder.begin_epoch(&mark, cycle);
        let len = keyframe_len(edition);
        self.slicer.restart(len, &mut vec![0; len].into());
        mark
    }
}

fn log_next(path: &Path) -> u64 {
    LogReader::open_file(path).map_or(1, |reader| reader.last_cycle() + 1)
}

fn check(path: &Path, last: u64, editions: &[(u64, u32)]) -> LogReader<std::fs::File> {
    let reader = LogReader::open_file(path).unwrap();
    let report = reader.verify().unwrap();
    assert_eq!(report.bad, None);
    assert_eq!(report.ranges, [(1, last)], "an edition is no gap");
    let epochs = reader.epochs().unwrap();
    let found: Vec<_> = epochs.iter().map(|(_, epoch)| (epoch.first_cycle, epoch.edition)).collect();
    assert_eq!(found, editions);
    for cycle in 1..=last {
        let record = reader.record(cycle).unwrap();
        let (_, edition) = editions.iter().rfind(|(first, _)| *first <= cycle).unwrap();
        assert_eq!((record.bytes(), record.epoch.edition), (&*expected(cycle), *edition));
        let Start { keyframe, epoch, first } = reader.start_for(cycle).unwrap();
        assert_eq!(first, keyframe.as_ref().map_or(1, |keyframe| keyframe.cycle + 1));
        assert!(first <= cycle && cycle - first <= 110, "{first} for {cycle}");
        if let Some(keyframe) = keyframe {
            assert_eq!(epoch.edition, reader.record(keyframe.cycle).unwrap().epoch.edition);
            assert_eq!(keyframe.bytes, keyframe_of(keyframe.cycle, epoch.keyframe_len() as usize));
        }
    }
    reader
}

#[test]
fn every_record_is_of_its_edition_and_every_replay_has_a_place_to_begin() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.snlog");
    let mut run = Running::new(&path, 4096);
    run.cycles(1..=70);
    run.change(1, 71);
    run.cycles(71..=71);
    // The undo comes before a keyframe is complete: what leads to one is the keyframe before the change.
    run.change(2, 72);
    run.cycles(72..=72);
    let written = |_| {
        std::thread::sleep(std::time::Duration::from_millis(1));
        LogReader::open_file(&path).ok().filter(|reader| reader.last_cycle() == 72)
    };
    let reader = (0..10_000).find_map(written).expect("the writer follows");
    let info = reader.info().unwrap();
    let begin = reader.start_for(72).unwrap().keyframe.map(|keyframe| keyframe.cycle);
    assert_eq!((info.epochs.len(), info.keyframe_cycle, begin), (3, Some(51), Some(51)));
    run.cycles(73..=300);
    run.change(3, 301);
    run.cycles(301..=400);
    assert_eq!(run.thread.stop().unwrap().last_error, None);
    let reader = check(&path, 400, &[(1, 0), (71, 1), (72, 2), (301, 3)]);
    let (_, last) = reader.epochs().unwrap().pop().unwrap();
    assert_eq!(reader.content(&last.contents[1]).unwrap(), text(3));
    assert_eq!(reader.content(&last.replaced[0].content).unwrap(), text(2));
    // Each of the two texts is stored once, beside what the run began with.
    let first = reader.epochs().unwrap()[0].1.clone();
    assert_eq!(last.contents[0], first.contents[0]);
    assert_eq!(last.first_of_run(), 1);
    assert_eq!(last.start_utc_ns - first.start_utc_ns, 300_000_000);
}

#[test]
fn a_change_that_was_prepared_and_not_marked_never_was() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.snlog");
    let mut run = Running::new(&path, 4096);
    run.cycles(1..=10);
    run.thread.epochs().prepare(change(1)).unwrap();
    run.cycles(11..=20);
    let refused = run.thread.epochs().prepare(sensai_log::EpochChange {
        contents: vec![("programs/other.rhai".into(), Vec::new())],
        ..change(1)
    });
    assert!(refused.unwrap_err().to_string().contains("programs/other.rhai is no file of the run"));
    let epochs = run.thread.epochs();
    run.thread.stop().unwrap();
    assert!(epochs.prepare(change(1)).is_err(), "nobody is there any more");
    check(&path, 20, &[(1, 0)]);
}

/// The mark waits for room as a record does: what cannot be placed behind it is lost, and the gap is marked.
#[test]
fn a_full_ring_keeps_the_mark_and_loses_records() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.snlog");
    let log = CycleLog::open(&path, LogOptions { ring_slots: 8, ..options(directory.path()) }).unwrap();
    let (mut recorder, thread) = log.start(&spec(1), clock).unwrap();
    let mark = thread.epochs().prepare(change(1)).unwrap();
    let (mut recorded, mut cycle) = (0, 0);
    // Faster than any writer: until one is lost.
    while recorder.dropped() == 0 {
        cycle += 1;
        recorded += u64::from(recorder.record(|record| fill(record, cycle)));
    }
    let swapped = cycle + 1;
    recorder.begin_epoch(&mark, swapped);
    for cycle in swapped..swapped + 2000 {
        recorded += u64::from(recorder.record(|record| fill(record, cycle)));
        if cycle.is_multiple_of(16) {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
    }
    let dropped = recorder.dropped();
    thread.stop().unwrap();
    let reader = LogReader::open_file(&path).unwrap();
    let report = reader.verify().unwrap();
    assert_eq!((report.bad, report.records), (None, recorded));
    assert_eq!(dropped + recorded, swapped + 1999);
    for record in reader.records(0) {
        let record = record.unwrap();
        assert!(is_expected(&record.view()));
        assert_eq!(record.epoch.edition, u32::from(record.view().cycle() >= swapped));
    }
}

#[test]
fn a_killed_process_leaves_mark_and_description() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.snlog");
    // The ring of a run that goes on without a writer, as if that had been killed at once.
    let log = CycleLog::open(&path, LogOptions { ring_slots: 1024, ..options(directory.path()) }).unwrap();
    let (recorder, thread) = log.start(&spec(1), clock).unwrap();
    let ring = std::fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().path());
    let ring = ring.into_iter().find(|path| path.extension().is_some_and(|end| end == "ring")).unwrap();
    let mut run = Running { recorder, slicer: KeyframeSlicer::new(KEYFRAME_LEN, 50), thread };
    run.cycles(1..=40);
    run.change(1, 41);
    let held = std::fs::read(&path).unwrap();
    run.cycles(41..=90);
    let slots = std::fs::read(&ring).unwrap();
    drop(run);
    // As it was when the description was durable and the mark in the ring, and nothing behind it in the file.
    std::fs::write(&path, &held).unwrap();
    std::fs::write(&ring, &slots).unwrap();
    let mut run = Running::new(&path, 1024);
    run.cycles(91..=120);
    assert_eq!(run.thread.stop().unwrap().last_error, None);
    let reader = LogReader::open_file(&path).unwrap();
    let report = reader.verify().unwrap();
    assert_eq!((report.bad, report.records), (None, 120));
    let found: Vec<_> =
        reader.epochs().unwrap().iter().map(|(_, epoch)| (epoch.first_cycle, epoch.edition)).collect();
    assert_eq!(found, [(1, 0), (41, 1), (91, 0)]);
    assert!(reader.records(0).all(|record| is_expected(&record.unwrap().view())));
}
