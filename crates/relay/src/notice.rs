//! What an upstream says of a message: a receipt or an intermediate notification, in any of its forms.

use smppkit_wire::Body;
use smppkit_wire::Tlvs;
use smppkit_wire::receipt::{ReceiptText, receipt_date_unix_ms};
use smppkit_wire::tlv::tag;
use smppkit_wire::value::{EsmClass, MessageState, MessageType};

/// One receipt as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The names it gives the message: of the TLV, then of the text if that is another.
    pub ids: Vec<Box<str>>,
    /// What became of the message, of the TLV or of the text.
    pub state: Option<MessageState>,
    /// Whether esm_class says that more will come.
    pub intermediate: bool,
    /// Whether it can be nothing else: esm_class or a TLV says so. Otherwise it only reads like one.
    pub certain: bool,
    /// Who it comes from: the destination of the message.
    pub source: Box<str>,
    /// When the state was reached, in milliseconds since 1970, if it says so.
    pub done_ms: Option<i64>,
    /// The text's `err`, as it stands there.
    pub err: Option<Box<str>>,
    /// The TLV network_error_code.
    pub network_error_code: Option<[u8; 3]>,
}

impl Notice {
    /// Reads a deliver_sm or data_sm; `None` is a message.
    pub fn read(body: &Body) -> Option<Self> {
        let (esm_class, source, text, tlvs): (EsmClass, _, &[u8], &Tlvs) = match body {
            Body::DeliverSm(pdu) => (pdu.esm_class, pdu.source_addr.to_text(), &pdu.short_message, &pdu.tlvs),
            Body::DataSm(pdu) => (pdu.esm_class, pdu.source_addr.to_text(), &[], &pdu.tlvs),
            _ => return None,
        };
        let kind = esm_class.message_type();
        let said = matches!(kind, MessageType::DeliveryReceipt | MessageType::IntermediateNotification);
        let named = if tlvs.is_empty() { None } else { tlvs.get(tag::receipted_message_id) };
        let certain = said || named.is_some();
        let payload = if tlvs.is_empty() { None } else { tlvs.get(tag::message_payload) };
        let text = match payload {
            Some(payload) if text.is_empty() => payload,
            _ => text,
        };
        let read = ReceiptText::parse(text);
        // Some upstreams leave esm_class at 0: then the text must say both whose and what.
        if !certain && !read.is_some_and(|read| read.id.is_some() && read.stat.is_some()) {
            return None;
        }
        let read = read.unwrap_or_default();
        let mut ids: Vec<Box<str>> = named.map(|id| id.to_text().into()).into_iter().collect();
        if let Some(id) = read.id.filter(|id| !ids.iter().any(|known| **known == **id)) {
            ids.push(id.into());
        }
        ids.retain(|id| !id.is_empty());
        let state = if tlvs.is_empty() { None } else { tlvs.get(tag::message_state) };
        let network_error_code = if tlvs.is_empty() { None } else { tlvs.get(tag::network_error_code) };
        Some(Self {
            ids,
            state: state.or_else(|| read.state()),
            intermediate: kind == MessageType::IntermediateNotification,
            certain,
            source: source.into(),
            done_ms: read.done_date.and_then(receipt_date_unix_ms),
            err: read.err.map(Into::into),
            network_error_code: network_error_code.and_then(|octets| octets.try_into().ok()),
        })
    }

    /// The state that ends the message, if this says one. ACCEPTD, UNKNOWN and states on the way do not:
    /// upstreams send them before the end, whatever SMPP calls final.
    pub fn end(&self) -> Option<MessageState> {
        self.state.filter(|state| !self.intermediate && state.is_final() && *state != MessageState::ACCEPTED)
    }

    /// Whether it comes from where the message went. Upstreams add or drop a prefix, so the shorter
    /// number may be the end of the longer one, from six digits on.
    pub fn is_from(&self, destination: &str) -> bool {
        let bare = |address: &str| address.trim_start_matches(['+', '0']).to_owned();
        let (a, b) = (bare(&self.source), bare(destination));
        let (long, short) = if a.len() >= b.len() { (&a, &b) } else { (&b, &a) };
        long == short || (short.len() >= 6 && long.ends_with(short.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use smppkit_wire::field::ShortMessage;
    use smppkit_wire::pdu::table::DeliverSm;

    fn deliver(esm_class: EsmClass, text: &str, tlvs: Tlvs) -> Body {
        let short_message = ShortMessage::new(text.as_bytes().to_vec()).unwrap();
        DeliverSm { esm_class, short_message, tlvs, ..DeliverSm::default() }.into()
    }

    const TEXT: &str =
        "id:1A sub:001 dlvrd:001 submit date:2611221200 done date:2611221201 stat:DELIVRD err:007 text:";

    #[test]
    fn tlvs_say_it_before_the_text_does() {
        let tlvs = Tlvs::build()
            .with(tag::receipted_message_id, smppkit_wire::tlv::TlvText(b"26"))
            .with(tag::message_state, MessageState::UNDELIVERABLE)
            .done();
        let notice = Notice::read(&deliver(EsmClass::DELIVERY_RECEIPT, TEXT, tlvs)).unwrap();
        assert_eq!(notice.ids, ["26".into(), "1A".into()]);
        assert_eq!(notice.end(), Some(MessageState::UNDELIVERABLE));
        assert_eq!(notice.err.as_deref(), Some("007"));
    }

    #[test]
    fn a_text_alone_is_a_receipt_if_it_names_message_and_state() {
        let notice = Notice::read(&deliver(EsmClass::DEFAULT, TEXT, Tlvs::EMPTY)).unwrap();
        assert!(!notice.certain);
        assert_eq!(notice.end(), Some(MessageState::DELIVERED));
        assert_eq!(Notice::read(&deliver(EsmClass::DEFAULT, "my id: 7, call me", Tlvs::EMPTY)), None);
    }

    #[test]
    fn states_on_the_way_are_no_end() {
        for (esm_class, word) in [
            (EsmClass::INTERMEDIATE_NOTIFICATION, "DELIVRD"),
            (EsmClass::DELIVERY_RECEIPT, "ENROUTE"),
            (EsmClass::DELIVERY_RECEIPT, "ACCEPTD"),
            (EsmClass::DELIVERY_RECEIPT, "UNKNOWN"),
        ] {
            let text = TEXT.replace("DELIVRD", word);
            let notice = Notice::read(&deliver(esm_class, &text, Tlvs::EMPTY)).unwrap();
            assert_eq!(notice.end(), None, "{word}");
        }
    }

    #[test]
    fn a_number_with_another_prefix_is_the_same() {
        let mut notice = Notice::read(&deliver(EsmClass::DELIVERY_RECEIPT, TEXT, Tlvs::EMPTY)).unwrap();
        notice.source = "+447700900123".into();
        assert!(notice.is_from("447700900123") && notice.is_from("07700900123"));
        assert!(!notice.is_from("447700900124") && !notice.is_from("123"));
    }
}
