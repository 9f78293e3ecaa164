//! The tables, their versions, and how an old file becomes a new one.

use super::insert;
use crate::error::StoreError;
use crate::id::MessageId;
use rusqlite::{Connection, OptionalExtension};
use std::path::Path;

/// A table of messages accepted on one day (UTC, by their ids), with its statements.
///
/// A message that ends soon is inserted as it ended and touches no index: the partial indexes hold
/// only rows that wait on disk. Rows never move, so a day is dropped when nothing needs it.
#[derive(Debug)]
pub(super) struct Day {
    /// For each of [`insert::SIZES`].
    pub(super) insert: [String; 4],
    pub(super) fold: String,
    pub(super) replace: String,
    pub(super) select: String,
    pub(super) has: String,
    pub(super) insert_remote: String,
    pub(super) find_remote: String,
    pub(super) find_reference: String,
    pub(super) pending: String,
    pub(super) waiting: String,
    pub(super) next_waiting: String,
    pub(super) expired: String,
    pub(super) sent: String,
}

impl Day {
    pub(super) fn new(number: i64) -> Self {
        let message = format!("message_{number}");
        let remote = format!("remote_{number}");
        Self {
            insert: insert::SIZES.map(|size| {
                let head = format!("INSERT OR FAIL INTO {message} ({COLUMNS})");
                insert::many(&head, insert::MESSAGE_VALUES, size)
            }),
            fold: format!(
                "UPDATE {message} SET state=?2,version=?3,due_at=?4,attempts=?5,queue=?6,finished_at=?7,\
                 connector=?8,remote=?9,reason=?10,seq=?11,sum=?12 WHERE id=?1"
            ),
            replace: format!("UPDATE {message} SET payload=?2,expires_at=?3 WHERE id=?1"),
            select: format!("SELECT {COLUMNS} FROM {message} WHERE id=?1"),
            has: format!("SELECT 1 FROM {message} WHERE id=?1"),
            insert_remote: format!(
                "INSERT OR IGNORE INTO {remote} (connector,form,id,sum) VALUES (?1,?2,?3,?4)"
            ),
            find_remote: format!(
                "SELECT id,sum FROM {remote} WHERE connector=?1 AND form=?2 ORDER BY id DESC"
            ),
            find_reference: format!(
                "SELECT id FROM {message} WHERE account=?1 AND reference=?2 ORDER BY id DESC LIMIT 1"
            ),
            pending: format!(
                "SELECT {COLUMNS} FROM {message} WHERE state=1 AND queue=?1 AND priority=?2 AND {SOUND} \
                 ORDER BY due_at DESC,id DESC"
            ),
            waiting: format!(
                "SELECT {COLUMNS} FROM {message} WHERE state=1 AND queue=?1 AND priority=?2 \
                 AND (due_at,id)>(?3,?4) AND due_at<=?5 AND {SOUND} ORDER BY due_at,id LIMIT ?6"
            ),
            next_waiting: format!(
                "SELECT min(due_at) FROM {message} WHERE state=1 AND queue=?1 AND priority=?2 AND due_at>?3 \
                 AND {SOUND}"
            ),
            expired: format!(
                "SELECT {COLUMNS} FROM {message} WHERE state=1 AND expires_at<=?1 AND {SOUND} \
                 ORDER BY expires_at LIMIT ?2"
            ),
            sent: format!(
                "SELECT {COLUMNS} FROM {message} WHERE state=2 AND id>?1 AND id<?2 AND {SOUND} \
                 ORDER BY id LIMIT ?3"
            ),
        }
    }

    pub(super) fn of(id: MessageId) -> i64 {
        id.made_at().0.div_euclid(DAY_MS)
    }

    /// Reads what lies between two keys. Without payloads there are no sums either.
    pub(super) fn page(number: i64, is_upwards: bool, has_payloads: bool) -> String {
        let columns = if has_payloads { COLUMNS } else { &COLUMNS.replace("payload,sum", "x'',NULL") };
        let order = if is_upwards { "ASC" } else { "DESC" };
        format!("SELECT {columns} FROM message_{number} WHERE id<?1 AND id>=?2 ORDER BY id {order}")
    }

    /// All that may be fresh: whether a row is, it says itself, and may be wrong about it.
    pub(super) fn fresh(number: i64) -> String {
        format!("SELECT {COLUMNS} FROM message_{number} WHERE id>=?1 AND {SOUND} ORDER BY id")
    }

    pub(super) fn lanes(number: i64) -> String {
        format!(
            "SELECT queue,priority,min(due_at),count(*) FROM message_{number} WHERE state=1 AND {SOUND} \
             GROUP BY queue,priority"
        )
    }

    pub(super) fn create(number: i64) -> String {
        format!(
            "CREATE TABLE IF NOT EXISTS message_{number} (
               id INTEGER PRIMARY KEY, state INTEGER NOT NULL, version INTEGER NOT NULL,
               priority INTEGER NOT NULL, due_at INTEGER NOT NULL, expires_at INTEGER,
               attempts INTEGER NOT NULL, account TEXT NOT NULL, queue TEXT NOT NULL,
               source TEXT NOT NULL, destination TEXT NOT NULL, reference TEXT, finished_at INTEGER,
               connector TEXT, remote TEXT, reason TEXT, seq INTEGER NOT NULL, payload BLOB NOT NULL,
               sum INTEGER);
             CREATE INDEX IF NOT EXISTS waiting_{number} ON message_{number} (queue, priority, due_at, id)
               WHERE state=1;
             CREATE INDEX IF NOT EXISTS expiring_{number} ON message_{number} (expires_at)
               WHERE state=1 AND expires_at IS NOT NULL;
             CREATE INDEX IF NOT EXISTS sent_{number} ON message_{number} (id) WHERE state=2;
             CREATE INDEX IF NOT EXISTS reference_{number} ON message_{number} (account, reference)
               WHERE reference IS NOT NULL;
             CREATE TABLE IF NOT EXISTS remote_{number} (
               connector TEXT NOT NULL, form TEXT NOT NULL, id INTEGER NOT NULL, sum INTEGER,
               PRIMARY KEY (connector, form, id)) WITHOUT ROWID;"
        )
    }
}

/// Brings a file to the newest schema, each version in a transaction of its own.
pub(super) fn upgrade(c: &Connection, path: &Path) -> Result<(), StoreError> {
    let application: i64 = c.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    let found: u32 = c.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let tables: i64 = c.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0))?;
    if application != APPLICATION_ID && (tables > 0 || application != 0) {
        return Err(StoreError::Foreign { path: path.to_owned() });
    }
    if found > VERSION {
        return Err(StoreError::Newer { found, known: VERSION });
    }
    if tables == 0 {
        c.execute_batch(&format!(
            "BEGIN IMMEDIATE; {BASE} {CDR} {ORPHAN} {DAMAGED} {SUMS} {JOURNAL}
             PRAGMA application_id={APPLICATION_ID}; PRAGMA user_version={VERSION}; COMMIT;"
        ))?;
        return Ok(());
    }
    if found < 1 {
        first_upgrade(c).inspect_err(|_| {
            // Half an upgrade is none: the file stays what it was.
            let _ = c.execute_batch("ROLLBACK");
        })?;
    }
    if found < 2 {
        second_upgrade(c).inspect_err(|_| {
            let _ = c.execute_batch("ROLLBACK");
        })?;
    }
    if found < 3 {
        c.execute_batch(&format!("BEGIN IMMEDIATE; {JOURNAL} PRAGMA user_version=3; COMMIT;")).inspect_err(
            |_| {
                let _ = c.execute_batch("ROLLBACK");
            },
        )?;
    }
    Ok(())
}

/// Version 1 had no checksums. The rows of then have none, until they are written again.
fn second_upgrade(c: &Connection) -> Result<(), StoreError> {
    c.execute_batch(&format!("BEGIN IMMEDIATE; {DAMAGED} {SUMS}"))?;
    for number in days(c)? {
        c.execute_batch(&format!(
            "ALTER TABLE message_{number} ADD COLUMN sum INTEGER;
             ALTER TABLE remote_{number} ADD COLUMN sum INTEGER;"
        ))?;
    }
    c.execute_batch("PRAGMA user_version=2; COMMIT;")?;
    Ok(())
}

/// Version 0 had neither kept receipts nor an order of ends; both are new tables, and what ended
/// before is listed by id.
fn first_upgrade(c: &Connection) -> Result<(), StoreError> {
    c.execute_batch(&format!(
        "BEGIN IMMEDIATE; {CDR} {ORPHAN}
         ALTER TABLE total ADD COLUMN orphans INTEGER NOT NULL DEFAULT 0;
         ALTER TABLE total ADD COLUMN cdr_seq INTEGER NOT NULL DEFAULT 0;"
    ))?;
    for number in days(c)? {
        c.execute_batch(&format!(
            "INSERT INTO cdr (id) SELECT id FROM message_{number} WHERE state>={FIRST_FINAL} ORDER BY id"
        ))?;
    }
    c.execute_batch(
        "UPDATE total SET cdr_seq=(SELECT coalesce(max(seq),0) FROM cdr); PRAGMA user_version=1; COMMIT;",
    )?;
    Ok(())
}

/// Days that have a table, oldest first.
pub(super) fn days(c: &Connection) -> Result<Vec<i64>, StoreError> {
    let mut statement = c.prepare(
        "SELECT substr(name,9) FROM sqlite_master WHERE type='table' AND name GLOB 'message_[0-9]*'",
    )?;
    let names = statement.query_map([], |row| row.get::<_, String>(0))?;
    let mut days: Vec<i64> = names.filter_map(|name| name.ok()?.parse().ok()).collect();
    days.sort_unstable();
    Ok(days)
}

/// For a reader, which does not share the writer's list of days.
pub(super) fn has_day(c: &Connection, number: i64) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM sqlite_master WHERE type='table' AND name=?1";
    let found = c.prepare_cached(sql)?.query_row([format!("message_{number}")], |_| Ok(())).optional()?;
    Ok(found.is_some())
}

pub(super) const COLUMNS: &str = "id,state,version,priority,due_at,expires_at,attempts,account,queue,source,\
     destination,reference,finished_at,connector,remote,reason,seq,payload,sum";
/// Leaves out what was found damaged.
pub(super) const SOUND: &str = "id NOT IN (SELECT id FROM damaged)";
pub(super) const DAY_MS: i64 = 86_400_000;
/// Of version 2, which had no journal: the row is as it was inserted, and events say more.
pub(super) const FRESH: i64 = 0;
/// Waits on disk, found by the partial index.
pub(super) const WAITING: i64 = 1;
pub(super) const SENT: i64 = 2;
pub(super) const FIRST_FINAL: i64 = 3;
const VERSION: u32 = 3;
/// "smpp" in the file's header, for `file` and for us.
const APPLICATION_ID: i64 = 0x736D_7070;

const BASE: &str = "
    CREATE TABLE event (seq INTEGER PRIMARY KEY, id INTEGER NOT NULL, kind INTEGER NOT NULL,
      at INTEGER NOT NULL, code INTEGER, name TEXT, text TEXT);
    CREATE TABLE total (one INTEGER PRIMARY KEY CHECK (one=0), accepted INTEGER NOT NULL DEFAULT 0,
      delivered INTEGER NOT NULL DEFAULT 0, failed INTEGER NOT NULL DEFAULT 0,
      expired INTEGER NOT NULL DEFAULT 0, cancelled INTEGER NOT NULL DEFAULT 0,
      last_id INTEGER NOT NULL DEFAULT 0, mark INTEGER NOT NULL DEFAULT 0,
      event_seq INTEGER NOT NULL DEFAULT 0, orphans INTEGER NOT NULL DEFAULT 0,
      cdr_seq INTEGER NOT NULL DEFAULT 0);
    INSERT INTO total (one) VALUES (0);";
const CDR: &str = "CREATE TABLE cdr (seq INTEGER PRIMARY KEY, id INTEGER NOT NULL);";
const ORPHAN: &str = "
    CREATE TABLE orphan (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, connector TEXT NOT NULL,
      payload BLOB NOT NULL);
    CREATE TABLE orphan_form (connector TEXT NOT NULL, form TEXT NOT NULL, orphan INTEGER NOT NULL,
      PRIMARY KEY (connector, form, orphan)) WITHOUT ROWID;
    CREATE INDEX orphan_forms ON orphan_form (orphan);";
/// Copies of rows that are not as they were written, whatever their columns hold.
const DAMAGED: &str = "
    CREATE TABLE damaged (id INTEGER PRIMARY KEY, noted_at INTEGER NOT NULL, state, version, priority,
      due_at, expires_at, attempts, account, queue, source, destination, reference, finished_at,
      connector, remote, reason, seq, payload, sum);";
const SUMS: &str = "
    ALTER TABLE event ADD COLUMN sum INTEGER;
    ALTER TABLE orphan ADD COLUMN sum INTEGER;
    ALTER TABLE total ADD COLUMN damaged INTEGER NOT NULL DEFAULT 0;";
/// Rows say all that the frames of the journal said up to `known`, and nothing of those after `frame`. `store` is in the
/// journal, too: another store's is not taken for this one's.
const JOURNAL: &str = "
    ALTER TABLE total ADD COLUMN known INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE total ADD COLUMN frame INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE total ADD COLUMN store INTEGER NOT NULL DEFAULT 0;
    UPDATE total SET store=random();";
