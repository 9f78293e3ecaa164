//! What can be wrong with a table, and with a message that it has no way for.

use core::fmt;

use smppkit_wire::CommandStatus;

/// A rule that cannot be.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BadRoute {
    /// The rule's name; empty where the table as a whole is meant.
    pub rule: String,
    /// The field as it is written.
    pub field: String,
    /// What is wrong and what to do.
    pub why: String,
}

/// A message goes nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NoRoute<'t> {
    /// A rule refuses it.
    Refused {
        /// The rule's place in the table, from 0.
        rule: usize,
        /// Its name.
        name: &'t str,
        /// What the rule answers.
        status: CommandStatus,
    },
    /// No rule is for it.
    NoRule,
    /// None of the rule's targets exists any more.
    NoTarget {
        /// The rule's place in the table, from 0.
        rule: usize,
        /// Its name.
        name: &'t str,
    },
}

impl NoRoute<'_> {
    /// What the submitter is answered: the rule's own status; ESME_RINVDSTADR where no rule is for the message, as
    /// trying again does not help; ESME_RSYSERR where the configuration names what is gone, as it may.
    pub const fn status(self) -> CommandStatus {
        match self {
            Self::Refused { status, .. } => status,
            Self::NoRule => CommandStatus::ESME_RINVDSTADR,
            Self::NoTarget { .. } => CommandStatus::ESME_RSYSERR,
        }
    }
}

impl fmt::Display for BadRoute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.rule.is_empty() {
            write!(f, "route {:?}: ", self.rule)?;
        }
        write!(f, "{}: {}", self.field, self.why)
    }
}

impl std::error::Error for BadRoute {}

impl fmt::Display for NoRoute<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { name, status, .. } => write!(f, "route {name:?} refuses with {status}"),
            Self::NoRule => f.write_str("no route is for the message"),
            Self::NoTarget { name, .. } => write!(f, "no target of route {name:?} exists"),
        }
    }
}

impl std::error::Error for NoRoute<'_> {}
