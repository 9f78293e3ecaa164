//! What came of messages, made durable: answers, receipts that overtook them, the ends of pieces.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use smppkit_relay::{Settled, whole_ended};
use smppkit_store::{
    Change, Committed, MessageId, Orphan, Outcome, Store, StoreError, Timestamp, Uncommitted,
};

use super::{Hub, STASH_MS, queues_of};
use crate::plan::Upstream;
use crate::settings::millis;

/// Messages that were cut and are remembered to be looked at again; the others are found when their minute
/// comes round.
const WHOLES: usize = 100_000;

/// What waits for the store.
pub(super) enum PutAside {
    /// What came of messages, and who answered.
    Results { upstream: Option<Arc<Upstream>>, changes: Vec<Change> },
    /// Receipts that the store has handed out, and whose.
    Overtaken { upstream: Arc<Upstream>, orphans: Arc<Vec<Orphan>> },
    /// What a connector took of an ESME that waits for its answer, and who gives it.
    Taken { changes: Vec<Change>, told: Told },
}

/// Tells that something is durable.
pub(super) type Told = Arc<dyn Fn() + Send + Sync>;

/// Receipts that came before the responses they belong to, and are settled with them.
#[derive(Default)]
struct Early {
    orphans: Vec<Orphan>,
    /// Messages whose pieces they ended.
    wholes: Vec<MessageId>,
}

/// Messages that were sent, between being looked at and being durable.
struct Sent {
    hub: Arc<Hub>,
    upstream: Arc<Upstream>,
    /// How many of the changes are what was asked for.
    own: usize,
    queues: Vec<Arc<str>>,
    early: Early,
}

/// Receipts that were handed out and looked up, and the queues they lead to.
type Looked = (Arc<Hub>, Arc<Upstream>, Arc<Vec<Orphan>>, Result<Vec<Arc<str>>, StoreError>);

impl Hub {
    /// Makes durable what came of messages. `upstream` is who answered, where it was one. What the store
    /// does not take now it is given again.
    pub(crate) fn settle(self: &Arc<Self>, upstream: Option<Arc<Upstream>>, changes: Vec<Change>) {
        self.settle_in(upstream, None, changes);
    }

    /// Makes durable what a connector has taken already, and then calls `told`. What the store does not take now
    /// it is given again: it cannot be refused any more.
    pub(crate) fn keep(self: &Arc<Self>, changes: Vec<Change>, told: impl Fn() + Send + Sync + 'static) {
        self.keep_taken(changes, Arc::new(told));
    }

    fn keep_taken(self: &Arc<Self>, changes: Vec<Change>, told: Told) {
        if changes.is_empty() {
            return;
        }
        let (hub, then) = (Arc::clone(self), Arc::clone(&told));
        let given = self.store.commit_then(changes, move |committed| match committed {
            Ok(_) => then(),
            Err(Uncommitted { error, changes }) => {
                hub.store_failed(&error);
                hub.put_aside(PutAside::Taken { changes, told: then });
            }
        });
        if let Err(not_taken) = given
            && !not_taken.is_closed
        {
            self.put_aside(PutAside::Taken { changes: not_taken.changes, told });
        }
    }

    /// The same as [`Self::settle`], with a queue that may be claimed from again.
    pub(super) fn settle_in(
        self: &Arc<Self>,
        upstream: Option<Arc<Upstream>>,
        queue: Option<Arc<str>>,
        changes: Vec<Change>,
    ) {
        if changes.is_empty() {
            return;
        }
        if let Some(upstream) = &upstream
            && changes.iter().any(|change| matches!(change, Change::Sent { .. }))
        {
            return self.settle_sent(upstream, changes);
        }
        let mut queues = queues_of(&changes);
        queues.extend(queue);
        let (hub, of) = (Arc::clone(self), upstream.clone());
        let given = self.store.commit_in_passing_then(changes, move |committed| match committed {
            Ok(_) => hub.told(&queues),
            Err(Uncommitted { error, changes }) => {
                hub.store_failed(&error);
                hub.put_aside(PutAside::Results { upstream: of, changes });
            }
        });
        if let Err(not_taken) = given
            && !not_taken.is_closed
        {
            self.put_aside(PutAside::Results { upstream, changes: not_taken.changes });
        }
    }

    /// The same of messages that were sent. What came before is settled in their commit: a process that
    /// dies between two would lose receipts that are answered.
    fn settle_sent(self: &Arc<Self>, upstream: &Arc<Upstream>, changes: Vec<Change>) {
        let (hub, of) = (Arc::clone(self), Arc::clone(upstream));
        let work = move |store: &mut dyn Store, now: Timestamp, changes: &mut Vec<Change>| {
            let own = changes.len();
            let early = hub.settle_early(store, now, &of, changes);
            let queues = queues_of(changes);
            Sent { hub, upstream: of, own, queues, early }
        };
        if let Err(not_taken) = self.store.prepare_in_passing_then(changes, work, Sent::done)
            && !not_taken.is_closed
        {
            let upstream = Some(Arc::clone(upstream));
            self.put_aside(PutAside::Results { upstream, changes: not_taken.changes });
        }
    }

    /// Adds what receipts come to that these changes have been overtaken by.
    fn settle_early(
        &self,
        store: &mut dyn Store,
        now: Timestamp,
        upstream: &Upstream,
        changes: &mut Vec<Change>,
    ) -> Early {
        let kept = |change: &Change| match change {
            Change::Sent { remote, .. } => store.kept(remote),
            _ => Ok(Vec::new()),
        };
        let kept: Result<Vec<Vec<Orphan>>, StoreError> = changes.iter().map(kept).collect();
        let orphans: Vec<Orphan> = kept.unwrap_or_default().into_iter().flatten().collect();
        if orphans.is_empty() {
            // Or it cannot be read: then the outcome hands out what there is.
            return Early::default();
        }
        store.foresee(changes);
        let learnt = upstream.live.learnt().clone();
        let Ok(settled) = smppkit_relay::settle(store, now, &upstream.name, &learnt, self, &orphans) else {
            return Early::default();
        };
        let mut wholes = Vec::new();
        for one in settled {
            if let Settled::Ended { whole, .. } = one.settled {
                wholes.extend(whole);
            }
            changes.extend(one.change);
        }
        Early { orphans, wholes }
    }

    /// Settles receipts that came before the responses they belong to and were not seen with them.
    fn settle_overtaken(self: &Arc<Self>, upstream: &Arc<Upstream>, orphans: Arc<Vec<Orphan>>) {
        let hub = Arc::clone(self);
        let weight = orphans.len();
        let (of, receipts) = (Arc::clone(upstream), Arc::clone(&orphans));
        let work = move |store: &mut dyn Store, now: Timestamp| {
            let learnt = of.live.learnt().clone();
            let settled = smppkit_relay::settle(store, now, &of.name, &learnt, &*hub, &receipts);
            let (changes, queues) = match settled {
                Ok(settled) => {
                    let changes: Vec<Change> = settled.into_iter().filter_map(|one| one.change).collect();
                    let queues = queues_of(&changes);
                    (changes, Ok(queues))
                }
                Err(error) => (Vec::new(), Err(error)),
            };
            (changes, (hub, of, receipts, queues))
        };
        let done = |committed: Committed, (hub, of, receipts, queues): Looked| {
            let committed = committed.map_err(|uncommitted| uncommitted.error);
            match committed.and(queues) {
                Ok(queues) => hub.told(&queues),
                Err(error) => {
                    hub.store_failed(&error);
                    hub.put_aside(PutAside::Overtaken { upstream: of, orphans: receipts });
                }
            }
        };
        if self.store.prepare_then(weight, work, done).is_err() {
            self.put_aside(PutAside::Overtaken { upstream: Arc::clone(upstream), orphans });
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
            let patience_ms = millis(hub.plan.load().settings.life.part.0);
            let mut changes = Vec::new();
            for whole in wholes {
                match whole_ended(store, whole, now, patience_ms, &*hub) {
                    // Perhaps no more receipts come.
                    Ok(ended) if ended.is_empty() => hub.look_again(whole, now.0 + patience_ms),
                    Ok(ended) => changes.extend(ended),
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

    /// A message that was cut is looked at again, if it is not forgotten by then.
    fn look_again(&self, whole: MessageId, at_ms: i64) {
        let mut again = self.wholes.lock().unwrap_or_else(PoisonError::into_inner);
        if again.len() < WHOLES {
            again.insert(whole, at_ms);
            drop(again);
            self.look_at(at_ms);
        }
    }

    /// Looks at those whose time has come; says when the next one's will.
    pub(super) fn look_at_due_wholes(self: &Arc<Self>, now_ms: i64) -> Option<i64> {
        let mut again = self.wholes.lock().unwrap_or_else(PoisonError::into_inner);
        let due: Vec<MessageId> = again.iter().filter(|(_, at)| **at <= now_ms).map(|(id, _)| *id).collect();
        for whole in &due {
            again.remove(whole);
        }
        let next = again.values().min().copied();
        drop(again);
        self.look_at_wholes(due);
        next
    }

    fn put_aside(&self, what: PutAside) {
        self.may_send.store(false, Ordering::Relaxed);
        self.look_at(self.now().unix_ms + STASH_MS);
        self.stash.lock().unwrap_or_else(PoisonError::into_inner).push(what);
    }

    /// Gives the store again what it did not take; once it has taken all, sending goes on.
    pub(super) fn retry_stash(self: &Arc<Self>) {
        let stash = std::mem::take(&mut *self.stash.lock().unwrap_or_else(PoisonError::into_inner));
        if stash.is_empty() {
            if !self.may_send.swap(true, Ordering::Relaxed) {
                for feed in self.lives().feeds() {
                    feed.told(self);
                }
            }
            return;
        }
        for what in stash {
            match what {
                PutAside::Results { upstream, changes } => self.settle(upstream, changes),
                PutAside::Overtaken { upstream, orphans } => self.settle_overtaken(&upstream, orphans),
                PutAside::Taken { changes, told } => self.keep_taken(changes, told),
            }
        }
    }
}

impl Sent {
    /// In a thread of the writer's.
    fn done(committed: Committed, Self { hub, upstream, own, queues, early }: Self) {
        match committed {
            Ok(outcomes) => {
                hub.told(&queues);
                hub.look_at_wholes(early.wholes);
                let is_new =
                    |orphan: &Orphan| early.orphans.iter().all(|other| other.payload != orphan.payload);
                for outcome in outcomes.into_iter().take(own) {
                    let Outcome::Overtaken(mut orphans) = outcome else { continue };
                    orphans.retain(is_new);
                    if !orphans.is_empty() {
                        hub.settle_overtaken(&upstream, Arc::new(orphans));
                    }
                }
            }
            Err(Uncommitted { error, mut changes }) => {
                hub.store_failed(&error);
                // What they were overtaken by is looked up again.
                changes.truncate(own);
                hub.put_aside(PutAside::Results { upstream: Some(upstream), changes });
            }
        }
    }
}
