//! Any text as a program, and programs that differ a little from good ones. What must hold is in
//! `suite/any_program.rs`; the fuzz target looks longer.

#[path = "suite/any_program.rs"]
mod any_program;
#[path = "suite/station.rs"]
#[allow(dead_code)]
mod station;
#[path = "suite/support.rs"]
#[allow(dead_code)]
mod support;

use any_program::{check_program, mutated};
use proptest::prelude::*;

#[test]
fn unchanged_programs_are_accepted() {
    let inputs: Vec<u8> = (0..=255).collect();
    for which in 0..4 {
        let text = mutated(&[which]);
        assert!(check_program(&text, &inputs), "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nearly_good_programs(
        script in prop::collection::vec(any::<u8>(), 1..14),
        inputs in prop::collection::vec(any::<u8>(), 0..64),
    ) {
        check_program(&mutated(&script), &inputs);
    }

    #[test]
    fn any_text_at_all(text in any::<String>()) {
        check_program(&text, &[]);
    }
}
