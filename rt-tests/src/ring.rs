//! What a killed process has committed, seen without the product: the ring's file in shared memory, read by the layout
//! that `runtime/log/src/ring.rs` documents.
//!
//! `head` counts the slots that were committed. Slots that the writer has taken out since stay in the file until they
//! are overwritten, so that the last few thousand commits of a run can be seen byte by byte.

use crate::{
    checksum::crc32,
    raw_log::{RawRecord, u16_at, u32_at, u64_at},
};
use std::{
    fs,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

const HEADER: usize = 4096;
const SLOT_HEADER: usize = 24;
const RECORD: u16 = 1;

/// A ring file, as it lay there.
#[derive(Clone, Debug)]
pub struct Ring {
    /// Where it lies.
    pub path: PathBuf,
    /// Process that filled it.
    pub process: u32,
    /// Slots committed since the run began.
    pub head: u64,
    /// Slots that the writer has taken out.
    pub tail: u64,
    /// Records that found it full.
    pub dropped: u64,
    /// The first slot that is still there; 0: all of them are.
    pub first: u64,
    /// Records in the slots that are still there, oldest first.
    pub records: Vec<RawRecord>,
}

impl Ring {
    /// The ring that this process filled, if it came so far.
    ///
    /// # Panics
    /// It is there and damaged: a committed slot has a wrong number or checksum.
    #[track_caller]
    pub fn of(process: u32) -> Option<Self> {
        paths().into_iter().find_map(|path| {
            // Between listing and reading, a run elsewhere on this machine may end and take its ring away.
            let bytes = fs::read(&path).ok()?;
            Self::header(&bytes).filter(|of| *of == process).map(|_| Self::parse(path, &bytes))
        })
    }

    /// The process a file names, if it is a ring.
    fn header(bytes: &[u8]) -> Option<u32> {
        let good = bytes.len() >= 256
            && bytes.starts_with(b"SNSRING\n")
            && u32_at(bytes, 8) == 1
            && u32_at(bytes, 60) == crc32(&bytes[..60]);
        good.then(|| u32_at(bytes, 12))
    }

    #[track_caller]
    fn parse(path: PathBuf, bytes: &[u8]) -> Self {
        let (slots, slot_len) = (u64_at(bytes, 40), u32_at(bytes, 48) as usize);
        let [head, tail, dropped] = [128, 256, 384].map(|at| u64_at(bytes, at));
        assert!(tail <= head && head - tail <= slots, "{}: head {head}, tail {tail}", path.display());
        // The slot that comes next may have been half written when the process was killed.
        let first = (head + 1).saturating_sub(slots);
        let mut records = Vec::new();
        for sequence in first..head {
            let start = HEADER + (sequence % slots) as usize * slot_len;
            let slot = &bytes[start..start + slot_len];
            let len = u32_at(slot, 12) as usize;
            let payload = &slot[SLOT_HEADER..SLOT_HEADER + len];
            assert_eq!(u64_at(slot, 0), sequence, "{}: a committed slot has another number", path.display());
            let whole = [&slot[..20], payload].concat();
            assert_eq!(u32_at(slot, 20), crc32(&whole), "{}: slot {sequence}", path.display());
            if u16_at(slot, 8) == RECORD {
                records.push(RawRecord(payload.to_vec()));
            }
        }
        Self { process: u32_at(bytes, 12), path, head, tail, dropped, first, records }
    }

    /// The newest record of a run that goes on, without the checks: it may be overwritten meanwhile. Reads a few slots
    /// only, so that asking often does not disturb the run.
    pub fn peek(process: u32) -> Option<RawRecord> {
        paths().into_iter().find_map(|path| {
            let file = fs::File::open(path).ok()?;
            let mut header = [0; 256];
            file.read_exact_at(&mut header, 0).ok()?;
            Self::header(&header).filter(|of| *of == process)?;
            let (slots, slot_len, head) =
                (u64_at(&header, 40), u32_at(&header, 48) as usize, u64_at(&header, 128));
            let mut slot = vec![0; slot_len];
            (head.saturating_sub(4)..head).rev().find_map(|sequence| {
                let start = HEADER as u64 + sequence % slots * slot_len as u64;
                file.read_exact_at(&mut slot, start).ok()?;
                let payload = slot.get(SLOT_HEADER..SLOT_HEADER + u32_at(&slot, 12) as usize)?;
                (u16_at(&slot, 8) == RECORD).then(|| RawRecord(payload.to_vec()))
            })
        })
    }
}

/// Every ring of this machine.
fn paths() -> Vec<PathBuf> {
    let Ok(files) = fs::read_dir(Path::new("/dev/shm")) else { return Vec::new() };
    files
        .filter_map(|file| Some(file.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "ring"))
        .collect()
}
