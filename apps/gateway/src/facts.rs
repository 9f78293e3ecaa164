//! What routes look at, of a message.

use smppkit_route::{Facts, Party, Text};
use smppkit_text::{McDefault, Udh};
use smppkit_wire::pdu::table::{BroadcastSm, DeliverSm, SubmitSm};
use smppkit_wire::tlv::tag;
use smppkit_wire::value::EsmClass;
use smppkit_wire::{Tlvs, Version};

/// Where a message comes from.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Origin<'a> {
    Account(&'a str, Version),
    Connector(&'a str),
}

impl<'a> Origin<'a> {
    /// The account, the connector, the version.
    const fn parts(self) -> (Option<&'a str>, Option<&'a str>, Option<Version>) {
        match self {
            Self::Account(account, version) => (Some(account), None, Some(version)),
            Self::Connector(connector) => (None, Some(connector), None),
        }
    }
}

/// What messages of all kinds tell, with or without a destination.
macro_rules! common {
    ($pdu:ident, $origin:ident, $user_data:ident, $esm_class:expr, $unix_ms:ident) => {{
        let (account, connector, version) = $origin.parts();
        Facts {
            account,
            connector,
            version,
            source: Party {
                ton: $pdu.source_addr_ton,
                npi: $pdu.source_addr_npi,
                addr: $pdu.source_addr.as_str().unwrap_or_default(),
            },
            service_type: $pdu.service_type.as_str().unwrap_or_default(),
            priority_flag: $pdu.priority_flag,
            data_coding: $pdu.data_coding,
            tlvs: &$pdu.tlvs,
            text: Text::of_user_data($user_data, $esm_class, $pdu.data_coding, McDefault::GsmUnpacked),
            octets: u32::try_from($user_data.len()).ok(),
            unix_ms: $unix_ms,
            ..Facts::default()
        }
    }};
}

macro_rules! facts_of {
    ($(#[doc = $doc:literal])* $name:ident, $Pdu:ident) => {
        $(#[doc = $doc])*
        pub(crate) fn $name<'a>(pdu: &'a $Pdu, origin: Origin<'a>, unix_ms: i64) -> Facts<'a> {
            let user_data = user_data(&pdu.short_message, &pdu.tlvs);
            Facts {
                destination: Party {
                    ton: pdu.dest_addr_ton,
                    npi: pdu.dest_addr_npi,
                    addr: pdu.destination_addr.as_str().unwrap_or_default(),
                },
                esm_class: pdu.esm_class,
                protocol_id: pdu.protocol_id,
                registered_delivery: pdu.registered_delivery,
                concatenation: concatenation(user_data, pdu.esm_class, &pdu.tlvs),
                ..common!(pdu, origin, user_data, pdu.esm_class, unix_ms)
            }
        }
    };
}

facts_of! {
    /// Of what an ESME submits.
    of_submit_sm, SubmitSm
}
facts_of! {
    /// Of what a handset sends.
    of_deliver_sm, DeliverSm
}

/// Of what an ESME broadcasts. It has no destination, and what it says is its message_payload.
pub(crate) fn of_broadcast_sm<'a>(pdu: &'a BroadcastSm, origin: Origin<'a>, unix_ms: i64) -> Facts<'a> {
    let user_data = user_data(&[], &pdu.tlvs);
    common!(pdu, origin, user_data, EsmClass::DEFAULT, unix_ms)
}

/// message_payload, or short_message.
pub(crate) fn user_data<'a>(short_message: &'a [u8], tlvs: &'a Tlvs) -> &'a [u8] {
    if tlvs.is_empty() {
        return short_message;
    }
    tlvs.get(tag::message_payload).unwrap_or(short_message)
}

/// What the parts of one long message share: by their header, or by TLVs.
fn concatenation(user_data: &[u8], esm_class: EsmClass, tlvs: &Tlvs) -> Option<(u16, u8)> {
    if esm_class.has_udh()
        && let Some(part) = Udh::parse(user_data).ok().and_then(|(udh, _)| udh.concatenation())
    {
        return Some((part.reference(), part.total()));
    }
    if tlvs.is_empty() {
        return None;
    }
    Some((tlvs.get(tag::sar_msg_ref_num)?, tlvs.get(tag::sar_total_segments)?))
}
