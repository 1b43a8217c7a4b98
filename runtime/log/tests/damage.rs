//! A log cut at any byte, or changed anywhere: what is whole comes back, nothing is invented, nothing panics.

mod common;
#[path = "common/simulated.rs"]
mod simulated;

use proptest::prelude::*;
use sensai_log::{
    LogReader,
    append::Appender,
    block::{BlockKind, HEADER_LEN, Header, PAGE},
    csv::{CsvOptions, export},
    patch::{Edit, patch},
};
use std::sync::LazyLock;

/// Two short epochs, with keyframes, texts and ends.
static LOG: LazyLock<Vec<u8>> = LazyLock::new(|| simulated::run(simulated::run(Vec::new(), 150, 1), 130, 2));

fn cases() -> u32 {
    if std::env::var_os("SENSAI_SOAK").is_some() { 20_000 } else { 300 }
}

/// Each block's header, and the last cycle up to there.
static BLOCKS: LazyLock<Vec<(Header, u64)>> = LazyLock::new(|| {
    LogReader::open(&*LOG)
        .unwrap()
        .blocks_from(0)
        .map(|block| {
            let header = block.unwrap().0;
            (header, header.last_cycle)
        })
        .collect()
});

/// The last cycle in the blocks that end no later than `len`.
fn whole_until(len: u64) -> u64 {
    BLOCKS.iter().take_while(|(header, _)| header.end() <= len).last().map_or(0, |(_, cycle)| *cycle)
}

/// Read everything there is; every record must be one of the original's, in order. Returns the last cycle.
fn read_all(bytes: &[u8]) -> Option<u64> {
    let reader = LogReader::open(bytes).ok()?;
    let mut last = 0;
    for record in reader.records(0) {
        let Ok(record) = record else { break };
        assert_eq!(record.view().cycle(), last + 1);
        assert_eq!(record.bytes(), common::expected(last + 1), "invented");
        last += 1;
    }
    for cycle in [1, 75, 150, 151, 200, 280, 1000] {
        if let Ok(Some(keyframe)) = reader.keyframe_before(cycle) {
            assert_eq!(keyframe.bytes, common::keyframe(keyframe.cycle), "invented");
        }
        if let Ok(record) = reader.record(cycle) {
            assert_eq!(record.bytes(), common::expected(cycle), "invented");
        }
    }
    Some(last)
}

/// Everything that can be asked of a log, without expecting an answer.
fn poke(bytes: &[u8]) {
    let Ok(reader) = LogReader::open(bytes) else { return };
    let _ = reader.info();
    let _ = reader.events(0);
    let report = reader.verify();
    if let Ok(epochs) = reader.epochs() {
        for content in epochs.iter().flat_map(|(_, epoch)| &epoch.contents) {
            let _ = reader.content(content);
        }
    }
    for cycle in [0, 1, 100, 150, 151, 280, u64::MAX] {
        let _ = reader.record(cycle);
        let _ = reader.keyframe_at_or_before(cycle);
        let _ = reader.keyframe_before(cycle);
    }
    let _ = export(&reader, &CsvOptions { record_fields: true, ..CsvOptions::default() }, &mut Vec::new());
    drop(report);
    let _ = Appender::open(bytes.to_vec()).map(|(mut appender, recovery)| {
        let first = recovery.last_cycle.max(appender.last_cycle()).saturating_add(1);
        let _ = appender.begin_epoch(&common::spec(first), [8; 16]);
    });
}

#[test]
fn cut_at_every_byte() {
    let full = BLOCKS.last().unwrap();
    assert_eq!(full.1, 280);
    let mut seen = 0;
    for len in 0..=LOG.len() {
        let bytes = &LOG[..len];
        let expected = whole_until(len as u64);
        match LogReader::open(bytes) {
            Err(_) => assert!((len as u64) < BLOCKS[0].0.end(), "nothing came back of {len} bytes"),
            Ok(reader) => {
                let last = reader.block_for(u64::MAX).unwrap();
                assert!(last.is_none());
                // Everything is looked at where blocks and pages end, a glance is enough between them.
                if len % 4096 < 2 || len % 4096 == 4095 {
                    assert_eq!(read_all(bytes), Some(expected), "{len} bytes");
                    assert_eq!(reader.verify().unwrap().bad, None);
                    let (appender, recovery) = Appender::open(bytes.to_vec()).unwrap();
                    assert_eq!(recovery.last_cycle, expected);
                    assert_eq!(recovery.torn_bytes, len as u64 - appender.written_len());
                    seen += 1;
                } else {
                    assert_eq!(
                        reader.records(expected.max(1)).count(),
                        expected.min(1) as usize,
                        "{len} bytes"
                    );
                }
            }
        }
    }
    assert!(seen > 50);
}

/// A write that failed half way and was done again can leave blocks of the first attempt: right in themselves, with
/// the right number at the right place, but followers of something else.
#[test]
fn a_block_of_another_history_is_not_followed() {
    let reader = LogReader::open(&*LOG).unwrap();
    let mut other = Vec::new();
    patch(&reader, &[(3, Edit::SetStateHash(1))], &mut other).unwrap();
    let edited = reader.block_for(3).unwrap().unwrap().sequence as usize;
    for (header, _) in &BLOCKS[edited + 1..] {
        let mut bytes = LOG.clone();
        let range = header.offset as usize..header.end() as usize;
        bytes[range.clone()].copy_from_slice(&other[range]);
        let reader = LogReader::open(&bytes).unwrap();
        let report = reader.verify().unwrap();
        let noticed = report.bad.map_or(report.good_len, |bad| bad.offset);
        assert_eq!(noticed, header.offset, "block {}", header.sequence);
        assert!(read_all(&bytes).unwrap() >= whole_until(header.offset));
    }
}

#[derive(Clone, Debug)]
enum Damage {
    Byte { at: usize, xor: u8 },
    Zero { sector: usize, count: usize },
    Copy { from: usize, to: usize, pages: usize },
    Insert { page: usize },
    Remove { page: usize },
}

fn damage() -> impl Strategy<Value = Damage> {
    let len = LOG.len();
    let (pages, sectors) = (len / 4096, len / 512);
    prop_oneof![
        4 => (0..len, 1_u8..).prop_map(|(at, xor)| Damage::Byte { at, xor }),
        1 => (0..sectors, 1..20_usize).prop_map(|(sector, count)| Damage::Zero { sector, count }),
        1 => (0..pages, 0..pages, 1..4_usize).prop_map(|(from, to, pages)| Damage::Copy { from, to, pages }),
        1 => (0..pages).prop_map(|page| Damage::Insert { page }),
        1 => (0..pages).prop_map(|page| Damage::Remove { page }),
    ]
}

impl Damage {
    fn apply(&self, bytes: &mut Vec<u8>) {
        let len = bytes.len();
        match *self {
            Self::Byte { at, xor } if at < len => bytes[at] ^= xor,
            Self::Zero { sector, count } => {
                let start = (sector * 512).min(len);
                bytes[start..(start + count * 512).min(len)].fill(0);
            }
            Self::Copy { from, to, pages } => {
                let (from, to) = (from * 4096, to * 4096);
                let size = (pages * 4096).min(len.saturating_sub(from)).min(len.saturating_sub(to));
                bytes.copy_within(from.min(len)..from.min(len) + size, to.min(len - size));
            }
            Self::Insert { page } => {
                let at = (page * 4096).min(len);
                bytes.splice(at..at, [0; 4096]);
            }
            Self::Remove { page } if (page + 1) * 4096 <= len => {
                bytes.drain(page * 4096..(page + 1) * 4096);
            }
            Self::Byte { .. } | Self::Remove { .. } => {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn changed_anywhere(damages in prop::collection::vec(damage(), 1..4)) {
        let mut bytes = LOG.clone();
        for damage in &damages {
            damage.apply(&mut bytes);
        }
        let same = LOG.iter().zip(&bytes).take_while(|(old, new)| old == new).count() as u64;
        let whole = whole_until(same);
        match read_all(&bytes) {
            None => prop_assert!(same < BLOCKS[0].0.end(), "whole blocks were lost"),
            Some(last) => prop_assert!(last >= whole, "{last} of {whole}"),
        }
        if let Ok(reader) = LogReader::open(&bytes) {
            let report = reader.verify().unwrap();
            if bytes != *LOG {
                prop_assert!(report.bad.is_some() || report.torn_bytes > 0 || report.good_len < LOG.len() as u64);
                prop_assert!(report.bad.is_none_or(|bad| bad.offset <= same), "the first bad block is named");
            }
        }
        poke(&bytes);
    }

    /// Headers and payloads that are wrong but carry right CRCs and chains, as another program might write them.
    #[test]
    fn wrong_and_well_sealed(
        which in any::<prop::sample::Index>(),
        field in 0..14_usize,
        value in prop_oneof![any::<u64>(), 0_u64..300, (0_u64..40).prop_map(|page| page * PAGE), Just(u64::MAX)],
        byte in any::<Option<(prop::sample::Index, u8)>>(),
    ) {
        let index = which.index(BLOCKS.len());
        let mut header = BLOCKS[index].0;
        let start = header.offset as usize;
        let mut payload = LOG[start + HEADER_LEN..][..header.payload_len as usize].to_vec();
        if let (Some((at, value)), false) = (byte, payload.is_empty()) {
            let at = at.index(payload.len());
            payload[at] = value;
        }
        match field {
            0 => header.kind = BlockKind::from_id((value % 8) as u16).unwrap_or(BlockKind::End),
            1 => header.sequence = value,
            2 => header.first_cycle = value,
            3 => header.last_cycle = value,
            4 => header.epoch_offset = value,
            5 => header.keyframe_offset = value,
            6 => header.keyframe_cycle = value,
            7 => header.durable_offset = value,
            8 => header.ring_next = value,
            9 => header.items = value as u32,
            10 => header.part = value as u16,
            11 => header.parts = value as u16,
            12 => payload.truncate(value as usize % (payload.len() + 1)),
            _ => header.session = [value as u8; 16],
        }
        let mut bytes = LOG.clone();
        let mut block = Vec::new();
        header.seal(&payload, &mut block);
        let end = (start + block.len()).min(bytes.len());
        bytes[start..end].copy_from_slice(&block[..end - start]);
        // The rest of the chain, so that reading goes on behind the change.
        let mut chain = header.chain;
        for (header, _) in &BLOCKS[index + 1..] {
            let mut header = *header;
            let at = header.offset as usize;
            let payload = LOG[at + HEADER_LEN..][..header.payload_len as usize].to_vec();
            header.previous_chain = chain;
            block.clear();
            header.seal(&payload, &mut block);
            chain = header.chain;
            bytes[at..at + block.len()].copy_from_slice(&block);
        }
        poke(&bytes);
    }

    #[test]
    fn no_bytes_at_all_make_sense_and_none_panic(bytes in prop::collection::vec(any::<u8>(), 0..9000)) {
        poke(&bytes);
    }
}
