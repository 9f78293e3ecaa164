//! New rows, many with one statement: half the cost of a statement for each.

use super::live::{EventRow, Live};
use super::sum::Columns;
use crate::error::StoreError;
use crate::id::MessageId;
use rusqlite::{Connection, Statement};
use std::fmt::Write;
use std::sync::LazyLock;

/// Inserts messages by a statement of [`super::schema::Day::insert`], as many times as it takes so many.
pub(super) fn messages(
    c: &Connection,
    sql: &str,
    size: usize,
    rest: &mut &[&Live],
) -> Result<(), StoreError> {
    while let Some((some, more)) = rest.split_at_checked(size) {
        *rest = more;
        let mut statement = c.prepare_cached(sql)?;
        for (n, live) in some.iter().enumerate() {
            bind_message(&mut statement, n * MESSAGE_VALUES, live)?;
        }
        statement.raw_execute()?;
    }
    Ok(())
}

/// Inserts events.
pub(super) fn events(c: &Connection, events: &[EventRow]) -> Result<(), StoreError> {
    let mut rest = events;
    for (size, sql) in SIZES.into_iter().zip(&*EVENTS) {
        while let Some((some, more)) = rest.split_at_checked(size) {
            rest = more;
            let mut statement = c.prepare_cached(sql)?;
            for (n, event) in some.iter().enumerate() {
                bind_event(&mut statement, n * EVENT_VALUES, event)?;
            }
            statement.raw_execute()?;
        }
    }
    Ok(())
}

/// Inserts ends of messages.
pub(super) fn ends(c: &Connection, ends: &[(i64, MessageId)]) -> Result<(), StoreError> {
    let mut rest = ends;
    for (size, sql) in SIZES.into_iter().zip(&*ENDS) {
        while let Some((some, more)) = rest.split_at_checked(size) {
            rest = more;
            let mut statement = c.prepare_cached(sql)?;
            for (n, (seq, id)) in some.iter().enumerate() {
                statement.raw_bind_parameter(2 * n + 1, seq)?;
                statement.raw_bind_parameter(2 * n + 2, id.to_sql())?;
            }
            statement.raw_execute()?;
        }
    }
    Ok(())
}

/// In the order of [`super::schema::COLUMNS`].
fn bind_message(statement: &mut Statement<'_>, after: usize, live: &Live) -> rusqlite::Result<()> {
    let (message, remote) = (&*live.message, live.remote.as_deref());
    statement.raw_bind_parameter(after + 1, message.id.to_sql())?;
    statement.raw_bind_parameter(after + 2, live.row_state())?;
    statement.raw_bind_parameter(after + 3, live.version)?;
    statement.raw_bind_parameter(after + 4, message.priority)?;
    statement.raw_bind_parameter(after + 5, live.due_at.0)?;
    statement.raw_bind_parameter(after + 6, message.expires_at.map(|at| at.0))?;
    statement.raw_bind_parameter(after + 7, live.attempts)?;
    statement.raw_bind_parameter(after + 8, &*message.account)?;
    statement.raw_bind_parameter(after + 9, &*live.queue)?;
    statement.raw_bind_parameter(after + 10, &*message.source)?;
    statement.raw_bind_parameter(after + 11, &*message.destination)?;
    statement.raw_bind_parameter(after + 12, message.reference.as_deref())?;
    statement.raw_bind_parameter(after + 13, live.finished_at.map(|at| at.0))?;
    statement.raw_bind_parameter(after + 14, remote.map(|remote| &*remote.connector))?;
    let form = remote.and_then(|remote| remote.forms.first()).map(|form| &**form);
    statement.raw_bind_parameter(after + 15, form)?;
    statement.raw_bind_parameter(after + 16, (!live.reason.is_empty()).then_some(&*live.reason))?;
    statement.raw_bind_parameter(after + 17, live.seq)?;
    statement.raw_bind_parameter(after + 18, &*message.payload)?;
    statement.raw_bind_parameter(after + 19, Columns::live(live).sum())
}

fn bind_event(statement: &mut Statement<'_>, after: usize, event: &EventRow) -> rusqlite::Result<()> {
    statement.raw_bind_parameter(after + 1, event.seq)?;
    statement.raw_bind_parameter(after + 2, event.id.to_sql())?;
    statement.raw_bind_parameter(after + 3, event.kind)?;
    statement.raw_bind_parameter(after + 4, event.at.0)?;
    statement.raw_bind_parameter(after + 5, (event.code != 0).then_some(event.code))?;
    statement.raw_bind_parameter(after + 6, event.name.as_deref())?;
    statement.raw_bind_parameter(after + 7, event.text.as_deref())?;
    statement.raw_bind_parameter(after + 8, event.sum())
}

/// `head`, then so many times a row of `values` parameters.
pub(super) fn many(head: &str, values: usize, count: usize) -> String {
    let row = format!("(?{})", ",?".repeat(values - 1));
    let mut sql = format!("{head} VALUES {row}");
    for _ in 1..count {
        // Writing to a string does not fail.
        let _ = write!(sql, ",{row}");
    }
    sql
}

/// Rows by one statement, the most that fit first.
pub(super) const SIZES: [usize; 4] = [64, 16, 4, 1];
pub(super) const MESSAGE_VALUES: usize = 19;
const EVENT_VALUES: usize = 8;
// To fail without undoing the statement, which is left to the transaction, spares a journal of it.
static EVENTS: LazyLock<[String; 4]> = LazyLock::new(|| {
    let head = "INSERT OR FAIL INTO event (seq,id,kind,at,code,name,text,sum)";
    SIZES.map(|size| many(head, EVENT_VALUES, size))
});
static ENDS: LazyLock<[String; 4]> =
    LazyLock::new(|| SIZES.map(|size| many("INSERT OR FAIL INTO cdr (seq,id)", 2, size)));
