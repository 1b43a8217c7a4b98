//! Both parsers on many texts.

use crate::{corpus, coverage, differences::Difference, generator, mutants, oracle::Oracle, random::Random};
use std::collections::BTreeMap;

/// How many texts: some for every day, more where there is time.
fn count(normal: usize, long: usize) -> usize {
    if std::env::var_os("SENSAI_SOAK").is_some() { long } else { normal }
}

/// A problem that several texts have: how many, and the shortest of them.
struct Problem {
    texts: usize,
    shortest: String,
}

/// Gives texts to both, on a stack that is large enough for a program of the deepest nesting in a debug build of Rhai.
fn compare(name: &str, texts: impl Iterator<Item = String> + Send + 'static) {
    let run = move || {
        let mut oracle = Oracle::new();
        let mut problems: BTreeMap<String, Problem> = BTreeMap::new();
        for text in texts {
            if let Err(description) = oracle.check(&text) {
                let sort = description.lines().next().unwrap_or_default();
                let sort = sort.chars().filter(|c| !c.is_ascii_digit()).collect();
                let problem = problems
                    .entry(sort)
                    .or_insert_with(|| Problem { texts: 0, shortest: description.clone() });
                problem.texts += 1;
                if description.len() < problem.shortest.len() {
                    problem.shortest = description;
                }
            }
        }
        (oracle.counts, problems)
    };
    let thread = std::thread::Builder::new().stack_size(64 << 20).spawn(run).unwrap();
    let (counts, problems) = thread.join().unwrap();
    println!("{name}: {counts}");
    for problem in problems.values() {
        println!("in {} texts: {}\n", problem.texts, problem.shortest);
    }
    assert!(problems.is_empty(), "{} sorts of problems", problems.len());
    counts.check();
}

/// A program that is generated from this seed.
fn generated(seed: u64) -> String {
    generator::program(&mut Random::new(seed))
}

/// One with a few changes.
fn changed(seed: u64) -> String {
    let mut random = Random::new(seed + 1_000_000);
    let program = generator::program(&mut random);
    mutants::mutant(&mut random, &program)
}

#[test]
fn generated_programs_are_the_same_to_both() {
    compare("generated programs", (0..count(4_000, 200_000)).map(|seed| generated(seed as u64)));
}

#[test]
fn generated_programs_with_changes_are_the_same_to_both() {
    compare("generated programs with changes", (0..count(6_000, 500_000)).map(|seed| changed(seed as u64)));
}

#[test]
fn programs_with_changes_are_the_same_to_both() {
    let programs = corpus::programs();
    let texts = (0..count(3_000, 400_000)).map(move |seed| {
        let mut random = Random::new(seed as u64 + 2_000_000);
        mutants::mutant(&mut random, &programs[seed % programs.len()].text)
    });
    compare("programs with changes", texts);
}

#[test]
fn every_token_and_every_rule_is_met_often() {
    coverage::check((0..3_000).map(generated), (0..3_000).map(changed));
}

/// A reason that no text has would hide faults.
#[test]
fn every_difference_is_met() {
    for difference in Difference::ALL {
        let mut oracle = Oracle::new();
        oracle.check(&difference.example()).unwrap();
        let met: Vec<_> = oracle.counts.differences.into_keys().collect();
        assert_eq!(met, [difference], "{}", difference.example());
    }
}
