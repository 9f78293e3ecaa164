//! What is stored of a message, and what is told of it.

use crate::id::MessageId;
use std::sync::Arc;

/// Milliseconds since 1970-01-01T00:00:00Z, given by the caller.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Timestamp(pub i64);

/// A message as it is when it is taken. Texts are opaque and compared octet by octet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Accepted {
    /// Chosen by the caller, so that an accept whose outcome is unknown can be tried again.
    pub id: MessageId,
    /// Who sent it; only the same account may cancel or replace it.
    pub account: Arc<str>,
    /// Where it waits: what claims it names the same queue.
    pub queue: Arc<str>,
    /// Larger goes first.
    pub priority: u8,
    /// Not to be claimed before; the order within one priority.
    pub due_at: Timestamp,
    /// When [`crate::Store::expired`] gives it out.
    pub expires_at: Option<Timestamp>,
    /// Searched by.
    pub source: Box<str>,
    /// Searched by.
    pub destination: Box<str>,
    /// The sender's own name for it: a second accept with the same account and reference, on the
    /// same or the next day, is a [`crate::Outcome::Duplicate`].
    pub reference: Option<Box<str>>,
    /// Never looked into.
    pub payload: Box<[u8]>,
}

/// Where a message stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum State {
    /// Waits for its time or for a claim, or is claimed.
    Queued,
    /// The other side has it; its receipt is awaited.
    Sent,
    /// Nothing more will happen, unless a failed one is replayed.
    Final(Final),
}

/// How a message ended.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Final {
    /// Done.
    Delivered,
    /// Given up: the dead letters.
    Failed,
    /// Too old.
    Expired,
    /// Taken back by its sender.
    Cancelled,
}

/// The other side's name for a message.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct RemoteId {
    /// Whose name it is: two connectors may give the same one.
    pub connector: Arc<str>,
    /// Each way a receipt may write it, kept as given; the first is the one shown.
    pub forms: Vec<Box<str>>,
}

/// A message handed out to be sent. Nobody else gets it until it is released, retried or the store
/// is opened again.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Claimed {
    /// As accepted, with the payload of the last replace.
    pub message: Arc<Accepted>,
    /// The queue it was claimed from, where a retry moved it.
    pub queue: Arc<str>,
    /// Tries that came back for a retry; delays are none.
    pub attempts: u32,
    /// Grows by one with each change of the message.
    pub version: u32,
}

/// Where in a queue [`crate::Store::pick`] goes on: behind this message, wherever it is by now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    pub(crate) priority: u8,
    pub(crate) due_at: Timestamp,
    pub(crate) id: MessageId,
}

/// A message that a remote id belongs to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Correlated {
    /// As accepted.
    pub message: Arc<Accepted>,
    /// Final for a receipt that came twice.
    pub state: State,
    /// See [`Claimed::version`].
    pub version: u32,
}

/// One message with all that became of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Message {
    /// As accepted, with the payload, times and queue of now. The payload is empty in lists.
    pub accepted: Accepted,
    /// Where it stands.
    pub state: State,
    /// See [`Claimed::version`].
    pub version: u32,
    /// See [`Claimed::attempts`].
    pub attempts: u32,
    /// Who had it last, and its name there.
    pub remote: Option<RemoteId>,
    /// The last reason given for a retry or an end.
    pub reason: Box<str>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

/// Something that happened to a message and is not folded into its row yet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// What.
    pub kind: EventKind,
}

/// What an [`Event`] was.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum EventKind {
    /// The other side took it under this name.
    Sent {
        /// Who, and its name there.
        remote: RemoteId,
    },
    /// It went back to a queue.
    Retry {
        /// Not before.
        due_at: Timestamp,
        /// Which queue.
        queue: Box<str>,
        /// Whether it had been tried.
        is_attempt: bool,
        /// Why.
        reason: Box<str>,
    },
    /// It ended.
    Finish {
        /// How.
        state: Final,
        /// Why.
        reason: Box<str>,
    },
    /// It came back from the dead letters.
    Replay {
        /// Not before.
        due_at: Timestamp,
        /// Which queue.
        queue: Box<str>,
    },
}

/// A message and its events, oldest first. Events are dropped once the row says what they said.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Story {
    /// As it is now.
    pub message: Message,
    /// What happened in the last minute or so.
    pub events: Vec<Event>,
}

/// A receipt that belongs to no message yet: it came before the message's remote id, or never will
/// belong to one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Orphan {
    /// The name it gave.
    pub remote: RemoteId,
    /// When it came.
    pub at: Timestamp,
    /// Never looked into.
    pub payload: Box<[u8]>,
}

/// What to look for; `None`, and no state, match all.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Search {
    /// Accepted at or after.
    pub from: Option<Timestamp>,
    /// Accepted before.
    pub until: Option<Timestamp>,
    /// One of these.
    pub states: Vec<State>,
    /// The cursor: only messages older than this one.
    pub before: Option<MessageId>,
    /// The other cursor: only messages newer than this one. Alone, it is where the search begins, and it goes on
    /// towards the newest.
    pub after: Option<MessageId>,
    /// At most this many; at least 1.
    pub limit: usize,
    /// Rows looked at, at most; `None` for as many as there is time for.
    pub rows: Option<u64>,
    /// Whether those behind the last that is given are counted.
    pub is_counted: bool,
    /// Whether messages come with their payloads, and sums are looked at: a damaged one is left out.
    pub has_payloads: bool,
}

/// What only the caller can tell of a message that is searched for.
pub trait Judge {
    /// Whether the search has to read payloads for it.
    fn reads_payloads(&self) -> bool {
        false
    }

    /// Whether a message may be meant, by what never changes of it, as it lies in its row.
    fn may(&mut self, _: &Columns<'_>) -> bool {
        true
    }

    /// Whether a message is meant, as it is now.
    fn holds(&mut self, _: &Message) -> bool {
        true
    }
}

/// Means every message.
impl Judge for () {}

/// What never changes of a message, as it lies in its row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Columns<'a> {
    /// See [`Accepted::account`].
    pub account: &'a str,
    /// See [`Accepted::source`].
    pub source: &'a str,
    /// See [`Accepted::destination`].
    pub destination: &'a str,
    /// See [`Accepted::payload`]; empty if nobody reads it.
    pub payload: &'a [u8],
}

/// A page of a search, newest message first.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Page {
    /// Without their payloads, if those were not asked for.
    pub messages: Vec<Message>,
    /// The first that was looked at.
    pub first: Option<MessageId>,
    /// Where to go on in the same direction; `None` when everything was looked at. A page may be short, even empty,
    /// and still have one: it ends when its time is up.
    pub next: Option<MessageId>,
    /// Rows looked at.
    pub rows: u64,
    /// Those that are meant among them: more than are given, if they were counted.
    pub found: u64,
    /// Whether all rows were looked at, so that no more are meant.
    pub is_whole: bool,
}

/// One ended message, in the order of their ends being written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cdr {
    /// Ask for what comes after this one; never used twice.
    pub seq: u64,
    /// Without its payload.
    pub message: Message,
}

/// How many messages there are and were; one commit changes them together with the rows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Totals {
    /// Ever accepted.
    pub accepted: u64,
    /// Waiting, claimed or sent: not at an end.
    pub open: u64,
    /// Ended so.
    pub delivered: u64,
    /// Ended so, and not replayed.
    pub failed: u64,
    /// Ended so.
    pub expired: u64,
    /// Ended so.
    pub cancelled: u64,
    /// Were open, and their rows are not as they were written: never handed out, see
    /// [`crate::Store::check`].
    pub damaged: u64,
    /// Receipts kept that belong to no message.
    pub orphans: u64,
}

impl Totals {
    /// Accepted = open + delivered + failed + expired + cancelled + damaged.
    pub fn is_conserved(&self) -> bool {
        let ended = self.delivered + self.failed + self.expired + self.cancelled;
        self.accepted == self.open + ended + self.damaged
    }

    pub(crate) fn ended(&mut self, state: Final) -> &mut u64 {
        match state {
            Final::Delivered => &mut self.delivered,
            Final::Failed => &mut self.failed,
            Final::Expired => &mut self.expired,
            Final::Cancelled => &mut self.cancelled,
        }
    }
}
