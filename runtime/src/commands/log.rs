//! `sensai log …`

use crate::{cli::Log, log_plot, recorder};
use anyhow::Context;
use sensai_log::{
    CycleLog, Epoch, LogOptions, LogReader, VerifyReport,
    csv::{CsvOptions, export},
    patch::{Edit, patch},
};
use serde_json::json;
use std::{
    fs::{File, OpenOptions},
    io::{self, BufWriter, Write},
    path::Path,
    process::ExitCode,
};

/// Do it.
pub fn run(command: &Log) -> anyhow::Result<ExitCode> {
    match command {
        Log::Info { log, json } => info(log, *json),
        Log::Verify { log, json } => verify(log, *json),
        Log::Recover { log } => recover(log),
        Log::Export { log, csv, from, to, timings } => {
            let cycles = from.unwrap_or(0)..=to.unwrap_or(u64::MAX);
            export_csv(log, csv, &CsvOptions { cycles, record_fields: *timings })
        }
        Log::Plot(arguments) => log_plot::run(arguments),
        Log::Patch { log, cycle, input_bit, output_bit, out } => {
            let edit = match (input_bit, output_bit) {
                (Some(bit), _) => Edit::FlipInput { bit: *bit as usize },
                (None, Some(bit)) => Edit::FlipOutput { bit: *bit as usize },
                (None, None) => anyhow::bail!("nothing to change: give --input-bit or --output-bit"),
            };
            patched(log, *cycle, edit, out)
        }
    }
}

fn open(path: &Path) -> anyhow::Result<LogReader<File>> {
    LogReader::open_file(path).with_context(|| format!("cannot read {}", path.display()))
}

/// What an epoch that is not a session's first one begins with.
fn edition(epoch: &Epoch) -> String {
    let number = epoch.edition.div_ceil(2);
    if epoch.edition.is_multiple_of(2) {
        return format!("reload {number} undone");
    }
    let names = epoch.replaced.iter().filter_map(|of| epoch.programs.get(of.program as usize));
    format!("reload {number} of {}", names.map(|of| of.name.as_str()).collect::<Vec<_>>().join(", "))
}

fn info(path: &Path, as_json: bool) -> anyhow::Result<ExitCode> {
    let log = open(path)?;
    let info = log.info()?;
    if as_json {
        let epochs: Vec<_> = info.epochs.iter().map(|(_, epoch)| &**epoch).collect();
        let value = json!({
            "log_id": sensai_log::block::hex(&info.log_id.0), "bytes": info.file_len, "torn_bytes": info.torn_bytes,
            "blocks": info.blocks, "cycles": info.cycles, "clean_end": info.clean_end,
            "keyframe_cycle": info.keyframe_cycle, "chain": sensai_log::block::hex(&info.chain), "epochs": epochs,
            "forces": forces(&log)?,
        });
        println!("{}", serde_json::to_string_pretty(&value)?);
        return Ok(ExitCode::SUCCESS);
    }
    println!("{}: {:.2} MB in {} blocks", path.display(), info.file_len as f64 / 1e6, info.blocks);
    match info.cycles {
        Some((first, last)) => println!("cycles {first} to {last}"),
        None => println!("no cycles"),
    }
    for (offset, epoch) in &info.epochs {
        if epoch.edition > 0 {
            println!("  from cycle {}: {}", epoch.first_cycle, edition(epoch));
            continue;
        }
        let files: Vec<&str> = epoch.contents.iter().map(|content| content.path.as_str()).collect();
        println!(
            "epoch at byte {offset}: cell {}, from cycle {}, {} µs, record {} bytes, {} tags, profile {}\n  files {}",
            epoch.cell,
            epoch.first_cycle,
            epoch.interval_ns as f64 / 1e3,
            epoch.record_len,
            epoch.tags.len(),
            epoch.numeric_profile,
            files.join(", ")
        );
    }
    println!(
        "last keyframe after cycle {}",
        info.keyframe_cycle.map_or("none".into(), |cycle| cycle.to_string())
    );
    let forces = forces(&log)?;
    for text in forces.iter().take(FORCES_SHOWN) {
        println!("FORCED: {text}");
    }
    if let Some(more) = forces.len().checked_sub(FORCES_SHOWN).filter(|more| *more > 0) {
        println!("FORCED: and {more} commands more");
    }
    println!("chain {}", sensai_log::block::hex(&info.chain));
    if info.torn_bytes > 0 {
        println!("{} bytes at the end are torn; the next start cuts them off", info.torn_bytes);
    }
    if !info.clean_end {
        println!(
            "the last run did not end in an orderly way: `sensai log recover` brings in what it left in memory"
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// Commands about forces that `log info` shows; all of them are in its JSON.
const FORCES_SHOWN: usize = 20;

/// What was said of forces: the texts of these commands.
fn forces(log: &LogReader<File>) -> anyhow::Result<Vec<String>> {
    let is_force = |text: &str| {
        let command = text.strip_prefix("cycle ").and_then(|text| text.split_once(": "));
        let method = command.and_then(|(_, command)| command.split(' ').next());
        matches!(method, Some("force" | "unforce" | "unforce-all"))
    };
    let events = log.events(0)?.into_iter().filter(|event| event.kind == recorder::TEXT_EVENT);
    Ok(events.map(|event| event.text).filter(|text| is_force(text)).collect())
}

fn verify(path: &Path, as_json: bool) -> anyhow::Result<ExitCode> {
    let report: VerifyReport = open(path)?.verify()?;
    if as_json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print_verified(path, &report);
    }
    let whole = report.is_good() && report.torn_bytes == 0;
    Ok(if whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn print_verified(path: &Path, report: &VerifyReport) {
    println!(
        "{}: {} blocks, {} records, {} epochs, {} keyframes, {} files, {} orderly ends",
        path.display(),
        report.blocks,
        report.records,
        report.epochs,
        report.keyframes,
        report.contents,
        report.ends
    );
    for (from, to) in &report.ranges {
        println!("cycles {from} to {to} without a gap");
    }
    for gap in &report.gaps {
        println!("gap after cycle {}: {} ({} records)", gap.after_cycle, gap.reason, gap.records);
    }
    if report.skipped > 0 {
        println!("{} cycles were skipped by overruns; the records say so", report.skipped);
    }
    if report.torn_bytes > 0 {
        println!("{} bytes at the end are torn; the next start cuts them off", report.torn_bytes);
    }
    match &report.bad {
        None => println!("every checksum and the chain are good: {}", report.chain),
        Some(bad) => {
            println!("ALTERED at byte {}, after cycle {}: {}", bad.offset, bad.after_cycle, bad.what)
        }
    }
}

fn recover(path: &Path) -> anyhow::Result<ExitCode> {
    anyhow::ensure!(path.is_file(), "{} does not exist", path.display());
    let log = CycleLog::open(path, LogOptions::default())
        .with_context(|| format!("cannot recover {}", path.display()))?;
    let found = recorder::describe(log.recovery());
    for text in &found {
        println!("{text}");
    }
    if found.is_empty() {
        println!("nothing to recover: the last run ended in an orderly way");
    }
    println!("the log holds cycles up to {}", log.recovery().last_cycle);
    Ok(ExitCode::SUCCESS)
}

fn export_csv(path: &Path, csv: &Path, options: &CsvOptions) -> anyhow::Result<ExitCode> {
    let log = open(path)?;
    if csv == Path::new("-") {
        export(&log, options, &mut io::stdout().lock())?;
        return Ok(ExitCode::SUCCESS);
    }
    let file = File::create(csv).with_context(|| format!("cannot write {}", csv.display()))?;
    let mut out = BufWriter::new(file);
    let records = export(&log, options, &mut out)?;
    out.flush().with_context(|| format!("cannot write {}", csv.display()))?;
    println!("{records} cycles written to {}", csv.display());
    Ok(ExitCode::SUCCESS)
}

/// The bit lies in its image.
fn check_bit(log: &LogReader<File>, cycle: u64, edit: &Edit) -> anyhow::Result<()> {
    let layout = log.record(cycle)?.epoch.record;
    let (bit, image, bytes) = match edit {
        Edit::FlipInput { bit } => (*bit, "input", layout.inputs().len()),
        Edit::FlipOutput { bit } => (*bit, "output", layout.outputs().len()),
        _ => return Ok(()),
    };
    anyhow::ensure!(
        bit < 8 * bytes,
        "bit {bit} of an {image} image of {} bits: expected 0 to {}",
        8 * bytes,
        8 * bytes - 1
    );
    Ok(())
}

fn patched(path: &Path, cycle: u64, edit: Edit, out: &Path) -> anyhow::Result<ExitCode> {
    let log = open(path)?;
    check_bit(&log, cycle, &edit)?;
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .open(out)
        .with_context(|| format!("cannot make {}", out.display()))?;
    let patched = patch(&log, &[(cycle, edit)], &mut file);
    if patched.is_err() {
        // Half a log helps nobody. If it cannot be removed either, the first error is the one to tell.
        let _ = std::fs::remove_file(out);
    }
    let bytes = patched.with_context(|| format!("cannot change {}", path.display()))?;
    println!("cycle {cycle} changed; {bytes} bytes written to {}", out.display());
    Ok(ExitCode::SUCCESS)
}
