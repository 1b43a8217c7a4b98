//! Any changes of a left-over ring, sealed and not: opening the log beside it succeeds and leaves a good log.
//!
//! `cargo xtask fuzz ring`, or `cargo +nightly fuzz run ring` in `runtime/log`.

#![no_main]

#[path = "../../tests/common/any_log.rs"]
mod any_log;
#[path = "../../tests/common/mod.rs"]
mod common;
#[path = "../../tests/common/simulated.rs"]
mod simulated;

use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;
use tempfile::TempDir;

/// A folder to work in, in memory where there is such a file system; then a log and its ring.
static KILLED: LazyLock<(TempDir, Vec<u8>, Vec<u8>)> = LazyLock::new(|| {
    let directory = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a folder");
    let (log, ring) = any_log::killed_run(directory.path());
    (directory, log, ring)
});

fuzz_target!(|bytes: &[u8]| {
    let (directory, log, ring) = &*KILLED;
    any_log::check_ring(directory.path(), log, &any_log::edited_ring(ring, bytes));
});
