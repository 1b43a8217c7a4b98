//! Opening a log for a run: what the last run left is taken over first, and then things become durable in the order in
//! which they lean on each other: contents and epoch, the file's name, the ring, records.

use crate::{
    Epoch, EpochSpec, LogError, LogThread, Recorder,
    append::{Appender, Recovery, random_id},
    change::Changes,
    drain::{BATCH_SLOTS, Drain},
    payload::{Gap, GapReason},
    ring::{self, Consumer, Geometry, Leftover, RingIdentity},
    writer::WriterCore,
};
use std::{
    fs::{File, OpenOptions, TryLockError},
    io::ErrorKind,
    ops::Range,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::Arc,
};

/// How a log is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogOptions {
    /// Most that a power failure may cost, in nanoseconds. Holds if the disk syncs within half of it;
    /// [`crate::LogStatistics::sync_late`] counts when it did not.
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
        // An empty file is replaced by the log; a device looks empty, and must not be.
        if std::fs::metadata(&path).is_ok_and(|found| !found.is_file()) {
            return Err(LogError::Request(format!(
                "{} is no regular file; name another one",
                path.display()
            )));
        }
        match OpenOptions::new().read(true).write(true).open(&path) {
            Ok(file) => {
                lock(&file, &path)?;
                let len = file.metadata().map_err(LogError::io("reading", &path))?.len();
                if len == 0 {
                    return Self::create(path, ring_path, options, Some(file));
                }
                Self::recover(file, path, ring_path, options)
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Self::create(path, ring_path, options, None),
            Err(error) => Err(LogError::io("opening", &path)(error)),
        }
    }

    fn create(
        path: PathBuf,
        ring_path: PathBuf,
        options: LogOptions,
        replaces: Option<File>,
    ) -> Result<Self, LogError> {
        let fresh = unborn_name(&path);
        if let Ok(left) = File::open(&fresh) {
            // A killed start left it. Never emptied, only unlinked: it may be another name of a log that was moved.
            lock(&left, &path)?;
            std::fs::remove_file(&fresh).map_err(LogError::io("removing", &fresh))?;
        }
        let in_use = || LogError::InUse { path: path.clone() };
        let file = match OpenOptions::new().read(true).write(true).create_new(true).open(&fresh) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => return Err(in_use()),
            Err(error) => return Err(LogError::io("creating", &fresh)(error)),
        };
        lock(&file, &path)?;
        // Somebody may have unlinked it between creating and locking.
        if !is_same_file(&file, &fresh) {
            return Err(in_use());
        }
        let unborn = Some(Unborn { path: fresh, replaces });
        let mut recovery = Recovery { created: true, ..Recovery::default() };
        match ring::open_leftover(&ring_path)? {
            Leftover::Missing => {}
            Leftover::Unusable(why) => recovery.ring_note = Some(format!("left-over ring ignored: {why}")),
            Leftover::Found(_, consumer) => recovery.ring_note = orphan_note(&consumer.available()),
        }
        let appender = Appender::create(file, random_id()?);
        Ok(Self { appender, recovery, options, path, ring_path, unborn })
    }

    fn recover(file: File, path: PathBuf, ring_path: PathBuf, options: LogOptions) -> Result<Self, LogError> {
        // The ring first: if another runtime has it, nothing may be touched.
        let leftover = ring::open_leftover(&ring_path)?;
        let fresh = unborn_name(&path);
        if is_same_file(&file, &fresh) {
            // The start that gave the log its name was killed before it took away the first one.
            std::fs::remove_file(&fresh).map_err(LogError::io("removing", &fresh))?;
        }
        let (mut appender, mut recovery) = Appender::open(file)?;
        match leftover {
            Leftover::Missing => {}
            Leftover::Unusable(why) => recovery.ring_note = Some(format!("left-over ring ignored: {why}")),
            // After an orderly end everything is there; only the ring's file was left behind.
            Leftover::Found(..) if !recovery.unclean => {}
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
        Ok((Recorder { producer, layout: epoch.record, mark: None }, thread))
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
    let (mut drain, changes) = (Drain::default(), Changes::default());
    let mut at = first;
    while at < present.end {
        let batch = at..present.end.min(at.saturating_add(BATCH_SLOTS));
        let mark = consumer.mark_in(batch.clone());
        let batch = at..mark.unwrap_or(batch.end);
        at = batch.end;
        let drained = drain.stage(appender, consumer, batch);
        recovery.ring_records += drained.records;
        recovery.ring_damaged += drained.damaged;
        appender.write()?;
        if let Some(slot) = mark.and_then(|mark| consumer.slot(mark)) {
            at += 1;
            if let Err(error) = changes.begin(appender, slot.payload, at) {
                // What follows means something that nobody can say.
                let left = present.end - at;
                recovery.ring_note = Some(format!("{left} slots of the left-over ring ignored: {error}"));
                break;
            }
        }
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

/// The name of a log before its first epoch is durable.
fn unborn_name(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    path.with_file_name(name)
}

fn is_same_file(file: &File, path: &Path) -> bool {
    let identity = |metadata: std::fs::Metadata| (metadata.dev(), metadata.ino());
    let (ours, theirs) = (file.metadata().map(identity), std::fs::metadata(path).map(identity));
    matches!((ours, theirs), (Ok(ours), Ok(theirs)) if ours == theirs)
}

/// Give a new log its name; never over another log.
fn name(unborn: &Unborn, path: &Path) -> Result<(), LogError> {
    if unborn.replaces.is_some() {
        return std::fs::rename(&unborn.path, path).map_err(LogError::io("naming", path));
    }
    match std::fs::hard_link(&unborn.path, path) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            Err(LogError::InUse { path: path.to_owned() })
        }
        // A file system without links.
        Err(_) if !path.exists() => std::fs::rename(&unborn.path, path).map_err(LogError::io("naming", path)),
        Err(error) => Err(LogError::io("naming", path)(error)),
    }
}

/// Make the file's name durable.
fn sync_directory(path: &Path) -> Result<(), LogError> {
    let parent = path.parent().unwrap_or(Path::new("/"));
    let directory = File::open(parent).map_err(LogError::io("opening the directory", parent))?;
    directory.sync_all().map_err(LogError::io("syncing the directory", parent))
}
