//! Names of files that outlive a power cut.

use std::io;
use std::path::Path;

/// Makes the names in a directory durable: a file that is new or was renamed needs that besides its own sync.
#[cfg(unix)]
pub fn sync_directory(dir: &Path) -> io::Result<()> {
    std::fs::File::open(dir)?.sync_all()
}

/// Elsewhere a directory is no file that could be synced.
#[cfg(not(unix))]
pub fn sync_directory(_: &Path) -> io::Result<()> {
    Ok(())
}
