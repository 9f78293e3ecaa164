//! Playing the steps of a page.

use core::time::Duration;
use std::collections::VecDeque;
use std::time::Instant;

use bytes::Bytes;
use smppkit_inspect::{Facts, Wanted};
use smppkit_wire::pdu::def_of;
use smppkit_wire::pdu::table::EnquireLink;
use smppkit_wire::{Header, Version};

use super::ask::{Step, What};
use super::say::{Ended, taken_apart};

/// A script that runs.
#[derive(Debug)]
pub(super) struct Play {
    steps: Vec<Step>,
    at: usize,
    /// When the step began.
    began: Instant,
    /// PDUs that came and were not expected yet, the oldest first.
    came: VecDeque<Bytes>,
    version: Version,
}

/// What has to be done about a step.
#[derive(Debug)]
pub(super) enum Turn {
    Send(What),
    /// It ended well, or not.
    Ended(Result<String, String>),
    /// Until then, or until something comes.
    Wait(Instant),
}

impl Play {
    pub(super) const fn new(steps: Vec<Step>, version: Version, now: Instant) -> Self {
        Self { steps, at: 0, began: now, came: VecDeque::new(), version }
    }

    /// A PDU came.
    pub(super) fn heard(&mut self, octets: &Bytes) {
        if self.came.len() >= CAME {
            self.came.pop_front();
        }
        self.came.push_back(octets.clone());
    }

    /// Where the step stands.
    pub(super) fn turn(&mut self, is_open: bool, now: Instant) -> Turn {
        let Some(step) = self.steps.get(self.at) else {
            return Turn::Ended(Err("there is no such step".to_owned()));
        };
        if let Some(what) = &step.send {
            return Turn::Send(what.clone());
        }
        if let Some(ms) = step.wait_ms {
            let until = self.began + Duration::from_millis(ms.into());
            return if until <= now { Turn::Ended(Ok(format!("waited {ms} ms"))) } else { Turn::Wait(until) };
        }
        let expected = step.expect.clone().unwrap_or_default();
        let usual = if expected == "nothing" { NOTHING_WITHIN_MS } else { WITHIN_MS };
        let ms = step.within_ms.unwrap_or(usual);
        let until = self.began + Duration::from_millis(ms.into());
        let late = until <= now;
        match expected.as_str() {
            "closed" if !is_open => Turn::Ended(Ok("closed".to_owned())),
            "closed" if late => Turn::Ended(Err(format!("not closed within {ms} ms"))),
            "closed" => Turn::Wait(until),
            "nothing" => match self.came.iter().find(|octets| is_news(octets)) {
                Some(octets) => Turn::Ended(Err(format!("{} came", self.summary(octets)))),
                None if late || !is_open => Turn::Ended(Ok(format!("nothing came within {ms} ms"))),
                None => Turn::Wait(until),
            },
            command => match self.matching(command) {
                Some(octets) => Turn::Ended(Ok(self.summary(&octets))),
                None if late => Turn::Ended(Err(self.missing(command, &format!("within {ms} ms")))),
                None if !is_open => {
                    Turn::Ended(Err(self.missing(command, "before the connection was closed")))
                }
                None => Turn::Wait(until),
            },
        }
    }

    /// The step ended; what the page is told, and whether the script goes on.
    pub(super) fn end(&mut self, result: Result<String, String>, now: Instant) -> Ended {
        self.at += 1;
        self.began = now;
        let ok = result.is_ok();
        let detail = result.unwrap_or_else(|why| why);
        Ended { step: self.at, ok, detail, done: !ok || self.at >= self.steps.len() }
    }

    /// Takes the first that is as expected.
    fn matching(&mut self, command: &str) -> Option<Bytes> {
        let filter = self.steps.get(self.at)?.filter.clone().unwrap_or_default();
        let wanted = Wanted::by(&[&filter]);
        let is = |octets: &Bytes| {
            let def = Header::read(octets).and_then(|header| def_of(header.command_id));
            def.is_some_and(|def| def.name == command) && filter.holds(&Facts::of_octets(octets, &wanted))
        };
        let at = self.came.iter().position(is)?;
        self.came.remove(at)
    }

    fn missing(&self, command: &str, when: &str) -> String {
        let others: Vec<String> = self.came.iter().rev().take(5).map(|octets| self.summary(octets)).collect();
        if others.is_empty() {
            format!("no such {command} came {when}, nor anything else")
        } else {
            format!(
                "no such {command} came {when}; what came and was not expected yet: {}",
                others.join("; ")
            )
        }
    }

    fn summary(&self, octets: &Bytes) -> String {
        taken_apart(octets, self.version).summary()
    }
}

/// Probes are no news.
fn is_news(octets: &Bytes) -> bool {
    let id = Header::read(octets).map(|header| header.command_id & !Header::RESPONSE_BIT);
    id != Some(EnquireLink::COMMAND_ID)
}

const WITHIN_MS: u32 = 5_000;
const NOTHING_WITHIN_MS: u32 = 1_000;
/// PDUs that are kept for later steps.
const CAME: usize = 1_000;
