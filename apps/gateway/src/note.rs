//! What a session is told from elsewhere.

use smppkit_net::Asked;
use smppkit_store::{Claimed, Outcome};
use smppkit_wire::{Body, CommandStatus};

use crate::errand::Errand;
use crate::mailbox::Mailbox;
use crate::upstream::{Receipt, Why};

/// A session's notes.
pub(crate) type Notes = Mailbox<Note>;

/// One of them.
#[derive(Debug)]
pub(crate) enum Note {
    /// Messages to send.
    Claimed(Vec<Claimed>),
    /// A request to send before all messages.
    Errand(Box<Errand>),
    /// Submitted messages were made durable, or were not.
    Taken(Result<Vec<Outcome>, CommandStatus>),
    /// The answer to a request.
    Answer(Asked, Box<Result<Body, CommandStatus>>),
    /// Answers to receipts and messages of an upstream.
    Answers(Vec<(Asked, CommandStatus)>),
    /// The answers to a batch of receipts: it has been looked at.
    Looked(Vec<(Asked, CommandStatus)>),
    /// Receipts that are to be looked at again.
    Again(Vec<(Receipt, Why)>),
    /// What an operator, or a change of the settings, wants.
    Order(Order),
}

/// A request whose messages are being made durable.
#[derive(Debug)]
pub(crate) struct Ask {
    pub(crate) asked: Asked,
    /// The id that is told, as it is told.
    pub(crate) id: Box<str>,
    /// How many changes belong to it.
    pub(crate) changes: usize,
    /// Of a submit_multi: what is refused whatever comes of the rest.
    pub(crate) multi: Option<Box<smppkit_wire::field::UnsuccessSmes>>,
}

/// What becomes of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// Unbind when all that was taken is answered.
    Unbind,
    /// Close at once.
    Kick,
}
