//! Files in memory, what was done to them, and faults on request.

use crate::vfs;
use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A disk that SQLite can open files on. Each has its own names.
#[derive(Clone, Debug)]
pub struct Disk {
    id: u64,
    state: Arc<Mutex<State>>,
}

/// One thing that was done, in order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Op {
    /// Octets were written to a file, which was made if it was not there.
    Write {
        /// Which file.
        file: Arc<str>,
        /// From its beginning.
        at: usize,
        /// What.
        octets: Box<[u8]>,
    },
    /// A file was cut to a length.
    Truncate {
        /// Which file.
        file: Arc<str>,
        /// In octets.
        length: usize,
    },
    /// A file was synced.
    Sync {
        /// Which file.
        file: Arc<str>,
    },
    /// A sync of a file failed: what it should have written is lost, and still shown.
    SyncFailed {
        /// Which file.
        file: Arc<str>,
    },
    /// A file was deleted.
    Delete {
        /// Which file.
        file: Arc<str>,
        /// Whether its directory was synced too.
        is_synced: bool,
    },
    /// The test said so.
    Mark(usize),
}

/// All that was done to a disk, after what it began with.
#[derive(Clone, Default, Debug)]
pub struct Trace {
    /// What was durable at the beginning.
    pub files: BTreeMap<Arc<str>, Vec<u8>>,
    /// In order.
    pub ops: Vec<Op>,
}

/// What is wrong with a disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// No file may grow (ENOSPC).
    Full,
    /// Nothing can be written (EIO).
    Write,
    /// Nothing can be written, deleted or opened for writing (EROFS): the system has made it read-only.
    ReadOnly,
    /// Writes go well, and syncs fail.
    Sync,
}

#[derive(Debug)]
pub(crate) struct State {
    id: u64,
    files: BTreeMap<Arc<str>, Vec<u8>>,
    trace: Trace,
    fault: Option<Fault>,
}

impl Disk {
    /// A disk with these files, all durable.
    pub fn new(files: BTreeMap<Arc<str>, Vec<u8>>) -> Self {
        let trace = Trace { files: files.clone(), ops: Vec::new() };
        Self::with(files, trace)
    }

    fn with(files: BTreeMap<Arc<str>, Vec<u8>>, trace: Trace) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        let state = Arc::new(Mutex::new(State { id, files, trace, fault: None }));
        vfs::mount(id, &state);
        Self { id, state }
    }

    /// A file's name for SQLite.
    pub fn path(&self, name: &str) -> PathBuf {
        PathBuf::from(format!("/{}/{name}", self.id))
    }

    /// This disk for the next process, when the one that used it was killed after so many operations: it
    /// shows all of them, synced or not, and knows still what a power cut may take. What is open on this
    /// one writes to that one no more.
    #[must_use]
    pub fn killed(&self, operations: usize) -> Self {
        let state = self.lock();
        let mut trace = state.trace.clone();
        drop(state);
        trace.ops.truncate(operations);
        let mut files = trace.files.clone();
        for op in &trace.ops {
            match op {
                Op::Write { file, at, octets } => put(files.entry(file.clone()).or_default(), *at, octets),
                Op::Truncate { file, length } => files.entry(file.clone()).or_default().resize(*length, 0),
                Op::Delete { file, .. } => drop(files.remove(file)),
                Op::Sync { .. } | Op::SyncFailed { .. } | Op::Mark(_) => {}
            }
        }
        Self::with(files, trace)
    }

    /// How much is in the trace.
    pub fn operations(&self) -> usize {
        self.lock().trace.ops.len()
    }

    /// Notes in the trace that something was acknowledged.
    pub fn mark(&self, number: usize) {
        self.lock().trace.ops.push(Op::Mark(number));
    }

    /// Whether a file is there.
    pub fn exists(&self, name: &str) -> bool {
        self.lock().exists(name)
    }

    /// Makes a file, if it is not there.
    pub fn create(&self, name: &str) {
        self.lock().create(&name.into());
    }

    /// What a file holds.
    pub fn read(&self, name: &str) -> Vec<u8> {
        let state = self.lock();
        let mut octets = vec![0; state.length(name)];
        state.read(name, 0, &mut octets);
        octets
    }

    /// Writes into a file, which grows if it must.
    pub fn write(&self, name: &str, at: usize, octets: &[u8]) -> io::Result<()> {
        let written = self.lock().write(&name.into(), at, octets);
        written.map_err(|refused| match refused {
            Refused::Full => io::ErrorKind::StorageFull.into(),
            Refused::Io => io::Error::other("the disk does not write"),
        })
    }

    /// Syncs a file, as the system does by a handle that is not SQLite's.
    pub fn sync(&self, name: &str) -> io::Result<()> {
        self.lock().sync(&name.into()).map_err(|_| io::Error::other("the disk does not sync"))
    }

    /// Breaks the disk, or mends it.
    pub fn set_fault(&self, fault: Option<Fault>) {
        self.lock().fault = fault;
    }

    /// Hands out what was done; the disk's record is empty afterwards and is of no more use.
    pub fn take_trace(&self) -> Trace {
        std::mem::take(&mut self.lock().trace)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

impl Drop for State {
    fn drop(&mut self) {
        vfs::unmount(self.id);
    }
}

pub(crate) fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Why something could not be done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Refused {
    Full,
    Io,
}

impl State {
    pub(crate) fn exists(&self, file: &str) -> bool {
        self.files.contains_key(file)
    }

    pub(crate) fn create(&mut self, file: &Arc<str>) {
        self.files.entry(file.clone()).or_default();
    }

    pub(crate) fn length(&self, file: &str) -> usize {
        self.files.get(file).map_or(0, Vec::len)
    }

    /// Fills `to`, with zeros beyond the end; false if there were too few octets.
    pub(crate) fn read(&self, file: &str, at: usize, to: &mut [u8]) -> bool {
        let octets = self.files.get(file).and_then(|octets| octets.get(at..)).unwrap_or_default();
        let count = octets.len().min(to.len());
        to[..count].copy_from_slice(&octets[..count]);
        to[count..].fill(0);
        count == to.len()
    }

    pub(crate) fn write(&mut self, file: &Arc<str>, at: usize, octets: &[u8]) -> Result<(), Refused> {
        match self.fault {
            Some(Fault::Write | Fault::ReadOnly) => return Err(Refused::Io),
            Some(Fault::Full) if at + octets.len() > self.length(file) => return Err(Refused::Full),
            _ => {}
        }
        put(self.files.entry(file.clone()).or_default(), at, octets);
        self.trace.ops.push(Op::Write { file: file.clone(), at, octets: octets.into() });
        Ok(())
    }

    pub(crate) fn truncate(&mut self, file: &Arc<str>, length: usize) -> Result<(), Refused> {
        if matches!(self.fault, Some(Fault::Write | Fault::ReadOnly)) {
            return Err(Refused::Io);
        }
        self.files.entry(file.clone()).or_default().resize(length, 0);
        self.trace.ops.push(Op::Truncate { file: file.clone(), length });
        Ok(())
    }

    pub(crate) fn sync(&mut self, file: &Arc<str>) -> Result<(), Refused> {
        if matches!(self.fault, Some(Fault::Write | Fault::Sync | Fault::ReadOnly)) {
            self.trace.ops.push(Op::SyncFailed { file: file.clone() });
            return Err(Refused::Io);
        }
        self.trace.ops.push(Op::Sync { file: file.clone() });
        Ok(())
    }

    pub(crate) fn is_read_only(&self) -> bool {
        self.fault == Some(Fault::ReadOnly)
    }

    /// False if it was not there.
    pub(crate) fn delete(&mut self, file: &Arc<str>, is_synced: bool) -> bool {
        let was_there = self.files.remove(file).is_some();
        if was_there {
            self.trace.ops.push(Op::Delete { file: file.clone(), is_synced });
        }
        was_there
    }
}

/// Writes into a file's octets, which grow with zeros up to there.
pub(crate) fn put(file: &mut Vec<u8>, at: usize, octets: &[u8]) {
    let end = at + octets.len();
    if file.len() < end {
        file.resize(end, 0);
    }
    file[at..end].copy_from_slice(octets);
}
