//! At start: what runs, read back from the rows above the mark and from the events.

use super::Settings;
use super::live::{EVENT_COLUMNS, EventRow, Live};
use super::memory::{ById, Counters, Memory, MessageId0};
use super::schema::{self, Day};
use crate::error::StoreError;
use crate::id::MessageId;
use crate::message::{Timestamp, Totals};
use rusqlite::{Connection, OptionalExtension};
use std::sync::Arc;

pub(super) fn recover(c: &Connection, now: Timestamp, settings: Settings) -> Result<Memory, StoreError> {
    let mut m = Memory::new(settings);
    let mark = read_counters(c, &mut m)?;
    for number in schema::days(c)? {
        m.days.insert(number, Arc::new(Day::new(number)));
    }
    let mut running = read_fresh(c, &m, mark)?;
    read_events(c, &mut m, &mut running)?;
    let mut running: Vec<Live> = running.into_values().collect();
    running.sort_unstable_by_key(Live::id);
    for live in running {
        m.place(now, live);
    }
    read_lanes(c, &mut m)?;
    Ok(m)
}

fn read_counters(c: &Connection, m: &mut Memory) -> Result<MessageId, StoreError> {
    let sql = "SELECT accepted,delivered,failed,expired,cancelled,orphans,last_id,mark,event_seq,cdr_seq FROM total";
    let (counters, mark) = c.query_row(sql, [], |row| {
        let count = |at| row.get::<_, i64>(at).map(i64::cast_unsigned);
        let mut totals = Totals {
            accepted: count(0)?,
            open: 0,
            delivered: count(1)?,
            failed: count(2)?,
            expired: count(3)?,
            cancelled: count(4)?,
            orphans: count(5)?,
        };
        let ended = totals.delivered + totals.failed + totals.expired + totals.cancelled;
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
        for live in statement.query_map([mark.to_sql()], Live::from_row)? {
            let live = live?;
            running.insert(live.id(), live);
        }
    }
    Ok(running)
}

fn read_events(c: &Connection, m: &mut Memory, running: &mut ById<Live>) -> Result<(), StoreError> {
    let mut statement = c.prepare(&format!("SELECT {EVENT_COLUMNS} FROM event ORDER BY seq"))?;
    for event in statement.query_map([], EventRow::from_row)? {
        let event = event?;
        m.events.push_back((event.seq, event.id));
        if let Some(live) = running.get_mut(&event.id) {
            if event.seq > live.row_seq {
                live.apply(&event);
            }
            continue;
        }
        let Some(day) = m.days.get(&Day::of(event.id)) else { continue };
        let mut select = c.prepare_cached(&day.select)?;
        let row = select.query_row([event.id.to_sql()], Live::from_row).optional()?;
        if let Some(mut live) = row.filter(|live| event.seq > live.row_seq) {
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
        }
    }
    Ok(())
}
