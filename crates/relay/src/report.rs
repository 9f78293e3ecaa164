//! What an ESME is told of its message: a receipt or an intermediate notification, kept as facts and
//! written when it goes out, in the form that the ESME's session takes.

use smppkit_store::{Accepted, MessageId};
use smppkit_wire::field::{CStr, ShortMessage};
use smppkit_wire::pdu::table::{DataSm, DeliverSm};
use smppkit_wire::receipt::Receipt;
use smppkit_wire::tlv::{TlvText, tag};
use smppkit_wire::value::{EsmClass, MessageState, Npi, ReceiptRequest, RegisteredDelivery, Ton};
use smppkit_wire::{Body, Tlvs, Version};

use crate::ids::{short_reference, shown};
use crate::intake::Address;
use crate::octets::{In, Out};
use crate::parcel::{BadParcel, Outgoing, id};

/// A state that a message has reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The id that the ESME was told.
    pub told: MessageId,
    /// The short id that a 3.3 ESME was told.
    pub short: Option<u32>,
    /// The ESME's own number for the message.
    pub user_message_reference: Option<u16>,
    /// Where the message went.
    pub destination: (Ton, Npi, CStr<21>),
    /// Whom it came from: now the receiver.
    pub source: (Ton, Npi, CStr<21>),
    /// Of the message.
    pub service_type: CStr<6>,
    /// The state.
    pub state: MessageState,
    /// Whether more will follow.
    pub intermediate: bool,
    /// 0 to 999; 0 is none.
    pub err: u16,
    /// As the network gave it.
    pub network_error_code: Option<[u8; 3]>,
    /// When the message was taken, in milliseconds since 1970.
    pub submitted_ms: i64,
    /// When the state was reached.
    pub done_ms: i64,
    /// The beginning of the message, where its characters are the same in every alphabet.
    pub text: Box<[u8]>,
}

/// How an account wants its receipts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Form {
    /// deliver_sm with the text of SMPP 3.4, Appendix B, and the TLVs that say the same.
    #[default]
    DeliverSm,
    /// data_sm with TLVs.
    DataSm,
}

/// Hours east of UTC that receipts' dates are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Zone {
    /// -1439 to 1439.
    pub minutes: i16,
}

/// Whether an ESME asked to be told of a state.
pub fn wants_report(asked: RegisteredDelivery, state: MessageState, intermediate: bool) -> bool {
    if intermediate {
        return asked.wants_intermediate();
    }
    match asked.receipt() {
        ReceiptRequest::None => false,
        ReceiptRequest::Always => true,
        ReceiptRequest::OnFailure => state != MessageState::DELIVERED,
        ReceiptRequest::OnSuccess => state == MessageState::DELIVERED,
    }
}

impl Report {
    /// That a message has reached a state, now.
    pub fn of(message: &Accepted, outgoing: &Outgoing, state: MessageState, done_ms: i64) -> Self {
        let pdu = &outgoing.pdu;
        let bare = pdu.tlvs.is_empty();
        let short = message.reference.as_deref().filter(|_| outgoing.version == Version::V33);
        Self {
            told: outgoing.told.unwrap_or(message.id),
            short: short.and_then(|short| u32::from_str_radix(short, 16).ok()),
            user_message_reference: if bare { None } else { pdu.tlvs.get(tag::user_message_reference) },
            destination: (pdu.dest_addr_ton, pdu.dest_addr_npi, pdu.destination_addr),
            source: (pdu.source_addr_ton, pdu.source_addr_npi, pdu.source_addr),
            service_type: pdu.service_type,
            state,
            intermediate: false,
            err: 0,
            network_error_code: None,
            submitted_ms: message.id.made_at().0,
            done_ms,
            text: beginning(outgoing),
        }
    }

    /// The id as the ESME was told it.
    pub fn id_text(&self) -> String {
        self.short.map_or_else(|| shown(self.told), |short| short_reference(short).into())
    }

    /// The request that tells it.
    pub fn body(&self, form: Form, zone: Zone) -> Body {
        let esm_class =
            if self.intermediate { EsmClass::INTERMEDIATE_NOTIFICATION } else { EsmClass::DELIVERY_RECEIPT };
        let (source_addr_ton, source_addr_npi, source_addr) = self.destination;
        let (dest_addr_ton, dest_addr_npi, destination_addr) = self.source;
        let id = self.id_text();
        let tlvs = Tlvs::build()
            .with(tag::receipted_message_id, TlvText(id.as_bytes()))
            .with(tag::message_state, self.state)
            .with_some(tag::network_error_code, self.network_error_code.as_ref().map(|code| &code[..]))
            .with_some(tag::user_message_reference, self.user_message_reference);
        let text = self.text(&id, zone);
        match form {
            Form::DeliverSm => DeliverSm {
                service_type: self.service_type,
                source_addr_ton,
                source_addr_npi,
                source_addr,
                dest_addr_ton,
                dest_addr_npi,
                destination_addr,
                esm_class,
                // 64 characters of id, 107 of the rest, 20 of the message: never too long.
                short_message: ShortMessage::new(text).unwrap_or_default(),
                tlvs: tlvs.done(),
                ..DeliverSm::default()
            }
            .into(),
            Form::DataSm => DataSm {
                service_type: self.service_type,
                source_addr_ton,
                source_addr_npi,
                source_addr: CStr::new(source_addr.as_octets()).unwrap_or_default(),
                dest_addr_ton,
                dest_addr_npi,
                destination_addr: CStr::new(destination_addr.as_octets()).unwrap_or_default(),
                esm_class,
                // SMPP wants it in every data_sm.
                tlvs: tlvs.with(tag::message_payload, &text).done(),
                ..DataSm::default()
            }
            .into(),
        }
    }

    fn text(&self, id: &str, zone: Zone) -> Vec<u8> {
        let offset_ms = i64::from(zone.minutes) * 60_000;
        Receipt {
            id,
            sub: 1,
            dlvrd: u16::from(self.state == MessageState::DELIVERED),
            submit_unix_ms: self.submitted_ms + offset_ms,
            done_unix_ms: self.done_ms + offset_ms,
            state: self.state,
            err: self.err,
            text: &self.text,
        }
        .octets()
    }

    pub(crate) fn write(&self, out: &mut Out) {
        const SHORT: u8 = 1;
        const REFERENCE: u8 = 2;
        const NETWORK: u8 = 4;
        const INTERMEDIATE: u8 = 8;
        let bit = |is: bool, bit: u8| if is { bit } else { 0 };
        out.u8(bit(self.short.is_some(), SHORT)
            | bit(self.user_message_reference.is_some(), REFERENCE)
            | bit(self.network_error_code.is_some(), NETWORK)
            | bit(self.intermediate, INTERMEDIATE));
        out.u64(self.told.to_u64());
        if let Some(short) = self.short {
            out.u64(u64::from(short));
        }
        if let Some(reference) = self.user_message_reference {
            out.u16(reference);
        }
        if let Some(code) = self.network_error_code {
            out.text(&code);
        }
        for (ton, npi, address) in [&self.destination, &self.source] {
            out.u8(ton.0);
            out.u8(npi.0);
            out.text(address.as_octets());
        }
        out.text(self.service_type.as_octets());
        out.u8(self.state.0);
        out.u16(self.err);
        out.i64(self.submitted_ms);
        out.i64(self.done_ms);
        out.text(&self.text);
    }

    pub(crate) fn read(r#in: &mut In<'_>) -> Result<Self, BadParcel> {
        let facts = r#in.u8()?;
        let told = id(r#in)?;
        let short = if facts & 1 == 0 { None } else { u32::try_from(r#in.u64()?).ok() };
        let user_message_reference = if facts & 2 == 0 { None } else { Some(r#in.u16()?) };
        let network_error_code = if facts & 4 == 0 { None } else { r#in.text()?.try_into().ok() };
        let destination = address(r#in)?;
        let source = address(r#in)?;
        Ok(Self {
            told,
            short,
            user_message_reference,
            destination,
            source,
            service_type: CStr::new(r#in.text()?).map_err(|_| BadParcel::Text)?,
            state: MessageState(r#in.u8()?),
            intermediate: facts & 8 != 0,
            err: r#in.u16()?,
            network_error_code,
            submitted_ms: r#in.i64()?,
            done_ms: r#in.i64()?,
            text: r#in.text()?.into(),
        })
    }
}

fn address(r#in: &mut In<'_>) -> Result<Address, BadParcel> {
    let (ton, npi) = (Ton(r#in.u8()?), Npi(r#in.u8()?));
    Ok((ton, npi, CStr::new(r#in.text()?).map_err(|_| BadParcel::Text)?))
}

/// Twenty characters of a text in a 7-bit alphabet; a receipt does not say which, so what is not the
/// same character in all of them becomes a question mark.
fn beginning(outgoing: &Outgoing) -> Box<[u8]> {
    const SHARED: &[u8] = b" !\"#%&'()*+,-./:;<=>?";
    let pdu = &outgoing.pdu;
    if !matches!(pdu.data_coding.0, 0 | 1 | 3) || pdu.esm_class.has_udh() {
        return Box::default();
    }
    let payload = if pdu.tlvs.is_empty() { None } else { pdu.tlvs.get(tag::message_payload) };
    let text = payload.unwrap_or(&pdu.short_message);
    let shared = |octet: &u8| octet.is_ascii_alphanumeric() || SHARED.contains(octet);
    text.iter().take(20).map(|octet| if shared(octet) { *octet } else { b'?' }).collect()
}

impl Zone {
    /// Of `+01:00`, `-0330`, `Z` or `UTC`.
    pub fn parse(text: &str) -> Option<Self> {
        if text.eq_ignore_ascii_case("utc") || text.eq_ignore_ascii_case("z") {
            return Some(Self::default());
        }
        let (sign, rest) = match text.split_at_checked(1)? {
            ("+", rest) => (1, rest),
            ("-", rest) => (-1, rest),
            _ => return None,
        };
        let digits = match rest.split_once(':') {
            Some((hours, minutes)) if hours.len() == 2 => format!("{hours}{minutes}"),
            Some(_) => return None,
            None => rest.to_owned(),
        };
        let (hours, minutes) = digits.split_at_checked(2)?;
        let is_plain = digits.len() == 4 && digits.bytes().all(|octet| octet.is_ascii_digit());
        let (hours, minutes): (i16, i16) = (hours.parse().ok()?, minutes.parse().ok()?);
        (is_plain && hours < 24 && minutes < 60).then_some(Self { minutes: sign * (hours * 60 + minutes) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Parcel;
    use smppkit_store::{MessageIds, NodeId, Timestamp};
    use smppkit_wire::pdu::table::SubmitSm;
    use smppkit_wire::receipt::ReceiptText;

    const NOW: i64 = 1_795_350_600_000;

    fn message(version: Version, text: &[u8]) -> (Accepted, Outgoing) {
        let pdu = SubmitSm {
            source_addr: "shop".parse().unwrap(),
            destination_addr: "447700900123".parse().unwrap(),
            short_message: ShortMessage::new(text.to_vec()).unwrap(),
            ..SubmitSm::default()
        };
        let id = MessageIds::after(NodeId::default(), MessageId::ZERO).next(Timestamp(NOW));
        let accepted = Accepted {
            id,
            account: "shop".into(),
            queue: "up".into(),
            priority: 0,
            due_at: Timestamp(NOW),
            expires_at: None,
            source: "shop".into(),
            destination: "447700900123".into(),
            reference: Some("00c0ffee".into()),
            payload: Box::default(),
        };
        let Parcel::Message(outgoing) = Parcel::message(pdu, version) else { unreachable!() };
        (accepted, *outgoing)
    }

    #[test]
    fn a_report_is_kept_whole_and_written_in_the_account_s_zone() {
        let (accepted, outgoing) = message(Version::V34, b"Caf\xE9 {open} until ten o'clock");
        let mut report = Report::of(&accepted, &outgoing, MessageState::DELIVERED, NOW + 60_000);
        report.network_error_code = Some([3, 0, 5]);
        report.user_message_reference = Some(9);
        let Ok(Parcel::Report(read)) = Parcel::read(&Parcel::Report(Box::new(report.clone())).to_octets())
        else {
            panic!("not a report")
        };
        assert_eq!(*read, report);
        let Body::DeliverSm(pdu) = report.body(Form::DeliverSm, Zone::parse("+01:30").unwrap()) else {
            panic!("not a deliver_sm")
        };
        let text = ReceiptText::parse(&pdu.short_message).unwrap();
        assert_eq!(text.id, Some(accepted.id.to_string().as_str()));
        assert_eq!(text.done_date, Some("2611221401"));
        assert_eq!(text.text, Some(&b"Caf? ?open? until te"[..]));
        assert_eq!(pdu.source_addr.as_octets(), b"447700900123");
        assert_eq!(pdu.tlvs.get(tag::message_state), Some(MessageState::DELIVERED));
    }

    #[test]
    fn an_esme_of_3_3_is_told_its_short_id() {
        let (accepted, outgoing) = message(Version::V33, b"x");
        let report = Report::of(&accepted, &outgoing, MessageState::EXPIRED, NOW);
        assert_eq!(report.id_text(), "00c0ffee");
    }

    #[test]
    fn zones_are_read_as_people_write_them() {
        assert_eq!(Zone::parse("UTC"), Some(Zone { minutes: 0 }));
        assert_eq!(Zone::parse("-0330"), Some(Zone { minutes: -210 }));
        for wrong in ["", "+1", "01:00", "+24:00", "+aa:bb", "+1:000"] {
            assert_eq!(Zone::parse(wrong), None, "{wrong}");
        }
    }
}
