//! What passes, as operators see it: the record of both sides, charts, sessions, the live feed.

use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use super::{CANARIES, Gateway};

#[test]
fn pdus_of_both_sides_are_recorded_without_passwords() {
    let gateway = Gateway::start();
    gateway.send("447700900122", &[]);
    let number = |filter: &str| {
        gateway.until(|gateway| gateway.get(&format!("/api/v1/pdus?{filter}"))["items"] != json!([]));
        gateway.get(&format!("/api/v1/pdus?{filter}"))["items"][0]["number"].clone()
    };
    let came = number("command=submit_sm&direction=in&system_id=shop");
    let went = number("command=submit_sm&direction=out&connector=up");
    assert!(came.as_u64() < went.as_u64(), "{came} {went}");
    let one = gateway.get(&format!("/api/v1/pdus/{went}"));
    assert_eq!((&one["connector"], &one["system_id"]), (&json!("up"), &json!("me")), "{one}");
    assert_eq!(one["shown"]["text"]["text"], "Hello");
    assert_eq!(
        one["shown"]["answer"]["summary"],
        format!("submit_sm_resp seq={} ESME_ROK message_id=1", one["sequence_number"])
    );
    let answer = number("command=submit_sm_resp&direction=out");
    assert!(gateway.get(&format!("/api/v1/pdus/{answer}"))["answered_us"].is_u64());
    // Binds of both sides are there, and their passwords are not.
    assert!(
        number("command=bind_*&direction=in").is_u64() && number("command=bind_*&direction=out").is_u64()
    );
    let all = gateway.ask("GET", "/api/v1/pdus?limit=1000", "").body;
    assert!(all.contains("********") || all.contains("*******"), "{all}");
    for canary in CANARIES {
        assert!(!all.contains(canary) && !all.contains(&hex(canary)), "{all}");
    }
    gateway.ask("GET", "/api/v1/pdus?password=c*", "").problem(422);
    gateway.ask("GET", "/api/v1/pdus/999999999", "").problem(404);
}

#[test]
fn pdus_of_a_message_are_found_and_no_other_message_s() {
    let gateway = Gateway::start();
    let of = |id: &str| -> Vec<(String, String, Value)> {
        let found = gateway.get(&format!("/api/v1/pdus?message={id}"));
        let items = found["items"].as_array().expect("a list has items").iter();
        let text = |item: &Value, name: &str| item[name].as_str().unwrap_or_default().to_owned();
        items.map(|item| (text(item, "direction"), text(item, "command"), item["pdu"].clone())).collect()
    };
    let names = |found: &[(String, String, Value)]| -> Vec<String> {
        found.iter().map(|(direction, command, _)| format!("{direction} {command}")).collect()
    };
    // The same to the same number, twice; and one that is refused, and has no id there.
    let [one, other] = [(); 2].map(|()| gateway.send("447700900122", &[]));
    let refused = gateway.send("447700900121", &[]);
    for (id, state) in [(&one, "delivered"), (&other, "delivered"), (&refused, "failed")] {
        gateway.message(id, state);
    }
    let life = ["in submit_sm", "out submit_sm_resp", "out submit_sm", "in submit_sm_resp"];
    let receipt = ["in deliver_sm", "out deliver_sm_resp"];
    let mut ids = Vec::new();
    for id in [&one, &other] {
        let found = of(id);
        let mut seen = names(&found);
        seen.sort_unstable();
        let mut wanted = [&life[..], &receipt].concat();
        wanted.sort_unstable();
        assert_eq!(seen, wanted, "{id}");
        let answer = |way: &str| {
            found.iter().find(|(direction, command, _)| direction == way && command == "submit_sm_resp")
        };
        assert_eq!(answer("out").map(|(.., pdu)| &pdu["message_id"]), Some(&json!(id)));
        ids.push(answer("in").map(|(.., pdu)| pdu["message_id"].clone()));
    }
    assert_ne!(ids[0], ids[1]);
    // Which of two that pass at once is recorded first is chance.
    let (mut seen, mut wanted) = (names(&of(&refused)), life.to_vec());
    seen.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(seen, wanted);
    gateway.ask("GET", "/api/v1/pdus?message=7", "").problem(404);
    let elsewhere = gateway.simulator.ctl(&["get", "/api/v1/pdus?message=7"]);
    assert!(elsewhere.stderr.contains("keeps no messages"), "{}", elsewhere.stderr);
}

#[test]
fn a_record_of_nothing_keeps_nothing() {
    let gateway = Gateway::with("record.memory = 0");
    gateway.send("447700900122", &[]);
    assert_eq!(gateway.get("/api/v1/pdus"), json!({"items": [], "last": 0, "missed": 0}));
    let why = gateway.ask("GET", "/api/v1/pdus/1", "").problem(404);
    assert_eq!(why, "nothing is recorded: the setting of the record is 0");
}

#[test]
fn sessions_say_how_they_do() {
    let gateway = Gateway::start();
    gateway.send("447700900121", &[]);
    let of = |gateway: &Gateway| gateway.get("/api/v1/sessions?connector=up")[0].clone();
    gateway.until(|gateway| of(gateway)["last_error"].is_object());
    let session = of(&gateway);
    assert_eq!((&session["state"], &session["tls"]), (&json!("BOUND_TRX"), &json!(false)), "{session}");
    assert!(session["window"].as_u64().is_some_and(|window| window > 0), "{session}");
    assert_eq!(session["in_flight"], 0);
    let error = &session["last_error"];
    assert_eq!((&error["status"], &error["direction"]), (&json!("ESME_RINVDSTADR"), &json!("in")));
}

#[test]
fn charts_show_what_was_taken() {
    let gateway = Gateway::start();
    gateway.send("447700900122", &[]);
    let some = |line: &Value| {
        line.as_array().is_some_and(|line| line.iter().any(|value| value.as_f64() > Some(0.0)))
    };
    gateway.until(|gateway| some(&gateway.get("/api/v1/series")["series"]["accepted"]));
    gateway.until(|gateway| some(&gateway.get("/api/v1/series?range=24h")["series"]["answer_p99_us"]));
    let series = gateway.get("/api/v1/series?range=15m");
    assert_eq!((&series["step_ms"], &series["keys"][0]["key"]), (&json!(5_000), &json!("accepted")));
    gateway.ask("GET", "/api/v1/series?range=2d", "").problem(400);
}

#[test]
fn what_passes_comes_over_a_websocket() {
    let gateway = Gateway::start();
    let address = gateway.admin.trim_start_matches("http://");
    let stream = TcpStream::connect(address).expect("it listens");
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("it is no zero");
    let request = tungstenite::http::Request::builder().uri(format!("ws://{address}/api/v1/live"));
    let request = request
        .header("host", address)
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", tungstenite::handshake::client::generate_key())
        .body(())
        .expect("it is a request");
    let (mut socket, _) = tungstenite::client(request, stream).expect("it takes WebSockets");
    for subscribe in [
        json!({"subscribe": {"id": 1, "topic": "pdus", "filter": {"command": "submit_sm", "direction": "in"}}}),
        json!({"subscribe": {"id": 2, "topic": "stats"}}),
        json!({"pause": 99}),
    ] {
        socket.send(tungstenite::Message::text(subscribe.to_string())).expect("it reads");
    }
    let mut hear = |id: u64| loop {
        let message = socket.read().expect("it goes on").into_text().unwrap_or_default();
        let heard: Value = serde_json::from_str(&message).unwrap_or_default();
        if heard["id"] == id {
            return heard;
        }
    };
    hear(99);
    gateway.send("447700900122", &[]);
    let batch = hear(1);
    assert_eq!((&batch["items"][0]["command"], &batch["skipped"]), (&json!("submit_sm"), &json!(0)));
    assert!(hear(2)["items"][0]["sessions"].is_u64());
}

fn hex(text: &str) -> String {
    text.bytes().fold(String::new(), |hex, octet| hex + &format!("{octet:02x}"))
}
