//! The request that goes upstream.

use core::time::Duration;

use smppkit_wire::field::Time;
use smppkit_wire::pdu::table::SubmitSm;
use smppkit_wire::value::{ReceiptRequest, RegisteredDelivery};

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

/// What is sent for a message, and whether a receipt will come.
pub fn outgoing(message: &Outgoing, ask: Ask, expires_ms: Option<i64>, now_ms: i64) -> (SubmitSm, bool) {
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
    if let Some(left) = expires_ms.and_then(|at| u64::try_from(at - now_ms).ok()) {
        // What is left of it, relative: clocks differ.
        pdu.validity_period = Time::relative(Duration::from_millis(left).max(Duration::from_secs(1)));
    }
    (pdu, wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Parcel;
    use smppkit_wire::Version;

    fn sent(asked: u8, ask: Ask) -> (u8, bool) {
        let pdu = SubmitSm { registered_delivery: RegisteredDelivery(asked), ..SubmitSm::default() };
        let Parcel::Message(message) = Parcel::message(pdu, Version::V34) else { unreachable!() };
        let (pdu, wanted) = outgoing(&message, ask, None, 0);
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
    fn what_is_left_of_the_validity_goes_along() {
        let Parcel::Message(message) = Parcel::message(SubmitSm::default(), Version::V34) else {
            unreachable!()
        };
        let (pdu, _) = outgoing(&message, Ask::Always, Some(90_500), 500);
        assert_eq!(pdu.validity_period, Time::relative(Duration::from_secs(90)));
    }
}
