//! What a frame of the peer leads to.

use std::time::Instant;

use smppkit_wire::pdu::table::{BindTransceiver, EnquireLinkResp, Outbind, Unbind};
use smppkit_wire::pdu::{PduDef, def_of};
use smppkit_wire::tlv::tag;
use smppkit_wire::value::InterfaceVersion;
use smppkit_wire::{Body, BodyError, CommandStatus, Duty, Frame, Header, Pdu, Role, State, Tlvs, Version};

use crate::bind::BindMode;
use crate::event::{Asked, BindRequest, CloseReason, Event, Failure};
use crate::session::{Session, is_answered};
use crate::window::{Purpose, Slot};

impl<T> Session<T> {
    /// Takes one frame of the peer. Answers that need no application go to `out` at once.
    #[inline]
    pub fn receive(&mut self, now: Instant, frame: &Frame<'_>, out: &mut Vec<u8>) -> Option<Event<T>> {
        if self.state == State::Closed {
            return None;
        }
        self.timers.received = now;
        if frame.header.is_response() {
            self.receive_response(now, frame)
        } else {
            self.receive_request(now, frame, out)
        }
    }

    fn receive_request(&mut self, now: Instant, frame: &Frame<'_>, out: &mut Vec<u8>) -> Option<Event<T>> {
        let Header { command_id, sequence_number, .. } = frame.header;
        let asked = Asked { sequence_number, command_id };
        let Some(def) = def_of(command_id).filter(|def| def.may_come(self.receive_version)) else {
            Pdu::generic_nack(sequence_number, CommandStatus::ESME_RINVCMDID).encode(self.version, out);
            return None;
        };
        if let Some(status) = self.forbids(def) {
            if is_answered(def) {
                Pdu::refusal(command_id, sequence_number, status).encode(self.version, out);
                return None;
            }
            // Nothing can be said to it but what a malformed one gets in any state: outbind the end.
            return self.read(frame).err().and_then(|error| self.fault(&frame.header, &error, out));
        }
        let pdu = match self.read(frame) {
            Ok(pdu) => pdu,
            Err(error) => return self.fault(&frame.header, &error, out),
        };
        match &pdu.body {
            Body::EnquireLink(_) => {
                if self.enquire_link_rate.as_mut().is_some_and(|rate| !rate.take(now, 1)) {
                    return Some(self.end(CloseReason::EnquireLinkFlood));
                }
                let answer = EnquireLinkResp::default().into();
                self.answer(sequence_number, CommandStatus::ESME_ROK, &answer, out);
                return None;
            }
            Body::Unbind(_) => return self.unbind_asked(now, sequence_number, out),
            Body::Outbind(outbind) => return Some(self.outbind_asked(now, outbind.clone())),
            body => {
                if let Some((mode, bind)) = BindMode::of_request(body) {
                    self.binding = Some(mode);
                    self.agree(bind.interface_version.unwrap_or_default());
                    self.receive_version = self.version;
                    return Some(Event::Bind(asked, BindRequest { mode, bind }));
                }
            }
        }
        self.timers.transacted = now;
        if !is_answered(def) {
            return Some(Event::Notification(pdu.body));
        }
        if let Some(rate) = &mut self.receive_rate
            && !rate.take(now, messages(&pdu.body))
        {
            Pdu::refusal(command_id, sequence_number, CommandStatus::ESME_RTHROTTLED)
                .encode(self.version, out);
            return None;
        }
        self.asked += 1;
        Some(Event::Request(asked, pdu.body))
    }

    #[inline]
    fn read(&self, frame: &Frame<'_>) -> Result<Pdu, BodyError> {
        let pdu = Pdu::decode(frame, self.receive_version, &self.config.dialect)?;
        pdu.check(self.receive_version, &self.config.dialect)?;
        Ok(pdu)
    }

    /// Why the peer may not send this PDU now.
    fn forbids(&self, def: &PduDef) -> Option<CommandStatus> {
        let is_bind = BindMode::of_command(def.command_id).is_some();
        if def.command_id == BindTransceiver::COMMAND_ID && self.config.version < Version::V34 {
            // The ESME falls back to two sessions (SMPP 3.4, 4.1).
            return Some(CommandStatus::ESME_RINVCMDID);
        }
        if is_bind && self.role == Role::Mc && (self.state.is_bound() || self.binding.is_some()) {
            return Some(CommandStatus::ESME_RALYBND);
        }
        // An unbind that crosses ours began while we were bound (SMPP 5.0, 2.3.5).
        let crosses = def.command_id == Unbind::COMMAND_ID && self.unbind_sent && self.unbind_asked.is_none();
        if def.permits(self.role.peer(), self.state) || crosses {
            None
        } else {
            Some(CommandStatus::ESME_RINVBNDSTS)
        }
    }

    #[cold]
    fn fault(&mut self, header: &Header, error: &BodyError, out: &mut Vec<u8>) -> Option<Event<T>> {
        let Header { command_id, sequence_number, .. } = *header;
        let refusal = match error.duty(header) {
            Duty::Respond(status) => Pdu::refusal(command_id, sequence_number, status),
            Duty::Nack(status) => Pdu::generic_nack(sequence_number, status),
            Duty::Close => return Some(self.end(CloseReason::BadOutbind)),
            Duty::Drop => return None,
        };
        refusal.encode(self.version, out);
        None
    }

    fn unbind_asked(&mut self, now: Instant, sequence_number: u32, out: &mut Vec<u8>) -> Option<Event<T>> {
        self.unbind_asked = Some(sequence_number);
        if !self.unbind_sent {
            self.state = State::Unbound;
            self.timers.unbinding = Some(now);
        }
        if self.asked == 0 {
            self.answer_unbind(out);
        }
        if self.unbind_sent { None } else { Some(Event::Unbinding) }
    }

    fn outbind_asked(&mut self, now: Instant, outbind: Outbind) -> Event<T> {
        self.state = State::Outbound;
        self.timers.opened = now;
        Event::Outbind(outbind)
    }

    fn receive_response(&mut self, now: Instant, frame: &Frame<'_>) -> Option<Event<T>> {
        let Header { command_id, sequence_number, .. } = frame.header;
        // Nobody asked for it: never answered, or two peers could nack each other for ever.
        let waiting = self.window.command_id(sequence_number);
        let matches = waiting.is_some_and(|request| {
            command_id == request | Header::RESPONSE_BIT || command_id == Header::GENERIC_NACK
        });
        let Some(slot) = (if matches { self.window.take(sequence_number) } else { None }) else {
            self.stray_responses += 1;
            return None;
        };
        let Slot { purpose, command_id: request, sent, .. } = slot;
        match purpose {
            Purpose::EnquireLink => {
                self.enquiring = false;
                if frame.octets().len() > Header::OCTETS
                    && let Ok(pdu) = Pdu::decode(frame, self.receive_version, &self.config.dialect)
                {
                    let load = self.load(pdu.body.tlvs());
                    self.allowance.reported(load, self.window.in_flight());
                }
                None
            }
            Purpose::Unbind => {
                self.unbind_sent = false;
                // When both unbound at once, theirs still waits for our last answers.
                if self.unbind_asked.is_some() { None } else { Some(self.end(CloseReason::Unbound)) }
            }
            Purpose::Bind => self.bind_answered(now, request, frame),
            Purpose::Application(token) => {
                self.timers.transacted = now;
                let status = outcome(&frame.header);
                match Pdu::decode(frame, self.receive_version, &self.config.dialect) {
                    Ok(pdu) => {
                        if self.config.adaptive_window {
                            let load = self.load(pdu.body.tlvs());
                            self.allowance.answered(status, load, self.window.in_flight());
                        }
                        let waited = now.saturating_duration_since(sent);
                        Some(Event::Response { token, status, body: pdu.body, waited })
                    }
                    Err(error) => Some(Event::Failed { token, failure: Failure::Malformed(error) }),
                }
            }
        }
    }

    /// The load that a response reports; below 5.0 nothing does.
    fn load(&self, tlvs: &Tlvs) -> Option<u8> {
        let heeded = self.config.adaptive_window && self.version == Version::V50;
        if heeded { tlvs.get(tag::congestion_state) } else { None }
    }

    fn bind_answered(&mut self, now: Instant, request: u32, frame: &Frame<'_>) -> Option<Event<T>> {
        self.binding = None;
        let status = outcome(&frame.header);
        if !status.is_ok() {
            return Some(Event::BindRefused(status));
        }
        // A bind response is read before any version is agreed on, and tells it.
        let read = Pdu::decode(frame, Version::V50, &self.config.dialect);
        let (mode, system_id, tlvs) =
            match read.as_ref().ok().and_then(|pdu| BindMode::of_response(&pdu.body)) {
                Some(answer) => answer,
                None => (BindMode::of_command(request)?, <_>::default(), &Tlvs::EMPTY),
            };
        let declared = tlvs.get(tag::sc_interface_version);
        let silent = InterfaceVersion::from(self.config.silent_mc_version);
        self.version = self.receive_version;
        self.agree(declared.unwrap_or(silent));
        let load = self.load(tlvs);
        self.allowance.reported(load, self.window.in_flight());
        self.state = mode.state();
        self.timers.transacted = now;
        Some(Event::Bound { mode, version: self.version, system_id })
    }
}

/// What a response reports. A generic_nack never reports success, whatever it says.
const fn outcome(header: &Header) -> CommandStatus {
    if header.command_id == Header::GENERIC_NACK && header.command_status.is_ok() {
        return CommandStatus::ESME_RUNKNOWNERR;
    }
    header.command_status
}

/// How many messages a request counts for: a submit_multi is one to each destination.
fn messages(body: &Body) -> u32 {
    match body {
        Body::SubmitMulti(pdu) => pdu.dest_address.len().max(1) as u32,
        _ => 1,
    }
}
