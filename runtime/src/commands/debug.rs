//! `sensai replay --debug`, `sensai run --debug` and `sensai debug-adapter`: an editor debugs a log, or a simulation.
//!
//! A simulation is debugged as the log that it leaves: in virtual time it is over in a moment, and there is a way back in it. A
//! machine that runs is followed by its log.

use crate::{debug, rt};
use anyhow::Context;
use sensai_log::LogReader;
use sensai_lsp::dap::{Begun, Connection};
use serde::Deserialize;
use std::{
    io::{BufReader, Write},
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
};

/// Cycles of a simulation, unless somebody says how many.
const CYCLES: u64 = 60_000;

/// What is to be debugged; what is not said here, the editor says.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Wanted {
    /// The log.
    pub log: Option<PathBuf>,
    /// The cell's directory; without a log, what is simulated.
    pub cell: Option<PathBuf>,
    /// Where to begin.
    pub cycle: Option<u64>,
    /// How long a simulation is, in cycles.
    pub cycles: Option<u64>,
    /// More arguments of `sensai run` for it; only the command line gives them.
    #[serde(skip)]
    pub simulation: Vec<String>,
}

/// Serve an editor on standard input and output.
pub fn run(given: &Wanted) -> anyhow::Result<ExitCode> {
    rt::end_on_closed_pipe();
    let mut connection = Connection::new(BufReader::new(std::io::stdin()), std::io::stdout())?;
    while let Some(begun) = connection.begin()? {
        match wanted(given, &begun) {
            Ok(wanted) => return serve(&mut connection, &begun, wanted),
            Err(why) => connection.refuse(&begun, &why)?,
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn wanted(given: &Wanted, begun: &Begun) -> Result<Wanted, String> {
    let asked = match &begun.arguments {
        serde_json::Value::Null => Wanted::default(),
        arguments => Wanted::deserialize(arguments).map_err(|error| error.to_string())?,
    };
    let both = Wanted {
        log: given.log.clone().or(asked.log),
        cell: given.cell.clone().or(asked.cell),
        cycle: given.cycle.or(asked.cycle),
        cycles: given.cycles.or(asked.cycles),
        simulation: given.simulation.clone(),
    };
    match (&both.log, &both.cell) {
        (None, _) if begun.attach => Err(format!(
            "{}. Record the machine (`sensai run --log`), and say as `log` where: it is followed there",
            debug::NEVER
        )),
        (None, None) => Err("say what to debug: `log`, a recorded log, or `cell`, a cell to simulate".into()),
        _ => Ok(both),
    }
}

fn serve<W: Write>(
    connection: &mut Connection<W>,
    begun: &Begun,
    wanted: Wanted,
) -> anyhow::Result<ExitCode> {
    let cell = wanted.cell.as_deref().map(absolute).transpose();
    if let (true, Some(log)) = (begun.attach, &wanted.log) {
        return match cell {
            Ok(cell) => debug::serve_live(connection, begun, log, cell).map(|()| ExitCode::SUCCESS),
            Err(why) => {
                connection.refuse(begun, &format!("{why:#}"))?;
                Err(why)
            }
        };
    }
    // Gone with the session.
    let mut simulated = None;
    let path = cell.and_then(|cell| {
        let path = match (wanted.log, &cell) {
            (Some(log), _) => log,
            (None, Some(cell)) => {
                let directory =
                    tempfile::tempdir().context("cannot make a directory for the simulation's log")?;
                let log = directory.path().join("simulation.snlog");
                connection.tell(&simulate(
                    cell,
                    wanted.cycles.unwrap_or(CYCLES),
                    &wanted.simulation,
                    &log,
                )?)?;
                simulated = Some(directory);
                log
            }
            (None, None) => anyhow::bail!("there is neither a log nor a cell"),
        };
        let log = LogReader::open_file(&path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok((log, cell))
    });
    let (log, cell) = match path {
        Ok(found) => found,
        Err(why) => {
            connection.refuse(begun, &format!("{why:#}"))?;
            return Err(why);
        }
    };
    debug::serve(connection, begun, &log, cell, wanted.cycle)?;
    drop(simulated);
    Ok(ExitCode::SUCCESS)
}

fn absolute(path: &Path) -> anyhow::Result<PathBuf> {
    path.canonicalize().with_context(|| format!("there is no {}", path.display()))
}

/// Run a cell in virtual time into a log; what the run said.
fn simulate(cell: &Path, cycles: u64, more: &[String], log: &Path) -> anyhow::Result<String> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("run").arg(cell).args(["--virtual", "--quiet", "--cycles", &cycles.to_string(), "--log"]);
    let output =
        command.arg(log).args(more).stdin(Stdio::null()).output().context("cannot start the simulation")?;
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stderr), String::from_utf8_lossy(&output.stdout));
    // A run that ends in a fault is what there is to be debugged.
    anyhow::ensure!(log.is_file(), "the simulation did not come up:\n{said}");
    Ok(said)
}
