//! The PDUs of one message, found by what its app knows of it.
//!
//! Sessions do not say which message a PDU belongs to: whoever asks finds it out, by ids and by what a message carries.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::future::Future;
use std::pin::Pin;

use smppkit_inspect::{Filter, Wanted};
use smppkit_ops::Problem;
use smppkit_wire::{CommandStatus, Header};

use super::pdus::{CHUNK, Span};
use super::{Direction, Entry, Record};
use crate::ask::Ask;

/// An app that knows messages by their ids.
pub trait Trails: Send + Sync {
    /// What shows that a PDU belongs to a message.
    fn of(&self, message: String) -> Pin<Box<dyn Future<Output = Result<Trail, Problem>> + Send + '_>>;
}

/// What shows that a PDU belongs to a message. What answers such a PDU belongs to it as well, and what it answers.
#[derive(Debug, Default)]
pub struct Trail {
    /// Only what passed at or after, in milliseconds since 1970.
    pub from_ms: i64,
    /// Only what passed before.
    pub until_ms: i64,
    /// One of these holds for PDUs that carry an id of the message.
    pub by_id: Vec<Filter>,
    /// One of these holds for requests that carry the same as the message.
    pub by_content: Vec<Filter>,
    /// Holds for answers that name this message. Another one's ESME_ROK shows that what it answers carried the same, and is
    /// another message.
    pub named: Option<Filter>,
}

/// PDUs looked at at most.
const LOOKED_AT: u64 = 500_000;
/// Requests whose answers are awaited at most: more than sessions have under way.
const AWAITED: usize = 100_000;

/// A session's request: the session, the way it went, its sequence_number.
type Key = (u64, Direction, u32);

/// The latest PDUs of a message, the oldest first.
pub(super) async fn follow(record: &Record, ask: &Ask, trail: &Trail, limit: usize) -> Vec<Entry> {
    let filters = trail.by_id.iter().chain(&trail.by_content).chain(&trail.named).chain([&ask.filter]);
    let wanted = Wanted::by(&filters.collect::<Vec<_>>());
    let mut following =
        Following { trail, wanted, found: BTreeSet::new(), asked: HashMap::new(), order: VecDeque::new() };
    let span = Span::of(record, ask);
    let end = span.end.min(record.at(trail.until_ms));
    let mut at = span.begin.max(record.at(trail.from_ms)).max(end.saturating_sub(LOOKED_AT));
    while at < end {
        let read = record.read(at, CHUNK);
        at = read.next;
        read.entries.iter().filter(|entry| entry.number < end).for_each(|entry| following.look(entry));
        tokio::task::yield_now().await;
    }
    let Following { found, wanted, .. } = following;
    let entries = found.into_iter().rev().filter_map(|number| record.one(number));
    let mut entries: Vec<Entry> =
        entries.filter(|entry| ask.filter.holds(&entry.facts(&wanted))).take(limit).collect();
    entries.reverse();
    entries
}

struct Following<'a> {
    trail: &'a Trail,
    wanted: Wanted,
    /// Numbers of PDUs.
    found: BTreeSet<u64>,
    /// Requests by what their answers will have, with whether they are found by their content alone.
    asked: HashMap<Key, (u64, bool)>,
    order: VecDeque<Key>,
}

impl Following<'_> {
    fn look(&mut self, entry: &Entry) {
        let Some(header) = Header::read(&entry.octets) else { return };
        let facts = entry.facts(&self.wanted);
        let holds = |filters: &[Filter]| filters.iter().any(|filter| filter.holds(&facts));
        let is_named = holds(&self.trail.by_id);
        if !header.is_response() {
            let carries = holds(&self.trail.by_content);
            if is_named || carries {
                self.found.insert(entry.number);
            }
            let key = (entry.party.session, entry.direction, header.sequence_number);
            self.asked.insert(key, (entry.number, carries && !is_named));
            self.order.push_back(key);
            if self.order.len() > AWAITED
                && let Some(oldest) = self.order.pop_front()
            {
                self.asked.remove(&oldest);
            }
            return;
        }
        let asked = match entry.direction {
            Direction::In => Direction::Out,
            Direction::Out => Direction::In,
        };
        let request = self.asked.remove(&(entry.party.session, asked, header.sequence_number));
        let is_found = request.is_some_and(|(number, _)| self.found.contains(&number));
        if !is_named && !is_found {
            return;
        }
        if let Some((number, by_content)) = request {
            let is_taken = header.command_status == CommandStatus::ESME_ROK;
            let is_another = |named: &Filter| is_taken && !named.holds(&facts);
            if by_content && !is_named && self.trail.named.as_ref().is_some_and(is_another) {
                self.found.remove(&number);
                return;
            }
            self.found.insert(number);
        }
        self.found.insert(entry.number);
    }
}
