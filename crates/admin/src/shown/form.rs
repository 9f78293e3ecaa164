//! The JSON that encodes to the same octets, as short as it can be.

use serde_json::{Map, Value as Json, json};
use smppkit_inspect::{Dissection, encode, hex};
use smppkit_wire::Header;
use smppkit_wire::field::Kind;

/// The shortest of three forms that encodes to the octets: without what is computed anyway, so that a form can change
/// it; with everything as it stands; with a body of octets.
pub(super) fn form(dissection: &Dissection) -> Json {
    let Json::Object(full) = dissection.json() else { return Json::Null };
    let said: Map<String, Json> =
        full.into_iter().filter(|(key, _)| !ABOUT.contains(&key.as_str())).collect();
    let same = |form: &Json| encode(form).is_ok_and(|octets| octets == dissection.octets);
    let computed = Json::Object(without_computed(&said, dissection));
    if same(&computed) {
        return computed;
    }
    let said = Json::Object(said);
    if same(&said) { said } else { octets(dissection) }
}

/// What stands in a PDU's JSON and is no part of it.
const ABOUT: [&str; 4] = ["error", "udh", "user_data_after_udh", "octets_after_pdu"];

fn without_computed(said: &Map<String, Json>, dissection: &Dissection) -> Map<String, Json> {
    let fields = dissection.def().map_or(&[][..], |def| def.fields);
    let is_count = |key: &str| {
        fields.iter().any(|field| matches!(field.kind, Kind::Counted { count, .. } if count == key))
    };
    let named = said.get("command").is_some_and(Json::is_string);
    let computed = |key: &str| key == "command_length" || is_count(key) || (named && key == "command_id");
    let kept = said.iter().filter(|(key, _)| !computed(key));
    let mut kept: Map<String, Json> = kept.map(|(key, value)| (key.clone(), value.clone())).collect();
    if let Some(Json::Array(tlvs)) = kept.get_mut("tlvs") {
        for tlv in tlvs.iter_mut().filter_map(Json::as_object_mut) {
            tlv.retain(|key, value| !["length", "hex"].contains(&key.as_str()) && !value.is_null());
        }
    }
    kept
}

fn octets(dissection: &Dissection) -> Json {
    let Some(header) = dissection.header else { return Json::Null };
    json!({
        "command_length": header.command_length,
        "command_id": header.command_id,
        "command_status": header.command_status.0,
        "sequence_number": header.sequence_number,
        "body": hex(dissection.octets.get(Header::OCTETS..).unwrap_or_default()),
    })
}
