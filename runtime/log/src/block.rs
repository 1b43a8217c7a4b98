//! A log file is a row of blocks. Every block says where it is, what came before it and how far the file was durable,
//! so that any block can be judged by itself and found from anywhere.

use crate::{LogError, storage::ReadAt};
use sha2::{Digest, Sha256};

/// `SNSLOG`, then the two bytes that text-mode transfers destroy.
pub const MAGIC: [u8; 8] = *b"SNSLOG\x1a\n";
/// Version of the format.
pub const VERSION: u16 = 1;
/// Blocks start at multiples of this.
pub const PAGE: u64 = 4096;
/// Bytes of a header.
pub const HEADER_LEN: usize = 256;
/// Bytes of the longest block, header and padding included. It bounds how far one has to look for a block's start.
pub const BLOCK_LEN_MAX: u64 = 64 * 1024;
/// Bytes of the longest payload.
pub const PAYLOAD_LEN_MAX: usize = BLOCK_LEN_MAX as usize - HEADER_LEN;
/// An offset that points nowhere.
pub const NONE: u64 = u64::MAX;

/// The part of a header that the chain covers.
const CHAINED_LEN: usize = 160;

const _: () = assert!(PAGE.is_power_of_two() && BLOCK_LEN_MAX.is_multiple_of(PAGE));
const _: () = assert!(sensai_model::record::RECORD_LEN_MAX <= PAYLOAD_LEN_MAX);

/// What a block holds. The numbers are part of the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u16)]
pub enum BlockKind {
    /// JSON that describes what follows: cell, tags, programs, layouts. In parts if it is long.
    Epoch = 1,
    /// A file the cell was made of, or a part of it.
    Content = 2,
    /// Cycle records, one after the other.
    Records = 3,
    /// Slices of keyframes.
    Keyframe = 4,
    /// Something is missing here.
    Gap = 5,
    /// Texts of the runtime.
    Event = 6,
    /// The run ended in an orderly way.
    End = 7,
}

impl BlockKind {
    /// The kind with this number.
    pub const fn from_id(id: u16) -> Option<Self> {
        Some(match id {
            1 => Self::Epoch,
            2 => Self::Content,
            3 => Self::Records,
            4 => Self::Keyframe,
            5 => Self::Gap,
            6 => Self::Event,
            7 => Self::End,
            _ => return None,
        })
    }
}

/// A block's header. Field order is that of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// What the block holds.
    pub kind: BlockKind,
    /// Counts the blocks of the file, from 0.
    pub sequence: u64,
    /// Where the block starts.
    pub offset: u64,
    /// Bytes of the payload.
    pub payload_len: u32,
    /// CRC-32 of the payload.
    pub payload_crc: u32,
    /// Cycle of the first record in this block; 0 if it holds none.
    pub first_cycle: u64,
    /// Highest cycle recorded up to the end of this block; 0 if there is none yet.
    pub last_cycle: u64,
    /// First block of the epoch this block belongs to; [`NONE`] before the first.
    pub epoch_offset: u64,
    /// Block with the first slice of the newest keyframe of this epoch that is complete up to the end of this block.
    pub keyframe_offset: u64,
    /// That keyframe's cycle; 0 where there is none.
    pub keyframe_cycle: u64,
    /// Everything before this offset was on the disk when this block was written.
    pub durable_offset: u64,
    /// All ring slots of this session with a smaller sequence number are in the file.
    pub ring_next: u64,
    /// Records, slices or events in the payload.
    pub items: u32,
    /// Which part of a long payload this is, from 0.
    pub part: u16,
    /// Of how many parts; 1 if it is whole.
    pub parts: u16,
    /// Random, the same in all blocks of a file.
    pub log_id: [u8; 16],
    /// Random, the same in all blocks of a run.
    pub session: [u8; 16],
    /// The chain up to the block before; zero in the first.
    pub previous_chain: [u8; 32],
    /// SHA-256 of the chain before, this header and the payload.
    pub chain: [u8; 32],
}

/// Why bytes are not a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// Too short, or another magic number.
    #[error("no block starts here")]
    Magic,
    /// CRC does not match.
    #[error("header CRC is {actual:#010x}, expected {expected:#010x}")]
    Crc {
        /// Computed.
        expected: u32,
        /// Stored.
        actual: u32,
    },
    /// Another version.
    #[error("format version {actual}, expected {VERSION}")]
    Version {
        /// The file's.
        actual: u16,
    },
    /// Unknown kind.
    #[error("unknown block kind {actual}")]
    Kind {
        /// The file's.
        actual: u16,
    },
    /// Stands somewhere else than it says.
    #[error("a block of offset {actual}, copied here from somewhere else")]
    Offset {
        /// What it says.
        actual: u64,
    },
    /// Payload longer than possible.
    #[error("payload of {actual} bytes, at most {PAYLOAD_LEN_MAX} are possible")]
    PayloadLen {
        /// What it says.
        actual: u32,
    },
    /// More blocks before it than there is room for.
    #[error("block number {actual} this early in the file")]
    Sequence {
        /// What it says.
        actual: u64,
    },
    /// A part behind the last one.
    #[error("part {part} of {parts}")]
    Part {
        /// What it says.
        part: u16,
        /// What it says.
        parts: u16,
    },
}

impl Header {
    /// Bytes the block takes in the file, padding included.
    pub const fn block_len(&self) -> u64 {
        (HEADER_LEN as u64 + self.payload_len as u64).next_multiple_of(PAGE)
    }

    /// One past the block.
    pub const fn end(&self) -> u64 {
        self.offset.saturating_add(self.block_len())
    }

    /// As it stands in the file, CRC included.
    pub fn encode(&self) -> [u8; HEADER_LEN] {
        let mut out = self.encode_without_crc();
        let crc = crc32fast::hash(&out);
        out[12..16].copy_from_slice(&crc.to_le_bytes());
        out
    }

    fn encode_without_crc(&self) -> [u8; HEADER_LEN] {
        let mut out = [0; HEADER_LEN];
        out[0..8].copy_from_slice(&MAGIC);
        out[8..10].copy_from_slice(&VERSION.to_le_bytes());
        out[10..12].copy_from_slice(&(self.kind as u16).to_le_bytes());
        out[16..24].copy_from_slice(&self.sequence.to_le_bytes());
        out[24..32].copy_from_slice(&self.offset.to_le_bytes());
        out[32..36].copy_from_slice(&self.payload_len.to_le_bytes());
        out[36..40].copy_from_slice(&self.payload_crc.to_le_bytes());
        let words = [
            self.first_cycle,
            self.last_cycle,
            self.epoch_offset,
            self.keyframe_offset,
            self.keyframe_cycle,
            self.durable_offset,
            self.ring_next,
        ];
        for (word, place) in words.iter().zip(out[40..96].chunks_exact_mut(8)) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        out[96..100].copy_from_slice(&self.items.to_le_bytes());
        out[100..102].copy_from_slice(&self.part.to_le_bytes());
        out[102..104].copy_from_slice(&self.parts.to_le_bytes());
        out[104..120].copy_from_slice(&self.log_id);
        out[120..136].copy_from_slice(&self.session);
        out[160..192].copy_from_slice(&self.previous_chain);
        out[192..224].copy_from_slice(&self.chain);
        out
    }

    /// Read a header that is said to stand at `offset`.
    ///
    /// # Errors
    /// If anything about it is wrong. Whether it belongs to this file and follows its predecessor is not checked here.
    pub fn decode(bytes: &[u8], offset: u64) -> Result<Self, HeaderError> {
        let Some(bytes) = bytes.first_chunk::<HEADER_LEN>() else { return Err(HeaderError::Magic) };
        if bytes[0..8] != MAGIC {
            return Err(HeaderError::Magic);
        }
        let mut blank = *bytes;
        blank[12..16].fill(0);
        let (expected, actual) = (crc32fast::hash(&blank), u32_at(bytes, 12));
        if expected != actual {
            return Err(HeaderError::Crc { expected, actual });
        }
        let version = u16_at(bytes, 8);
        if version != VERSION {
            return Err(HeaderError::Version { actual: version });
        }
        let kind = u16_at(bytes, 10);
        let header = Self {
            kind: BlockKind::from_id(kind).ok_or(HeaderError::Kind { actual: kind })?,
            sequence: u64_at(bytes, 16),
            offset: u64_at(bytes, 24),
            payload_len: u32_at(bytes, 32),
            payload_crc: u32_at(bytes, 36),
            first_cycle: u64_at(bytes, 40),
            last_cycle: u64_at(bytes, 48),
            epoch_offset: u64_at(bytes, 56),
            keyframe_offset: u64_at(bytes, 64),
            keyframe_cycle: u64_at(bytes, 72),
            durable_offset: u64_at(bytes, 80),
            ring_next: u64_at(bytes, 88),
            items: u32_at(bytes, 96),
            part: u16_at(bytes, 100),
            parts: u16_at(bytes, 102),
            log_id: array_at(bytes, 104),
            session: array_at(bytes, 120),
            previous_chain: array_at(bytes, 160),
            chain: array_at(bytes, 192),
        };
        if header.offset != offset {
            return Err(HeaderError::Offset { actual: header.offset });
        }
        if header.payload_len as usize > PAYLOAD_LEN_MAX {
            return Err(HeaderError::PayloadLen { actual: header.payload_len });
        }
        if header.sequence > offset / PAGE {
            return Err(HeaderError::Sequence { actual: header.sequence });
        }
        if header.part >= header.parts {
            return Err(HeaderError::Part { part: header.part, parts: header.parts });
        }
        Ok(header)
    }

    /// The chain up to and including this block.
    pub fn compute_chain(&self, payload: &[u8]) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(self.previous_chain);
        hash.update(&self.encode_without_crc()[..CHAINED_LEN]);
        hash.update(payload);
        hash.finalize().into()
    }

    /// Fill in length, CRC and chain for `payload`, and append the whole block with its padding to `out`.
    pub fn seal(&mut self, payload: &[u8], out: &mut Vec<u8>) {
        self.payload_len = payload.len() as u32;
        self.payload_crc = crc32fast::hash(payload);
        self.chain = self.compute_chain(payload);
        let start = out.len();
        out.extend_from_slice(&self.encode());
        out.extend_from_slice(payload);
        out.resize(start + self.block_len() as usize, 0);
    }
}

/// The header at `offset`, if a block of this log starts there.
pub(crate) fn read_header(source: &impl ReadAt, offset: u64, log_id: &[u8; 16]) -> Result<Header, LogError> {
    let mut bytes = [0; HEADER_LEN];
    source.read_at(&mut bytes, offset).map_err(LogError::storage("reading a block header", offset))?;
    let header =
        Header::decode(&bytes, offset).map_err(|error| LogError::altered(offset, error.to_string()))?;
    if header.log_id != *log_id {
        return Err(LogError::altered(offset, "a block of another log"));
    }
    Ok(header)
}

/// Read a block's payload into `payload`, and check it against the header.
pub(crate) fn read_payload(
    source: &impl ReadAt,
    header: &Header,
    payload: &mut Vec<u8>,
) -> Result<(), LogError> {
    let offset = header.offset;
    payload.resize(header.payload_len as usize, 0);
    source
        .read_at(payload, offset + HEADER_LEN as u64)
        .map_err(LogError::storage("reading a block's payload", offset))?;
    let crc = crc32fast::hash(payload);
    if crc != header.payload_crc {
        let what = format!("payload CRC is {crc:#010x}, expected {:#010x}", header.payload_crc);
        return Err(LogError::altered(offset, what));
    }
    Ok(())
}

/// The start of the last block of this log that begins before `offset`, looking no further down than `lowest`.
pub(crate) fn header_before(
    source: &impl ReadAt,
    offset: u64,
    lowest: u64,
    log_id: &[u8; 16],
) -> Result<Option<Header>, LogError> {
    let mut at = offset.div_ceil(PAGE).saturating_mul(PAGE);
    while at > lowest {
        at -= PAGE;
        match read_header(source, at, log_id) {
            Ok(header) => return Ok(Some(header)),
            Err(LogError::Altered { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// `N` bytes at `offset`; zeros where there are none. Callers have checked the length.
pub(crate) fn array_at<const N: usize>(bytes: &[u8], offset: usize) -> [u8; N] {
    bytes.get(offset..).and_then(|rest| rest.first_chunk()).copied().unwrap_or([0; N])
}

pub(crate) fn u16_at(bytes: &[u8], offset: usize) -> u16 {
    u16::from_le_bytes(array_at(bytes, offset))
}

pub(crate) fn u32_at(bytes: &[u8], offset: usize) -> u32 {
    u32::from_le_bytes(array_at(bytes, offset))
}

pub(crate) fn u64_at(bytes: &[u8], offset: usize) -> u64 {
    u64::from_le_bytes(array_at(bytes, offset))
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The inverse of [`hex`] for `N` bytes.
pub fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != 2 * N {
        return None;
    }
    let mut out = [0; N];
    for (byte, pair) in out.iter_mut().zip(digits.chunks_exact(2)) {
        let digit = |c: u8| (c as char).to_digit(16);
        *byte = (digit(pair[0])? << 4 | digit(pair[1])?) as u8;
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn header() -> impl Strategy<Value = Header> {
        let words = any::<[u64; 8]>();
        let ids = any::<([u8; 16], [u8; 16], [u8; 32], u32, u16, u16)>();
        (1_u16..=7, any::<u32>(), words, ids).prop_map(|(kind, page, w, ids)| Header {
            kind: BlockKind::from_id(kind).unwrap(),
            sequence: w[0] % (u64::from(page) + 1),
            offset: u64::from(page) * PAGE,
            payload_len: 0,
            payload_crc: 0,
            first_cycle: w[1],
            last_cycle: w[2],
            epoch_offset: w[3],
            keyframe_offset: w[4],
            keyframe_cycle: w[5],
            durable_offset: w[6],
            ring_next: w[7],
            items: ids.3,
            part: ids.4.min(ids.5.saturating_sub(1)),
            parts: ids.5.max(1),
            log_id: ids.0,
            session: ids.1,
            previous_chain: ids.2,
            chain: [0; 32],
        })
    }

    proptest! {
        #[test]
        fn a_sealed_block_reads_back(mut header in header(), payload in prop::collection::vec(any::<u8>(), 0..9000)) {
            let mut block = Vec::new();
            header.seal(&payload, &mut block);
            prop_assert_eq!(block.len() as u64, header.block_len());
            prop_assert_eq!(block.len() as u64 % PAGE, 0);
            prop_assert_eq!(Header::decode(&block, header.offset), Ok(header));
            prop_assert_eq!(&block[HEADER_LEN..HEADER_LEN + payload.len()], &payload[..]);
            prop_assert_eq!(header.compute_chain(&payload), header.chain);
            prop_assert!(Header::decode(&block, header.offset + PAGE).is_err());
        }

        #[test]
        fn any_flipped_bit_is_seen(mut header in header(), bit in 0..HEADER_LEN * 8) {
            let mut block = Vec::new();
            header.seal(b"payload", &mut block);
            block[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(Header::decode(&block, header.offset).is_err());
        }
    }

    #[test]
    fn hexadecimal_there_and_back() {
        assert_eq!(unhex(&hex(&[0x01, 0xaf, 0x70])), Some([0x01, 0xaf, 0x70]));
        assert_eq!(unhex::<2>("12g4"), None);
        assert_eq!(unhex::<2>("123"), None);
    }
}
