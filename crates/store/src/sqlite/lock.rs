//! One process at a time in a data directory.

use crate::error::StoreError;
use rusqlite::{Connection, ErrorCode};
use std::path::Path;
use std::time::Duration;

/// Held as long as this lives; the operating system lets go of it when the process dies.
///
/// An empty SQLite file in an exclusive transaction: the same locks on every platform as the store
/// itself uses, and the store's own file stays open to readers.
#[derive(Debug)]
pub(super) struct Lock {
    _held: Connection,
}

impl Lock {
    pub(super) fn take(dir: &Path) -> Result<Self, StoreError> {
        let path = dir.join("lock");
        let held = Connection::open(&path)?;
        held.busy_timeout(Duration::ZERO)?;
        match held.execute_batch("BEGIN EXCLUSIVE") {
            Ok(()) => Ok(Self { _held: held }),
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {
                Err(StoreError::InUse { path })
            }
            Err(error) => Err(error.into()),
        }
    }
}
