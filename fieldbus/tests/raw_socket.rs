//! The same start-up and cycles over a veth pair, in a network namespace of the test's own.

mod common;

use common::{INTERVAL_NS, PRESS, cell};
use sensai_fieldbus::ethercat::{ScanOptions, StartupError, scan, start};
use sensai_fieldbus::simulated::Segment;
use sensai_fieldbus::wire::{RawSocket, WireError};
use sensai_fieldbus::{Bus as _, NoPlant, Wire as _, clock};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

const INSIDE: &str = "SENSAI_TEST_IN_NAMESPACE";

/// Run test `name` again in a new network namespace. True: this is the run inside, go on.
fn in_namespace(name: &str) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        return true;
    }
    let probe = Command::new("unshare").args(["-r", "-n", "ip", "link"]).output();
    if !probe.is_ok_and(|probe| probe.status.success()) {
        println!("skipped: {name} (no network namespaces, or no `ip`)");
        return false;
    }
    let test = std::env::current_exe().expect("a test binary");
    let output = Command::new("unshare")
        .args(["-r", "-n"])
        .arg(test)
        .args(["--exact", name, "--nocapture"])
        .env(INSIDE, "1")
        .output()
        .expect("unshare is there");
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    println!("{text}");
    false
}

fn ip(arguments: &str) {
    let status = Command::new("ip").args(arguments.split(' ')).status().expect("ip is there");
    assert!(status.success(), "ip {arguments}");
}

fn veth() {
    ip("link add ecm type veth peer name ecs");
    ip("link set ecm up");
    ip("link set ecs up");
}

#[test]
fn an_interface_that_is_down_or_has_no_link_says_so() {
    if !in_namespace("an_interface_that_is_down_or_has_no_link_says_so") {
        return;
    }
    ip("link add ecm type veth peer name ecs");
    let down = WireError::InterfaceDown { interface: "ecm".into() };
    assert_eq!(RawSocket::open("ecm").err(), Some(down));
    ip("link set ecm up");
    let no_link = WireError::NoLink { interface: "ecm".into() };
    assert_eq!(RawSocket::open("ecm").err(), Some(no_link));
    ip("link set ecs up");
    assert!(RawSocket::open("ecm").is_ok());
    let socket = RawSocket::open("ecm").unwrap();
    assert_eq!(scan(socket, ScanOptions::default()), Err(StartupError::NoDevices));
}

#[test]
fn a_segment_at_the_other_end_of_a_veth_pair_runs_in_op() {
    if !in_namespace("a_segment_at_the_other_end_of_a_veth_pair_runs_in_op") {
        return;
    }
    veth();
    let cell = cell(&PRESS);
    let mut far_end = RawSocket::open("ecs").unwrap();
    let simulated = cell.clone();
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let server = std::thread::spawn(move || {
        let mut segment = Segment::for_cell(&simulated, Box::new(NoPlant));
        let mut buffer = [0; 1536];
        let mut frames = 0_u64;
        while !stopped.load(Ordering::Relaxed) {
            far_end.wait(clock::now_ns() + 10_000_000);
            while let Some(len) = far_end.recv(&mut buffer) {
                frames += 1;
                if segment.process(&mut buffer[..len], clock::now_ns()) {
                    far_end.send(&buffer[..len]);
                }
            }
        }
        frames
    });
    let begin = clock::now_ns();
    let mut bus = start(&cell, RawSocket::open("ecm").unwrap(), &[0], &mut |_| ())
        .unwrap_or_else(|error| panic!("{error}"));
    println!("OP over veth after {} ms", (clock::now_ns() - begin) / 1_000_000);
    let (outputs, mut inputs) = (vec![0; cell.image.outputs], vec![0; cell.image.inputs]);
    let (mut round_trips, mut lost, mut valid) = (Vec::new(), 0, 0);
    let mut next = clock::now_ns();
    for _ in 0..1000 {
        next += INTERVAL_NS;
        let sent = clock::now_ns();
        // A busy host must not fail this test: the deadline is generous, the watchdog decides.
        let exchange = bus.exchange(&outputs, &mut inputs, sent + 5 * INTERVAL_NS);
        round_trips.push(clock::now_ns() - sent);
        lost += u32::from(exchange.lost);
        valid += u32::from(exchange.valid == 0b11);
        bus.acyclic(next.saturating_sub(200_000));
        std::thread::sleep(std::time::Duration::from_nanos(next.saturating_sub(clock::now_ns())));
    }
    round_trips.sort_unstable();
    println!("round trip median {} ns, maximum {} ns, {lost} lost", round_trips[500], round_trips[999]);
    assert_eq!(valid + lost, 1000);
    assert!(lost < 10, "{lost} of 1000 exchanges lost");
    bus.shutdown(clock::now_ns() + 1_000_000_000).unwrap_or_else(|error| panic!("{error}"));
    stop.store(true, Ordering::Relaxed);
    let frames = server.join().unwrap();
    println!("{frames} frames at the far end");
    assert!(frames > 1000);
}
