//! Any bytes as a log, and any changes of a good log under right checksums: reading, verifying, exporting, patching and
//! going on with it return, and their answers agree.
//!
//! `cargo xtask fuzz log`, or `cargo +nightly fuzz run log` in `runtime/log`.

#![no_main]

#[path = "../../tests/common/any_log.rs"]
mod any_log;
#[path = "../../tests/common/mod.rs"]
mod common;
#[path = "../../tests/common/simulated.rs"]
mod simulated;

use libfuzzer_sys::fuzz_target;
use sensai_log::block::Header;
use std::sync::LazyLock;

static BLOCKS: LazyLock<Vec<(Header, Vec<u8>)>> = LazyLock::new(|| any_log::blocks(&any_log::small_log()));

fuzz_target!(|bytes: &[u8]| {
    any_log::check_log(bytes);
    any_log::check_log(&any_log::edited(&BLOCKS, bytes));
});
