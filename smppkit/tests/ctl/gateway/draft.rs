//! What would come of a change that nobody has made.

use serde_json::{Value, json};

use super::http::Answer;
use super::{CANARIES, Gateway};

impl Gateway {
    /// Where a message of the shop's would go.
    fn explain(&self, draft: &Value) -> Answer {
        let question = json!({"account": "shop", "destination_addr": "447700900123", "draft": draft});
        self.ask("POST", "/api/v1/explain", &question.to_string())
    }
}

/// How both answers decide, and where it goes.
fn ways(explained: &Value) -> [(Value, Value); 2] {
    let way = |one: &Value| (one["explanation"]["decision"]["name"].clone(), one["to"].clone());
    [way(&explained["before"]), way(explained)]
}

#[test]
fn a_draft_of_routes_says_what_it_would_change_and_changes_nothing() {
    let gateway = Gateway::start();
    let uk = json!([{"name": "uk", "destination_addr": "44*", "refuse": "ESME_RINVDSTADR"}]);
    let explained = gateway.explain(&json!({"routes": uk})).json(200);
    assert_eq!(ways(&explained), [("all".into(), "up".into()), ("uk".into(), Value::Null)]);
    let elsewhere = json!([{"name": "fr", "destination_addr": "33*", "refuse": "ESME_RINVDSTADR"}]);
    let explained = gateway.explain(&json!({"routes": elsewhere})).json(200);
    assert_eq!(ways(&explained), [("all".into(), "up".into()), ("all".into(), "up".into())]);
    assert_eq!(gateway.get("/api/v1/routes").as_array().map(Vec::len), Some(1));
    let without = gateway.explain(&Value::Null).json(200);
    assert_eq!((&without["to"], &without["before"]), (&"up".into(), &Value::Null));
}

#[test]
fn a_draft_may_bring_the_account_and_the_connector_that_it_needs() {
    let gateway = Gateway::start();
    let question = json!({
        "account": "new", "destination_addr": "447700900123",
        "draft": {
            "accounts": {"new": {"password": CANARIES[2]}},
            "connectors": {"second": {"address": "127.0.0.1:1", "system_id": "me"}},
            "routes": [{"name": "uk", "destination_addr": "44*", "to": ["second", "up"]}],
        }
    });
    let explained = gateway.ask("POST", "/api/v1/explain", &question.to_string()).json(200);
    assert_eq!((&explained["to"], &explained["before"]), (&"second".into(), &Value::Null));
    assert!(!explained.to_string().contains(CANARIES[2]), "{explained}");
    gateway.ask("GET", "/api/v1/accounts/new", "").problem(404);
}

#[test]
fn a_connector_that_a_draft_switches_off_is_passed_over() {
    let gateway = Gateway::start();
    let url = gateway.simulator.url();
    let (_, upstream) = url.rsplit_once('@').expect("it has a host");
    let second = |enabled: bool| json!({"address": upstream, "system_id": "second", "enabled": enabled});
    gateway.put("connectors/second", &second(true), None).json(200);
    gateway.put("routes", &json!([{"name": "both", "to": ["second", "up"]}]), None).json(200);
    gateway.until(|gateway| gateway.get("/api/v1/connectors")[0]["state"] == "up");
    let explained = gateway.explain(&json!({"connectors": {"second": second(false)}})).json(200);
    assert_eq!(ways(&explained), [("both".into(), "second".into()), ("both".into(), "up".into())]);
}

#[test]
fn a_wrong_draft_is_refused_as_the_change_would_be() {
    let gateway = Gateway::start();
    let nowhere = json!([{"name": "uk", "to": "nowhere"}]);
    let said = gateway.put("routes", &nowhere, None).problem(422);
    assert_eq!(gateway.explain(&json!({"routes": nowhere})).problem(422), said);
    let in_file = json!({"password": "x"});
    let said = gateway.put("accounts/shop", &in_file, None).problem(409);
    assert_eq!(gateway.explain(&json!({"accounts": {"shop": in_file}})).problem(409), said);
    assert_eq!(
        gateway.explain(&json!({"connectors": {"none": null}})).problem(404),
        "there is no connector \"none\""
    );
    let wrong = gateway.explain(&json!({"routes": [{"to": "up", "tto": 1}]})).json(422);
    assert_eq!(wrong["field"], "draft.routes[0].tto", "{wrong}");
}

#[test]
fn a_change_that_is_only_checked_answers_as_if_and_changes_nothing() {
    let gateway = Gateway::start();
    let made = gateway.put("accounts/new?check=true", &json!({"password": "x", "window": 7}), Some("\"0\""));
    assert_eq!(made.header("etag").as_deref(), Some("\"0\""));
    assert_eq!(made.json(200)["settings"]["window"], 7);
    gateway.ask("GET", "/api/v1/accounts/new", "").problem(404);
    let connector = json!({"address": "127.0.0.1:1", "system_id": "me"});
    gateway.put("connectors/second?check=true", &connector, None).json(200);
    let route = json!([{"name": "uk", "destination_addr": "44*", "to": "up"}]);
    for path in ["routes?check=true", "mo_routes?check=true"] {
        let route =
            if path.starts_with("mo") { json!([{"name": "mo", "to": "shop"}]) } else { route.clone() };
        let routes = gateway.put(path, &route, None).json(200);
        assert_eq!((&routes[0]["origin"], &routes[0]["route"]["name"]), (&"rest".into(), &route[0]["name"]));
    }
    gateway.put("routes?check=true", &json!([{"to": "nowhere"}]), None).problem(422);
    gateway.put("accounts/shop?check=true", &json!({"password": "x"}), None).problem(409);
    gateway.put("accounts/new?check=true", &json!({"password": "x"}), Some("\"9\"")).problem(412);
    gateway.put("routes?chek=true", &route, None).problem(400);
    assert_eq!(gateway.ask("GET", "/api/v1/connectors", "").header("etag").as_deref(), Some("\"0\""));
    assert_eq!(gateway.get("/api/v1/connectors").as_array().map(Vec::len), Some(1));
    assert_eq!(gateway.get("/api/v1/mo_routes"), json!([]));
}
