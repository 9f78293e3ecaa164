//! What the store's tests share: a directory that goes away, and messages.
#![allow(dead_code, reason = "each test binary uses its part")]

use smppkit_store::{
    Accepted, Change, MessageId, MessageIds, NodeId, Outcome, RemoteId, Settings, Sqlite, Store, Timestamp,
};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

pub(crate) const NOW: Timestamp = Timestamp(1_800_000_000_000);

pub(crate) fn later(ms: i64) -> Timestamp {
    Timestamp(NOW.0 + ms)
}

/// Removed when dropped.
pub(crate) struct Dir(PathBuf);

impl Dir {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("smppkit-store-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn open(&self) -> Sqlite {
        self.open_with(NOW, Settings::default())
    }

    pub(crate) fn open_with(&self, now: Timestamp, settings: Settings) -> Sqlite {
        Sqlite::open(&self.0, now, settings).unwrap()
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub(crate) fn ids(store: &dyn Store) -> MessageIds {
    MessageIds::after(NodeId::new(1).unwrap(), store.last_id())
}

pub(crate) fn message(id: MessageId, queue: &str) -> Accepted {
    Accepted {
        id,
        account: "shop".into(),
        queue: queue.into(),
        priority: 0,
        due_at: id.made_at(),
        expires_at: None,
        source: "1000".into(),
        destination: "4912345".into(),
        reference: None,
        payload: vec![7; 250].into(),
    }
}

pub(crate) fn accept(id: MessageId, queue: &str) -> Change {
    Change::Accept(Arc::new(message(id, queue)))
}

pub(crate) fn sent(id: MessageId, connector: &str, forms: &[&str]) -> Change {
    Change::Sent { id, remote: Arc::new(remote(connector, forms)) }
}

pub(crate) fn remote(connector: &str, forms: &[&str]) -> RemoteId {
    RemoteId { connector: connector.into(), forms: forms.iter().map(|form| (*form).into()).collect() }
}

pub(crate) fn finish(id: MessageId, state: smppkit_store::Final) -> Change {
    Change::Finish { id, state, reason: "because".into(), then: None }
}

pub(crate) fn commit(store: &mut dyn Store, now: Timestamp, changes: &[Change]) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    store.commit(now, changes, &mut outcomes).unwrap();
    assert_eq!(outcomes.len(), changes.len());
    assert!(store.totals().is_conserved());
    outcomes
}

pub(crate) fn claim_ids(store: &mut dyn Store, now: Timestamp, queue: &str, limit: usize) -> Vec<MessageId> {
    store.claim(now, queue, limit).unwrap().into_iter().map(|claimed| claimed.message.id).collect()
}

/// Does upkeep until there is none.
pub(crate) fn settle(store: &mut dyn Store, now: Timestamp) {
    while store.maintain(now, Timestamp(0)).unwrap() {}
}
