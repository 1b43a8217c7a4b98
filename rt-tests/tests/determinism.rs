//! The same seed gives the same bytes, and nothing else has a say: not the pace, not the load, not the build.

use rt_tests::{
    Profile,
    cells::PressCell,
    harness::{RUN_LIMIT, Running, count, exclusive, output_of, sensai_command, tool},
    raw_log::{Places, RawLog, RawRecord},
};
use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Run the example into a log.
#[track_caller]
fn record(cell: &PressCell, name: &str, cycles: u64, options: &[&str]) -> PathBuf {
    let log = cell.beside(&format!("{name}.snlog"));
    let mut command = sensai_command(Profile::Release);
    command.arg("run").arg(cell.directory()).args(["--cycles", &cycles.to_string()]).args(options);
    output_of(command.arg("--log").arg(&log), RUN_LIMIT).expect_code(0);
    log
}

#[track_caller]
fn records(log: &Path, cycles: u64) -> (Vec<RawRecord>, Places) {
    let raw = RawLog::read(log);
    let records = raw.records();
    assert!((cycles..cycles + 10).contains(&(records.len() as u64)), "{} records", records.len());
    (records, raw.places())
}

/// What a cycle computes: its number, inputs and validity, outputs, and the hash of everything else. Timings, and
/// overruns of a run at real pace, are of the computer and not of the cell.
fn computed(record: &RawRecord, places: Places) -> (u64, u32, &[u8], &[u8], u64, u16) {
    let (inputs, outputs) = (record.inputs(places), record.outputs(places));
    (record.cycle(), record.valid(), inputs, outputs, record.hash(), record.fault())
}

#[track_caller]
fn assert_computed_alike(one: &Path, two: &Path, cycles: u64) {
    let ((one, places), (two, same)) = (records(one, cycles), records(two, cycles));
    assert_eq!(places, same);
    for (one, two) in one.iter().zip(&two) {
        assert_eq!(computed(one, places), computed(two, places));
    }
    assert_eq!(one.len(), two.len());
}

/// The ring is full in milliseconds, and the run is faster than any writer.
#[test]
fn virtual_time_waits_for_the_log_however_small_its_ring() {
    let settings = "sync_interval = \"50ms\"\nring = \"100ms\"\n";
    let cell = PressCell::new().with("cell.toml", "sync_interval = \"100ms\"\n", settings);
    let cycles = count(20_000, 600_000);
    let log = record(&cell, "small", cycles, &["--virtual"]);
    let (all, _) = records(&log, cycles);
    assert!(all.iter().zip(1..).all(|(record, number)| record.cycle() == number), "no cycle is missing");
}

/// Busy processes, two for each core, at ordinary priority; gone when dropped.
fn load() -> Vec<Running> {
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let mut spin = Command::new("sh");
    spin.args(["-c", "while :; do :; done"]).stdin(Stdio::null());
    let mut busy: Vec<_> = (0..2 * cores).map(|_| Running::start(&mut spin)).collect();
    // Memory, caches and system calls as well, where it is installed.
    if let Ok(stress) = tool("stress-ng") {
        let mut command = Command::new(stress);
        command.args(["--quiet", "--vm", "1", "--vm-bytes", "64M", "--switch", "1", "--timeout", "120"]);
        busy.push(Running::start(command.stdout(Stdio::null()).stderr(Stdio::null())));
    }
    busy
}

#[test]
fn determinism_of_a_seed() {
    let cell = PressCell::new();
    let cycles = count(10_000, 600_000);
    let logs = ["one", "two"].map(|name| record(&cell, name, cycles, &["--virtual", "--seed", "42"]));
    let [(one, places), (two, _)] = logs.each_ref().map(|log| records(log, cycles));
    // Every byte of every record: virtual time has no timings.
    assert!(one == two);
    let other = record(&cell, "other", cycles, &["--virtual", "--seed", "43"]);
    let (other, _) = records(&other, cycles);
    let differ =
        one.iter().zip(&other).filter(|(one, other)| one.inputs(places) != other.inputs(places)).count();
    // The force sensor's noise is another in nearly every cycle.
    assert!(differ as u64 > cycles / 2, "seed 43 gives other inputs in {differ} of {cycles} cycles only");
    assert_ne!(one.last().map(RawRecord::hash), other.last().map(RawRecord::hash));
}

#[test]
fn determinism_at_real_pace_and_under_load() {
    let _machine = exclusive();
    let cell = PressCell::new();
    let cycles = count(4_000, 60_000);
    let fast = record(&cell, "virtual", cycles, &["--virtual"]);
    let real = record(&cell, "real", cycles, &[]);
    assert_computed_alike(&fast, &real, cycles);

    let busy = load();
    let real = record(&cell, "real-loaded", cycles, &[]);
    assert_computed_alike(&fast, &real, cycles);
    let loaded = record(&cell, "virtual-loaded", cycles, &["--virtual"]);
    drop(busy);
    assert!(records(&fast, cycles) == records(&loaded, cycles));
}
