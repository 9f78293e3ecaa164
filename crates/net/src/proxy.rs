//! The PROXY protocol: who a load balancer says the peer is. Believed only from listed senders.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use ppp::HeaderResult;
use tokio::io::{AsyncRead, AsyncReadExt};

/// What version 2 begins with.
const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// What version 1 begins with: a line of text.
const WORD: &[u8] = b"PROXY ";
/// The longest line of version 1, by its specification.
const LINE_LIMIT_OCTETS: usize = 107;
/// The longest header of version 2 that is waited for: addresses, and TLVs enough.
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

impl core::fmt::Display for Network {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
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
    // Both versions are longer than the signature.
    let mut octets = vec![0; SIGNATURE.len()];
    io.read_exact(&mut octets).await?;
    if octets == SIGNATURE {
        more(io, &mut octets, 4).await?;
        let length = usize::from(u16::from_be_bytes([octets[14], octets[15]]));
        more(io, &mut octets, length).await?;
    } else if octets.starts_with(WORD) {
        while !octets.ends_with(b"\r\n") {
            more(io, &mut octets, 1).await?;
            if octets.len() > LINE_LIMIT_OCTETS {
                return Err(not_a_header());
            }
        }
    }
    parse(&octets)
}

/// Reads so many octets more.
async fn more(io: &mut (impl AsyncRead + Unpin), octets: &mut Vec<u8>, count: usize) -> io::Result<()> {
    let at = octets.len();
    if at + count > HEADER_LIMIT_OCTETS {
        return Err(not_a_header());
    }
    octets.resize(at + count, 0);
    io.read_exact(&mut octets[at..]).await.map(|_| ())
}

fn not_a_header() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "not a PROXY header")
}

/// The peer that a whole header names.
fn parse(octets: &[u8]) -> io::Result<Option<SocketAddr>> {
    match HeaderResult::parse(octets) {
        HeaderResult::V1(Ok(header)) => Ok(match header.addresses {
            ppp::v1::Addresses::Tcp4(tcp) => Some(SocketAddr::from((tcp.source_address, tcp.source_port))),
            ppp::v1::Addresses::Tcp6(tcp) => Some(SocketAddr::from((tcp.source_address, tcp.source_port))),
            ppp::v1::Addresses::Unknown => None,
        }),
        HeaderResult::V2(Ok(header)) => Ok(match header.addresses {
            // A health check: its addresses are not to be used, even if there are some.
            _ if header.command == ppp::v2::Command::Local => None,
            ppp::v2::Addresses::IPv4(ip) => Some(SocketAddr::from((ip.source_address, ip.source_port))),
            ppp::v2::Addresses::IPv6(ip) => Some(SocketAddr::from((ip.source_address, ip.source_port))),
            ppp::v2::Addresses::Unspecified | ppp::v2::Addresses::Unix(_) => None,
        }),
        HeaderResult::V1(Err(_)) | HeaderResult::V2(Err(_)) => Err(not_a_header()),
    }
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
        let header = b"PROXY TCP4 192.0.2.1 192.0.2.2 4000 2775\r\n\0\0\0\x10";
        let mut octets: &[u8] = header;
        let peer = read_header(&mut octets).await.unwrap();
        assert_eq!(peer, Some("192.0.2.1:4000".parse().unwrap()));
        assert_eq!(octets, b"\0\0\0\x10");
        for at in 1..header.len() {
            let mut cut = header[..at].chain(&header[at..]);
            assert!(read_header(&mut cut).await.is_ok(), "cut at {at}");
        }
        let mut none: &[u8] = b"\0\0\0\x10\0\0\0\x15\0\0\0\0\0\0\0\x01";
        assert!(read_header(&mut none).await.is_err());
    }
}
