//! Any text as a program, and changed good ones: check and compiler agree, and what is accepted runs within its bounds.
//!
//! `cargo xtask fuzz program`, or `cargo +nightly fuzz run program` in `scripts`.

#![no_main]

#[path = "../../tests/suite/any_program.rs"]
mod any_program;
#[path = "../../tests/suite/station.rs"]
#[allow(dead_code)]
mod station;
#[path = "../../tests/suite/support.rs"]
#[allow(dead_code)]
mod support;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| match bytes.split_first() {
    Some((0, text)) => {
        any_program::check_program(&String::from_utf8_lossy(text), text);
    }
    Some((_, script)) => {
        any_program::check_program(&any_program::mutated(script), script);
    }
    None => {}
});
