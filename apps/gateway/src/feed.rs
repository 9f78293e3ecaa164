//! From a queue of the store to the sessions that send what is in it.
//!
//! Sessions say how many messages they have room for. While something is due, so many are claimed at
//! once, and messages between the same two numbers go to the same session: their order is kept. A
//! queue that has run dry is looked at again when something came into it, or when the next of its
//! messages falls due.

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use smppkit_route::Hours;
use smppkit_store::{Claimed, Store, StoreError, Timestamp};
use smppkit_wire::Version;

use crate::access::Rate;
use crate::hub::Hub;
use crate::note::{Note, Notes};
use crate::settings::millis;

/// One queue.
#[derive(Debug)]
pub(crate) struct Feed {
    pub(crate) queue: Arc<str>,
    inside: Mutex<Inside>,
}

#[derive(Debug, Default)]
struct Inside {
    takers: Vec<Taker>,
    next_taker: u64,
    is_claiming: bool,
    /// Nothing is claimed: an operator said so.
    is_paused: bool,
    /// Nothing was due when it was looked at last.
    is_dry: bool,
    /// When it is looked at again, in milliseconds since 1970.
    look_at: Option<i64>,
    rate: Option<Arc<Rate>>,
    /// Outside them nothing is claimed.
    hours: Option<Arc<Hours>>,
}

/// A session that sends.
#[derive(Debug)]
struct Taker {
    id: u64,
    notes: Arc<Notes>,
    version: Version,
    /// How many more it has room for; below 0 it has more than that.
    room: i64,
    /// What it may hold beyond its room before others get what would be its, if it does not move.
    slack: i64,
    /// When it said last what it has room for.
    spoke: Option<Instant>,
}

/// Claimed at once at most: what is claimed and not sent is lost time when a session ends.
const CLAIM: i64 = 1_000;
/// A session that has more than it can take and says nothing for so long does not move: others get what would be its.
/// Order is kept for as long as that.
const STUCK: Duration = Duration::from_secs(5);
/// Until a queue is looked at again that could not be read.
const FAILED_MS: i64 = 1_000;

impl Feed {
    pub(crate) fn new(queue: Arc<str>) -> Self {
        Self { queue, inside: Mutex::default() }
    }

    /// Messages in a second, from now on.
    pub(crate) fn set_rate(&self, rate: Option<Arc<Rate>>) {
        self.inside().rate = rate;
    }

    /// When messages are claimed, from now on.
    pub(crate) fn set_hours(&self, hours: Option<Arc<Hours>>) {
        self.inside().hours = hours;
    }

    /// A session begins to send. `window` is what it can have on its way.
    pub(crate) fn join(&self, notes: &Arc<Notes>, (window, version): (u32, Version)) -> u64 {
        let mut inside = self.inside();
        inside.next_taker += 1;
        let id = inside.next_taker;
        let slack = i64::from(window.max(1));
        inside.takers.push(Taker { id, notes: Arc::clone(notes), version, room: 0, slack, spoke: None });
        id
    }

    /// A session sends no more. What it was handed and did not send it must release.
    pub(crate) fn leave(&self, id: u64) {
        self.inside().takers.retain(|taker| taker.id != id);
    }

    /// The session that a broadcast goes to: one that speaks 5.0, with the most room.
    pub(crate) fn errand_runner(&self) -> Option<Arc<Notes>> {
        let inside = self.inside();
        let speaks = inside.takers.iter().filter(|taker| taker.version == Version::V50);
        let freest = speaks.max_by_key(|taker| taker.room).filter(|_| !inside.is_paused);
        freest.map(|taker| Arc::clone(&taker.notes))
    }

    /// Nothing more is claimed until it is resumed.
    pub(crate) fn pause(&self) {
        self.inside().is_paused = true;
    }

    /// What waits is claimed again.
    pub(crate) fn resume(self: &Arc<Self>, hub: &Arc<Hub>) {
        self.inside().is_paused = false;
        self.told(hub);
    }

    /// Whether nothing is claimed because an operator said so.
    pub(crate) fn is_paused(&self) -> bool {
        self.inside().is_paused
    }

    /// A session has room for so many more.
    pub(crate) fn want(self: &Arc<Self>, hub: &Arc<Hub>, id: u64, room: i64) {
        let now = hub.now().mono;
        let mut inside = self.inside();
        if let Some(taker) = inside.takers.iter_mut().find(|taker| taker.id == id) {
            (taker.room, taker.spoke) = (room, Some(now));
        }
        self.claim(hub, inside);
    }

    /// Something came into the queue, or may have.
    pub(crate) fn told(self: &Arc<Self>, hub: &Arc<Hub>) {
        let mut inside = self.inside();
        inside.is_dry = false;
        inside.look_at = None;
        self.claim(hub, inside);
    }

    /// Looks again if it is time; says when it will be.
    pub(crate) fn tick(self: &Arc<Self>, hub: &Arc<Hub>, now_ms: i64) -> Option<i64> {
        let look_at = self.inside().look_at?;
        if look_at > now_ms {
            return Some(look_at);
        }
        self.told(hub);
        None
    }

    fn claim(self: &Arc<Self>, hub: &Arc<Hub>, mut inside: MutexGuard<'_, Inside>) {
        if inside.is_claiming || inside.is_paused || inside.is_dry || !hub.may_send() {
            return;
        }
        if let Some(hours) = inside.hours.clone() {
            let now_ms = hub.now().unix_ms;
            if !hours.is_open(now_ms) {
                inside.is_dry = true;
                if let Some(opens) = hours.next_change(now_ms) {
                    inside.look_at(hub, opens);
                }
                return;
            }
        }
        let now = hub.now();
        let moving = inside.takers.iter().filter(|taker| !taker.is_stuck(now.mono));
        let room: i64 = moving.map(|taker| taker.room).sum();
        let mut limit = room.min(CLAIM);
        if limit <= 0 {
            if inside.takers.iter().any(|taker| taker.room > 0) {
                // Another one has too much: perhaps it does not move.
                inside.look_at(hub, now.unix_ms + millis(STUCK));
            }
            return;
        }
        if let Some(rate) = &inside.rate {
            let free = i64::from(rate.available(now.mono));
            if free == 0 {
                let wait_ms = i64::try_from(rate.wait(now.mono).as_millis()).unwrap_or(1_000).max(1);
                let look_at = now.unix_ms + wait_ms;
                inside.is_dry = true;
                inside.look_at(hub, look_at);
                return;
            }
            limit = limit.min(free);
        }
        inside.is_claiming = true;
        drop(inside);
        let limit = usize::try_from(limit).unwrap_or(1);
        let (feed, of) = (Arc::clone(self), Arc::clone(hub));
        let is_taken = hub.store.call_then(move |store: &mut dyn Store, now| {
            let claimed = store.claim(now, &feed.queue, limit);
            let next_due = store.next_due(&feed.queue);
            feed.claimed(&of, now, claimed, next_due, limit);
        });
        if !is_taken {
            self.inside().is_claiming = false;
        }
    }

    /// In the writer's thread. What sessions asked for meanwhile is claimed next.
    fn claimed(
        self: &Arc<Self>,
        hub: &Arc<Hub>,
        now: Timestamp,
        claimed: Result<Vec<Claimed>, StoreError>,
        next_due: Option<Timestamp>,
        limit: usize,
    ) {
        let mut inside = self.inside();
        inside.is_claiming = false;
        let (claimed, next_due) = match claimed {
            Ok(claimed) => (claimed, next_due),
            Err(error) => {
                hub.store_failed(&error);
                (Vec::new(), Some(Timestamp(now.0 + FAILED_MS)))
            }
        };
        if claimed.len() < limit {
            inside.is_dry = true;
            // What is due already and was not handed out is somebody's; the moment may also be early.
            let look_at = next_due.map(|due| due.0.max(now.0 + 10));
            inside.look_at = None;
            if let Some(look_at) = look_at {
                inside.look_at(hub, look_at);
            }
        }
        if let Some(rate) = &inside.rate {
            rate.spend(hub.now().mono, u32::try_from(claimed.len()).unwrap_or(u32::MAX));
        }
        if inside.takers.is_empty() {
            // They left meanwhile.
            drop(inside);
            return hub.release(self.queue.clone(), claimed);
        }
        for Share { notes, claimed } in inside.share(claimed, hub.now().mono) {
            notes.post(Note::Claimed(claimed));
        }
        self.claim(hub, inside);
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taker {
    fn is_stuck(&self, now: Instant) -> bool {
        let is_silent = |spoke| now.saturating_duration_since(spoke) > STUCK;
        self.room <= -self.slack && self.spoke.is_some_and(is_silent)
    }
}

/// What one session gets.
struct Share {
    notes: Arc<Notes>,
    claimed: Vec<Claimed>,
}

impl Inside {
    fn look_at(&mut self, hub: &Hub, at: i64) {
        self.look_at = Some(at);
        hub.look_at(at);
    }

    /// Who gets what; there is somebody.
    fn share(&mut self, claimed: Vec<Claimed>, now: Instant) -> Vec<Share> {
        if claimed.is_empty() {
            return Vec::new();
        }
        if let [only] = self.takers.as_mut_slice() {
            only.room -= i64::try_from(claimed.len()).unwrap_or(i64::MAX);
            return vec![Share { notes: Arc::clone(&only.notes), claimed }];
        }
        let empty = |taker: &Taker| Share { notes: Arc::clone(&taker.notes), claimed: Vec::new() };
        let mut shares: Vec<Share> = self.takers.iter().map(empty).collect();
        for one in claimed {
            let at = self.taker_of(&one, now);
            self.takers[at].room -= 1;
            shares[at].claimed.push(one);
        }
        shares.retain(|share| !share.claimed.is_empty());
        shares
    }

    /// The same for the same two numbers, unless that one is stuck.
    fn taker_of(&self, claimed: &Claimed, now: Instant) -> usize {
        let message = &claimed.message;
        let pair = (&message.source, &message.destination);
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(pair);
        let at = (hash % self.takers.len() as u64) as usize;
        if !self.takers[at].is_stuck(now) {
            return at;
        }
        let freest = self.takers.iter().enumerate().max_by_key(|(_, taker)| taker.room);
        freest.map_or(at, |(at, _)| at)
    }
}
