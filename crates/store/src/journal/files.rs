//! Where a journal lies: files of a directory, or of a test's own disk.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::directory::sync_directory;

/// The files of a journal.
pub trait Files: Send + Sync {
    /// Opens one, or makes it so that its name outlives a power cut; `None` if it is not there and is not to be made.
    fn open(&self, name: &str, make: bool) -> io::Result<Option<Arc<dyn LogFile>>>;

    /// Whether the next one is made by a thread before it is needed.
    fn are_made_beside(&self) -> bool {
        false
    }
}

/// One of them.
pub trait LogFile: Send + Sync {
    /// Its octets.
    fn length(&self) -> io::Result<u64>;

    /// At most so many of them from the beginning.
    fn read(&self, most: u64) -> io::Result<Vec<u8>>;

    /// Writes there; the file grows if it must.
    fn write_at(&self, at: u64, octets: &[u8]) -> io::Result<()>;

    /// Makes durable what was written.
    fn sync(&self) -> io::Result<()>;

    /// Octets by which the file is made longer ahead of what is written.
    fn step(&self) -> u64 {
        1 << 20
    }
}

/// The files of a directory.
#[derive(Debug)]
pub(crate) struct Directory(pub(crate) PathBuf);

impl Files for Directory {
    fn open(&self, name: &str, make: bool) -> io::Result<Option<Arc<dyn LogFile>>> {
        let path = self.0.join(name);
        let is_new = !fs::exists(&path)?;
        if is_new && !make {
            return Ok(None);
        }
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        if is_new {
            sync_directory(&self.0)?;
        }
        Ok(Some(Arc::new(OnDisk(file))))
    }

    fn are_made_beside(&self) -> bool {
        true
    }
}

#[derive(Debug)]
struct OnDisk(File);

impl LogFile for OnDisk {
    fn length(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn read(&self, most: u64) -> io::Result<Vec<u8>> {
        use std::io::{Read, Seek};
        let mut octets = Vec::new();
        let mut file = &self.0;
        file.rewind()?;
        file.take(most).read_to_end(&mut octets)?;
        Ok(octets)
    }

    #[cfg(unix)]
    fn write_at(&self, at: u64, octets: &[u8]) -> io::Result<()> {
        std::os::unix::fs::FileExt::write_all_at(&self.0, octets, at)
    }

    #[cfg(not(unix))]
    fn write_at(&self, at: u64, octets: &[u8]) -> io::Result<()> {
        use std::io::{Seek, SeekFrom, Write};
        let mut file = &self.0;
        file.seek(SeekFrom::Start(at))?;
        file.write_all(octets)
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }
}
