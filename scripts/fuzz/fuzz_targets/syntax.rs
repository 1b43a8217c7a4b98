//! Any text, programs from the grammar, and those with changes: to our parser they are what they are to Rhai's.
//!
//! `cargo xtask fuzz syntax`, or `cargo +nightly fuzz run syntax` in `scripts`.

#![no_main]

#[path = "../../tests/parser/differences.rs"]
#[allow(dead_code)]
mod differences;
#[path = "../../tests/parser/generator.rs"]
mod generator;
#[path = "../../tests/parser/mutants.rs"]
mod mutants;
#[path = "../../tests/parser/oracle.rs"]
mod oracle;
#[path = "../../tests/parser/random.rs"]
mod random;
#[path = "../../tests/parser/rhai_tree.rs"]
mod rhai_tree;

use libfuzzer_sys::fuzz_target;
use oracle::Oracle;
use random::Random;
use std::cell::RefCell;

thread_local! {
    static ORACLE: RefCell<Oracle> = RefCell::new(Oracle::new());
}

fuzz_target!(|bytes: &[u8]| {
    let Some((kind, rest)) = bytes.split_first() else { return };
    let mut random = Random::scripted(rest);
    let text = match kind % 3 {
        0 => String::from_utf8_lossy(rest).into_owned(),
        1 => generator::program(&mut random),
        _ => {
            let program = generator::program(&mut random);
            mutants::mutant(&mut random, &program)
        }
    };
    if let Err(problem) = ORACLE.with_borrow_mut(|oracle| oracle.check(&text)) {
        panic!("{problem}");
    }
});
