//! What the cyclic thread does with the log.

use crate::{
    change::{EpochMark, MARK_LEN},
    keyframe::{KeyframeSlicer, SliceStep},
    ring::{Producer, SlotKind},
};
use sensai_model::record::{RecordFlags, RecordLayout, RecordMut};

/// The cyclic thread's end of the log. No method allocates, locks, waits or makes a system call.
pub struct Recorder {
    pub(crate) producer: Producer,
    pub(crate) layout: RecordLayout,
    /// Comes before the next record.
    pub(crate) mark: Option<[u8; MARK_LEN]>,
}

impl Recorder {
    /// Record one cycle: `fill` gets a zeroed record in shared memory, and when this returns it is committed.
    /// False if the ring is full: the record is lost, counted, and the next one is marked.
    pub fn record(&mut self, fill: impl FnOnce(&mut RecordMut<'_>)) -> bool {
        if !self.put_mark() {
            self.producer.lose();
            return false;
        }
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

    /// What is recorded from `cycle` on is of the epoch that was described under this mark. Keyframes of the one before are
    /// over: see [`KeyframeSlicer::restart`].
    pub fn begin_epoch(&mut self, mark: &EpochMark, cycle: u64) {
        self.mark = Some(mark.encode(cycle));
    }

    /// False if there is no room for it yet.
    fn put_mark(&mut self) -> bool {
        let Some(mark) = &self.mark else { return true };
        let Some(mut slot) = self.producer.claim_mark() else { return false };
        // Slots are made for keyframe slices, which are longer.
        if let Some(place) = slot.payload().get_mut(..MARK_LEN) {
            place.copy_from_slice(mark);
            slot.commit(SlotKind::Epoch, MARK_LEN);
        }
        self.mark = None;
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
        self.mark.is_none() && slicer.due(cycle, &self.producer)
    }

    /// Take a keyframe of the state after `cycle`, see [`KeyframeSlicer::capture`].
    pub fn keyframe(&self, slicer: &mut KeyframeSlicer, cycle: u64, fill: impl FnOnce(&mut [u8])) {
        slicer.capture(cycle, &self.producer, fill);
    }

    /// Send at most one slice; once a cycle, after the record.
    pub fn keyframe_step(&mut self, slicer: &mut KeyframeSlicer) -> SliceStep {
        slicer.step(&mut self.producer)
    }

    /// True if less than half of the ring is free: who has the time waits for the writer.
    pub fn is_crowded(&mut self) -> bool {
        self.producer.is_crowded()
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
