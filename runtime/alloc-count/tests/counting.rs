//! What is counted where, in a binary that installs the allocator. Every test reads only its own thread's counters.
#![allow(unsafe_code)]

use sensai_alloc_count::{C_COUNTED, CountingAllocator, Counts, Excused, excuse, thread_counts};
use std::{
    ffi::{CStr, c_char, c_int, c_void},
    hint::black_box,
};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

// SAFETY: signatures as in POSIX.1-2017.
unsafe extern "C" {
    fn strdup(text: *const c_char) -> *mut c_char;
    fn malloc(size: usize) -> *mut c_void;
    fn calloc(count: usize, size: usize) -> *mut c_void;
    fn realloc(block: *mut c_void, size: usize) -> *mut c_void;
    fn aligned_alloc(alignment: usize, size: usize) -> *mut c_void;
    fn posix_memalign(out: *mut *mut c_void, alignment: usize, size: usize) -> c_int;
    fn free(block: *mut c_void);
}

fn counted(work: impl FnOnce()) -> Counts {
    let before = thread_counts();
    work();
    thread_counts() - before
}

#[test]
fn arithmetic_allocates_nothing() {
    let counts = counted(|| {
        black_box((0..black_box(1000_u64)).fold(0, u64::wrapping_add));
    });
    assert_eq!(counts, Counts::default());
    assert!(counts.is_quiet());
}

#[test]
fn each_kind_of_rust_allocation_is_counted_once_and_not_as_c() {
    let boxed = counted(|| drop(black_box(Box::new(black_box(7_u64)))));
    assert_eq!(boxed, Counts { rust: 1, frees: 1, ..Counts::default() });

    let zeroed = counted(|| drop(black_box(vec![0_u8; black_box(64)])));
    assert_eq!(zeroed, Counts { rust: 1, frees: 1, ..Counts::default() });

    let grown = counted(|| {
        let mut bytes = Vec::with_capacity(black_box(8));
        bytes.extend_from_slice(&[1_u8; 8]);
        bytes.reserve_exact(black_box(4096));
        black_box(&bytes);
    });
    assert_eq!(grown, Counts { rust: 2, frees: 1, ..Counts::default() });

    #[repr(align(4096))]
    struct Page(u8);
    let aligned = counted(|| assert_eq!(black_box(Box::new(Page(black_box(1)))).0, 1));
    assert_eq!(aligned, Counts { rust: 1, frees: 1, ..Counts::default() });
}

#[test]
fn excused_allocations_are_counted_apart_also_nested_and_after_a_panic() {
    let counts = counted(|| {
        excuse(|| {
            excuse(|| drop(black_box(Box::new(black_box(1_u8)))));
            drop(black_box(Box::new(black_box(2_u8))));
        });
    });
    assert_eq!(counts, Counts { excused: 2, ..Counts::default() });

    let unwound = std::panic::catch_unwind(|| {
        let _excused = Excused::begin();
        std::panic::resume_unwind(Box::new("as a script engine would"));
    });
    assert!(unwound.is_err());
    let after = counted(|| drop(black_box(Box::new(black_box(3_u8)))));
    assert_eq!(after, Counts { rust: 1, frees: 1, ..Counts::default() });
}

#[test]
fn another_threads_allocations_are_not_ours() {
    let theirs = std::thread::spawn(|| counted(|| drop(black_box(Box::new(black_box(1_u8))))));
    while !theirs.is_finished() {
        let ours = counted(std::thread::yield_now);
        assert!(ours.is_quiet(), "{ours:?}");
    }
    assert_eq!(
        theirs.join().expect("the thread only allocates"),
        Counts { rust: 1, frees: 1, ..Counts::default() }
    );
}

#[test]
fn c_library_calls_are_counted() {
    if !C_COUNTED {
        println!("skipped: c_library_calls_are_counted (the C allocator is counted on glibc only)");
        return;
    }
    // `black_box`, as the compiler knows `strdup` and drops a copy that nobody looks at.
    const TEXT: &CStr = c"allocated inside the C library";
    // SAFETY: `strdup` gets a terminated string; the block goes to `free` once.
    let copied = counted(|| unsafe { free(black_box(strdup(TEXT.as_ptr())).cast()) });
    assert_eq!(copied, Counts { c: 1, frees: 1, ..Counts::default() });

    // SAFETY: as above.
    let excused = counted(|| excuse(|| unsafe { free(black_box(strdup(TEXT.as_ptr())).cast()) }));
    assert_eq!(excused, Counts { excused: 1, ..Counts::default() });
}

#[test]
fn every_c_entry_point_works_and_is_counted() {
    if !C_COUNTED {
        println!(
            "skipped: every_c_entry_point_works_and_is_counted (the C allocator is counted on glibc only)"
        );
        return;
    }
    let counts = counted(|| {
        // SAFETY: each block is checked, written inside its size, and freed once.
        unsafe {
            let block = black_box(malloc(black_box(100)));
            assert!(!block.is_null());
            block.cast::<u8>().write_bytes(7, 100);
            let block = black_box(realloc(block, black_box(100_000)));
            assert_eq!(block.cast::<u8>().add(99).read(), 7);
            free(block);

            let block = black_box(calloc(black_box(10), 10));
            assert_eq!(block.cast::<u8>().add(99).read(), 0);
            free(block);

            let block = black_box(aligned_alloc(256, black_box(512)));
            assert_eq!(block.addr() % 256, 0);
            free(block);

            let mut block = std::ptr::null_mut();
            assert_eq!(posix_memalign(&raw mut block, 4096, black_box(10)), 0);
            assert_eq!(block.addr() % 4096, 0);
            free(block);
            assert_ne!(posix_memalign(&raw mut block, 3, 10), 0, "3 is no alignment");

            free(std::ptr::null_mut());
        }
    });
    assert_eq!(counts, Counts { c: 5, frees: 4, ..Counts::default() });
}
