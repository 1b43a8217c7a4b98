//! Every test binary of this crate counts its heap allocations, Rust's and C's, per thread.

use sensai_alloc_count::CountingAllocator;
pub use sensai_alloc_count::{Counts, Excused, excuse, thread_counts};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

/// What `work` gives, and what it asked of the heap on this thread.
pub fn counting<R>(work: impl FnOnce() -> R) -> (R, Counts) {
    let before = thread_counts();
    let result = work();
    (result, thread_counts() - before)
}

/// What `work` gives.
///
/// # Panics
/// It allocated or freed anything outside of [`excuse`].
#[track_caller]
pub fn assert_quiet<R>(work: impl FnOnce() -> R) -> R {
    let (result, counts) = counting(work);
    assert!(counts.is_quiet(), "the heap was used: {counts:?}");
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::hint::black_box;

    #[test]
    fn quiet_work_passes() {
        assert_eq!(assert_quiet(|| black_box(2) + black_box(3)), 5);
        let boxed = assert_quiet(|| excuse(|| Box::new(black_box(7))));
        assert_eq!(*boxed, 7);
    }

    #[test]
    #[should_panic(expected = "the heap was used: Counts { rust: 1")]
    fn a_box_is_caught() {
        assert_quiet(|| black_box(Box::new(black_box(7))));
    }
}
