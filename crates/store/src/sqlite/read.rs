//! Reading without disturbing the writer: stories, searches, records of ended messages.

use super::live::{self, EVENT_COLUMNS, EventRow, Live};
use super::memory::Memory;
use super::schema::{self, COLUMNS, Day};
use super::search;
use crate::error::{StoreError, is_damage};
use crate::id::MessageId;
use crate::message::{Cdr, Event, EventKind, Judge, Message, Page, RemoteId, Search, Story, Timestamp};
use rusqlite::{Connection, OpenFlags, OptionalExtension};
use std::path::Path;
use std::time::Duration;

/// A second connection for lists and look-ups, for one thread; it sees every commit at once and never
/// holds the writer up.
#[derive(Debug)]
pub struct Reader {
    c: Connection,
}

impl Reader {
    /// Opens the file of an open store: [`crate::Sqlite::path`].
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let c = Connection::open_with_flags(path, flags)?;
        c.busy_timeout(Duration::from_secs(1))?;
        Ok(Self { c })
    }

    /// See [`crate::Store::story`].
    pub fn story(&self, id: MessageId) -> Result<Option<Story>, StoreError> {
        // One snapshot for the row and its events.
        let _snapshot = self.c.unchecked_transaction()?;
        story(&self.c, id)
    }

    /// See [`crate::Store::search`]; of those, only what `judge` means.
    pub fn search(&self, wanted: &Search, judge: &mut dyn Judge) -> Result<Page, StoreError> {
        let _snapshot = self.c.unchecked_transaction()?;
        search::search(&self.c, None, wanted, judge)
    }

    /// See [`crate::Store::cdrs`].
    pub fn cdrs(&self, after: u64, limit: usize) -> Result<Vec<Cdr>, StoreError> {
        let _snapshot = self.c.unchecked_transaction()?;
        cdrs(&self.c, after, limit)
    }
}

/// The same with what is in memory only.
pub(super) fn story_now(c: &Connection, m: &Memory, id: MessageId) -> Result<Option<Story>, StoreError> {
    let Some(live) = m.live.get(&id) else { return story(c, id) };
    let mut events = Vec::new();
    let sql = format!("SELECT {EVENT_COLUMNS} FROM event WHERE id=?1 ORDER BY seq");
    let mut statement = c.prepare_cached(&sql)?;
    for event in statement.query_map([id.to_sql()], EventRow::from_row)? {
        if let Some(event) = sound(event)?.filter(|event| event.seq <= live.row_seq) {
            show(event, &mut events);
        }
    }
    for event in live.events() {
        show(event, &mut events);
    }
    Ok(Some(Story { message: live.clone().into_message(), events }))
}

pub(super) fn story(c: &Connection, id: MessageId) -> Result<Option<Story>, StoreError> {
    let Some(mut live) = row(c, id)? else { return Ok(None) };
    let mut events = Vec::new();
    let sql = format!("SELECT {EVENT_COLUMNS} FROM event WHERE id=?1 ORDER BY seq");
    let mut statement = c.prepare_cached(&sql)?;
    for event in statement.query_map([id.to_sql()], EventRow::from_row)? {
        let Some(event) = sound(event)? else { continue };
        if event.seq > live.row_seq {
            live.apply(&event);
        }
        show(event, &mut events);
    }
    Ok(Some(Story { message: live.into_message(), events }))
}

fn row(c: &Connection, id: MessageId) -> Result<Option<Live>, StoreError> {
    let number = Day::of(id);
    if !schema::has_day(c, number)? {
        return Ok(None);
    }
    let mut select = c.prepare_cached(&format!("SELECT {COLUMNS} FROM message_{number} WHERE id=?1"))?;
    Ok(select.query_row([id.to_sql()], Live::from_row).optional()?)
}

/// None for a row that is not as it was written.
pub(super) fn sound<T>(read: rusqlite::Result<T>) -> Result<Option<T>, StoreError> {
    match read {
        Ok(found) => Ok(Some(found)),
        Err(error) if is_damage(&error) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Adds what an event row says to those before it.
fn show(event: EventRow, events: &mut Vec<Event>) {
    let text = event.text.unwrap_or_default();
    let name = event.name.unwrap_or_default();
    let kind = match event.kind {
        live::ALIAS => {
            if let Some(Event { kind: EventKind::Sent { remote }, .. }) = events.last_mut() {
                remote.forms.push(text);
            }
            return;
        }
        live::SENT_EVENT => {
            EventKind::Sent { remote: RemoteId { connector: name.into(), forms: vec![text] } }
        }
        live::RETRY | live::DELAY => EventKind::Retry {
            due_at: Timestamp(event.code),
            queue: name,
            is_attempt: event.kind == live::RETRY,
            reason: text,
        },
        live::REPLAY => EventKind::Replay { due_at: Timestamp(event.code), queue: name },
        _ => EventKind::Finish { state: live::final_from_sql(event.code), reason: text },
    };
    events.push(Event { at: event.at, kind });
}

pub(super) fn cdrs(c: &Connection, after: u64, limit: usize) -> Result<Vec<Cdr>, StoreError> {
    let mut found = Vec::new();
    let after = i64::try_from(after).unwrap_or(i64::MAX);
    let mut statement = c.prepare_cached("SELECT seq,id FROM cdr WHERE seq>?1 ORDER BY seq LIMIT ?2")?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut rows = statement.query([after, limit])?;
    while let Some(ended) = rows.next()? {
        let id = MessageId::from_sql(ended.get(1)?);
        let live = match row(c, id) {
            Ok(Some(live)) => live,
            // Gone by age before it was asked for, or damaged.
            Ok(None) | Err(StoreError::Damaged { .. }) => continue,
            Err(error) => return Err(error),
        };
        let mut message: Message = live.into_message();
        message.accepted.payload = Box::default();
        found.push(Cdr { seq: ended.get::<_, i64>(0)?.cast_unsigned(), message });
    }
    Ok(found)
}
