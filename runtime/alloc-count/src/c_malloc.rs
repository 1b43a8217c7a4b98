//! C's side: the allocator's entry points, defined in the binary so that the dynamic linker prefers them to glibc's.
//!
//! Read first: "Replacing malloc" in the GNU C Library manual, which lists what has to be defined. Each function counts
//! and hands on to glibc's own under its other name. They run before `main` and in every thread's first and last
//! moments; the counters are plain static thread-local cells, so there is nothing that could not be ready.
#![allow(unsafe_code)]

use crate::COUNTERS;
use std::{
    ffi::{c_int, c_void},
    ptr,
};

const EINVAL: c_int = 22;
const ENOMEM: c_int = 12;

// SAFETY: glibc exports these with the signatures of the functions they stand for.
unsafe extern "C" {
    fn __libc_malloc(size: usize) -> *mut c_void;
    fn __libc_calloc(count: usize, size: usize) -> *mut c_void;
    fn __libc_realloc(block: *mut c_void, size: usize) -> *mut c_void;
    fn __libc_memalign(alignment: usize, size: usize) -> *mut c_void;
    fn __libc_valloc(size: usize) -> *mut c_void;
    fn __libc_pvalloc(size: usize) -> *mut c_void;
    fn __libc_free(block: *mut c_void);
}

fn count_allocation() {
    COUNTERS.with(|counters| {
        if !counters.in_rust.get() {
            counters.allocated(&counters.c);
        }
    });
}

/// C11 7.22.3.4.
// SAFETY: defines the C symbol with C's signature and meaning.
#[unsafe(no_mangle)]
unsafe extern "C" fn malloc(size: usize) -> *mut c_void {
    count_allocation();
    // SAFETY: any size is allowed.
    unsafe { __libc_malloc(size) }
}

/// C11 7.22.3.2.
// SAFETY: defines the C symbol with C's signature and meaning.
#[unsafe(no_mangle)]
unsafe extern "C" fn calloc(count: usize, size: usize) -> *mut c_void {
    count_allocation();
    // SAFETY: any count and size are allowed; glibc checks their product.
    unsafe { __libc_calloc(count, size) }
}

/// C11 7.22.3.5.
// SAFETY: defines the C symbol with C's signature and meaning.
#[unsafe(no_mangle)]
unsafe extern "C" fn realloc(block: *mut c_void, size: usize) -> *mut c_void {
    count_allocation();
    // SAFETY: `block` is null or came from one of these functions, all of which hand out glibc's blocks.
    unsafe { __libc_realloc(block, size) }
}

/// C11 7.22.3.3.
// SAFETY: defines the C symbol with C's signature and meaning.
#[unsafe(no_mangle)]
unsafe extern "C" fn free(block: *mut c_void) {
    if !block.is_null() {
        COUNTERS.with(|counters| {
            if !counters.in_rust.get() {
                counters.freed();
            }
        });
    }
    // SAFETY: `block` is null or came from one of these functions, all of which hand out glibc's blocks.
    unsafe { __libc_free(block) }
}

/// C11 7.22.3.1.
// SAFETY: defines the C symbol with C's signature and meaning.
#[unsafe(no_mangle)]
unsafe extern "C" fn aligned_alloc(alignment: usize, size: usize) -> *mut c_void {
    count_allocation();
    // SAFETY: glibc rounds an odd alignment up; any size is allowed.
    unsafe { __libc_memalign(alignment, size) }
}

/// memalign(3).
// SAFETY: defines the C symbol with C's signature and meaning.
#[unsafe(no_mangle)]
unsafe extern "C" fn memalign(alignment: usize, size: usize) -> *mut c_void {
    count_allocation();
    // SAFETY: glibc rounds an odd alignment up; any size is allowed.
    unsafe { __libc_memalign(alignment, size) }
}

/// POSIX.1-2017 `posix_memalign`.
// SAFETY: defines the C symbol with C's signature and meaning.
#[unsafe(no_mangle)]
unsafe extern "C" fn posix_memalign(out: *mut *mut c_void, alignment: usize, size: usize) -> c_int {
    if !alignment.is_power_of_two() || !alignment.is_multiple_of(size_of::<*const c_void>()) {
        return EINVAL;
    }
    count_allocation();
    // SAFETY: the alignment is a power of two; any size is allowed.
    let block = unsafe { __libc_memalign(alignment, size) };
    if block.is_null() {
        return ENOMEM;
    }
    // SAFETY: the caller passes a place for one pointer, as POSIX demands.
    unsafe { ptr::write(out, block) };
    0
}

/// valloc(3).
// SAFETY: defines the C symbol with C's signature and meaning.
#[unsafe(no_mangle)]
unsafe extern "C" fn valloc(size: usize) -> *mut c_void {
    count_allocation();
    // SAFETY: any size is allowed.
    unsafe { __libc_valloc(size) }
}

/// pvalloc(3).
// SAFETY: defines the C symbol with C's signature and meaning.
#[unsafe(no_mangle)]
unsafe extern "C" fn pvalloc(size: usize) -> *mut c_void {
    count_allocation();
    // SAFETY: any size is allowed.
    unsafe { __libc_pvalloc(size) }
}
