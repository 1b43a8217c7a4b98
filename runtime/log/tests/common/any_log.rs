//! What holds of any log file and any left-over ring, and how bytes become one that is wrong but well sealed.
//! The tests and the fuzz targets share it.
#![allow(dead_code)]

use crate::common;
use crate::simulated::Run;
use sensai_log::{
    CycleLog, LogOptions, LogReader,
    append::Appender,
    block::{BlockKind, Header},
    csv::{CsvOptions, export},
    patch::{Edit, patch},
    payload::Slice,
    ring::{self, Leftover},
};
use std::path::Path;

/// Everything that can be asked of a log. It panics where an answer contradicts another.
pub fn check_log(bytes: &[u8]) {
    let Ok(reader) = LogReader::open(bytes) else { return };
    let report = reader.verify().expect("memory can be read");
    assert!(report.good_len <= bytes.len() as u64 && report.file_len == bytes.len() as u64);
    let cycles = check_records(&reader);
    if report.is_good() {
        assert_eq!(cycles.as_ref().map(|cycles| cycles.len() as u64), Ok(report.records));
    }
    for cycle in [0, 1, 20, 30, 31, 1000, u64::MAX] {
        if let Ok(record) = reader.record(cycle) {
            assert_eq!(record.view().cycle(), cycle);
        }
        let at_or_before = reader.keyframe_at_or_before(cycle);
        assert!(at_or_before.ok().flatten().is_none_or(|keyframe| keyframe.cycle <= cycle));
        let before = reader.keyframe_before(cycle);
        assert!(before.ok().flatten().is_none_or(|keyframe| keyframe.cycle <= cycle.saturating_sub(1)));
    }
    let _ = (reader.info(), reader.events(0));
    for (_, epoch) in reader.epochs().unwrap_or_default() {
        for content in &epoch.contents {
            let stored = reader.content(content);
            assert!(
                stored.is_ok() || !report.is_good() || report.torn_bytes > 0,
                "verified, but not readable"
            );
        }
    }
    let options = CsvOptions { record_fields: true, ..CsvOptions::default() };
    if let (Ok(rows), Ok(cycles)) = (export(&reader, &options, &mut Vec::new()), &cycles) {
        assert_eq!(rows, cycles.len() as u64);
    }
    let first = cycles.as_ref().ok().and_then(|cycles| cycles.first());
    let edits: Vec<_> = first.map(|cycle| (*cycle, Edit::SetStateHash(7))).into_iter().collect();
    let mut copy = Vec::new();
    if patch(&reader, &edits, &mut copy).is_ok() && report.is_good() {
        let copied = LogReader::open(&copy).expect("a copy of a good log");
        assert_eq!(check_records(&copied).ok(), cycles.ok());
    }
    check_appending(bytes);
}

/// The recorded cycles, or that reading stopped at something damaged.
fn check_records(reader: &LogReader<impl sensai_log::storage::ReadAt>) -> Result<Vec<u64>, ()> {
    let mut cycles: Vec<u64> = Vec::new();
    for record in reader.records(0) {
        let cycle = record.map_err(drop)?.view().cycle();
        assert!(cycles.last().is_none_or(|last| *last < cycle), "cycle {cycle} is out of order");
        cycles.push(cycle);
    }
    Ok(cycles)
}

/// A log that can be opened for a run can be gone on with, and is whole up to there.
fn check_appending(bytes: &[u8]) {
    let Ok((mut appender, recovery)) = Appender::open(bytes.to_vec()) else { return };
    assert_eq!(recovery.last_cycle, appender.last_cycle());
    let next = appender.last_cycle().saturating_add(1);
    if appender.begin_epoch(&common::spec(next), [8; 16]).is_ok() {
        let stored = appender.into_storage();
        let reader = LogReader::open(&stored).expect("a log was just written");
        let newest = reader.epochs_back().next().expect("an epoch was just begun").expect("it is good");
        assert_eq!(newest.1.session.0, [8; 16]);
    }
}

/// A short log of two runs with keyframes, texts and ends.
pub fn small_log() -> Vec<u8> {
    crate::simulated::run(crate::simulated::run(Vec::new(), 20, 1), 10, 2)
}

/// The blocks of a good log.
pub fn blocks(log: &[u8]) -> Vec<(Header, Vec<u8>)> {
    let reader = LogReader::open(log).expect("a good log");
    reader.blocks_from(0).map(|block| block.expect("a good log")).collect()
}

/// Bytes read one after the other; zero behind the end.
struct Script<'a>(&'a [u8]);

impl Script<'_> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let (head, rest) = self.0.split_at(self.0.len().min(N));
        self.0 = rest;
        let mut out = [0; N];
        out[..head.len()].copy_from_slice(head);
        out
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::from(u16::from_le_bytes(self.take())) % limit.max(1)
    }

    fn bytes(&mut self) -> &[u8] {
        let [len] = self.take();
        let (head, rest) = self.0.split_at(self.0.len().min(usize::from(len)));
        self.0 = rest;
        head
    }
}

/// `blocks` with the changes that `script` asks for, under CRCs and a chain that are right: a checksum is nothing
/// that is guessed, and another program might write such a log.
pub fn edited(blocks: &[(Header, Vec<u8>)], script: &[u8]) -> Vec<u8> {
    let mut blocks = blocks.to_vec();
    let mut script = Script(script);
    let [moves] = script.take();
    while !script.0.is_empty() && !blocks.is_empty() {
        edit(&mut blocks, &mut script);
    }
    let mut log = Vec::new();
    let mut chain = [0; 32];
    for (number, (header, payload)) in blocks.iter_mut().enumerate() {
        if moves & 1 == 0 {
            (header.sequence, header.offset) = (number as u64, log.len() as u64);
        }
        header.previous_chain = chain;
        header.seal(payload, &mut log);
        chain = header.chain;
    }
    log.truncate(log.len() - script.below(2) * log.len().min(usize::from(moves)));
    log
}

fn edit(blocks: &mut Vec<(Header, Vec<u8>)>, script: &mut Script<'_>) {
    let [what] = script.take();
    let index = script.below(blocks.len());
    let (header, payload) = &mut blocks[index];
    match what % 8 {
        0 => edit_header(header, script),
        1 => {
            let at = script.below(payload.len());
            for (old, new) in payload.iter_mut().skip(at).zip(script.bytes()) {
                *old = *new;
            }
        }
        2 => {
            let at = script.below(payload.len() + 1);
            payload.splice(at..at, script.bytes().iter().copied());
        }
        3 => {
            let at = script.below(payload.len() + 1);
            let end = (at + script.below(600)).min(payload.len());
            payload.drain(at..end);
        }
        4 => *payload = script.bytes().to_vec(),
        5 => drop(blocks.remove(index)),
        6 => {
            let other = script.below(blocks.len());
            blocks.swap(index, other);
        }
        // Twice, but not without end.
        _ => {
            let again = blocks[index].clone();
            let to = script.below(blocks.len() + 1);
            if blocks.len() < 60 {
                blocks.insert(to, again);
            }
        }
    }
}

fn edit_header(header: &mut Header, script: &mut Script<'_>) {
    let [field] = script.take();
    let value = match field >> 4 {
        0 => u64::from_le_bytes(script.take()),
        1 => 4096 * u64::from(script.take::<1>()[0]),
        2 => u64::MAX,
        _ => u64::from(script.take::<1>()[0]),
    };
    match field & 15 {
        0 | 1 => header.kind = BlockKind::from_id((value % 8) as u16).unwrap_or(BlockKind::End),
        2 => header.sequence = value,
        3 => header.offset = value,
        4 => header.first_cycle = value,
        5 => header.last_cycle = value,
        6 => header.epoch_offset = value,
        7 => header.keyframe_offset = value,
        8 => header.keyframe_cycle = value,
        9 => header.durable_offset = value,
        10 => header.ring_next = value,
        11 => header.items = value as u32,
        12 => header.part = value as u16,
        13 => header.parts = value as u16,
        14 => header.session = [value as u8; 16],
        _ => header.log_id = [value as u8; 16],
    }
}

/// What a killed run leaves: the log's bytes and those of its ring, in which records wait that the log lacks.
pub fn killed_run(directory: &Path) -> (Vec<u8>, Vec<u8>) {
    let path = directory.join("killed.ring");
    let appender = Appender::create(Vec::new(), [9; 16]);
    let mut run = Run::start(appender, &path, 3).expect("a run");
    for _ in 0..46 {
        run.cycle();
    }
    let bytes = std::fs::read(&path).expect("a ring");
    (run.core.into_parts().0.into_storage(), bytes)
}

/// `ring` with only its last eight slots, so that it is cheap to write, with the changes that `script` asks for, and
/// with right CRCs if it wants them.
pub fn edited_ring(ring: &[u8], script: &[u8]) -> Vec<u8> {
    let mut script = Script(script);
    let [seal] = script.take();
    let number = |at: usize| u64::from_le_bytes(ring[at..at + 8].try_into().expect("eight bytes"));
    let (slots, slot_len, head) = (number(40), number(48) as usize, number(128));
    let slot = |sequence: u64, of: u64| {
        let start = ring::HEADER_LEN + (sequence % of) as usize * slot_len;
        start..start + slot_len
    };
    let mut bytes = ring[..ring::HEADER_LEN + 8 * slot_len].to_vec();
    bytes[40..48].copy_from_slice(&8_u64.to_le_bytes());
    for sequence in head.saturating_sub(8)..head {
        bytes[slot(sequence, 8)].copy_from_slice(&ring[slot(sequence, slots)]);
    }
    while !script.0.is_empty() {
        // Header, counters and the slots' heads are where it matters; and whole slices and events.
        let at = match script.take::<1>()[0] {
            0 => script.below(64),
            1 => 128 * (1 + script.below(3)),
            2 => ring::HEADER_LEN + slot_len * script.below(8) + script.below(56),
            3 => {
                let sequence = head.saturating_sub(1 + script.below(8) as u64);
                put_payload(&mut bytes[slot(sequence, 8)], &mut script);
                continue;
            }
            _ => script.below(bytes.len()),
        };
        for (old, new) in bytes.iter_mut().skip(at).zip(script.bytes()) {
            *old = *new;
        }
    }
    if seal & 1 == 0 {
        let crc = crc32fast::hash(&bytes[..60]);
        bytes[60..64].copy_from_slice(&crc.to_le_bytes());
        for slot in bytes[ring::HEADER_LEN..].chunks_exact_mut(slot_len) {
            let len = u32::from_le_bytes(slot[12..16].try_into().expect("four bytes")) as usize;
            let Some(payload) = slot.get(ring::SLOT_HEADER_LEN..).and_then(|rest| rest.get(..len)) else {
                continue;
            };
            let mut crc = crc32fast::Hasher::new();
            crc.update(&slot[..20]);
            crc.update(payload);
            let crc = crc.finalize();
            slot[20..24].copy_from_slice(&crc.to_le_bytes());
        }
    }
    bytes
}

/// A slice or an event into a slot.
fn put_payload(slot: &mut [u8], script: &mut Script<'_>) {
    let [kind, cycle, total] = script.take();
    let offset = if kind & 2 == 0 { 0 } else { u32::from(script.take::<1>()[0]) };
    let data = script.bytes();
    let total_len = if total == 0 {
        common::KEYFRAME_LEN as u32
    } else {
        offset + data.len() as u32 + u32::from(total - 1)
    };
    let mut payload = [0; 600];
    let len = if kind & 1 == 0 {
        let slice = Slice { cycle: cycle.into(), total_len, offset, crc: crc32fast::hash(data), data };
        slice.write(&mut payload).expect("600 bytes are enough")
    } else {
        payload[0] = cycle;
        payload[10..10 + data.len()].copy_from_slice(data);
        10 + data.len()
    };
    slot[8..10].copy_from_slice(&(2 + u16::from(kind & 1)).to_le_bytes());
    slot[12..16].copy_from_slice(&(len as u32).to_le_bytes());
    slot[ring::SLOT_HEADER_LEN..][..len].copy_from_slice(&payload[..len]);
}

/// A log is opened for a run beside a left-over ring: whatever the ring holds, the log stays a good one.
pub fn check_ring(directory: &Path, log: &[u8], ring: &[u8]) {
    let path = directory.join("a.snlog");
    std::fs::write(&path, log).expect("a log");
    let ring_path = ring::path_for(&path.canonicalize().expect("it is there"), Some(directory));
    std::fs::write(&ring_path, ring).expect("a ring");
    if let Ok(Leftover::Found(_, consumer)) = ring::open_leftover(&ring_path) {
        let (geometry, available) = (consumer.geometry(), consumer.available());
        assert!(geometry.file_len() == ring.len() as u64);
        assert!(available.end - available.start <= geometry.slots());
        for sequence in available.clone().chain([available.end, u64::MAX]) {
            let slot = consumer.slot(sequence);
            assert!(slot.is_none_or(|slot| {
                available.contains(&slot.sequence) && slot.payload.len() <= geometry.payload_len()
            }));
        }
    }
    let options = LogOptions { ring_directory: Some(directory.to_owned()), ..LogOptions::default() };
    let before = LogReader::open(log).expect("a good log").verify().expect("memory can be read");
    let opened = CycleLog::open(&path, options).expect("a good log beside any ring");
    let recovery = opened.recovery().clone();
    drop(opened);
    let reader = LogReader::open_file(&path).expect("a good log");
    let after = reader.verify().expect("it can be read");
    assert_eq!(after.bad, None);
    assert_eq!(after.records, before.records + recovery.ring_records);
    assert_eq!(after.cycles.map_or(0, |(_, last)| last), recovery.last_cycle);
    assert_eq!(check_records(&reader).map(|cycles| cycles.len() as u64), Ok(after.records));
}
