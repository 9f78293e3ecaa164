//! What a connection reads from and writes to.

use std::time::Duration;

use rustls::pki_types::CertificateDer;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// What SMPP runs over: a TCP connection, below TLS or not.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin {
    /// The socket.
    fn tcp(&self) -> &TcpStream;

    /// What the peer has shown, if it was asked and is believed.
    fn peer_certificate(&self) -> Option<CertificateDer<'static>> {
        None
    }

    /// Closing will throw away what the kernel has not sent, and say so to the peer.
    fn reset(&self) {
        let _ = socket2::SockRef::from(self.tcp()).set_linger(Some(Duration::ZERO));
    }
}

impl Stream for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

impl Stream for tokio_rustls::client::TlsStream<TcpStream> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref().0
    }
}

impl Stream for tokio_rustls::server::TlsStream<TcpStream> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref().0
    }

    fn peer_certificate(&self) -> Option<CertificateDer<'static>> {
        self.get_ref().1.peer_certificates()?.first().cloned()
    }
}
