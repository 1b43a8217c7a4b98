//! `sensai doctor`: how fit this computer is, and what to change.

use crate::{
    cli::Doctor,
    commands, cyclic,
    inference::library::{self, LibraryError},
    phase, rt, run,
};
use sensai_fieldbus::{clock, wire::RawSocket};
use sensai_model::{Cell, cell::ModelEngine};
use serde::Serialize;
use std::{fs, process::ExitCode, sync::Arc};

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    /// As it should be.
    Ok,
    /// Works, with a cost.
    Warn,
    /// Not fit for a machine.
    Bad,
}

/// One check.
#[derive(Debug, Serialize)]
struct Finding {
    check: &'static str,
    verdict: Verdict,
    found: String,
    help: &'static str,
}

/// Run every check; exit code 1 if one is bad.
pub fn run(arguments: &Doctor) -> anyhow::Result<ExitCode> {
    let cell = arguments.cell.as_deref().map(commands::load_cell).transpose()?;
    let mut findings =
        vec![kernel(), fifo(), memory(), cores(cell.as_deref()), governor(), deep_sleep(), clocksource()];
    findings.push(raw_socket(cell.as_deref()));
    findings.push(onnxruntime(cell.as_deref()));
    let wake = wake_latency(cell.as_deref());
    findings.push(throttling(cell.as_ref(), wake.1)?);
    findings.push(wake.0);
    if let Some(cell) = &cell {
        findings.push(log_volume(cell)?);
    }
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&findings)?);
    } else {
        for finding in &findings {
            let mark = match finding.verdict {
                Verdict::Ok => "ok  ",
                Verdict::Warn => "warn",
                Verdict::Bad => "BAD ",
            };
            println!("{mark}  {:<16}{}", finding.check, finding.found);
            if finding.verdict != Verdict::Ok {
                println!("{:22}{}", "", finding.help);
            }
        }
    }
    let bad = findings.iter().any(|finding| finding.verdict == Verdict::Bad);
    Ok(if bad { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn read(path: &str) -> Option<String> {
    fs::read_to_string(path).ok().map(|text| text.trim().to_owned())
}

fn kernel() -> Finding {
    let release = read("/proc/sys/kernel/osrelease").unwrap_or_else(|| "unknown".into());
    let real_time = read("/sys/kernel/realtime").as_deref() == Some("1");
    Finding {
        check: "kernel",
        verdict: if real_time { Verdict::Ok } else { Verdict::Bad },
        found: format!("{release}, PREEMPT_RT {}", if real_time { "on" } else { "off" }),
        help: "a machine needs a PREEMPT_RT kernel (Debian: linux-image-rt-amd64); simulation does not",
    }
}

fn fifo() -> Finding {
    let refused = std::thread::spawn(|| rt::fifo(80).err()).join().ok().flatten();
    Finding {
        check: "SCHED_FIFO",
        verdict: if refused.is_none() { Verdict::Ok } else { Verdict::Bad },
        found: refused.map_or("granted at priority 80".into(), |missing| missing.why),
        help: "run as root, grant CAP_SYS_NICE, or set an rtprio limit for the user",
    }
}

fn memory() -> Finding {
    let refused = rt::lock_memory().err();
    Finding {
        check: "locked memory",
        verdict: if refused.is_none() { Verdict::Ok } else { Verdict::Bad },
        found: refused.map_or("granted".into(), |missing| missing.why),
        help: "run as root, grant CAP_IPC_LOCK, or set `ulimit -l unlimited` for the user",
    }
}

fn cores(cell: Option<&Cell>) -> Finding {
    let cores = rt::cores();
    let isolated = read("/sys/devices/system/cpu/isolated").unwrap_or_default();
    let core = cell.and_then(|cell| cell.task.core).or_else(|| cores.last().copied());
    let plan = core.map_or(String::new(), |core| format!("; the cycle takes core {core}"));
    let verdict = match (cores.len(), isolated.is_empty()) {
        (0 | 1, _) => Verdict::Bad,
        (_, true) => Verdict::Warn,
        _ => Verdict::Ok,
    };
    let shown = if isolated.is_empty() { "none" } else { &isolated };
    Finding {
        check: "cores",
        verdict,
        found: format!("{} usable, isolated: {shown}{plan}", cores.len()),
        help: "give the cycle a core of its own: isolcpus=, nohz_full= and rcu_nocbs= on the kernel's command line",
    }
}

fn governor() -> Finding {
    let governor = read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
    let fixed = governor.as_deref().is_none_or(|name| name == "performance");
    Finding {
        check: "CPU frequency",
        verdict: if fixed { Verdict::Ok } else { Verdict::Warn },
        found: governor.unwrap_or_else(|| "not scaled by Linux".into()),
        help: "set the governor `performance`: changing frequency costs tens of microseconds",
    }
}

fn deep_sleep() -> Finding {
    let refused = rt::no_deep_sleep().err();
    Finding {
        check: "CPU idle states",
        verdict: if refused.is_none() { Verdict::Ok } else { Verdict::Warn },
        found: refused.map_or("deep states can be forbidden during a run".into(), |missing| missing.why),
        help: "make /dev/cpu_dma_latency writable; in a virtual machine the host decides",
    }
}

fn clocksource() -> Finding {
    let source = read("/sys/devices/system/clocksource/clocksource0/current_clocksource").unwrap_or_default();
    let fast = ["tsc", "kvm-clock", "arch_sys_counter"].contains(&source.as_str());
    Finding {
        check: "clock source",
        verdict: if fast { Verdict::Ok } else { Verdict::Warn },
        found: source,
        help: "expected tsc or arch_sys_counter; others need a system call to read the time",
    }
}

/// Only models that run beside need it.
fn onnxruntime(cell: Option<&Cell>) -> Finding {
    let wanted = |cell: &Cell| cell.models.iter().any(|model| model.engine == ModelEngine::Ort);
    let wanted = cell.is_some_and(wanted);
    let found = library::find().and_then(|path| library::environment().map(|_| path));
    let (verdict, found) = match found {
        Ok(path) => (Verdict::Ok, path.display().to_string()),
        Err(error) if wanted => (Verdict::Bad, error.to_string()),
        Err(LibraryError::Missing { .. }) => {
            (Verdict::Ok, "not installed; only models with engine = \"ort\" need it".into())
        }
        Err(error) => (Verdict::Warn, error.to_string()),
    };
    let help = "`sensai setup onnxruntime` installs the library that is tested with";
    Finding { check: "ONNX Runtime", verdict, found, help }
}

fn raw_socket(cell: Option<&Cell>) -> Finding {
    let interface = cell.and_then(|cell| cell.bus.interface.as_deref()).unwrap_or("lo");
    let refused = RawSocket::open(interface).err();
    Finding {
        check: "raw socket",
        verdict: if refused.is_none() { Verdict::Ok } else { Verdict::Bad },
        found: refused.map_or(format!("can be opened on {interface}"), |error| error.to_string()),
        help: "EtherCAT frames need CAP_NET_RAW; the embedded segment does not",
    }
}

/// A short look at how late the kernel wakes a thread of the cycle's kind; the spin window that follows from it.
fn wake_latency(cell: Option<&Cell>) -> (Finding, u64) {
    let interval = cell.map_or(1_000_000, |cell| cell.task.interval_ns);
    let measured = std::thread::spawn(move || {
        let _ = rt::cores().last().copied().map(rt::pin);
        let _ = rt::fifo(80);
        let timing = phase::calibrate(interval);
        let mut late = Vec::with_capacity(200);
        for _ in 0..200 {
            let target = phase::next_start(clock::monotonic_ns(), interval, timing.phase_ns);
            rt::sleep_until(target);
            late.push(clock::monotonic_ns() - target);
        }
        late.sort_unstable();
        (late[100], late[198], timing.spin_ns)
    })
    .join();
    let (p50, p99, spin) = measured.unwrap_or((0, u64::MAX, 0));
    let finding = Finding {
        check: "wake latency",
        verdict: if p99 < interval / 10 { Verdict::Ok } else { Verdict::Bad },
        found: format!(
            "p50 {:.1} µs, p99 {:.1} µs over 200 wakes; spin window {:.0} µs",
            p50 as f64 / 1e3,
            p99 as f64 / 1e3,
            spin as f64 / 1e3
        ),
        help: "p99 should stay below a tenth of the interval; `sensai bench jitter` measures it at length",
    };
    (finding, spin)
}

/// The kernel stops real-time threads that use more than their share. Execution and spin together must fit.
fn throttling(cell: Option<&Arc<Cell>>, spin_ns: u64) -> anyhow::Result<Finding> {
    let number = |path| read(path).and_then(|text| text.parse::<f64>().ok());
    let period = number("/proc/sys/kernel/sched_rt_period_us").unwrap_or(1_000_000.0);
    let runtime = number("/proc/sys/kernel/sched_rt_runtime_us").unwrap_or(-1.0);
    let help = "raise kernel.sched_rt_runtime_us (-1 switches throttling off), or lower spin or work";
    if runtime < 0.0 {
        let found = "off".into();
        return Ok(Finding { check: "RT throttling", verdict: Verdict::Ok, found, help });
    }
    let allowed = runtime / period;
    let Some(cell) = cell else {
        let found =
            format!("real-time threads may use {:.0} % of a core; name a cell to compare", allowed * 100.0);
        return Ok(Finding { check: "RT throttling", verdict: Verdict::Ok, found, help });
    };
    let execution = match execution_p999(cell) {
        Ok(execution) => execution,
        Err(error) => {
            let found = format!("the cell cannot be run here to compare: {error:#}");
            return Ok(Finding { check: "RT throttling", verdict: Verdict::Warn, found, help });
        }
    };
    let used = (execution + cell.task.spin_ns.unwrap_or(spin_ns)) as f64 / cell.task.interval_ns as f64;
    Ok(Finding {
        check: "RT throttling",
        verdict: if used < allowed { Verdict::Ok } else { Verdict::Bad },
        found: format!(
            "may use {:.0} % of a core; execution ({:.0} µs) and spin need {:.0} %",
            allowed * 100.0,
            execution as f64 / 1e3,
            used * 100.0
        ),
        help,
    })
}

/// What a cycle of this cell takes here, on the embedded segment.
fn execution_p999(cell: &Arc<Cell>) -> anyhow::Result<u64> {
    let options =
        run::Options { cycles: Some(2_000), virtual_time: true, quiet: true, ..run::Options::default() };
    let cell = cyclic::without_interface(cell);
    let summary = run::run(&cell, &options)?;
    Ok(summary.timing.iter().find(|row| row.name == "execution").map_or(0, |row| row.p999))
}

/// What recording for ever would write, and how long a disk would bear it.
fn log_volume(cell: &Cell) -> anyhow::Result<Finding> {
    /// Bytes a typical 256 GB industrial SSD may be written: 150 TBW.
    const ENDURANCE: f64 = 150e12;
    let layout = sensai_model::record::RecordLayout::new(
        cell.image.inputs,
        cell.image.outputs,
        cell.sync_units.len(),
    )?;
    let per_day = layout.len() as f64 * 86_400e9 / cell.task.interval_ns as f64;
    Ok(Finding {
        check: "cycle log",
        verdict: Verdict::Ok,
        found: format!(
            "{} bytes a record, {:.1} GB a day without keyframes; a disk rated 150 TBW bears {:.1} years of it",
            layout.len(),
            per_day / 1e9,
            ENDURANCE / per_day / 365.0
        ),
        help: "",
    })
}
