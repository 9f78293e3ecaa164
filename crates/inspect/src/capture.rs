//! PDUs as a file that Wireshark opens: pcapng, each PDU in made-up Ethernet, IPv4 and TCP headers.
//!
//! Block layouts: draft-ietf-opsawg-pcapng, 4.1 to 4.3. TCP sequence numbers are the true ones of the stream, so
//! that Wireshark joins PDUs that it finds in several segments.

use core::time::Duration;
use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddrV4};

/// A capture being written.
///
/// ```
/// use core::time::Duration;
/// use smppkit_inspect::{Capture, Direction, Stream};
///
/// let mut capture = Capture::new(Vec::new())?;
/// let mut stream = Stream::between("192.0.2.1:40000".parse().unwrap(), "192.0.2.2:2775".parse().unwrap());
/// let now = Duration::from_secs(1_795_345_200);
/// capture.write(&mut stream, Direction::FromConnector, now, b"\0\0\0\x10\0\0\0\x15\0\0\0\0\0\0\0\x07")?;
/// assert_eq!(capture.into_inner().len() % 4, 0);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Capture<W> {
    out: W,
}

/// One TCP connection of a capture: its addresses, and how far each direction has come.
#[derive(Debug, Clone)]
pub struct Stream {
    connector: SocketAddrV4,
    listener: SocketAddrV4,
    sent: [u32; 2],
}

/// Which side sent octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// The side that opened the connection; mostly the ESME.
    FromConnector,
    /// The side that was listening; mostly the MC.
    FromListener,
}

const ETHERNET: u16 = 1;
/// Octets of a segment, as on most networks.
const SEGMENT_LIMIT: usize = 1460;
const ETHERNET_OCTETS: usize = 14;
const IP_OCTETS: usize = 20;
const TCP_OCTETS: usize = 20;

impl<W: Write> Capture<W> {
    /// Begins a capture: section header and interface.
    pub fn new(out: W) -> io::Result<Self> {
        let mut capture = Self { out };
        let mut section = Vec::new();
        section.extend_from_slice(&0x1A2B_3C4D_u32.to_le_bytes());
        section.extend_from_slice(&1_u16.to_le_bytes());
        section.extend_from_slice(&0_u16.to_le_bytes());
        section.extend_from_slice(&u64::MAX.to_le_bytes()); // the section's length is not known
        capture.block(0x0A0D_0D0A, &section)?;
        let mut interface = Vec::new();
        interface.extend_from_slice(&ETHERNET.to_le_bytes());
        interface.extend_from_slice(&0_u16.to_le_bytes());
        interface.extend_from_slice(&0_u32.to_le_bytes()); // packets are whole
        capture.block(1, &interface)?;
        Ok(capture)
    }

    /// Adds octets that one side sent at a moment, given since 1970-01-01T00:00:00Z.
    pub fn write(
        &mut self,
        stream: &mut Stream,
        direction: Direction,
        at: Duration,
        octets: &[u8],
    ) -> io::Result<()> {
        let mut segments = octets.chunks(SEGMENT_LIMIT).peekable();
        while let Some(segment) = segments.next() {
            let frame = stream.frame(direction, segment, segments.peek().is_none());
            self.packet(at, &frame)?;
        }
        Ok(())
    }

    /// Passes on what the writer holds back.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    /// The writer.
    pub fn into_inner(self) -> W {
        self.out
    }

    fn packet(&mut self, at: Duration, frame: &[u8]) -> io::Result<()> {
        let micros = at.as_micros() as u64;
        let length = (frame.len() as u32).to_le_bytes();
        let mut packet = Vec::with_capacity(frame.len() + 24);
        packet.extend_from_slice(&0_u32.to_le_bytes());
        packet.extend_from_slice(&((micros >> 32) as u32).to_le_bytes());
        packet.extend_from_slice(&(micros as u32).to_le_bytes());
        packet.extend_from_slice(&length);
        packet.extend_from_slice(&length);
        packet.extend_from_slice(frame);
        packet.resize(packet.len().next_multiple_of(4), 0);
        self.block(6, &packet)
    }

    /// A block: its kind, its length before and behind its body.
    fn block(&mut self, kind: u32, body: &[u8]) -> io::Result<()> {
        let length = (body.len() as u32 + 12).to_le_bytes();
        self.out.write_all(&kind.to_le_bytes())?;
        self.out.write_all(&length)?;
        self.out.write_all(body)?;
        self.out.write_all(&length)
    }
}

impl Stream {
    /// A connection from one address to another, nothing sent yet.
    pub const fn between(connector: SocketAddrV4, listener: SocketAddrV4) -> Self {
        Self { connector, listener, sent: [1, 1] }
    }

    /// A segment in its TCP, IPv4 and Ethernet headers.
    fn frame(&mut self, direction: Direction, segment: &[u8], last: bool) -> Vec<u8> {
        let (from, to, us, them) = match direction {
            Direction::FromConnector => (self.connector, self.listener, 0, 1),
            Direction::FromListener => (self.listener, self.connector, 1, 0),
        };
        let (sequence, acknowledged) = (self.sent[us], self.sent[them]);
        self.sent[us] = sequence.wrapping_add(segment.len() as u32);

        let mut frame = Vec::with_capacity(ETHERNET_OCTETS + IP_OCTETS + TCP_OCTETS + segment.len());
        frame.extend_from_slice(&hardware(*to.ip()));
        frame.extend_from_slice(&hardware(*from.ip()));
        frame.extend_from_slice(&[0x08, 0x00]);

        let total = (IP_OCTETS + TCP_OCTETS + segment.len()) as u16;
        let mut ip = [0; IP_OCTETS];
        ip[0] = 0x45; // version 4, five words
        ip[2..4].copy_from_slice(&total.to_be_bytes());
        ip[6] = 0x40; // not to be fragmented
        ip[8] = 64; // time to live
        ip[9] = 6; // TCP
        ip[12..16].copy_from_slice(&from.ip().octets());
        ip[16..20].copy_from_slice(&to.ip().octets());
        let sum = checksum(&[&ip]);
        ip[10..12].copy_from_slice(&sum.to_be_bytes());
        frame.extend_from_slice(&ip);

        let mut tcp = [0; TCP_OCTETS];
        tcp[0..2].copy_from_slice(&from.port().to_be_bytes());
        tcp[2..4].copy_from_slice(&to.port().to_be_bytes());
        tcp[4..8].copy_from_slice(&sequence.to_be_bytes());
        tcp[8..12].copy_from_slice(&acknowledged.to_be_bytes());
        tcp[12] = 0x50; // five words
        tcp[13] = if last { 0x18 } else { 0x10 }; // ACK, and PSH at the end of a write
        tcp[14..16].copy_from_slice(&u16::MAX.to_be_bytes());
        let length = ((TCP_OCTETS + segment.len()) as u16).to_be_bytes();
        let sum = checksum(&[&ip[12..20], &[0, 6], &length, &tcp, segment]);
        tcp[16..18].copy_from_slice(&sum.to_be_bytes());
        frame.extend_from_slice(&tcp);
        frame.extend_from_slice(segment);
        frame
    }
}

/// A locally administered address that shows the IP address.
fn hardware(ip: Ipv4Addr) -> [u8; 6] {
    let [a, b, c, d] = ip.octets();
    [0x02, 0x00, a, b, c, d]
}

/// The Internet checksum of parts that, but for the last, have an even length (RFC 1071).
fn checksum(parts: &[&[u8]]) -> u16 {
    let mut sum = 0_u32;
    for pair in parts.iter().flat_map(|part| part.chunks(2)) {
        sum += u32::from(pair[0]) << 8 | pair.get(1).copied().map_or(0, u32::from);
    }
    while sum > 0xFFFF {
        sum = (sum & 0xFFFF) + (sum >> 16);
    }
    !(sum as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream() -> Stream {
        Stream::between(
            SocketAddrV4::new([192, 0, 2, 1].into(), 40_000),
            SocketAddrV4::new([192, 0, 2, 2].into(), 2775),
        )
    }

    #[test]
    fn checksums_of_written_headers_sum_to_zero() {
        let frame = stream().frame(Direction::FromConnector, b"odd", true);
        let (ip, rest) = frame[ETHERNET_OCTETS..].split_at(IP_OCTETS);
        assert_eq!(checksum(&[ip]), 0);
        let length = (rest.len() as u16).to_be_bytes();
        assert_eq!(checksum(&[&ip[12..20], &[0, 6], &length, rest]), 0);
    }

    #[test]
    fn sequence_numbers_count_octets_and_acknowledge_the_other_side() {
        let mut stream = stream();
        stream.frame(Direction::FromConnector, &[0; 100], true);
        let answer = stream.frame(Direction::FromListener, &[0; 16], true);
        let tcp = &answer[ETHERNET_OCTETS + IP_OCTETS..];
        assert_eq!(tcp[4..8], 1_u32.to_be_bytes());
        assert_eq!(tcp[8..12], 101_u32.to_be_bytes());
    }
}
