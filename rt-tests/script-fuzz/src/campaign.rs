//! Many seeds: what came of them, and what a seed that differs looks like.

use crate::{
    ast::Program,
    chance::Chance,
    clock::Stopwatch,
    coverage::Coverage,
    drive::{self, Case, Difference, Run, Verdict},
    generate::generate,
    print::{self, Printed},
    shrink,
    tiers::Tiers,
    world::World,
};
use sensai_model::FaultCode;
use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

/// Cycles of each program.
pub const CYCLES: u64 = 30;

/// Time between two lines that say how far it is.
const PROGRESS: Duration = Duration::from_secs(5);

/// Runs that making a program smaller may take.
const ATTEMPTS: usize = 3000;

/// Faults that a well-typed program can come to. How deep calls may be is checked before it runs.
pub const FAULTS: [FaultCode; 9] = [
    FaultCode::FuelExhausted,
    FaultCode::Overflow,
    FaultCode::DivisionByZero,
    FaultCode::IndexOutOfBounds,
    FaultCode::UnknownName,
    FaultCode::OutOfRange,
    FaultCode::NotFinite,
    FaultCode::TooLarge,
    FaultCode::Raised,
];

/// What is to be run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// First seed.
    pub start: u64,
    /// How many.
    pub seeds: u64,
    /// Threads.
    pub jobs: usize,
    /// Differences after which it stops: more of them say no more.
    pub differences: usize,
    /// Say on the standard error, every few seconds, how far it is.
    pub progress: bool,
}

impl Plan {
    /// Differences that a plan ends with if nobody says otherwise.
    pub const DIFFERENCES: usize = 10;
}

/// Sums over all seeds.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Programs run.
    pub programs: u64,
    /// Their cycles.
    pub cycles: u64,
    /// Cycles that faulted in both tiers alike, by code.
    pub faults: BTreeMap<u16, u64>,
    /// The first seed with each of them.
    pub examples: BTreeMap<u16, u64>,
    /// Programs that faulted at least once.
    pub faulted: u64,
    /// Faults of which only the column differed.
    pub columns: u64,
    /// Bytes of all texts.
    pub bytes: u64,
    /// Seeds that differ.
    pub differences: Vec<Found>,
}

/// A seed that differs.
#[derive(Clone, Debug)]
pub struct Found {
    /// The seed.
    pub seed: u64,
    /// How.
    pub difference: Difference,
}

/// A seed with everything that is said about it.
#[derive(Debug)]
pub struct Told {
    /// Its program.
    pub program: Program,
    /// The program's text.
    pub text: String,
    /// What running it came to.
    pub run: Run,
}

/// World and program of a seed.
pub fn case_of(seed: u64) -> (World, Program) {
    let world = World::new(&mut Chance::new(seed, 0));
    let program = generate(Chance::new(seed, 1), &world).program;
    (world, program)
}

/// The text of a seed's program, with counters or without.
fn printed(program: &Program, seed: u64, counted: bool) -> Printed {
    if counted {
        return print::counting(program, seed as u32);
    }
    Printed { text: print::plain(program), probes: 0 }
}

/// Run one seed; `counted`, as it is run to see what of the language is.
pub fn run_seed(seed: u64, tiers: Tiers<'_>, counted: bool, trace: bool) -> Told {
    let (world, program) = case_of(seed);
    let Printed { text, probes } = printed(&program, seed, counted);
    let case = Case { world: &world, text: &text, probes, cycles: CYCLES, seed, trace };
    let run = drive::run(&case, tiers);
    Told { program, text, run }
}

/// Run all seeds of a plan. The sums do not depend on the number of threads.
pub fn run(plan: Plan, tiers: Tiers<'_>) -> Summary {
    let mut sums = Summary::default();
    let step = |own: &mut Summary, seed| {
        let before = own.differences.len();
        own.add(seed, &run_seed(seed, tiers, false, false));
        own.differences.len() - before
    };
    each_seed(plan, step, |own| sums.join(own));
    sums.differences.sort_by_key(|found| found.seed);
    sums
}

/// Run all seeds of a plan with counters, and sum them up.
pub fn cover(plan: Plan, tiers: Tiers<'_>) -> (Coverage, Vec<Found>) {
    let (mut coverage, mut differences) = (Coverage::default(), Vec::new());
    let step = |(own, found): &mut (Coverage, Vec<Found>), seed| {
        let difference = own.add(seed, tiers).err();
        let differences = usize::from(difference.is_some());
        found.extend(difference.map(|difference| Found { seed, difference }));
        differences
    };
    each_seed(plan, step, |(own, found)| {
        coverage.join(own);
        differences.extend(found);
    });
    differences.sort_by_key(|found| found.seed);
    (coverage, differences)
}

/// Each thread takes the next seed until there is none, or enough differ; a step says how many differences it found. All
/// seeds before one that was run are run, too, so that the first difference is the same with any number of threads.
fn each_seed<T: Default + Send>(
    plan: Plan,
    step: impl Fn(&mut T, u64) -> usize + Sync,
    mut join: impl FnMut(T),
) {
    let (next, differences) = (AtomicU64::new(plan.start), AtomicUsize::new(0));
    let end = plan.start.saturating_add(plan.seeds);
    let progress = Progress { plan, said: Mutex::new((0, Stopwatch::start())) };
    let all = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..plan.jobs.max(1) {
            scope.spawn(|| {
                let mut own = T::default();
                while differences.load(Ordering::Relaxed) < plan.differences {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end {
                        break;
                    }
                    let found = step(&mut own, seed);
                    let found = differences.fetch_add(found, Ordering::Relaxed) + found;
                    progress.done(found);
                }
                all.lock().unwrap_or_else(PoisonError::into_inner).push(own);
            });
        }
    });
    all.into_inner().unwrap_or_else(PoisonError::into_inner).into_iter().for_each(&mut join);
}

/// Who waits wants to know that it goes on.
struct Progress {
    plan: Plan,
    /// Seeds done, and since when nothing was said.
    said: Mutex<(u64, Stopwatch)>,
}

impl Progress {
    /// One more seed, and the differences of all so far.
    fn done(&self, differences: usize) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        said.0 += 1;
        if self.plan.progress && said.1.elapsed() >= PROGRESS {
            said.1 = Stopwatch::start();
            eprintln!("{} of {} seeds, {differences} differences", said.0, self.plan.seeds);
        }
    }
}

impl Summary {
    fn add(&mut self, seed: u64, told: &Told) {
        self.programs += 1;
        self.bytes += told.text.len() as u64;
        let run = &told.run;
        self.cycles += run.cycles;
        self.columns += run.columns;
        self.faulted += u64::from(!run.faults.is_empty());
        for (code, count) in &run.faults {
            *self.faults.entry(*code).or_default() += count;
            self.example(*code, seed);
        }
        if let Verdict::Differs(difference) = &run.verdict {
            self.differences.push(Found { seed, difference: difference.clone() });
        }
    }

    fn example(&mut self, code: u16, seed: u64) {
        let first = self.examples.entry(code).or_insert(seed);
        *first = seed.min(*first);
    }

    fn join(&mut self, other: Self) {
        self.programs += other.programs;
        self.cycles += other.cycles;
        self.columns += other.columns;
        self.faulted += other.faulted;
        self.bytes += other.bytes;
        for (code, count) in other.faults {
            *self.faults.entry(code).or_default() += count;
        }
        other.examples.into_iter().for_each(|(code, seed)| self.example(code, seed));
        self.differences.extend(other.differences);
    }
}

/// A smaller program of a seed that differs in the same kind of thing, and how it does.
pub fn minimised(
    seed: u64,
    difference: &Difference,
    tiers: Tiers<'_>,
    counted: bool,
) -> (String, Difference) {
    let (world, program) = case_of(seed);
    let mut last = difference.clone();
    // Cycles behind the difference show nothing more.
    let cycles = difference.cycle + 1;
    let mut shows = |program: &Program| {
        let Printed { text, probes } = printed(program, seed, counted);
        let case = Case { world: &world, text: &text, probes, cycles, seed, trace: false };
        match drive::run(&case, tiers).verdict {
            Verdict::Differs(found) if found.kind == difference.kind => {
                last = found;
                true
            }
            _ => false,
        }
    };
    let small = shrink::shrink(&program, ATTEMPTS, &mut shows);
    (printed(&small, seed, counted).text, last)
}
