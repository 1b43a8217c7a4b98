//! Frames that nobody should send.

use super::bench::{Bench, frame};
use crate::simulated::{frame::Command, registers::*};
use proptest::prelude::*;

fn command() -> impl Strategy<Value = Command> {
    (0_u8..15).prop_map(|byte| Command::from_byte(byte).expect("0 to 14 are commands"))
}

fn offset() -> impl Strategy<Value = u16> {
    prop_oneof![any::<u16>(), 0x0100_u16..0x0140, 0x0500_u16..0x0510, 0x0600_u16..0x0a00, 0x0f00_u16..0x1500]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_bytes_come_back(mut bytes in proptest::collection::vec(any::<u8>(), 0..200), now in any::<u64>()) {
        let mut bench = Bench::new(&["EK1100", "EL3104"]);
        bench.segment.process(&mut bytes, now);
    }

    /// Any datagrams at all, over a configured segment: nothing panics, headers and lengths stay.
    #[test]
    fn any_datagrams_come_back(
        datagrams in proptest::collection::vec(
            (command(), prop_oneof![0_u16..4, 0xfffc_u16..=0xffff, Just(0x10)], offset(),
             proptest::collection::vec(any::<u8>(), 0..160)),
            1..8),
    ) {
        let mut bench = Bench::new(&["EK1100", "EL3104", "EL2008"]);
        bench.bring_up();
        let datagrams: Vec<_> = datagrams.iter().map(|(c, a, o, d)| (*c, *a, *o, d.as_slice())).collect();
        let mut bytes = frame(&datagrams);
        let sent = bytes.clone();
        prop_assert!(bench.segment.process(&mut bytes, bench.now_ns + 1_000));
        prop_assert_eq!(&bytes[12..18], &sent[12..18]);
        for step in 1..50 {
            bench.segment.tick(bench.now_ns + step * 10_000_000);
        }
    }

    /// A cut frame passes without being touched.
    #[test]
    fn cut_frames_change_nothing(cut in 0_usize..60) {
        let mut bench = Bench::new(&["EL1008"]);
        let whole = frame(&[(Command::Bwr, 0, 0x2000, &[1; 20]), (Command::Bwr, 0, 0x2000, &[2; 2])]);
        let mut bytes = whole[..cut.min(whole.len() - 1)].to_vec();
        let sent = bytes.clone();
        bench.segment.process(&mut bytes, 1);
        prop_assert_eq!(bytes, sent);
        prop_assert_eq!(bench.segment.devices()[0].memory()[0x2000], 0);
        prop_assert_eq!(bench.segment.devices()[0].memory()[PROCESSING_ERRORS], 1);
    }
}

#[test]
fn other_protocols_pass_untouched() {
    let mut bench = Bench::new(&["EL1008"]);
    let mut bytes = frame(&[(Command::Brd, 0, 0, &[0])]);
    bytes[12] = 0x08;
    let sent = bytes.clone();
    assert!(bench.segment.process(&mut bytes, 1));
    assert_eq!(bytes, sent);
}
