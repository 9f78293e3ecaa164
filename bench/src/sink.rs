//! The ceiling: a server that frames, answers and batches, and does nothing else.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

use anyhow::Result;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::frames::{self, BIND_TRANSCEIVER, DELIVER_SM, RESPONSE, SUBMIT_SM};

/// Octets read and not yet answered, answers not yet written.
#[derive(Debug)]
struct Desk {
    input: Vec<u8>,
    filled: usize,
    answers: Vec<u8>,
}

impl Desk {
    fn new(buffer_octets: usize) -> Self {
        Self { input: vec![0; buffer_octets], filled: 0, answers: Vec::new() }
    }

    fn room(&mut self) -> &mut [u8] {
        self.input.get_mut(self.filled..).unwrap_or_default()
    }

    /// Answers every whole PDU of what was read; what is left moves to the front.
    fn received(&mut self, octets: usize) {
        self.filled += octets;
        self.answers.clear();
        let mut rest = self.input.get(..self.filled).unwrap_or_default();
        while let Some(pdu) = frames::first(rest) {
            answer(pdu, &mut self.answers);
            rest = rest.get(pdu.len()..).unwrap_or_default();
        }
        let from = self.filled - rest.len();
        self.input.copy_within(from..self.filled, 0);
        self.filled -= from;
    }
}

/// Answers a request, whatever it is, with success.
#[inline]
pub(crate) fn answer(pdu: &[u8], answers: &mut Vec<u8>) {
    let id = frames::word(pdu, 4);
    if id & RESPONSE != 0 {
        return;
    }
    let body: &[u8] = match id {
        SUBMIT_SM => b"0a1b2c3d\0",
        BIND_TRANSCEIVER => b"ceiling\0",
        // An empty message_id (SMPP 3.4, 4.6.2); Jasmin closes the session without it.
        DELIVER_SM => b"\0",
        _ => b"",
    };
    for word in [16 + body.len() as u32, id | RESPONSE, 0, frames::word(pdu, 12)] {
        answers.extend_from_slice(&word.to_be_bytes());
    }
    answers.extend_from_slice(body);
}

/// On tokio, as servers are.
pub(crate) async fn serve(buffer_octets: usize, say: impl FnOnce(SocketAddr)) -> Result<()> {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
    say(listener.local_addr()?);
    loop {
        let (mut stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(async move {
            let mut desk = Desk::new(buffer_octets);
            while let Ok(octets @ 1..) = stream.read(desk.room()).await {
                desk.received(octets);
                if stream.write_all(&desk.answers).await.is_err() {
                    return;
                }
            }
        });
    }
}

/// On blocking sockets, a thread for each: what the kernel alone takes.
pub(crate) fn serve_blocking(buffer_octets: usize, say: impl FnOnce(SocketAddr)) -> Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    say(listener.local_addr()?);
    for stream in listener.incoming() {
        let stream = stream?;
        stream.set_nodelay(true)?;
        let thread = std::thread::Builder::new().stack_size(128 * 1024);
        thread.spawn(move || converse(stream, Desk::new(buffer_octets)))?;
    }
    Ok(())
}

fn converse(mut stream: TcpStream, mut desk: Desk) {
    while let Ok(octets @ 1..) = stream.read(desk.room()) {
        desk.received(octets);
        if stream.write_all(&desk.answers).is_err() {
            return;
        }
    }
}
