//! Logs and left-over rings that are wrong and well sealed, in every place at once. What must hold of them is in
//! `common/any_log.rs`; the fuzz targets look longer.

#[path = "common/any_log.rs"]
mod any_log;
mod common;
#[path = "common/simulated.rs"]
mod simulated;

use any_log::{blocks, check_log, check_ring, edited, edited_ring, killed_run, small_log};
use proptest::prelude::*;
use sensai_log::{LogReader, block::Header};
use std::sync::LazyLock;

static BLOCKS: LazyLock<Vec<(Header, Vec<u8>)>> = LazyLock::new(|| blocks(&small_log()));

static KILLED: LazyLock<(Vec<u8>, Vec<u8>)> =
    LazyLock::new(|| killed_run(tempfile::tempdir().unwrap().path()));

fn script() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop_oneof![any::<u8>(), 0_u8..24], 0..60)
}

#[test]
fn without_a_change_it_is_the_same_log() {
    assert_eq!(edited(&BLOCKS, &[]), small_log());
    check_log(&small_log());
    assert_eq!(LogReader::open(&small_log()).unwrap().verify().unwrap().records, 30);
}

/// A tag that begins with a value of another type.
#[test]
fn a_tag_of_two_types_is_refused() {
    check_log(&edited(&BLOCKS, &[0, 3, 182, 10, 237, 3, 183, 38, 16, 18, 114, 0, 0, 0, 0, 0]));
}

#[test]
fn a_killed_run_is_taken_over_from_its_ring() {
    let directory = tempfile::tempdir().unwrap();
    let (log, ring) = KILLED.clone();
    let missing = 46 - LogReader::open(&log).unwrap().verify().unwrap().records;
    assert!(missing > 0 && missing < 46, "the ring has something that the log lacks");
    for ring in [edited_ring(&ring, &[]), ring] {
        check_ring(directory.path(), &log, &ring);
        let after = LogReader::open_file(&directory.path().join("a.snlog")).unwrap().verify().unwrap();
        assert_eq!(after.records, 46);
    }
}

/// Nothing protects the counters, and a wrong one can be as large as it likes.
#[test]
fn counters_at_their_end_are_no_way_out() {
    let directory = tempfile::tempdir().unwrap();
    let (log, ring) = &*KILLED;
    let mut ring = edited_ring(ring, &[]);
    ring[128..136].copy_from_slice(&u64::MAX.to_le_bytes());
    ring[256..264].copy_from_slice(&(u64::MAX - 3).to_le_bytes());
    check_ring(directory.path(), log, &ring);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_sealed_log_contradicts_itself(script in script()) {
        check_log(&edited(&BLOCKS, &script));
    }

    #[test]
    fn no_ring_spoils_the_log(script in script()) {
        let directory = tempfile::tempdir().unwrap();
        let (log, ring) = &*KILLED;
        check_ring(directory.path(), log, &edited_ring(ring, &script));
    }
}
