//! What other threads leave for a session, and how they call it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};

/// Notes for one session, in the order they were left. What leaves them bounds them: answers by the
/// session's receive window, messages by what it asked for.
#[derive(Debug)]
pub(crate) struct Mailbox<T> {
    attention: AtomicBool,
    inside: Mutex<Inside<T>>,
}

#[derive(Debug)]
struct Inside<T> {
    waker: Option<Waker>,
    notes: Vec<T>,
}

impl<T> Default for Mailbox<T> {
    fn default() -> Self {
        Self {
            attention: AtomicBool::new(false),
            inside: Mutex::new(Inside { waker: None, notes: Vec::new() }),
        }
    }
}

impl<T> Mailbox<T> {
    /// Leaves a note and calls the session.
    pub(crate) fn post(&self, note: T) {
        let mut inside = self.inside();
        inside.notes.push(note);
        // Called once for all that is left until it looks.
        let is_first = !self.attention.swap(true, Ordering::AcqRel);
        if is_first && let Some(waker) = &inside.waker {
            waker.wake_by_ref();
        }
    }

    /// All notes since the last time; the session is called for the next one.
    pub(crate) fn take(&self, cx: &Context<'_>) -> Vec<T> {
        let mut inside = self.inside();
        if !inside.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            inside.waker = Some(cx.waker().clone());
        }
        self.attention.store(false, Ordering::Release);
        std::mem::take(&mut inside.notes)
    }

    /// What is left in it when the session is gone.
    pub(crate) fn last(&self) -> Vec<T> {
        std::mem::take(&mut self.inside().notes)
    }

    fn inside(&self) -> MutexGuard<'_, Inside<T>> {
        // Nothing under this lock can be left half done.
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
