//! One PDU as a line of a list, cheap enough for thousands a second.

use core::time::Duration;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use serde::Serialize;
use smppkit_wire::Header;
use utoipa::ToSchema;

use super::{Direction, Entry, Place};

/// One PDU as a line of a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Row {
    /// Its place in the record.
    pub number: u64,
    /// When it passed, in milliseconds since 1970.
    pub time_ms: i64,
    /// The SMSC that the session is at, in the simulator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub smsc: Option<String>,
    /// The connector that the session is at, in the gateway; an ESME's has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connector: Option<String>,
    /// The session's id.
    pub session: u64,
    /// Who it is bound as.
    pub system_id: Option<String>,
    /// The address of the other side.
    pub peer: String,
    /// `in` towards us, `out` away from us.
    pub direction: Direction,
    /// The PDU's name; nothing when no PDU has its command_id.
    pub command: Option<&'static str>,
    /// Nothing when there is no whole header.
    pub command_id: Option<u32>,
    /// What pairs a response with its request.
    pub sequence_number: Option<u32>,
    /// Its name, or a number where it has none.
    #[schema(example = "ESME_ROK")]
    pub command_status: Option<String>,
    /// The same as a number.
    pub command_status_code: Option<u32>,
    /// Octets of the PDU.
    pub octets: usize,
    /// The PDU on one line.
    pub summary: String,
    /// Of a response whose request was seen: from the one to the other, in microseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answered_us: Option<u64>,
}

impl Row {
    /// Of a PDU of the record; `answered` has seen those before it.
    pub fn of(entry: &Entry, answered: Option<Duration>) -> Self {
        let dissection = entry.dissector().dissect(&entry.octets);
        let header = dissection.header;
        let name = |name: &Arc<str>| Some(name.to_string());
        let (smsc, connector) = match &entry.party.place {
            Place::Smsc(at) => (name(at), None),
            Place::Connector(at) => (None, name(at)),
            Place::Gateway => (None, None),
        };
        Self {
            number: entry.number,
            time_ms: entry.unix_ms,
            smsc,
            connector,
            session: entry.party.session,
            system_id: entry.party.bound.get().map(|bound| bound.system_id.clone()),
            peer: entry.party.peer.to_string(),
            direction: entry.direction,
            command: dissection.def().map(|def| def.name),
            command_id: header.map(|header| header.command_id),
            sequence_number: header.map(|header| header.sequence_number),
            command_status: header.map(|header| header.command_status.to_string()),
            command_status_code: header.map(|header| header.command_status.0),
            octets: entry.octets.len(),
            summary: dissection.summary(),
            answered_us: answered.map(|took| u64::try_from(took.as_micros()).unwrap_or(u64::MAX)),
        }
    }
}

/// Which requests wait for their answers, among those a reader has seen: the latest, up to a limit.
#[derive(Debug, Default)]
pub struct Answered {
    waiting: HashMap<Key, Duration>,
    order: VecDeque<Key>,
}

/// The session, the way the request went, its sequence_number.
type Key = (u64, Direction, u32);

impl Answered {
    /// Requests remembered at most: more than a session's window, less than a megabyte.
    const LIMIT: usize = 10_000;

    /// Looks at a PDU, each once and in order; of a response says how long its request had waited.
    pub fn see(&mut self, entry: &Entry) -> Option<Duration> {
        let header = Header::read(&entry.octets)?;
        let (session, sequence_number) = (entry.party.session, header.sequence_number);
        if header.is_response() {
            let asked = match entry.direction {
                Direction::In => Direction::Out,
                Direction::Out => Direction::In,
            };
            let since = self.waiting.remove(&(session, asked, sequence_number))?;
            return entry.elapsed.checked_sub(since);
        }
        if self.order.len() >= Self::LIMIT
            && let Some(oldest) = self.order.pop_front()
        {
            self.waiting.remove(&oldest);
        }
        let key = (session, entry.direction, sequence_number);
        self.waiting.insert(key, entry.elapsed);
        self.order.push_back(key);
        None
    }
}
