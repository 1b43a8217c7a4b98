//! A machine built from a log, and the log behind its three doors.

use super::{Difference, FieldDifference, TagDifference, Unverified};
use crate::{
    cycle::{Done, Record, cycle},
    inbox::Inbox,
    libraries,
    machine::{
        CycleTime, Machine,
        reload::{Reload, Replacement},
    },
    pace::{Pace, Wake},
    programs::{self, Workshop},
    recorder::{MACHINE_FLAGS, layout, machine_flags, state_hash},
    reload::{Running, assemble, with_texts},
    source::{Files, Source},
    timing::StepTimes,
};
use anyhow::Context;
use sensai_fieldbus::{Bus, Exchange};
use sensai_log::{Epoch, LogReader, epoch::Content, storage::ReadAt};
use sensai_model::{
    Cell, TagKind,
    cell::SYNC_UNITS_MAX,
    record::{InboxKind, RecordFlags, RecordView},
};
use sensai_scripts::ProgramError;
use std::{collections::BTreeMap, sync::Arc};

/// The record's cycle is the next one after `last`, but for those that its verdict says were passed over.
pub(super) fn follows(last: u64, view: &RecordView<'_>) -> bool {
    last.checked_add(1).and_then(|next| next.checked_add(skipped(view))) == Some(view.cycle())
}

/// A machine built from an epoch, and what feeds it.
pub(super) struct Player {
    pub(super) epoch: Arc<Epoch>,
    /// With the texts of the epoch.
    cell: Arc<Cell>,
    /// With those that an undo would bring back.
    before: Option<Arc<Cell>>,
    /// What runs, as far as a reload has to know it; made when one comes.
    running: Option<Running>,
    pub(super) machine: Machine,
    bus: LogBus,
    pace: LogPace,
    inbox: Inbox,
    compare: Compare,
    /// Text of what failed in the last cycle.
    pub(super) error: Option<ProgramError>,
    times: StepTimes,
    /// The machine's state is the one after `last`.
    pub(super) synced: bool,
    /// The cycle that led to the machine's state; `None` before the epoch's first.
    pub(super) last: Option<u64>,
}

impl Player {
    pub(super) fn new<R: ReadAt>(
        log: &LogReader<R>,
        epoch: &Arc<Epoch>,
        shop: &dyn Workshop,
    ) -> anyhow::Result<Self> {
        let cell = rebuild(log, epoch)?;
        let programs = shop.all(&cell)?;
        let mut machine = Machine::new(Arc::clone(&cell), programs);
        if let Some(content) = epoch.contents.iter().find(|content| content.path == crate::retained::CONTENT)
        {
            crate::retained::restore(&mut machine, &log.content(content)?);
        }
        let before = replaced(log, epoch, &cell)?;
        if let Some(before) = &before {
            begin_edition(&mut machine, epoch, before, shop)?;
        } else {
            machine.begin_edition(epoch.edition, None, 0);
        }
        // Same cell, same text; but what a device's process data looks like may have changed with the version.
        anyhow::ensure!(
            layout(&cell)? == epoch.record,
            "the records from cycle {} on have {} bytes of inputs, {} of outputs and {} sync units, this version makes \
             {}, {} and {} of the same cell; replay them with the version that recorded them",
            epoch.first_cycle,
            epoch.record.inputs().len(),
            epoch.record.outputs().len(),
            epoch.record.sync_units(),
            cell.image.inputs,
            cell.image.outputs,
            cell.sync_units.len()
        );
        Ok(Self {
            epoch: Arc::clone(epoch),
            bus: LogBus { exchange: Exchange::NONE, inputs: vec![0; cell.image.inputs] },
            pace: LogPace(CycleTime { index: 0, skipped: 0, first: true }),
            inbox: Inbox::replayed(),
            compare: Compare { effects: Vec::new(), hash: 0 },
            error: None,
            times: StepTimes::default(),
            machine,
            before,
            running: None,
            cell,
            synced: false,
            last: None,
        })
    }

    /// The record is the next one of the same run, with other programs.
    pub(super) fn goes_on(&self, epoch: &Epoch, view: &RecordView<'_>) -> bool {
        epoch.session == self.epoch.session && epoch.edition > self.epoch.edition && self.fits(view)
    }

    /// Other programs from the next record on: after a reload, which is offered to the machine, or after an undo.
    pub(super) fn enter<R: ReadAt>(
        &mut self,
        log: &LogReader<R>,
        epoch: &Arc<Epoch>,
        shop: &dyn Workshop,
    ) -> anyhow::Result<()> {
        let at = |text: &str| format!("the reload in cycle {}: {text}", epoch.first_cycle);
        if epoch.edition.is_multiple_of(2) {
            // The machine has the old programs.
            let before =
                self.before.take().with_context(|| at("there is nothing that its undo would bring back"))?;
            (self.cell, self.running) = (before, None);
        } else {
            let cell = Arc::new(with_texts(&self.cell, &changed_texts(log, &self.epoch, epoch)?));
            let running = match self.running.take() {
                Some(running) => running,
                None => Running::of(shop, &self.cell, self.epoch.edition)?,
            };
            let number = epoch.edition.div_ceil(2);
            let made = assemble(shop, &running, &cell, (number, epoch.probation));
            let made = made.with_context(|| at("it does not fit"))?;
            for ((name, layout), recorded) in made.outlook.running.layouts().zip(&epoch.programs) {
                let (here, there) = (layout.hash(), recorded.layout_hash);
                let text =
                    || at(&format!("the layout of `{name}` is {here:016x} here, {there:016x} was recorded"));
                anyhow::ensure!(here == there, text());
            }
            let offered = self.machine.offer_reload(made.reload).is_ok();
            anyhow::ensure!(offered, at("another one waits"));
            self.before = Some(std::mem::replace(&mut self.cell, cell));
            self.running = Some(made.outlook.running);
        }
        self.epoch = Arc::clone(epoch);
        Ok(())
    }

    /// Go on from a saved state, the one after `cycle`.
    pub(super) fn load(&mut self, cycle: u64, state: &[u8]) -> anyhow::Result<()> {
        self.machine
            .load(state)
            .with_context(|| format!("the keyframe after cycle {cycle} does not fit its cell"))?;
        self.synced = true;
        self.last = Some(cycle);
        self.error = None;
        Ok(())
    }

    /// The record is of the cycle that follows the machine's state.
    pub(super) fn fits(&self, view: &RecordView<'_>) -> bool {
        let follows = self.last.is_none_or(|last| follows(last, view));
        self.synced && follows && !view.flags().contains(RecordFlags::GAP_BEFORE)
    }

    /// Records before `view` are missing: take over the first keyframe behind them in this epoch, or give up the rest of
    /// it. Returns the cycles that cannot be verified; the replay goes on behind them.
    pub(super) fn resynchronise<R: ReadAt>(
        &mut self,
        log: &LogReader<R>,
        view: &RecordView<'_>,
    ) -> anyhow::Result<Unverified> {
        let from = self.last.map_or(self.epoch.first_cycle, |last| last.saturating_add(1)).min(view.cycle());
        let found = |to| {
            let why = "records are missing; the next keyframe is behind them".into();
            Unverified { from, to, why }
        };
        let (mut block, mut last) = (None, view.cycle());
        for record in log.records(view.cycle()) {
            let record = record?;
            if !Arc::ptr_eq(&record.epoch, &self.epoch) {
                break;
            }
            last = record.view().cycle();
            // A keyframe arrives in blocks of its own, so it is enough to look once a block.
            if block.replace(record.block_offset) != Some(record.block_offset)
                && let Some(to) = self.take_over(log, view.cycle(), last)?
            {
                return Ok(found(to));
            }
        }
        // The block may hold the keyframe's cycle and be the run's last one.
        if let Some(to) = self.take_over(log, view.cycle(), last)? {
            return Ok(found(to));
        }
        self.synced = false;
        Ok(Unverified {
            from,
            to: last,
            why: "records are missing, and no keyframe follows in this run".into(),
        })
    }

    /// Take over the keyframe before the recorded cycle `recorded`, if it holds the state after `least` or later. Returns
    /// its cycle.
    fn take_over<R: ReadAt>(
        &mut self,
        log: &LogReader<R>,
        least: u64,
        recorded: u64,
    ) -> anyhow::Result<Option<u64>> {
        let found = log.keyframe_at_or_before(recorded)?.filter(|keyframe| keyframe.cycle >= least);
        let Some(keyframe) = found else { return Ok(None) };
        self.load(keyframe.cycle, &keyframe.bytes)?;
        Ok(Some(keyframe.cycle))
    }

    /// Run the record's cycle; what came out differently.
    pub(super) fn run(&mut self, view: &RecordView<'_>) -> Option<Difference> {
        let first = view.flags().contains(RecordFlags::FIRST_CYCLE);
        self.pace.0 = CycleTime { index: view.cycle(), skipped: skipped(view), first };
        self.bus.exchange = exchange(view);
        self.bus.inputs.copy_from_slice(view.inputs());
        self.inbox.put_recorded(view.inbox());
        let before = self.machine.fault();
        let Self { machine, bus, pace, inbox, compare, times, error, .. } = self;
        cycle(machine, bus, pace, inbox, compare, times);
        *error = machine.take_error();
        while machine.next_returned().is_some() || machine.next_news().is_some() {}
        self.last = Some(view.cycle());
        let fault = self.machine.fault().filter(|fault| before != Some(*fault));
        let equal = self.machine.outputs() == view.outputs()
            && self.compare.hash == view.state_hash()
            && fault == view.fault()
            && machine_flags(&self.machine) == recorded_flags(view)
            && self.machine.edition() == self.epoch.edition
            && self.machine.time_ns(view.cycle()) == view.time_ns();
        (!equal).then(|| self.difference(view, fault))
    }

    fn difference(&self, view: &RecordView<'_>, fault: Option<sensai_model::Fault>) -> Difference {
        let text = |fault: Option<sensai_model::Fault>| {
            fault.map_or("none".to_owned(), |fault| format!("{fault} (line {})", fault.line))
        };
        Difference {
            cycle: view.cycle(),
            tags: different_tags(self.machine.cell(), view.outputs(), self.machine.outputs()),
            fields: self.different_fields(view),
            fault: (fault != view.fault()).then(|| (text(view.fault()), text(fault))),
            hash: (format!("{:016x}", view.state_hash()), format!("{:016x}", self.compare.hash)),
        }
    }

    fn different_fields(&self, view: &RecordView<'_>) -> Vec<FieldDifference> {
        let time = (view.time_ns(), self.machine.time_ns(view.cycle()));
        let flags = (recorded_flags(view), machine_flags(&self.machine));
        let edition = (self.epoch.edition, self.machine.edition());
        [
            ("flags", names(flags.0), names(flags.1)),
            ("nominal time, ns", time.0.to_string(), time.1.to_string()),
            ("edition of the programs", edition.0.to_string(), edition.1.to_string()),
        ]
        .into_iter()
        .filter(|(_, recorded, replayed)| recorded != replayed)
        .map(|(field, recorded, replayed)| FieldDifference { field, recorded, replayed })
        .collect()
    }
}

/// What the record says the machine did.
fn recorded_flags(view: &RecordView<'_>) -> RecordFlags {
    RecordFlags(view.flags().0 & MACHINE_FLAGS.0)
}

/// Names of the flags that are set.
fn names(flags: RecordFlags) -> String {
    let set = RecordFlags::ALL.iter().filter(|(bit, ..)| flags.0 >> bit & 1 == 1);
    set.map(|(_, name, _)| *name).collect::<Vec<_>>().join(" ")
}

/// The texts of an epoch that are other ones than in the epoch before, by path.
fn changed_texts<R: ReadAt>(
    log: &LogReader<R>,
    old: &Epoch,
    new: &Epoch,
) -> anyhow::Result<BTreeMap<String, Arc<str>>> {
    let key = |of: &Content| (of.path.clone(), of.sha256);
    let before: Vec<_> = old.contents.iter().map(key).collect();
    let changed = new.contents.iter().filter(|content| !before.contains(&key(content)));
    changed.map(|content| Ok((content.path.clone(), text(log, content)?))).collect()
}

fn text<R: ReadAt>(log: &LogReader<R>, content: &Content) -> anyhow::Result<Arc<str>> {
    let text = String::from_utf8(log.content(content)?);
    Ok(text.with_context(|| format!("{} is no text", content.path))?.into())
}

/// The cell with the programs that an undo would bring back, if the epoch names any.
fn replaced<R: ReadAt>(log: &LogReader<R>, epoch: &Epoch, cell: &Cell) -> anyhow::Result<Option<Arc<Cell>>> {
    let mut texts = BTreeMap::new();
    for of in &epoch.replaced {
        let program = cell.programs().nth(of.program as usize);
        let (_, program) = program.with_context(|| format!("there is no program {}", of.program))?;
        let bundle = text(log, &of.content)?;
        let all = libraries::unbundle(&program.path, &bundle).into_iter();
        texts.extend(all.map(|(path, text)| (path.to_owned(), Arc::from(text))));
    }
    Ok((!texts.is_empty()).then(|| Arc::new(with_texts(cell, &texts))))
}

/// Let a machine that is as its programs' `init` left it be one of a later edition, with the programs that an undo would
/// bring back; a keyframe follows.
fn begin_edition(
    machine: &mut Machine,
    epoch: &Epoch,
    before: &Cell,
    shop: &dyn Workshop,
) -> anyhow::Result<()> {
    let (mut kept, mut replacements) = (0, Vec::new());
    for of in &epoch.replaced {
        let index = of.program as usize;
        let task = programs::all(before).nth(index).map_or(0, |(_, task, ..)| task);
        let old = shop.make(before, index, None)?.program;
        let new_len = machine.programs().get(index).map_or(0, |program| program.layout().size());
        kept += old.layout().size();
        replacements.push(Replacement::replaced((task, index), old, new_len));
    }
    let (number, expects) = (epoch.edition.div_ceil(2), epoch.edition.saturating_sub(1));
    let reload = Reload::new(number, expects, epoch.probation, replacements);
    machine.begin_edition(epoch.edition, Some(Box::new(reload)), kept);
    Ok(())
}

/// The cell as the epoch holds it.
fn rebuild<R: ReadAt>(log: &LogReader<R>, epoch: &Epoch) -> anyhow::Result<Arc<Cell>> {
    let mut files = Files::new();
    for content in &epoch.contents {
        files.insert(content.path.clone(), log.content(content)?);
    }
    let mut source = Source::from_files(&files);
    let text = source.render(false);
    source
        .cell
        .take()
        .with_context(|| format!("the cell in the log does not pass the check of this version\n{text}"))
}

fn different_tags(cell: &Cell, recorded: &[u8], replayed: &[u8]) -> Vec<TagDifference> {
    let mut found = Vec::new();
    for tag in cell.tags.iter().filter(|tag| tag.kind == TagKind::Output) {
        for (i, field) in tag.fields.iter().enumerate() {
            if field.read_bits(recorded) != field.read_bits(replayed) {
                let show =
                    |image| tag.decode(field, image).map_or("invalid".to_owned(), |value| value.to_string());
                let index = tag.array_len.map_or(String::new(), |_| format!("[{i}]"));
                found.push(TagDifference {
                    tag: format!("{}{index}", tag.name),
                    recorded: show(recorded),
                    replayed: show(replayed),
                });
            }
        }
    }
    found
}

/// Cycles the record's verdict says were passed over.
pub(super) fn skipped(view: &RecordView<'_>) -> u64 {
    let overruns = view.inbox().filter(|entry| entry.kind == InboxKind::Overrun);
    let counts = overruns.map(|entry| u64::try_from(entry.argument[0]).unwrap_or(0));
    counts.fold(0, u64::saturating_add)
}

fn exchange(view: &RecordView<'_>) -> Exchange {
    let mut working_counters = [0; SYNC_UNITS_MAX];
    for (counter, recorded) in working_counters.iter_mut().zip(view.working_counters()) {
        *counter = recorded;
    }
    Exchange {
        valid: view.valid(),
        working_counters,
        lost: view.flags().contains(RecordFlags::EXCHANGE_LOST),
        send_failed: view.flags().contains(RecordFlags::SEND_FAILED),
        late: view.late(),
        stray: view.stray(),
        al_states: view.al_states(),
        devices: view.devices(),
    }
}

/// A bus that gives what was recorded.
pub(super) struct LogBus {
    pub(super) exchange: Exchange,
    pub(super) inputs: Vec<u8>,
}

impl Bus for LogBus {
    fn exchange(&mut self, _outputs: &[u8], inputs: &mut [u8], _deadline_ns: u64) -> Exchange {
        inputs.copy_from_slice(&self.inputs);
        self.exchange
    }

    fn acyclic(&mut self, _until_ns: u64) {}
}

/// A clock that says what was recorded.
struct LogPace(CycleTime);

impl Pace for LogPace {
    fn wake(&mut self) -> (CycleTime, Wake) {
        (self.0, Wake::default())
    }

    fn next_ns(&self) -> u64 {
        u64::MAX
    }
}

/// Takes the hash of what the machine has come to.
struct Compare {
    effects: Vec<u8>,
    hash: u64,
}

impl Record for Compare {
    fn record(&mut self, machine: &Machine, _done: &Done<'_>) {
        // Other programs may have longer states.
        self.effects.resize(machine.state_len().1, 0);
        machine.save_effects(&mut self.effects);
        self.hash = state_hash(&self.effects);
    }
}
