//! `event` and `close` lines, and what the session really told.

use core::fmt;

use smppkit_session::{Event, Failure};
use smppkit_wire::{Body, CommandStatus, Pdu};

use crate::pdu::{PduLine, Seen, command_id};
use crate::words::{Word, number};

/// What a line says was told.
#[derive(Debug, Clone)]
pub(super) struct EventLine {
    kind: String,
    words: Vec<String>,
    /// Of the event itself.
    attributes: Vec<(String, String)>,
    /// Of the PDU in it.
    fields: Vec<Word>,
}

/// What was told.
#[derive(Debug)]
pub(super) struct Told {
    kind: &'static str,
    words: Vec<String>,
    attributes: Vec<(&'static str, String)>,
    pdu: Option<Seen>,
}

const KINDS: [&str; 10] = [
    "bind",
    "outbind",
    "bound",
    "bind_refused",
    "request",
    "notification",
    "response",
    "failed",
    "unbinding",
    "close",
];

impl EventLine {
    /// From the words behind `event`.
    pub(super) fn parse(words: &[Word]) -> Result<Self, String> {
        let Some((Word::Bare(kind), rest)) = words.split_first() else {
            return Err("an event begins with its kind".to_owned());
        };
        if !KINDS.contains(&kind.as_str()) {
            return Err(format!("{kind} is no event; there are {}", KINDS.join(", ")));
        }
        let mut line =
            Self { kind: kind.clone(), words: Vec::new(), attributes: Vec::new(), fields: Vec::new() };
        for word in rest {
            match word {
                Word::Bare(word) => line.words.push(word.clone()),
                Word::Pair(key, value) if line.has_attribute(key) => {
                    line.attributes.push((key.clone(), value.trim_matches('"').to_owned()));
                }
                pair @ Word::Pair(..) => line.fields.push(pair.clone()),
            }
        }
        Ok(line)
    }

    /// Whether a key is the event's own and not its PDU's.
    fn has_attribute(&self, key: &str) -> bool {
        match self.kind.as_str() {
            "request" => key == "seq",
            "response" => matches!(key, "token" | "status" | "waited" | "command"),
            "notification" | "outbind" => false,
            _ => true,
        }
    }

    /// How what was told differs.
    pub(super) fn difference(&self, told: &Told) -> Option<String> {
        if self.kind != told.kind {
            return Some("kind".to_owned());
        }
        if let Some((said, _)) = self.words.iter().zip(&told.words).find(|(said, told)| said != told) {
            return Some(said.clone());
        }
        if let Some(extra) = self.words.get(told.words.len()) {
            return Some(format!("{extra}, which such an event does not say"));
        }
        for (key, said) in &self.attributes {
            let known = told.attributes.iter().find(|(known, _)| known == key);
            if !known.is_some_and(|(_, value)| same(said, value)) {
                return Some(key.clone());
            }
        }
        if self.fields.is_empty() {
            return None;
        }
        let Some(pdu) = &told.pdu else {
            return Some("fields, for it has no PDU".to_owned());
        };
        // The status is the event's own; here it only has to agree with itself.
        let mut fields = self.fields.clone();
        fields.push(Word::Pair("status".to_owned(), pdu.header.command_status.0.to_string()));
        match PduLine::of(pdu.header.command_id, &fields) {
            Ok(line) => line.difference(pdu),
            Err(problem) => Some(problem),
        }
    }
}

/// Alike as text, as numbers, as statuses or as commands.
fn same(said: &str, told: &str) -> bool {
    let number = |text| number(text).ok();
    let status = |text: &str| text.parse::<CommandStatus>().ok();
    let command = |text| command_id(text).ok();
    said == told
        || (number(said).is_some() && number(said) == number(told))
        || (status(said).is_some() && status(said) == status(told))
        || (command(said).is_some() && command(said) == command(told))
}

impl Told {
    pub(super) fn new(event: &Event<u64>) -> Self {
        let pdu = |status, body: &Body| {
            Some(Seen::of(&Pdu { command_status: status, sequence_number: 0, body: body.clone() }))
        };
        let ok = CommandStatus::ESME_ROK;
        let mut told = Self { kind: "", words: Vec::new(), attributes: Vec::new(), pdu: None };
        match event {
            Event::Bind(asked, request) => {
                told.kind = "bind";
                told.words = vec![request.mode.to_string()];
                told.attributes = vec![
                    ("seq", asked.sequence_number.to_string()),
                    ("system_id", request.system_id.to_text()),
                    ("password", request.password.to_text()),
                    ("system_type", request.system_type.to_text()),
                    ("interface_version", request.interface_version.map_or(0, |v| v.0).to_string()),
                    ("addr_ton", request.addr_ton.0.to_string()),
                    ("addr_npi", request.addr_npi.0.to_string()),
                    ("address_range", request.address_range.to_text()),
                ];
            }
            Event::Outbind(outbind) => {
                told.kind = "outbind";
                told.pdu = pdu(ok, &outbind.clone().into());
            }
            Event::Bound { mode, version, system_id } => {
                told.kind = "bound";
                told.words = vec![mode.to_string()];
                told.attributes = vec![("version", version.to_string()), ("system_id", system_id.to_text())];
            }
            Event::BindRefused(status) => {
                told.kind = "bind_refused";
                told.words = vec![status.to_string()];
            }
            Event::Request(asked, body) => {
                told.kind = "request";
                told.words = vec![name_of(body)];
                told.attributes = vec![("seq", asked.sequence_number.to_string())];
                told.pdu = pdu(ok, body);
            }
            Event::Notification(body) => {
                told.kind = "notification";
                told.words = vec![name_of(body)];
                told.pdu = pdu(ok, body);
            }
            Event::Response { token, status, body, waited } => {
                told.kind = "response";
                told.attributes = vec![
                    ("token", token.to_string()),
                    ("status", status.to_string()),
                    ("waited", format!("{waited:?}")),
                    ("command", name_of(body)),
                ];
                told.pdu = pdu(*status, body);
            }
            Event::Failed { token, failure } => {
                told.kind = "failed";
                told.attributes = vec![("token", token.to_string())];
                told.words = vec![match failure {
                    Failure::Expired => "expired".to_owned(),
                    Failure::Closed => "closed".to_owned(),
                    Failure::Malformed(error) => {
                        told.attributes.push(("field", error.field.to_owned()));
                        "malformed".to_owned()
                    }
                }];
            }
            Event::Unbinding => told.kind = "unbinding",
            Event::Close(reason) => {
                told.kind = "close";
                told.words = vec![snake(&format!("{reason:?}"))];
            }
            other => told.words = vec![format!("{other:?}")],
        }
        told
    }
}

fn name_of(body: &Body) -> String {
    body.def().map_or_else(|| format!("{:#010x}", body.command_id()), |def| def.name.to_owned())
}

/// `FramingLost` is `framing_lost`.
fn snake(name: &str) -> String {
    let mut snake = String::new();
    for character in name.chars() {
        if character.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(character.to_ascii_lowercase());
    }
    snake
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.kind == "close" { "" } else { "event " })?;
        f.write_str(self.kind)?;
        self.words.iter().try_for_each(|word| write!(f, " {word}"))?;
        self.attributes.iter().try_for_each(|(key, value)| write!(f, " {key}={value}"))?;
        match &self.pdu {
            Some(pdu) => write!(f, " ({pdu})"),
            None => Ok(()),
        }
    }
}
