//! The thread that owns a store, and the one that makes durable what it wrote.

use crate::handle::{Handle, Shared};
use crate::message::Timestamp;
use crate::pump::{Hurry, Pump};
use crate::store::Store;
use std::io;
use std::sync::PoisonError;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Runs a store on a thread of its own. Dropped, it writes what was handed in and ends the thread.
#[derive(Debug)]
pub struct Writer {
    handle: Handle,
    thread: Option<JoinHandle<()>>,
}

/// Limits of a [`Writer`].
#[derive(Clone, Debug)]
pub struct WriterLimits {
    /// Changes in one commit at most, a caller's batch counted whole; default 2,048: some 10 ms of a busy
    /// store. Four times 512 were measured to cost a sixth less a message, and answers to come in half the
    /// time, as what waits goes in one group and not in four.
    pub group: usize,
    /// Changes waiting at most; default 8,192: a tenth of a second of a busy store. Beyond it
    /// [`Handle::commit`] gives the batch back, and the caller refuses or slows down.
    pub queue: usize,
    /// How long a commit waits for company; default none: while one commit syncs, the next group
    /// gathers by itself, and an idle writer answers at once.
    pub linger: Duration,
    /// How long what was given [in passing](Handle::commit_in_passing_then) waits for company; default
    /// 500 µs: long enough for the next request of a busy session. At a kill, what it waits for is done
    /// again.
    pub patience: Duration,
    /// How often an idle writer does upkeep; default 1 s.
    pub upkeep: Duration,
    /// Ended messages are dropped, whole days at a time, when they were accepted longer ago than
    /// this; default 30 days.
    pub retention: Duration,
}

impl Default for WriterLimits {
    fn default() -> Self {
        Self {
            group: 2_048,
            queue: 8_192,
            linger: Duration::ZERO,
            patience: Duration::from_micros(500),
            upkeep: Duration::from_secs(1),
            retention: Duration::from_secs(30 * 86_400),
        }
    }
}

impl Writer {
    /// Starts the thread. The time is the system's.
    pub fn start(store: impl Store + Send + 'static, limits: WriterLimits) -> io::Result<Self> {
        Self::start_at(store, limits, system_time)
    }

    /// Starts the thread with a clock of the caller's.
    pub fn start_at(
        store: impl Store + Send + 'static,
        limits: WriterLimits,
        clock: fn() -> Timestamp,
    ) -> io::Result<Self> {
        let (mut pump, handle) = Pump::new(store, limits);
        pump.sync_beside()?;
        // However the thread ends, the pump is dropped and nobody waits for it for ever.
        let thread = thread::Builder::new().name("store".to_owned()).spawn(move || run(pump, clock))?;
        Ok(Self { handle, thread: Some(thread) })
    }

    /// For callers in any thread.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.handle.shared.lock().is_closing = true;
        self.handle.shared.wake.notify_one();
        if let Some(thread) = self.thread.take() {
            // A panic there was told to all who waited.
            let _ = thread.join();
        }
    }
}

fn run(mut pump: Pump<impl Store>, clock: fn() -> Timestamp) {
    let mut is_idle = false;
    loop {
        match wait(pump.shared(), is_idle) {
            Woken::Work => {
                is_idle = false;
                linger(pump.shared());
                pump.round(&clock, Hurry::Due);
            }
            Woken::Nothing => is_idle = !pump.upkeep(clock()),
            Woken::End => return,
        }
    }
}

enum Woken {
    Work,
    Nothing,
    End,
}

fn wait(shared: &Shared, is_idle: bool) -> Woken {
    let limits = &shared.limits;
    let mut pending = shared.lock();
    let idle_until = Instant::now() + if is_idle { limits.upkeep } else { IDLE };
    loop {
        if pending.has_call() || pending.is_due(limits) {
            return Woken::Work;
        }
        if pending.is_closing && pending.has_no_batch() {
            return Woken::End;
        }
        let idle = idle_until.saturating_duration_since(Instant::now());
        if idle.is_zero() && pending.has_no_batch() {
            return Woken::Nothing;
        }
        let limit = pending.patience(limits).unwrap_or(idle);
        pending = shared.wake.wait_timeout(pending, limit).unwrap_or_else(PoisonError::into_inner).0;
    }
}

fn linger(shared: &Shared) {
    let until = Instant::now() + shared.limits.linger;
    let mut pending = shared.lock();
    while !pending.is_closing && pending.weight < shared.limits.group {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() || pending.has_no_batch() {
            return;
        }
        pending = shared.wake.wait_timeout(pending, left).unwrap_or_else(PoisonError::into_inner).0;
    }
}

fn system_time() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// After this long without work the rest is folded.
const IDLE: Duration = Duration::from_millis(5);
