//! Signals that ask for an orderly end.

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use std::sync::{Arc, atomic::AtomicBool};

/// Let signals that end a process set a flag instead: SIGINT, SIGTERM, and SIGHUP, which comes when its terminal is closed.
/// `at_once`: a second SIGINT or SIGTERM ends the process nevertheless. A terminal that is closed may send its signal twice.
///
/// # Errors
/// If the operating system refuses.
pub fn end_by_flag(flag: &Arc<AtomicBool>, at_once: bool) -> std::io::Result<()> {
    for signal in [SIGINT, SIGTERM] {
        if at_once {
            signal_hook::flag::register_conditional_shutdown(signal, 1, Arc::clone(flag))?;
        }
        signal_hook::flag::register(signal, Arc::clone(flag))?;
    }
    if !is_ignored(SIGHUP) {
        signal_hook::flag::register(SIGHUP, Arc::clone(flag))?;
    }
    Ok(())
}

/// Whoever started this process wants a signal to do nothing, as `nohup` does.
fn is_ignored(signal: i32) -> bool {
    is_in(&std::fs::read_to_string("/proc/self/status").unwrap_or_default(), signal)
}

fn is_in(status: &str, signal: i32) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mask_counts_from_one() {
        let status = |mask: &str| format!("Name:\tsensai\nSigBlk:\tffffffffffffffff\nSigIgn:\t{mask}\n");
        assert!(is_in(&status("0000000000001001"), SIGHUP));
        assert!(!is_in(&status("0000000000001000"), SIGHUP));
        assert!(is_in(&status("0000000000004000"), SIGTERM));
        assert!(!is_in("", SIGHUP) && !is_in(&status("x"), SIGHUP));
    }
}
