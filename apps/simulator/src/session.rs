//! What is known of a session from outside: who it is, what passed, and what is wanted of it.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use smppkit_session::BindMode;
use smppkit_wire::Version;

use crate::smsc::Mailbox;

/// One session. It outlives the session as long as the record has PDUs of it.
#[derive(Debug)]
pub(crate) struct Card {
    pub(crate) id: u64,
    pub(crate) smsc: Arc<str>,
    pub(crate) peer: SocketAddr,
    pub(crate) since_ms: i64,
    /// Set when it binds.
    pub(crate) bound: OnceLock<BoundAs>,
    pub(crate) mailbox: Arc<Mailbox>,
    /// PDUs that came and went.
    pub(crate) came: AtomicU64,
    pub(crate) went: AtomicU64,
    pub(crate) last_ms: AtomicU64,
}

/// How it is bound.
#[derive(Debug)]
pub(crate) struct BoundAs {
    pub(crate) system_id: String,
    pub(crate) mode: BindMode,
    pub(crate) version: Version,
}

impl Card {
    pub(crate) fn new(id: u64, smsc: Arc<str>, peer: SocketAddr, since_ms: i64) -> Self {
        Self {
            id,
            smsc,
            peer,
            since_ms,
            bound: OnceLock::new(),
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

    #[cfg(test)]
    pub(crate) fn for_tests() -> Self {
        Self::new(1, "smsc".into(), SocketAddr::from(([127, 0, 0, 1], 1)), 0)
    }
}
