//! A connection to a server, and what of it waits for an answer.

use core::pin::Pin;
use core::time::Duration;
use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::time::Instant;

use bytes::BytesMut;
use smppkit_net::{Roots, TlsClient};
use smppkit_wire::{Body, Header, Pdu};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadHalf, WriteHalf};
use tokio::net::TcpStream;

use super::ask::{Answer, Connect};
use super::say::{State, Whose};
use super::settings::Settings;

/// A connection.
pub(super) struct Line {
    pub(super) whose: Whose,
    pub(super) state: State,
    pub(super) answer: Answer,
    /// After so long without a PDU enquire_link is sent.
    pub(super) enquire_link: Option<Duration>,
    /// When the last PDU came.
    pub(super) heard: Instant,
    /// The bind of the connect: its sequence_number, and until when it has to be answered.
    pub(super) bind: Option<(u32, Instant)>,
    /// Until when the unbind of the page has to be answered.
    pub(super) unbind: Option<Instant>,
    /// The sequence_number used last.
    pub(super) sequence_number: u32,
    /// Requests of ours.
    pub(super) ours: Unanswered,
    /// Requests of the server.
    pub(super) theirs: Unanswered,
    /// What came and is no whole PDU yet.
    pub(super) came: BytesMut,
    /// What is to be written.
    pub(super) out: BytesMut,
    flushed: bool,
    /// When something was last written, or first had to be.
    wrote: Instant,
    reader: ReadHalf<Box<dyn Stream>>,
    writer: WriteHalf<Box<dyn Stream>>,
}

/// What octets are read from and written to.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// A connection about to be.
pub(super) type Opening = Pin<Box<dyn Future<Output = Result<(Box<dyn Stream>, SocketAddr), String>> + Send>>;

/// What a connection did.
#[derive(Debug)]
pub(super) enum Moved {
    Read(io::Result<usize>),
    Wrote(io::Result<()>),
}

/// Connects to a target, if it is one.
pub(super) async fn open(
    settings: &Settings,
    connect: &Connect,
) -> Result<(Box<dyn Stream>, SocketAddr), String> {
    let (host, port) = (connect.host.as_str(), connect.port);
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let opened = async {
        let addresses = settings.allowed().resolve(host, port).await.map_err(|error| error.to_string())?;
        let mut why = format!("{host} has no address");
        for address in addresses {
            match stream(connect, bare, address).await {
                Ok(stream) => return Ok((stream, address)),
                Err(error) => why = format!("cannot connect to {address}: {error}"),
            }
        }
        Err(why)
    };
    let limit = settings.bind_timeout;
    let late = || format!("cannot connect to {host}:{port}: not there within {limit}");
    tokio::time::timeout(limit.0, opened).await.map_err(|_| late())?
}

async fn stream(connect: &Connect, host: &str, address: SocketAddr) -> io::Result<Box<dyn Stream>> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    if !connect.tls {
        return Ok(Box::new(stream));
    }
    let roots = if connect.any_certificate { Roots::Any } else { Roots::Platform };
    let name = if host.contains(':') { format!("[{host}]:0") } else { format!("{host}:0") };
    let tls = TlsClient::new(roots, None)?.connect(&name, stream).await;
    Ok(Box::new(tls.map_err(|error| io::Error::new(error.kind(), format!("TLS: {error}")))?))
}

impl Line {
    pub(super) fn new(stream: Box<dyn Stream>, whose: Whose, answer: Answer, now: Instant) -> Self {
        let (reader, writer) = tokio::io::split(stream);
        Self {
            whose,
            state: State::Open,
            answer,
            enquire_link: None,
            heard: now,
            bind: None,
            unbind: None,
            sequence_number: 0,
            ours: Unanswered::default(),
            theirs: Unanswered::default(),
            came: BytesMut::new(),
            out: BytesMut::new(),
            flushed: true,
            wrote: now,
            reader,
            writer,
        }
    }

    /// Reads or writes once. A server that takes nothing is not read either.
    pub(super) async fn moved(&mut self) -> Moved {
        let Self { reader, writer, came, out, flushed, .. } = self;
        let (reads, writes) = (out.len() < OUT_LIMIT, !out.is_empty() || !*flushed);
        let flushes = out.is_empty();
        came.reserve(READ);
        let write =
            async { if flushes { writer.flush().await } else { writer.write_buf(out).await.map(|_| ()) } };
        tokio::select! {
            read = reader.read_buf(came), if reads => Moved::Read(read),
            wrote = write, if writes => {
                *flushed = flushes;
                self.wrote = Instant::now();
                Moved::Wrote(wrote)
            }
        }
    }

    /// To be written next.
    pub(super) fn put(&mut self, octets: &[u8], now: Instant) {
        if self.out.is_empty() {
            self.wrote = now;
        }
        self.out.extend_from_slice(octets);
        self.flushed = false;
    }

    /// Whether as much waits to be written as may.
    pub(super) fn is_full(&self) -> bool {
        self.out.len() >= OUT_LIMIT
    }

    /// When a server that takes nothing is given up.
    pub(super) fn stalled(&self) -> Option<Instant> {
        (!self.out.is_empty()).then(|| self.wrote + STALL)
    }

    pub(super) const fn is_bound(&self) -> bool {
        matches!(self.state, State::BoundTx | State::BoundRx | State::BoundTrx)
    }

    /// The next sequence_number that waits for no answer. Valid ones are 1 to 0x7FFF_FFFF (SMPP 5.0, 3.2.1.4).
    pub(super) fn next(&mut self) -> u32 {
        loop {
            self.sequence_number = self.sequence_number % 0x7FFF_FFFF + 1;
            if !self.ours.has(self.sequence_number) {
                return self.sequence_number;
            }
        }
    }

    /// The octets of a request of our own.
    pub(super) fn request(&mut self, body: impl Into<Body>) -> Vec<u8> {
        let mut octets = Vec::new();
        Pdu::request(self.next(), body).encode(self.whose.version, &mut octets);
        octets
    }

    /// Writes what waits, if that is soon done, and closes.
    pub(super) fn close(self) {
        let Self { mut writer, mut out, .. } = self;
        tokio::spawn(async move {
            let close = async {
                writer.write_all_buf(&mut out).await?;
                writer.shutdown().await
            };
            let _ = tokio::time::timeout(CLOSE, close).await;
        });
    }
}

/// Requests without an answer, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Unanswered(VecDeque<Asked>);

/// A request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    pub(super) command_id: u32,
    pub(super) sequence_number: u32,
    pub(super) at: Instant,
    /// Whether it is one of a repeat.
    pub(super) repeated: bool,
}

impl Unanswered {
    /// Takes a request; the oldest makes room for it, if need be.
    pub(super) fn add(&mut self, asked: Asked) -> Option<Asked> {
        let oldest = if self.0.len() >= UNANSWERED { self.0.pop_front() } else { None };
        self.0.push_back(asked);
        oldest
    }

    /// The request that a response answers.
    pub(super) fn answered(&mut self, response: &Header) -> Option<Asked> {
        let nack = response.command_id == Header::GENERIC_NACK;
        let answers = |asked: &Asked| {
            asked.sequence_number == response.sequence_number
                && (nack || asked.command_id | Header::RESPONSE_BIT == response.command_id)
        };
        let at = self.0.iter().position(answers)?;
        self.0.remove(at)
    }

    /// The oldest, if it is from before that.
    pub(super) fn before(&mut self, time: Instant) -> Option<Asked> {
        if self.oldest()? <= time { self.0.pop_front() } else { None }
    }

    pub(super) fn oldest(&self) -> Option<Instant> {
        self.0.front().map(|asked| asked.at)
    }

    fn has(&self, sequence_number: u32) -> bool {
        self.0.iter().any(|asked| asked.sequence_number == sequence_number)
    }
}

/// What waits to be written while the server reads nothing: many times the longest PDU.
const OUT_LIMIT: usize = 1024 * 1024;
/// Room for each read.
const READ: usize = 16 * 1024;
/// How long a server may take nothing.
const STALL: Duration = Duration::from_secs(30);
/// How long the last octets may take.
const CLOSE: Duration = Duration::from_secs(1);
/// Requests that are remembered: several of the widest windows.
const UNANSWERED: usize = 10_000;
