//! A bind from an address of one's own, octet by octet.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::Duration;

use smppkit_wire::CommandStatus;

/// Binds as a transceiver from an address, and says what the answer was. The connection is closed then.
pub(crate) async fn raw_bind(from: IpAddr, to: SocketAddr, system_id: &str, password: &str) -> CommandStatus {
    let socket = tokio::net::TcpSocket::new_v4().expect("a descriptor is free");
    socket.bind(SocketAddr::new(from, 0)).expect("every 127.x.x.x is ours");
    let stream = socket.connect(to).await.expect("it listens");
    let stream: TcpStream = stream.into_std().expect("a socket");
    stream.set_nonblocking(false).expect("a socket");
    stream.set_read_timeout(Some(Duration::from_secs(5))).expect("not zero");
    let body = [system_id.as_bytes(), b"\0", password.as_bytes(), b"\0\0\x34\0\0\0"].concat();
    let length = 16 + u32::try_from(body.len()).expect("short");
    let mut octets = Vec::new();
    for word in [length, 9, 0, 1] {
        octets.extend_from_slice(&word.to_be_bytes());
    }
    octets.extend_from_slice(&body);
    tokio::task::spawn_blocking(move || ask(stream, &octets)).await.expect("it does not panic")
}

fn ask(mut stream: TcpStream, octets: &[u8]) -> CommandStatus {
    stream.write_all(octets).expect("it is read");
    let mut header = [0; 16];
    stream.read_exact(&mut header).expect("a bind is answered");
    let word = |at: usize| u32::from_be_bytes(header[at..at + 4].try_into().expect("four octets"));
    assert_eq!(word(4), 0x8000_0009, "bind_transceiver_resp");
    CommandStatus(word(8))
}
