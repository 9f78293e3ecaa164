//! The server's side of a script: one connection, past the session layer, so that anything can be sent at any time.

use std::collections::HashMap;
use std::io;

use bytes::Bytes;
use smppkit_inspect::Dissection;
use smppkit_net::TlsClient;
use smppkit_wire::{Body, CommandStatus, Frames, Header, Pdu, Version};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use crate::connection::Connection;
use crate::draft::dissect;

/// A connection to a server.
#[derive(Debug)]
pub(crate) struct Peer {
    orders: mpsc::Sender<Order>,
    came: mpsc::Receiver<Came>,
}

/// What comes from a server.
#[derive(Debug)]
pub(crate) enum Came {
    Pdu(Box<Dissection>),
    Closed(String),
}

#[derive(Debug)]
enum Order {
    Send(Vec<u8>),
    Answer(u32, Option<CommandStatus>),
}

impl Peer {
    /// Connects.
    pub(crate) async fn connect(connection: &Connection) -> io::Result<Self> {
        let connected = tokio::time::timeout(connection.bind_timeout, open(connection)).await;
        let stream = connected.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        let (orders, ordered) = mpsc::channel(ORDERS);
        let (say, came) = mpsc::channel(CAME);
        let version = connection.version;
        tokio::spawn(Task { stream, ordered, say, version, answers: HashMap::new() }.run());
        Ok(Self { orders, came })
    }

    /// Sends octets as they are. A connection that is gone says so by what comes.
    pub(crate) async fn send(&self, octets: Vec<u8>) {
        let _ = self.orders.send(Order::Send(octets)).await;
    }

    /// From here on, requests of this command_id are answered so, or not at all.
    pub(crate) async fn answer(&self, command_id: u32, status: Option<CommandStatus>) {
        let _ = self.orders.send(Order::Answer(command_id, status)).await;
    }

    /// The next that comes.
    pub(crate) async fn next(&mut self) -> Came {
        self.came.recv().await.unwrap_or_else(|| Came::Closed("the connection is closed".to_owned()))
    }
}

/// A TCP connection, below TLS or not.
async fn open(connection: &Connection) -> io::Result<Box<dyn Stream>> {
    let stream = TcpStream::connect(&connection.target.address).await?;
    stream.set_nodelay(true)?;
    if connection.target.tls {
        let tls = TlsClient::new(connection.roots.clone(), connection.identity.as_ref())?;
        Ok(Box::new(tls.connect(&connection.target.address, stream).await?))
    } else {
        Ok(Box::new(stream))
    }
}

/// What octets are read from and written to.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// The task that owns the connection. It ends when its [`Peer`] is dropped, or the server closes.
struct Task {
    stream: Box<dyn Stream>,
    ordered: mpsc::Receiver<Order>,
    say: mpsc::Sender<Came>,
    version: Version,
    answers: HashMap<u32, Option<CommandStatus>>,
}

impl Task {
    async fn run(mut self) {
        if let Err(why) = self.served().await {
            let _ = self.say.send(Came::Closed(why)).await;
        }
    }

    /// Until the script drops the connection; else why the server ended it.
    async fn served(&mut self) -> Result<(), String> {
        let mut rest = Vec::new();
        loop {
            tokio::select! {
                biased;
                order = self.ordered.recv() => match order {
                    None => {
                        let _ = self.stream.shutdown().await;
                        return Ok(());
                    }
                    Some(Order::Answer(command_id, status)) => {
                        self.answers.insert(command_id, status);
                    }
                    Some(Order::Send(octets)) => self.write(&octets).await?,
                },
                read = self.stream.read_buf(&mut rest) => {
                    match read {
                        Ok(0) => return Err("the server closed the connection".to_owned()),
                        Ok(_) => rest = self.frames(rest).await?,
                        Err(error) => return Err(error.to_string()),
                    }
                }
            }
        }
    }

    async fn write(&mut self, octets: &[u8]) -> Result<(), String> {
        self.stream.write_all(octets).await.map_err(|error| error.to_string())
    }

    /// Takes whole PDUs off; what is left is the beginning of the next.
    async fn frames(&mut self, octets: Vec<u8>) -> Result<Vec<u8>, String> {
        let run = Bytes::from(octets);
        let mut frames = Frames::new(&run, FRAME_LIMIT_OCTETS);
        for frame in &mut frames {
            let frame = frame.map_err(|error| error.to_string())?;
            let opens =
                smppkit_wire::pdu::def_of(frame.header.command_id).is_some_and(|def| def.opens_session);
            // Before a bind is answered no version has been agreed on.
            let version = if opens { Version::V50 } else { self.version };
            let dissection = dissect(frame.octets(), version);
            self.answered(&dissection).await?;
            if self.say.send(Came::Pdu(Box::new(dissection))).await.is_err() {
                break;
            }
        }
        Ok(frames.rest().to_vec())
    }

    /// Answers a request of the server, with success unless told otherwise, or what is wrong with it.
    async fn answered(&mut self, dissection: &Dissection) -> Result<(), String> {
        let Some(header) = dissection.header.filter(|header| !header.is_response()) else {
            return Ok(());
        };
        let Some(body) = Body::empty(header.command_id | Header::RESPONSE_BIT) else {
            return Ok(());
        };
        let fault = dissection.defect.as_ref().and_then(|defect| defect.status);
        let usual = Some(fault.unwrap_or(CommandStatus::ESME_ROK));
        let Some(status) = self.answers.get(&header.command_id).copied().unwrap_or(usual) else {
            return Ok(());
        };
        let answer = if status.is_ok() {
            Pdu::response(header.sequence_number, body)
        } else {
            Pdu::refusal(header.command_id, header.sequence_number, status)
        };
        let mut octets = Vec::new();
        answer.encode(self.version, &mut octets);
        self.write(&octets).await
    }
}

/// Orders that wait while the server reads nothing.
const ORDERS: usize = 16;
/// PDUs that wait for the script; beyond, the server is not read.
const CAME: usize = 10_000;
/// 64 KiB of message_payload, and 4 KiB for all else.
const FRAME_LIMIT_OCTETS: u32 = 68 * 1024;
