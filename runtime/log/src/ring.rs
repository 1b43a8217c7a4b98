//! A wait-free ring from the cyclic thread to the writer, in a shared-memory file that outlives the process.
//!
//! One producer, one consumer, slots of one size filled in place. The producer publishes a slot by one release store
//! of `head`; the consumer frees it by one release store of `tail` after the slot is in the log. A process that is
//! killed at any instruction leaves a file in which everything below `head` is complete, because the kernel keeps the
//! pages and the stores of one thread reach them in program order. What was being filled lies at `head` and is never
//! looked at. The next start reads the rest.
//!
//! A full ring is counted and marked in the next record's slot; nobody waits for anybody.
//!
//! The only module with `unsafe`: the file is mapped, and producer and consumer work on different slots of it.
//! The file is locked by the running process; somebody who writes to it or cuts it short in spite of that breaks
//! that process, as with any shared memory.

use crate::block::{array_at, u16_at, u32_at, u64_at};
use crate::{LogError, keyframe::SLICE_LEN};
use memmap2::{MmapOptions, MmapRaw};
use sensai_model::record::{RecordLayout, RecordMut};
use sha2::{Digest, Sha256};
use std::{
    fs::{File, OpenOptions, TryLockError},
    os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// First bytes of the file.
pub const MAGIC: [u8; 8] = *b"SNSRING\n";
/// Version of the layout described here.
pub const VERSION: u32 = 1;
/// Bytes before the first slot.
pub const HEADER_LEN: usize = 4096;
/// Bytes before a slot's payload: sequence u64, kind u16, zero u16, length u32, dropped u32, CRC u32.
pub const SLOT_HEADER_LEN: usize = 24;
/// Most slots a ring may have.
pub const SLOTS_MAX: u64 = 1 << 20;

/// Bytes of the header's fixed part, which its CRC covers.
const FIXED_LEN: usize = 60;
/// Places of the counters, each on a cache line of its own.
const HEAD: usize = 128;
const TAIL: usize = 256;
const DROPPED: usize = 384;
const CACHE_LINE: usize = 64;

/// What a slot holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum SlotKind {
    /// A cycle record.
    Record = 1,
    /// A slice of a keyframe.
    Slice = 2,
    /// A text of the runtime: cycle u64, kind u16, then UTF-8.
    Event = 3,
    /// The records behind it are of another epoch: an [`crate::EpochMark`].
    Epoch = 4,
}

impl SlotKind {
    const fn from_id(id: u16) -> Option<Self> {
        Some(match id {
            1 => Self::Record,
            2 => Self::Slice,
            3 => Self::Event,
            4 => Self::Epoch,
            _ => return None,
        })
    }
}

/// Sizes of a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    slot_len: usize,
    slots: u64,
}

impl Geometry {
    /// Room for at least `slots` slots (a power of two is taken), each large enough for a record or a slice.
    pub fn new(record: &RecordLayout, slots: u64) -> Self {
        let payload = record.len().max(crate::payload::SLICE_HEADER_LEN + SLICE_LEN);
        Self {
            slot_len: (SLOT_HEADER_LEN + payload).next_multiple_of(CACHE_LINE),
            slots: slots.clamp(4, SLOTS_MAX).next_power_of_two(),
        }
    }

    /// Number of slots.
    pub const fn slots(&self) -> u64 {
        self.slots
    }

    /// Bytes a slot can carry.
    pub const fn payload_len(&self) -> usize {
        self.slot_len - SLOT_HEADER_LEN
    }

    /// Bytes of the file.
    pub const fn file_len(&self) -> u64 {
        HEADER_LEN as u64 + self.slots * self.slot_len as u64
    }

    /// Where the slot of this sequence number lies.
    const fn slot_offset(&self, sequence: u64) -> usize {
        HEADER_LEN + (sequence & (self.slots - 1)) as usize * self.slot_len
    }
}

/// Whose slots these are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RingIdentity {
    /// The run; also in every block it wrote.
    pub session: [u8; 16],
    /// Hash of the record layout.
    pub layout_hash: u64,
    /// The process that fills, or filled it.
    pub pid: u32,
}

/// Hash of what a reader of slots has to agree on.
pub fn layout_hash(record: &RecordLayout) -> u64 {
    let mut hash = Sha256::new();
    for number in [u64::from(VERSION), record.inputs().len() as u64, record.outputs().len() as u64] {
        hash.update(number.to_le_bytes());
    }
    hash.update((record.sync_units() as u64).to_le_bytes());
    u64::from_le_bytes(array_at(&hash.finalize(), 0))
}

/// The mapped file. Counters are atomics; a slot belongs to the producer from claim to commit, to the consumer from
/// `tail` to `head`, and to nobody otherwise.
struct Mapping {
    map: MmapRaw,
    geometry: Geometry,
    /// Holds the lock.
    _file: File,
}

#[allow(unsafe_code)]
impl Mapping {
    fn counter(&self, offset: usize) -> &AtomicU64 {
        debug_assert!(offset.is_multiple_of(8) && offset + 8 <= HEADER_LEN);
        // SAFETY: the mapping is at least HEADER_LEN bytes long and page aligned, so the place is inside and aligned
        // for a u64. It lives as long as `self`, and this process touches the counters as atomics only.
        unsafe { AtomicU64::from_ptr(self.map.as_mut_ptr().add(offset).cast()) }
    }

    /// The slot's bytes, to write.
    ///
    /// # Safety
    /// The caller must be the producer, `sequence` must equal `head`, and the slot must be free (`head - tail` below
    /// the number of slots), so that the consumer does not look at it.
    #[allow(clippy::mut_from_ref)]
    unsafe fn slot_mut(&self, sequence: u64) -> &mut [u8] {
        // SAFETY: `slot_offset` is inside the file, whose length was checked when it was mapped; the caller
        // guarantees that nobody else has the slot.
        unsafe {
            let start = self.map.as_mut_ptr().add(self.geometry.slot_offset(sequence));
            std::slice::from_raw_parts_mut(start, self.geometry.slot_len)
        }
    }

    /// The slot's bytes, to read.
    ///
    /// # Safety
    /// The caller must be the consumer (or the only user of the file), and must have seen `sequence < head` with
    /// acquire ordering and not have freed the slot, so that the producer does not write to it.
    unsafe fn slot(&self, sequence: u64) -> &[u8] {
        // SAFETY: as above; nobody writes to a slot between commit and free.
        unsafe {
            let start = self.map.as_mut_ptr().add(self.geometry.slot_offset(sequence));
            std::slice::from_raw_parts(start, self.geometry.slot_len)
        }
    }
}

/// Make a ring at `path` and lock it. A file that stood there is replaced.
///
/// The file is complete before it gets its name, and every page of it is there before the first cycle.
///
/// # Errors
/// If the file cannot be made, or there is no memory for it.
pub fn create(
    path: &Path,
    geometry: Geometry,
    identity: RingIdentity,
) -> Result<(Producer, Consumer), LogError> {
    let fresh = path.with_extension("ring-new");
    // Whatever a killed start left under this name was never a ring.
    let _ = std::fs::remove_file(&fresh);
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&fresh)
        .map_err(LogError::io("creating the ring", &fresh))?;
    lock(&file, path)?;
    // Written, not only extended: a hole that the memory file system cannot fill later would kill the process.
    let zeros = vec![0; 1 << 16];
    let mut at = 0;
    while at < geometry.file_len() {
        let len = zeros.len().min((geometry.file_len() - at) as usize);
        file.write_all_at(&zeros[..len], at).map_err(LogError::io("filling the ring", &fresh))?;
        at += len as u64;
    }
    file.write_all_at(&encode_header(geometry, identity), 0)
        .map_err(LogError::io("filling the ring", &fresh))?;
    let map = map(&file, &fresh)?;
    std::fs::rename(&fresh, path).map_err(LogError::io("naming the ring", path))?;
    Ok(ends(Mapping { map, geometry, _file: file }, path))
}

fn ends(mapping: Mapping, path: &Path) -> (Producer, Consumer) {
    let mapping = Arc::new(mapping);
    let head = mapping.counter(HEAD).load(Ordering::Acquire);
    let tail = mapping.counter(TAIL).load(Ordering::Acquire);
    let producer = Producer { mapping: mapping.clone(), head, tail, dropped: 0, dropped_unmarked: 0 };
    (producer, Consumer { mapping, tail, path: path.to_owned(), abandoned: false })
}

fn map(file: &File, path: &Path) -> Result<MmapRaw, LogError> {
    MmapOptions::new().populate().map_raw(file).map_err(LogError::io("mapping the ring", path))
}

fn lock(file: &File, path: &Path) -> Result<(), LogError> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(LogError::InUse { path: path.to_owned() }),
        Err(TryLockError::Error(error)) => Err(LogError::io("locking the ring", path)(error)),
    }
}

fn encode_header(geometry: Geometry, identity: RingIdentity) -> [u8; FIXED_LEN + 4] {
    let mut out = [0; FIXED_LEN + 4];
    out[0..8].copy_from_slice(&MAGIC);
    out[8..12].copy_from_slice(&VERSION.to_le_bytes());
    out[12..16].copy_from_slice(&identity.pid.to_le_bytes());
    out[16..32].copy_from_slice(&identity.session);
    out[32..40].copy_from_slice(&identity.layout_hash.to_le_bytes());
    out[40..48].copy_from_slice(&geometry.slots.to_le_bytes());
    out[48..52].copy_from_slice(&(geometry.slot_len as u32).to_le_bytes());
    let crc = crc32fast::hash(&out[..FIXED_LEN]);
    out[FIXED_LEN..].copy_from_slice(&crc.to_le_bytes());
    out
}

/// A ring found when a log is opened.
pub enum Leftover {
    /// There is none.
    Missing,
    /// The file is no ring, or no longer one; the text says why.
    Unusable(String),
    /// A killed process left it. It is locked now.
    Found(RingIdentity, Consumer),
}

/// Look for the ring of a process that ended without emptying it.
///
/// # Errors
/// If another process has it, another user owns it, or it cannot be read.
pub fn open_leftover(path: &Path) -> Result<Leftover, LogError> {
    let file = match OpenOptions::new().read(true).write(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Leftover::Missing),
        Err(error) => return Err(LogError::io("opening the ring", path)(error)),
    };
    let metadata = file.metadata().map_err(LogError::io("reading the ring", path))?;
    // Memory file systems are shared: somebody else's file under our name is not ours to read.
    let me = std::fs::metadata("/proc/self").map_or(metadata.uid(), |process| process.uid());
    if metadata.uid() != me {
        return Err(LogError::ForeignRing { path: path.to_owned(), owner: metadata.uid() });
    }
    lock(&file, path)?;
    let mut header = [0; FIXED_LEN + 4];
    if metadata.len() < HEADER_LEN as u64 {
        return Ok(Leftover::Unusable(format!("{} bytes are too few for a ring", metadata.len())));
    }
    file.read_exact_at(&mut header, 0).map_err(LogError::io("reading the ring", path))?;
    let (geometry, identity) = match decode_header(&header, metadata.len()) {
        Ok(found) => found,
        Err(why) => return Ok(Leftover::Unusable(why)),
    };
    let mapping = Mapping { map: map(&file, path)?, geometry, _file: file };
    let head = mapping.counter(HEAD).load(Ordering::Acquire);
    let tail = mapping.counter(TAIL).load(Ordering::Acquire);
    if head.checked_sub(tail).is_none_or(|used| used > geometry.slots) {
        return Ok(Leftover::Unusable(format!("head {head} and tail {tail} do not fit together")));
    }
    let (_, consumer) = ends(mapping, path);
    Ok(Leftover::Found(identity, Consumer { abandoned: true, ..consumer }))
}

fn decode_header(bytes: &[u8; FIXED_LEN + 4], file_len: u64) -> Result<(Geometry, RingIdentity), String> {
    if bytes[0..8] != MAGIC || u32_at(bytes, FIXED_LEN) != crc32fast::hash(&bytes[..FIXED_LEN]) {
        return Err("its header is damaged".into());
    }
    if u32_at(bytes, 8) != VERSION {
        return Err(format!("it has version {}, expected {VERSION}", u32_at(bytes, 8)));
    }
    let geometry = Geometry { slots: u64_at(bytes, 40), slot_len: u32_at(bytes, 48) as usize };
    let sane = geometry.slots.is_power_of_two()
        && geometry.slots <= SLOTS_MAX
        && geometry.slot_len > SLOT_HEADER_LEN
        && geometry.slot_len.is_multiple_of(CACHE_LINE)
        && geometry.file_len() == file_len;
    let identity =
        RingIdentity { session: array_at(bytes, 16), layout_hash: u64_at(bytes, 32), pid: u32_at(bytes, 12) };
    if sane { Ok((geometry, identity)) } else { Err(format!("its sizes do not fit {file_len} bytes")) }
}

/// The filling end. Never allocates, locks, waits or makes a system call.
pub struct Producer {
    mapping: Arc<Mapping>,
    head: u64,
    /// The last `tail` seen; the true one is at least this.
    tail: u64,
    dropped: u64,
    /// Records dropped since the last committed one.
    dropped_unmarked: u32,
}

impl Producer {
    /// A free slot for a record, or nothing if the ring is full: then the record is lost, and counted.
    pub fn claim(&mut self) -> Option<Slot<'_>> {
        if self.free() == 0 {
            self.lose();
            return None;
        }
        Some(Slot { producer: self })
    }

    /// A free slot for a mark, which is of no use without a record behind it.
    pub(crate) fn claim_mark(&mut self) -> Option<Slot<'_>> {
        (self.free() >= 2).then_some(Slot { producer: self })
    }

    /// Count a record that found no place.
    pub(crate) fn lose(&mut self) {
        self.dropped += 1;
        self.dropped_unmarked = self.dropped_unmarked.saturating_add(1);
        self.mapping.counter(DROPPED).store(self.dropped, Ordering::Release);
    }

    /// A free slot for something that can wait for the next cycle. Keeps a quarter of the ring for records.
    pub fn claim_spare(&mut self) -> Option<Slot<'_>> {
        if self.free() <= self.mapping.geometry.slots / 4 {
            return None;
        }
        Some(Slot { producer: self })
    }

    /// Records lost so far because the ring was full.
    pub const fn dropped(&self) -> u64 {
        self.dropped
    }

    /// True if records were lost since the last committed one.
    pub const fn gap_before(&self) -> bool {
        self.dropped_unmarked > 0
    }

    /// True if less than half of the ring is free.
    pub fn is_crowded(&mut self) -> bool {
        self.free() < self.mapping.geometry.slots / 2
    }

    /// Sizes of the ring.
    pub fn geometry(&self) -> Geometry {
        self.mapping.geometry
    }

    fn free(&mut self) -> u64 {
        let slots = self.mapping.geometry.slots;
        // The consumer's cache line is only touched when the answer may matter.
        if self.head.saturating_sub(self.tail) >= slots / 2 {
            self.tail = self.mapping.counter(TAIL).load(Ordering::Acquire);
        }
        // A foreign `tail` beyond `head` must not become a huge number.
        slots.saturating_sub(self.head.saturating_sub(self.tail))
    }
}

/// A claimed slot. Dropped without a commit, it was never there.
pub struct Slot<'a> {
    producer: &'a mut Producer,
}

#[allow(unsafe_code)]
impl Slot<'_> {
    /// Room to fill. It holds whatever was in it before.
    pub fn payload(&mut self) -> &mut [u8] {
        &mut self.bytes()[SLOT_HEADER_LEN..]
    }

    /// The first bytes as a new, zeroed record; nothing if the slots are too small for it.
    pub fn record(&mut self, layout: &RecordLayout) -> Option<RecordMut<'_>> {
        RecordMut::new(layout, self.payload().get_mut(..layout.len())?).ok()
    }

    /// Publish the first `len` bytes.
    pub fn commit(mut self, kind: SlotKind, len: usize) {
        let sequence = self.producer.head;
        let marks = kind == SlotKind::Record;
        let dropped = if marks { std::mem::take(&mut self.producer.dropped_unmarked) } else { 0 };
        let bytes = self.bytes();
        let len = len.min(bytes.len() - SLOT_HEADER_LEN);
        bytes[0..8].copy_from_slice(&sequence.to_le_bytes());
        bytes[8..10].copy_from_slice(&(kind as u16).to_le_bytes());
        bytes[10..12].fill(0);
        bytes[12..16].copy_from_slice(&(len as u32).to_le_bytes());
        bytes[16..20].copy_from_slice(&dropped.to_le_bytes());
        let crc = slot_crc(bytes, len);
        bytes[20..24].copy_from_slice(&crc.to_le_bytes());
        self.producer.head = sequence + 1;
        self.producer.mapping.counter(HEAD).store(sequence + 1, Ordering::Release);
    }

    fn bytes(&mut self) -> &mut [u8] {
        // SAFETY: only a `Producer` makes a `Slot`, only while `head - tail` is below the number of slots, and there
        // is one `Producer` for the file: `create` makes one, `ends` is called once for each mapping, and the lock
        // keeps other processes out. The borrow of the producer keeps a second `Slot` from existing.
        unsafe { self.producer.mapping.slot_mut(self.producer.head) }
    }
}

/// CRC-32 over the slot's header without the CRC, then the payload.
fn slot_crc(bytes: &[u8], len: usize) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(&bytes[..20]);
    crc.update(&bytes[SLOT_HEADER_LEN..SLOT_HEADER_LEN + len]);
    crc.finalize()
}

/// What the consumer finds in a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotView<'a> {
    /// Position in the stream of slots, from 0.
    pub sequence: u64,
    /// What it holds.
    pub kind: SlotKind,
    /// Records lost between the record before and this one.
    pub dropped_before: u32,
    /// The bytes.
    pub payload: &'a [u8],
}

/// The emptying end.
pub struct Consumer {
    mapping: Arc<Mapping>,
    tail: u64,
    path: PathBuf,
    /// The producer's process is gone, so that even freed slots stand still.
    abandoned: bool,
}

#[allow(unsafe_code)]
impl Consumer {
    /// Sequence numbers that can be read now.
    pub fn available(&self) -> std::ops::Range<u64> {
        let head = self.mapping.counter(HEAD).load(Ordering::Acquire);
        self.tail..head.min(self.tail.saturating_add(self.mapping.geometry.slots)).max(self.tail)
    }

    /// Sequence numbers whose slots hold still. In a left-over ring freed ones are among them: after a power loss the
    /// log may lack what had been freed.
    pub(crate) fn present(&self) -> std::ops::Range<u64> {
        let head = self.mapping.counter(HEAD).load(Ordering::Acquire);
        let oldest =
            if self.abandoned { head.saturating_sub(self.mapping.geometry.slots) } else { self.tail };
        oldest..head
    }

    /// The slot of a sequence number that can be read now; nothing if it is damaged.
    pub fn slot(&self, sequence: u64) -> Option<SlotView<'_>> {
        if !self.present().contains(&sequence) {
            return None;
        }
        // SAFETY: committed, seen with acquire ordering by `present`. Slots from `tail` on are not freed; older ones
        // are in the range only when the producer's process is gone.
        let bytes = unsafe { self.mapping.slot(sequence) };
        let len = u32_at(bytes, 12) as usize;
        if u64_at(bytes, 0) != sequence
            || len > bytes.len() - SLOT_HEADER_LEN
            || u32_at(bytes, 20) != slot_crc(bytes, len)
        {
            return None;
        }
        Some(SlotView {
            sequence,
            kind: SlotKind::from_id(u16_at(bytes, 8))?,
            dropped_before: u32_at(bytes, 16),
            payload: &bytes[SLOT_HEADER_LEN..SLOT_HEADER_LEN + len],
        })
    }

    /// The first mark of an epoch in `range`.
    pub(crate) fn mark_in(&self, mut range: std::ops::Range<u64>) -> Option<u64> {
        let present = self.present();
        range.find(|sequence| {
            if !present.contains(sequence) {
                return false;
            }
            // SAFETY: as in `slot`.
            let bytes = unsafe { self.mapping.slot(*sequence) };
            // The rest of it is looked at only if it seems to be one.
            u16_at(bytes, 8) == SlotKind::Epoch as u16
                && self.slot(*sequence).is_some_and(|slot| slot.kind == SlotKind::Epoch)
        })
    }

    /// Free everything before `sequence`: it is in the log.
    pub fn advance_to(&mut self, sequence: u64) {
        self.tail = sequence.clamp(self.tail, self.available().end);
        self.mapping.counter(TAIL).store(self.tail, Ordering::Release);
    }

    /// Records the producer could not place.
    pub fn dropped(&self) -> u64 {
        self.mapping.counter(DROPPED).load(Ordering::Acquire)
    }

    /// Sizes of the ring.
    pub fn geometry(&self) -> Geometry {
        self.mapping.geometry
    }

    /// Take the file away: all of it is in the log, durably.
    ///
    /// # Errors
    /// If the operating system refuses.
    pub fn remove(self) -> Result<(), LogError> {
        std::fs::remove_file(&self.path).map_err(LogError::io("removing the ring", &self.path))
    }
}

/// Where the ring of a log lies: in memory if the machine has a memory file system, else beside the log.
/// The name is derived from the log's canonical path.
pub fn path_for(log: &Path, directory: Option<&Path>) -> PathBuf {
    let hash = Sha256::digest(log.as_os_str().as_encoded_bytes());
    let name = format!("sensai-{}.ring", crate::block::hex(&hash[..12]));
    let memory = Path::new("/dev/shm");
    match directory {
        Some(directory) => directory.join(name),
        None if memory.is_dir() => memory.join(name),
        None => log.with_file_name(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity() -> RingIdentity {
        RingIdentity { session: [7; 16], layout_hash: 9, pid: 1 }
    }

    fn ring(slots: u64) -> (tempfile::TempDir, PathBuf, Producer, Consumer) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("test.ring");
        let layout = RecordLayout::new(4, 4, 1).unwrap();
        let (producer, consumer) = create(&path, Geometry::new(&layout, slots), identity()).unwrap();
        (directory, path, producer, consumer)
    }

    fn put(producer: &mut Producer, byte: u8) -> bool {
        let Some(mut slot) = producer.claim() else { return false };
        slot.payload()[..10].fill(byte);
        slot.commit(SlotKind::Record, 10);
        true
    }

    #[test]
    fn slots_come_out_as_they_went_in() {
        let (_directory, _, mut producer, mut consumer) = ring(4);
        for round in 0..10_u8 {
            assert!(put(&mut producer, round));
            assert_eq!(consumer.available(), u64::from(round)..u64::from(round) + 1);
            let slot = consumer.slot(round.into()).unwrap();
            assert_eq!(slot.payload, [round; 10]);
            assert_eq!((slot.kind, slot.dropped_before, slot.sequence), (SlotKind::Record, 0, round.into()));
            consumer.advance_to(u64::from(round) + 1);
        }
    }

    #[test]
    fn a_full_ring_is_counted_marked_and_not_waited_for() {
        let (_directory, _, mut producer, mut consumer) = ring(4);
        for i in 0..4 {
            assert!(put(&mut producer, i));
        }
        for i in 0..3 {
            assert!(!put(&mut producer, 10 + i));
        }
        assert!(producer.gap_before());
        assert_eq!((producer.dropped(), consumer.dropped()), (3, 3));
        consumer.advance_to(2);
        assert!(put(&mut producer, 20));
        assert!(!producer.gap_before());
        assert_eq!(consumer.slot(4).unwrap().dropped_before, 3);
        assert_eq!(consumer.slot(2).unwrap().payload, [2; 10], "nothing committed was overwritten");
    }

    #[test]
    fn what_can_wait_leaves_room_for_records() {
        let (_directory, _, mut producer, _consumer) = ring(8);
        let mut spare = 0;
        while let Some(slot) = producer.claim_spare() {
            slot.commit(SlotKind::Slice, 0);
            spare += 1;
        }
        assert_eq!(spare, 6);
        assert_eq!(producer.dropped(), 0);
        assert!(put(&mut producer, 1) && put(&mut producer, 2) && !put(&mut producer, 3));
    }

    #[test]
    fn an_abandoned_claim_never_was() {
        let (_directory, path, mut producer, consumer) = ring(4);
        assert!(put(&mut producer, 1));
        producer.claim().unwrap().payload().fill(0xEE);
        assert_eq!(consumer.available(), 0..1);
        assert!(consumer.slot(1).is_none());
        drop((producer, consumer));
        let Leftover::Found(found, consumer) = open_leftover(&path).unwrap() else { panic!("no ring") };
        assert_eq!(found, identity());
        assert_eq!(consumer.available(), 0..1);
        assert_eq!(consumer.slot(0).unwrap().payload, [1; 10]);
    }

    #[test]
    fn a_damaged_slot_is_not_believed() {
        let (_directory, path, mut producer, consumer) = ring(4);
        for i in 0..3 {
            assert!(put(&mut producer, i));
        }
        let geometry = producer.geometry();
        drop((producer, consumer));
        let file = OpenOptions::new().write(true).open(&path).unwrap();
        file.write_all_at(&[0xFF], geometry.slot_offset(1) as u64 + SLOT_HEADER_LEN as u64 + 3).unwrap();
        let Leftover::Found(_, consumer) = open_leftover(&path).unwrap() else { panic!("no ring") };
        assert!(consumer.slot(0).is_some() && consumer.slot(1).is_none() && consumer.slot(2).is_some());
    }

    #[test]
    fn one_ring_one_runtime() {
        let (_directory, path, producer, consumer) = ring(4);
        assert!(matches!(open_leftover(&path), Err(LogError::InUse { .. })));
        drop((producer, consumer));
        assert!(matches!(open_leftover(&path), Ok(Leftover::Found(..))));
    }

    #[test]
    fn any_bytes_are_refused_without_a_panic() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.ring");
        assert!(matches!(open_leftover(&path), Ok(Leftover::Missing)));
        for bytes in [vec![], vec![1; 100], vec![0; HEADER_LEN], vec![0xFF; HEADER_LEN + 4096]] {
            std::fs::write(&path, bytes).unwrap();
            assert!(matches!(open_leftover(&path), Ok(Leftover::Unusable(_))));
        }
        let (_keep, ring_path, mut producer, consumer) = ring(4);
        assert!(put(&mut producer, 1));
        drop((producer, consumer));
        let good = std::fs::read(&ring_path).unwrap();
        for (offset, value) in [(HEAD, 9_u64), (TAIL, 2), (TAIL, u64::MAX)] {
            let mut bad = good.clone();
            bad[offset..offset + 8].copy_from_slice(&value.to_le_bytes());
            std::fs::write(&path, bad).unwrap();
            assert!(matches!(open_leftover(&path), Ok(Leftover::Unusable(_))), "{offset} {value}");
        }
        for len in [good.len() - 1, HEADER_LEN, HEADER_LEN + 64] {
            std::fs::write(&path, &good[..len]).unwrap();
            assert!(matches!(open_leftover(&path), Ok(Leftover::Unusable(_))), "cut to {len}");
        }
    }

    #[test]
    fn two_threads_pass_every_slot_once_and_in_order() {
        let (_directory, _, mut producer, mut consumer) = ring(8);
        const COUNT: u64 = 50_000;
        let filling = std::thread::spawn(move || {
            let mut next = 0_u64;
            while next < COUNT {
                if let Some(mut slot) = producer.claim() {
                    slot.payload()[..8].copy_from_slice(&next.to_le_bytes());
                    slot.commit(SlotKind::Record, 8);
                    next += 1;
                } else {
                    std::thread::yield_now();
                }
            }
        });
        let mut next = 0_u64;
        while next < COUNT {
            let available = consumer.available();
            for sequence in available.clone() {
                assert_eq!(u64_at(consumer.slot(sequence).unwrap().payload, 0), next);
                next += 1;
            }
            consumer.advance_to(available.end);
            if available.is_empty() {
                std::thread::yield_now();
            }
        }
        filling.join().unwrap();
    }
}
