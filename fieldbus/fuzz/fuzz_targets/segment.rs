//! Any frames through the simulated segment: they come back as long as they were, changed only where devices may.
//!
//! `cargo xtask fuzz segment`, or `cargo +nightly fuzz run segment` in `fieldbus`.

#![no_main]

#[path = "../../tests/common/any_frames.rs"]
mod any_frames;
#[path = "../../tests/common/mod.rs"]
mod common;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| any_frames::check_segment(bytes));
