//! The end of a run: times, what was skipped and why, what failed, and one line of sums.

use crate::{clock::Seconds, libtest::Tally};

/// One step's result.
pub struct StepResult {
    pub name: String,
    pub time: Seconds,
    pub passed: u64,
    pub failed: u64,
    pub skipped: u64,
    /// One line each: what failed.
    pub failures: Vec<String>,
    /// `skipped: …` lines.
    pub notices: Vec<String>,
}

impl StepResult {
    /// A step that is one check: it holds, or it does not.
    pub fn check(name: &str, time: Seconds, outcome: Result<(), String>) -> Self {
        let failed = outcome.is_err().into();
        let failures = outcome.err().into_iter().collect();
        Self {
            name: name.to_owned(),
            time,
            passed: 1 - failed,
            failed,
            skipped: 0,
            failures,
            notices: Vec::new(),
        }
    }

    /// A step that did not run.
    pub fn skipped(name: &str, time: Seconds, why: &str) -> Self {
        let notices = vec![format!("skipped: {name} ({why})")];
        Self { name: name.to_owned(), time, passed: 0, failed: 0, skipped: 1, failures: Vec::new(), notices }
    }

    /// A step that ran tests. A failure that no test accounts for, such as one of the compiler, counts as one.
    pub fn tests(name: &str, time: Seconds, tally: Tally, unaccounted: Option<String>) -> Self {
        let mut failures = tally.failures;
        let mut failed = tally.failed;
        if let Some(why) = unaccounted.filter(|_| failed == 0) {
            failures.push(why);
            failed = 1;
        }
        let (passed, skipped, notices) = (tally.passed, tally.skipped, tally.notices);
        Self { name: name.to_owned(), time, passed, failed, skipped, failures, notices }
    }

    fn verdict(&self) -> &'static str {
        match (self.failed, self.passed, self.skipped) {
            (1.., _, _) => "FAILED",
            (0, 0, 1..) => "skipped",
            _ => "ok",
        }
    }
}

/// Print it, the sums last and alone on their line. True if nothing failed.
pub fn print(results: &[StepResult], total: Seconds) -> bool {
    println!("\ntimes:");
    for result in results {
        println!("{:>12}  {:<9} {}", result.time.to_string(), result.name, result.verdict());
    }
    println!("{:>12}  in all", total.to_string());
    let mut notices: Vec<&str> =
        results.iter().flat_map(|result| &result.notices).map(String::as_str).collect();
    notices.sort_unstable();
    notices.dedup();
    for notice in notices {
        println!("{notice}");
    }
    for result in results {
        for failure in &result.failures {
            println!("failed: {}: {failure}", result.name);
        }
    }
    let sum = |of: fn(&StepResult) -> u64| results.iter().map(of).sum::<u64>();
    let failed = sum(|result| result.failed);
    println!(
        "{} passed, {failed} failed, {} skipped",
        sum(|result| result.passed),
        sum(|result| result.skipped)
    );
    failed == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_compiler_error_counts_once_and_only_if_no_test_failed() {
        let compiler = || Some("`cargo test` failed".to_owned());
        let result = StepResult::tests("tests", Seconds(1.0), Tally::default(), compiler());
        assert_eq!((result.failed, result.failures.len()), (1, 1));
        let mut tally = Tally::default();
        for line in ["test a ... FAILED", "test b ... FAILED", "test result: FAILED. 0 passed; 2 failed;"] {
            tally.line(line);
        }
        let result = StepResult::tests("tests", Seconds(1.0), tally, compiler());
        assert_eq!((result.failed, result.failures.len()), (2, 2));
    }

    #[test]
    fn sums_decide() {
        let good = StepResult::check("a", Seconds(0.0), Ok(()));
        let none = StepResult::skipped("b", Seconds(0.0), "not installed");
        assert!(print(&[good, none], Seconds(0.0)));
        let bad = StepResult::check("c", Seconds(0.0), Err("no".into()));
        assert_eq!(bad.verdict(), "FAILED");
        assert!(!print(&[bad], Seconds(0.0)));
    }
}
