//! Too much of everything: connections, requests, answers that nobody reads or gives.

use std::collections::BTreeSet;
use std::io::{ErrorKind, Write};
use std::time::{Duration, Instant};

use crate::healthy::{ask, bind_body, served, submit_body};
use crate::octets::pdu;
use crate::peer::{Came, Next, Peer};
use crate::script::ANSWERED_WITHIN;
use crate::simulator::Simulator;

const SUBMIT_SM: u32 = 0x04;
const SUBMIT_SM_RESP: u32 = 0x8000_0004;
const DELIVER_SM: u32 = 0x05;
const DELIVER_SM_RESP: u32 = 0x8000_0005;
const UNBIND: u32 = 0x06;
const ENQUIRE_LINK: u32 = 0x15;
const SUBMIT_MULTI: u32 = 0x21;

fn bound(simulator: &Simulator, command: &str, system_id: &str, version: u8) -> Peer {
    let mut peer = Peer::connect(simulator.address).expect("it listens");
    let until = Instant::now() + ANSWERED_WITHIN;
    ask(&mut peer, command, 1, &bind_body(system_id, "secret", version), until).expect("anybody may bind");
    peer
}

fn healthy(simulator: &Simulator) {
    served(simulator.address, None).expect("others are served");
}

/// Sends the same PDU under new numbers until nothing is taken for half a second. How many went out
/// whole, and what is left of the next.
fn fill(peer: &mut Peer, command_id: u32, body: &[u8], limit_octets: usize) -> (u32, Vec<u8>) {
    peer.stream.set_write_timeout(Some(Duration::from_millis(500))).expect("the time is not zero");
    let (mut sent, mut octets) = (0, 0);
    let mut left = Vec::new();
    while octets < limit_octets {
        if left.is_empty() {
            left = (1..=256).flat_map(|n| pdu(command_id, sent + n, body)).collect();
            sent += 256;
        }
        match peer.stream.write(&left) {
            Ok(written) => {
                octets += written;
                left.drain(..written);
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                return (sent, left);
            }
            Err(error) => panic!("the connection broke: {error}"),
        }
    }
    panic!("{limit_octets} octets were taken while no answer was read");
}

#[test]
fn connections_that_never_bind() {
    let simulator = Simulator::start(&["--session-init", "2s"]);
    healthy(&simulator);
    let before = simulator.memory_mib();
    let mut idle = Vec::new();
    for number in 0..1_000 {
        let mut peer = Peer::connect(simulator.address).expect("it listens");
        if number % 2 == 1 {
            peer.send(&[0, 0, 0, 40, 0, 0, 0, 9]).expect("half a bind is taken");
        }
        idle.push(peer);
        if number % 100 == 99 {
            healthy(&simulator);
        }
    }
    let after = simulator.memory_mib();
    assert!(after <= before + 32, "1,000 sockets took {before} to {after} MiB");
    let until = Instant::now() + Duration::from_secs(5);
    for (number, peer) in idle.iter_mut().enumerate() {
        let next = peer.next(until.saturating_duration_since(Instant::now()));
        assert_eq!(next, Next::Closed(0), "socket {number} of 1,000 after session_init");
    }
    healthy(&simulator);
}

#[test]
fn submit_flood_never_reading_answers() {
    let simulator = Simulator::start(&["--receipt-delay", "1h"]);
    let before = simulator.memory_mib();
    // The answer to a destination without a number is twice as long as the question.
    let nobody: Vec<u8> = (0..254).flat_map(|ton| [1, ton, 0, 0]).collect();
    let head = b"\0\x05\0Sender\0\xff\x01\x01\x01447700900001\0";
    let body = [&head[..], &nobody, &[0; 9], &[2, b'H', b'i']].concat();
    let mut flood = bound(&simulator, "bind_transceiver", "flood", 0x50);
    let (sent, left) = fill(&mut flood, SUBMIT_MULTI, &body, 128 << 20);
    let mut plain = bound(&simulator, "bind_transmitter", "plain", 0x34);
    let text = submit_body("1", "447700900001", "Hello", 0);
    let (plain_sent, plain_left) = fill(&mut plain, SUBMIT_SM, &text, 128 << 20);
    for _ in 0..5 {
        healthy(&simulator);
    }
    let after = simulator.memory_mib();
    // 100,000 messages are remembered, in 40 MB; two write queues of 1 MiB.
    assert!(after <= before + 96, "two floods took {before} to {after} MiB");

    // Whoever begins to read gets every answer, in order.
    let rest = flood.send_aside(left).expect("the connection is there");
    for number in 1..=sent {
        match flood.next(ANSWERED_WITHIN) {
            Next::Pdu(Came { command_id: 0x8000_0021, status: 0, sequence_number, .. })
                if sequence_number == number => {}
            other => panic!("submit_multi {number} of {sent}: {other}"),
        }
    }
    let plain_rest = plain.send_aside(plain_left).expect("the connection is there");
    for number in 1..=plain_sent {
        match plain.next(ANSWERED_WITHIN) {
            Next::Pdu(Came { command_id: SUBMIT_SM_RESP, status: 0, sequence_number, .. })
                if sequence_number == number => {}
            other => panic!("submit_sm {number} of {plain_sent}: {other}"),
        }
    }
    rest.join().expect("the rest is sent");
    plain_rest.join().expect("the rest is sent");
    ask(&mut flood, "enquire_link", 9, &[], Instant::now() + ANSWERED_WITHIN).expect("it goes on");
    healthy(&simulator);
}

#[test]
fn a_flood_of_enquire_link_is_cut_off_and_a_brisk_peer_is_not() {
    let simulator = Simulator::start(&[]);
    let mut brisk = bound(&simulator, "bind_transceiver", "brisk", 0x34);
    for number in 1..=90 {
        ask(&mut brisk, "enquire_link", number, &[], Instant::now() + ANSWERED_WITHIN).expect("no flood");
    }
    let mut flood = bound(&simulator, "bind_transceiver", "flood", 0x34);
    let many = (1..=2_000).flat_map(|number| pdu(ENQUIRE_LINK, number, &[])).collect();
    let writer = flood.send_aside(many).expect("the connection is there");
    let mut answers = 0;
    while let Next::Pdu(came) = flood.next(ANSWERED_WITHIN) {
        assert_eq!(came.command_id, 0x8000_0015, "{came}");
        answers += 1;
    }
    writer.join().expect("the writer only writes");
    assert!((100..500).contains(&answers), "{answers} of 2,000 enquire_link were answered");
    assert_eq!(flood.next(ANSWERED_WITHIN), Next::Closed(0));
    healthy(&simulator);
}

#[test]
fn deliveries_that_are_never_answered_stay_within_the_window() {
    let flags = ["--window", "5", "--mo-number", "777", "--receipt-delay", "10ms", "--response", "1s"];
    let simulator = Simulator::start(&flags);
    let mut mute = bound(&simulator, "bind_transceiver", "mute", 0x34);
    let began = Instant::now();
    for number in 1..=50 {
        let body = submit_body("1", "777", &format!("message {number:02}"), 0);
        mute.send(&pdu(SUBMIT_SM, 100 + number, &body)).expect("it is read");
    }
    let (mut answers, mut deliveries) = (0, Vec::new());
    loop {
        match mute.next(Duration::from_secs(3)) {
            Next::Pdu(came) if came.command_id == SUBMIT_SM_RESP => answers += 1,
            Next::Pdu(came) if came.command_id == DELIVER_SM => deliveries.push(text_of(&came)),
            Next::Pdu(came) if came.command_id == UNBIND => break,
            other => panic!("neither an answer nor a delivery nor unbind: {other}"),
        }
        if deliveries.len() == 5 && answers == 50 && began.elapsed() < Duration::from_millis(200) {
            healthy(&simulator);
        }
    }
    assert!(began.elapsed() >= Duration::from_millis(900), "unbind before the response timer");
    assert_eq!((answers, deliveries.len()), (50, 5), "answers, and deliveries in a window of 5");
    assert_eq!(mute.next(Duration::from_secs(3)), Next::Closed(0), "it never answered unbind, either");
    healthy(&simulator);

    // Nothing is lost: the next session of the account gets all of them.
    let mut reader = bound(&simulator, "bind_receiver", "mute", 0x34);
    let mut texts = BTreeSet::new();
    while texts.len() < 50 {
        match reader.next(Duration::from_secs(3)) {
            Next::Pdu(came) if came.command_id == DELIVER_SM => {
                texts.insert(text_of(&came));
                reader.send(&pdu(DELIVER_SM_RESP, came.sequence_number, &[0])).expect("it is read");
            }
            other => panic!("after {} messages: {other}", texts.len()),
        }
    }
}

#[test]
fn deliveries_that_one_session_holds_back_reach_another_of_the_account() {
    let flags = ["--window", "3", "--mo-number", "777", "--receipt-delay", "10ms", "--response", "700ms"];
    let simulator = Simulator::start(&flags);
    let mute = bound(&simulator, "bind_receiver", "both", 0x34);
    let mut good = bound(&simulator, "bind_transceiver", "both", 0x34);
    for number in 1..=20 {
        let body = submit_body("1", "777", &format!("message {number:02}"), 0);
        good.send(&pdu(SUBMIT_SM, 100 + number, &body)).expect("it is read");
    }
    let mut texts = BTreeSet::new();
    while texts.len() < 20 {
        match good.next(Duration::from_secs(3)) {
            Next::Pdu(came) if came.command_id == SUBMIT_SM_RESP => {}
            Next::Pdu(came) if came.command_id == DELIVER_SM => {
                texts.insert(text_of(&came));
                good.send(&pdu(DELIVER_SM_RESP, came.sequence_number, &[0])).expect("it is read");
            }
            other => panic!("after {} messages: {other}", texts.len()),
        }
    }
    drop(mute);
    healthy(&simulator);
}

/// The last ten octets of a delivery: its text, for these messages have no TLVs.
fn text_of(came: &Came) -> String {
    let text = came.octets.len().saturating_sub(10);
    String::from_utf8_lossy(&came.octets[text..]).into_owned()
}
