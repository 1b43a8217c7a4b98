//! What Rust's test harness prints, read line by line.
//!
//! Tests run with `--show-output`, so that the `skipped: <name> (<why>)` line of a test that could not run reaches us
//! although the test itself counts as passed.

use std::collections::BTreeSet;

/// What a stream of test output says so far.
#[derive(Debug, Default)]
pub struct Tally {
    pub passed: u64,
    pub failed: u64,
    pub skipped: u64,
    /// Names of failed tests.
    pub failures: Vec<String>,
    /// The `skipped: …` lines.
    pub notices: Vec<String>,
    section: Section,
    /// Tests of the running binary that said `skipped:`.
    skipping: BTreeSet<String>,
    /// Test whose captured output is being shown.
    shown: Option<String>,
}

#[derive(Debug, Default, PartialEq)]
enum Section {
    #[default]
    Running,
    Successes,
    Failures,
}

impl Tally {
    /// Take in one line, without its line end.
    pub fn line(&mut self, line: &str) {
        if let Some(counts) = line.strip_prefix("test result: ") {
            self.binary_done(counts);
        } else if let Some(name) =
            line.strip_prefix("---- ").and_then(|line| line.strip_suffix(" stdout ----"))
        {
            self.shown = Some(name.to_owned());
        } else if let Some(name) =
            line.strip_prefix("test ").and_then(|line| line.strip_suffix(" ... FAILED"))
        {
            self.failures.push(name.to_owned());
        } else if line.starts_with("skipped: ") {
            self.skipped_line(line);
        } else if line == "successes:" {
            self.section = Section::Successes;
        } else if line == "failures:" {
            self.section = Section::Failures;
        }
    }

    /// A test may say several times what it could not do; it is one test. A failed one stays failed. Output that
    /// belongs to no test counts by itself.
    fn skipped_line(&mut self, line: &str) {
        self.notices.push(line.to_owned());
        match (&self.section, &self.shown) {
            (Section::Failures, _) => {}
            (Section::Successes, Some(name)) => {
                self.skipping.insert(name.clone());
            }
            _ => self.skipped += 1,
        }
    }

    fn binary_done(&mut self, counts: &str) {
        let passed = count(counts, "passed");
        let skipping = (self.skipping.len() as u64).min(passed);
        self.passed += passed - skipping;
        self.failed += count(counts, "failed");
        self.skipped += skipping + count(counts, "ignored");
        self.skipping.clear();
        self.shown = None;
        self.section = Section::Running;
    }
}

/// The number before `word` in `ok. 6 passed; 0 failed; …`.
fn count(counts: &str, word: &str) -> u64 {
    counts
        .split(['.', ';'])
        .filter_map(|part| part.trim().strip_suffix(word))
        .find_map(|number| number.trim().parse().ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(text: &str) -> Tally {
        let mut tally = Tally::default();
        text.lines().for_each(|line| tally.line(line));
        tally
    }

    #[test]
    fn several_binaries_add_up() {
        let tally = tally(
            "running 3 tests\ntest a ... ok\ntest b ... FAILED\ntest result: FAILED. 2 passed; 1 failed; 0 ignored; 0 \
             measured; 0 filtered out; finished in 0.00s\n\ntest result: ok. 40 passed; 0 failed; 1 ignored; 0 \
             measured; 5 filtered out; finished in 1.00s\n",
        );
        assert_eq!((tally.passed, tally.failed, tally.skipped), (42, 1, 1));
        assert_eq!(tally.failures, ["b"]);
    }

    #[test]
    fn a_test_that_says_skipped_is_not_passed() {
        let tally = tally(
            "test a ... ok\ntest b ... ok\n\nsuccesses:\n\n---- a stdout ----\nskipped: a (no python3)\nskipped: a \
             second part (no python3)\n\n\nsuccesses:\n    a\n    b\n\ntest result: ok. 2 passed; 0 failed; 0 ignored\n",
        );
        assert_eq!((tally.passed, tally.failed, tally.skipped), (1, 0, 1));
        assert_eq!(tally.notices, ["skipped: a (no python3)", "skipped: a second part (no python3)"]);
    }

    #[test]
    fn a_failed_test_that_says_skipped_stays_failed() {
        let tally = tally(
            "test a ... FAILED\n\nfailures:\n\n---- a stdout ----\nskipped: part of a (no ip)\npanicked\n\n\
             failures:\n    a\n\ntest result: FAILED. 0 passed; 1 failed; 0 ignored\n",
        );
        assert_eq!((tally.passed, tally.failed, tally.skipped), (0, 1, 0));
    }

    #[test]
    fn a_line_outside_of_any_test_counts_by_itself() {
        let tally =
            tally("skipped: bench (no isolated core)\ntest result: ok. 1 passed; 0 failed; 0 ignored\n");
        assert_eq!((tally.passed, tally.failed, tally.skipped), (1, 0, 1));
    }

    #[test]
    fn the_next_binary_starts_fresh() {
        let tally = tally(
            "successes:\n---- a stdout ----\nskipped: a (x)\ntest result: ok. 1 passed; 0 failed; 0 ignored\n\
             test result: ok. 1 passed; 0 failed; 0 ignored\n",
        );
        assert_eq!((tally.passed, tally.skipped), (1, 1));
    }
}
