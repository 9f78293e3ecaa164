//! A transcript being played: the driver's loop on a pretended clock.

use core::fmt::Display;
use core::time::Duration;
use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use smppkit_session::{Event, Session, SessionConfig};
use smppkit_wire::{Frames, Role};

use super::Deed;
use super::application::{Act, Owed};
use super::event::{EventLine, Told};
use crate::clock::Clock;
use crate::pdu::{PduLine, Seen, command_id};
use crate::words::{Word, words};

/// The session under test and all that it has done and nobody has named.
pub(super) struct Play {
    session: Session<u64>,
    clock: Clock,
    owed: Owed,
    /// Octets of the peer that the session has not taken.
    input: Vec<u8>,
    sent: VecDeque<Seen>,
    told: VecDeque<Told>,
    closed: bool,
}

/// Calls of `timeout` at one instant before a session is said to be going round in circles.
const TIMEOUTS_AT_ONCE: u32 = 10_000;

impl Play {
    pub(super) fn new(role: Role, config: &SessionConfig) -> Self {
        let clock = Clock::new();
        Self {
            session: Session::new(role, Arc::new(config.clone()), clock.now()),
            clock,
            owed: Owed::default(),
            input: Vec::new(),
            sent: VecDeque::new(),
            told: VecDeque::new(),
            closed: false,
        }
    }

    pub(super) fn step(&mut self, deed: &Deed, joined: bool) -> Result<(), String> {
        match deed {
            Deed::Us(line) => return named("us> ", &mut self.sent, |seen| line.difference(seen)),
            Deed::Event(line) => return named("", &mut self.told, |told| EventLine::difference(line, told)),
            Deed::Silence => return self.nothing_left(),
            Deed::Expect(words) => return words.iter().try_for_each(|word| self.expect(word)),
            _ if joined => {}
            _ => self.nothing_left()?,
        }
        match deed {
            Deed::Bound(words) => self.bound(words),
            Deed::Peer(octets) => {
                self.input.extend_from_slice(octets);
                self.settle()
            }
            Deed::App(act) => self.act(act),
            Deed::Pass(time) => self.pass(*time),
            _ => {
                self.end();
                Ok(())
            }
        }
    }

    /// Whether everything that happened has been named.
    pub(super) fn nothing_left(&self) -> Result<(), String> {
        let sent = self.sent.iter().map(|seen| format!("us> {seen}"));
        let all: Vec<_> = sent.chain(self.told.iter().map(ToString::to_string)).collect();
        if all.is_empty() {
            Ok(())
        } else {
            Err(format!("not expected: {}", all.join("\n                  ")))
        }
    }

    fn act(&mut self, act: &Act) -> Result<(), String> {
        let mut out = Vec::new();
        act.perform(&mut self.session, &mut self.owed, self.clock.now(), &mut out)?;
        self.send(out)?;
        self.settle()
    }

    /// Takes frames while the session does, and meets deadlines that have come, as a driver does.
    fn settle(&mut self) -> Result<(), String> {
        let now = self.clock.now();
        let mut taken = 0;
        let run = Bytes::copy_from_slice(&self.input);
        let mut frames = Frames::new(&run, self.session.config().pdu_limit_octets);
        while !self.closed && self.session.may_receive() {
            let mut out = Vec::new();
            let event = match frames.next() {
                Some(Ok(frame)) => self.session.receive(now, &frame, &mut out),
                Some(Err(error)) => Some(self.session.framing_lost(&error, &mut out)),
                None => break,
            };
            taken = run.len() - frames.rest().len();
            self.send(out)?;
            self.tell(event);
        }
        self.input.drain(..taken);
        self.timeouts()
    }

    /// Meets the deadlines that have come. After that none may be left, or a driver would spin.
    fn timeouts(&mut self) -> Result<(), String> {
        let now = self.clock.now();
        if self.session.deadline().is_none_or(|deadline| deadline > now) {
            return Ok(());
        }
        for _ in 0..TIMEOUTS_AT_ONCE {
            let mut out = Vec::new();
            let event = self.session.timeout(now, &mut out);
            let last = event.is_none();
            self.send(out)?;
            self.tell(event);
            if last || self.closed {
                return match self.session.deadline() {
                    Some(deadline) if deadline <= now => {
                        Err(format!("deadline() is {:?} late although timeout() was called", now - deadline))
                    }
                    _ => Ok(()),
                };
            }
        }
        Err("timeout() has no end".to_owned())
    }

    fn pass(&mut self, time: Duration) -> Result<(), String> {
        let until = self.clock.now() + time;
        while let Some(deadline) = self.session.deadline().filter(|deadline| *deadline <= until) {
            self.clock.advance_to(deadline);
            self.timeouts()?;
        }
        self.clock.advance_to(until);
        Ok(())
    }

    /// Takes apart what the session wrote: it must be whole frames.
    fn send(&mut self, out: Vec<u8>) -> Result<(), String> {
        let run: Bytes = out.into();
        let mut frames = Frames::new(&run, u32::MAX);
        for frame in frames.by_ref() {
            let frame = frame.map_err(|error| format!("what was sent cannot be framed: {error}"))?;
            self.sent.push_back(Seen::sent(&frame, self.session.version()));
        }
        if frames.rest().is_empty() { Ok(()) } else { Err("a part of a frame was sent".to_owned()) }
    }

    fn tell(&mut self, event: Option<Event<u64>>) {
        let Some(event) = event else { return };
        match &event {
            Event::Bind(asked, _) => self.owed.bind = Some(*asked),
            Event::Request(asked, _) => self.owed.requests.push(*asked),
            _ => {}
        }
        self.told.push_back(Told::new(&event));
        if matches!(event, Event::Close(_)) {
            self.end();
        }
    }

    /// The connection is gone: all that waits is given back.
    fn end(&mut self) {
        self.closed = true;
        while let Some(event) = self.session.closed() {
            self.told.push_back(Told::new(&event));
        }
    }

    /// A bind and its acceptance, of which only the outcome matters.
    fn bound(&mut self, arguments: &[Word]) -> Result<(), String> {
        let mut mode = "transceiver";
        let mut version = smppkit_wire::Version::V50;
        for word in arguments {
            match word {
                Word::Bare(word) => mode = word,
                Word::Pair(key, value) if key == "version" => {
                    version = value.parse().map_err(|error| format!("{error}"))?;
                }
                Word::Pair(..) => return Err("bound takes a mode and version=".to_owned()),
            }
        }
        let declared = smppkit_wire::value::InterfaceVersion::from(version).0;
        if self.session.role() == Role::Mc {
            let bind =
                format!("bind_{mode} seq=1 system_id=esme password=secret interface_version={declared}");
            self.input = PduLine::parse(&words(&bind))?.octets()?;
            self.settle()?;
            self.act(&Act::parse(&words("accept mc"))?)?;
        } else {
            let bind = format!("bind {mode} system_id=esme password=secret");
            self.act(&Act::parse(&words(&bind))?)?;
            let resp = command_id(&format!("bind_{mode}_resp"))?;
            let fields = format!("seq=1 system_id=mc tlv:sc_interface_version={declared}");
            self.input = PduLine::of(resp, &words(&fields))?.octets()?;
            self.settle()?;
        }
        if !self.session.state().is_bound() {
            return Err(format!("the session is {:?}", self.session.state()));
        }
        self.sent.clear();
        self.told.clear();
        Ok(())
    }

    /// `state=BoundTrx`, `in_flight=1` and so on.
    fn expect(&self, word: &Word) -> Result<(), String> {
        let Word::Pair(key, expected) = word else {
            return Err("expect takes key=value".to_owned());
        };
        let session = &self.session;
        let got: &dyn Display = match key.as_str() {
            "state" => &format!("{:?}", session.state()),
            "version" => &session.version(),
            "in_flight" => &session.in_flight(),
            "room" => &session.room(),
            "unanswered" => &session.unanswered(),
            "stray_responses" => &session.stray_responses(),
            "may_receive" => &if session.may_receive() { "yes" } else { "no" },
            "unread_octets" => &self.input.len(),
            "deadline" => &session.deadline().map_or_else(
                || "none".to_owned(),
                |deadline| format!("{:?}", deadline.saturating_duration_since(self.clock.now())),
            ),
            _ => return Err(format!("{key} is nothing a session says of itself")),
        };
        let got = got.to_string();
        if got == *expected {
            Ok(())
        } else {
            Err(format!("expected: {key}={expected}\n    got:      {key}={got}"))
        }
    }
}

/// Takes the next thing that happened; it must be the one that the line names.
fn named<T: Display>(
    prefix: &str,
    happened: &mut VecDeque<T>,
    difference: impl Fn(&T) -> Option<String>,
) -> Result<(), String> {
    let Some(next) = happened.pop_front() else {
        return Err("got: nothing".to_owned());
    };
    match difference(&next) {
        None => Ok(()),
        Some(what) => Err(format!("differs in: {what}\n    got: {prefix}{next}")),
    }
}
