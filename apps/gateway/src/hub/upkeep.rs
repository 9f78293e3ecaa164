//! What is done by the clock: expiry, dead connectors, messages that nobody would look at.

use std::sync::{Arc, PoisonError};

use smppkit_relay::{Parcel, ended, part_of};
use smppkit_store::{Change, Claimed, Message, MessageId, Store, Timestamp};
use smppkit_wire::value::MessageState;

use super::Hub;
use crate::plan::{Upstream, whole_queue};
use crate::settings::millis;

/// More than expire in a second, unless they were submitted together; the rest a second later.
const EXPIRED_AT_ONCE: usize = 5_000;
/// Messages that go another way in a second at most; the rest in the next.
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

    /// What waits for a connector that has been down for its time goes another way, if its route named one.
    fn fail_over(self: &Arc<Self>) {
        let plan = self.plan.load();
        let now_ms = self.now().unix_ms;
        let is_dead =
            |upstream: &&Arc<Upstream>| upstream.live.down_ms(now_ms) > millis(upstream.settings.failover.0);
        for upstream in plan.connectors.values().filter(is_dead) {
            let (hub, queue) = (Arc::clone(self), upstream.feed.queue.clone());
            self.store.call_then(move |store: &mut dyn Store, now| {
                match store.claim(now, &queue, MOVED_AT_ONCE) {
                    Ok(claimed) => hub.another_way(&queue, claimed, now),
                    Err(error) => hub.store_failed(&error),
                }
            });
        }
    }

    fn another_way(self: &Arc<Self>, queue: &Arc<str>, claimed: Vec<Claimed>, now: Timestamp) {
        let plan = self.plan.load();
        let (mut moved, mut stay) = (Vec::new(), Vec::new());
        for one in claimed {
            let ways = match Parcel::read(&one.message.payload) {
                Ok(Parcel::Message(message)) => message.others,
                _ => Vec::new(),
            };
            let up = |way: &str| {
                let upstream = plan.connectors.get(way)?;
                upstream.live.is_up().then(|| upstream.feed.queue.clone())
            };
            // It may come back to the first it was for.
            let first = std::iter::once((*one.message.queue).into());
            match ways.into_iter().chain(first).find_map(|way| up(&way)) {
                Some(way) => moved.push(Change::Retry {
                    id: one.message.id,
                    due_at: now,
                    queue: Some(way),
                    is_attempt: false,
                    reason: format!("{queue} is down").into(),
                }),
                None => stay.push(one),
            }
        }
        self.settle(None, moved);
        self.release(queue.clone(), stay);
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
