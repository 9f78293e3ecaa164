//! PDUs of the record as a file that Wireshark opens.

use core::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};
use core::time::Duration;
use std::collections::HashMap;

use smppkit_inspect::{Capture, Direction as From, Stream};

use super::{Direction, Entry, Party, Place};

/// PDUs in their order, each session a connection of its own.
pub(super) fn pcapng(entries: &[Entry]) -> Vec<u8> {
    let mut streams: HashMap<u64, Stream> = HashMap::new();
    // A Vec takes what it is given.
    let Ok(mut capture) = Capture::new(Vec::new()) else { return Vec::new() };
    for entry in entries {
        let is_ours = is_ours(&entry.party);
        let stream = streams.entry(entry.party.session).or_insert_with(|| stream(&entry.party));
        let from = if is_ours == (entry.direction == Direction::Out) {
            From::FromConnector
        } else {
            From::FromListener
        };
        let at = Duration::from_millis(u64::try_from(entry.unix_ms).unwrap_or_default());
        let _ = capture.write(stream, from, at, &entry.shown());
    }
    capture.into_inner()
}

/// Whether we opened the connection.
fn is_ours(party: &Party) -> bool {
    matches!(party.place, Place::Connector(_))
}

/// The connection of a session, as far as its addresses are known.
fn stream(party: &Party) -> Stream {
    let peer = peer(party.peer);
    // Ports from 49152 on are for those who connect (RFC 6335, 6).
    let port = 49_152 + (party.session % 16_000) as u16;
    if is_ours(party) {
        Stream::between(SocketAddrV4::new(OURS, port), peer)
    } else {
        Stream::between(peer, SocketAddrV4::new(OURS, SMPP))
    }
}

fn peer(peer: SocketAddr) -> SocketAddrV4 {
    let ip = match peer.ip().to_canonical() {
        IpAddr::V4(ip) => ip,
        IpAddr::V6(_) => THEIRS,
    };
    SocketAddrV4::new(ip, peer.port())
}

/// Addresses for examples (RFC 5737).
const OURS: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const THEIRS: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
/// Where Wireshark expects SMPP.
const SMPP: u16 = 2775;
