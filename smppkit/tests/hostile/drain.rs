//! SIGTERM: what was read is answered, every session is unbound, the exit code is 0; the second one
//! ends it at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crate::healthy::{ask, bind_body, submit_body};
use crate::octets::pdu;
use crate::peer::{Next, Peer};
use crate::script::ANSWERED_WITHIN;
use crate::simulator::Simulator;

const SUBMIT_SM: u32 = 0x04;
const UNBIND: u32 = 0x06;
const UNBIND_RESP: u32 = 0x8000_0006;
const DATA_SM: u32 = 0x103;

fn bound(simulator: &Simulator, command: &str) -> Peer {
    let mut peer = Peer::connect(simulator.address).expect("it listens");
    let until = Instant::now() + ANSWERED_WITHIN;
    ask(&mut peer, command, 1, &bind_body("drain", "secret", 0x50), until).expect("anybody may bind");
    peer
}

fn unbound(peer: &mut Peer) {
    match peer.next(ANSWERED_WITHIN) {
        Next::Pdu(came) if came.command_id == UNBIND => {
            peer.send(&pdu(UNBIND_RESP, came.sequence_number, &[])).expect("it is read");
        }
        other => panic!("expected unbind, got {other}"),
    }
    assert_eq!(peer.next(ANSWERED_WITHIN), Next::Closed(0), "after unbind_resp");
}

fn exited(simulator: &mut Simulator, within: Duration) {
    let status = simulator.ended(within).expect("it ends in time");
    assert_eq!(status.code(), Some(0), "{status}");
}

#[test]
fn sessions_are_unbound_and_others_closed() {
    let mut simulator = Simulator::start(&[]);
    let mut sessions: Vec<Peer> = ["bind_transmitter", "bind_receiver", "bind_transceiver"]
        .iter()
        .map(|command| bound(&simulator, command))
        .collect();
    let mut open = Peer::connect(simulator.address).expect("it listens");
    ask(&mut open, "enquire_link", 1, &[], Instant::now() + ANSWERED_WITHIN).expect("it is answered");
    simulator.terminate();
    assert_eq!(open.next(ANSWERED_WITHIN), Next::Closed(0), "a connection without a bind");
    if let Ok(mut late) = Peer::connect(simulator.address) {
        let _ = late.send(&pdu(0x15, 1, &[]));
        assert_eq!(late.next(ANSWERED_WITHIN), Next::Closed(0), "a connection that came too late");
    }
    for session in &mut sessions {
        unbound(session);
    }
    exited(&mut simulator, Duration::from_secs(2));
}

#[test]
fn requests_that_wait_for_their_outcome_are_answered_before_unbind() {
    let mut simulator = Simulator::start(&["--receipt-delay", "500ms"]);
    let mut peer = bound(&simulator, "bind_transceiver");
    let body = b"\0\x05\0Sender\0\x01\x01447700900001\0\x02\0\0\x04\x24\0\x02Hi";
    for number in 1..=20 {
        peer.send(&pdu(DATA_SM, number, body)).expect("it is read");
    }
    ask(&mut peer, "enquire_link", 99, &[], Instant::now() + ANSWERED_WITHIN)
        .expect("all before it was read");
    simulator.terminate();
    for number in 1..=20 {
        match peer.next(ANSWERED_WITHIN) {
            Next::Pdu(came) if came.command_id == DATA_SM | 0x8000_0000 => {
                assert_eq!((came.status, came.sequence_number), (0, number));
            }
            other => panic!("expected data_sm_resp {number}, got {other}"),
        }
    }
    unbound(&mut peer);
    exited(&mut simulator, Duration::from_secs(2));
}

#[test]
fn submits_under_way_are_all_answered() {
    let mut simulator = Simulator::start(&[]);
    let mut peer = bound(&simulator, "bind_transmitter");
    let sent = Arc::new(AtomicU32::new(0));
    let stop = Arc::new(AtomicBool::new(false));
    let mut stream = peer.stream.try_clone().expect("a descriptor is free");
    let writer = {
        let (sent, stop) = (Arc::clone(&sent), Arc::clone(&stop));
        let body = submit_body("1", "447700900001", "Hello", 0);
        std::thread::spawn(move || {
            while !stop.load(Ordering::Acquire) {
                let first = sent.load(Ordering::Acquire);
                let many: Vec<u8> = (1..=50).flat_map(|n| pdu(SUBMIT_SM, first + n, &body)).collect();
                if std::io::Write::write_all(&mut stream, &many).is_err() {
                    return;
                }
                sent.store(first + 50, Ordering::Release);
            }
        })
    };
    let (mut answered, mut taken, mut unbind) = (0, 0, None);
    let mut writer = Some(writer);
    loop {
        match peer.next(ANSWERED_WITHIN) {
            Next::Pdu(came) if came.command_id == SUBMIT_SM | 0x8000_0000 => {
                answered += 1;
                assert_eq!(came.sequence_number, answered, "answers in order");
                match came.status {
                    0 => taken += 1,
                    4 => {}
                    _ => panic!("neither taken nor ESME_RINVBNDSTS: {came}"),
                }
                if answered == 1_000 {
                    simulator.terminate();
                }
            }
            Next::Pdu(came) if came.command_id == UNBIND => {
                unbind = Some(came.sequence_number);
                stop.store(true, Ordering::Release);
                if let Some(writer) = writer.take() {
                    writer.join().expect("the writer only writes");
                }
            }
            other => panic!("after {answered} answers: {other}"),
        }
        if unbind.is_some() && answered >= sent.load(Ordering::Acquire) {
            break;
        }
    }
    assert!(taken >= 1_000 && answered == sent.load(Ordering::Acquire), "{taken} taken, {answered} answered");
    let number = unbind.expect("it came");
    peer.send(&pdu(UNBIND_RESP, number, &[])).expect("it is read");
    assert_eq!(peer.next(ANSWERED_WITHIN), Next::Closed(0));
    exited(&mut simulator, Duration::from_secs(2));
}

#[test]
fn peers_that_never_answer_unbind_hold_it_up_for_the_response_time_only() {
    let mut simulator = Simulator::start(&["--response", "500ms"]);
    let mut peer = bound(&simulator, "bind_transceiver");
    simulator.terminate();
    let next = peer.next(ANSWERED_WITHIN);
    assert!(matches!(&next, Next::Pdu(came) if came.command_id == UNBIND), "{next}");
    exited(&mut simulator, Duration::from_millis(2_500));
}

#[test]
fn the_drain_timeout_is_the_longest_that_anybody_waits() {
    let mut simulator = Simulator::start(&["--drain-timeout", "500ms"]);
    let _mute = bound(&simulator, "bind_transceiver");
    simulator.terminate();
    exited(&mut simulator, Duration::from_millis(2_500));
}

#[test]
fn a_second_sigterm_ends_it_at_once() {
    let mut simulator = Simulator::start(&[]);
    let mut peer = bound(&simulator, "bind_transceiver");
    simulator.terminate();
    let next = peer.next(ANSWERED_WITHIN);
    assert!(matches!(&next, Next::Pdu(came) if came.command_id == UNBIND), "{next}");
    assert!(simulator.ended(Duration::from_millis(200)).is_none(), "it waits for unbind_resp");
    simulator.terminate();
    let status = simulator.ended(Duration::from_millis(500)).expect("it ends at once");
    assert_ne!(status.code(), Some(0), "what was not done is no success");
}

/// The signal is caught before the line that says where it listens, which is what scripts wait for.
#[test]
fn a_sigterm_right_after_the_start_drains_like_any_other() {
    for _ in 0..20 {
        let mut simulator = Simulator::start(&[]);
        simulator.terminate();
        exited(&mut simulator, Duration::from_secs(2));
    }
}
