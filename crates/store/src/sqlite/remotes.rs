//! Whose remote id is whose, of those given out lately.

use super::hash::Seeded;
use super::live::{Live, Phase};
use super::memory::ById;
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

/// In parts by the last octet, so that when a map grows, only a small one does: a hundred thousand
/// forms moved at once held a commit up for 25 ms.
#[derive(Debug, Default)]
struct Forms([HashMap<Box<str>, Ids, Seeded>; 16]);

impl Forms {
    fn part(&self, form: &str) -> &HashMap<Box<str>, Ids, Seeded> {
        &self.0[Self::place(form)]
    }

    fn part_mut(&mut self, form: &str) -> &mut HashMap<Box<str>, Ids, Seeded> {
        &mut self.0[Self::place(form)]
    }

    /// Less than 16.
    fn place(form: &str) -> usize {
        form.as_bytes().last().map_or(0, |octet| usize::from(octet & 0xF))
    }
}

/// Almost always one: a second only when the other side uses an id again.
#[derive(Debug)]
struct Ids {
    newest: MessageId,
    older: Vec<MessageId>,
}

impl Remotes {
    pub(super) fn insert(&mut self, now: Timestamp, remote: Arc<RemoteId>, id: MessageId) {
        let forms = self.by_connector.entry(remote.connector.clone()).or_default();
        for form in &remote.forms {
            let part = forms.part_mut(form);
            match part.get_mut(form) {
                None => _ = part.insert(form.clone(), Ids { newest: id, older: Vec::new() }),
                Some(ids) if ids.newest != id => {
                    ids.older.insert(0, std::mem::replace(&mut ids.newest, id));
                }
                Some(_) => {}
            }
        }
        self.by_age.push_back((now, remote, id));
    }

    pub(super) fn find(&self, connector: &str, form: &str) -> impl Iterator<Item = MessageId> + use<> {
        let ids = self.by_connector.get(connector).and_then(|forms| forms.part(form).get(form));
        let older = ids.map(|ids| ids.older.clone()).unwrap_or_default();
        ids.map(|ids| ids.newest).into_iter().chain(older)
    }

    /// Drops what came before `before`, and the oldest beyond `limit`: some of it, and nothing that
    /// is not on disk yet.
    pub(super) fn forget(&mut self, before: Timestamp, limit: usize, live: &ById<Live>, budget: usize) {
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
                let part = forms.part_mut(form);
                let Some(ids) = part.get_mut(form) else { continue };
                ids.older.retain(|other| *other != id);
                if ids.newest != id {
                    continue;
                }
                if ids.older.is_empty() {
                    part.remove(form);
                } else {
                    ids.newest = ids.older.remove(0);
                }
            }
        }
    }
}
