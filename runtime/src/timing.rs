//! Where the time of a cycle goes. Measured in every run; never an input to anything that is computed.

use crate::pace::Wake;
use hdrhistogram::Histogram;
use sensai_fieldbus::clock;
use std::path::Path;

/// The timed steps of a cycle, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Frames out, frames in.
    Exchange,
    /// Commands and verdicts.
    Inbox,
    /// Inputs to tags, programs.
    Scripts,
    /// Tags to outputs.
    Stage,
    /// Into the log's ring.
    Record,
}

impl Step {
    /// All steps, in order.
    pub const ALL: [Self; 5] = [Self::Exchange, Self::Inbox, Self::Scripts, Self::Stage, Self::Record];

    /// Name in tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Exchange => "exchange",
            Self::Inbox => "inbox",
            Self::Scripts => "scripts",
            Self::Stage => "stage",
            Self::Record => "record",
        }
    }
}

/// Times of one cycle in nanoseconds; `u32::MAX` stands for 4.29 s and more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StepTimes {
    /// From the wake asked for to the wake.
    pub wake_latency: u32,
    /// From the target to the start of the cycle.
    pub start_error: u32,
    /// By [`Step`].
    pub steps: [u32; 5],
    /// From the start of the cycle to its end.
    pub execution: u32,
    start: u64,
    last: u64,
}

impl StepTimes {
    /// The cycle starts now.
    pub fn begin(&mut self, wake: &Wake) {
        self.wake_latency = clamp(wake.wake_latency_ns);
        self.start_error = clamp(wake.start_error_ns);
        self.start = clock::monotonic_ns();
        self.last = self.start;
    }

    /// `step` ends now.
    pub fn lap(&mut self, step: Step) {
        let now = clock::monotonic_ns();
        self.steps[step as usize] = clamp(now - self.last);
        self.last = now;
    }

    /// The cycle ends now, with the record step.
    pub fn end(&mut self) {
        self.lap(Step::Record);
        self.execution = clamp(self.last - self.start);
    }
}

fn clamp(ns: u64) -> u32 {
    u32::try_from(ns).unwrap_or(u32::MAX)
}

/// Histograms over a run: sized once, recording never allocates.
#[derive(Clone, Debug)]
pub struct Histograms {
    /// Kernel's wake latency.
    pub wake_latency: Histogram<u64>,
    /// Error of the cycle's start.
    pub start_error: Histogram<u64>,
    /// By [`Step`].
    pub steps: [Histogram<u64>; 5],
    /// Whole cycle without the wait.
    pub execution: Histogram<u64>,
}

/// 1 s: what is longer is counted as this.
const LONGEST_NS: u64 = 1_000_000_000;

impl Histograms {
    /// Empty.
    pub fn new() -> Self {
        // Bounds and precision are constants that the library accepts; a test calls this.
        let empty = || Histogram::new_with_bounds(1, LONGEST_NS, 3).expect("valid histogram bounds");
        Self {
            wake_latency: empty(),
            start_error: empty(),
            steps: std::array::from_fn(|_| empty()),
            execution: empty(),
        }
    }

    /// Add one cycle.
    pub fn add(&mut self, times: &StepTimes) {
        self.wake_latency.saturating_record(times.wake_latency.into());
        self.start_error.saturating_record(times.start_error.into());
        for (histogram, ns) in self.steps.iter_mut().zip(times.steps) {
            histogram.saturating_record(ns.into());
        }
        self.execution.saturating_record(times.execution.into());
    }

    /// Name and histogram of everything measured, in the order of a table.
    pub fn rows(&self) -> impl Iterator<Item = (&'static str, &Histogram<u64>)> {
        let steps = Step::ALL.iter().map(|step| step.name()).zip(&self.steps);
        [("wake latency", &self.wake_latency), ("start error", &self.start_error)]
            .into_iter()
            .chain(steps)
            .chain([("execution", &self.execution)])
    }
}

/// Write all histograms as JSON: name → list of (nanoseconds, count).
///
/// # Errors
/// If the file cannot be written.
pub fn write_rows(path: &Path, histograms: &Histograms) -> anyhow::Result<()> {
    let rows: Vec<(&str, Vec<(u64, u64)>)> = histograms
        .rows()
        .map(|(name, histogram)| {
            let steps = histogram.iter_recorded();
            (name, steps.map(|step| (step.value_iterated_to(), step.count_at_value())).collect())
        })
        .collect();
    std::fs::write(path, serde_json::to_vec(&rows)?)?;
    Ok(())
}

/// Read what [`write_rows`] wrote.
///
/// # Errors
/// If the file cannot be read or is something else.
pub fn read_rows(path: &Path) -> anyhow::Result<Vec<(String, Histogram<u64>)>> {
    let rows: Vec<(String, Vec<(u64, u64)>)> = serde_json::from_slice(&std::fs::read(path)?)?;
    let fill = |(name, steps): (String, Vec<(u64, u64)>)| {
        let mut histogram = Histograms::new().execution;
        for (ns, count) in steps {
            histogram.saturating_record_n(ns, count);
        }
        (name, histogram)
    };
    Ok(rows.into_iter().map(fill).collect())
}

impl Default for Histograms {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn longest_is_kept_not_dropped() {
        let mut histograms = Histograms::new();
        histograms.add(&StepTimes { execution: u32::MAX, ..StepTimes::default() });
        assert_eq!(histograms.execution.len(), 1);
        assert!(histograms.execution.max() >= LONGEST_NS);
        assert_eq!(histograms.rows().count(), 8);
    }

    #[test]
    fn histograms_survive_a_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("rows.json");
        let mut histograms = Histograms::new();
        for execution in [1_000, 2_000, 2_000, 77_777] {
            histograms.add(&StepTimes { execution, ..StepTimes::default() });
        }
        write_rows(&path, &histograms).unwrap();
        let rows = read_rows(&path).unwrap();
        let (name, read) = rows.last().unwrap();
        assert_eq!((name.as_str(), read.len()), ("execution", 4));
        assert_eq!(read.value_at_quantile(0.5), histograms.execution.value_at_quantile(0.5));
        assert_eq!(read.max(), histograms.execution.max());
    }
}
