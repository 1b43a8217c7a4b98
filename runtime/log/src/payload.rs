//! What stands in the payloads of the small blocks, and in the ring's slots of the same kind.

use crate::block::{array_at, u16_at, u32_at, u64_at};

/// Bytes before the data of a keyframe slice.
pub const SLICE_HEADER_LEN: usize = 24;
/// Bytes before the text of an event, in a block.
pub const EVENT_HEADER_LEN: usize = 24;
/// Bytes of a gap.
pub const GAP_LEN: usize = 40;
/// Bytes before the data of a content part.
pub const CONTENT_HEADER_LEN: usize = 48;

/// A piece of a keyframe. In a block: header, data, zeros up to a multiple of eight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slice<'a> {
    /// The keyframe holds the state after this cycle.
    pub cycle: u64,
    /// Bytes of the whole keyframe.
    pub total_len: u32,
    /// Where this piece begins.
    pub offset: u32,
    /// CRC-32 of the whole keyframe in its last piece, 0 in the others.
    pub crc: u32,
    /// The piece.
    pub data: &'a [u8],
}

impl<'a> Slice<'a> {
    /// Header and data, to the start of `out`; returns the bytes used, or nothing if `out` is too short.
    pub fn write(&self, out: &mut [u8]) -> Option<usize> {
        let len = SLICE_HEADER_LEN + self.data.len();
        let out = out.get_mut(..len)?;
        out[0..8].copy_from_slice(&self.cycle.to_le_bytes());
        out[8..12].copy_from_slice(&self.total_len.to_le_bytes());
        out[12..16].copy_from_slice(&self.offset.to_le_bytes());
        out[16..20].copy_from_slice(&(self.data.len() as u32).to_le_bytes());
        out[20..24].copy_from_slice(&self.crc.to_le_bytes());
        out[24..].copy_from_slice(self.data);
        Some(len)
    }

    /// The slice at the start of `bytes`, and what follows it.
    pub fn read(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let len = u32_at(bytes.get(..SLICE_HEADER_LEN)?, 16) as usize;
        let (data, padding_and_rest) = bytes[SLICE_HEADER_LEN..].split_at_checked(len)?;
        let slice = Self {
            cycle: u64_at(bytes, 0),
            total_len: u32_at(bytes, 8),
            offset: u32_at(bytes, 12),
            crc: u32_at(bytes, 20),
            data,
        };
        let in_range = u64::from(slice.offset) + len as u64 <= u64::from(slice.total_len);
        let padding = len.next_multiple_of(8) - len;
        in_range.then(|| (slice, padding_and_rest.get(padding..).unwrap_or_default()))
    }
}

/// Something the runtime said. In a block: header, text, zeros up to a multiple of eight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// In which cycle; 0 if none was running.
    pub cycle: u64,
    /// Sequence number of its ring slot, which tells a repeated event from a second one; `u64::MAX`: not from the ring.
    pub slot: u64,
    /// The runtime's number for it.
    pub kind: u16,
    /// What it said.
    pub text: String,
}

impl Event {
    /// The event at the start of `bytes`, and what follows it.
    pub fn read(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let len = usize::from(u16_at(bytes.get(..EVENT_HEADER_LEN)?, 18));
        let (text, rest) = bytes[EVENT_HEADER_LEN..].split_at_checked(len)?;
        let event = Self {
            cycle: u64_at(bytes, 0),
            slot: u64_at(bytes, 8),
            kind: u16_at(bytes, 16),
            text: String::from_utf8_lossy(text).into_owned(),
        };
        let padding = len.next_multiple_of(8) - len;
        Some((event, rest.get(padding..).unwrap_or_default()))
    }

    /// Append to a block's payload. Texts are cut to what the length field holds.
    pub fn write(cycle: u64, slot: u64, kind: u16, text: &[u8], out: &mut Vec<u8>) {
        let text = &text[..text.len().min(usize::from(u16::MAX))];
        out.extend_from_slice(&cycle.to_le_bytes());
        out.extend_from_slice(&slot.to_le_bytes());
        out.extend_from_slice(&kind.to_le_bytes());
        out.extend_from_slice(&(text.len() as u16).to_le_bytes());
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(text);
        out.resize(out.len().next_multiple_of(8), 0);
    }
}

/// Why something is missing. The numbers are part of the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum GapReason {
    /// The ring was full: the writer did not get on, or the disk did not.
    RingFull = 1,
    /// A torn end was cut off when the log was opened again.
    TornTail = 2,
    /// A ring slot was damaged, or held no record of this epoch.
    DamagedSlot = 3,
    /// Slots of a left-over ring were overwritten before they were read.
    Overwritten = 4,
}

impl GapReason {
    const fn from_id(id: u32) -> Option<Self> {
        Some(match id {
            1 => Self::RingFull,
            2 => Self::TornTail,
            3 => Self::DamagedSlot,
            4 => Self::Overwritten,
            _ => return None,
        })
    }
}

/// Something is missing between the blocks around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// Why.
    pub reason: GapReason,
    /// The last recorded cycle before it.
    pub after_cycle: u64,
    /// The first recorded cycle behind it; 0 if not known.
    pub before_cycle: u64,
    /// Records lost; 0 if not known.
    pub records: u64,
    /// Bytes cut off the file.
    pub bytes: u64,
}

impl Gap {
    /// As it stands in a block.
    pub fn encode(&self) -> [u8; GAP_LEN] {
        let mut out = [0; GAP_LEN];
        out[0..4].copy_from_slice(&(self.reason as u32).to_le_bytes());
        let words = [self.after_cycle, self.before_cycle, self.records, self.bytes];
        for (word, place) in words.iter().zip(out[8..].chunks_exact_mut(8)) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        out
    }

    /// The gap in a block's payload.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; GAP_LEN] = bytes.try_into().ok()?;
        Some(Self {
            reason: GapReason::from_id(u32_at(bytes, 0))?,
            after_cycle: u64_at(bytes, 8),
            before_cycle: u64_at(bytes, 16),
            records: u64_at(bytes, 24),
            bytes: u64_at(bytes, 32),
        })
    }
}

/// A part of a file the cell was made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContentPart<'a> {
    /// SHA-256 of the whole file.
    pub sha256: [u8; 32],
    /// Bytes of the whole file.
    pub total_len: u64,
    /// Where this part begins.
    pub offset: u64,
    /// The part.
    pub data: &'a [u8],
}

impl<'a> ContentPart<'a> {
    /// As it stands in a block.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.sha256);
        out.extend_from_slice(&self.total_len.to_le_bytes());
        out.extend_from_slice(&self.offset.to_le_bytes());
        out.extend_from_slice(self.data);
    }

    /// The part in a block's payload.
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        let (header, data) = bytes.split_at_checked(CONTENT_HEADER_LEN)?;
        let part = Self {
            sha256: array_at(header, 0),
            total_len: u64_at(header, 32),
            offset: u64_at(header, 40),
            data,
        };
        (part.offset.checked_add(data.len() as u64)? <= part.total_len).then_some(part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn slices_read_back(cycle: u64, offset in 0_u32..1000, data in prop::collection::vec(any::<u8>(), 0..100)) {
            let total_len = offset + data.len() as u32 + 3;
            let slice = Slice { cycle, total_len, offset, crc: 7, data: &data };
            let mut out = vec![0; (SLICE_HEADER_LEN + data.len()).next_multiple_of(8) + 8];
            prop_assert_eq!(slice.write(&mut out), Some(SLICE_HEADER_LEN + data.len()));
            let (again, rest) = Slice::read(&out).unwrap();
            prop_assert_eq!(again, slice);
            prop_assert_eq!(rest.len(), 8);
        }

        #[test]
        fn events_read_back(cycle: u64, slot: u64, kind: u16, texts in prop::collection::vec("[a-zä ]{0,20}", 1..4)) {
            let mut out = Vec::new();
            for text in &texts {
                Event::write(cycle, slot, kind, text.as_bytes(), &mut out);
            }
            let mut rest = &out[..];
            for text in &texts {
                let (event, next) = Event::read(rest).unwrap();
                prop_assert_eq!(event, Event { cycle, slot, kind, text: text.clone() });
                rest = next;
            }
            prop_assert!(rest.is_empty());
        }

        #[test]
        fn foreign_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = Slice::read(&bytes);
            let _ = Event::read(&bytes);
            let _ = Gap::decode(&bytes);
            let _ = ContentPart::read(&bytes);
        }
    }

    #[test]
    fn gaps_read_back() {
        let gap = Gap { reason: GapReason::TornTail, after_cycle: 1, before_cycle: 2, records: 3, bytes: 4 };
        assert_eq!(Gap::decode(&gap.encode()), Some(gap));
        assert_eq!(Gap::decode(&[9; GAP_LEN]), None);
    }
}
