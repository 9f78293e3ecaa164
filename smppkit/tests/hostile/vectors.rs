//! Every invalid vector of `testdata/pdu/vectors.jsonl`, sent in the state it is meant for.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::healthy::{ask, bind_body};
use crate::names;
use crate::octets::{hex, pdu};
use crate::peer::{Next, Peer};
use crate::script::{ANSWERED_WITHIN, Report, data, is, statuses};
use crate::simulator::Simulator;

/// Vectors whose expectation cannot hold here, with what must happen instead, and why.
const OTHERWISE: &[(&str, Expect, &str)] = {
    use Expect::{Nothing, Response};
    &[
        ("repo_cloudhopper_cmd_80000110_1", Nothing, "a response id: responses are never answered (T10)"),
        ("unknown_response_id_0x80000102", Nothing, "the vector allows to drop it; T10 asks for that"),
        ("unknown_response_id_0x8000000b", Nothing, "the vector allows to drop it; T10 asks for that"),
        ("unknown_response_id_0x800000ff", Nothing, "the vector allows to drop it; T10 asks for that"),
        ("repo_cloudhopper_deliver_sm_3", Response(4), "an MC takes no deliver_sm, whatever is in it"),
        ("repo_cloudhopper_deliver_sm_11", Response(4), "an MC takes no deliver_sm, whatever is in it"),
    ]
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expect {
    /// No answer, and the session goes on.
    Nothing,
    /// No answer, and no end: octets are missing.
    Wait,
    /// No answer, and the end.
    Close,
    /// A generic_nack, and the end.
    NackAndClose,
    /// The matching response with this status, and the session goes on.
    Response(u32),
}

#[test]
fn invalid_vectors() {
    let text = std::fs::read_to_string(data("pdu/vectors.jsonl")).expect("the vectors are there");
    let vectors: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let newest = Simulator::start(&[]);
    let oldest = Simulator::start(&["--protocol", "3.3"]);
    let mut report = Report::new("vectors.jsonl, invalid");
    for vector in vectors.iter().filter(|vector| vector["valid"] == false) {
        let name = text_of(vector, "name");
        let simulator = if name.ends_with("_on_v33_mc") { &oldest } else { &newest };
        let result = play(simulator, vector, &name);
        report.case(&name, simulator.address, None, result);
    }
    report.done();
}

fn text_of(vector: &Value, key: &str) -> String {
    vector[key].as_str().unwrap_or_default().to_owned()
}

fn play(simulator: &Simulator, vector: &Value, name: &str) -> Result<(), String> {
    let octets = hex(&text_of(vector, "hex")).ok_or("hex")?;
    let word =
        |at: usize| octets.get(at..at + 4).and_then(|o| o.try_into().ok()).map_or(0, u32::from_be_bytes);
    let (command_id, sequence_number) = (word(4), word(12));
    let mut peer = Peer::connect(simulator.address).map_err(|error| error.to_string())?;
    let is_bind = matches!(command_id, 1 | 2 | 9) && octets.len() >= 16;
    if !is_bind && text_of(vector, "state") != "OPEN" {
        let version = text_of(vector, "version");
        let transmitter = version == "3.3" || text_of(vector, "state").starts_with("BOUND_TX");
        let bind = if transmitter { "bind_transmitter" } else { "bind_transceiver" };
        let version = names::interface_version(&version).ok_or("version")?;
        let body = bind_body("vector", "secret", version);
        ask(&mut peer, bind, 0x0B1D_0001, &body, Instant::now() + ANSWERED_WITHIN)?;
    }
    peer.send(&octets).map_err(|error| error.to_string())?;
    let expect = OTHERWISE.iter().find(|(known, ..)| *known == name).map(|(_, expect, _)| *expect);
    match expect.or_else(|| plain(vector)) {
        Some(Expect::Wait) => silent(&mut peer),
        Some(Expect::Nothing) => alive(&mut peer),
        Some(Expect::Close) => closed(&mut peer),
        Some(Expect::NackAndClose) => {
            let next = peer.next(ANSWERED_WITHIN);
            is(&next, 0x8000_0000, &[2], &[0, sequence_number])?;
            closed(&mut peer)
        }
        Some(Expect::Response(status)) => {
            let next = peer.next(ANSWERED_WITHIN);
            is(&next, command_id | 0x8000_0000, &[status], &[sequence_number])?;
            alive(&mut peer)
        }
        None => answered(&mut peer, vector, command_id, sequence_number),
    }
}

/// What a vector asks for, when that is no answer to the request alone.
fn plain(vector: &Value) -> Option<Expect> {
    let (status, action) = (text_of(vector, "expected_status"), text_of(vector, "expected_action"));
    if action.starts_with("wait") {
        Some(Expect::Wait)
    } else if status.starts_with("none") {
        Some(if action.contains("close") { Expect::Close } else { Expect::Nothing })
    } else if vector["level"] == "framing" {
        Some(Expect::NackAndClose)
    } else {
        None
    }
}

fn answered(peer: &mut Peer, vector: &Value, command_id: u32, sequence_number: u32) -> Result<(), String> {
    let action = text_of(vector, "expected_action");
    let response = command_id | 0x8000_0000;
    let status = statuses(&text_of(vector, "expected_status"))?;
    let next = peer.next(ANSWERED_WITHIN);
    let mut results = Vec::new();
    if action.contains("generic_nack") {
        results.push(is(&next, 0x8000_0000, &status, &[sequence_number]));
    }
    if action.contains("_resp") || action.contains("matching response") {
        results.push(is(&next, response, &status, &[sequence_number]));
    }
    for also in vector["also_acceptable"].as_array().into_iter().flatten() {
        let also = also.as_str().unwrap_or_default();
        let status = statuses(also.rsplit(' ').next().unwrap_or_default())?;
        results.push(is(&next, response, &status, &[sequence_number]));
        // A PDU that is cut or has a body it must not have may be nacked as well.
        results.push(is(&next, 0x8000_0000, &status, &[sequence_number]));
    }
    if results.iter().all(Result::is_err) {
        let errors: Vec<String> = results.into_iter().filter_map(Result::err).collect();
        return Err(errors.join("; "));
    }
    let unbound = matches!(&next, Next::Pdu(came) if came.command_id == 0x8000_0006 && came.status == 0);
    if unbound { closed(peer) } else { alive(peer) }
}

fn alive(peer: &mut Peer) -> Result<(), String> {
    let _ = peer.send(&pdu(0x15, 0x0A11_F001, &[]));
    is(&peer.next(ANSWERED_WITHIN), 0x8000_0015, &[0], &[0x0A11_F001])
}

fn closed(peer: &mut Peer) -> Result<(), String> {
    match peer.next(ANSWERED_WITHIN) {
        Next::Closed(0) => Ok(()),
        other => Err(format!("expected closed, got {other}")),
    }
}

fn silent(peer: &mut Peer) -> Result<(), String> {
    match peer.next(Duration::from_millis(100)) {
        Next::Silence => Ok(()),
        other => Err(format!("expected silence, got {other}")),
    }
}
