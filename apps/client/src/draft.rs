//! A PDU made from named values.

use serde_json::{Map, Value as Json, json};
use smppkit_inspect::{Dialect, Dissection, Dissector, EncodeError, encode};
use smppkit_wire::field::Kind;
use smppkit_wire::pdu::{FieldDef, PduDef, TABLE};
use smppkit_wire::tlv::{self, TlvDef, TlvKind};
use smppkit_wire::{Body, CommandStatus, Pdu, Tag, Version};

use crate::address::Address;

/// A PDU being put together. Which names there are follows from the tables of `smppkit-wire`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    object: Map<String, Json>,
}

impl Draft {
    /// A PDU by its name, every field at its default.
    pub fn new(command: &str) -> Self {
        Self { object: Map::from_iter([("command".to_owned(), command.into())]) }
    }

    /// What a body says, to be changed.
    pub fn of(body: &Body) -> Self {
        let mut octets = Vec::new();
        Pdu { command_status: CommandStatus::ESME_ROK, sequence_number: 1, body: body.clone() }
            .encode(Version::V50, &mut octets);
        let dissection = Dissector::default().dissect(&octets.into());
        let json = if let Json::Object(json) = dissection.json() { json } else { Map::new() };
        let counts: Vec<&str> = dissection.def().map_or_else(Vec::new, |def| counts(def).collect());
        // Lengths and counts are computed anew.
        let kept = |key: &str| !HEADER[1..].contains(&key) && !counts.contains(&key);
        Self { object: json.into_iter().filter(|(key, _)| kept(key)).collect() }
    }

    /// As JSON has it.
    pub const fn from_json(object: Map<String, Json>) -> Self {
        Self { object }
    }

    /// Sets a field, or a TLV by name or tag. What carries octets takes text, or `hex:` and digits; what is a list
    /// takes JSON.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), EncodeError> {
        let field = self.def().and_then(|def| def.fields.iter().find(|field| field.name == name));
        match field {
            Some(field) => self.object.insert(name.to_owned(), field_json(field, value)?),
            None if tag(name).is_some() => return self.set_tlv(name, value),
            None => self.object.insert(name.to_owned(), value.into()),
        };
        Ok(())
    }

    /// As [`set`](Self::set), but a field of the header, which the session sets, is refused.
    pub fn set_field(&mut self, name: &str, value: &str) -> Result<(), EncodeError> {
        if HEADER.contains(&name) {
            let message = "is set by the session; a script can send it as it is".to_owned();
            return Err(EncodeError { key: Some(name.to_owned()), message });
        }
        self.set(name, value)
    }

    /// Adds a TLV; one that makes no sense twice replaces the one there.
    pub fn set_tlv(&mut self, name: &str, value: &str) -> Result<(), EncodeError> {
        let entry = tlv_json(name, value)?;
        let known = tag(name);
        let tlvs = self.object.entry("tlvs").or_insert_with(|| Json::Array(Vec::new()));
        let Json::Array(tlvs) = tlvs else {
            return Err(EncodeError { key: Some("tlvs".to_owned()), message: "is not a list".to_owned() });
        };
        if let Some(def) = known.and_then(Tag::def).filter(|def| !def.repeatable) {
            let same = |json: &Json| {
                let named = |key: &str| json.get(key).and_then(Json::as_str).and_then(tag);
                named("tag").or_else(|| named("name")) == Some(def.tag)
            };
            tlvs.retain(|json| !same(json));
        }
        tlvs.push(entry);
        Ok(())
    }

    /// Sets an address with its TON and NPI. `side` is what the three fields' names have in common: `source` or
    /// `destination`.
    pub fn set_address(&mut self, side: &str, address: &str) {
        let address = Address::guess(address);
        let short = if side == "source" { "source" } else { "dest" };
        self.object.insert(format!("{short}_addr_ton"), address.ton.0.into());
        self.object.insert(format!("{short}_addr_npi"), address.npi.0.into());
        self.object.insert(format!("{side}_addr"), address.digits.into());
    }

    /// Whether something was given under a name.
    pub fn has(&self, name: &str) -> bool {
        self.object.contains_key(name)
    }

    /// Its entry in the table.
    pub fn def(&self) -> Option<&'static PduDef> {
        let name = self.object.get("command")?.as_str()?;
        TABLE.iter().copied().find(|def| def.name == name)
    }

    /// The octets; what is not given is computed.
    pub fn octets(&self) -> Result<Vec<u8>, EncodeError> {
        encode(&Json::Object(self.object.clone()))
    }

    /// The body, for a session to send.
    pub fn body(&self) -> Result<Body, EncodeError> {
        let dissection = dissect(&self.octets()?, Version::V50);
        match (dissection.pdu, dissection.defect) {
            (Some(pdu), _) => Ok(pdu.body),
            (None, Some(defect)) => Err(EncodeError { key: defect.field, message: defect.message }),
            (None, None) => Err(EncodeError { key: None, message: "cannot be read back".to_owned() }),
        }
    }
}

/// Takes octets apart as a peer would that forgives what is usual.
pub(crate) fn dissect(octets: &[u8], version: Version) -> Dissection {
    let dissector = Dissector { version, dialect: Dialect::RECEIVE, ..Dissector::default() };
    dissector.dissect(&bytes::Bytes::copy_from_slice(octets))
}

/// `0x1400`, or a name of the table.
pub(crate) fn tag(name: &str) -> Option<Tag> {
    match name.strip_prefix("0x") {
        Some(digits) => u16::from_str_radix(digits, 16).ok().map(Tag),
        None => named(name).map(|def| def.tag),
    }
}

fn named(name: &str) -> Option<&'static TlvDef> {
    tlv::table::TABLE.iter().find(|def| [def.name, def.name_in(tlv::place::BC_RESP)].contains(&name))
}

fn field_json(field: &FieldDef, value: &str) -> Result<Json, EncodeError> {
    let at = |message: String| EncodeError { key: Some(field.name.to_owned()), message };
    match field.kind {
        Kind::Counted { what: "octets", .. } => octets_json(value).map_err(at),
        Kind::Counted { .. } | Kind::Tlvs => {
            serde_json::from_str(value).map_err(|error| at(format!("is not a list as JSON: {error}")))
        }
        _ => Ok(value.into()),
    }
}

fn tlv_json(name: &str, value: &str) -> Result<Json, EncodeError> {
    let tag = tag(name);
    let key = if name.starts_with("0x") { "tag" } else { "name" };
    let kind = tag.and_then(Tag::def).map(|def| def.kind);
    if matches!(kind, Some(TlvKind::Int | TlvKind::Text)) && !value.starts_with(HEX) {
        return Ok(json!({ key: name, "value": value }));
    }
    let octets = octets_json(value).map_err(|message| EncodeError { key: Some(name.to_owned()), message })?;
    Ok(json!({ key: name, "hex": octets }))
}

/// Text is its own octets; `hex:` says them.
fn octets_json(value: &str) -> Result<Json, String> {
    let Some(digits) = value.strip_prefix(HEX) else {
        return Ok(hex(value.as_bytes()).into());
    };
    let octets = from_hex(digits);
    octets
        .map(|_| digits.into())
        .ok_or_else(|| format!("{digits:?} is not an even number of hexadecimal digits"))
}

/// The octets of an even number of digits; white space between them is passed over.
pub fn from_hex(digits: &str) -> Option<Vec<u8>> {
    let digits = digits.chars().filter(|character| !character.is_ascii_whitespace());
    let values: Vec<u8> = digits.map(|digit| Some(digit.to_digit(16)? as u8)).collect::<Option<_>>()?;
    let (pairs, rest) = values.as_chunks::<2>();
    rest.is_empty().then(|| pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

/// Two digits for each octet.
pub(crate) fn hex(octets: &[u8]) -> String {
    use core::fmt::Write as _;
    octets.iter().fold(String::with_capacity(octets.len() * 2), |mut text, octet| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{octet:02x}");
        text
    })
}

/// The names of the counts in front of lists and octets.
fn counts(def: &PduDef) -> impl Iterator<Item = &'static str> {
    def.fields.iter().filter_map(|field| match field.kind {
        Kind::Counted { count, .. } => Some(count),
        _ => None,
    })
}

/// What opens every PDU, as JSON has it.
const HEADER: [&str; 5] = ["command", "command_length", "command_id", "command_status", "sequence_number"];
/// What octets begin with that are given as digits.
const HEX: &str = "hex:";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_field_and_any_tlv_by_name() {
        let mut draft = Draft::new("submit_sm");
        draft.set("service_type", "CMT").unwrap();
        draft.set("short_message", "Hi").unwrap();
        draft.set("user_message_reference", "0x102").unwrap();
        draft.set("0x1400", "hex:00ff").unwrap();
        draft.set_tlv("0x1401", "text").unwrap();
        draft.set_tlv("user_message_reference", "7").unwrap();
        let Body::SubmitSm(body) = draft.body().unwrap() else { panic!("a submit_sm") };
        assert_eq!((body.service_type.as_octets(), &body.short_message[..]), (&b"CMT"[..], &b"Hi"[..]));
        let tlvs: Vec<(u16, Vec<u8>)> = body.tlvs.iter().map(|tlv| (tlv.tag.0, tlv.value.to_vec())).collect();
        assert_eq!(
            tlvs,
            [(0x1400, vec![0, 0xFF]), (0x1401, b"text".to_vec()), (0x0204, vec![0, 7])],
            "the second reference took the place of the first"
        );
    }

    #[test]
    fn slips_are_named_with_what_was_meant() {
        let mut draft = Draft::new("submit_sm");
        draft.set("destination_adr", "1").unwrap();
        let error = draft.octets().unwrap_err().to_string();
        assert!(error.contains("did you mean destination_addr?"), "{error}");
        let error = Draft::new("submit_sn").octets().unwrap_err().to_string();
        assert!(error.contains("did you mean submit_sm?"), "{error}");
        assert!(Draft::new("submit_sm").set("short_message", "hex:0").is_err());
        assert!(Draft::new("submit_sm").set_field("sequence_number", "1").is_err());
    }

    #[test]
    fn digits_are_even_and_nothing_else() {
        assert_eq!(from_hex("00 fF\n"), Some(vec![0, 0xFF]));
        assert_eq!((from_hex("0"), from_hex("+1"), from_hex("0g")), (None, None, None));
    }

    #[test]
    fn a_body_comes_back_as_it_was() {
        let mut draft = Draft::new("submit_multi");
        draft.set("dest_address", r#"[{"destination_addr": "1"}, {"dl_name": "list"}]"#).unwrap();
        draft.set("short_message", "hex:00ff").unwrap();
        draft.set("message_payload", "hex:01").unwrap();
        let body = draft.body().unwrap();
        assert_eq!(Draft::of(&body).body().unwrap(), body);
    }
}
