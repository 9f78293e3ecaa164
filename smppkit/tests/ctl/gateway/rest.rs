//! One fact each of the REST interface.

use serde_json::json;

use super::{CANARIES, Gateway};

#[test]
fn the_status_adds_up_what_was_taken() {
    let gateway = Gateway::start();
    let id = gateway.send("447700900122", &[]);
    gateway.message(&id, "delivered");
    let status = gateway.get("/api/v1/status");
    let messages = &status["messages"];
    assert_eq!((&messages["accepted"], &messages["delivered"]), (&json!(1), &json!(1)), "{status}");
    assert_eq!((&messages["is_conserved"], &status["takes_messages"]), (&json!(true), &json!(true)));
    assert_eq!(status["sessions"], json!({"accounts": 0, "connectors": 1}));
}

#[test]
fn sessions_are_listed_by_whose_they_are_and_ended() {
    let gateway = Gateway::start();
    let sessions = gateway.get("/api/v1/sessions?connector=up");
    assert_eq!((&sessions[0]["connector"], &sessions[0]["account"]), (&"up".into(), &json!(null)));
    assert_eq!(gateway.get("/api/v1/sessions?account=shop"), json!([]));
    assert_eq!(gateway.get("/api/v1/sessions?connector=other"), json!([]));
    let id = sessions[0]["id"].clone();
    gateway.ask("DELETE", &format!("/api/v1/sessions/{id}?how=kick"), "").json(200);
    gateway.until(|gateway| {
        gateway.get("/api/v1/sessions").as_array().is_some_and(|all| all.iter().all(|one| one["id"] != id))
    });
    assert_eq!(gateway.ask("DELETE", "/api/v1/sessions/99", "").problem(404), "there is no session 99");
    gateway.ask("DELETE", &format!("/api/v1/sessions/{id}?how=hang"), "").problem(400);
}

#[test]
fn a_drained_connector_keeps_what_waits_for_it_until_it_is_resumed() {
    let gateway = Gateway::start();
    let drained = gateway.ask("POST", "/api/v1/connectors/up/drain", "").json(200);
    assert_eq!(drained["state"], "drained");
    gateway.until(|gateway| gateway.connector()["binds"] == 0);
    let id = gateway.send("447700900122", &[]);
    gateway.until(|gateway| gateway.connector()["waiting"] == 1);
    assert_eq!(gateway.get(&format!("/api/v1/messages/{id}"))["state"], "queued");
    gateway.ask("POST", "/api/v1/connectors/up/resume", "").json(200);
    gateway.message(&id, "delivered");
    assert_eq!(gateway.connector()["state"], "up");
    gateway.ask("POST", "/api/v1/connectors/none/drain", "").problem(404);
}

#[test]
fn a_message_that_waits_can_be_cancelled_once() {
    let gateway = Gateway::start();
    gateway.ask("POST", "/api/v1/connectors/up/drain", "").json(200);
    let id = gateway.send("447700900122", &[]);
    let path = format!("/api/v1/messages/{id}/cancel");
    assert_eq!(gateway.ask("POST", &path, "").json(200)["state"], "cancelled");
    assert_eq!(gateway.ask("POST", &path, "").problem(409), "it is cancelled already");
    gateway.ask("POST", "/api/v1/messages/1/cancel", "").problem(404);
    gateway.ask("POST", "/api/v1/messages/x/cancel", "").problem(404);
}

#[test]
fn a_dead_letter_is_found_and_replayed() {
    let gateway = Gateway::start();
    let id = gateway.send("447700900121", &[]);
    let dead = gateway.message(&id, "failed");
    assert!(dead["reason"].as_str().is_some_and(|reason| reason.contains("ESME_RINVDSTADR")), "{dead}");
    assert_eq!(gateway.get("/api/v1/dead-letters")["items"][0]["message_id"], id.as_str());
    assert_eq!(gateway.get("/api/v1/dead-letters?account=other")["items"], json!([]));
    gateway.simulator.ctl(&["rules"]).exits(0);
    gateway.ask("POST", "/api/v1/connectors/up/drain", "").json(200);
    let replayed = gateway.ask("POST", &format!("/api/v1/messages/{id}/replay"), "").json(200);
    assert_eq!(replayed["state"], "queued");
    let again = gateway.ask("POST", &format!("/api/v1/messages/{id}/replay"), "").problem(409);
    assert_eq!(again, "it is no dead letter");
    let status = gateway.get("/api/v1/status");
    assert_eq!(
        (&status["messages"]["failed"], &status["messages"]["is_conserved"]),
        (&json!(0), &json!(true))
    );
}

#[test]
fn messages_are_found_page_by_page() {
    let gateway = Gateway::start();
    let ids: Vec<String> = (0..5).map(|_| gateway.send("447700900122", &[])).collect();
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = gateway.get(&format!("/api/v1/messages?limit=2&destination_addr=447700900122{cursor}"));
        let items = page["items"].as_array().expect("a page has items");
        found.extend(items.iter().map(|item| item["message_id"].as_str().expect("an id").to_owned()));
        match page["next"].as_str() {
            Some(next) => cursor = format!("&before={next}"),
            None => break,
        }
    }
    found.reverse();
    assert_eq!(found, ids);
    let counted = gateway.get("/api/v1/messages?limit=1&destination_addr=44*&count=true");
    assert_eq!(
        (&counted["found"], &counted["looked_at"]),
        (&json!({"at_least": 5, "is_exact": true}), &json!(5))
    );
    let newer = gateway.get(&format!("/api/v1/messages?destination_addr=44*&after={}&limit=2", ids[1]));
    let newer = newer["items"].as_array().expect("a page has items").iter();
    assert_eq!(
        newer.map(|item| item["message_id"].as_str()).collect::<Vec<_>>(),
        [Some(&*ids[3]), Some(&*ids[2])]
    );
    let said = gateway
        .get("/api/v1/messages?text=/hello/i&kind=message,receipt&state=!EXPIRED&show_text=true&limit=1");
    assert_eq!((&said["items"][0]["text"], &said["items"][0]["kind"]), (&json!("Hello"), &json!("message")));
    assert_eq!(gateway.get("/api/v1/messages?until=2001-01-01")["items"], json!([]));
    for wrong in ["limit=0", "limit=1001", "before=x"] {
        gateway.ask("GET", &format!("/api/v1/messages?{wrong}"), "").problem(422);
    }
    for (wrong, said) in
        [("state=lost", "there are queued"), ("from=now", "no moment"), ("color=red", "there are account")]
    {
        let problem = gateway.ask("GET", &format!("/api/v1/messages?{wrong}"), "").problem(400);
        assert!(problem.contains(said), "{problem}");
    }
}

#[test]
fn what_a_message_says_is_shown_only_when_asked_for() {
    let gateway = Gateway::start();
    let id = gateway.send("447700900122", &[]);
    let masked = gateway.message(&id, "delivered");
    assert_eq!((&masked["pdu"]["short_message"], &masked["text"]), (&"***".into(), &json!(null)));
    assert_eq!((&masked["kind"], &masked["pdu"]["command"]), (&"message".into(), &"submit_sm".into()));
    assert!(!masked.to_string().contains("48656c6c6f"), "{masked}");
    let shown = gateway.get(&format!("/api/v1/messages/{id}?text=true"));
    assert_eq!((&shown["pdu"]["short_message"], &shown["text"]), (&"48656c6c6f".into(), &"Hello".into()));
    assert_eq!((&shown["connector"], shown["remote_id"].is_string()), (&"up".into(), true));
}

#[test]
fn records_go_on_after_the_last_one() {
    let gateway = Gateway::start();
    let id = gateway.send("447700900122", &[]);
    gateway.until(|gateway| gateway.get("/api/v1/cdrs")["items"] != json!([]));
    let cdrs = gateway.get("/api/v1/cdrs?after=0&limit=1");
    assert_eq!(cdrs["items"][0]["message_id"], id.as_str());
    assert_eq!(gateway.get(&format!("/api/v1/cdrs?after={}", cdrs["last"]))["items"], json!([]));
}

#[test]
fn records_are_a_table_without_formulas() {
    let gateway = Gateway::start();
    let id = gateway.send("447700900122", &["--from", "=1+1"]);
    gateway.until(|gateway| gateway.get("/api/v1/cdrs")["items"] != json!([]));
    let csv = gateway.ask("GET", "/api/v1/cdrs?format=csv", "");
    assert_eq!((csv.status, csv.header("content-type").as_deref()), (200, Some("text/csv; charset=utf-8")));
    let mut lines = csv.body.lines();
    assert!(
        lines.next().is_some_and(|head| head.starts_with("seq,message_id,account,queue,")),
        "{}",
        csv.body
    );
    let line = lines.next().expect("a record");
    assert!(line.starts_with(&format!("1,{id},shop,up,'=1+1,447700900122,delivered,")), "{line}");
}

#[test]
fn routes_explain_themselves() {
    let gateway = Gateway::start();
    let question = json!({"account": "shop", "source_addr": "1", "destination_addr": "4477", "text": "Hi"});
    let explained = gateway.ask("POST", "/api/v1/explain", &question.to_string()).json(200);
    assert_eq!((&explained["to"], &explained["source"]), (&"up".into(), &"allowed".into()));
    assert_eq!(explained["explanation"]["rules"][0], json!({"name": "all", "verdict": "matched"}));
    assert_eq!(
        (&explained["pdu"]["command"], &explained["pdu"]["registered_delivery"]),
        (&"submit_sm".into(), &1.into())
    );
    let unknown = gateway.ask("POST", "/api/v1/explain", r#"{"account": "x"}"#).json(422);
    assert_eq!(
        (&unknown["field"], &unknown["detail"]),
        (&"account".into(), &"account: there is no account \"x\"".into())
    );
    assert_eq!(gateway.get("/api/v1/status")["messages"]["accepted"], 0, "nothing was sent");
}

#[test]
fn a_copy_of_the_store_is_made_while_it_runs() {
    let gateway = Gateway::start();
    let made = gateway.ask("POST", "/api/v1/backup", r#"{"to": "a.sqlite"}"#).json(200);
    assert!(made["octets"].as_u64().is_some_and(|octets| octets > 0), "{made}");
    gateway.ask("POST", "/api/v1/backup", r#"{"to": "a.sqlite"}"#).problem(409);
    gateway.ask("POST", "/api/v1/backup", r#"{"to": "../a.sqlite"}"#).problem(422);
    let dir = gateway.dir.join("copy");
    std::fs::create_dir_all(&dir).expect("the directory is ours");
    let copy = std::path::Path::new(made["file"].as_str().expect("a path"));
    std::fs::copy(copy, dir.join("messages.sqlite")).expect("the copy is there");
    crate::process::smppkit(&["store", "check", "--data", dir.to_str().expect("the path is ours")]).exits(0);
}

#[test]
fn no_answer_shows_a_password() {
    let gateway = Gateway::start();
    let id = gateway.send("447700900122", &[]);
    gateway.message(&id, "delivered");
    let paths = [
        "status",
        "sessions",
        "accounts",
        "connectors",
        "messages",
        "dead-letters",
        "cdrs",
        "cdrs?format=csv",
    ];
    let paths = paths.map(|path| format!("/api/v1/{path}"));
    let own = [format!("/api/v1/messages/{id}?text=true"), "/metrics".to_owned(), "/openapi.json".to_owned()];
    for path in paths.iter().chain(&own) {
        let answer = gateway.ask("GET", path, "");
        assert_eq!(answer.status, 200, "{path}");
        let shown = CANARIES.iter().find(|canary| answer.body.contains(**canary));
        assert_eq!(shown, None, "{path} {}", answer.body);
    }
}
