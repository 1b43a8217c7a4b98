//! The writer: takes slots out of the ring and makes them blocks, on a thread of its own.

use crate::{
    LogError,
    append::Appender,
    change::{Changes, EpochChange, EpochMark},
    drain::{BATCH_SLOTS, Drain, Drained},
    payload::{Gap, GapReason},
    ring::Consumer,
    storage::Storage,
};
use serde::Serialize;
use std::{
    fs::File,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU8, Ordering},
        mpsc,
    },
    thread::JoinHandle,
    time::Duration,
};

/// A block's worth of slots is written at once, however young.
const FULL_LEN: u64 = 60 * 1024;
/// How long a disk that refused is left alone.
const RETRY_NS: u64 = 100_000_000;
/// How long a description waits for the disk.
const PREPARE_MAX: Duration = Duration::from_secs(10);
/// How often the writer looks into the ring.
const POLL: Duration = Duration::from_millis(5);

/// What the writer did and met.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LogStatistics {
    /// Records in the file.
    pub records: u64,
    /// Keyframe slices in the file.
    pub slices: u64,
    /// Texts in the file.
    pub events: u64,
    /// Blocks.
    pub blocks: u64,
    /// Bytes added to the file, contents and epoch included.
    pub bytes: u64,
    /// Records lost because the ring was full.
    pub dropped: u64,
    /// Slots that held no record of this epoch.
    pub damaged: u64,
    /// Gaps marked in the file.
    pub gaps: u64,
    /// Failed writes; what they should have written stays in the ring and is tried again.
    pub write_errors: u64,
    /// Failed syncs; what they should have made durable is written again.
    pub sync_errors: u64,
    /// Syncs.
    pub syncs: u64,
    /// Syncs that came too late for [`crate::LogOptions::sync_interval_ns`].
    pub sync_late: u64,
    /// Longest time a record waited until it was durable, in nanoseconds, rounded up to the writer's polls.
    pub durable_after_ns_max: u64,
    /// Last cycle in the file.
    pub last_cycle: u64,
    /// Last cycle that would survive a power failure now.
    pub durable_cycle: u64,
    /// Cycle of the newest complete keyframe in the file.
    pub keyframe_cycle: Option<u64>,
    /// The last error, as text.
    pub last_error: Option<String>,
}

/// The writer without its thread: polled, and told the time.
pub struct WriterCore<S> {
    appender: Appender<S>,
    changes: Changes,
    consumer: Consumer,
    drain: Drain,
    sync_interval_ns: u64,
    record_len: usize,
    /// Before this, nothing that is not durable was committed.
    oldest_ns: Option<u64>,
    last_poll_ns: Option<u64>,
    retry_ns: Option<u64>,
    dropped_marked: u64,
    bytes_before: u64,
    statistics: LogStatistics,
}

impl<S: Storage> WriterCore<S> {
    /// A writer for a log that is in an epoch. `bytes_before` is the file's length before that epoch.
    pub fn new(appender: Appender<S>, consumer: Consumer, sync_interval_ns: u64, bytes_before: u64) -> Self {
        let record_len = appender.epoch().map_or(0, |epoch| epoch.record.len());
        let last_cycle = appender.last_cycle();
        let statistics = LogStatistics { last_cycle, durable_cycle: last_cycle, ..LogStatistics::default() };
        Self {
            changes: Changes::of(appender.epoch().cloned()),
            appender,
            consumer,
            drain: Drain::default(),
            sync_interval_ns,
            record_len,
            oldest_ns: None,
            last_poll_ns: None,
            retry_ns: None,
            dropped_marked: 0,
            bytes_before,
            statistics,
        }
    }

    /// Look into the ring; write and sync what is due. Errors are counted, and what failed is tried again later.
    /// `clock` is read before and after.
    pub fn poll(&mut self, clock: impl Fn() -> u64) {
        let now_ns = clock();
        let available = self.consumer.available();
        let waiting = !available.is_empty() || self.appender.unsynced_len() > 0;
        if waiting && self.oldest_ns.is_none() {
            // Whatever there is was committed after the last look.
            self.oldest_ns = Some(self.last_poll_ns.unwrap_or(now_ns));
        }
        self.last_poll_ns = Some(now_ns);
        if self.retry_ns.take_if(|retry| now_ns >= *retry).is_none() && self.retry_ns.is_some() {
            self.publish();
            return;
        }
        let due = self.oldest_ns.filter(|oldest| now_ns.saturating_sub(*oldest) >= self.sync_interval_ns / 2);
        let full = (available.end - available.start) * self.record_len as u64 >= FULL_LEN;
        let mut done = Ok(());
        if due.is_some() || full {
            done = self.write_all();
        }
        if let (Ok(()), Some(oldest)) = (done, due) {
            done = self.sync();
            if done.is_ok() {
                let waited = clock().saturating_sub(oldest);
                self.statistics.durable_after_ns_max = self.statistics.durable_after_ns_max.max(waited);
                self.statistics.sync_late += u64::from(waited > self.sync_interval_ns);
                self.oldest_ns = None;
            }
        }
        if done.is_err() {
            self.retry_ns = Some(now_ns + RETRY_NS);
        }
        self.publish();
    }

    fn write_all(&mut self) -> Result<(), ()> {
        let available = self.consumer.available();
        let mut at = available.start;
        while at < available.end {
            let batch = at..available.end.min(at.saturating_add(BATCH_SLOTS));
            let mark = self.consumer.mark_in(batch.clone());
            let batch = at..mark.unwrap_or(batch.end);
            at = batch.end;
            let drained = self.drain.stage(&mut self.appender, &self.consumer, batch);
            self.write()?;
            // Only now: a process killed in between finds the slots again, and knows them by their numbers.
            self.consumer.advance_to(at);
            self.count(&drained);
            if mark.is_some() {
                at += 1;
                self.begin_epoch(at)?;
                self.consumer.advance_to(at);
            }
        }
        Ok(())
    }

    /// Begin the epoch whose mark stands in the slot before `next`.
    fn begin_epoch(&mut self, next: u64) -> Result<(), ()> {
        let Some(slot) = self.consumer.slot(next - 1) else { return Ok(()) };
        self.changes.begin(&mut self.appender, slot.payload, next).map_err(|error| {
            self.statistics.write_errors += 1;
            self.statistics.last_error = Some(error.to_string());
        })
    }

    /// Put the description of another epoch into the log, for when its mark comes through the ring; durable when this
    /// returns.
    ///
    /// # Errors
    /// If it does not fit the run, or the storage fails.
    pub fn prepare(&mut self, change: &EpochChange) -> Result<EpochMark, LogError> {
        let prepared = self.changes.prepare(&mut self.appender, change);
        self.publish();
        prepared
    }

    fn write(&mut self) -> Result<(), ()> {
        self.appender.write().map_err(|error| {
            self.statistics.write_errors += 1;
            self.statistics.last_error = Some(error.to_string());
        })
    }

    fn sync(&mut self) -> Result<(), ()> {
        self.appender.sync().map_err(|error| {
            self.statistics.sync_errors += 1;
            self.statistics.last_error = Some(error.to_string());
        })?;
        self.statistics.syncs += 1;
        self.statistics.durable_cycle = self.appender.last_cycle();
        Ok(())
    }

    fn count(&mut self, drained: &Drained) {
        self.statistics.records += drained.records;
        self.statistics.slices += drained.slices;
        self.statistics.events += drained.events;
        self.statistics.gaps += drained.gaps;
        self.statistics.damaged += drained.damaged;
        self.dropped_marked += drained.dropped;
    }

    fn publish(&mut self) {
        let statistics = &mut self.statistics;
        statistics.blocks = self.appender.blocks();
        statistics.bytes = self.appender.written_len() - self.bytes_before;
        statistics.dropped = self.consumer.dropped();
        statistics.last_cycle = self.appender.last_cycle();
        statistics.keyframe_cycle = self.appender.keyframe_cycle();
    }

    /// A text that does not come from the cyclic thread.
    pub fn event(&mut self, kind: u16, text: &str) {
        let cycle = self.appender.last_cycle();
        self.appender.stage_event(cycle, kind, text);
        if self.write().is_ok() {
            self.statistics.events += 1;
        }
    }

    /// Empty the ring and make everything durable. With `end` the log is closed in an orderly way.
    ///
    /// # Errors
    /// If the storage fails; the ring still holds what is missing, and the next start takes it over.
    pub fn finish(&mut self, end: bool) -> Result<(), LogError> {
        let failed = |core: &Self| {
            LogError::Request(format!(
                "the log could not be closed, the next start goes on with what is left in the ring: {}",
                core.statistics.last_error.clone().unwrap_or_default()
            ))
        };
        if self.write_all().is_err() {
            return Err(failed(self));
        }
        let unmarked = self.consumer.dropped().saturating_sub(self.dropped_marked);
        if unmarked > 0 {
            let (reason, after_cycle) = (GapReason::RingFull, self.appender.last_cycle());
            self.appender.stage_gap(&Gap {
                reason,
                after_cycle,
                before_cycle: 0,
                records: unmarked,
                bytes: 0,
            });
            self.write().map_err(|()| failed(self))?;
            self.dropped_marked += unmarked;
            self.statistics.gaps += 1;
        }
        self.sync().map_err(|()| failed(self))?;
        self.publish();
        if end {
            let summary = serde_json::to_string(&self.statistics).unwrap_or_default();
            self.appender.end(&summary)?;
            self.publish();
        }
        Ok(())
    }

    /// What was done and met so far.
    pub const fn statistics(&self) -> &LogStatistics {
        &self.statistics
    }

    /// The log it writes.
    pub const fn appender(&self) -> &Appender<S> {
        &self.appender
    }

    /// Take it apart, to look at the storage.
    pub fn into_parts(self) -> (Appender<S>, Consumer) {
        (self.appender, self.consumer)
    }
}

const GO_ON: u8 = 0;
const END: u8 = 1;
const ABANDON: u8 = 2;

/// The running writer. Dropped without [`LogThread::stop`] it still writes and syncs what is in the ring, but the
/// log then has no orderly end.
pub struct LogThread {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<Result<(), LogError>>>,
}

struct Shared {
    command: AtomicU8,
    statistics: Mutex<LogStatistics>,
    events: Mutex<Vec<(u16, String)>>,
    changes: Mutex<Vec<Preparation>>,
}

/// A change that somebody waits for.
type Preparation = (EpochChange, mpsc::Sender<Result<EpochMark, LogError>>);

/// Neither side can leave the values half changed, so a poisoned lock means nothing here.
fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl LogThread {
    pub(crate) fn start(core: WriterCore<File>, clock: fn() -> u64, path: &Path) -> Result<Self, LogError> {
        let shared = Arc::new(Shared {
            command: AtomicU8::new(GO_ON),
            statistics: Mutex::new(core.statistics.clone()),
            events: Mutex::default(),
            changes: Mutex::default(),
        });
        let theirs = shared.clone();
        let thread = std::thread::Builder::new()
            .name("sensai-log".into())
            .spawn(move || run(core, clock, &theirs))
            .map_err(LogError::io("starting the writer of", path))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// What was done and met so far. Not for the cyclic thread.
    pub fn statistics(&self) -> LogStatistics {
        locked(&self.shared.statistics).clone()
    }

    /// Record a text from a thread other than the cyclic one.
    pub fn event(&self, kind: u16, text: impl Into<String>) {
        locked(&self.shared.events).push((kind, text.into()));
    }

    /// A way to describe epochs, for another thread.
    pub fn epochs(&self) -> EpochWriter {
        EpochWriter(self.shared.clone())
    }

    /// Write everything that was committed, close the log in an orderly way, and remove the ring. Call it when the
    /// cyclic thread has done its last cycle.
    ///
    /// # Errors
    /// If the storage fails. The ring is left for the next start then.
    pub fn stop(mut self) -> Result<LogStatistics, LogError> {
        self.join(END)?;
        Ok(self.statistics())
    }

    fn join(&mut self, command: u8) -> Result<(), LogError> {
        self.shared.command.store(command, Ordering::Release);
        let Some(thread) = self.thread.take() else { return Ok(()) };
        thread.thread().unpark();
        thread.join().unwrap_or_else(|_| Err(LogError::Request("the log's writer panicked".into())))
    }
}

impl Drop for LogThread {
    fn drop(&mut self) {
        let _ = self.join(ABANDON);
    }
}

/// Puts descriptions of epochs into a log that is being written.
#[derive(Clone)]
pub struct EpochWriter(Arc<Shared>);

impl EpochWriter {
    /// Describe another epoch of the run. Waits until it is durable: not for the cyclic thread.
    ///
    /// # Errors
    /// If it does not fit the run, the storage fails, or the writer has ended.
    pub fn prepare(&self, change: EpochChange) -> Result<EpochMark, LogError> {
        let (sender, result) = mpsc::channel();
        locked(&self.0.changes).push((change, sender));
        let ended = || LogError::Request("the log's writer has ended".into());
        result.recv_timeout(PREPARE_MAX).map_err(|_| ended())?
    }
}

fn run(mut core: WriterCore<File>, clock: fn() -> u64, shared: &Shared) -> Result<(), LogError> {
    loop {
        let command = shared.command.load(Ordering::Acquire);
        for (change, sender) in std::mem::take(&mut *locked(&shared.changes)) {
            // Who asked may have given up.
            let _ = sender.send(core.prepare(&change));
        }
        for (kind, text) in std::mem::take(&mut *locked(&shared.events)) {
            core.event(kind, &text);
        }
        if command != GO_ON {
            let result = core.finish(command == END);
            *locked(&shared.statistics) = core.statistics.clone();
            result?;
            return if command == END { core.consumer.remove() } else { Ok(()) };
        }
        core.poll(clock);
        locked(&shared.statistics).clone_from(&core.statistics);
        std::thread::park_timeout(POLL);
    }
}
