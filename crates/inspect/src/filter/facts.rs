//! What is known of one PDU, as far as somebody asks.

use core::ops::Range;
use std::borrow::Cow;

use bytes::Bytes;
use smppkit_text::{McDefault, decode_user_data};
use smppkit_wire::observe::{Observer, Shown, TlvSeen, Value};
use smppkit_wire::tlv::tag;
use smppkit_wire::value::EsmClass;
use smppkit_wire::{Body, Dialect, Frames, Pdu, Tag, Version};

use super::{Filter, Name};

/// What some filters look at; the rest is not gathered.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    names: Vec<Name>,
    text: bool,
}

/// What one PDU says, gathered for filters.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    facts: Vec<Fact>,
}

#[derive(Debug, Clone)]
pub(super) struct Fact {
    name: Name,
    pub(super) value: Value,
    pub(super) meaning: Option<Cow<'static, str>>,
}

/// The name of the decoded text.
const TEXT: &str = "text";

impl Wanted {
    /// What these filters look at.
    pub fn by(filters: &[&Filter]) -> Self {
        let mut names: Vec<Name> = Vec::new();
        for name in filters.iter().flat_map(|filter| filter.names()) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        Self { text: names.contains(&Name::Known(TEXT)), names }
    }

    fn known(&self, name: &str) -> Option<Name> {
        self.names.iter().find(|wanted| matches!(wanted, Name::Known(known) if *known == name)).copied()
    }

    fn tag(&self, tag: Tag) -> Option<Name> {
        self.names.iter().find(|wanted| **wanted == Name::Tag(tag)).copied()
    }
}

impl Facts {
    /// Of a body, as 5.0 writes it.
    pub fn of_body(body: &Body, wanted: &Wanted) -> Self {
        let mut octets = Vec::new();
        body.encode(smppkit_wire::CommandStatus::ESME_ROK, 1, Version::V50, &mut octets);
        Self::of_octets(&octets.into(), wanted)
    }

    /// Of a whole PDU; of a malformed one what stands before the fault.
    pub fn of_octets(octets: &Bytes, wanted: &Wanted) -> Self {
        let mut gatherer = Gatherer::new(wanted);
        if let Some(Ok(frame)) = Frames::new(octets, u32::MAX).next() {
            let header = frame.header;
            let name = smppkit_wire::pdu::def_of(header.command_id).map(|def| def.name);
            gatherer.header("command_length", header.command_length, None);
            gatherer.header("command_id", header.command_id, name.map(Cow::Borrowed));
            let status = header.command_status;
            gatherer.header("command_status", status.0, Some(status.to_string().into()));
            gatherer.header("sequence_number", header.sequence_number, None);
            if let (Some(wanted), Some(name)) = (wanted.known("command"), name) {
                gatherer.add(wanted, Value::Text(name.to_owned()), None);
            }
            let _ = Pdu::decode_observed(&frame, Version::V50, &Dialect::RECEIVE, &mut gatherer);
        }
        gatherer.facts()
    }

    /// Says something that does not stand in the PDU, or says it better. Nothing is kept that nobody wants.
    pub fn set(&mut self, wanted: &Wanted, name: &str, value: impl Into<String>) {
        if let Some(name) = wanted.known(name) {
            self.facts.retain(|fact| fact.name != name);
            self.facts.push(Fact { name, value: Value::Text(value.into()), meaning: None });
        }
    }

    /// Says one more value: a condition holds when it holds for one of them.
    pub fn add(&mut self, wanted: &Wanted, name: &str, value: impl Into<String>) {
        if let Some(name) = wanted.known(name) {
            self.facts.push(Fact { name, value: Value::Text(value.into()), meaning: None });
        }
    }

    pub(super) fn named(&self, name: Name) -> impl Iterator<Item = &Fact> {
        self.facts.iter().filter(move |fact| fact.name == name)
    }
}

/// Takes what is wanted while a PDU is read.
struct Gatherer<'a> {
    wanted: &'a Wanted,
    facts: Vec<Fact>,
    /// What the text is made of: user data, data_coding, esm_class.
    user_data: Bytes,
    data_coding: u32,
    esm_class: u32,
}

impl<'a> Gatherer<'a> {
    fn new(wanted: &'a Wanted) -> Self {
        Self { wanted, facts: Vec::new(), user_data: Bytes::new(), data_coding: 0, esm_class: 0 }
    }

    fn header(&mut self, name: &str, number: u32, meaning: Option<Cow<'static, str>>) {
        if let Some(name) = self.wanted.known(name) {
            self.add(name, Value::Int(number), meaning);
        }
    }

    fn add(&mut self, name: Name, value: Value, meaning: Option<Cow<'static, str>>) {
        self.facts.push(Fact { name, value, meaning });
    }

    fn facts(mut self) -> Facts {
        if self.wanted.text {
            let udhi = EsmClass(self.esm_class as u8).has_udh();
            let coding = self.data_coding as u8;
            let text = decode_user_data(&self.user_data, udhi, coding, McDefault::GsmUnpacked).decoded.text;
            self.add(Name::Known(TEXT), Value::Text(text), None);
        }
        Facts { facts: self.facts }
    }
}

impl Observer for Gatherer<'_> {
    fn field(&mut self, name: &'static str, _: Range<usize>, shown: impl FnOnce() -> Shown) {
        let part_of_text = self.wanted.text && matches!(name, "short_message" | "data_coding" | "esm_class");
        let wanted = self.wanted.known(name);
        if wanted.is_none() && !part_of_text {
            return;
        }
        let Shown { value, meaning } = shown();
        if part_of_text {
            match (&value, name) {
                (Value::Int(number), "data_coding") => self.data_coding = *number,
                (Value::Int(number), "esm_class") => self.esm_class = *number,
                (Value::Octets(octets), _) if self.user_data.is_empty() => self.user_data = octets.clone(),
                _ => {}
            }
        }
        if let Some(name) = wanted {
            self.add(name, value, meaning);
        }
    }

    fn tlv(&mut self, seen: impl FnOnce() -> TlvSeen) {
        if self.wanted.names.is_empty() {
            return;
        }
        let seen = seen();
        if self.wanted.text && seen.tag == tag::message_payload.tag() {
            self.user_data = seen.value.clone();
        }
        let named = seen.def.and_then(|def| self.wanted.known(seen.name.unwrap_or(def.name)));
        for name in [named, self.wanted.tag(seen.tag)].into_iter().flatten() {
            let value = seen.typed();
            let meaning = seen.def.and_then(|def| crate::dissect::tlv_meaning(def, &value));
            self.add(name, value, meaning);
        }
    }
}
