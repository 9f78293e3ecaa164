//! The engine for one machine: a journal of commits, and SQLite in WAL mode for what they come to.
//!
//! A commit appends one frame to the journal, is durable with its sync, and changes what is in memory. Rows follow:
//! a message that ended is inserted into the table of its day once, as it ended; one that waits long,
//! or beyond what memory holds, is inserted as it is and updated at its end. Until then its state is in
//! memory and, for a restart, in the journal. Rows updated in place at each step were measured four times
//! slower, and rows inserted at each acceptance a third.
mod check;
mod checkpoint;
mod claim;
mod commit;
mod damage;
mod fold;
mod folder;
mod hash;
mod insert;
pub(crate) mod live;
mod lock;
mod memory;
mod orphan;
mod parts;
mod pick;
mod read;
mod recover;
mod remotes;
mod schema;
mod search;
mod settings;
mod sum;
mod upkeep;

pub use read::Reader;
pub use settings::{Folding, Settings};

use crate::change::{Change, Outcome};
use crate::directory::sync_directory;
use crate::error::StoreError;
use crate::id::MessageId;
use crate::journal::{self, Directory, Files, Frame, Journal};
use crate::message::{
    Accepted, Cdr, Claimed, Correlated, Message, Orphan, Page, Place, RemoteId, Search, Story, Timestamp,
    Totals,
};
use crate::store::{Store, Syncer};
use claim::Between;
use folder::{Exposing, Folder, SyncFirst};
use lock::Lock;
use memory::Memory;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Messages in a directory that this process holds.
#[derive(Debug)]
pub struct Sqlite {
    // Dropped first: the last connection to go tidies up.
    folder: Option<Folder>,
    connection: Connection,
    memory: Memory,
    journal: Option<Journal>,
    frame: Frame,
    exposing: Exposing,
    path: Option<PathBuf>,
    /// Held as long as this is.
    lock: Option<Lock>,
    is_synced_beside: bool,
    sync: SyncFirst,
    /// In place of the journal's own sync.
    sync_by: Option<SyncBy>,
}

/// How a test syncs the journal.
struct SyncBy(Box<dyn FnMut() -> io::Result<()> + Send>);

impl fmt::Debug for SyncBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SyncBy")
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
        let folding = settings.folding;
        let files = Box::new(Directory(dir.to_owned()));
        let mut store = Self::begin(Connection::open(&path)?, now, settings, Some(files), Some(path))?;
        store.lock = Some(lock);
        // The file's name must outlive a power cut as well as its pages.
        sync_directory(dir).map_err(at)?;
        if let (Folding::Beside, Some(path)) = (folding, &store.path) {
            let connection = prepared(Connection::open(path)?, &store.memory.settings)?;
            store.folder = Some(Folder::start(path, connection, store.sync.clone())?);
            if let Some(journal) = &mut store.journal {
                journal.make_at_start();
            }
        }
        Ok(store)
    }

    /// A store that ends with the process, for simulations.
    pub fn in_memory(now: Timestamp, settings: Settings) -> Result<Self, StoreError> {
        Self::begin(Connection::open_in_memory()?, now, settings, None, None)
    }

    /// A store in a file system of a test's own, by the name that SQLite knows it by, and its journal beside
    /// it. It holds no lock and has no thread.
    #[doc(hidden)]
    pub fn open_on_vfs(
        path: &Path,
        vfs: &str,
        files: Box<dyn Files>,
        now: Timestamp,
        settings: Settings,
    ) -> Result<Self, StoreError> {
        let connection = Connection::open_with_flags_and_vfs(path, OpenFlags::default(), vfs)?;
        Self::begin(connection, now, settings, Some(files), Some(path.to_owned()))
    }

    fn begin(
        connection: Connection,
        now: Timestamp,
        settings: Settings,
        files: Option<Box<dyn Files>>,
        path: Option<PathBuf>,
    ) -> Result<Self, StoreError> {
        let connection = prepared(connection, &settings)?;
        // Journal and tables go on behind rows that say all: octets that a failed sync has left are not added to.
        let is_log_old = match checkpoint::renew(&connection) {
            Ok(()) => false,
            // What is there can be read; the first commit tries again.
            Err(StoreError::Full) => true,
            Err(error) => return Err(error),
        };
        let at = path.as_deref().unwrap_or(Path::new(":memory:"));
        schema::upgrade(&connection, at)?;
        let limits = journal::Limits { segment: settings.segment, segments: settings.segments };
        let (known, _) = recover::frames(&connection)?;
        let store = recover::store(&connection)?;
        let opened = files.map(|files| Journal::open(files, limits, store, known)).transpose();
        let (journal, found) = opened.map_err(journal_failed)?.unzip();
        let frames = found.map(|found| found.frames).unwrap_or_default();
        let memory = recover::recover(&connection, now, settings, &frames)?;
        let mut store = Self {
            folder: None,
            connection,
            memory,
            journal,
            frame: Frame::default(),
            exposing: Exposing::default(),
            path,
            lock: None,
            is_synced_beside: false,
            sync: SyncFirst::default(),
            sync_by: None,
        };
        if let Some(journal) = &mut store.journal {
            journal.go_on_after(store.memory.frame);
            store.sync.journal = Some(journal.to_sync());
        }
        store.memory.is_log_old = is_log_old;
        if !is_log_old && let Err(error) = folder::settle(&mut store.engine(), now) {
            if error.is_lasting() {
                return Err(error);
            }
            store.memory.is_log_old = true;
        }
        Ok(store)
    }

    /// For a [`Reader`] in another thread; `None` in memory.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// How [`Store::sync_beside`] syncs the journal; for tests.
    #[doc(hidden)]
    pub fn sync_journal_by(&mut self, sync: impl FnMut() -> io::Result<()> + Send + 'static) {
        self.sync_by = Some(SyncBy(Box::new(sync)));
    }

    fn engine(&mut self) -> Engine<'_> {
        self.memory.is_stopped |= self.sync.failed.load(Ordering::Acquire);
        Engine {
            c: &self.connection,
            m: &mut self.memory,
            folder: self.folder.as_mut(),
            journal: self.journal.as_mut(),
            frame: &mut self.frame,
            exposing: &mut self.exposing,
            sync: &self.sync,
            is_synced_beside: self.is_synced_beside,
        }
    }
}

impl Drop for Sqlite {
    fn drop(&mut self) {
        // What is running says nothing more than the journal; this spares the next start reading it.
        if !self.memory.is_stopped && !std::thread::panicking() {
            let now = Timestamp(i64::MIN);
            let _ = folder::settle(&mut self.engine(), now);
        }
    }
}

fn prepared(connection: Connection, settings: &Settings) -> Result<Connection, StoreError> {
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // Or each look-up by a bound value is planned anew: a third of a receipt's cost, measured.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.busy_timeout(BUSY)?;
    connection.execute_batch(&format!(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA temp_store=MEMORY;
         PRAGMA cache_size=-16384; PRAGMA wal_autocheckpoint={};",
        settings.wal_pages
    ))?;
    if let Some(pages) = settings.page_limit {
        connection.execute_batch(&format!("PRAGMA max_page_count={pages};"))?;
    }
    Ok(connection)
}

/// What a journal could not do.
fn journal_failed(error: io::Error) -> StoreError {
    journal::failed(error)
}

/// The store without its ownership, so that a backup can lend it out between two of its steps.
struct Engine<'a> {
    c: &'a Connection,
    m: &'a mut Memory,
    /// None where each commit folds by itself.
    folder: Option<&'a mut Folder>,
    journal: Option<&'a mut Journal>,
    frame: &'a mut Frame,
    exposing: &'a mut Exposing,
    sync: &'a SyncFirst,
    is_synced_beside: bool,
}

impl Store for Engine<'_> {
    fn commit(
        &mut self,
        now: Timestamp,
        changes: &[Change],
        outcomes: &mut Vec<Outcome>,
    ) -> Result<(), StoreError> {
        commit::commit(self, now, changes, outcomes)
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
        read::story_now(self.c, self.m, id)
    }

    fn search(&self, search: &Search) -> Result<Page, StoreError> {
        search::search(self.c, Some(self.m), search, &mut ())
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
        upkeep::maintain(self, now, keep_from)
    }

    fn backup(&mut self, to: &Path, between: &mut dyn FnMut(&mut dyn Store)) -> Result<(), StoreError> {
        upkeep::backup(self, to, between)
    }

    fn settle(&mut self, now: Timestamp) -> Result<(), StoreError> {
        folder::settle(self, now)
    }

    fn expose(&mut self, now: Timestamp, told: Box<dyn FnOnce() + Send>) {
        folder::expose(self, now, told);
    }

    fn check(&mut self) -> Result<Vec<Box<str>>, StoreError> {
        check::check(self)
    }
}

impl Store for Sqlite {
    fn sync_beside(&mut self) -> Result<Option<Syncer>, StoreError> {
        if self.journal.is_none() {
            return Ok(None);
        }
        self.is_synced_beside = true;
        let (sync, mut sync_by) = (self.sync.clone(), self.sync_by.take());
        Ok(Some(Box::new(move || match &mut sync_by {
            Some(SyncBy(own)) => sync.by(own),
            None => sync.sync(),
        })))
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
        read::story_now(&self.connection, &self.memory, id)
    }

    fn search(&self, search: &Search) -> Result<Page, StoreError> {
        search::search(&self.connection, Some(&self.memory), search, &mut ())
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

    fn settle(&mut self, now: Timestamp) -> Result<(), StoreError> {
        self.engine().settle(now)
    }

    fn expose(&mut self, now: Timestamp, told: Box<dyn FnOnce() + Send>) {
        self.engine().expose(now, told);
    }

    fn check(&mut self) -> Result<Vec<Box<str>>, StoreError> {
        self.engine().check()
    }
}

/// The store's file in its directory; SQLite puts `-wal` and `-shm` beside it.
const FILE: &str = "messages.sqlite";
/// A dozen statements a day table, for more days than are in use at once.
const STATEMENTS: usize = 256;
/// How long a rare write beside the thread's waits for it.
const BUSY: Duration = Duration::from_secs(10);
