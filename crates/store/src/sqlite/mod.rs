//! The engine for one machine: SQLite in WAL mode, synced at every commit.
//!
//! The row plan: a message is inserted once into the table of its day, and everything that happens to
//! it is appended to `event`. The state of what runs is in memory and is rebuilt at start from the
//! rows above a mark and the events. Each commit folds a few ended messages into their rows, in id
//! order, and drops their events by range. Rows updated in place at each step were measured four
//! times slower.

mod claim;
mod commit;
mod fold;
mod live;
mod lock;
mod memory;
mod read;
mod recover;
mod schema;
mod upkeep;

pub use read::Reader;

use crate::change::{Change, Outcome};
use crate::error::StoreError;
use crate::id::MessageId;
use crate::message::{Cdr, Claimed, Correlated, Message, Page, RemoteId, Search, Story, Timestamp, Totals};
use crate::store::Store;
use lock::Lock;
use memory::Memory;
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Messages in one SQLite file of a directory that this process holds.
#[derive(Debug)]
pub struct Sqlite {
    connection: Connection,
    memory: Memory,
    path: Option<PathBuf>,
    _lock: Option<Lock>,
}

/// What is kept in memory and for how long. All may be changed between two runs.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Messages of one queue and priority read ahead; default 1,000: several windows of a busy bind,
    /// and little memory when there are hundreds of queues.
    pub head_limit: usize,
    /// Messages in memory at most, roughly; default 200,000, by reckoning 150 MB with payloads of 250 octets.
    /// Beyond it, the oldest are folded into their rows before their time.
    pub live_limit: usize,
    /// After this the rest is folded too, whatever it waits for; default 60 s: most receipts have
    /// come, and a restart has no more than this to read.
    pub fold_after: Duration,
    /// Messages folded by each commit at least; default 64. Twice what a commit changes if that is more.
    pub fold_batch: usize,
    /// Pages of 4 KiB in the write-ahead log before a commit copies them into the file; default
    /// 16,000, 64 MB: with 4,000 the copying, which a commit waits for, was one commit in a hundred at
    /// full load (p99 17 ms, now 5 to 9 ms). An idle store copies them without being asked.
    pub wal_pages: u32,
    /// Kept receipts that belong to nothing, at most; default 100,000, the oldest go first.
    pub orphan_limit: usize,
    /// A limit to the file's size in pages, for tests of a full disk; default none.
    pub page_limit: Option<u32>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            head_limit: 1_000,
            live_limit: 200_000,
            fold_after: Duration::from_secs(60),
            fold_batch: 64,
            wal_pages: 16_000,
            orphan_limit: 100_000,
            page_limit: None,
        }
    }
}

impl Settings {
    fn fold_after_ms(&self) -> i64 {
        i64::try_from(self.fold_after.as_millis()).unwrap_or(i64::MAX)
    }
}

impl Sqlite {
    /// Opens or makes the store of a directory, makes the directory if needed, and holds its lock.
    ///
    /// `now` begins the age of what is found running.
    pub fn open(dir: &Path, now: Timestamp, settings: Settings) -> Result<Self, StoreError> {
        let at = |source| StoreError::Path { path: dir.to_owned(), source };
        std::fs::create_dir_all(dir).map_err(at)?;
        let lock = Lock::take(dir)?;
        let path = dir.join(FILE);
        let connection = Connection::open(&path)?;
        let store = Self::begin(connection, now, settings, Some(path), Some(lock))?;
        // The file's name must outlive a power cut as well as its pages.
        std::fs::File::open(dir).and_then(|dir| dir.sync_all()).map_err(at)?;
        Ok(store)
    }

    /// A store that ends with the process, for simulations.
    pub fn in_memory(now: Timestamp, settings: Settings) -> Result<Self, StoreError> {
        Self::begin(Connection::open_in_memory()?, now, settings, None, None)
    }

    fn begin(
        connection: Connection,
        now: Timestamp,
        settings: Settings,
        path: Option<PathBuf>,
        lock: Option<Lock>,
    ) -> Result<Self, StoreError> {
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        connection.execute_batch(&format!(
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA temp_store=MEMORY;
             PRAGMA cache_size=-16384; PRAGMA wal_autocheckpoint={};",
            settings.wal_pages
        ))?;
        if let Some(pages) = settings.page_limit {
            connection.execute_batch(&format!("PRAGMA max_page_count={pages};"))?;
        }
        schema::upgrade(&connection, path.as_deref().unwrap_or(Path::new(":memory:")))?;
        let memory = recover::recover(&connection, now, settings)?;
        Ok(Self { connection, memory, path, _lock: lock })
    }

    /// For a [`Reader`] in another thread; `None` in memory.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Messages held in memory now, for a metric.
    pub fn live(&self) -> usize {
        self.memory.live.len()
    }

    fn engine(&mut self) -> Engine<'_> {
        Engine { c: &self.connection, m: &mut self.memory }
    }
}

/// The store without its ownership, so that a backup can lend it out between two of its steps.
struct Engine<'a> {
    c: &'a Connection,
    m: &'a mut Memory,
}

impl Store for Engine<'_> {
    fn commit(
        &mut self,
        now: Timestamp,
        changes: &[Change],
        outcomes: &mut Vec<Outcome>,
    ) -> Result<(), StoreError> {
        commit::commit(self.c, self.m, now, changes, outcomes)
    }

    fn claim(&mut self, now: Timestamp, queue: &str, limit: usize) -> Result<Vec<Claimed>, StoreError> {
        claim::claim(self.c, self.m, now, queue, limit)
    }

    fn next_due(&self, queue: &str) -> Option<Timestamp> {
        self.m.next_due(queue)
    }

    fn expired(&mut self, now: Timestamp, limit: usize) -> Result<Vec<Claimed>, StoreError> {
        claim::expired(self.c, self.m, now, limit)
    }

    fn correlate(&mut self, remote: &RemoteId) -> Result<Vec<Correlated>, StoreError> {
        claim::correlate(self.c, self.m, remote)
    }

    fn unreceipted(
        &mut self,
        accepted_before: Timestamp,
        after: MessageId,
        limit: usize,
    ) -> Result<Vec<Message>, StoreError> {
        claim::unreceipted(self.c, self.m, accepted_before, after, limit)
    }

    fn story(&self, id: MessageId) -> Result<Option<Story>, StoreError> {
        read::story(self.c, id)
    }

    fn search(&self, search: &Search) -> Result<Page, StoreError> {
        read::search(self.c, search)
    }

    fn cdrs(&self, after: u64, limit: usize) -> Result<Vec<Cdr>, StoreError> {
        read::cdrs(self.c, after, limit)
    }

    fn totals(&self) -> Totals {
        self.m.counters.totals
    }

    fn last_id(&self) -> MessageId {
        self.m.counters.last_id.0
    }

    fn maintain(&mut self, now: Timestamp, keep_from: Timestamp) -> Result<bool, StoreError> {
        upkeep::maintain(self.c, self.m, now, keep_from)
    }

    fn backup(&mut self, to: &Path, between: &mut dyn FnMut(&mut dyn Store)) -> Result<(), StoreError> {
        let (c, m) = (self.c, &mut *self.m);
        upkeep::backup(c, to, || between(&mut Engine { c, m }))
    }

    fn check(&mut self) -> Result<Vec<Box<str>>, StoreError> {
        upkeep::check(self.c, self.m)
    }
}

impl Store for Sqlite {
    fn commit(
        &mut self,
        now: Timestamp,
        changes: &[Change],
        outcomes: &mut Vec<Outcome>,
    ) -> Result<(), StoreError> {
        self.engine().commit(now, changes, outcomes)
    }

    fn claim(&mut self, now: Timestamp, queue: &str, limit: usize) -> Result<Vec<Claimed>, StoreError> {
        self.engine().claim(now, queue, limit)
    }

    fn next_due(&self, queue: &str) -> Option<Timestamp> {
        self.memory.next_due(queue)
    }

    fn expired(&mut self, now: Timestamp, limit: usize) -> Result<Vec<Claimed>, StoreError> {
        self.engine().expired(now, limit)
    }

    fn correlate(&mut self, remote: &RemoteId) -> Result<Vec<Correlated>, StoreError> {
        self.engine().correlate(remote)
    }

    fn unreceipted(
        &mut self,
        accepted_before: Timestamp,
        after: MessageId,
        limit: usize,
    ) -> Result<Vec<Message>, StoreError> {
        self.engine().unreceipted(accepted_before, after, limit)
    }

    fn story(&self, id: MessageId) -> Result<Option<Story>, StoreError> {
        read::story(&self.connection, id)
    }

    fn search(&self, search: &Search) -> Result<Page, StoreError> {
        read::search(&self.connection, search)
    }

    fn cdrs(&self, after: u64, limit: usize) -> Result<Vec<Cdr>, StoreError> {
        read::cdrs(&self.connection, after, limit)
    }

    fn totals(&self) -> Totals {
        self.memory.counters.totals
    }

    fn last_id(&self) -> MessageId {
        self.memory.counters.last_id.0
    }

    fn maintain(&mut self, now: Timestamp, keep_from: Timestamp) -> Result<bool, StoreError> {
        self.engine().maintain(now, keep_from)
    }

    fn backup(&mut self, to: &Path, between: &mut dyn FnMut(&mut dyn Store)) -> Result<(), StoreError> {
        self.engine().backup(to, between)
    }

    fn check(&mut self) -> Result<Vec<Box<str>>, StoreError> {
        self.engine().check()
    }
}

/// The store's file in its directory; SQLite puts `-wal` and `-shm` beside it.
const FILE: &str = "messages.sqlite";
/// A dozen statements a day table, for more days than are in use at once.
const STATEMENTS: usize = 256;
