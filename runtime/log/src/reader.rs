//! Reading a log: from anywhere, without reading what lies before.

use crate::{
    Epoch, LogError,
    block::{BlockKind, Header, NONE, header_before, read_header, read_payload},
    epoch::{Content, Hash, Id},
    keyframe::{Assembled, Assembler, Keyframe},
    payload::{ContentPart, Event, Slice},
    storage::ReadAt,
    tail::{self, Tail},
};
use sensai_model::record::RecordView;
use std::{collections::HashMap, fs::File, ops::Range, path::Path, sync::Arc, sync::Mutex};

/// A log opened for reading. A torn end is left out; the file is never changed. A log that is being written can be
/// read: what was there when it was opened.
pub struct LogReader<R> {
    source: R,
    log_id: [u8; 16],
    tail: Tail,
    epochs: Mutex<HashMap<u64, Arc<Epoch>>>,
}

/// A cycle record with the epoch that says what it means. Cheap to clone.
#[derive(Clone, Debug)]
pub struct LogRecord {
    /// The epoch it belongs to.
    pub epoch: Arc<Epoch>,
    /// Start of the block it stands in.
    pub block_offset: u64,
    payload: Arc<Vec<u8>>,
    range: Range<usize>,
}

/// What a log is, at a glance.
#[derive(Clone, Debug)]
pub struct LogInfo {
    /// Identity of the file.
    pub log_id: Id,
    /// Bytes of the file.
    pub file_len: u64,
    /// Bytes at its end that are torn and will be cut off at the next start.
    pub torn_bytes: u64,
    /// Good blocks.
    pub blocks: u64,
    /// First and last recorded cycle; nothing if there are no records.
    pub cycles: Option<(u64, u64)>,
    /// Whether the last run ended in an orderly way.
    pub clean_end: bool,
    /// The epochs and where they begin, oldest first.
    pub epochs: Vec<(u64, Arc<Epoch>)>,
    /// Cycle of the newest complete keyframe of the last run.
    pub keyframe_cycle: Option<u64>,
    /// Hash chain up to the last block: names the whole content of the file.
    pub chain: [u8; 32],
}

/// Where a replay begins.
#[derive(Clone, Debug)]
pub struct Start {
    /// What it begins with; nothing at the first cycle of a run.
    pub keyframe: Option<Keyframe>,
    /// The epoch of the keyframe, or else of the first cycle.
    pub epoch: Arc<Epoch>,
    /// The first cycle to be run. It may be of the epoch that follows.
    pub first: u64,
}

impl Start {
    fn with(epoch: Arc<Epoch>, keyframe: Keyframe) -> Self {
        Self { first: keyframe.cycle.saturating_add(1), keyframe: Some(keyframe), epoch }
    }
}

impl LogReader<File> {
    /// Open a file.
    ///
    /// # Errors
    /// If it cannot be read, is no log, or not one block of it is good.
    pub fn open_file(path: &Path) -> Result<Self, LogError> {
        Self::open(File::open(path).map_err(LogError::io("opening", path))?)
    }
}

impl<R: ReadAt> LogReader<R> {
    /// Open a log. Reads the first block's header and what was not durable when the last block was written.
    ///
    /// # Errors
    /// If it cannot be read, is no log, or not one block of it is good.
    pub fn open(source: R) -> Result<Self, LogError> {
        let log_id = tail::identify(&source)?;
        let tail = tail::find(&source, &log_id, 0)?;
        Ok(Self { source, log_id, tail, epochs: Mutex::default() })
    }

    /// All records from `cycle` on, in order. Ends with an error at the first damaged block.
    pub fn records(&self, cycle: u64) -> Records<'_, R> {
        let (blocks, failed) = match self.block_for(cycle) {
            Ok(Some(header)) => (self.blocks_from(header.offset), None),
            Ok(None) => (self.blocks_from(self.tail.end), None),
            Err(error) => (self.blocks_from(self.tail.end), Some(error)),
        };
        Records { blocks, from: cycle, last: 0, current: None, failed }
    }

    /// The record of one cycle.
    ///
    /// # Errors
    /// If the log is damaged there, or does not hold the cycle.
    pub fn record(&self, cycle: u64) -> Result<LogRecord, LogError> {
        let missing = || self.not_found(format!("cycle {cycle} was not recorded"));
        let record = self.records(cycle).next().ok_or_else(missing)??;
        if record.view().cycle() == cycle { Ok(record) } else { Err(missing()) }
    }

    /// The newest complete keyframe whose cycle is at most `cycle`, in the epoch that recorded `cycle`.
    ///
    /// # Errors
    /// If the log is damaged there.
    pub fn keyframe_at_or_before(&self, cycle: u64) -> Result<Option<Keyframe>, LogError> {
        self.keyframe(cycle, cycle)
    }

    /// The newest complete keyframe from which a replay gets to `cycle`: of the epoch that recorded `cycle`, holding
    /// the state after an earlier cycle.
    ///
    /// # Errors
    /// If the log is damaged there.
    pub fn keyframe_before(&self, cycle: u64) -> Result<Option<Keyframe>, LogError> {
        self.keyframe(cycle, cycle.saturating_sub(1))
    }

    /// Where a replay that is to reach `cycle` begins: with the newest complete keyframe of its run before it, or, without one,
    /// with the run's first cycle. The second value is the first cycle to be run.
    ///
    /// # Errors
    /// If the log is damaged there, or ends before `cycle`.
    pub fn start_for(&self, cycle: u64) -> Result<Start, LogError> {
        let missing = || self.not_found(format!("cycle {cycle} was not recorded"));
        let mut offset = self.block_for(cycle)?.ok_or_else(missing)?.epoch_offset;
        if let Some(keyframe) = self.keyframe_before(cycle)? {
            return Ok(Start::with(self.epoch(offset)?, keyframe));
        }
        loop {
            let epoch = self.epoch(offset)?;
            let Some(before) = self.edition_before(offset, &epoch)? else {
                return Ok(Start { first: epoch.first_cycle, keyframe: None, epoch });
            };
            if before.keyframe_offset != NONE {
                let keyframe = self.assemble(before.keyframe_offset, before.keyframe_cycle)?;
                return Ok(Start::with(self.epoch(before.epoch_offset)?, keyframe));
            }
            offset = before.epoch_offset;
        }
    }

    /// The last block of the epoch before the one at `offset`, if it is of the same run.
    fn edition_before(&self, offset: u64, epoch: &Epoch) -> Result<Option<Header>, LogError> {
        if epoch.edition == 0 {
            return Ok(None);
        }
        let before = header_before(&self.source, offset, 0, &self.log_id)?;
        Ok(before.filter(|before| before.session == epoch.session.0 && before.epoch_offset < offset))
    }

    /// Cycle of the newest complete keyframe of the last run: where programs are replaced one after the other, an epoch may end
    /// before it has one of its own.
    fn newest_keyframe(&self) -> Option<u64> {
        let mut block = self.tail.last;
        while block.keyframe_offset == NONE {
            // A start that was cut short inside its epoch has none.
            let epoch = self.epoch(block.epoch_offset).ok()?;
            block = self.edition_before(block.epoch_offset, &epoch).ok()??;
        }
        Some(block.keyframe_cycle)
    }

    fn keyframe(&self, recorded: u64, limit: u64) -> Result<Option<Keyframe>, LogError> {
        let Some(start) = self.block_for(recorded)? else { return Ok(None) };
        // Back from keyframe to keyframe; each one's first block names the one before it.
        let mut header = start;
        while header.keyframe_offset != NONE && header.epoch_offset == start.epoch_offset {
            if header.keyframe_cycle <= limit {
                return self.assemble(header.keyframe_offset, header.keyframe_cycle).map(Some);
            }
            match header_before(&self.source, header.keyframe_offset, 0, &self.log_id)? {
                Some(before) if before.offset < header.offset => header = before,
                _ => break,
            }
        }
        // At the start of an epoch the first keyframe may still be arriving.
        for block in self.headers_from(start.offset) {
            let header = block?;
            if header.epoch_offset != start.epoch_offset {
                break;
            }
            if header.keyframe_offset != NONE {
                let fits = header.keyframe_cycle <= limit;
                return fits
                    .then(|| self.assemble(header.keyframe_offset, header.keyframe_cycle))
                    .transpose();
            }
        }
        Ok(None)
    }

    fn assemble(&self, offset: u64, cycle: u64) -> Result<Keyframe, LogError> {
        let incomplete = || LogError::altered(offset, format!("keyframe of cycle {cycle} is incomplete"));
        let first = read_header(&self.source, offset, &self.log_id)?;
        let len = self.epoch(first.epoch_offset)?.keyframe_len();
        let mut assembler = Assembler::default();
        let mut payload = Vec::new();
        for header in self.headers_from(offset) {
            let header = header?;
            if header.epoch_offset != first.epoch_offset {
                break;
            }
            if header.kind != BlockKind::Keyframe {
                continue;
            }
            read_payload(&self.source, &header, &mut payload)?;
            let mut rest = &payload[..];
            while let Some((slice, next)) = Slice::read(rest) {
                rest = next;
                if slice.cycle != cycle {
                    continue;
                }
                match assembler.push(&slice, len) {
                    Assembled::Complete(keyframe) => return Ok(keyframe),
                    Assembled::Lost => return Err(incomplete()),
                    Assembled::Started | Assembled::More => {}
                }
            }
        }
        Err(incomplete())
    }

    /// The epoch whose first block stands at `offset`.
    ///
    /// # Errors
    /// If it is damaged.
    pub fn epoch(&self, offset: u64) -> Result<Arc<Epoch>, LogError> {
        // A poisoned lock only means that somebody else failed; the map is whole at every moment.
        let mut epochs = self.epochs.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(epoch) = epochs.get(&offset) {
            return Ok(epoch.clone());
        }
        let epoch = Arc::new(load_epoch(&self.source, &self.log_id, offset, self.tail.end)?);
        epochs.insert(offset, epoch.clone());
        Ok(epoch)
    }

    /// Epochs and where they begin, newest first.
    pub fn epochs_back(&self) -> EpochsBack<'_, R> {
        EpochsBack {
            reader: self,
            next: Some(self.tail.last.epoch_offset).filter(|at| *at != NONE),
            first: true,
        }
    }

    /// Epochs and where they begin, oldest first.
    ///
    /// # Errors
    /// If one of them is damaged.
    pub fn epochs(&self) -> Result<Vec<(u64, Arc<Epoch>)>, LogError> {
        let mut epochs = self.epochs_back().collect::<Result<Vec<_>, _>>()?;
        epochs.reverse();
        Ok(epochs)
    }

    /// A file the cell was made of.
    ///
    /// # Errors
    /// If it is damaged, or not what its hash says.
    pub fn content(&self, content: &Content) -> Result<Vec<u8>, LogError> {
        read_content(&self.source, &self.log_id, content, self.tail.end)
    }

    /// Texts of the runtime from byte `offset` of the file on (0: all), each once.
    ///
    /// # Errors
    /// If a block is damaged.
    pub fn events(&self, offset: u64) -> Result<Vec<Event>, LogError> {
        let mut events: Vec<Event> = Vec::new();
        let mut payload = Vec::new();
        let mut newest = ([0; 16], None);
        for header in self.headers_from(offset) {
            let header = header?;
            if header.kind != BlockKind::Event {
                continue;
            }
            if newest.0 != header.session {
                newest = (header.session, None);
            }
            read_payload(&self.source, &header, &mut payload)?;
            let mut rest = &payload[..];
            while let Some((event, next)) = Event::read(rest) {
                rest = next;
                if event.slot != u64::MAX {
                    if newest.1.is_some_and(|slot| event.slot <= slot) {
                        continue;
                    }
                    newest.1 = Some(event.slot);
                }
                events.push(event);
            }
        }
        Ok(events)
    }

    /// Bytes at the end that are torn; known from opening the log, without reading the rest of it.
    pub fn torn_bytes(&self) -> u64 {
        self.tail.torn_bytes
    }

    /// What the log is, at a glance.
    ///
    /// # Errors
    /// If an epoch is damaged.
    pub fn info(&self) -> Result<LogInfo, LogError> {
        let last = &self.tail.last;
        let first_cycle = self.records(0).next().transpose()?.map(|record| record.view().cycle());
        Ok(LogInfo {
            log_id: Id(self.log_id),
            file_len: self.tail.end + self.tail.torn_bytes,
            torn_bytes: self.tail.torn_bytes,
            blocks: last.sequence + 1,
            cycles: first_cycle.map(|first| (first, last.last_cycle)),
            clean_end: last.kind == BlockKind::End && self.tail.torn_bytes == 0,
            epochs: self.epochs()?,
            keyframe_cycle: self.newest_keyframe(),
            chain: last.chain,
        })
    }

    /// The first block in which the recorded cycles reach `cycle`; nothing if they never do. Found by halving the
    /// file, so that a log of any size costs a few dozen headers.
    ///
    /// # Errors
    /// If the log cannot be read there.
    pub fn block_for(&self, cycle: u64) -> Result<Option<Header>, LogError> {
        let cycle = cycle.max(1);
        if self.tail.last.last_cycle < cycle {
            return Ok(None);
        }
        // `low` does not reach the cycle, everything from `high` on does.
        let mut low = read_header(&self.source, 0, &self.log_id)?;
        let mut high = self.tail.last;
        if low.last_cycle >= cycle {
            return Ok(Some(low));
        }
        while low.end() < high.offset {
            let middle = low.offset + (high.offset - low.offset) / 2;
            let probe = header_before(&self.source, middle + 1, low.offset, &self.log_id)?;
            let probe = match probe.filter(|probe| probe.offset > low.offset) {
                Some(probe) => probe,
                // The middle lies inside `low`.
                None => read_header(&self.source, low.end(), &self.log_id)?,
            };
            if probe.last_cycle < cycle {
                low = probe;
            } else {
                high = probe;
            }
        }
        Ok(Some(high))
    }

    /// Blocks from the one at `offset`, payloads checked.
    pub fn blocks_from(&self, offset: u64) -> Blocks<'_, R> {
        Blocks { headers: self.headers_from(offset) }
    }

    fn headers_from(&self, offset: u64) -> Headers<'_, R> {
        Headers { reader: self, next: offset, last: None }
    }

    pub(crate) const fn tail(&self) -> &Tail {
        &self.tail
    }

    pub(crate) const fn source(&self) -> &R {
        &self.source
    }

    /// The last recorded cycle; 0 if there is none.
    pub const fn last_cycle(&self) -> u64 {
        self.tail.last.last_cycle
    }

    /// Identity of the file.
    pub const fn log_id(&self) -> [u8; 16] {
        self.log_id
    }

    fn not_found(&self, what: String) -> LogError {
        let first = self.records(0).next().and_then(Result::ok).map_or(0, |record| record.view().cycle());
        LogError::NotFound { what, first, last: self.tail.last.last_cycle }
    }
}

/// Read a file from the block with its first part, without going beyond `end`.
pub(crate) fn read_content(
    source: &impl ReadAt,
    log_id: &[u8; 16],
    content: &Content,
    end: u64,
) -> Result<Vec<u8>, LogError> {
    let (mut bytes, mut payload) = (Vec::new(), Vec::new());
    let altered = |at: u64, what: &str| LogError::altered(at, format!("content {}: {what}", content.path));
    let (mut at, mut part) = (content.offset, 0);
    loop {
        if at >= end {
            return Err(altered(at, "a part of it is missing"));
        }
        let header = read_header(source, at, log_id)?;
        if header.kind != BlockKind::Content || header.part != part {
            return Err(altered(at, "a part of it is missing"));
        }
        read_payload(source, &header, &mut payload)?;
        let piece = ContentPart::read(&payload).ok_or_else(|| altered(at, "a part of it is malformed"))?;
        if piece.sha256 != content.sha256.0 || piece.offset != bytes.len() as u64 {
            return Err(altered(at, "a part of something else"));
        }
        bytes.extend_from_slice(piece.data);
        (at, part) = (header.end(), part + 1);
        if part >= header.parts {
            break;
        }
    }
    let hash = Hash::of(&bytes);
    if hash == content.sha256 && bytes.len() as u64 == content.len {
        return Ok(bytes);
    }
    Err(altered(content.offset, &format!("its SHA-256 is {hash}, expected {}", content.sha256)))
}

/// Read an epoch from its first block, without going beyond `end`.
pub(crate) fn load_epoch(
    source: &impl ReadAt,
    log_id: &[u8; 16],
    offset: u64,
    end: u64,
) -> Result<Epoch, LogError> {
    let problem = |what: String| LogError::Epoch { offset, what };
    let mut json = Vec::new();
    let mut payload = Vec::new();
    let mut at = offset;
    let mut part = 0;
    loop {
        if at >= end {
            return Err(problem("its last parts are missing".into()));
        }
        let header = read_header(source, at, log_id)?;
        if header.kind != BlockKind::Epoch || header.part != part {
            return Err(problem(format!("part {part} is missing")));
        }
        read_payload(source, &header, &mut payload)?;
        json.extend_from_slice(&payload);
        at = header.end();
        part += 1;
        if part >= header.parts {
            break;
        }
    }
    Epoch::parse(&json).map_err(problem)
}

/// Headers in file order, each checked to follow the one before it.
struct Headers<'a, R> {
    reader: &'a LogReader<R>,
    next: u64,
    last: Option<Header>,
}

impl<R: ReadAt> Iterator for Headers<'_, R> {
    type Item = Result<Header, LogError>;

    fn next(&mut self) -> Option<Self::Item> {
        let reader = self.reader;
        if self.next >= reader.tail.end {
            return None;
        }
        let result =
            read_header(&reader.source, self.next, &reader.log_id).and_then(|header| match &self.last {
                Some(last) if header.sequence != last.sequence + 1 || header.previous_chain != last.chain => {
                    Err(LogError::altered(
                        header.offset,
                        "it does not follow the block before it (hash chain)",
                    ))
                }
                Some(last) if header.last_cycle < last.last_cycle => {
                    let (now, before) = (header.last_cycle, last.last_cycle);
                    Err(LogError::altered(header.offset, format!("cycle {now} after cycle {before}")))
                }
                _ => Ok(header),
            });
        match &result {
            Ok(header) => {
                self.next = header.end();
                self.last = Some(*header);
            }
            Err(_) => self.next = u64::MAX,
        }
        Some(result)
    }
}

/// Blocks in file order; ends with the first damaged one.
pub struct Blocks<'a, R> {
    headers: Headers<'a, R>,
}

impl<R: ReadAt> Iterator for Blocks<'_, R> {
    type Item = Result<(Header, Vec<u8>), LogError>;

    fn next(&mut self) -> Option<Self::Item> {
        let header = match self.headers.next()? {
            Ok(header) => header,
            Err(error) => return Some(Err(error)),
        };
        let mut payload = Vec::new();
        let result = read_payload(&self.headers.reader.source, &header, &mut payload);
        if result.is_err() {
            self.headers.next = u64::MAX;
        }
        Some(result.map(|()| (header, payload)))
    }
}

/// Records in order; ends with the first damaged block.
pub struct Records<'a, R> {
    blocks: Blocks<'a, R>,
    from: u64,
    last: u64,
    current: Option<OpenBlock>,
    failed: Option<LogError>,
}

/// The records block that is being handed out.
struct OpenBlock {
    header: Header,
    epoch: Arc<Epoch>,
    payload: Arc<Vec<u8>>,
    next: usize,
}

impl<R: ReadAt> Records<'_, R> {
    /// Go to the next block with records. False at the end.
    fn advance(&mut self) -> Result<bool, LogError> {
        for block in self.blocks.by_ref() {
            let (header, payload) = block?;
            if header.kind != BlockKind::Records {
                continue;
            }
            let epoch = self.blocks.headers.reader.epoch(header.epoch_offset)?;
            let (len, record_len) = (payload.len(), epoch.record.len());
            if len != header.items as usize * record_len {
                let items = header.items;
                let what = format!("{len} bytes of payload, expected {items} records of {record_len}");
                return Err(LogError::altered(header.offset, what));
            }
            self.current = Some(OpenBlock { header, epoch, payload: Arc::new(payload), next: 0 });
            return Ok(true);
        }
        Ok(false)
    }

    /// The next record of the current block.
    fn take(&mut self) -> Option<Result<LogRecord, LogError>> {
        let OpenBlock { header, epoch, payload, next } = self.current.as_mut()?;
        let (offset, index) = (header.offset, *next);
        let len = epoch.record.len();
        let range = index * len..(index + 1) * len;
        let Some(bytes) = payload.get(range.clone()) else {
            self.current = None;
            return None;
        };
        *next += 1;
        let cycle = match RecordView::new(&epoch.record, bytes) {
            Ok(view) => view.cycle(),
            Err(source) => return Some(Err(LogError::Record { offset, index, source })),
        };
        let first_fits = index > 0 || cycle == header.first_cycle;
        if cycle <= self.last || cycle > header.last_cycle || !first_fits {
            return Some(Err(LogError::altered(offset, format!("cycle {cycle} after cycle {}", self.last))));
        }
        self.last = cycle;
        Some(Ok(LogRecord { epoch: epoch.clone(), block_offset: offset, payload: payload.clone(), range }))
    }
}

impl<R: ReadAt> Iterator for Records<'_, R> {
    type Item = Result<LogRecord, LogError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(error) = self.failed.take() {
                self.current = None;
                self.blocks.headers.next = u64::MAX;
                return Some(Err(error));
            }
            match self.take() {
                Some(Ok(record)) if self.last < self.from => drop(record),
                Some(Ok(record)) => return Some(Ok(record)),
                Some(Err(error)) => self.failed = Some(error),
                None => match self.advance() {
                    Ok(true) => {}
                    Ok(false) => return None,
                    Err(error) => self.failed = Some(error),
                },
            }
        }
    }
}

impl LogRecord {
    /// The record.
    pub fn view(&self) -> RecordView<'_> {
        RecordView::new(&self.epoch.record, &self.payload[self.range.clone()])
            .expect("a record is checked before it is handed out")
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.payload[self.range.clone()]
    }
}

/// Epochs, newest first.
pub struct EpochsBack<'a, R> {
    reader: &'a LogReader<R>,
    next: Option<u64>,
    first: bool,
}

impl<R: ReadAt> Iterator for EpochsBack<'_, R> {
    type Item = Result<(u64, Arc<Epoch>), LogError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut offset = self.next.take()?;
        let mut loaded = self.reader.epoch(offset);
        if self.first && loaded.is_err() {
            // The last start may have been cut short inside its epoch. The block before that start names the one before.
            self.first = false;
            let before = header_before(&self.reader.source, offset, 0, &self.reader.log_id).ok().flatten();
            offset = before
                .map(|header| header.epoch_offset)
                .filter(|before| *before != NONE && *before < offset)?;
            loaded = self.reader.epoch(offset);
        }
        self.first = false;
        Some(loaded.map(|epoch| {
            // Only backwards, whatever the file says.
            self.next = epoch.previous_epoch.filter(|previous| *previous < offset);
            (offset, epoch)
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_log_is_refused_with_a_reason() {
        let open = |bytes: Vec<u8>| LogReader::open(bytes).map(|_| ()).unwrap_err().to_string();
        assert_eq!(
            open(b"hello".to_vec()),
            "not a cycle log: 5 bytes, a log has at least 4096; nothing was changed, name another file"
        );
        assert_eq!(
            open(vec![7; 5000]),
            "not a cycle log: it does not begin like one; nothing was changed, name another file"
        );
    }
}
