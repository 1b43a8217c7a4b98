//! What a run was, for people and for scripts.

use crate::{cyclic::Outcome, recorder::LogSummary, rt::Missing, run::Options, status::Status};
use hdrhistogram::Histogram;
use sensai_fieldbus::ethercat::{AlState, DeviceHealth, al_status_text};
use sensai_model::{Cell, Fault};
use sensai_motion::AxisError;
use serde::Serialize;
use std::{
    fmt,
    sync::{Arc, atomic::Ordering::Relaxed},
};

/// The end of a run.
#[derive(Debug, Serialize)]
pub struct Summary {
    /// Cell name.
    pub cell: String,
    /// Interface, or `embedded segment`.
    pub bus: String,
    /// Interval, ns.
    pub interval_ns: u64,
    /// Cycles, warm-up included.
    pub cycles: u64,
    /// Cycles the distributions and counters are over.
    pub measured: u64,
    /// Runtime state before the shutdown.
    pub mode: &'static str,
    /// Latched fault.
    pub fault: Option<FaultText>,
    /// Axes in an error stop at the end.
    pub axes: Vec<AxisTrouble>,
    /// INIT to OP, ns.
    pub startup_ns: u64,
    /// Bus counters.
    pub exchange: ExchangeCounts,
    /// Cycles that were not done when the next was due.
    pub overruns: u64,
    /// Cycles passed over.
    pub skipped: u64,
    /// Every task, the base task first.
    pub tasks: Vec<TaskSummary>,
    /// Distributions in ns; empty in virtual time.
    pub timing: Vec<Distribution>,
    /// After warm-up, on the cyclic thread.
    pub allocations: Allocations,
    /// After warm-up, on the cyclic thread.
    pub page_faults: PageFaults,
    /// Script operations a cycle, mean.
    pub operations_mean: f64,
    /// Start phase on the interval's grid, ns.
    pub phase_ns: u64,
    /// Spin window, ns.
    pub spin_ns: u64,
    /// The system-call filter was armed.
    pub guarded: bool,
    /// Memory tags at the end.
    pub memory: Vec<(String, String)>,
    /// Elements of tags that were forced at the end.
    pub forced: Vec<(String, String)>,
    /// Devices that were not in OP at the end, or have counted errors.
    pub troubles: Vec<DeviceTrouble>,
    /// What taking the bus down could not do.
    pub shutdown: Option<String>,
    /// Where and why the twin stopped, and the run with it.
    pub twin: Option<String>,
    /// What the system refused.
    pub missing: Vec<Missing>,
    /// The log.
    pub log: Option<LogSummary>,
    /// Why it could not be ended in an orderly way.
    pub log_error: Option<String>,
    #[serde(skip)]
    histograms: crate::timing::Histograms,
}

/// What a task did.
#[derive(Debug, Serialize)]
pub struct TaskSummary {
    /// Its name.
    pub name: String,
    /// Its interval, ns.
    pub interval_ns: u64,
    /// Times it was released, in any mode for the base task, in Run for the others.
    pub releases: u64,
    /// Times it was not done when it was due again.
    pub overruns: u64,
    /// Execution in ns: the whole cycle for the base task, the programs' run, waiting for the core included, for the others.
    pub execution: Distribution,
}

/// A fault with its text.
#[derive(Debug, Serialize)]
pub struct FaultText {
    /// `F301`
    pub id: String,
    /// What happened.
    pub text: &'static str,
    /// Where.
    pub place: String,
}

/// An axis in an error stop.
#[derive(Debug, Serialize)]
pub struct AxisTrouble {
    /// Its name.
    pub name: String,
    /// Number of the error, as programs see it.
    pub error: u16,
    /// What happened.
    pub text: String,
}

/// A device that is not as it should be: which one, which cable.
#[derive(Debug, Serialize)]
pub struct DeviceTrouble {
    /// Position on the bus.
    pub position: usize,
    /// Name in the cell.
    pub name: String,
    /// What it says about itself, one sentence each.
    pub findings: Vec<String>,
    /// The raw figures.
    pub health: DeviceHealth,
}

fn troubles(cell: &Cell, health: &[DeviceHealth]) -> Vec<DeviceTrouble> {
    let devices = cell.devices.iter().zip(health).enumerate();
    devices
        .map(|(position, (device, health))| DeviceTrouble {
            position,
            name: device.name.clone(),
            findings: findings(health),
            health: *health,
        })
        .filter(|trouble| !trouble.findings.is_empty())
        .collect()
}

fn findings(health: &DeviceHealth) -> Vec<String> {
    let mut found = Vec::new();
    if health.state != AlState::Op {
        let code = match health.status_code {
            0 => String::new(),
            code => format!(", AL status code {code:#06x}: {}", al_status_text(code)),
        };
        found.push(format!("state {:?}{code}", health.state));
    }
    for (number, port) in health.ports.iter().enumerate() {
        let counters = [
            (port.invalid_frames, "damaged frames: the cable at this port, or the device at its other end"),
            (port.rx_errors, "receive errors: the cable at this port"),
            (port.forwarded_errors, "frames damaged further up"),
            (port.lost_links, "lost links: the cable at this port"),
        ];
        let seen = counters.iter().filter(|(count, _)| *count > 0);
        found.extend(seen.map(|(count, text)| format!("port {number}: {count} {text}")));
    }
    for (count, text) in
        [(health.processing_unit_errors, "processing unit"), (health.pdi_errors, "device interface")]
    {
        if count > 0 {
            found.push(format!("{count} errors of the {text}"));
        }
    }
    found
}

/// Counters of the exchange over the whole run.
#[derive(Debug, Serialize)]
pub struct ExchangeCounts {
    /// Cycles without a complete reply.
    pub lost: u64,
    /// Cycles in which a sync unit was invalid.
    pub invalid: u64,
    /// Replies behind their cycle.
    pub late: u64,
    /// Frames nobody waited for.
    pub stray: u64,
    /// Output elements saturated.
    pub saturated: u64,
}

/// A distribution, ns.
#[derive(Clone, Debug, Serialize)]
pub struct Distribution {
    /// Of what.
    pub name: &'static str,
    /// Least.
    pub min: u64,
    /// Median.
    pub p50: u64,
    /// 99 %.
    pub p99: u64,
    /// 99.9 %.
    pub p999: u64,
    /// Largest.
    pub max: u64,
    /// Mean.
    pub mean: f64,
}

/// Allocations on the cyclic thread after warm-up.
#[derive(Debug, Serialize)]
pub struct Allocations {
    /// Rust's, outside the interpreter.
    pub rust: u64,
    /// C's, outside the interpreter; `None` where they cannot be counted.
    pub c: Option<u64>,
    /// Freed outside the interpreter.
    pub frees: u64,
    /// The interpreter's own.
    pub interpreter: u64,
    /// The interpreter's own, per cycle.
    pub interpreter_per_cycle: f64,
}

/// Page faults on the cyclic thread after warm-up.
#[derive(Debug, Serialize)]
pub struct PageFaults {
    /// Without disk access.
    pub minor: u64,
    /// With disk access.
    pub major: u64,
}

impl Distribution {
    /// From a histogram of nanoseconds.
    pub fn new(name: &'static str, histogram: &Histogram<u64>) -> Self {
        Self {
            name,
            min: histogram.min(),
            p50: histogram.value_at_quantile(0.5),
            p99: histogram.value_at_quantile(0.99),
            p999: histogram.value_at_quantile(0.999),
            max: histogram.max(),
            mean: histogram.mean(),
        }
    }
}

impl FaultText {
    /// With the names of `cell`.
    pub fn new(fault: Fault, cell: &Cell) -> Self {
        let source = usize::from(fault.source);
        let place = match fault.code.id() {
            300..400 => cell
                .programs()
                .nth(source)
                .map(|(_, program)| format!("{}:{}:{}", program.path, fault.line, fault.column)),
            201 => cell.tasks().nth(source).filter(|_| source > 0).map(|task| format!("task {}", task.name)),
            102 => cell.tags.get(source).map(|tag| tag.name.clone()),
            103 => cell.sync_units.get(source).map(|unit| format!("sync unit {}", unit.name)),
            400 => cell.alarms.get(source).map(|alarm| format!("alarm {}", alarm.name)),
            501 => cell.axes.get(source).map(|axis| format!("axis {}", axis.name)),
            _ => None,
        };
        let place = place.unwrap_or_default();
        Self { id: format!("F{}", fault.code.id()), text: fault.code.text(), place }
    }
}

impl Summary {
    /// Put together what the threads have left.
    pub fn new(
        cell: &Arc<Cell>,
        options: &Options,
        interface: Option<String>,
        outcome: Outcome,
        status: &Status,
        log: anyhow::Result<Option<LogSummary>>,
    ) -> Self {
        let log_error = log.as_ref().err().map(|error| format!("{error:#}"));
        let count = |counter: &std::sync::atomic::AtomicU64| counter.load(Relaxed);
        let measured = outcome.measured.max(1) as f64;
        let rows = outcome.histograms.rows();
        let timing: Vec<_> = rows.map(|(name, histogram)| Distribution::new(name, histogram)).collect();
        Self {
            cell: cell.name.clone(),
            bus: interface.unwrap_or_else(|| "embedded segment".into()),
            interval_ns: cell.task.interval_ns,
            cycles: outcome.cycles,
            measured: outcome.measured,
            mode: outcome.mode.name(),
            fault: outcome.fault.map(|fault| FaultText::new(fault, cell)),
            axes: axis_troubles(cell, &outcome.axis_errors),
            startup_ns: outcome.startup_ns,
            exchange: ExchangeCounts {
                lost: count(&status.lost),
                invalid: count(&status.invalid),
                late: count(&status.late),
                stray: count(&status.stray),
                saturated: count(&status.saturated),
            },
            overruns: count(&status.overruns),
            skipped: count(&status.skipped),
            tasks: tasks(cell, &outcome, count(&status.overruns)),
            timing: if options.virtual_time { timing.into_iter().skip(2).collect() } else { timing },
            allocations: Allocations {
                rust: outcome.allocations.rust,
                c: sensai_alloc_count::C_COUNTED.then_some(outcome.allocations.c),
                frees: outcome.allocations.frees,
                interpreter: outcome.allocations.excused,
                interpreter_per_cycle: outcome.allocations.excused as f64 / measured,
            },
            page_faults: PageFaults { minor: outcome.page_faults.0, major: outcome.page_faults.1 },
            operations_mean: outcome.operations as f64 / measured,
            phase_ns: outcome.phase_ns,
            spin_ns: outcome.spin_ns,
            guarded: outcome.guarded,
            memory: outcome.memory,
            forced: outcome.forced,
            troubles: troubles(cell, &outcome.health),
            shutdown: outcome.shutdown,
            twin: outcome.twin,
            missing: outcome.missing,
            log: log.ok().flatten(),
            log_error,
            histograms: outcome.histograms,
        }
    }

    /// The full distributions, for a plot.
    pub fn histograms(&self) -> &crate::timing::Histograms {
        &self.histograms
    }

    /// True if the run ended as it should: no fault latched, the log whole, and the twin, if there is one, in order.
    pub fn is_good(&self) -> bool {
        self.fault.is_none() && self.log_error.is_none() && self.twin.is_none()
    }
}

fn axis_troubles(cell: &Cell, errors: &[(usize, AxisError)]) -> Vec<AxisTrouble> {
    let trouble = |(axis, error): &(usize, AxisError)| {
        let name = cell.axes.get(*axis)?.name.clone();
        Some(AxisTrouble { name, error: error.id(), text: error.to_string() })
    };
    errors.iter().filter_map(trouble).collect()
}

impl Summary {
    fn write_tasks(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let heads = ["interval", "releases", "overruns", "p50", "p99", "max"];
        write!(f, "\n{:<14}", "task, µs")?;
        heads.iter().try_for_each(|head| write!(f, "{head:>10}"))?;
        writeln!(f)?;
        for task in &self.tasks {
            let us = |ns: u64| format!("{:.2}", ns as f64 / 1000.0);
            let of = &task.execution;
            writeln!(
                f,
                "{:<14}{:>10}{:>10}{:>10}{:>10}{:>10}{:>10}",
                task.name,
                us(task.interval_ns),
                task.releases,
                task.overruns,
                us(of.p50),
                us(of.p99),
                us(of.max)
            )?;
        }
        Ok(())
    }
}

fn tasks(cell: &Cell, outcome: &Outcome, overruns: u64) -> Vec<TaskSummary> {
    let base = TaskSummary {
        name: cell.task.name.clone(),
        interval_ns: cell.task.interval_ns,
        releases: outcome.cycles,
        overruns,
        execution: Distribution::new("execution", &outcome.histograms.execution),
    };
    let slow = cell.slow_tasks.iter().zip(&outcome.tasks).map(|(task, runs)| TaskSummary {
        name: task.name.clone(),
        interval_ns: task.interval_ns,
        releases: runs.releases,
        overruns: runs.overruns,
        execution: Distribution::new("execution", &runs.execution),
    });
    std::iter::once(base).chain(slow).collect()
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} on {}: {} cycles of {} µs, OP after {:.1} ms, ended in {}",
            self.cell,
            self.bus,
            self.cycles,
            self.interval_ns as f64 / 1000.0,
            self.startup_ns as f64 / 1e6,
            self.mode
        )?;
        if let Some(fault) = &self.fault {
            let at = if fault.place.is_empty() { "" } else { " at " };
            writeln!(f, "latched fault {}: {}{at}{}", fault.id, fault.text, fault.place)?;
        }
        for axis in &self.axes {
            writeln!(f, "axis {}: error {}: {}", axis.name, axis.error, axis.text)?;
        }
        let e = &self.exchange;
        writeln!(
            f,
            "exchange: {} lost, {} with invalid inputs, {} late, {} stray; {} overruns, {} cycles skipped",
            e.lost, e.invalid, e.late, e.stray, self.overruns, self.skipped
        )?;
        if self.tasks.len() > 1 {
            self.write_tasks(f)?;
        }
        writeln!(f, "\n{:<14}{:>10}{:>10}{:>10}{:>10}{:>10}", "µs", "min", "p50", "p99", "p99.9", "max")?;
        for row in &self.timing {
            let us = |ns: u64| format!("{:.2}", ns as f64 / 1000.0);
            writeln!(
                f,
                "{:<14}{:>10}{:>10}{:>10}{:>10}{:>10}",
                row.name,
                us(row.min),
                us(row.p50),
                us(row.p99),
                us(row.p999),
                us(row.max)
            )?;
        }
        let a = &self.allocations;
        let c = a.c.map_or("not counted".into(), |c| c.to_string());
        writeln!(
            f,
            "\nafter warm-up: allocations {} (C: {c}), page faults {} minor, {} major; programs: {:.0} allocations \
             and {:.0} operations a cycle",
            a.rust,
            self.page_faults.minor,
            self.page_faults.major,
            a.interpreter_per_cycle,
            self.operations_mean
        )?;
        if let Some(log) = &self.log {
            writeln!(f, "{log}")?;
        }
        if let Some(error) = &self.log_error {
            writeln!(f, "{error}")?;
        }
        for (name, value) in &self.forced {
            writeln!(f, "FORCED at the end: io.{name} = {value}")?;
        }
        for (name, value) in &self.memory {
            writeln!(f, "io.{name} = {value}")?;
        }
        for trouble in &self.troubles {
            for finding in &trouble.findings {
                writeln!(f, "device {} {}: {finding}", trouble.position, trouble.name)?;
            }
        }
        if let Some(twin) = &self.twin {
            writeln!(f, "the twin stopped, and the run with it: {twin}")?;
        }
        if let Some(shutdown) = &self.shutdown {
            writeln!(f, "shutdown of the bus: {shutdown}")?;
        }
        for missing in &self.missing {
            writeln!(f, "without {}: {} ({})", missing.what, missing.why, missing.help)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sensai_fieldbus::ethercat::PortHealth;

    #[test]
    fn a_device_says_what_is_wrong_and_where() {
        let good = DeviceHealth {
            state: AlState::Op,
            status_code: 0,
            links: 3,
            ports: [PortHealth::default(); 4],
            processing_unit_errors: 0,
            pdi_errors: 0,
        };
        assert!(findings(&good).is_empty());
        let mut bad = DeviceHealth { state: AlState::SafeOp, status_code: 0x1b, ..good };
        bad.ports[1].lost_links = 2;
        let found = findings(&bad);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].contains("SafeOp") && found[0].contains("0x001b"), "{found:?}");
        assert!(found[1].starts_with("port 1: 2 lost links"), "{found:?}");
    }
}
