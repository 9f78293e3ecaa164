//! Taking messages: submit_sm, submit_multi, data_sm.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use smppkit_session::Asked;
use smppkit_text::{Concatenation, ReferenceWidth};
use smppkit_wire::field::{CStr, DestAddress, Time, UnsuccessSme, UnsuccessSmes};
use smppkit_wire::pdu::table::{DataSm, SubmitMulti, SubmitMultiResp, SubmitSm};
use smppkit_wire::tlv::tag;
use smppkit_wire::value::{
    DataCoding, EsmClass, MessageMode, MessageState, Npi, ReceiptRequest, RegisteredDelivery, Ton,
};
use smppkit_wire::{CommandStatus, Tlvs, Version};

use super::message::{Address, Message, MessageId};
use super::{Bound, Smsc, What};
use crate::dialect::Dialect;
use crate::mo;
use crate::rules::Verdict;

/// What becomes of the answer.
pub(crate) enum Taken {
    /// Answer now, with this id.
    Now(CStr<65>),
    /// Answer with this id, after a while.
    After(CStr<65>, Duration),
    /// The answer waits for the outcome and comes through the mailbox.
    Later,
}

/// What becomes of a message, and how that is told: by the SMSC's settings, or by a rule.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// The state it ends in.
    pub(crate) outcome: MessageState,
    /// The error code that goes with it, where it is not the usual one.
    pub(crate) error_code: Option<u16>,
    /// From acceptance (or its schedule) to there.
    pub(crate) delay: Duration,
    /// The form of its id and receipts, where it is not the SMSC's own.
    pub(crate) dialect: Option<Arc<Dialect>>,
    /// What the destination sends back, and how long after it was delivered.
    pub(crate) reply: Option<(String, Duration)>,
    /// What a rule wants of an answer that waits for the outcome.
    pub(crate) verdict: Option<Verdict>,
}

impl Plan {
    /// Delivered after some time.
    pub(crate) const fn delivered(delay: Duration) -> Self {
        Self {
            outcome: MessageState::DELIVERED,
            error_code: None,
            delay,
            dialect: None,
            reply: None,
            verdict: None,
        }
    }
}

/// A message as it is offered, and what was asked for with it.
struct Offer<'a> {
    message: Message,
    schedule_delivery_time: Time,
    validity_period: Time,
    replace_if_present: bool,
    tlvs: &'a Tlvs,
}

/// By how much a receipt that is early comes before the answer: enough for any session of the account to
/// have sent it.
const EARLY: Duration = Duration::from_millis(100);
/// How far a given time may lie in the past: clocks differ, and the PDU took its time to come.
const PAST_SLACK_MS: i64 = 2_000;

impl Smsc {
    /// submit_sm.
    pub(crate) fn submit_sm(
        &mut self,
        now_ms: i64,
        from: &Bound,
        asked: Asked,
        pdu: &SubmitSm,
        plan: &Plan,
    ) -> Result<Taken, CommandStatus> {
        let offer = Offer {
            message: Message {
                service_type: pdu.service_type,
                source: Address::new(pdu.source_addr_ton, pdu.source_addr_npi, pdu.source_addr),
                destination: Address::new(pdu.dest_addr_ton, pdu.dest_addr_npi, pdu.destination_addr),
                esm_class: pdu.esm_class,
                protocol_id: pdu.protocol_id,
                priority_flag: pdu.priority_flag,
                registered_delivery: pdu.registered_delivery,
                data_coding: pdu.data_coding,
                user_data: user_data(&pdu.short_message, &pdu.tlvs, pdu.sm_default_msg_id),
                ..self.message(now_ms, from, plan, &pdu.tlvs)
            },
            schedule_delivery_time: pdu.schedule_delivery_time,
            validity_period: pdu.validity_period,
            replace_if_present: pdu.replace_if_present_flag == 1,
            tlvs: &pdu.tlvs,
        };
        // SMPP 3.4, 4.4 keeps transaction mode to data_sm; 5.0, 4.2.10.4 opened it.
        let transaction = pdu.esm_class.mode() == MessageMode::Transaction && from.version == Version::V50;
        self.take(now_ms, from, offer, plan, asked, transaction.then_some(false))
    }

    /// data_sm from the ESME.
    pub(crate) fn data_sm(
        &mut self,
        now_ms: i64,
        from: &Bound,
        asked: Asked,
        pdu: &DataSm,
        plan: &Plan,
    ) -> Result<Taken, CommandStatus> {
        let offer = Offer {
            message: Message {
                service_type: pdu.service_type,
                source: Address::of_data_sm(pdu.source_addr_ton, pdu.source_addr_npi, pdu.source_addr),
                destination: Address::of_data_sm(pdu.dest_addr_ton, pdu.dest_addr_npi, pdu.destination_addr),
                esm_class: pdu.esm_class,
                registered_delivery: pdu.registered_delivery,
                data_coding: pdu.data_coding,
                user_data: user_data(&[], &pdu.tlvs, 0),
                ..self.message(now_ms, from, plan, &pdu.tlvs)
            },
            schedule_delivery_time: Time::NONE,
            validity_period: Time::NONE,
            replace_if_present: false,
            tlvs: &pdu.tlvs,
        };
        let transaction = pdu.esm_class.mode() == MessageMode::Transaction;
        self.take(now_ms, from, offer, plan, asked, transaction.then_some(true))
    }

    /// submit_multi: one id for all, one receipt for each destination. Each has a plan of its own, or is refused.
    pub(crate) fn submit_multi(
        &mut self,
        now_ms: i64,
        from: &Bound,
        pdu: &SubmitMulti,
        mut plan: impl FnMut(&CStr<21>) -> Result<Plan, CommandStatus>,
    ) -> Result<SubmitMultiResp, CommandStatus> {
        let text = user_data(&pdu.short_message, &pdu.tlvs, pdu.sm_default_msg_id);
        let mut first = None;
        let mut refused = Vec::new();
        let mut seen = HashSet::new();
        for destination in pdu.dest_address.iter() {
            let (ton, npi, addr) = match &destination {
                DestAddress::Sme { ton, npi, addr } => (*ton, *npi, *addr),
                // Any list exists here, as any number does, and has one member: itself.
                DestAddress::DistributionList { name } => (Ton::ALPHANUMERIC, Npi::UNKNOWN, *name),
            };
            // The same destination twice is one message.
            if !seen.insert((ton, npi, addr)) {
                continue;
            }
            let taken = if addr.is_empty() {
                Err(match destination {
                    DestAddress::Sme { .. } => CommandStatus::ESME_RINVDSTADR,
                    DestAddress::DistributionList { .. } => CommandStatus::ESME_RINVDLNAME,
                })
            } else {
                plan(&addr).and_then(|plan| {
                    let plan = &plan;
                    let offer = Offer {
                        message: Message {
                            service_type: pdu.service_type,
                            source: Address::new(pdu.source_addr_ton, pdu.source_addr_npi, pdu.source_addr),
                            destination: Address::new(ton, npi, addr),
                            esm_class: pdu.esm_class,
                            protocol_id: pdu.protocol_id,
                            priority_flag: pdu.priority_flag,
                            registered_delivery: pdu.registered_delivery,
                            data_coding: pdu.data_coding,
                            user_data: text.clone(),
                            ..self.message(now_ms, from, plan, &pdu.tlvs)
                        },
                        schedule_delivery_time: pdu.schedule_delivery_time,
                        validity_period: pdu.validity_period,
                        replace_if_present: false,
                        tlvs: &pdu.tlvs,
                    };
                    self.accept(now_ms, from, offer, plan, first)
                })
            };
            match taken {
                Ok(id) => {
                    first.get_or_insert(id);
                }
                Err(error_status_code) => refused.push(UnsuccessSme { ton, npi, addr, error_status_code }),
            }
        }
        match first {
            Some(id) => Ok(SubmitMultiResp {
                message_id: id.text(),
                unsuccess_sme: UnsuccessSmes::new(&refused).unwrap_or_default(),
                ..SubmitMultiResp::default()
            }),
            // All refused: no specification says; one shared reason says more than none.
            None => Err(match refused.first() {
                Some(one) if refused.iter().all(|sme| sme.error_status_code == one.error_status_code) => {
                    one.error_status_code
                }
                _ => CommandStatus::ESME_RSUBMITFAIL,
            }),
        }
    }

    fn take(
        &mut self,
        now_ms: i64,
        from: &Bound,
        offer: Offer<'_>,
        plan: &Plan,
        asked: Asked,
        transaction: Option<bool>,
    ) -> Result<Taken, CommandStatus> {
        let id = self.accept(now_ms, from, offer, plan, None)?;
        let Some(data_sm) = transaction else {
            // Nearly always there is nothing to it.
            if plan.dialect.is_none() && self.own_is_plain {
                return Ok(Taken::Now(id.text()));
            }
            return Ok(self.answer(now_ms, id));
        };
        let at_ms = match self.messages.get_mut(id.number) {
            Some(message) => {
                message.pending = true;
                message.end().1
            }
            None => now_ms,
        };
        let mailbox = Arc::clone(&from.mailbox);
        let verdict = plan.verdict.clone();
        self.at(at_ms, What::Answer { number: id.number, asked, mailbox, data_sm, verdict });
        Ok(Taken::Later)
    }

    /// The answer to a message that was taken, as its dialect has it.
    fn answer(&mut self, now_ms: i64, id: MessageId) -> Taken {
        let message = self.messages.get(id.number);
        let Some((message, dialect)) = message.map(|message| (message, self.dialect(message.dialect))) else {
            return Taken::Now(id.text());
        };
        if dialect.timing.first_part_only && message.part().is_some_and(|(part, _)| part > 1) {
            return Taken::Now(CStr::EMPTY);
        }
        if !dialect.timing.early || !self.early_receipt(now_ms, id.number) {
            return Taken::Now(id.text());
        }
        if let Some(message) = self.messages.get_mut(id.number) {
            // It had its receipt.
            message.registered_delivery = RegisteredDelivery::NONE;
        }
        Taken::After(id.text(), EARLY)
    }

    /// A message as it begins, but for what the PDU says of it.
    fn message(&mut self, now_ms: i64, from: &Bound, plan: &Plan, tlvs: &Tlvs) -> Message {
        let dialect = match &plan.dialect {
            None => self.own_form,
            Some(dialect) => self.form(dialect),
        };
        let form = self.dialect(dialect).message_id.response.in_version(from.version);
        let bare = tlvs.is_empty();
        Message {
            id: MessageId { number: self.messages.next(), form },
            account: from.account,
            version: from.version,
            service_type: CStr::EMPTY,
            source: Address::NONE,
            destination: Address::NONE,
            esm_class: EsmClass::DEFAULT,
            protocol_id: 0,
            priority_flag: 0,
            registered_delivery: RegisteredDelivery::NONE,
            data_coding: DataCoding(0),
            user_data: Bytes::new(),
            user_message_reference: if bare { None } else { tlvs.get(tag::user_message_reference) },
            sar: if bare { None } else { sar(tlvs) },
            set_dpf: !bare && tlvs.get(tag::set_dpf) == Some(1),
            accepted_ms: now_ms,
            due_ms: now_ms,
            scheduled: false,
            expires_ms: None,
            delivered_ms: now_ms,
            outcome: plan.outcome,
            error_code: plan.error_code,
            dialect,
            decided: None,
            pending: false,
        }
    }

    /// Takes one message for one destination. `shared` is the id of a submit_multi's first.
    fn accept(
        &mut self,
        now_ms: i64,
        from: &Bound,
        mut offer: Offer<'_>,
        plan: &Plan,
        shared: Option<MessageId>,
    ) -> Result<MessageId, CommandStatus> {
        let (due_ms, scheduled) = schedule(now_ms, &offer)?;
        let expires_ms = expiry(now_ms, due_ms, &offer)?;
        let message = &mut offer.message;
        message.due_ms = due_ms;
        message.scheduled = scheduled;
        message.expires_ms = expires_ms;
        message.delivered_ms = due_ms + millis(plan.delay);
        if offer.replace_if_present {
            self.may_look(now_ms)?;
            if let Some(id) = self.replace_if_present(now_ms, from, message) {
                return Ok(id);
            }
        }
        if message.esm_class.mode() == MessageMode::Datagram {
            // Sent once and forgotten: no receipt, no schedule (SMPP 5.0, 4.2.10.1).
            message.registered_delivery = RegisteredDelivery::NONE;
        }
        let id = message.id;
        if let Some(shared) = shared {
            message.id = shared;
        }
        let intermediate = message.registered_delivery.wants_intermediate();
        message.pending = message.registered_delivery.receipt() != ReceiptRequest::None
            || intermediate
            || message.set_dpf
            || self.is_mobile_originated(message);
        if message.pending {
            if self.messages.is_full() {
                return Err(CommandStatus::ESME_RMSGQFUL);
            }
            let end_ms = message.end().1;
            if intermediate {
                // Not at once: it would overtake the submit_sm_resp on another session.
                self.at(due_ms + millis(plan.delay) / 4, What::Intermediate(id.number));
            }
            self.at(end_ms, What::End(id.number));
        }
        if let (Some((text, after)), MessageState::DELIVERED) = (&plan.reply, message.end().0) {
            let at_ms = message.delivered_ms + millis(*after);
            let parts = mo::reply(message, text, id.number);
            self.send_mobile_originated(from.account, Some(at_ms), parts);
        }
        self.messages.push(offer.message);
        Ok(id)
    }

    /// Puts a message in place of one that is still under way between the same two.
    fn replace_if_present(&mut self, now_ms: i64, from: &Bound, offered: &mut Message) -> Option<MessageId> {
        // By its number: the id is that of another message, if a submit_multi made it.
        let (number, _) = self
            .messages
            .numbered()
            .filter(|(_, message)| {
                message.account == from.account
                    && message.source == offered.source
                    && message.destination == offered.destination
                    && (message.service_type == offered.service_type || from.version == Version::V33)
                    && message.is_open(now_ms)
            })
            .last()?;
        let message = self.messages.get_mut(number)?;
        message.data_coding = offered.data_coding;
        message.registered_delivery = offered.registered_delivery;
        message.accepted_ms = now_ms;
        message.due_ms = offered.due_ms;
        message.scheduled = offered.scheduled;
        message.expires_ms = offered.expires_ms;
        message.delivered_ms = offered.delivered_ms;
        message.pending |= offered.registered_delivery.receipt() != ReceiptRequest::None;
        let (id, end_ms, pending) = (message.id, message.end().1, message.pending);
        self.messages.set_user_data(number, core::mem::take(&mut offered.user_data));
        if pending {
            self.at(end_ms, What::End(number));
        }
        Some(id)
    }

    /// A message to the sender's own name, or to a number given for it, comes back.
    pub(super) fn is_mobile_originated(&self, message: &Message) -> bool {
        let to = message.destination.octets();
        let own =
            self.accounts.get(message.account as usize).map_or(CStr::EMPTY, |account| account.system_id);
        self.config.loopback
            || (!own.is_empty() && to == own.as_octets())
            || self.mo_numbers.iter().any(|number| number.as_octets() == to)
    }
}

/// A place in a long message, as TLVs say it.
fn sar(tlvs: &Tlvs) -> Option<Concatenation> {
    if tlvs.is_empty() {
        return None;
    }
    let reference = tlvs.get(tag::sar_msg_ref_num)?;
    let (total, sequence) = (tlvs.get(tag::sar_total_segments)?, tlvs.get(tag::sar_segment_seqnum)?);
    Concatenation::new(reference, ReferenceWidth::Sixteen, total, sequence)
}

/// message_payload, or short_message, or a text kept here; copied, so that it keeps no buffer alive.
pub(super) fn user_data(short_message: &[u8], tlvs: &Tlvs, sm_default_msg_id: u8) -> Bytes {
    match tlvs.get(tag::message_payload) {
        Some(payload) => Bytes::copy_from_slice(payload),
        None if short_message.is_empty() && sm_default_msg_id != 0 => {
            format!("Predefined message {sm_default_msg_id}").into()
        }
        None if short_message.is_empty() => Bytes::new(),
        None => Bytes::copy_from_slice(short_message),
    }
}

fn schedule(now_ms: i64, offer: &Offer<'_>) -> Result<(i64, bool), CommandStatus> {
    let given = offer.schedule_delivery_time.value().map_err(|_| CommandStatus::ESME_RINVSCHED)?;
    match given.map(|time| time.resolve(now_ms)) {
        None => Ok((now_ms, false)),
        Some(due_ms) if due_ms < now_ms - PAST_SLACK_MS => Err(CommandStatus::ESME_RINVSCHED),
        Some(due_ms) => Ok((due_ms.max(now_ms), true)),
    }
}

fn expiry(now_ms: i64, due_ms: i64, offer: &Offer<'_>) -> Result<Option<i64>, CommandStatus> {
    // qos_time_to_live supersedes validity_period (SMPP 5.0, 4.2.1.1).
    if let Some(seconds) = offer.tlvs.get(tag::qos_time_to_live) {
        return Ok(Some(now_ms + i64::from(seconds) * 1_000));
    }
    let given = offer.validity_period.value().map_err(|_| CommandStatus::ESME_RINVEXPIRY)?;
    match given.map(|time| time.resolve(now_ms)) {
        None => Ok(None),
        Some(expires_ms) if expires_ms < now_ms - PAST_SLACK_MS || expires_ms < due_ms => {
            Err(CommandStatus::ESME_RINVEXPIRY)
        }
        Some(expires_ms) => Ok(Some(expires_ms)),
    }
}

pub(super) fn millis(duration: core::time::Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 4)
}
