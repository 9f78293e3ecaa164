//! Between the centre and one session: held answers, orders, and how the session is called.

use std::sync::atomic::{AtomicBool, Ordering as Memory};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};

use smppkit_session::Asked;
use smppkit_wire::{Body, CommandStatus};

use crate::rules::{Fate, Verdict};

/// What the centre leaves for a session, and how it calls it.
#[derive(Debug, Default)]
pub(crate) struct Mailbox {
    /// Something is in here, or in the account's outbox.
    pub(super) attention: AtomicBool,
    /// It has room and found nothing: it is to be woken.
    pub(super) idle: AtomicBool,
    inside: Mutex<Inside>,
}

#[derive(Debug, Default)]
struct Inside {
    waker: Option<Waker>,
    answers: Vec<HeldAnswer>,
    order: Option<Order>,
}

/// An answer that waited: for its outcome, or because a rule holds it back.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "few wait at a time, most of them of the largest kind")]
pub(crate) enum HeldAnswer {
    /// To a request.
    Request {
        /// What is answered.
        asked: Asked,
        /// How.
        status: CommandStatus,
        /// With what; `None` is a header alone.
        body: Option<Body>,
        /// What a rule wants of it.
        verdict: Option<Verdict>,
    },
    /// To a bind: refused with a status, or taken.
    Bind(Asked, Option<CommandStatus>, Verdict),
    /// Octets that answer something the session has not seen, and what becomes of the connection.
    Raw(Vec<u8>, Option<Fate>),
}

/// What an operator wants of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Order(pub(crate) Fate);

impl Mailbox {
    /// Whether there is something to look after; then it must be looked after.
    pub(crate) fn needs_attention(&self, cx: &Context<'_>) -> bool {
        let mut inside = self.inside();
        if !inside.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            inside.waker = Some(cx.waker().clone());
        }
        drop(inside);
        self.attention.swap(false, Memory::AcqRel)
    }

    /// Asks to be looked after again: there was no room for everything.
    pub(crate) fn come_back(&self) {
        self.attention.store(true, Memory::Release);
    }

    /// Answers that were held back and may go out now.
    pub(crate) fn held_answers(&self) -> Vec<HeldAnswer> {
        core::mem::take(&mut self.inside().answers)
    }

    /// What an operator wants of the session; asked once.
    pub(crate) fn order(&self) -> Option<Order> {
        self.inside().order.take()
    }

    /// Has the session do something.
    pub(crate) fn give(&self, order: Order) {
        self.inside().order = Some(order);
        self.call();
    }

    pub(super) fn hold(&self, answer: HeldAnswer) {
        self.inside().answers.push(answer);
        self.call();
    }

    pub(super) fn call(&self) {
        self.attention.store(true, Memory::Release);
        if let Some(waker) = &self.inside().waker {
            waker.wake_by_ref();
        }
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
