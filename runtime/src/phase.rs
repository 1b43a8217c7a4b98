//! Where on the interval's grid the cycle starts best, and how long to spin.
//!
//! Without distributed clocks the phase is free. Kernel timers fire on the millisecond grid; a thread that wakes
//! there shares the moment with them. The sweep tries phases over the whole interval, or over one millisecond if the
//! interval is a multiple of that, and takes the quietest.

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

/// Wakes are tried about this far apart, whatever the interval.
const PAUSE_NS: u64 = 1_000_000;

/// Try all phases; takes about `PHASES × WAKES` milliseconds, and more only where the interval is no multiple of one.
pub fn calibrate(interval: u64) -> Timing {
    let grid = grid(interval);
    let pause = PAUSE_NS.next_multiple_of(grid);
    let mut latencies = [[0_u64; WAKES]; PHASES];
    for (i, row) in latencies.iter_mut().enumerate() {
        let phase = phase(i, grid);
        let mut target = next_start(clock::monotonic_ns(), grid, phase);
        for latency in row.iter_mut() {
            rt::sleep_until(target);
            *latency = clock::monotonic_ns().saturating_sub(target);
            target += pause;
            // Woken so late that the next target has passed: that one would measure nothing.
            let now = clock::monotonic_ns();
            if now >= target {
                target = next_start(now, grid, phase);
            }
        }
    }
    choose(&mut latencies, interval)
}

/// What phases are tried over.
const fn grid(interval: u64) -> u64 {
    if interval.is_multiple_of(PAUSE_NS) { PAUSE_NS } else { interval }
}

/// The phase tried at `i`: half a step off the grid, so that none lies on a millisecond.
const fn phase(i: usize, grid: u64) -> u64 {
    (2 * i as u64 + 1) * grid / (2 * PHASES as u64)
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
        phase_ns: phase(i, grid(interval)),
        spin_ns: (worst + worst / 2).clamp(SPIN_NS.0.min(longest), longest),
    }
}

/// An instant behind `now`, by two intervals at most, that lies at `phase` on the interval's grid.
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
    fn no_phase_lies_on_the_grid_and_a_long_interval_costs_no_longer_sweep() {
        for interval in [100_000, 1_000_000, 7_000_000, 1_000_000_000] {
            for i in 0..PHASES {
                let phase = phase(i, grid(interval));
                assert!(phase < interval && !phase.is_multiple_of(1_000_000), "{phase} of {interval}");
            }
            assert_eq!(PAUSE_NS.next_multiple_of(grid(interval)), 1_000_000);
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
