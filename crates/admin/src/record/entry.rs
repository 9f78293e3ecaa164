//! One PDU of the record, as people and programs see it.

use core::time::Duration;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use smppkit_inspect::{Dissector, Facts, Wanted};
use smppkit_wire::field::Time;
use smppkit_wire::{Dialect, Header, Version};

use super::{Direction, Party};
use crate::Shown;

/// One PDU.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its place in the record.
    pub number: u64,
    /// When it passed.
    pub unix_ms: i64,
    /// The same, since the record began.
    pub elapsed: Duration,
    /// Whose it is.
    pub party: Arc<Party>,
    /// Which way it went.
    pub direction: Direction,
    /// The PDU as it was, passwords included.
    pub octets: Bytes,
}

impl Entry {
    /// What filters may look at.
    pub fn facts(&self, wanted: &Wanted) -> Facts {
        let mut facts = Facts::of_octets(&self.octets, wanted);
        facts.set(wanted, "direction", self.direction.name());
        if let Some((kind, name)) = self.party.place.named() {
            facts.set(wanted, kind, name.as_ref());
        }
        facts.set(wanted, "session", self.party.session.to_string());
        facts.set(wanted, "peer", self.party.peer.to_string());
        if let Some(bound) = self.party.bound.get() {
            facts.set(wanted, "system_id", bound.system_id.as_str());
            facts.set(wanted, "bind_mode", bound.mode);
            facts.set(wanted, "interface_version", bound.version.name());
        }
        facts
    }

    /// As JSON. Passwords are blanked out.
    pub fn json(&self) -> serde_json::Value {
        let octets = self.shown();
        let dissection = Dissector::default().dissect(&octets);
        let header = Header::read(&octets);
        let bound = self.party.bound.get();
        let mut json = serde_json::Map::new();
        let mut say = |name: &str, value: serde_json::Value| drop(json.insert(name.to_owned(), value));
        say("number", self.number.into());
        say("time", time(self.unix_ms).into());
        if let Some((kind, name)) = self.party.place.named() {
            say(kind, name.as_ref().into());
        }
        say("session", self.party.session.into());
        say("system_id", bound.map(|bound| bound.system_id.as_str()).into());
        say("direction", self.direction.name().into());
        say("command", dissection.def().map(|def| def.name).into());
        say("sequence_number", header.map(|header| header.sequence_number).into());
        say("command_status", header.map(|header| header.command_status.to_string()).into());
        say("summary", dissection.summary().into());
        say("text", dissection.message_text().map(|decoded| decoded.text).into());
        say("pdu", dissection.json());
        say("hex", smppkit_inspect::hex(&octets).into());
        serde_json::Value::Object(json)
    }

    /// Taken apart as its receiver read it: in the session's version, with what is forgiven. Passwords are blanked out.
    pub fn taken_apart(&self) -> Shown {
        Shown::of(&self.dissector(), &self.shown())
    }

    /// How it is read.
    pub(super) fn dissector(&self) -> Dissector {
        let version = self.party.bound.get().map_or(Version::V50, |bound| bound.version);
        Dissector { version, dialect: Dialect::RECEIVE, frame_limit_octets: u32::MAX }
    }

    /// The octets, those of a password replaced.
    pub(super) fn shown(&self) -> Bytes {
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
pub fn time(unix_ms: i64) -> String {
    let text = Time::absolute(unix_ms.div_euclid(1_000) * 1_000).as_cstr().to_text();
    let part = |at: usize| text.get(at..at + 2).unwrap_or_default();
    let (date, time) = ((part(0), part(2), part(4)), (part(6), part(8), part(10)));
    let ms = unix_ms.rem_euclid(1_000);
    format!("20{}-{}-{}T{}:{}:{}.{ms:03}Z", date.0, date.1, date.2, time.0, time.1, time.2)
}
