//! One PDU of the record, as people and programs see it.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use smppkit_inspect::{Dissector, Facts, Wanted};
use smppkit_wire::Header;

use super::Direction;
use crate::session::Card;
use crate::settings::Clock;

/// One PDU.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// Its place in the record.
    pub(crate) number: u64,
    pub(crate) unix_ms: i64,
    pub(crate) card: Arc<Card>,
    pub(crate) direction: Direction,
    pub(crate) octets: Bytes,
}

impl Entry {
    /// What filters may look at.
    pub(crate) fn facts(&self, wanted: &Wanted) -> Facts {
        let mut facts = Facts::of_octets(&self.octets, wanted);
        facts.set(wanted, "direction", self.direction.name());
        facts.set(wanted, "smsc", self.card.smsc.as_ref());
        facts.set(wanted, "session", self.card.id.to_string());
        facts.set(wanted, "peer", self.card.peer.to_string());
        if let Some(bound) = self.card.bound.get() {
            facts.set(wanted, "system_id", bound.system_id.as_str());
            facts.set(wanted, "bind_mode", bound.mode.name());
            facts.set(wanted, "interface_version", bound.version.name());
        }
        facts
    }

    /// As JSON. Passwords are blanked out.
    pub(crate) fn json(&self) -> serde_json::Value {
        let octets = self.shown();
        let dissection = Dissector::default().dissect(&octets);
        let header = Header::read(&octets);
        let bound = self.card.bound.get();
        serde_json::json!({
            "number": self.number,
            "time": time(self.unix_ms),
            "smsc": self.card.smsc.as_ref(),
            "session": self.card.id,
            "system_id": bound.map(|bound| bound.system_id.as_str()),
            "direction": self.direction.name(),
            "command": dissection.def().map(|def| def.name),
            "sequence_number": header.map(|header| header.sequence_number),
            "command_status": header.map(|header| header.command_status.to_string()),
            "summary": dissection.summary(),
            "text": dissection.message_text().map(|decoded| decoded.text),
            "pdu": dissection.json(),
            "hex": smppkit_inspect::hex(&octets),
        })
    }

    /// The octets, those of a password replaced.
    fn shown(&self) -> Bytes {
        let dissection = Dissector::default().dissect(&self.octets);
        let Some(range) = dissection.node("password").map(|node| node.octets.clone()) else {
            return self.octets.clone();
        };
        let mut octets = BytesMut::from(&self.octets[..]);
        // The NUL stays, or it would not read.
        if let Some(room) = octets.get_mut(range.start..range.end.saturating_sub(1)) {
            room.fill(b'*');
        }
        octets.freeze()
    }
}

/// A moment in UTC, to the millisecond.
pub(crate) fn time(unix_ms: i64) -> String {
    let seconds = Clock(unix_ms.div_euclid(1_000) * 1_000).to_string();
    format!("{}.{:03}Z", seconds.trim_end_matches('Z'), unix_ms.rem_euclid(1_000))
}
