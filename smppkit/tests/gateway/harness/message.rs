//! Messages by number, what becomes of each, and receipts in all their forms.

use smppkit_wire::field::{CStr, ShortMessage};
use smppkit_wire::pdu::table::{DeliverSm, SubmitSm};
use smppkit_wire::receipt::{Receipt, ReceiptText};
use smppkit_wire::tlv::{TlvText, tag};
use smppkit_wire::value::{EsmClass, MessageState, RegisteredDelivery};
use smppkit_wire::{Body, CommandStatus, Tlvs};

use super::{Act, Came};

/// Message `number`, with a receipt asked for.
pub(crate) fn message(number: u64, destination: &str) -> SubmitSm {
    submit("4420", destination, &format!("#{number:08}"))
}

/// A message with a receipt asked for.
pub(crate) fn submit(source: &str, destination: &str, text: &str) -> SubmitSm {
    SubmitSm {
        source_addr: source.parse().expect("short"),
        destination_addr: destination.parse().expect("short"),
        registered_delivery: RegisteredDelivery::RECEIPT,
        short_message: ShortMessage::new(text.as_bytes().to_vec()).expect("short"),
        ..SubmitSm::default()
    }
}

/// The number in a message's text.
pub(crate) fn number_of(text: &[u8]) -> Option<u64> {
    let digits = text.strip_prefix(b"#")?.get(..8)?;
    core::str::from_utf8(digits).ok()?.parse().ok()
}

/// What becomes of a message: so a receipt for the wrong one shows.
pub(crate) fn outcome(number: u64) -> (MessageState, u16) {
    let state = if number.is_multiple_of(3) { MessageState::UNDELIVERABLE } else { MessageState::DELIVERED };
    (state, (number % 1_000) as u16)
}

/// Which parts of a receipt name the message, and how it is marked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) in_text: bool,
    pub(crate) in_tlv: bool,
    pub(crate) esm_class: EsmClass,
}

/// The receipt of a message in the usual form.
pub(crate) fn receipt(pdu: &SubmitSm, id: &str) -> Act {
    let shape = Shape { in_text: true, in_tlv: true, esm_class: EsmClass::DELIVERY_RECEIPT };
    Act::Deliver(receipt_by(pdu, id, shape))
}

/// The receipt of a message, as its number wants it.
pub(crate) fn receipt_by(pdu: &SubmitSm, id: &str, shape: Shape) -> Body {
    let number = number_of(&pdu.short_message).unwrap_or(1);
    let (state, err) = outcome(number);
    let now = super::now_ms();
    let text = Receipt {
        id: if shape.in_text { id } else { "" },
        sub: 1,
        dlvrd: u16::from(state == MessageState::DELIVERED),
        submit_unix_ms: now,
        done_unix_ms: now,
        state,
        err,
        text: b"",
    };
    let mut tlvs = Tlvs::build();
    if shape.in_tlv {
        tlvs = tlvs.with(tag::receipted_message_id, TlvText(id.as_bytes())).with(tag::message_state, state);
    }
    DeliverSm {
        source_addr: pdu.destination_addr,
        destination_addr: pdu.source_addr,
        esm_class: shape.esm_class,
        short_message: ShortMessage::new(text.octets()).expect("short"),
        tlvs: tlvs.done(),
        ..DeliverSm::default()
    }
    .into()
}

/// Taken, under an id.
pub(crate) fn taken(id: impl Into<String>) -> Act {
    Act::Answer(CommandStatus::ESME_ROK, id.into())
}

/// Taken, and its outcome told at once. Each number has an id of its own.
pub(crate) fn prompt(came: &Came) -> Vec<Act> {
    let id = (7_000_000 + came.number.unwrap_or_default()).to_string();
    vec![taken(id.clone()), receipt(&came.pdu, &id)]
}

/// What a receipt tells an ESME.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) id: String,
    pub(crate) state: MessageState,
    pub(crate) err: u16,
    /// The number in the beginning of the text that it quotes.
    pub(crate) number: Option<u64>,
    pub(crate) source: CStr<21>,
    pub(crate) destination: CStr<21>,
}

/// What a deliver_sm tells, if it is a receipt. What it says twice must be the same.
#[track_caller]
pub(crate) fn told(body: &Body) -> Option<Told> {
    let Body::DeliverSm(pdu) = body else { return None };
    if pdu.esm_class != EsmClass::DELIVERY_RECEIPT {
        return None;
    }
    let text = ReceiptText::parse(&pdu.short_message).expect("a receipt has a text");
    let (id, state) = (text.id.expect("an id"), text.state().expect("a state"));
    if let Some(named) = pdu.tlvs.get(tag::receipted_message_id) {
        assert_eq!(named.to_text(), id, "the TLV's id and the text's");
        assert_eq!(pdu.tlvs.get(tag::message_state), Some(state), "the TLV's state and the text's");
    }
    Some(Told {
        id: id.to_owned(),
        state,
        err: text.err.expect("an err").parse().expect("a number"),
        number: text.text.and_then(number_of),
        source: pdu.source_addr,
        destination: pdu.destination_addr,
    })
}
