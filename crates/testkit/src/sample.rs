//! A PDU of every kind, right in every field.

use smppkit_wire::Body;
use smppkit_wire::observe::Value;
use smppkit_wire::pdu::PduDef;
use smppkit_wire::tlv::{Tlvs, tag};
use smppkit_wire::value::MessageState;

/// A body that stands before every check of its version: destinations and mandatory TLVs are there,
/// all else is default.
pub fn sample(def: &PduDef) -> Body {
    let one = Value::Text("1".to_owned());
    let named = |name: &str, value: &Value| (name.to_owned(), value.clone());
    let destination = Value::Record(vec![named("destination_addr", &one)]);
    let record = Value::Record(vec![
        named("destination_addr", &one),
        named("dest_address", &Value::List(vec![destination])),
        named("tlvs", &Value::List(Vec::new())),
    ]);
    let mut body = Body::from_record(def.command_id, &record).expect("the fields are right for every PDU");
    let tlvs = Tlvs::build();
    let tlvs = match def.name {
        "data_sm" => tlvs.with(tag::message_payload, b"1"),
        "broadcast_sm" => tlvs
            .with(tag::broadcast_area_identifier, b"\0a")
            .with(tag::broadcast_content_type, b"\0\0\x10")
            .with(tag::broadcast_rep_num, 1)
            .with(tag::broadcast_frequency_interval, b"\x08\0\x01"),
        "query_broadcast_sm_resp" => tlvs
            .with(tag::message_state, MessageState::DELIVERED)
            .with(tag::broadcast_area_identifier, b"\0a")
            .with(tag::broadcast_area_success, 100),
        _ => return body,
    };
    body.set_tlvs(tlvs.done());
    body
}

#[cfg(test)]
mod tests {
    use super::*;
    use smppkit_wire::Dialect;
    use smppkit_wire::pdu::TABLE;

    #[test]
    fn every_sample_stands_before_the_checks_of_its_version() {
        for def in TABLE {
            sample(def).check(def.until, &Dialect::STRICT).unwrap();
        }
    }
}
