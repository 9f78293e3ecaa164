//! What all sessions share: the settings of now, the store, the feeds of its queues, and the ids.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use arc_swap::ArcSwap;
use smppkit_net::Now;
use smppkit_relay::{Settling, ended, part_of, whole_ended};
use smppkit_store::{
    Change, Claimed, Committed, Handle, Message, MessageId, MessageIds, Outcome, Store, StoreError,
    Timestamp, Totals,
};
use smppkit_wire::CommandStatus;
use smppkit_wire::value::MessageState;
use tokio::sync::Notify;
use tracing::{error, warn};

use crate::access::{Lockout, ServerKey};
use crate::feed::Feed;
use crate::note::{Note, Notes};
use crate::plan::{Lives, Plan, Upstream, esme_queue, whole_queue};
use crate::sessions::Sessions;
use crate::settings::{Settings, millis};

/// The heart that sessions talk to.
pub(crate) struct Hub {
    pub(crate) plan: ArcSwap<Plan>,
    pub(crate) store: Handle,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) key: ServerKey,
    clock: Clock,
    lockout: Mutex<Lockout>,
    lives: Mutex<Lives>,
    ids: Mutex<MessageIds>,
    /// Drawn by lot: where to begin in a route, how long to wait.
    dice: AtomicU64,
    /// Results that the store did not take.
    stash: Mutex<Vec<PutAside>>,
    may_send: AtomicBool,
    /// For a metric.
    pub(crate) store_failures: AtomicU64,
    /// Sessions to be called, and when.
    calls: Mutex<Vec<(i64, Weak<Notes>)>>,
    totals: Mutex<Totals>,
    next_look: AtomicI64,
    /// Called when a feed is to be looked at earlier than was known.
    pub(crate) sooner: Notify,
    /// The next short id for a 3.3 peer.
    next_short: AtomicU64,
}

/// Results that wait for the store, and who answered.
struct PutAside {
    upstream: Option<Arc<Upstream>>,
    changes: Vec<Change>,
}

/// Where the time comes from.
pub(crate) type Clock = Box<dyn Fn() -> Now + Send + Sync>;

impl Hub {
    pub(crate) fn new(
        settings: Settings,
        key: ServerKey,
        store: Handle,
        ids: MessageIds,
        clock: Clock,
    ) -> Result<Self, String> {
        let now = clock();
        let mut lives = Lives::default();
        let lockout = Lockout::new(settings.lockout.clone());
        let plan = Plan::new(settings, &mut lives, &key, now)?;
        let seed = now.unix_ms.unsigned_abs();
        Ok(Self {
            plan: ArcSwap::from_pointee(plan),
            store,
            sessions: Arc::default(),
            key,
            clock,
            lockout: Mutex::new(lockout),
            lives: Mutex::new(lives),
            ids: Mutex::new(ids),
            dice: AtomicU64::new(seed),
            stash: Mutex::default(),
            may_send: AtomicBool::new(true),
            store_failures: AtomicU64::new(0),
            calls: Mutex::default(),
            totals: Mutex::default(),
            next_look: AtomicI64::new(i64::MAX),
            sooner: Notify::new(),
            // Whatever was given out in the last hours lies behind it, unless a thousand a second were.
            next_short: AtomicU64::new(seed),
        })
    }

    pub(crate) fn now(&self) -> Now {
        (self.clock)()
    }

    pub(crate) fn lockout(&self) -> MutexGuard<'_, Lockout> {
        self.lockout.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lives(&self) -> MutexGuard<'_, Lives> {
        self.lives.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn totals(&self) -> Totals {
        *self.totals.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Any number.
    pub(crate) fn dice(&self) -> u64 {
        // An odd step visits every number; the mixing makes neighbours unlike.
        let number = self.dice.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed);
        let mixed = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed ^ (mixed >> 27)
    }

    pub(crate) fn next_message_id(&self, now_ms: i64) -> MessageId {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner).next(Timestamp(now_ms))
    }

    /// A short id for a 3.3 peer; the store says if it is taken.
    pub(crate) fn next_short(&self) -> u32 {
        self.next_short.fetch_add(1, Ordering::Relaxed) as u32
    }

    /// Other settings in place of these; what cannot be changes nothing.
    pub(crate) fn configure(&self, settings: Settings) -> Result<Arc<Plan>, String> {
        let lockout = settings.lockout.clone();
        let plan = Arc::new(Plan::new(settings, &mut self.lives(), &self.key, self.now())?);
        self.lockout().set(lockout);
        Ok(self.plan.swap(plan))
    }

    pub(crate) fn feed(&self, queue: &Arc<str>) -> Arc<Feed> {
        self.lives().feed(queue)
    }

    /// Something came into these queues.
    pub(crate) fn told(self: &Arc<Self>, queues: &[Arc<str>]) {
        for queue in queues {
            self.feed(queue).told(self);
        }
    }

    /// Whether messages may be claimed: not while results wait to be written.
    pub(crate) fn may_send(&self) -> bool {
        self.may_send.load(Ordering::Relaxed)
    }

    /// Whether so many more may wait to be written: a quarter of the places is for what came of messages,
    /// which must not be turned away.
    pub(crate) fn may_accept(&self, changes: usize) -> bool {
        self.store.waiting() + changes <= self.plan.load().settings.store.queue / 4 * 3
    }

    /// Whether as many messages are kept as may be.
    pub(crate) fn is_full(&self) -> bool {
        self.totals().open >= self.plan.load().settings.store.messages
    }

    /// A feed is to be looked at by then.
    pub(crate) fn look_at(&self, at_ms: i64) {
        if self.next_look.fetch_min(at_ms, Ordering::Relaxed) > at_ms {
            self.sooner.notify_one();
        }
    }

    /// Looks at the feeds whose time has come; says when the next one's will.
    pub(crate) fn tick(self: &Arc<Self>) -> i64 {
        let now_ms = self.now().unix_ms;
        self.next_look.store(i64::MAX, Ordering::Relaxed);
        if !self.may_send() {
            self.look_at(now_ms + STASH_MS);
            self.retry_stash();
        }
        let feeds = self.lives().feeds();
        let next = feeds.iter().filter_map(|feed| feed.tick(self, now_ms)).chain(self.call(now_ms)).min();
        if let Some(next) = next {
            self.next_look.fetch_min(next, Ordering::Relaxed);
        }
        self.next_look.load(Ordering::Relaxed)
    }

    /// Gives claimed messages back untried.
    pub(crate) fn release(self: &Arc<Self>, queue: Arc<str>, claimed: Vec<Claimed>) {
        let changes = claimed.into_iter().map(|one| Change::Release { id: one.message.id }).collect();
        self.settle_in(None, Some(queue), changes);
    }

    /// Makes durable what came of messages. `upstream` is who answered, where it was one. What the store
    /// does not take now it is given again.
    pub(crate) fn settle(self: &Arc<Self>, upstream: Option<Arc<Upstream>>, changes: Vec<Change>) {
        self.settle_in(upstream, None, changes);
    }

    /// The same, with a queue that may be claimed from again.
    fn settle_in(
        self: &Arc<Self>,
        upstream: Option<Arc<Upstream>>,
        queue: Option<Arc<str>>,
        changes: Vec<Change>,
    ) {
        if changes.is_empty() {
            return;
        }
        let mut queues = queues_of(&changes);
        queues.extend(queue);
        let (hub, of, kept) = (Arc::clone(self), upstream.clone(), changes.clone());
        let given = self.store.commit_then(changes, move |committed| match committed {
            Ok(outcomes) => hub.settled(of.as_ref(), &queues, outcomes),
            Err(error) => {
                hub.store_failed(&error);
                hub.put_aside(of, kept);
            }
        });
        if let Err(not_taken) = given
            && !not_taken.is_closed
        {
            self.put_aside(upstream, not_taken.changes);
        }
    }

    fn settled(
        self: &Arc<Self>,
        upstream: Option<&Arc<Upstream>>,
        queues: &[Arc<str>],
        outcomes: Vec<Outcome>,
    ) {
        self.told(queues);
        let overtaken = outcomes.into_iter().filter_map(|outcome| match outcome {
            Outcome::Overtaken(orphans) => Some(orphans),
            _ => None,
        });
        for orphans in overtaken {
            let Some(upstream) = upstream.cloned() else { continue };
            let hub = Arc::clone(self);
            let weight = orphans.len();
            let work = move |store: &mut dyn Store, now: Timestamp| {
                let learnt = upstream.live.learnt().clone();
                let settled = smppkit_relay::settle(store, now, &upstream.name, &learnt, &*hub, &orphans);
                let changes: Vec<Change> =
                    settled.unwrap_or_default().into_iter().filter_map(|one| one.change).collect();
                let queues = queues_of(&changes);
                (changes, (hub, queues))
            };
            let done = move |committed: Committed, (hub, queues): (Arc<Self>, Vec<Arc<str>>)| {
                if committed.is_ok() {
                    hub.told(&queues);
                }
            };
            if self.store.prepare_then(weight, work, done).is_err() {
                // The message waits for its receipt as long as for one that never comes.
                warn!("a receipt that overtook its response was not settled: the store has no room");
            }
        }
    }

    /// Pieces of these messages have ended: perhaps the last ones.
    pub(crate) fn look_at_wholes(self: &Arc<Self>, mut wholes: Vec<MessageId>) {
        wholes.sort_unstable();
        wholes.dedup();
        if wholes.is_empty() {
            return;
        }
        let hub = Arc::clone(self);
        let work = move |store: &mut dyn Store, now: Timestamp| {
            let mut changes = Vec::new();
            for whole in wholes {
                match whole_ended(store, whole, now, &*hub) {
                    Ok(change) => changes.extend(change),
                    Err(error) => hub.store_failed(&error),
                }
            }
            let queues = queues_of(&changes);
            (changes, (hub, queues))
        };
        let done = |committed: Committed, (hub, queues): (Arc<Self>, Vec<Arc<str>>)| {
            if committed.is_ok() {
                hub.told(&queues);
            }
        };
        // What is not looked at now is when the minute is over.
        let _ = self.store.prepare_then(1, work, done);
    }

    /// Once a minute: messages that were cut and whose pieces ended unseen, at a restart or when the store
    /// had no room; and those that will never get a receipt.
    pub(crate) fn every_minute(self: &Arc<Self>) {
        let hub = Arc::clone(self);
        self.store.call_then(move |store: &mut dyn Store, now| {
            match store.claim(now, &whole_queue(), LOOKED_AT_ONCE) {
                Ok(claimed) => hub.look_at_claimed(&claimed, now),
                Err(error) => hub.store_failed(&error),
            }
            let before = Timestamp(now.0 - millis(hub.plan.load().settings.life.receipt.0));
            match store.unreceipted(before, MessageId::ZERO, LOOKED_AT_ONCE) {
                Ok(messages) => {
                    let never = |message: &Message| {
                        ended(&message.accepted, MessageState::EXPIRED, "no receipt came", 0, now, &*hub)
                    };
                    hub.look_at_wholes(
                        messages.iter().filter_map(|one| part_of(&one.accepted.payload)).collect(),
                    );
                    hub.settle(None, messages.iter().map(never).collect());
                }
                Err(error) => hub.store_failed(&error),
            }
        });
    }

    /// Messages that were cut go to the end of their queue, and are looked at.
    fn look_at_claimed(self: &Arc<Self>, claimed: &[Claimed], now: Timestamp) {
        let later = |one: &Claimed| Change::Retry {
            id: one.message.id,
            due_at: Timestamp(now.0 + WHOLE_MS),
            queue: Some(one.queue.clone()),
            is_attempt: false,
            reason: Box::default(),
        };
        self.settle(None, claimed.iter().map(later).collect());
        self.look_at_wholes(claimed.iter().map(|one| one.message.id).collect());
    }

    fn put_aside(&self, upstream: Option<Arc<Upstream>>, changes: Vec<Change>) {
        self.may_send.store(false, Ordering::Relaxed);
        self.look_at(self.now().unix_ms + STASH_MS);
        self.stash.lock().unwrap_or_else(PoisonError::into_inner).push(PutAside { upstream, changes });
    }

    /// Gives the store again what it did not take; once it has taken all, sending goes on.
    fn retry_stash(self: &Arc<Self>) {
        let stash = std::mem::take(&mut *self.stash.lock().unwrap_or_else(PoisonError::into_inner));
        if stash.is_empty() {
            if !self.may_send.swap(true, Ordering::Relaxed) {
                for feed in self.lives().feeds() {
                    feed.told(self);
                }
            }
            return;
        }
        for PutAside { upstream, changes } in stash {
            self.settle(upstream, changes);
        }
    }

    /// Once a second: counts, what has expired.
    pub(crate) fn every_second(self: &Arc<Self>) {
        let hub = Arc::clone(self);
        self.store.call_then(move |store: &mut dyn Store, now| {
            *hub.totals.lock().unwrap_or_else(PoisonError::into_inner) = store.totals();
            match store.expired(now, EXPIRED_AT_ONCE) {
                Ok(expired) => {
                    let end =
                        |claimed: &Claimed| ended(&claimed.message, MessageState::EXPIRED, "", 0, now, &*hub);
                    let changes = expired.iter().map(end).collect();
                    hub.settle(None, changes);
                    hub.look_at_wholes(
                        expired.iter().filter_map(|one| part_of(&one.message.payload)).collect(),
                    );
                }
                Err(error) => hub.store_failed(&error),
            }
        });
    }

    /// Ends a message that cannot be sent at all.
    pub(crate) fn dead(&self, claimed: &Claimed, why: &str) -> Change {
        let now = Timestamp(self.now().unix_ms);
        ended(&claimed.message, MessageState::REJECTED, why, 0, now, self)
    }

    /// Calls a session at a time.
    pub(crate) fn call_back(&self, at_ms: i64, notes: &Arc<Notes>) {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls.push((at_ms, Arc::downgrade(notes)));
        drop(calls);
        self.look_at(at_ms);
    }

    /// Calls those whose time has come; says when the next one's will.
    fn call(&self, now_ms: i64) -> Option<i64> {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls.retain(|(at_ms, notes)| {
            if *at_ms > now_ms {
                return true;
            }
            if let Some(notes) = notes.upgrade() {
                notes.post(Note::Time);
            }
            false
        });
        calls.iter().map(|(at_ms, _)| *at_ms).min()
    }

    pub(crate) fn store_failed(&self, error: &StoreError) {
        self.store_failures.fetch_add(1, Ordering::Relaxed);
        error!(%error, "the store failed");
    }
}

/// Messages looked at in a minute at most; the rest in the next.
const LOOKED_AT_ONCE: usize = 1_000;
/// How long a message that was cut is left alone when its pieces have not ended.
const WHOLE_MS: i64 = 600_000;
/// Until what the store did not take is offered again.
const STASH_MS: i64 = 100;
/// More than expire in a second, unless they were submitted together; the rest a second later.
const EXPIRED_AT_ONCE: usize = 5_000;

/// What is answered when a message could not be kept.
pub(crate) fn status_of(error: &StoreError) -> CommandStatus {
    match error {
        StoreError::Full => CommandStatus::ESME_RMSGQFUL,
        _ => CommandStatus::ESME_RSYSERR,
    }
}

/// The queues that changes bring something into.
pub(crate) fn queues_of(changes: &[Change]) -> Vec<Arc<str>> {
    let mut queues: Vec<Arc<str>> = Vec::new();
    let accepted = changes.iter().filter_map(|change| match change {
        Change::Accept(message) => Some(&message.queue),
        Change::Finish { then, .. } | Change::Cancel { then, .. } => then.as_ref().map(|then| &then.queue),
        Change::Retry { queue, .. } | Change::Replay { queue, .. } => queue.as_ref(),
        _ => None,
    });
    for queue in accepted {
        if !queues.iter().any(|known| Arc::ptr_eq(known, queue) || known == queue) {
            queues.push(queue.clone());
        }
    }
    queues
}

impl Settling for Hub {
    fn next_id(&self, now: Timestamp) -> MessageId {
        self.next_message_id(now.0)
    }

    fn esme_queue(&self, account: &str) -> Arc<str> {
        let plan = self.plan.load();
        plan.accounts.get(account).map_or_else(|| esme_queue(account), |account| account.feed.queue.clone())
    }

    fn report_life_ms(&self) -> i64 {
        millis(self.plan.load().settings.life.delivery.0)
    }
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub").finish_non_exhaustive()
    }
}
