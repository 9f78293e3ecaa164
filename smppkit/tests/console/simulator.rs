//! What the simulator's pages ask of it, over HTTP.

use serde_json::{Value, json};

use crate::process::Process;
use crate::{Answer, ask};

/// `smppkit simulator` with a REST interface.
struct Simulator {
    _process: Process,
    admin: String,
}

impl Simulator {
    fn start(args: &[&str]) -> Self {
        let own = ["simulator", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"];
        let mut process = Process::start(&[&own, args].concat());
        let admin = process.line_with("REST, metrics and health on http://");
        let admin = admin.rsplit('/').next().expect("there is a last").to_owned();
        Self { _process: process, admin }
    }

    fn ask(&self, first: &str) -> Answer {
        ask(&self.admin, first, &[], "")
    }

    fn send(&self, first: &str, body: &Value) -> Answer {
        ask(&self.admin, first, &["Content-Type: application/json"], &body.to_string())
    }

    #[track_caller]
    fn tested(&self, question: &Value) -> Value {
        self.send("POST /api/v1/smscs/smsc/rules/test", question).is(200).json()
    }
}

/// The place of each rule that matches, where it is from, how much it takes, and what is told.
fn matches(tested: &Value) -> Vec<(u64, &str, &str, &str)> {
    let matches = tested["matches"].as_array().expect("a list");
    matches
        .iter()
        .map(|found| {
            let text = |name: &str| found[name].as_str().expect("a text");
            (found["place"].as_u64().expect("a number"), text("from"), text("takes"), text("told"))
        })
        .collect()
}

#[test]
fn rules_are_tested_without_being_used() {
    let simulator = Simulator::start(&["--preset", "melrose"]);
    let rules = json!([
        {"name": "half", "share": "50%", "when": {"destination_addr": "4477*"}, "then": {"status": "ESME_RTHROTTLED"}},
        {"name": "hello", "when": {"text": "/hello/i", "system_id": "app"}, "then": {"state": "REJECTED"}},
        {"name": "port", "when": {"source_port": "7"}},
        {"name": "bind", "on": "bind_*", "when": {"system_id": "other"}, "then": {"status": "ESME_RBINDFAIL"}},
        {"name": "each", "on": "submit_multi", "when": {"destination_addr": "1"}},
    ]);
    simulator.send("PUT /api/v1/smscs/smsc/rules", &rules).is(200);
    let question = json!({"destination_addr": "447700900123", "text": "Hello", "system_id": "app"});
    let tested = simulator.tested(&question);
    let nothing = (7, "file", "none", "nothing is left for it");
    assert_eq!(matches(&tested), [(0, "rest", "some", "50 %"), (1, "rest", "all", ""), nothing]);
    assert_eq!(tested["effect"], json!({"place": 0, "then": {"status": "ESME_RTHROTTLED"}}));
    let port = json!([{"name": "source_port", "value": 7}]);
    let hello =
        json!({"command": "data_sm", "destination_addr": "12345678", "text": "hello", "system_id": "app"});
    for (question, expected) in [
        (json!({"destination_addr": "333"}), vec![5, 6, 7]),
        (json!({"destination_addr": "12345678", "tlvs": port}), vec![2, 7]),
        (hello, vec![1, 7]),
        (json!({"command": "bind_receiver", "system_id": "other"}), vec![3]),
        (json!({"command": "submit_multi", "destination_addr": "1"}), vec![4, 6, 7]),
        (json!({"command": "enquire_link"}), vec![]),
    ] {
        let tested = simulator.tested(&question);
        let places: Vec<u64> = matches(&tested).iter().map(|found| found.0).collect();
        assert_eq!(places, expected, "{question}");
        assert_eq!(tested["effect"].is_null(), expected.is_empty());
    }
    let counted = simulator.ask("GET /api/v1/smscs/smsc/rules").is(200).json();
    let counted = counted.as_array().expect("a list");
    assert!(counted.iter().all(|rule| rule["held"] == 0 && rule["taken"] == 0), "{counted:?}");
}

#[test]
fn a_draft_is_tested_where_it_would_stand() {
    let simulator = Simulator::start(&[]);
    let rules = json!([{"name": "a", "times": 1}, {"name": "b"}]);
    simulator.send("PUT /api/v1/smscs/smsc/rules", &rules).is(200);
    let draft = json!({"destination_addr": "1", "rule": {"share": "5%"}});
    let (before, some) = ((0, "draft", "some", "5 %"), "1 time left");
    let tested = simulator.tested(&draft);
    assert_eq!(matches(&tested), [before, (1, "rest", "some", some), (2, "rest", "all", "")]);
    let tested = simulator.tested(&json!({"destination_addr": "1", "rule": {}, "place": 0}));
    assert_eq!(matches(&tested), [(0, "draft", "all", ""), (1, "rest", "none", "nothing is left for it")]);
    assert_eq!(simulator.ask("GET /api/v1/smscs/smsc/rules").is(200).json()[0]["rule"]["name"], "a");
    for (wrong, field) in [
        (json!({"destination_addr": "1", "place": 0}), "place"),
        (json!({"destination_addr": "1", "rule": {}, "place": 2}), "place"),
        (json!({"destination_addr": "1", "rule": {"then": {"dialect": "none"}}}), "rule"),
        (json!({"command": "submit_sm_resp"}), "command"),
        (json!({"destination_addr": "1".repeat(21)}), "destination_addr"),
        (json!({"destination_adr": "1"}), "destination_adr"),
        (json!({"bind_mode": "both"}), "bind_mode"),
    ] {
        let answer = simulator.send("POST /api/v1/smscs/smsc/rules/test", &wrong).is(422).json();
        assert_eq!(answer["field"], field, "{answer}");
    }
    simulator.send("POST /api/v1/smscs/none/rules/test", &draft).is(404);
}

/// An ESME that listens for an outbind, and its address.
fn listener(more: &[&str]) -> (Process, String) {
    let own = ["listen", "--outbind", "127.0.0.1:0", "--json", "--timeout", "20s", "--system-id", "me"];
    let mut listener = Process::start(&[&own, more].concat());
    let waiting: Value = serde_json::from_str(&listener.line_with("waiting")).expect("it is JSON");
    let address = waiting["address"].as_str().expect("an address").to_owned();
    (listener, address)
}

#[test]
fn an_outbind_is_sent_and_its_outcome_told() {
    let simulator = Simulator::start(&["--account", "me:secret", "--session-init", "500ms"]);
    let outbind = |address: &str| {
        let asked = json!({"address": address, "system_id": "smsc", "password": "hello"});
        simulator.send("POST /api/v1/smscs/smsc/outbind", &asked)
    };
    let (mut good, address) = listener(&["--password", "secret", "--mode", "rx"]);
    let session = outbind(&address).is(200).json();
    good.line_with("\"bound\"");
    let bound = [&session["system_id"], &session["bind_mode"], &session["peer"]];
    assert_eq!(bound, ["me", "receiver", address.as_str()]);
    let there = simulator.ask("GET /api/v1/sessions").is(200).json();
    assert_eq!(there[0]["id"], session["id"]);
    let asked = simulator.ask("GET /api/v1/pdus?command=outbind").is(200).json();
    let asked = &asked["items"][0]["pdu"];
    assert_eq!(asked["system_id"], "smsc", "{asked}");

    let (_wrong, address) = listener(&["--password", "wrong"]);
    let refused = outbind(&address).is(409).json();
    assert_eq!(refused["outcome"], "refused");
    assert!(refused["detail"].as_str().is_some_and(|detail| detail.contains("ESME_R")), "{refused}");
    // Nobody accepts, so nobody binds.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback is there");
    let silent_address = silent.local_addr().expect("it is bound").to_string();
    assert_eq!(outbind(&silent_address).is(409).json()["outcome"], "timed-out");
    drop(silent);
    assert_eq!(outbind(&silent_address).is(409).json()["outcome"], "not-connected");
    let elsewhere = outbind("192.0.2.1:2775").is(403).json();
    assert_eq!(elsewhere["outcome"], "no-target");
    assert!(elsewhere["detail"].as_str().is_some_and(|detail| detail.contains("--client-target")));
    for (wrong, field) in [
        (json!({"address": "127.0.0.1"}), "address"),
        (json!({"address": ":1"}), "address"),
        (json!({"address": "127.0.0.1:0"}), "address"),
        (json!({"address": "127.0.0.1:1", "password": "too long!"}), "password"),
        (json!({"address": "127.0.0.1:1", "system_id": "a name that is too long"}), "system_id"),
    ] {
        let answer = simulator.send("POST /api/v1/smscs/smsc/outbind", &wrong).is(422).json();
        assert_eq!(answer["field"], field, "{answer}");
    }
}

#[test]
fn lists_are_of_one_smsc_and_say_what_may_be_asked() {
    let simulator = Simulator::start(&["--account", "me:secret"]);
    let (_listener, address) = listener(&["--password", "secret"]);
    simulator.send("POST /api/v1/smscs/smsc/outbind", &json!({"address": address})).is(200);
    for (query, count) in
        [("?smsc=smsc", 1), ("?smsc=other", 0), ("?smsc=smsc&system_id=me", 1), ("?system_id=you", 0)]
    {
        let sessions = simulator.ask(&format!("GET /api/v1/sessions{query}")).is(200).json();
        assert_eq!(sessions.as_array().map(Vec::len), Some(count), "{query}: {sessions}");
    }
    let pdus =
        |query: &str| simulator.ask(&format!("GET /api/v1/pdus?{query}")).is(200).json()["items"].clone();
    assert_eq!(pdus("smsc=smsc&command=outbind").as_array().map(Vec::len), Some(1));
    assert_eq!(pdus("smsc=other"), json!([]));
    assert_eq!(simulator.ask("GET /api/v1/messages?smsc=smsc").is(200).json()["items"], json!([]));
    for (path, wrong, there) in [
        ("messages?smsk=smsc", "smsk", "limit, smsc, system_id"),
        ("messages?esm_class=1", "esm_class", "limit, smsc, system_id"),
        ("messages?after=1", "after", "limit, smsc, system_id"),
        ("messages/wait?limit=1", "limit", "count, timeout, smsc"),
        ("sessions?account=me", "account", "`smsc` or `system_id`"),
        (
            "pdus?destinationaddr=1",
            "destinationaddr",
            "limit, after, before, from_ms, until_ms, command, text",
        ),
        ("pdus?count=1", "count", "limit, after, before, from_ms, until_ms, command, text"),
    ] {
        let detail = simulator.ask(&format!("GET /api/v1/{path}")).is(400).json()["detail"].to_string();
        assert!(detail.contains(wrong) && detail.contains(there), "{path}: {detail}");
    }
}

#[test]
fn faults_that_are_on_are_counted() {
    let simulator = Simulator::start(&[]);
    let count = || simulator.ask("GET /api/v1/smscs").is(200).json()[0]["faults"].clone();
    assert_eq!(count(), 0);
    let rules = json!([{"name": "fault: resets"}, {"name": "mine"}, {"name": "fault: no answers"}]);
    simulator.send("PUT /api/v1/smscs/smsc/rules", &rules).is(200);
    assert_eq!(count(), 2);
    simulator.ask("POST /api/v1/reset").is(204);
    assert_eq!(count(), 0);
}

#[test]
fn a_broadcast_that_is_not_there_is_not_cancelled() {
    let simulator = Simulator::start(&[]);
    assert_eq!(simulator.ask("GET /api/v1/smscs/smsc/broadcasts").is(200).json(), json!([]));
    let answer = simulator.ask("DELETE /api/v1/smscs/smsc/broadcasts/B000000001").is(404).json();
    assert!(answer["detail"].as_str().is_some_and(|detail| detail.contains("B000000001")), "{answer}");
}

#[test]
fn each_operation_has_an_id_of_its_own() {
    let simulator = Simulator::start(&[]);
    let document = simulator.ask("GET /openapi.json").is(200).json();
    let items = document["paths"].as_object().expect("paths").values();
    let operations = items.filter_map(Value::as_object).flat_map(serde_json::Map::values);
    let ids: Vec<&str> = operations.filter_map(|operation| operation["operationId"].as_str()).collect();
    let unique: std::collections::BTreeSet<_> = ids.iter().collect();
    assert!(ids.len() > 40 && unique.len() == ids.len(), "{ids:?}");
    assert!(unique.contains(&"post_smscs_smsc_rules_test"), "{ids:?}");
}
