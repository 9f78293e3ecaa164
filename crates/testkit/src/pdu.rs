//! PDUs as a transcript writes them, and as they were seen.

use core::fmt;
use core::ops::Range;

use bytes::Bytes;
use smppkit_wire::field::Kind;
use smppkit_wire::observe::{Observer, Shown, TlvSeen, Value};
use smppkit_wire::pdu::{PduDef, TABLE, def_of};
use smppkit_wire::{Body, CommandStatus, Dialect, Frame, Frames, Header, Pdu, RawBody, Version};

use crate::words::{Word, hex, number, to_hex};

/// A PDU as a line writes it: to be sent, or to be expected.
#[derive(Debug, Clone)]
pub(crate) struct PduLine {
    command_id: u32,
    seq: Option<u32>,
    status: CommandStatus,
    /// `body=`: octets as they are; `absent` is none.
    body: Option<Vec<u8>>,
    /// `tlvs=none`.
    no_tlvs: bool,
    fields: Vec<(String, Value)>,
    tlvs: Vec<Value>,
}

impl PduLine {
    /// From `submit_sm seq=1 destination_addr=1234 tlv:user_message_reference=7`.
    pub(crate) fn parse(words: &[Word]) -> Result<Self, String> {
        match words.split_first() {
            Some((Word::Bare(command), rest)) => Self::of(command_id(command)?, rest),
            _ => Err("a PDU begins with its name or its command_id".to_owned()),
        }
    }

    /// With the command known.
    pub(crate) fn of(command_id: u32, words: &[Word]) -> Result<Self, String> {
        let mut line = Self {
            command_id,
            seq: None,
            status: CommandStatus::ESME_ROK,
            body: None,
            no_tlvs: false,
            fields: Vec::new(),
            tlvs: Vec::new(),
        };
        for word in words {
            let Word::Pair(key, value) = word else {
                return Err(format!("{word:?} is no key=value"));
            };
            match (key.as_str(), value.as_str()) {
                ("seq", value) => line.seq = Some(number(value)?),
                ("status", value) => line.status = status(value)?,
                ("body", "absent") => line.body = Some(Vec::new()),
                ("body", value) => line.body = Some(hex(value)?),
                ("tlvs", "none") => line.no_tlvs = true,
                (key, value) => line.field(key, value)?,
            }
        }
        Ok(line)
    }

    fn field(&mut self, key: &str, value: &str) -> Result<(), String> {
        if let Some(tag) = key.strip_prefix("tlv:") {
            let named = |key: &str, value| (key.to_owned(), Value::Text(value));
            self.tlvs.push(Value::Record(if tag.starts_with("0x") {
                vec![named("tag", tag.to_owned()), named("hex", value.to_owned())]
            } else {
                vec![named("name", tag.to_owned()), named("value", value.to_owned())]
            }));
            return Ok(());
        }
        let fields = self.def().map_or(&[][..], |def| def.fields);
        let Some(field) = fields.iter().find(|field| field.name == key) else {
            let known: Vec<_> = fields.iter().map(|field| field.name).collect();
            return Err(format!("{key} is no field here; there are {}", known.join(", ")));
        };
        self.fields.push((key.to_owned(), value_of(field.kind, value)));
        Ok(())
    }

    pub(crate) const fn status(&self) -> CommandStatus {
        self.status
    }

    fn def(&self) -> Option<&'static PduDef> {
        def_of(self.command_id)
    }

    /// The body that the line describes.
    pub(crate) fn body(&self) -> Result<Body, String> {
        if let Some(octets) = &self.body {
            return Ok(Body::Raw(RawBody { command_id: self.command_id, octets: octets.clone().into() }));
        }
        if self.def().is_none() {
            return Ok(Body::Raw(RawBody { command_id: self.command_id, octets: Bytes::new() }));
        }
        let mut record = self.fields.clone();
        record.push(("tlvs".to_owned(), Value::List(self.tlvs.clone())));
        Body::from_record(self.command_id, &Value::Record(record)).map_err(|error| error.to_string())
    }

    /// The PDU as octets, nothing left out for any version's sake.
    pub(crate) fn octets(&self) -> Result<Vec<u8>, String> {
        let sequence_number = self.seq.ok_or("a PDU that is sent needs seq=")?;
        let mut octets = Vec::new();
        let pdu = Pdu { command_status: self.status, sequence_number, body: self.body()? };
        pdu.encode(Version::V50, &mut octets);
        Ok(octets)
    }

    /// How what was seen differs from what the line says. What it does not name may be anything.
    pub(crate) fn difference(&self, seen: &Seen) -> Option<String> {
        if self.command_id != seen.header.command_id {
            return Some("command".to_owned());
        }
        if self.seq.is_some_and(|seq| seq != seen.header.sequence_number) {
            return Some("seq".to_owned());
        }
        if self.status != seen.header.command_status {
            return Some("status".to_owned());
        }
        if let Some(problem) = &seen.problem {
            return Some(format!("it does not parse: {problem}"));
        }
        if let Some(octets) = &self.body {
            return (*octets != seen.body).then(|| "body".to_owned());
        }
        if self.no_tlvs && !seen.tlvs.is_empty() {
            return Some("tlvs".to_owned());
        }
        let expected = match self.body() {
            Ok(body) => Seen::of(&Pdu { command_status: self.status, sequence_number: 0, body }),
            Err(problem) => return Some(problem),
        };
        let field = self.fields.iter().find(|(name, _)| expected.field(name) != seen.field(name));
        let tlv = expected.tlvs.iter().find(|tlv| !seen.tlvs.contains(tlv));
        field.map(|(name, _)| name.clone()).or_else(|| tlv.map(|(name, _)| name.clone()))
    }
}

/// The command_id of a PDU's name, or of its number.
pub(crate) fn command_id(command: &str) -> Result<u32, String> {
    match TABLE.iter().find(|def| def.name == command) {
        Some(def) => Ok(def.command_id),
        None => number(command).map_err(|_| format!("{command} is no PDU")),
    }
}

/// The status of a name.
pub(crate) fn status(name: &str) -> Result<CommandStatus, String> {
    name.parse().map_err(|error| format!("{name} is {error}"))
}

/// `"text"` is octets where octets stand, `[1234,dl:friends]` a list of destinations; all else is text,
/// which the table makes a number or hexadecimal digits of.
fn value_of(kind: Kind, text: &str) -> Value {
    let plain = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    match (kind, plain) {
        (Kind::Counted { .. }, Some(characters)) => Value::Octets(characters.as_bytes().to_vec().into()),
        (_, Some(characters)) => Value::Text(characters.to_owned()),
        (Kind::Counted { .. }, None) if text.starts_with('[') => Value::List(
            text.trim_matches(['[', ']'])
                .split(',')
                .map(str::trim)
                .filter(|item| !item.is_empty())
                .map(|item| {
                    let (key, value) = match item.strip_prefix("dl:") {
                        Some(name) => ("dl_name", name),
                        None => ("destination_addr", item),
                    };
                    Value::Record(vec![(key.to_owned(), Value::Text(value.to_owned()))])
                })
                .collect(),
        ),
        (_, None) => Value::Text(text.to_owned()),
    }
}

/// A PDU as it was seen, taken apart.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) header: Header,
    body: Vec<u8>,
    fields: Vec<(String, Value)>,
    tlvs: Vec<(String, Bytes)>,
    problem: Option<String>,
}

impl Seen {
    /// A frame that the session sent.
    ///
    /// What goes out must stand before the strictest reader.
    pub(crate) fn sent(frame: &Frame<'_>, version: Version) -> Self {
        Self::frame(frame, version, &Dialect::STRICT)
    }

    fn frame(frame: &Frame<'_>, version: Version, dialect: &Dialect) -> Self {
        let mut seen = Self {
            header: frame.header,
            body: frame.octets()[Header::OCTETS..].to_vec(),
            fields: Vec::new(),
            tlvs: Vec::new(),
            problem: None,
        };
        if let Err(error) = Pdu::decode_observed(frame, version, dialect, &mut Watch(&mut seen)) {
            seen.problem = Some(error.to_string());
        }
        seen
    }

    /// A PDU that the session handed to the application.
    pub(crate) fn of(pdu: &Pdu) -> Self {
        let version = pdu.def().map_or(Version::V50, |def| def.until);
        let mut octets = Vec::new();
        pdu.encode(version, &mut octets);
        let run = octets.into();
        let frame = Frames::new(&run, u32::MAX).next();
        let frame = frame.expect("a whole frame was written").expect("its length was computed");
        Self::frame(&frame, version, &Dialect::RECEIVE)
    }

    fn field(&self, name: &str) -> Option<&Value> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match def_of(self.header.command_id) {
            Some(def) => f.write_str(def.name)?,
            None => write!(f, "{:#010x}", self.header.command_id)?,
        }
        write!(f, " seq={:#x}", self.header.sequence_number)?;
        if self.header.is_response() {
            write!(f, " status={}", self.header.command_status)?;
        }
        for (name, value) in &self.fields {
            match value {
                Value::Int(0) => {}
                Value::Int(number) => write!(f, " {name}={number}")?,
                Value::Text(text) if text.is_empty() => {}
                Value::Text(text) => write!(f, " {name}={text}")?,
                Value::Octets(octets) => write!(f, " {name}={}", to_hex(octets))?,
                other => write!(f, " {name}={other:?}")?,
            }
        }
        for (name, value) in &self.tlvs {
            write!(f, " tlv:{name}={}", to_hex(value))?;
        }
        match &self.problem {
            Some(problem) => write!(f, " (does not parse: {problem}; body {})", to_hex(&self.body)),
            None if self.body.is_empty() => f.write_str(" body=absent"),
            None => Ok(()),
        }
    }
}

/// Writes down what is read. A list is known by its octets.
struct Watch<'a>(&'a mut Seen);

impl Observer for Watch<'_> {
    fn field(&mut self, name: &'static str, _: Range<usize>, shown: impl FnOnce() -> Shown) {
        self.0.fields.push((name.to_owned(), shown().value));
    }

    fn list(&mut self, name: &'static str) {
        self.0.fields.push((name.to_owned(), Value::List(Vec::new())));
    }

    fn list_end(&mut self, octets: Range<usize>) {
        let from = octets.start.saturating_sub(Header::OCTETS);
        let list = self.0.body.get(from..octets.end.saturating_sub(Header::OCTETS)).unwrap_or_default();
        let list = Bytes::copy_from_slice(list);
        if let Some((_, value)) =
            self.0.fields.iter_mut().rev().find(|(_, value)| *value == Value::List(Vec::new()))
        {
            *value = Value::Octets(list);
        }
    }

    fn tlv(&mut self, seen: impl FnOnce() -> TlvSeen) {
        let seen = seen();
        self.0.tlvs.push((seen.tag.to_string(), seen.value));
    }
}
