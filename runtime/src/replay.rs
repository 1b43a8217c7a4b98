//! The same machine and the same cycle, with a log behind the three doors.
//!
//! A replay decides nothing: cycle indices, inputs, validity, commands and verdicts come from the records. It proves
//! that outputs, faults and state hashes come out the same, or names the first cycle in which they do not.

mod playback;
mod player;

pub use playback::{Carried, Mark, Playback, Played};

use crate::{
    programs::{Compiler, Workshop},
    recorder::NUMERIC_PROFILE,
};
use player::follows;
use sensai_log::{LogReader, storage::ReadAt};
use sensai_model::record::{RecordFlags, RecordView};
use serde::Serialize;
use std::fmt;

/// What is to be replayed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Begin at the last keyframe before this cycle.
    pub from: Option<u64>,
    /// End behind this cycle.
    pub to: Option<u64>,
    /// Keep the hash of every n-th cycle.
    pub hashes: Option<u64>,
}

/// What came of it.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// Cycles run and found equal.
    pub cycles: u64,
    /// First and last cycle of each stretch that was verified.
    pub verified: Vec<(u64, u64)>,
    /// Stretches that could not be: records are missing, or there is no keyframe to go on from.
    pub unverified: Vec<Unverified>,
    /// The first cycle that came out differently. Nothing behind it was run.
    pub difference: Option<Difference>,
    /// Cycle and hash, as asked for.
    pub hashes: Vec<(u64, String)>,
    /// State hash after the last cycle.
    pub last_hash: Option<String>,
    /// Log and binary are of different numeric profiles: equality is not owed.
    pub foreign_profile: Option<String>,
}

/// Cycles without proof.
#[derive(Debug, Serialize)]
pub struct Unverified {
    /// First.
    pub from: u64,
    /// Last.
    pub to: u64,
    /// Why.
    pub why: String,
}

/// A cycle that came out differently.
#[derive(Debug, Serialize)]
pub struct Difference {
    /// Which.
    pub cycle: u64,
    /// Output tags: name, recorded value, replayed value.
    pub tags: Vec<TagDifference>,
    /// Fault: recorded, replayed.
    pub fault: Option<(String, String)>,
    /// What else of the record: its flags, its nominal time.
    pub fields: Vec<FieldDifference>,
    /// State hash: recorded, replayed.
    pub hash: (String, String),
}

/// A field of the record that came out differently.
#[derive(Debug, Serialize)]
pub struct FieldDifference {
    /// Name.
    pub field: &'static str,
    /// As recorded.
    pub recorded: String,
    /// As replayed.
    pub replayed: String,
}

/// An output that came out differently.
#[derive(Debug, Serialize)]
pub struct TagDifference {
    /// Name, with the index of an array's element.
    pub tag: String,
    /// As recorded.
    pub recorded: String,
    /// As replayed.
    pub replayed: String,
}

impl Report {
    /// Every cycle asked for was run and found equal.
    pub fn is_proof(&self) -> bool {
        self.difference.is_none() && self.unverified.is_empty() && self.cycles > 0
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (from, to) in &self.verified {
            writeln!(f, "equal: cycles {from} to {to}, outputs, faults and state, bit for bit")?;
        }
        for gap in &self.unverified {
            writeln!(f, "no proof: cycles {} to {}: {}", gap.from, gap.to, gap.why)?;
        }
        if let Some(profile) = &self.foreign_profile {
            writeln!(
                f,
                "the log is of numeric profile {profile}, this binary of {NUMERIC_PROFILE}: equality is not owed"
            )?;
        }
        for (cycle, hash) in &self.hashes {
            writeln!(f, "hash {cycle} {hash}")?;
        }
        if let Some(difference) = &self.difference {
            writeln!(f, "different: cycle {} is the first", difference.cycle)?;
            for tag in &difference.tags {
                writeln!(f, "  io.{}: recorded {}, replayed {}", tag.tag, tag.recorded, tag.replayed)?;
            }
            if let Some((recorded, replayed)) = &difference.fault {
                writeln!(f, "  fault: recorded {recorded}, replayed {replayed}")?;
            }
            for field in &difference.fields {
                writeln!(f, "  {}: recorded {}, replayed {}", field.field, field.recorded, field.replayed)?;
            }
            let told =
                difference.fields.len() + difference.tags.len() + usize::from(difference.fault.is_some());
            if told == 0 {
                writeln!(f, "  outputs are equal, the state behind them is not")?;
            }
            writeln!(f, "  state hash: recorded {}, replayed {}", difference.hash.0, difference.hash.1)?;
        }
        if self.cycles == 0 && self.difference.is_none() {
            writeln!(f, "nothing was replayed: the log holds no cycle of that range")?;
        }
        Ok(())
    }
}

/// Replay a log.
///
/// # Errors
/// If the log is damaged, or its cell cannot be built again.
pub fn replay<R: ReadAt>(
    log: &LogReader<R>,
    options: &Options,
    progress: &mut dyn FnMut(u64),
) -> anyhow::Result<Report> {
    replay_with(log, options, &Compiler, progress)
}

/// [`replay`], with programs from `shop`.
///
/// # Errors
/// As [`replay`].
pub fn replay_with<R: ReadAt>(
    log: &LogReader<R>,
    options: &Options,
    shop: &dyn Workshop,
    progress: &mut dyn FnMut(u64),
) -> anyhow::Result<Report> {
    let mut report = Report::default();
    let mut playback = match options.from {
        None => Playback::of_whole(log, shop)?,
        Some(from) => Playback::to_reach(log, shop, from)?,
    };
    while let Some(record) = playback.next_record()? {
        let view = record.view();
        if options.to.is_some_and(|to| view.cycle() > to) {
            break;
        }
        match playback.play(&record)? {
            Played::Lost(lost) => {
                report
                    .unverified
                    .push(Unverified { to: lost.to.min(options.to.unwrap_or(u64::MAX)), ..lost });
            }
            Played::Different(difference) => {
                report.difference = Some(difference);
                break;
            }
            Played::Equal => note(&mut report, &view, options),
        }
        if report.cycles % 4096 == 0 {
            progress(view.cycle());
        }
    }
    report.foreign_profile = playback.foreign_profile();
    Ok(report)
}

/// An equal cycle into the report.
fn note(report: &mut Report, view: &RecordView<'_>, options: &Options) {
    let cycle = view.cycle();
    let first = view.flags().contains(RecordFlags::FIRST_CYCLE);
    report.cycles += 1;
    match report.verified.last_mut() {
        Some((_, to)) if !first && follows(*to, view) => *to = cycle,
        _ => report.verified.push((cycle, cycle)),
    }
    let hash = format!("{:016x}", view.state_hash());
    if options.hashes.is_some_and(|n| cycle.is_multiple_of(n.max(1))) {
        report.hashes.push((cycle, hash.clone()));
    }
    report.last_hash = Some(hash);
}

#[cfg(test)]
pub(crate) mod tests;
