//! Adding blocks to a log. Works on any [`Storage`]; knows nothing of rings, threads or time.

use crate::{
    Epoch, EpochSpec, LogError,
    block::{BLOCK_LEN_MAX, BlockKind, Header, NONE, PAYLOAD_LEN_MAX, VERSION},
    epoch::{Content, Hash, Id, Replaced},
    payload::{CONTENT_HEADER_LEN, ContentPart, Event, Gap, GapReason, Slice},
    reader::LogReader,
    storage::Storage,
    tail::{self, Tail},
};
use std::{io, sync::Arc};

/// Verified at least, when a log is opened for appending.
const VERIFY_LEN: u64 = 16 << 20;
/// Most that is written without a successful sync; beyond it nothing more is taken until the disk recovers.
const UNSYNCED_LEN_MAX: usize = 16 << 20;
/// Epochs that are searched for contents which need not be stored again.
const EPOCHS_SEARCHED: usize = 64;

/// What opening found and did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// The file is new.
    pub created: bool,
    /// The last run did not end in an orderly way.
    pub unclean: bool,
    /// Bytes of a torn end that were cut off.
    pub torn_bytes: u64,
    /// The cycles those bytes claimed to hold: behind the first, up to the second.
    pub torn_cycles: Option<(u64, u64)>,
    /// Records taken over from the ring of a killed process.
    pub ring_records: u64,
    /// Damaged slots in that ring.
    pub ring_damaged: u64,
    /// A ring that could not be used, and why.
    pub ring_note: Option<String>,
    /// Last recorded cycle, ring included; 0 if there is none.
    pub last_cycle: u64,
}

/// Where the next block goes, and what it has to say about those before it.
#[derive(Clone, Copy, Debug)]
struct Position {
    sequence: u64,
    offset: u64,
    chain: [u8; 32],
    last_cycle: u64,
    epoch_offset: u64,
    keyframe_offset: u64,
    keyframe_cycle: u64,
    ring_next: u64,
    /// The last block is a gap that was marked before the slot with this sequence number.
    gap_before_slot: Option<u64>,
    /// The keyframe whose slices are arriving.
    arriving: Option<Arriving>,
}

#[derive(Clone, Copy, Debug)]
struct Arriving {
    cycle: u64,
    first_block: u64,
    next: u32,
}

/// What a block says about itself.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Facts {
    /// First and last record.
    pub cycles: Option<(u64, u64)>,
    /// Things in the payload.
    pub items: u32,
    /// Slots before this one are in the file with this block.
    pub ring_next: Option<u64>,
}

/// The writing end of a log.
///
/// Blocks are staged, then written together; a failed write takes the staging back, so that the caller can stage
/// the same things again. What was written since the last sync is kept, and written again after a failed one.
pub struct Appender<S> {
    storage: S,
    log_id: [u8; 16],
    session: [u8; 16],
    written: Position,
    staged: Position,
    pending: Vec<u8>,
    unsynced: Vec<u8>,
    durable_offset: u64,
    /// The last sync failed.
    doubtful: bool,
    epoch: Option<Arc<Epoch>>,
    blocks: u64,
}

impl<S: Storage> Appender<S> {
    /// A new log on empty storage. Nothing is written before [`Appender::begin_epoch`].
    pub fn create(storage: S, log_id: [u8; 16]) -> Self {
        let start = Position {
            sequence: 0,
            offset: 0,
            chain: [0; 32],
            last_cycle: 0,
            epoch_offset: NONE,
            keyframe_offset: NONE,
            keyframe_cycle: 0,
            ring_next: 0,
            gap_before_slot: None,
            arriving: None,
        };
        Self {
            storage,
            log_id,
            session: [0; 16],
            written: start,
            staged: start,
            pending: Vec::new(),
            unsynced: Vec::new(),
            durable_offset: 0,
            doubtful: false,
            epoch: None,
            blocks: 0,
        }
    }

    /// Open a log to go on with it. A torn end is cut off and marked.
    ///
    /// # Errors
    /// If it is no log, or altered in the part that is looked at (at least the last 16 MiB); nothing is changed then.
    pub fn open(mut storage: S) -> Result<(Self, Recovery), LogError> {
        let log_id = tail::identify(&storage)?;
        let tail = tail::find(&storage, &log_id, VERIFY_LEN)?;
        if tail.torn_bytes > 0 {
            storage.set_len(tail.end).map_err(LogError::storage("cutting off the torn end", tail.end))?;
        }
        // A killed process leaves written blocks that are not durable yet; and no block may stand behind a cut that
        // could be taken back.
        storage.sync().map_err(LogError::storage("syncing", tail.end))?;
        let mut appender = Self::create(storage, log_id);
        appender.session = tail.last.session;
        appender.durable_offset = tail.end;
        appender.written = Position::after(&tail.last);
        appender.find_epoch()?;
        if tail.last.kind == BlockKind::Gap {
            appender.written.gap_before_slot = Some(tail.last.ring_next);
        }
        appender.staged = appender.written;
        let recovery = Recovery {
            created: false,
            unclean: tail.last.kind != BlockKind::End,
            torn_bytes: tail.torn_bytes,
            torn_cycles: tail.torn_cycles(),
            last_cycle: tail.last.last_cycle,
            ..Recovery::default()
        };
        if tail.torn_bytes > 0 {
            appender.stage_gap(&Gap {
                reason: GapReason::TornTail,
                after_cycle: tail.last.last_cycle,
                before_cycle: 0,
                records: 0,
                bytes: tail.torn_bytes,
            });
            appender.staged.gap_before_slot = None;
        }
        Ok((appender, recovery))
    }

    /// Store the contents that are not there yet, then the epoch; durable when this returns.
    ///
    /// # Errors
    /// If the description does not fit together or goes back in time, or the storage fails.
    pub fn begin_epoch(&mut self, spec: &EpochSpec, session: [u8; 16]) -> Result<Arc<Epoch>, LogError> {
        let mut problems = spec.problems();
        if spec.first_cycle <= self.staged.last_cycle {
            let last = self.staged.last_cycle;
            problems.push(format!(
                "first cycle {} is not behind the last recorded cycle {last}",
                spec.first_cycle
            ));
        }
        if !problems.is_empty() {
            return Err(LogError::Request(format!("cannot begin an epoch: {}", problems.join("; "))));
        }
        let known = self.known_contents();
        let previous_epoch = Some(self.staged.epoch_offset).filter(|offset| *offset != NONE);
        self.session = session;
        self.staged.ring_next = 0;
        let mut contents: Vec<Content> = Vec::with_capacity(spec.contents.len());
        for (path, bytes) in &spec.contents {
            let sha256 = Hash::of(bytes);
            let stored = known.iter().chain(&contents).find(|content| content.sha256 == sha256);
            contents.push(match stored {
                Some(content) => Content { path: path.clone(), ..content.clone() },
                None => self.store_content(path, bytes)?,
            });
        }
        let epoch = Epoch {
            format: VERSION,
            session: Id(session),
            previous_epoch,
            cell: spec.cell.clone(),
            numeric_profile: spec.numeric_profile.clone(),
            binary_sha256: spec.binary_sha256.clone(),
            interval_ns: spec.interval_ns,
            first_cycle: spec.first_cycle,
            start_utc_ns: spec.start_utc_ns,
            contents,
            record: spec.record,
            record_len: spec.record.len() as u64,
            tags: spec.tags.clone(),
            parameters: spec.parameters.clone(),
            sync_units: spec.sync_units.clone(),
            programs: spec.programs.clone(),
            keyframe: spec.keyframe.clone(),
            edition: spec.edition,
            run_first_cycle: spec.run_first_cycle,
            probation: spec.probation,
            replaced: self.store_replaced(spec, &known)?,
        };
        self.append_epoch(&epoch)?;
        self.sync()?;
        let epoch = Arc::new(epoch);
        self.epoch = Some(epoch.clone());
        Ok(epoch)
    }

    fn append_epoch(&mut self, epoch: &Epoch) -> Result<(), LogError> {
        let json = serde_json::to_vec(epoch)
            .map_err(|error| LogError::Request(format!("cannot describe the epoch: {error}")))?;
        // What cannot be read back must not be written: records would follow that nobody can read.
        Epoch::parse(&json)
            .map_err(|what| LogError::Request(format!("cannot describe the epoch: {what}")))?;
        self.leave_epoch();
        let parts: Vec<&[u8]> = json.chunks(PAYLOAD_LEN_MAX).collect();
        let count = part_count(parts.len())?;
        for (i, part) in parts.iter().enumerate() {
            self.stage(BlockKind::Epoch, part, (i as u16, count), Facts { items: 1, ..Facts::default() });
        }
        self.write()
    }

    /// What comes next is of another epoch, which begins with the next block.
    pub(crate) const fn leave_epoch(&mut self) {
        self.staged.epoch_offset = self.staged.offset;
        self.staged.keyframe_offset = NONE;
        self.staged.keyframe_cycle = 0;
        self.staged.arriving = None;
    }

    pub(crate) fn set_epoch(&mut self, epoch: Arc<Epoch>) {
        self.epoch = Some(epoch);
    }

    fn store_replaced(&mut self, spec: &EpochSpec, known: &[Content]) -> Result<Vec<Replaced>, LogError> {
        let one = |(program, text): &(u32, Vec<u8>)| {
            let (path, sha256) = (format!("replaced/{program}"), Hash::of(text));
            let content = match known.iter().find(|content| content.sha256 == sha256) {
                Some(content) => Content { path, ..content.clone() },
                None => self.store_content(&path, text)?,
            };
            Ok(Replaced { program: *program, content })
        };
        spec.replaced.iter().map(one).collect()
    }

    /// Stage a file, whatever is stored already, and write most of it.
    pub(crate) fn store_content(&mut self, path: &str, bytes: &[u8]) -> Result<Content, LogError> {
        let (sha256, len, offset) = (Hash::of(bytes), bytes.len() as u64, self.staged.offset);
        self.append_content(sha256, bytes)?;
        Ok(Content { path: path.to_owned(), sha256, len, offset })
    }

    fn append_content(&mut self, sha256: Hash, bytes: &[u8]) -> Result<(), LogError> {
        let part_len = PAYLOAD_LEN_MAX - CONTENT_HEADER_LEN;
        let count = part_count(bytes.len().div_ceil(part_len).max(1))?;
        let mut payload = Vec::new();
        for part in 0..count {
            let offset = usize::from(part) * part_len;
            let data = &bytes[offset..(offset + part_len).min(bytes.len())];
            payload.clear();
            let total_len = bytes.len() as u64;
            ContentPart { sha256: sha256.0, total_len, offset: offset as u64, data }.write(&mut payload);
            self.stage(BlockKind::Content, &payload, (part, count), Facts { items: 1, ..Facts::default() });
            if self.pending.len() as u64 >= 4 * BLOCK_LEN_MAX {
                self.write()?;
            }
        }
        Ok(())
    }

    /// Contents of the last epochs that are still readable.
    fn known_contents(&self) -> Vec<Content> {
        let Ok(reader) = LogReader::open(&self.storage) else { return Vec::new() };
        let mut known: Vec<Content> = Vec::new();
        for (_, epoch) in reader.epochs_back().take(EPOCHS_SEARCHED).map_while(Result::ok) {
            for content in &epoch.contents {
                if !known.iter().any(|other| other.sha256 == content.sha256)
                    && reader.content(content).is_ok()
                {
                    known.push(content.clone());
                }
            }
        }
        known
    }

    /// Load the epoch the log ends in. A start that was cut short leaves an incomplete one, without records; the one
    /// before counts then.
    fn find_epoch(&mut self) -> Result<(), LogError> {
        let reader = LogReader::open(&self.storage)?;
        let found = reader.epochs_back().next().transpose()?;
        let (offset, epoch) = found.map_or((NONE, None), |(offset, epoch)| (offset, Some(epoch)));
        self.written.epoch_offset = offset;
        self.epoch = epoch;
        Ok(())
    }

    /// Add a block to those that the next [`Appender::write`] writes.
    pub(crate) fn stage(&mut self, kind: BlockKind, payload: &[u8], (part, parts): (u16, u16), facts: Facts) {
        let position = &mut self.staged;
        position.last_cycle = facts.cycles.map_or(position.last_cycle, |(_, last)| last);
        position.ring_next = facts.ring_next.unwrap_or(position.ring_next).max(position.ring_next);
        let mut header = Header {
            kind,
            sequence: position.sequence,
            offset: position.offset,
            payload_len: 0,
            payload_crc: 0,
            first_cycle: facts.cycles.map_or(0, |(first, _)| first),
            last_cycle: position.last_cycle,
            epoch_offset: position.epoch_offset,
            keyframe_offset: position.keyframe_offset,
            keyframe_cycle: position.keyframe_cycle,
            durable_offset: self.durable_offset,
            ring_next: position.ring_next,
            items: facts.items,
            part,
            parts,
            log_id: self.log_id,
            session: self.session,
            previous_chain: position.chain,
            chain: [0; 32],
        };
        header.seal(payload, &mut self.pending);
        position.sequence += 1;
        position.offset = header.end();
        position.chain = header.chain;
        position.gap_before_slot = None;
        self.blocks += 1;
    }

    /// Stage keyframe slices, `slices` being their concatenation in `payload`.
    pub(crate) fn stage_slices(&mut self, payload: &[u8]) {
        let (mut rest, mut items) = (payload, 0);
        while let Some((slice, next)) = Slice::read(rest) {
            self.note_slice(&slice);
            items += 1;
            rest = next;
        }
        self.stage(BlockKind::Keyframe, payload, (0, 1), Facts { items, ..Facts::default() });
    }

    /// Keep track of which keyframe is complete, so that every later block can say so.
    fn note_slice(&mut self, slice: &Slice<'_>) {
        let position = &mut self.staged;
        if slice.offset == 0 {
            let (cycle, first_block) = (slice.cycle, position.offset);
            position.arriving = Some(Arriving { cycle, first_block, next: 0 });
        }
        position.arriving = position
            .arriving
            .filter(|arriving| arriving.cycle == slice.cycle && arriving.next == slice.offset)
            .map(|arriving| Arriving { next: slice.offset + slice.data.len() as u32, ..arriving });
        if let Some(arriving) = position.arriving.take_if(|arriving| arriving.next == slice.total_len) {
            position.keyframe_offset = arriving.first_block;
            position.keyframe_cycle = arriving.cycle;
        }
    }

    pub(crate) fn stage_gap(&mut self, gap: &Gap) {
        let facts = Facts { items: 1, ..Facts::default() };
        self.stage(BlockKind::Gap, &gap.encode(), (0, 1), facts);
    }

    /// Stage the gap before the record in slot `sequence`.
    pub(crate) fn stage_gap_before(&mut self, gap: &Gap, sequence: u64) {
        let facts = Facts { items: 1, ring_next: Some(sequence), ..Facts::default() };
        self.stage(BlockKind::Gap, &gap.encode(), (0, 1), facts);
        self.staged.gap_before_slot = Some(sequence);
    }

    /// Stage a text that did not come through the ring.
    pub fn stage_event(&mut self, cycle: u64, kind: u16, text: &str) {
        let mut payload = Vec::new();
        let cut = text.floor_char_boundary(PAYLOAD_LEN_MAX / 2);
        Event::write(cycle, u64::MAX, kind, &text.as_bytes()[..cut], &mut payload);
        self.stage(BlockKind::Event, &payload, (0, 1), Facts { items: 1, ..Facts::default() });
    }

    /// Write what is staged. After an error nothing of it counts, and it has to be staged again.
    ///
    /// # Errors
    /// If the storage fails, or has not been able to sync for too long.
    pub fn write(&mut self) -> Result<(), LogError> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let at = self.written.offset;
        let result = if self.doubtful && self.unsynced.len() + self.pending.len() > UNSYNCED_LEN_MAX {
            Err(io::Error::other("the disk has not been able to sync for too long"))
        } else {
            self.storage.write_at(&self.pending, at)
        };
        match result {
            Ok(()) => {
                self.unsynced.extend_from_slice(&self.pending);
                self.written = self.staged;
            }
            Err(_) => self.staged = self.written,
        }
        self.pending.clear();
        result.map_err(LogError::storage("writing", at))
    }

    /// Make what is written durable.
    ///
    /// # Errors
    /// If the storage fails; the next call writes everything again that may have been lost.
    pub fn sync(&mut self) -> Result<(), LogError> {
        let at = self.durable_offset;
        if self.doubtful && !self.unsynced.is_empty() {
            // After a failed sync the operating system may have thrown the pages away and call the next one a success.
            self.storage.write_at(&self.unsynced, at).map_err(LogError::storage("writing again", at))?;
        }
        self.doubtful = true;
        self.storage.sync().map_err(LogError::storage("syncing", at))?;
        self.doubtful = false;
        self.unsynced.clear();
        self.durable_offset = self.written.offset;
        Ok(())
    }

    /// Write the orderly end; durable when this returns.
    ///
    /// # Errors
    /// If the storage fails.
    pub fn end(&mut self, summary: &str) -> Result<(), LogError> {
        self.write()?;
        self.sync()?;
        let cut = summary.floor_char_boundary(PAYLOAD_LEN_MAX);
        let facts = Facts { items: 1, ..Facts::default() };
        self.stage(BlockKind::End, &summary.as_bytes()[..cut], (0, 1), facts);
        self.write()?;
        self.sync()
    }

    /// The running epoch.
    pub const fn epoch(&self) -> Option<&Arc<Epoch>> {
        self.epoch.as_ref()
    }

    /// The session of the last block.
    pub const fn session(&self) -> [u8; 16] {
        self.session
    }

    /// Last recorded cycle, staged ones included; 0 if there is none.
    pub const fn last_cycle(&self) -> u64 {
        self.staged.last_cycle
    }

    /// Bytes in the file.
    pub const fn written_len(&self) -> u64 {
        self.written.offset
    }

    /// Bytes that are written and not durable.
    pub const fn unsynced_len(&self) -> usize {
        self.unsynced.len()
    }

    /// Bytes that are staged.
    pub const fn pending_len(&self) -> usize {
        self.pending.len()
    }

    /// Blocks staged so far.
    pub const fn blocks(&self) -> u64 {
        self.blocks
    }

    pub(crate) const fn log_id(&self) -> &[u8; 16] {
        &self.log_id
    }

    pub(crate) const fn epoch_offset(&self) -> u64 {
        self.staged.epoch_offset
    }

    pub(crate) const fn ring_next(&self) -> u64 {
        self.staged.ring_next
    }

    pub(crate) fn gap_is_marked_before(&self, sequence: u64) -> bool {
        self.staged.gap_before_slot == Some(sequence)
    }

    /// The cycle of the newest complete keyframe in the file.
    pub fn keyframe_cycle(&self) -> Option<u64> {
        (self.written.keyframe_offset != NONE).then_some(self.written.keyframe_cycle)
    }

    /// Give the storage back.
    pub fn into_storage(self) -> S {
        self.storage
    }

    /// The storage.
    pub const fn storage(&self) -> &S {
        &self.storage
    }
}

impl Position {
    fn after(last: &Header) -> Self {
        Self {
            sequence: last.sequence + 1,
            offset: last.end(),
            chain: last.chain,
            last_cycle: last.last_cycle,
            epoch_offset: last.epoch_offset,
            keyframe_offset: last.keyframe_offset,
            keyframe_cycle: last.keyframe_cycle,
            ring_next: last.ring_next,
            gap_before_slot: None,
            arriving: None,
        }
    }
}

impl Tail {
    fn torn_cycles(&self) -> Option<(u64, u64)> {
        (self.torn_cycle > self.last.last_cycle).then_some((self.last.last_cycle, self.torn_cycle))
    }
}

pub(crate) fn part_count(parts: usize) -> Result<u16, LogError> {
    u16::try_from(parts).map_err(|_| LogError::Request(format!("{parts} parts of one file are too many")))
}

/// A random identity.
///
/// # Errors
/// If the operating system has no random numbers.
pub fn random_id() -> Result<[u8; 16], LogError> {
    let path = std::path::Path::new("/dev/urandom");
    let mut id = [0; 16];
    let file = std::fs::File::open(path).map_err(LogError::io("opening", path))?;
    io::Read::read_exact(&mut &file, &mut id).map_err(LogError::io("reading", path))?;
    Ok(id)
}
