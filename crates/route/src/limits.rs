//! How large a table may be, and why.

/// Rules in one table: each number of a ported range may have its own, and a table is still read in seconds.
pub const RULES_LIMIT: usize = 100_000;
/// Targets of one rule: more than anybody connects to, and few enough that their order needs no allocation.
pub const TARGETS_LIMIT: usize = 100;
/// Patterns in one condition: more are better written as a prefix, a range, or rules of their own.
pub const PATTERNS_LIMIT: usize = 1_000;
/// Patterns in one table: about 200 octets of memory each, measured with whole numbers.
pub const TABLE_PATTERNS_LIMIT: usize = 1_000_000;
/// Regular expressions in one table: each may take [`REGEX_LIMIT_OCTETS`] and has to be tried by itself.
pub const REGEXES_LIMIT: usize = 1_000;
/// Octets of one pattern; the work for one match grows with it.
pub const PATTERN_LIMIT_OCTETS: usize = 1_000;
/// Octets of a compiled expression, and of what it remembers between matches: patterns come over REST, too.
pub const REGEX_LIMIT_OCTETS: usize = 1 << 20;

/// What one table has used up.
#[derive(Debug, Default)]
pub(crate) struct Budget {
    patterns: usize,
    regexes: usize,
}

impl Budget {
    pub(crate) fn take_patterns(&mut self, count: usize) -> Result<(), String> {
        if count > PATTERNS_LIMIT {
            return Err(format!(
                "has {count} patterns, {PATTERNS_LIMIT} at most; write prefixes or ranges, or several rules"
            ));
        }
        self.patterns += count;
        if self.patterns > TABLE_PATTERNS_LIMIT {
            return Err(format!("is beyond the {TABLE_PATTERNS_LIMIT} patterns of a table; write prefixes"));
        }
        Ok(())
    }

    pub(crate) fn take_regex(&mut self) -> Result<(), String> {
        self.regexes += 1;
        if self.regexes > REGEXES_LIMIT {
            return Err(format!(
                "it is beyond the {REGEXES_LIMIT} regular expressions of a table; write prefixes or ranges"
            ));
        }
        Ok(())
    }
}
