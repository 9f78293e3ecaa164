//! JSON to octets: what is not given is computed, what is given is written as it is, right or wrong.

use core::fmt;

use serde_json::{Map, Value as Json};
use smppkit_wire::field::{Kind, ValueError};
use smppkit_wire::observe::{TlvSeen, Value};
use smppkit_wire::pdu::{FieldDef, PduDef, TABLE, def_of};
use smppkit_wire::{Body, CommandStatus, Header, Pdu, RawBody, Tag, Tlvs, Version};

/// JSON that does not describe a PDU.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodeError {
    /// The key at fault; `None` when it is the whole.
    pub key: Option<String>,
    /// What is wrong, and what would be right.
    pub message: String,
}

/// Keys that [`Dissection::json`](crate::Dissection::json) writes and that say nothing new.
const INFORMATIVE: [&str; 4] = ["error", "udh", "user_data_after_udh", "octets_after_pdu"];
const HEADER: [&str; 5] = ["command", "command_length", "command_id", "command_status", "sequence_number"];
const TLV_KEYS: [&str; 6] = ["tag", "name", "length", "nul_terminated", "value", "hex"];
/// The keys of a TLV that say what it is.
const TLV_VALUES: [&str; 4] = ["tag", "name", "value", "hex"];

/// The octets of the PDU that an object describes, in the form of [`Dissection::json`](crate::Dissection::json).
///
/// `command` or `command_id` must be there; sequence_number is 1 unless given, any field its default.
/// command_length, sm_length, number_of_dests, no_unsuccess, number_msgs and a TLV's length are computed unless given;
/// a given one is written as it is, so that faulty PDUs can be made. With `body` `absent` the PDU is its header; any
/// other `body` is hexadecimal digits that follow the header as they are.
pub fn encode(json: &Json) -> Result<Vec<u8>, EncodeError> {
    let Json::Object(object) = json else {
        return Err(EncodeError::whole("a PDU is a JSON object, such as {\"command\": \"enquire_link\"}"));
    };
    let id = command_id(object)?;
    let command_status = match object.get("command_status") {
        Some(Json::String(name)) => {
            name.parse().map_err(|error| EncodeError::at("command_status", format!("is {error}")))?
        }
        _ => CommandStatus(int(object, "command_status")?.unwrap_or_default()),
    };
    let sequence_number = int(object, "sequence_number")?.unwrap_or(1);
    let pdu = |body| Pdu { command_status, sequence_number, body };
    let octets = match raw_body(object)? {
        Some(raw) => {
            only(object, "body", &HEADER.iter().chain(&["body"]).copied())?;
            encoded(&pdu(Body::Raw(RawBody { command_id: id, octets: raw.into() })))
        }
        None => with_fields(object, id, pdu)?,
    };
    finish(octets, object)
}

/// A PDU with its fields, counts and lengths as given.
fn with_fields(
    object: &Map<String, Json>,
    id: u32,
    pdu: impl Fn(Body) -> Pdu,
) -> Result<Vec<u8>, EncodeError> {
    let Some(def) = def_of(id) else {
        only(object, "command", &HEADER.iter().copied())?;
        return Ok(encoded(&pdu(Body::Raw(RawBody { command_id: id, octets: Vec::new().into() }))));
    };
    let fields = def.fields.iter().flat_map(|field| match field.kind {
        Kind::Counted { count, .. } => [Some(count), Some(field.name)],
        _ => [Some(field.name), None],
    });
    only(object, def.name, &HEADER.iter().copied().chain(fields.flatten()).chain(["body"]))?;
    let record = record(object, def)?;
    let body = Body::from_record(id, &record)?;
    let tlvs = body.tlvs().clone();
    let mut octets = encoded(&pdu(body));
    let layout = Layout { id, def, record: &record };
    for field in def.fields {
        if let Kind::Counted { count, .. } = field.kind
            && let Some(given) = int(object, count)?
        {
            let given = u8::try_from(given).map_err(|_| EncodeError::at(count, "is above 255"))?;
            layout.patch(&mut octets, field, &[given])?;
        }
    }
    patch_tlv_lengths(object, &tlvs, &mut octets)?;
    Ok(octets)
}

/// command_length last: given, it is written as it is.
fn finish(mut octets: Vec<u8>, object: &Map<String, Json>) -> Result<Vec<u8>, EncodeError> {
    if let Some(given) = int(object, "command_length")?
        && let Some(room) = octets.get_mut(..4)
    {
        room.copy_from_slice(&given.to_be_bytes());
    }
    Ok(octets)
}

fn encoded(pdu: &Pdu) -> Vec<u8> {
    let mut octets = Vec::new();
    // 5.0 has all TLVs: nothing that was asked for is left out.
    pdu.encode(Version::V50, &mut octets);
    octets
}

fn command_id(object: &Map<String, Json>) -> Result<u32, EncodeError> {
    let id = int(object, "command_id")?;
    let name = match object.get("command") {
        None | Some(Json::Null) => {
            return id.ok_or_else(|| EncodeError::whole("neither command nor command_id is given"));
        }
        Some(Json::String(name)) => name,
        Some(_) => return Err(EncodeError::at("command", "is not a string")),
    };
    let Some(def) = TABLE.iter().find(|def| def.name == name) else {
        let hint = nearest(name, TABLE.iter().map(|def| def.name));
        return Err(EncodeError::at("command", format!("{name:?} names no PDU{hint}")));
    };
    match id {
        Some(id) if id != def.command_id => {
            let message = format!("is {id}, but {name} has {}: leave one of them out", def.command_id);
            Err(EncodeError::at("command_id", message))
        }
        _ => Ok(def.command_id),
    }
}

/// `body`, when it takes the place of fields.
fn raw_body(object: &Map<String, Json>) -> Result<Option<Vec<u8>>, EncodeError> {
    match object.get("body") {
        None | Some(Json::Null) => Ok(None),
        Some(Json::String(text)) if text == "absent" => Ok(Some(Vec::new())),
        Some(Json::String(text)) => {
            let digits = crate::input::octets_of_hex(text);
            digits.map(Some).map_err(|error| EncodeError::at("body", error.to_string()))
        }
        Some(_) => Err(EncodeError::at("body", "is neither \"absent\" nor a string of hexadecimal digits")),
    }
}

/// Refuses keys that mean nothing here.
fn only<'a>(
    object: &Map<String, Json>,
    of: &str,
    known: &(impl Iterator<Item = &'a str> + Clone),
) -> Result<(), EncodeError> {
    let unknown =
        |key: &&String| !INFORMATIVE.contains(&key.as_str()) && !known.clone().any(|name| name == *key);
    match object.keys().find(unknown) {
        None => Ok(()),
        Some(key) => {
            let hint = nearest(key, known.clone());
            Err(EncodeError::at(key, format!("is no key of {of}{hint}")))
        }
    }
}

/// The fields as named values.
fn record(object: &Map<String, Json>, def: &PduDef) -> Result<Value, EncodeError> {
    let mut entries = Vec::new();
    for field in def.fields {
        let Some(json) = object.get(field.name).filter(|json| !json.is_null()) else {
            continue;
        };
        let value = match (field.kind, json) {
            (Kind::Tlvs, Json::Array(tlvs)) => Value::List(tlvs.iter().map(tlv).collect::<Result<_, _>>()?),
            (Kind::Counted { what, .. }, Json::Array(items)) => {
                let items = items.iter().map(|item| list_item(field.name, what, item));
                Value::List(items.collect::<Result<_, _>>()?)
            }
            _ => value(field.name, json)?,
        };
        entries.push((field.name.to_owned(), value));
    }
    Ok(Value::Record(entries))
}

fn list_item(list: &str, what: &str, item: &Json) -> Result<Value, EncodeError> {
    if let Json::Object(object) = item {
        // The entry's fields are named in prose; only names have underscores.
        let words =
            what.split(|c: char| !c.is_ascii_lowercase() && c != '_').filter(|word| word.contains('_'));
        only(object, list, &words)?;
    }
    value(list, item)
}

/// One TLV; its value given twice must be the same twice.
fn tlv(json: &Json) -> Result<Value, EncodeError> {
    let Json::Object(object) = json else {
        return Err(EncodeError::at("tlvs", "must hold objects with a tag or name, and a value or hex"));
    };
    only(object, "a TLV", &TLV_KEYS.into_iter())?;
    let mut entries = Vec::new();
    for (key, json) in
        object.iter().filter(|(key, json)| TLV_VALUES.contains(&key.as_str()) && !json.is_null())
    {
        entries.push((key.clone(), value(key, json)?));
    }
    let bare = object.get("nul_terminated") == Some(&Json::Bool(false)) && !object.contains_key("hex");
    if let (true, Some(Json::String(text))) = (bare, object.get("value")) {
        let octets: Result<Vec<u8>, _> = text.chars().map(u8::try_from).collect();
        let octets = octets.map_err(|_| EncodeError::at("value", "has a character beyond U+00FF"))?;
        entries.push(("hex".to_owned(), Value::Octets(octets.into())));
    }
    let record = Value::Record(entries);
    let (tag, typed) = typed(&record)?;
    if let (Some(hex), Some(value)) = (record.named("hex"), record.named("value")) {
        let same = same(&typed, value) || same(hex, value);
        if !same {
            return Err(EncodeError::at(
                &tag.to_string(),
                "has a value and a hex that differ: leave one of them out",
            ));
        }
    }
    if let (Some(Value::Text(name)), Some(_), Some(def)) =
        (record.named("name"), record.named("tag"), tag.def())
        && def.name != name
        && !(tag.0 == 0x0606 && name == "failed_broadcast_area_identifier")
    {
        let message = format!("is not the name of tag 0x{:04X}, which is {}", tag.0, def.name);
        return Err(EncodeError::at(name, message));
    }
    Ok(record)
}

/// The tag of a TLV given as a record, and the value that its octets say.
fn typed(record: &Value) -> Result<(Tag, Value), EncodeError> {
    // Any PDU with TLVs will do to have the record read.
    const ANY: u32 = smppkit_wire::pdu::table::SubmitSm::COMMAND_ID;
    let body =
        Body::from_record(ANY, &Value::Record(vec![("tlvs".to_owned(), Value::List(vec![record.clone()]))]))?;
    let tlv = body.tlvs().iter().next();
    let (tag, octets) = tlv.map_or((Tag(0), Vec::new()), |tlv| (tlv.tag, tlv.value.to_vec()));
    let (def, value) = (tag.def(), octets.into());
    let seen = TlvSeen { tag, def, name: None, octets: 0..0, value };
    Ok((tag, seen.typed()))
}

fn same(typed: &Value, given: &Value) -> bool {
    match (typed, given) {
        (Value::Octets(octets), Value::Text(hex)) => crate::printable::hex(octets).eq_ignore_ascii_case(hex),
        (Value::Text(a), Value::Text(b)) => a == b || a.eq_ignore_ascii_case(b) && is_hex(a),
        (Value::Int(number), Value::Text(text)) => text.parse() == Ok(*number),
        (typed, given) => typed == given,
    }
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|octet| octet.is_ascii_hexdigit())
}

fn value(key: &str, json: &Json) -> Result<Value, EncodeError> {
    Ok(match json {
        Json::Number(number) => {
            let number = number.as_u64().and_then(|number| u32::try_from(number).ok());
            Value::Int(number.ok_or_else(|| EncodeError::at(key, "is not an integer from 0 to 4294967295"))?)
        }
        Json::String(text) => Value::Text(text.clone()),
        Json::Array(items) => {
            Value::List(items.iter().map(|item| value(key, item)).collect::<Result<_, _>>()?)
        }
        Json::Object(entries) => {
            let entries = entries.iter().map(|(key, json)| Ok((key.clone(), value(key, json)?)));
            Value::Record(entries.collect::<Result<_, EncodeError>>()?)
        }
        Json::Null | Json::Bool(_) => {
            return Err(EncodeError::at(key, "is neither a number, a string, nor a list"));
        }
    })
}

/// An integer of the object: a number, or text that is one (decimal, or hexadecimal with `0x`).
fn int(object: &Map<String, Json>, key: &str) -> Result<Option<u32>, EncodeError> {
    let number = match object.get(key) {
        None | Some(Json::Null) => return Ok(None),
        Some(Json::Number(number)) => number.as_u64().and_then(|number| u32::try_from(number).ok()),
        Some(Json::String(text)) => match text.strip_prefix("0x") {
            Some(hex) => u32::from_str_radix(hex, 16).ok(),
            None => text.parse().ok(),
        },
        Some(_) => None,
    };
    let wrong = || EncodeError::at(key, "is not an integer from 0 to 4294967295");
    number.map(Some).ok_or_else(wrong)
}

/// Where fields stand that were written from a record.
struct Layout<'a> {
    id: u32,
    def: &'static PduDef,
    record: &'a Value,
}

impl Layout<'_> {
    /// Writes over the octets that open a field.
    fn patch(&self, octets: &mut [u8], field: &FieldDef, with: &[u8]) -> Result<(), EncodeError> {
        let mut at = Header::OCTETS;
        for before in self.def.fields.iter().take_while(|before| before.name != field.name) {
            at += self.octets_of(before)?;
        }
        if let Some(room) = octets.get_mut(at..at + with.len()) {
            room.copy_from_slice(with);
        }
        Ok(())
    }

    /// How many octets a field takes. Writers have no observer; what a field adds to an empty PDU is known by
    /// writing both, whatever its kind.
    fn octets_of(&self, field: &FieldDef) -> Result<usize, EncodeError> {
        let least = match field.kind {
            Kind::Int(octets) => usize::from(octets),
            Kind::CStr(_) | Kind::Time | Kind::Counted { .. } => 1,
            Kind::Tlvs => 0,
        };
        let Some(value) = self.record.named(field.name) else {
            return Ok(least);
        };
        let alone = Value::Record(vec![(field.name.to_owned(), value.clone())]);
        let length = |record| -> Result<usize, ValueError> {
            Ok(encoded(&Pdu::request(0, Body::from_record(self.id, record)?)).len())
        };
        Ok(least + length(&alone)? - length(&Value::Record(Vec::new()))?)
    }
}

/// Writes the lengths that are given over the ones that were computed. TLVs end the PDU.
fn patch_tlv_lengths(object: &Map<String, Json>, tlvs: &Tlvs, octets: &mut [u8]) -> Result<(), EncodeError> {
    let Some(Json::Array(given)) = object.get("tlvs") else {
        return Ok(());
    };
    let mut at = octets.len() - tlvs.region().len();
    for (json, tlv) in given.iter().zip(tlvs.iter()) {
        let length = json.as_object().map(|object| int(object, "length")).transpose()?.flatten();
        if let Some(length) = length {
            let length = u16::try_from(length).map_err(|_| EncodeError::at("length", "is above 65535"))?;
            if let Some(room) = octets.get_mut(at + 2..at + 4) {
                room.copy_from_slice(&length.to_be_bytes());
            }
        }
        at += 4 + tlv.value.len();
    }
    Ok(())
}

/// `; did you mean X?` when there is something near.
pub(crate) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let begins_alike = |known: &str| known.bytes().zip(name.bytes()).take_while(|(a, b)| a == b).count();
    // Of two as near, the one that begins alike: people cut words off at their end.
    let near = known.map(|known| (distance(name, known), usize::MAX - begins_alike(known), known)).min();
    match near {
        Some((distance, _, known)) if distance <= 1 + known.len() / 3 => format!("; did you mean {known}?"),
        _ => String::new(),
    }
}

/// Letters to change, add or leave out to get from one name to the other (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    // A name longer than any of ours is near none: its cost is its length.
    const LONGEST: usize = 64;
    if a.len() > LONGEST {
        return a.len();
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let change = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}

impl EncodeError {
    fn whole(message: impl Into<String>) -> Self {
        Self { key: None, message: message.into() }
    }

    fn at(key: &str, message: impl Into<String>) -> Self {
        Self { key: Some(key.to_owned()), message: message.into() }
    }
}

impl From<ValueError> for EncodeError {
    fn from(error: ValueError) -> Self {
        Self { key: Some(error.field), message: error.problem }
    }
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.key {
            Some(key) => write!(f, "{key} {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for EncodeError {}
