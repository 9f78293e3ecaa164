//! Handing out some messages of a queue and leaving the others where they stand.

use super::claim::{take, waiting};
use super::damage;
use super::live::Live;
use super::memory::Memory;
use crate::error::StoreError;
use crate::id::MessageId;
use crate::message::{Accepted, Claimed, Place, Timestamp};
use rusqlite::Connection;
use std::cmp::Reverse;
use std::ops::Bound::{Excluded, Included};

pub(super) fn pick(
    c: &Connection,
    m: &mut Memory,
    now: Timestamp,
    queue: &str,
    after: &mut Option<Place>,
    limit: usize,
    wanted: &mut dyn FnMut(&Accepted) -> bool,
) -> Result<Vec<Claimed>, StoreError> {
    let first = after.as_ref().map(|place| Reverse(place.priority));
    let priorities: Vec<_> = m.lanes(queue).map(|lanes| lanes.keys().copied().collect()).unwrap_or_default();
    let mut picked = Vec::new();
    let mut left = limit;
    for priority in priorities.into_iter().filter(|priority| first.is_none_or(|first| *priority >= first)) {
        let place = after.as_ref().filter(|place| place.priority == priority.0);
        let mut from = place.map_or((Timestamp(i64::MIN), MessageId::ZERO), |place| (place.due_at, place.id));
        while left > 0 {
            let Some(some) = next(c, m, now, queue, priority, from, left)? else { continue };
            left -= some.found.len();
            for (_, id, on_disk) in some.found {
                let Some(live) = on_disk.as_ref().or_else(|| m.live.get(&id)) else { continue };
                if !wanted(&live.message) {
                    continue;
                }
                if let Some(live) = on_disk {
                    m.place(now, live);
                }
                picked.extend(take(m, id));
            }
            let Some(up_to) = some.up_to else { break };
            from = up_to;
        }
        if left == 0 {
            *after = Some(Place { priority: priority.0, due_at: from.0, id: from.1 });
            return Ok(picked);
        }
    }
    *after = None;
    Ok(picked)
}

/// Messages of a lane in the order in which they would be handed out.
struct Stretch {
    /// Those in memory by their ids.
    found: Vec<(Timestamp, MessageId, Option<Live>)>,
    /// Where to go on; none at the end.
    up_to: Option<(Timestamp, MessageId)>,
}

/// None if rows were found damaged: put aside, they are not met again.
fn next(
    c: &Connection,
    m: &mut Memory,
    now: Timestamp,
    queue: &str,
    priority: Reverse<u8>,
    from: (Timestamp, MessageId),
    limit: usize,
) -> Result<Option<Stretch>, StoreError> {
    let days: Vec<_> = m.days.values().cloned().collect();
    let is_parked = m
        .lanes(queue)
        .and_then(|lanes| lanes.get(&priority))
        .is_some_and(|lane| lane.backlog_from.is_some_and(|from| from <= now));
    let rows = if is_parked { waiting(c, m, &days, (queue, priority.0), now, from)? } else { Vec::new() };
    if !m.noted.borrow().is_empty() {
        damage::settle(c, m, now)?;
        return Ok(None);
    }
    // Behind the last row that was read, others may come before what is in memory.
    let is_all = rows.len() < m.settings.head_limit;
    let last = rows.last().map(|live| (live.due_at, live.id())).filter(|_| !is_all);
    let end = last.unwrap_or((now, MessageId::MAX));
    let mut found: Vec<_> = rows
        .into_iter()
        .filter(|live| !m.live.contains_key(&live.id()))
        .map(|live| (live.due_at, live.id(), Some(live)))
        .collect();
    if let Some(lane) = m.lanes(queue).and_then(|lanes| lanes.get(&priority))
        && from < end
    {
        for of in [&lane.ready, &lane.parked] {
            let places = of.range((Excluded(from), Included(end))).take(limit);
            found.extend(places.map(|(due_at, id)| (*due_at, *id, None)));
        }
    }
    found.sort_unstable_by_key(|(due_at, id, _)| (*due_at, *id));
    let is_cut = found.len() > limit;
    found.truncate(limit);
    let up_to = if is_cut || (is_all && found.len() == limit) {
        found.last().map(|(due_at, id, _)| (*due_at, *id))
    } else {
        last
    };
    Ok(Some(Stretch { found, up_to }))
}
