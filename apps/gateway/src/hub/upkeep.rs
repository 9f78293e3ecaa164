//! What is done by the clock: expiry, dead connectors, messages that nobody would look at.

use std::sync::{Arc, PoisonError};

use smppkit_relay::{Parcel, ended, part_of};
use smppkit_store::{Accepted, Change, Claimed, Message, MessageId, Store, Timestamp};
use smppkit_wire::value::MessageState;

use super::Hub;
use crate::plan::{Plan, Upstream, whole_queue};
use crate::settings::millis;

/// More than expire in a second, unless they were submitted together; the rest a second later.
const EXPIRED_AT_ONCE: usize = 5_000;
/// Messages of a queue that are looked at in a second for another way to go; the next ones in the next.
const MOVED_AT_ONCE: usize = 5_000;
/// Messages looked at in a minute at most; the rest in the next.
const LOOKED_AT_ONCE: usize = 1_000;
/// How long a message that was cut is left alone when its pieces have not ended.
const WHOLE_MS: i64 = 120_000;

impl Hub {
    /// Once a second: counts, what has expired, what waits for a dead connector.
    pub(crate) fn every_second(self: &Arc<Self>) {
        self.fail_over();
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

    /// What waits for a connector that has been down for its time, or is outside its hours, goes another way,
    /// if its route named one.
    fn fail_over(self: &Arc<Self>) {
        let plan = self.plan.load();
        let now_ms = self.now().unix_ms;
        if !plan.connectors.values().any(|upstream| upstream.live.sends(now_ms)) {
            return;
        }
        for upstream in plan.connectors.values() {
            let why = if !upstream.live.is_open(now_ms) {
                "outside its hours"
            } else if upstream.live.down_ms(now_ms) > millis(upstream.settings.failover.0) {
                "down"
            } else {
                continue;
            };
            let (hub, upstream) = (Arc::clone(self), Arc::clone(upstream));
            self.store.call_then(move |store: &mut dyn Store, now| hub.leave(&upstream, why, store, now));
        }
    }

    /// A stretch of the queue each time, so that however many cannot go, those behind them can.
    fn leave(self: &Arc<Self>, upstream: &Upstream, why: &str, store: &mut dyn Store, now: Timestamp) {
        let queue = &upstream.feed.queue;
        let plan = self.plan.load();
        let way = |message: &Accepted| another_way(&plan, message, now);
        let mut looked_up_to = upstream.live.looked_up_to();
        let wanted = &mut |message: &Accepted| way(message).is_some();
        let picked = match store.pick(now, queue, &mut looked_up_to, MOVED_AT_ONCE, wanted) {
            Ok(picked) => picked,
            Err(error) => return self.store_failed(&error),
        };
        drop(looked_up_to);
        let moved = picked.into_iter().map(|one| Change::Retry {
            id: one.message.id,
            due_at: now,
            queue: way(&one.message),
            is_attempt: false,
            reason: format!("{queue} is {why}").into(),
        });
        self.settle(None, moved.collect());
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
}

/// The queue of a connector that sends now, of those that a message's route named.
fn another_way(plan: &Plan, message: &Accepted, now: Timestamp) -> Option<Arc<str>> {
    let ways = match Parcel::read(&message.payload) {
        Ok(Parcel::Message(parcel)) => parcel.others,
        _ => Vec::new(),
    };
    // It may come back to the first it was for.
    let ways = ways.iter().map(|way| &**way).chain([&*message.queue]);
    let up = |way| plan.connectors.get(way).filter(|upstream| upstream.live.sends(now.0));
    ways.filter_map(up).map(|upstream| upstream.feed.queue.clone()).next()
}
