//! The client that does nothing wrong, and must be served whatever the others do.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::names;
use crate::octets::{cstr, pdu};
use crate::peer::{Came, Next, Peer};

/// How soon everything must be done.
pub(crate) const SERVED_WITHIN: Duration = Duration::from_secs(1);

/// The body of a bind.
pub(crate) fn bind_body(system_id: &str, password: &str, interface_version: u8) -> Vec<u8> {
    [&cstr(system_id)[..], &cstr(password), &[0, interface_version, 0, 0, 0]].concat()
}

/// The body of a submit_sm.
pub(crate) fn submit_body(from: &str, to: &str, text: &str, registered_delivery: u8) -> Vec<u8> {
    let length = u8::try_from(text.len()).expect("test texts are short");
    let head = [&[0, 5, 0][..], &cstr(from), &[1, 1], &cstr(to), &[0; 5]].concat();
    [&head[..], &[registered_delivery, 0, 0, 0, length], text.as_bytes()].concat()
}

/// Asks, and waits for the one answer that must come.
pub(crate) fn ask(
    peer: &mut Peer,
    command: &str,
    sequence_number: u32,
    body: &[u8],
    until: Instant,
) -> Result<Came, String> {
    let command_id = names::command_id(command).expect("tests use names that exist");
    peer.send(&pdu(command_id, sequence_number, body)).map_err(|error| format!("{command}: {error}"))?;
    match peer.next(until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1))) {
        Next::Pdu(came)
            if came.command_id == command_id | 0x8000_0000
                && came.status == 0
                && came.sequence_number == sequence_number =>
        {
            Ok(came)
        }
        other => Err(format!("{command} {sequence_number}: expected its response, got {other}")),
    }
}

/// Binds, submits, enquires, unbinds. How long that took, or what went wrong.
pub(crate) fn served(address: SocketAddr, account: Option<(&str, &str)>) -> Result<Duration, String> {
    let began = Instant::now();
    let until = began + SERVED_WITHIN;
    let (system_id, password) = account.unwrap_or(("healthy", "secret"));
    let result = (|| {
        let mut peer = Peer::connect(address).map_err(|error| format!("connect: {error}"))?;
        // A transmitter may bind at any version, and is sent nothing it did not ask for.
        ask(&mut peer, "bind_transmitter", 1, &bind_body(system_id, password, 0x34), until)?;
        let answer = ask(&mut peer, "submit_sm", 2, &submit_body("1", "447700900001", "Hello", 0), until)?;
        if answer.octets.len() < 18 {
            return Err(format!("submit_sm: no message_id in {answer}"));
        }
        ask(&mut peer, "enquire_link", 3, &[], until)?;
        ask(&mut peer, "unbind", 4, &[], until)?;
        Ok(())
    })();
    let took = began.elapsed();
    match result {
        Ok(()) if took <= SERVED_WITHIN => Ok(took),
        Ok(()) => Err(format!("the healthy client was served in {took:?} only")),
        Err(error) => Err(format!("the healthy client was not served: {error}, after {took:?}")),
    }
}
