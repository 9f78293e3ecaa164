//! What is known of a session from outside: who it is, what passed, and what is wanted of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use smppkit_admin::Party;

use crate::smsc::Mailbox;

/// One session.
#[derive(Debug)]
pub(crate) struct Card {
    /// Who it is; the record keeps it as long as it has PDUs of it.
    pub(crate) party: Arc<Party>,
    pub(crate) since_ms: i64,
    pub(crate) mailbox: Arc<Mailbox>,
    /// PDUs that came and went.
    pub(crate) came: AtomicU64,
    pub(crate) went: AtomicU64,
    pub(crate) last_ms: AtomicU64,
}

impl Card {
    pub(crate) fn new(party: Party, since_ms: i64) -> Self {
        Self {
            party: Arc::new(party),
            since_ms,
            mailbox: Arc::default(),
            came: AtomicU64::new(0),
            went: AtomicU64::new(0),
            last_ms: AtomicU64::new(0),
        }
    }

    /// Counts PDUs.
    pub(crate) fn passed(&self, counter: &AtomicU64, pdus: u32, unix_ms: i64) {
        counter.fetch_add(u64::from(pdus), Ordering::Relaxed);
        self.last_ms.store(unix_ms.unsigned_abs(), Ordering::Relaxed);
    }
}
