//! The records of a cycle log as bytes, read without the product's reader: a walk over the blocks that
//! `docs/cycle-log-format.md` describes, and a view of a record by offsets.

use crate::checksum::crc32;
use serde_json::Value;
use std::{fs, path::Path};

const PAGE: usize = 4096;
const HEADER: usize = 256;
const EPOCH: u16 = 1;
const RECORDS: u16 = 3;
const END: u16 = 7;

/// A block of the file.
#[derive(Clone, Debug)]
pub struct Block {
    /// Where its header begins.
    pub offset: usize,
    /// Its kind.
    pub kind: u16,
    /// Bytes behind the header.
    pub len: usize,
    /// Records or slices in it.
    pub items: usize,
}

impl Block {
    /// Where its payload stands.
    pub const fn payload(&self) -> std::ops::Range<usize> {
        self.offset + HEADER..self.offset + HEADER + self.len
    }
}

/// A file in memory.
#[derive(Clone, Debug)]
pub struct RawLog {
    /// All of it.
    pub bytes: Vec<u8>,
    /// Good blocks, up to the first that is none.
    pub blocks: Vec<Block>,
}

/// Sizes that a record's places depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Places {
    /// Bytes of the input image.
    pub inputs: usize,
    /// Bytes of the output image.
    pub outputs: usize,
    /// Number of sync units.
    pub units: usize,
}

impl RawLog {
    /// Read a file; an empty one if there is none.
    ///
    /// # Panics
    /// It cannot be read.
    #[track_caller]
    pub fn read(path: &Path) -> Self {
        let bytes = if path.exists() { fs::read(path).expect("the log can be read") } else { Vec::new() };
        let mut blocks: Vec<Block> = Vec::new();
        let mut at = 0;
        while let Some(block) = block_at(&bytes, at, blocks.len() as u64) {
            at = block.payload().end.next_multiple_of(PAGE);
            blocks.push(block);
        }
        Self { bytes, blocks }
    }

    /// Every record, in file order.
    pub fn records(&self) -> Vec<RawRecord> {
        let mut found = Vec::new();
        for block in self.blocks.iter().filter(|block| block.kind == RECORDS) {
            let payload = &self.bytes[block.payload()];
            let len = payload.len() / block.items.max(1);
            found.extend(payload.chunks_exact(len).map(|record| RawRecord(record.to_vec())));
        }
        found
    }

    /// The descriptions of the epochs, oldest first. Only those that fit into one block.
    ///
    /// # Panics
    /// One is no JSON.
    #[track_caller]
    pub fn epochs(&self) -> Vec<Value> {
        let blocks = self.blocks.iter().filter(|block| block.kind == EPOCH);
        blocks
            .map(|block| serde_json::from_slice(&self.bytes[block.payload()]).expect("an epoch is JSON"))
            .collect()
    }

    /// The sizes of the records of its first epoch.
    ///
    /// # Panics
    /// There is none.
    #[track_caller]
    pub fn places(&self) -> Places {
        let epochs = self.epochs();
        let of = &epochs.first().expect("there is an epoch")["record"];
        let size = |name: &str| of[name].as_u64().expect("a size is a number") as usize;
        Places { inputs: size("inputs_len"), outputs: size("outputs_len"), units: size("sync_units") }
    }

    /// The last block says that the run ended in an orderly way, and nothing stands behind it.
    pub fn ends_orderly(&self) -> bool {
        self.blocks.last().is_some_and(|block| {
            block.kind == END && block.payload().end.next_multiple_of(PAGE) >= self.bytes.len()
        })
    }
}

fn block_at(bytes: &[u8], offset: usize, sequence: u64) -> Option<Block> {
    let header = bytes.get(offset..offset + HEADER)?;
    let whole = [&header[..12], &[0; 4], &header[16..]].concat();
    let good = header.starts_with(b"SNSLOG\x1a\n")
        && u32_at(header, 12) == crc32(&whole)
        && u64_at(header, 16) == sequence;
    let block = Block {
        offset,
        kind: u16_at(header, 10),
        len: u32_at(header, 32) as usize,
        items: u32_at(header, 96) as usize,
    };
    let payload = bytes.get(block.payload())?;
    (good && u32_at(header, 36) == crc32(payload)).then_some(block)
}

/// One record's bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawRecord(pub Vec<u8>);

/// An inbox entry: kind, first argument.
pub type Entry = (u16, i64);

impl RawRecord {
    /// The first cycle after a start.
    pub const FIRST_CYCLE: u32 = 1;
    /// No complete reply came in time.
    pub const LOST: u32 = 1 << 1;
    /// A fault is latched after this cycle.
    pub const FAULTED: u32 = 1 << 3;
    /// The programs ran, and their writes were committed.
    pub const COMMITTED: u32 = 1 << 6;
    /// In Run after this cycle.
    pub const RUNNING: u32 = 1 << 7;
    /// The shutdown is in progress.
    pub const SHUTDOWN: u32 = 1 << 8;

    /// Its cycle.
    pub fn cycle(&self) -> u64 {
        u64_at(&self.0, 0)
    }

    /// All flags.
    pub fn flags(&self) -> u32 {
        u32_at(&self.0, 16)
    }

    /// One of the constants above.
    pub fn is(&self, flag: u32) -> bool {
        self.flags() & flag != 0
    }

    /// Valid sync units, a bit each.
    pub fn valid(&self) -> u32 {
        u32_at(&self.0, 20)
    }

    /// Hash of outputs and state.
    pub fn hash(&self) -> u64 {
        u64_at(&self.0, 24)
    }

    /// The fault that rose in this cycle; 0 for none.
    pub fn fault(&self) -> u16 {
        u16_at(&self.0, 72)
    }

    /// What came in through the inbox.
    pub fn inbox(&self) -> Vec<Entry> {
        let places = (0..usize::from(self.0[71])).map(|place| 88 + 32 * place);
        places.map(|at| (u16_at(&self.0, at), u64_at(&self.0, at + 8).cast_signed())).collect()
    }

    /// The input image.
    pub fn inputs(&self, places: Places) -> &[u8] {
        let start = 216 + (2 * places.units).next_multiple_of(8);
        &self.0[start..start + places.inputs]
    }

    /// The output image.
    pub fn outputs(&self, places: Places) -> &[u8] {
        let start = 216 + (2 * places.units).next_multiple_of(8) + places.inputs;
        &self.0[start..start + places.outputs]
    }
}

/// Little endian, at a place that must be there.
pub(crate) fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

/// As [`u16_at`].
pub(crate) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from(u16_at(bytes, at)) | u32::from(u16_at(bytes, at + 2)) << 16
}

/// As [`u16_at`].
pub(crate) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}
