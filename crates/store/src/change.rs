//! What a commit is asked for and what it answers.

use crate::id::MessageId;
use crate::message::{Accepted, Final, Orphan, RemoteId, Timestamp};
use std::sync::Arc;

/// One thing to be made durable.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Change {
    /// Take a message.
    Accept(Arc<Accepted>),
    /// The other side has it; a receipt will come.
    Sent {
        /// Of a queued message.
        id: MessageId,
        /// What the receipt will call it.
        remote: Arc<RemoteId>,
    },
    /// Try again later, perhaps elsewhere.
    Retry {
        /// Of a message that has not ended.
        id: MessageId,
        /// Not before.
        due_at: Timestamp,
        /// `None`: the queue it was in.
        queue: Option<Arc<str>>,
        /// Whether it was tried, and [`crate::Claimed::attempts`] grows. Waiting because the other side
        /// slows us down, or because a session ended before it was sent, is no attempt.
        is_attempt: bool,
        /// For people.
        reason: Box<str>,
    },
    /// Give a claim back untried. Writes nothing.
    Release {
        /// Of a claimed message.
        id: MessageId,
    },
    /// The end of a message.
    Finish {
        /// Of a message that has not ended.
        id: MessageId,
        /// How.
        state: Final,
        /// For people.
        reason: Box<str>,
        /// Accepted in the same commit, and only if this end was not refused: the sender's receipt,
        /// which a repeated receipt must not make twice.
        then: Option<Arc<Accepted>>,
    },
    /// Take back a message that is neither claimed nor sent.
    Cancel {
        /// Which.
        id: MessageId,
        /// Its sender; another one's is [`Refusal::Unknown`].
        account: Arc<str>,
        /// Only if it still has this version.
        version: Option<u32>,
        /// Accepted in the same commit if it was cancelled.
        then: Option<Arc<Accepted>>,
    },
    /// Give a message that is neither claimed nor sent another payload and times.
    Replace {
        /// Which.
        id: MessageId,
        /// Its sender; another one's is [`Refusal::Unknown`].
        account: Arc<str>,
        /// Only if it still has this version.
        version: Option<u32>,
        /// In place of the old one.
        payload: Box<[u8]>,
        /// `None`: as before.
        due_at: Option<Timestamp>,
        /// `None`: as before.
        expires_at: Option<Timestamp>,
    },
    /// Queue a failed message again.
    Replay {
        /// Which.
        id: MessageId,
        /// Not before.
        due_at: Timestamp,
        /// `None`: the queue it was in.
        queue: Option<Arc<str>>,
    },
    /// Keep a receipt that belongs to nothing. If a later [`Change::Sent`] has one of its forms, that
    /// one's outcome hands it out and it is kept no more.
    ///
    /// If a message has one of its forms by now, perhaps by a [`Change::Sent`] of the same commit, it
    /// is not kept, and the outcome is [`Outcome::Known`]: else a receipt that was looked up just
    /// before would be kept for ever.
    Keep(Arc<Orphan>),
}

/// What became of one [`Change`]. Whatever it says is durable when it is given out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// It is so.
    Done,
    /// Accepted before, under this id: the same id again, or the same account and reference.
    Duplicate(MessageId),
    /// Sent, and these receipts were here before.
    Overtaken(Vec<Orphan>),
    /// A receipt was not kept, since it belongs to this message: the newest, if several have one of
    /// its forms.
    Known(MessageId),
    /// Nothing was changed.
    Refused(Refusal),
}

/// Why a [`Change`] was not made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Refusal {
    /// No such message, or another account's.
    Unknown,
    /// Claimed or sent: it may be on the wire.
    InFlight,
    /// Not claimed, not failed, or otherwise not where this change begins.
    NotThere,
    /// It has ended.
    Ended(Final),
    /// It changed since.
    Version {
        /// What it has now.
        current: u32,
    },
}
