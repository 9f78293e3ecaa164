//! What a page is told.

use std::time::{SystemTime, UNIX_EPOCH};

use bytes::{Bytes, BytesMut};
use serde::Serialize;
use serde_json::Value as Json;
use smppkit_inspect::{Dissection, hex};
use smppkit_wire::Version;
use smppkit_wire::pdu::def_of;
use utoipa::ToSchema;

use crate::draft::dissect;

/// One message to a page.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = ClientSay)]
pub(super) enum Say {
    /// How the connection stands.
    State(Box<Standing>),
    /// PDUs that came and went.
    Pdus {
        /// The oldest first.
        pdus: Vec<Row>,
        /// So many more that are not shown: there were too many at once.
        skipped: u64,
    },
    /// How far a repeat has come.
    Repeat { repeat: Progress },
    /// How a step of a script ended.
    Script { script: Ended },
    /// What was asked for was not done. The session goes on.
    Error {
        /// What, why, and what now.
        error: String,
        /// The key of a PDU that is wrong.
        #[serde(skip_serializing_if = "Option::is_none")]
        key: Option<String>,
    },
    /// The last word, for the WebSocket's close.
    #[serde(skip)]
    Over(&'static str),
}

/// How a connection stands.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = ClientState)]
pub(super) struct Standing {
    pub(super) state: State,
    /// Why, in words.
    pub(super) detail: String,
    /// The server's address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) peer: Option<String>,
    /// The server's name, when bound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) system_id: Option<String>,
    /// The version that the server declared, when bound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sc_interface_version: Option<u64>,
}

/// States of a connection (SMPP 5.0, 2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ClientStateName)]
pub(super) enum State {
    Connecting,
    Open,
    BoundTx,
    BoundRx,
    BoundTrx,
    Unbound,
    Closed,
}

/// Of a repeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, ToSchema)]
#[schema(as = ClientProgress)]
pub(super) struct Progress {
    pub(super) sent: u32,
    /// With whatever status.
    pub(super) answered: u32,
    /// Answered with another status than ESME_ROK, or not in time.
    pub(super) failed: u32,
    /// Nothing more is sent or waited for.
    pub(super) done: bool,
}

/// Of a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ClientStepEnded)]
pub(super) struct Ended {
    /// From 1.
    pub(super) step: usize,
    pub(super) ok: bool,
    pub(super) detail: String,
    /// No step follows.
    pub(super) done: bool,
}

/// One PDU.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = ClientPdu)]
pub(super) struct Row {
    /// From 1 in each WebSocket. One that is missing was skipped.
    number: u64,
    /// Milliseconds since 1970.
    time_ms: u64,
    session: u64,
    /// As whom the page bound.
    system_id: String,
    /// The server's address.
    peer: String,
    direction: Direction,
    /// None when there is no such PDU.
    command: Option<&'static str>,
    /// None, as what follows, when the header is not all there.
    command_id: Option<u32>,
    sequence_number: Option<u32>,
    command_status: Option<String>,
    command_status_code: Option<u32>,
    octets: usize,
    summary: String,
    /// All octets; `*` for those of a password.
    hex: String,
    /// Of a message.
    text: Option<String>,
    /// In a response, the time since its request.
    #[serde(skip_serializing_if = "Option::is_none")]
    answered_us: Option<u64>,
}

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ClientDirection)]
pub(super) enum Direction {
    /// From the server.
    In,
    /// To it.
    Out,
}

/// Rows that wait to be told.
#[derive(Debug, Default)]
pub(super) struct Rows {
    waiting: Vec<Row>,
    skipped: u64,
    /// What the rows hold.
    octets: usize,
    number: u64,
}

/// Whose rows they are.
#[derive(Debug, Clone)]
pub(super) struct Whose {
    pub(super) session: u64,
    pub(super) system_id: String,
    pub(super) peer: String,
    pub(super) version: Version,
}

impl Rows {
    /// Takes a PDU, or whatever octets there were, unless there are too many already.
    pub(super) fn push(
        &mut self,
        whose: &Whose,
        direction: Direction,
        octets: &Bytes,
        answered_us: Option<u64>,
    ) {
        self.number += 1;
        if self.waiting.len() >= ROWS_LIMIT || self.octets >= OCTETS_LIMIT {
            self.skipped += 1;
            return;
        }
        self.octets += octets.len();
        let (number, time_ms) = (self.number, unix_ms());
        let shown = without_password(octets);
        let dissection = taken_apart(&shown, whose.version);
        let header = dissection.header;
        self.waiting.push(Row {
            number,
            time_ms,
            session: whose.session,
            system_id: whose.system_id.clone(),
            peer: whose.peer.clone(),
            direction,
            command: dissection.def().map(|def| def.name),
            command_id: header.map(|header| header.command_id),
            sequence_number: header.map(|header| header.sequence_number),
            command_status: header.map(|header| header.command_status.to_string()),
            command_status_code: header.map(|header| header.command_status.0),
            octets: shown.len(),
            summary: dissection.summary(),
            hex: hex(&shown),
            text: dissection.message_text().map(|decoded| decoded.text),
            answered_us,
        });
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.skipped == 0
    }

    /// What has gathered.
    pub(super) fn take(&mut self) -> Say {
        self.octets = 0;
        Say::Pdus { pdus: core::mem::take(&mut self.waiting), skipped: core::mem::take(&mut self.skipped) }
    }
}

impl Say {
    pub(super) fn error(error: impl Into<String>) -> Self {
        Self::Error { error: error.into(), key: None }
    }

    /// As it goes over the WebSocket.
    pub(super) fn json(&self) -> String {
        // Only a map with keys that are no strings would fail.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// As its peer reads it: before a bind is answered no version has been agreed on.
pub(super) fn taken_apart(octets: &Bytes, version: Version) -> Dissection {
    let id = octets.get(4..8).and_then(|id| id.try_into().ok()).map(u32::from_be_bytes);
    let opens = id.and_then(def_of).is_some_and(|def| def.opens_session);
    dissect(octets, if opens { Version::V50 } else { version })
}

/// What the field of a PDU says, as JSON.
pub(super) fn said(dissection: &Dissection, name: &str) -> Option<Json> {
    let json = dissection.json();
    if let Some(value) = json.get(name) {
        return Some(value.clone());
    }
    let tlvs = json.get("tlvs")?.as_array()?;
    tlvs.iter().find(|tlv| tlv.get("name").is_some_and(|known| known == name))?.get("value").cloned()
}

/// The octets, those of a password replaced. Broken ones as well: what stands where a password would, is one.
fn without_password(octets: &Bytes) -> Bytes {
    let id = octets.get(4..8).and_then(|id| id.try_into().ok()).map(u32::from_be_bytes);
    let fields = id.and_then(def_of).map_or(&[][..], |def| def.fields);
    let Some(before) = fields.iter().position(|field| field.name == "password") else {
        return octets.clone();
    };
    // Those before it are C-Octet Strings in every PDU that has one.
    let mut start = smppkit_wire::Header::OCTETS;
    let nul_from = |at: usize| octets.get(at..).and_then(|rest| rest.iter().position(|octet| *octet == 0));
    for _ in 0..before {
        let Some(length) = nul_from(start) else { break };
        start += length + 1;
    }
    let end = nul_from(start).map_or(octets.len(), |length| start + length);
    let mut shown = BytesMut::from(&octets[..]);
    if let Some(room) = shown.get_mut(start..end) {
        room.fill(b'*');
    }
    shown.freeze()
}

fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// In one message; as many as people can still look at.
const ROWS_LIMIT: usize = 500;
/// Of all rows of a message: a browser takes a few megabytes at once well.
const OCTETS_LIMIT: usize = 512 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Draft;

    fn whose() -> Whose {
        Whose { session: 1, system_id: "me".into(), peer: "127.0.0.1:1".into(), version: Version::V34 }
    }

    fn row(octets: &[u8]) -> String {
        let mut rows = Rows::default();
        rows.push(&whose(), Direction::Out, &Bytes::copy_from_slice(octets), None);
        rows.take().json()
    }

    #[test]
    fn no_password_is_shown_however_broken_the_bind_is() {
        for command in ["bind_transceiver", "bind_transmitter", "bind_receiver", "outbind"] {
            let mut draft = Draft::new(command);
            draft.set("system_id", "me").unwrap();
            draft.set("password", "geheim").unwrap();
            let octets = draft.octets().unwrap();
            for end in 19..=octets.len() {
                let mut cut = octets[..end].to_vec();
                assert!(!row(&cut).contains(&hex(b"ge")), "{command} cut at {end}");
                cut[3] = end as u8;
                let shown = row(&cut);
                assert!(!shown.contains(&hex(b"ge")) && !shown.contains("geh"), "{command} of {end} octets");
            }
        }
    }

    #[test]
    fn what_is_too_much_at_once_is_counted() {
        let mut rows = Rows::default();
        let octets = Bytes::from_static(b"\0\0\0\x10\0\0\0\x15\0\0\0\0\0\0\0\x07");
        for _ in 0..ROWS_LIMIT + 7 {
            rows.push(&whose(), Direction::In, &octets, None);
        }
        let Say::Pdus { pdus, skipped } = rows.take() else { panic!("rows") };
        assert_eq!((pdus.len(), skipped), (ROWS_LIMIT, 7));
        rows.push(&whose(), Direction::In, &octets, Some(12));
        let json: Json = serde_json::from_str(&rows.take().json()).unwrap();
        assert_eq!(json["pdus"][0]["number"], 508);
        assert_eq!(json["pdus"][0]["answered_us"], 12);
        assert_eq!(json["pdus"][0]["command"], "enquire_link");
    }

    #[test]
    fn octets_that_are_no_pdu_have_a_row() {
        let json: Json = serde_json::from_str(&row(&[1, 2, 3])).unwrap();
        assert_eq!(json["pdus"][0]["command_id"], Json::Null);
        assert_eq!(json["pdus"][0]["hex"], "010203");
    }
}
