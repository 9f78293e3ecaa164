//! The store's journal on the disk.

use crate::disk::Disk;
use smppkit_store::{Files, LogFile};
use std::io;
use std::sync::Arc;

impl Files for Disk {
    fn open(&self, name: &str, make: bool) -> io::Result<Option<Arc<dyn LogFile>>> {
        if !make && !self.exists(name) {
            return Ok(None);
        }
        self.create(name);
        Ok(Some(Arc::new(Named { disk: self.clone(), name: name.into() })))
    }
}

struct Named {
    disk: Disk,
    name: Box<str>,
}

impl LogFile for Named {
    fn length(&self) -> io::Result<u64> {
        Ok(self.disk.read(&self.name).len() as u64)
    }

    fn read(&self, most: u64) -> io::Result<Vec<u8>> {
        let mut octets = self.disk.read(&self.name);
        octets.truncate(usize::try_from(most).unwrap_or(usize::MAX));
        Ok(octets)
    }

    fn write_at(&self, at: u64, octets: &[u8]) -> io::Result<()> {
        self.disk.write(&self.name, usize::try_from(at).map_err(io::Error::other)?, octets)
    }

    fn sync(&self) -> io::Result<()> {
        self.disk.sync(&self.name)
    }

    /// Small, so that the file grows often.
    fn step(&self) -> u64 {
        512
    }
}
