//! The cyclic path allocates nothing, whatever the wire does.

mod common;

use common::{Fault, PRESS, cell, run_up};
use sensai_alloc_count::{CountingAllocator, thread_counts};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

/// Allocations and releases of this thread in `f`.
fn allocations(f: impl FnOnce()) -> u64 {
    let before = thread_counts();
    f();
    let counts = thread_counts() - before;
    counts.rust + counts.frees
}

#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|| drop(std::hint::black_box(vec![1_u8]))), 2);
}

#[test]
fn a_thousand_exchanges_with_all_kinds_of_faults_allocate_nothing() {
    let mut running = run_up(&cell(&PRESS));
    let kinds = [
        None,
        Some(Fault::Lose),
        Some(Fault::Delay(1)),
        Some(Fault::Delay(3)),
        None,
        Some(Fault::Duplicate),
        Some(Fault::Corrupt(16, 0x03)),
        Some(Fault::Truncate(30)),
        Some(Fault::Refuse),
    ];
    let (mut lost, mut late, mut stray, mut refused, mut valid) = (0, 0, 0, 0, 0);
    let allocated = allocations(|| {
        for k in 0..1000 {
            running.bus.wire_mut().faults.push_back(kinds[k % kinds.len()]);
            let exchange = running.exchange();
            lost += u32::from(exchange.lost);
            late += u32::from(exchange.late);
            stray += u32::from(exchange.stray);
            refused += u32::from(exchange.send_failed);
            valid += u32::from(exchange.valid == 0b11);
        }
    });
    assert_eq!(allocated, 0);
    // One of nine each; the counts show that the faults were there. 1000 = 111 x 9 + 1.
    assert_eq!((refused, lost, valid), (111, 6 * 111, 3 * 111 + 1));
    assert_eq!((late, stray), (2 * 111, 3 * 111));
}

/// The frames of the mailboxes pass through the cyclic thread, which neither makes them nor frees them.
#[test]
fn mailbox_traffic_allocates_nothing_in_the_cycle() {
    let mut running = run_up(&cell(&PRESS));
    let mut worker = running.bus.take_mailbox().expect("not taken yet");
    let client = worker.client();
    let (mut allocated, mut answers) = (0, 0);
    let ask = || client.upload(3, 0x1018, 1, 1_000_000_000).expect("queued");
    let mut ticket = ask();
    for _ in 0..1000 {
        worker.poll();
        if let Some(answer) = ticket.poll() {
            assert!(answer.is_ok(), "{answer:?}");
            answers += 1;
            ticket = ask();
        }
        allocated += allocations(|| {
            assert_eq!(running.exchange().valid, 0b11);
        });
    }
    assert_eq!(allocated, 0);
    assert!(answers > 100, "{answers}");
}
