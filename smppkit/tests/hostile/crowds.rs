//! More connections and sessions than the flags allow.

use std::time::Instant;

use crate::healthy::{ask, bind_body, served};
use crate::names;
use crate::octets::pdu;
use crate::peer::{Next, Peer};
use crate::script::{ANSWERED_WITHIN, is};
use crate::simulator::Simulator;

fn connected(simulator: &Simulator) -> Peer {
    Peer::connect(simulator.address).expect("it listens")
}

fn bind(peer: &mut Peer, system_id: &str) -> Result<(), String> {
    let until = Instant::now() + ANSWERED_WITHIN;
    ask(peer, "bind_transceiver", 1, &bind_body(system_id, "secret", 0x50), until).map(|_| ())
}

fn alive(peer: &mut Peer) -> Result<(), String> {
    ask(peer, "enquire_link", 2, &[], Instant::now() + ANSWERED_WITHIN).map(|_| ())
}

/// A connection is refused by closing it.
fn refused(simulator: &Simulator) {
    let mut peer = connected(simulator);
    let _ = peer.send(&pdu(0x15, 3, &[]));
    assert_eq!(peer.next(ANSWERED_WITHIN), Next::Closed(0), "one connection too many");
}

#[test]
fn connections_in_all_are_limited_and_those_inside_are_served() {
    for flag in ["--max-connections", "--max-connections-per-address"] {
        let simulator = Simulator::start(&[flag, "5"]);
        let mut inside: Vec<Peer> = (0..5).map(|_| connected(&simulator)).collect();
        for (number, peer) in inside.iter_mut().enumerate() {
            bind(peer, &format!("esme{number}")).unwrap();
        }
        for _ in 0..20 {
            refused(&simulator);
        }
        for peer in &mut inside {
            alive(peer).unwrap();
        }
        // A place that is given up is another's.
        let mut last = inside.pop().expect("there are five");
        ask(&mut last, "unbind", 4, &[], Instant::now() + ANSWERED_WITHIN).unwrap();
        assert_eq!(last.next(ANSWERED_WITHIN), Next::Closed(0));
        drop(last);
        std::thread::sleep(std::time::Duration::from_millis(50));
        served(simulator.address, None).unwrap();
    }
}

#[test]
fn beyond_the_unbound_connections_of_an_address_the_oldest_is_cut() {
    let simulator = Simulator::start(&["--max-unbound-per-address", "3", "--session-init", "off"]);
    let mut bound = connected(&simulator);
    bind(&mut bound, "bound").unwrap();
    let mut unbound: Vec<Peer> = Vec::new();
    for _ in 0..3 {
        unbound.push(connected(&simulator));
        alive(unbound.last_mut().expect("one was just put in")).unwrap();
    }
    unbound.push(connected(&simulator));
    assert_eq!(unbound[0].next(ANSWERED_WITHIN), Next::Closed(0), "the oldest");
    for peer in &mut unbound[1..] {
        alive(peer).unwrap();
    }
    alive(&mut bound).expect("a bound session is not counted");
    served(simulator.address, None).unwrap();
}

#[test]
fn sessions_of_an_account_are_limited_and_other_accounts_bind() {
    let simulator = Simulator::start(&["--max-sessions-per-account", "2"]);
    let mut inside: Vec<Peer> = (0..2).map(|_| connected(&simulator)).collect();
    for peer in &mut inside {
        bind(peer, "greedy").unwrap();
    }
    let mut third = connected(&simulator);
    third.send(&pdu(0x09, 7, &bind_body("greedy", "secret", 0x50))).expect("it is read");
    let refusals = ["ESME_RBINDFAIL", "ESME_RALYBND", "ESME_RPROHIBITED"].map(names::status_value);
    let refusals: Vec<u32> = refusals.into_iter().flatten().collect();
    is(&third.next(ANSWERED_WITHIN), 0x8000_0009, &refusals, &[7]).unwrap();
    served(simulator.address, None).unwrap();
    drop(inside.pop());
    std::thread::sleep(std::time::Duration::from_millis(50));
    bind(&mut third, "greedy").expect("one of the two has gone");
}
