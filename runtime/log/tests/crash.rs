//! The power fails, or the process dies, in every single write and sync.

mod common;
#[path = "common/simulated.rs"]
mod simulated;

use sensai_log::{
    CycleLog, LogOptions, LogReader,
    append::Appender,
    ring,
    storage::{ReadAt, SimulatedDisk},
};
use simulated::{Run, SYNC_INTERVAL};
use std::path::Path;

const BEFORE: u64 = 150;
const CYCLES: u64 = 200;

fn seeds() -> u64 {
    if std::env::var_os("SENSAI_SOAK").is_some() { 300 } else { 12 }
}

/// A second run on a log that already has one, until it ends or the power fails.
fn second_run(disk: SimulatedDisk, ring_path: &Path) -> (Option<Run<SimulatedDisk>>, u64) {
    let Ok((appender, recovery)) = Appender::open(disk) else { return (None, 0) };
    assert!(!recovery.unclean);
    let Ok(mut run) = Run::start(appender, ring_path, 2) else { return (None, 0) };
    run.change_every = 45;
    for _ in 0..CYCLES {
        run.cycle();
        if run.core.appender().storage().is_dead() {
            let now = run.now;
            return (Some(run), now);
        }
    }
    let _ = run.core.finish(true);
    let now = run.now;
    (Some(run), now)
}

/// Everything in `bytes` is right, complete up to some cycle, and followed by nothing. Returns that cycle.
fn check(bytes: &[u8], what: &str) -> u64 {
    let reader = LogReader::open(bytes.to_vec()).unwrap_or_else(|error| panic!("{what}: {error}"));
    let mut last = 0;
    for record in reader.records(0) {
        let record = record.unwrap_or_else(|error| panic!("{what}: {error}"));
        let cycle = record.view().cycle();
        assert_eq!(cycle, last + 1, "{what}");
        assert_eq!(record.bytes(), common::expected(cycle), "{what}: cycle {cycle}");
        last = cycle;
    }
    let report = reader.verify().unwrap();
    assert_eq!(report.bad, None, "{what}");
    assert_eq!(report.records, last, "{what}");
    if let Some(keyframe) =
        reader.keyframe_at_or_before(last).unwrap_or_else(|error| panic!("{what}: {error}"))
    {
        let bytes = common::keyframe_of(keyframe.cycle, keyframe.bytes.len());
        assert_eq!(keyframe.bytes, bytes, "{what}");
    }
    check_epochs(&reader, what);
    last
}

/// Every epoch is whole, and has the program of its edition.
fn check_epochs(reader: &LogReader<Vec<u8>>, what: &str) {
    for (_, epoch) in reader.epochs().unwrap_or_else(|error| panic!("{what}: {error}")) {
        let of = |content| reader.content(content).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(epoch.keyframe_len(), common::keyframe_len(epoch.edition) as u64, "{what}");
        if epoch.edition > 0 {
            assert_eq!(of(&epoch.contents[1]), common::text(epoch.edition), "{what}");
            assert_eq!(of(&epoch.replaced[0].content), common::text(epoch.edition - 1), "{what}");
        }
    }
}

/// The next start recovers, goes on, and everything is one good log.
fn go_on(bytes: Vec<u8>, last: u64, ring_path: &Path, what: &str) {
    let (appender, recovery) = Appender::open(bytes).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(recovery.last_cycle, last, "{what}");
    let mut run = Run::start(appender, ring_path, 3).unwrap();
    for _ in 0..20 {
        run.cycle();
    }
    run.core.finish(true).unwrap();
    let bytes = run.core.into_parts().0.into_storage();
    assert_eq!(check(&bytes, what), last + 20, "{what}");
}

#[test]
fn a_power_failure_costs_at_most_the_sync_interval_and_mixes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let ring_path = directory.path().join("c.ring");
    let first = simulated::run(Vec::new(), BEFORE, 1);
    let (whole, _) = second_run(SimulatedDisk::with(first.clone()), &ring_path);
    let calls = whole.unwrap().core.appender().storage().calls();
    assert!(calls > 20, "{calls} calls are too few to mean anything");
    let mut cut = 0;
    for call in 0..calls {
        let mut disk = SimulatedDisk::with(first.clone());
        disk.crash_at(call);
        // The disk goes with the appender when opening or starting fails; then nothing but the first run is there,
        // and the next test looks at those moments.
        let (Some(run), at) = second_run(disk, &ring_path) else { continue };
        let owed = run.committed_until(at.saturating_sub(SYNC_INTERVAL)).max(BEFORE);
        let newest = run.committed_until(u64::MAX).max(BEFORE);
        for seed in 0..seeds() {
            let what = format!("power failure in call {call}, seed {seed}");
            let bytes = run.core.appender().storage().after_power_loss(seed);
            let last = check(&bytes, &what);
            assert!((owed..=newest).contains(&last), "{what}: {last} of {newest} left, owed {owed}");
            cut += u64::from(LogReader::open(bytes.clone()).unwrap().info().unwrap().torn_bytes > 0);
            go_on(bytes, last, &directory.path().join("d.ring"), &what);
        }
    }
    assert!(cut > 10, "the simulated disk tore only {cut} ends");
}

#[test]
fn a_power_failure_while_opening_and_starting_costs_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let ring_path = directory.path().join("c.ring");
    let first = simulated::run(Vec::new(), BEFORE, 1);
    // A log with a torn end, so that opening has something to cut.
    let torn = {
        let mut disk = SimulatedDisk::with(first);
        disk.crash_at(8);
        let (run, _) = second_run(disk, &ring_path);
        let run = run.expect("the crash comes after the start");
        (0..100)
            .map(|seed| run.core.appender().storage().after_power_loss(seed))
            .find(|bytes| LogReader::open(bytes.clone()).unwrap().info().unwrap().torn_bytes > 0)
            .expect("some seed tears the end")
    };
    let last = check(&torn, "torn");
    let mut moments = 0;
    for call in 0.. {
        let mut disk = Shared::new(SimulatedDisk::with(torn.clone()));
        disk.disk().crash_at(call);
        let done = Appender::open(disk.clone())
            .and_then(|(mut appender, _)| appender.begin_epoch(&common::spec(last + 1), [4; 16]).map(|_| ()));
        for seed in 0..seeds() {
            let what = format!("power failure in call {call} of a start, seed {seed}");
            let bytes = disk.disk().after_power_loss(seed);
            assert_eq!(check(&bytes, &what), last, "{what}");
            go_on(bytes, last, &directory.path().join("d.ring"), &what);
        }
        moments += 1;
        if done.is_ok() {
            break;
        }
    }
    assert!(moments > 3);
}

#[test]
fn a_killed_process_loses_nothing_committed_whatever_it_was_writing() {
    let first = simulated::run(Vec::new(), BEFORE, 1);
    let calls = {
        let directory = tempfile::tempdir().unwrap();
        let (run, _) = second_run(SimulatedDisk::with(first.clone()), &directory.path().join("x.ring"));
        run.unwrap().core.appender().storage().calls()
    };
    let mut from_ring = 0;
    for call in 0..calls {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().canonicalize().unwrap().join("killed.snlog");
        let ring_path = ring::path_for(&path, Some(directory.path()));
        let mut disk = SimulatedDisk::with(first.clone());
        disk.crash_at(call);
        let (Some(run), _) = second_run(disk, &ring_path) else { continue };
        let committed = run.committed_until(u64::MAX).max(BEFORE);
        std::fs::write(&path, run.core.appender().storage().cached()).unwrap();
        drop(run);
        let options =
            LogOptions { ring_directory: Some(directory.path().to_owned()), ..LogOptions::default() };
        // A second start that is itself killed right after opening changes nothing.
        for again in 0..2 {
            let log = CycleLog::open(&path, options.clone()).unwrap();
            assert_eq!(log.recovery().ring_note, None);
            assert_eq!(log.next_cycle(), committed + 1, "killed in call {call}, start {again}");
            from_ring += log.recovery().ring_records;
            drop(log);
            let bytes = std::fs::read(&path).unwrap();
            assert_eq!(check(&bytes, &format!("killed in call {call}")), committed);
        }
    }
    assert!(from_ring > 100, "only {from_ring} records came from rings");
}

#[test]
fn errors_of_the_disk_are_counted_and_made_good() {
    let directory = tempfile::tempdir().unwrap();
    let ring_path = directory.path().join("e.ring");
    let first = simulated::run(Vec::new(), BEFORE, 1);
    let mut made_good = 0;
    for call in 3..20 {
        let mut disk = SimulatedDisk::with(first.clone());
        disk.fail_at(call);
        disk.fail_at(call + 1);
        let Ok((appender, _)) = Appender::open(disk) else { continue };
        let Ok(mut run) = Run::start(appender, &ring_path, 2) else { continue };
        for _ in 0..400 {
            run.cycle();
        }
        let statistics = run.core.statistics().clone();
        assert!(run.core.appender().storage().calls() > call + 1, "the errors came while it ran");
        assert_eq!(statistics.write_errors + statistics.sync_errors, 2, "{call}: {statistics:?}");
        assert!(statistics.last_error.unwrap().contains("no storage space"));
        run.core.finish(true).unwrap();
        made_good += 1;
        let storage = run.core.into_parts().0.into_storage();
        // Also what a failed sync threw away is on the disk by now.
        assert_eq!(check(&storage.after_power_loss(0), &format!("failing call {call}")), BEFORE + 400);
    }
    assert!(made_good > 10, "{made_good}");
}

#[test]
fn a_disk_that_stays_full_costs_records_and_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let mut disk = SimulatedDisk::default();
    for call in 20..40 {
        disk.fail_at(call);
    }
    let mut run = Run::start(Appender::create(disk, [9; 16]), &directory.path().join("f.ring"), 1).unwrap();
    while run.core.statistics().gaps == 0 {
        run.cycle();
        assert!(run.cycle < 100_000);
    }
    run.core.finish(true).unwrap();
    let statistics = run.core.statistics().clone();
    assert!(statistics.dropped > 0 && statistics.write_errors > 5, "{statistics:?}");
    let committed: Vec<u64> = run.committed.iter().map(|(cycle, _)| *cycle).collect();
    let storage = run.core.into_parts().0.into_storage();
    let reader = LogReader::open(storage.after_power_loss(0)).unwrap();
    let found: Vec<u64> = reader.records(0).map(|record| record.unwrap().view().cycle()).collect();
    assert_eq!(found, committed);
    let report = reader.verify().unwrap();
    assert_eq!((report.bad, report.gaps.len()), (None, 1));
    assert_eq!(report.gaps[0].records, statistics.dropped);
    assert_eq!(report.ranges.len(), 2);
}

/// A disk that can be looked at after its user has failed.
#[derive(Clone)]
struct Shared(std::sync::Arc<std::sync::Mutex<SimulatedDisk>>);

impl Shared {
    fn new(disk: SimulatedDisk) -> Self {
        Self(std::sync::Arc::new(std::sync::Mutex::new(disk)))
    }

    fn disk(&mut self) -> std::sync::MutexGuard<'_, SimulatedDisk> {
        self.0.lock().unwrap()
    }
}

impl ReadAt for Shared {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> std::io::Result<()> {
        self.0.lock().unwrap().read_at(buf, offset)
    }

    fn len(&self) -> std::io::Result<u64> {
        self.0.lock().unwrap().len()
    }
}

impl sensai_log::storage::Storage for Shared {
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> std::io::Result<()> {
        self.disk().write_at(bytes, offset)
    }

    fn sync(&mut self) -> std::io::Result<()> {
        self.disk().sync()
    }

    fn set_len(&mut self, len: u64) -> std::io::Result<()> {
        self.disk().set_len(len)
    }
}
