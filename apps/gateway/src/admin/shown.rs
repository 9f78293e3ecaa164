//! A message as lists and look-ups show it.

use serde::{Deserialize, Serialize};
use smppkit_store::{Final, Message, MessageId, State};
use utoipa::ToSchema;

use super::moment::Moment;

/// A message, without what it says.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Message)]
pub(super) struct Shown {
    #[schema(example = "381516741484580864")]
    message_id: String,
    /// Whose it is.
    account: String,
    /// Where it waits or went: a connector, or `esme:` and the account it is for.
    queue: String,
    source_addr: String,
    destination_addr: String,
    state: Stand,
    /// Attempts that failed.
    attempts: u32,
    /// Larger goes first.
    priority: u8,
    accepted: Moment,
    /// Not sent before.
    due: Moment,
    /// Not sent after.
    expires: Option<Moment>,
    /// When it came to its end.
    ended: Option<Moment>,
    /// Who took it.
    connector: Option<String>,
    /// Its name there.
    remote_id: Option<String>,
    /// The last reason for another attempt, or for its end.
    reason: Option<String>,
}

/// Where a message stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Stand {
    /// It waits, or is on its way.
    Queued,
    /// The other side has it; its receipt is awaited.
    Sent,
    Delivered,
    /// Given up: a dead letter.
    Failed,
    Expired,
    Cancelled,
}

impl Stand {
    pub(super) const ALL: [Self; 6] =
        [Self::Queued, Self::Sent, Self::Delivered, Self::Failed, Self::Expired, Self::Cancelled];

    /// By its name, or the protocol's word for it (SMPP 5.0, 4.7.15), in either case.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|stand| [stand.name(), stand.word()].iter().any(|word| word.eq_ignore_ascii_case(name)))
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Queued => "SCHEDULED",
            Self::Sent => "ENROUTE",
            Self::Delivered => "DELIVERED",
            Self::Failed => "UNDELIVERABLE",
            Self::Expired => "EXPIRED",
            Self::Cancelled => "DELETED",
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
        }
    }
}

impl From<State> for Stand {
    fn from(state: State) -> Self {
        match state {
            State::Queued => Self::Queued,
            State::Sent => Self::Sent,
            State::Final(end) => end.into(),
        }
    }
}

impl From<Final> for Stand {
    fn from(end: Final) -> Self {
        match end {
            Final::Delivered => Self::Delivered,
            Final::Failed => Self::Failed,
            Final::Expired => Self::Expired,
            Final::Cancelled => Self::Cancelled,
        }
    }
}

impl From<Stand> for State {
    fn from(stand: Stand) -> Self {
        match stand {
            Stand::Queued => Self::Queued,
            Stand::Sent => Self::Sent,
            Stand::Delivered => Self::Final(Final::Delivered),
            Stand::Failed => Self::Final(Final::Failed),
            Stand::Expired => Self::Final(Final::Expired),
            Stand::Cancelled => Self::Final(Final::Cancelled),
        }
    }
}

impl Shown {
    pub(super) fn of(message: &Message) -> Self {
        let accepted = &message.accepted;
        let remote = message.remote.as_ref();
        Self {
            message_id: accepted.id.to_string(),
            account: accepted.account.to_string(),
            queue: accepted.queue.to_string(),
            source_addr: accepted.source.to_string(),
            destination_addr: accepted.destination.to_string(),
            state: message.state.into(),
            attempts: message.attempts,
            priority: accepted.priority,
            accepted: accepted.id.made_at().into(),
            due: accepted.due_at.into(),
            expires: accepted.expires_at.map(Moment::from),
            ended: message.finished_at.map(Moment::from),
            connector: remote.map(|remote| remote.connector.to_string()),
            remote_id: remote.and_then(|remote| remote.forms.first()).map(ToString::to_string),
            reason: (!message.reason.is_empty()).then(|| message.reason.to_string()),
        }
    }

    /// The connector that it came from.
    pub(super) fn came_from(&mut self, connector: &str) {
        self.connector = Some(connector.to_owned());
    }

    /// Its fields as a line of a table has them, in the order of [`COLUMNS`].
    pub(super) fn cells(&self) -> [String; 15] {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let time = |at: &Option<Moment>| at.map(|at| at.to_string()).unwrap_or_default();
        [
            self.message_id.clone(),
            self.account.clone(),
            self.queue.clone(),
            self.source_addr.clone(),
            self.destination_addr.clone(),
            self.state.name().to_owned(),
            self.attempts.to_string(),
            self.priority.to_string(),
            self.accepted.to_string(),
            self.due.to_string(),
            time(&self.expires),
            time(&self.ended),
            text(&self.connector),
            text(&self.remote_id),
            text(&self.reason),
        ]
    }
}

/// The names of [`Shown`]'s fields.
pub(super) const COLUMNS: [&str; 15] = [
    "message_id",
    "account",
    "queue",
    "source_addr",
    "destination_addr",
    "state",
    "attempts",
    "priority",
    "accepted",
    "due",
    "expires",
    "ended",
    "connector",
    "remote_id",
    "reason",
];

/// An id as it is told to ESMEs.
pub(super) fn id(text: &str) -> Option<MessageId> {
    text.parse().ok().and_then(MessageId::from_u64)
}
