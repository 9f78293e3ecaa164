//! What a peer sent is shown, and not obeyed.

use crate::process::Done;
use crate::simulator::Simulator;

/// Clears the screen, sets a title, colours by a C1 control, turns the direction.
const HOSTILE: &str = "a\u{1b}[2J\u{1b}]0;x\u{7}\u{9b}31m\u{7f}\u{202e}\rz";

#[track_caller]
fn harmless(done: &Done) {
    for shown in [&done.stdout, &done.stderr] {
        let order = shown.chars().find(|c| (c.is_control() && *c != '\n') || *c == '\u{202e}');
        assert_eq!(order, None, "{shown:?}");
    }
}

#[test]
fn a_hostile_text_is_not_obeyed() {
    let simulator = Simulator::start(&[]);
    simulator.send(&["--encoding", "ucs2", "--to", "4477", HOSTILE]);
    let commands: &[(&[&str], i32)] = &[
        (&["messages"], 0),
        (&["pdus"], 0),
        (&["pdus", "--follow", "--after", "0", "--limit", "4"], 0),
        (&["wait", "messages", "text=x", "--timeout", "1ms"], 1),
        (&["wait", "pdus", "text=x", "--timeout", "1ms"], 1),
        (&["wait", "messages"], 0),
    ];
    for (command, code) in commands {
        let done = simulator.ctl(command).exits(*code);
        harmless(&done);
        assert!(format!("{}{}", done.stdout, done.stderr).contains("[2J"), "{command:?} {done:?}");
        let done = simulator.ctl(&[*command, &["--json"]].concat()).exits(*code);
        harmless(&done);
        assert!(!done.json().is_empty());
    }
    let messages = simulator.ctl(&["messages", "--json"]);
    assert_eq!(messages.json()[0]["items"][0]["text"], HOSTILE, "it means the same");
    harmless(&simulator.ctl(&["get", "/api/v1/messages"]).exits(0));
}

#[test]
fn a_hostile_name_is_not_obeyed() {
    let simulator = Simulator::start(&[]);
    let account = serde_json::json!({"system_id": "a\u{1b}[2J\u{9b}z", "password": "x"}).to_string();
    let put = simulator.ctl(&["accounts", "put", &account]);
    harmless(&put);
    harmless(&simulator.ctl(&["accounts"]).exits(0));
    let rule = serde_json::json!({"name": HOSTILE}).to_string();
    harmless(&simulator.ctl(&["rules", "add", &rule]).exits(0));
    harmless(&simulator.ctl(&["rules", "--json"]).exits(0));
    harmless(&simulator.ctl(&["--smsc", HOSTILE, "rules"]).exits(2));
    harmless(&simulator.ctl(&["dialogue", HOSTILE]).exits(2));
    harmless(&simulator.ctl(&["accounts", "remove", HOSTILE]).exits(2));
}
