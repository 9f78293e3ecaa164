//! Reading without disturbing the writer: stories, searches, records of ended messages.

use super::live::{self, EVENT_COLUMNS, EventRow, Live};
use super::schema::{self, COLUMNS, Day, FRESH};
use crate::error::{StoreError, is_damage};
use crate::id::MessageId;
use crate::message::{Cdr, Event, EventKind, Message, Page, RemoteId, Search, State, Story, Timestamp};
use rusqlite::{Connection, OpenFlags, OptionalExtension};
use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, Instant};

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

    /// See [`crate::Store::search`].
    pub fn search(&self, wanted: &Search) -> Result<Page, StoreError> {
        let _snapshot = self.c.unchecked_transaction()?;
        search(&self.c, wanted)
    }

    /// See [`crate::Store::cdrs`].
    pub fn cdrs(&self, after: u64, limit: usize) -> Result<Vec<Cdr>, StoreError> {
        let _snapshot = self.c.unchecked_transaction()?;
        cdrs(&self.c, after, limit)
    }
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
fn sound<T>(read: rusqlite::Result<T>) -> Result<Option<T>, StoreError> {
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

pub(super) fn search(c: &Connection, search: &Search) -> Result<Page, StoreError> {
    let started = Instant::now();
    let until = search.until.map_or(MessageId::MAX, MessageId::first_at);
    let from = search.from.map_or(MessageId::ZERO, MessageId::first_at);
    let mut cursor = search.before.map_or(until, |before| before.min(until));
    let mut page = Page::default();
    let mut days = schema::days(c)?;
    days.retain(|day| (Day::of(from)..=Day::of(cursor)).contains(day));
    let mut fresh: Option<HashMap<MessageId, Vec<EventRow>>> = None;
    for number in days.into_iter().rev() {
        let mut statement = c.prepare_cached(&Day::page(number))?;
        let mut rows = statement.query([cursor.to_sql(), from.to_sql()])?;
        let mut looked_at = 0_u32;
        while let Some(row) = rows.next()? {
            looked_at += 1;
            let id = MessageId::from_sql(row.get(0)?);
            let is_late = looked_at.is_multiple_of(64) && started.elapsed() > SNAPSHOT;
            if page.messages.len() >= search.limit.max(1) || is_late {
                page.next = Some(cursor);
                return Ok(page);
            }
            cursor = id;
            // A list has no payloads, so no sums are looked at; what cannot even be read is left out.
            let read = matches_texts(search, row)
                .and_then(|matches| if matches { Live::from_row(row).map(Some) } else { Ok(None) });
            let Some(mut live) = sound(read)?.flatten() else { continue };
            if fresh.is_none() {
                fresh = Some(unfolded(c)?);
            }
            for event in fresh.as_ref().and_then(|fresh| fresh.get(&id)).into_iter().flatten() {
                if event.seq > live.row_seq {
                    live.apply(event);
                }
            }
            if search.state.is_none_or(|state| state == live.state()) {
                page.messages.push(live.into_message());
            }
        }
    }
    Ok(page)
}

/// Compares columns as they lie in the page, before anything is copied.
fn matches_texts(search: &Search, row: &rusqlite::Row<'_>) -> rusqlite::Result<bool> {
    for (column, wanted) in [(7, &search.account), (9, &search.source), (10, &search.destination)] {
        if let Some(wanted) = wanted
            && row.get_ref(column)?.as_bytes_or_null().ok().flatten() != Some(wanted.as_bytes())
        {
            return Ok(false);
        }
    }
    let state: i64 = row.get(1)?;
    // An ended row is what it says; only a replay less than a minute old could differ.
    let is_settled = state >= schema::FIRST_FINAL;
    Ok(match search.state {
        Some(State::Final(how)) if is_settled => live::final_to_sql(how) == state,
        _ => state == FRESH || search.state.is_none() || !is_settled || search.state == Some(State::Queued),
    })
}

/// Events not folded into rows yet, by message.
fn unfolded(c: &Connection) -> Result<HashMap<MessageId, Vec<EventRow>>, StoreError> {
    let mut by_id: HashMap<MessageId, Vec<EventRow>> = HashMap::new();
    let mut statement = c.prepare_cached(&format!("SELECT {EVENT_COLUMNS} FROM event ORDER BY seq"))?;
    for event in statement.query_map([], EventRow::from_row)? {
        let Some(event): Option<EventRow> = sound(event)? else { continue };
        by_id.entry(event.id).or_default().push(event);
    }
    Ok(by_id)
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

/// A reader's snapshot keeps the write-ahead log from being reset, so a page ends here and says where
/// to go on.
const SNAPSHOT: Duration = Duration::from_millis(250);
