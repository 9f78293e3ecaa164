//! Durable messages as rows with opaque payloads: what was acknowledged is there after a kill, and
//! it is always known what became of it.
//!
//! A commit is one frame of a journal; rows of SQLite follow it, a message's own once, when it has ended.
//!
//! [`Store`] is the one trait: accept, claim, send, finish, cancel, replace, correlate, search. It is
//! synchronous and takes the time as an argument, so a simulation calls it as it is. [`Sqlite`] is its
//! engine for one machine; PostgreSQL comes as a second one under the same trait. A server puts the
//! store behind a [`Writer`]: one thread that commits many callers' [`Change`]s at once and another that
//! makes them durable with one sync while the next ones are written; each is answered by callback or
//! [`Ticket`], a future of no runtime in particular. A [`Pump`] is the same
//! without a thread, at the time it is given. Lists and look-ups go through a [`Reader`], on a connection
//! of its own.
//!
//! What cannot be written is refused and not acknowledged: a full disk until there is room, any other
//! fault until the store is opened again. Messages, events, remote ids and kept receipts carry
//! checksums. One that is not as it was written is never obeyed or handed out; an open message's row is
//! put aside, counted in [`Totals::damaged`], and named by [`Store::check`].
//!
//! It refuses to know what a message says: payloads are octets, and accounts, queues, addresses and
//! remote ids are texts compared octet by octet. It knows neither SMPP nor when to retry, how a remote
//! id may be written or what a receipt means; its caller says so.
//!
//! ```
//! use std::sync::Arc;
//! use smppkit_store::{Accepted, Change, Final, MessageIds, NodeId, Outcome, RemoteId};
//! use smppkit_store::{Settings, Sqlite, Store, Timestamp};
//!
//! let now = Timestamp(1_800_000_000_000);
//! let mut store = Sqlite::in_memory(now, Settings::default())?;
//! let id = MessageIds::after(NodeId::default(), store.last_id()).next(now);
//! let message = Arc::new(Accepted {
//!     id,
//!     account: "shop".into(),
//!     queue: "upstream".into(),
//!     priority: 0,
//!     due_at: now,
//!     expires_at: None,
//!     source: "1000".into(),
//!     destination: "4912345".into(),
//!     reference: None,
//!     payload: b"octets".as_slice().into(),
//! });
//! let mut outcomes = Vec::new();
//! store.commit(now, &[Change::Accept(message)], &mut outcomes)?;
//! assert_eq!(outcomes, [Outcome::Done]); // durable: now it may be answered
//!
//! let claimed = store.claim(now, "upstream", 10)?;
//! assert_eq!(claimed[0].message.id, id);
//! let remote = Arc::new(RemoteId { connector: "upstream".into(), forms: vec!["7F".into(), "127".into()] });
//! store.commit(now, &[Change::Sent { id, remote: remote.clone() }], &mut outcomes)?;
//!
//! assert_eq!(store.correlate(&remote)?[0].message.id, id);
//! let end = Change::Finish { id, state: Final::Delivered, reason: "".into(), then: None };
//! store.commit(now, &[end], &mut outcomes)?;
//! assert!(store.totals().is_conserved());
//! # Ok::<(), smppkit_store::StoreError>(())
//! ```
#![forbid(unsafe_code)]

mod beside;
mod change;
mod directory;
mod error;
mod handle;
mod id;
mod journal;
mod message;
mod pump;
mod sqlite;
mod store;
mod sum;
mod ticket;
mod waits;
mod writer;

pub use change::{Change, Outcome, Refusal};
pub use directory::sync_directory;
pub use error::StoreError;
pub use handle::{Committed, Handle, NotTaken, Uncommitted};
pub use id::{MessageId, MessageIds, NodeId};
#[doc(hidden)]
pub use journal::{Files, LogFile};
pub use message::{
    Accepted, Cdr, Claimed, Columns, Correlated, Event, EventKind, Final, Judge, Message, Orphan, Page,
    Place, RemoteId, Search, State, Story, Timestamp, Totals,
};
pub use pump::Pump;
pub use sqlite::{Folding, Reader, Settings, Sqlite};
pub use store::{Store, Syncer};
pub use ticket::{Lost, Ticket};
pub use waits::Waits;
pub use writer::{Writer, WriterLimits};
