//! What the wire tables say, for forms and references.

use serde::Serialize;
use smppkit_ops::Json;
use smppkit_wire::field::Kind;
use smppkit_wire::pdu::{FieldDef, PduDef, Role, TABLE};
use smppkit_wire::tlv::{TlvDef, TlvKind, place, table::TABLE as TLV_TABLE};
use smppkit_wire::{CommandStatus, Version};
use utoipa::ToSchema;

use crate::shown::{Class, named};

/// Everything that is known of PDUs, TLVs and statuses.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Table {
    /// In the order of the specification.
    pdus: Vec<PduEntry>,
    /// By tag.
    tlvs: Vec<TlvEntry>,
    /// By value.
    statuses: Vec<StatusEntry>,
}

#[derive(Debug, Serialize, ToSchema)]
struct PduEntry {
    name: &'static str,
    command_id: u32,
    /// Its section in SMPP 5.0; in 3.3 for what only 3.3 has.
    section: &'static str,
    help: &'static str,
    /// The version it came with; nothing when all have it.
    since: Option<&'static str>,
    /// The last version that has it.
    until: Option<&'static str>,
    /// Whether it is a request or a notification, and no response.
    request: bool,
    /// The PDU that answers it.
    answered_by: Option<&'static str>,
    senders: Vec<Sender>,
    /// In the order of the wire.
    fields: Vec<FieldEntry>,
    tlvs: PduTlvs,
}

#[derive(Debug, Serialize, ToSchema)]
struct Sender {
    /// esme or mc.
    role: &'static str,
    /// The states it may be sent in.
    states: Vec<&'static str>,
}

/// The TLVs of a PDU, by their names.
#[derive(Debug, Serialize, ToSchema)]
struct PduTlvs {
    required: Vec<&'static str>,
    /// All that mean something in it, the required ones among them.
    known: Vec<&'static str>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(no_recursion)]
struct FieldEntry {
    name: &'static str,
    /// int, cstr, octets, time, list or tlvs.
    kind: &'static str,
    /// Octets of an integer.
    octets: Option<u8>,
    /// The highest integer; the most octets of a text, its NUL counted; the most octets or entries.
    max: Option<u32>,
    /// Where single versions allow less.
    limits: Vec<Limit>,
    class: Class,
    help: &'static str,
    /// What it is when nothing is given: in the form that encode takes.
    #[schema(value_type = Object)]
    default: serde_json::Value,
    /// Values that have names.
    values: Vec<Named>,
    /// What a fault in it is answered with.
    #[schema(example = "ESME_RINVSRCTON")]
    status: String,
    /// The name of the count in front of octets or a list.
    count: Option<&'static str>,
    /// The fields of a list's entry, those of all its forms; none when an entry is a text.
    entry: Vec<Self>,
}

#[derive(Debug, Serialize, ToSchema)]
struct Limit {
    version: &'static str,
    max: u16,
}

#[derive(Debug, Serialize, ToSchema)]
struct Named {
    value: u32,
    name: String,
}

#[derive(Debug, Serialize, ToSchema)]
struct TlvEntry {
    /// As in `0x0424`.
    tag: String,
    name: &'static str,
    /// int, cstr or octets.
    kind: &'static str,
    /// Octets of its value.
    min: u16,
    max: u16,
    help: &'static str,
    section: &'static str,
    since: &'static str,
    /// Whether several in one PDU mean something.
    repeatable: bool,
    /// The groups of PDUs it means something in.
    places: Vec<&'static str>,
    values: Vec<Named>,
}

#[derive(Debug, Serialize, ToSchema)]
struct StatusEntry {
    code: u32,
    name: &'static str,
    help: &'static str,
    since: &'static str,
}

/// What PDUs, fields, TLVs and statuses there are.
#[utoipa::path(get, path = "/api/v1/codec/table", tag = "codec", responses((status = 200, body = Table)))]
pub(super) async fn table() -> Json<Table> {
    Json(Table {
        pdus: TABLE.iter().map(|def| pdu(def)).collect(),
        tlvs: TLV_TABLE.iter().map(tlv).collect(),
        statuses: CommandStatus::TABLE
            .iter()
            .map(|def| StatusEntry {
                code: def.status.0,
                name: def.name,
                help: def.help,
                since: def.since.name(),
            })
            .collect(),
    })
}

fn pdu(def: &'static PduDef) -> PduEntry {
    let known = TLV_TABLE.iter().filter(|tlv| tlv.places & def.places != 0);
    PduEntry {
        name: def.name,
        command_id: def.command_id,
        section: def.section,
        help: def.help,
        since: (def.since > Version::V33).then(|| def.since.name()),
        until: (def.until < Version::V50).then(|| def.until.name()),
        request: !def.is_response(),
        answered_by: TABLE.iter().find(|response| response.answers == Some(def.name)).map(|def| def.name),
        senders: def
            .senders
            .iter()
            .map(|(role, states)| Sender {
                role: match role {
                    Role::Esme => "esme",
                    Role::Mc => "mc",
                },
                states: states.iter().map(|state| state.name()).collect(),
            })
            .collect(),
        fields: def.fields.iter().map(|field| entry(field, def.subject(field).into())).collect(),
        tlvs: PduTlvs {
            required: def.requires.iter().filter_map(|tag| Some(tag.def()?.name_in(def.places))).collect(),
            known: known.map(|tlv| tlv.name_in(def.places)).collect(),
        },
    }
}

fn entry(field: &'static FieldDef, class: Class) -> FieldEntry {
    let (kind, octets, max, count, default) = match field.kind {
        Kind::Int(octets) => {
            ("int", Some(octets), Some(u32::MAX >> (32 - 8 * u32::from(octets.min(4)))), None, 0.into())
        }
        Kind::CStr(octets) => ("cstr", None, Some(u32::from(octets)), None, "".into()),
        Kind::Time => ("time", None, Some(17), None, "".into()),
        Kind::Counted { count, what: "octets" } => ("octets", None, Some(255), Some(count), "".into()),
        Kind::Counted { count, .. } => ("list", None, Some(255), Some(count), serde_json::json!([])),
        Kind::Tlvs => ("tlvs", None, None, None, serde_json::json!([])),
    };
    FieldEntry {
        name: field.name,
        kind,
        octets,
        max,
        limits: field.limits.iter().map(|&(of, max)| Limit { version: of.name(), max }).collect(),
        class,
        help: field.help,
        default,
        values: named(field).map(|(value, name)| Named { value, name }).collect(),
        status: field.status.to_string(),
        count,
        entry: field.parts.iter().map(|part| entry(part, class)).collect(),
    }
}

fn tlv(def: &'static TlvDef) -> TlvEntry {
    let lengths = def.lengths.iter();
    let name = |&value: &u32| Some(Named { value, name: (def.meaning)(value)?.to_owned() });
    TlvEntry {
        tag: format!("0x{:04X}", def.tag.0),
        name: def.name,
        kind: match def.kind {
            TlvKind::Int => "int",
            TlvKind::Text => "cstr",
            TlvKind::Octets => "octets",
        },
        min: lengths.clone().map(|&(low, _)| low).min().unwrap_or_default(),
        max: lengths.map(|&(_, high)| high).max().unwrap_or_default(),
        help: def.help,
        section: def.section,
        since: def.since.name(),
        repeatable: def.repeatable,
        places: place::NAMES.iter().filter(|(bit, _)| def.places & bit != 0).map(|&(_, name)| name).collect(),
        values: def.named.iter().filter_map(name).collect(),
    }
}
