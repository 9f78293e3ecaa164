//! Dissections as JSON, in the form of `testdata/pdu/vectors.jsonl`.

use core::fmt::Write as _;

use serde_json::{Map, Value as Json, json};
use smppkit_wire::observe::Value;
use smppkit_wire::tlv::{TlvKind, tag};
use smppkit_wire::{Header, Tag};

use crate::defect::Defect;
use crate::dissect::{Dissection, Node, NodeKind};
use crate::input::InputError;
use crate::printable::hex;
use crate::user_data::{AFTER_UDH, UDH};

/// The nodes that open every tree.
const HEADER_FIELDS: usize = 4;

impl Dissection {
    /// Header, fields and TLVs by their names; what is wrong under `error`.
    pub fn json(&self) -> Json {
        let mut object = Map::new();
        if self.header.is_some() {
            object.insert("command".to_owned(), self.def().map(|def| def.name).into());
        }
        let body = self.header.and_then(|header| self.body(&header));
        let shown = if body.is_some() { HEADER_FIELDS } else { self.nodes.len() };
        for node in self.nodes.iter().take(shown) {
            let value = match node.kind {
                NodeKind::Tlv { .. } => continue,
                NodeKind::List => Json::Array(node.children.iter().map(item).collect()),
                _ => plain(node),
            };
            object.insert(node.name.to_string(), value);
        }
        if let Some(body) = body {
            object.insert("body".to_owned(), body);
        }
        let tlvs = self.nodes.iter().take(shown).filter(|node| matches!(node.kind, NodeKind::Tlv { .. }));
        let tlvs: Vec<Json> = tlvs.map(|node| self.tlv(node)).collect();
        if !tlvs.is_empty() {
            object.insert("tlvs".to_owned(), tlvs.into());
        }
        self.udh(&mut object);
        if !self.rest.is_empty() {
            object.insert("octets_after_pdu".to_owned(), self.rest.len().into());
        }
        if let Some(defect) = &self.defect {
            object.insert("error".to_owned(), defect.json());
        }
        Json::Object(object)
    }

    /// [`json`](Self::json) on one line.
    pub fn json_line(&self) -> String {
        line(&self.json())
    }

    /// What stands in place of fields: `absent`, or octets that could not be read and need not be.
    fn body(&self, header: &Header) -> Option<Json> {
        let octets = self.octets.get(Header::OCTETS..).unwrap_or_default();
        let read = self.pdu.is_some();
        let failed = header.is_response() && !header.command_status.is_ok();
        let has_fields = self.def().is_some_and(|def| def.fields.iter().any(|field| field.name != "tlvs"));
        if read && octets.is_empty() && header.is_response() && (failed || has_fields) {
            return Some("absent".into());
        }
        let raw = matches!(self.pdu, Some(smppkit_wire::Pdu { body: smppkit_wire::Body::Raw(_), .. }));
        (raw && !octets.is_empty()).then(|| hex(octets).into())
    }

    fn tlv(&self, node: &Node) -> Json {
        let part = |name| node.child(name).map_or(&node.octets, |part| &part.octets).clone();
        let octets = self.octets.get(part("value")).unwrap_or_default();
        let tag = match node.child("tag").and_then(|tag| tag.value.as_ref()) {
            Some(Value::Int(tag)) => *tag,
            _ => 0,
        };
        let known = node.kind == NodeKind::Tlv { known: true };
        let mut object = Map::new();
        object.insert("tag".to_owned(), format!("0x{tag:04X}").into());
        object.insert("name".to_owned(), known.then_some(&*node.name).into());
        object.insert("length".to_owned(), octets.len().into());
        if lacks_nul(Tag(tag as u16), octets) {
            object.insert("nul_terminated".to_owned(), false.into());
        }
        object.insert("value".to_owned(), node.child("value").map_or(Json::Null, plain));
        object.insert("hex".to_owned(), hex(octets).into());
        Json::Object(object)
    }

    fn udh(&self, object: &mut Map<String, Json>) {
        let Some((carrier, udh)) = self.udh_carrier().and_then(|node| Some((node, node.child(UDH)?))) else {
            return;
        };
        let Some(after) = carrier.child(AFTER_UDH) else {
            object.insert(UDH.to_owned(), "malformed".into());
            return;
        };
        let elements = udh.children.iter().filter(|node| node.name == "element").map(|element| {
            let part = |name: &str| element.child(name).and_then(|part| part.value.clone());
            let iei = match part("iei") {
                Some(Value::Int(iei)) => iei,
                _ => 0,
            };
            json!({"iei": format!("0x{iei:02X}"), "data": part("data").as_ref().map(value)})
        });
        object.insert(UDH.to_owned(), elements.collect());
        object.insert(AFTER_UDH.to_owned(), plain(after));
    }
}

impl InputError {
    /// What a line that is no PDU has for JSON, so that each line of a stream has an answer.
    pub fn json_line(&self) -> String {
        line(&json!({ "error": self.defect().json() }))
    }
}

impl Defect {
    /// As it stands under `error`.
    pub fn json(&self) -> Json {
        json!({
            "status": self.status.map(|status| status.to_string()),
            "field": self.field,
            "offset": self.offset,
            "duty": self.duty.name(),
            "message": self.message,
        })
    }
}

/// JSON on one line, control characters escaped: a terminal must not obey what a peer sent.
fn line(json: &Json) -> String {
    let text = json.to_string();
    if !text.contains(|c: char| c.is_control()) {
        return text;
    }
    // serde_json escapes those below U+0020; strings are the only place for the others.
    let mut out = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if character.is_control() {
            _ = write!(out, "\\u{:04x}", u32::from(character));
        } else {
            out.push(character);
        }
    }
    out
}

/// Whether a C-Octet String comes without its NUL, as some peers send it. The written size of broadcast_end_time has
/// no room for one (SMPP 5.0, 4.8.4.9).
fn lacks_nul(tag: Tag, octets: &[u8]) -> bool {
    let text = tag.def().is_some_and(|def| def.kind == TlvKind::Text);
    text && octets.last() != Some(&0) && tag != tag::broadcast_end_time.tag()
}

/// An item: its fields by name, or itself when it is only one.
fn item(node: &Node) -> Json {
    match node.children.as_slice() {
        [only] if matches!(only.value, Some(Value::Text(_))) => plain(only),
        fields => Json::Object(fields.iter().map(|field| (field.name.to_string(), plain(field))).collect()),
    }
}

fn plain(node: &Node) -> Json {
    node.value.as_ref().map_or(Json::Null, value)
}

fn value(value: &Value) -> Json {
    match value {
        Value::Int(number) => (*number).into(),
        Value::Text(text) => text.as_str().into(),
        Value::Octets(octets) => hex(octets).into(),
        Value::List(items) => items.iter().map(self::value).collect(),
        Value::Record(entries) => {
            entries.iter().map(|(name, value)| (name.clone(), self::value(value))).collect()
        }
    }
}
