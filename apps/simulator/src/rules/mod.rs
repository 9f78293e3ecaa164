//! Which PDUs get what: rules in order, of which the first that matches counts.
//!
//! A rule looks at fields by the names of the PDU table, and so at any field of any PDU. What it draws
//! by chance comes from the session's own stream: the same seed and input give the same behaviour.

mod chance;
mod delay;
mod explain;
mod presets;
mod rule;
mod spoil;

pub(crate) use chance::Chance;
pub use delay::Delay;
pub(crate) use explain::Takes;
pub use presets::{PRESETS, Preset};
pub use rule::{Answer, Fate, Rule, Segments, Then};
pub(crate) use spoil::spoiled;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::{Deserialize, Deserializer};
use smppkit_inspect::{Facts, Filter, Wanted};
use smppkit_script::Script;
use smppkit_wire::Body;

use crate::dialect::Dialect;

/// The rules of one SMSC, ready to judge.
#[derive(Debug, Default)]
pub(crate) struct Rules {
    rules: Vec<Arc<Ready>>,
    /// Of each PDU's name, the rules that are for it and what they look at.
    by_name: HashMap<&'static str, Concern>,
}

#[derive(Debug, Default)]
struct Concern {
    rules: Vec<usize>,
    wanted: Wanted,
}

/// One rule, ready to judge, with its counts.
#[derive(Debug)]
pub(crate) struct Ready {
    pub(crate) rule: Rule,
    /// The dialect it names.
    pub(crate) dialect: Option<Arc<Dialect>>,
    script: Option<Script>,
    /// PDUs for which its conditions held.
    held: AtomicU64,
    /// PDUs that it took.
    taken: AtomicU64,
}

/// What a rule says of one PDU.
#[derive(Debug, Clone)]
pub(crate) struct Verdict {
    ready: Arc<Ready>,
    /// What the rule's script said on top of it.
    scripted: Option<Box<Then>>,
    /// How long the answer is held back.
    pub(crate) answer_after: Duration,
    /// From acceptance to the end, where the rule says so.
    pub(crate) delay: Option<Duration>,
    /// From delivery to the reply.
    pub(crate) reply_after: Duration,
    /// For what has to be made up.
    pub(crate) salt: u64,
}

/// Who asks, as far as rules may look at it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asker<'a> {
    pub(crate) system_id: &'a str,
    pub(crate) bind_mode: &'static str,
    pub(crate) interface_version: &'a str,
    pub(crate) peer: &'a str,
    /// Of the PDU.
    pub(crate) sequence_number: u32,
}

/// A rule that cannot be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadRule {
    /// Its name, or its place among the others, from 1.
    pub rule: String,
    /// What is wrong.
    pub why: String,
}

impl Rules {
    /// Rules in their order; those that are unchanged keep their counts.
    pub(crate) fn new(
        rules: impl IntoIterator<Item = Rule>,
        dialect: impl Fn(&str) -> Option<Arc<Dialect>>,
        before: &Self,
    ) -> Result<Self, BadRule> {
        let mut all = Self::default();
        for rule in rules {
            let kept = before.rules.iter().find(|ready| ready.rule == rule && !all.has(ready));
            let ready = match kept {
                Some(kept) => Arc::clone(kept),
                None => Arc::new(Ready::new(rule, &dialect).map_err(|(name, why)| BadRule {
                    rule: if name.is_empty() { (all.rules.len() + 1).to_string() } else { name },
                    why,
                })?),
            };
            all.rules.push(ready);
        }
        for (at, ready) in all.rules.iter().enumerate() {
            for name in &ready.rule.on.0 {
                all.by_name.entry(name).or_default().rules.push(at);
            }
        }
        for concern in all.by_name.values_mut() {
            let rules = concern.rules.iter().filter_map(|at| all.rules.get(*at));
            let filters: Vec<&Filter> = rules
                .flat_map(|ready| [Some(&ready.rule.when), ready.rule.unless.as_ref()])
                .flatten()
                .collect();
            concern.wanted = Wanted::by(&filters);
        }
        Ok(all)
    }

    fn has(&self, ready: &Arc<Ready>) -> bool {
        self.rules.iter().any(|other| Arc::ptr_eq(other, ready))
    }

    /// Whether there is a rule for a PDU.
    pub(crate) fn concern(&self, name: &str) -> bool {
        !self.by_name.is_empty() && self.by_name.contains_key(name)
    }

    /// All rules, with how many PDUs they were for and how many they took.
    pub(crate) fn counts(&self) -> impl Iterator<Item = (&Rule, u64, u64)> {
        self.rules.iter().map(|ready| {
            (&ready.rule, ready.held.load(Ordering::Relaxed), ready.taken.load(Ordering::Relaxed))
        })
    }

    /// What the first rule says that a PDU matches. `destination` takes the place of the PDU's own:
    /// a submit_multi is judged for each.
    pub(crate) fn judge(
        &self,
        name: &'static str,
        body: &Body,
        destination: Option<&str>,
        asker: Asker<'_>,
        chance: &mut Chance,
    ) -> Option<Verdict> {
        let concern = self.by_name.get(name)?;
        let facts = asker.add_to(Facts::of_body(body, &concern.wanted), &concern.wanted, destination);
        let rules = concern.rules.iter().filter_map(|at| self.rules.get(*at));
        let ready = rules.into_iter().find(|ready| ready.takes(&facts, chance))?;
        Some(Verdict::new(Arc::clone(ready), (body, destination), asker, chance))
    }
}

impl Asker<'_> {
    /// What a PDU says, and who asks.
    fn add_to(&self, mut facts: Facts, wanted: &Wanted, destination: Option<&str>) -> Facts {
        facts.set(wanted, "bind_mode", self.bind_mode);
        facts.set(wanted, "interface_version", self.interface_version);
        facts.set(wanted, "peer", self.peer);
        if !self.system_id.is_empty() {
            // Of a bind it is a field.
            facts.set(wanted, "system_id", self.system_id);
        }
        facts.set(wanted, "sequence_number", self.sequence_number.to_string());
        if let Some(destination) = destination {
            facts.set(wanted, "destination_addr", destination);
        }
        facts
    }
}

impl Ready {
    fn new(rule: Rule, dialect: &impl Fn(&str) -> Option<Arc<Dialect>>) -> Result<Self, (String, String)> {
        let named = match &rule.then.dialect {
            None => Ok(None),
            Some(name) => dialect(name)
                .map(Some)
                .ok_or_else(|| format!("{name:?} is no dialect: `smppkit simulator --dialects` lists them")),
        };
        let script = match &rule.then.script {
            None => Ok(None),
            Some(source) => Script::compile(source).map(Some).map_err(|error| format!("script: {error}")),
        };
        match (named, script) {
            (Ok(dialect), Ok(script)) => {
                Ok(Self { rule, dialect, script, held: AtomicU64::new(0), taken: AtomicU64::new(0) })
            }
            (Err(why), _) | (_, Err(why)) => Err((rule.name, why)),
        }
    }

    /// Whether its conditions hold.
    fn matches(&self, facts: &Facts) -> bool {
        let Rule { when, unless, .. } = &self.rule;
        when.holds(facts) && !unless.as_ref().is_some_and(|unless| unless.holds(facts))
    }

    /// Whether the rule takes a PDU of its kind.
    fn takes(&self, facts: &Facts, chance: &mut Chance) -> bool {
        let rule = &self.rule;
        if !self.matches(facts) {
            return false;
        }
        if rule.share.0 < 100.0 && chance.unit() * 100.0 >= rule.share.0 {
            return false;
        }
        let before = self.held.fetch_add(1, Ordering::Relaxed);
        let Some(after_skip) = before.checked_sub(rule.skip) else {
            return false;
        };
        if rule.every > 1 && !after_skip.is_multiple_of(rule.every) {
            return false;
        }
        let limit = rule.times.unwrap_or(u64::MAX);
        self.taken
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |taken| (taken < limit).then_some(taken + 1))
            .is_ok()
    }
}

impl Verdict {
    fn new(
        ready: Arc<Ready>,
        (body, destination): (&Body, Option<&str>),
        asker: Asker<'_>,
        chance: &mut Chance,
    ) -> Self {
        let scripted = ready
            .script
            .as_ref()
            .map(|script| Box::new(scripted(&ready.rule.then, script, (body, destination), asker, chance)));
        let then = scripted.as_deref().unwrap_or(&ready.rule.then);
        let sample =
            |delay: &Option<Delay>, chance: &mut Chance| delay.as_ref().map(|delay| delay.sample(chance));
        let answer_after = sample(&then.answer_after, chance).unwrap_or_default();
        let delay = sample(&then.delay, chance);
        let reply_after = then.reply.as_ref().map(|reply| reply.after.sample(chance)).unwrap_or_default();
        Self { answer_after, delay, reply_after, salt: chance.draw(), scripted, ready }
    }

    /// What is to be done.
    pub(crate) fn then(&self) -> &Then {
        self.scripted.as_deref().unwrap_or(&self.ready.rule.then)
    }

    /// The dialect it asks for.
    pub(crate) fn dialect(&self) -> Option<Arc<Dialect>> {
        match &self.scripted {
            Some(then) if then.dialect != self.ready.rule.then.dialect => {
                then.dialect.as_deref().and_then(Dialect::named)
            }
            _ => self.ready.dialect.clone(),
        }
    }

    /// Whether the answer is anything but what it would be without the rule.
    pub(crate) fn changes_answer(&self) -> bool {
        let then = self.then();
        then.octets.is_some()
            || !matches!(then.answer, None | Some(Answer::Once))
            || !self.answer_after.is_zero()
            || then.connection.is_some()
            || then.segments.is_some()
    }

    /// What the rule is called, for logs.
    pub(crate) fn name(&self) -> &str {
        &self.ready.rule.name
    }
}

/// What a rule does once its script was asked; without the script's part when that fails.
fn scripted(
    then: &Then,
    script: &Script,
    (body, destination): (&Body, Option<&str>),
    asker: Asker<'_>,
    chance: &mut Chance,
) -> Then {
    let mut octets = Vec::new();
    body.encode(smppkit_wire::CommandStatus::ESME_ROK, 1, smppkit_wire::Version::V50, &mut octets);
    let mut pdu = smppkit_inspect::Dissector::default().dissect(&octets.into()).json();
    if let Some(pdu) = pdu.as_object_mut() {
        pdu.insert("system_id".to_owned(), asker.system_id.into());
        pdu.insert("bind_mode".to_owned(), asker.bind_mode.into());
        pdu.insert("sequence_number".to_owned(), asker.sequence_number.into());
        if let Some(destination) = destination {
            pdu.insert("destination_addr".to_owned(), destination.into());
        }
        pdu.insert("interface_version".to_owned(), asker.interface_version.into());
    }
    let said = script.decide(&pdu, chance.draw()).map_err(|error| error.to_string()).and_then(|said| {
        let mut whole = serde_json::to_value(then).map_err(|error| error.to_string())?;
        if let (Some(whole), Some(said)) = (whole.as_object_mut(), said.as_object()) {
            for (key, value) in said {
                whole.insert(key.clone(), value.clone());
            }
        }
        serde_json::from_value(whole).map_err(|error| error.to_string())
    });
    said.unwrap_or_else(|error| {
        tracing::warn!(%error, "a rule's script failed: the rest of the rule holds");
        then.clone()
    })
}

/// A number or a text, as a text.
pub(crate) fn number_or_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Number(u64),
        Text(String),
    }
    Ok(match Either::deserialize(deserializer)? {
        Either::Number(number) => number.to_string(),
        Either::Text(text) => text,
    })
}

impl core::fmt::Display for BadRule {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "rule {}: {}", self.rule, self.why)
    }
}

impl std::error::Error for BadRule {}

#[cfg(test)]
mod tests;
