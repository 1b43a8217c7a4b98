//! `sensai run`

use crate::{
    cli::{Run, Spin},
    control::{
        remote::directory::Directory,
        session::{Control, Listen},
    },
    perf_map, plot, run, timing, twin,
};
use anyhow::Context;
use sensai_model::Cell;
use std::{net::SocketAddr, process::ExitCode, sync::Arc};

/// Debug what a simulation of the cell does.
fn debug(arguments: &Run) -> anyhow::Result<ExitCode> {
    let seed = arguments.seed.iter().flat_map(|seed| ["--seed".to_owned(), seed.to_string()]);
    let parameters = arguments.sim_param.iter();
    let parameters =
        parameters.flat_map(|(name, value)| ["--sim-param".to_owned(), format!("{name}={value}")]);
    let faults = arguments.sim_fault.iter();
    let faults = faults.flat_map(|fault| ["--sim-fault".to_owned(), fault.to_string()]);
    super::debug::run(&super::debug::Wanted {
        cell: Some(arguments.cell.clone()),
        cycles: arguments.cycles,
        simulation: seed.chain(parameters).chain(faults).collect(),
        ..super::debug::Wanted::default()
    })
}

/// Run until it ends; exit code 1 if a fault is latched then.
pub fn run(arguments: &Run) -> anyhow::Result<ExitCode> {
    if arguments.debug {
        return debug(arguments);
    }
    let (cell, source) = super::load_to_run(&arguments.cell)?;
    let cell = simulated(cell, arguments.seed, &arguments.sim_param)?;
    let interface = arguments.interface.as_ref().or(cell.bus.interface.as_ref());
    let real_bus = !arguments.virtual_time && interface.is_some_and(|name| name != "sim");
    let options = run::Options {
        retain: arguments.retain.clone().or_else(|| real_bus.then(|| arguments.cell.join("retained"))),
        restart: arguments.restart,
        interface: arguments.interface.clone(),
        cycles: arguments.cycles,
        virtual_time: arguments.virtual_time,
        log: arguments.log.clone(),
        files: source.files,
        start: arguments.start,
        sim_faults: arguments.sim_fault.clone(),
        quiet: arguments.quiet,
        no_spin: arguments.spin == Spin::Off,
        guard: arguments.guard,
        control: match (&arguments.control, arguments.no_control || arguments.virtual_time) {
            (Some(path), _) => Control::Path(path.clone()),
            (None, true) if arguments.listen.listen.is_none() => Control::Off,
            (None, _) => Control::Default,
        },
        listen: arguments.listen.listen.map(|address| listen(address, arguments)).transpose()?,
        control_group: arguments.control_group.clone(),
        directory: Some(arguments.cell.clone()),
        watch: arguments.watch,
        probation: arguments.probation,
    };
    if arguments.perf_map {
        let path = perf_map::begin()?;
        eprintln!("code of programs is named in {}", path.display());
    }
    let summary = run::run(&cell, &options)?;
    if arguments.json {
        super::say(&format!("{}\n", serde_json::to_string_pretty(&summary)?));
    } else {
        super::say(&summary.to_string());
    }
    if let Some(path) = &arguments.plot {
        let curves: Vec<_> =
            summary.histograms().rows().map(|(name, histogram)| plot::Curve { name, histogram }).collect();
        plot::distributions(path, &format!("{} on {}", summary.cell, summary.bus), &curves)
            .with_context(|| format!("cannot draw {}", path.display()))?;
    }
    if let Some(path) = &arguments.histograms {
        timing::write_rows(path, summary.histograms())
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(if summary.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The way in from a network.
fn listen(address: SocketAddr, arguments: &Run) -> anyhow::Result<Listen> {
    Ok(Listen { address, directory: Directory::at(arguments.listen.access.as_deref())? })
}

/// The cell with another seed for its plant, and other parameters for its twin.
pub(super) fn simulated(
    cell: Arc<Cell>,
    seed: Option<u64>,
    parameters: &[(String, f64)],
) -> anyhow::Result<Arc<Cell>> {
    if seed.is_none() && parameters.is_empty() {
        return Ok(cell);
    }
    let mut cell = Cell::clone(&cell);
    cell.simulation.seed = seed.unwrap_or(cell.simulation.seed);
    twin::set_parameters(&mut cell, parameters).context("--sim-param")?;
    Ok(Arc::new(cell))
}
