//! At start: what runs, read back from the rows that wait and from the frames of the journal that they do not say.
//! A file of version 2 had no journal: there it is the rows above a mark, and events.

use super::Settings;
use super::damage;
use super::live::{EVENT_COLUMNS, EventRow, Live, OnDisk};
use super::memory::{ById, Counters, Memory, MessageId0};
use super::schema::{self, Day, FRESH};
use super::sum;
use crate::error::{StoreError, is_damage};
use crate::id::MessageId;
use crate::journal::{Record, Records};
use crate::message::{Timestamp, Totals};
use rusqlite::Connection;
use std::sync::Arc;

pub(super) fn recover(
    c: &Connection,
    now: Timestamp,
    settings: Settings,
    frames: &[(u64, Box<[u8]>)],
) -> Result<Memory, StoreError> {
    let mut m = Memory::new(settings);
    let mark = read_counters(c, &mut m)?;
    for number in schema::days(c)? {
        m.days.insert(number, Arc::new(Day::new(number)));
    }
    read_lanes(c, &mut m)?;
    let mut running = read_fresh(c, &m, mark)?;
    for live in running.values().filter(|live| live.is_queued() && live.row == OnDisk::Fresh) {
        m.count(&live.queue, 1);
    }
    read_events(c, &mut m, &mut running)?;
    let mut again = Again { c, m: &mut m, running };
    let (_, counted) = self::frames(c)?;
    for (number, octets) in frames {
        again.frame(octets, *number > counted)?;
    }
    let mut running: Vec<Live> = again.running.into_values().collect();
    running.sort_unstable_by_key(Live::id);
    // Whatever frame each is of, a restart needs all of them until they are in rows.
    m.frame = m.known + 1;
    for live in running {
        m.place(now, live);
    }
    m.frame = frames.last().map_or(counted, |(number, _)| counted.max(*number));
    m.counters.totals.orphans = count_orphans(c, &m)?;
    m.counters.totals.open = open(&m.counters.totals);
    m.is_open_doubtful |= c.query_row("SELECT count(*) FROM damaged", [], |row| row.get::<_, i64>(0))? > 0;
    // A full disk may leave it for the first commit.
    match damage::settle(c, &mut m, now) {
        Ok(()) | Err(StoreError::Full) => Ok(m),
        Err(error) => Err(error),
    }
}

/// Which store it is.
pub(super) fn store(c: &Connection) -> Result<i64, StoreError> {
    Ok(c.query_row("SELECT store FROM total", [], |row| row.get(0))?)
}

/// Rows say all up to the first of these frames, and nothing of those after the second.
pub(super) fn frames(c: &Connection) -> Result<(u64, u64), StoreError> {
    Ok(c.query_row("SELECT known,frame FROM total", [], |row| {
        Ok((row.get::<_, i64>(0)?.cast_unsigned(), row.get::<_, i64>(1)?.cast_unsigned()))
    })?)
}

fn count_orphans(c: &Connection, m: &Memory) -> Result<u64, StoreError> {
    let mut has = c.prepare("SELECT 1 FROM orphan WHERE seq=?1")?;
    let mut count: i64 = c.query_row("SELECT count(*) FROM orphan", [], |row| row.get(0))?;
    for number in m.orphans.kept.keys() {
        count += i64::from(!has.exists([number])?);
    }
    for number in &m.orphans.handed_out {
        count -= i64::from(has.exists([number])?);
    }
    Ok(count.max(0).cast_unsigned())
}

fn open(totals: &Totals) -> u64 {
    let Totals { accepted, delivered, failed, expired, cancelled, damaged, .. } = totals;
    accepted.saturating_sub(delivered + failed + expired + cancelled + damaged)
}

/// Frames of the journal, done again.
struct Again<'a> {
    c: &'a Connection,
    m: &'a mut Memory,
    running: ById<Live>,
}

impl Again<'_> {
    /// `is_new` if no row can say anything of it.
    fn frame(&mut self, octets: &[u8], is_new: bool) -> Result<(), StoreError> {
        for record in Records::new(octets) {
            match record {
                Record::Accept { message, is_parked } => {
                    if is_new || !self.has_row(message.id)? {
                        self.m.count(&message.queue, 1);
                        let live = Live { is_parked, ..Live::fresh(message) };
                        self.running.insert(live.id(), live);
                    }
                }
                Record::Event(event) => self.change(event.id, event.seq, |live| live.follow(&event))?,
                Record::Replace { id, seq, payload, due_at, expires_at } => {
                    self.change(id, seq, |live| live.replace(seq, &payload, due_at, expires_at))?;
                }
                Record::Keep { number, orphan } => self.m.orphans.keep(number, orphan),
                Record::HandOut { number } => self.m.orphans.hand_out(number),
                Record::Counters(numbers) if is_new => self.m.counters.set(&numbers),
                Record::Counters(_) => {}
            }
        }
        Ok(())
    }

    fn has_row(&self, id: MessageId) -> Result<bool, StoreError> {
        if self.running.contains_key(&id) {
            return Ok(true);
        }
        let Some(day) = self.m.days.get(&Day::of(id)) else { return Ok(false) };
        Ok(self.c.prepare_cached(&day.has)?.exists([id.to_sql()])?)
    }

    /// Changes a message that does not know of it yet.
    fn change(&mut self, id: MessageId, seq: i64, change: impl FnOnce(&mut Live)) -> Result<(), StoreError> {
        if !self.running.contains_key(&id) {
            let Some(day) = self.m.days.get(&Day::of(id)).cloned() else { return Ok(()) };
            let Some(live) = damage::find(self.c, self.m, &day, id)? else { return Ok(()) };
            self.running.insert(id, live);
        }
        let Some(live) = self.running.get_mut(&id).filter(|live| seq > live.seq) else { return Ok(()) };
        self.m.change_counted(live, change);
        Ok(())
    }
}

fn read_counters(c: &Connection, m: &mut Memory) -> Result<MessageId, StoreError> {
    let orphan = c.query_row("SELECT coalesce(max(seq),0) FROM orphan", [], |row| row.get(0))?;
    let sql = "SELECT accepted,delivered,failed,expired,cancelled,orphans,last_id,mark,event_seq,cdr_seq,damaged FROM total";
    let (counters, mark) = c.query_row(sql, [], |row| {
        let count = |at| row.get::<_, i64>(at).map(i64::cast_unsigned);
        let mut totals = Totals {
            accepted: count(0)?,
            open: 0,
            delivered: count(1)?,
            failed: count(2)?,
            expired: count(3)?,
            cancelled: count(4)?,
            damaged: count(10)?,
            orphans: count(5)?,
        };
        totals.open = open(&totals);
        let last_id = MessageId0(MessageId::from_sql(row.get(6)?));
        let counters = Counters { totals, last_id, event_seq: row.get(8)?, cdr_seq: row.get(9)?, orphan };
        Ok((counters, MessageId::from_sql(row.get(7)?)))
    })?;
    m.counters = counters;
    m.known = frames(c)?.0;
    m.last_row = m.counters.last_id.0;
    Ok(mark)
}

fn read_fresh(c: &Connection, m: &Memory, mark: MessageId) -> Result<ById<Live>, StoreError> {
    let mut running = ById::default();
    for number in m.days.range(Day::of(mark)..).map(|(number, _)| *number) {
        let mut statement = c.prepare(&Day::fresh(number))?;
        let mut rows = statement.query([mark.to_sql()])?;
        while let Some(row) = rows.next()? {
            if row.get_ref(1)?.as_i64().is_ok_and(|state| state != FRESH) && sum::check_message(row).is_ok() {
                continue;
            }
            if let Some(live) = damage::sound(m, row)? {
                running.insert(live.id(), live);
            }
        }
    }
    Ok(running)
}

fn read_events(c: &Connection, m: &mut Memory, running: &mut ById<Live>) -> Result<(), StoreError> {
    let mut statement = c.prepare(&format!("SELECT {EVENT_COLUMNS} FROM event ORDER BY seq"))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let event = match EventRow::<Box<str>>::from_row(row) {
            Ok(event) => event,
            Err(error) if is_damage(&error) => {
                // What it said is lost: its message is where it was before.
                m.events.push_back((row.get(0)?, MessageId::ZERO, Timestamp(i64::MIN)));
                m.is_open_doubtful = true;
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        m.events.push_back((event.seq, event.id, event.at));
        m.found_events = event.seq;
        if let Some(live) = running.get_mut(&event.id) {
            if event.seq > live.row_seq {
                m.change_counted(live, |live| live.apply(&event));
            }
            continue;
        }
        let Some(day) = m.days.get(&Day::of(event.id)) else { continue };
        let row = damage::find(c, m, &day.clone(), event.id)?;
        if let Some(mut live) = row.filter(|live| event.seq > live.row_seq) {
            m.change_counted(&mut live, |live| live.apply(&event));
            running.insert(event.id, live);
        }
    }
    Ok(())
}

fn read_lanes(c: &Connection, m: &mut Memory) -> Result<(), StoreError> {
    let numbers: Vec<i64> = m.days.keys().copied().collect();
    for number in numbers {
        let mut statement = c.prepare(&Day::lanes(number))?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let queue: Arc<str> = row.get(0)?;
            m.lane(&queue, row.get(1)?).park(Timestamp(row.get(2)?), MessageId::ZERO);
            m.count(&queue, row.get(3)?);
        }
    }
    Ok(())
}
