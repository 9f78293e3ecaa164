//! The PDUs that a session sends by itself.

use bytes::Bytes;
use smppkit_inspect::EncodeError;
use smppkit_wire::pdu::def_of;
use smppkit_wire::value::InterfaceVersion;
use smppkit_wire::{Body, CommandStatus, Header, Pdu, Version};

use super::ask::{Connect, Mode, Octets};
use super::say::{State, taken_apart};
use crate::Draft;

/// The bind that a connect asks for.
pub(super) fn bind(connect: &Connect, version: Version) -> Result<Octets, EncodeError> {
    let command = match connect.bind {
        Mode::Transmitter => "bind_transmitter",
        Mode::Receiver => "bind_receiver",
        Mode::Transceiver | Mode::None => "bind_transceiver",
    };
    let mut draft = Draft::new(command);
    let interface_version = InterfaceVersion::from(version).0.to_string();
    for (name, value) in [
        ("system_id", &connect.system_id),
        ("password", &connect.password),
        ("system_type", &connect.system_type),
        ("interface_version", &interface_version),
        ("address_range", &connect.address_range),
    ] {
        draft.set(name, value)?;
    }
    Ok(Octets { octets: draft.octets()?, is_open: true })
}

/// Success, or what is wrong with the request.
pub(super) fn answer(octets: &Bytes, header: Header, version: Version) -> Option<Pdu> {
    if def_of(header.command_id).is_none() {
        return Some(Pdu::generic_nack(header.sequence_number, CommandStatus::ESME_RINVCMDID));
    }
    let body = Body::empty(header.command_id | Header::RESPONSE_BIT)?;
    let defect = taken_apart(octets, version).defect;
    Some(match defect.and_then(|defect| defect.status) {
        None => Pdu::response(header.sequence_number, body),
        Some(status) => Pdu::refusal(header.command_id, header.sequence_number, status),
    })
}

/// Whether a request has a response: those that the tables do not know get a generic_nack.
pub(super) fn is_answered(command_id: u32) -> bool {
    def_of(command_id).is_none() || Body::empty(command_id | Header::RESPONSE_BIT).is_some()
}

/// The state that a bind leads to.
pub(super) fn mode(command_id: u32) -> Option<State> {
    match def_of(command_id)?.name {
        "bind_transmitter" => Some(State::BoundTx),
        "bind_receiver" => Some(State::BoundRx),
        "bind_transceiver" => Some(State::BoundTrx),
        _ => None,
    }
}
