//! Who changed what, as the gateway remembers it.

use serde_json::{Value, json};

use super::{CANARIES, Gateway};

impl Gateway {
    fn history(&self, query: &str) -> Vec<Value> {
        let answer = self.get(&format!("/api/v1/history{query}"));
        answer["items"].as_array().expect("a list").clone()
    }

    /// Reads another file.
    fn reload(&self, from: &str, to: &str) {
        let file = std::fs::read_to_string(self.config()).expect("it is there");
        assert!(file.contains(from), "{file}");
        std::fs::write(self.config(), file.replace(from, to)).expect("it is ours");
        self.process.signal("HUP");
    }
}

/// What was done to what, the newest first.
fn acts(changes: &[Value]) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let words =
        changes.iter().map(|one| [text(&one["act"]), text(&one["kind"]), text(&one["name"])].join(" "));
    words.collect()
}

#[test]
fn each_change_is_remembered_with_before_and_after_over_a_restart_and_without_passwords() {
    let mut gateway = Gateway::start();
    gateway.put("accounts/new", &json!({"password": CANARIES[2], "window": 7}), None).json(200);
    gateway.put("accounts/new", &json!({"window": 8}), None).json(200);
    gateway.put("accounts/new", &json!({"window": 8}), None).json(200);
    gateway.put("accounts/new?check=true", &json!({"window": 9}), None).json(200);
    gateway.put("accounts/new", &json!({"window": 8, "password": CANARIES[0]}), None).json(200);
    gateway.put("routes", &json!([{"name": "uk", "to": "up"}, {"name": "fr", "to": "up"}]), None).json(200);
    gateway.put("routes", &json!([{"name": "fr", "to": "up"}, {"name": "uk", "to": "up"}]), None).json(200);
    gateway.ask("DELETE", "/api/v1/accounts/new", "").json(200);
    let says = [
        "removed account new",
        "moved route fr",
        "added route fr",
        "added route uk",
        "changed account new",
        "changed account new",
        "added account new",
    ];
    gateway.restart();
    let all = gateway.history("");
    assert_eq!(acts(&all), says);
    let numbers: Vec<_> = all.iter().map(|one| one["number"].clone()).collect();
    assert_eq!(json!(numbers), json!([7, 6, 5, 4, 3, 2, 1]));
    let (added, changed, password) = (&all[6], &all[5], &all[4]);
    assert_eq!(
        (&added["before"], &added["after"]["window"], &added["who"]),
        (&Value::Null, &7.into(), &"admin from 127.0.0.1".into())
    );
    assert_eq!((&changed["before"]["window"], &changed["after"]["window"]), (&7.into(), &8.into()));
    assert_eq!((&changed["password_changed"], &password["password_changed"]), (&false.into(), &true.into()));
    assert_eq!(password["before"], password["after"]);
    assert_eq!((&all[1]["place_before"], &all[1]["place_after"]), (&2.into(), &1.into()));
    assert!(!json!(all).to_string().contains("hmac"), "{all:?}");
    for canary in CANARIES {
        assert!(!json!(all).to_string().contains(canary), "{all:?}");
    }
}

#[test]
fn a_list_is_cut_and_goes_on_and_asks_for_one_kind_or_name() {
    let gateway = Gateway::with("store.history = 4");
    for number in 0..6 {
        gateway.put(&format!("accounts/a{number}"), &json!({"password": "x"}), None).json(200);
    }
    let page = gateway.get("/api/v1/history?limit=3");
    assert_eq!(
        acts(page["items"].as_array().unwrap()),
        ["added account a5", "added account a4", "added account a3"]
    );
    let page = gateway.get(&format!("/api/v1/history?limit=3&before={}", page["next"]));
    assert_eq!(
        (acts(page["items"].as_array().unwrap()), &page["next"]),
        (vec!["added account a2".to_owned()], &Value::Null)
    );
    assert_eq!(gateway.history("?kind=account&name=a4").len(), 1);
    assert_eq!(gateway.history("?kind=connector").len(), 0);
    gateway.ask("GET", "/api/v1/history?limit=0", "").problem(422);
    gateway.ask("GET", "/api/v1/history?kind=x", "").problem(400);
}

#[test]
fn what_a_file_that_is_read_again_changes_is_remembered_under_its_name() {
    let gateway = Gateway::start();
    gateway.reload("system_id = \"me\"", "system_id = \"me\"\nwindow = 7");
    gateway.until(|gateway| !gateway.history("").is_empty());
    gateway.reload(CANARIES[0], "other");
    gateway.until(|gateway| gateway.history("").len() == 2);
    gateway.reload("name = \"all\"", "name = \"everything\"");
    gateway.until(|gateway| gateway.history("").len() == 4);
    let all = gateway.history("");
    assert_eq!(
        acts(&all),
        ["added route everything", "removed route all", "changed account shop", "changed connector up"]
    );
    assert_eq!(all[2]["password_changed"], true);
    assert_eq!((&all[3]["before"]["window"], &all[3]["after"]["window"]), (&100.into(), &7.into()));
    for change in &all {
        assert_eq!(change["who"], format!("file {}", gateway.config()));
    }
    // A change that is wrong is none.
    gateway.reload("to = \"up\"", "to = \"nowhere\"");
    gateway.reload("to = \"nowhere\"", "to = [\"up\"]\nstrategy = \"weighted\"");
    gateway.until(|gateway| gateway.history("").len() == 5);
    assert_eq!(acts(&gateway.history("?limit=1")), ["changed route everything"]);
}
