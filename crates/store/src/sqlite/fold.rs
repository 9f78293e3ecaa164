//! Folding: what events said goes into the rows, a few messages a commit, and the events go.

use super::commit::Touched;
use super::live::{Live, OnDisk, Phase};
use super::memory::{Counters, Memory};
use super::schema::Day;
use super::sum::{self, Columns};
use crate::error::StoreError;
use crate::id::MessageId;
use crate::message::Timestamp;
use rusqlite::{CachedStatement, Connection, params};

/// What was folded, for memory to follow.
#[derive(Default)]
pub(super) struct Folded {
    rows: Vec<MessageId>,
    /// Taken from the front of the queue of ended messages.
    ended: usize,
    /// Taken from the front of the queue of ageing ones.
    aged: usize,
    /// Taken from the front of the events.
    events: usize,
}

impl Folded {
    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.events == 0
    }

    /// The first message that only memory and events know, once this is durable.
    pub(super) fn first_fresh(&self, m: &Memory) -> Option<MessageId> {
        m.fresh.iter().find(|id| self.rows.binary_search(id).is_err()).copied()
    }
}

/// Writes the rows of messages that ended, and of those that began to run long ago, in id order.
pub(super) fn fold(
    c: &Connection,
    m: &Memory,
    now: Timestamp,
    budget: usize,
    touched: &Touched,
    counters: &mut Counters,
) -> Result<Folded, StoreError> {
    let mut folded = Folded::default();
    for id in m.ended.iter().take(budget) {
        if touched.contains(*id) {
            break;
        }
        folded.ended += 1;
        if m.live.get(id).is_some_and(|live| matches!(live.phase, Phase::Ended(_))) {
            folded.rows.push(*id);
        }
    }
    let old = now.0.saturating_sub(m.settings.fold_after_ms());
    // Beyond the limit the oldest are folded however young they are.
    let mut excess = m.live.len().saturating_sub(m.settings.live_limit);
    for (since, id) in m.ageing.iter().take(2 * budget) {
        if (since.0 > old && excess == 0) || touched.contains(*id) || folded.rows.len() >= 2 * budget {
            break;
        }
        folded.aged += 1;
        excess = excess.saturating_sub(1);
        if m.live.get(id).is_some_and(|live| live.is_dirty() && !matches!(live.phase, Phase::Ended(_))) {
            folded.rows.push(*id);
        }
    }
    folded.rows.sort_unstable();
    folded.rows.dedup();
    let mut insert_cdr = c.prepare_cached("INSERT INTO cdr (seq,id) VALUES (?1,?2)")?;
    let mut update: Option<(i64, CachedStatement<'_>)> = None;
    for id in &folded.rows {
        let Some(live) = m.live.get(id) else { continue };
        let number = Day::of(*id);
        if update.as_ref().is_none_or(|(day, _)| *day != number) {
            let Some(day) = m.days.get(&number) else { continue };
            update = Some((number, c.prepare_cached(&day.fold)?));
        }
        let (_, update) = update.as_mut().expect("put there above");
        write_row(update, live)?;
        if matches!(live.phase, Phase::Ended(_)) {
            counters.cdr_seq += 1;
            insert_cdr.execute([counters.cdr_seq, id.to_sql()])?;
        }
    }
    write_remotes(c, m, &folded.rows)?;
    drop_events(c, m, budget, &mut folded)?;
    Ok(folded)
}

/// `update` is [`Day::fold`] of the message's day.
pub(super) fn write_row(update: &mut CachedStatement<'_>, live: &Live) -> Result<(), StoreError> {
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
        Columns::live(live).sum(),
    ])?;
    Ok(())
}

/// The remote ids of what waits for its receipt, sorted, so that the index grows page by page.
fn write_remotes(c: &Connection, m: &Memory, rows: &[MessageId]) -> Result<(), StoreError> {
    let mut forms = Vec::new();
    for live in rows.iter().filter_map(|id| m.live.get(id)).filter(|live| live.phase == Phase::Sent) {
        let Some(remote) = &live.remote else { continue };
        let id = live.id();
        forms.extend(remote.forms.iter().map(|form| (Day::of(id), &*remote.connector, &**form, id)));
    }
    forms.sort_unstable();
    for (number, connector, form, id) in forms {
        let Some(day) = m.days.get(&number) else { continue };
        c.prepare_cached(&day.insert_remote)?.execute(params![
            connector,
            form,
            id.to_sql(),
            sum::of_remote(connector, form, id.to_sql())
        ])?;
    }
    Ok(())
}

/// Drops events from the front up to the first that a row does not say yet.
fn drop_events(c: &Connection, m: &Memory, budget: usize, folded: &mut Folded) -> Result<(), StoreError> {
    let is_said = |(seq, id): &(i64, MessageId)| match m.live.get(id) {
        None => true,
        Some(live) => *seq <= live.row_seq || folded.rows.binary_search(id).is_ok(),
    };
    let said = m.events.iter().take(4 * budget).take_while(|event| is_said(event)).count();
    let Some((last, _)) = said.checked_sub(1).and_then(|last| m.events.get(last)) else { return Ok(()) };
    c.prepare_cached("DELETE FROM event WHERE seq<=?1")?.execute([last])?;
    folded.events = said;
    Ok(())
}

pub(super) fn apply(m: &mut Memory, folded: Folded) {
    m.ended.drain(..folded.ended);
    m.events.drain(..folded.events);
    for (_, id) in m.ageing.drain(..folded.aged).collect::<Vec<_>>() {
        if let Some(live) = m.live.get_mut(&id) {
            live.is_ageing = false;
        }
    }
    for id in folded.rows {
        let Some(live) = m.live.get_mut(&id) else { continue };
        if live.phase == Phase::Claimed {
            live.row = OnDisk::Kept;
            live.row_seq = live.seq;
            m.fresh.remove(&id);
            continue;
        }
        let Some(live) = m.forget(id) else { continue };
        if live.phase == Phase::Ready {
            m.lane(&live.queue, live.message.priority).park(live.due_at, id);
        }
    }
}
