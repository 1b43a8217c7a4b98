//! `sensai sim`: devices on a network interface.

use super::scan::segment_of_images;
use crate::{cli::Sim, rt, signals, sim_faults, twin};
use anyhow::Context;
use sensai_fieldbus::{
    clock,
    simulated::{Line, Segment, TraceEvent, TraceKind, serve},
    wire::RawSocket,
};
use std::{
    process::ExitCode,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

/// `SCHED_FIFO` priority, below a cycle's usual 80.
const PRIORITY: u8 = 70;

/// Events kept for `--trace`.
const TRACE_EVENTS: usize = 1 << 20;

/// Serve until a signal comes, or the time is over.
pub fn run(arguments: &Sim) -> anyhow::Result<ExitCode> {
    let mut twin = None;
    let mut segment = match &arguments.cell {
        None => segment_of_images(&arguments.sii)?,
        Some(directory) => {
            let cell = super::load_cell(directory)?;
            let cell = super::run::simulated(cell, arguments.seed, &arguments.sim_param)?;
            let (plant, failure) = twin::connect(&cell)?;
            let segment = Segment::for_cell(&cell, plant);
            twin = Some((cell, failure));
            segment
        }
    };
    let faults = match &twin {
        Some((cell, _)) => sim_faults::resolve(cell, &arguments.fault),
        None => sim_faults::resolve_positions(segment.devices().len(), &arguments.fault),
    }
    .context("--fault")?;
    if arguments.trace.is_some() {
        segment.record(TRACE_EVENTS);
    }
    let mut socket = RawSocket::open(&arguments.interface)?;
    // A twin that fails ends the simulation by the same flag.
    let stop = twin.as_ref().map_or_else(Arc::default, |(_, failure)| failure.stop_flag());
    signals::end_by_flag(&stop, false)?;
    if let Some(seconds) = arguments.seconds {
        let stop = Arc::clone(&stop);
        let seconds =
            Duration::try_from_secs_f64(seconds).context("--seconds: expected a positive number")?;
        std::thread::spawn(move || {
            std::thread::sleep(seconds);
            stop.store(true, Relaxed);
        });
    }
    become_real_time(arguments.core);
    eprintln!("simulating {} devices on {}; Ctrl-C ends", segment.devices().len(), arguments.interface);
    let mut line = Line::new(segment);
    faults.iter().for_each(|fault| fault.arm(&mut line, clock::now_ns()));
    serve(&mut socket, &mut line, &stop);
    if let Some(path) = &arguments.trace {
        std::fs::write(path, trace(line.segment()))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    eprintln!("{} frames in {:.1} s of the segment", line.segment().frames(), clock::now_ns() as f64 / 1e9);
    if let Some(text) = twin.and_then(|(cell, failure)| failure.text(&cell)) {
        eprintln!("the twin stopped, and the simulation with it: {text}");
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

/// Real devices answer within a microsecond: a simulator that waits for a time slice would only lose frames. On the
/// cycle's own core, below its priority, it runs as soon as the cycle waits for its frames, without the wake-up of an
/// idle core; and where a hypervisor takes a core away, cycle and devices stand still together, so that a stall between
/// two exchanges costs no reply. What is refused makes it slower, not wrong.
fn become_real_time(core: Option<usize>) {
    if let Some(core) = core.or_else(|| rt::cores().last().copied())
        && let Err(missing) = rt::pin(core)
    {
        eprintln!("no {}: {}", missing.what, missing.why);
    }
    let _ = rt::fifo(PRIORITY);
    let _ = rt::lock_memory();
}

fn trace(segment: &Segment) -> String {
    let mut out = String::from("time_ns,last_frame_ns,device,event,value\n");
    for TraceEvent { time_ns, device, last_frame_ns, kind } in segment.trace().iter() {
        let (event, value) = match kind {
            TraceKind::State(state, code) => {
                let code = code.map_or(String::new(), |code| format!(" {code:#06x}"));
                ("state", format!("{state:?}{code}"))
            }
            TraceKind::Outputs(hash) => ("outputs", format!("{hash:016x}")),
            TraceKind::Watchdog => ("watchdog", String::new()),
            TraceKind::PowerOff => ("power off", String::new()),
            TraceKind::PowerOn => ("power on", String::new()),
        };
        out.push_str(&format!("{time_ns},{last_frame_ns},{device},{event},{value}\n"));
    }
    out
}
