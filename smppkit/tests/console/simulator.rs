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
