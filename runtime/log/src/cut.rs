//! A stretch of a log as a log of its own, which replays by itself.

use crate::{
    Epoch, EpochSpec, Keyframe, LogError, LogReader, Start,
    append::{Appender, Facts, random_id},
    block::{BlockKind, PAYLOAD_LEN_MAX},
    payload::{SLICE_HEADER_LEN, Slice},
    storage::{ReadAt, Storage},
};
use sensai_model::record::RecordFlags;
use std::{ops::RangeInclusive, sync::Arc};

/// Bytes of a keyframe in one block.
const SLICE_LEN: usize = 32 * 1024;
/// Bytes after which what was written is made durable: until then all of it is in memory as well.
const SYNC_LEN: usize = 8 << 20;

const _: () = assert!(SLICE_LEN.is_multiple_of(8) && SLICE_HEADER_LEN + SLICE_LEN <= PAYLOAD_LEN_MAX);

/// What was cut out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Cycle of the keyframe it begins with; `None` if it begins with the first cycle of its run.
    pub keyframe: Option<u64>,
    /// First and last record.
    pub cycles: (u64, u64),
    /// Records.
    pub records: u64,
    /// Bytes written.
    pub bytes: u64,
}

/// Write the records of `cycles` around cycle `of`, as far as they are of the run that recorded it, to the empty `to`, with
/// all that is needed to replay them: the run's description and files, and the keyframe before them. So it begins with the keyframe
/// at or before the first cycle asked for, or else with the run. Texts of these cycles come along.
///
/// The parameters in the description are those of the run's start, as in the log that it is cut from; the keyframe has
/// those of its cycle.
///
/// # Errors
/// If the log is damaged there, no cycle of the range was recorded, or `to` fails.
pub fn cut<R: ReadAt, S: Storage>(
    log: &LogReader<R>,
    of: u64,
    cycles: RangeInclusive<u64>,
    to: S,
) -> Result<(Cut, S), LogError> {
    let missing = || LogError::Request(format!("no cycle from {of} on was recorded"));
    let epoch = log.records(of).next().ok_or_else(missing)??.epoch;
    let run = epoch.first_of_run();
    let wanted = (*cycles.start()).min(of).max(run);
    // It may be an epoch before that of `of`.
    let Start { keyframe, mut epoch, first } = log.start_for(wanted)?;
    let session = random_id()?;
    let mut appender = Appender::create(to, random_id()?);
    appender.begin_epoch(&spec(log, &epoch, first, first)?, session)?;
    if let Some(keyframe) = &keyframe {
        stage_keyframe(&mut appender, keyframe);
    }
    let mut out = Writer { appender, buffer: Vec::new(), cycles: None, items: 0, records: 0 };
    let mut start_block = None;
    // The first record behind a gap, until there is a keyframe that a replay can go on with.
    let mut lost_at: Option<u64> = None;
    let mut block = None;
    for record in log.records(first) {
        let record = record?;
        let (view, cycle) = (record.view(), record.view().cycle());
        if record.epoch.first_of_run() != run || cycle > *cycles.end() {
            break;
        }
        if !Arc::ptr_eq(&record.epoch, &epoch) {
            epoch = Arc::clone(&record.epoch);
            out.stage();
            out.appender.write()?;
            out.appender.begin_epoch(&spec(log, &epoch, epoch.first_cycle, first)?, session)?;
        }
        start_block.get_or_insert(record.block_offset);
        if view.flags().contains(RecordFlags::GAP_BEFORE) {
            lost_at = Some(cycle);
        }
        let is_new = block.replace(record.block_offset) != Some(record.block_offset);
        if let Some(least) = lost_at.filter(|_| is_new)
            && let Some(keyframe) = log.keyframe_at_or_before(cycle)?.filter(|found| found.cycle >= least)
        {
            out.stage();
            stage_keyframe(&mut out.appender, &keyframe);
            lost_at = None;
        }
        out.push(cycle, record.bytes())?;
    }
    out.stage();
    out.appender.write()?;
    let (records, Some((first, _, last))) = (out.records, out.cycles) else { return Err(missing()) };
    let range = (first, last);
    let mut appender = out.appender;
    for event in log.events(start_block.unwrap_or(0))? {
        if (range.0..=range.1).contains(&event.cycle) {
            appender.stage_event(event.cycle, event.kind, &event.text);
        }
    }
    appender.end(&format!("cut out of log {}", crate::block::hex(&log.log_id())))?;
    let cut = Cut {
        keyframe: keyframe.map(|keyframe| keyframe.cycle),
        cycles: range,
        records,
        bytes: appender.written_len(),
    };
    Ok((cut, appender.into_storage()))
}

/// What an epoch of the run says, from cycle `from` on, in a log that begins with cycle `first`.
fn spec<R: ReadAt>(log: &LogReader<R>, epoch: &Epoch, from: u64, first: u64) -> Result<EpochSpec, LogError> {
    let contents = epoch.contents.iter().map(|content| Ok((content.path.clone(), log.content(content)?)));
    let replaced = epoch.replaced.iter().map(|of| Ok((of.program, log.content(&of.content)?)));
    let passed = from.saturating_sub(epoch.first_cycle).saturating_mul(epoch.interval_ns);
    Ok(EpochSpec {
        cell: epoch.cell.clone(),
        numeric_profile: epoch.numeric_profile.clone(),
        binary_sha256: epoch.binary_sha256.clone(),
        interval_ns: epoch.interval_ns,
        first_cycle: from,
        start_utc_ns: epoch.start_utc_ns.saturating_add(i64::try_from(passed).unwrap_or(i64::MAX)),
        contents: contents.collect::<Result<_, LogError>>()?,
        record: epoch.record,
        tags: epoch.tags.clone(),
        parameters: epoch.parameters.clone(),
        sync_units: epoch.sync_units.clone(),
        programs: epoch.programs.clone(),
        keyframe: epoch.keyframe.clone(),
        edition: epoch.edition,
        run_first_cycle: first,
        probation: epoch.probation,
        replaced: replaced.collect::<Result<_, LogError>>()?,
    })
}

/// Records on their way into blocks.
struct Writer<S> {
    appender: Appender<S>,
    buffer: Vec<u8>,
    /// First of all, first and last of the block.
    cycles: Option<(u64, u64, u64)>,
    items: u32,
    records: u64,
}

impl<S: Storage> Writer<S> {
    fn push(&mut self, cycle: u64, record: &[u8]) -> Result<(), LogError> {
        if self.buffer.len() + record.len() > PAYLOAD_LEN_MAX {
            self.stage();
            self.appender.write()?;
            if self.appender.unsynced_len() >= SYNC_LEN {
                self.appender.sync()?;
            }
        }
        self.buffer.extend_from_slice(record);
        let (all, block) = self.cycles.map_or((cycle, cycle), |(all, block, _)| (all, block));
        let block = if self.items == 0 { cycle } else { block };
        self.cycles = Some((all, block, cycle));
        self.items += 1;
        self.records += 1;
        Ok(())
    }

    fn stage(&mut self) {
        if let Some((_, first, last)) = self.cycles.filter(|_| self.items > 0) {
            let facts = Facts { cycles: Some((first, last)), items: self.items, ring_next: None };
            self.appender.stage(BlockKind::Records, &self.buffer, (0, 1), facts);
        }
        self.buffer.clear();
        self.items = 0;
    }
}

fn stage_keyframe<S: Storage>(appender: &mut Appender<S>, keyframe: &Keyframe) {
    let Keyframe { cycle, bytes } = keyframe;
    let crc = crc32fast::hash(bytes);
    let mut payload = Vec::new();
    for (number, data) in bytes.chunks(SLICE_LEN).enumerate() {
        let offset = number * SLICE_LEN;
        let is_last = offset + data.len() == bytes.len();
        let slice = Slice {
            cycle: *cycle,
            total_len: bytes.len() as u32,
            offset: offset as u32,
            crc: if is_last { crc } else { 0 },
            data,
        };
        payload.clear();
        payload.resize((SLICE_HEADER_LEN + data.len()).next_multiple_of(8), 0);
        // There is room for it.
        let written = slice.write(&mut payload);
        debug_assert!(written.is_some());
        appender.stage_slices(&payload);
    }
}
