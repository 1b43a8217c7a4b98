//! Any frames into the segment, any replies to the MainDevice. What must hold is in `common/any_frames.rs`; the fuzz
//! targets look longer.

#[path = "common/any_frames.rs"]
mod any_frames;
mod common;

use any_frames::{check_exchange, check_segment, check_startup};
use proptest::prelude::*;

fn script(len: usize) -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop_oneof![any::<u8>(), 0_u8..24], 0..len)
}

#[test]
fn a_good_wire_passes() {
    check_segment(&[]);
    check_exchange(&[]);
    check_startup(&[]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn frames_one_after_the_other(script in script(400)) {
        check_segment(&script);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn replies_while_running(script in script(300)) {
        check_exchange(&script);
    }

    #[test]
    fn replies_while_starting(script in script(100)) {
        check_startup(&script);
    }
}
