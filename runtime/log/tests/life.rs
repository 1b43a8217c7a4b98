//! The life of a log: created, written, closed, opened again, read, exported, changed.

mod common;

use common::*;
use sensai_log::{
    CycleLog, KeyframeSlicer, LogError, LogReader,
    csv::{CsvOptions, export},
    patch::{Edit, patch},
    storage::ReadAt,
};
use sensai_model::record::{InboxEntry, InboxKind, RecordFlags};
use std::{collections::HashSet, fs, path::PathBuf};

fn directory() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("press.snlog");
    (directory, path)
}

#[test]
fn two_runs_in_one_file() {
    let (directory, path) = directory();
    assert_eq!(run(&path, 1500, 400), 1500);
    let first_len = fs::metadata(&path).unwrap().len();
    assert_eq!(run(&path, 700, 400), 2200);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "ring and temporary names are gone");

    let reader = LogReader::open_file(&path).unwrap();
    let cycles: Vec<u64> = reader
        .records(0)
        .map(|record| {
            let record = record.unwrap();
            assert_eq!(record.bytes(), expected(record.view().cycle()));
            record.view().cycle()
        })
        .collect();
    assert_eq!(cycles, (1..=2200).collect::<Vec<_>>());

    let report = reader.verify().unwrap();
    assert_eq!(report.bad, None);
    assert_eq!((report.records, report.epochs, report.ends), (2200, 2, 2));
    assert_eq!(report.ranges, [(1, 1500), (1501, 2200)]);
    assert_eq!(report.contents, 3, "the same bytes are stored once in the file");
    assert_eq!((report.keyframes, report.keyframes_incomplete), (6, 0));
    assert_eq!(report.good_len, report.file_len);
    assert!(report.gaps.is_empty());

    let info = reader.info().unwrap();
    assert_eq!(info.cycles, Some((1, 2200)));
    assert!(info.clean_end);
    assert_eq!(info.epochs.len(), 2);
    assert!(info.epochs[1].0 >= first_len);
    let epoch = &info.epochs[1].1;
    assert_eq!(epoch.tags, tags());
    assert_eq!(epoch.first_cycle, 1501);
    assert_eq!(epoch.previous_epoch, Some(info.epochs[0].0));
    let stored: Vec<Vec<u8>> =
        epoch.contents.iter().map(|content| reader.content(content).unwrap()).collect();
    assert_eq!(stored, spec(1).contents.into_iter().map(|(_, bytes)| bytes).collect::<Vec<_>>());
}

#[test]
fn records_and_keyframes_from_any_cycle() {
    let (_directory, path) = directory();
    run(&path, 1000, 300);
    run(&path, 1000, 300);
    let reader = LogReader::open_file(&path).unwrap();
    for cycle in 1..=2000 {
        let record = reader.record(cycle).unwrap();
        assert_eq!(record.bytes(), expected(cycle));
        let in_epoch = |of: u64| (of > 1000) == (cycle > 1000);
        match reader.keyframe_before(cycle).unwrap() {
            Some(keyframe) => {
                assert!(keyframe.cycle < cycle && in_epoch(keyframe.cycle), "{} for {cycle}", keyframe.cycle);
                assert!(cycle - keyframe.cycle <= 302, "{} for {cycle}", keyframe.cycle);
                assert_eq!(keyframe.bytes, self::keyframe(keyframe.cycle));
            }
            None => assert!(cycle == 1 || cycle == 1001, "no keyframe for {cycle}"),
        }
    }
    assert_eq!(reader.keyframe_at_or_before(1001).unwrap().unwrap().cycle, 1001);
    assert!(reader.keyframe_at_or_before(5000).unwrap().is_none());
    let error = reader.record(2001).unwrap_err().to_string();
    assert_eq!(error, "cycle 2001 was not recorded; the log holds cycles 1 to 2000");
    assert_eq!(reader.records(1990).count(), 11);
    assert_eq!(reader.records(2001).count(), 0);
}

#[test]
fn long_contents_and_epochs_are_stored_in_parts() {
    let (_directory, path) = directory();
    let model: Vec<u8> = (0..300_000_u64).map(|i| mix(i) as u8).collect();
    for first in [1, 11] {
        let log = CycleLog::open(&path, options(path.parent().unwrap())).unwrap();
        let mut spec = spec(first);
        spec.contents.push(("models/stroke.onnx".into(), model.clone()));
        spec.tags[0].description = "long ".repeat(40_000);
        let (mut recorder, thread) = log.start(&spec, clock).unwrap();
        for cycle in first..first + 10 {
            assert!(recorder.record(|record| fill(record, cycle)));
        }
        thread.stop().unwrap();
    }
    let reader = LogReader::open_file(&path).unwrap();
    let report = reader.verify().unwrap();
    assert_eq!((report.bad.clone(), report.epochs, report.contents), (None, 2, 4));
    let epochs = reader.epochs().unwrap();
    assert_eq!(epochs[0].1.tags[0].description.len(), 200_000);
    assert_eq!(reader.content(epochs[1].1.contents.last().unwrap()).unwrap(), model);
    assert!(report.file_len < 900_000, "the model is stored once: {}", report.file_len);
}

#[test]
fn a_full_ring_leaves_a_marked_gap_and_a_new_keyframe() {
    let (directory, path) = directory();
    let log = CycleLog::open(
        &path,
        sensai_log::LogOptions { ring_slots: 8, sync_interval_ns: u64::MAX, ..options(directory.path()) },
    )
    .unwrap();
    let (mut recorder, thread) = log.start(&spec(1), clock).unwrap();
    let mut slicer = KeyframeSlicer::new(KEYFRAME_LEN, 1_000_000);
    // The writer has no reason to look into so small a ring, so it fills up.
    let mut kept: Vec<u64> =
        (1..=20).filter(|cycle| record_cycle(&mut recorder, &mut slicer, *cycle)).collect();
    assert!(kept.len() < 20 && recorder.dropped() == 20 - kept.len() as u64);
    let lost = recorder.dropped();
    thread.stop().unwrap();

    // What was lost at the end is marked, too.
    let report = LogReader::open_file(&path).unwrap().verify().unwrap();
    assert_eq!(report.bad, None);
    assert_eq!(report.gaps.len(), 1);
    assert_eq!((report.gaps[0].reason, report.gaps[0].records), ("RingFull", lost));

    let log = CycleLog::open(
        &path,
        sensai_log::LogOptions { ring_slots: 64, sync_interval_ns: 2_000_000, ..options(directory.path()) },
    )
    .unwrap();
    let first = log.next_cycle();
    let (mut recorder, thread) = log.start(&spec(first), clock).unwrap();
    let mut cycle = first;
    // As fast as possible until something is lost, then on until the loss has been marked and a keyframe followed.
    while recorder.dropped() == 0 || slicer.last_cycle().is_none_or(|taken| taken < cycle - 20) {
        if recorder.dropped() > 0 {
            std::thread::yield_now();
        }
        if record_cycle(&mut recorder, &mut slicer, cycle) {
            kept.push(cycle);
        }
        cycle += 1;
    }
    let statistics = thread.stop().unwrap();
    assert!(statistics.dropped > 0 && statistics.gaps > 0, "{statistics:?}");

    let reader = LogReader::open_file(&path).unwrap();
    let report = reader.verify().unwrap();
    assert_eq!(report.bad, None);
    let mut found = Vec::new();
    for record in reader.records(0) {
        let record = record.unwrap();
        let view = record.view();
        assert!(is_expected(&view));
        let jumps = found.last().is_some_and(|last| view.cycle() != last + 1);
        let first_of_run = view.cycle() == first;
        assert_eq!(
            view.flags().contains(RecordFlags::GAP_BEFORE),
            jumps && !first_of_run,
            "{}",
            view.cycle()
        );
        found.push(view.cycle());
    }
    assert_eq!(found, kept);
    let marked: HashSet<u64> = report.gaps.iter().map(|gap| gap.before_cycle).collect();
    for pair in found.windows(2).filter(|pair| pair[1] != pair[0] + 1 && pair[1] != first) {
        assert!(marked.contains(&pair[1]), "the gap before {} is marked", pair[1]);
    }
}

#[test]
fn texts_arrive_once_and_in_order() {
    let (_directory, path) = directory();
    let log = CycleLog::open(&path, options(path.parent().unwrap())).unwrap();
    let (mut recorder, thread) = log.start(&spec(1), clock).unwrap();
    for cycle in 1..=50 {
        assert!(recorder.record(|record| fill(record, cycle)));
        assert!(recorder.event(cycle, 7, &format!("event {cycle} {}", "ä".repeat(cycle as usize * 20))));
    }
    thread.event(8, "from beside");
    thread.stop().unwrap();
    let reader = LogReader::open_file(&path).unwrap();
    let events = reader.events(0).unwrap();
    let ours: Vec<_> = events.iter().filter(|event| event.kind == 7).collect();
    assert_eq!(ours.len(), 50);
    for (event, cycle) in ours.iter().zip(1..) {
        assert_eq!(event.cycle, cycle);
        assert!(event.text.starts_with(&format!("event {cycle} ä")) && !event.text.contains('\u{fffd}'));
    }
    assert!(events.iter().any(|event| event.kind == 8 && event.text == "from beside"));
    assert_eq!(reader.verify().unwrap().events, 51);
}

#[test]
fn one_log_one_runtime() {
    let (_directory, path) = directory();
    let options = || options(path.parent().unwrap());
    let new = CycleLog::open(&path, options()).unwrap();
    assert!(matches!(CycleLog::open(&path, options()), Err(LogError::InUse { .. })));
    assert!(!path.exists(), "no half log");
    drop(new);
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 0);

    run(&path, 10, 100);
    let log = CycleLog::open(&path, options()).unwrap();
    assert!(matches!(CycleLog::open(&path, options()), Err(LogError::InUse { .. })));
    let (_recorder, thread) = log.start(&spec(11), clock).unwrap();
    assert!(matches!(CycleLog::open(&path, options()), Err(LogError::InUse { .. })));
    // Even if somebody took the file away: its ring is in use.
    fs::rename(&path, path.with_extension("moved")).unwrap();
    assert!(matches!(CycleLog::open(&path, options()), Err(LogError::InUse { .. })));
    drop(thread);
    assert!(!path.with_extension("snlog.new").exists(), "a refused start leaves nothing behind");
}

#[test]
fn a_start_killed_while_naming_its_log_endangers_no_log() {
    let (_directory, path) = directory();
    let first_name = path.with_extension("snlog.new");
    run(&path, 10, 100);
    let good = fs::read(&path).unwrap();
    // Killed between giving the second name and taking away the first.
    fs::hard_link(&path, &first_name).unwrap();
    let moved = path.with_extension("moved");
    fs::rename(&path, &moved).unwrap();
    run(&path, 5, 100);
    assert_eq!(fs::read(&moved).unwrap(), good, "the moved log is untouched");
    assert!(!first_name.exists());

    fs::hard_link(&path, &first_name).unwrap();
    run(&path, 5, 100);
    assert!(!first_name.exists());
    assert_eq!(LogReader::open_file(&path).unwrap().records(0).count(), 10);
}

#[test]
fn a_ring_left_behind_after_an_orderly_end_adds_nothing() {
    let (directory, path) = directory();
    let log = CycleLog::open(&path, options(directory.path())).unwrap();
    let ring_path = sensai_log::ring::path_for(log.path(), Some(directory.path()));
    let (mut recorder, thread) = log.start(&spec(1), clock).unwrap();
    let mut slicer = KeyframeSlicer::new(KEYFRAME_LEN, 5);
    for cycle in 1..=10 {
        assert!(record_cycle(&mut recorder, &mut slicer, cycle));
    }
    let kept = directory.path().join("kept");
    fs::hard_link(&ring_path, &kept).unwrap();
    thread.stop().unwrap();
    drop(recorder);
    fs::rename(&kept, &ring_path).unwrap();
    let good = fs::read(&path).unwrap();
    let log = CycleLog::open(&path, options(directory.path())).unwrap();
    assert_eq!((log.recovery().ring_records, log.recovery().unclean), (0, false));
    drop(log);
    assert_eq!(fs::read(&path).unwrap(), good);
}

#[test]
fn an_empty_file_becomes_a_log() {
    let (_directory, path) = directory();
    fs::write(&path, b"").unwrap();
    run(&path, 10, 100);
    assert_eq!(LogReader::open_file(&path).unwrap().records(0).count(), 10);
}

#[test]
fn foreign_and_altered_files_are_left_alone() {
    let (directory, path) = directory();
    let refused = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        let error = CycleLog::open(&path, options(directory.path())).err().expect("refused");
        assert_eq!(fs::read(&path).unwrap(), bytes, "nothing was changed");
        error
    };
    assert!(matches!(refused(b"text\n"), LogError::Foreign { .. }));
    assert!(matches!(refused(&[0; 10_000]), LogError::Foreign { .. }));

    fs::remove_file(&path).unwrap();
    run(&path, 3000, 1000);
    let good = fs::read(&path).unwrap();
    let mut other_version = good.clone();
    other_version[8] = 2;
    let crc = {
        other_version[12..16].fill(0);
        crc32fast::hash(&other_version[..256])
    };
    other_version[12..16].copy_from_slice(&crc.to_le_bytes());
    assert!(matches!(refused(&other_version), LogError::Version { expected: 1, actual: 2 }));
    for offset in [13, 200, 300, 5000, good.len() / 2, good.len() * 3 / 4] {
        let mut bad = good.clone();
        bad[offset] ^= 0x10;
        if LogReader::open(bad.clone()).is_ok_and(|reader| reader.verify().unwrap().is_good()) {
            panic!("a change at {offset} was not noticed");
        }
        match refused(&bad) {
            LogError::Altered { offset: at, .. } => assert!(at <= offset as u64, "{at} for {offset}"),
            error => panic!("{error} at {offset}"),
        }
    }
    fs::write(&path, &good).unwrap();
    assert!(CycleLog::open(&path, options(directory.path())).is_ok());
}

#[test]
fn what_does_not_fit_is_refused_at_the_start() {
    let (_directory, path) = directory();
    run(&path, 10, 100);
    let start = |change: &dyn Fn(&mut sensai_log::EpochSpec)| {
        let log = CycleLog::open(&path, options(path.parent().unwrap())).unwrap();
        let mut spec = spec(11);
        change(&mut spec);
        log.start(&spec, clock).err().expect("refused").to_string()
    };
    let error = start(&|spec| {
        spec.first_cycle = 10;
        spec.interval_ns = 0;
        spec.sync_units.clear();
        spec.tags[0].fields[0].bit_offset = 8 * INPUTS as u32;
        spec.keyframe[1].offset = 99;
    });
    for part in
        ["interval is 0", "0 names for 2 sync units", "tag start ends at byte 31", "begins at 99", "cycle 10"]
    {
        assert!(error.contains(part), "{error}");
    }
    let again = CycleLog::open(&path, options(path.parent().unwrap())).unwrap();
    assert_eq!(again.recovery().torn_bytes, 0);
    assert!(again.start(&spec(11), clock).is_ok());
}

#[test]
fn tags_are_exported_with_units_and_validity() {
    let (_directory, path) = directory();
    run(&path, 300, 100);
    let reader = LogReader::open_file(&path).unwrap();
    let mut table = Vec::new();
    let options = CsvOptions { cycles: 101..=110, record_fields: true };
    assert_eq!(export(&reader, &options, &mut table).unwrap(), 10);
    let table = String::from_utf8(table).unwrap();
    let mut lines = table.lines();
    let header: Vec<&str> = lines.next().unwrap().split(',').collect();
    let column =
        |name: &str| header.iter().position(|column| *column == name).unwrap_or_else(|| panic!("{name}"));
    for (line, cycle) in lines.zip(101_u64..) {
        let cells: Vec<&str> = line.split(',').collect();
        assert_eq!(cells.len(), header.len());
        let record = reader.record(cycle).unwrap();
        let view = record.view();
        assert_eq!(cells[column("cycle")], cycle.to_string());
        assert_eq!(cells[column("time [ns]")], (cycle * 1_000_000).to_string());
        let raw = i16::from_le_bytes([view.inputs()[2], view.inputs()[3]]);
        assert_eq!(cells[column("force.ram [N]")], (f64::from(raw) * 0.1 + -0.3).to_string());
        assert_eq!(cells[column("force.ram.valid")], "1");
        assert_eq!(cells[column("start")], (view.inputs()[0] & 8 != 0).to_string());
        assert_eq!(cells[column("valve.down")], (view.outputs()[0] & 8 != 0).to_string());
        assert_eq!(cells[column("state_hash")], mix(cycle).to_string());
        for (unit, counter) in record.epoch.sync_units.iter().zip(view.working_counters()) {
            assert_eq!(cells[column(&format!("working_counter.{unit}"))], counter.to_string());
        }
        assert_eq!(cells[column("flags")], "COMMITTED");
        assert_eq!(cells[column("fault")], if cycle == 101 { "F301 source 0 line 101:3" } else { "" });
        let inbox = if cycle == 105 { "Parameter 105 -105 0" } else { "" };
        assert_eq!(cells[column("inbox")], inbox);
    }
    assert!(!table.contains("parts.good"), "memory is no part of a record");
}

#[test]
fn an_invalid_unit_shows_what_the_programs_saw() {
    let (_directory, path) = directory();
    run(&path, 20, 100);
    let reader = LogReader::open_file(&path).unwrap();
    let mut patched = Vec::new();
    patch(&reader, &[(10, Edit::SetValid(0))], &mut patched).unwrap();
    let mut table = Vec::new();
    let options = CsvOptions { cycles: 9..=10, record_fields: false };
    export(&LogReader::open(patched).unwrap(), &options, &mut table).unwrap();
    let table = String::from_utf8(table).unwrap();
    let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split(',').collect()).collect();
    let column = |name: &str| rows[0].iter().position(|column| *column == name).unwrap();
    assert_eq!(rows[2][column("force.ram.valid")], "0");
    assert_eq!(rows[2][column("force.ram [N]")], rows[1][column("force.ram [N]")], "held");
}

#[test]
fn a_patched_log_verifies_and_differs_only_there() {
    let (_directory, path) = directory();
    run(&path, 500, 100);
    let reader = LogReader::open_file(&path).unwrap();
    let entry = InboxEntry { kind: InboxKind::Stop, source: 1, sequence: 9, argument: [0; 3] };
    let edits = [
        (77, Edit::FlipInput { bit: 17 }),
        (77, Edit::SetOutput { offset: 1, value: 0xAB }),
        (300, Edit::ClearInbox),
        (300, Edit::AddInbox(entry)),
        (301, Edit::SetStateHash(5)),
    ];
    let mut patched = Vec::new();
    patch(&reader, &edits, &mut patched).unwrap();
    assert_eq!(patched.len() as u64, fs::metadata(&path).unwrap().len());
    let patched = LogReader::open(patched).unwrap();
    let report = patched.verify().unwrap();
    assert_eq!(report.bad, None);
    assert_ne!(report.chain, reader.verify().unwrap().chain);
    let differ: Vec<u64> = reader
        .records(0)
        .zip(patched.records(0))
        .filter_map(|(old, new)| {
            let (old, new) = (old.unwrap(), new.unwrap());
            (old.bytes() != new.bytes()).then(|| old.view().cycle())
        })
        .collect();
    assert_eq!(differ, [77, 300, 301]);
    let record = patched.record(77).unwrap();
    assert_eq!(record.view().inputs()[2], reader.record(77).unwrap().view().inputs()[2] ^ 2);
    assert_eq!(record.view().outputs()[1], 0xAB);
    assert_eq!(patched.record(300).unwrap().view().inbox().collect::<Vec<_>>(), [entry]);

    let mut nowhere = Vec::new();
    let missing = patch(&reader, &[(501, Edit::SetValid(0))], &mut nowhere).unwrap_err();
    assert!(missing.to_string().contains("cycle 501 was not recorded"), "{missing}");
    let outside = patch(&reader, &[(5, Edit::FlipInput { bit: 240 })], &mut nowhere).unwrap_err();
    assert_eq!(outside.to_string(), "cycle 5: byte 30 of an image of 30 bytes");
    assert_eq!(reader.info().unwrap().file_len, ReadAt::len(&fs::File::open(&path).unwrap()).unwrap());
}
