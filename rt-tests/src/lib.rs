//! What the tests of the whole system share: where things are, how `sensai` is run, a bus over a veth pair, a counting
//! allocator, and the house rules.
//!
//! A test that lacks something it needs says so with [`skip!`] and returns; `cargo xtask test` collects those lines.
//! Deliberately absent: anything of the product. These tests use it as its users do; only the bit flips of `replay`
//! call its libraries, because a process for each of them would take hours.

pub mod alloc_guard;
pub mod cells;
pub mod checksum;
pub mod clock;
pub mod eeprom;
pub mod harness;
pub mod named_tests;
pub mod namespace;
pub mod press_model;
pub mod raw_log;
pub mod ring;
pub mod rungs;
pub mod rust_text;
pub mod seeded;
pub mod table;
pub mod tidy;
pub mod trace;

pub use harness::{Output, Profile, run_sensai};
pub use namespace::Namespace;

/// Print `skipped: <test> (<why>)` on one line and return from the test.
///
/// ```no_run
/// # use rt_tests::{harness, skip};
/// # fn scans_real_images() {
/// let Some(shared) = harness::shared() else { skip!("../shared is not there") };
/// # let _ = shared;
/// # }
/// ```
#[macro_export]
macro_rules! skip {
    ($($why:tt)*) => {{
        fn here() {}
        $crate::harness::print_skipped(::std::any::type_name_of_val(&here), &::std::format!($($why)*));
        return;
    }};
}
