//! The live stream of PDUs: server-sent events.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::api::{ANSWER_LIMIT_OCTETS, Api};
use super::look::missed;
use super::show::{cell, clock, document, put};

/// Prints PDUs as they come, up to a number of them.
pub(super) async fn follow(api: &Api, target: String, limit: Option<u64>, json: bool) -> Result<ExitCode> {
    let mut body = api.stream(target).await?;
    let mut events = Events::default();
    let mut left = limit;
    loop {
        let frame = timeout(SILENCE, body.frame()).await;
        let silent = |_| api.unreached(format!("nothing came for {} s", SILENCE.as_secs()));
        let Some(frame) = frame.map_err(silent)? else {
            eprintln!("smppkit: the stream ended");
            return Ok(ExitCode::from(1));
        };
        let frame = frame.map_err(|error| api.unreached(error.to_string()))?;
        let Some(octets) = frame.data_ref() else { continue };
        let came = events.push(octets).map_err(|why| api.unreached(why))?;
        for event in came {
            if !tell(&event, json) {
                // A reader that went away has read enough.
                return Ok(ExitCode::SUCCESS);
            }
            if event.is_pdu() {
                left = left.map(|left| left.saturating_sub(1));
            }
            if left == Some(0) {
                return Ok(ExitCode::SUCCESS);
            }
        }
    }
}

/// Whether there is still somebody who reads it.
fn tell(event: &Event, json: bool) -> bool {
    let line = match (event.kind.as_str(), json) {
        ("missed", true) => json!({"missed": event.data.parse::<u64>().ok()}).to_string(),
        ("missed", false) => {
            missed(&event.data.parse::<u64>().unwrap_or_default().into());
            return true;
        }
        (_, true) => document(&event.data),
        (_, false) => line(&serde_json::from_str(&event.data).unwrap_or_default()),
    };
    put(&line).is_ok()
}

/// The widths are those of a small simulator; a longer value moves the rest of its line.
fn line(pdu: &Value) -> String {
    let names = ["number", "session", "system_id", "direction", "summary"];
    let [number, session, system_id, direction, summary] = names.map(|name| cell(pdu, name));
    let whose = format!("{}#{session}", cell(pdu, "smsc"));
    format!("{number:>6}  {}  {whose:<8}  {system_id:<15}  {direction:<3}  {summary}", clock(pdu, "time"))
}

/// An event of the stream.
#[derive(Debug, Default, PartialEq)]
struct Event {
    /// Empty for a PDU.
    kind: String,
    data: String,
}

impl Event {
    fn is_pdu(&self) -> bool {
        self.kind.is_empty()
    }
}

/// Events out of octets that come in pieces (HTML, 9.2.6).
#[derive(Debug, Default)]
struct Events {
    /// The line that has no end yet.
    line: Vec<u8>,
    event: Event,
}

impl Events {
    /// The events that end in these octets.
    fn push(&mut self, octets: &[u8]) -> Result<Vec<Event>, &'static str> {
        let mut ended = Vec::new();
        for piece in octets.split_inclusive(|octet| *octet == b'\n') {
            self.line.extend_from_slice(piece);
            if self.line.len().saturating_add(self.event.data.len()) > ANSWER_LIMIT_OCTETS {
                return Err("an event is longer than 16 MiB");
            }
            if piece.ends_with(b"\n") {
                let line = core::mem::take(&mut self.line);
                ended.extend(self.end_line(&String::from_utf8_lossy(&line)));
            }
        }
        Ok(ended)
    }

    fn end_line(&mut self, line: &str) -> Option<Event> {
        let line = line.trim_end_matches(['\n', '\r']);
        if line.is_empty() {
            let event = core::mem::take(&mut self.event);
            return (!event.data.is_empty()).then_some(event);
        }
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "event" => value.clone_into(&mut self.event.kind),
            "data" => {
                if !self.event.data.is_empty() {
                    self.event.data.push('\n');
                }
                self.event.data.push_str(value);
            }
            // The id is in the PDU, too; a line without a name is there to keep the connection alive.
            _ => {}
        }
        None
    }
}

/// The simulator says that it lives every 15 s.
const SILENCE: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_the_same_however_they_are_cut() {
        let octets =
            b":\n\nid: 7\r\ndata: {\"a\":\ndata: \"\xc3\xa9\"}\n\nevent: missed\ndata:3\n\ndata: no end";
        let whole = Events::default().push(octets).unwrap();
        let expected = [("", "{\"a\":\n\"é\"}"), ("missed", "3")]
            .map(|(kind, data)| Event { kind: kind.to_owned(), data: data.to_owned() });
        assert_eq!(whole, expected);
        for size in 1..octets.len() {
            let mut events = Events::default();
            let cut: Vec<_> = octets.chunks(size).flat_map(|piece| events.push(piece).unwrap()).collect();
            assert_eq!(cut, expected, "pieces of {size}");
        }
    }

    #[test]
    fn an_event_without_end_is_refused() {
        let mut events = Events::default();
        let piece = vec![b'x'; 1024 * 1024];
        assert!((0..17).any(|_| events.push(&piece).is_err()));
    }
}
