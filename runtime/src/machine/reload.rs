//! Programs replaced while the machine runs, and brought back if they fail.
//!
//! A [`Reload`] is made outside of the cycle, complete with every buffer that the swap needs. It is taken at the edge of a
//! cycle, by a recorded inbox entry: states are migrated, old and new program change places. Then the new programs are on
//! *probation*: a fault or an overrun of a task that runs one of them within its first runs brings all of the old ones back,
//! with their states of the swap. The fault itself does not stop the machine: the failed run takes no effect, and the verdict
//! to undo is a recorded entry of the next cycle, so that a replay decides nothing.
//!
//! The *edition* counts what the machine runs: each swap and each undo makes another one, and the log has an epoch for each.
//! Whatever a reload held on the way goes back to where it came from: nothing is freed here.

use super::{
    CycleTime, KeyframeError, Loaded, Machine,
    job::{self, Committed},
};
use crate::keyframe::{Reader, Writer};
use sensai_model::{Fault, FaultCode, record::InboxEntry};
use sensai_scripts::{
    Program,
    migrate::{Migrate, Migration},
};

/// Runs of a task for which a reload may be undone, unless somebody says otherwise.
pub const PROBATION: u64 = 1000;

/// Programs that are replaced together, at one edge.
pub struct Reload {
    number: u32,
    expects: u32,
    layouts: u64,
    probation: u64,
    /// Tasks that run one of them, a bit for each; the base task has bit 0.
    tasks: u64,
    replacements: Box<[Replacement]>,
}

/// One program, and what has to be at hand to replace it.
pub struct Replacement {
    /// Global index.
    program: usize,
    /// 0 is the base task.
    task: usize,
    /// The new program before the swap, the old one behind it; of a slow task, the committed state that stands for it.
    place: Box<dyn Program + Send>,
    /// What runs in a slow task: the new one before the swap, the old one once it came back with a job.
    instance: Option<Box<dyn Program + Send>>,
    /// The old one is with the executor.
    awaits: bool,
    migration: Migration,
    migrate: Option<Box<dyn Migrate>>,
    /// What the new `init` gives; at the swap, the migrated state.
    next: Box<[u8]>,
    /// The old state of the swap.
    kept: Box<[u8]>,
    /// Room for the longer of the two states: for the start of a run, and in the job of a slow task.
    rooms: [Box<[u8]>; 2],
}

/// What is told of a reload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct News {
    /// Which.
    pub number: u32,
    /// What became of it.
    pub what: Fate,
}

/// What becomes of a reload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The new programs run. Of the recorded entry, the sequence number.
    Applied(u32),
    /// The old ones run on.
    Refused(Refused),
    /// Its probation is over: it stays.
    Kept,
    /// Another reload took its place before its probation was over: it stays, as far as that one leaves it.
    Superseded,
    /// The old programs run again.
    Undone(Cause),
}

/// Why a reload was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It was made for programs that do not run any more.
    Edition,
    /// A program runs in the interpreter, which is bound to its thread.
    Bound(u16),
    /// A state could not be migrated. The fault is `migrate`'s.
    Migration(Fault),
    /// The machine is shutting down.
    Shutdown,
}

/// Why a reload is undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cause {
    /// What happened first.
    pub fault: Fault,
    /// Tasks in which something happened, a bit for each.
    pub tasks: u64,
}

/// What goes back.
pub enum Returned {
    /// A reload that is over.
    Reload(Box<Reload>),
    /// A program of a slow task that came back later than its reload.
    Program(Box<dyn Program + Send>),
}

/// A reload that may still be undone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Probation {
    /// Which; 0 for none.
    pub number: u32,
    /// Runs that are left, of the task that has most of them.
    pub left: u64,
}

impl Reload {
    /// Reload `number` (from 1) of a machine whose programs are of edition `expects`. May be undone within `probation` runs of
    /// each task concerned, at least 1.
    pub fn new(number: u32, expects: u32, probation: u64, mut replacements: Vec<Replacement>) -> Self {
        replacements.sort_by_key(|one| one.program);
        let layouts = layouts_hash(replacements.iter().map(|one| (one.program, one.place.layout().hash())));
        let tasks = replacements.iter().fold(0, |tasks, one| tasks | bit(one.task));
        let replacements = replacements.into();
        Self { number, expects, layouts, probation: probation.max(1), tasks, replacements }
    }

    /// Its number.
    pub const fn number(&self) -> u32 {
        self.number
    }

    /// Edition of the programs once it is taken; the one after it is theirs once it is undone.
    pub const fn edition(&self) -> u32 {
        edition(self.number)
    }

    /// Arguments of its inbox entry.
    pub fn argument(&self) -> [i64; 3] {
        [self.number.into(), self.expects.into(), self.layouts.cast_signed()]
    }
}

/// Edition of the programs after reload `number`. After its undo it is one more.
pub const fn edition(number: u32) -> u32 {
    number.saturating_mul(2).saturating_sub(1)
}

/// One number for the layouts of replaced programs: XXH3-64 over index and layout hash of each, ascending by index.
pub fn layouts_hash(layouts: impl Iterator<Item = (usize, u64)>) -> u64 {
    let bytes: Vec<u8> =
        layouts.flat_map(|(index, hash)| [index as u64, hash]).flat_map(u64::to_le_bytes).collect();
    twox_hash::XxHash3_64::oneshot(&bytes)
}

impl Replacement {
    /// Put `new`, as its `init` left it, in the place of program `program` of task `task` (0 for the base task), whose state
    /// has `old_len` bytes.
    pub fn new(
        (task, program): (usize, usize),
        new: Box<dyn Program + Send>,
        old_len: usize,
        migration: Migration,
        migrate: Option<Box<dyn Migrate>>,
    ) -> Self {
        let next: Box<[u8]> = new.state().into();
        let room = vec![0; old_len.max(next.len())].into_boxed_slice();
        let (place, instance) = placed(task, new);
        let rooms = [room.clone(), room];
        let kept = vec![0; old_len].into();
        Self { program, task, place, instance, awaits: false, migration, migrate, next, kept, rooms }
    }

    /// As [`Replacement::new`] is behind the swap: with the program `old` that was replaced. Its state comes with the keyframe.
    pub fn replaced((task, program): (usize, usize), old: Box<dyn Program + Send>, new_len: usize) -> Self {
        let migration = Migration::default();
        let kept: Box<[u8]> = old.state().into();
        let mut replaced = Self::new((task, program), old, new_len, migration, None);
        replaced.kept = kept;
        replaced
    }

    /// Make the new state from the old one, and give it to the new program.
    fn migrate(&mut self, old: &[u8]) -> Result<(), Fault> {
        let shape = Fault { source: self.program as u16, ..Fault::new(FaultCode::StateShape) };
        if old.len() != self.kept.len() {
            return Err(shape);
        }
        self.kept.copy_from_slice(old);
        if !self.migration.apply(old, &mut self.next) {
            return Err(shape);
        }
        if let Some(migrate) = &mut self.migrate {
            migrate.run(old, &mut self.next).map_err(|error| error.fault)?;
        }
        job::restore(&mut *self.place, &self.next).map_err(|error| error.fault)
    }
}

/// What stands in the machine, and what runs elsewhere.
fn placed(
    task: usize,
    program: Box<dyn Program + Send>,
) -> (Box<dyn Program + Send>, Option<Box<dyn Program + Send>>) {
    match task {
        0 => (program, None),
        _ => (Box::new(Committed::of(&*program)), Some(program)),
    }
}

const fn bit(task: usize) -> u64 {
    if task < 64 { 1 << task } else { 0 }
}

/// What a machine knows of its reloads.
pub(super) struct Reloads {
    edition: u32,
    /// Waits for its edge.
    offered: Option<Box<Reload>>,
    /// The entry of the offered one was applied in this cycle.
    accepted: Option<u32>,
    /// On probation.
    active: Option<Box<Reload>>,
    /// Runs of each task until the probation is over.
    left: Box<[u64]>,
    /// Bytes of old states in keyframes: as many until the next edition, whether they are needed or not.
    kept_len: usize,
    /// An undo is to be decided.
    wanted: Option<Cause>,
    /// The swap was in the cycle before.
    just_swapped: bool,
    /// Tasks that got their old programs back in this cycle.
    undone: u64,
    news: Vec<News>,
    returned: Vec<Returned>,
}

/// News between two looks: at most one reload superseded, one applied or refused, and one undone.
const NEWS_MAX: usize = 8;

impl Reloads {
    /// Of a machine with so many tasks, and so many programs in the slow ones.
    pub fn new(tasks: usize, slow_programs: usize) -> Self {
        Self {
            edition: 0,
            offered: None,
            accepted: None,
            active: None,
            left: vec![0; tasks].into(),
            kept_len: 0,
            wanted: None,
            just_swapped: false,
            undone: 0,
            news: Vec::with_capacity(NEWS_MAX),
            // No reload is taken before all that came back was fetched.
            returned: Vec::with_capacity(NEWS_MAX + 2 * slow_programs),
        }
    }

    /// A cycle begins.
    pub fn begin(&mut self) {
        self.undone = 0;
    }

    /// A failure of this task leads to an undo instead of a fault.
    pub fn covers(&self, task: usize) -> bool {
        self.active.as_ref().is_some_and(|active| active.tasks & bit(task) != 0)
    }

    /// Tasks that got their old programs back in this cycle, a bit for each: an overrun of theirs is dealt with.
    pub const fn undone(&self) -> u64 {
        self.undone
    }

    /// A task failed that [`Reloads::covers`] says.
    pub fn fail(&mut self, task: usize, fault: Fault) {
        let wanted = self.wanted.get_or_insert(Cause { fault, tasks: 0 });
        wanted.tasks |= bit(task);
    }

    /// A run of this task took effect.
    pub fn ran(&mut self, task: usize) {
        if let Some(left) = self.left.get_mut(task).filter(|left| **left > 0) {
            *left -= 1;
            let over = self.left.iter().all(|left| *left == 0);
            if let Some(kept) = self.active.take_if(|_| over && self.wanted.is_none()) {
                self.tell(kept.number, Fate::Kept);
                self.give_back(Returned::Reload(kept));
            }
        }
    }

    /// A program of a slow task came back from its executor.
    pub fn came_back(&mut self, index: usize, program: Box<dyn Program + Send>) {
        let replacements = self.active.iter_mut().flat_map(|active| &mut active.replacements);
        let awaiting = replacements.into_iter().find(|one| one.program == index && one.awaits);
        match awaiting {
            Some(one) => {
                one.awaits = false;
                one.instance = Some(program);
            }
            None => self.give_back(Returned::Program(program)),
        }
    }

    /// Programs were reset: an undo must not bring back what was before.
    pub fn reset(&mut self, cold: bool) {
        for one in self.active.iter_mut().flat_map(|active| &mut active.replacements) {
            job::reset(&mut *one.place);
            let retained = one.place.layout().retained().filter(|_| !cold);
            let initial = one.place.state();
            let (before, after) = retained.map_or((0, 0), |range| (range.start, range.end));
            for range in [0..before, after..initial.len()] {
                if let (Some(place), Some(bytes)) = (one.kept.get_mut(range.clone()), initial.get(range)) {
                    place.copy_from_slice(bytes);
                }
            }
        }
    }

    fn tell(&mut self, number: u32, what: Fate) {
        if self.news.len() < NEWS_MAX {
            self.news.push(News { number, what });
        }
    }

    /// Where nobody fetches, in a replay, it ends here.
    fn give_back(&mut self, returned: Returned) {
        if self.returned.len() < self.returned.capacity() {
            self.returned.push(returned);
        }
    }

    fn refuse(&mut self, why: Refused) {
        if let Some(offered) = self.offered.take() {
            self.tell(offered.number, Fate::Refused(why));
            self.give_back(Returned::Reload(offered));
        }
    }

    /// What keyframes need of it, behind everything else; nothing before the first reload.
    pub fn save(&self, out: &mut Writer<'_>) {
        if self.edition == 0 {
            return;
        }
        for left in &self.left {
            out.u64(*left);
        }
        match &self.active {
            Some(active) => active.replacements.iter().for_each(|one| out.bytes(&one.kept)),
            None => out.fill(self.kept_len, |place| place.fill(0)),
        }
    }

    /// What [`Reloads::save`] wrote for a machine of this edition.
    pub fn load(&mut self, from: &mut Reader<'_>) -> Result<(), KeyframeError> {
        if self.edition == 0 {
            return Ok(());
        }
        for left in &mut self.left {
            *left = from.u64()?;
        }
        let kept = from.take(self.kept_len)?;
        let mut at = 0;
        for one in self.active.iter_mut().flat_map(|active| &mut active.replacements) {
            let len = one.kept.len();
            if let Some(bytes) = kept.get(at..at + len) {
                one.kept.copy_from_slice(bytes);
            }
            at += len;
        }
        if self.left.iter().all(|left| *left == 0) {
            self.active = None;
        }
        (self.wanted, self.accepted) = (None, None);
        Ok(())
    }

    /// Names and lengths of what [`Reloads::save`] writes.
    pub fn parts(&self) -> Vec<(String, usize)> {
        match self.edition {
            0 => Vec::new(),
            _ => vec![("probation".into(), 8 * self.left.len()), ("replaced".into(), self.kept_len)],
        }
    }
}

impl Machine {
    /// Hand over a reload; it is taken at the next edge that allows it, and the caller is told by [`Machine::next_news`]. Given
    /// back if another one waits.
    ///
    /// # Errors
    /// The reload.
    pub fn offer_reload(&mut self, reload: Box<Reload>) -> Result<(), Box<Reload>> {
        if self.reloads.offered.is_some() {
            return Err(reload);
        }
        self.reloads.offered = Some(reload);
        Ok(())
    }

    /// What is to be decided in this cycle, as arguments of inbox entries: an undo, and a reload. `late`: tasks that were not
    /// done in time, a bit for each. Their answers depend on time, so that they are verdicts that come back through the inbox.
    pub fn reload_verdicts(&mut self, time: CycleTime, late: u64) -> [Option<[i64; 3]>; 2] {
        [self.undo_verdict(late), self.reload_verdict(time, late)]
    }

    fn undo_verdict(&self, late: u64) -> Option<[i64; 3]> {
        let active = self.reloads.active.as_ref()?;
        // The cycle of a swap does what the reload asks for, so that it answers for it, whoever's programs it replaces.
        let late = late & (active.tasks | u64::from(self.reloads.just_swapped));
        let overrun = Cause { fault: Fault::new(FaultCode::Overrun), tasks: 0 };
        let cause = self.reloads.wanted.or((late != 0).then_some(overrun))?;
        let Fault { code, source, line, .. } = cause.fault;
        let fault = u64::from(code.id()) | u64::from(source) << 16 | u64::from(line) << 32;
        Some([active.number.into(), fault.cast_signed(), (cause.tasks | late).cast_signed()])
    }

    fn reload_verdict(&mut self, time: CycleTime, late: u64) -> Option<[i64; 3]> {
        let offered = self.reloads.offered.as_ref()?;
        if self.shutdown.has_begun() {
            self.reloads.refuse(Refused::Shutdown);
            return None;
        }
        if offered.expects != self.reloads.edition {
            self.reloads.refuse(Refused::Edition);
            return None;
        }
        let bound =
            |one: &Replacement| self.programs.get(one.program).is_none_or(|program| !program.is_movable());
        if let Some(bound) = offered.replacements.iter().find(|one| bound(one)) {
            let program = bound.program as u16;
            self.reloads.refuse(Refused::Bound(program));
            return None;
        }
        let tasks = &self.tasks;
        let ready = |one: &Replacement| one.task == 0 || tasks.is_at_edge(one.task - 1, time, late);
        let all = offered.replacements.iter().all(ready);
        // What came back from the last one has to be out of the way.
        (all && self.reloads.returned.is_empty()).then(|| offered.argument())
    }

    /// An entry that says to take the reload that was offered.
    pub(super) fn accept_reload(&mut self, entry: &InboxEntry) -> bool {
        let reloads = &mut self.reloads;
        let fits =
            |offered: &Reload| offered.argument() == entry.argument && offered.expects == reloads.edition;
        let fits = reloads.offered.as_deref().is_some_and(fits);
        if fits {
            reloads.accepted = Some(entry.sequence);
        } else {
            reloads.refuse(Refused::Edition);
        }
        fits
    }

    /// Between what slow tasks have to give and their next release: replace the programs, if that was decided. All of them or
    /// none.
    pub(super) fn swap(&mut self) {
        self.reloads.just_swapped = false;
        let Some(sequence) = self.reloads.accepted.take() else { return };
        let Some(mut reload) = self.reloads.offered.take() else { return };
        if let Err(why) = self.migrate(&mut reload) {
            self.reloads.offered = Some(reload);
            self.reloads.refuse(why);
            return;
        }
        if let Some(before) = self.reloads.active.take() {
            self.reloads.tell(before.number, Fate::Superseded);
            self.reloads.give_back(Returned::Reload(before));
        }
        self.reloads.left.fill(0);
        for one in &mut reload.replacements {
            let Some(Loaded::Anywhere(program)) = self.programs.get_mut(one.program) else { continue };
            std::mem::swap(program, &mut one.place);
            let [start, job] = &mut one.rooms;
            if let Some(room) = self.states_before.get_mut(one.program) {
                room.exchange(start);
            }
            if let Some(task) = one.task.checked_sub(1) {
                (one.instance, one.awaits) = self.tasks.exchange(task, one.program, one.instance.take(), job);
            }
            if let Some(left) = self.reloads.left.get_mut(one.task) {
                *left = reload.probation;
            }
        }
        self.reloads.edition = reload.edition();
        self.reloads.kept_len = reload.replacements.iter().map(|one| one.kept.len()).sum();
        (self.reloads.wanted, self.reloads.just_swapped) = (None, true);
        self.reloads.tell(reload.number, Fate::Applied(sequence));
        self.reloads.active = Some(reload);
    }

    fn migrate(&mut self, reload: &mut Reload) -> Result<(), Refused> {
        for one in &mut reload.replacements {
            let at_edge = one.task == 0 || self.tasks.is_home(one.task - 1);
            let program = self.programs.get(one.program).filter(|_| at_edge).ok_or(Refused::Edition)?;
            if !program.is_movable() {
                return Err(Refused::Bound(one.program as u16));
            }
            one.migrate(program.state()).map_err(Refused::Migration)?;
        }
        Ok(())
    }

    /// An entry that says to bring the old programs back, with their states of the swap.
    pub(super) fn undo_reload(&mut self, entry: &InboxEntry) -> bool {
        let [number, fault, tasks] = entry.argument;
        let Some(mut reload) = self.reloads.active.take_if(|active| i64::from(active.number) == number)
        else {
            return false;
        };
        for one in &mut reload.replacements {
            // It is a state that this program had.
            let restored = job::restore(&mut *one.place, &one.kept);
            debug_assert!(restored.is_ok(), "{restored:?}");
            if let Some(Loaded::Anywhere(program)) = self.programs.get_mut(one.program) {
                std::mem::swap(program, &mut one.place);
            }
            if let Some(task) = one.task.checked_sub(1) {
                one.instance = self.tasks.bring_back(task, one.program, one.instance.take());
                one.awaits = false;
            }
        }
        let reloads = &mut self.reloads;
        reloads.edition = reload.edition().saturating_add(1);
        reloads.kept_len = 0;
        reloads.left.fill(0);
        reloads.undone |= reload.tasks | tasks.cast_unsigned();
        let wanted = reloads.wanted.take();
        let fault = fault.cast_unsigned();
        let cause = wanted.unwrap_or_else(|| Cause {
            fault: Fault {
                source: (fault >> 16) as u16,
                line: (fault >> 32) as u32,
                ..Fault::new(FaultCode::from_id(fault as u16).unwrap_or(FaultCode::Script))
            },
            tasks: tasks.cast_unsigned(),
        });
        reloads.tell(reload.number, Fate::Undone(cause));
        reloads.give_back(Returned::Reload(reload));
        true
    }

    /// A run on probation has failed: the next cycle undoes its reload.
    pub fn undo_is_due(&self) -> bool {
        self.reloads.wanted.is_some()
    }

    /// Edition of the programs: what is counted by swaps and undos, 0 at the start.
    pub fn edition(&self) -> u32 {
        self.reloads.edition
    }

    /// The reload that may still be undone.
    pub fn probation(&self) -> Probation {
        let left = self.reloads.left.iter().copied().max().unwrap_or(0);
        self.reloads
            .active
            .as_ref()
            .map_or(Probation::default(), |active| Probation { number: active.number, left })
    }

    /// Go on as a machine of this edition, before a keyframe is loaded. `replaced`: the reload that led to it, where the old
    /// programs may still be wanted; `kept_len`: bytes of their states in keyframes.
    pub fn begin_edition(&mut self, edition: u32, replaced: Option<Box<Reload>>, kept_len: usize) {
        self.reloads.edition = edition;
        self.reloads.kept_len = kept_len;
        self.reloads.active = replaced;
        for one in self.reloads.active.iter_mut().flat_map(|active| &mut active.replacements) {
            let [start, job] = &mut one.rooms;
            if let Some(room) = self.states_before.get_mut(one.program) {
                room.exchange(start);
            }
            if let Some(task) = one.task.checked_sub(1) {
                self.tasks.make_room(task, one.program, job);
            }
        }
    }

    /// What became of a reload, in order.
    pub fn next_news(&mut self) -> Option<News> {
        (!self.reloads.news.is_empty()).then(|| self.reloads.news.remove(0))
    }

    /// What goes back to where it came from.
    pub fn next_returned(&mut self) -> Option<Returned> {
        self.reloads.returned.pop()
    }
}
