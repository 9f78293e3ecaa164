//! The codec over HTTP: the vectors of `testdata/pdu` taken apart and put together again, texts sized.

#![allow(clippy::unwrap_used, reason = "a test says what failed")]

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use http_body_util::BodyExt;
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use serde_json::{Value as Json, json};
use smppkit_admin::{Class, Shown, codec};
use smppkit_inspect::{Dialect, Dissector, encode, octets_of_hex};

async fn ask(path: &str, body: Option<Json>) -> (u16, Json) {
    let router: Router = codec::routes().split_for_parts().0;
    let method = if body.is_some() { "POST" } else { "GET" };
    let request = Request::builder().method(method).uri(format!("/api/v1/codec/{path}"));
    let request = request.header("content-type", "application/json");
    let body = body.map_or(Body::empty(), |body| Body::from(body.to_string()));
    let response = TowerToHyperService::new(router).call(request.body(body).unwrap()).await.unwrap();
    let status = response.status().as_u16();
    (status, serde_json::from_slice(&response.collect().await.unwrap().to_bytes()).unwrap())
}

fn vectors() -> Vec<Json> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/pdu/vectors.jsonl");
    std::fs::read_to_string(file).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn shown(vector: &Json) -> Shown {
    let octets = octets_of_hex(vector["hex"].as_str().unwrap()).unwrap();
    let version = vector["version"].as_str().unwrap().parse().unwrap();
    Shown::of(&Dissector { version, ..Dissector::default() }, &octets.into())
}

#[test]
fn nodes_of_valid_vectors_cover_every_octet_once() {
    for vector in vectors().iter().filter(|vector| vector["valid"] == true) {
        let shown = shown(vector);
        let name = &vector["name"];
        let mut at = 0;
        for node in &shown.nodes {
            assert_eq!(node.start, at, "{name}: {}", node.name);
            assert!(node.help.is_some() || node.children.len() > 2, "{name}: {} has no help", node.name);
            let inside = |child: &smppkit_admin::Node| node.start <= child.start && child.end <= node.end;
            assert!(node.children.iter().all(inside), "{name}: {}", node.name);
            at = node.end;
        }
        let raw = shown.pdu["body"].is_string();
        assert!(raw || at == shown.hex.len() / 2, "{name}: {at} octets");
        assert!(shown.defect.is_none(), "{name}: {:?}", shown.defect);
    }
}

#[test]
fn every_vector_encodes_to_the_same_octets_from_what_is_shown_of_it() {
    for vector in vectors() {
        let shown = shown(&vector);
        if shown.pdu.is_null() {
            continue;
        }
        let octets = encode(&shown.pdu).unwrap_or_else(|error| panic!("{}: {error}", vector["name"]));
        assert_eq!(smppkit_inspect::hex(&octets), shown.hex, "{}", vector["name"]);
    }
}

#[test]
fn every_request_has_an_answer_that_is_right_by_the_letter() {
    let mut answered = 0;
    for vector in vectors() {
        let shown = shown(&vector);
        let response = shown.command_id.is_some_and(|id| id >> 31 == 1);
        assert!(!response || shown.answer.is_none() || shown.defect.is_some(), "{}", vector["name"]);
        let Some(answer) = shown.answer else { continue };
        let version = vector["version"].as_str().unwrap().parse().unwrap();
        let octets = octets_of_hex(&answer.hex).unwrap();
        let read = Dissector { version, ..Dissector::default() }.dissect(&octets.into());
        assert!(read.defect.is_none(), "{}: {answer:?}", vector["name"]);
        let defect = shown.defect.and_then(|defect| defect.status).unwrap_or_else(|| "ESME_ROK".to_owned());
        assert_eq!(read.header.unwrap().command_status.to_string(), defect, "{}", vector["name"]);
        assert_eq!(read.header.unwrap().sequence_number, shown.sequence_number.unwrap_or(0));
        answered += 1;
    }
    assert!(answered > 150, "{answered}");
}

#[test]
fn octets_are_classed_by_what_they_are_about() {
    let submit = encode(&json!({
        "command": "submit_sm", "source_addr": "1", "destination_addr": "2", "esm_class": 64,
        "validity_period": "000001000000000R", "short_message": "05000301020148656c6c6f",
        "tlvs": [{"name": "message_payload", "value": "4869"}, {"name": "source_port", "value": 1}],
    }))
    .unwrap();
    let shown = Shown::of(&Dissector::default(), &submit.into());
    let class = |name: &str| shown.nodes.iter().find(|node| node.name == name).unwrap().class;
    assert_eq!(class("command_length"), Class::Head);
    assert_eq!(class("source_addr_ton"), Class::Addr);
    assert_eq!(class("source_addr"), Class::Addr);
    assert_eq!(class("destination_addr"), Class::Addr);
    assert_eq!(class("service_type"), Class::Ctl);
    assert_eq!(class("sm_length"), Class::Ctl);
    assert_eq!(class("validity_period"), Class::Time);
    assert_eq!(class("short_message"), Class::Text);
    assert_eq!(class("source_port"), Class::Tlv);
    let payload = shown.nodes.iter().find(|node| node.name == "message_payload").unwrap();
    let classes: Vec<_> = payload.children.iter().map(|part| part.class).collect();
    assert_eq!(classes, [Class::Tlv, Class::Tlv, Class::Text]);

    let multi = encode(&json!({
        "command": "submit_multi", "dest_address": [{"destination_addr": "1"}, {"dl_name": "all"}],
    }));
    let shown = Shown::of(&Dissector::default(), &multi.unwrap().into());
    let list = shown.nodes.iter().find(|node| node.name == "dest_address").unwrap();
    assert_eq!((list.kind, list.class, list.children.len()), ("list", Class::Addr, 2));
}

#[test]
fn findings_go_beyond_the_first_defect() {
    let octets = encode(&json!({
        "command": "submit_sm", "command_status": 8, "destination_addr": "2", "priority_flag": 9,
        "replace_if_present_flag": 7, "short_message": "00",
        "tlvs": [{"name": "receipted_message_id", "value": "1"}, {"name": "source_port", "value": 1},
            {"name": "source_port", "value": 1}, {"tag": "0x1400", "hex": "00"}],
    }));
    let octets = octets.unwrap().into();
    let shown = Shown::of(&Dissector::default(), &octets);
    let fields: Vec<_> = shown.findings.iter().map(|found| found.field.as_deref().unwrap()).collect();
    assert!(shown.defect.is_none());
    let wanted = [
        "command_status",
        "priority_flag",
        "replace_if_present_flag",
        "receipted_message_id",
        "source_port",
        "0x1400",
    ];
    assert_eq!(fields, wanted, "{:?}", shown.findings);
    assert_eq!(shown.findings[1].clause.as_deref(), Some("SMPP 5.0, 4.2.1.1"));
    // What a server forgives is told all the same.
    let bare = encode(&json!({"command": "submit_sm_resp", "body": "absent"})).unwrap().into();
    let lax = Shown::of(&Dissector { dialect: Dialect::RECEIVE, ..Dissector::default() }, &bare);
    assert!(lax.defect.is_none());
    assert_eq!(lax.findings[0].message, "forgiven: the PDU ends before message_id");
}

#[tokio::test]
async fn pastes_of_several_pdus_are_taken_apart_in_any_form() {
    let link = "00000010000000150000000000000007";
    for input in [
        format!("{link}{link}"),
        format!("{link}\n{link}\n"),
        r#"{"command":"enquire_link","sequence_number":7} {"command":"enquire_link","sequence_number":7}"#
            .to_owned(),
        r#"[{"command":"enquire_link","sequence_number":7},{"command":"enquire_link","sequence_number":7}]"#
            .to_owned(),
    ] {
        let (status, decoded) = ask("decode", Some(json!({"input": input}))).await;
        assert_eq!((status, &decoded["error"]), (200, &Json::Null));
        assert_eq!(decoded["pdus"].as_array().unwrap().len(), 2, "{input}");
        assert_eq!(decoded["pdus"][1]["hex"], link);
        assert_eq!(decoded["pdus"][1]["answer"]["summary"], "enquire_link_resp seq=7 ESME_ROK");
    }
    let (_, decoded) = ask("decode", Some(json!({"input": link.repeat(1_001)}))).await;
    assert_eq!(decoded["pdus"].as_array().unwrap().len(), 1_000);
    assert_eq!(decoded["error"]["message"], "only the first 1000 PDUs are shown");
}

#[tokio::test]
async fn what_is_no_pdu_is_said_with_its_place() {
    let (status, decoded) = ask("decode", Some(json!({"input": "  0000g"}))).await;
    assert_eq!((status, decoded["error"]["offset"].as_u64()), (200, Some(6)));
    let (_, decoded) =
        ask("decode", Some(json!({"input": "{\"command\":\"unbind\"}\n{\"command\":\"x\"}"}))).await;
    assert_eq!(decoded["pdus"][0]["command"], "unbind");
    assert_eq!(decoded["error"]["message"], "command \"x\" names no PDU");
    let (status, problem) = ask("decode", Some(json!({"input": "00", "version": "6.0"}))).await;
    assert_eq!((status, problem["field"].as_str()), (422, Some("version")));
    // Cut off inside: what is there is shown.
    let (_, decoded) = ask("decode", Some(json!({"input": "0000001000000015"}))).await;
    assert_eq!(decoded["pdus"][0]["defect"]["duty"], "need_more");
    assert_eq!(decoded["pdus"][0]["pdu"], Json::Null);
}

#[tokio::test]
async fn an_encoded_pdu_is_shown_and_a_wrong_key_is_named() {
    let pdu = json!({"command": "submit_sm", "destination_addr": "1", "short_message": "4869"});
    let (status, shown) = ask("encode", Some(json!({"pdu": pdu}))).await;
    assert_eq!((status, shown["text"]["text"].as_str()), (200, Some("Hi")));
    assert_eq!(shown["summary"], "submit_sm seq=1 \"\" -> 1 \"Hi\" 2 octets");
    let (status, problem) =
        ask("encode", Some(json!({"pdu": {"command": "submit_sm", "souce_addr": "1"}}))).await;
    assert_eq!((status, problem["field"].as_str()), (422, Some("souce_addr")));
}

#[tokio::test]
async fn the_table_has_what_a_form_needs() {
    let (_, table) = ask("table", None).await;
    let pdus = table["pdus"].as_array().unwrap();
    let pdu = |name: &str| pdus.iter().find(|pdu| pdu["name"] == name).unwrap();
    let submit = pdu("submit_sm");
    assert_eq!(submit["answered_by"], "submit_sm_resp");
    assert_eq!(submit["senders"], json!([{"role": "esme", "states": ["BOUND_TX", "BOUND_TRX"]}]));
    let field = |name: &str| {
        let fields = submit["fields"].as_array().unwrap();
        fields.iter().find(|field| field["name"] == name).unwrap().clone()
    };
    assert_eq!(field("source_addr_ton")["values"][5], json!({"value": 5, "name": "alphanumeric"}));
    assert_eq!((&field("source_addr")["max"], &field("source_addr")["kind"]), (&json!(21), &json!("cstr")));
    assert_eq!(field("priority_flag")["limits"][1], json!({"version": "3.4", "max": 3}));
    assert_eq!(field("short_message")["count"], "sm_length");
    assert_eq!(field("esm_class")["max"], 255);
    let list = &pdu("submit_multi")["fields"][4];
    let entry: Vec<_> = list["entry"].as_array().unwrap().iter().map(|field| &field["name"]).collect();
    assert_eq!(entry, ["dest_flag", "dest_addr_ton", "dest_addr_npi", "destination_addr", "dl_name"]);
    assert_eq!(pdu("data_sm")["tlvs"]["required"], json!(["message_payload"]));
    let state = table["tlvs"].as_array().unwrap().iter().find(|tlv| tlv["name"] == "message_state").unwrap();
    assert_eq!(state["values"][2], json!({"value": 2, "name": "DELIVERED"}));
    assert_eq!(table["statuses"][0]["name"], "ESME_ROK");
    // An empty PDU of each kind, as a form begins, can be put together.
    for pdu in pdus {
        let default = |field: &Json| (field["name"].as_str().unwrap().to_owned(), field["default"].clone());
        let mut form: serde_json::Map<_, _> = pdu["fields"].as_array().unwrap().iter().map(default).collect();
        form.insert("command".to_owned(), pdu["name"].clone());
        assert_eq!(ask("encode", Some(json!({"pdu": form}))).await.0, 200, "{pdu}");
    }
}

#[tokio::test]
async fn texts_are_sized_with_what_makes_them_dear() {
    let text = async |text: &str, encoding: &str| {
        ask("text", Some(json!({"text": text, "encoding": encoding}))).await
    };
    let (_, euro) = text("5 €", "auto").await;
    assert_eq!((&euro["encoding"], &euro["units"], &euro["limit"]), (&json!("gsm7"), &json!(4), &json!(160)));
    assert_eq!(euro["dear"], json!([{"character": "€", "units": 2, "hex": "1b65"}]));
    assert_eq!(
        euro["parts"],
        json!([{"units": 4, "octets": 4, "hex": "35201b65", "udh_octets": 0, "text": "5 €"}])
    );

    let (_, emoji) = text("hi 😀😀", "auto").await;
    assert_eq!(
        (&emoji["encoding"], &emoji["data_coding"], &emoji["units"]),
        (&json!("ucs2"), &json!(8), &json!(7))
    );
    assert_eq!(emoji["forced_ucs2_by"], json!(["😀"]));
    assert_eq!(emoji["dear"], json!([{"character": "😀", "units": 2, "hex": "d83dde00"}]));

    let (_, long) = text(&"a".repeat(161), "auto").await;
    let sizes: Vec<_> = long["parts"].as_array().unwrap().iter().map(|part| part["units"].as_u64()).collect();
    assert_eq!((sizes, &long["limit"]), (vec![Some(153), Some(8)], &json!(153)));
    assert_eq!((&long["parts"][0]["udh_octets"], &long["parts"][0]["octets"]), (&json!(6), &json!(159)));

    let (status, problem) = text("😀", "gsm7").await;
    assert_eq!((status, problem["field"].as_str()), (422, Some("text")));
    assert_eq!(text(&"a".repeat(200_000), "auto").await.0, 422);
    assert_eq!(text("", "auto").await.1["parts"].as_array().unwrap().len(), 1);
    assert_eq!(text("é", "latin1").await.1["parts"][0]["hex"], "e9");
}
