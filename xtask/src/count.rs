//! Counting what test programs say about themselves.

use std::ops::AddAssign;

/// Checks that passed and checks that failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
}

impl Count {
    /// One check.
    pub(crate) fn one(passed: bool) -> Self {
        Self { passed: u64::from(passed), failed: u64::from(!passed) }
    }

    /// Reads what `cargo test` prints after each test binary and each crate's doc tests:
    /// `test result: ok. 3 passed; 0 failed; 0 ignored; ...`.
    pub(crate) fn from_test_result(line: &str) -> Option<Self> {
        let (_, counts) = line.trim().strip_prefix("test result: ")?.split_once(". ")?;
        let mut counts = counts.split(';');
        let passed = number_before(counts.next()?, "passed")?;
        let failed = number_before(counts.next()?, "failed")?;
        Some(Self { passed, failed })
    }

    /// Reads what vitest prints at its end: `Tests  1 failed | 57 passed (58)`.
    pub(crate) fn from_vitest_result(line: &str) -> Option<Self> {
        let (counts, _) = line.trim().strip_prefix("Tests ")?.rsplit_once('(')?;
        let of = |word| counts.split('|').find_map(|count| number_before(count, word)).unwrap_or_default();
        Some(Self { passed: of("passed"), failed: of("failed") })
    }

    /// Reads a suite's closing line, which is exactly `N passed, N failed`.
    pub(crate) fn from_closing_line(line: &str) -> Option<Self> {
        let (passed, failed) = line.trim().split_once(", ")?;
        Some(Self { passed: number_before(passed, "passed")?, failed: number_before(failed, "failed")? })
    }

    /// Adds one failure when the program failed, or ran nothing, without counting any itself.
    pub(crate) fn with_exit(mut self, success: bool) -> Self {
        if self.failed == 0 && (!success || self.passed == 0) {
            self.failed = 1;
        }
        self
    }
}

impl AddAssign for Count {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

fn number_before(text: &str, word: &str) -> Option<u64> {
    text.trim().strip_suffix(word)?.strip_suffix(' ')?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::Count;

    #[test]
    fn test_results_are_read_whether_ok_or_failed() {
        let ok =
            "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.02s";
        assert_eq!(Count::from_test_result(ok), Some(Count { passed: 12, failed: 0 }));
        let failed = "test result: FAILED. 3 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out";
        assert_eq!(Count::from_test_result(failed), Some(Count { passed: 3, failed: 1 }));
    }

    #[test]
    fn other_lines_are_no_test_results() {
        for line in ["", "running 3 tests", "test result: ok", "test result: ok. many passed; 0 failed"] {
            assert_eq!(Count::from_test_result(line), None, "{line:?}");
        }
    }

    #[test]
    fn results_of_vitest_are_read_whether_passed_or_failed() {
        let passed = Count { passed: 58, failed: 0 };
        assert_eq!(Count::from_vitest_result("      Tests  58 passed (58)"), Some(passed));
        let failed = Count { passed: 55, failed: 2 };
        assert_eq!(Count::from_vitest_result("Tests  2 failed | 55 passed | 1 skipped (58)"), Some(failed));
        for line in [" Test Files  9 passed (9)", "Tests", "58 passed (58)"] {
            assert_eq!(Count::from_vitest_result(line), None, "{line:?}");
        }
    }

    #[test]
    fn closing_lines_stand_alone() {
        assert_eq!(Count::from_closing_line("7 passed, 2 failed"), Some(Count { passed: 7, failed: 2 }));
        for line in ["kannel: 7 passed, 2 failed", "7 passed, 2 failed, 1 skipped", "-1 passed, 0 failed"] {
            assert_eq!(Count::from_closing_line(line), None, "{line:?}");
        }
    }

    #[test]
    fn failing_without_a_counted_failure_counts_as_one() {
        assert_eq!(Count { passed: 3, failed: 0 }.with_exit(false), Count { passed: 3, failed: 1 });
        assert_eq!(Count { passed: 3, failed: 2 }.with_exit(false), Count { passed: 3, failed: 2 });
        assert_eq!(Count { passed: 3, failed: 0 }.with_exit(true), Count { passed: 3, failed: 0 });
    }

    #[test]
    fn running_nothing_is_a_failure() {
        assert_eq!(Count::default().with_exit(true), Count { passed: 0, failed: 1 });
    }
}
