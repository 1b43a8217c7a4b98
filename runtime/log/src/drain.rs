//! From ring slots to staged blocks.

use crate::{
    append::{Appender, Facts},
    block::{BlockKind, PAYLOAD_LEN_MAX, array_at},
    payload::{EVENT_HEADER_LEN, Event, Gap, GapReason, Slice},
    ring::{Consumer, SlotKind},
    storage::Storage,
};
use sensai_model::record::RecordView;
use std::ops::Range;

/// Slots staged before they are written.
pub(crate) const BATCH_SLOTS: u64 = 1024;

/// What was in a batch of slots.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Drained {
    pub records: u64,
    pub slices: u64,
    pub events: u64,
    pub gaps: u64,
    pub damaged: u64,
    /// Records that the slots say were dropped.
    pub dropped: u64,
}

/// Buffers that are kept from batch to batch.
#[derive(Default)]
pub(crate) struct Drain {
    buffer: Vec<u8>,
}

impl Drain {
    /// Stage all slots of `range`.
    ///
    /// Slices and events go first, then records and gaps in their order. So every records block may say that all
    /// slots up to its last record are in the file; a process killed between two blocks leaves at worst slices and
    /// events that come a second time, which readers recognise.
    ///
    /// A slot whose CRC is right may still hold what is no record or slice, if another version filled it. It counts as
    /// damaged: in the log it would look like an alteration for ever.
    pub fn stage(
        &mut self,
        appender: &mut Appender<impl Storage>,
        consumer: &Consumer,
        range: Range<u64>,
    ) -> Drained {
        let mut drained = Drained::default();
        self.stage_slices(appender, consumer, range.clone(), &mut drained);
        self.stage_events(appender, consumer, range.clone(), &mut drained);
        self.stage_records(appender, consumer, range, &mut drained);
        drained
    }

    fn stage_slices(
        &mut self,
        appender: &mut Appender<impl Storage>,
        consumer: &Consumer,
        range: Range<u64>,
        drained: &mut Drained,
    ) {
        self.buffer.clear();
        let keyframe_len = appender.epoch().map(|epoch| epoch.keyframe_len());
        for slot in range.filter_map(|sequence| consumer.slot(sequence)) {
            if slot.kind != SlotKind::Slice {
                continue;
            }
            let slice = Slice::read(slot.payload)
                .filter(|(slice, rest)| rest.is_empty() && Some(u64::from(slice.total_len)) == keyframe_len);
            let Some((slice, _)) = slice else {
                drained.damaged += 1;
                continue;
            };
            let starts_keyframe = slice.offset == 0;
            let len = slot.payload.len().next_multiple_of(8);
            // Each keyframe begins a block, so that a block's offset names one keyframe.
            if !self.buffer.is_empty() && (starts_keyframe || self.buffer.len() + len > PAYLOAD_LEN_MAX) {
                appender.stage_slices(&self.buffer);
                self.buffer.clear();
            }
            self.buffer.extend_from_slice(slot.payload);
            self.buffer.resize(self.buffer.len().next_multiple_of(8), 0);
            drained.slices += 1;
        }
        if !self.buffer.is_empty() {
            appender.stage_slices(&self.buffer);
        }
    }

    fn stage_events(
        &mut self,
        appender: &mut Appender<impl Storage>,
        consumer: &Consumer,
        range: Range<u64>,
        drained: &mut Drained,
    ) {
        self.buffer.clear();
        let mut items = 0;
        for slot in range.filter_map(|sequence| consumer.slot(sequence)) {
            let Some((head, text)) = slot.payload.split_first_chunk::<10>() else { continue };
            if slot.kind != SlotKind::Event {
                continue;
            }
            if self.buffer.len() + EVENT_HEADER_LEN + text.len() + 8 > PAYLOAD_LEN_MAX {
                appender.stage(BlockKind::Event, &self.buffer, (0, 1), Facts { items, ..Facts::default() });
                self.buffer.clear();
                items = 0;
            }
            let (cycle, kind) =
                (u64::from_le_bytes(array_at(head, 0)), u16::from_le_bytes(array_at(head, 8)));
            Event::write(cycle, slot.sequence, kind, text, &mut self.buffer);
            items += 1;
            drained.events += 1;
        }
        if items > 0 {
            appender.stage(BlockKind::Event, &self.buffer, (0, 1), Facts { items, ..Facts::default() });
        }
    }

    fn stage_records(
        &mut self,
        appender: &mut Appender<impl Storage>,
        consumer: &Consumer,
        range: Range<u64>,
        drained: &mut Drained,
    ) {
        self.buffer.clear();
        let Some(layout) = appender.epoch().map(|epoch| epoch.record) else { return };
        let mut open = OpenBlock::default();
        let mut missing: Option<(GapReason, u64)> = None;
        for sequence in range.clone() {
            let slot = consumer.slot(sequence);
            if slot.is_some_and(|slot| slot.kind != SlotKind::Record) {
                continue;
            }
            let last = open.cycles.map_or(appender.last_cycle(), |(_, last)| last);
            let cycle = |payload| RecordView::new(&layout, payload).ok().map(|record| record.cycle());
            let good = slot.and_then(|slot| Some((slot, cycle(slot.payload).filter(|cycle| *cycle > last)?)));
            let Some((slot, cycle)) = good else {
                drained.damaged += 1;
                missing = Some((GapReason::DamagedSlot, missing.map_or(1, |(_, count)| count + 1)));
                continue;
            };
            if slot.dropped_before > 0 && !appender.gap_is_marked_before(sequence) {
                let count = u64::from(slot.dropped_before);
                drained.dropped += count;
                missing = Some((GapReason::RingFull, missing.map_or(count, |(_, more)| count + more)));
            }
            if missing.is_some() || self.buffer.len() + layout.len() > PAYLOAD_LEN_MAX {
                open.stage(appender, &mut self.buffer, sequence);
            }
            if let Some((reason, records)) = missing.take() {
                let after_cycle = appender.last_cycle();
                let gap = Gap { reason, after_cycle, before_cycle: cycle, records, bytes: 0 };
                appender.stage_gap_before(&gap, sequence);
                drained.gaps += 1;
            }
            self.buffer.extend_from_slice(slot.payload);
            open.add(cycle);
            drained.records += 1;
        }
        open.stage(appender, &mut self.buffer, range.end);
        if let Some((reason, records)) = missing {
            let after_cycle = appender.last_cycle();
            appender.stage_gap_before(
                &Gap { reason, after_cycle, before_cycle: 0, records, bytes: 0 },
                range.end,
            );
            drained.gaps += 1;
        }
    }
}

/// The records block being filled.
#[derive(Default)]
struct OpenBlock {
    cycles: Option<(u64, u64)>,
    items: u32,
}

impl OpenBlock {
    fn add(&mut self, cycle: u64) {
        self.cycles = Some((self.cycles.map_or(cycle, |(first, _)| first), cycle));
        self.items += 1;
    }

    fn stage(&mut self, appender: &mut Appender<impl Storage>, buffer: &mut Vec<u8>, ring_next: u64) {
        let open = std::mem::take(self);
        if open.items > 0 {
            let facts = Facts { cycles: open.cycles, items: open.items, ring_next: Some(ring_next) };
            appender.stage(BlockKind::Records, buffer, (0, 1), facts);
        }
        buffer.clear();
    }
}
