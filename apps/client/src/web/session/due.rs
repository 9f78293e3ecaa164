//! What time brings to a session.

use core::time::Duration;
use std::time::Instant;

use smppkit_wire::pdu::table::EnquireLink;

use super::super::play::Turn;
use super::super::say::{Progress, Say};
use super::{NOTES, Session};

impl Session {
    /// All that time brings.
    pub(super) fn due(&mut self, now: Instant) {
        self.late(now);
        self.probe(now);
        self.repeat(now);
        self.played(now);
        if self.rows_at().is_some_and(|at| at <= now) {
            self.rows_after = now + ROWS_EACH;
            self.notes.push_back(self.rows.take());
        }
        if self.active + self.settings.idle.0 <= now && self.leaving.is_none() {
            self.notes.push_back(Say::Over("nothing was asked for, and nothing came, for long"));
            self.active = now;
        }
    }

    /// When rows are due. Only one batch of them waits for the page; what comes meanwhile is skipped at last.
    pub(super) fn rows_at(&self) -> Option<Instant> {
        let waits = self.rows.is_empty() || self.notes.iter().any(|note| matches!(note, Say::Pdus { .. }));
        (!waits).then_some(self.rows_after)
    }

    /// What was waited for, and did not come.
    fn late(&mut self, now: Instant) {
        let Some(line) = &mut self.line else { return };
        if line.stalled().is_some_and(|at| at <= now) {
            return self.closed("closed, because the server does not read");
        }
        if line.bind.is_some_and(|(_, until)| until <= now) {
            let limit = self.settings.bind_timeout;
            return self.closed(&format!("closed, because the bind was not answered within {limit}"));
        }
        if line.unbind.is_some_and(|until| until <= now) {
            return self.closed("closed, because unbind was not answered");
        }
        let limit = self.settings.response_timeout;
        let Some(before) = now.checked_sub(limit.0) else { return };
        while let Some(asked) = line.ours.before(before) {
            if let (true, Some(repeat)) = (asked.repeated, &mut self.repeat) {
                repeat.ended(false, false);
            } else if asked.command_id == EnquireLink::COMMAND_ID && self.notes.len() < NOTES {
                self.notes.push_back(Say::error(format!("enquire_link was not answered within {limit}")));
            }
        }
    }

    /// Whether the server is still there.
    fn probe(&mut self, now: Instant) {
        let Some(line) = &mut self.line else { return };
        if !line.is_bound() || line.enquire_link.is_none_or(|time| line.heard + time > now) {
            return;
        }
        line.heard = now;
        if !line.is_full() {
            let octets = line.request(EnquireLink {});
            self.put(octets, false, now);
        }
    }

    fn repeat(&mut self, now: Instant) {
        loop {
            let (Some(line), Some(repeat)) = (&mut self.line, &mut self.repeat) else { return };
            if !repeat.is_due(now) || line.is_full() {
                break;
            }
            let octets = repeat.octets.numbered(|| line.next());
            let is_request = self.put(octets, true, now);
            if let Some(repeat) = &mut self.repeat {
                repeat.sent(is_request, now);
            }
        }
        let Some(repeat) = &mut self.repeat else { return };
        if repeat.is_done() {
            self.end_repeat();
        } else if repeat.tells(now) && self.notes.len() < NOTES {
            let progress = repeat.progress;
            self.notes.push_back(Say::Repeat { repeat: progress });
        }
    }

    pub(super) fn end_repeat(&mut self) {
        if let Some(repeat) = self.repeat.take() {
            let progress = repeat.progress;
            self.notes.push_back(Say::Repeat { repeat: Progress { done: true, ..progress } });
        }
    }

    /// Plays on, as far as it goes.
    fn played(&mut self, now: Instant) {
        while self.notes.len() < NOTES {
            let is_open = self.line.is_some() || self.opening.is_some();
            let Some(play) = &mut self.play else { return };
            match play.turn(is_open, now) {
                Turn::Wait(until) => {
                    self.play_at = Some(until);
                    return;
                }
                Turn::Ended(result) => self.ended_step(result, now),
                Turn::Send(what) => {
                    let sent = self.send(&what, now).map_err(|error| error.to_string());
                    self.ended_step(sent, now);
                }
            }
        }
    }

    pub(super) fn ended_step(&mut self, result: Result<String, String>, now: Instant) {
        let Some(play) = &mut self.play else { return };
        let ended = play.end(result, now);
        if ended.done {
            self.play = None;
            self.play_at = None;
        }
        self.notes.push_back(Say::Script { script: ended });
    }
}

const ROWS_EACH: Duration = Duration::from_millis(50);
