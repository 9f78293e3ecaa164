//! `smppkit ctl` on a gateway.

use super::{CANARIES, Gateway};
use crate::process::Done;
use crate::simulator::Simulator;

#[test]
fn the_status_is_read_at_a_glance() {
    let gateway = Gateway::start();
    let id = gateway.send("447700900122", &[]);
    gateway.message(&id, "delivered");
    let status = gateway.ctl(&["status"]).exits(0).stdout;
    assert!(status.starts_with("ready\nversion "), "{status}");
    assert!(status.contains("messages: 1 accepted = 0 open + 1 delivered + 0 failed"), "{status}");
    assert_eq!(gateway.ctl(&["status", "--json"]).exits(0).json()[0]["status"]["messages"]["accepted"], 1);
}

#[test]
fn sessions_are_told_and_ended() {
    let gateway = Gateway::start();
    let sessions = gateway.ctl(&["binds", "--connector", "up"]).exits(0).stdout;
    assert!(sessions.starts_with("ID  ACCOUNT  CONNECTOR") && sessions.contains("transceiver"), "{sessions}");
    let id = gateway.get("/api/v1/sessions")[0]["id"].to_string();
    let kicked = gateway.ctl(&["kick", &id, "--how", "close"]).exits(0).stdout;
    assert!(kicked.starts_with(&format!("session {id} of up at 127.0.0.1:")), "{kicked}");
    gateway.ctl(&["kick", &id, "--how", "hang"]).exits(2);
}

#[test]
fn a_message_is_told_from_its_beginning_to_its_end() {
    let gateway = Gateway::start();
    let id = gateway.send("447700900122", &[]);
    gateway.message(&id, "delivered");
    let story = gateway.ctl(&["message", &id]).exits(0).stdout;
    assert!(
        story.starts_with(&format!("message {id} of shop: delivered\n  from 777 to 447700900122\n")),
        "{story}"
    );
    assert!(story.contains("Z  accepted\n") && story.contains("taken by up as "), "{story}");
    assert!(!story.contains("Hello"), "{story}");
    assert!(gateway.ctl(&["message", &id, "--text"]).exits(0).stdout.contains("  text Hello\n"));
    assert_eq!(gateway.ctl(&["message", &id, "--json"]).exits(0).json()[0]["state"], "delivered");
    assert_eq!(gateway.ctl(&["message", "1"]).exits(2).stderr, "smppkit: there is no message 1\n");
}

#[test]
fn dead_letters_are_listed_and_replayed() {
    let gateway = Gateway::start();
    let id = gateway.send("447700900121", &[]);
    gateway.message(&id, "failed");
    let dead = gateway.ctl(&["dead-letters", "account=shop"]).exits(0).stdout;
    assert!(dead.contains(&id) && dead.contains("ESME_RINVDSTADR"), "{dead}");
    gateway.ctl(&["drain", "up"]).exits(0);
    assert_eq!(gateway.ctl(&["replay", &id]).exits(0).stdout, format!("{id}: waits in up"));
    let again = gateway.ctl(&["replay", &id, "1"]).exits(1);
    assert!(
        again.stderr.contains("it is no dead letter") && again.stderr.contains("there is no message 1"),
        "{again:?}"
    );
    assert_eq!(gateway.ctl(&["cancel", &id]).exits(0).stdout, format!("{id}: cancelled"));
}

#[test]
fn messages_are_listed_with_a_way_to_go_on() {
    let gateway = Gateway::start();
    let ids = [gateway.send("447700900122", &[]), gateway.send("447700900122", &[])];
    let page = gateway.ctl(&["messages", "account=shop", "--limit", "1"]).exits(0);
    assert!(page.stdout.contains(&ids[1]) && !page.stdout.contains(&ids[0]), "{}", page.stdout);
    let before = page.stderr.trim().strip_prefix("there may be more: --before ").expect("there is one more");
    assert!(gateway.ctl(&["messages", "--before", before]).exits(0).stdout.contains(&ids[0]));
}

#[test]
fn connectors_are_drained_and_resumed() {
    let gateway = Gateway::start();
    assert!(gateway.ctl(&["drain", "up"]).exits(0).stdout.contains("drained"));
    gateway.until(|gateway| gateway.connector()["binds"] == 0);
    gateway.ctl(&["resume", "up"]).exits(0);
    gateway.until(|gateway| gateway.connector()["state"] == "up");
    let table = gateway.ctl(&["connectors"]).exits(0).stdout;
    assert!(
        table.starts_with("NAME  ORIGIN  STATE  UNTIL  ADDRESS") && table.contains("up    file    up"),
        "{table}"
    );
    gateway.ctl(&["drain", "none"]).exits(2);
}

#[test]
fn accounts_are_put_and_removed() {
    let gateway = Gateway::start();
    let account = format!(r#"{{"system_id": "new", "password": "{}"}}"#, CANARIES[2]);
    assert_eq!(gateway.ctl(&["accounts", "put", &account]).exits(0).stdout, "new may bind");
    let table = gateway.ctl(&["accounts"]).exits(0).stdout;
    assert!(table.starts_with("SYSTEM_ID  ORIGIN  ENABLED") && table.contains("new        rest"), "{table}");
    assert_eq!(gateway.ctl(&["accounts", "remove", "new"]).exits(0).stdout, "removed new");
    gateway.ctl(&["accounts", "remove", "new"]).exits(2);
}

#[test]
fn a_route_explains_itself() {
    let gateway = Gateway::start();
    let told = gateway.ctl(&["explain", "--account", "shop", "--to", "4477"]).exits(0).stdout;
    assert!(told.contains("decision: all sends it to up"), "{told}");
    gateway.ctl(&["explain", "--connector", "up", "--to", "4477"]).exits(1);
}

#[test]
fn a_command_for_the_other_kind_of_server_says_so() {
    let gateway = Gateway::start();
    let rules = gateway.ctl(&["set", "--smsc", "x", "dialect=standard"]).exits(2);
    assert!(
        rules.stderr.contains("this is a gateway, and the command is for a simulator"),
        "{}",
        rules.stderr
    );
    let simulator = Simulator::start(&[]);
    let connectors = simulator.ctl(&["connectors"]).exits(2);
    assert!(
        connectors.stderr.contains("this is a simulator, and the command is for a gateway"),
        "{}",
        connectors.stderr
    );
    simulator.ctl(&["sessions", "--account", "x"]).exits(2);
}

#[test]
fn nothing_that_is_printed_shows_a_password() {
    let gateway = Gateway::start();
    let id = gateway.send("447700900122", &[]);
    gateway.message(&id, "delivered");
    for command in [
        &["status"][..],
        &["sessions"],
        &["accounts"],
        &["connectors"],
        &["messages"],
        &["message", &id, "--text"],
        &["explain", "--account", "shop", "--to", "1"],
    ] {
        for form in [&[][..], &["--json"]] {
            let Done { stdout, stderr, .. } = gateway.ctl(&[command, form].concat()).exits(0);
            assert!(
                CANARIES.iter().all(|canary| !stdout.contains(canary) && !stderr.contains(canary)),
                "{stdout}"
            );
        }
    }
}
