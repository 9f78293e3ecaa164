//! Addresses, tokens, help; and what is no simulator.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use crate::process::{Done, Process, smppkit};
use crate::simulator::Simulator;

#[test]
fn a_token_is_required_and_sent() {
    let simulator = Simulator::start(&["--admin-token", "s3cret"]);
    let refused = simulator.ctl(&["sessions"]).exits(2);
    assert_eq!(
        refused.stderr,
        "smppkit: a bearer token is needed: give it with --token or SMPPKIT_ADMIN_TOKEN\n"
    );
    let wrong = simulator.ctl(&["sessions", "--token", "other"]).exits(2);
    assert!(
        wrong.stderr.contains("the bearer token is wrong") && !wrong.stderr.contains("other"),
        "{wrong:?}"
    );
    simulator.ctl(&["sessions", "--token", "s3cret"]).exits(0);
    simulator.ctl(&["--token", "s3cret", "status"]).exits(0);
    simulator.ctl_with(&["sessions"], &[("SMPPKIT_ADMIN_TOKEN", "s3cret")], "").exits(0);
    simulator.ctl(&["pdus", "--follow"]).exits(2);
    simulator.ctl(&["sessions", "--token", "a\nb"]).exits(2);
    let help = simulator.ctl_with(&["sessions", "--help"], &[("SMPPKIT_ADMIN_TOKEN", "s3cret")], "").exits(0);
    assert!(!help.stdout.contains("s3cret"), "{}", help.stdout);
}

#[test]
fn no_connection_is_an_exit_code_of_its_own() {
    let nobody = TcpListener::bind("127.0.0.1:0").expect("a port is free").local_addr().expect("it is bound");
    let admin = format!("http://{nobody}");
    for command in [&["status"][..], &["mo", "Hi"], &["pdus", "-f"], &["wait", "pdus", "--timeout", "0"]] {
        let done = smppkit(&[&["ctl", "--admin", &admin], command].concat()).exits(3);
        assert!(done.stderr.starts_with(&format!("smppkit: {admin}: ")), "{}", done.stderr);
    }
}

#[test]
fn only_http_urls_are_taken() {
    for wrong in ["https://127.0.0.1:2780", "127.0.0.1:2780", "http://a:b@127.0.0.1", "http://127.0.0.1/x"] {
        let done = smppkit(&["ctl", "--admin", wrong, "status"]).exits(2);
        assert!(done.stderr.contains("--admin"), "{}", done.stderr);
    }
}

#[test]
fn wrong_usage_is_told() {
    for wrong in [
        &["mo"][..],
        &["mo", "Hi", "--file", "x"],
        &["mo", "Hi", "--rate", "1"],
        &["kick"],
        &["kick", "x"],
        &["messages", "limit=1"],
        &["messages", "text"],
        &["wait", "rules"],
        &["wait", "pdus", "--timeout", "soon"],
        &["set"],
        &["set", "x"],
        &["rules", "remove", "-1"],
        &["pdus", "--limit", "0"],
        &[],
    ] {
        smppkit(&[&["ctl"], wrong].concat()).exits(2);
    }
}

#[test]
fn every_command_has_help_with_an_example() {
    let commands = "status sessions kick mo messages pdus wait rules accounts dialogue set reset get connectors drain \
                    resume message cancel replay dead-letters explain backup";
    let below = ["rules add", "rules remove", "rules clear", "accounts put", "accounts remove"];
    for command in commands.split(' ').chain(below).chain([""]) {
        let words: Vec<&str> = command.split_whitespace().collect();
        let help = smppkit(&[&["ctl"], &words[..], &["--help"]].concat()).exits(0);
        assert!(help.stdout.contains("\nExample") && help.stdout.contains("smppkit ctl "), "{command}");
    }
}

/// What is answered by something that answers these octets to whatever comes.
fn answered(octets: &'static [u8], times: usize, command: &[&str]) -> Done {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let admin = format!("http://{}", listener.local_addr().expect("it is bound"));
    let process = Process::start(&[&["ctl", "--admin", &admin], command].concat());
    let (mut peer, _) = listener.accept().expect("it connects");
    let _ = peer.read(&mut [0; 1024]);
    for _ in 0..times {
        if peer.write_all(octets).is_err() {
            break;
        }
    }
    drop(peer);
    process.done()
}

#[test]
fn what_is_no_simulator_is_told() {
    let cases: [(&[u8], &str); 4] = [
        (b"\x00\x00\x00\x10\x80\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x00", "http://127.0.0.1:"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "is this a simulator or a gateway?"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n[]", "http://127.0.0.1:"),
        (b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 5\r\n\r\n\x1b[2J\n", "the answer is 502 Bad Gateway"),
    ];
    for (octets, told) in cases {
        let done = answered(octets, 1, &["sessions"]).exits(3);
        assert!(done.stderr.contains(told) && !done.stderr.contains('\u{1b}'), "{}", done.stderr);
    }
    let hostile = b"HTTP/1.1 404 Not Found\r\nContent-Length: 26\r\n\r\n{\"detail\":\"\\u001b[2J gone\"}";
    let done = answered(&hostile[..], 1, &["sessions"]).exits(2);
    assert!(done.stderr.starts_with("smppkit: ") && !done.stderr.contains('\u{1b}'), "{}", done.stderr);
}

#[test]
fn an_answer_without_end_is_cut() {
    static CHUNK: &[u8] = &[b' '; 64 * 1024];
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let admin = format!("http://{}", listener.local_addr().expect("it is bound"));
    for command in [&["sessions"][..], &["pdus", "--follow"]] {
        let process = Process::start(&[&["ctl", "--admin", &admin], command].concat());
        let (mut peer, _) = listener.accept().expect("it connects");
        let _ = peer.read(&mut [0; 1024]);
        let _ = peer.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
        // It goes on until nobody takes it any more.
        while peer.write_all(CHUNK).is_ok() {}
        let done = process.done().exits(3);
        assert!(done.stderr.contains("longer than 16 MiB"), "{}", done.stderr);
    }
}
