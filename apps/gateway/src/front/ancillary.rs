//! query_sm, cancel_sm, replace_sm, and the message that takes another's place.
//!
//! All of them work on what the store has, in its writer's thread: what is claimed or sent by then may
//! be on the wire, and is neither cancelled nor replaced.

use std::sync::Arc;

use smppkit_net::Asked;
use smppkit_relay::{Parcel, told};
use smppkit_store::{Accepted, Change, Final, Message, Outcome, Refusal, State, Store, Timestamp};
use smppkit_wire::field::{CStr, FinalDate, ShortMessage, Time};
use smppkit_wire::pdu::table::{
    CancelSm, CancelSmResp, QuerySm, QuerySmResp, ReplaceSm, ReplaceSmResp, SubmitSmResp,
};
use smppkit_wire::receipt::state_of_word;
use smppkit_wire::tlv::tag;
use smppkit_wire::value::{MessageState, RegisteredDelivery};
use smppkit_wire::{CommandStatus, Tlvs, Version};

use super::asker::Asker;
use super::submit::told as told_id;
use super::{Front, FrontLink};

/// Messages between two numbers that one cancel_sm withdraws at most.
const CANCELLED_AT_ONCE: usize = 100;

impl Front {
    pub(super) fn query(&mut self, link: &mut FrontLink<'_>, asked: Asked, pdu: &QuerySm) {
        let Some(asker) = self.asker(asked) else { return };
        let (message_id, source) = (pdu.message_id, pdu.source_addr);
        let is_taken = self.hub.store.call_then(move |store: &mut dyn Store, now| {
            let found = asker.find(store, &message_id, &source);
            asker.answer(found.map(|message| {
                let state = state_of(&message, now, asker.version);
                let final_date = message.finished_at.map_or(FinalDate::NONE, |at| FinalDate::absolute(at.0));
                QuerySmResp { message_id, final_date, message_state: state, ..QuerySmResp::default() }.into()
            }));
        });
        if !is_taken {
            link.refuse(asked, CommandStatus::ESME_RSYSERR);
        }
    }

    pub(super) fn cancel(&mut self, _link: &mut FrontLink<'_>, asked: Asked, pdu: &CancelSm) {
        let Some(asker) = self.asker(asked) else { return };
        let pdu = pdu.clone();
        let work = move |asker: &Asker, store: &mut dyn Store, now: Timestamp| {
            let messages = if pdu.message_id.is_empty() {
                between(asker, store, &pdu)?
            } else {
                vec![asker.find(store, &pdu.message_id, &pdu.source_addr)?]
            };
            let cancel = |id, then| {
                let account = asker.account.name.clone();
                Change::Cancel { id, account, version: None, then }
            };
            let (mut changes, mut wholes) = (Vec::new(), Vec::new());
            for message in &messages {
                let id = message.accepted.id;
                match Parcel::read(&message.accepted.payload) {
                    // One that was cut ends with its pieces.
                    Ok(Parcel::Message(whole)) if !whole.parts.is_empty() => {
                        changes.extend(whole.parts.iter().map(|piece| cancel(*piece, None)));
                        wholes.push(id);
                    }
                    _ => {
                        let then = told(&message.accepted, MessageState::DELETED, 0, now, &*asker.hub);
                        changes.push(cancel(id, then));
                    }
                }
            }
            Ok((changes, wholes))
        };
        asker.change(work, |asker, outcomes, wholes| match outcomes.as_slice() {
            // By addresses: those that were still here are withdrawn.
            outcomes if outcomes.contains(&Outcome::Done) => {
                asker.hub.look_at_wholes(wholes);
                Ok(CancelSmResp::default().into())
            }
            [Outcome::Refused(Refusal::Unknown)] => Err(CommandStatus::ESME_RINVMSGID),
            _ => Err(CommandStatus::ESME_RCANCELFAIL),
        });
    }

    pub(super) fn replace(&mut self, link: &mut FrontLink<'_>, asked: Asked, pdu: &ReplaceSm) {
        let Some(asker) = self.asker(asked) else { return };
        let now_ms = link.now().unix_ms;
        let times = time(pdu.schedule_delivery_time, now_ms, CommandStatus::ESME_RINVSCHED)
            .and_then(|due| Ok((due, time(pdu.validity_period, now_ms, CommandStatus::ESME_RINVEXPIRY)?)));
        let (due_at, expires_at) = match times {
            Ok(times) => times,
            Err(status) => return link.refuse(asked, status),
        };
        let pdu = pdu.clone();
        let work = move |asker: &Asker, store: &mut dyn Store, _: Timestamp| {
            let found = asker.find(store, &pdu.message_id, &pdu.source_addr)?;
            let Ok(Parcel::Message(mut message)) = Parcel::read(&found.accepted.payload) else {
                return Err(CommandStatus::ESME_RREPLACEFAIL);
            };
            if !message.parts.is_empty() {
                // Its pieces are what goes out, and another text has others.
                return Err(CommandStatus::ESME_RREPLACEFAIL);
            }
            replace_in(&mut message.pdu, &pdu, asker.version);
            let change = Change::Replace {
                id: found.accepted.id,
                account: asker.account.name.clone(),
                version: Some(found.version),
                payload: Parcel::Message(message).to_octets(),
                due_at,
                expires_at,
            };
            Ok((vec![change], found.accepted.queue))
        };
        asker.change(work, |asker, outcomes, queue| match outcomes.as_slice() {
            [Outcome::Done] => {
                asker.hub.told(&[queue]);
                Ok(ReplaceSmResp::default().into())
            }
            [Outcome::Refused(Refusal::Unknown)] => Err(CommandStatus::ESME_RINVMSGID),
            _ => Err(CommandStatus::ESME_RREPLACEFAIL),
        });
    }

    /// A submit_sm that takes the place of one that waits between the same two, for the same service.
    pub(super) fn replace_or_accept(&self, asked: Asked, message: Arc<Accepted>) {
        let Some(asker) = self.asker(asked) else { return };
        let work = move |asker: &Asker, store: &mut dyn Store, _: Timestamp| {
            let found = store
                .pending(&asker.account.name, &message.source, &message.destination, CANCELLED_AT_ONCE)
                .map_err(|error| asker.failed(&error))?;
            let service = service_type(&message.payload);
            let old = found
                .into_iter()
                .find(|old| asker.version == Version::V33 || service_type(&old.accepted.payload) == service);
            let Some(old) = old else { return Ok((vec![Change::Accept(message.clone())], (message, None))) };
            let change = Change::Replace {
                id: old.accepted.id,
                account: asker.account.name.clone(),
                version: Some(old.version),
                payload: message.payload.clone(),
                due_at: Some(message.due_at),
                expires_at: message.expires_at,
            };
            let id = told_id(&old.accepted, asker.version);
            Ok((vec![change], (message, Some((id, old.accepted.queue)))))
        };
        asker.change(work, |asker, outcomes, (message, replaced)| {
            if outcomes != [Outcome::Done] {
                // It went out, or changed, in this very moment: its ESME may try again.
                return Err(CommandStatus::ESME_RTHROTTLED);
            }
            let id = match replaced {
                None => told_id(&message, asker.version),
                Some((id, queue)) => {
                    asker.hub.told(&[queue]);
                    id
                }
            };
            let message_id = id.parse().unwrap_or_default();
            Ok(SubmitSmResp { message_id, ..SubmitSmResp::default() }.into())
        });
    }
}

/// The state as query_sm tells it. An end's reason begins with the word of its receipt.
fn state_of(message: &Message, now: Timestamp, version: Version) -> MessageState {
    match message.state {
        State::Queued
            if version == Version::V50 && message.accepted.due_at > now && message.attempts == 0 =>
        {
            MessageState::SCHEDULED
        }
        State::Queued | State::Sent => MessageState::ENROUTE,
        State::Final(how) => state_of_word(&message.reason).unwrap_or(match how {
            Final::Delivered => MessageState::DELIVERED,
            Final::Failed => MessageState::UNDELIVERABLE,
            Final::Expired => MessageState::EXPIRED,
            Final::Cancelled => MessageState::DELETED,
        }),
    }
}

/// Those of the account that wait between the addresses of a cancel_sm.
fn between(asker: &Asker, store: &mut dyn Store, pdu: &CancelSm) -> Result<Vec<Message>, CommandStatus> {
    let (source, destination) = (pdu.source_addr.to_text(), pdu.destination_addr.to_text());
    let found = store
        .pending(&asker.account.name, &source, &destination, CANCELLED_AT_ONCE)
        .map_err(|error| asker.failed(&error))?;
    let of_service = |message: &Message| {
        pdu.service_type.is_empty() || service_type(&message.accepted.payload) == Some(pdu.service_type)
    };
    let found: Vec<Message> = found.into_iter().filter(of_service).collect();
    if found.is_empty() { Err(CommandStatus::ESME_RCANCELFAIL) } else { Ok(found) }
}

fn service_type(payload: &[u8]) -> Option<CStr<6>> {
    match Parcel::read(payload) {
        Ok(Parcel::Message(message)) => Some(message.pdu.service_type),
        _ => None,
    }
}

/// What replace_sm puts in place of what was there; times are kept apart.
fn replace_in(message: &mut smppkit_wire::pdu::table::SubmitSm, with: &ReplaceSm, version: Version) {
    message.registered_delivery =
        RegisteredDelivery((message.registered_delivery.0 & !0x1F) | (with.registered_delivery.0 & 0x1F));
    message.sm_default_msg_id = with.sm_default_msg_id;
    message.short_message = ShortMessage::new(with.short_message.octets().clone()).unwrap_or_default();
    let payload = if version == Version::V50 { with.tlvs.get(tag::message_payload) } else { None };
    let mut tlvs = Tlvs::build();
    for tlv in message.tlvs.iter().filter(|tlv| tlv.tag != tag::message_payload.tag()) {
        tlvs.push_octets(tlv.tag, tlv.value);
    }
    message.tlvs = tlvs.with_some(tag::message_payload, payload).done();
}

pub(super) fn time(
    given: Time,
    now_ms: i64,
    wrong: CommandStatus,
) -> Result<Option<Timestamp>, CommandStatus> {
    let time = given.value().map_err(|_| wrong)?;
    match time.map(|time| time.resolve(now_ms)) {
        Some(at) if at < now_ms - 2_000 => Err(wrong),
        at => Ok(at.map(Timestamp)),
    }
}
