//! Counts heap allocations, per thread, for Rust and for C.
//!
//! The cyclic thread must not allocate after its warm-up. This crate makes that a number which a run reports and a
//! test compares with zero. Make [`CountingAllocator`] the `#[global_allocator]` of a binary, and read
//! [`thread_counts`] before and after:
//!
//! ```
//! use sensai_alloc_count::{CountingAllocator, excuse, thread_counts};
//!
//! #[global_allocator]
//! static ALLOCATOR: CountingAllocator = CountingAllocator;
//!
//! let before = thread_counts();
//! let text = String::from("on the heap");
//! excuse(|| drop(vec![1, 2, 3]));
//! let counts = thread_counts() - before;
//! assert_eq!((counts.rust, counts.excused), (1, 1));
//! # drop(text);
//! ```
//!
//! With the feature `c-malloc` the entry points of the C allocator are counted too, so that a library which calls
//! `malloc` behind Rust's back is seen. That works on glibc; elsewhere [`C_COUNTED`] is false and [`Counts::c`] stays 0.
//!
//! Deliberately absent: totals over threads (they would need atomics shared with the cycle), sizes, call sites, and
//! memory taken straight from the kernel (`mmap`, `brk`).

#[cfg(all(feature = "c-malloc", target_os = "linux", target_env = "gnu"))]
mod c_malloc;
mod rust;

pub use rust::CountingAllocator;

use std::{cell::Cell, marker::PhantomData, ops::Sub};

/// Whether [`Counts::c`] means anything in this build.
pub const C_COUNTED: bool = cfg!(all(feature = "c-malloc", target_os = "linux", target_env = "gnu"));

/// What one thread asked of the heap since it started. A reallocation counts as one allocation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Allocations through Rust's global allocator, outside [`excuse`].
    pub rust: u64,
    /// Allocations by C code, outside [`excuse`]. Those that Rust's allocator makes are not counted again.
    pub c: u64,
    /// Allocations of either kind inside [`excuse`].
    pub excused: u64,
    /// Blocks given back, of either kind, outside [`excuse`]. Freeing can lock and call the kernel just as well.
    pub frees: u64,
}

impl Counts {
    /// Neither allocated nor freed anything outside [`excuse`].
    pub const fn is_quiet(&self) -> bool {
        self.rust == 0 && self.c == 0 && self.frees == 0
    }
}

impl Sub for Counts {
    type Output = Self;

    /// What happened between two readings on one thread, the earlier one on the right.
    fn sub(self, earlier: Self) -> Self {
        Self {
            rust: self.rust.wrapping_sub(earlier.rust),
            c: self.c.wrapping_sub(earlier.c),
            excused: self.excused.wrapping_sub(earlier.excused),
            frees: self.frees.wrapping_sub(earlier.frees),
        }
    }
}

/// Constant initialisers and no destructor: reading one neither allocates nor registers anything, so that it may be
/// done inside an allocator, on any thread, from its first to its last instruction.
struct Counters {
    rust: Cell<u64>,
    c: Cell<u64>,
    excused: Cell<u64>,
    frees: Cell<u64>,
    /// Nesting of [`excuse`].
    excuses: Cell<u32>,
    /// Rust's allocator is calling the C one: already counted.
    in_rust: Cell<bool>,
}

thread_local! {
    static COUNTERS: Counters = const {
        Counters {
            rust: Cell::new(0),
            c: Cell::new(0),
            excused: Cell::new(0),
            frees: Cell::new(0),
            excuses: Cell::new(0),
            in_rust: Cell::new(false),
        }
    };
}

fn increment(counter: &Cell<u64>) {
    counter.set(counter.get().wrapping_add(1));
}

impl Counters {
    fn allocated(&self, counter: &Cell<u64>) {
        increment(if self.excuses.get() == 0 { counter } else { &self.excused });
    }

    fn freed(&self) {
        if self.excuses.get() == 0 {
            increment(&self.frees);
        }
    }
}

/// What the calling thread has asked of the heap so far. All zero where [`CountingAllocator`] is not installed.
pub fn thread_counts() -> Counts {
    COUNTERS.with(|counters| Counts {
        rust: counters.rust.get(),
        c: counters.c.get(),
        excused: counters.excused.get(),
        frees: counters.frees.get(),
    })
}

/// Run `work` with its allocations counted as excused: the script interpreter's, which are known, bounded and reported
/// apart. Calls nest.
pub fn excuse<R>(work: impl FnOnce() -> R) -> R {
    let _excused = Excused::begin();
    work()
}

/// Allocations of this thread are excused until this is dropped, also when that happens by unwinding.
#[must_use = "allocations are excused only while the guard lives"]
pub struct Excused {
    /// Counters belong to a thread, so the guard must be dropped on the one that made it.
    not_send: PhantomData<*const ()>,
}

impl Excused {
    /// From now on.
    pub fn begin() -> Self {
        COUNTERS.with(|counters| counters.excuses.set(counters.excuses.get().saturating_add(1)));
        Self { not_send: PhantomData }
    }
}

impl Drop for Excused {
    fn drop(&mut self) {
        COUNTERS.with(|counters| counters.excuses.set(counters.excuses.get().saturating_sub(1)));
    }
}
