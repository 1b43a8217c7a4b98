//! The one place below the runtime that reads a clock, and the time behind ethercrab's timeouts.
//!
//! Built without `std`, ethercrab asks embassy-time, which asks the one driver a program registers: this one. All
//! futures are polled by hand, so nobody has to be woken and `now()` is all there is to provide.

use std::{cell::Cell, task::Waker};

thread_local! {
    /// `Some(ns)`: virtual time, which only [`advance_to`] moves. `None`: the monotonic clock.
    /// Per thread, so that tests running side by side in one process do not share a clock.
    static VIRTUAL: Cell<Option<u64>> = const { Cell::new(None) };
}

struct Driver;
embassy_time_driver::time_driver_impl!(static DRIVER: Driver = Driver);
const _: () = assert!(embassy_time_driver::TICK_HZ == 1_000_000_000);

impl embassy_time_driver::Driver for Driver {
    fn now(&self) -> u64 {
        now_ns()
    }
    fn schedule_wake(&self, _at: u64, _waker: &Waker) {}
}

/// This thread's time in nanoseconds: virtual if [`start_virtual`] was called on it, else `CLOCK_MONOTONIC`.
pub fn now_ns() -> u64 {
    VIRTUAL.get().unwrap_or_else(monotonic_ns)
}

/// `CLOCK_MONOTONIC`, whatever this thread's time is.
#[allow(unsafe_code)]
pub fn monotonic_ns() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid timespec for the kernel to fill; CLOCK_MONOTONIC always exists.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut time) };
    time.tv_sec.cast_unsigned() * 1_000_000_000 + time.tv_nsec.cast_unsigned()
}

/// Wall clock, nanoseconds since 1970-01-01 UTC. For information in files only; nothing is computed from it.
#[allow(clippy::disallowed_methods)]
pub fn utc_ns() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
}

/// Put this thread on virtual time, starting at `ns`.
pub fn start_virtual(ns: u64) {
    VIRTUAL.set(Some(ns));
}

/// True if this thread is on virtual time.
pub fn is_virtual() -> bool {
    VIRTUAL.get().is_some()
}

/// Move virtual time forward to `ns`; does nothing on real time or when `ns` has passed.
pub fn advance_to(ns: u64) {
    if let Some(now) = VIRTUAL.get() {
        VIRTUAL.set(Some(now.max(ns)));
    }
}
