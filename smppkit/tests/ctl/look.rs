//! Commands that change nothing.

use serde_json::Value;

use crate::simulator::Simulator;

#[track_caller]
fn texts(answer: &Value) -> Vec<&str> {
    let items = answer["items"].as_array().expect("a list");
    items.iter().map(|item| item["text"].as_str().expect("a text")).collect()
}

#[test]
fn status_tells_of_smscs_and_readiness() {
    let simulator = Simulator::start(&[]);
    // Its addresses are told a moment before it is ready.
    let mut statuses = (0..100).map(|_| simulator.ctl(&["status"]));
    let status = statuses.find(|status| status.code != 1).expect("it becomes ready").exits(0);
    assert!(status.stdout.starts_with("ready\nSMSC  ADDRESSES"), "{}", status.stdout);
    assert!(status.stdout.contains("\nsmsc  127.0.0.1:"), "{}", status.stdout);
    let status = &simulator.ctl(&["status", "--json"]).exits(0).json()[0];
    assert_eq!((&status["ready"], &status["smscs"][0]["bound"]), (&true.into(), &0.into()));
    assert_eq!(simulator.ctl(&["status", "--json", "--smsc", "x"]).json()[0]["smscs"], serde_json::json!([]));
}

#[test]
fn messages_are_found_by_conditions_whatever_is_in_them() {
    let simulator = Simulator::start(&[]);
    let odd = "a&b=c+d #%41 é?/";
    for text in [odd, "Hello", "Hello again"] {
        simulator.send(&["--to", "447700900123", text]);
    }
    let condition = format!("text={odd}");
    let found = simulator.ctl(&["messages", &condition, "--json"]).exits(0);
    assert_eq!(texts(&found.json()[0]), [odd]);
    let found =
        simulator.ctl(&["messages", "text=/^hello/i", "destination_addr=4477*", "--limit", "1"]).exits(0);
    let rows: Vec<&str> = found.stdout.lines().collect();
    assert!(rows.len() == 2 && rows[0].starts_with("ACCEPTED"), "{rows:?}");
    assert!(rows[1].contains("smppkit") && rows[1].ends_with("1      Hello again"), "{rows:?}");
    let none = simulator.ctl(&["messages", "--smsc", "other"]).exits(0);
    assert_eq!((&*none.stdout, &*none.stderr), ("", "no messages\n"));
    let wrong = simulator.ctl(&["messages", "txet=x"]).exits(2);
    assert!(wrong.stderr.starts_with("smppkit: txet: "), "{}", wrong.stderr);
}

#[test]
fn pdus_are_listed_from_a_number_on() {
    let simulator = Simulator::start(&[]);
    simulator.send(&["--to", "4477", "Hello"]);
    let all = &simulator.ctl(&["pdus", "--json"]).exits(0).json()[0];
    assert_eq!(all["items"][0]["command"], "bind_transmitter");
    let submit = &simulator.ctl(&["pdus", "command=submit_sm", "direction=in", "--json"]).json()[0]["items"];
    let after = submit[0]["number"].to_string();
    let next = simulator.ctl(&["pdus", "--after", &after, "--limit", "1"]).exits(0);
    assert!(next.stdout.starts_with("NUMBER") && next.stdout.contains("submit_sm_resp"), "{}", next.stdout);
    assert_eq!(next.stdout.lines().count(), 2);
}

#[test]
fn pdus_are_followed_as_they_come() {
    let simulator = Simulator::start(&[]);
    let follow = ["pdus", "--follow", "--after", "0", "command=submit_sm", "--limit", "2"];
    let mut follower = simulator.start_ctl(&follow, &[], "");
    let programs = simulator.start_ctl(&[&follow[..], &["--json"]].concat(), &[], "");
    simulator.send(&["--to", "4477", "one"]);
    let line = follower.line_with("\"one\"");
    assert!(
        line.contains("smsc#1 ") && line.contains(" me ") && line.contains("  in   submit_sm "),
        "{line}"
    );
    simulator.send(&["--to", "4477", "two"]);
    assert_eq!(follower.done().exits(0).stdout.lines().count(), 2);
    let pdus = programs.done().exits(0).json();
    assert_eq!((&pdus[0]["text"], &pdus[1]["text"]), (&"one".into(), &"two".into()));
}

#[test]
fn following_ends_at_an_interrupt() {
    let simulator = Simulator::start(&[]);
    simulator.send(&["--to", "4477", "one"]);
    let mut follower = simulator.start_ctl(&["pdus", "-f", "--after", "0"], &[], "");
    follower.line_with("\"one\"");
    follower.signal("INT");
    follower.done().exits(130);
}

#[test]
fn a_stream_that_ends_early_is_a_failure() {
    let simulator = Simulator::start(&[]);
    simulator.send(&["--to", "4477", "one"]);
    let mut follower = simulator.start_ctl(&["pdus", "-f", "--after", "0"], &[], "");
    follower.line_with("\"one\"");
    drop(simulator);
    let code = follower.done();
    assert!([1, 3].contains(&code.code), "{code:?}");
    assert!(!code.stderr.is_empty());
}

#[test]
fn waits_end_when_enough_came() {
    let simulator = Simulator::start(&[]);
    let waiter = simulator.start_ctl(&["wait", "messages", "text=He*", "--count", "2", "--json"], &[], "");
    simulator.send(&["--to", "4477", "Hello"]);
    simulator.send(&["--to", "4477", "Hey"]);
    assert_eq!(texts(&waiter.done().exits(0).json()[0]), ["Hello", "Hey"]);
    let pdus = simulator.ctl(&["wait", "pdus", "command=unbind", "--count", "2"]).exits(0);
    assert_eq!(pdus.stdout.lines().count(), 3, "{}", pdus.stdout);
    simulator.ctl(&["wait", "pdus", "command=outbind", "--count", "0", "--timeout", "50ms"]).exits(0);
}

#[test]
fn a_wait_that_fails_says_what_came_instead() {
    let simulator = Simulator::start(&[]);
    simulator.send(&["--to", "4477", "Hello"]);
    let wait = ["wait", "messages", "text=Bye", "--timeout", "50ms"];
    let failed = simulator.ctl(&wait).exits(1);
    assert!(
        failed.stderr.starts_with("smppkit: 0 of 1 came within 50ms\ncame instead: "),
        "{}",
        failed.stderr
    );
    assert!(failed.stderr.contains("-> 4477 \"Hello\"") && failed.stdout.is_empty(), "{failed:?}");
    let failed = simulator.ctl(&[&wait[..], &["--json"]].concat()).exits(1);
    assert_eq!((&failed.json()[0]["status"], &failed.json()[0]["wanted"]), (&409.into(), &1.into()));
    let failed = simulator.ctl(&["wait", "pdus", "command=unbind", "--after", "99", "--timeout", "50ms"]);
    failed.exits(1);
    let long = simulator.ctl(&["wait", "messages", "--timeout", "1h"]).exits(2);
    assert!(long.stderr.contains("timeout: is longer than 5m"), "{}", long.stderr);
    simulator.ctl(&["wait", "messages", "--after", "1"]).exits(2);
}

#[test]
fn any_path_is_asked_for_as_it_is() {
    let simulator = Simulator::start(&[]);
    assert!(simulator.ctl(&["get", "/metrics"]).exits(0).stdout.contains("\nsmppkit_build_info"));
    assert_eq!(simulator.ctl(&["get", "openapi.json"]).exits(0).json()[0]["openapi"], "3.1.0");
    assert!(simulator.ctl(&["get", "/api/v1/pdus?limit=1"]).exits(0).json()[0]["items"].is_array());
    let none = simulator.ctl(&["get", "/no thing\r\nX: y"]).exits(2);
    assert!(none.stderr.contains("there is nothing at /no%20thing%0D%0AX:%20y"), "{}", none.stderr);
}
