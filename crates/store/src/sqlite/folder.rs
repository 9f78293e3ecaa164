//! Who folds, and when: a thread beside the commits, or each commit itself.

use super::Engine;
use super::checkpoint;
use super::fold::{self, Applying, Job, Reach};
use super::memory::Memory;
use crate::error::StoreError;
use crate::journal::ToSync;
use crate::message::Timestamp;
use rusqlite::Connection;
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// A thread with a connection of its own that writes one job after the other.
pub(super) struct Folder {
    ask: Option<SyncSender<Asked>>,
    written: Receiver<Written>,
    thread: Option<JoinHandle<()>>,
    is_busy: bool,
    /// Until when it leaves the disk to the commits, unless much waits.
    rests_until: Instant,
}

enum Asked {
    Write(Box<Job>),
    Checkpoint,
}

struct Written {
    job: Box<Job>,
    done: Result<(), StoreError>,
    took: Duration,
}

/// Who waits until what is in memory only can be read in rows.
#[derive(Default)]
pub(super) struct Exposing {
    waiting: Vec<Told>,
    /// Those for whom the job under way is enough.
    of_job: Vec<Told>,
    /// What was written last.
    applying: Applying,
}

pub(super) type Told = Box<dyn FnOnce() + Send>;

impl fmt::Debug for Exposing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exposing").field("waiting", &self.waiting.len()).finish_non_exhaustive()
    }
}

impl fmt::Debug for SyncFirst {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SyncFirst").field("failed", &self.failed).finish_non_exhaustive()
    }
}

impl fmt::Debug for Folder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Folder").field("is_busy", &self.is_busy).finish_non_exhaustive()
    }
}

impl Folder {
    pub(super) fn start(path: &Path, connection: Connection, sync: SyncFirst) -> Result<Self, StoreError> {
        let (ask, asked) = sync_channel(1);
        let (tell, written) = sync_channel(1);
        let thread = thread::Builder::new()
            .name("fold".to_owned())
            .spawn(move || {
                step_back();
                run(&connection, &sync, &asked, &tell);
            })
            .map_err(|source| StoreError::Path { path: path.to_owned(), source })?;
        Ok(Self {
            ask: Some(ask),
            written,
            thread: Some(thread),
            is_busy: false,
            rests_until: Instant::now(),
        })
    }

    /// Hands it a job; it has none.
    fn write(&mut self, job: Job) -> Result<(), StoreError> {
        let asked = self.ask.as_ref().is_some_and(|ask| ask.send(Asked::Write(Box::new(job))).is_ok());
        self.is_busy = asked;
        if asked { Ok(()) } else { Err(StoreError::Stopped) }
    }

    /// What it has written, if it is done with it in time.
    fn done(&mut self, limit: Duration) -> Result<Option<Written>, StoreError> {
        if !self.is_busy {
            return Ok(None);
        }
        match self.written.recv_timeout(limit) {
            Ok(written) => {
                self.is_busy = false;
                self.rests_until = Instant::now() + written.took.max(REST);
                Ok(Some(written))
            }
            Err(RecvTimeoutError::Timeout) => Ok(None),
            // It ended by a panic.
            Err(RecvTimeoutError::Disconnected) => Err(StoreError::Stopped),
        }
    }

    /// Has the write-ahead log of the tables copied, unless it has something to do.
    pub(super) fn checkpoint(&self) {
        if let Some(ask) = self.ask.as_ref().filter(|_| !self.is_busy) {
            let _ = ask.try_send(Asked::Checkpoint);
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        self.ask = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Makes the journal durable. It comes before rows are written, too: they must not say of a commit what the journal,
/// which says all of it, may yet lose.
#[derive(Clone, Default)]
pub(super) struct SyncFirst {
    pub(super) journal: Option<ToSync>,
    /// Set when it fails: nothing is durable any more.
    pub(super) failed: Arc<AtomicBool>,
}

impl SyncFirst {
    pub(super) fn sync(&self) -> Result<(), StoreError> {
        self.by(&mut || self.journal.as_ref().map_or(Ok(()), |journal| journal.sync()))
    }

    pub(super) fn by(&self, sync: &mut dyn FnMut() -> io::Result<()>) -> Result<(), StoreError> {
        if self.failed.load(Ordering::Acquire) {
            return Err(StoreError::Stopped);
        }
        sync().map_err(|error| {
            // What should have been written may be lost, and a second sync would not say so.
            self.failed.store(true, Ordering::Release);
            StoreError::Io { source: error.into() }
        })
    }
}

/// Lets the threads that somebody waits for go first, as far as the system does such a thing.
fn step_back() {
    #[cfg(target_os = "linux")]
    {
        let thread = rustix::thread::gettid();
        let _ = rustix::process::setpriority_process(Some(thread), NICE);
    }
}

fn run(connection: &Connection, sync: &SyncFirst, asked: &Receiver<Asked>, tell: &SyncSender<Written>) {
    while let Ok(asked) = asked.recv() {
        match asked {
            Asked::Write(mut job) => {
                let begun = Instant::now();
                let done = sync.sync().and_then(|()| job.write(connection));
                if tell.send(Written { job, done, took: begun.elapsed() }).is_err() {
                    return;
                }
            }
            // What fails here stays in the log and is copied the next time.
            Asked::Checkpoint => _ = checkpoint::passive(connection),
        }
    }
}

/// What must be so before a commit: what was read at start is in rows, there was room for rows the last time, and there
/// is room in the journal.
pub(super) fn make_room(e: &mut Engine<'_>, now: Timestamp) -> Result<(), StoreError> {
    follow(e, Duration::ZERO)?;
    let was_full = e.m.is_full;
    if was_full {
        // A few first: to try all each time would take long, and for nothing.
        follow(e, Duration::MAX)?;
        start(e, now, Reach::Few)?;
        follow(e, Duration::MAX)?;
    }
    if e.m.is_log_old || was_full {
        settle(e, now)?;
    }
    if e.m.ended.len() + e.m.gathered.len() > WAITING_MOST || e.m.parked.len() > WAITING_MOST {
        // Faster than rows are written: as fast as they are, then.
        follow(e, Duration::MAX)?;
        start(e, now, Reach::Ended(AT_ONCE))?;
    }
    while e.journal.as_ref().is_some_and(|journal| !journal.has_room(e.m.known)) {
        follow(e, Duration::MAX)?;
        if e.journal.as_ref().is_some_and(|journal| journal.has_room(e.m.known)) {
            break;
        }
        start(e, now, Reach::ALL)?;
        follow(e, Duration::MAX)?;
    }
    Ok(())
}

/// Begins to fold, if it is worth it.
pub(super) fn after_commit(e: &mut Engine<'_>, now: Timestamp, changes: usize) {
    let some = e.m.settings.fold_batch.max(2 * changes);
    let folded = match &e.folder {
        None => start(e, now, Reach::Ended(some)),
        Some(folder) => {
            e.exposing.applying.some(e.m, some);
            fold::gather(e.m, some);
            if folder.is_busy || !e.exposing.applying.is_done() {
                return;
            }
            let pressing = e.journal.as_ref().and_then(|journal| journal.pressing(e.m.known));
            let worth = if Instant::now() < folder.rests_until { JOB_ANYWAY } else { JOB_WORTH };
            let is_due = e.m.gathered.len() >= worth
                || e.m.parked.len() >= worth
                || !e.exposing.waiting.is_empty()
                || e.m.has_aged(Timestamp(now.0.saturating_sub(AGED_TOGETHER_MS)));
            match pressing {
                Some(frame) => start(e, now, Reach::Frame(frame)),
                None if is_due => start(e, now, Reach::Ended(0)),
                None => return,
            }
        }
    };
    // What was committed stays so; the next commit is told.
    if let Err(error) = folded {
        e.m.is_stopped |= error.is_lasting();
    }
}

/// Folds what an idle store can; false if there is nothing.
pub(super) fn idle(e: &mut Engine<'_>, now: Timestamp) -> Result<bool, StoreError> {
    if e.folder.as_ref().is_some_and(|folder| folder.is_busy) {
        follow(e, PATIENCE)?;
        return Ok(true);
    }
    if e.m.is_log_old {
        settle(e, now)?;
    }
    if !e.exposing.applying.is_done() {
        e.exposing.applying.some(e.m, AT_ONCE);
        return Ok(true);
    }
    let is_due = !e.m.ended.is_empty()
        || e.m.gathered.len() > 0
        || !e.m.parked.is_empty()
        || !e.m.orphans.is_empty()
        || e.m.are_counters_new
        || !e.exposing.waiting.is_empty()
        || e.m.has_aged(now);
    if is_due {
        start(e, now, Reach::Ended(AT_ONCE))?;
    }
    Ok(is_due)
}

/// Folds everything and waits for it.
pub(super) fn settle(e: &mut Engine<'_>, now: Timestamp) -> Result<(), StoreError> {
    follow(e, Duration::MAX)?;
    if e.m.is_log_old {
        checkpoint::renew(e.c)?;
    }
    start(e, now, Reach::ALL)?;
    follow(e, Duration::MAX)?;
    e.exposing.applying.some(e.m, usize::MAX);
    e.m.is_log_old = false;
    Ok(())
}

/// Calls when all that is committed can be read in rows, or cannot be written there.
pub(super) fn expose(e: &mut Engine<'_>, now: Timestamp, told: Told) {
    if e.m.is_log_old || e.m.is_stopped {
        // It cannot be written now.
        return told();
    }
    e.exposing.waiting.push(told);
    if e.folder.as_ref().is_none_or(|folder| !folder.is_busy) {
        let begun = start(e, now, Reach::ALL);
        e.m.is_stopped |= begun.is_err_and(|error| error.is_lasting());
    }
    if e.m.is_stopped {
        tell(std::mem::take(&mut e.exposing.of_job));
    }
}

/// Begins a job, if there is anything to do. Nothing is under way.
fn start(e: &mut Engine<'_>, now: Timestamp, reach: Reach) -> Result<(), StoreError> {
    e.exposing.applying.some(e.m, usize::MAX);
    let reach = if e.exposing.waiting.is_empty() { reach } else { Reach::ALL };
    let told = std::mem::take(&mut e.exposing.waiting);
    let Some(mut job) = Job::of(e.m, now, reach) else {
        tell(told);
        return Ok(());
    };
    e.exposing.of_job = told;
    if let Some(folder) = e.folder.as_deref_mut() {
        return folder.write(job);
    }
    // Where commits are synced one by one, the journal is durable.
    let synced = if e.is_synced_beside { e.sync.sync() } else { Ok(()) };
    let written = synced.and_then(|()| job.write(e.c));
    finish(e.m, e.exposing, job, written)?;
    e.exposing.applying.some(e.m, usize::MAX);
    Ok(())
}

fn tell(told: Vec<Told>) {
    for told in told {
        told();
    }
}

/// Takes note of what is written, waiting for it so long at most.
fn follow(e: &mut Engine<'_>, limit: Duration) -> Result<(), StoreError> {
    let Some(folder) = e.folder.as_deref_mut() else { return Ok(()) };
    match folder.done(limit) {
        Ok(Some(Written { job, done, .. })) => finish(e.m, e.exposing, *job, done),
        Ok(None) => Ok(()),
        Err(error) => {
            tell(std::mem::take(&mut e.exposing.of_job));
            tell(std::mem::take(&mut e.exposing.waiting));
            Err(error)
        }
    }
}

fn finish(
    m: &mut Memory,
    exposing: &mut Exposing,
    job: Job,
    written: Result<(), StoreError>,
) -> Result<(), StoreError> {
    m.is_full = matches!(written, Err(StoreError::Full));
    match written {
        Ok(()) => exposing.applying = job.apply(m),
        Err(_) => job.undo(m),
    }
    tell(std::mem::take(&mut exposing.of_job));
    written
}

/// Messages that one step of an idle store deals with: some milliseconds.
const AT_ONCE: usize = 4_096;
/// So many make a transaction worth its syncs while others come, if the thread has rested for as long as the last one
/// took, and at least so long: small ones hold up answers for less time each,
const JOB_WORTH: usize = 256;
const REST: Duration = Duration::from_millis(8);
/// and so many at once: large ones cost less.
const JOB_ANYWAY: usize = 8_192;
/// What has aged is written with what ages in the next second, not each by itself.
const AGED_TOGETHER_MS: i64 = 1_000;
/// So many wait for their rows before commits wait for those.
const WAITING_MOST: usize = 65_536;
/// How long upkeep waits for a job that is under way: meanwhile nothing is committed.
const PATIENCE: Duration = Duration::from_millis(2);
/// A third of the others' share of a busy processor: folding must keep up with the commits in the end.
#[cfg(target_os = "linux")]
const NICE: i32 = 5;
