//! How often each route was the one that counts.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use smppkit_route::{Choice, NoRoute, Rule};

use crate::counts::count;

/// Counters of the routes of one table, in their order. A route that is changed keeps its own by its name,
/// one without a name as long as it says the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Taken {
    by_place: Vec<Arc<AtomicU64>>,
    by_key: HashMap<String, Arc<AtomicU64>>,
}

impl Taken {
    /// For these routes, with the counters of those that were before.
    pub(crate) fn of(rules: &[Rule], before: &Self) -> Self {
        let mut taken = Self::default();
        for rule in rules {
            let key = key(rule);
            let counter = before.by_key.get(&key).map(Arc::clone).unwrap_or_default();
            taken.by_place.push(Arc::clone(taken.by_key.entry(key).or_insert(counter)));
        }
        taken
    }

    /// One more for the route that a message is for, if there is one.
    pub(crate) fn count(&self, chosen: &Result<Choice<'_>, NoRoute<'_>>) {
        let rule = match chosen {
            Ok(choice) => choice.rule(),
            Err(NoRoute::Refused { rule, .. } | NoRoute::NoTarget { rule, .. }) => *rule,
            Err(_) => return,
        };
        if let Some(counter) = self.by_place.get(rule) {
            count(counter, 1);
        }
    }

    /// How often a route was taken; never if it is new.
    pub(crate) fn by(&self, rule: &Rule) -> u64 {
        self.by_key.get(&key(rule)).map_or(0, |counter| counter.load(Ordering::Relaxed))
    }
}

/// No name begins with a brace of what it says: both are apart.
fn key(rule: &Rule) -> String {
    if rule.name.is_empty() {
        serde_json::to_string(rule).unwrap_or_default()
    } else {
        format!("={}", rule.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(written: serde_json::Value) -> Vec<Rule> {
        serde_json::from_value(written).unwrap()
    }

    #[test]
    fn a_route_keeps_its_count_when_others_come_and_it_changes() {
        let before = rules(serde_json::json!([{"name": "a", "to": "x"}, {"to": "y"}]));
        let taken = Taken::of(&before, &Taken::default());
        for (at, times) in [(0, 2), (1, 3)] {
            for _ in 0..times {
                taken.count(&Err(NoRoute::NoTarget { rule: at, name: "" }));
            }
        }
        taken.count(&Err(NoRoute::NoRule));
        let after = rules(serde_json::json!([{"to": "new"}, {"name": "a", "to": "z"}, {"to": "y"}]));
        let taken = Taken::of(&after, &taken);
        assert_eq!(after.iter().map(|rule| taken.by(rule)).collect::<Vec<_>>(), [0, 2, 3]);
    }
}
