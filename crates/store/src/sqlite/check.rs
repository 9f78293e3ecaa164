//! Reading everything: SQLite's own check of every page and index, then every checksum, then the
//! counters against the rows.

use super::live::{EVENT_COLUMNS, EventRow, OnDisk};
use super::memory::Memory;
use super::schema::{self, COLUMNS, Day, FIRST_FINAL, SOUND};
use super::sum;
use super::{Engine, folder};
use crate::error::{StoreError, is_damage};
use crate::message::Timestamp;
use rusqlite::{Connection, OptionalExtension};
use std::collections::BTreeMap;

pub(super) fn check(e: &mut Engine<'_>) -> Result<Vec<Box<str>>, StoreError> {
    if !e.m.is_stopped {
        // Of times this knows nothing, so that nothing leaves memory for its age.
        match folder::settle(e, Timestamp(i64::MIN)) {
            Ok(()) | Err(StoreError::Full) => {}
            Err(error) => return Err(error),
        }
    }
    let (c, m) = (e.c, &*e.m);
    let mut wrong: Vec<Box<str>> = Vec::new();
    let mut statement = c.prepare("PRAGMA integrity_check(100)")?;
    for line in statement.query_map([], |row| row.get::<_, Box<str>>(0))? {
        let line = line?;
        if &*line != "ok" {
            wrong.push(line);
        }
    }
    check_sums(c, &mut wrong)?;
    if !m.counters.totals.is_conserved() {
        wrong.push(format!("counters do not add up: {:?}", m.counters.totals).into());
    }
    check_counters(c, m, &mut wrong)?;
    Ok(wrong)
}

/// Every row and event, and what was put aside before.
fn check_sums(c: &Connection, wrong: &mut Vec<Box<str>>) -> Result<(), StoreError> {
    let mut damaged = Vec::new();
    for number in schema::days(c)? {
        let mut statement = c.prepare(&format!("SELECT {COLUMNS} FROM message_{number}"))?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            match sum::check_message(row) {
                Err(error) if is_damage(&error) => damaged.push(format!("message {}", row.get::<_, i64>(0)?)),
                checked => checked?,
            }
        }
    }
    for number in schema::days(c)? {
        let mut statement = c.prepare(&format!("SELECT connector,form,id,sum FROM remote_{number}"))?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (connector, form): (Option<Box<str>>, Option<Box<str>>) = (row.get(0).ok(), row.get(1).ok());
            let (id, found): (i64, Option<i64>) = (row.get(2)?, row.get(3)?);
            let sum = connector.zip(form).map(|(connector, form)| sum::of_remote(&connector, &form, id));
            if found.is_some() && found != sum {
                damaged.push(format!("a remote id of message {id}"));
            }
        }
    }
    let mut statement = c.prepare(&format!("SELECT {EVENT_COLUMNS} FROM event"))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        match EventRow::<Box<str>>::from_row(row) {
            Err(error) if is_damage(&error) => damaged.push(format!("event {}", row.get::<_, i64>(0)?)),
            checked => _ = checked?,
        }
    }
    wrong.extend(damaged.iter().take(REPORTED).map(|what| format!("{what} is not as it was written").into()));
    if damaged.len() > REPORTED {
        wrong.push(format!("{} more are not as they were written", damaged.len() - REPORTED).into());
    }
    Ok(())
}

/// What is open by the rows, and by memory where rows lag behind it.
fn check_counters(c: &Connection, m: &Memory, wrong: &mut Vec<Box<str>>) -> Result<(), StoreError> {
    let mut open = 0_i64;
    let mut queued: BTreeMap<Box<str>, i64> = BTreeMap::new();
    for number in schema::days(c)? {
        let sql = format!(
            "SELECT queue,sum(state<2),count(*) FROM message_{number} \
             WHERE state<{FIRST_FINAL} AND {SOUND} GROUP BY queue"
        );
        let mut statement = c.prepare(&sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            *queued.entry(row.get(0)?).or_default() += row.get::<_, i64>(1)?;
            open += row.get::<_, i64>(2)?;
        }
    }
    // Ended ones not folded, replayed ones whose row still says failed, others in another queue.
    for live in m.live.values() {
        if live.row == OnDisk::Absent {
            open += i64::from(live.row_state() < FIRST_FINAL);
            *queued.entry((*live.queue).into()).or_default() += i64::from(live.is_queued());
            continue;
        }
        let sql = format!("SELECT state,queue FROM message_{} WHERE id=?1 AND {SOUND}", Day::of(live.id()));
        let mut select = c.prepare_cached(&sql)?;
        let row = select
            .query_row([live.id().to_sql()], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Box<str>>(1)?)))
            .optional()?;
        let Some((state, queue)) = row else {
            wrong.push(format!("message {} is running and has no row", live.id()).into());
            continue;
        };
        open += i64::from(live.row_state() < FIRST_FINAL) - i64::from(state < FIRST_FINAL);
        *queued.entry(queue).or_default() -= i64::from(state < 2);
        *queued.entry((*live.queue).into()).or_default() += i64::from(live.is_queued());
    }
    let counted = m.counters.totals.open;
    if open.cast_unsigned() != counted {
        wrong.push(format!("{open} messages are open, and the counter says {counted}").into());
    }
    for (queue, count) in queued {
        let counted = m.queued(&queue);
        if count.cast_unsigned() != counted {
            wrong.push(format!("{count} messages wait in {queue}, and the counter says {counted}").into());
        }
    }
    Ok(())
}

/// Damaged rows that are named one by one.
const REPORTED: usize = 100;
