//! Commands that change something.

use serde_json::{Value, json};

use crate::process::file;
use crate::simulator::Simulator;

#[test]
fn sessions_are_listed_and_ended() {
    let simulator = Simulator::start(&[]);
    assert_eq!(simulator.ctl(&["sessions"]).exits(0).stderr, "no sessions\n");
    let listener = simulator.listener("9");
    let sessions = &simulator.ctl(&["sessions", "--json"]).exits(0).json()[0];
    assert_eq!((&sessions[0]["system_id"], &sessions[0]["bind_mode"]), (&"me".into(), &"receiver".into()));
    let table = simulator.ctl(&["sessions", "--smsc", "smsc"]).exits(0).stdout;
    assert!(table.starts_with("ID  SMSC  SYSTEM_ID") && table.contains("me         receiver"), "{table}");
    assert_eq!(simulator.ctl(&["sessions", "--smsc", "x", "--json"]).json()[0], json!([]));
    let id = sessions[0]["id"].to_string();
    let kicked = simulator.ctl(&["kick", &id, "--how", "close"]).exits(0);
    assert!(kicked.stdout.starts_with(&format!("session {id} of me at 127.0.0.1:")), "{}", kicked.stdout);
    assert!(listener.done().exits(1).stdout.contains("\"ended\""));
    assert_eq!(simulator.ctl(&["kick", "77"]).exits(2).stderr, "smppkit: there is no session 77\n");
}

#[test]
fn messages_from_handsets_arrive() {
    let simulator = Simulator::start(&[]);
    let listener = simulator.listener("5");
    let from = ["mo", "--from", "447700900123", "--to", "777"];
    let sent = simulator.ctl(&[&from[..], &["Grüße"]].concat()).exits(0);
    assert_eq!(sent.stdout, "sent to me, parts: 1");
    let sent =
        simulator.ctl_with(&["mo", "--system-id", "me", "--json", "-"], &[], "from stdin\r\n").exits(0);
    assert_eq!(sent.json()[0], json!({"system_id": "me", "parts": 1}));
    let csv = file("mo.csv", "# a comment\n4477,12345,\"one, two\"\n4477,12345,three\n");
    let csv = csv.to_str().expect("the path is ours");
    let queued = simulator.ctl(&["mo", "--file", csv, "--rate", "100", "--system-id", "me"]).exits(0);
    assert_eq!(queued.stdout, "messages on their way: 2");
    simulator.ctl(&["mo", "--pdu", r#"{"source_addr": "1", "short_message": "48656c6c6f"}"#]).exits(0);
    let mut heard: Vec<Value> = listener.done().exits(0).of("event", "message");
    heard.sort_by_key(|heard| heard["text"].as_str().map(str::to_owned));
    let texts: Vec<&str> = heard.iter().filter_map(|heard| heard["text"].as_str()).collect();
    assert_eq!(texts, ["Grüße", "Hello", "from stdin", "one, two", "three"]);
    assert_eq!(
        (&heard[0]["source_addr"], &heard[0]["destination_addr"]),
        (&"447700900123".into(), &"777".into())
    );
}

#[test]
fn a_message_to_nobody_and_one_that_cannot_be_are_refused() {
    let simulator = Simulator::start(&[]);
    for wrong in
        [&["mo", "Hi"][..], &["mo", "--to", "123456789012345678901", "Hi"], &["mo", "--pdu", "{\"x\": 1}"]]
    {
        assert!(simulator.ctl(wrong).exits(2).stderr.starts_with("smppkit: "), "{wrong:?}");
    }
    let wrong = simulator.ctl(&["mo", "--pdu", "{"]).exits(2);
    assert!(wrong.stderr.starts_with("smppkit: --pdu is not JSON: "), "{}", wrong.stderr);
    simulator.ctl(&["mo", "--file", "/no/such/file"]).exits(2);
    simulator.ctl_with(&["mo", "-"], &[], &"x".repeat(1024 * 1024 + 1)).exits(2);
}

#[test]
fn rules_are_added_counted_and_removed() {
    let simulator = Simulator::start(&["--preset", "flaky"]);
    let rule =
        r#"{"name": "busy", "when": {"destination_addr": "*1"}, "then": {"status": "ESME_RTHROTTLED"}}"#;
    simulator.ctl(&["rules", "add", rule]).exits(0);
    let rules =
        simulator.ctl_with(&["rules", "add", "-", "--json"], &[], "{\"name\": \"second\"}\n").exits(0);
    assert_eq!(
        (&rules.json()[0][0]["rule"]["name"], &rules.json()[0][0]["from"]),
        (&"second".into(), &"rest".into())
    );
    let table = simulator.ctl(&["rules", "remove", "0"]).exits(0).stdout;
    let rows: Vec<Vec<&str>> = table.lines().map(|row| row.split_whitespace().take(5).collect()).collect();
    assert_eq!(rows[..2], [["PLACE", "FROM", "HELD", "TAKEN", "NAME"], ["0", "rest", "0", "0", "busy"]]);
    assert_eq!(rows[2][1], "file");
    let cannot = simulator.ctl(&["rules", "remove", "1"]).exits(2);
    assert!(cannot.stderr.contains("no rule that came over REST is at place 1"), "{}", cannot.stderr);
    simulator.ctl(&["rules", "add", r#"{"whne": {}}"#]).exits(2);
    let left = simulator.ctl(&["rules", "clear", "--json"]).exits(0);
    assert_eq!(left.json()[0][0]["from"], "file");
    assert_eq!(left.json(), simulator.ctl(&["rules", "--json"]).exits(0).json());
}

#[test]
fn accounts_are_put_and_removed() {
    let simulator = Simulator::start(&[]);
    assert_eq!(simulator.ctl(&["accounts"]).exits(0).stderr, "no accounts: anybody may bind\n");
    let account = r#"{"system_id": "a/b ?", "password": "canary", "throughput": 7}"#;
    simulator.ctl_with(&["accounts", "put", "-"], &[], account).exits(0);
    let accounts = simulator.ctl(&["accounts", "--json"]).exits(0);
    assert_eq!(
        (&accounts.json()[0][0]["system_id"], &accounts.json()[0][0]["throughput"]),
        (&"a/b ?".into(), &7.into())
    );
    assert!(!accounts.stdout.contains("canary"), "{}", accounts.stdout);
    assert!(
        simulator
            .ctl(&["accounts"])
            .exits(0)
            .stdout
            .contains("\na/b ?      transmitter,receiver,transceiver")
    );
    assert_eq!(simulator.ctl(&["accounts", "remove", "a/b ?"]).exits(0).stdout, "removed a/b ?");
    assert_eq!(
        simulator.ctl(&["accounts", "remove", "x"]).exits(2).stderr,
        "smppkit: there is no account \"x\"\n"
    );
    simulator.ctl(&["accounts", "put", "{}"]).exits(2);
}

#[test]
fn settings_are_json_or_text() {
    let simulator = Simulator::start(&[]);
    let set =
        ["set", "dialect=hex-to-decimal", "receipt_delay=1s..5s", "loopback=true", "mo_numbers=[\"7\"]"];
    let told = simulator.ctl(&set).exits(0).stdout;
    let wanted = "dialect = hex-to-decimal\nreceipt_delay = 1s..5s\nloopback = true\nmo_numbers = 7";
    assert_eq!(told, wanted);
    let settings = simulator.ctl(&["set", "system_id=\"123\"", "--json"]).exits(0);
    assert_eq!(
        (&settings.json()[0]["system_id"], &settings.json()[0]["loopback"]),
        (&"123".into(), &true.into())
    );
    for wrong in ["dialect=none-such", "version=3.4", "system_id=123", "no_such=1"] {
        assert!(simulator.ctl(&["set", wrong]).exits(2).stderr.len() > 10, "{wrong}");
    }
}

#[test]
fn a_reset_forgets() {
    let simulator = Simulator::start(&[]);
    simulator.send(&["--to", "4477", "Hello"]);
    assert!(simulator.ctl(&["reset"]).exits(0).stdout.contains("forgotten"));
    assert_eq!(simulator.ctl(&["messages", "--json"]).exits(0).json()[0]["items"], json!([]));
    assert_eq!(simulator.ctl(&["reset", "--json"]).exits(0).stdout, "");
}

/// Two SMSCs; the dialogue's name has all that a path cannot have.
const SETTINGS: &str = r#"
[[smsc]]
name = "home/1"
listen = ["127.0.0.1:0"]
[[smsc.dialogue]]
name = "login? 100%/é"
subscriber = "447700900123"
application = "12345"
step = [{ send = "LOGIN" }, { expect = "/code is [0-9]{4}/", within = "20s" }]
[[smsc.dialogue]]
name = "nobody answers"
subscriber = "447700900123"
application = "12345"
step = [{ send = "LOGIN" }, { expect = "never", within = "50ms" }]
[[smsc]]
name = "partner"
listen = ["127.0.0.1:0"]
"#;

#[test]
fn dialogues_pass_and_fail() {
    let simulator = Simulator::of("dialogues.toml", SETTINGS);
    let home = ["--smsc", "home/1", "dialogue"];
    let table = simulator.ctl(&home).exits(0).stdout;
    assert!(table.ends_with("447700900123  12345        2      nobody answers"), "{table}");
    let mut listener = simulator.listener("3");
    let dialogue = simulator.start_ctl(&[&home[..], &["login? 100%/é"]].concat(), &[], "");
    listener.line_with("LOGIN");
    simulator.send(&["--from", "12345", "--to", "447700900123", "your code is 1234"]);
    let passed = dialogue.done().exits(0);
    assert_eq!(passed.stdout, "subscriber   LOGIN\napplication  your code is 1234\npassed");
    let failed = simulator.ctl(&[&home[..], &["nobody answers"]].concat()).exits(1);
    assert!(failed.stderr.starts_with("smppkit: step 2: the application sent nothing"), "{failed:?}");
    assert_eq!(failed.stdout, "subscriber   LOGIN");
    let failed = simulator.ctl(&[&home[..], &["nobody answers", "--json"]].concat()).exits(1);
    assert_eq!(failed.json()[0]["said"][0]["text"], "LOGIN");
    listener.done().exits(0);
    simulator.ctl(&[&home[..], &["no such"]].concat()).exits(2);
}

#[test]
fn of_several_smscs_one_has_to_be_named() {
    let simulator = Simulator::of("several.toml", SETTINGS);
    let which = simulator.ctl(&["rules"]).exits(2);
    assert!(
        which.stderr.contains("several SMSCs: say with --smsc which of home/1, partner"),
        "{}",
        which.stderr
    );
    simulator.ctl(&["rules", "--smsc", "home/1"]).exits(0);
    let none = simulator.ctl(&["--smsc", "x", "rules"]).exits(2);
    assert!(none.stderr.contains("there is no SMSC \"x\": there are home/1, partner"), "{}", none.stderr);
    simulator.send(&["--to", "4477", "Hello"]);
    let count = |smsc| {
        simulator.ctl(&["messages", "--json", "--smsc", smsc]).json()[0]["items"].as_array().map(Vec::len)
    };
    assert_eq!((count("home/1"), count("partner")), (Some(1), Some(0)));
}
