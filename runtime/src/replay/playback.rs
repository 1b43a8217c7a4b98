//! Records of a log one after the other, with the machine that runs them; and the way back.

use super::{
    Difference, Unverified,
    player::{Player, follows},
};
use crate::{
    machine::Machine,
    programs::Workshop,
    recorder::{NUMERIC_PROFILE, state_hash},
};
use sensai_log::{
    Epoch, LogReader,
    reader::{LogRecord, Records, Start},
    storage::ReadAt,
};
use sensai_model::record::RecordFlags;
use sensai_scripts::ProgramError;
use std::sync::Arc;

/// What came of a record.
#[derive(Debug)]
pub enum Played {
    /// The machine does what was recorded.
    Equal,
    /// It does something else.
    Different(Difference),
    /// Records before this one are missing. It was not run; the next record is the one behind what is lost.
    Lost(Unverified),
}

/// The state after a cycle, to come back to.
#[derive(Clone, Debug)]
pub struct Mark {
    epoch: Arc<Epoch>,
    cycle: u64,
    state: Box<[u8]>,
}

impl Mark {
    /// Bytes that it keeps.
    pub fn len(&self) -> usize {
        self.state.len()
    }

    /// It keeps nothing, which no machine's state is.
    pub fn is_empty(&self) -> bool {
        self.state.is_empty()
    }
}

/// A machine behind a cycle, without the log that led it there.
pub struct Carried {
    player: Player,
    /// The first cycle that it has not met.
    next: u64,
}

/// A replay that goes on when it is told to.
pub struct Playback<'l, R> {
    log: &'l LogReader<R>,
    shop: &'l dyn Workshop,
    records: Records<'l, R>,
    /// The first cycle that was not met.
    next: u64,
    player: Option<Player>,
    foreign_profile: Option<String>,
}

impl<'l, R: ReadAt> Playback<'l, R> {
    /// From the log's first record on.
    ///
    /// # Errors
    /// If the log is damaged, or its cell cannot be built again.
    pub fn of_whole(log: &'l LogReader<R>, shop: &'l dyn Workshop) -> anyhow::Result<Self> {
        let mut new =
            Self { log, shop, records: log.records(0), next: 0, player: None, foreign_profile: None };
        if let Some(start) = start_of_log(log)? {
            new.begin(&start)?;
        }
        Ok(new)
    }

    /// From the last keyframe before this cycle on.
    ///
    /// # Errors
    /// As [`Playback::of_whole`], and if the log does not reach the cycle.
    pub fn to_reach(log: &'l LogReader<R>, shop: &'l dyn Workshop, cycle: u64) -> anyhow::Result<Self> {
        let mut new =
            Self { log, shop, records: log.records(0), next: 0, player: None, foreign_profile: None };
        new.restart(cycle)?;
        Ok(new)
    }

    /// Go on from the last keyframe before this cycle.
    ///
    /// # Errors
    /// As [`Playback::to_reach`]; nothing is at hand then.
    pub fn restart(&mut self, cycle: u64) -> anyhow::Result<()> {
        let before = self.player.take();
        let start = self.log.start_for(cycle)?;
        self.player = before;
        self.begin(&start)
    }

    /// The state that the log itself holds of this very cycle, which is not run. False: it holds none.
    ///
    /// # Errors
    /// As [`Playback::of_whole`].
    pub fn take_over(&mut self, cycle: u64) -> anyhow::Result<bool> {
        let held = self.log.keyframe_at_or_before(cycle)?.filter(|keyframe| keyframe.cycle == cycle);
        let Some(keyframe) = held else { return Ok(false) };
        let epoch = self.log.record(cycle)?.epoch;
        self.begin(&Start { first: cycle.saturating_add(1), keyframe: Some(keyframe), epoch })?;
        Ok(true)
    }

    /// What was come to, to go on with it when the log has grown; `None`: there is no machine yet.
    pub fn leave(self) -> Option<Carried> {
        Some(Carried { player: self.player?, next: self.next })
    }

    /// Go on with a machine, in its log or in what that has grown to.
    ///
    /// # Errors
    /// If it is another log, or damaged there.
    pub fn resume(log: &'l LogReader<R>, shop: &'l dyn Workshop, carried: Carried) -> anyhow::Result<Self> {
        let Carried { mut player, next } = carried;
        if let Some(last) = player.last.filter(|_| player.synced) {
            // Each reader has epochs of its own.
            let epoch = log.record(last)?.epoch;
            let same = (epoch.session, epoch.edition) == (player.epoch.session, player.epoch.edition);
            anyhow::ensure!(same, "cycle {last} is of another run than before: the log was replaced");
            player.epoch = epoch;
        }
        let (records, player) = (log.records(next), Some(player));
        Ok(Self { log, shop, records, next, player, foreign_profile: None })
    }

    fn begin(&mut self, start: &Start) -> anyhow::Result<()> {
        let before = self.player.take();
        if let Some(keyframe) = &start.keyframe {
            let mut player = self.of_epoch(before, &start.epoch)?;
            player.load(keyframe.cycle, &keyframe.bytes)?;
            self.player = Some(player);
        }
        self.next = start.first;
        self.records = self.log.records(start.first);
        Ok(())
    }

    /// A machine that can take any state of an epoch: the one at hand, if it can.
    ///
    /// What an undo would bring back is not part of the state: where there is such a thing, or may have been, the machine is built
    /// anew.
    fn of_epoch(&mut self, before: Option<Player>, epoch: &Arc<Epoch>) -> anyhow::Result<Player> {
        match before.filter(|player| Arc::ptr_eq(&player.epoch, epoch) && epoch.edition == 0) {
            Some(player) => Ok(player),
            None => self.make(epoch),
        }
    }

    fn make(&mut self, epoch: &Arc<Epoch>) -> anyhow::Result<Player> {
        if epoch.numeric_profile != NUMERIC_PROFILE {
            self.foreign_profile = Some(epoch.numeric_profile.clone());
        }
        Player::new(self.log, epoch, self.shop)
    }

    /// The numeric profile of the log, if it is another one than this binary's.
    pub fn foreign_profile(&self) -> Option<String> {
        self.foreign_profile.clone()
    }

    /// What is to be run next.
    ///
    /// # Errors
    /// If the log is damaged there.
    pub fn next_record(&mut self) -> anyhow::Result<Option<LogRecord>> {
        Ok(self.records.next().transpose()?)
    }

    /// Run a record: the one that [`Playback::next_record`] gave.
    ///
    /// # Errors
    /// If its cell cannot be built again, or a reload in it does not fit.
    pub fn play(&mut self, record: &LogRecord) -> anyhow::Result<Played> {
        let view = record.view();
        let mut player = match self.player.take() {
            Some(player) if Arc::ptr_eq(&player.epoch, &record.epoch) => player,
            Some(mut player) if player.goes_on(&record.epoch, &view) => {
                player.enter(self.log, &record.epoch, self.shop)?;
                player
            }
            _ => {
                let mut fresh = self.make(&record.epoch)?;
                fresh.synced = view.flags().contains(RecordFlags::FIRST_CYCLE);
                fresh
            }
        };
        if !player.fits(&view) {
            let lost = player.resynchronise(self.log, &view)?;
            self.next = lost.to.saturating_add(1);
            self.records = self.log.records(self.next);
            self.player = Some(player);
            return Ok(Played::Lost(lost));
        }
        let difference = player.run(&view);
        self.next = view.cycle().saturating_add(1);
        self.player = Some(player);
        Ok(difference.map_or(Played::Equal, Played::Different))
    }

    /// The cycle that led to the machine's state; `None` before the first one.
    pub fn cycle(&self) -> Option<u64> {
        self.player.as_ref().filter(|player| player.synced)?.last
    }

    /// The machine, once there is one.
    pub fn machine(&self) -> Option<&Machine> {
        self.player.as_ref().map(|player| &player.machine)
    }

    /// What is known of the programs that run; another one for each edition and each run.
    pub fn epoch(&self) -> Option<&Arc<Epoch>> {
        self.player.as_ref().map(|player| &player.epoch)
    }

    /// What failed in the last cycle.
    pub fn error(&self) -> Option<&ProgramError> {
        self.player.as_ref()?.error.as_ref()
    }

    /// Hash of the machine's state, as it stands in the records.
    pub fn hash(&self) -> Option<u64> {
        let machine = self.machine()?;
        let mut effects = vec![0; machine.state_len().1];
        machine.save_effects(&mut effects);
        Some(state_hash(&effects))
    }

    /// The present state, to come back to.
    pub fn mark(&self) -> Option<Mark> {
        let (player, cycle) = (self.player.as_ref()?, self.cycle()?);
        let mut state = vec![0; player.machine.state_len().0].into_boxed_slice();
        player.machine.save(&mut state);
        Some(Mark { epoch: Arc::clone(&player.epoch), cycle, state })
    }

    /// Come back to a mark of this log.
    ///
    /// # Errors
    /// If its cell cannot be built again; nothing is at hand then.
    pub fn come_back(&mut self, mark: &Mark) -> anyhow::Result<()> {
        let before = self.player.take();
        let mut player = self.of_epoch(before, &mark.epoch)?;
        player.load(mark.cycle, &mark.state)?;
        self.player = Some(player);
        self.next = mark.cycle.saturating_add(1);
        self.records = self.log.records(self.next);
        Ok(())
    }
}

/// What a log begins with that was cut out of another one: the state before its first record.
fn start_of_log<R: ReadAt>(log: &LogReader<R>) -> anyhow::Result<Option<Start>> {
    let Some(first) = log.records(0).next().transpose()? else { return Ok(None) };
    if first.view().flags().contains(RecordFlags::FIRST_CYCLE) {
        return Ok(None);
    }
    let found = log.start_for(first.view().cycle())?;
    let fits = found.keyframe.as_ref().is_some_and(|keyframe| follows(keyframe.cycle, &first.view()));
    Ok(fits.then_some(found))
}
