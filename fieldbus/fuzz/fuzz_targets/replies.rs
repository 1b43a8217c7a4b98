//! Any replies to the MainDevice, while it starts and while it runs: it ends in bounded time and takes no invalid data.
//!
//! `cargo xtask fuzz replies`, or `cargo +nightly fuzz run replies` in `fieldbus`.

#![no_main]

#[path = "../../tests/common/any_frames.rs"]
mod any_frames;
#[path = "../../tests/common/mod.rs"]
mod common;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| match bytes.split_first() {
    Some((first, script)) if first & 1 == 1 => any_frames::check_startup(script),
    Some((_, script)) => any_frames::check_exchange(script),
    None => {}
});
