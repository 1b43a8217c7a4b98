//! After warm-up the cyclic thread makes no system call but send, receive and sleep. This filter proves it: any
//! other call kills the process.

use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, apply_filter};

/// Send, receive, wait for a frame, sleep, and the clock (which the vDSO answers where it can).
const ALLOWED: [libc::c_long; 5] = [
    libc::SYS_sendto,
    libc::SYS_recvfrom,
    libc::SYS_ppoll,
    libc::SYS_clock_nanosleep,
    libc::SYS_clock_gettime,
];

/// In virtual time, where nothing is ever late, the cycle waits for the threads of slow tasks, and wakes them.
const WAITING: [libc::c_long; 1] = [libc::SYS_futex];

/// Arm the filter on the calling thread; `waits` for a cycle in virtual time with slow tasks. False where it cannot be had.
pub fn arm(waits: bool) -> bool {
    let waiting = WAITING.iter().filter(|_| waits);
    let rules = ALLOWED.iter().chain(waiting).map(|call| (*call, Vec::new())).collect();
    let Ok(architecture) = std::env::consts::ARCH.try_into() else { return false };
    SeccompFilter::new(rules, SeccompAction::KillProcess, SeccompAction::Allow, architecture)
        .and_then(BpfProgram::try_from)
        .is_ok_and(|program| apply_filter(&program).is_ok())
}
