//! A machine that runs, for an editor: never halted, followed by its log.
//!
//! What the machine records is run again behind it, in this process, and logpoints are asked there. The machine knows nothing of it:
//! nobody asks it anything, and its cycle has no part in it. What is said is late by the time that a record takes to the disk.

use super::{
    placing::Placing,
    probe::{Seek, Want},
    programs::{SharedProbe, Watching, lock},
};
use crate::replay::{Carried, Playback, Played};
use anyhow::Context;
use sensai_log::LogReader;
use sensai_lsp::dap::{self, Debuggee, Frame, Placed, Progress, Scope, Source, Stopped, Variable, Wanted};
use std::{
    fs::File,
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Why a machine that runs is not stopped, and what there is instead.
pub const NEVER: &str = "a running machine is never halted: its axes move on, and its outputs would stand still under them; a breakpoint \
                     with a log message says what is there, and lets it run; to stop and go back, launch with its log";

/// Cycles run in one go before somebody may say something else.
const SLICE: usize = 256;

/// Serve an editor over the log of a machine that runs, from its present end on.
///
/// # Errors
/// If the log cannot be replayed, or what the editor sends is no protocol. The editor is told of the first.
pub fn serve_live<W: Write>(
    connection: &mut dap::Connection<W>,
    begun: &dap::Begun,
    log: &Path,
    cell: Option<PathBuf>,
) -> anyhow::Result<()> {
    match Live::new(log, cell) {
        Ok(mut live) => {
            connection.accept(begun)?;
            connection.tell(NEVER)?;
            Ok(dap::serve(connection, &mut live)?)
        }
        Err(why) => {
            connection.refuse(begun, &format!("{why:#}"))?;
            Err(why)
        }
    }
}

/// A machine that runs.
struct Live {
    path: PathBuf,
    log: LogReader<File>,
    /// Bytes of the file when it was last opened.
    len: u64,
    shop: Watching,
    probe: SharedProbe,
    placing: Placing,
    /// The machine behind the last cycle that was run again.
    carried: Option<Carried>,
    /// It cannot be followed any more.
    lost: bool,
    said: Vec<String>,
}

impl Live {
    fn new(path: &Path, cell: Option<PathBuf>) -> anyhow::Result<Self> {
        let open = || LogReader::open_file(path).with_context(|| format!("cannot read {}", path.display()));
        let (len, log) = (length(path)?, open()?);
        let probe = SharedProbe::default();
        let shop = Watching(Arc::clone(&probe));
        let last = log.last_cycle();
        anyhow::ensure!(last > 0, "there is no cycle in {} yet", path.display());
        let mut playback = Playback::to_reach(&log, &shop, last)?;
        while let Some(record) = playback.next_record()? {
            if let Played::Different(difference) = playback.play(&record)? {
                anyhow::bail!("cycle {} does not come out as it was recorded", difference.cycle);
            }
        }
        if let Some(machine) = playback.machine() {
            lock(&probe).of_cell(machine.cell());
        }
        let carried = playback.leave();
        let placing = Placing::new(cell, Some(NEVER));
        let path = path.to_owned();
        Ok(Self { path, log, len, shop, probe, placing, carried, lost: false, said: Vec::new() })
    }

    /// Run what is there, but not for long; true: there may be more.
    fn follow(&mut self) -> anyhow::Result<bool> {
        let carried = self.carried.take().context("it cannot be followed any more")?;
        let mut playback = Playback::resume(&self.log, &self.shop, carried)?;
        let mut more = false;
        for turn in 0..SLICE {
            let Some(record) = playback.next_record()? else { break };
            more = turn + 1 == SLICE;
            let listens = !lock(&self.probe).breakpoints.is_empty();
            if listens {
                let mut probe = lock(&self.probe);
                probe.arm(Seek::First(None, Want::Points));
                probe.speaks = true;
            }
            let played = playback.play(&record);
            lock(&self.probe).disarm();
            match played? {
                Played::Equal => {}
                Played::Lost(lost) => self.said.push(format!(
                    "cycles {} to {} cannot be run again, logpoints in them say nothing: {}",
                    lost.from, lost.to, lost.why
                )),
                Played::Different(difference) => {
                    anyhow::bail!("cycle {} does not come out as it was recorded", difference.cycle);
                }
            }
        }
        if let Some(machine) = playback.machine() {
            lock(&self.probe).of_cell(machine.cell());
        }
        self.carried = playback.leave();
        if !more {
            let len = length(&self.path)?;
            if len != self.len {
                // In this order: what grows in between is met the next time.
                (self.len, self.log) = (len, LogReader::open_file(&self.path)?);
                more = true;
            }
        }
        Ok(more)
    }
}

fn length(path: &Path) -> anyhow::Result<u64> {
    Ok(std::fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?.len())
}

impl Debuggee for Live {
    fn set_breakpoints(&mut self, source: &Source, wanted: &[Wanted]) -> Vec<Placed> {
        self.placing.set(&mut lock(&self.probe), source, wanted)
    }

    fn stop_at_faults(&mut self, _stop: bool) {}

    fn data(&mut self, _name: &str, _reference: i64) -> Result<String, String> {
        Err(NEVER.into())
    }

    fn set_data(&mut self, names: &[String]) -> Vec<Result<(), String>> {
        names.iter().map(|_| Err(NEVER.into())).collect()
    }

    fn lines(&mut self, source: &Source, from: u32, to: u32) -> Vec<u32> {
        self.placing.lines(&lock(&self.probe), source, from, to)
    }

    fn threads(&mut self) -> Vec<(i64, String)> {
        vec![(1, "cell".into())]
    }

    fn frames(&mut self, _thread: i64) -> Vec<Frame> {
        Vec::new()
    }

    fn scopes(&mut self, _frame: i64) -> Vec<Scope> {
        Vec::new()
    }

    fn variables(&mut self, _reference: i64) -> Result<Vec<Variable>, String> {
        Err(NEVER.into())
    }

    fn evaluate(&mut self, _expression: &str, _frame: i64) -> Result<Variable, String> {
        Err(NEVER.into())
    }

    fn text(&mut self, reference: i64) -> Option<String> {
        self.placing.text(reference)
    }

    fn go_to_cycle(&mut self, _cycle: u64) -> Result<Stopped, String> {
        Err(NEVER.into())
    }

    fn here(&mut self) -> Stopped {
        Stopped::default()
    }

    fn begin(&mut self, _motion: dap::Motion) -> Result<(), String> {
        Ok(())
    }

    fn go_on(&mut self) -> Progress {
        if self.lost {
            return Progress::Waiting;
        }
        match self.follow() {
            Ok(true) => Progress::Running,
            Ok(false) => Progress::Waiting,
            Err(why) => {
                self.lost = true;
                self.said.push(format!("the machine is not followed any more, it runs on: {why:#}"));
                Progress::Waiting
            }
        }
    }

    fn pause(&mut self) -> Stopped {
        Stopped::default()
    }

    fn said(&mut self) -> Vec<String> {
        let mut said = std::mem::take(&mut self.said);
        said.extend(lock(&self.probe).take_said());
        said
    }

    fn never_stops(&self) -> Option<String> {
        Some(NEVER.into())
    }
}
