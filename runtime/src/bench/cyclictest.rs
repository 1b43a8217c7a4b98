//! Debian's cyclictest as a peer: the same interval, priority and core, every sample in nanoseconds.

use anyhow::Context;
use hdrhistogram::Histogram;
use std::process::{Command, Stdio};

/// Run it once; the latencies of all its wakes.
///
/// # Errors
/// If it is not installed, or does not print what it should.
pub fn run(interval_ns: u64, loops: u64, priority: u8, core: usize) -> anyhow::Result<Histogram<u64>> {
    let output = Command::new("cyclictest")
        .args(["--mlockall", "--nsecs", "--verbose", "--threads=1"])
        .arg(format!("--priority={priority}"))
        .arg(format!("--interval={}", interval_ns / 1000))
        .arg(format!("--loops={loops}"))
        .arg(format!("--affinity={core}"))
        .stderr(Stdio::piped())
        .output()
        .context("cannot run cyclictest: install Debian's package rt-tests")?;
    anyhow::ensure!(
        output.status.success(),
        "cyclictest ended with {}: {}",
        output.status,
        String::from_utf8_lossy(&output.stderr).trim()
    );
    let histogram = parse(&String::from_utf8_lossy(&output.stdout));
    anyhow::ensure!(!histogram.is_empty(), "cyclictest printed no sample");
    Ok(histogram)
}

/// Lines `thread: count: nanoseconds`; everything else is passed over.
fn parse(text: &str) -> Histogram<u64> {
    let mut histogram = crate::timing::Histograms::new().wake_latency;
    for line in text.lines() {
        let fields: Vec<&str> = line.split(':').map(str::trim).collect();
        if let [thread, count, latency] = fields[..]
            && thread.parse::<u32>().is_ok()
            && count.parse::<u64>().is_ok()
            && let Ok(latency) = latency.parse()
        {
            histogram.saturating_record(latency);
        }
    }
    histogram
}

#[cfg(test)]
mod tests {
    #[test]
    fn samples_are_read_and_the_rest_is_not() {
        let text = "# /dev/cpu_dma_latency set to 0us\nMax CPUs = 2\n       0:       0:   12345\n 0: 1: 99\nT: 0 (1) P:80\n";
        let histogram = super::parse(text);
        assert_eq!(histogram.len(), 2);
        assert_eq!(histogram.min(), 99);
    }
}
