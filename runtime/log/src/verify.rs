//! Checking a whole log: every byte of it is covered by something that would notice a change.

use crate::{
    Epoch, LogError,
    block::{BlockKind, Header, NONE, hex},
    epoch::Hash,
    keyframe::{Assembled, Assembler},
    payload::{ContentPart, Event, Gap, GapReason, Slice},
    reader::LogReader,
    storage::ReadAt,
    tail::Walk,
};
use sensai_model::record::{InboxKind, RecordFlags, RecordView};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::{collections::HashMap, sync::Arc};

/// Findings that are listed one by one; more are counted only.
const LISTED_MAX: usize = 1000;

/// What a log holds, and where it stops being good.
#[derive(Clone, Debug, Default, Serialize)]
pub struct VerifyReport {
    /// Bytes of the file.
    pub file_len: u64,
    /// Bytes that were found good, from the start.
    pub good_len: u64,
    /// Good blocks.
    pub blocks: u64,
    /// Records in them.
    pub records: u64,
    /// First and last recorded cycle.
    pub cycles: Option<(u64, u64)>,
    /// Complete epochs.
    pub epochs: u64,
    /// Orderly ends.
    pub ends: u64,
    /// Complete keyframes, CRC verified.
    pub keyframes: u64,
    /// Keyframes whose end is missing: a kill or a gap came in between.
    pub keyframes_incomplete: u64,
    /// Stored files, hash verified.
    pub contents: u64,
    /// Texts.
    pub events: u64,
    /// Ranges of cycles without anything missing, skipped cycles excepted; at most 1000.
    pub ranges: Vec<(u64, u64)>,
    /// What is missing, and why; at most 1000.
    pub gaps: Vec<GapFinding>,
    /// Cycles that overran and were skipped; the records say so.
    pub skipped: u64,
    /// The hash chain up to the last good block, in hexadecimal.
    pub chain: String,
    /// Bytes behind the last good block that a power failure tore; the next start cuts them off.
    pub torn_bytes: u64,
    /// The first thing that is wrong; nothing if the log is good.
    pub bad: Option<BadBlock>,
}

/// Something is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct GapFinding {
    /// Start of the block that says so.
    pub offset: u64,
    /// `RingFull`, `TornTail`, `DamagedSlot` or `Overwritten`.
    pub reason: &'static str,
    /// Last cycle before.
    pub after_cycle: u64,
    /// First cycle behind; 0 if not known.
    pub before_cycle: u64,
    /// Records lost; 0 if not known.
    pub records: u64,
}

/// The first bad block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BadBlock {
    /// Where it begins.
    pub offset: u64,
    /// What is wrong.
    pub what: String,
    /// The last cycle before it; 0 if there is none.
    pub after_cycle: u64,
}

impl VerifyReport {
    /// True if nothing was altered. Gaps, a torn end and an unclean end are no alterations.
    pub const fn is_good(&self) -> bool {
        self.bad.is_none()
    }
}

impl<R: ReadAt> LogReader<R> {
    /// Read and check the whole log: every CRC, the hash chain, order, ranges, records, keyframes and contents.
    ///
    /// # Errors
    /// If the file cannot be read. What is wrong *with* it is in the report.
    pub fn verify(&self) -> Result<VerifyReport, LogError> {
        let tail = self.tail();
        let mut walk = Walk::new(0);
        let mut check = Check::default();
        let mut payload = Vec::new();
        while walk.offset < tail.end {
            let result = walk
                .step(self.source(), tail.end, &self.log_id(), &mut payload)
                .and_then(|header| check.block(self, &header, &payload).map(|()| header));
            match result {
                Ok(header) => check.report.good_len = header.end(),
                Err(error @ (LogError::Io { .. } | LogError::Storage { .. })) => return Err(error),
                Err(error) => {
                    check.report.bad = Some(bad_block(error, check.report.good_len, check.last_cycle));
                    break;
                }
            }
        }
        Ok(check.finish(tail.end + tail.torn_bytes, tail.torn_bytes))
    }
}

fn bad_block(error: LogError, good_len: u64, after_cycle: u64) -> BadBlock {
    let (offset, what) = match error {
        LogError::Altered { offset, what } | LogError::Epoch { offset, what } => (offset, what),
        LogError::Record { offset, index, source } => (offset, format!("record {index}: {source}")),
        other => (good_len, other.to_string()),
    };
    BadBlock { offset, what, after_cycle }
}

/// What is carried from block to block.
#[derive(Default)]
struct Check {
    report: VerifyReport,
    epoch: Option<(u64, Arc<Epoch>)>,
    session: [u8; 16],
    ring_next: u64,
    last_cycle: u64,
    range_start: Option<u64>,
    assembler: Assembler,
    arriving: Option<u64>,
    /// Complete keyframes of this epoch, by the offset of their first block.
    keyframes: HashMap<u64, u64>,
    keyframe_block: u64,
    content: Option<(Sha256, [u8; 32], u64)>,
    /// Contents that an epoch named, and that are what it says, by offset.
    read: HashMap<u64, Hash>,
    event_slot: Option<u64>,
}

impl Check {
    fn block<R: ReadAt>(
        &mut self,
        reader: &LogReader<R>,
        header: &Header,
        payload: &[u8],
    ) -> Result<(), LogError> {
        let altered = |what: String| LogError::altered(header.offset, what);
        if header.session != self.session {
            self.session = header.session;
            self.ring_next = 0;
            self.event_slot = None;
        }
        if header.ring_next < self.ring_next {
            return Err(altered(format!("ring slot {} after {}", header.ring_next, self.ring_next)));
        }
        self.ring_next = header.ring_next;
        self.report.blocks += 1;
        match header.kind {
            BlockKind::Epoch => self.epoch_block(reader, header)?,
            BlockKind::Content => self.content_block(header, payload)?,
            BlockKind::Records => self.records_block(header, payload)?,
            BlockKind::Keyframe => self.keyframe_block(header, payload)?,
            BlockKind::Gap => self.gap_block(header, payload)?,
            BlockKind::Event => self.event_block(header, payload)?,
            BlockKind::End => self.report.ends += 1,
        }
        let epoch_offset = self.epoch.as_ref().map_or(NONE, |epoch| epoch.0);
        if header.kind != BlockKind::Epoch && header.epoch_offset != epoch_offset {
            return Err(altered(format!("epoch offset {}, expected {epoch_offset}", header.epoch_offset)));
        }
        if header.last_cycle != self.last_cycle {
            return Err(altered(format!("last cycle {}, expected {}", header.last_cycle, self.last_cycle)));
        }
        if header.keyframe_offset != NONE
            && self.keyframes.get(&header.keyframe_offset) != Some(&header.keyframe_cycle)
        {
            let (cycle, at) = (header.keyframe_cycle, header.keyframe_offset);
            return Err(altered(format!("it names a keyframe of cycle {cycle} at {at}, which is not there")));
        }
        self.report.chain = hex(&header.chain);
        Ok(())
    }

    fn epoch_block<R: ReadAt>(&mut self, reader: &LogReader<R>, header: &Header) -> Result<(), LogError> {
        if header.part + 1 != header.parts {
            return Ok(());
        }
        let epoch = reader.epoch(header.epoch_offset)?;
        if epoch.session.0 != header.session || epoch.first_cycle <= self.last_cycle {
            let what = format!("epoch from cycle {} after cycle {}", epoch.first_cycle, self.last_cycle);
            return Err(LogError::altered(header.offset, what));
        }
        let replaced = epoch.replaced.iter().map(|replaced| &replaced.content);
        for content in epoch.contents.iter().chain(replaced) {
            if content.offset >= header.offset {
                return Err(LogError::altered(
                    header.offset,
                    format!("content {} comes later", content.path),
                ));
            }
            // What is named again and again was read once.
            if self.read.get(&content.offset) != Some(&content.sha256) {
                reader.content(content)?;
                self.read.insert(content.offset, content.sha256);
            }
        }
        self.end_keyframe();
        if epoch.edition == 0 {
            self.end_range();
        }
        self.keyframes.clear();
        self.report.epochs += 1;
        self.epoch = Some((header.epoch_offset, epoch));
        Ok(())
    }

    fn content_block(&mut self, header: &Header, payload: &[u8]) -> Result<(), LogError> {
        let altered = |what: &str| LogError::altered(header.offset, what);
        let part = ContentPart::read(payload).ok_or_else(|| altered("malformed content"))?;
        if header.part == 0 {
            self.content = Some((Sha256::new(), part.sha256, 0));
        }
        let (hash, sha256, len) =
            self.content.as_mut().ok_or_else(|| altered("content without a beginning"))?;
        if *sha256 != part.sha256 || *len != part.offset {
            return Err(altered("a part of other content"));
        }
        hash.update(part.data);
        *len += part.data.len() as u64;
        if *len == part.total_len {
            let (hash, sha256, _) = self.content.take().ok_or_else(|| altered("content"))?;
            if <[u8; 32]>::from(hash.finalize()) != sha256 {
                return Err(altered("content is not what its SHA-256 says"));
            }
            self.report.contents += 1;
        }
        Ok(())
    }

    fn records_block(&mut self, header: &Header, payload: &[u8]) -> Result<(), LogError> {
        let altered = |what: String| LogError::altered(header.offset, what);
        let Some((_, epoch)) = self.epoch.clone() else {
            return Err(altered("records before any epoch".into()));
        };
        let len = epoch.record.len();
        if payload.is_empty() || payload.len() != header.items as usize * len {
            return Err(altered(format!(
                "{} bytes, expected {} records of {len}",
                payload.len(),
                header.items
            )));
        }
        for (index, bytes) in payload.chunks_exact(len).enumerate() {
            let view = RecordView::new(&epoch.record, bytes).map_err(|source| LogError::Record {
                offset: header.offset,
                index,
                source,
            })?;
            let cycle = view.cycle();
            if cycle <= self.last_cycle || cycle < epoch.first_cycle {
                return Err(altered(format!("cycle {cycle} after cycle {}", self.last_cycle)));
            }
            if index == 0 && cycle != header.first_cycle {
                return Err(altered(format!("first cycle {}, expected {cycle}", header.first_cycle)));
            }
            let overran = view.flags().contains(RecordFlags::OVERRUN)
                || view.inbox().any(|entry| entry.kind == InboxKind::Overrun);
            if self.range_start.is_some() && cycle != self.last_cycle + 1 {
                if overran {
                    self.report.skipped += cycle - self.last_cycle - 1;
                } else {
                    self.end_range();
                }
            }
            self.range_start.get_or_insert(cycle);
            self.report.records += 1;
            let first = self.report.cycles.map_or(cycle, |(first, _)| first);
            self.report.cycles = Some((first, cycle));
            self.last_cycle = cycle;
        }
        Ok(())
    }

    fn keyframe_block(&mut self, header: &Header, payload: &[u8]) -> Result<(), LogError> {
        let altered = |what: &str| LogError::altered(header.offset, what);
        let len = self.epoch.as_ref().map_or(0, |(_, epoch)| epoch.keyframe_len());
        let (mut rest, mut items) = (payload, 0);
        while !rest.is_empty() {
            let (slice, next) = Slice::read(rest).ok_or_else(|| altered("malformed keyframe slice"))?;
            rest = next;
            items += 1;
            if slice.offset == 0 {
                if self.arriving != Some(slice.cycle) {
                    self.end_keyframe();
                }
                self.keyframe_block = header.offset;
            }
            match self.assembler.push(&slice, len) {
                Assembled::Started | Assembled::More => self.arriving = Some(slice.cycle),
                Assembled::Complete(keyframe) => {
                    self.arriving = None;
                    self.report.keyframes += 1;
                    self.keyframes.insert(self.keyframe_block, keyframe.cycle);
                }
                // Slices that come a second time after their keyframe was complete, or follow a lost one.
                Assembled::Lost if slice.offset == 0 => return Err(altered("keyframe of another size")),
                Assembled::Lost => {}
            }
        }
        if items == header.items { Ok(()) } else { Err(altered("another number of slices than it says")) }
    }

    fn gap_block(&mut self, header: &Header, payload: &[u8]) -> Result<(), LogError> {
        let gap = Gap::decode(payload)
            .ok_or_else(|| LogError::altered(header.offset, "malformed gap".to_owned()))?;
        self.end_range();
        if self.report.gaps.len() < LISTED_MAX {
            let reason = match gap.reason {
                GapReason::RingFull => "RingFull",
                GapReason::TornTail => "TornTail",
                GapReason::DamagedSlot => "DamagedSlot",
                GapReason::Overwritten => "Overwritten",
            };
            self.report.gaps.push(GapFinding {
                offset: header.offset,
                reason,
                after_cycle: gap.after_cycle,
                before_cycle: gap.before_cycle,
                records: gap.records,
            });
        }
        Ok(())
    }

    fn event_block(&mut self, header: &Header, payload: &[u8]) -> Result<(), LogError> {
        let mut rest = payload;
        while !rest.is_empty() {
            let (event, next) =
                Event::read(rest).ok_or_else(|| LogError::altered(header.offset, "malformed event"))?;
            rest = next;
            let repeated = event.slot != u64::MAX && self.event_slot.is_some_and(|slot| event.slot <= slot);
            if event.slot != u64::MAX && !repeated {
                self.event_slot = Some(event.slot);
            }
            self.report.events += u64::from(!repeated);
        }
        Ok(())
    }

    fn end_keyframe(&mut self) {
        self.report.keyframes_incomplete += u64::from(self.arriving.take().is_some());
    }

    fn end_range(&mut self) {
        if let Some(start) = self.range_start.take()
            && self.report.ranges.len() < LISTED_MAX
        {
            self.report.ranges.push((start, self.last_cycle));
        }
    }

    fn finish(mut self, file_len: u64, torn_bytes: u64) -> VerifyReport {
        self.end_keyframe();
        self.end_range();
        VerifyReport { file_len, torn_bytes, ..self.report }
    }
}
