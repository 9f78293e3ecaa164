//! What a person watching the terminal is told of messages.
//!
//! Numbers and texts are masked unless asked for. Under load only the first lines of each second
//! are shown, then how many more there were: a terminal must not slow the simulator down.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Instant;

use smppkit_net::Now;
use smppkit_text::{McDefault, decode_user_data};
use smppkit_wire::field::CStr;
use smppkit_wire::pdu::table::DeliverSm;
use smppkit_wire::tlv::{TlvText, tag};
use smppkit_wire::value::MessageType;
use smppkit_wire::{Body, CommandStatus};
use tracing::info;

use crate::smsc::Delivery;

/// Lines shown in a second.
const LINES_A_SECOND: u32 = 50;

/// Writes one line for each message, within reason.
#[derive(Debug)]
pub(crate) struct Teller {
    whole: bool,
    quiet: bool,
    second: Mutex<Second>,
}

#[derive(Debug)]
struct Second {
    began: Instant,
    shown: u32,
    more: u64,
}

impl Teller {
    pub(crate) fn new(whole: bool) -> Self {
        let quiet = !tracing::enabled!(tracing::Level::INFO);
        Self { whole, quiet, second: Mutex::new(Second { began: Instant::now(), shown: 0, more: 0 }) }
    }

    /// A request, and how it was answered.
    pub(crate) fn request(
        &self,
        now: Now,
        system_id: &CStr<16>,
        body: &Body,
        answer: impl FnOnce() -> Result<Option<Body>, CommandStatus>,
    ) {
        if !self.may_show(now) {
            return;
        }
        let command = body.def().map_or("", |def| def.name);
        let (status, id) = match answer() {
            Ok(Some(answer)) => (CommandStatus::ESME_ROK, message_id(&answer)),
            Ok(None) => (CommandStatus::ESME_ROK, None),
            Err(status) => (status, None),
        };
        let id = id.map(tracing::field::display);
        match body {
            Body::SubmitSm(pdu) => info!(
                %system_id,
                from = %self.number(pdu.source_addr.as_octets()),
                to = %self.number(pdu.destination_addr.as_octets()),
                message_id = id,
                %status,
                text = self.text(pdu.short_message.octets(), pdu.tlvs.get(tag::message_payload), pdu.esm_class.has_udh(), pdu.data_coding.0),
                "{command}"
            ),
            Body::DataSm(pdu) => info!(
                %system_id,
                from = %self.number(pdu.source_addr.as_octets()),
                to = %self.number(pdu.destination_addr.as_octets()),
                message_id = id,
                %status,
                "{command}"
            ),
            _ => info!(%system_id, message_id = id, %status, "{command}"),
        }
    }

    /// Something on its way to an ESME.
    pub(crate) fn deliver(&self, now: Now, system_id: &CStr<16>, delivery: &Delivery) {
        if !self.may_show(now) {
            return;
        }
        match &delivery.body {
            Body::DeliverSm(pdu) if pdu.esm_class.message_type() == MessageType::Normal => info!(
                %system_id,
                from = %self.number(pdu.source_addr.as_octets()),
                to = %self.number(pdu.destination_addr.as_octets()),
                text = self.text(pdu.short_message.octets(), pdu.tlvs.get(tag::message_payload), pdu.esm_class.has_udh(), pdu.data_coding.0),
                "mobile-originated message sent"
            ),
            Body::DeliverSm(pdu) => {
                let (id, state) = receipt(pdu);
                info!(%system_id, message_id = %id, %state, "receipt sent");
            }
            body => info!(%system_id, "{} sent", body.def().map_or("", |def| def.name)),
        }
    }

    /// A refused delivery.
    pub(crate) fn delivered(&self, now: Now, delivery: &Delivery, status: CommandStatus) {
        if !status.is_ok() && self.may_show(now) {
            let command = delivery.body.def().map_or("", |def| def.name);
            info!(%status, attempts = delivery.attempts, "{command} refused by the ESME");
        }
    }

    fn may_show(&self, now: Now) -> bool {
        if self.quiet {
            return false;
        }
        let mut second = self.second.lock().unwrap_or_else(PoisonError::into_inner);
        if now.mono.saturating_duration_since(second.began).as_secs() >= 1 {
            if second.more > 0 {
                info!(messages = second.more, "more in the last second, not shown");
            }
            *second = Second { began: now.mono, shown: 0, more: 0 };
        }
        if second.shown >= LINES_A_SECOND {
            second.more += 1;
            return false;
        }
        second.shown += 1;
        true
    }

    /// A number, its middle hidden.
    fn number(&self, octets: &[u8]) -> String {
        let shown = octets.escape_ascii().to_string();
        let (front, back) = (2.min(shown.len()), shown.len().saturating_sub(2));
        if self.whole || shown.len() <= 4 {
            return shown;
        }
        format!("{}{}{}", &shown[..front], "*".repeat(back - front), &shown[back..])
    }

    /// A text, or only its length.
    fn text(&self, short_message: &[u8], payload: Option<&[u8]>, udhi: bool, data_coding: u8) -> String {
        let octets = payload.unwrap_or(short_message);
        let text = decode_user_data(octets, udhi, data_coding, McDefault::GsmUnpacked).decoded.text;
        if self.whole { text } else { format!("({} characters)", text.chars().count()) }
    }
}

fn message_id(answer: &Body) -> Option<CStr<65>> {
    match answer {
        Body::SubmitSmResp(pdu) => Some(pdu.message_id),
        Body::DataSmResp(pdu) => Some(pdu.message_id),
        Body::SubmitMultiResp(pdu) => Some(pdu.message_id),
        Body::BroadcastSmResp(pdu) => Some(pdu.message_id),
        Body::QuerySmResp(pdu) => Some(pdu.message_id),
        _ => None,
    }
}

fn receipt(pdu: &DeliverSm) -> (String, &'static str) {
    let id = pdu.tlvs.get(tag::receipted_message_id).map(TlvText::to_text).unwrap_or_default();
    let state = pdu.tlvs.get(tag::message_state).and_then(smppkit_wire::value::MessageState::meaning);
    (id, state.unwrap_or("?"))
}
