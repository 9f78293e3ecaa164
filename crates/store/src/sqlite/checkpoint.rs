//! Copying the tables' write-ahead log into their file.

use crate::error::StoreError;
use rusqlite::Connection;

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
