//! A session's end of a feed: what it was handed and has not sent yet.

use std::collections::VecDeque;
use std::sync::Arc;

use smppkit_store::{Change, Claimed};
use smppkit_wire::Version;

use crate::feed::Feed;
use crate::hub::Hub;
use crate::note::Notes;

/// Messages handed to a session ahead of its window, at most: they are in its hands when others could
/// have them.
const AHEAD: u32 = 200;

/// Where a session that sends gets its messages from.
#[derive(Debug)]
pub(crate) struct Outlet {
    feed: Arc<Feed>,
    taker: u64,
    backlog: VecDeque<Claimed>,
    /// Sent, and not to be answered any more: to go back to the queue together.
    unanswered: Vec<Claimed>,
    /// What it asked for and did not get yet.
    wanted: i64,
    is_closed: bool,
}

impl Outlet {
    /// Of a session with such a window and version.
    pub(crate) fn join(feed: &Arc<Feed>, notes: &Arc<Notes>, bind: (u32, Version)) -> Self {
        let taker = feed.join(notes, bind);
        Self {
            feed: Arc::clone(feed),
            taker,
            backlog: VecDeque::new(),
            unanswered: Vec::new(),
            wanted: 0,
            is_closed: false,
        }
    }

    /// Messages have come.
    pub(crate) fn take(&mut self, claimed: Vec<Claimed>) {
        self.wanted -= i64::try_from(claimed.len()).unwrap_or(i64::MAX);
        self.backlog.extend(claimed);
    }

    /// The next to send.
    pub(crate) fn next(&mut self) -> Option<Claimed> {
        if self.is_closed { None } else { self.backlog.pop_front() }
    }

    /// It could not be sent now.
    pub(crate) fn put_back(&mut self, claimed: Claimed) {
        self.backlog.push_front(claimed);
    }

    /// Says how many more it can take: what there is room for, and a window ahead, so that the next to go
    /// are there when answers come. A quarter of a window is worth a word, less is not.
    pub(crate) fn want(&mut self, hub: &Arc<Hub>, room: u32, window: u32) {
        if self.is_closed {
            return;
        }
        let backlog = i64::try_from(self.backlog.len()).unwrap_or(i64::MAX);
        let free = i64::from(room) + i64::from(window.min(AHEAD)) - backlog;
        let is_worth_it =
            free - self.wanted >= i64::from(window / 4).max(1) || (free > 0 && self.wanted <= 0);
        if is_worth_it {
            self.wanted = free;
            self.feed.want(hub, self.taker, free);
        }
    }

    /// Nothing more is sent; what was not goes back to the queue.
    pub(crate) fn close(&mut self, hub: &Arc<Hub>) {
        if self.is_closed {
            return;
        }
        self.is_closed = true;
        self.feed.leave(self.taker);
        self.give_back(hub);
    }

    /// What was handed to it and is not to be sent now goes back.
    pub(crate) fn give_back(&mut self, hub: &Arc<Hub>) {
        if !self.backlog.is_empty() {
            hub.release(self.feed.queue.clone(), self.backlog.drain(..).collect());
        }
    }

    /// The session ends and leaves this one unanswered.
    pub(crate) fn give_up(&mut self, claimed: Claimed) {
        self.unanswered.push(claimed);
    }

    /// What was given up goes back to the queue.
    pub(crate) fn return_unanswered(&mut self, hub: &Arc<Hub>) {
        if !self.unanswered.is_empty() {
            hub.release(self.feed.queue.clone(), std::mem::take(&mut self.unanswered));
        }
    }

    /// What came after it was closed.
    pub(crate) fn return_late(&self, hub: &Arc<Hub>, claimed: Vec<Claimed>) {
        if !claimed.is_empty() {
            hub.release(self.feed.queue.clone(), claimed);
        }
    }

    /// What follows for a message that is to be tried again in this queue.
    pub(crate) fn again(&self, claimed: &Claimed, due_at: i64, is_attempt: bool, reason: &str) -> Change {
        Change::Retry {
            id: claimed.message.id,
            due_at: smppkit_store::Timestamp(due_at),
            queue: Some(self.feed.queue.clone()),
            is_attempt,
            reason: reason.into(),
        }
    }
}
