//! Checksums of rows: SQLite has none of its own, and half of all flipped octets went unnoticed.
//!
//! A sum is over every column, lengths included; NULL in rows that were written before version 2, which
//! are taken as they are.

use super::live::{EventRow, Live};
use crate::message::{Accepted, Orphan};
use crate::sum::Sum;
use rusqlite::Row;
use rusqlite::types::{Type, ValueRef};

/// A row of a message table, in the order of [`super::schema::COLUMNS`].
pub(super) struct Columns<'a> {
    /// id, state, version, priority, due_at, attempts, seq.
    numbers: [i64; 7],
    /// expires_at, finished_at.
    optional: [Option<i64>; 2],
    /// account, queue, source, destination, payload.
    octets: [&'a [u8]; 5],
    /// reference, connector, remote, reason.
    texts: [Option<&'a [u8]>; 4],
}

impl<'a> Columns<'a> {
    /// As it is folded.
    pub(super) fn live(live: &'a Live) -> Self {
        let message = &*live.message;
        let remote = live.remote.as_deref();
        let (version, priority) = (live.version.into(), message.priority.into());
        let numbers = [live.id().to_sql(), live.row_state(), version, priority, live.due_at.0];
        let [id, state, version, priority, due_at] = numbers;
        Self {
            numbers: [id, state, version, priority, due_at, live.attempts.into(), live.seq],
            optional: [message.expires_at.map(|at| at.0), live.finished_at.map(|at| at.0)],
            octets: Self::octets(message, &live.queue),
            texts: [
                message.reference.as_deref().map(str::as_bytes),
                remote.map(|remote| remote.connector.as_bytes()),
                remote.and_then(|remote| remote.forms.first()).map(|form| form.as_bytes()),
                (!live.reason.is_empty()).then_some(live.reason.as_bytes()),
            ],
        }
    }

    fn octets(message: &'a Accepted, queue: &'a str) -> [&'a [u8]; 5] {
        let Accepted { account, source, destination, payload, .. } = message;
        [account.as_bytes(), queue.as_bytes(), source.as_bytes(), destination.as_bytes(), payload]
    }

    fn read(row: &'a Row<'_>) -> rusqlite::Result<Self> {
        let octets = |at| bytes(row, at).map(Option::unwrap_or_default);
        Ok(Self {
            numbers: [
                row.get(0)?,
                row.get(1)?,
                row.get(2)?,
                row.get(3)?,
                row.get(4)?,
                row.get(6)?,
                row.get(16)?,
            ],
            optional: [row.get(5)?, row.get(12)?],
            octets: [octets(7)?, octets(8)?, octets(9)?, octets(10)?, octets(17)?],
            texts: [bytes(row, 11)?, bytes(row, 13)?, bytes(row, 14)?, bytes(row, 15)?],
        })
    }

    pub(super) fn sum(&self) -> i64 {
        let mut sum = Sum::new();
        for number in self.numbers {
            sum.number(Some(number));
        }
        for number in self.optional {
            sum.number(number);
        }
        for octets in self.octets {
            sum.octets(Some(octets));
        }
        for octets in self.texts {
            sum.octets(octets);
        }
        sum.value()
    }
}

/// Of an entry that says whose remote id it is.
pub(super) fn of_remote(connector: &str, form: &str, id: i64) -> i64 {
    let mut sum = Sum::new();
    sum.number(Some(id));
    sum.octets(Some(connector.as_bytes()));
    sum.octets(Some(form.as_bytes()));
    sum.value()
}

/// Of a kept receipt, its forms in any order.
pub(super) fn of_orphan(orphan: &Orphan) -> i64 {
    let mut sum = Sum::new();
    sum.number(Some(orphan.at.0));
    sum.octets(Some(orphan.remote.connector.as_bytes()));
    sum.octets(Some(&orphan.payload));
    let mut forms: Vec<&str> = orphan.remote.forms.iter().map(|form| &**form).collect();
    forms.sort_unstable();
    forms.dedup();
    for form in forms {
        sum.octets(Some(form.as_bytes()));
    }
    sum.value()
}

/// An error for a row that is not as it was written.
pub(super) fn check_message(row: &Row<'_>) -> rusqlite::Result<()> {
    match row.get(SUM_COLUMN)? {
        None => Ok(()),
        Some(sum) if Columns::read(row)?.sum() == sum => Ok(()),
        Some(_) => Err(mismatch(SUM_COLUMN)),
    }
}

impl<T: AsRef<str>> EventRow<T> {
    pub(super) fn sum(&self) -> i64 {
        let mut sum = Sum::new();
        for number in [self.seq, self.id.to_sql(), self.kind, self.at.0, self.code] {
            sum.number(Some(number));
        }
        for text in [&self.name, &self.text] {
            sum.octets(text.as_ref().map(|text| text.as_ref().as_bytes()));
        }
        sum.value()
    }

    /// `found` is what its row says.
    pub(super) fn check(self, found: Option<i64>) -> rusqlite::Result<Self> {
        if found.is_none_or(|found| found == self.sum()) { Ok(self) } else { Err(mismatch(7)) }
    }
}

fn mismatch(column: usize) -> rusqlite::Error {
    let what = "the row is not as it was written: its checksum does not match";
    rusqlite::Error::FromSqlConversionFailure(column, Type::Integer, what.into())
}

fn bytes<'a>(row: &'a Row<'_>, at: usize) -> rusqlite::Result<Option<&'a [u8]>> {
    match row.get_ref(at)? {
        ValueRef::Null => Ok(None),
        ValueRef::Text(octets) | ValueRef::Blob(octets) => Ok(Some(octets)),
        _ => Err(mismatch(at)),
    }
}

const SUM_COLUMN: usize = 18;
