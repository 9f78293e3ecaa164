//! What else is worth knowing of a PDU: further faults, what a dialect forgave, what means nothing where it stands.

use serde::Serialize;
use smppkit_inspect::{Dissection, Dissector, NodeKind};
use smppkit_wire::{BodyError, Dialect, Header, Version};
use utoipa::ToSchema;

use super::node::tlv_of;

/// Something found in a PDU besides what is wrong first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Found {
    /// The field or TLV, by its name.
    pub field: Option<String>,
    /// Where it begins, in octets.
    pub offset: Option<usize>,
    /// What was found.
    pub message: String,
    /// The rule's place in the documents.
    #[schema(example = "SMPP 5.0, 4.2.1.1")]
    pub clause: Option<String>,
}

pub(super) fn findings(dissector: &Dissector, dissection: &Dissection) -> Vec<Found> {
    let mut found = Vec::new();
    header(dissection, &mut found);
    if let Some(pdu) = &dissection.pdu {
        let reserved = Dialect { refuse_reserved: true, ..dissector.dialect };
        let faults = pdu.body.faults(dissection.version, &reserved);
        found.extend(faults.iter().map(|fault| Found::fault(dissection, fault)));
    }
    if dissector.dialect != Dialect::STRICT {
        let strict = Dissector { dialect: Dialect::STRICT, ..*dissector }.dissect(&dissection.octets);
        let forgiven = strict.defect.filter(|_| dissection.defect.is_none());
        found.extend(forgiven.map(|defect| Found {
            field: defect.field,
            offset: defect.offset,
            message: format!("forgiven: {}", defect.message),
            clause: clause(dissection),
        }));
    }
    tlvs(dissection, &mut found);
    // What is wrong first is said elsewhere; what is found two ways is one thing.
    let first = dissection.defect.as_ref().map(|defect| &defect.message);
    found.retain(|found| Some(&found.message) != first);
    let mut kept: Vec<Found> = Vec::new();
    for found in found {
        if !kept.contains(&found) {
            kept.push(found);
        }
    }
    kept
}

/// What a header should not say, and does no harm (SMPP 5.0, 3.2.1).
fn header(dissection: &Dissection, found: &mut Vec<Found>) {
    /// The highest sequence_number (SMPP 5.0, 3.2.1.4).
    const HIGHEST: u32 = 0x7FFF_FFFF;
    let Some(Header { command_status, sequence_number, .. }) = dissection.header else { return };
    let is_response = dissection.header.is_some_and(|header| header.is_response());
    if !is_response && !command_status.is_ok() {
        let message = format!("a request has command_status {command_status}, which is ignored");
        found.push(Found::at("command_status", 8, message, "SMPP 5.0, 3.2.1.3"));
    }
    if is_response && !command_status.is_ok() && command_status.name().is_none() {
        let message = format!("{command_status} is no status of the specification");
        found.push(Found::at("command_status", 8, message, "SMPP 5.0, 4.7.6"));
    }
    if !is_response && !(1..=HIGHEST).contains(&sequence_number) {
        let message = format!("sequence_number {sequence_number} is not between 1 and {HIGHEST}");
        found.push(Found::at("sequence_number", 12, message, "SMPP 5.0, 3.2.1.4"));
    }
}

fn tlvs(dissection: &Dissection, found: &mut Vec<Found>) {
    let places = dissection.def().map_or(0, |def| def.places);
    let mut seen: Vec<&str> = Vec::new();
    for node in dissection.nodes.iter().filter(|node| matches!(node.kind, NodeKind::Tlv { .. })) {
        let mut say = |message: String, clause: Option<String>| {
            found.push(Found {
                field: Some(node.name.to_string()),
                offset: Some(node.octets.start),
                message,
                clause,
            });
        };
        let Some(def) = tlv_of(node) else {
            say(format!("TLV {} is in no table: its meaning is the peers' own", node.name), None);
            continue;
        };
        let clause = Some(format!("SMPP 5.0, {}", def.section));
        if def.places & places == 0 {
            say(format!("TLV {} means nothing in this PDU, and is passed over", node.name), clause.clone());
        }
        if def.since > dissection.version && dissection.version > Version::V33 {
            let message = format!("TLV {} came with {}, after this version", node.name, def.since);
            say(message, clause.clone());
        }
        if seen.contains(&def.name) && !def.repeatable {
            say(format!("TLV {} is there more than once", node.name), clause);
        }
        seen.push(def.name);
    }
}

fn clause(dissection: &Dissection) -> Option<String> {
    let section = dissection.def()?.section;
    Some(if section.contains(':') { format!("SMPP {section}") } else { format!("SMPP 5.0, {section}") })
}

impl Found {
    fn at(field: &str, offset: usize, message: String, clause: &str) -> Self {
        Self { field: Some(field.to_owned()), offset: Some(offset), message, clause: Some(clause.to_owned()) }
    }

    fn fault(dissection: &Dissection, fault: &BodyError) -> Self {
        let offset = dissection.node(fault.field).map(|node| node.octets.start);
        Self {
            field: Some(fault.field.to_owned()),
            offset,
            message: fault.to_string(),
            clause: clause(dissection),
        }
    }
}
