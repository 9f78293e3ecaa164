//! Folding: what the journal says goes into the rows, each message's last state in one row where it can.
//!
//! A [`Job`] is what one transaction writes. It is made of memory, written by a thread of its own or, for
//! tests and simulations, within the commit, and memory follows when it is done. The
//! transaction says up to which frame of the journal the rows now know everything: from there a restart reads on,
//! and the segments before are used again.

use super::commit::Counted;
use super::insert::{self, SIZES};
use super::live::{EventRow, Live, OnDisk, Phase};
use super::memory::{Counters, Memory};
use super::orphan;
use super::schema::Day;
use super::settings::Folding;
use super::sum;
use crate::error::StoreError;
use crate::id::MessageId;
use crate::message::{Orphan, Timestamp};
use rusqlite::{CachedStatement, Connection, params};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What one transaction writes.
#[derive(Debug)]
pub(super) struct Job {
    /// By id, when they are written.
    rows: Vec<Row>,
    parked: Vec<MessageId>,
    /// What happened to those that have not ended.
    events: Vec<EventRow>,
    /// The last event whose row is of no use any more, and how many go.
    dropped: Option<(i64, usize)>,
    orphans: Vec<(i64, Arc<Orphan>)>,
    handed_out: Vec<i64>,
    counters: Counters,
    /// Rows say all up to this frame.
    known: u64,
    /// What they say is as of this frame.
    frame: u64,
    /// The tables of the messages' days; none for those to be made.
    days: BTreeMap<i64, Option<Arc<Day>>>,
}

/// A message as it is to be written.
#[derive(Debug)]
pub(super) struct Row {
    live: Live,
    /// Whether it leaves memory then, if nothing happens to it meanwhile.
    leaves: bool,
    /// Its place in the list of ends, if it has one.
    end: Option<i64>,
}

/// Ended messages of the next job, gathered a few with each commit.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    rows: Vec<Row>,
    /// Of those, what has been replayed since.
    pub(super) replayed: Vec<MessageId>,
}

impl Memory {
    /// Of what was replayed since it was gathered, no row is good.
    fn drop_replayed(&mut self) {
        for id in std::mem::take(&mut self.gathered.replayed) {
            let before = self.gathered.rows.len();
            self.gathered.rows.retain(|row| row.live.id() != id);
            if self.gathered.rows.len() < before
                && let Some(live) = self.live.get_mut(&id)
            {
                live.is_in_job = false;
                if live.is_at_end() {
                    self.ended.push_back(id);
                }
            }
        }
    }
}

impl Gathered {
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }
}

/// Which messages a job is made of, beyond those whose time is up.
#[derive(Clone, Copy, Debug)]
pub(super) enum Reach {
    /// A few of those that wait, to see whether there is room, and no others.
    Few,
    /// So many that have ended.
    Ended(usize),
    /// All that changed by a frame.
    Frame(u64),
}

impl Reach {
    /// Everything there is.
    pub(super) const ALL: Self = Self::Frame(u64::MAX);
}

/// Gathers messages that have ended, so many at most.
pub(super) fn gather(m: &mut Memory, count: usize) {
    for _ in 0..count.min(m.ended.len()) {
        let Some(id) = m.ended.pop_front() else { return };
        let Some(live) = m.live.get_mut(&id).filter(|live| live.is_at_end() && live.is_dirty()) else {
            continue;
        };
        if live.is_in_job {
            // It ended again since: that is for the job after this one.
            m.ended.push_back(id);
            continue;
        }
        live.is_in_job = true;
        m.counters.cdr_seq += 1;
        m.gathered.rows.push(Row { live: live.clone(), leaves: false, end: Some(m.counters.cdr_seq) });
    }
}

impl Job {
    /// None if there is nothing to write. Nothing is under way.
    pub(super) fn of(m: &mut Memory, now: Timestamp, reach: Reach) -> Option<Self> {
        m.drop_replayed();
        let (count, most) = match reach {
            Reach::Few => (FEW, FEW),
            Reach::Ended(count) => (count, usize::MAX),
            Reach::Frame(_) => (usize::MAX, usize::MAX),
        };
        gather(m, count);
        let mut rows: Vec<Row> = m.gathered.rows.drain(..m.gathered.len().min(most)).collect();
        let parked: Vec<MessageId> = m.parked.drain(..m.parked.len().min(most)).collect();
        let mut chosen: Vec<(MessageId, bool)> = parked.iter().map(|id| (*id, true)).collect();
        if !matches!(reach, Reach::Few) {
            let at_once = match m.settings.folding {
                Folding::Beside => AGED,
                Folding::InCommit => m.settings.fold_batch,
            };
            m.take_aged(now, 2 * rows.len().max(at_once), &mut chosen);
        }
        if let Reach::Frame(frame) = reach {
            chosen.extend(m.dirty(frame).map(|id| (id, false)));
        }
        chosen.sort_unstable();
        chosen.dedup_by(|(id, leaves), (first, first_leaves)| {
            let is_same = id == first;
            *first_leaves |= is_same && *leaves;
            is_same
        });
        for (id, leaves) in chosen {
            let is_wanted = |live: &&mut Live| live.is_dirty() && !live.is_in_job && !live.is_at_end();
            let Some(live) = m.live.get_mut(&id).filter(is_wanted) else { continue };
            live.is_in_job = true;
            rows.push(Row { live: live.clone(), leaves, end: None });
        }
        let mut job = Self {
            events: rows
                .iter()
                .filter(|row| !row.live.is_at_end())
                .flat_map(|row| row.live.events())
                .collect(),
            rows,
            parked,
            dropped: said_events(m, now),
            orphans: m.orphans.kept.iter().map(|(number, orphan)| (*number, orphan.clone())).collect(),
            handed_out: m.orphans.handed_out.iter().copied().collect(),
            counters: m.counters,
            known: 0,
            frame: m.frame,
            days: BTreeMap::new(),
        };
        job.known = m.said_but(job.rows.iter().map(|row| row.live.dirty_since)).max(m.known);
        for row in &job.rows {
            m.last_row = m.last_row.max(row.live.id());
            let number = Day::of(row.live.id());
            job.days.entry(number).or_insert_with(|| m.days.get(&number).cloned());
        }
        let is_empty = job.rows.is_empty() && job.orphans.is_empty() && job.handed_out.is_empty();
        let is_needless = is_empty && job.dropped.is_none() && !m.are_counters_new && job.known == m.known;
        if is_needless {
            return None;
        }
        m.are_counters_new = false;
        Some(job)
    }

    /// In one transaction, or not at all.
    pub(super) fn write(&mut self, c: &Connection) -> Result<(), StoreError> {
        let written = c
            .prepare_cached("BEGIN IMMEDIATE")
            .and_then(|mut begin| begin.execute([]))
            .map_err(StoreError::from)
            .and_then(|_| self.write_all(c))
            .and_then(|()| Ok(c.prepare_cached("COMMIT")?.execute([])?));
        match written {
            Ok(_) => Ok(()),
            Err(error) => {
                if !c.is_autocommit() {
                    // What failed may have rolled back by itself.
                    c.execute_batch("ROLLBACK")?;
                }
                Err(error)
            }
        }
    }

    fn write_all(&mut self, c: &Connection) -> Result<(), StoreError> {
        self.rows.sort_unstable_by_key(|row| row.live.id());
        for (number, day) in &mut self.days {
            if day.is_none() {
                c.execute_batch(&Day::create(*number))?;
                *day = Some(Arc::new(Day::new(*number)));
            }
        }
        let mut rest = self.rows.as_slice();
        while let Some(first) = rest.first() {
            let number = Day::of(first.live.id());
            let (of_day, others) =
                rest.split_at(rest.partition_point(|row| Day::of(row.live.id()) == number));
            rest = others;
            if let Some(Some(day)) = self.days.get(&number) {
                write_day(c, day, of_day)?;
            }
        }
        self.write_ends(c)?;
        self.write_remotes(c)?;
        if let Some((last, _)) = self.dropped {
            c.prepare_cached("DELETE FROM event WHERE seq<=?1")?.execute([last])?;
        }
        insert::events(c, &self.events)?;
        orphan::write(c, &self.orphans, &self.handed_out)?;
        Counted { counters: &self.counters, known: self.known, frame: self.frame }.write(c)
    }

    /// The list of ends, in their order.
    fn write_ends(&self, c: &Connection) -> Result<(), StoreError> {
        let ends = self.rows.iter().filter_map(|row| Some((row.end?, row.live.id())));
        let mut ends: Vec<(i64, MessageId)> = ends.collect();
        ends.sort_unstable();
        insert::ends(c, &ends)
    }

    /// The remote ids of what waits for its receipt, sorted, so that the index grows page by page.
    fn write_remotes(&self, c: &Connection) -> Result<(), StoreError> {
        let mut forms = Vec::new();
        for live in self.rows.iter().map(|row| &row.live).filter(|live| live.phase == Phase::Sent) {
            let Some(remote) = &live.remote else { continue };
            let id = live.id();
            forms.extend(remote.forms.iter().map(|form| (Day::of(id), &*remote.connector, &**form, id)));
        }
        forms.sort_unstable();
        for (number, connector, form, id) in forms {
            let Some(Some(day)) = self.days.get(&number) else { continue };
            c.prepare_cached(&day.insert_remote)?.execute(params![
                connector,
                form,
                id.to_sql(),
                sum::of_remote(connector, form, id.to_sql())
            ])?;
        }
        Ok(())
    }

    /// Memory follows what was written; of the messages, see [`Applying`].
    pub(super) fn apply(self, m: &mut Memory) -> Applying {
        m.known = m.known.max(self.known);
        m.days.extend(self.days.into_iter().filter_map(|(number, day)| Some((number, day?))));
        m.events.drain(..self.dropped.map_or(0, |(_, count)| count));
        m.events.extend(self.events.iter().map(|event| (event.seq, event.id, event.at)));
        for (number, _) in &self.orphans {
            m.orphans.forget(*number);
        }
        for number in &self.handed_out {
            m.orphans.handed_out.remove(number);
        }
        Applying { rows: self.rows.into_iter(), frame: self.frame }
    }

    /// It could not be written: what it was made of waits again.
    pub(super) fn undo(self, m: &mut Memory) {
        m.parked.extend(self.parked);
        for row in self.rows.into_iter().rev() {
            let id = row.live.id();
            let Some(live) = m.live.get_mut(&id) else { continue };
            live.is_in_job = false;
            if row.end.is_some() {
                m.ended.push_front(id);
            } else if row.leaves {
                m.age_again(id);
            }
        }
        m.are_counters_new = true;
    }
}

/// Messages whose rows were written; memory follows them a few with each commit.
#[derive(Debug, Default)]
pub(super) struct Applying {
    rows: std::vec::IntoIter<Row>,
    frame: u64,
}

impl Applying {
    pub(super) fn is_done(&self) -> bool {
        self.rows.as_slice().is_empty()
    }

    /// So many at most.
    pub(super) fn some(&mut self, m: &mut Memory, count: usize) {
        if self.is_done() {
            return;
        }
        for row in self.rows.by_ref().take(count) {
            let id = row.live.id();
            let Some(live) = m.live.get_mut(&id) else { continue };
            let was_absent = std::mem::replace(&mut live.row, OnDisk::Kept) == OnDisk::Absent;
            live.is_in_job = false;
            live.row_seq = row.live.seq;
            let is_clean = live.seq == live.row_seq;
            let was_dirty_since = std::mem::take(&mut live.dirty_since);
            if is_clean {
                (live.is_replaced, live.trail) = (false, None);
            } else {
                live.cut_trail();
                live.dirty_since = self.frame + 1;
            }
            let leaves = match live.phase {
                Phase::Ended(_) => true,
                Phase::Ready => row.leaves || live.is_parked,
                Phase::Sent => row.leaves,
                Phase::Claimed => false,
            };
            if was_absent {
                m.has_row(&row.live.message);
            }
            m.count_dirty(was_dirty_since, -1);
            if !is_clean {
                m.count_dirty(self.frame + 1, 1);
                m.age_anew(id);
            } else if leaves {
                m.leave(id);
            }
        }
        m.said();
    }
}

/// Events from the front that tell nothing that a row does not, or are old.
fn said_events(m: &Memory, now: Timestamp) -> Option<(i64, usize)> {
    let old = now.0.saturating_sub(m.settings.fold_after_ms());
    // Of those found at start, others may wait on disk.
    let is_said = |(seq, id, at): &&(i64, MessageId, Timestamp)| {
        at.0 <= old || m.live.get(id).map_or(*seq > m.found_events, Live::is_at_end)
    };
    let count = m.events.iter().take_while(is_said).count();
    m.events.get(count.checked_sub(1)?).map(|(last, ..)| (*last, count))
}

/// Writes the rows of one day, new ones many at a time.
fn write_day(c: &Connection, day: &Day, rows: &[Row]) -> Result<(), StoreError> {
    let mut new: Vec<&Live> = Vec::with_capacity(rows.len());
    let mut update: Option<CachedStatement<'_>> = None;
    for live in rows.iter().map(|row| &row.live) {
        if live.row == OnDisk::Absent {
            new.push(live);
            continue;
        }
        if live.is_replaced {
            c.prepare_cached(&day.replace)?.execute(params![
                live.id().to_sql(),
                &*live.message.payload,
                live.message.expires_at.map(|at| at.0)
            ])?;
        }
        if update.is_none() {
            update = Some(c.prepare_cached(&day.fold)?);
        }
        if let Some(update) = &mut update {
            write_row(update, live)?;
        }
    }
    let mut rest = new.as_slice();
    for (size, sql) in SIZES.into_iter().zip(&day.insert) {
        insert::messages(c, sql, size, &mut rest)?;
    }
    Ok(())
}

/// `update` is [`Day::fold`] of the message's day.
fn write_row(update: &mut CachedStatement<'_>, live: &Live) -> Result<(), StoreError> {
    let remote = live.remote.as_ref();
    update.execute(params![
        live.id().to_sql(),
        live.row_state(),
        live.version,
        live.due_at.0,
        live.attempts,
        &*live.queue,
        live.finished_at.map(|at| at.0),
        remote.map(|remote| &*remote.connector),
        remote.and_then(|remote| remote.forms.first()).map(|form| &**form),
        (!live.reason.is_empty()).then_some(&*live.reason),
        live.seq,
        sum::Columns::live(live).sum(),
    ])?;
    Ok(())
}

/// Messages that leave memory by their age with one transaction, at least.
const AGED: usize = 2_048;
/// Messages that show whether there is room.
const FEW: usize = 64;
