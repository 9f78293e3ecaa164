//! What fields must say together: rules that no field can know by itself.

use super::table::{Body, BroadcastSm, DataSm};
use crate::error::{BodyError, Fault};
use crate::status::CommandStatus;
use crate::tlv::{Tag, Tlvs, tag};
use crate::value::MessageType;
use crate::version::Version;

/// Checks a body whose fields are right each by itself.
pub(super) fn check(body: &Body, version: Version) -> Result<(), BodyError> {
    match body {
        Body::SubmitSm(pdu) => {
            filled("destination_addr", pdu.destination_addr.is_empty())?;
            one_payload(&pdu.short_message, &pdu.tlvs, version)
        }
        Body::DeliverSm(pdu) => one_payload(&pdu.short_message, &pdu.tlvs, version),
        Body::SubmitMulti(pdu) => {
            if pdu.dest_address.is_empty() {
                return Err(wrong("number_of_dests", Fault::Value, CommandStatus::ESME_RINVNUMDESTS));
            }
            one_payload(&pdu.short_message, &pdu.tlvs, version)
        }
        Body::DataSm(pdu) => data_sm(pdu),
        Body::ReplaceSm(pdu) => one_payload(&pdu.short_message, &pdu.tlvs, version),
        Body::BroadcastSm(pdu) => broadcast_sm(pdu),
        _ => Ok(()),
    }
}

fn data_sm(pdu: &DataSm) -> Result<(), BodyError> {
    filled("destination_addr", pdu.destination_addr.is_empty())?;
    // A report may say everything in its TLVs, and nobody knows what a message of a reserved type carries.
    let has_text = matches!(
        pdu.esm_class.message_type(),
        MessageType::Normal | MessageType::DeliveryAcknowledgement | MessageType::UserAcknowledgement
    );
    if has_text { required(&pdu.tlvs, tag::message_payload.tag()) } else { Ok(()) }
}

fn broadcast_sm(pdu: &BroadcastSm) -> Result<(), BodyError> {
    /// An immediate broadcast is sent once: its broadcast_rep_num is ignored (SMPP 5.0, 4.4.1.1).
    const IMMEDIATE: u8 = 1;
    for &tag in <BroadcastSm as super::PduType>::DEF.requires {
        if tag != tag::broadcast_rep_num.tag() || pdu.priority_flag != IMMEDIATE {
            required(&pdu.tlvs, tag)?;
        }
    }
    for tlv in pdu.tlvs.iter() {
        let known = |wanted: Tag| tlv.tag == wanted;
        let first = tlv.value.first().copied().unwrap_or_default();
        let status = if known(tag::broadcast_area_identifier.tag()) && first > 2 {
            CommandStatus::ESME_RINVBCASTAREAFMT
        } else if known(tag::broadcast_area_identifier.tag()) && tlv.value.len() < 2 {
            CommandStatus::ESME_RINVBCASTALIAS_NAME
        } else if known(tag::broadcast_frequency_interval.tag()) && !matches!(first, 0 | 8..=14) {
            CommandStatus::ESME_RINVBCASTFREQINT
        } else if known(tag::broadcast_content_type.tag()) && first > 3 {
            CommandStatus::ESME_RINVBCASTCNTTYPE
        } else if known(tag::broadcast_channel_indicator.tag()) && first > 1 {
            CommandStatus::ESME_RINVBCASTCHANIND
        } else if known(tag::broadcast_message_class.tag()) && first > 3 {
            CommandStatus::ESME_RINVBCASTMSGCLASS
        } else {
            continue;
        };
        let name = tlv.tag.def().map_or("tlvs", |def| def.name);
        return Err(wrong(name, Fault::TlvValue(tlv.tag), status));
    }
    Ok(())
}

/// SMPP 3.4, 5.3.2.32 forbids both; in 5.0, 4.8.4.36 message_payload supersedes.
fn one_payload(short_message: &[u8], tlvs: &Tlvs, version: Version) -> Result<(), BodyError> {
    if version < Version::V50 && !short_message.is_empty() && tlvs.has(tag::message_payload.tag()) {
        return Err(wrong("short_message", Fault::TwoPayloads, CommandStatus::ESME_RINVMSGLEN));
    }
    Ok(())
}

fn filled(field: &'static str, empty: bool) -> Result<(), BodyError> {
    if empty { Err(wrong(field, Fault::Empty, CommandStatus::ESME_RINVDSTADR)) } else { Ok(()) }
}

fn required(tlvs: &Tlvs, tag: Tag) -> Result<(), BodyError> {
    if tlvs.has(tag) {
        return Ok(());
    }
    let name = tag.def().map_or("tlvs", |def| def.name);
    Err(wrong(name, Fault::TlvMissing(tag), CommandStatus::ESME_RMISSINGTLV))
}

fn wrong(field: &'static str, fault: Fault, status: CommandStatus) -> BodyError {
    BodyError { field, at: 0, fault, status }
}
