//! The session: its state, and what the application does with it.

use std::sync::Arc;
use std::time::Instant;

use smppkit_wire::field::CStr;
use smppkit_wire::pdu::PduDef;
use smppkit_wire::pdu::table::{EnquireLink, Outbind, Unbind, UnbindResp};
use smppkit_wire::tlv::tag;
use smppkit_wire::value::InterfaceVersion;
use smppkit_wire::{
    Body, BodyError, CommandStatus, Dialect, Fault, FrameError, Pdu, Role, State, Tlvs, Version,
};

use crate::bind::{Bind, BindMode};
use crate::config::SessionConfig;
use crate::event::{Asked, CloseReason, Event, Failure, SendError};
use crate::flow::{Rate, SendAllowance};
use crate::timers::{Timers, after};
use crate::window::{Purpose, Slot, Window};

/// How what goes to a peer below 5.0 is checked.
const TO_OLDER_PEERS: Dialect = Dialect { refuse_reserved: true, ..Dialect::STRICT };

/// One SMPP connection, seen from one side. `T` goes out with each request and comes back with its answer.
#[derive(Debug)]
pub struct Session<T> {
    pub(crate) role: Role,
    pub(crate) state: State,
    pub(crate) config: Arc<SessionConfig>,
    /// What may be sent.
    pub(crate) version: Version,
    /// What is understood: an ESME takes what it declared, whatever the MC said of itself.
    pub(crate) receive_version: Version,
    pub(crate) window: Window<T>,
    pub(crate) allowance: SendAllowance,
    pub(crate) timers: Timers,
    /// Requests handed to the application and not answered.
    pub(crate) asked: u32,
    /// A bind that is not answered: an MC's application has it, an ESME's is on its way.
    pub(crate) binding: Option<BindMode>,
    /// Our own unbind is on its way.
    pub(crate) unbind_sent: bool,
    /// No more requests are sent.
    leaving: bool,
    /// The number of the peer's unbind while its other requests are still being answered.
    pub(crate) unbind_asked: Option<u32>,
    /// An enquire_link is on its way.
    pub(crate) enquiring: bool,
    pub(crate) enquire_link_rate: Option<Rate>,
    pub(crate) receive_rate: Option<Rate>,
    congestion_state: Option<u8>,
    /// The end, until the application has been told.
    pub(crate) ending: Option<CloseReason>,
    /// Responses that answered nothing.
    pub(crate) stray_responses: u64,
}

impl<T> Session<T> {
    /// A session on a fresh connection, whoever opened it.
    pub fn new(role: Role, config: Arc<SessionConfig>, now: Instant) -> Self {
        Self {
            role,
            state: State::Open,
            version: config.version,
            receive_version: config.version,
            window: Window::new(1),
            allowance: SendAllowance::new(config.send_window),
            timers: Timers::new(now),
            asked: 0,
            binding: None,
            unbind_sent: false,
            leaving: false,
            unbind_asked: None,
            enquiring: false,
            enquire_link_rate: config.enquire_link_rate.map(Rate::per_second),
            receive_rate: config.receive_rate.map(Rate::per_second),
            congestion_state: None,
            ending: None,
            stray_responses: 0,
            config,
        }
    }

    /// Which peer this is.
    pub const fn role(&self) -> Role {
        self.role
    }

    /// Where the session stands.
    pub const fn state(&self) -> State {
        self.state
    }

    /// The version both speak; before a bind, the newest spoken here.
    pub const fn version(&self) -> Version {
        self.version
    }

    /// The configuration it was made with.
    pub fn config(&self) -> &SessionConfig {
        &self.config
    }

    /// Requests of the application that wait for their answers.
    pub const fn in_flight(&self) -> u32 {
        self.window.in_flight()
    }

    /// How many more requests may be sent now.
    pub fn room(&self) -> u32 {
        let may_send = self.state.is_bound() && !self.leaving;
        if may_send { self.allowance.allowed().saturating_sub(self.in_flight()) } else { 0 }
    }

    /// Whether more of the peer's frames may be handed in: false while the application owes as many
    /// answers as receive_window. Not reading is how the peer is slowed down.
    pub fn may_receive(&self) -> bool {
        self.asked < self.config.receive_window && self.state != State::Closed && self.ending.is_none()
    }

    /// Requests of the peer that the application has not answered.
    pub const fn unanswered(&self) -> u32 {
        self.asked
    }

    /// Responses of the peer that answered nothing, so far.
    pub const fn stray_responses(&self) -> u64 {
        self.stray_responses
    }

    /// Reports a load of 0 to 100 in every response to a 5.0 peer from now on (SMPP 5.0, 2.9).
    pub fn set_congestion_state(&mut self, congestion_state: Option<u8>) {
        self.congestion_state = congestion_state;
    }

    /// Limits the messages taken a second: what an account allows is known only after its bind.
    pub fn set_receive_rate(&mut self, per_second: Option<u32>) {
        self.receive_rate = per_second.map(Rate::per_second);
    }

    /// Requests that may be sent and not answered, from now on: an account may have fewer than the rest.
    pub fn set_send_window(&mut self, requests: u32) {
        self.allowance = SendAllowance::new(requests);
    }

    /// Numbers requests from here on, where none is on its way. Sessions begin with 1, as SMPP 5.0,
    /// 4.7.24 recommends; a simulator may begin elsewhere, and a test just below the wrap.
    pub fn set_first_sequence_number(&mut self, sequence_number: u32) {
        self.window.go_on_from(sequence_number);
    }

    /// Asks the MC to bind us. One bind at a time.
    pub fn bind(
        &mut self,
        now: Instant,
        mode: BindMode,
        bind: &Bind,
        out: &mut Vec<u8>,
    ) -> Result<(), SendError<()>> {
        let declared = bind.interface_version.unwrap_or_else(|| self.config.version.into());
        let body = mode.request(bind, declared);
        let open = matches!(self.state, State::Open | State::Outbound) && self.binding.is_none();
        if self.role != Role::Esme || !open {
            return Err(SendError::State(body, ()));
        }
        self.binding = Some(mode);
        self.receive_version = declared.version();
        self.send(now, Purpose::Bind, body, out);
        Ok(())
    }

    /// Accepts a bind under our name.
    pub fn accept_bind(&mut self, now: Instant, asked: Asked, system_id: &str, out: &mut Vec<u8>) {
        let Some(mode) = self.binding.take_if(|_| self.role == Role::Mc) else {
            return;
        };
        self.state = mode.state();
        self.timers.transacted = now;
        // A peer below 3.4 gets no TLV, not even this one (SMPP 5.0, 2.11.2).
        let tlvs = match self.version {
            Version::V33 => Tlvs::EMPTY,
            _ => Tlvs::build().with(tag::sc_interface_version, self.config.version.into()).done(),
        };
        let system_id: CStr<16> = system_id.parse().unwrap_or_default();
        self.answer(asked.sequence_number, CommandStatus::ESME_ROK, &mode.response(system_id, tlvs), out);
    }

    /// Refuses a bind. The peer may try again until session_init expires.
    pub fn refuse_bind(&mut self, asked: Asked, status: CommandStatus, out: &mut Vec<u8>) {
        if self.binding.take_if(|_| self.role == Role::Mc).is_some() {
            self.version = self.config.version;
            self.receive_version = self.config.version;
            Pdu::refusal(asked.command_id, asked.sequence_number, status).encode(self.version, out);
        }
    }

    /// As the MC that opened the connection, asks the ESME to bind.
    pub fn outbind(
        &mut self,
        now: Instant,
        outbind: Outbind,
        out: &mut Vec<u8>,
    ) -> Result<(), SendError<()>> {
        if self.role != Role::Mc || self.state != State::Open {
            return Err(SendError::State(outbind.into(), ()));
        }
        self.state = State::Outbound;
        self.timers.opened = now;
        Pdu::request(self.window.skip(), outbind).encode(self.version, out);
        Ok(())
    }

    /// Sends a request. Its sequence_number, or what was given and why it cannot go.
    #[inline]
    pub fn request(
        &mut self,
        now: Instant,
        body: impl Into<Body>,
        token: T,
        out: &mut Vec<u8>,
    ) -> Result<u32, SendError<T>> {
        let body = body.into();
        let may_go = |def: &&PduDef| {
            def.permits(self.role, self.state) && is_answered(def) && !changes_state(def.command_id)
        };
        let Some(def) = body.def().filter(may_go) else {
            return Err(SendError::State(body, token));
        };
        if !def.in_version(self.version) {
            return Err(SendError::Version(body, token));
        }
        // TLVs are left out of what goes to a 3.3 peer. The text must not be.
        if self.version < Version::V34 && body.tlvs().has(tag::message_payload.tag()) {
            let error = BodyError {
                field: "message_payload",
                at: 0,
                fault: Fault::TlvBeforeV34,
                status: CommandStatus::ESME_RINVMSGLEN,
            };
            return Err(SendError::Value(body, token, error));
        }
        // What only 5.0 has must not reach older peers: 255 octets, a 255th destination, values.
        if self.version < Version::V50
            && let Err(error) = body.check_fields(self.version, &TO_OLDER_PEERS)
        {
            return Err(SendError::Value(body, token, error));
        }
        if self.leaving || self.in_flight() >= self.allowance.allowed() {
            return Err(SendError::WindowFull(body, token));
        }
        self.timers.transacted = now;
        Ok(self.send(now, Purpose::Application(token), body, out))
    }

    /// Sends a PDU that gets no answer: alert_notification.
    pub fn notify(
        &mut self,
        now: Instant,
        body: impl Into<Body>,
        out: &mut Vec<u8>,
    ) -> Result<u32, SendError<()>> {
        let body = body.into();
        match body.def() {
            Some(def) if !def.permits(self.role, self.state) || !is_notification(def) => {
                Err(SendError::State(body, ()))
            }
            Some(def) if def.in_version(self.version) => {
                self.timers.transacted = now;
                let sequence_number = self.window.skip();
                Pdu::request(sequence_number, body).encode(self.version, out);
                Ok(sequence_number)
            }
            _ => Err(SendError::Version(body, ())),
        }
    }

    /// Answers a request with success.
    #[inline]
    pub fn respond(&mut self, asked: Asked, body: impl Into<Body>, out: &mut Vec<u8>) {
        self.respond_with(asked, CommandStatus::ESME_ROK, body, out);
    }

    /// Answers a request with an outcome and a body: a failed transaction says more than its status.
    #[inline]
    pub fn respond_with(
        &mut self,
        asked: Asked,
        status: CommandStatus,
        body: impl Into<Body>,
        out: &mut Vec<u8>,
    ) {
        if self.state != State::Closed {
            self.answer(asked.sequence_number, status, &body.into(), out);
            self.answered(out);
        }
    }

    /// Refuses a request: a header and nothing else (SMPP 5.0, 3.2.1.3).
    pub fn refuse(&mut self, asked: Asked, status: CommandStatus, out: &mut Vec<u8>) {
        if self.state != State::Closed {
            Pdu::refusal(asked.command_id, asked.sequence_number, status).encode(self.version, out);
            self.answered(out);
        }
    }

    /// Owes no answer any more, without sending one: a simulated fault.
    pub fn forget(&mut self, _asked: Asked, out: &mut Vec<u8>) {
        if self.state != State::Closed {
            self.answered(out);
        }
    }

    /// Sends no more requests: there is no [`room`](Self::room) from now on. Before [`unbind`](Self::unbind),
    /// for who wants to know first what became of those on their way.
    pub fn leave(&mut self) {
        self.leaving = true;
    }

    /// Ends the session politely. [`Event::Close`] follows when the peer has answered, or did not.
    pub fn unbind(&mut self, now: Instant, out: &mut Vec<u8>) {
        if self.state.is_bound() {
            self.state = State::Unbound;
            self.timers.unbinding = Some(now);
            self.unbind_sent = true;
            self.send(now, Purpose::Unbind, Unbind {}.into(), out);
        }
    }

    /// Asks the peer whether it is alive, whatever the timer says.
    pub fn enquire_link(&mut self, now: Instant, out: &mut Vec<u8>) {
        if !self.enquiring && self.state != State::Closed {
            self.enquiring = true;
            self.send(now, Purpose::EnquireLink, EnquireLink {}.into(), out);
        }
    }

    /// Framing is lost: says so, and ends.
    pub fn framing_lost(&mut self, error: &FrameError, out: &mut Vec<u8>) -> Event<T> {
        let FrameError::Length { sequence_number, .. } = *error else {
            return self.end(CloseReason::FramingLost);
        };
        Pdu::generic_nack(sequence_number, error.status()).encode(self.version, out);
        self.end(CloseReason::FramingLost)
    }

    /// The connection is gone: each call gives one request that will never be answered, until all
    /// are given.
    pub fn closed(&mut self) -> Option<Event<T>> {
        self.ended();
        while let Some(slot) = self.window.pop() {
            if let Purpose::Application(token) = slot.purpose {
                return Some(Event::Failed { token, failure: Failure::Closed });
            }
        }
        None
    }

    /// When [`timeout`](Self::timeout) must be called, at the latest.
    pub fn deadline(&self) -> Option<Instant> {
        if self.ending.is_some() {
            return Some(self.timers.opened);
        }
        let config = &*self.config;
        let by_state = match self.state {
            State::Open | State::Outbound => self.timers.session_init(config),
            State::BoundTx | State::BoundRx | State::BoundTrx => {
                let enquire_link = if self.enquiring { None } else { self.timers.enquire_link(config) };
                earlier(enquire_link, self.timers.inactivity(config))
            }
            State::Unbound => self.timers.unbind(config),
            State::Closed => return None,
        };
        earlier(by_state, self.window.deadline())
    }

    /// What the passing of time has led to; call until it returns `None`.
    pub fn timeout(&mut self, now: Instant, out: &mut Vec<u8>) -> Option<Event<T>> {
        if let Some(reason) = self.ending.take() {
            self.state = State::Closed;
            return Some(Event::Close(reason));
        }
        if self.state == State::Closed {
            return None;
        }
        while let Some(slot) = self.window.expire(now) {
            match slot.purpose {
                Purpose::Application(token) => {
                    return Some(Event::Failed { token, failure: Failure::Expired });
                }
                Purpose::Bind => return Some(self.end(CloseReason::BindUnanswered)),
                Purpose::Unbind => return Some(self.unbind_expired(out)),
                Purpose::EnquireLink => {
                    self.enquiring = false;
                    // Any PDU since then was a sign of life (SMPP 5.0, 4.1.2). While nothing is
                    // read for the application's sake, silence says nothing of the peer.
                    if self.timers.received <= slot.sent && self.may_receive() {
                        return Some(self.end(CloseReason::Dead));
                    }
                }
            }
        }
        let due = |deadline: Option<Instant>| deadline.is_some_and(|deadline| deadline <= now);
        let config = Arc::clone(&self.config);
        match self.state {
            State::Open | State::Outbound if due(self.timers.session_init(&config)) => {
                return Some(self.end(CloseReason::SessionInit));
            }
            State::Unbound if due(self.timers.unbind(&config)) => {
                return Some(self.unbind_expired(out));
            }
            state if state.is_bound() && due(self.timers.inactivity(&config)) => self.unbind(now, out),
            state if state.is_bound() && !self.enquiring && due(self.timers.enquire_link(&config)) => {
                self.enquire_link(now, out);
            }
            _ => {}
        }
        None
    }

    /// Ends the session and says so.
    pub(crate) fn end(&mut self, reason: CloseReason) -> Event<T> {
        self.ended();
        Event::Close(reason)
    }

    /// Nothing that was on its way can be answered any more.
    fn ended(&mut self) {
        self.state = State::Closed;
        self.ending = None;
        self.binding = None;
    }

    /// The time to unbind is over: the peer is not kept waiting for an application that answers nothing.
    fn unbind_expired(&mut self, out: &mut Vec<u8>) -> Event<T> {
        self.answer_unbind(out);
        self.end(if self.unbind_sent { CloseReason::UnbindUnanswered } else { CloseReason::Unbound })
    }

    /// Answers the peer's unbind, if one waits. With that the session is over, unless ours waits, too.
    pub(crate) fn answer_unbind(&mut self, out: &mut Vec<u8>) {
        if let Some(sequence_number) = self.unbind_asked.take() {
            self.answer(sequence_number, CommandStatus::ESME_ROK, &UnbindResp::default().into(), out);
            self.ending = if self.unbind_sent { None } else { Some(CloseReason::Unbound) };
        }
    }

    fn send(&mut self, now: Instant, purpose: Purpose<T>, body: Body, out: &mut Vec<u8>) -> u32 {
        let deadline = after(now, self.config.response);
        let slot = Slot { purpose, command_id: body.command_id(), sent: now, deadline };
        let sequence_number = self.window.insert(slot);
        Pdu::request(sequence_number, body).encode(self.version, out);
        sequence_number
    }

    /// Writes a response, with congestion_state when there is one to report.
    #[inline]
    pub(crate) fn answer(&self, sequence_number: u32, status: CommandStatus, body: &Body, out: &mut Vec<u8>) {
        let start = out.len();
        body.encode(status, sequence_number, self.version, out);
        // Before a bind nobody knows whether the peer speaks 5.0; what the application says goes first.
        if let Some(state) = self.congestion_state
            && self.version == Version::V50
            && !matches!(self.state, State::Open | State::Outbound)
            && status.is_ok()
            && !body.tlvs().has(tag::congestion_state.tag())
        {
            // TLVs are last in every PDU, so one more may follow.
            out.extend_from_slice(&tag::congestion_state.tag().0.to_be_bytes());
            out.extend_from_slice(&[0, 1, state]);
            let length = ((out.len() - start) as u32).to_be_bytes();
            out[start..start + 4].copy_from_slice(&length);
        }
    }

    /// One answer less is owed; after the last, the peer's unbind gets its own.
    #[inline]
    fn answered(&mut self, out: &mut Vec<u8>) {
        self.asked = self.asked.saturating_sub(1);
        if self.asked == 0 {
            self.answer_unbind(out);
        }
    }

    /// What the versions of both sides come to.
    pub(crate) fn agree(&mut self, peer: InterfaceVersion) {
        self.version = self.version.min(peer.version());
    }
}

fn earlier(a: Option<Instant>, b: Option<Instant>) -> Option<Instant> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// Binds and unbind have calls of their own, for the session changes with them.
const fn changes_state(command_id: u32) -> bool {
    command_id == Unbind::COMMAND_ID || BindMode::of_command(command_id).is_some()
}

/// Whether a PDU is no answer, gets none and leaves the state alone: alert_notification.
fn is_notification(def: &PduDef) -> bool {
    !def.is_response() && !is_answered(def) && !def.opens_session
}

/// Whether a request gets a response: all do but outbind and alert_notification.
pub(crate) fn is_answered(def: &PduDef) -> bool {
    let response = def.command_id | smppkit_wire::Header::RESPONSE_BIT;
    !def.is_response() && smppkit_wire::pdu::def_of(response).is_some()
}
