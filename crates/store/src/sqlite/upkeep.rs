//! What can wait: folding the rest, dropping old days, checkpoints; and backup.

use super::memory::Memory;
use super::schema::{self, DAY_MS, Day, SOUND};
use super::{Engine, checkpoint, damage, folder, orphan};
use crate::error::StoreError;
use crate::id::MessageId;
use crate::message::Timestamp;
use crate::store::Store;
use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OptionalExtension};
use std::fs::{self, File};
use std::path::Path;

/// One bounded step; true if there is more.
pub(super) fn maintain(e: &mut Engine<'_>, now: Timestamp, keep_from: Timestamp) -> Result<bool, StoreError> {
    if e.m.is_stopped {
        return Err(StoreError::Stopped);
    }
    let done = step(e, now, keep_from);
    e.m.is_stopped |= done.as_ref().is_err_and(StoreError::is_lasting);
    done
}

fn step(e: &mut Engine<'_>, now: Timestamp, keep_from: Timestamp) -> Result<bool, StoreError> {
    damage::settle(e.c, e.m, now)?;
    if folder::idle(e, now)? || drop_oldest_day(e, now, keep_from)? || drop_orphans(e.c, e.m, keep_from)? {
        return Ok(true);
    }
    match e.folder.as_deref() {
        Some(folder) => folder.checkpoint(),
        None => checkpoint::passive(e.c)?,
    }
    Ok(false)
}

/// A few thousand rows of the oldest day, and the table when it is empty, so that no commit waits
/// long. Only a day on which all messages have ended.
fn drop_oldest_day(e: &mut Engine<'_>, now: Timestamp, keep_from: Timestamp) -> Result<bool, StoreError> {
    let first_kept = keep_from.0.div_euclid(DAY_MS);
    let candidates: Vec<i64> = e.m.days.range(..first_kept).map(|(number, _)| *number).collect();
    if !candidates.is_empty() {
        // Or a restart would find in the journal what is gone here.
        folder::settle(e, now)?;
    }
    let (c, m) = (e.c, &mut *e.m);
    for number in candidates {
        let is_of_day = |id: &MessageId| Day::of(*id) == number;
        let is_running = m.live.keys().any(is_of_day) || m.ended.iter().any(is_of_day);
        let open: Option<i64> = c
            .prepare(&format!(
                "SELECT 1 FROM message_{number} WHERE state=1 AND {SOUND} UNION ALL \
                 SELECT 1 FROM message_{number} WHERE state=2 AND {SOUND} LIMIT 1"
            ))?
            .query_row([], |row| row.get(0))
            .optional()?;
        if is_running || open.is_some() {
            continue;
        }
        let in_one = |sql: &str| -> Result<usize, StoreError> {
            // A row that was put aside cannot be deleted: its index entries may not be found.
            if has_damaged(c, number)? {
                return Ok(0);
            }
            let done = c.execute(sql, []);
            done.map_err(Into::into)
        };
        let gone = in_one(&format!(
            "DELETE FROM message_{number} WHERE id IN (SELECT id FROM message_{number} ORDER BY id LIMIT {STEP})"
        ))?;
        let forgotten = in_one(&format!(
            "DELETE FROM remote_{number} WHERE (connector,form,id) IN \
             (SELECT connector,form,id FROM remote_{number} LIMIT {STEP})"
        ))?;
        if gone == 0 && forgotten == 0 {
            c.execute_batch(&format!(
                "BEGIN IMMEDIATE; DROP TABLE message_{number}; DROP TABLE remote_{number}; COMMIT;"
            ))?;
            m.days.remove(&number);
            c.flush_prepared_statement_cache();
            drop_cdrs(c)?;
        }
        return Ok(true);
    }
    Ok(false)
}

fn has_damaged(c: &Connection, number: i64) -> Result<bool, StoreError> {
    let first = |number: i64| MessageId::first_at(Timestamp(number.saturating_mul(DAY_MS))).to_sql();
    let sql = "SELECT 1 FROM damaged WHERE id>=?1 AND id<?2 LIMIT 1";
    let found =
        c.prepare_cached(sql)?.query_row([first(number), first(number + 1)], |_| Ok(())).optional()?;
    Ok(found.is_some())
}

/// Ends whose messages are gone, from the front.
fn drop_cdrs(c: &Connection) -> Result<(), StoreError> {
    let days = schema::days(c)?;
    loop {
        let mut statement = c.prepare("SELECT seq,id FROM cdr ORDER BY seq LIMIT 2000")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let rows: Vec<(i64, i64)> = rows.collect::<Result<_, _>>()?;
        let is_gone = |id: i64| days.binary_search(&Day::of(MessageId::from_sql(id))).is_err();
        let gone = rows.iter().take_while(|(_, id)| is_gone(*id)).count();
        let Some((last, _)) = gone.checked_sub(1).and_then(|last| rows.get(last)) else { return Ok(()) };
        c.execute("DELETE FROM cdr WHERE seq<=?1", [last])?;
        if gone < rows.len() {
            return Ok(());
        }
    }
}

/// Kept receipts that are too old or too many.
fn drop_orphans(c: &Connection, m: &mut Memory, keep_from: Timestamp) -> Result<bool, StoreError> {
    let orphans = m.counters.totals.orphans;
    if orphans == 0 {
        return Ok(false);
    }
    let excess = orphans.saturating_sub(m.settings.orphan_limit as u64).min(500).cast_signed();
    let sql = "SELECT seq FROM orphan WHERE at<?1 OR seq IN (SELECT seq FROM orphan ORDER BY seq LIMIT ?2) LIMIT 500";
    let old: Vec<i64> = c
        .prepare_cached(sql)?
        .query_map([keep_from.0, excess], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    if old.is_empty() {
        return Ok(false);
    }
    let transaction = c.unchecked_transaction()?;
    for number in &old {
        orphan::delete(c, *number)?;
    }
    transaction.commit()?;
    m.counters.totals.orphans = orphans.saturating_sub(old.len() as u64);
    m.are_counters_new = true;
    Ok(true)
}

/// A copy beside the target, renamed when it is whole and synced.
///
/// Meanwhile each commit folds by itself, by this connection: SQLite carries what it writes over into the pages
/// copied already, so that the copy never begins again and is as new as the end of the call.
pub(super) fn backup(
    e: &mut Engine<'_>,
    to: &Path,
    between: &mut dyn FnMut(&mut dyn Store),
) -> Result<(), StoreError> {
    let mut part = to.to_owned().into_os_string();
    part.push(".part");
    let part = Path::new(&part);
    let at = |source| StoreError::Path { path: to.to_owned(), source };
    if part.exists() {
        fs::remove_file(part).map_err(at)?;
    }
    // Of times this knows nothing, so that nothing leaves memory for its age.
    let now = Timestamp(i64::MIN);
    folder::settle(e, now)?;
    let folder = e.folder.take();
    let copied = copy(e, part, now, between);
    e.folder = folder;
    copied?;
    File::open(part).and_then(|file| file.sync_all()).map_err(at)?;
    fs::rename(part, to).map_err(at)?;
    let dir = to.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(at)
}

fn copy(
    e: &mut Engine<'_>,
    part: &Path,
    now: Timestamp,
    between: &mut dyn FnMut(&mut dyn Store),
) -> Result<(), StoreError> {
    let mut copy = Connection::open(part)?;
    let backup = Backup::new(e.c, &mut copy)?;
    while backup.step(PAGES)? != StepResult::Done {
        between(e);
        folder::settle(e, now)?;
    }
    Ok(())
}

/// Rows a step: about 5 ms.
const STEP: u32 = 2_000;
/// Pages a step of a backup: 1 MiB.
const PAGES: i32 = 256;
