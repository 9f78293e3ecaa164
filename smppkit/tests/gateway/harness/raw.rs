//! A bind from an address of one's own, octet by octet.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::Duration;

use smppkit_wire::{Body, CommandStatus, Version};

/// Binds as a transceiver from an address, and says what the answer was. The connection is closed then.
pub(crate) async fn raw_bind(from: IpAddr, to: SocketAddr, system_id: &str, password: &str) -> CommandStatus {
    let socket = tokio::net::TcpSocket::new_v4().expect("a descriptor is free");
    socket.bind(SocketAddr::new(from, 0)).expect("every 127.x.x.x is ours");
    let stream = socket.connect(to).await.expect("it listens");
    let stream: TcpStream = stream.into_std().expect("a socket");
    stream.set_nonblocking(false).expect("a socket");
    stream.set_read_timeout(Some(Duration::from_secs(5))).expect("not zero");
    let octets = bind_of_3_4(system_id, password);
    tokio::task::spawn_blocking(move || ask(stream, &octets)).await.expect("it does not panic")
}

/// Binds as a transceiver of 3.4 with the usual password, sends a request of any version, and says by which status
/// it was answered.
pub(crate) async fn raw_request(to: SocketAddr, system_id: &str, body: &Body) -> CommandStatus {
    let bind = bind_of_3_4(system_id, "secret");
    let mut request = Vec::new();
    body.encode(CommandStatus::ESME_ROK, 2, Version::V50, &mut request);
    let asked = move || {
        let mut stream = TcpStream::connect(to).expect("it listens");
        stream.set_read_timeout(Some(Duration::from_secs(5))).expect("not zero");
        let bound = exchange(&mut stream, &bind);
        assert_eq!(CommandStatus(word(&bound, 8)), CommandStatus::ESME_ROK);
        // What else the bind's answer has.
        let rest = word(&bound, 0) - 16;
        std::io::copy(&mut (&mut stream).take(rest.into()), &mut std::io::sink()).expect("it is all sent");
        CommandStatus(word(&exchange(&mut stream, &request), 8))
    };
    tokio::task::spawn_blocking(asked).await.expect("it does not panic")
}

fn bind_of_3_4(system_id: &str, password: &str) -> Vec<u8> {
    let body = [system_id.as_bytes(), b"\0", password.as_bytes(), b"\0\0\x34\0\0\0"].concat();
    let length = 16 + u32::try_from(body.len()).expect("short");
    let mut octets = Vec::new();
    for word in [length, 9, 0, 1] {
        octets.extend_from_slice(&word.to_be_bytes());
    }
    octets.extend_from_slice(&body);
    octets
}

fn ask(mut stream: TcpStream, octets: &[u8]) -> CommandStatus {
    let header = exchange(&mut stream, octets);
    assert_eq!(word(&header, 4), 0x8000_0009, "bind_transceiver_resp");
    CommandStatus(word(&header, 8))
}

/// Sends a request, and reads the header of its answer.
fn exchange(stream: &mut TcpStream, octets: &[u8]) -> [u8; 16] {
    stream.write_all(octets).expect("it is read");
    let mut header = [0; 16];
    stream.read_exact(&mut header).expect("a request is answered");
    header
}

fn word(header: &[u8; 16], at: usize) -> u32 {
    u32::from_be_bytes(header[at..at + 4].try_into().expect("four octets"))
}
