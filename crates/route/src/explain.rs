//! Where a message would go, and why.

use core::fmt;

use serde::Serialize;

use crate::error::NoRoute;
use crate::facts::Facts;
use crate::order::{How, Sending, Standing, Targets};
use crate::rule::Strategy;
use crate::table::{Found, Outcome, Ready, Table};

/// What each rule says of a message, how the targets stand, and what comes of it. `Display` shows it to people.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explanation {
    /// Every rule, in order.
    pub rules: Vec<RuleSeen>,
    /// How the rule that matched chooses, if it sends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strategy: Option<Strategy>,
    /// Its targets: those that it tries, in that order, then the others.
    pub targets: Vec<TargetSeen>,
    /// What comes of it.
    pub decision: Decision,
}

/// What one rule says of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleSeen {
    /// Its name.
    pub name: String,
    /// What it says.
    #[serde(flatten)]
    pub verdict: Verdict,
}

/// What a rule says of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// It is for the message.
    Matched,
    /// It is not, as one condition does not hold.
    NoMatch {
        /// The field.
        field: String,
        /// What the rule wants.
        wanted: String,
        /// What the message has.
        found: String,
    },
    /// It is switched off.
    Disabled,
    /// A rule before it matched.
    NotReached,
}

/// One target of the rule that matched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TargetSeen {
    /// Its name.
    pub name: String,
    /// How it stands.
    pub standing: Standing,
    /// When it is tried, from 1; none if never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<usize>,
    /// Why there.
    pub why: String,
}

/// What comes of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "decision", rename_all = "snake_case")]
pub enum Decision {
    /// It goes to a target.
    Send {
        /// The rule's place in the table, from 0.
        rule: usize,
        /// The rule's name.
        name: String,
        /// The target.
        target: String,
        /// Those to fall back to, in order.
        then: Vec<String>,
    },
    /// A rule refuses it.
    Refuse {
        /// The rule's place in the table, from 0.
        rule: usize,
        /// The rule's name.
        name: String,
        /// The command_status of the answer.
        status: String,
    },
    /// No rule is for it.
    NoRule,
    /// None of the rule's targets exists.
    NoTarget {
        /// The rule's place in the table, from 0.
        rule: usize,
        /// The rule's name.
        name: String,
    },
}

impl Table {
    /// Says where [`choose`](Self::choose) sends a message, and why; asks each rule, however many there are.
    pub fn explain(&self, facts: &Facts<'_>, targets: &dyn Targets, dice: u64) -> Explanation {
        let mut matched = None;
        let mut rules = Vec::with_capacity(self.len());
        for (at, ready) in self.ready().iter().enumerate() {
            let verdict = if matched.is_some() { Verdict::NotReached } else { ready.verdict(facts) };
            if verdict == Verdict::Matched {
                matched = Some((at, ready));
            }
            rules.push(RuleSeen { name: ready.name.to_string(), verdict });
        }
        let Some((rule, ready)) = matched else {
            return Explanation { rules, strategy: None, targets: Vec::new(), decision: Decision::NoRule };
        };
        let decision = Decision::of(Found::new(rule, ready), facts, targets, dice);
        let (strategy, targets) = match &ready.outcome {
            Outcome::Refuse(_) => (None, Vec::new()),
            Outcome::Send(sending) => (Some(sending.strategy), sending.seen(facts, targets, dice)),
        };
        Explanation { rules, strategy, targets, decision }
    }
}

impl Ready {
    fn verdict(&self, facts: &Facts<'_>) -> Verdict {
        if !self.enabled {
            return Verdict::Disabled;
        }
        match self.conditions.iter().find(|condition| !condition.holds(facts)) {
            None => Verdict::Matched,
            Some(condition) => Verdict::NoMatch {
                field: condition.field(),
                wanted: condition.wanted().to_owned(),
                found: condition.found(facts),
            },
        }
    }
}

impl Decision {
    fn of(found: Found<'_>, facts: &Facts<'_>, targets: &dyn Targets, dice: u64) -> Self {
        match found.choose(facts, targets, dice) {
            Ok(choice) => Self::Send {
                rule: choice.rule(),
                name: choice.name().to_owned(),
                target: choice.first().to_owned(),
                then: choice.rest().map(str::to_owned).collect(),
            },
            Err(NoRoute::Refused { rule, name, status }) => {
                Self::Refuse { rule, name: name.to_owned(), status: status.to_string() }
            }
            Err(NoRoute::NoTarget { rule, name }) => Self::NoTarget { rule, name: name.to_owned() },
            Err(NoRoute::NoRule) => Self::NoRule,
        }
    }
}

impl Sending {
    fn seen(&self, facts: &Facts<'_>, targets: &dyn Targets, dice: u64) -> Vec<TargetSeen> {
        let order = self.order(facts, targets, dice);
        let tried = order.as_ref().iter().map(|&at| usize::from(at));
        let others = (0..self.ways.len()).filter(|&at| !order.as_ref().contains(&(at as u8)));
        let placed = tried.enumerate().map(|(place, at)| (Some(place + 1), at));
        let all = placed.chain(others.map(|at| (None, at)));
        let seen = all.map(|(place, at)| {
            let way = &self.ways[at];
            let standing = self.standing(way, facts, targets);
            TargetSeen {
                name: way.name.to_string(),
                standing,
                place,
                why: self.why(at, standing, facts, targets),
            }
        });
        seen.collect()
    }

    fn why(&self, at: usize, standing: Standing, facts: &Facts<'_>, targets: &dyn Targets) -> String {
        let way = &self.ways[at];
        let total: u64 = self.ways.iter().map(|way| u64::from(way.weight)).sum();
        match standing {
            Standing::Gone => return "there is no such target".to_owned(),
            Standing::Drained => return "its weight is 0".to_owned(),
            Standing::Down => return "down: after all that are up".to_owned(),
            Standing::Full => return "no room: after all that have some".to_owned(),
            Standing::Usable => {}
        }
        match self.how(facts) {
            How::AsListed => format!("number {} in the list", at + 1),
            How::ByCost => format!("costs {}", way.cost),
            How::ByTurn => "in turn".to_owned(),
            How::ByWeight => format!("weight {} of {total}", way.weight),
            How::ByLoad => {
                format!("{} in flight and queued, weight {}", targets.load(&way.name), way.weight)
            }
            How::ByKey(_) if self.strategy == Strategy::Sticky => {
                format!("always in this order for these, weight {} of {total}", way.weight)
            }
            How::ByKey(_) => format!("in this order for all parts, weight {} of {total}", way.weight),
        }
    }
}

/// Rules that did not match, shown to people on each side of a gap.
const SHOWN: usize = 20;

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let asked = self.rules.iter().filter(|rule| rule.verdict != Verdict::NotReached).count();
        for (at, rule) in self.rules.iter().take(asked).enumerate() {
            if at == SHOWN && asked > 2 * SHOWN {
                writeln!(f, "   ... {} rules that are not for it", asked - 2 * SHOWN)?;
            }
            if at < SHOWN || at + SHOWN >= asked {
                writeln!(f, "{:>3} {}: {}", at + 1, rule.name, rule.verdict)?;
            }
        }
        match self.rules.len() - asked {
            0 => {}
            1 => writeln!(f, "   ... 1 rule was not reached")?,
            more => writeln!(f, "   ... {more} rules were not reached")?,
        }
        if let Some(strategy) = self.strategy {
            writeln!(f, "strategy: {strategy}")?;
        }
        for TargetSeen { name, place, why, .. } in &self.targets {
            match place {
                Some(place) => writeln!(f, "{place:>3} {name}: {why}")?,
                None => writeln!(f, "  - {name}: {why}")?,
            }
        }
        writeln!(f, "decision: {}", self.decision)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Matched => f.write_str("matched"),
            Self::NoMatch { field, wanted, found } => {
                write!(f, "no match: {field} is {found}, wanted {wanted}")
            }
            Self::Disabled => f.write_str("disabled"),
            Self::NotReached => f.write_str("not reached"),
        }
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Send { name, target, then, .. } if then.is_empty() => {
                write!(f, "{name} sends it to {target}")
            }
            Self::Send { name, target, then, .. } => {
                write!(f, "{name} sends it to {target}, or else to {}", then.join(", "))
            }
            Self::Refuse { name, status, .. } => write!(f, "{name} refuses it with {status}"),
            Self::NoRule => f.write_str("no rule is for it"),
            Self::NoTarget { name, .. } => write!(f, "no target of {name} exists"),
        }
    }
}
