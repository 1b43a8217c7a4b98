//! `log-tail`: the last seconds of the running log as a log of its own, beside it.

use crate::control::protocol::{Code, Failure};
use anyhow::Context;
use sensai_log::{LogReader, cut::cut};
use serde_json::{Value as Json, json};
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

/// Longest stretch that one request may ask for, s: an hour.
pub const TAIL_S_MAX: f64 = 3600.0;

/// Cut the last `cycles` cycles that are in the file out of `log`. There is one such file for each log, which the next request
/// writes anew: however often somebody asks, the disk does not fill.
///
/// # Errors
/// Why not.
pub fn tail(log: &Path, cycles: u64) -> Result<Json, Failure> {
    write(log, cycles).map_err(|error| Failure::new(Code::Refused, format!("{error:#}")))
}

fn write(log: &Path, cycles: u64) -> anyhow::Result<Json> {
    let reader = LogReader::open_file(log).with_context(|| format!("cannot read {}", log.display()))?;
    let last = reader.last_cycle();
    anyhow::ensure!(last > 0, "no cycle is in {} yet", log.display());
    let first = last.saturating_sub(cycles.saturating_sub(1)).max(1);
    let (path, part) = (beside(log, ".tail.snlog"), beside(log, ".tail.part"));
    let file = File::options().read(true).write(true).create(true).truncate(true).open(&part);
    let file = file.with_context(|| format!("cannot make {}", part.display()))?;
    let written = cut(&reader, last, first..=last, file).map_err(anyhow::Error::from);
    let (done, file) = written.inspect_err(|_| {
        // Half a log helps nobody. If it cannot be removed either, the first error is the one to tell.
        let _ = fs::remove_file(&part);
    })?;
    file.sync_all().with_context(|| format!("cannot write {}", part.display()))?;
    fs::rename(&part, &path).with_context(|| format!("cannot name {}", path.display()))?;
    let (first, last) = done.cycles;
    let path = path.display().to_string();
    Ok(json!({ "path": path, "first": first, "last": last, "records": done.records, "bytes": done.bytes }))
}

fn beside(log: &Path, ending: &str) -> PathBuf {
    let mut name = log.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}
