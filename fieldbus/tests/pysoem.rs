//! SOEM, a MainDevice by others, brings the simulated segment to OP over a veth pair and works with it.
//!
//! The test starts itself again inside a network namespace of its own: once as the segment, beside the Python script
//! that is the MainDevice.

use sensai_devices::{Direction, catalogue};
use sensai_fieldbus::{
    Plant, Shaft, clock,
    simulated::{DevicePlace, Line, PlantTiming, Segment, SimulatedDevice, serve},
    wire::RawSocket,
};
use std::{
    process::Command,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

/// Names the interface when this process is the segment.
const INTERFACE: &str = "SENSAI_TEST_SEGMENT_INTERFACE";
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../rt-tests/interop/pysoem_op.py");

/// A namespace with both ends up, the segment behind one, the script on the other. `$1` is this program.
const IN_NAMESPACE: &str = r#"
set -e
ip link add name bus0 type veth peer name bus1
ip link set dev bus0 up
ip link set dev bus1 up
SENSAI_TEST_SEGMENT_INTERFACE=bus1 "$1" --exact soem_works_with_the_segment --nocapture >"$4" 2>&1 &
segment=$!
n=0
while ! grep -q serving "$4"; do n=$((n+1)); test $n -lt 100; sleep 0.05; done
timeout 60 "$2" "$3" bus0 && result=0 || result=$?
kill $segment
exit $result
"#;

/// Inputs of the EL1008 are the complement of the EL2008's outputs: their bytes are the first of each image.
struct Complement;

impl Plant for Complement {
    fn step(&mut self, _time_ns: u64, outputs: &[u8], inputs: &mut [u8], _shafts: &mut [Shaft]) {
        if let (Some(input), Some(output)) = (inputs.first_mut(), outputs.first()) {
            *input = !output;
        }
    }
}

fn be_the_segment(interface: &str) {
    let (mut inputs, mut outputs) = (0, 0);
    let (mut devices, mut places) = (Vec::new(), Vec::new());
    for name in ["EK1100", "EL1008", "EL2008", "EL5101", "SN7001"] {
        let description = catalogue::find(name).expect("in the catalogue");
        let (i, o) = (inputs, outputs);
        inputs += description.byte_len(Direction::Input);
        outputs += description.byte_len(Direction::Output);
        places.push(DevicePlace { inputs: i..inputs, outputs: o..outputs });
        devices.push(SimulatedDevice::new(&description));
    }
    let mut segment = Segment::new(devices, Box::new(Complement), places, PlantTiming::default());
    segment.scatter_clocks(clock::monotonic_ns());
    let mut line = Line::new(segment);
    let mut socket = RawSocket::open(interface).expect("the veth end is up");
    let stop = AtomicBool::new(false);
    println!("serving");
    std::thread::scope(|scope| {
        // Never longer than the script may run, whatever becomes of the shell.
        scope.spawn(|| {
            std::thread::sleep(Duration::from_secs(70));
            stop.store(true, Ordering::Relaxed);
        });
        serve(&mut socket, &mut line, &stop);
    });
}

/// A Python with pysoem: the one the test run has installed, or the system's.
fn python() -> Option<String> {
    let candidates = [std::env::var("SENSAI_PYTHON").ok(), Some("python3".to_owned())];
    candidates.into_iter().flatten().find(|python| {
        let import = Command::new(python).args(["-c", "import pysoem"]).output();
        import.is_ok_and(|output| output.status.success())
    })
}

#[test]
fn soem_works_with_the_segment() {
    if let Ok(interface) = std::env::var(INTERFACE) {
        return be_the_segment(&interface);
    }
    let Some(python) = python() else {
        println!("skipped: SOEM works with the segment (no Python with pysoem)");
        return;
    };
    let probe = Command::new("unshare")
        .args(["--net", "ip", "link", "add", "name", "probe0", "type", "veth"])
        .output();
    if !probe.is_ok_and(|output| output.status.success()) {
        println!("skipped: SOEM works with the segment (no privilege for network namespaces and veth pairs)");
        return;
    }
    let program = std::env::current_exe().expect("this program has a path");
    let log = std::env::temp_dir().join(format!("sensai-pysoem-{}.log", std::process::id()));
    let output = Command::new("unshare")
        .args(["--net", "sh", "-c", IN_NAMESPACE, "sh"])
        .args([program.as_os_str(), python.as_ref(), SCRIPT.as_ref(), log.as_os_str()])
        .output()
        .expect("unshare starts");
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let segment = std::fs::read_to_string(&log).unwrap_or_default();
    let _ = std::fs::remove_file(&log);
    assert!(
        output.status.success() && stdout.contains(", 0 failed"),
        "script:\n{stdout}{stderr}\nsegment:\n{segment}"
    );
    print!("{stdout}");
}
