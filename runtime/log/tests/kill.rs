//! `kill -9` at any moment: every committed cycle is in the log afterwards, and none that never was.

mod common;

use sensai_log::{CycleLog, KeyframeSlicer, LogOptions, LogReader};
use std::{
    fs::{File, OpenOptions},
    os::unix::fs::FileExt,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

const CHILD: &str = "SENSAI_LOG_KILL_CHILD";

fn options(directory: &Path) -> LogOptions {
    LogOptions { sync_interval_ns: 20_000_000, ring_slots: 512, ring_directory: Some(directory.to_owned()) }
}

/// Two numbers beside the log that a killed process leaves behind: the last cycle it began to record, and the last
/// one it had committed.
struct Marks(File);

impl Marks {
    fn open(directory: &Path) -> Self {
        let mut options = OpenOptions::new();
        Self(
            options
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .open(directory.join("marks"))
                .unwrap(),
        )
    }

    fn set(&self, which: u64, cycle: u64) {
        self.0.write_all_at(&cycle.to_le_bytes(), which * 8).unwrap();
    }

    fn get(&self, which: u64) -> u64 {
        let mut bytes = [0; 8];
        self.0.read_exact_at(&mut bytes, which * 8).map_or(0, |()| u64::from_le_bytes(bytes))
    }
}

/// Not a test: what the killed process does. Returns at once in a normal run.
#[test]
fn child() {
    let Some(path) = std::env::var_os(CHILD) else { return };
    let path = Path::new(&path);
    let directory = path.parent().unwrap();
    let marks = Marks::open(directory);
    let log = CycleLog::open(path, options(directory)).unwrap();
    assert!(log.next_cycle() > marks.get(1), "a committed cycle is missing at the next start");
    let mut cycle = log.next_cycle();
    let (mut recorder, thread) = log.start(&common::spec(cycle), common::clock).unwrap();
    let mut slicer = KeyframeSlicer::new(common::KEYFRAME_LEN, 100);
    let (epochs, mut edition) = (thread.epochs(), 0);
    loop {
        marks.set(0, cycle);
        if common::record_cycle(&mut recorder, &mut slicer, cycle) {
            marks.set(1, cycle);
            cycle += 1;
            if cycle.is_multiple_of(150) {
                edition += 1;
                let mark = epochs.prepare(common::change(edition)).unwrap();
                recorder.begin_epoch(&mark, cycle);
                let len = common::keyframe_len(edition);
                slicer.restart(len, &mut vec![0; len].into());
            }
        }
        if cycle.is_multiple_of(16) {
            std::thread::sleep(Duration::from_micros(500));
        }
    }
}

/// The log holds 1 to some cycle that was committed, all of it right.
fn check(path: &Path, marks: &Marks, round: u64) -> u64 {
    let reader = LogReader::open_file(path).unwrap();
    let mut last = 0;
    for record in reader.records(0) {
        let record = record.unwrap();
        assert_eq!(record.view().cycle(), last + 1, "round {round}");
        assert!(common::is_expected(&record.view()), "round {round}: cycle {}", last + 1);
        last += 1;
    }
    let (begun, committed) = (marks.get(0), marks.get(1));
    assert!(
        (committed..=begun).contains(&last),
        "round {round}: {last}, committed {committed}, begun {begun}"
    );
    last
}

#[test]
fn every_committed_cycle_survives_and_none_is_invented() {
    let rounds: u64 = if std::env::var_os("SENSAI_SOAK").is_some() { 1000 } else { 50 };
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("killed.snlog");
    let marks = Marks::open(directory.path());
    let (mut from_ring, mut opened) = (0, 0);
    for round in 0..rounds {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child", "--nocapture"])
            .env(CHILD, &path)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // Also while it starts: opening, recovering, beginning its epoch.
        std::thread::sleep(Duration::from_micros(common::mix(round) % 60_000));
        child.kill().unwrap();
        let status = child.wait().unwrap();
        assert_eq!(
            std::os::unix::process::ExitStatusExt::signal(&status),
            Some(9),
            "round {round}: it failed itself"
        );
        // Every other time the next child has to recover alone, and may be killed while it does.
        if common::mix(round + 1_000_000).is_multiple_of(2) || round + 1 == rounds {
            let log = CycleLog::open(&path, options(directory.path())).unwrap();
            assert_eq!(log.recovery().ring_note, None);
            from_ring += log.recovery().ring_records;
            opened += 1;
            let next = log.next_cycle();
            drop(log);
            if path.exists() {
                assert_eq!(check(&path, &marks, round) + 1, next);
            }
        }
    }
    let report = LogReader::open_file(&path).unwrap().verify().unwrap();
    assert_eq!(report.bad, None);
    let (records, epochs, keyframes) = (report.records, report.epochs, report.keyframes);
    println!(
        "{rounds} kills, {opened} looks: {records} records in {epochs} epochs, {keyframes} keyframes, {from_ring} from rings"
    );
    assert!(records > 10 * rounds && epochs > rounds / 4 && from_ring > 0);
}
