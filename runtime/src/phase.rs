//! Where on the interval's grid the cycle starts best, and how long to spin.
//!
//! Without distributed clocks the phase is free. Kernel timers fire on the millisecond grid; a thread that wakes
//! there shares the moment with them. The sweep tries phases over the whole interval and takes the quietest.

use crate::rt;
use sensai_fieldbus::clock;

/// The result of a sweep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timing {
    /// Offset of the cycle's start on the grid of the interval, ns.
    pub phase_ns: u64,
    /// Spin window, ns.
    pub spin_ns: u64,
}

/// Phases tried.
const PHASES: usize = 12;
/// Wakes per phase.
const WAKES: usize = 24;
/// Shortest and longest spin window.
const SPIN_NS: (u64, u64) = (20_000, 200_000);

/// Try all phases; takes about `PHASES × WAKES × max(interval, 1 ms)`.
pub fn calibrate(interval: u64) -> Timing {
    let pause = interval.max(1_000_000);
    let mut latencies = [[0_u64; WAKES]; PHASES];
    for (i, row) in latencies.iter_mut().enumerate() {
        // Half a step off the grid, so that no phase lies on a millisecond.
        let phase = (2 * i as u64 + 1) * interval / (2 * PHASES as u64);
        let mut target = next_start(clock::monotonic_ns(), interval, phase);
        for latency in row.iter_mut() {
            rt::sleep_until(target);
            *latency = clock::monotonic_ns() - target;
            target = next_start(target + pause, interval, phase);
        }
    }
    choose(&mut latencies, interval)
}

/// The phase with the lowest ninth decile; a spin window that covers its worst wake one and a half times.
fn choose(latencies: &mut [[u64; WAKES]; PHASES], interval: u64) -> Timing {
    let mut best = (u64::MAX, 0, 0);
    for (i, row) in latencies.iter_mut().enumerate() {
        row.sort_unstable();
        let decile = row[WAKES * 9 / 10];
        if decile < best.0 {
            best = (decile, i, row[WAKES - 1]);
        }
    }
    let (_, i, worst) = best;
    let longest = SPIN_NS.1.min(interval / 4);
    Timing {
        phase_ns: (2 * i as u64 + 1) * interval / (2 * PHASES as u64),
        spin_ns: (worst + worst / 2).clamp(SPIN_NS.0.min(longest), longest),
    }
}

/// The first instant at least one interval after `now` that lies at `phase` on the interval's grid.
pub fn next_start(now: u64, interval: u64, phase: u64) -> u64 {
    (now / interval + 1) * interval + phase
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quietest_phase_wins_and_the_spin_covers_it() {
        let mut latencies = [[90_000; WAKES]; PHASES];
        latencies[7] = [10_000; WAKES];
        latencies[7][3] = 40_000;
        let timing = choose(&mut latencies, 1_000_000);
        assert_eq!(timing, Timing { phase_ns: 625_000, spin_ns: 60_000 });
    }

    #[test]
    fn no_phase_lies_on_the_grid() {
        for i in 0..PHASES as u64 {
            assert_ne!((2 * i + 1) * 1_000_000 / (2 * PHASES as u64) % 1_000_000, 0);
        }
    }

    #[test]
    fn spin_never_eats_more_than_a_quarter() {
        let mut latencies = [[900_000; WAKES]; PHASES];
        assert_eq!(choose(&mut latencies, 250_000).spin_ns, 62_500);
    }

    #[test]
    fn starts_lie_ahead_at_their_phase() {
        assert_eq!(next_start(1_999, 1_000, 250), 2_250);
        assert_eq!(next_start(2_000, 1_000, 0), 3_000);
    }
}
