//! The PROXY protocol: who a load balancer says the peer is. Believed only from listed senders.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use ppp::{HeaderResult, PartialResult};
use tokio::io::{AsyncRead, AsyncReadExt};

/// The longest header of either version that is waited for.
const HEADER_LIMIT_OCTETS: usize = 4096;

/// Addresses in CIDR form, such as `10.0.0.0/8`; a single address is its own network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    /// Whether an address belongs to it.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.prefix)).unwrap_or(0);
                u32::from(network) & mask == u32::from(address) & mask
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.prefix)).unwrap_or(0);
                u128::from(network) & mask == u128::from(address) & mask
            }
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = BadNetwork;

    fn from_str(text: &str) -> Result<Self, BadNetwork> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| BadNetwork)?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.map_or(Ok(longest), str::parse).map_err(|_| BadNetwork)?;
        if prefix > longest { Err(BadNetwork) } else { Ok(Self { address, prefix }) }
    }
}

/// The text is no address and no network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadNetwork;

impl core::fmt::Display for BadNetwork {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("neither an address nor a network such as 10.0.0.0/8")
    }
}

impl std::error::Error for BadNetwork {}

/// Reads a PROXY header: the peer it names (`None`: the balancer itself, for a health check).
///
/// Not one octet more is read: what comes behind it, in the same segment even, is SMPP's or TLS's.
pub(crate) async fn read_header(io: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<SocketAddr>> {
    let mut octets = Vec::with_capacity(128);
    loop {
        let at = octets.len();
        octets.resize(at + missing(&octets), 0);
        io.read_exact(&mut octets[at..]).await?;
        match parse(&octets) {
            Some(Ok(peer)) => return Ok(peer),
            Some(Err(())) => return Err(io::Error::new(io::ErrorKind::InvalidData, "not a PROXY header")),
            None if octets.len() >= HEADER_LIMIT_OCTETS => {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "PROXY header without end"));
            }
            None => {}
        }
    }
}

/// How many octets the header has still at least. Version 2 says its length, behind a signature of
/// 12 octets; version 1 is a line, and its end is found octet by octet.
fn missing(octets: &[u8]) -> usize {
    match octets {
        [0x0D, .., high, low] if octets.len() == 16 => {
            usize::from(u16::from_be_bytes([*high, *low])).clamp(1, HEADER_LIMIT_OCTETS)
        }
        _ => 1,
    }
}

/// The peer that a header names; `None` while octets are missing.
fn parse(octets: &[u8]) -> Option<Result<Option<SocketAddr>, ()>> {
    let header = HeaderResult::parse(octets);
    if header.is_incomplete() {
        return None;
    }
    Some(match header {
        HeaderResult::V1(Ok(header)) => Ok(match header.addresses {
            ppp::v1::Addresses::Tcp4(tcp) => Some(SocketAddr::from((tcp.source_address, tcp.source_port))),
            ppp::v1::Addresses::Tcp6(tcp) => Some(SocketAddr::from((tcp.source_address, tcp.source_port))),
            ppp::v1::Addresses::Unknown => None,
        }),
        HeaderResult::V2(Ok(header)) => Ok(match header.addresses {
            ppp::v2::Addresses::IPv4(ip) => Some(SocketAddr::from((ip.source_address, ip.source_port))),
            ppp::v2::Addresses::IPv6(ip) => Some(SocketAddr::from((ip.source_address, ip.source_port))),
            ppp::v2::Addresses::Unspecified | ppp::v2::Addresses::Unix(_) => None,
        }),
        HeaderResult::V1(Err(_)) | HeaderResult::V2(Err(_)) => Err(()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_contain_their_addresses_only() {
        let network: Network = "10.1.0.0/16".parse().unwrap();
        assert!(
            network.contains("10.1.255.1".parse().unwrap()) && !network.contains("10.2.0.1".parse().unwrap())
        );
        assert!(network.contains("::ffff:10.1.0.1".parse().unwrap()), "an IPv4 address on an IPv6 socket");
        assert!("0.0.0.0/0".parse::<Network>().unwrap().contains("1.2.3.4".parse().unwrap()));
        assert_eq!("10.0.0.0/33".parse::<Network>(), Err(BadNetwork));
    }

    #[tokio::test]
    async fn a_header_names_the_peer_and_leaves_what_follows() {
        let mut octets: &[u8] = b"PROXY TCP4 192.0.2.1 192.0.2.2 4000 2775\r\n\0\0\0\x10";
        let peer = read_header(&mut octets).await.unwrap();
        assert_eq!(peer, Some("192.0.2.1:4000".parse().unwrap()));
        assert_eq!(octets, b"\0\0\0\x10");
        let mut none: &[u8] = b"\0\0\0\x10\0\0\0\x15\0\0\0\0\0\0\0\x01";
        assert!(read_header(&mut none).await.is_err());
    }
}
