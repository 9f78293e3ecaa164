//! Towards the ESME: receipts, notifications, mobile-originated messages, alerts, held answers.

use std::sync::Arc;

use smppkit_inspect::Pattern;
use smppkit_session::Asked;
use smppkit_wire::field::{CStr, ShortMessage};
use smppkit_wire::observe::Value;
use smppkit_wire::pdu::table::{AlertNotification, DataSm, DataSmResp, DeliverSm, SubmitSmResp};
use smppkit_wire::tlv::tag;
use smppkit_wire::value::{EsmClass, MessageState, ReceiptRequest};
use smppkit_wire::{Body, CommandStatus, Tlvs};

use super::message::Message;
use super::submit::millis;
use super::{HeldAnswer, Mailbox, Smsc, What};
use crate::dialect::{Dialect, Facts, Parts};
use crate::rules::Verdict;

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
    /// A rule has held it back: it is not judged again.
    pub(crate) judged: bool,
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
        let dialect = self.dialect(message.dialect);
        let mut deliveries = Vec::new();
        if message.set_dpf {
            deliveries.push(alert(message).into());
        }
        if state == MessageState::DELIVERED && self.is_mobile_originated(message) {
            deliveries.push(mobile_originated(message).into());
        }
        let timing = &dialect.timing;
        let late_ms = millis(timing.late.0);
        if wants_receipt(message, state) && !timing.early {
            let copies = if has_receipts(message, timing.parts) { timing.copies } else { 0 };
            if timing.buffered_first && copies > 0 {
                deliveries.push(receipt(dialect, message, timing.buffered_state.0, at_ms, true));
            }
            let receipts = (0..copies).map(|_| receipt(dialect, message, state, at_ms, false));
            if late_ms == 0 {
                deliveries.extend(receipts);
            } else {
                let late: Vec<Body> = receipts.collect();
                for body in late {
                    let delivery = Box::new(Delivery { account, body, attempts: 0, order: 0, judged: false });
                    self.at(now_ms + late_ms, What::Deliver(delivery));
                }
            }
        }
        self.messages.settle(number);
        for body in deliveries {
            self.deliver(Box::new(Delivery { account, body, attempts: 0, order: 0, judged: false }));
        }
    }

    /// The receipt of a message whose dialect sends it before anything has happened.
    pub(super) fn early_receipt(&mut self, now_ms: i64, number: u32) -> bool {
        let Some(message) = self.messages.get(number) else { return false };
        let dialect = self.dialect(message.dialect);
        let state = message.outcome;
        if !dialect.timing.early || !wants_receipt(message, state) {
            return false;
        }
        let account = message.account;
        let receipts: Vec<Body> =
            (0..dialect.timing.copies).map(|_| receipt(dialect, message, state, now_ms, false)).collect();
        for body in receipts {
            self.deliver(Box::new(Delivery { account, body, attempts: 0, order: 0, judged: false }));
        }
        true
    }

    /// The first attempt is under way.
    pub(super) fn intermediate(&mut self, now_ms: i64, number: u32) {
        if let Some(message) = self.messages.get(number).filter(|message| {
            // One whose receipt came early has had its last word.
            message.is_open(now_ms) && message.registered_delivery.wants_intermediate()
        }) {
            let dialect = self.dialect(message.dialect);
            let body = receipt(dialect, message, MessageState::ENROUTE, now_ms, true);
            let account = message.account;
            self.deliver(Box::new(Delivery { account, body, attempts: 0, order: 0, judged: false }));
        }
    }

    /// Puts a message that comes from somebody else into the outbox of an account, in its parts, now or later.
    pub(crate) fn send_mobile_originated(&mut self, account: u32, at_ms: Option<i64>, parts: Vec<DeliverSm>) {
        for part in parts {
            let delivery =
                Box::new(Delivery { account, body: part.into(), attempts: 0, order: 0, judged: false });
            match at_ms {
                None => self.deliver(delivery),
                Some(at_ms) => self.at(at_ms, What::Deliver(delivery)),
            }
        }
    }

    /// The account that serves a number: by its name, by the range it was given, by the range that a
    /// session of its has bound for, or because no other is bound.
    pub(crate) fn account_for(&self, system_id: Option<&str>, destination: &str) -> Result<u32, NoReceiver> {
        if let Some(system_id) = system_id {
            let known = system_id.parse().ok().and_then(|id: CStr<16>| self.by_name.get(&id));
            return known.copied().ok_or_else(|| NoReceiver::Unknown(system_id.to_owned()));
        }
        let value = Value::Text(destination.to_owned());
        let ranged =
            self.config.account.iter().find(|account| {
                account.address_range.as_ref().is_some_and(|range| range.holds(&value, None))
            });
        if let Some(account) = ranged.and_then(|account| account.system_id.parse().ok())
            && let Some(number) = self.by_name.get(&account)
        {
            return Ok(*number);
        }
        let serving: Vec<usize> = (0..self.accounts.len())
            .filter(|at| self.accounts.get(*at).is_some_and(|account| !account.receivers.is_empty()))
            .collect();
        let by_bind = serving.iter().find(|at| {
            let receivers = self.accounts.get(**at).map_or(&[][..], |account| &account.receivers);
            receivers.iter().any(|receiver| receiver.serves(destination))
        });
        match (by_bind, serving.as_slice()) {
            (Some(at), _) | (None, [at]) => Ok(*at as u32),
            (None, []) => Err(NoReceiver::NobodyBound),
            (None, several) => Err(NoReceiver::Several(
                several
                    .iter()
                    .filter_map(|at| self.accounts.get(*at))
                    .map(|account| account.system_id.to_text())
                    .collect(),
            )),
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
        verdict: Option<Verdict>,
    ) {
        /// delivery_failure_reason: temporary network error (SMPP 5.0, 4.8.4.19).
        const TEMPORARY: u8 = 3;
        let Some(message) = self.messages.get(number) else {
            return;
        };
        let (state, at_ms) = message.end();
        if at_ms > now_ms {
            let what = What::Answer { number, asked, mailbox, data_sm, verdict };
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
        let after_ms = verdict.as_ref().map_or(0, |verdict| millis(verdict.answer_after));
        let held = HeldAnswer::Request { asked, status, body: Some(body), verdict };
        if after_ms == 0 {
            mailbox.hold(held);
        } else {
            self.hold(now_ms + after_ms, &mailbox, held);
        }
    }
}

/// Why a message to an application has nobody to go to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NoReceiver {
    /// There is no such account.
    Unknown(String),
    /// No account has a session that takes messages.
    NobodyBound,
    /// These have, and nothing says which is meant.
    Several(Vec<String>),
}

impl core::fmt::Display for NoReceiver {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Unknown(system_id) => write!(f, "{system_id:?} is no account, and has never bound"),
            Self::NobodyBound => f.write_str("nobody is bound as receiver or transceiver"),
            Self::Several(names) => {
                write!(f, "several accounts are bound ({}): say which with system_id", names.join(", "))
            }
        }
    }
}

impl super::Receiver {
    /// Whether a session said that it serves a number. Most say nothing, or `*`.
    fn serves(&self, number: &str) -> bool {
        let range = self.address_range.to_text();
        !matches!(range.as_str(), "" | "*" | ".*")
            && format!("/{range}/")
                .parse::<Pattern>()
                .is_ok_and(|range| range.holds(&Value::Text(number.to_owned()), None))
    }
}

fn wants_receipt(message: &Message, state: MessageState) -> bool {
    match message.registered_delivery.receipt() {
        ReceiptRequest::None => false,
        ReceiptRequest::Always => true,
        ReceiptRequest::OnFailure => state != MessageState::DELIVERED,
        ReceiptRequest::OnSuccess => state == MessageState::DELIVERED,
    }
}

/// Whether a part of a long message gets a receipt in its dialect.
fn has_receipts(message: &Message, parts: Parts) -> bool {
    let Some((part, total)) = message.part() else { return true };
    match parts {
        Parts::All => true,
        Parts::First => part == 1,
        Parts::Last => part == total,
    }
}

/// What the MC says about a message, in the form of its dialect.
fn receipt(
    dialect: &Dialect,
    message: &Message,
    state: MessageState,
    at_ms: i64,
    intermediate: bool,
) -> Body {
    let rendered = dialect.receipt(&Facts {
        number: message.id.number,
        version: message.version,
        state,
        intermediate,
        submitted_ms: message.accepted_ms,
        at_ms,
        error_code: message.error_code(state),
        user_message_reference: message.user_message_reference,
        text: &quoted(message),
    });
    if rendered.by_data_sm {
        return DataSm {
            service_type: message.service_type,
            source_addr_ton: message.destination.ton,
            source_addr_npi: message.destination.npi,
            source_addr: message.destination.whole(),
            dest_addr_ton: message.source.ton,
            dest_addr_npi: message.source.npi,
            destination_addr: message.source.whole(),
            esm_class: rendered.esm_class,
            tlvs: rendered.tlvs,
            ..DataSm::default()
        }
        .into();
    }
    DeliverSm {
        service_type: message.service_type,
        source_addr_ton: message.destination.ton,
        source_addr_npi: message.destination.npi,
        source_addr: message.destination.short(),
        dest_addr_ton: message.source.ton,
        dest_addr_npi: message.source.npi,
        destination_addr: message.source.short(),
        esm_class: rendered.esm_class,
        short_message: ShortMessage::new(rendered.short_message).unwrap_or_default(),
        tlvs: rendered.tlvs,
        ..DeliverSm::default()
    }
    .into()
}

/// The beginning of the text. A receipt says nothing of its alphabet: what is not the same character in
/// GSM 7-bit, ASCII and Latin-1 is shown as a question mark.
fn quoted(message: &Message) -> Vec<u8> {
    const SHARED: &str = " !\"#%&'()*+,-./:;<=>?";
    let text = message.text();
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
