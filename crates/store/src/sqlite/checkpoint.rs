//! Copying the write-ahead log into the file beside the commits, so that no commit waits for much of it.

use crate::error::StoreError;
use rusqlite::Connection;
use std::cell::Cell;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

/// A thread with a connection of its own. It never hinders a commit, but only a commit can begin the
/// log anew, and only when all of it is copied: so [`crate::Settings::wal_pages`] still holds for the
/// writer, which finds little left to copy then.
#[derive(Debug)]
pub(super) struct Checkpointer {
    ask: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
    every: usize,
    /// Pages written since it was asked, by reckoning.
    written: Cell<usize>,
}

impl Checkpointer {
    pub(super) fn start(path: &Path, connection: Connection, wal_pages: u32) -> Result<Self, StoreError> {
        connection.execute_batch("PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0;")?;
        let (ask, asked) = sync_channel(1);
        let thread = thread::Builder::new()
            .name("checkpoint".to_owned())
            .spawn(move || run(&connection, &asked))
            .map_err(|source| StoreError::Path { path: path.to_owned(), source })?;
        let every = usize::try_from(wal_pages).unwrap_or(usize::MAX) / PARTS;
        Ok(Self { ask: Some(ask), thread: Some(thread), every, written: Cell::new(0) })
    }

    /// So many changes were committed.
    pub(super) fn committed(&self, changes: usize) {
        self.written.set(self.written.get() + PAGES_OF_COMMIT + changes / CHANGES_OF_PAGE);
        if self.written.get() >= self.every && self.ask() {
            self.written.set(0);
        }
    }

    /// False if it has been asked already and has not begun.
    pub(super) fn ask(&self) -> bool {
        self.ask.as_ref().is_some_and(|ask| ask.try_send(()).is_ok())
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.ask = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn run(connection: &Connection, asked: &Receiver<()>) {
    while let Ok(()) = asked.recv() {
        // What fails here stays in the log, is copied again from its beginning the next time, and
        // stops the writer if it cannot go on without.
        let _ = passive(connection);
    }
}

/// Copies as much as it can without waiting for anybody.
pub(super) fn passive(connection: &Connection) -> Result<(), StoreError> {
    Ok(connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))?)
}

/// Empties the log that an earlier run left, before anything is added to it.
///
/// If the last sync of that run failed, the system may show octets in the log that are not on the
/// disk and that no later sync of it will write. What is added behind them would be acknowledged and
/// lost with them at a power cut; written anew into the file they are synced for certain.
pub(super) fn renew(connection: &Connection) -> Result<(), StoreError> {
    // A foreign reader that will not go leaves it undone, which is no reason to stand still.
    Ok(connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?)
}

/// Copied in so many parts before the writer begins the log anew. With 8, syncs waited behind copies of 8 MB: the slowest
/// answers at full load took twice as long, and 5 to 20 ms p99 at half load were 10 to 40 ms, measured in turns.
const PARTS: usize = 32;
/// Measured with payloads of 250 octets: the ends of the tables, and three changes a message.
const PAGES_OF_COMMIT: usize = 8;
const CHANGES_OF_PAGE: usize = 6;
