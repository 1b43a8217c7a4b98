//! For tests: a task that is late when a list says so.

use crate::{
    machine::job::{Executor, Inline, Job, Runner},
    programs,
};
use sensai_model::Cell;
use std::collections::VecDeque;

/// Says of each job that it is not done for as many looks as a list says; runs it when it is taken.
pub(crate) struct Late {
    runners: Vec<Inline>,
    away: Vec<Option<u64>>,
    looks: VecDeque<u64>,
}

impl Late {
    /// The programs of `cell`; the n-th job needs `looks[n]`.
    pub(crate) fn new(cell: &Cell, looks: &[u64]) -> Self {
        let runner = |number| Runner::new(programs::compile_task(cell, number).expect("it compiles"));
        Self::of((1..=cell.slow_tasks.len()).map(runner), looks)
    }

    /// The same with the programs of each task.
    pub(crate) fn of(runners: impl Iterator<Item = Runner>, looks: &[u64]) -> Self {
        let runners: Vec<Inline> = runners.map(|runner| Inline::new(std::iter::once(runner))).collect();
        Self { away: vec![None; runners.len()], runners, looks: looks.iter().copied().collect() }
    }
}

impl Executor for Late {
    fn submit(&mut self, task: usize, job: Box<Job>) {
        self.away[task] = Some(self.looks.pop_front().unwrap_or(0));
        self.runners[task].submit(0, job);
    }

    fn is_done(&mut self, task: usize) -> bool {
        let left = self.away[task].as_mut().expect("it is asked for a job it has");
        let done = *left == 0;
        *left = left.saturating_sub(1);
        done
    }

    fn take(&mut self, task: usize) -> Option<Box<Job>> {
        self.away[task] = None;
        self.runners[task].take(0)
    }
}
