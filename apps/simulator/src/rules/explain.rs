//! What rules would do with a PDU, without doing it: nothing is counted, no chance is drawn, no script is asked.

use std::sync::atomic::Ordering;

use bytes::Bytes;
use serde::Serialize;
use smppkit_inspect::Facts;
use utoipa::ToSchema;

use super::{Asker, Ready, Rule, Rules};

/// How much a rule takes of what it matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Takes {
    /// Every PDU.
    All,
    /// By chance or by count.
    Some,
    /// Nothing any more, or nothing that a rule in front of it leaves.
    None,
}

/// A rule that a PDU matches.
#[derive(Debug, Clone)]
pub(crate) struct Match {
    /// Its place among all rules, from 0.
    pub(crate) place: usize,
    pub(crate) takes: Takes,
    /// What it takes and leaves, in words; empty where that is all.
    pub(crate) told: String,
    pub(crate) rule: Rule,
}

impl Rules {
    /// The rules that a PDU matches, in their order. `destination` as for [`judge`](Self::judge).
    pub(crate) fn explain(
        &self,
        name: &str,
        octets: &Bytes,
        destination: Option<&str>,
        asker: Asker<'_>,
    ) -> Vec<Match> {
        let Some(concern) = self.by_name.get(name) else {
            return Vec::new();
        };
        let facts = asker.add_to(Facts::of_octets(octets, &concern.wanted), &concern.wanted, destination);
        let mut left = true;
        let mut matches = Vec::new();
        for place in &concern.rules {
            let Some(ready) = self.rules.get(*place).filter(|ready| ready.matches(&facts)) else {
                continue;
            };
            let (takes, told) =
                if left { ready.extent() } else { (Takes::None, "nothing is left for it".to_owned()) };
            left &= takes != Takes::All;
            matches.push(Match { place: *place, takes, told, rule: ready.rule.clone() });
        }
        matches
    }
}

impl Ready {
    /// How much it takes from now on of what it matches.
    fn extent(&self) -> (Takes, String) {
        let rule = &self.rule;
        let (held, taken) = (self.held.load(Ordering::Relaxed), self.taken.load(Ordering::Relaxed));
        let left = rule.times.map(|times| times.saturating_sub(taken));
        if rule.share.0 <= 0.0 {
            return (Takes::None, "0 %".to_owned());
        }
        if left == Some(0) {
            return (Takes::None, format!("no more: it took its {}", times(taken)));
        }
        let skip = rule.skip.saturating_sub(held);
        let told: Vec<String> = [
            (rule.share.0 < 100.0).then(|| format!("{} %", rule.share.0)),
            (rule.every > 1).then(|| format!("one in {}", rule.every)),
            (skip > 0).then(|| format!("after {skip} more")),
            left.map(|left| format!("{} left", times(left))),
        ]
        .into_iter()
        .flatten()
        .collect();
        (if told.is_empty() { Takes::All } else { Takes::Some }, told.join(", "))
    }
}

fn times(count: u64) -> String {
    format!("{count} {}", if count == 1 { "time" } else { "times" })
}
