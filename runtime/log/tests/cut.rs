//! What is cut out of a log is a whole log, and begins where a replay can.

mod common;
#[path = "common/simulated.rs"]
mod simulated;

use proptest::prelude::*;
use sensai_log::{LogReader, append::Appender, cut::cut};
use simulated::Run;
use std::sync::LazyLock;

const LAST: u64 = 3_000;

/// Two runs; the second begins behind [`LAST`].
static LOG: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let directory = tempfile::tempdir().unwrap();
    let mut storage = Appender::create(Vec::new(), [9; 16]);
    for (number, cycles) in [LAST, 500].into_iter().enumerate() {
        let ring = directory.path().join(format!("{number}.ring"));
        let mut run = Run::start(storage, &ring, number as u8 + 1).unwrap();
        // Others programs now and then, at times soon after each other.
        run.change_every = 77;
        (0..cycles).for_each(|_| run.cycle());
        run.core.finish(true).unwrap();
        storage = run.core.into_parts().0;
    }
    storage.into_storage()
});

proptest! {
    #[test]
    fn a_cut_is_a_log_that_begins_with_a_keyframe(of in 1..=LAST + 500, before in 0..800_u64, after in 0..400_u64) {
        let log = LogReader::open(&*LOG).unwrap();
        let (found, bytes) = cut(&log, of, of.saturating_sub(before)..=of + after, Vec::new()).unwrap();
        let part = LogReader::open(bytes.as_slice()).unwrap();
        let report = part.verify().unwrap();
        prop_assert!(report.is_good() && report.torn_bytes == 0, "{:?}", report);
        let (run_first, run_last) = if of <= LAST { (1, LAST) } else { (LAST + 1, LAST + 500) };
        let (first, last) = found.cycles;
        prop_assert_eq!(last, (of + after).min(run_last));
        // The newest keyframe may be one of an edition before, where the first one of this edition is not complete yet.
        let wanted = of.saturating_sub(before).max(run_first);
        prop_assert!(first >= run_first && first <= wanted && wanted - first < 200, "{} for {}", first, wanted);
        let mut expected = first;
        for record in part.records(0) {
            let record = record.unwrap();
            prop_assert_eq!(record.view().cycle(), expected);
            prop_assert!(common::is_expected(&record.view()));
            expected += 1;
        }
        prop_assert_eq!((expected, found.records), (last + 1, last + 1 - first));
        match part.keyframe_before(first).unwrap() {
            Some(keyframe) => {
                prop_assert_eq!((Some(keyframe.cycle), keyframe.cycle + 1), (found.keyframe, first));
                let len = keyframe.bytes.len();
                prop_assert_eq!(keyframe.bytes, common::keyframe_of(first - 1, len));
            }
            None => prop_assert_eq!((first, found.keyframe), (run_first, None)),
        }
        let info = part.info().unwrap();
        prop_assert!(info.clean_end && info.file_len == found.bytes);
        let run_start = log.record(run_first).unwrap().epoch.start_utc_ns;
        for (_, epoch) in &info.epochs {
            let original = log.record(epoch.first_cycle).unwrap().epoch;
            prop_assert_eq!(epoch.edition, original.edition);
            let replaced = |of: &sensai_log::Epoch| of.replaced.iter().map(|one| one.content.clone()).collect::<Vec<_>>();
            let pairs = epoch.contents.iter().zip(&original.contents);
            for (content, from) in pairs.chain(replaced(epoch).iter().zip(&replaced(&original))) {
                prop_assert_eq!(part.content(content).unwrap(), log.content(from).unwrap());
            }
            let shift = ((epoch.first_cycle - run_first) * original.interval_ns) as i64;
            prop_assert_eq!(epoch.start_utc_ns - run_start, shift);
        }
        let last_epoch = part.record(last).unwrap().epoch;
        prop_assert_eq!(last_epoch.edition, log.record(last).unwrap().epoch.edition);
    }
}

#[test]
fn what_was_not_recorded_cannot_be_cut_out() {
    let log = LogReader::open(&*LOG).unwrap();
    assert!(cut(&log, LAST + 501, 1..=LAST + 600, Vec::new()).is_err());
    // What lies behind the cycle it is about is of the next run.
    let (found, _) = cut(&log, LAST, LAST + 1..=LAST + 9, Vec::new()).unwrap();
    assert_eq!(found.cycles.1, LAST);
}
