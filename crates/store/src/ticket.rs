//! An answer that comes later, for threads and for any async runtime.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::{error, fmt};

/// Await it, or [`Ticket::wait`] in a thread that may block. Dropped, the work is done all the same.
#[derive(Debug)]
pub struct Ticket<T> {
    slot: Arc<Slot<T>>,
}

/// The writer ended before it answered; what was asked may or may not be done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Lost;

impl<T> Ticket<T> {
    /// Blocks this thread until the answer is there.
    pub fn wait(self) -> Result<T, Lost> {
        let mut state = self.slot.lock();
        loop {
            match state.answer.take() {
                Some(answer) => return answer,
                None => state = self.slot.ready.wait(state).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }
}

impl<T> Future for Ticket<T> {
    type Output = Result<T, Lost>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.slot.lock();
        if let Some(answer) = state.answer.take() {
            return Poll::Ready(answer);
        }
        state.waker = Some(context.waker().clone());
        Poll::Pending
    }
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the message store ended before it answered")
    }
}

impl error::Error for Lost {}

/// The other end: answers once, with [`Lost`] if it is dropped.
pub(crate) struct Settle<T> {
    slot: Option<Arc<Slot<T>>>,
}

impl<T> Settle<T> {
    pub(crate) fn with(mut self, answer: T) {
        if let Some(slot) = self.slot.take() {
            slot.settle(Ok(answer));
        }
    }
}

impl<T> Drop for Settle<T> {
    fn drop(&mut self) {
        if let Some(slot) = self.slot.take() {
            slot.settle(Err(Lost));
        }
    }
}

pub(crate) fn ticket<T>() -> (Settle<T>, Ticket<T>) {
    let slot =
        Arc::new(Slot { state: Mutex::new(State { answer: None, waker: None }), ready: Condvar::new() });
    (Settle { slot: Some(slot.clone()) }, Ticket { slot })
}

#[derive(Debug)]
struct Slot<T> {
    state: Mutex<State<T>>,
    ready: Condvar,
}

#[derive(Debug)]
struct State<T> {
    answer: Option<Result<T, Lost>>,
    waker: Option<Waker>,
}

impl<T> Slot<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // One field is set under this lock: it cannot be left half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn settle(&self, answer: Result<T, Lost>) {
        let mut state = self.lock();
        state.answer = Some(answer);
        let waker = state.waker.take();
        drop(state);
        self.ready.notify_all();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}
