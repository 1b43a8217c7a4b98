//! What a debugger shows is what the program does: the typed tree, run statement by statement, against compiled code.

use script_fuzz::{
    campaign::{self, Plan},
    tiers::DEBUGGER,
};

#[test]
fn the_debugger_says_what_compiled_code_does() {
    let summary = campaign::run(
        Plan { start: 1, seeds: 400, jobs: 2, differences: Plan::DIFFERENCES, progress: false },
        DEBUGGER,
    );
    let first = summary.differences.first().map(|found| (found.seed, found.difference.clone()));
    assert!(first.is_none(), "seed and difference: {first:?}");
    assert_eq!(summary.programs, 400);
    assert!(summary.faulted > 0, "some of the programs fail, and in the same place");
}
