//! Syncing the write-ahead log by a handle of our own, so that the next commit can be written meanwhile.
//!
//! A commit is durable once its frames in the log are: what SQLite does at `synchronous=FULL` is a sync of
//! the log at the end of each commit. At `NORMAL` it leaves that one out and keeps the others: of the
//! log before it is copied into the file, of the file before the log begins anew, and of the log's new
//! header. The one left out is made here, before anything is acknowledged.

use crate::error::StoreError;
use crate::store::Syncer;
use rusqlite::Connection;
use std::ffi::OsString;
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Makes durable what is in the write-ahead log.
pub(super) struct LogSync(pub(super) Box<dyn FnMut() -> io::Result<()> + Send>);

impl fmt::Debug for LogSync {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LogSync")
    }
}

/// What a writer's other thread calls. After it failed once, `failed` is set and nothing is durable any more.
pub(super) fn beside(
    connection: &Connection,
    failed: &Arc<AtomicBool>,
    LogSync(mut log): LogSync,
) -> Result<Syncer, StoreError> {
    connection.execute_batch("PRAGMA synchronous=NORMAL;")?;
    let failed = Arc::clone(failed);
    Ok(Box::new(move || {
        if failed.load(Ordering::Acquire) {
            return Err(StoreError::Stopped);
        }
        log().map_err(|error| {
            // What should have been written may be lost, and a second sync would not say so.
            failed.store(true, Ordering::Release);
            StoreError::Io { source: error.into() }
        })
    }))
}

/// The log of a store that is open: it stays the same file until the last connection is closed.
///
/// SQLite locks the other two files and not this one, so closing the handle gives up no lock.
pub(super) fn open_log(path: &Path) -> Result<File, StoreError> {
    let mut log = OsString::from(path);
    log.push("-wal");
    let log = PathBuf::from(log);
    // Windows syncs only what may be written.
    OpenOptions::new().write(true).open(&log).map_err(|source| StoreError::Path { path: log, source })
}
