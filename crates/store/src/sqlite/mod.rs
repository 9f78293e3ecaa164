//! The engine for one machine: SQLite in WAL mode, synced at every commit, or beside the next one.
//!
//! The row plan: a message is inserted once into the table of its day, and everything that happens to
//! it is appended to `event`. The state of what runs is in memory and is rebuilt at start from the
//! rows above a mark and the events. Each commit folds a few ended messages into their rows, in id
//! order, and drops their events by range. Rows updated in place at each step were measured four
//! times slower.

mod check;
mod checkpoint;
mod claim;
mod commit;
mod damage;
mod fold;
mod hash;
mod insert;
mod live;
mod lock;
mod memory;
mod orphan;
mod pick;
mod read;
mod recover;
mod remotes;
mod schema;
mod search;
mod settings;
mod sum;
mod sync;
mod upkeep;

pub use read::Reader;
pub use settings::{Checkpoints, Settings};

use crate::change::{Change, Outcome};
use crate::error::StoreError;
use crate::id::MessageId;
use crate::message::{
    Accepted, Cdr, Claimed, Correlated, Message, Orphan, Page, Place, RemoteId, Search, Story, Timestamp,
    Totals,
};
use crate::store::{Store, Syncer};
use checkpoint::Checkpointer;
use claim::Between;
use lock::Lock;
use memory::Memory;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use sync::LogSync;

/// Messages in one SQLite file of a directory that this process holds.
#[derive(Debug)]
pub struct Sqlite {
    // Dropped first: the last connection to go tidies up.
    checkpointer: Option<Checkpointer>,
    connection: Connection,
    memory: Memory,
    path: Option<PathBuf>,
    _lock: Option<Lock>,
    log_sync: Option<LogSync>,
    /// A sync beside the commits has failed.
    sync_failed: Arc<AtomicBool>,
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
        let mut store = Self::begin(Connection::open(&path)?, now, settings, Some(path), Some(lock))?;
        let log = sync::open_log(store.path.as_deref().unwrap_or(dir))?;
        store.sync_log_by(move || log.sync_data());
        // The file's name must outlive a power cut as well as its pages.
        std::fs::File::open(dir).and_then(|dir| dir.sync_all()).map_err(at)?;
        if let (Checkpoints::Beside, Some(path)) = (store.memory.settings.checkpoints, &store.path) {
            let (connection, pages) = (Connection::open(path)?, store.memory.settings.wal_pages);
            store.checkpointer = Some(Checkpointer::start(path, connection, pages)?);
        }
        Ok(store)
    }

    /// A store that ends with the process, for simulations.
    pub fn in_memory(now: Timestamp, settings: Settings) -> Result<Self, StoreError> {
        Self::begin(Connection::open_in_memory()?, now, settings, None, None)
    }

    /// A store in a file system of a test's own, by the name that SQLite knows it by. It holds no lock
    /// and has no thread.
    #[doc(hidden)]
    pub fn open_on_vfs(
        path: &Path,
        vfs: &str,
        now: Timestamp,
        settings: Settings,
    ) -> Result<Self, StoreError> {
        let connection = Connection::open_with_flags_and_vfs(path, OpenFlags::default(), vfs)?;
        Self::begin(connection, now, settings, Some(path.to_owned()), None)
    }

    fn begin(
        connection: Connection,
        now: Timestamp,
        settings: Settings,
        path: Option<PathBuf>,
        lock: Option<Lock>,
    ) -> Result<Self, StoreError> {
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        // Or each look-up by a bound value is planned anew: a third of a receipt's cost, measured.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        connection.execute_batch(&format!(
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA temp_store=MEMORY;
             PRAGMA cache_size=-16384; PRAGMA wal_autocheckpoint={};",
            settings.wal_pages
        ))?;
        if let Some(pages) = settings.page_limit {
            connection.execute_batch(&format!("PRAGMA max_page_count={pages};"))?;
        }
        let is_log_old = match checkpoint::renew(&connection) {
            Ok(()) => false,
            // What is there can be read; the first commit tries again.
            Err(StoreError::Full) => true,
            Err(error) => return Err(error),
        };
        schema::upgrade(&connection, path.as_deref().unwrap_or(Path::new(":memory:")))?;
        let mut memory = recover::recover(&connection, now, settings)?;
        memory.is_log_old = is_log_old;
        let (log_sync, sync_failed) = (None, Arc::default());
        Ok(Self { checkpointer: None, connection, memory, path, _lock: lock, log_sync, sync_failed })
    }

    /// For a [`Reader`] in another thread; `None` in memory.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// How [`Store::sync_beside`] syncs the write-ahead log; for tests on a file system of their own.
    #[doc(hidden)]
    pub fn sync_log_by(&mut self, log: impl FnMut() -> io::Result<()> + Send + 'static) {
        self.log_sync = Some(LogSync(Box::new(log)));
    }

    fn engine(&mut self) -> Engine<'_> {
        self.memory.is_stopped |= self.sync_failed.load(Ordering::Acquire);
        Engine { c: &self.connection, m: &mut self.memory, beside: self.checkpointer.as_ref() }
    }
}

/// The store without its ownership, so that a backup can lend it out between two of its steps.
struct Engine<'a> {
    c: &'a Connection,
    m: &'a mut Memory,
    beside: Option<&'a Checkpointer>,
}

impl Store for Engine<'_> {
    fn commit(
        &mut self,
        now: Timestamp,
        changes: &[Change],
        outcomes: &mut Vec<Outcome>,
    ) -> Result<(), StoreError> {
        commit::commit(self.c, self.m, now, changes, outcomes)?;
        if let Some(beside) = self.beside {
            beside.committed(changes.len());
        }
        Ok(())
    }

    fn claim(&mut self, now: Timestamp, queue: &str, limit: usize) -> Result<Vec<Claimed>, StoreError> {
        claim::claim(self.c, self.m, now, queue, limit)
    }

    fn pick(
        &mut self,
        now: Timestamp,
        queue: &str,
        after: &mut Option<Place>,
        limit: usize,
        wanted: &mut dyn FnMut(&Accepted) -> bool,
    ) -> Result<Vec<Claimed>, StoreError> {
        pick::pick(self.c, self.m, now, queue, after, limit, wanted)
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

    fn kept(&self, remote: &RemoteId) -> Result<Vec<Orphan>, StoreError> {
        orphan::kept(self.c, self.m, remote)
    }

    fn foresee(&mut self, changes: &[Change]) {
        self.m.foresee(changes);
    }

    fn unreceipted(
        &mut self,
        accepted_before: Timestamp,
        after: MessageId,
        limit: usize,
    ) -> Result<Vec<Message>, StoreError> {
        claim::unreceipted(self.c, self.m, accepted_before, after, limit)
    }

    fn find(&self, account: &str, reference: &str) -> Result<Option<MessageId>, StoreError> {
        claim::find(self.c, self.m, account, reference)
    }

    fn pending(
        &self,
        account: &str,
        source: &str,
        destination: &str,
        limit: usize,
    ) -> Result<Vec<Message>, StoreError> {
        claim::pending(self.c, self.m, Between { account, source, destination }, limit)
    }

    fn queued(&self, queue: &str) -> u64 {
        self.m.queued(queue)
    }

    fn queues(&self) -> Vec<Arc<str>> {
        self.m.waiting_queues()
    }

    fn live(&self) -> usize {
        self.m.live.len()
    }

    fn story(&self, id: MessageId) -> Result<Option<Story>, StoreError> {
        read::story(self.c, id)
    }

    fn search(&self, search: &Search) -> Result<Page, StoreError> {
        search::search(self.c, search, &mut ())
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
        upkeep::maintain(self.c, self.m, self.beside, now, keep_from)
    }

    fn backup(&mut self, to: &Path, between: &mut dyn FnMut(&mut dyn Store)) -> Result<(), StoreError> {
        let (c, m, beside) = (self.c, &mut *self.m, self.beside);
        upkeep::backup(c, to, || between(&mut Engine { c, m, beside }))
    }

    fn check(&mut self) -> Result<Vec<Box<str>>, StoreError> {
        check::check(self.c, self.m)
    }
}

impl Store for Sqlite {
    fn sync_beside(&mut self) -> Result<Option<Syncer>, StoreError> {
        let Some(log) = self.log_sync.take() else { return Ok(None) };
        sync::beside(&self.connection, &self.sync_failed, log).map(Some)
    }

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

    fn pick(
        &mut self,
        now: Timestamp,
        queue: &str,
        after: &mut Option<Place>,
        limit: usize,
        wanted: &mut dyn FnMut(&Accepted) -> bool,
    ) -> Result<Vec<Claimed>, StoreError> {
        self.engine().pick(now, queue, after, limit, wanted)
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

    fn kept(&self, remote: &RemoteId) -> Result<Vec<Orphan>, StoreError> {
        orphan::kept(&self.connection, &self.memory, remote)
    }

    fn foresee(&mut self, changes: &[Change]) {
        self.memory.foresee(changes);
    }

    fn unreceipted(
        &mut self,
        accepted_before: Timestamp,
        after: MessageId,
        limit: usize,
    ) -> Result<Vec<Message>, StoreError> {
        self.engine().unreceipted(accepted_before, after, limit)
    }

    fn find(&self, account: &str, reference: &str) -> Result<Option<MessageId>, StoreError> {
        claim::find(&self.connection, &self.memory, account, reference)
    }

    fn pending(
        &self,
        account: &str,
        source: &str,
        destination: &str,
        limit: usize,
    ) -> Result<Vec<Message>, StoreError> {
        claim::pending(&self.connection, &self.memory, Between { account, source, destination }, limit)
    }

    fn queued(&self, queue: &str) -> u64 {
        self.memory.queued(queue)
    }

    fn queues(&self) -> Vec<Arc<str>> {
        self.memory.waiting_queues()
    }

    fn live(&self) -> usize {
        self.memory.live.len()
    }

    fn story(&self, id: MessageId) -> Result<Option<Story>, StoreError> {
        read::story(&self.connection, id)
    }

    fn search(&self, search: &Search) -> Result<Page, StoreError> {
        search::search(&self.connection, search, &mut ())
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
