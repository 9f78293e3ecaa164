//! One TCP connection, as raw as it gets: octets out, whole PDUs in.

use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::names;

/// A connection, and what was read of it and not looked at.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) stream: TcpStream,
    unread: Vec<u8>,
}

/// A PDU that came: of the header all, of the body nothing is understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Came {
    pub(crate) command_id: u32,
    pub(crate) status: u32,
    pub(crate) sequence_number: u32,
    pub(crate) octets: Vec<u8>,
}

/// What came next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Next {
    Pdu(Came),
    /// End of file or a reset; how many octets of an unfinished PDU came before it.
    Closed(usize),
    Silence,
    /// Octets that are no PDU.
    Garbage(u32),
}

impl Peer {
    pub(crate) fn connect(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, Duration::from_secs(2))?;
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(Duration::from_secs(5)))?;
        Ok(Self { stream, unread: Vec::new() })
    }

    pub(crate) fn send(&mut self, octets: &[u8]) -> io::Result<()> {
        self.stream.write_all(octets)
    }

    /// Writes from a thread of its own, so that nobody waits while the other side does not read.
    pub(crate) fn send_aside(&self, octets: Vec<u8>) -> io::Result<std::thread::JoinHandle<()>> {
        let mut stream = self.stream.try_clone()?;
        Ok(std::thread::spawn(move || {
            // Being refused is a matter of what the case expects next.
            let _ = stream.write_all(&octets);
        }))
    }

    pub(crate) fn shut_write(&self) -> io::Result<()> {
        self.stream.shutdown(Shutdown::Write)
    }

    /// Ends with a reset: a socket that is closed with unread octets does that.
    pub(crate) fn reset(mut self) {
        let enquire_link = crate::octets::pdu(0x15, 0x7AB0_0001, &[]);
        if self.send(&enquire_link).is_ok() {
            let _ = self.stream.set_read_timeout(Some(Duration::from_secs(1)));
            let _ = self.stream.peek(&mut [0; 16]);
        }
    }

    /// The next PDU, or what came instead of it within the time.
    pub(crate) fn next(&mut self, wait: Duration) -> Next {
        let until = Instant::now() + wait;
        let mut buffer = vec![0; 64 * 1024];
        loop {
            if let Some(next) = self.taken() {
                return next;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Next::Silence;
            }
            self.stream.set_read_timeout(Some(left)).expect("the time is not zero");
            match self.stream.read(&mut buffer) {
                Ok(0) => return Next::Closed(self.unread.len()),
                Ok(octets) => self.unread.extend_from_slice(&buffer[..octets]),
                Err(error) => match error.kind() {
                    ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted => {}
                    _ => return Next::Closed(self.unread.len()),
                },
            }
        }
    }

    fn taken(&mut self) -> Option<Next> {
        let word = |at: usize| {
            let octets = self.unread.get(at..at + 4)?;
            Some(u32::from_be_bytes(octets.try_into().expect("four octets are four octets")))
        };
        let length = word(0)?;
        if !(16..=1_000_000).contains(&length) {
            return Some(Next::Garbage(length));
        }
        let (command_id, status, sequence_number) = (word(4)?, word(8)?, word(12)?);
        if self.unread.len() < length as usize {
            return None;
        }
        let rest = self.unread.split_off(length as usize);
        let octets = std::mem::replace(&mut self.unread, rest);
        Some(Next::Pdu(Came { command_id, status, sequence_number, octets }))
    }
}

impl fmt::Display for Next {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pdu(came) => came.fmt(f),
            Self::Closed(0) => f.write_str("closed"),
            Self::Closed(octets) => write!(f, "closed behind {octets} octets of a PDU"),
            Self::Silence => f.write_str("silence"),
            Self::Garbage(length) => write!(f, "no PDU: command_length {length}"),
        }
    }
}

impl fmt::Display for Came {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (command, status) = (names::command(self.command_id), names::status(self.status));
        write!(f, "{command} {status} {} of {} octets", self.sequence_number, self.octets.len())
    }
}
