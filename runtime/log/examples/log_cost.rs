//! What the cycle log costs: bytes a record, nanoseconds a cycle, megabytes a second.
//!
//! `cargo run --release -p sensai-log --example log_cost [directory]`
//!
//! The record is the press cell's: 30 bytes of inputs, 7 of outputs, two sync units; a keyframe of 2.5 KB every second.

use sensai_log::{
    CycleLog, EpochSpec, KeyframeSlicer, LogOptions, LogReader, epoch::KeyframePart, keyframe::SliceStep,
};
use sensai_model::record::{RecordFlags, RecordLayout, RecordMut};
use std::{
    error::Error,
    path::{Path, PathBuf},
    sync::LazyLock,
    time::{Duration, Instant},
};

const STATE_LEN: usize = 2500;

static START: LazyLock<Instant> = LazyLock::new(now);

#[allow(clippy::disallowed_methods)] // A measurement reads a clock.
fn now() -> Instant {
    Instant::now()
}

fn clock() -> u64 {
    START.elapsed().as_nanos() as u64
}

fn fill(record: &mut RecordMut<'_>, cycle: u64, inputs: &[u8; 30], outputs: &[u8; 7]) {
    record.set_cycle(cycle);
    record.set_time_ns(cycle.cast_signed() * 1_000_000);
    record.set_flags(RecordFlags::COMMITTED | RecordFlags::RUNNING);
    record.set_valid(0b11);
    record.set_state_hash(cycle.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    record.set_exchange_ns(20_000);
    record.set_scripts_ns(40_000);
    record.set_execution_ns(70_000);
    record.set_working_counter(0, 5);
    record.set_working_counter(1, 1);
    record.inputs_mut().copy_from_slice(inputs);
    record.outputs_mut().copy_from_slice(outputs);
}

fn spec() -> Result<EpochSpec, Box<dyn Error>> {
    Ok(EpochSpec {
        cell: "log-cost".into(),
        numeric_profile: String::new(),
        binary_sha256: String::new(),
        interval_ns: 1_000_000,
        first_cycle: 1,
        start_utc_ns: 0,
        contents: Vec::new(),
        record: RecordLayout::new(30, 7, 2)?,
        tags: Vec::new(),
        parameters: Vec::new(),
        sync_units: vec!["main".into(), "measuring".into()],
        programs: Vec::new(),
        keyframe: vec![KeyframePart { name: "state".into(), offset: 0, len: STATE_LEN as u64 }],
        edition: 0,
        run_first_cycle: 0,
        probation: 0,
        replaced: Vec::new(),
    })
}

fn percentiles(name: &str, mut samples: Vec<u64>) {
    samples.sort_unstable();
    let at = |share: f64| samples.get(((samples.len() - 1) as f64 * share) as usize).copied().unwrap_or(0);
    println!("  {name:<28} p50 {:>6} ns   p99 {:>6} ns   p99.9 {:>6} ns", at(0.5), at(0.99), at(0.999));
}

fn paced(directory: &Path) -> Result<(), Box<dyn Error>> {
    let path = directory.join("paced.snlog");
    let (mut recorder, thread) = CycleLog::open(&path, LogOptions::default())?.start(&spec()?, clock)?;
    let mut slicer = KeyframeSlicer::new(STATE_LEN, 1000);
    let state = vec![7; STATE_LEN];
    let (mut records, mut slices, mut empty) = (Vec::new(), Vec::new(), Vec::new());
    let start = clock();
    for cycle in 1..=10_000_u64 {
        while clock() < start + cycle * 1_000_000 {
            std::thread::sleep(Duration::from_micros(200));
        }
        let (a, b) = (clock(), clock());
        recorder.record(|record| fill(record, cycle, &[3; 30], &[5; 7]));
        let c = clock();
        if recorder.keyframe_due(&slicer, cycle) {
            recorder.keyframe(&mut slicer, cycle, |buffer| buffer.copy_from_slice(&state));
        }
        let sent = recorder.keyframe_step(&mut slicer) != SliceStep::Idle;
        let d = clock();
        empty.push(b - a);
        records.push(c - b);
        if sent {
            slices.push(d - c);
        }
    }
    let statistics = thread.stop()?;
    let (bytes, count) = (statistics.bytes as f64, statistics.records as f64);
    println!("10 s at 1 kHz, cold caches");
    percentiles("reading the clock", empty);
    percentiles("record", records);
    percentiles("keyframe and slice", slices);
    println!("  {:<28} {}", "bytes a record", spec()?.record.len());
    println!("  {:<28} {:.1}", "bytes a cycle in the file", bytes / count);
    println!("  {:<28} {:.1}", "gigabytes a day", bytes / count * 86.4e6 / 1e9);
    println!("  {:<28} {:.1} ms", "durable after at most", statistics.durable_after_ns_max as f64 / 1e6);
    println!("  {:<28} {} of {}", "syncs that came too late", statistics.sync_late, statistics.syncs);
    Ok(())
}

fn flat_out(directory: &Path) -> Result<(), Box<dyn Error>> {
    const RECORDS: u64 = 1_000_000;
    let path = directory.join("flat-out.snlog");
    let options = LogOptions { ring_slots: 1 << 15, ..LogOptions::default() };
    let (mut recorder, thread) = CycleLog::open(&path, options)?.start(&spec()?, clock)?;
    let start = clock();
    let mut in_record = 0;
    for cycle in 1..=RECORDS {
        loop {
            let before = clock();
            let kept = recorder.record(|record| fill(record, cycle, &[3; 30], &[5; 7]));
            if kept {
                in_record += clock() - before;
                break;
            }
            std::thread::yield_now();
        }
    }
    let statistics = thread.stop()?;
    let megabytes = statistics.bytes as f64 / 1e6;
    let report = |name: &str, since: u64| {
        let seconds = (clock() - since) as f64 / 1e9;
        println!(
            "  {name:<28} {:.0} MB/s, {:.0} records a second",
            megabytes / seconds,
            RECORDS as f64 / seconds
        );
    };
    println!("{RECORDS} records, flat out");
    println!("  {:<28} {:.0} ns with the clock", "record, mean", in_record as f64 / RECORDS as f64);
    report("writer", start);
    let start = clock();
    let reader = LogReader::open_file(&path)?;
    for record in reader.records(0) {
        record?;
    }
    report("read", start);
    let start = clock();
    if let Some(bad) = reader.verify()?.bad {
        return Err(bad.what.into());
    }
    report("verify", start);
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let base = std::env::args().nth(1).map_or_else(std::env::temp_dir, PathBuf::from);
    let directory = tempfile::Builder::new().prefix("log-cost").tempdir_in(base)?;
    paced(directory.path())?;
    flat_out(directory.path())
}
