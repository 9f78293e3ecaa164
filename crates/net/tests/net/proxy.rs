//! Who a load balancer says the peer is.

use std::net::SocketAddr;
use std::time::Duration;

use smppkit_net::{Network, SessionConfig};
use smppkit_wire::Header;
use tokio::io::AsyncWriteExt;

use crate::peer::{Peer, bind, submit, until};
use crate::script::{SUBMIT_SM_RESP, Script, Server};

const V1: &[u8] = b"PROXY TCP4 192.0.2.1 192.0.2.2 4000 2775\r\n";
const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// Version 2, IPv4, with a TLV behind the addresses.
fn v2() -> Vec<u8> {
    let addresses = [192, 0, 2, 1, 192, 0, 2, 2, 0x0F, 0xA0, 0x0A, 0xD7];
    let noop = [0x04, 0, 1, 0];
    [SIGNATURE, &[0x21, 0x11, 0, 16], &addresses, &noop].concat()
}

async fn behind(networks: &[&str]) -> Server {
    let networks: Vec<Network> = networks.iter().map(|network| network.parse().unwrap()).collect();
    let config = SessionConfig { session_init: Some(Duration::from_millis(500)), ..SessionConfig::default() };
    Server::start(|listener| listener.proxies(networks).session(config), |seen, _| Script::polite(seen)).await
}

async fn shown(server: &Server) -> SocketAddr {
    until(|| !server.seen.peers.lock().unwrap().is_empty()).await;
    server.seen.peers.lock().unwrap()[0]
}

#[tokio::test]
async fn the_application_sees_the_peer_that_the_header_names() {
    let v1_v6: &[u8] = b"PROXY TCP6 2001:db8::1 2001:db8::2 4000 2775\r\n";
    for (header, peer) in
        [(V1, "192.0.2.1:4000"), (&v2()[..], "192.0.2.1:4000"), (v1_v6, "[2001:db8::1]:4000")]
    {
        let server = behind(&["10.0.0.0/8", "127.0.0.0/8"]).await;
        let mut sender = Peer::connect(server.address).await;
        sender.send(header).await;
        sender.bind().await;
        assert_eq!(shown(&server).await, peer.parse().unwrap());
    }
}

#[tokio::test]
async fn octets_of_smpp_in_the_segment_of_the_header_are_kept() {
    for header in [V1, &v2()] {
        let server = behind(&["127.0.0.1"]).await;
        let mut sender = Peer::connect(server.address).await;
        sender.send(&[header, &bind(), &submit(2), &submit(3)[..20]].concat()).await;
        sender.next().await;
        sender.expect(SUBMIT_SM_RESP, 2).await;
        sender.send(&submit(3)[20..]).await;
        sender.expect(SUBMIT_SM_RESP, 3).await;
    }
}

#[tokio::test]
async fn a_header_may_come_octet_by_octet() {
    for header in [V1, &v2()] {
        let server = behind(&["127.0.0.1"]).await;
        let mut sender = Peer::connect(server.address).await;
        for octet in header {
            sender.send(&[*octet]).await;
            tokio::task::yield_now().await;
        }
        sender.bind().await;
        assert_eq!(shown(&server).await, "192.0.2.1:4000".parse().unwrap());
    }
}

#[tokio::test]
async fn a_balancer_that_speaks_for_itself_is_the_peer() {
    let local = [SIGNATURE, &[0x20, 0x00, 0, 0]].concat();
    for header in [&b"PROXY UNKNOWN\r\n"[..], &local] {
        let server = behind(&["127.0.0.1"]).await;
        let mut sender = Peer::connect(server.address).await;
        sender.send(header).await;
        sender.bind().await;
        assert_eq!(shown(&server).await, sender.stream.local_addr().unwrap());
    }
}

#[tokio::test]
async fn from_senders_that_are_not_listed_a_header_is_no_smpp() {
    let server = behind(&["10.0.0.0/8", "::1"]).await;
    let mut sender = Peer::connect(server.address).await;
    sender.send(&[V1, &bind()].concat()).await;
    let nack = sender.next().await;
    assert_eq!(nack.command_id, Header::GENERIC_NACK);
    sender.is_closed().await;
    drop(sender);
    assert_eq!(server.seen.end().await, "command_length out of range");
    assert!(server.seen.peers.lock().unwrap().is_empty());
    Peer::bound(server.address).await.is_served(2).await;
}

#[tokio::test]
async fn listed_senders_without_a_header_are_refused() {
    let long = [b"PROXY TCP4 ", &[b'1'; 5000][..]].concat();
    let endless = [SIGNATURE, &[0x21, 0x11, 0xFF, 0xFF], &[0; 5000][..]].concat();
    let unknown = [SIGNATURE, &[0xFF, 0xFF, 0, 0]].concat();
    for octets in [
        &bind()[..],
        b"GET / HTTP/1.1\r\n\r\n",
        b"PROXY TCP4 x y z 1\r\n",
        b"\r\n",
        &long,
        &endless,
        &unknown,
    ] {
        let server = behind(&["127.0.0.1"]).await;
        let mut sender = Peer::connect(server.address).await;
        // It may be closed before all is sent.
        let _ = sender.stream.write_all(octets).await;
        sender.is_closed().await;
        until(|| server.gate.is_empty()).await;
        assert!(server.seen.peers.lock().unwrap().is_empty(), "{}", octets.escape_ascii());
    }
}

#[tokio::test]
async fn a_header_that_never_ends_is_waited_for_as_long_as_for_a_bind() {
    let server = behind(&["127.0.0.1"]).await;
    let mut sender = Peer::connect(server.address).await;
    sender.send(&V1[..10]).await;
    sender.is_closed().await;
    until(|| server.gate.is_empty()).await;
}

#[tokio::test]
async fn a_listed_sender_that_closes_is_gone() {
    let server = behind(&["127.0.0.1"]).await;
    drop(Peer::connect(server.address).await);
    until(|| server.gate.is_empty()).await;
}
