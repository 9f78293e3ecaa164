//! At start: what runs, read back from the rows above the mark and from the events.

use super::Settings;
use super::damage;
use super::live::{EVENT_COLUMNS, EventRow, Live};
use super::memory::{ById, Counters, Memory, MessageId0};
use super::schema::{self, Day, FRESH};
use super::sum;
use crate::error::{StoreError, is_damage};
use crate::id::MessageId;
use crate::message::{Timestamp, Totals};
use rusqlite::Connection;
use std::sync::Arc;

pub(super) fn recover(c: &Connection, now: Timestamp, settings: Settings) -> Result<Memory, StoreError> {
    let mut m = Memory::new(settings);
    let mark = read_counters(c, &mut m)?;
    for number in schema::days(c)? {
        m.days.insert(number, Arc::new(Day::new(number)));
    }
    read_lanes(c, &mut m)?;
    let mut running = read_fresh(c, &m, mark)?;
    read_events(c, &mut m, &mut running)?;
    let mut running: Vec<Live> = running.into_values().collect();
    running.sort_unstable_by_key(Live::id);
    for live in running {
        if live.is_queued() {
            m.count(&live.queue, 1);
        }
        m.place(now, live);
    }
    // A full disk may leave it for the first commit.
    match damage::settle(c, &mut m, now) {
        Ok(()) | Err(StoreError::Full) => Ok(m),
        Err(error) => Err(error),
    }
}

fn read_counters(c: &Connection, m: &mut Memory) -> Result<MessageId, StoreError> {
    let sql = "SELECT accepted,delivered,failed,expired,cancelled,orphans,last_id,mark,event_seq,cdr_seq,damaged FROM total";
    let (counters, mark) = c.query_row(sql, [], |row| {
        let count = |at| row.get::<_, i64>(at).map(i64::cast_unsigned);
        let mut totals = Totals {
            accepted: count(0)?,
            open: 0,
            delivered: count(1)?,
            failed: count(2)?,
            expired: count(3)?,
            cancelled: count(4)?,
            damaged: count(10)?,
            orphans: count(5)?,
        };
        let ended = totals.delivered + totals.failed + totals.expired + totals.cancelled + totals.damaged;
        totals.open = totals.accepted.saturating_sub(ended);
        let last_id = MessageId0(MessageId::from_sql(row.get(6)?));
        let counters = Counters { totals, last_id, event_seq: row.get(8)?, cdr_seq: row.get(9)? };
        Ok((counters, MessageId::from_sql(row.get(7)?)))
    })?;
    m.counters = counters;
    Ok(mark)
}

fn read_fresh(c: &Connection, m: &Memory, mark: MessageId) -> Result<ById<Live>, StoreError> {
    let mut running = ById::default();
    for number in m.days.range(Day::of(mark)..).map(|(number, _)| *number) {
        let mut statement = c.prepare(&Day::fresh(number))?;
        let mut rows = statement.query([mark.to_sql()])?;
        while let Some(row) = rows.next()? {
            if row.get_ref(1)?.as_i64().is_ok_and(|state| state != FRESH) && sum::check_message(row).is_ok() {
                continue;
            }
            if let Some(live) = damage::sound(m, row)? {
                running.insert(live.id(), live);
            }
        }
    }
    Ok(running)
}

fn read_events(c: &Connection, m: &mut Memory, running: &mut ById<Live>) -> Result<(), StoreError> {
    let mut statement = c.prepare(&format!("SELECT {EVENT_COLUMNS} FROM event ORDER BY seq"))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let event = match EventRow::<Box<str>>::from_row(row) {
            Ok(event) => event,
            Err(error) if is_damage(&error) => {
                // What it said is lost: its message is where it was before.
                m.events.push_back((row.get(0)?, MessageId::ZERO));
                m.is_open_doubtful = true;
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        m.events.push_back((event.seq, event.id));
        if let Some(live) = running.get_mut(&event.id) {
            if event.seq > live.row_seq {
                live.apply(&event);
            }
            continue;
        }
        let Some(day) = m.days.get(&Day::of(event.id)) else { continue };
        let row = damage::find(c, m, &day.clone(), event.id)?;
        if let Some(mut live) = row.filter(|live| event.seq > live.row_seq) {
            if live.is_queued() {
                // Counted with its lane, which it may have left.
                m.count(&live.queue, -1);
            }
            live.apply(&event);
            running.insert(event.id, live);
        }
    }
    Ok(())
}

fn read_lanes(c: &Connection, m: &mut Memory) -> Result<(), StoreError> {
    let numbers: Vec<i64> = m.days.keys().copied().collect();
    for number in numbers {
        let mut statement = c.prepare(&Day::lanes(number))?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let queue: Arc<str> = row.get(0)?;
            m.lane(&queue, row.get(1)?).park(Timestamp(row.get(2)?), MessageId::ZERO);
            m.count(&queue, row.get(3)?);
        }
    }
    Ok(())
}
