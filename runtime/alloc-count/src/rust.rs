//! Rust's side: a global allocator that counts and hands on to the system's.
#![allow(unsafe_code)]

use crate::{COUNTERS, Counters};
use std::alloc::{GlobalAlloc, Layout, System};

/// [`System`], counted. Costs one thread-local increment a call.
#[derive(Clone, Copy, Debug, Default)]
pub struct CountingAllocator;

/// Call the system's allocator without its C calls being counted a second time.
fn uncounted<R>(counters: &Counters, call: impl FnOnce() -> R) -> R {
    let outer = counters.in_rust.replace(true);
    let result = call();
    counters.in_rust.set(outer);
    result
}

// SAFETY: every method hands its arguments unchanged to `System`, which upholds the contract; counting touches only
// thread-local cells and neither allocates nor unwinds.
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNTERS.with(|counters| {
            counters.allocated(&counters.rust);
            // SAFETY: the caller keeps `GlobalAlloc::alloc`'s contract, which is `System`'s.
            uncounted(counters, || unsafe { System.alloc(layout) })
        })
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        COUNTERS.with(|counters| {
            counters.allocated(&counters.rust);
            // SAFETY: the caller keeps `GlobalAlloc::alloc_zeroed`'s contract, which is `System`'s.
            uncounted(counters, || unsafe { System.alloc_zeroed(layout) })
        })
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        COUNTERS.with(|counters| {
            counters.allocated(&counters.rust);
            // SAFETY: `block` came from `System` through this allocator; the caller keeps the rest of the contract.
            uncounted(counters, || unsafe { System.realloc(block, layout, new_size) })
        })
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        COUNTERS.with(|counters| {
            counters.freed();
            // SAFETY: `block` came from `System` through this allocator with this layout.
            uncounted(counters, || unsafe { System.dealloc(block, layout) });
        });
    }
}
