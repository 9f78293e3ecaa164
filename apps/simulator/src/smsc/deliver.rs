//! Towards the ESME: receipts, notifications, mobile-originated messages, alerts, held answers.

use std::sync::Arc;

use bytes::Bytes;
use smppkit_session::Asked;
use smppkit_text::{McDefault, decode_user_data};
use smppkit_wire::field::{CStr, ShortMessage};
use smppkit_wire::pdu::table::{AlertNotification, DataSmResp, DeliverSm, SubmitSmResp};
use smppkit_wire::receipt::Receipt;
use smppkit_wire::tlv::{TlvText, tag};
use smppkit_wire::value::{EsmClass, MessageState, ReceiptRequest};
use smppkit_wire::{Body, CommandStatus, Tlvs};

use super::message::{Message, error_code};
use super::{HeldAnswer, Mailbox, Smsc, What};

/// Between two attempts of a delivery that the ESME asked to repeat.
pub(super) const RETRY_MS: i64 = 5_000;

/// Something for an ESME.
#[derive(Debug)]
pub(crate) struct Delivery {
    pub(crate) account: u32,
    pub(crate) body: Body,
    pub(crate) attempts: u8,
    /// When it was made, among others: they leave in this order.
    pub(crate) order: u64,
}

impl Delivery {
    /// Attempts before it is given up.
    pub(crate) const ATTEMPTS: u8 = 5;

    /// User data and TLVs it holds in memory.
    pub(crate) fn octets(&self) -> usize {
        let short_message = match &self.body {
            Body::DeliverSm(pdu) => pdu.short_message.len(),
            _ => 0,
        };
        short_message + self.body.tlvs().region().len()
    }
}

impl Smsc {
    /// A message may have reached its end.
    pub(super) fn message_ends(&mut self, now_ms: i64, number: u32) {
        let Some(message) = self.messages.get(number).filter(|message| message.pending) else {
            return;
        };
        let (state, at_ms) = message.end();
        if at_ms > now_ms {
            // It was replaced meanwhile.
            self.at(at_ms, What::End(number));
            return;
        }
        let account = message.account;
        let mut deliveries = Vec::new();
        if message.set_dpf {
            deliveries.push(alert(message).into());
        }
        if state == MessageState::DELIVERED && self.is_mobile_originated(message) {
            deliveries.push(mobile_originated(message).into());
        }
        let wanted = match message.registered_delivery.receipt() {
            ReceiptRequest::None => false,
            ReceiptRequest::Always => true,
            ReceiptRequest::OnFailure => state != MessageState::DELIVERED,
            ReceiptRequest::OnSuccess => state == MessageState::DELIVERED,
        };
        if wanted {
            deliveries.push(receipt(message, state, at_ms, EsmClass::DELIVERY_RECEIPT).into());
        }
        self.messages.settle(number);
        for body in deliveries {
            self.deliver(Box::new(Delivery { account, body, attempts: 0, order: 0 }));
        }
    }

    /// The first attempt is under way.
    pub(super) fn intermediate(&mut self, now_ms: i64, number: u32) {
        if let Some(message) = self.messages.get(number).filter(|message| message.is_open(now_ms)) {
            let body =
                receipt(message, MessageState::ENROUTE, now_ms, EsmClass::INTERMEDIATE_NOTIFICATION).into();
            let account = message.account;
            self.deliver(Box::new(Delivery { account, body, attempts: 0, order: 0 }));
        }
    }

    /// A transaction has its outcome, and so its answer.
    pub(super) fn answer_transaction(
        &mut self,
        now_ms: i64,
        number: u32,
        asked: Asked,
        mailbox: Arc<Mailbox>,
        data_sm: bool,
    ) {
        /// delivery_failure_reason: temporary network error (SMPP 5.0, 4.8.4.19).
        const TEMPORARY: u8 = 3;
        let Some(message) = self.messages.get(number) else {
            return;
        };
        let (state, at_ms) = message.end();
        if at_ms > now_ms {
            let what = What::Answer { number, asked, mailbox, data_sm };
            self.at(at_ms, what);
            return;
        }
        let message_id = message.id.text();
        let delivered = state == MessageState::DELIVERED;
        let tlvs = if delivered {
            Tlvs::EMPTY
        } else {
            Tlvs::build().with(tag::delivery_failure_reason, TEMPORARY).done()
        };
        let body: Body = if data_sm {
            let dpf = message.set_dpf.then_some(1);
            let tlvs = if delivered { Tlvs::build().with_some(tag::dpf_result, dpf).done() } else { tlvs };
            DataSmResp { message_id, tlvs }.into()
        } else {
            SubmitSmResp { message_id, tlvs }.into()
        };
        let status = if delivered { CommandStatus::ESME_ROK } else { CommandStatus::ESME_RDELIVERYFAILURE };
        let reported = message.registered_delivery.receipt() != ReceiptRequest::None || message.set_dpf;
        if !reported {
            self.messages.settle(number);
        }
        mailbox.hold(HeldAnswer { asked, status, body });
    }
}

/// What the MC says about a message: in text for all, in TLVs for 3.4 and later.
fn receipt(message: &Message, state: MessageState, at_ms: i64, kind: EsmClass) -> DeliverSm {
    let id = message.id.text().to_text();
    let text = Receipt {
        id: &id,
        sub: 1,
        dlvrd: u16::from(state == MessageState::DELIVERED),
        submit_unix_ms: message.accepted_ms,
        done_unix_ms: at_ms,
        state,
        err: u16::from(error_code(state)),
        text: &quoted(message),
    }
    .octets();
    let failed = error_code(state) != 0;
    let tlvs = Tlvs::build()
        .with(tag::receipted_message_id, TlvText(id.as_bytes()))
        .with(tag::message_state, state)
        .with_some(tag::user_message_reference, message.user_message_reference)
        // Network type 8: the code is the MC's own.
        .with_some(tag::network_error_code, failed.then_some(&[8, 0, error_code(state)][..]))
        .done();
    DeliverSm {
        service_type: message.service_type,
        source_addr_ton: message.destination.ton,
        source_addr_npi: message.destination.npi,
        source_addr: message.destination.short(),
        dest_addr_ton: message.source.ton,
        dest_addr_npi: message.source.npi,
        destination_addr: message.source.short(),
        esm_class: kind,
        short_message: ShortMessage::new(text).unwrap_or_default(),
        tlvs,
        ..DeliverSm::default()
    }
}

/// The beginning of the text. A receipt says nothing of its alphabet: what is not the same character in
/// GSM 7-bit, ASCII and Latin-1 is shown as a question mark.
fn quoted(message: &Message) -> Vec<u8> {
    const SHARED: &str = " !\"#%&'()*+,-./:;<=>?";
    let udhi = message.esm_class.has_udh();
    let text = decode_user_data(&message.user_data, udhi, message.data_coding.0, McDefault::GsmUnpacked)
        .decoded
        .text;
    let shared = |character: char| character.is_ascii_alphanumeric() || SHARED.contains(character);
    text.chars().take(20).map(|character| if shared(character) { character as u8 } else { b'?' }).collect()
}

/// The message, on its way back.
fn mobile_originated(message: &Message) -> DeliverSm {
    let (short_message, payload) = if message.user_data.len() <= 254 {
        (ShortMessage::new(message.user_data.clone()).unwrap_or_default(), None)
    } else {
        (ShortMessage::default(), Some(&message.user_data[..]))
    };
    DeliverSm {
        service_type: message.service_type,
        source_addr_ton: message.source.ton,
        source_addr_npi: message.source.npi,
        source_addr: message.source.short(),
        dest_addr_ton: message.destination.ton,
        dest_addr_npi: message.destination.npi,
        destination_addr: message.destination.short(),
        // UDH and reply path travel with the text; the mode was between ESME and MC.
        esm_class: EsmClass(message.esm_class.0 & 0xC0),
        protocol_id: message.protocol_id,
        priority_flag: message.priority_flag,
        data_coding: message.data_coding,
        short_message,
        tlvs: Tlvs::build()
            .with_some(tag::message_payload, payload)
            .with_some(tag::user_message_reference, message.user_message_reference)
            .done(),
        ..DeliverSm::default()
    }
}

/// The subscriber that was asked for with set_dpf is there.
fn alert(message: &Message) -> AlertNotification {
    AlertNotification {
        source_addr_ton: message.destination.ton,
        source_addr_npi: message.destination.npi,
        source_addr: message.destination.whole(),
        esme_addr_ton: message.source.ton,
        esme_addr_npi: message.source.npi,
        esme_addr: message.source.whole(),
        // 0: available (SMPP 5.0, 4.8.4.39).
        tlvs: Tlvs::build().with(tag::ms_availability_status, 0).done(),
    }
}

/// User data as a replace_sm or the like gives it.
pub(super) fn detached(octets: &[u8]) -> Bytes {
    if octets.is_empty() { Bytes::new() } else { Bytes::copy_from_slice(octets) }
}

/// An id in a PDU, in the form of the version that asks.
pub(super) fn id_number(text: &CStr<65>, hex: bool) -> Option<u32> {
    super::message::MessageId::parse(text.as_octets(), hex).map(|id| id.number)
}
