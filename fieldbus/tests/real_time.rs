//! The embedded segment on the real clock: how long OP takes, what an exchange costs.

mod common;

use common::{DEADLINE_NS, PRESS, cell};
use sensai_fieldbus::ethercat::start;
use sensai_fieldbus::simulated::{InProcess, Segment};
use sensai_fieldbus::{Bus as _, NoPlant, clock};

#[test]
fn the_embedded_segment_is_in_op_within_seconds() {
    let cell = cell(&PRESS);
    let wire = InProcess::new(Segment::for_cell(&cell, Box::new(NoPlant)));
    let begin = clock::now_ns();
    let mut bus = start(&cell, wire, &[0], &mut |step| {
        println!("{:>6} ms {step}", (clock::now_ns() - begin) / 1_000_000);
    })
    .unwrap_or_else(|error| panic!("{error}"));
    let started = clock::now_ns() - begin;
    let (outputs, mut inputs) = (vec![0; cell.image.outputs], vec![0; cell.image.inputs]);
    let mut times = Vec::new();
    for _ in 0..1000 {
        let sent = clock::now_ns();
        bus.exchange(&outputs, &mut inputs, sent + DEADLINE_NS);
        times.push(clock::now_ns() - sent);
    }
    times.sort_unstable();
    println!("OP after {} ms; exchange median {} ns, p99 {} ns", started / 1_000_000, times[500], times[990]);
    assert!(started < 10_000_000_000, "{started} ns");
}
