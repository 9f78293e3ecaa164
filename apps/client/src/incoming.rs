//! What comes in: messages, and receipts in the forms that peers give them.

use bytes::Bytes;
use smppkit_text::{Concatenation, Decoded, Fidelity, McDefault, ReferenceWidth, Udh};
use smppkit_wire::pdu::table::{DataSm, DeliverSm};
use smppkit_wire::receipt::ReceiptText;
use smppkit_wire::tlv::{TlvText, tag};
use smppkit_wire::value::{DataCoding, EsmClass, MessageState, MessageType};
use smppkit_wire::{Body, Tlvs};

/// What a deliver_sm or a data_sm of the MC says.
#[derive(Debug, Clone)]
pub struct Delivered {
    /// Sender.
    pub source_addr: String,
    /// Destination.
    pub destination_addr: String,
    /// What kind of message it is.
    pub esm_class: EsmClass,
    /// Its alphabet.
    pub data_coding: DataCoding,
    /// short_message, or message_payload where that is there: it supersedes (SMPP 5.0, 4.8.4.36).
    pub user_data: Bytes,
    /// The TLVs.
    pub tlvs: Tlvs,
}

/// What has become of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The ids it names: of its TLV, of its text.
    pub message_ids: Vec<String>,
    /// The state, when one can be read.
    pub state: Option<MessageState>,
    /// `err` of its text.
    pub error: Option<String>,
    /// Whether more may follow: the state is one on the way.
    pub intermediate: bool,
}

impl Delivered {
    /// Of a PDU that delivers something.
    pub fn of(body: &Body) -> Option<Self> {
        match body {
            Body::DeliverSm(DeliverSm {
                source_addr,
                destination_addr,
                esm_class,
                data_coding,
                short_message,
                tlvs,
                ..
            }) => Some(Self {
                source_addr: source_addr.to_text(),
                destination_addr: destination_addr.to_text(),
                esm_class: *esm_class,
                data_coding: *data_coding,
                user_data: tlvs
                    .octets(tag::message_payload.tag())
                    .unwrap_or_else(|| short_message.octets().clone()),
                tlvs: tlvs.clone(),
            }),
            Body::DataSm(DataSm { source_addr, destination_addr, esm_class, data_coding, tlvs, .. }) => {
                Some(Self {
                    source_addr: source_addr.to_text(),
                    destination_addr: destination_addr.to_text(),
                    esm_class: *esm_class,
                    data_coding: *data_coding,
                    user_data: tlvs.octets(tag::message_payload.tag()).unwrap_or_default(),
                    tlvs: tlvs.clone(),
                })
            }
            _ => None,
        }
    }

    /// As a receipt, when it is one. Tolerance: some MCs send receipts with an esm_class of 0; a text with an id
    /// and a state is taken for one.
    pub fn receipt(&self) -> Option<Receipt> {
        let text = ReceiptText::parse(&self.user_data);
        let by_id = self.tlvs.get(tag::receipted_message_id).map(TlvText::to_text);
        let kind = self.esm_class.message_type();
        let told = matches!(kind, MessageType::DeliveryReceipt | MessageType::IntermediateNotification);
        if !told && !text.is_some_and(|text| text.id.is_some() && text.stat.is_some()) {
            return None;
        }
        let state = self.tlvs.get(tag::message_state).or_else(|| text?.state());
        let in_text = text.and_then(|text| text.id).map(str::to_owned);
        let message_ids: Vec<String> = by_id.into_iter().chain(in_text).filter(|id| !id.is_empty()).collect();
        let intermediate = kind == MessageType::IntermediateNotification
            || state.is_some_and(|state| matches!(state, MessageState::ENROUTE | MessageState::SCHEDULED));
        let error = text.and_then(|text| text.err).map(str::to_owned);
        Some(Receipt { message_ids, state, error, intermediate })
    }

    /// Which part of a long message it is: by its header, or by the sar_ TLVs.
    pub fn place(&self) -> Option<Concatenation> {
        if self.esm_class.has_udh() {
            return Udh::parse(&self.user_data).ok().and_then(|(udh, _)| udh.concatenation());
        }
        let reference = self.tlvs.get(tag::sar_msg_ref_num)?;
        let total = self.tlvs.get(tag::sar_total_segments)?;
        let sequence = self.tlvs.get(tag::sar_segment_seqnum)?;
        Concatenation::new(reference, ReferenceWidth::Sixteen, total, sequence)
    }

    /// Its text, as far as one can be made of it.
    pub fn decoded(&self) -> Decoded {
        let udhi = self.esm_class.has_udh();
        let user_data =
            smppkit_text::decode_user_data(&self.user_data, udhi, self.data_coding.0, McDefault::GsmUnpacked);
        user_data.decoded
    }
}

/// How far a text can be trusted, in one word: `exact`, `lossy` or `hexadecimal`.
pub const fn fidelity(decoded: &Decoded) -> &'static str {
    match decoded.fidelity {
        Fidelity::Lossy { .. } => "lossy",
        Fidelity::Hexadecimal => "hexadecimal",
        _ => "exact",
    }
}

/// Whether two ids name one message. Tolerance: MCs are seen that answer with a hexadecimal id and send the receipt
/// with the same number in decimal, or the other way round, or with zeros in front.
pub fn same_message_id(submitted: &str, receipted: &str) -> bool {
    if submitted.eq_ignore_ascii_case(receipted) {
        return true;
    }
    let number = |text: &str, radix| u128::from_str_radix(text, radix).ok();
    let (decimal, hexadecimal) = (10, 16);
    let same = |a, b| number(submitted, a).is_some_and(|value| number(receipted, b) == Some(value));
    same(decimal, decimal)
        || same(hexadecimal, decimal)
        || same(decimal, hexadecimal)
        || same(hexadecimal, hexadecimal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use smppkit_wire::field::ShortMessage;

    fn delivered(esm_class: EsmClass, text: &str) -> Delivered {
        let short_message = ShortMessage::new(text.as_bytes().to_vec()).unwrap();
        let body = DeliverSm { esm_class, short_message, ..DeliverSm::default() }.into();
        Delivered::of(&body).unwrap()
    }

    #[test]
    fn ids_match_in_hexadecimal_decimal_and_with_zeros() {
        assert!(same_message_id("1f", "31") && same_message_id("31", "1F"));
        assert!(same_message_id("ABC-1", "abc-1") && same_message_id("42", "0000000042"));
        assert!(!same_message_id("1f", "32") && !same_message_id("a-1", "a-2"));
    }

    #[test]
    fn receipts_are_known_by_class_or_by_text() {
        let receipt = delivered(EsmClass::DELIVERY_RECEIPT, "id:1 stat:DELIVRD err:000").receipt().unwrap();
        assert_eq!(receipt.state, Some(MessageState::DELIVERED));
        assert_eq!((receipt.message_ids, receipt.error), (vec!["1".to_owned()], Some("000".to_owned())));
        assert!(delivered(EsmClass::DEFAULT, "id:1 stat:UNDELIV").receipt().is_some());
        assert!(delivered(EsmClass::DEFAULT, "my id:1 please").receipt().is_none());
        assert!(delivered(EsmClass::INTERMEDIATE_NOTIFICATION, "id:1").receipt().unwrap().intermediate);
        assert!(delivered(EsmClass::DELIVERY_RECEIPT, "id:1 stat:ENROUTE").receipt().unwrap().intermediate);
    }
}
