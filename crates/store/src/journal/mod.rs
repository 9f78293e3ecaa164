//! The journal: what was committed, as octets at the end of a file, before any table knows of it.
//!
//! A commit is one frame. Frames lie in segments: a few files of the same length that are used in turn and
//! never deleted, since a sync is twice as fast where a file has its blocks already. A segment is used
//! again once the tables say everything that its frames said.
//!
//! Each segment begins with a header: its generation, by which the segments are ordered, the number of its
//! first frame, and a salt by which its frames' checksums differ from those of all earlier uses. What
//! is read back ends at the first frame that is not as it was written or does not follow the one before: no
//! later one was acknowledged, as one sync makes durable all that was written before it.

mod files;
mod frame;
mod maker;

pub(crate) use files::Directory;
pub use files::{Files, LogFile};
pub(crate) use frame::{Frame, Record, Records};

use crate::error::StoreError;
use crate::sum::Sum;
use maker::Maker;
use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::BuildHasher;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How large a journal may become.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Octets of a segment, after which the next one begins: its last frame may end beyond.
    pub(crate) segment: u64,
    /// How many of them.
    pub(crate) segments: usize,
}

/// The segments, and where the next frame goes.
pub(crate) struct Journal {
    files: Arc<dyn Files>,
    limits: Limits,
    /// Whose journal it is.
    store: i64,
    segments: Vec<Segment>,
    /// Makes the next segments' files.
    maker: Option<Maker>,
    /// Which is written to; none before the first frame of this run.
    current: Option<usize>,
    generation: u64,
    /// Of the last frame.
    seq: u64,
    /// What a sync has to sync.
    to_sync: ToSync,
}

pub(crate) type ToSync = Arc<Syncing>;

/// How far the journal is durable.
#[derive(Default)]
pub(crate) struct Syncing {
    /// The last frame that was written.
    written: AtomicU64,
    synced: Mutex<Synced>,
}

/// One thread syncs at a time: the system tells of a failure only once, and every later sync of what it may have lost
/// must fail, too.
#[derive(Default)]
struct Synced {
    /// What is written to.
    file: Option<Arc<dyn LogFile>>,
    /// The last frame that is durable.
    up_to: u64,
    has_failed: bool,
}

impl Syncing {
    /// Makes durable what was appended so far, if it is not yet.
    pub(crate) fn sync(&self) -> io::Result<()> {
        let mut synced = self.lock();
        if synced.has_failed {
            return Err(io::Error::other("an earlier sync of the journal failed"));
        }
        let written = self.written.load(Ordering::Acquire);
        if synced.up_to < written {
            let done = synced.file.as_ref().map_or(Ok(()), |file| file.sync());
            synced.has_failed = done.is_err();
            done?;
            synced.up_to = written;
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Synced> {
        self.synced.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Segment {
    file: Arc<dyn LogFile>,
    /// What the file has its blocks for.
    length: u64,
    /// Where the next frame goes.
    end: u64,
    salt: u64,
    /// The last frame that it holds.
    last: u64,
}

/// What a journal held when it was opened.
pub(crate) struct Found {
    /// In their order.
    pub(crate) frames: Vec<(u64, Box<[u8]>)>,
}

impl Journal {
    /// Reads what is there; nothing is written yet. Frames up to `known` are known to the tables.
    pub(crate) fn open(
        files: Box<dyn Files>,
        limits: Limits,
        store: i64,
        known: u64,
    ) -> io::Result<(Self, Found)> {
        let files: Arc<dyn Files> = files.into();
        let mut headers = Vec::new();
        let mut segments = Vec::new();
        while let Some(file) = files.open(&name(segments.len()), false)? {
            let header = Header::read(&file.read(HEADER as u64)?);
            if let Some(header) = header.filter(|header| header.store == store) {
                headers.push((header, segments.len()));
            }
            segments.push(Segment { length: file.length()?, file, end: 0, salt: 0, last: 0 });
        }
        headers.sort_unstable_by_key(|(header, _)| header.generation);
        let generation = headers.last().map_or(0, |(header, _)| header.generation);
        // Those before the last one that can hold the first frame wanted are not read.
        let first = headers.iter().rposition(|(header, _)| header.first <= known + 1).unwrap_or(0);
        let mut frames: Vec<(u64, Box<[u8]>)> = Vec::new();
        let mut seq = known;
        for (header, at) in headers.iter().skip(first) {
            // One that begins later than it should follows frames that are not there.
            let Some(segment) = segments.get_mut(*at).filter(|_| header.first <= seq + 1) else { break };
            let octets = segment.file.read(u64::MAX)?;
            for (number, frame) in (header.first..).zip(Frames::new(header, &octets)) {
                segment.last = number;
                if number == seq + 1 {
                    frames.push((number, frame.into()));
                    seq = number;
                }
            }
        }
        let to_sync = ToSync::default();
        let journal =
            Self { files, limits, store, segments, maker: None, current: None, generation, seq, to_sync };
        Ok((journal, Found { frames }))
    }

    /// The next frame follows this one, if that is later than what was read.
    pub(crate) fn go_on_after(&mut self, seq: u64) {
        self.seq = self.seq.max(seq);
    }

    /// For a sync by another thread: of all that was appended before it.
    pub(crate) fn to_sync(&self) -> ToSync {
        Arc::clone(&self.to_sync)
    }

    /// Whether the next frame can be appended when the tables know all up to `known`.
    pub(crate) fn has_room(&self, known: u64) -> bool {
        let has_place =
            self.current.and_then(|at| self.segments.get(at)).is_some_and(|s| s.end < self.limits.segment);
        has_place || self.segments.len() < self.limits.segments || self.free(known).is_some()
    }

    /// When more than three quarters of the segments are in use: the frame up to which the tables are to know all, so that the
    /// oldest of them can be used again.
    pub(crate) fn pressing(&self, known: u64) -> Option<u64> {
        let used =
            self.segments.iter().enumerate().filter(|(at, s)| Some(*at) == self.current || s.last > known);
        let is_pressing = 4 * used.clone().count() > 3 * self.limits.segments;
        let oldest = used.filter(|(at, _)| Some(*at) != self.current).map(|(_, s)| s.last).min();
        oldest.filter(|_| is_pressing)
    }

    fn free(&self, known: u64) -> Option<usize> {
        let is_free = |(at, segment): &(usize, &Segment)| Some(*at) != self.current && segment.last <= known;
        self.segments.iter().enumerate().find(is_free).map(|(at, _)| at)
    }

    /// Writes a frame; it is durable after a sync. `known` as for [`Journal::has_room`]. After an error nothing
    /// is different but what lies behind the last frame.
    pub(crate) fn append(&mut self, frame: &mut Frame, known: u64) -> Result<(), StoreError> {
        let full =
            |at: &usize| self.segments.get(*at).is_none_or(|segment| segment.end >= self.limits.segment);
        let at = match self.current.filter(|at| !full(at)) {
            Some(at) => at,
            None => self.begin(known)?,
        };
        let Some(segment) = self.segments.get_mut(at) else { return Err(StoreError::Full) };
        let octets = frame.seal(self.seq + 1, segment.salt);
        let end = segment.end + octets.len() as u64;
        segment.grow(end)?;
        segment.file.write_at(segment.end, octets).map_err(failed)?;
        segment.end = end;
        self.seq += 1;
        segment.last = self.seq;
        self.to_sync.written.store(self.seq, Ordering::Release);
        if end > self.limits.segment / 2 {
            self.look_ahead(known);
        }
        Ok(())
    }

    /// Has the next segment made before it is needed: that takes some milliseconds.
    fn look_ahead(&mut self, known: u64) {
        if self.free(known).is_none() {
            self.make_ahead(1);
        }
    }

    /// Has those made that a busy store needs in its first seconds, while nothing waits for them.
    pub(crate) fn make_at_start(&mut self) {
        self.make_ahead(AT_START.saturating_sub(self.segments.len()));
    }

    /// Has so many more segments made by a thread, unless it is at it.
    fn make_ahead(&mut self, count: usize) {
        let from = self.segments.len();
        let to = (from + count).min(self.limits.segments);
        if self.files.are_made_beside() && from < to && self.maker.as_ref().is_none_or(Maker::is_done) {
            let names = (from..to).map(name).collect();
            self.maker = Maker::start(Arc::clone(&self.files), names, self.limits.segment);
        }
    }

    /// Another segment.
    fn add(&mut self) -> io::Result<usize> {
        let at = self.segments.len();
        let file = match self.maker.as_mut().and_then(Maker::take) {
            Some(made) => made,
            None => self.files.open(&name(at), true)?.ok_or(io::ErrorKind::NotFound)?,
        };
        self.segments.push(Segment { length: file.length()?, file, end: 0, salt: 0, last: 0 });
        Ok(at)
    }

    /// Syncs what was appended.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.to_sync.sync()
    }

    fn begin(&mut self, known: u64) -> Result<usize, StoreError> {
        if self.current.is_some() {
            // Nothing of the next one counts without the whole of this one.
            self.to_sync.sync().map_err(failed)?;
        }
        let at = match self.free(known) {
            Some(at) => at,
            None if self.segments.len() < self.limits.segments => self.add().map_err(failed)?,
            None => return Err(StoreError::Full),
        };
        let header = Header {
            store: self.store,
            generation: self.generation + 1,
            first: self.seq + 1,
            salt: RandomState::new().hash_one(at),
        };
        let Some(segment) = self.segments.get_mut(at) else { return Err(StoreError::Full) };
        segment.grow(HEADER as u64)?;
        segment.file.write_at(0, &header.octets()).map_err(failed)?;
        (segment.end, segment.salt, segment.last) = (HEADER as u64, header.salt, self.seq);
        self.generation += 1;
        self.current = Some(at);
        self.to_sync.lock().file = Some(Arc::clone(&segment.file));
        Ok(at)
    }
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal")
            .field("seq", &self.seq)
            .field("generation", &self.generation)
            .finish_non_exhaustive()
    }
}

impl Segment {
    /// Gives the file its blocks up to there and some more, so that few syncs have to write more than octets; only those
    /// that are needed where there is no room for more.
    fn grow(&mut self, to: u64) -> Result<(), StoreError> {
        if to <= self.length {
            return Ok(());
        }
        let ahead = to.next_multiple_of(self.file.step());
        for length in [ahead, to] {
            let zeros = vec![0; usize::try_from(length - self.length).unwrap_or(0)];
            let grown = self.file.write_at(self.length, &zeros).map_err(failed);
            if grown.is_ok() {
                self.length = length;
                return Ok(());
            }
            if length == to {
                return grown;
            }
        }
        Ok(())
    }
}

/// What a failed write means for the store.
pub(crate) fn failed(error: io::Error) -> StoreError {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreError::Full,
        _ => StoreError::Io { source: error.into() },
    }
}

fn name(at: usize) -> String {
    format!("messages.journal-{at}")
}

/// The beginning of a segment.
struct Header {
    store: i64,
    generation: u64,
    first: u64,
    salt: u64,
}

impl Header {
    fn octets(&self) -> [u8; HEADER] {
        let mut octets = [0; HEADER];
        let numbers = [MAGIC, self.store.cast_unsigned(), self.generation, self.first, self.salt, self.sum()];
        for (to, number) in octets.as_chunks_mut::<8>().0.iter_mut().zip(numbers) {
            *to = number.to_le_bytes();
        }
        octets
    }

    /// None if there is none.
    fn read(octets: &[u8]) -> Option<Self> {
        let numbers = octets.get(..HEADER)?.as_chunks::<8>().0;
        let mut numbers = numbers.iter().map(|number| u64::from_le_bytes(*number));
        let magic = numbers.next()?;
        let store = numbers.next()?.cast_signed();
        let (generation, first) = (numbers.next()?, numbers.next()?);
        let header = Self { store, generation, first, salt: numbers.next()? };
        (magic == MAGIC && numbers.next()? == header.sum()).then_some(header)
    }

    fn sum(&self) -> u64 {
        let mut sum = Sum::new();
        for number in [MAGIC, self.store.cast_unsigned(), self.generation, self.first, self.salt] {
            sum.number(Some(number.cast_signed()));
        }
        sum.value().cast_unsigned()
    }
}

/// The frames of a segment, up to the first that is none.
struct Frames<'a> {
    rest: &'a [u8],
    seq: u64,
    salt: u64,
}

impl<'a> Frames<'a> {
    fn new(header: &Header, octets: &'a [u8]) -> Self {
        Self { rest: octets.get(HEADER..).unwrap_or_default(), seq: header.first, salt: header.salt }
    }
}

impl<'a> Iterator for Frames<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let (frame, rest) = frame::open(self.rest, self.seq, self.salt)?;
        self.rest = rest;
        self.seq += 1;
        Some(frame)
    }
}

const HEADER: usize = 64;
/// At 30,000 messages a second three are in use at a time.
const AT_START: usize = 4;
/// "smppkit" and the version of what follows.
const MAGIC: u64 = u64::from_le_bytes(*b"smppkit\x01");

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails once, as a system that tells of lost octets does.
    #[derive(Default)]
    struct Broken(Mutex<u32>);

    impl LogFile for Broken {
        fn length(&self) -> io::Result<u64> {
            Ok(0)
        }

        fn read(&self, _: u64) -> io::Result<Vec<u8>> {
            Ok(Vec::new())
        }

        fn write_at(&self, _: u64, _: &[u8]) -> io::Result<()> {
            Ok(())
        }

        fn sync(&self) -> io::Result<()> {
            let mut syncs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            *syncs += 1;
            if *syncs == 2 { Err(io::Error::other("the disk is broken")) } else { Ok(()) }
        }
    }

    #[test]
    fn after_one_failed_sync_no_other_succeeds() {
        let syncing = Syncing::default();
        syncing.lock().file = Some(Arc::new(Broken::default()));
        let synced = [1, 2, 3, 3].map(|written| {
            syncing.written.store(written, Ordering::Release);
            syncing.sync().is_ok()
        });
        assert_eq!(synced, [true, false, false, false]);
    }

    #[test]
    fn what_is_durable_is_not_synced_again() {
        let (syncing, file) = (Syncing::default(), Arc::new(Broken::default()));
        syncing.lock().file = Some(Arc::clone(&file) as Arc<dyn LogFile>);
        syncing.written.store(1, Ordering::Release);
        assert!((0..3).all(|_| syncing.sync().is_ok()));
        assert_eq!(*file.0.lock().unwrap(), 1);
    }
}
