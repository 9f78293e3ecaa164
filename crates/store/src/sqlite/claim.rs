//! Handing out messages: from the heads in memory, which are filled from disk; and finding them.

use super::damage;
use super::live::{Live, Phase};
use super::memory::Memory;
use super::schema::Day;
use crate::error::StoreError;
use crate::id::MessageId;
use crate::message::{Accepted, Claimed, Correlated, Message, RemoteId, State, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::cmp::Reverse;
use std::ops::Bound::{Excluded, Included, Unbounded};
use std::sync::Arc;

pub(super) fn claim(
    c: &Connection,
    m: &mut Memory,
    now: Timestamp,
    queue: &str,
    limit: usize,
) -> Result<Vec<Claimed>, StoreError> {
    let priorities: Vec<_> = m.lanes(queue).map(|lanes| lanes.keys().copied().collect()).unwrap_or_default();
    let mut claimed = Vec::new();
    for priority in priorities {
        while claimed.len() < limit {
            fill(c, m, now, queue, priority, limit - claimed.len())?;
            let Some(lane) = m.lanes(queue).and_then(|lanes| lanes.get(&priority)) else { break };
            let due = lane.ready.range(..=(now, MessageId::MAX)).take(limit - claimed.len());
            let due: Vec<MessageId> = due.map(|(_, id)| *id).collect();
            if due.is_empty() {
                break;
            }
            claimed.extend(due.into_iter().filter_map(|id| take(m, id)));
        }
    }
    Ok(claimed)
}

/// Marks a message that is ready as claimed.
pub(super) fn take(m: &mut Memory, id: MessageId) -> Option<Claimed> {
    let live = m.live.get_mut(&id)?;
    live.phase = Phase::Claimed;
    let claimed = live.claimed();
    let live = live.clone();
    m.unqueue(&live);
    if let Some(live) = m.live.get_mut(&id) {
        live.is_parked = false;
    }
    Some(claimed)
}

/// Reads rows that wait on disk into a lane that has fewer due than are wanted.
fn fill(
    c: &Connection,
    m: &mut Memory,
    now: Timestamp,
    queue: &str,
    priority: Reverse<u8>,
    wanted: usize,
) -> Result<(), StoreError> {
    loop {
        let days: Vec<_> = m.days.values().cloned().collect();
        let head = m.settings.head_limit;
        let Some(lane) = m.lanes(queue).and_then(|lanes| lanes.get_mut(&priority)) else { return Ok(()) };
        let is_behind = lane.backlog_from.is_some_and(|from| from <= now);
        if !is_behind || lane.ready.range(..=(now, MessageId::MAX)).take(wanted).count() == wanted {
            return Ok(());
        }
        let cursor = lane.cursor;
        let found = waiting(c, m, &days, (queue, priority.0), now, cursor)?;
        if !m.noted.borrow().is_empty() {
            // Put aside, they are not met again, and what is behind them is.
            damage::settle(c, m, now)?;
            continue;
        }
        let Some(lane) = m.lanes(queue).and_then(|lanes| lanes.get_mut(&priority)) else { return Ok(()) };
        // Those that have no row yet stand among the others.
        let from_memory = lane.parked.range((Excluded(cursor), Included((now, MessageId::MAX))));
        let mut places: Vec<(Timestamp, MessageId)> = from_memory.take(head).copied().collect();
        places.extend(found.iter().map(|live| (live.due_at, live.id())));
        places.sort_unstable();
        places.truncate(head);
        let is_last = places.len() < head;
        let parked_next = lane.parked.range((Excluded((now, MessageId::MAX)), Unbounded)).next();
        let parked_next = parked_next.map(|(due_at, _)| *due_at);
        let next = if is_last { next_waiting(c, &days, now, queue, priority.0)? } else { None };
        let Some(lane) = m.lanes(queue).and_then(|lanes| lanes.get_mut(&priority)) else { return Ok(()) };
        let end = match places.last() {
            Some(last) if !is_last => {
                lane.backlog_from = Some(last.0);
                *last
            }
            _ => {
                lane.backlog_from = next.into_iter().chain(parked_next).min();
                (now, MessageId::MAX)
            }
        };
        lane.cursor = end;
        for live in found.into_iter().filter(|live| (live.due_at, live.id()) <= end) {
            // What is in memory is there in a later state than its row.
            if !m.live.contains_key(&live.id()) {
                m.place(now, live);
            }
        }
        for (_, id) in places {
            m.unpark(id);
        }
    }
}

/// Rows of one lane that are due, over all days.
pub(super) fn waiting(
    c: &Connection,
    m: &Memory,
    days: &[Arc<Day>],
    (queue, priority): (&str, u8),
    now: Timestamp,
    (due_at, id): (Timestamp, MessageId),
) -> Result<Vec<Live>, StoreError> {
    let mut found = Vec::new();
    let limit = m.settings.head_limit;
    for day in days {
        let mut statement = c.prepare_cached(&day.waiting)?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut rows = statement.query(params![queue, priority, due_at.0, id.to_sql(), now.0, limit])?;
        while let Some(row) = rows.next()? {
            found.extend(damage::sound(m, row)?);
        }
    }
    found.sort_by_key(|live| (live.due_at, live.id()));
    found.truncate(limit);
    Ok(found)
}

fn next_waiting(
    c: &Connection,
    days: &[Arc<Day>],
    now: Timestamp,
    queue: &str,
    priority: u8,
) -> Result<Option<Timestamp>, StoreError> {
    let mut next: Option<i64> = None;
    for day in days {
        let mut statement = c.prepare_cached(&day.next_waiting)?;
        let due: Option<i64> = statement.query_row(params![queue, priority, now.0], |row| row.get(0))?;
        next = next.into_iter().chain(due).min();
    }
    Ok(next.map(Timestamp))
}

pub(super) fn expired(
    c: &Connection,
    m: &mut Memory,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<Claimed>, StoreError> {
    let in_memory = m.expiring.range(..=(now, MessageId::MAX)).take(limit);
    let in_memory: Vec<MessageId> = in_memory.map(|(_, id)| *id).collect();
    let mut claimed: Vec<Claimed> = in_memory.into_iter().filter_map(|id| take(m, id)).collect();
    let days: Vec<_> = m.days.values().cloned().collect();
    for day in days {
        // Rows of claimed messages are met again until they are folded, so ask for that many more.
        let ask = i64::try_from(limit.saturating_add(m.settings.head_limit)).unwrap_or(i64::MAX);
        let mut statement = c.prepare_cached(&day.expired)?;
        let mut rows = statement.query([now.0, ask])?;
        while claimed.len() < limit
            && let Some(row) = rows.next()?
        {
            let Some(mut live) = damage::sound(m, row)? else { continue };
            if !m.live.contains_key(&live.id()) {
                live.phase = Phase::Claimed;
                claimed.push(live.claimed());
                m.place(now, live);
            }
        }
    }
    Ok(claimed)
}

pub(super) fn correlate(
    c: &Connection,
    m: &Memory,
    remote: &RemoteId,
) -> Result<Vec<Correlated>, StoreError> {
    let mut ids: Vec<MessageId> = Vec::new();
    let foreseen = remote.forms.iter().find_map(|form| m.foreseen(&remote.connector, form));
    for form in &remote.forms {
        ids.extend(m.remotes.find(&remote.connector, form));
    }
    ids.extend(foreseen);
    let is_awaited = |id: &MessageId| {
        foreseen == Some(*id) || m.live.get(id).is_some_and(|live| live.phase == Phase::Sent)
    };
    if !ids.iter().any(is_awaited) {
        // Only then: a look-up in every day's table is too much for each receipt.
        for day in m.days.values() {
            for form in &remote.forms {
                ids.extend(damage::find_remote(c, day, &remote.connector, form)?);
            }
        }
    }
    ids.sort_unstable_by_key(|id| Reverse(*id));
    ids.dedup();
    let mut correlated = Vec::with_capacity(ids.len());
    for id in ids {
        if let Some(live) = m.live.get(&id) {
            let now = live.correlated();
            let is_next = foreseen == Some(id) && now.state == State::Queued;
            correlated.push(if is_next { Correlated { state: State::Sent, ..now } } else { now });
        } else if let Some(day) = m.days.get(&Day::of(id)) {
            correlated.extend(damage::find(c, m, day, id)?.map(|live| live.correlated()));
        }
    }
    Ok(correlated)
}

pub(super) fn unreceipted(
    c: &Connection,
    m: &Memory,
    accepted_before: Timestamp,
    after: MessageId,
    limit: usize,
) -> Result<Vec<Message>, StoreError> {
    let before = MessageId::first_at(accepted_before);
    let mut found: Vec<Message> = Vec::new();
    let is_meant = |live: &&Live| live.phase == Phase::Sent && live.id() > after && live.id() < before;
    let mut first: Vec<&Live> = m.live.values().filter(is_meant).collect();
    first.sort_unstable_by_key(|live| live.id());
    found.extend(first.into_iter().take(limit).map(|live| live.clone().into_message()));
    for day in m.days.values() {
        let mut statement = c.prepare_cached(&day.sent)?;
        let mut rows = statement.query([after.to_sql(), before.to_sql(), i64::MAX])?;
        let mut of_day = 0;
        while of_day < limit
            && let Some(row) = rows.next()?
        {
            let Some(live) = damage::sound(m, row)? else { continue };
            if !m.live.contains_key(&live.id()) {
                of_day += 1;
                found.push(live.into_message());
            }
        }
    }
    found.sort_by_key(|message| message.accepted.id);
    found.dedup_by_key(|message| message.accepted.id);
    found.truncate(limit);
    Ok(found)
}

pub(super) fn find(
    c: &Connection,
    m: &Memory,
    account: &str,
    reference: &str,
) -> Result<Option<MessageId>, StoreError> {
    if let Some(id) = m.referred(account, reference) {
        return Ok(Some(id));
    }
    for day in m.days.values().rev() {
        let mut find = c.prepare_cached(&day.find_reference)?;
        if let Some(id) = find.query_row([account, reference], |row| row.get(0)).optional()? {
            return Ok(Some(MessageId::from_sql(id)));
        }
    }
    Ok(None)
}

/// Whose and between whom.
#[derive(Clone, Copy)]
pub(super) struct Between<'a> {
    pub(super) account: &'a str,
    pub(super) source: &'a str,
    pub(super) destination: &'a str,
}

impl Between<'_> {
    fn is_of(&self, message: &Accepted) -> bool {
        *message.destination == *self.destination
            && *message.source == *self.source
            && *message.account == *self.account
    }

    /// Compares columns as they lie in the page, before anything is copied.
    fn is_of_row(&self, row: &Row<'_>) -> rusqlite::Result<bool> {
        for (column, wanted) in [(10, self.destination), (9, self.source), (7, self.account)] {
            if row.get_ref(column)?.as_bytes_or_null().ok().flatten() != Some(wanted.as_bytes()) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

pub(super) fn pending(
    c: &Connection,
    m: &Memory,
    between: Between<'_>,
    limit: usize,
) -> Result<Vec<Message>, StoreError> {
    let heads =
        m.all_lanes().flat_map(|(_, _, lane)| lane.parked.iter().rev().chain(lane.ready.iter().rev()));
    let heads = heads.take(PENDING_LOOKS).filter_map(|(_, id)| m.live.get(id));
    let mut found: Vec<Live> = heads.filter(|live| between.is_of(&live.message)).cloned().collect();
    let mut looks = PENDING_LOOKS;
    for day in m.days.values().rev() {
        for (queue, priority, lane) in m.all_lanes() {
            if lane.backlog_from.is_none() {
                continue;
            }
            let mut statement = c.prepare_cached(&day.pending)?;
            let mut rows = statement.query(params![&**queue, priority.0])?;
            let mut of_lane = 0;
            while looks > 0
                && of_lane < limit
                && let Some(row) = rows.next()?
            {
                looks -= 1;
                if between.is_of_row(row)? && !m.live.contains_key(&MessageId::from_sql(row.get(0)?)) {
                    of_lane += 1;
                    found.extend(damage::sound(m, row)?);
                }
            }
        }
    }
    found.sort_unstable_by_key(|live| Reverse(live.id()));
    found.truncate(limit);
    Ok(found.into_iter().map(Live::into_message).collect())
}

/// Messages looked at by [`pending`] in memory, and rows: some 10 ms each.
const PENDING_LOOKS: usize = 10_000;
