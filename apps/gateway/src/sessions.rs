//! The sessions there are, for operators and for changes of the settings.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use smppkit_admin::Party;
use smppkit_net::BindMode;
use smppkit_wire::Version;

use crate::note::{Note, Notes, Order};

/// All bound sessions.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    next: AtomicU64,
    bound: Mutex<BTreeMap<u64, Arc<Card>>>,
}

/// One bound session, as it is shown.
#[derive(Debug)]
pub(crate) struct Card {
    pub(crate) side: Side,
    /// Who it is; the record keeps it as long as it has PDUs of it.
    pub(crate) party: Arc<Party>,
    pub(crate) mode: BindMode,
    pub(crate) version: Version,
    pub(crate) since_ms: i64,
    pub(crate) sent: AtomicU64,
    pub(crate) received: AtomicU64,
    notes: Arc<Notes>,
}

/// Whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Side {
    /// An account's.
    Account(Arc<str>),
    /// Ours, at a connector.
    Connector(Arc<str>),
}

/// A session's own place in the list, given up when dropped.
#[derive(Debug)]
pub(crate) struct Listed {
    pub(crate) card: Arc<Card>,
    sessions: Arc<Sessions>,
}

impl Sessions {
    pub(crate) fn enter(
        self: &Arc<Self>,
        side: Side,
        party: &Arc<Party>,
        (mode, version): (BindMode, Version),
        since_ms: i64,
        notes: &Arc<Notes>,
    ) -> Listed {
        let card = Arc::new(Card {
            side,
            party: Arc::clone(party),
            mode,
            version,
            since_ms,
            sent: AtomicU64::new(0),
            received: AtomicU64::new(0),
            notes: Arc::clone(notes),
        });
        self.inside().insert(party.session, Arc::clone(&card));
        Listed { card, sessions: Arc::clone(self) }
    }

    /// The id of a new session.
    pub(crate) fn next_id(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(crate) fn list(&self) -> Vec<Arc<Card>> {
        self.inside().values().cloned().collect()
    }

    /// Has all that match do something; says how many.
    pub(crate) fn order(&self, order: Order, matches: impl Fn(&Card) -> bool) -> usize {
        let matching: Vec<Arc<Card>> = self.list().into_iter().filter(|card| matches(card)).collect();
        for card in &matching {
            card.notes.post(Note::Order(order));
        }
        matching.len()
    }

    fn inside(&self) -> MutexGuard<'_, BTreeMap<u64, Arc<Card>>> {
        self.bound.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.sessions.inside().remove(&self.card.party.session);
    }
}
