//! One side: its session and a small application that sends, answers and keeps account.

use core::time::Duration;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use smppkit_session::{Asked, CloseReason, Event, SendError, Session, SessionConfig};
use smppkit_wire::field::{CStr, ShortMessage};
use smppkit_wire::pdu::table::{
    AlertNotification, DataSm, DataSmResp, DeliverSm, DeliverSmResp, QuerySm, QuerySmResp, SubmitSm,
    SubmitSmResp,
};
use smppkit_wire::tlv::tag;
use smppkit_wire::{Body, Frames, Role, Tlvs};

use crate::chance::Chance;

/// A session and its application.
#[derive(Debug)]
pub(super) struct Side {
    pub(super) session: Session<u32>,
    config: Arc<SessionConfig>,
    /// Requests still to be sent.
    quota: u32,
    think: Duration,
    forgotten_one_in: u64,
    /// Octets that the session has not taken.
    input: Vec<u8>,
    /// Requests of the peer, with the instant at which they are answered and the text to answer.
    thinking: Vec<(Instant, Asked, Vec<u8>)>,
    /// By token: whether it has come back.
    returned: Vec<bool>,
    pub(super) sent: u32,
    pub(super) answered: u32,
    pub(super) failed: u32,
    pub(super) ended: bool,
    pub(super) reason: Option<CloseReason>,
    pub(super) trace: u64,
    started: Instant,
}

impl Side {
    pub(super) fn new(
        role: Role,
        config: Arc<SessionConfig>,
        now: Instant,
        quota: u32,
        think: Duration,
        forgotten_one_in: u64,
    ) -> Self {
        Self {
            session: Session::new(role, Arc::clone(&config), now),
            config,
            quota,
            think,
            forgotten_one_in,
            input: Vec::new(),
            thinking: Vec::new(),
            returned: Vec::new(),
            sent: 0,
            answered: 0,
            failed: 0,
            ended: false,
            reason: None,
            trace: 0,
            started: now,
        }
    }

    /// Everything was sent and has come back.
    pub(super) fn is_done(&self) -> bool {
        self.quota == 0 && self.answered + self.failed == self.sent && self.session.state().is_bound()
    }

    /// When something happens here without the peer.
    pub(super) fn next(&self) -> Option<Instant> {
        let thought = self.thinking.iter().map(|(due, ..)| *due).min();
        self.session.deadline().into_iter().chain(thought).filter(|_| !self.ended).min()
    }

    /// Takes what arrived, answers what is due, meets deadlines, sends what the window allows.
    pub(super) fn turn(
        &mut self,
        now: Instant,
        arrived: &[u8],
        chance: &mut Chance,
        out: &mut Vec<u8>,
    ) -> Result<(), String> {
        self.input.extend_from_slice(arrived);
        self.answer(now, chance, out);
        self.take(now, chance, out)?;
        while !self.ended
            && let Some(event) = self.session.timeout(now, out)
        {
            self.event(now, event, chance, out)?;
        }
        if !self.ended && self.session.deadline().is_some_and(|deadline| deadline <= now) {
            return Err(format!("deadline() has passed although timeout() was called: {:?}", self.session));
        }
        self.send(now, chance, out)?;
        self.keeps_its_limits()
    }

    fn take(&mut self, now: Instant, chance: &mut Chance, out: &mut Vec<u8>) -> Result<(), String> {
        let run: Bytes = core::mem::take(&mut self.input).into();
        let mut frames = Frames::new(&run, self.config.pdu_limit_octets);
        while !self.ended && self.session.may_receive() {
            let event = match frames.next() {
                Some(Ok(frame)) => self.session.receive(now, &frame, out),
                Some(Err(error)) => return Err(format!("what the peer sent cannot be framed: {error}")),
                None => break,
            };
            if let Some(event) = event {
                self.event(now, event, chance, out)?;
            }
        }
        self.input.extend_from_slice(frames.rest());
        Ok(())
    }

    fn event(
        &mut self,
        now: Instant,
        event: Event<u32>,
        chance: &mut Chance,
        out: &mut Vec<u8>,
    ) -> Result<(), String> {
        self.trace(now, &event);
        match event {
            Event::Bind(asked, _) => self.session.accept_bind(now, asked, "mc", out),
            Event::Request(asked, body) => {
                if self.forgotten_one_in != 0 && chance.one_in(self.forgotten_one_in) {
                    self.session.forget(asked, out);
                } else {
                    let due = now + Duration::from_micros(chance.below(self.think.as_micros() as u64 + 1));
                    self.thinking.push((due, asked, text_of(&body)?));
                }
            }
            Event::Response { token, status, body, .. } => {
                if !status.is_ok() || text_of(&body)? != token.to_string().as_bytes() {
                    return Err(format!("token {token} came back with another's answer: {status} {body:?}"));
                }
                self.answered += 1;
                self.comes_back(token)?;
            }
            Event::Failed { token, .. } => {
                self.failed += 1;
                self.comes_back(token)?;
            }
            Event::Close(reason) => {
                self.reason = Some(reason);
                self.disconnect()?;
            }
            Event::BindRefused(status) => return Err(format!("the bind was refused: {status}")),
            _ => {}
        }
        Ok(())
    }

    /// The connection is gone.
    pub(super) fn disconnect(&mut self) -> Result<(), String> {
        self.ended = true;
        while let Some(event) = self.session.closed() {
            let Event::Failed { token, .. } = event else {
                return Err(format!("a closed session tells {event:?}"));
            };
            self.failed += 1;
            self.comes_back(token)?;
        }
        match self.returned.iter().position(|returned| !returned) {
            Some(token) => Err(format!("token {token} never came back")),
            None if self.session.in_flight() != 0 => Err("requests are in flight after the end".to_owned()),
            None => Ok(()),
        }
    }

    fn comes_back(&mut self, token: u32) -> Result<(), String> {
        match self.returned.get_mut(token as usize) {
            Some(returned) if !*returned => {
                *returned = true;
                Ok(())
            }
            _ => Err(format!("token {token} came back twice, or was never given")),
        }
    }

    /// Answers what has been thought about, in the order of thinking.
    fn answer(&mut self, now: Instant, chance: &mut Chance, out: &mut Vec<u8>) {
        while let Some(at) = self.thinking.iter().position(|(due, ..)| *due <= now) {
            let (_, asked, text) = self.thinking.swap_remove(at);
            self.session.set_congestion_state(chance.one_in(3).then(|| chance.below(100) as u8));
            self.session.respond(asked, answer_to(asked.command_id, &text), out);
        }
    }

    fn send(&mut self, now: Instant, chance: &mut Chance, out: &mut Vec<u8>) -> Result<(), String> {
        while self.quota > 0 && self.session.state().is_bound() {
            let token = self.returned.len() as u32;
            let body = message(self.session.role(), &token.to_string(), chance);
            match self.session.request(now, body, token, out) {
                Ok(_) => {
                    self.quota -= 1;
                    self.sent += 1;
                    self.returned.push(false);
                }
                Err(SendError::WindowFull(..)) => {
                    return if self.session.room() == 0 {
                        Ok(())
                    } else {
                        Err("no room in the room".to_owned())
                    };
                }
                Err(error) => return Err(error.to_string()),
            }
            if self.session.role() == Role::Mc && chance.one_in(20) {
                let alert = AlertNotification::default();
                self.session.notify(now, alert, out).map_err(|error| error.to_string())?;
            }
            // Not all at once: the rest of the window is filled at the next turn.
            if chance.one_in(8) {
                self.session.enquire_link(now, out);
            }
        }
        Ok(())
    }

    fn keeps_its_limits(&self) -> Result<(), String> {
        let waiting = self.sent - self.answered - self.failed;
        let config = &self.config;
        if self.session.in_flight() != waiting && !self.ended {
            return Err(format!("{} in flight, {waiting} expected", self.session.in_flight()));
        }
        if self.session.unanswered() as usize != self.thinking.len() && !self.ended {
            return Err(format!(
                "{} unanswered, {} expected",
                self.session.unanswered(),
                self.thinking.len()
            ));
        }
        if self.session.in_flight() > config.send_window || self.session.unanswered() > config.receive_window
        {
            return Err(format!("beyond a window: {:?}", self.session));
        }
        Ok(())
    }

    /// FNV-1a over what happened when.
    fn trace(&mut self, now: Instant, event: &Event<u32>) {
        let at = (now - self.started).as_nanos() as u64;
        let what: u64 = match event {
            Event::Request(asked, _) => u64::from(asked.sequence_number),
            Event::Response { token, .. } => 1 << 40 | u64::from(*token),
            Event::Failed { token, .. } => 1 << 41 | u64::from(*token),
            _ => 1 << 42,
        };
        for octet in at.to_be_bytes().into_iter().chain(what.to_be_bytes()) {
            self.trace = (self.trace ^ u64::from(octet)).wrapping_mul(0x0100_0000_01B3);
        }
    }
}

/// One of the requests that carry a text and get one back.
fn message(role: Role, text: &str, chance: &mut Chance) -> Body {
    let destination = "447700900123".parse().unwrap_or_default();
    let short_message = ShortMessage::new(text.as_bytes().to_vec()).unwrap_or_default();
    let data_sm = || DataSm {
        destination_addr: "447700900123".parse().unwrap_or_default(),
        tlvs: Tlvs::build().with(tag::message_payload, text.as_bytes()).done(),
        ..DataSm::default()
    };
    match (role, chance.below(4)) {
        (_, 0) => data_sm().into(),
        (Role::Esme, 1) => QuerySm { message_id: text.parse().unwrap_or_default(), ..<_>::default() }.into(),
        (Role::Esme, _) => SubmitSm { destination_addr: destination, short_message, ..<_>::default() }.into(),
        (Role::Mc, _) => DeliverSm { destination_addr: destination, short_message, ..<_>::default() }.into(),
    }
}

/// The response that gives the text back.
fn answer_to(command_id: u32, text: &[u8]) -> Body {
    let message_id: CStr<65> = CStr::new(text).unwrap_or_default();
    match command_id {
        SubmitSm::COMMAND_ID => SubmitSmResp { message_id, ..<_>::default() }.into(),
        DeliverSm::COMMAND_ID => DeliverSmResp { message_id, ..<_>::default() }.into(),
        QuerySm::COMMAND_ID => QuerySmResp { message_id, ..<_>::default() }.into(),
        _ => DataSmResp { message_id, ..<_>::default() }.into(),
    }
}

/// The text of a request or of its answer.
fn text_of(body: &Body) -> Result<Vec<u8>, String> {
    Ok(match body {
        Body::SubmitSm(pdu) => pdu.short_message.to_vec(),
        Body::DeliverSm(pdu) => pdu.short_message.to_vec(),
        Body::DataSm(pdu) => pdu.tlvs.get(tag::message_payload).unwrap_or_default().to_vec(),
        Body::QuerySm(pdu) => pdu.message_id.as_octets().to_vec(),
        Body::SubmitSmResp(pdu) => pdu.message_id.as_octets().to_vec(),
        Body::DeliverSmResp(pdu) => pdu.message_id.as_octets().to_vec(),
        Body::DataSmResp(pdu) => pdu.message_id.as_octets().to_vec(),
        Body::QuerySmResp(pdu) => pdu.message_id.as_octets().to_vec(),
        other => return Err(format!("{:?} was never sent", other.def().map(|def| def.name))),
    })
}
