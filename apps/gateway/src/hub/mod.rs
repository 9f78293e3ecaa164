//! What all sessions share: the settings of now, the store, the feeds of its queues, and the ids.

mod results;
#[cfg(test)]
mod tests;
mod upkeep;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use smppkit_admin::{Record, Series};
use smppkit_net::Now;
use smppkit_relay::{Settling, ended};
use smppkit_store::{Change, Claimed, Handle, MessageId, MessageIds, StoreError, Timestamp, Totals};
use smppkit_wire::CommandStatus;
use smppkit_wire::value::MessageState;
use tokio::sync::Notify;
use tracing::error;

use self::results::PutAside;
use crate::access::{Lockout, ServerKey};
use crate::feed::Feed;
use crate::plan::{Lives, Plan, esme_queue};
use crate::sessions::Sessions;
use crate::settings::{Settings, millis};

/// The heart that sessions talk to.
pub(crate) struct Hub {
    pub(crate) plan: ArcSwap<Plan>,
    pub(crate) store: Handle,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) key: ServerKey,
    /// What came and went.
    pub(crate) record: Arc<Record>,
    pub(crate) series: Arc<Series>,
    clock: Clock,
    lockout: Mutex<Lockout>,
    lives: Mutex<Lives>,
    ids: Mutex<MessageIds>,
    /// Drawn by lot: where to begin in a route, how long to wait.
    dice: AtomicU64,
    /// Results that the store did not take.
    stash: Mutex<Vec<PutAside>>,
    may_send: AtomicBool,
    /// Messages that were cut and some of whose pieces have ended, and when they are looked at again.
    wholes: Mutex<BTreeMap<MessageId, i64>>,
    /// For a metric.
    pub(crate) store_failures: AtomicU64,
    totals: Mutex<Totals>,
    next_look: AtomicI64,
    /// Called when a feed is to be looked at earlier than was known.
    pub(crate) sooner: Notify,
    /// The next short id for a 3.3 peer.
    next_short: AtomicU64,
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
        // Where nobody can look into it, nothing is recorded.
        let memory = if settings.admin.listen.is_some() { settings.record.memory.octets() } else { 0 };
        let plan = Plan::new(settings, &mut lives, &key, now)?;
        let seed = now.unix_ms.unsigned_abs();
        Ok(Self {
            plan: ArcSwap::from_pointee(plan),
            store,
            sessions: Arc::default(),
            key,
            record: Arc::new(Record::new(memory, now.mono)),
            series: Arc::new(Series::of_server(crate::series::KEYS)),
            clock,
            lockout: Mutex::new(lockout),
            lives: Mutex::new(lives),
            ids: Mutex::new(ids),
            dice: AtomicU64::new(seed),
            stash: Mutex::default(),
            may_send: AtomicBool::new(true),
            wholes: Mutex::default(),
            store_failures: AtomicU64::new(0),
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

    /// How many more may wait to be written: a quarter of the places is for what came of messages, which
    /// must not be turned away.
    pub(crate) fn room(&self) -> usize {
        let places = (self.plan.load().settings.store.queue / 4 * 3).max(1);
        places.saturating_sub(self.store.waiting())
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
        let next = feeds
            .iter()
            .filter_map(|feed| feed.tick(self, now_ms))
            .chain(self.look_at_due_wholes(now_ms))
            .min();
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

    /// Ends a message that cannot be sent at all.
    pub(crate) fn dead(&self, claimed: &Claimed, why: &str) -> Change {
        let now = Timestamp(self.now().unix_ms);
        ended(&claimed.message, MessageState::REJECTED, why, 0, now, self)
    }

    pub(crate) fn store_failed(&self, error: &StoreError) {
        self.store_failures.fetch_add(1, Ordering::Relaxed);
        error!(%error, "the store failed");
    }
}

/// Until what the store did not take is offered again.
const STASH_MS: i64 = 100;

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
