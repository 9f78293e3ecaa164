//! Looking through messages, a bounded step at a time.

use super::live::{EVENT_COLUMNS, EventRow, Live, OnDisk, Phase};
use super::memory::Memory;
use super::read::sound;
use super::schema::{self, Day};
use crate::error::StoreError;
use crate::id::MessageId;
use crate::message::{Accepted, Columns, Judge, Message, Page, Search, State};
use rusqlite::{Connection, Row};
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// With what is in memory only, if that is given.
pub(super) fn search(
    c: &Connection,
    m: Option<&Memory>,
    wanted: &Search,
    judge: &mut dyn Judge,
) -> Result<Page, StoreError> {
    let until = wanted.until.map_or(MessageId::MAX, MessageId::first_at);
    let from = wanted.from.map_or(MessageId::ZERO, MessageId::first_at);
    let above = wanted.before.map_or(until, |before| before.min(until));
    let below = wanted.after.map_or(from, |after| after.following().max(from));
    let is_upwards = wanted.after.is_some() && wanted.before.is_none();
    let mut days = schema::days(c)?;
    days.retain(|day| (Day::of(below)..=Day::of(above)).contains(day));
    if !is_upwards {
        days.reverse();
    }
    let is_between = |live: &&Live| live.row == OnDisk::Absent && live.id() >= below && live.id() < above;
    let mut absent: Vec<&Live> = m.into_iter().flat_map(|m| m.live.values()).filter(is_between).collect();
    absent.sort_unstable_by_key(|live| live.id());
    if is_upwards {
        absent.reverse();
    }
    let mut looking = Looking {
        c,
        m,
        absent,
        wanted,
        judge,
        started: Instant::now(),
        fresh: None,
        page: Page::default(),
        cursor: None,
    };
    let has_payloads = wanted.has_payloads || looking.judge.reads_payloads();
    let mut is_whole = true;
    for number in days {
        let mut statement = c.prepare_cached(&Day::page(number, is_upwards, has_payloads))?;
        let mut rows = statement.query([above.to_sql(), below.to_sql()])?;
        while let Some(row) = rows.next()? {
            let id = MessageId::from_sql(row.get(0)?);
            is_whole = looking.look_at_absent(|other| if is_upwards { other < id } else { other > id });
            if !is_whole || looking.is_over() {
                is_whole = false;
                break;
            }
            looking.look(row)?;
        }
        if !is_whole {
            break;
        }
    }
    let is_whole = is_whole && looking.look_at_absent(|_| true);
    Ok(looking.page(is_upwards, is_whole))
}

/// A search under way.
struct Looking<'a> {
    c: &'a Connection,
    m: Option<&'a Memory>,
    /// Messages that have no row yet, the next one last.
    absent: Vec<&'a Live>,
    wanted: &'a Search,
    judge: &'a mut dyn Judge,
    started: Instant,
    /// Events not folded into rows yet, by message, once a row needs them.
    fresh: Option<HashMap<MessageId, Vec<EventRow>>>,
    page: Page,
    /// The last row looked at.
    cursor: Option<MessageId>,
}

impl Looking<'_> {
    /// Whether the next row is one too many.
    fn is_over(&mut self) -> bool {
        let is_full = self.is_full();
        if is_full && self.page.next.is_none() {
            self.page.next = self.cursor;
        }
        let rows = self.page.rows;
        let is_late = rows > 0 && rows.is_multiple_of(64) && self.started.elapsed() > SNAPSHOT;
        is_late
            || self.wanted.rows.is_some_and(|most| rows >= most.max(1))
            || (is_full && !self.wanted.is_counted)
    }

    fn is_full(&self) -> bool {
        self.page.messages.len() >= self.wanted.limit.max(1)
    }

    /// Looks at those without a row whose turn it is; false if it is over before.
    fn look_at_absent(&mut self, is_next: impl Fn(MessageId) -> bool) -> bool {
        while let Some(live) = self.absent.pop_if(|live| is_next(live.id())) {
            if self.is_over() {
                return false;
            }
            self.met(live.id());
            let message = self.of_memory(live);
            self.found(message);
        }
        true
    }

    fn look(&mut self, row: &Row<'_>) -> Result<(), StoreError> {
        let id = MessageId::from_sql(row.get(0)?);
        self.met(id);
        let message = match self.m.and_then(|m| m.live.get(&id)) {
            Some(live) => self.of_memory(live),
            None => self.message(id, row)?,
        };
        self.found(message);
        Ok(())
    }

    fn met(&mut self, id: MessageId) {
        self.page.rows += 1;
        self.page.first.get_or_insert(id);
        self.cursor = Some(id);
    }

    fn found(&mut self, message: Option<Message>) {
        let Some(message) = message.filter(|message| self.judge.holds(message)) else { return };
        self.page.found += 1;
        if !self.is_full() {
            self.page.messages.push(message);
        }
    }

    /// A message as it is in memory, if it stands as wanted and may be meant.
    fn of_memory(&mut self, live: &Live) -> Option<Message> {
        let Accepted { account, source, destination, payload, .. } = &*live.message;
        let columns = Columns { account, source, destination, payload };
        let is_wanted = self.wanted.states.is_empty() || self.wanted.states.contains(&live.state());
        (is_wanted && self.judge.may(&columns)).then(|| live.clone().into_message())
    }

    /// The message of a row as it is now, if it stands as wanted and may be meant. What cannot even be read is left out.
    fn message(&mut self, id: MessageId, row: &Row<'_>) -> Result<Option<Message>, StoreError> {
        let states = &self.wanted.states;
        let is_wanted = |state: State| states.is_empty() || states.contains(&state);
        // A row that says otherwise is meant only if something happened to the message since.
        let Some(stood) = sound(row.get(1).map(|state| Phase::from_sql(state).state()))? else {
            return Ok(None);
        };
        if !is_wanted(stood) && !self.fresh()?.contains_key(&id) {
            return Ok(None);
        }
        if !sound(columns(row))?.is_some_and(|columns| self.judge.may(&columns)) {
            return Ok(None);
        }
        let Some(mut live) = sound(Live::from_row(row))? else { return Ok(None) };
        for event in self.fresh()?.get(&id).into_iter().flatten() {
            if event.seq > live.row_seq {
                live.apply(event);
            }
        }
        Ok(is_wanted(live.state()).then(|| live.into_message()))
    }

    fn fresh(&mut self) -> Result<&HashMap<MessageId, Vec<EventRow>>, StoreError> {
        if self.fresh.is_none() {
            self.fresh = Some(unfolded(self.c)?);
        }
        Ok(self.fresh.get_or_insert_default())
    }

    fn page(self, is_upwards: bool, is_whole: bool) -> Page {
        let Self { wanted, mut page, cursor, .. } = self;
        page.is_whole = is_whole;
        if !is_whole {
            page.next = page.next.or(cursor);
        }
        if is_upwards {
            page.messages.reverse();
        }
        if !wanted.has_payloads {
            for message in &mut page.messages {
                message.accepted.payload = Box::default();
            }
        }
        page
    }
}

/// The columns as they lie in the page, before anything is copied.
fn columns<'a>(row: &'a Row<'_>) -> rusqlite::Result<Columns<'a>> {
    let text = |column: usize| Ok::<_, rusqlite::Error>(row.get_ref(column)?.as_str()?);
    let payload = row.get_ref(17)?.as_blob()?;
    Ok(Columns { account: text(7)?, source: text(9)?, destination: text(10)?, payload })
}

fn unfolded(c: &Connection) -> Result<HashMap<MessageId, Vec<EventRow>>, StoreError> {
    let mut by_id: HashMap<MessageId, Vec<EventRow>> = HashMap::new();
    let mut statement = c.prepare_cached(&format!("SELECT {EVENT_COLUMNS} FROM event ORDER BY seq"))?;
    for event in statement.query_map([], EventRow::from_row)? {
        let Some(event): Option<EventRow> = sound(event)? else { continue };
        by_id.entry(event.id).or_default().push(event);
    }
    Ok(by_id)
}

/// A reader's snapshot keeps the write-ahead log from being reset, so a page ends here and says where
/// to go on.
const SNAPSHOT: Duration = Duration::from_millis(250);
