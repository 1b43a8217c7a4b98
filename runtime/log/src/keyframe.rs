//! Keyframes: the whole state after a cycle, so that a replay can begin there.
//!
//! The cyclic thread copies the state at a cycle edge into a buffer of its own, and hands it out in slices over the
//! cycles that follow, one a cycle, so that no cycle pays for all of it.

use crate::{
    payload::{SLICE_HEADER_LEN, Slice},
    ring::{Producer, SlotKind},
};

/// Bytes of state in one slice.
pub const SLICE_LEN: usize = 1024;

/// A complete keyframe, CRC verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keyframe {
    /// The state after this cycle; a replay goes on with the next one.
    pub cycle: u64,
    /// The bytes, as [`crate::Epoch::keyframe`] divides them.
    pub bytes: Vec<u8>,
}

/// The runtime's side: takes a copy, gives it away in slices. No method allocates.
pub struct KeyframeSlicer {
    buffer: Box<[u8]>,
    /// Bytes of the state; the buffer may have more.
    len: usize,
    cycle: u64,
    sent: usize,
    crc: crc32fast::Hasher,
    /// Cycles between keyframes.
    interval: u64,
    /// The keyframe that was taken last, and the records dropped until then.
    last: Option<(u64, u64)>,
    active: bool,
}

/// What a step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SliceStep {
    /// There was nothing to send.
    Idle,
    /// A slice was sent, more follow.
    Sent,
    /// The last slice was sent.
    Complete,
    /// The ring was too full; the slice goes in a later cycle.
    Waiting,
}

impl KeyframeSlicer {
    /// For a state of `state_len` bytes, every `interval` cycles (at least 1).
    pub fn new(state_len: usize, interval: u64) -> Self {
        Self {
            buffer: vec![0; state_len].into_boxed_slice(),
            len: state_len,
            cycle: 0,
            sent: 0,
            crc: crc32fast::Hasher::new(),
            interval: interval.max(1),
            last: None,
            active: false,
        }
    }

    /// True if a keyframe should be taken after this cycle: at the start, every interval, and as soon as possible
    /// behind a gap, which no replay can cross otherwise. One that is still being sent is finished first.
    pub fn due(&self, cycle: u64, producer: &Producer) -> bool {
        let due = match self.last {
            None => true,
            Some((taken, dropped)) => {
                cycle.saturating_sub(taken) >= self.interval || producer.dropped() > dropped
            }
        };
        due && !self.active && !producer.gap_before()
    }

    /// Take a keyframe of the state after `cycle`; `fill` copies it into the buffer.
    pub fn capture(&mut self, cycle: u64, producer: &Producer, fill: impl FnOnce(&mut [u8])) {
        fill(&mut self.buffer[..self.len]);
        self.cycle = cycle;
        self.sent = 0;
        self.crc = crc32fast::Hasher::new();
        self.active = true;
        self.last = Some((cycle, producer.dropped()));
    }

    /// Send at most one slice. Call it once a cycle, after the record is committed.
    pub fn step(&mut self, producer: &mut Producer) -> SliceStep {
        if !self.active {
            return SliceStep::Idle;
        }
        let Some(mut slot) = producer.claim_spare() else { return SliceStep::Waiting };
        let len = SLICE_LEN.min(self.len - self.sent);
        let data = &self.buffer[self.sent..self.sent + len];
        let last = self.sent + len == self.len;
        self.crc.update(data);
        let slice = Slice {
            cycle: self.cycle,
            total_len: self.len as u32,
            offset: self.sent as u32,
            crc: if last { self.crc.clone().finalize() } else { 0 },
            data,
        };
        // Slots are made large enough for a slice; one that is not would only cost the keyframe.
        if slice.write(slot.payload()).is_some() {
            slot.commit(SlotKind::Slice, SLICE_HEADER_LEN + len);
        }
        self.sent += len;
        self.active = !last;
        if last { SliceStep::Complete } else { SliceStep::Sent }
    }

    /// From now on the state has `state_len` bytes. A keyframe that is being sent stays incomplete, and another one is due at
    /// once. `buffer` takes the place of the slicer's own one if it has more room, which is then left in it.
    pub fn restart(&mut self, state_len: usize, buffer: &mut Box<[u8]>) {
        if buffer.len() > self.buffer.len() {
            std::mem::swap(buffer, &mut self.buffer);
        }
        // Whoever changes the length brings the room.
        self.len = state_len.min(self.buffer.len());
        (self.active, self.sent, self.last) = (false, 0, None);
    }

    /// The cycle of the keyframe taken last.
    pub fn last_cycle(&self) -> Option<u64> {
        self.last.map(|(cycle, _)| cycle)
    }
}

/// Puts slices together again; refuses anything that does not fit.
#[derive(Debug, Default)]
pub(crate) struct Assembler {
    cycle: u64,
    bytes: Vec<u8>,
    started: bool,
}

/// What a slice did.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Assembled {
    /// It began a keyframe.
    Started,
    /// It was the next one, or one seen before.
    More,
    /// It was the last one, and the CRC is right.
    Complete(Keyframe),
    /// It does not belong to what came before; the keyframe is lost.
    Lost,
}

impl Assembler {
    /// Take the next slice. `len` is what the epoch says a keyframe has.
    pub fn push(&mut self, slice: &Slice<'_>, len: u64) -> Assembled {
        if u64::from(slice.total_len) != len {
            self.started = false;
            return Assembled::Lost;
        }
        if slice.offset == 0 && !(self.started && self.cycle == slice.cycle) {
            *self = Self { cycle: slice.cycle, bytes: Vec::new(), started: true };
        }
        let have = self.bytes.len();
        let offset = slice.offset as usize;
        if !self.started || slice.cycle != self.cycle || offset > have {
            self.started = false;
            return Assembled::Lost;
        }
        // A writer that was killed between writing and freeing sends slices twice.
        let known = (have - offset).min(slice.data.len());
        if self.bytes[offset..offset + known] != slice.data[..known] {
            self.started = false;
            return Assembled::Lost;
        }
        self.bytes.extend_from_slice(&slice.data[known..]);
        if offset + slice.data.len() < slice.total_len as usize {
            return if offset == 0 && have == 0 { Assembled::Started } else { Assembled::More };
        }
        self.started = false;
        let bytes = std::mem::take(&mut self.bytes);
        if crc32fast::hash(&bytes) == slice.crc {
            Assembled::Complete(Keyframe { cycle: slice.cycle, bytes })
        } else {
            Assembled::Lost
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ring::{self, Consumer, Geometry, RingIdentity};
    use sensai_model::record::RecordLayout;

    fn ring(slots: u64) -> (tempfile::TempDir, Producer, Consumer) {
        let directory = tempfile::tempdir().unwrap();
        let geometry = Geometry::new(&RecordLayout::new(8, 8, 1).unwrap(), slots);
        let identity = RingIdentity { session: [0; 16], layout_hash: 0, pid: 0 };
        let (producer, consumer) =
            ring::create(&directory.path().join("k.ring"), geometry, identity).unwrap();
        (directory, producer, consumer)
    }

    fn pattern(len: usize) -> Vec<u8> {
        (0..len).map(|i| (i * 7 + i / 256) as u8).collect()
    }

    fn assemble(consumer: &mut Consumer, assembler: &mut Assembler, len: u64) -> Option<Keyframe> {
        let available = consumer.available();
        let mut found = None;
        for sequence in available.clone() {
            let (slice, _) = Slice::read(consumer.slot(sequence).unwrap().payload).unwrap();
            if let Assembled::Complete(keyframe) = assembler.push(&slice, len) {
                found = Some(keyframe);
            }
        }
        consumer.advance_to(available.end);
        found
    }

    #[test]
    fn sliced_and_put_together_again() {
        for len in [0, 1, 1023, 1024, 1025, 10_000] {
            let (_directory, mut producer, mut consumer) = ring(64);
            let mut slicer = KeyframeSlicer::new(len, 10);
            let mut assembler = Assembler::default();
            assert!(slicer.due(5, &producer));
            slicer.capture(5, &producer, |buffer| buffer.copy_from_slice(&pattern(len)));
            let mut steps = 1;
            while slicer.step(&mut producer) != SliceStep::Complete {
                steps += 1;
            }
            assert_eq!(steps, len.div_ceil(SLICE_LEN).max(1));
            assert_eq!(slicer.step(&mut producer), SliceStep::Idle);
            let keyframe = assemble(&mut consumer, &mut assembler, len as u64).unwrap();
            assert_eq!(keyframe, Keyframe { cycle: 5, bytes: pattern(len) });
        }
    }

    #[test]
    fn slices_wait_for_room_and_a_gap_forces_a_keyframe() {
        let (_directory, mut producer, mut consumer) = ring(4);
        let mut slicer = KeyframeSlicer::new(4000, 1000);
        let mut assembler = Assembler::default();
        slicer.capture(1, &producer, |buffer| buffer.copy_from_slice(&pattern(4000)));
        let mut found = None;
        let mut waited = 0;
        while found.is_none() {
            if slicer.step(&mut producer) == SliceStep::Waiting {
                waited += 1;
                found = assemble(&mut consumer, &mut assembler, 4000);
            } else {
                assert!(slicer.due(900, &producer) == slicer.due(1, &producer), "one at a time");
            }
            if consumer.available().end == 4 {
                found = found.or_else(|| assemble(&mut consumer, &mut assembler, 4000));
            }
        }
        assert!(waited > 0);
        assert_eq!(found.unwrap().bytes, pattern(4000));

        assert!(!slicer.due(900, &producer));
        assert!(slicer.due(1001, &producer));
        while producer.claim().is_some_and(|slot| {
            slot.commit(SlotKind::Record, 0);
            true
        }) {}
        assert!(!slicer.due(900, &producer), "not while the gap is open");
        consumer.advance_to(consumer.available().end);
        producer.claim().unwrap().commit(SlotKind::Record, 0);
        assert!(slicer.due(900, &producer), "the gap is behind us");
    }

    #[test]
    fn what_does_not_fit_is_lost_and_repeats_are_not() {
        let data = pattern(3000);
        let crc = crc32fast::hash(&data);
        let slice = |cycle, at: usize| Slice {
            cycle,
            total_len: 3000,
            offset: at as u32,
            crc: if at == 2048 { crc } else { 0 },
            data: &data[at..(at + 1024).min(3000)],
        };
        let mut assembler = Assembler::default();
        assert_eq!(assembler.push(&slice(1, 1024), 3000), Assembled::Lost, "no beginning");
        assert_eq!(assembler.push(&slice(1, 0), 3000), Assembled::Started);
        assert_eq!(assembler.push(&slice(1, 0), 3000), Assembled::More);
        assert_eq!(assembler.push(&slice(1, 1024), 3000), Assembled::More);
        assert_eq!(assembler.push(&slice(1, 0), 3000), Assembled::More);
        assert_eq!(
            assembler.push(&slice(1, 2048), 3000),
            Assembled::Complete(Keyframe { cycle: 1, bytes: data.clone() })
        );
        assert_eq!(assembler.push(&slice(2, 0), 3000), Assembled::Started);
        assert_eq!(assembler.push(&slice(2, 2048), 3000), Assembled::Lost, "a slice is missing");
        assert_eq!(assembler.push(&slice(3, 0), 3000), Assembled::Started);
        assert_eq!(assembler.push(&slice(4, 1024), 3000), Assembled::Lost, "another keyframe's");
        assert_eq!(assembler.push(&slice(5, 0), 2999), Assembled::Lost, "another epoch's size");
        assert_eq!(assembler.push(&slice(6, 0), 3000), Assembled::Started);
        assert_eq!(assembler.push(&slice(6, 1024), 3000), Assembled::More);
        let wrong = Slice { crc: crc ^ 1, ..slice(6, 2048) };
        assert_eq!(assembler.push(&wrong, 3000), Assembled::Lost, "CRC");
    }
}
