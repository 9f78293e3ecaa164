//! The request that goes upstream.

use core::time::Duration;

use smppkit_wire::field::Time;
use smppkit_wire::pdu::table::SubmitSm;
use smppkit_wire::tlv::tag;
use smppkit_wire::value::{ReceiptRequest, RegisteredDelivery};
use smppkit_wire::{Tlvs, Version};

use crate::parcel::Outgoing;

/// When an upstream is asked for a receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ask {
    /// For every message: then it is known what became of each.
    #[default]
    Always,
    /// When the sender asked.
    AsAsked,
    /// Never: a message that is taken counts as delivered.
    Never,
}

/// What is sent for a message in a session of that version, and whether a receipt will come.
///
/// A validity that its sender asked for goes along, with what is left of it; our own default is nobody
/// else's.
pub fn outgoing(
    message: &Outgoing,
    ask: Ask,
    version: Version,
    expires_ms: Option<i64>,
    now_ms: i64,
) -> (SubmitSm, bool) {
    let mut pdu = message.pdu.clone();
    let asked = pdu.registered_delivery;
    let wanted = match ask {
        Ask::Always => true,
        // A sender that wants one sort of end is told only of that; all ends are followed.
        Ask::AsAsked => asked.receipt() != ReceiptRequest::None || asked.wants_intermediate(),
        Ask::Never => false,
    };
    // Bits 1-0 are ours; acknowledgements by the handset and intermediate notifications pass.
    let others = if ask == Ask::Never { 0 } else { asked.0 & !0x03 };
    pdu.registered_delivery = RegisteredDelivery(others | u8::from(wanted));
    let ttl = tag::qos_time_to_live.tag();
    let has_ttl = !pdu.tlvs.is_empty() && pdu.tlvs.has(ttl);
    if let Some(at_ms) = expires_ms.filter(|_| has_ttl || !pdu.validity_period.is_none()) {
        let left = Duration::from_millis(u64::try_from(at_ms - now_ms).unwrap_or_default());
        // Relative where there is such a thing: clocks differ.
        pdu.validity_period = match version {
            Version::V33 => Time::absolute(at_ms),
            Version::V34 | Version::V50 => Time::relative(left.max(Duration::from_secs(1))),
        };
    }
    if has_ttl {
        // It counted from the submission, and validity_period says it now.
        let mut tlvs = Tlvs::build();
        for tlv in pdu.tlvs.iter().filter(|tlv| tlv.tag != ttl) {
            tlvs.push_octets(tlv.tag, tlv.value);
        }
        pdu.tlvs = tlvs.done();
    }
    (pdu, wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Parcel;

    fn sent(asked: u8, ask: Ask) -> (u8, bool) {
        let pdu = SubmitSm { registered_delivery: RegisteredDelivery(asked), ..SubmitSm::default() };
        let Parcel::Message(message) = Parcel::message(pdu, Version::V34) else { unreachable!() };
        let (pdu, wanted) = outgoing(&message, ask, Version::V34, None, 0);
        (pdu.registered_delivery.0, wanted)
    }

    #[test]
    fn receipts_are_asked_for_as_configured() {
        assert_eq!(sent(0, Ask::Always), (1, true));
        assert_eq!(
            sent(2, Ask::Always),
            (1, true),
            "a sender that wants failures only: the end is followed all the same"
        );
        assert_eq!(sent(0x10, Ask::AsAsked), (0x11, true));
        assert_eq!(sent(0, Ask::AsAsked), (0, false));
        assert_eq!(sent(0x1D, Ask::Never), (0, false));
    }

    #[test]
    fn what_is_left_of_the_validity_goes_along_as_the_version_writes_it() {
        let sent = |pdu: SubmitSm, version| {
            let Parcel::Message(message) = Parcel::message(pdu, Version::V34) else { unreachable!() };
            outgoing(&message, Ask::Always, version, Some(90_500), 500).0
        };
        let asked = SubmitSm { validity_period: Time::absolute(90_500), ..SubmitSm::default() };
        let ninety = Time::relative(Duration::from_secs(90));
        assert_eq!(sent(asked.clone(), Version::V50).validity_period, ninety);
        assert_eq!(sent(asked.clone(), Version::V33).validity_period, Time::absolute(90_500));
        assert!(sent(SubmitSm::default(), Version::V34).validity_period.is_none(), "nobody asked");
        let tlvs = Tlvs::build().with(tag::qos_time_to_live, 90).done();
        let by_tlv = sent(SubmitSm { tlvs, ..SubmitSm::default() }, Version::V34);
        assert!(by_tlv.tlvs.is_empty() && by_tlv.validity_period == ninety);
    }
}
