//! The table: rules in their order, and the choice.

use core::fmt;
use std::collections::HashSet;

use smppkit_wire::CommandStatus;

use crate::condition::{Condition, conditions};
use crate::error::{BadRoute, NoRoute};
use crate::facts::Facts;
use crate::index::Index;
use crate::limits::{Budget, RULES_LIMIT, TARGETS_LIMIT};
use crate::order::{Places, Sending, Targets, Way};
use crate::rule::{Rule, Strategy, Target};
use crate::written::cut;

/// Rules in their order, of which the first that is for a message counts.
#[derive(Debug, Default)]
pub struct Table {
    rules: Vec<Ready>,
    index: Index,
}

/// One rule, ready to be asked.
#[derive(Debug)]
pub(crate) struct Ready {
    pub(crate) name: Box<str>,
    pub(crate) enabled: bool,
    pub(crate) conditions: Vec<Condition>,
    pub(crate) outcome: Outcome,
}

#[derive(Debug)]
pub(crate) enum Outcome {
    Refuse(CommandStatus),
    Send(Sending),
}

/// The rule that is for a message.
#[derive(Debug, Clone, Copy)]
pub struct Found<'t> {
    rule: usize,
    ready: &'t Ready,
}

/// Where a message goes. There is a first target always.
#[derive(Clone, Copy)]
pub struct Choice<'t> {
    rule: usize,
    name: &'t str,
    ways: &'t [Way],
    places: Places,
}

impl Table {
    /// Rules in their order, checked and made ready. Those that are not enabled are checked, too.
    pub fn new(rules: Vec<Rule>) -> Result<Self, BadRoute> {
        if rules.len() > RULES_LIMIT {
            let why = format!("has {} rules, {RULES_LIMIT} at most; put prefixes into lists", rules.len());
            return Err(BadRoute { rule: String::new(), field: "route".to_owned(), why });
        }
        let mut table = Self { rules: Vec::with_capacity(rules.len()), index: Index::default() };
        let mut budget = Budget::default();
        let mut names = HashSet::new();
        for (at, rule) in rules.into_iter().enumerate() {
            let name = if rule.name.is_empty() { format!("route {}", at + 1) } else { rule.name.clone() };
            let of_rule = |bad: BadRoute| BadRoute { rule: cut(&name), ..bad };
            if !names.insert(name.clone()) {
                return Err(of_rule(bad("name", "two rules have it; give one of them another".to_owned())));
            }
            let conditions = conditions(&rule, &mut budget).map_err(of_rule)?;
            let enabled = rule.enabled;
            let outcome = Outcome::new(rule).map_err(of_rule)?;
            if enabled {
                table.index.add(at as u32, &conditions);
            }
            table.rules.push(Ready { name: name.into(), enabled, conditions, outcome });
        }
        Ok(table)
    }

    /// Rules in the table.
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether there are no rules.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Names of the rules, in their order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().map(|ready| &*ready.name)
    }

    /// Every target that a rule names, with the rule's name: to see whether there are such connectors.
    pub fn targets(&self) -> impl Iterator<Item = (&str, &str)> {
        self.rules.iter().flat_map(|ready| {
            let ways = match &ready.outcome {
                Outcome::Send(sending) => sending.ways.as_slice(),
                Outcome::Refuse(_) => &[],
            };
            ways.iter().map(|way| (&*ready.name, &*way.name))
        })
    }

    /// The first rule that is for a message.
    pub fn find(&self, facts: &Facts<'_>) -> Option<Found<'_>> {
        let mut candidates =
            self.index.candidates(facts).filter_map(|rule| Some((rule, self.rules.get(rule)?)));
        let found = candidates.find(|(_, ready)| ready.conditions.iter().all(|one| one.holds(facts)));
        found.map(|(rule, ready)| Found { rule, ready })
    }

    /// Where a message goes.
    ///
    /// `dice` is what weighted and round_robin go by: for a share that is right on the whole, any random number; for
    /// turns that are right each time, a count that goes up by one with each message *of that rule*, which
    /// [`find`](Self::find) tells before [`Found::choose`]. A count over all rules gives wrong turns where messages
    /// for two rules alternate. Parts of one long message, and sticky, do not look at it.
    pub fn choose<'t>(
        &'t self,
        facts: &Facts<'_>,
        targets: &dyn Targets,
        dice: u64,
    ) -> Result<Choice<'t>, NoRoute<'t>> {
        self.find(facts).ok_or(NoRoute::NoRule)?.choose(facts, targets, dice)
    }

    pub(crate) fn ready(&self) -> &[Ready] {
        &self.rules
    }
}

impl<'t> Found<'t> {
    pub(crate) const fn new(rule: usize, ready: &'t Ready) -> Self {
        Self { rule, ready }
    }

    /// Its place in the table, from 0.
    pub const fn rule(&self) -> usize {
        self.rule
    }

    /// Its name.
    pub const fn name(&self) -> &'t str {
        &self.ready.name
    }

    /// Where it sends the message; see [`Table::choose`] for `dice`.
    pub fn choose(
        &self,
        facts: &Facts<'_>,
        targets: &dyn Targets,
        dice: u64,
    ) -> Result<Choice<'t>, NoRoute<'t>> {
        let (rule, name) = (self.rule, self.name());
        let sending = match &self.ready.outcome {
            Outcome::Refuse(status) => return Err(NoRoute::Refused { rule, name, status: *status }),
            Outcome::Send(sending) => sending,
        };
        let places = sending.order(facts, targets, dice);
        if places.as_ref().is_empty() {
            return Err(NoRoute::NoTarget { rule, name });
        }
        Ok(Choice { rule, name, ways: &sending.ways, places })
    }
}

impl<'t> Choice<'t> {
    /// The rule's place in the table, from 0.
    pub const fn rule(&self) -> usize {
        self.rule
    }

    /// The rule's name.
    pub const fn name(&self) -> &'t str {
        self.name
    }

    /// The target to send to.
    pub fn first(&self) -> &'t str {
        self.targets().next().unwrap_or_default()
    }

    /// The targets to fall back to, in order; those passed over as full or down come last.
    pub fn rest(&self) -> impl Iterator<Item = &'t str> {
        self.targets().skip(1)
    }

    /// All targets, in order.
    pub fn targets(&self) -> impl Iterator<Item = &'t str> {
        let ways = self.ways;
        self.places.as_ref().iter().map(move |&at| &*ways[usize::from(at)].name)
    }
}

impl fmt::Debug for Choice<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Choice")
            .field("rule", &self.rule)
            .field("name", &self.name)
            .field("targets", &self.targets().collect::<Vec<_>>())
            .finish()
    }
}

impl Outcome {
    fn new(rule: Rule) -> Result<Self, BadRoute> {
        if let Some(refuse) = &rule.refuse {
            if !rule.to.is_empty() {
                let why = "stands beside to; a rule either sends or refuses: remove one".to_owned();
                return Err(bad("refuse", why));
            }
            return match refuse.parse::<CommandStatus>() {
                Ok(status) if status.is_ok() => Err(bad(
                    "refuse",
                    "ESME_ROK is no refusal; write an error such as ESME_RINVDSTADR".to_owned(),
                )),
                Ok(status) => Ok(Self::Refuse(status)),
                Err(error) => Err(bad("refuse", format!("{:?} is {error}", cut(refuse)))),
            };
        }
        check_targets(&rule.to, rule.strategy).map_err(|why| bad("to", why))?;
        if !rule.sticky_by.is_empty() && rule.strategy != Strategy::Sticky {
            let why = format!("says nothing with strategy {}; remove it or write sticky", rule.strategy);
            return Err(bad("sticky_by", why));
        }
        Ok(Self::Send(Sending {
            ways: rule.to.into_iter().map(Way::new).collect(),
            strategy: rule.strategy,
            sticky_by: rule.sticky_by,
            up_only: rule.up_only,
            spill: rule.spill,
        }))
    }
}

fn check_targets(to: &[Target], strategy: Strategy) -> Result<(), String> {
    if to.is_empty() {
        return Err("is missing; name a target, or write refuse instead".to_owned());
    }
    if to.len() > TARGETS_LIMIT {
        return Err(format!("has {} targets, {TARGETS_LIMIT} at most; make several rules", to.len()));
    }
    if to.iter().all(|target| target.weight == 0) {
        return Err("all weights are 0; give one more, or write enabled = false".to_owned());
    }
    let mut names = HashSet::new();
    for target in to {
        let name = cut(&target.name);
        if name.is_empty() {
            return Err("has a target without a name; give it one".to_owned());
        }
        if !names.insert(target.name.as_str()) {
            return Err(format!("{name:?} is there twice; give it a higher weight instead"));
        }
        match target.cost {
            Some(cost) if !cost.is_finite() || cost < 0.0 => {
                return Err(format!("the cost {cost} of {name:?} is none; write 0 or more"));
            }
            None if strategy == Strategy::LeastCost => {
                return Err(format!("{name:?} has no cost, which least_cost goes by; give it one"));
            }
            _ => {}
        }
    }
    Ok(())
}

fn bad(field: &str, why: String) -> BadRoute {
    BadRoute { rule: String::new(), field: field.to_owned(), why }
}
