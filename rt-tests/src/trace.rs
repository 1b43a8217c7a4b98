//! What the simulated devices saw, and when: the file that `sensai sim --trace` writes. Times are of the simulator's
//! own clock, `CLOCK_MONOTONIC` read in its process.

use std::{fs, path::Path};

/// A line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// When it happened, ns.
    pub time_ns: u64,
    /// When the last frame before it came, ns.
    pub last_frame_ns: u64,
    /// Bus position.
    pub device: u16,
    /// What happened.
    pub what: What,
}

/// What can happen to a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// It is in this state now, with this status code if it indicates an error.
    State(String),
    /// It drives these outputs now; `None` if no single byte has that hash.
    Outputs(Option<u8>),
    /// Its SyncManager watchdog has expired.
    Watchdog,
}

/// Read all of it.
///
/// # Panics
/// It is no trace.
#[track_caller]
pub fn read(path: &Path) -> Vec<Event> {
    let text = fs::read_to_string(path).expect("the simulator wrote its trace");
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("time_ns,last_frame_ns,device,event,value"));
    lines.map(|line| event(line).unwrap_or_else(|| panic!("not an event: {line}"))).collect()
}

fn event(line: &str) -> Option<Event> {
    let mut cells = line.split(',');
    let mut cell = || cells.next();
    let (time, last, device, what, value) = (cell()?, cell()?, cell()?, cell()?, cell()?);
    let what = match what {
        "state" => What::State(value.to_owned()),
        "outputs" => What::Outputs(byte_of(u64::from_str_radix(value, 16).ok()?)),
        "watchdog" => What::Watchdog,
        _ => return None,
    };
    Some(Event {
        time_ns: time.parse().ok()?,
        last_frame_ns: last.parse().ok()?,
        device: device.parse().ok()?,
        what,
    })
}

/// The byte with this FNV-1a hash; all zero is 0.
fn byte_of(hash: u64) -> Option<u8> {
    (0..=255_u8).find(|byte| match byte {
        0 => hash == 0,
        _ => (0xcbf2_9ce4_8422_2325 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3) == hash,
    })
}

#[test]
fn outputs_of_one_byte_are_read_back() {
    let seen = event("5,4,2,outputs,af63bf4c8601bb45").map(|event| event.what);
    assert_eq!(seen, Some(What::Outputs(Some(2))));
    assert_eq!(event("5,4,2,watchdog,").map(|event| event.what), Some(What::Watchdog));
}
