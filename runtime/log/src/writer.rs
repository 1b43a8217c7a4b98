//! The writer: takes slots out of the ring and makes them blocks, on a thread of its own.
//!
//! Opening a log, going through what the last run left, and starting a run are here too, because they decide the
//! order in which things become durable: contents and epoch first, then the ring, then records.

use crate::{
    Epoch, EpochSpec, LogError,
    append::{Appender, Recovery, random_id},
    drain::{Drain, Drained},
    keyframe::{KeyframeSlicer, SliceStep},
    payload::{Gap, GapReason},
    ring::{self, Consumer, Geometry, Leftover, Producer, RingIdentity, SlotKind},
    storage::Storage,
};
use sensai_model::record::{RecordFlags, RecordLayout, RecordMut};
use serde::Serialize;
use std::{
    fs::{File, OpenOptions, TryLockError},
    ops::Range,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU8, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

/// Slots staged before they are written.
const BATCH_SLOTS: u64 = 1024;
/// A block's worth of slots is written at once, however young.
const FULL_LEN: u64 = 60 * 1024;
/// How long a disk that refused is left alone.
const RETRY_NS: u64 = 100_000_000;
/// How often the writer looks into the ring.
const POLL: Duration = Duration::from_millis(5);

/// How a log is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogOptions {
    /// Most that a power failure may cost, in nanoseconds. Holds if the disk syncs within half of it;
    /// [`LogStatistics::sync_late`] counts when it did not.
    pub sync_interval_ns: u64,
    /// Slots of the ring. A cycle takes one, and one more while a keyframe is being sent.
    pub ring_slots: u64,
    /// Where the ring lies; `None`: `/dev/shm` if there is one, else beside the log.
    pub ring_directory: Option<PathBuf>,
}

impl Default for LogOptions {
    fn default() -> Self {
        Self { sync_interval_ns: 100_000_000, ring_slots: 4096, ring_directory: None }
    }
}

impl LogOptions {
    /// For a cell: the ring holds `ring_ns` of cycles of `interval_ns`, with a keyframe slice in each of them.
    pub fn new(sync_interval_ns: u64, ring_ns: u64, interval_ns: u64) -> Self {
        let ring_slots = 2 * ring_ns.div_ceil(interval_ns.max(1)).min(ring::SLOTS_MAX / 2);
        Self { sync_interval_ns, ring_slots, ring_directory: None }
    }
}

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
    /// Syncs that came too late for [`LogOptions::sync_interval_ns`].
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

/// A log that is open, locked and recovered, before a run.
pub struct CycleLog {
    appender: Appender<File>,
    recovery: Recovery,
    options: LogOptions,
    path: PathBuf,
    ring_path: PathBuf,
    /// The name the file has until its first epoch is durable.
    unborn: Option<Unborn>,
}

struct Unborn {
    path: PathBuf,
    /// An empty file stands at the log's path, and is replaced.
    replaces: Option<File>,
}

impl Drop for Unborn {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

impl CycleLog {
    /// Open a log for a run: create it, or go on with it. Locks it, cuts off a torn end, takes over what a killed
    /// process left in its ring.
    ///
    /// A new file gets its name only once its first epoch is durable, so that there is never half a log.
    ///
    /// # Errors
    /// If it is in use, no log, altered, or cannot be written; then nothing was changed.
    pub fn open(path: &Path, options: LogOptions) -> Result<Self, LogError> {
        let path = canonical(path)?;
        let ring_path = ring::path_for(&path, options.ring_directory.as_deref());
        match OpenOptions::new().read(true).write(true).open(&path) {
            Ok(file) => {
                lock(&file, &path)?;
                let len = file.metadata().map_err(LogError::io("reading", &path))?.len();
                if len == 0 {
                    return Self::create(path, ring_path, options, Some(file));
                }
                Self::recover(file, path, ring_path, options)
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Self::create(path, ring_path, options, None)
            }
            Err(error) => Err(LogError::io("opening", &path)(error)),
        }
    }

    fn create(
        path: PathBuf,
        ring_path: PathBuf,
        options: LogOptions,
        replaces: Option<File>,
    ) -> Result<Self, LogError> {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(".new");
        let fresh = path.with_file_name(name);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&fresh)
            .map_err(LogError::io("creating", &fresh))?;
        lock(&file, &path)?;
        file.set_len(0).map_err(LogError::io("emptying", &fresh))?;
        let mut recovery = Recovery { created: true, ..Recovery::default() };
        match ring::open_leftover(&ring_path)? {
            Leftover::Missing => {}
            Leftover::Unusable(why) => recovery.ring_note = Some(format!("left-over ring ignored: {why}")),
            Leftover::Found(_, consumer) => recovery.ring_note = orphan_note(&consumer.available()),
        }
        let appender = Appender::create(file, random_id()?);
        Ok(Self {
            appender,
            recovery,
            options,
            path,
            ring_path,
            unborn: Some(Unborn { path: fresh, replaces }),
        })
    }

    fn recover(file: File, path: PathBuf, ring_path: PathBuf, options: LogOptions) -> Result<Self, LogError> {
        // The ring first: if another runtime has it, nothing may be touched.
        let leftover = ring::open_leftover(&ring_path)?;
        let (mut appender, mut recovery) = Appender::open(file)?;
        match leftover {
            Leftover::Missing => {}
            Leftover::Unusable(why) => recovery.ring_note = Some(format!("left-over ring ignored: {why}")),
            Leftover::Found(identity, mut consumer) => {
                drain_leftover(&mut appender, &mut recovery, identity, &mut consumer)?;
            }
        }
        recovery.last_cycle = appender.last_cycle();
        Ok(Self { appender, recovery, options, path, ring_path, unborn: None })
    }

    /// What opening found and did.
    pub const fn recovery(&self) -> &Recovery {
        &self.recovery
    }

    /// The first cycle that may be recorded now. 1 in a new log.
    pub const fn next_cycle(&self) -> u64 {
        self.appender.last_cycle().saturating_add(1)
    }

    /// The epoch of the last run.
    pub const fn last_epoch(&self) -> Option<&Arc<Epoch>> {
        self.appender.epoch()
    }

    /// The file, canonical.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Begin an epoch, and start the writer. `clock` gives monotonic nanoseconds; only differences count.
    ///
    /// Call it before the calling thread becomes a real-time thread: the writer's thread inherits its scheduling.
    ///
    /// # Errors
    /// If the description does not fit together, or a file cannot be made or written.
    pub fn start(mut self, spec: &EpochSpec, clock: fn() -> u64) -> Result<(Recorder, LogThread), LogError> {
        let session = random_id()?;
        let before = self.appender.written_len();
        let epoch = self.appender.begin_epoch(spec, session)?;
        if let Some(unborn) = self.unborn.take() {
            name(&unborn, &self.path)?;
        }
        sync_directory(&self.path)?;
        let geometry = Geometry::new(&epoch.record, self.options.ring_slots);
        let identity =
            RingIdentity { session, layout_hash: ring::layout_hash(&epoch.record), pid: std::process::id() };
        let (producer, consumer) = ring::create(&self.ring_path, geometry, identity)?;
        let core = WriterCore::new(self.appender, consumer, self.options.sync_interval_ns, before);
        let thread = LogThread::start(core, clock, &self.path)?;
        Ok((Recorder { producer, layout: epoch.record }, thread))
    }
}

/// Take over what a killed process committed and did not write.
fn drain_leftover(
    appender: &mut Appender<File>,
    recovery: &mut Recovery,
    identity: RingIdentity,
    consumer: &mut Consumer,
) -> Result<(), LogError> {
    let left = consumer.available();
    let record = match appender.epoch() {
        Some(epoch) if epoch.session.0 == identity.session && appender.session() == identity.session => {
            epoch.record
        }
        _ => {
            recovery.ring_note = orphan_note(&left);
            return Ok(());
        }
    };
    if ring::layout_hash(&record) != identity.layout_hash {
        recovery.ring_note = Some("left-over ring ignored: it holds records of another layout".into());
        return Ok(());
    }
    let present = consumer.present();
    let first = appender.ring_next().clamp(present.start, present.end);
    if first > appender.ring_next() {
        let after_cycle = appender.last_cycle();
        let reason = GapReason::Overwritten;
        appender.stage_gap(&Gap { reason, after_cycle, before_cycle: 0, records: 0, bytes: 0 });
    }
    let mut drain = Drain::default();
    let mut at = first;
    while at < present.end {
        let batch = at..present.end.min(at + BATCH_SLOTS);
        at = batch.end;
        let drained = drain.stage(appender, consumer, batch, record.len());
        recovery.ring_records += drained.records;
        recovery.ring_damaged += drained.damaged;
        appender.write()?;
    }
    appender.write()?;
    appender.sync()?;
    consumer.advance_to(present.end);
    Ok(())
}

fn orphan_note(left: &Range<u64>) -> Option<String> {
    let count = left.end - left.start;
    (count > 0).then(|| {
        format!("left-over ring ignored: its {count} slots belong to a run that this log does not end with")
    })
}

fn canonical(path: &Path) -> Result<PathBuf, LogError> {
    if let Ok(found) = path.canonicalize() {
        return Ok(found);
    }
    let Some(file_name) = path.file_name() else {
        return Err(LogError::Request(format!("{} names no file", path.display())));
    };
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Ok(parent.canonicalize().map_err(LogError::io("opening the directory", parent))?.join(file_name))
}

fn lock(file: &File, path: &Path) -> Result<(), LogError> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(LogError::InUse { path: path.to_owned() }),
        Err(TryLockError::Error(error)) => Err(LogError::io("locking", path)(error)),
    }
}

/// Give a new log its name; never over another log.
fn name(unborn: &Unborn, path: &Path) -> Result<(), LogError> {
    if unborn.replaces.is_some() {
        return std::fs::rename(&unborn.path, path).map_err(LogError::io("naming", path));
    }
    match std::fs::hard_link(&unborn.path, path) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            Err(LogError::InUse { path: path.to_owned() })
        }
        // A file system without links.
        Err(_) => std::fs::rename(&unborn.path, path).map_err(LogError::io("naming", path)),
    }
}

/// Make the file's name durable.
fn sync_directory(path: &Path) -> Result<(), LogError> {
    let parent = path.parent().unwrap_or(Path::new("/"));
    let directory = File::open(parent).map_err(LogError::io("opening the directory", parent))?;
    directory.sync_all().map_err(LogError::io("syncing the directory", parent))
}

/// The cyclic thread's end of the log. No method allocates, locks, waits or makes a system call.
pub struct Recorder {
    producer: Producer,
    layout: RecordLayout,
}

impl Recorder {
    /// Record one cycle: `fill` gets a zeroed record in shared memory, and when this returns it is committed.
    /// False if the ring is full: the record is lost, counted, and the next one is marked.
    pub fn record(&mut self, fill: impl FnOnce(&mut RecordMut<'_>)) -> bool {
        let gap = self.producer.gap_before();
        let Some(mut slot) = self.producer.claim() else { return false };
        let Some(mut record) = slot.record(&self.layout) else { return false };
        fill(&mut record);
        if gap {
            record.add_flags(RecordFlags::GAP_BEFORE);
        }
        slot.commit(SlotKind::Record, self.layout.len());
        true
    }

    /// Record a text, cut to what a slot holds. False if the ring is too full for it.
    pub fn event(&mut self, cycle: u64, kind: u16, text: &str) -> bool {
        let Some(mut slot) = self.producer.claim_spare() else { return false };
        let payload = slot.payload();
        let len = text.floor_char_boundary(payload.len().saturating_sub(10));
        payload[0..8].copy_from_slice(&cycle.to_le_bytes());
        payload[8..10].copy_from_slice(&kind.to_le_bytes());
        payload[10..10 + len].copy_from_slice(&text.as_bytes()[..len]);
        slot.commit(SlotKind::Event, 10 + len);
        true
    }

    /// True if a keyframe should be taken after `cycle`, see [`KeyframeSlicer::due`].
    pub fn keyframe_due(&self, slicer: &KeyframeSlicer, cycle: u64) -> bool {
        slicer.due(cycle, &self.producer)
    }

    /// Take a keyframe of the state after `cycle`, see [`KeyframeSlicer::capture`].
    pub fn keyframe(&self, slicer: &mut KeyframeSlicer, cycle: u64, fill: impl FnOnce(&mut [u8])) {
        slicer.capture(cycle, &self.producer, fill);
    }

    /// Send at most one slice; once a cycle, after the record.
    pub fn keyframe_step(&mut self, slicer: &mut KeyframeSlicer) -> SliceStep {
        slicer.step(&mut self.producer)
    }

    /// Layout of the records.
    pub const fn layout(&self) -> &RecordLayout {
        &self.layout
    }

    /// Records lost so far because the ring was full.
    pub const fn dropped(&self) -> u64 {
        self.producer.dropped()
    }
}

/// The writer without its thread: polled, and told the time.
pub struct WriterCore<S> {
    appender: Appender<S>,
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
            let batch = at..available.end.min(at + BATCH_SLOTS);
            at = batch.end;
            let drained = self.drain.stage(&mut self.appender, &self.consumer, batch, self.record_len);
            self.write()?;
            // Only now: a process killed in between finds the slots again, and knows them by their numbers.
            self.consumer.advance_to(at);
            self.count(&drained);
        }
        Ok(())
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
}

/// Neither side can leave the values half changed, so a poisoned lock means nothing here.
fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl LogThread {
    fn start(core: WriterCore<File>, clock: fn() -> u64, path: &Path) -> Result<Self, LogError> {
        let shared = Arc::new(Shared {
            command: AtomicU8::new(GO_ON),
            statistics: Mutex::new(core.statistics.clone()),
            events: Mutex::default(),
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

fn run(mut core: WriterCore<File>, clock: fn() -> u64, shared: &Shared) -> Result<(), LogError> {
    loop {
        let command = shared.command.load(Ordering::Acquire);
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
