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
    println!("\n{}", render(results, total));
    results.iter().all(|result| result.failed == 0)
}

fn render(results: &[StepResult], total: Seconds) -> String {
    let mut lines = vec!["times:".to_owned()];
    for result in results {
        lines.push(format!("{:>12}  {:<9} {}", result.time, result.name, result.verdict()));
    }
    lines.push(format!("{total:>12}  in all"));
    let mut notices: Vec<&String> = results.iter().flat_map(|result| &result.notices).collect();
    notices.sort_unstable();
    notices.dedup();
    lines.extend(notices.into_iter().cloned());
    for result in results {
        lines.extend(result.failures.iter().map(|failure| format!("failed: {}: {failure}", result.name)));
    }
    let sum = |of: fn(&StepResult) -> u64| results.iter().map(of).sum::<u64>();
    lines.push(format!(
        "{} passed, {} failed, {} skipped",
        sum(|result| result.passed),
        sum(|result| result.failed),
        sum(|result| result.skipped)
    ));
    lines.join("\n")
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
    fn the_report_ends_in_the_sums() {
        let results = [
            StepResult::check("fmt", Seconds(0.5), Ok(())),
            StepResult::skipped("deny", Seconds(0.0), "not installed"),
            StepResult::check("doc", Seconds(120.0), Err("see the log".into())),
        ];
        let expected = "times:\n       0.5 s  fmt       ok\n       0.0 s  deny      skipped\n  2 min 00 s  doc       \
                        FAILED\n  2 min 01 s  in all\nskipped: deny (not installed)\nfailed: doc: see the log\n1 \
                        passed, 1 failed, 1 skipped";
        assert_eq!(render(&results, Seconds(120.5)), expected);
    }
}
