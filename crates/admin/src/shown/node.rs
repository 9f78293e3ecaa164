//! The tree: what each octet is part of, and what that is about.

use core::ops::Range;

use serde::Serialize;
use serde_json::Value as Json;
use smppkit_inspect::{Dissection, NodeKind, hex};
use smppkit_wire::field::{Kind, Subject};
use smppkit_wire::observe::Value;
use smppkit_wire::pdu::{FieldDef, PduDef};
use smppkit_wire::tlv::table::TABLE as TLV_TABLE;
use utoipa::ToSchema;

/// One line of the tree.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(no_recursion)]
pub struct Node {
    /// Its name in the specification; an unknown TLV's tag; nothing for an item of a list.
    pub name: String,
    /// header, field, list, item, tlv or part.
    #[schema(example = "field")]
    pub kind: &'static str,
    /// Its first octet, from the start of the PDU.
    pub start: usize,
    /// The octet behind its last.
    pub end: usize,
    /// A number, a text, or octets in hexadecimal; nothing for what only holds others.
    pub value: Json,
    /// The value in words.
    pub meaning: Option<String>,
    /// What its octets are about.
    pub class: Class,
    /// What it is for.
    pub help: Option<String>,
    /// What it is made of.
    pub children: Vec<Self>,
}

/// What octets are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// The header.
    Head,
    /// Who sends, or who gets it.
    Addr,
    /// How it is to be handled, and all that is none of the others.
    Ctl,
    /// When.
    Time,
    /// User data.
    Text,
    /// A TLV.
    Tlv,
}

impl From<Subject> for Class {
    fn from(subject: Subject) -> Self {
        match subject {
            Subject::Address => Self::Addr,
            Subject::Control => Self::Ctl,
            Subject::Time => Self::Time,
            Subject::Text => Self::Text,
            Subject::Tlvs => Self::Tlv,
        }
    }
}

/// The tree of a PDU.
pub(super) fn nodes(dissection: &Dissection) -> Vec<Node> {
    let of = Of { def: dissection.def(), user_data: dissection.user_data_range() };
    dissection.nodes.iter().map(|node| of.top(node)).collect()
}

/// A value as JSON.
pub(crate) fn value(value: &Value) -> Json {
    match value {
        Value::Int(number) => (*number).into(),
        Value::Text(text) => text.as_str().into(),
        Value::Octets(octets) => hex(octets).into(),
        Value::List(_) | Value::Record(_) => Json::Null,
    }
}

/// What the nodes are part of.
struct Of {
    def: Option<&'static PduDef>,
    user_data: Option<Range<usize>>,
}

impl Of {
    /// A header field, a field or a TLV.
    fn top(&self, node: &smppkit_inspect::Node) -> Node {
        match node.kind {
            NodeKind::Header => self.node(node, Class::Head, header_help(&node.name).map(str::to_owned)),
            NodeKind::Tlv { .. } => {
                let help = tlv_of(node).map(|def| def.help.to_owned());
                self.node(node, Class::Tlv, help)
            }
            _ => {
                let (class, help) = self.field(&node.name);
                self.node(node, class, help)
            }
        }
    }

    /// What the table says of a field, or of the count in front of one.
    fn field(&self, name: &str) -> (Class, Option<String>) {
        let Some(def) = self.def else { return (Class::Ctl, None) };
        for field in def.fields {
            if field.name == name {
                return (def.subject(field).into(), Some(field.help.to_owned()));
            }
            if let Kind::Counted { count, what } = field.kind
                && count == name
            {
                return (Class::Ctl, Some(format!("How many follow: {what}.")));
            }
        }
        (Class::Ctl, None)
    }

    fn node(&self, node: &smppkit_inspect::Node, class: Class, help: Option<String>) -> Node {
        // Of a TLV that holds the user data, those octets are the text they are.
        let is_text = self.user_data.as_ref().is_some_and(|text| {
            class == Class::Tlv && text.start <= node.octets.start && node.octets.end <= text.end
        });
        let class = if is_text && !node.octets.is_empty() { Class::Text } else { class };
        Node {
            name: node.name.to_string(),
            kind: kind(node.kind),
            start: node.octets.start,
            end: node.octets.end,
            value: node.value.as_ref().map_or(Json::Null, value),
            meaning: node.meaning.as_ref().map(ToString::to_string),
            class,
            help: help.filter(|help| !help.is_empty()),
            children: node.children.iter().map(|child| self.node(child, class, None)).collect(),
        }
    }
}

const fn kind(kind: NodeKind) -> &'static str {
    match kind {
        NodeKind::Header => "header",
        NodeKind::Field => "field",
        NodeKind::List => "list",
        NodeKind::Item => "item",
        NodeKind::Tlv { .. } => "tlv",
        NodeKind::Part => "part",
    }
}

/// A TLV's row in the table.
pub(super) fn tlv_of(node: &smppkit_inspect::Node) -> Option<&'static smppkit_wire::tlv::TlvDef> {
    let Some(Value::Int(tag)) = node.child("tag")?.value else {
        return None;
    };
    TLV_TABLE.iter().find(|def| u32::from(def.tag.0) == tag)
}

/// The header is no entry of the table: every PDU has it (SMPP 5.0, 3.2.1).
fn header_help(name: &str) -> Option<&'static str> {
    Some(match name {
        "command_length" => "Octets of the whole PDU, these four included.",
        "command_id" => "Which operation; bit 31 marks a response.",
        "command_status" => "Outcome in a response; 0 in a request, where it is ignored on receipt.",
        "sequence_number" => "1 to 0x7FFFFFFF; a response echoes its request's.",
        _ => return None,
    })
}

/// The values of a field that have names.
pub(crate) fn named(field: &FieldDef) -> impl Iterator<Item = (u32, String)> {
    let named = field.named.iter();
    let meaning = field.meaning;
    named.filter_map(move |&value| Some((value, meaning(value)?.into_owned())))
}
