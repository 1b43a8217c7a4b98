//! What the cyclic thread does with the log.

use crate::{
    keyframe::{KeyframeSlicer, SliceStep},
    ring::{Producer, SlotKind},
};
use sensai_model::record::{RecordFlags, RecordLayout, RecordMut};

/// The cyclic thread's end of the log. No method allocates, locks, waits or makes a system call.
pub struct Recorder {
    pub(crate) producer: Producer,
    pub(crate) layout: RecordLayout,
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
