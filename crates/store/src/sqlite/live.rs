//! One message in memory, and the way to and from its row and its events.

use super::schema::{FIRST_FINAL, FRESH, SENT, WAITING};
use super::sum;
use crate::id::MessageId;
use crate::message::{Accepted, Claimed, Correlated, Final, Message, RemoteId, State, Timestamp};
use rusqlite::Row;
use std::sync::Arc;

#[derive(Clone, Debug)]
pub(super) struct Live {
    /// With the payload and expiry of now.
    pub(super) message: Arc<Accepted>,
    pub(super) queue: Arc<str>,
    pub(super) due_at: Timestamp,
    pub(super) version: u32,
    pub(super) attempts: u32,
    pub(super) phase: Phase,
    pub(super) remote: Option<Arc<RemoteId>>,
    pub(super) reason: Box<str>,
    pub(super) finished_at: Option<Timestamp>,
    /// The last event that is in here.
    pub(super) seq: i64,
    /// What the row says.
    pub(super) row: OnDisk,
    /// The last event that the row says.
    pub(super) row_seq: i64,
    /// The payload or expiry differs from the row's.
    pub(super) is_replaced: bool,
    /// Waits on disk only, as soon as it has a row there.
    pub(super) is_parked: bool,
    /// The frame since which the row does not say all; 0 if it does.
    pub(super) dirty_since: u64,
    /// Stands in the queue of what will leave memory by age.
    pub(super) is_ageing: bool,
    /// Is being written, or will be soon, as it is or was a moment ago.
    pub(super) is_in_job: bool,
    /// What happened since the row was written, newest first.
    pub(super) trail: Option<Arc<Trail>>,
}

/// Something that happened to a message, and what did before.
#[derive(Debug)]
pub(super) struct Trail {
    pub(super) event: EventRow,
    pub(super) before: Option<Arc<Trail>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Phase {
    Ready,
    Claimed,
    Sent,
    Ended(Final),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum OnDisk {
    /// Nothing: there is no row yet.
    Absent,
    /// As version 2 inserted it: events say more.
    Fresh,
    /// Good up to `row_seq`, and found by an index as long as it waits.
    Kept,
}

impl Phase {
    /// As a row says it.
    pub(super) fn from_sql(state: i64) -> Self {
        match state {
            FRESH | WAITING => Self::Ready,
            SENT => Self::Sent,
            _ => Self::Ended(final_from_sql(state)),
        }
    }

    pub(super) fn state(self) -> State {
        match self {
            Self::Ready | Self::Claimed => State::Queued,
            Self::Sent => State::Sent,
            Self::Ended(how) => State::Final(how),
        }
    }
}

impl Live {
    pub(super) fn fresh(message: Arc<Accepted>) -> Self {
        Self {
            queue: message.queue.clone(),
            due_at: message.due_at,
            message,
            version: 0,
            attempts: 0,
            phase: Phase::Ready,
            remote: None,
            reason: Box::default(),
            finished_at: None,
            seq: 0,
            row: OnDisk::Absent,
            row_seq: 0,
            is_replaced: false,
            is_parked: false,
            dirty_since: 0,
            is_ageing: false,
            is_in_job: false,
            trail: None,
        }
    }

    /// Whether the row must be written before this may leave memory.
    pub(super) fn is_dirty(&self) -> bool {
        self.row != OnDisk::Kept || self.seq > self.row_seq
    }

    /// What happened since the row was written, oldest first.
    pub(super) fn events(&self) -> Vec<EventRow> {
        let mut events = Vec::new();
        let mut next = self.trail.as_ref();
        while let Some(trail) = next {
            events.push(trail.event.clone());
            next = trail.before.as_ref();
        }
        events.reverse();
        events
    }

    /// Lets go of what the row says.
    pub(super) fn cut_trail(&mut self) {
        let mut events = self.events();
        events.retain(|event| event.seq > self.row_seq);
        self.trail = None;
        for event in &events {
            self.note(event);
        }
    }

    /// Gives it another payload and other times, as event `seq`.
    pub(super) fn replace(
        &mut self,
        seq: i64,
        payload: &[u8],
        due_at: Timestamp,
        expires_at: Option<Timestamp>,
    ) {
        let message = Arc::make_mut(&mut self.message);
        message.payload = payload.into();
        message.expires_at = expires_at;
        self.due_at = due_at;
        self.version += 1;
        self.seq = seq;
        self.is_replaced = true;
    }

    pub(super) fn id(&self) -> MessageId {
        self.message.id
    }

    pub(super) fn is_at_end(&self) -> bool {
        matches!(self.phase, Phase::Ended(_))
    }

    /// Whether it counts as waiting in its queue.
    pub(super) fn is_queued(&self) -> bool {
        matches!(self.phase, Phase::Ready | Phase::Claimed)
    }

    pub(super) fn state(&self) -> State {
        self.phase.state()
    }

    /// What the row is to say.
    pub(super) fn row_state(&self) -> i64 {
        match self.phase {
            Phase::Ready | Phase::Claimed => WAITING,
            Phase::Sent => SENT,
            Phase::Ended(how) => final_to_sql(how),
        }
    }

    pub(super) fn claimed(&self) -> Claimed {
        Claimed {
            message: self.message.clone(),
            queue: self.queue.clone(),
            attempts: self.attempts,
            version: self.version,
        }
    }

    pub(super) fn correlated(&self) -> Correlated {
        Correlated { message: self.message.clone(), state: self.state(), version: self.version }
    }

    pub(super) fn into_message(self) -> Message {
        let state = self.state();
        let mut accepted = Arc::unwrap_or_clone(self.message);
        accepted.queue = self.queue;
        accepted.due_at = self.due_at;
        Message {
            accepted,
            state,
            version: self.version,
            attempts: self.attempts,
            remote: self.remote.map(Arc::unwrap_or_clone),
            reason: self.reason,
            finished_at: self.finished_at,
        }
    }

    /// From a row in the order of [`super::schema::COLUMNS`].
    /// An error for one that is not as it was written.
    pub(super) fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        sum::check_message(row)?;
        let state: i64 = row.get(1)?;
        let queue: Arc<str> = row.get(8)?;
        let due_at = Timestamp(row.get(4)?);
        let connector: Option<Arc<str>> = row.get(13)?;
        let remote: Option<Box<str>> = row.get(14)?;
        let seq = row.get(16)?;
        Ok(Self {
            message: Arc::new(Accepted {
                id: MessageId::from_sql(row.get(0)?),
                priority: row.get(3)?,
                due_at,
                expires_at: row.get::<_, Option<i64>>(5)?.map(Timestamp),
                account: row.get(7)?,
                queue: queue.clone(),
                source: row.get(9)?,
                destination: row.get(10)?,
                reference: row.get(11)?,
                payload: row.get(17)?,
            }),
            queue,
            due_at,
            version: row.get(2)?,
            attempts: row.get(6)?,
            phase: Phase::from_sql(state),
            remote: connector
                .zip(remote)
                .map(|(connector, form)| Arc::new(RemoteId { connector, forms: vec![form] })),
            reason: row.get::<_, Option<Box<str>>>(15)?.unwrap_or_default(),
            finished_at: row.get::<_, Option<i64>>(12)?.map(Timestamp),
            seq,
            row: if state == FRESH { OnDisk::Fresh } else { OnDisk::Kept },
            row_seq: seq,
            is_replaced: false,
            is_parked: false,
            dirty_since: 0,
            is_ageing: false,
            is_in_job: false,
            trail: None,
        })
    }

    /// Takes in an event and keeps it until the row says it.
    pub(super) fn follow<T: AsRef<str>>(&mut self, event: &EventRow<T>) {
        self.apply(event);
        self.note(event);
    }

    /// Keeps an event that is in here.
    pub(super) fn note<T: AsRef<str>>(&mut self, event: &EventRow<T>) {
        self.trail = Some(Arc::new(Trail { event: event.to_owned(), before: self.trail.take() }));
    }

    /// Takes in an event read from its table.
    pub(super) fn apply<T: AsRef<str>>(&mut self, event: &EventRow<T>) {
        if event.kind == ALIAS {
            let Some((remote, form)) = self.remote.as_mut().zip(event.text.as_ref()) else { return };
            Arc::make_mut(remote).forms.push(form.as_ref().into());
            self.seq = event.seq;
            return;
        }
        self.seq = event.seq;
        self.version += 1;
        let name = event.name.as_ref().map(AsRef::as_ref);
        let text = || event.text.as_ref().map_or_else(Box::default, |text| text.as_ref().into());
        match event.kind {
            SENT_EVENT => {
                self.phase = Phase::Sent;
                let connector = name.unwrap_or_default().into();
                self.remote = Some(Arc::new(RemoteId { connector, forms: vec![text()] }));
            }
            RETRY | DELAY | REPLAY => {
                self.phase = Phase::Ready;
                self.finished_at = None;
                self.due_at = Timestamp(event.code);
                if let Some(queue) = name.filter(|queue| **queue != *self.queue) {
                    self.queue = queue.into();
                }
                match event.kind {
                    REPLAY => self.attempts = 0,
                    kind => {
                        self.attempts += u32::from(kind == RETRY);
                        self.reason = text();
                    }
                }
            }
            _ => {
                self.phase = Phase::Ended(final_from_sql(event.code));
                self.finished_at = Some(event.at);
                self.reason = text();
            }
        }
    }
}

/// A row of `event`. `code` is a state or a due time, `name` a connector or queue, `text` a remote id
/// or a reason, by kind.
#[derive(Clone, Debug)]
pub(crate) struct EventRow<T = Box<str>> {
    pub(crate) seq: i64,
    pub(crate) id: MessageId,
    pub(crate) kind: i64,
    pub(crate) at: Timestamp,
    pub(crate) code: i64,
    pub(crate) name: Option<T>,
    pub(crate) text: Option<T>,
}

impl<T: AsRef<str>> EventRow<T> {
    fn to_owned(&self) -> EventRow {
        let Self { seq, id, kind, at, code, .. } = *self;
        let [name, text] =
            [&self.name, &self.text].map(|text| text.as_ref().map(|text| text.as_ref().into()));
        EventRow { seq, id, kind, at, code, name, text }
    }
}

impl EventRow {
    pub(super) fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        let event = Self {
            seq: row.get(0)?,
            id: MessageId::from_sql(row.get(1)?),
            kind: row.get(2)?,
            at: Timestamp(row.get(3)?),
            code: row.get::<_, Option<i64>>(4)?.unwrap_or_default(),
            name: row.get(5)?,
            text: row.get(6)?,
        };
        event.check(row.get(7)?)
    }
}

pub(super) const SENT_EVENT: i64 = 1;
/// One more form of the remote id in the event before.
pub(super) const ALIAS: i64 = 2;
pub(super) const RETRY: i64 = 3;
pub(super) const FINISH: i64 = 4;
pub(super) const REPLAY: i64 = 5;
/// A retry that is no attempt.
pub(super) const DELAY: i64 = 6;
pub(super) const EVENT_COLUMNS: &str = "seq,id,kind,at,code,name,text,sum";

pub(super) fn final_to_sql(how: Final) -> i64 {
    FIRST_FINAL
        + match how {
            Final::Delivered => 0,
            Final::Failed => 1,
            Final::Expired => 2,
            Final::Cancelled => 3,
        }
}

pub(super) fn final_from_sql(state: i64) -> Final {
    match state - FIRST_FINAL {
        0 => Final::Delivered,
        2 => Final::Expired,
        3 => Final::Cancelled,
        _ => Final::Failed,
    }
}
