//! What the slow tasks did in a run, for its summary.

use crate::machine::Machine;
use hdrhistogram::Histogram;

/// Execution times of one slow task. Sized once, counting never allocates.
#[derive(Clone, Debug)]
pub struct Runs {
    /// From when its thread took the job to when it was done, ns.
    pub execution: Histogram<u64>,
    /// Runs released.
    pub releases: u64,
    /// Releases at which the run before was not done.
    pub overruns: u64,
}

/// 10 s: what is longer is counted as this.
const LONGEST_NS: u64 = 10_000_000_000;

impl Runs {
    /// Nothing yet, for each of `tasks` slow tasks.
    pub fn of(tasks: usize) -> Box<[Self]> {
        // Bounds and precision are constants that the library accepts; a test calls this.
        let execution = Histogram::new_with_bounds(1, LONGEST_NS, 3).expect("valid histogram bounds");
        vec![Self { execution, releases: 0, overruns: 0 }; tasks].into()
    }

    /// Behind every cycle.
    pub fn count(all: &mut [Self], machine: &Machine, index: u64) {
        for (runs, facts) in all.iter_mut().zip(machine.task_facts(index)) {
            (runs.releases, runs.overruns) = (facts.releases, facts.overruns);
            if facts.collected {
                runs.execution.saturating_record(facts.execution_ns);
            }
        }
    }
}
