//! T22: numbers, texts and passwords are in nothing that the simulator writes, whatever goes wrong.

use std::time::{Duration, Instant};

use crate::healthy::{ask, bind_body, submit_body};
use crate::octets::{cstr, pdu};
use crate::peer::{Next, Peer};
use crate::script::ANSWERED_WITHIN;
use crate::simulator::Simulator;

/// What must not be seen: as text, as hexadecimal, as a list of octets.
const SECRETS: &[&str] = &[
    "CANARYTEXT",
    "CANARYPAYLOAD",
    "CANARYBROADCAST",
    "447911123456",
    "447911654321",
    "447911777777",
    "s3cr3tpw",
    "wr0ngpw1",
    "CANARYUDH",
    "CANARYMALFORMED",
    "CANARYSTREAM",
    "CANARYUCS",
];

#[test]
fn secrets_are_not_in_what_is_written_by_default() {
    search(&exercised(false, None));
}

#[test]
fn secrets_are_not_in_what_is_written_at_trace() {
    let written = exercised(false, Some("trace"));
    assert!(written.len() > 2_000, "at trace something is written");
    search(&written);
}

#[test]
fn secrets_are_not_in_json_logs_at_trace() {
    search(&exercised(true, Some("trace")));
}

/// Does with the simulator whatever may make it write something.
fn exercised(json: bool, log: Option<&str>) -> Vec<u8> {
    let own = ["--account", "canary:s3cr3tpw", "--mo-number", "447911777777", "--receipt-delay", "20ms"];
    let simulator = if json { Simulator::start_json(&own, log) } else { Simulator::start_with(&own, log) };
    let mut peer = Peer::connect(simulator.address).expect("it listens");
    let until = Instant::now() + ANSWERED_WITHIN;
    let wrong = ask(&mut peer, "bind_transceiver", 1, &bind_body("canary", "wr0ngpw1", 0x50), until);
    assert!(wrong.is_err(), "a wrong password binds");
    let too_long = [&cstr("canary")[..], &cstr("s3cr3tpwCANARY"), &[0, 0x50, 0, 0, 0]].concat();
    let _ = ask(&mut peer, "bind_transceiver", 2, &too_long, until);
    ask(&mut peer, "bind_transceiver", 3, &bind_body("canary", "s3cr3tpw", 0x50), until).expect("it binds");

    let submit = submit_body("447911123456", "447911654321", "CANARYTEXT", 1);
    let back = submit_body("447911123456", "447911777777", "CANARYTEXT", 0);
    let to = b"\0\x01\x01447911123456\0\x01\x01447911654321\0";
    let payload = b"\x04\x24\0\x0dCANARYPAYLOAD";
    let udh = [&to[..], &[0x40], &[0; 8], &[15, 5, 0, 3, 1, 2, 1], b"CANARYUDH"].concat();
    let ucs: Vec<u8> = "CANARYUCS".bytes().flat_map(|octet| [0, octet]).collect();
    let ucs = [&to[..], &[0; 7], &[8, 0, 18], &ucs].concat();
    let multi = [
        &b"\0\x01\x01447911123456\0\x02\x01\x01\x01447911654321\0\x01\x01\x01\0"[..],
        &[0; 9],
        b"\x0aCANARYTEXT",
    ]
    .concat();
    let cast = [
        &b"\0\x01\x01447911123456\0\0\0\0\0\0\0\0"[..],
        b"\x06\x06\0\x02\0A\x06\x01\0\x03\0\0\x10\x06\x04\0\x02\0\x01\x06\x05\0\x03\x09\0\x1f",
        b"\x04\x24\0\x0fCANARYBROADCAST",
    ]
    .concat();
    let malformed = [&to[..], &[0; 9], &[200], b"CANARYMALFORMED"].concat();
    let bad_tlv = [&submit[..], b"\x02\x04\0\x0fCANARYMALFORMED"].concat();
    let replace = [&b"1\0\x01\x01447911123456\0"[..], &[0; 4], b"\x0aCANARYTEXT"].concat();
    let endless = b"CANARYMALFORMED447911654321".repeat(10);
    let requests: &[(u32, &[u8])] = &[
        (0x04, &submit),
        (0x04, &back),
        (0x04, &udh),
        (0x04, &ucs),
        (0x103, &[&to[..], &[0, 1, 0], payload].concat()),
        (0x103, &[&to[..], &[2, 1, 0], payload].concat()),
        (0x21, &multi),
        (0x111, &cast),
        (0x04, &malformed),
        (0x04, &bad_tlv),
        (0x04, &endless),
        (0x07, &replace),
        (0x03, b"447911654321\0\x01\x01447911123456\0"),
        (0x08, b"\0CANARYTEXT\0\x01\x01447911123456\0\x01\x01447911654321\0"),
        (0x05, &submit),
        (0x0999, b"CANARYMALFORMED447911654321"),
        (0x09, &bind_body("canary", "wr0ngpw1", 0x50)),
        (0x0B, &[&cstr("canary")[..], &cstr("wr0ngpw1")].concat()),
        (0x102, b"\x01\x01447911654321\0\x01\x01447911123456\0"),
        (0x8000_0004, b"CANARYTEXT\0"),
        (0x8000_0005, b"CANARYMALFORMED"),
    ];
    for ((command, body), number) in requests.iter().zip(10..) {
        peer.send(&pdu(*command, number, body)).expect("it is read");
    }
    // Receipts and the message that came back: refused once, answered with rubbish once, then taken.
    let mut deliveries = 0;
    while let Next::Pdu(came) = peer.next(Duration::from_millis(150)) {
        if came.command_id == 0x05 {
            let mut answer = pdu(0x8000_0005, came.sequence_number, b"CANARYTEXT");
            answer[11] = [0x64, 0x00, 0x45, 0x00][deliveries % 4];
            deliveries += 1;
            peer.send(&answer).expect("it is read");
        }
    }
    assert!(deliveries >= 3, "{deliveries} deliveries");
    // And the end: octets that are no PDU.
    let _ = peer.send(b"CANARYSTREAM447911654321s3cr3tpw");
    let _ = peer.next(ANSWERED_WITHIN);
    let _ = peer.next(ANSWERED_WITHIN);
    simulator.stop()
}

fn search(written: &[u8]) {
    let text = String::from_utf8_lossy(written).to_lowercase();
    for secret in SECRETS {
        let octets = secret.as_bytes();
        let hexadecimal: Vec<String> = octets.iter().map(|octet| format!("{octet:02x}")).collect();
        let list: Vec<String> = octets.iter().map(u8::to_string).collect();
        for shape in [secret.to_lowercase(), hexadecimal.concat(), hexadecimal.join(" "), list.join(", ")] {
            if let Some(at) = text.find(&shape) {
                let line = text[..at].rfind('\n').map_or(0, |at| at + 1);
                let end = text[at..].find('\n').map_or(text.len(), |end| at + end);
                panic!("{secret} is in what was written: {}", &text[line..end]);
            }
        }
    }
}

#[test]
fn control_characters_of_a_peer_do_not_reach_the_terminal() {
    for flags in [&["--receipt-delay", "10ms"][..], &["--receipt-delay", "10ms", "--show-messages"]] {
        let simulator = Simulator::start(flags);
        let until = Instant::now() + ANSWERED_WITHIN;
        let evil = "\u{1b}[2J\nroot: x";
        let mut peer = Peer::connect(simulator.address).expect("it listens");
        let bind = [&cstr(evil)[..], &cstr("x"), &[0, 0x34, 0, 0, 0]].concat();
        ask(&mut peer, "bind_transceiver", 1, &bind, until).expect("anybody may bind");
        let body = submit_body("\u{1b}[31m\nroot: y", "4477\u{7}00", "Hi\u{1b}]0;owned\u{7}\nroot: z", 1);
        ask(&mut peer, "submit_sm", 2, &body, until).expect("it is taken");
        let bidi: Vec<u8> = "a\u{202e}b\u{2028}c".encode_utf16().flat_map(u16::to_be_bytes).collect();
        let to = b"\0\x01\x01447911123456\0\x01\x01447911654321\0";
        let length = u8::try_from(bidi.len()).expect("it is short");
        let body = [&to[..], &[0; 7], &[8, 0, length], &bidi].concat();
        ask(&mut peer, "submit_sm", 3, &body, until).expect("it is taken");
        let _ = peer.next(Duration::from_millis(100));
        drop(peer);
        let mut peer = Peer::connect(simulator.address).expect("it listens");
        let _ = ask(&mut peer, "bind_transceiver", 1, &[&cstr(evil)[..], &[b'x'; 20]].concat(), until);
        std::thread::sleep(Duration::from_millis(50));
        let written = simulator.stop();
        let text = String::from_utf8_lossy(&written);
        assert!(!text.contains('\u{1b}') && !text.contains('\u{7}'), "{flags:?}: {text}");
        assert!(!text.lines().any(|line| line.starts_with("root:")), "{flags:?}: {text}");
        assert!(!text.contains('\u{202e}') && !text.contains('\u{2028}'), "{flags:?}: {text}");
    }
}
