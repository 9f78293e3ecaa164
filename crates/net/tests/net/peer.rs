//! A peer that speaks in octets, and does what it is told.

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use smppkit_wire::pdu::table::{BindTransceiver, EnquireLink, EnquireLinkResp, SubmitSm, Unbind};
use smppkit_wire::value::InterfaceVersion;
use smppkit_wire::{Body, CommandStatus, Header, Pdu, Version};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

/// Far beyond what anything here takes: whoever waits longer waits for ever.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// The outcome of something that must not take for ever.
pub(crate) async fn soon<F: Future>(what: F) -> F::Output {
    tokio::time::timeout(SOON, what).await.expect("it happens soon")
}

/// Waits until something holds.
pub(crate) async fn until(mut holds: impl FnMut() -> bool) {
    soon(async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
}

/// Nothing comes of it in a while. What is awaited here would come within a millisecond.
pub(crate) async fn never<F: Future>(what: F) {
    assert!(tokio::time::timeout(Duration::from_millis(200), what).await.is_err(), "nothing happens");
}

#[derive(Debug)]
pub(crate) struct Peer<S = TcpStream> {
    pub(crate) stream: S,
    unread: Vec<u8>,
    /// How many reads there were octets in.
    pub(crate) reads: usize,
}

impl Peer {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let stream = soon(TcpStream::connect(address)).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self::on(stream)
    }

    /// With a small buffer for what comes in.
    pub(crate) async fn connect_narrow(address: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        Self::on(soon(socket.connect(address)).await.unwrap())
    }

    pub(crate) async fn bound(address: SocketAddr) -> Self {
        let mut peer = Self::connect(address).await;
        peer.bind().await;
        peer
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Peer<S> {
    pub(crate) fn on(stream: S) -> Self {
        Self { stream, unread: Vec::new(), reads: 0 }
    }

    pub(crate) async fn send(&mut self, octets: &[u8]) {
        soon(self.stream.write_all(octets)).await.unwrap();
        soon(self.stream.flush()).await.unwrap();
    }

    pub(crate) async fn bind(&mut self) {
        self.send(&bind()).await;
        assert_eq!(self.next().await.command_status, CommandStatus::ESME_ROK);
    }

    /// The header of the next PDU.
    pub(crate) async fn next(&mut self) -> Header {
        soon(self.read()).await.expect("a PDU, not the end")
    }

    /// The next PDU is this answer.
    pub(crate) async fn expect(&mut self, command_id: u32, sequence_number: u32) {
        let header = self.next().await;
        assert_eq!((header.command_id, header.sequence_number), (command_id, sequence_number), "{header:?}");
    }

    /// An enquire_link is answered: the connection lives.
    pub(crate) async fn is_served(&mut self, sequence_number: u32) {
        self.send(&pdu(sequence_number, EnquireLink::default())).await;
        self.expect(EnquireLinkResp::COMMAND_ID, sequence_number).await;
    }

    /// The next thing is the end, by FIN or by RST.
    pub(crate) async fn is_closed(&mut self) {
        assert!(soon(self.read()).await.is_none(), "the end, not a PDU");
    }

    /// `None` at the end.
    pub(crate) async fn read(&mut self) -> Option<Header> {
        loop {
            if let Some(header) = Header::read(&self.unread)
                && header.command_length as usize <= self.unread.len()
            {
                self.unread.drain(..header.command_length as usize);
                return Some(header);
            }
            let mut octets = vec![0; 1024 * 1024];
            match self.stream.read(&mut octets).await {
                Ok(0) | Err(_) => return None,
                Ok(read) => self.unread.extend_from_slice(&octets[..read]),
            }
            self.reads += 1;
        }
    }
}

/// One PDU, as octets.
pub(crate) fn pdu(sequence_number: u32, body: impl Into<Body>) -> Vec<u8> {
    let mut octets = Vec::new();
    Pdu::request(sequence_number, body).encode(Version::V50, &mut octets);
    octets
}

pub(crate) fn bind() -> Vec<u8> {
    pdu(
        1,
        BindTransceiver {
            system_id: "esme".parse().unwrap(),
            interface_version: InterfaceVersion::from(Version::V50),
            ..BindTransceiver::default()
        },
    )
}

pub(crate) fn submit(sequence_number: u32) -> Vec<u8> {
    pdu(sequence_number, message())
}

pub(crate) fn unbind(sequence_number: u32) -> Vec<u8> {
    pdu(sequence_number, Unbind {})
}

pub(crate) fn message() -> SubmitSm {
    SubmitSm {
        destination_addr: "447700900123".parse().unwrap(),
        short_message: smppkit_wire::field::ShortMessage::new("Hello").unwrap(),
        ..SubmitSm::default()
    }
}
