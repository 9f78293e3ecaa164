//! Sending the same many times.

use core::time::Duration;
use std::time::Instant;

use super::ask::{Again, Octets};
use super::say::Progress;

/// A repeat that runs.
#[derive(Debug)]
pub(super) struct Repeat {
    pub(super) octets: Octets,
    pub(super) progress: Progress,
    /// Sent, and neither answered nor given up.
    pub(super) waiting: u32,
    count: u32,
    window: u32,
    gap: Duration,
    /// When the next is due.
    next: Instant,
    /// When the page is told next.
    tell: Instant,
}

impl Repeat {
    pub(super) fn new(again: &Again, octets: Octets, now: Instant) -> Self {
        Self {
            octets,
            progress: Progress::default(),
            waiting: 0,
            count: again.count,
            window: again.window,
            // The rate is at least 0.01, so this is 100 s at most.
            gap: Duration::try_from_secs_f64(1.0 / again.rate).unwrap_or(Duration::from_secs(100)),
            next: now,
            tell: now + TELL,
        }
    }

    /// Whether one is due.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.has_room() && self.next <= now
    }

    /// One goes out.
    pub(super) fn sent(&mut self, is_request: bool, now: Instant) {
        self.progress.sent += 1;
        self.waiting += u32::from(is_request);
        // What a full window held up is made up for, but not all at once.
        self.next = (self.next + self.gap).max(now.checked_sub(BURST).unwrap_or(now));
    }

    /// One is answered, or never will be.
    pub(super) fn ended(&mut self, answered: bool, ok: bool) {
        self.waiting = self.waiting.saturating_sub(1);
        self.progress.answered += u32::from(answered);
        self.progress.failed += u32::from(!ok);
    }

    pub(super) const fn is_done(&self) -> bool {
        self.progress.sent == self.count && self.waiting == 0
    }

    /// Whether the page is to be told now.
    pub(super) fn tells(&mut self, now: Instant) -> bool {
        let tells = self.tell <= now;
        if tells {
            self.tell = now + TELL;
        }
        tells
    }

    /// When there is something to do.
    pub(super) fn deadline(&self) -> Instant {
        if self.has_room() { self.next.min(self.tell) } else { self.tell }
    }

    const fn has_room(&self) -> bool {
        self.progress.sent < self.count && self.waiting < self.window
    }
}

const TELL: Duration = Duration::from_millis(250);
const BURST: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::super::ask::Ask;
    use super::*;

    fn repeat(count: u32, rate: u32, window: u32, now: Instant) -> Repeat {
        let text =
            format!(r#"{{"repeat": {{"hex": "00", "count": {count}, "rate": {rate}, "window": {window}}}}}"#);
        let Ask::Repeat(again) = Ask::parse(&text).unwrap() else { panic!("a repeat") };
        Repeat::new(&again, again.octets().unwrap(), now)
    }

    #[test]
    fn the_rate_is_kept_and_the_window_holds_it_up() {
        let start = Instant::now();
        let mut repeat = repeat(100, 10, 2, start);
        for tenth in 0..2 {
            let now = start + Duration::from_millis(tenth * 100);
            assert!(repeat.is_due(now));
            repeat.sent(true, now);
            assert!(!repeat.is_due(now));
        }
        let later = start + Duration::from_secs(5);
        assert!(!repeat.is_due(later), "two wait for answers");
        repeat.ended(true, true);
        repeat.ended(true, false);
        assert!(repeat.is_due(later));
        repeat.sent(true, later);
        repeat.ended(true, true);
        let mut more = 0;
        while repeat.is_due(later) {
            repeat.sent(false, later);
            more += 1;
        }
        assert_eq!(more, 2, "a little is made up for, but not five seconds");
        assert_eq!(repeat.progress, Progress { sent: 5, answered: 3, failed: 1, done: false });
    }

    #[test]
    fn it_is_done_when_all_is_answered_or_given_up() {
        let start = Instant::now();
        let mut repeat = repeat(2, 10_000, 10, start);
        for ms in 0..2 {
            repeat.sent(true, start + Duration::from_millis(ms));
        }
        repeat.ended(true, true);
        assert!(!repeat.is_done());
        repeat.ended(false, false);
        assert!(repeat.is_done());
    }
}
