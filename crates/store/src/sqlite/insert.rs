//! New rows of messages and events, gathered in a commit and inserted many with one statement: half
//! the cost of a statement for each.

use super::live::EventRow;
use super::schema::{Day, FRESH, WAITING};
use super::sum::Columns;
use crate::error::StoreError;
use crate::message::Accepted;
use rusqlite::{Connection, Statement};
use std::fmt::Write;
use std::sync::{Arc, LazyLock};

/// What waits to be inserted. Who reads rows of the same commit asks for [`Inserts::flush`] first.
pub(super) struct Inserts<'a> {
    c: &'a Connection,
    /// Of one day, and new beyond doubt.
    messages: Vec<(&'a Accepted, bool)>,
    day: Option<Arc<Day>>,
    events: Vec<EventRow<&'a str>>,
}

impl<'a> Inserts<'a> {
    pub(super) fn new(c: &'a Connection) -> Self {
        Self { c, messages: Vec::new(), day: None, events: Vec::new() }
    }

    /// Takes a message whose id is beyond all that were ever accepted.
    pub(super) fn push(
        &mut self,
        day: &Arc<Day>,
        message: &'a Accepted,
        is_parked: bool,
    ) -> Result<(), StoreError> {
        if self.day.as_ref().is_none_or(|other| !Arc::ptr_eq(other, day)) {
            self.flush()?;
            self.day = Some(day.clone());
        }
        self.messages.push((message, is_parked));
        Ok(())
    }

    /// Inserts one message at once; false if its id is there already.
    pub(super) fn insert(
        &mut self,
        day: &Day,
        message: &Accepted,
        is_parked: bool,
    ) -> Result<bool, StoreError> {
        self.flush()?;
        let mut statement = self.c.prepare_cached(&day.insert[SIZES.len() - 1])?;
        bind_message(&mut statement, 0, message, is_parked)?;
        Ok(statement.raw_execute()? == 1)
    }

    pub(super) fn push_event(&mut self, event: EventRow<&'a str>) {
        self.events.push(event);
    }

    /// Writes the messages. Nobody reads the events of a commit before its end.
    pub(super) fn flush(&mut self) -> Result<(), StoreError> {
        let Some(day) = &self.day else { return Ok(()) };
        let mut rest = self.messages.as_slice();
        for (size, sql) in SIZES.into_iter().zip(&day.insert) {
            while let Some((some, more)) = rest.split_at_checked(size) {
                rest = more;
                let mut statement = self.c.prepare_cached(sql)?;
                for (n, (message, is_parked)) in some.iter().enumerate() {
                    bind_message(&mut statement, n * MESSAGE_VALUES, message, *is_parked)?;
                }
                if statement.raw_execute()? != size {
                    let what = "a message is stored already and its id is beyond the last one";
                    return Err(StoreError::Damaged { what: what.into() });
                }
            }
        }
        self.messages.clear();
        Ok(())
    }

    /// Writes all.
    pub(super) fn finish(&mut self) -> Result<(), StoreError> {
        self.flush()?;
        let mut rest = self.events.as_slice();
        for (size, sql) in SIZES.into_iter().zip(&*EVENTS) {
            while let Some((some, more)) = rest.split_at_checked(size) {
                rest = more;
                let mut statement = self.c.prepare_cached(sql)?;
                for (n, event) in some.iter().enumerate() {
                    bind_event(&mut statement, n * EVENT_VALUES, event)?;
                }
                statement.raw_execute()?;
            }
        }
        self.events.clear();
        Ok(())
    }
}

fn bind_message(
    statement: &mut Statement<'_>,
    after: usize,
    message: &Accepted,
    is_parked: bool,
) -> rusqlite::Result<()> {
    statement.raw_bind_parameter(after + 1, message.id.to_sql())?;
    let state = if is_parked { WAITING } else { FRESH };
    statement.raw_bind_parameter(after + 2, state)?;
    statement.raw_bind_parameter(after + 3, message.priority)?;
    statement.raw_bind_parameter(after + 4, message.due_at.0)?;
    statement.raw_bind_parameter(after + 5, message.expires_at.map(|at| at.0))?;
    statement.raw_bind_parameter(after + 6, &*message.account)?;
    statement.raw_bind_parameter(after + 7, &*message.queue)?;
    statement.raw_bind_parameter(after + 8, &*message.source)?;
    statement.raw_bind_parameter(after + 9, &*message.destination)?;
    statement.raw_bind_parameter(after + 10, message.reference.as_deref())?;
    statement.raw_bind_parameter(after + 11, &*message.payload)?;
    statement.raw_bind_parameter(after + 12, Columns::accepted(message, state).sum())
}

fn bind_event(statement: &mut Statement<'_>, after: usize, event: &EventRow<&str>) -> rusqlite::Result<()> {
    statement.raw_bind_parameter(after + 1, event.seq)?;
    statement.raw_bind_parameter(after + 2, event.id.to_sql())?;
    statement.raw_bind_parameter(after + 3, event.kind)?;
    statement.raw_bind_parameter(after + 4, event.at.0)?;
    statement.raw_bind_parameter(after + 5, (event.code != 0).then_some(event.code))?;
    statement.raw_bind_parameter(after + 6, event.name)?;
    statement.raw_bind_parameter(after + 7, event.text)?;
    statement.raw_bind_parameter(after + 8, event.sum())
}

/// `head`, then so many times `row`.
pub(super) fn many(head: &str, row: &str, count: usize) -> String {
    let mut sql = format!("{head} VALUES {row}");
    for _ in 1..count {
        // Writing to a string does not fail.
        let _ = write!(sql, ",{row}");
    }
    sql
}

/// Rows by one statement, the most that fit first.
pub(super) const SIZES: [usize; 4] = [64, 16, 4, 1];
const MESSAGE_VALUES: usize = 12;
const EVENT_VALUES: usize = 8;
// To fail without undoing the statement, which is left to the transaction, spares a journal of it.
static EVENTS: LazyLock<[String; 4]> = LazyLock::new(|| {
    let head = "INSERT OR FAIL INTO event (seq,id,kind,at,code,name,text,sum)";
    SIZES.map(|size| many(head, "(?,?,?,?,?,?,?,?)", size))
});
