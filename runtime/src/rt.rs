//! What a real-time thread asks of Linux: priority, a core, locked memory, sleep to an absolute time.
//!
//! Everything here may fail without privileges; the caller goes on and says what is missing.
#![allow(unsafe_code)]

use std::{fs::OpenOptions, io, io::Write};

/// What was asked for and not granted, with the reason and what would help.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Missing {
    /// What.
    pub what: &'static str,
    /// The system's answer.
    pub why: String,
    /// What to do.
    pub help: &'static str,
}

/// Sleep until `target_ns` on `CLOCK_MONOTONIC`.
pub fn sleep_until(target_ns: u64) {
    let time = libc::timespec {
        tv_sec: (target_ns / 1_000_000_000).cast_signed(),
        tv_nsec: (target_ns % 1_000_000_000).cast_signed(),
    };
    // A signal may interrupt the sleep; the target is absolute, so asking again is exact. Bounded by the target.
    // SAFETY: `time` is a valid timespec; the remainder is not asked for.
    while unsafe {
        libc::clock_nanosleep(
            libc::CLOCK_MONOTONIC,
            libc::TIMER_ABSTIME,
            &raw const time,
            std::ptr::null_mut(),
        )
    } == libc::EINTR
    {}
}

/// Put the calling thread on `SCHED_FIFO` at `priority`.
pub fn fifo(priority: u8) -> Result<(), Missing> {
    let parameter = libc::sched_param { sched_priority: priority.into() };
    // SAFETY: 0 is the calling thread; the parameter is valid for the call.
    let result = unsafe { libc::sched_setscheduler(0, libc::SCHED_FIFO, &raw const parameter) };
    check(result, "SCHED_FIFO", "run as root, or grant CAP_SYS_NICE or an rtprio limit")
}

/// Pin the calling thread to `core`.
pub fn pin(core: usize) -> Result<(), Missing> {
    if core_affinity::set_for_current(core_affinity::CoreId { id: core }) {
        return Ok(());
    }
    Err(Missing {
        what: "core affinity",
        why: format!("core {core} was refused"),
        help: "set [tasks.<name>] core to one that `sensai doctor` lists",
    })
}

/// The cores this process may use, ascending.
pub fn cores() -> Vec<usize> {
    core_affinity::get_core_ids().unwrap_or_default().iter().map(|core| core.id).collect()
}

/// Keep all memory, present and future, in RAM, and keep the allocator from giving any back.
pub fn lock_memory() -> Result<(), Missing> {
    // SAFETY: plain settings of glibc's allocator and of the process; no pointers.
    let result = unsafe {
        #[cfg(target_env = "gnu")]
        {
            libc::mallopt(libc::M_TRIM_THRESHOLD, -1);
            libc::mallopt(libc::M_MMAP_MAX, 0);
        }
        libc::mlockall(libc::MCL_CURRENT | libc::MCL_FUTURE)
    };
    check(result, "locked memory", "run as root, or grant CAP_IPC_LOCK or a memlock limit")
}

/// Touch the stack and grow this thread's heap once, so that neither faults nor grows later.
///
/// # Errors
/// If there is no room for it: locked memory counts against a limit, and every later allocation would too. Then memory
/// is unlocked again, and the run goes on without.
pub fn prefault(heap_bytes: usize) -> Result<(), Missing> {
    touch_stack();
    let mut block = Vec::new();
    if block.try_reserve_exact(heap_bytes).is_err() {
        // SAFETY: takes nothing.
        unsafe { libc::munlockall() };
        return Err(Missing {
            what: "locked memory",
            why: format!("the limit leaves no room for a heap of {} MiB", heap_bytes >> 20),
            help: "run as root, or grant CAP_IPC_LOCK or a larger memlock limit",
        });
    }
    block.resize(heap_bytes, std::hint::black_box(1_u8));
    std::hint::black_box(&block);
    Ok(())
}

/// Keep signals from the calling thread; the process's other threads take them. A handler costs time, and under the
/// guard its return is a forbidden call.
pub fn block_signals() {
    // SAFETY: the set is initialised by sigemptyset before it is read, and lives for the calls.
    unsafe {
        let mut set = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        for signal in [
            libc::SIGHUP,
            libc::SIGINT,
            libc::SIGTERM,
            libc::SIGUSR1,
            libc::SIGUSR2,
            libc::SIGCHLD,
            libc::SIGWINCH,
        ] {
            libc::sigaddset(&raw mut set, signal);
        }
        libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut());
    }
}

/// Let the kernel end the process in a second, whatever its threads are waiting for then.
pub fn end_in_a_second() {
    // SAFETY: the default action of the signal is to end the process; nobody here handles it.
    unsafe {
        libc::signal(libc::SIGALRM, libc::SIG_DFL);
        libc::alarm(1);
    }
}

#[inline(never)]
fn touch_stack() {
    let mut pages = [0_u8; 512 * 1024];
    for at in (0..pages.len()).step_by(4096) {
        pages[at] = std::hint::black_box(1);
    }
    std::hint::black_box(&pages);
}

/// Forbid deep sleep states of the CPU as long as the returned file is open.
pub fn no_deep_sleep() -> Result<std::fs::File, Missing> {
    let missing = |error: io::Error| Missing {
        what: "CPU latency request",
        why: error.to_string(),
        help: "run as root, or make /dev/cpu_dma_latency writable; in a virtual machine it may not exist",
    };
    let mut file = OpenOptions::new().write(true).open("/dev/cpu_dma_latency").map_err(missing)?;
    file.write_all(&0_i32.to_ne_bytes()).map_err(missing)?;
    Ok(file)
}

/// Page faults of the calling thread so far: minor, major.
pub fn page_faults() -> (u64, u64) {
    // SAFETY: a zeroed rusage is valid, and the kernel fills it.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_THREAD, &raw mut usage);
        usage
    };
    (usage.ru_minflt.cast_unsigned(), usage.ru_majflt.cast_unsigned())
}

/// Let a closed pipe end the process quietly, as other commands do. Not for one that runs a machine.
pub fn end_on_closed_pipe() {
    // SAFETY: the default action replaces Rust's choice to ignore the signal; no handler of ours is involved.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
}

/// The kernel's number of the calling thread.
pub fn thread_id() -> i32 {
    // SAFETY: takes nothing, cannot fail.
    unsafe { libc::gettid() }
}

/// Page faults of any thread of this process: minor, major. `None` if it is gone.
pub fn page_faults_of(thread: i32) -> Option<(u64, u64)> {
    let line = std::fs::read_to_string(format!("/proc/self/task/{thread}/stat")).ok()?;
    // The name, in parentheses, may hold anything; minflt and majflt are fields 10 and 12 of the line.
    let fields: Vec<&str> = line.rsplit_once(')')?.1.split_whitespace().collect();
    Some((fields.get(7)?.parse().ok()?, fields.get(9)?.parse().ok()?))
}

/// Close a file descriptor whatever state its owner is in. For the watchdog, right before it aborts.
pub fn close_raw(descriptor: i32) {
    // SAFETY: the caller aborts the process next, so nobody uses the descriptor's number again.
    unsafe { libc::close(descriptor) };
}

fn check(result: i32, what: &'static str, help: &'static str) -> Result<(), Missing> {
    match result {
        0 => Ok(()),
        _ => Err(Missing { what, why: io::Error::last_os_error().to_string(), help }),
    }
}
