//! Accounts, connectors and routes made over REST.

use serde_json::{Value, json};

use super::{CANARIES, Gateway, http};
use crate::process::{Done, smppkit};

#[test]
fn an_account_made_over_rest_may_bind_and_survives_a_restart() {
    let mut gateway = Gateway::start();
    let made = gateway.put("accounts/new", &json!({"password": CANARIES[2], "window": 7}), None);
    let etag = made.header("etag");
    let made = made.json(200);
    assert_eq!(
        (&made["origin"], &made["settings"]["window"], etag.as_deref()),
        (&"rest".into(), &7.into(), Some("\"1\""))
    );
    gateway.bind("new", CANARIES[2]).exits(0);
    gateway.restart();
    gateway.bind("new", CANARIES[2]).exits(0);
    assert_eq!(gateway.get("/api/v1/accounts/new")["origin"], "rest");
    gateway.ask("DELETE", "/api/v1/accounts/new", "").json(200);
    gateway.bind("new", CANARIES[2]).exits(3);
    gateway.ask("DELETE", "/api/v1/accounts/new", "").problem(404);
}

#[test]
fn what_is_in_the_file_is_changed_there() {
    let gateway = Gateway::start();
    let refused = gateway.put("accounts/shop", &json!({"password": "x"}), None).problem(409);
    let line = std::fs::read_to_string(gateway.config()).expect("it is there");
    let line = line.lines().position(|line| line.contains("\"shop\"")).expect("it is in it") + 1;
    assert_eq!(refused, format!("account \"shop\" is in {}, line {line}: change it there", gateway.config()));
    gateway.ask("DELETE", "/api/v1/accounts/shop", "").problem(409);
    gateway.put("connectors/up", &json!({"address": "127.0.0.1:1", "system_id": "x"}), None).problem(409);
    gateway.ask("DELETE", "/api/v1/connectors/up", "").problem(409);
}

#[test]
fn a_connector_that_cannot_be_is_refused_by_the_key_that_is_wrong() {
    let gateway = Gateway::start();
    let not_a_certificate = gateway.dir.join("gateway.toml");
    for (key, value, says) in [
        ("address", json!("127.0.0.1"), "address \"127.0.0.1\" has no port"),
        ("window", json!(0), "window is 0"),
        ("binds", json!(0), "has no binds"),
        ("system_id", json!("a-name-that-is-too-long"), "system_id"),
        ("tls", json!({"ca": "/none/ca.pem"}), "tls.ca: cannot read /none/ca.pem"),
        ("tls", json!({"ca": not_a_certificate}), "tls.ca: "),
        ("tls", json!({"certificate": "/none"}), "tls.certificate: cannot read /none"),
    ] {
        let mut connector = json!({"address": "127.0.0.1:1", "system_id": "me"});
        connector[key] = value;
        for path in ["connectors/a?check=true", "connectors/a"] {
            let said = gateway.put(path, &connector, None).problem(422);
            assert!(said.contains(says), "{said}");
        }
    }
    assert_eq!(gateway.get("/api/v1/connectors").as_array().map(Vec::len), Some(1));
}

#[test]
fn what_is_in_the_file_says_where_and_routes_how_often_they_were_taken() {
    let gateway = Gateway::start();
    let file = std::fs::read_to_string(gateway.config()).expect("it is there");
    let line = |of: &str| file.lines().position(|line| line.contains(of)).expect("it is in it") + 1;
    let place = |line: usize| json!({"file": gateway.config(), "line": line});
    assert_eq!(gateway.get("/api/v1/accounts/shop")["place"], place(line("\"shop\"")));
    assert_eq!(gateway.get("/api/v1/connectors/up")["place"], place(line("\"up\"")));
    gateway.put("accounts/new", &json!({"password": "x"}), None).json(200);
    assert_eq!(gateway.get("/api/v1/accounts/new")["place"], Value::Null);
    let fr = json!([{"name": "fr", "destination_addr": "33*", "refuse": "ESME_RINVDSTADR"}]);
    gateway.put("routes", &fr, None).json(200);
    gateway.send("447700900123", &[]);
    gateway.send("447700900124", &[]);
    let taken = |gateway: &Gateway| {
        let routes = gateway.get("/api/v1/routes");
        [0, 1].map(|at| (routes[at]["taken"].clone(), routes[at]["place"].clone()))
    };
    let all = place(line("[[route]]"));
    assert_eq!(taken(&gateway), [(0.into(), Value::Null), (2.into(), all.clone())]);
    // It goes on when the others change.
    gateway.put("routes?check=true", &json!([]), None).json(200);
    gateway.put("routes", &json!([{"name": "uk", "destination_addr": "44*", "to": "up"}]), None).json(200);
    gateway.send("447700900125", &[]);
    assert_eq!(taken(&gateway), [(1.into(), Value::Null), (2.into(), all)]);
}

#[test]
fn a_connector_that_is_not_bound_says_why_and_when_it_tries_again() {
    let gateway = Gateway::start();
    assert_eq!(gateway.connector()["last_error"], Value::Null);
    let said = |gateway: &Gateway| {
        let all = gateway.get("/api/v1/connectors");
        let found = all.as_array().expect("a list").iter().find(|one| one["name"] == "a");
        found.map(|one| one["last_error"]["error"].as_str().unwrap_or_default().to_owned())
    };
    let put = |address: &str| {
        let connector = json!({"address": address, "system_id": "stranger", "reconnect": "10s"});
        gateway.put("connectors/a", &connector, None).json(200);
    };
    put("127.0.0.1:1");
    gateway.until(|gateway| {
        said(gateway).is_some_and(|said| said.contains("not connected: Connection refused"))
    });
    gateway.until(|gateway| gateway.connector()["last_error"]["next_try"].is_string());
    // Where strangers may not bind: itself.
    put(&gateway.smpp);
    gateway.until(|gateway| said(gateway).is_some_and(|said| said == "bind refused: ESME_RBINDFAIL"));
    gateway.until(|gateway| gateway.connector()["last_error"]["next_try"].is_string());
    let url = gateway.simulator.url();
    put(url.rsplit_once('@').expect("it has a host").1);
    gateway.until(|gateway| gateway.connector()["state"] == "up");
    assert_eq!(said(&gateway).as_deref(), Some(""));
}

#[test]
fn a_change_meant_for_another_revision_is_refused() {
    let gateway = Gateway::start();
    let account = json!({"password": "x"});
    gateway.put("accounts/a", &account, Some("\"0\"")).json(200);
    let stale = gateway.put("accounts/b", &account, Some("\"0\"")).json(412);
    assert_eq!(stale["revision"], 1);
    gateway.put("accounts/b", &account, Some("\"1\"")).json(200);
    gateway.put("accounts/b", &account, Some("*")).json(200);
    gateway.put("accounts/b", &account, Some("x")).problem(412);
    assert_eq!(gateway.ask("GET", "/api/v1/accounts", "").header("etag").as_deref(), Some("\"3\""));
}

#[test]
fn a_password_that_is_not_given_stays() {
    let gateway = Gateway::start();
    gateway.put("accounts/new", &json!({"password": CANARIES[2]}), None).json(200);
    gateway.put("accounts/new", &json!({"throughput": 5}), None).json(200);
    gateway.bind("new", CANARIES[2]).exits(0);
    let missing = gateway.put("accounts/other", &json!({}), None).problem(422);
    assert!(missing.contains("password"), "{missing}");
}

#[test]
fn a_connector_is_made_used_and_taken_away_while_others_stay_bound() {
    let gateway = Gateway::start();
    let before = gateway.get("/api/v1/sessions?connector=up")[0]["id"].clone();
    let url = gateway.simulator.url();
    let (_, upstream) = url.rsplit_once('@').expect("it has a host");
    let connector = json!({"address": upstream, "system_id": "second", "password": CANARIES[2]});
    gateway.put("connectors/second", &connector, None).json(200);
    let route = json!([{"name": "uk", "destination_addr": "44*", "to": "second"}]);
    gateway.put("routes", &route, None).json(200);
    let id = gateway.send("447700900122", &[]);
    assert_eq!(gateway.message(&id, "delivered")["connector"], "second");
    let needed = gateway.ask("DELETE", "/api/v1/connectors/second", "").problem(409);
    assert_eq!(needed, "route \"uk\" leads to \"second\", which is no connector");
    gateway.ask("DELETE", "/api/v1/routes", "").json(200);
    gateway.ask("DELETE", "/api/v1/connectors/second", "").json(200);
    gateway.until(|gateway| gateway.get("/api/v1/sessions?connector=second") == json!([]));
    assert_eq!(gateway.get("/api/v1/sessions?connector=up")[0]["id"], before);
}

#[test]
fn a_connector_outside_its_hours_says_until_when() {
    let mut gateway = Gateway::start();
    let url = gateway.simulator.url();
    let (_, upstream) = url.rsplit_once('@').expect("it has a host");
    let put = |gateway: &Gateway, hours: &str, weekdays: &str| {
        let hours = json!({"address": upstream, "system_id": "second", "hours": hours, "weekdays": weekdays});
        gateway.put("connectors/second", &hours, None)
    };
    let state = |gateway: &Gateway| gateway.get("/api/v1/connectors")[0].clone();
    // The day after tomorrow; 1970 began with a Thursday.
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("it is later");
    let today = since.as_secs() / 86_400 + 3;
    let day = |after: u64| ["mon", "tue", "wed", "thu", "fri", "sat", "sun"][((today + after) % 7) as usize];
    put(&gateway, "00:00-24:00", day(2)).json(200);
    gateway.until(|gateway| state(gateway)["state"] == "closed");
    let closed = state(&gateway);
    assert_eq!(
        (&closed["name"], &closed["binds"], &closed["closes"]),
        (&"second".into(), &1.into(), &json!(null))
    );
    let opens = closed["opens"].as_str().expect("it opens").to_owned();
    assert!(opens.ends_with("T00:00:00.000Z"), "{opens}");
    let status = gateway.get("/api/v1/status");
    assert_eq!(status["closed"], json!([{"connector": "second", "opens": opens}]));
    let said = format!("connector second is outside its hours until {opens}");
    assert!(gateway.ctl(&["status"]).exits(0).stdout.contains(&said));
    assert!(gateway.ctl(&["connectors"]).exits(0).stdout.contains(&format!("closed  {opens}")));
    assert_eq!(gateway.metric("smppkit_gateway_connector_open{connector=\"second\"}"), "0");
    assert_eq!(gateway.metric("smppkit_gateway_connector_open{connector=\"up\"}"), "1");
    // It is kept so.
    gateway.restart_with(|gateway| state(gateway)["state"] == "closed");
    let wrong = put(&gateway, "8-20", "mon").problem(422);
    assert!(wrong.contains("no span of hours"), "{wrong}");
    let never = put(&gateway, &format!("{} 08:00-20:00", day(2)), day(3)).problem(422);
    assert!(never.contains("hold at no time"), "{never}");
    put(&gateway, "00:00-24:00", &format!("{}-{}", day(0), day(1))).json(200);
    let open = state(&gateway);
    assert_eq!((&open["state"], &open["opens"]), (&"up".into(), &json!(null)), "nobody was unbound for it");
    assert_eq!(open["closes"].as_str(), Some(&*opens));
}

#[test]
fn a_connector_that_messages_wait_for_stays() {
    let gateway = Gateway::start();
    let nowhere = json!({"address": "127.0.0.1:1", "system_id": "me", "enabled": false});
    gateway.put("connectors/nowhere", &nowhere, None).json(200);
    gateway.put("routes", &json!([{"name": "it", "to": "nowhere"}]), None).json(200);
    let id = gateway.send("447700900122", &[]);
    gateway.ask("DELETE", "/api/v1/routes", "").json(200);
    let waits = gateway.ask("DELETE", "/api/v1/connectors/nowhere", "").problem(409);
    assert_eq!(waits, "1 messages wait for \"nowhere\", and would wait for ever");
    gateway.ask("POST", &format!("/api/v1/messages/{id}/cancel"), "").json(200);
    gateway.ask("DELETE", "/api/v1/connectors/nowhere", "").json(200);
}

#[test]
fn routes_made_over_rest_are_asked_before_those_of_the_file() {
    let mut gateway = Gateway::start();
    let routes = json!([{"name": "none", "destination_addr": "99*", "refuse": "ESME_RINVDSTADR"}]);
    let all = gateway.put("routes", &routes, None).json(200);
    let names: Vec<_> = [0, 1].map(|at| (all[at]["origin"].clone(), all[at]["route"]["name"].clone())).into();
    assert_eq!(names, [("rest".into(), "none".into()), ("file".into(), Value::from("all"))]);
    gateway.restart();
    assert_eq!(gateway.get("/api/v1/routes"), all);
    for wrong in
        [json!([{"to": "nowhere"}]), json!([{"colour": "red"}]), json!([{"name": "all", "to": "up"}])]
    {
        gateway.put("routes", &wrong, None).problem(422);
    }
    assert_eq!(gateway.get("/api/v1/routes"), all, "what cannot be changes nothing");
    gateway.put("mo_routes", &json!([{"name": "mo", "to": "shop"}]), None).json(200);
    gateway.put("mo_routes", &json!([{"name": "mo", "to": "nobody"}]), None).problem(422);
}

#[test]
fn a_file_that_is_read_again_leaves_what_was_made_over_rest() {
    let gateway = Gateway::start();
    gateway.put("accounts/new", &json!({"password": "x"}), None).json(200);
    let config = std::fs::read_to_string(gateway.config()).expect("it is there");
    let more = "\n[[account]]\nsystem_id = \"third\"\npassword = \"x\"\n";
    std::fs::write(gateway.config(), config + more).expect("the file is ours");
    gateway.until(|gateway| gateway.get("/api/v1/accounts").as_array().is_some_and(|all| all.len() == 3));
    assert_eq!(gateway.get("/api/v1/accounts/new")["origin"], "rest");
    assert_eq!(gateway.get("/api/v1/accounts/third")["origin"], "file");
}

#[test]
fn nothing_made_over_rest_shows_its_password() {
    let gateway = Gateway::start();
    let made = gateway.put("accounts/new", &json!({"password": CANARIES[2]}), None);
    let connector = json!({"address": "127.0.0.1:1", "system_id": "me", "password": CANARIES[2]});
    let second = gateway.put("connectors/second", &connector, None);
    let wrong = gateway.put("accounts/x", &json!({"password": CANARIES[2], "window": "no"}), None);
    let paths = ["accounts", "accounts/new", "connectors", "connectors/second", "routes"];
    let shown = paths.map(|path| gateway.ask("GET", &format!("/api/v1/{path}"), ""));
    for answer in [made, second, wrong].iter().chain(&shown) {
        assert!(
            !answer.body.contains(CANARIES[2]) && !answer.body.contains("hmac-sha256"),
            "{}",
            answer.body
        );
    }
    let kept = gateway.dir.join("data/entities.json");
    let kept: Value =
        serde_json::from_str(&std::fs::read_to_string(kept).expect("it is there")).expect("JSON");
    assert!(kept["account"]["new"]["password"].as_str().is_some_and(|hash| hash.starts_with("hmac-sha256:")));
}

impl Gateway {
    pub(super) fn put(&self, path: &str, body: &Value, revision: Option<&str>) -> http::Answer {
        let headers: Vec<_> = revision.map(|revision| ("If-Match", revision)).into_iter().collect();
        http::ask(&self.admin, "PUT", &format!("/api/v1/{path}"), &headers, &body.to_string())
    }

    fn bind(&self, system_id: &str, password: &str) -> Done {
        let url = format!("smpp://{system_id}:{password}@{}", self.smpp);
        smppkit(&["send", "--url", &url, "--mode", "tx", "--wait", "0", "--to", "447700900122", "Hi"])
    }
}
