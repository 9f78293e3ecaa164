//! What can wait: folding the rest, dropping old days, checkpoints; and backup.

use super::checkpoint::{self, Checkpointer};
use super::commit;
use super::memory::Memory;
use super::schema::{self, DAY_MS, Day, SOUND};
use crate::error::StoreError;
use crate::id::MessageId;
use crate::message::Timestamp;
use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OptionalExtension};
use std::fs::{self, File};
use std::path::Path;

/// One bounded step; true if there is more.
pub(super) fn maintain(
    c: &Connection,
    m: &mut Memory,
    beside: Option<&Checkpointer>,
    now: Timestamp,
    keep_from: Timestamp,
) -> Result<bool, StoreError> {
    if m.is_stopped {
        return Err(StoreError::Stopped);
    }
    let done = step(c, m, beside, now, keep_from);
    m.is_stopped |= done.as_ref().is_err_and(StoreError::is_lasting);
    done
}

fn step(
    c: &Connection,
    m: &mut Memory,
    beside: Option<&Checkpointer>,
    now: Timestamp,
    keep_from: Timestamp,
) -> Result<bool, StoreError> {
    let old = now.0.saturating_sub(m.settings.fold_after_ms());
    let is_folding = !m.ended.is_empty() || m.ageing.front().is_some_and(|(since, _)| since.0 <= old);
    if is_folding {
        commit::commit(c, m, now, &[], &mut Vec::new())?;
        return Ok(true);
    }
    if drop_oldest_day(c, m, keep_from)? || drop_orphans(c, m, keep_from)? {
        return Ok(true);
    }
    match beside {
        Some(beside) => _ = beside.ask(),
        None => checkpoint::passive(c)?,
    }
    Ok(false)
}

/// A few thousand rows of the oldest day, and the table when it is empty, so that no commit waits
/// long. Only a day on which all messages have ended.
fn drop_oldest_day(c: &Connection, m: &mut Memory, keep_from: Timestamp) -> Result<bool, StoreError> {
    let first_kept = keep_from.0.div_euclid(DAY_MS);
    let candidates: Vec<i64> = m.days.range(..first_kept).map(|(number, _)| *number).collect();
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
    for seq in &old {
        c.prepare_cached("DELETE FROM orphan WHERE seq=?1")?.execute([seq])?;
        c.prepare_cached("DELETE FROM orphan_form WHERE orphan=?1")?.execute([seq])?;
    }
    let left = orphans.saturating_sub(old.len() as u64);
    c.execute("UPDATE total SET orphans=?1", [left.cast_signed()])?;
    transaction.commit()?;
    m.counters.totals.orphans = left;
    Ok(true)
}

/// A copy beside the target, renamed when it is whole and synced.
///
/// On the writer's own connection SQLite carries commits over into the pages copied already, so that
/// the copy never begins again and is as new as the end of the call.
pub(super) fn backup(c: &Connection, to: &Path, mut between: impl FnMut()) -> Result<(), StoreError> {
    let mut part = to.to_owned().into_os_string();
    part.push(".part");
    let part = Path::new(&part);
    let at = |source| StoreError::Path { path: to.to_owned(), source };
    if part.exists() {
        fs::remove_file(part).map_err(at)?;
    }
    {
        let mut copy = Connection::open(part)?;
        let backup = Backup::new(c, &mut copy)?;
        while backup.step(PAGES)? != StepResult::Done {
            between();
        }
    }
    File::open(part).and_then(|file| file.sync_all()).map_err(at)?;
    fs::rename(part, to).map_err(at)?;
    let dir = to.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(at)
}

/// Rows a step: about 5 ms.
const STEP: u32 = 2_000;
/// Pages a step of a backup: 1 MiB.
const PAGES: i32 = 256;
