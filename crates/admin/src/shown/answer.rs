//! What a good peer would answer.

use serde::Serialize;
use smppkit_inspect::{Dissection, Dissector, Duty, hex};
use smppkit_wire::observe::Value;
use smppkit_wire::pdu::{PduDef, TABLE};
use smppkit_wire::tlv::{TlvDef, TlvKind};
use smppkit_wire::value::InterfaceVersion;
use smppkit_wire::{Body, Pdu, Role, Version};
use utoipa::ToSchema;

/// What a good peer would answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Answer {
    /// Its octets, in lower case.
    pub hex: String,
    /// The same on one line.
    pub summary: String,
}

/// The answer: a refusal with the status that the defect asks for, a success with examples for values, or none.
pub(super) fn answer(dissection: &Dissection) -> Option<Answer> {
    let header = dissection.header;
    let sequence_number = header.map_or(0, |header| header.sequence_number);
    let pdu = match &dissection.defect {
        Some(defect) => {
            let status = defect.status?;
            match defect.duty {
                Duty::Answer | Duty::Close if defect.nack => Pdu::generic_nack(sequence_number, status),
                Duty::Answer => Pdu::refusal(header?.command_id, sequence_number, status),
                Duty::Close | Duty::NeedMore | Duty::Drop => return None,
            }
        }
        None if header?.is_response() => return None,
        None => Pdu::response(sequence_number, success(dissection)?),
    };
    let mut octets = Vec::new();
    pdu.encode(dissection.version, &mut octets);
    let dissector = Dissector { version: dissection.version, ..Dissector::default() };
    let octets = octets.into();
    Some(Answer { summary: dissector.dissect(&octets).summary(), hex: hex(&octets) })
}

/// The response that reports success: what it has in common with its request is repeated, what only the peer
/// knows is made up.
fn success(dissection: &Dissection) -> Option<Body> {
    let request = dissection.def()?;
    let response = TABLE.iter().find(|def| def.answers == Some(request.name))?;
    let mut record = Vec::new();
    for field in response.fields {
        if let Some(value) = example(dissection, response, field.name) {
            record.push((field.name.to_owned(), value));
        }
    }
    let tlvs = tlvs(dissection.version, response);
    if !tlvs.is_empty() {
        record.push(("tlvs".to_owned(), Value::List(tlvs)));
    }
    Body::from_record(response.command_id, &Value::Record(record)).ok()
}

fn example(dissection: &Dissection, response: &PduDef, field: &str) -> Option<Value> {
    let text = |text: &str| Some(Value::Text(text.to_owned()));
    let from_mc = response.senders.iter().any(|(role, _)| *role == Role::Mc);
    match field {
        "system_id" => text("smppkit"),
        // The message centre gives the ids; an ESME leaves it empty (SMPP 5.0, 4.3.1.2).
        "message_id" => match dissection.node(field).and_then(|node| node.value.clone()) {
            Some(Value::Text(asked)) if !asked.is_empty() => text(&asked),
            _ if from_mc => text("1"),
            _ => None,
        },
        "message_state" | "message_status" => Some(Value::Int(1)),
        _ => None,
    }
}

/// The version that bind responses tell, and what the table requires, as short as it may be.
fn tlvs(version: Version, response: &PduDef) -> Vec<Value> {
    if version == Version::V33 {
        return Vec::new();
    }
    let told = smppkit_wire::tlv::tag::sc_interface_version.tag();
    let bind = told.def().filter(|def| def.places & response.places != 0);
    let required = response.requires.iter().filter_map(|tag| tag.def());
    let tlv = |def: &TlvDef| {
        let value = match def.kind {
            _ if def.tag == told => Value::Int(u32::from(InterfaceVersion::from(version).0)),
            TlvKind::Int => Value::Int(1),
            TlvKind::Text => Value::Text(String::new()),
            TlvKind::Octets => {
                let least = def.lengths.first().map_or(0, |&(low, _)| usize::from(low));
                Value::Text("00".repeat(least))
            }
        };
        let tag = Value::Text(format!("0x{:04X}", def.tag.0));
        Value::Record(vec![("tag".to_owned(), tag), ("value".to_owned(), value)])
    };
    bind.into_iter().chain(required).map(tlv).collect()
}
