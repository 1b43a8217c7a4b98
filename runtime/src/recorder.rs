//! From the machine to the log: one record a cycle, keyframes in slices, and what the log has to know about a run.

use crate::{
    cycle::{Done, Record},
    machine::{Machine, Mode},
    programs,
    run::Options,
};
use anyhow::Context;
use sensai_fieldbus::clock;
use sensai_log::{
    CycleLog, EpochSpec, KeyframeSlicer, LogOptions, LogStatistics, LogThread,
    append::Recovery,
    change::EpochMark,
    epoch::{EpochParameter, EpochProgram, KeyframePart},
    writer::EpochWriter,
};
use sensai_model::{
    Cell, Fault,
    record::{RecordFlags, RecordLayout, RecordMut},
};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

/// Which rules of arithmetic hold. Replays are comparable within one profile: pinned libm 0.2.16, IEEE 754 double,
/// no contraction, NaN canonical where stored.
pub const NUMERIC_PROFILE: &str = "sensai-1/libm-0.2.16";

/// Hash of a machine's saved state, as it stands in every record.
pub fn state_hash(state: &[u8]) -> u64 {
    twox_hash::XxHash3_64::oneshot(state)
}

/// The record of a cell's cycle.
///
/// # Errors
/// If the images are too large for a log block.
pub fn layout(cell: &Cell) -> anyhow::Result<RecordLayout> {
    Ok(RecordLayout::new(cell.image.inputs, cell.image.outputs, cell.sync_units.len())?)
}

/// The log of a run, seen from outside the cycle; nothing at all without `--log`.
pub struct LogSession {
    thread: Option<LogThread>,
    path: PathBuf,
    unclean: bool,
    first_cycle: u64,
    recovered: Vec<String>,
    parts: Vec<(String, usize)>,
}

/// What a run has left in its log.
#[derive(Clone, Debug, Serialize)]
pub struct LogSummary {
    /// The file.
    pub path: PathBuf,
    /// Bytes of one record.
    pub record_bytes: usize,
    /// What the writer did.
    #[serde(flatten)]
    pub statistics: LogStatistics,
}

impl LogSession {
    /// Open the log if one is asked for: take over what a killed run left, begin an epoch, start the writer. The
    /// second value is the cyclic thread's end.
    ///
    /// # Errors
    /// If the log cannot be opened, is of another cell, or cannot be written.
    pub fn open(cell: &Arc<Cell>, options: &Options) -> anyhow::Result<(Self, Option<LogProducer>)> {
        let Some(path) = &options.log else {
            let none = Self {
                thread: None,
                path: PathBuf::new(),
                unclean: false,
                first_cycle: 1,
                recovered: Vec::new(),
                parts: Vec::new(),
            };
            return Ok((none, None));
        };
        let log = CycleLog::open(path, log_options(cell))
            .with_context(|| format!("cannot record into {}", path.display()))?;
        if let Some(epoch) = log.last_epoch() {
            anyhow::ensure!(
                epoch.cell == cell.name,
                "{} is a log of the cell `{}`, this one is `{}`; name another file",
                path.display(),
                epoch.cell,
                cell.name
            );
        }
        let recovery = log.recovery().clone();
        let mut machine = Machine::new(Arc::clone(cell), programs::compile(cell)?);
        if let Some(start) = options.files.get(crate::retained::CONTENT) {
            crate::retained::restore(&mut machine, start);
        }
        let spec = epoch_spec(cell, options, &machine, log.next_cycle())?;
        let keyframe_len = machine.state_len().0;
        let (recorder, thread) = log
            .start(&spec, clock::monotonic_ns)
            .with_context(|| format!("cannot record into {}", path.display()))?;
        let slicer = KeyframeSlicer::new(keyframe_len, cell.log.keyframe_interval);
        let session = Self {
            thread: Some(thread),
            path: path.clone(),
            unclean: recovery.unclean,
            first_cycle: spec.first_cycle,
            recovered: describe(&recovery),
            parts: machine.state_parts(),
        };
        Ok((session, Some(LogProducer { recorder, slicer })))
    }

    /// The run before this one did not end in an orderly way.
    pub const fn unclean(&self) -> bool {
        self.unclean
    }

    /// Index of the first cycle of this run.
    pub const fn first_cycle(&self) -> u64 {
        self.first_cycle
    }

    /// A way to describe other editions of the programs, and what the bytes of a keyframe are in the first one; `None` without
    /// a log.
    pub fn epochs(&self) -> Option<(EpochWriter, Vec<(String, usize)>)> {
        Some((self.thread.as_ref()?.epochs(), self.parts.clone()))
    }

    /// What was found of an earlier run, in sentences.
    pub fn recovered(&self) -> &[String] {
        &self.recovered
    }

    /// Keep a text beside the records.
    pub fn event(&self, text: &str) {
        if let Some(thread) = &self.thread {
            thread.event(TEXT_EVENT, text);
        }
    }

    /// The file and what the writer has done so far; `None` without a log.
    pub fn statistics(&self) -> Option<(String, LogStatistics)> {
        let thread = self.thread.as_ref()?;
        Some((self.path.display().to_string(), thread.statistics()))
    }

    /// What the writer has to complain about, in a sentence; `None` while all is well.
    pub fn trouble(&self) -> Option<String> {
        let statistics = self.thread.as_ref()?.statistics();
        if statistics.dropped > 0 {
            return Some("the ring is full, records are being lost; the machine goes on".into());
        }
        let error = statistics.last_error.filter(|_| statistics.write_errors + statistics.sync_errors > 0)?;
        Some(format!("{error}; records wait in the ring, the machine goes on"))
    }

    /// Write what is left, but leave the log without an orderly end: the next start has to know.
    pub fn abandon(self) {
        drop(self.thread);
    }

    /// Write what is left and end the log in an orderly way.
    ///
    /// # Errors
    /// If the storage fails.
    pub fn close(self, cell: &Cell) -> anyhow::Result<Option<LogSummary>> {
        let Some(thread) = self.thread else { return Ok(None) };
        let statistics =
            thread.stop().with_context(|| format!("cannot finish the log {}", self.path.display()))?;
        Ok(Some(LogSummary { path: self.path, record_bytes: layout(cell)?.len(), statistics }))
    }
}

/// Kind of an event that is a text for people.
pub const TEXT_EVENT: u16 = 1;

impl fmt::Display for LogSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = &self.statistics;
        write!(
            f,
            "log {}: {} records of {} bytes, {} blocks, {:.2} MB; {} dropped, durable at the latest after {:.0} ms",
            self.path.display(),
            of.records,
            self.record_bytes,
            of.blocks,
            of.bytes as f64 / 1e6,
            of.dropped,
            of.durable_after_ns_max as f64 / 1e6
        )?;
        match &of.last_error {
            None => Ok(()),
            Some(error) => {
                write!(
                    f,
                    "\n  {} write and {} sync errors, the last: {error}",
                    of.write_errors, of.sync_errors
                )
            }
        }
    }
}

fn log_options(cell: &Cell) -> LogOptions {
    LogOptions::new(cell.log.sync_interval_ns, cell.log.ring_ns, cell.task.interval_ns)
}

pub(crate) fn epoch_spec(
    cell: &Cell,
    options: &Options,
    machine: &Machine,
    first_cycle: u64,
) -> anyhow::Result<EpochSpec> {
    let programs = machine.programs().iter().map(|program| {
        Ok(EpochProgram {
            name: program.name().to_owned(),
            layout: serde_json::to_value(program.layout())?,
            layout_hash: program.layout().hash(),
            state_len: program.state().len() as u64,
        })
    });
    let keyframe = keyframe_parts(machine.state_parts());
    Ok(EpochSpec {
        cell: cell.name.clone(),
        numeric_profile: NUMERIC_PROFILE.into(),
        binary_sha256: binary_hash(),
        interval_ns: cell.task.interval_ns,
        first_cycle,
        start_utc_ns: clock::utc_ns(),
        contents: options.files.iter().map(|(path, bytes)| (path.clone(), bytes.clone())).collect(),
        record: layout(cell)?,
        tags: cell.tags.clone(),
        parameters: cell
            .parameters
            .iter()
            .zip(machine.parameters())
            .map(|(of, value)| EpochParameter {
                name: of.name.clone(),
                scalar: of.scalar,
                value: *value,
                unit: of.unit.clone(),
            })
            .collect(),
        sync_units: cell.sync_units.iter().map(|unit| unit.name.clone()).collect(),
        programs: programs.collect::<anyhow::Result<_>>()?,
        keyframe,
        edition: 0,
        run_first_cycle: 0,
        probation: 0,
        replaced: Vec::new(),
    })
}

/// Names and lengths, one behind the other.
pub(crate) fn keyframe_parts(parts: Vec<(String, usize)>) -> Vec<KeyframePart> {
    let place = |offset: &mut u64, (name, len): (String, usize)| {
        let part = KeyframePart { name, offset: *offset, len: len as u64 };
        *offset += len as u64;
        Some(part)
    };
    parts.into_iter().scan(0, place).collect()
}

/// Hash of the running binary, for information; empty if it cannot be read.
fn binary_hash() -> String {
    let bytes = std::env::current_exe().and_then(std::fs::read).unwrap_or_default();
    if bytes.is_empty() { String::new() } else { sensai_log::block::hex(&Sha256::digest(&bytes)) }
}

/// What opening found, for people.
pub fn describe(recovery: &Recovery) -> Vec<String> {
    let mut found = Vec::new();
    if recovery.unclean {
        found.push("the run before did not end in an orderly way".into());
    }
    if recovery.ring_records > 0 {
        let count = recovery.ring_records;
        found.push(format!("{count} records were taken over from the memory of the killed process"));
    }
    if recovery.ring_damaged > 0 {
        found.push(format!("{} damaged slots were found there", recovery.ring_damaged));
    }
    if recovery.torn_bytes > 0 {
        let cycles = recovery
            .torn_cycles
            .map_or(String::new(), |(after, to)| format!(", they claimed cycles {} to {to}", after + 1));
        found.push(format!("{} bytes of a torn end were cut off{cycles}", recovery.torn_bytes));
    }
    found.extend(recovery.ring_note.clone());
    found
}

/// The cyclic side of a log.
pub struct LogProducer {
    recorder: sensai_log::Recorder,
    slicer: KeyframeSlicer,
}

/// What the log needs for a reload: the marks of its edition and of the one after its undo, and room for longer states.
pub struct LogPart {
    /// Edition, and what it is called in the log.
    pub marks: [(u32, EpochMark); 2],
    /// As long as what is hashed in the longer one of both.
    pub effects: Box<[u8]>,
    /// As long as the longer keyframe of both.
    pub keyframe: Box<[u8]>,
}

/// Takes down cycles, with or without a log: the state hash is only needed with one.
pub struct Recorder {
    log: Option<LogProducer>,
    /// Room for what is hashed of the machine's state.
    effects: Box<[u8]>,
    /// How much of it that is.
    hashed: usize,
    /// What is recorded now.
    edition: u32,
    /// Of the reload that waits for its edge, and of the one that was taken last.
    parts: [Option<Box<LogPart>>; 2],
    unused: Option<Box<LogPart>>,
    /// Virtual time has no timings: they are zero, so that equal runs are equal bytes.
    timeless: bool,
    /// How often the writer is still waited for.
    patience: u32,
    fault: Option<Fault>,
}

/// Waits of [`WAIT`] for a writer that makes no room: ten seconds of a disk that refuses.
const PATIENCE: u32 = 10_000;
const WAIT: Duration = Duration::from_millis(1);

impl Recorder {
    /// For this machine.
    pub fn new(log: Option<LogProducer>, machine: &Machine, timeless: bool) -> Self {
        let (_, hashed) = machine.state_len();
        let effects = vec![0; hashed].into_boxed_slice();
        let (edition, parts) = (machine.edition(), [None, None]);
        Self { log, effects, hashed, edition, parts, unused: None, timeless, patience: PATIENCE, fault: None }
    }

    /// Have what a reload needs at hand before the machine takes it. Returns what is not needed any more: that of one that was
    /// never taken.
    pub fn prepare(&mut self, part: Box<LogPart>) -> Option<Box<LogPart>> {
        let [waiting, _] = &mut self.parts;
        waiting.replace(part)
    }

    /// What is not needed any more, since another reload was taken.
    pub fn unused(&mut self) -> Option<Box<LogPart>> {
        self.unused.take()
    }

    /// The machine runs other programs: from this cycle on it is another epoch.
    fn follow(&mut self, machine: &Machine, index: u64) {
        let edition = machine.edition();
        if edition == self.edition {
            return;
        }
        self.edition = edition;
        let [waiting, taken] = &mut self.parts;
        let is_of = |part: &LogPart| part.marks.iter().any(|(of, _)| *of == edition);
        if waiting.as_deref().is_some_and(is_of) {
            self.unused = std::mem::replace(taken, waiting.take());
        }
        if let (Some(log), Some(part)) = (&mut self.log, taken) {
            let (len, hashed) = machine.state_len();
            if part.effects.len() > self.effects.len() {
                std::mem::swap(&mut part.effects, &mut self.effects);
            }
            self.hashed = hashed.min(self.effects.len());
            log.slicer.restart(len, &mut part.keyframe);
            if let Some((_, mark)) = part.marks.iter().find(|(of, _)| *of == edition) {
                log.recorder.begin_epoch(mark, index);
            }
        }
    }

    /// In virtual time a run is faster than any disk, and nothing is late for waiting: let the writer make room, so that no
    /// record is lost. A disk that refuses is waited for only so long; from then on losses are counted, as at a machine.
    pub fn wait_for_room(&mut self) {
        let Some(log) = self.log.as_mut().filter(|_| self.timeless && self.patience > 0) else { return };
        let mut left = self.patience;
        while log.recorder.is_crowded() {
            left -= 1;
            if left == 0 {
                self.patience = 0;
                return;
            }
            std::thread::sleep(WAIT);
        }
    }

    /// Records that found the ring full.
    pub fn dropped(&self) -> u64 {
        self.log.as_ref().map_or(0, |log| log.recorder.dropped())
    }
}

impl Record for Recorder {
    fn record(&mut self, machine: &Machine, done: &Done<'_>) {
        self.follow(machine, done.time.index);
        let Some(log) = &mut self.log else { return };
        let effects = self.effects.get_mut(..self.hashed).unwrap_or_default();
        machine.save_effects(effects);
        // The record names a fault in the cycle in which it rose.
        let risen = machine.fault().filter(|fault| self.fault != Some(*fault));
        self.fault = machine.fault();
        let hash = state_hash(effects);
        log.recorder.record(|record| {
            fill(record, machine, done, hash, risen);
            if !self.timeless {
                fill_times(record, done);
            }
        });
        if log.recorder.keyframe_due(&log.slicer, done.time.index) {
            log.recorder.keyframe(&mut log.slicer, done.time.index, |buffer| machine.save(buffer));
        }
        log.recorder.keyframe_step(&mut log.slicer);
    }
}

pub(crate) fn fill(
    record: &mut RecordMut<'_>,
    machine: &Machine,
    done: &Done<'_>,
    hash: u64,
    risen: Option<Fault>,
) {
    let exchange = &done.exchange;
    record.set_cycle(done.time.index);
    record.set_time_ns(machine.time_ns(done.time.index));
    record.set_flags(flags(machine, done));
    record.set_valid(exchange.valid);
    record.set_state_hash(hash);
    record.set_late(exchange.late);
    record.set_stray(exchange.stray);
    record.set_devices(exchange.devices);
    record.set_al_states(exchange.al_states);
    record.set_operations(u32::try_from(machine.operations()).unwrap_or(u32::MAX));
    record.set_fault(risen);
    for entry in done.entries {
        // There are never more entries than places: the inbox gives out at most as many.
        let _ = record.push_inbox(entry);
    }
    for (unit, counter) in exchange.working_counters.iter().enumerate() {
        record.set_working_counter(unit, *counter);
    }
    record.inputs_mut().copy_from_slice(machine.inputs());
    record.outputs_mut().copy_from_slice(machine.outputs());
}

/// What was special about a cycle, from the machine that went through it.
pub fn flags(machine: &Machine, done: &Done<'_>) -> RecordFlags {
    machine_flags(machine)
        .with(RecordFlags::FIRST_CYCLE, done.time.first)
        .with(RecordFlags::EXCHANGE_LOST, done.exchange.lost)
        .with(RecordFlags::SEND_FAILED, done.exchange.send_failed)
        .with(RecordFlags::OVERRUN, done.wake.overrun)
}

/// The flags that tell what the machine did, as against what happened to it. A replay compares them.
pub fn machine_flags(machine: &Machine) -> RecordFlags {
    RecordFlags::default()
        .with(RecordFlags::FAULTED, machine.mode() == Mode::Fault)
        .with(RecordFlags::COMMITTED, machine.committed())
        .with(RecordFlags::RUNNING, machine.mode() == Mode::Run)
        .with(RecordFlags::SHUTDOWN, machine.shutting_down())
}

/// All flags that [`machine_flags`] may set.
pub const MACHINE_FLAGS: RecordFlags = RecordFlags(
    RecordFlags::FAULTED.0 | RecordFlags::COMMITTED.0 | RecordFlags::RUNNING.0 | RecordFlags::SHUTDOWN.0,
);

fn fill_times(record: &mut RecordMut<'_>, done: &Done<'_>) {
    let times = &done.times;
    let [exchange, inbox, scripts, stage, last_record] = times.steps;
    record.set_wake_latency_ns(times.wake_latency);
    record.set_start_error_ns(times.start_error);
    record.set_exchange_ns(exchange);
    record.set_inbox_ns(inbox);
    record.set_scripts_ns(scripts);
    record.set_stage_ns(stage);
    record.set_record_ns(last_record);
    record.set_execution_ns(exchange.saturating_add(inbox).saturating_add(scripts).saturating_add(stage));
}
