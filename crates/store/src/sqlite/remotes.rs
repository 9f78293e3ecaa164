//! Whose remote id is whose, of those given out lately.

use super::hash::Seeded;
use super::live::{Live, Phase};
use super::memory::Lives;
use super::parts::Parts;
use crate::id::MessageId;
use crate::message::{RemoteId, Timestamp};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// Remote ids given out lately: those of messages in memory, and of ended ones for as long, so that a
/// receipt that comes twice finds its message.
#[derive(Debug, Default)]
pub(super) struct Remotes {
    by_connector: HashMap<Arc<str>, Forms, Seeded>,
    by_age: VecDeque<(Timestamp, Arc<RemoteId>, MessageId)>,
}

type Forms = Parts<Box<str>, Ids, Seeded>;

/// Almost always one: a second only when the other side uses an id again.
#[derive(Debug)]
struct Ids {
    newest: MessageId,
    #[expect(
        clippy::box_collection,
        reason = "a third smaller, and there is one for each message of the last minute"
    )]
    older: Option<Box<Vec<MessageId>>>,
}

impl Remotes {
    pub(super) fn insert(&mut self, now: Timestamp, remote: Arc<RemoteId>, id: MessageId) {
        let forms = self.by_connector.entry(remote.connector.clone()).or_default();
        for form in &remote.forms {
            match forms.get_mut(form) {
                None => _ = forms.insert(form.clone(), Ids { newest: id, older: None }),
                Some(ids) if ids.newest != id => {
                    let before = std::mem::replace(&mut ids.newest, id);
                    ids.older.get_or_insert_default().insert(0, before);
                }
                Some(_) => {}
            }
        }
        self.by_age.push_back((now, remote, id));
    }

    pub(super) fn find(&self, connector: &str, form: &str) -> impl Iterator<Item = MessageId> + use<> {
        let ids = self.by_connector.get(connector).and_then(|forms| forms.get(form));
        let older = ids.and_then(|ids| ids.older.as_deref().cloned()).unwrap_or_default();
        ids.map(|ids| ids.newest).into_iter().chain(older)
    }

    /// Drops what came before `before`, and the oldest beyond `limit`: some of it, and nothing that
    /// is not on disk yet.
    pub(super) fn forget(&mut self, before: Timestamp, limit: usize, live: &Lives, budget: usize) {
        for _ in 0..budget {
            let is_old = self.by_age.front().is_some_and(|(at, ..)| *at < before);
            if !is_old && self.by_age.len() <= limit {
                return;
            }
            let Some((at, remote, id)) = self.by_age.pop_front() else { return };
            let is_awaited = |live: &Live| live.phase == Phase::Sent && live.remote.as_ref() == Some(&remote);
            if live.get(&id).is_some_and(is_awaited) {
                self.by_age.push_back((at, remote, id));
                continue;
            }
            let Some(forms) = self.by_connector.get_mut(&remote.connector) else { continue };
            for form in &remote.forms {
                let Some(ids) = forms.get_mut(form) else { continue };
                if let Some(older) = &mut ids.older {
                    older.retain(|other| *other != id);
                }
                if ids.newest != id {
                    continue;
                }
                match ids.older.as_mut().filter(|older| !older.is_empty()) {
                    Some(older) => ids.newest = older.remove(0),
                    None => _ = forms.remove(form),
                }
            }
        }
    }
}
