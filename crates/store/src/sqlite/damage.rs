//! Rows that are not as they were written: never obeyed, noted, copied aside, and counted.
//!
//! The row itself stays where it is until its day is dropped: to delete it, SQLite would have to find
//! it in its indexes by columns that may be wrong.

use super::live::{Live, OnDisk, Phase};
use super::memory::Memory;
use super::schema::{self, COLUMNS, Day, WAITING};
use super::sum;
use crate::error::{StoreError, is_damage};
use crate::id::MessageId;
use crate::message::{Timestamp, Totals};
use rusqlite::{Connection, OptionalExtension, Row};
use std::sync::Arc;

/// The message of a row, or none if it is damaged, which is noted.
pub(super) fn sound(m: &Memory, row: &Row<'_>) -> Result<Option<Live>, StoreError> {
    match Live::from_row(row) {
        Ok(live) => Ok(Some(live)),
        Err(error) if is_damage(&error) => {
            // The key of a table is read where the row was found, so it is right.
            m.noted.borrow_mut().insert(MessageId::from_sql(row.get(0)?));
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// The sound message of an id.
pub(super) fn find(c: &Connection, m: &Memory, day: &Day, id: MessageId) -> Result<Option<Live>, StoreError> {
    let mut select = c.prepare_cached(&day.select)?;
    let mut rows = select.query([id.to_sql()])?;
    match rows.next()? {
        Some(row) => sound(m, row),
        None => Ok(None),
    }
}

/// The messages that a remote id belongs to by the entries of a day; damaged ones are left out.
pub(super) fn find_remote(
    c: &Connection,
    day: &Day,
    connector: &str,
    form: &str,
) -> Result<Vec<MessageId>, StoreError> {
    let mut find = c.prepare_cached(&day.find_remote)?;
    let mut rows = find.query([connector, form])?;
    let mut ids = Vec::new();
    while let Some(row) = rows.next()? {
        let (id, sum): (i64, Option<i64>) = (row.get(0)?, row.get(1)?);
        if sum.is_none_or(|sum| sum == sum::of_remote(connector, form, id)) {
            ids.push(MessageId::from_sql(id));
        }
    }
    Ok(ids)
}

/// Copies what was noted aside and brings the counters in line. Nothing to do but after damage.
pub(super) fn settle(c: &Connection, m: &mut Memory, now: Timestamp) -> Result<(), StoreError> {
    if m.noted.borrow().is_empty() && !m.is_open_doubtful {
        return Ok(());
    }
    let transaction = c.unchecked_transaction()?;
    let mut left = Vec::new();
    for id in m.noted.borrow().iter() {
        left.extend(put_aside(c, m, *id, now)?);
    }
    let totals = reconcile(m.counters.totals, count_open(c, m)?);
    transaction.commit()?;
    for queue in left {
        m.count(&queue, -1);
    }
    m.counters.totals = totals;
    m.are_counters_new = true;
    m.noted.borrow_mut().clear();
    m.is_open_doubtful = false;
    Ok(())
}

/// The queue that it no longer waits in, if it did.
fn put_aside(
    c: &Connection,
    m: &Memory,
    id: MessageId,
    now: Timestamp,
) -> Result<Option<Arc<str>>, StoreError> {
    let number = Day::of(id);
    if !m.days.contains_key(&number) {
        return Ok(None);
    }
    let columns = COLUMNS.replacen("id,", "", 1);
    let copied = c
        .prepare_cached(&format!(
            "INSERT OR IGNORE INTO damaged (id,noted_at,{columns}) \
             SELECT id,?2,{columns} FROM message_{number} WHERE id=?1"
        ))?
        .execute([id.to_sql(), now.0])?;
    if copied == 0 || m.live.contains_key(&id) {
        return Ok(None);
    }
    let sql = format!("SELECT state,queue FROM message_{number} WHERE id=?1");
    let read = |row: &Row<'_>| Ok((row.get::<_, i64>(0), row.get::<_, Arc<str>>(1)));
    let row = c.prepare_cached(&sql)?.query_row([id.to_sql()], read).optional()?;
    Ok(row.and_then(|(state, queue)| state.ok().filter(|state| *state == WAITING).and(queue.ok())))
}

/// Messages that are truly open: by the indexes, and by memory where it knows better.
fn count_open(c: &Connection, m: &Memory) -> Result<u64, StoreError> {
    let mut open = 0_i64;
    for number in schema::days(c)? {
        for state in ["1", "2"] {
            let sql =
                format!("SELECT count(*) FROM message_{number} WHERE state={state} AND {}", schema::SOUND);
            open += c.query_row(&sql, [], |row| row.get::<_, i64>(0))?;
        }
    }
    for live in m.live.values() {
        open += i64::from(!matches!(live.phase, Phase::Ended(_)));
        if live.row == OnDisk::Absent {
            continue;
        }
        let sql = format!(
            "SELECT 1 FROM message_{} WHERE id=?1 AND state IN (1,2) AND {}",
            Day::of(live.id()),
            schema::SOUND
        );
        let row = c.prepare_cached(&sql)?.query_row([live.id().to_sql()], |_| Ok(())).optional()?;
        open -= i64::from(row.is_some());
    }
    Ok(u64::try_from(open).unwrap_or(0))
}

/// What was open and is not found is damaged. What is open again, because the event of its end cannot
/// be read, is taken from the ends.
fn reconcile(mut totals: Totals, open: u64) -> Totals {
    totals.damaged += totals.open.saturating_sub(open);
    let mut back = open.saturating_sub(totals.open);
    let Totals { damaged, delivered, failed, expired, cancelled, .. } = &mut totals;
    for count in [damaged, delivered, failed, expired, cancelled] {
        let taken = back.min(*count);
        *count -= taken;
        back -= taken;
    }
    totals.open = open - back;
    totals
}
