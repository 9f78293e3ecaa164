//! Where a message would go if something were changed.

use smppkit_net::Now;
use smppkit_route::Targets;

use super::{BadQuestion, Explained, Question, answer};
use crate::plan::{Plan, Upstream};

/// Connectors as they would be: one that is bound stays so, and one that is new or was not used is taken to
/// be up.
struct Drafted<'a> {
    is: &'a Plan,
    would_be: &'a Plan,
    now_ms: i64,
}

impl Drafted<'_> {
    /// The connector as it is used now.
    fn used(&self, name: &str) -> Option<&Upstream> {
        self.is.connectors.get(name).filter(|upstream| upstream.settings.enabled).map(|upstream| &**upstream)
    }
}

impl Targets for Drafted<'_> {
    fn exists(&self, name: &str) -> bool {
        self.would_be.at(self.now_ms).exists(name)
    }

    fn is_up(&self, name: &str) -> bool {
        let Some(upstream) = self.would_be.connectors.get(name) else {
            return self.would_be.accounts.contains_key(name);
        };
        let is_used = upstream.settings.enabled && upstream.live.is_open(self.now_ms);
        is_used && self.used(name).is_none_or(|upstream| upstream.live.is_up())
    }

    fn has_room(&self, name: &str) -> bool {
        self.used(name).is_none() || self.is.at(self.now_ms).has_room(name)
    }

    fn load(&self, name: &str) -> u32 {
        self.is.at(self.now_ms).load(name)
    }
}

/// Answers by the plan that would be, with the answer by the plan of now beside it: none, if the account
/// or connector is not there yet. Chance falls the same for both.
pub(crate) fn compare(
    is: &Plan,
    would_be: &Plan,
    question: &Question,
    now: Now,
    dice: u64,
) -> Result<Explained, BadQuestion> {
    let now_ms = now.unix_ms;
    let before = answer(is, &is.at(now_ms), question, now_ms, dice).ok();
    let after = answer(would_be, &Drafted { is, would_be, now_ms }, question, now_ms, dice)?;
    Ok(Explained { before: before.map(Box::new), ..after })
}
