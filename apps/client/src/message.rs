//! From a text to the PDUs that carry it.

use core::fmt;

use serde_json::{Value as Json, json};
use smppkit_inspect::EncodeError;
use smppkit_text::{
    Carrier, Charset, Concatenation, Encoding, Options, Part, Preview, Reason, ReferenceWidth, Shifts,
    SplitError,
};
use smppkit_wire::field::{CStr, CStrError, DestAddress, DestAddresses, ShortMessage, TooLong};
use smppkit_wire::pdu::table::{DataSm, SubmitMulti, SubmitSm};
use smppkit_wire::tlv::tag;
use smppkit_wire::value::{DataCoding, EsmClass, RegisteredDelivery};
use smppkit_wire::{Body, Pdu, Tlvs, Version};

use crate::address::Address;
use crate::draft::{Draft, hex};

/// One message to one or more destinations.
#[derive(Debug, Clone)]
pub struct Message {
    /// The sender: digits, or letters for an alphanumeric one.
    pub from: String,
    /// The destinations.
    pub to: Vec<String>,
    /// What is said.
    pub content: Content,
    /// Which request carries it.
    pub submit_as: SubmitAs,
    /// How several parts are told to belong together.
    pub carrier: Carrier,
    /// Octets of the reference that parts share.
    pub reference: ReferenceWidth,
    /// Whether receipts are asked for.
    pub receipts: bool,
    /// Fields set by name, after all else.
    pub fields: Vec<(String, String)>,
    /// TLVs added by name or tag.
    pub tlvs: Vec<(String, String)>,
}

/// Text, or octets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// Encoded as chosen.
    Text {
        /// The text.
        text: String,
        /// In which alphabet.
        encoding: EncodingChoice,
        /// Whether national language tables may be chosen.
        national_tables: bool,
    },
    /// Sent as they are, with data_coding 4.
    Binary(Vec<u8>),
}

/// In which alphabet a text goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EncodingChoice {
    /// The smallest that can say it.
    Auto,
    /// This one.
    One(Encoding),
}

impl EncodingChoice {
    /// The names that users choose by; `binary` is none of them.
    pub const NAMES: [(&'static str, Self); 7] = [
        ("auto", Self::Auto),
        ("gsm7", Self::One(Encoding::Gsm7(Shifts::DEFAULT))),
        ("ucs2", Self::One(Encoding::Ucs2)),
        ("latin1", Self::One(Encoding::Octets(Charset::Latin1))),
        ("ascii", Self::One(Encoding::Octets(Charset::Ascii))),
        ("cyrillic", Self::One(Encoding::Octets(Charset::Cyrillic))),
        ("hebrew", Self::One(Encoding::Octets(Charset::Hebrew))),
    ];

    /// By name.
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|(_, choice)| *choice)
    }
}

/// The request that carries a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubmitAs {
    /// One submit_sm for each destination.
    SubmitSm,
    /// One submit_multi for all of them.
    SubmitMulti,
    /// One data_sm for each destination.
    DataSm,
}

/// A message ready to go.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// How the text was encoded and cut; `None` for octets.
    pub preview: Option<Preview>,
    /// The parts as they were cut.
    pub parts: Vec<Part>,
    /// Their data_coding.
    pub data_coding: u8,
    /// The requests, by destination, then by part.
    pub submissions: Vec<Submission>,
}

/// One request of a message.
#[derive(Debug, Clone)]
pub struct Submission {
    /// Where it goes.
    pub to: Vec<String>,
    /// Which part, from 1.
    pub part: usize,
    /// Of how many.
    pub parts: usize,
    /// The request itself.
    pub body: Body,
}

/// Why a message cannot be made.
#[derive(Debug)]
#[non_exhaustive]
pub enum MessageError {
    /// The text cannot be encoded or cut as asked.
    Text(SplitError),
    /// An address does not fit its field.
    Address(&'static str, CStrError),
    /// A part does not fit short_message.
    Part(TooLong),
    /// More destinations than a submit_multi can name.
    Destinations(usize),
    /// A field or TLV given by name.
    Named(EncodeError),
    /// The version has no such TLV, and would leave it out without a word.
    Version(String, Version),
}

impl Message {
    /// Encodes, cuts, and makes the requests. Parts share `reference`.
    pub fn prepare(&self, reference: u16) -> Result<Prepared, MessageError> {
        let (preview, parts, data_coding) = self.parts(reference)?;
        let groups: Vec<Vec<String>> = match self.submit_as {
            SubmitAs::SubmitMulti => vec![self.to.clone()],
            _ => self.to.iter().map(|to| vec![to.clone()]).collect(),
        };
        let mut submissions = Vec::with_capacity(groups.len() * parts.len());
        for to in groups {
            for (at, part) in parts.iter().enumerate() {
                let body = self.named(&self.body(&to, part, data_coding)?)?;
                submissions.push(Submission { to: to.clone(), part: at + 1, parts: parts.len(), body });
            }
        }
        Ok(Prepared { preview, parts, data_coding, submissions })
    }

    fn parts(&self, reference: u16) -> Result<(Option<Preview>, Vec<Part>, u8), MessageError> {
        let options = Options { carrier: self.carrier, reference: self.reference, ..Options::default() };
        match &self.content {
            Content::Binary(octets) => {
                let parts = smppkit_text::split_binary(octets, &options, reference);
                Ok((None, parts.map_err(MessageError::Text)?, DataCoding::BINARY.0))
            }
            Content::Text { text, encoding, national_tables } => {
                let encoding = match encoding {
                    EncodingChoice::Auto => None,
                    EncodingChoice::One(encoding) => Some(*encoding),
                };
                let options = Options { encoding, national_tables: *national_tables, ..options };
                let preview = smppkit_text::preview(text, &options).map_err(MessageError::Text)?;
                let split = smppkit_text::split(text, &options, reference).map_err(MessageError::Text)?;
                Ok((Some(preview), split.parts, split.encoding.data_coding()))
            }
        }
    }

    /// The request for one part, before users change it.
    fn body(&self, to: &[String], part: &Part, data_coding: u8) -> Result<Body, MessageError> {
        let in_payload = self.carrier == Carrier::MessagePayload || self.submit_as == SubmitAs::DataSm;
        let short_message = if in_payload { &[][..] } else { &part.user_data };
        let common = Common {
            source: Address::guess(&self.from),
            esm_class: if part.udhi { EsmClass::UDHI } else { EsmClass::DEFAULT },
            registered_delivery: if self.receipts {
                RegisteredDelivery::RECEIPT
            } else {
                RegisteredDelivery::NONE
            },
            data_coding: DataCoding(data_coding),
            short_message: ShortMessage::new(short_message.to_vec()).map_err(MessageError::Part)?,
            tlvs: self.part_tlvs(part, in_payload),
        };
        let first = Address::guess(to.first().map_or("", String::as_str));
        match self.submit_as {
            SubmitAs::SubmitSm => common.submit_sm(&first).map(Body::from),
            SubmitAs::DataSm => common.data_sm(&first).map(Body::from),
            SubmitAs::SubmitMulti => common.submit_multi(to).map(Body::from),
        }
    }

    /// Where user data and the place of a part go when not into short_message.
    fn part_tlvs(&self, part: &Part, in_payload: bool) -> Tlvs {
        let place = part.concatenation.filter(|_| self.carrier == Carrier::Sar);
        Tlvs::build()
            .with_some(tag::message_payload, in_payload.then_some(&part.user_data[..]))
            .with_some(tag::sar_msg_ref_num, place.map(Concatenation::reference))
            .with_some(tag::sar_total_segments, place.map(Concatenation::total))
            .with_some(tag::sar_segment_seqnum, place.map(Concatenation::sequence))
            .done()
    }

    /// A body with what users have set by name.
    fn named(&self, body: &Body) -> Result<Body, MessageError> {
        if self.fields.is_empty() && self.tlvs.is_empty() {
            return Ok(body.clone());
        }
        let mut draft = Draft::of(body);
        for (name, value) in &self.fields {
            draft.set_field(name, value).map_err(MessageError::Named)?;
        }
        for (name, value) in &self.tlvs {
            draft.set_tlv(name, value).map_err(MessageError::Named)?;
        }
        draft.body().map_err(MessageError::Named)
    }
}

/// What is the same in each of the requests.
struct Common {
    source: Address,
    esm_class: EsmClass,
    registered_delivery: RegisteredDelivery,
    data_coding: DataCoding,
    short_message: ShortMessage,
    tlvs: Tlvs,
}

impl Common {
    fn submit_sm(self, to: &Address) -> Result<SubmitSm, MessageError> {
        Ok(SubmitSm {
            source_addr_ton: self.source.ton,
            source_addr_npi: self.source.npi,
            source_addr: addr("source_addr", &self.source)?,
            dest_addr_ton: to.ton,
            dest_addr_npi: to.npi,
            destination_addr: addr("destination_addr", to)?,
            esm_class: self.esm_class,
            registered_delivery: self.registered_delivery,
            data_coding: self.data_coding,
            short_message: self.short_message,
            tlvs: self.tlvs,
            ..SubmitSm::default()
        })
    }

    fn data_sm(self, to: &Address) -> Result<DataSm, MessageError> {
        Ok(DataSm {
            source_addr_ton: self.source.ton,
            source_addr_npi: self.source.npi,
            source_addr: addr("source_addr", &self.source)?,
            dest_addr_ton: to.ton,
            dest_addr_npi: to.npi,
            destination_addr: addr("destination_addr", to)?,
            esm_class: self.esm_class,
            registered_delivery: self.registered_delivery,
            data_coding: self.data_coding,
            tlvs: self.tlvs,
            ..DataSm::default()
        })
    }

    fn submit_multi(self, to: &[String]) -> Result<SubmitMulti, MessageError> {
        let each = |to: &String| {
            let address = Address::guess(to);
            let addr = addr("destination_addr", &address)?;
            Ok(DestAddress::Sme { ton: address.ton, npi: address.npi, addr })
        };
        let addresses: Vec<DestAddress> = to.iter().map(each).collect::<Result<_, MessageError>>()?;
        let dest_address = DestAddresses::new(&addresses);
        Ok(SubmitMulti {
            source_addr_ton: self.source.ton,
            source_addr_npi: self.source.npi,
            source_addr: addr("source_addr", &self.source)?,
            dest_address: dest_address.map_err(|_| MessageError::Destinations(addresses.len()))?,
            esm_class: self.esm_class,
            registered_delivery: self.registered_delivery,
            data_coding: self.data_coding,
            short_message: self.short_message,
            tlvs: self.tlvs,
            ..SubmitMulti::default()
        })
    }
}

fn addr<const N: usize>(field: &'static str, address: &Address) -> Result<CStr<N>, MessageError> {
    address.digits.parse().map_err(|error| MessageError::Address(field, error))
}

impl Prepared {
    /// Refuses what a version would leave out without a word: writing to an older peer drops newer TLVs.
    pub fn check(&self, version: Version) -> Result<(), MessageError> {
        for submission in &self.submissions {
            for tlv in submission.body.tlvs().iter() {
                let since = tlv.tag.def().map_or(Version::V34, |def| def.since).max(Version::V34);
                if since > version {
                    return Err(MessageError::Version(tlv.tag.to_string(), version));
                }
            }
        }
        Ok(())
    }

    /// In which alphabet, in words.
    pub fn encoding(&self) -> &'static str {
        match self.preview.as_ref().map(|preview| preview.encoding) {
            None => "binary",
            Some(Encoding::Gsm7(shifts)) if shifts == Shifts::DEFAULT => "GSM 7-bit",
            Some(Encoding::Gsm7(_)) => "GSM 7-bit with national tables",
            Some(Encoding::Octets(Charset::Ascii)) => "ASCII",
            Some(Encoding::Octets(Charset::Latin1)) => "ISO 8859-1",
            Some(Encoding::Octets(Charset::Cyrillic)) => "ISO 8859-5",
            Some(Encoding::Octets(Charset::Hebrew)) => "ISO 8859-8",
            Some(Encoding::Ucs2) => "UCS-2",
        }
    }

    /// Characters of the text, or octets.
    pub fn characters(&self) -> usize {
        let octets = || self.parts.last().map_or(0, |part| part.range.end);
        self.preview.as_ref().map_or_else(octets, |preview| preview.characters)
    }

    /// The PDUs as they would go out, in hexadecimal digits.
    pub fn pdus(&self, version: Version) -> Vec<String> {
        let each = self.submissions.iter().zip(1..).map(|(submission, sequence_number)| {
            let mut octets = Vec::new();
            Pdu::request(sequence_number, submission.body.clone()).encode(version, &mut octets);
            hex(&octets)
        });
        each.collect()
    }

    /// What would be sent, as one document.
    pub fn json(&self) -> Json {
        let Some(preview) = &self.preview else {
            let parts: Vec<Json> = self.parts.iter().map(|part| json!({"units": part.range.len()})).collect();
            return json!({
                "encoding": self.encoding(), "data_coding": self.data_coding, "unit": "octets",
                "units": self.characters(), "parts": parts,
            });
        };
        let parts: Vec<Json> = preview
            .parts
            .iter()
            .map(|part| json!({"characters": part.characters, "units": part.units}))
            .collect();
        let costly: Vec<Json> = preview
            .costly
            .iter()
            .map(|costly| {
                json!({
                    "index": costly.index, "character": costly.character, "units": costly.units,
                    "reason": reason(costly.reason),
                })
            })
            .collect();
        json!({
            "encoding": self.encoding(), "data_coding": self.data_coding, "unit": unit(preview.encoding),
            "characters": preview.characters, "units": preview.units, "capacity": preview.capacity,
            "units_left": preview.units_left(), "header_octets": preview.header_octets, "parts": parts,
            "costly": costly,
        })
    }

    /// The same for people.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let Some(preview) = &self.preview else {
            lines.push(format!("binary, data_coding {}, {} octets", self.data_coding, self.characters()));
            for (at, part) in self.parts.iter().enumerate() {
                lines.push(format!("part {} of {}: {} octets", at + 1, self.parts.len(), part.range.len()));
            }
            return lines;
        };
        let unit = unit(preview.encoding);
        lines.push(format!(
            "{}, data_coding {}, {} characters, {} {unit}",
            self.encoding(),
            self.data_coding,
            preview.characters,
            preview.units,
        ));
        for (at, part) in preview.parts.iter().enumerate() {
            lines.push(format!(
                "part {} of {}: {} characters, {} of {} {unit}",
                at + 1,
                preview.parts.len(),
                part.characters,
                part.units,
                preview.capacity,
            ));
        }
        lines.push(format!("room for {} {unit} more", preview.units_left()));
        for costly in preview.costly.iter().take(COSTLY_SHOWN) {
            lines.push(format!("{:?} at {} {}", costly.character, costly.index, reason(costly.reason)));
        }
        if let Some(more @ 1..) = preview.costly.len().checked_sub(COSTLY_SHOWN) {
            lines.push(format!("and {more} more characters like these"));
        }
        lines
    }
}

/// What an encoding counts in.
const fn unit(encoding: Encoding) -> &'static str {
    match encoding {
        Encoding::Gsm7(_) => "septets",
        Encoding::Octets(_) => "octets",
        Encoding::Ucs2 => "UTF-16 units",
    }
}

const fn reason(reason: Reason) -> &'static str {
    match reason {
        Reason::TwoSeptets => "takes two septets",
        Reason::OutsideGsm7 => "is not in GSM 7-bit",
        Reason::SurrogatePair => "takes two UTF-16 units",
        _ => "makes the message longer",
    }
}

/// Costly characters that are listed for people; the rest is counted.
const COSTLY_SHOWN: usize = 10;

impl fmt::Display for MessageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(SplitError::Unencodable(unencodable)) => {
                let shown = unencodable.characters.iter().take(COSTLY_SHOWN);
                let shown: Vec<String> =
                    shown.map(|(index, character)| format!("{character:?} at {index}")).collect();
                write!(f, "cannot be encoded so: {}", shown.join(", "))?;
                match unencodable.characters.len().checked_sub(COSTLY_SHOWN) {
                    Some(more @ 1..) => write!(f, " and {more} more"),
                    _ => Ok(()),
                }
            }
            Self::Text(error) => error.fmt(f),
            Self::Address(field, error) => write!(f, "{field} {error}"),
            Self::Part(error) => write!(f, "a part is {error}"),
            Self::Destinations(count) => write!(f, "submit_multi cannot name {count} destinations"),
            Self::Named(error) => error.fmt(f),
            Self::Version(tlv, version) => write!(f, "SMPP {version} has no TLV {tlv}"),
        }
    }
}

impl std::error::Error for MessageError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str) -> Message {
        Message {
            from: "smppkit".into(),
            to: vec!["447700900123".into()],
            content: Content::Text {
                text: text.into(),
                encoding: EncodingChoice::Auto,
                national_tables: false,
            },
            submit_as: SubmitAs::SubmitSm,
            carrier: Carrier::Udh,
            reference: ReferenceWidth::Eight,
            receipts: true,
            fields: Vec::new(),
            tlvs: Vec::new(),
        }
    }

    #[test]
    fn a_long_text_becomes_a_request_for_each_part_and_destination() {
        let message = Message { to: vec!["1".into(), "2".into()], ..message(&"x".repeat(161)) };
        let prepared = message.prepare(7).unwrap();
        let places: Vec<_> =
            prepared.submissions.iter().map(|s| (s.to[0].as_str(), s.part, s.parts)).collect();
        assert_eq!(places, [("1", 1, 2), ("1", 2, 2), ("2", 1, 2), ("2", 2, 2)]);
        let multi = Message { submit_as: SubmitAs::SubmitMulti, ..message }.prepare(7).unwrap();
        assert_eq!(multi.submissions.len(), 2);
        let Body::SubmitMulti(body) = &multi.submissions[0].body else { panic!("a submit_multi") };
        assert_eq!(body.dest_address.len(), 2);
    }

    #[test]
    fn sar_and_payload_go_into_tlvs() {
        let long = "x".repeat(161);
        let sar = Message { carrier: Carrier::Sar, ..message(&long) }.prepare(7).unwrap();
        let tlvs = sar.submissions[1].body.tlvs();
        assert_eq!(tlvs.get(tag::sar_segment_seqnum), Some(2));
        assert!(sar.check(Version::V34).is_ok() && sar.check(Version::V33).is_err());
        let payload = Message { carrier: Carrier::MessagePayload, ..message(&long) }.prepare(7).unwrap();
        assert_eq!(payload.submissions.len(), 1);
        assert_eq!(payload.submissions[0].body.tlvs().get(tag::message_payload).map(<[u8]>::len), Some(161));
    }

    #[test]
    fn what_is_named_comes_last() {
        let mut message = message("Hi");
        message.fields = vec![("data_coding".into(), "0x10".into()), ("priority_flag".into(), "2".into())];
        message.tlvs = vec![("0x1400".into(), "hex:01".into())];
        let prepared = message.prepare(7).unwrap();
        let Body::SubmitSm(body) = &prepared.submissions[0].body else { panic!("a submit_sm") };
        assert_eq!((body.data_coding.0, body.priority_flag), (0x10, 2));
        assert_eq!(body.tlvs.iter().count(), 1);
        message.fields = vec![("priority".into(), "2".into())];
        let error = message.prepare(7).unwrap_err().to_string();
        assert!(error.contains("did you mean priority_flag?"), "{error}");
    }

    #[test]
    fn what_an_alphabet_lacks_is_listed() {
        let mut message = message("a€ž");
        if let Content::Text { encoding, .. } = &mut message.content {
            *encoding = EncodingChoice::named("latin1").unwrap();
        }
        let error = message.prepare(7).unwrap_err().to_string();
        assert_eq!(error, "cannot be encoded so: '€' at 1, 'ž' at 2");
    }

    #[test]
    fn octets_are_cut_into_parts_of_140() {
        let message = Message { content: Content::Binary(vec![7; 141]), ..message("") };
        let prepared = message.prepare(7).unwrap();
        assert_eq!((prepared.submissions.len(), prepared.data_coding), (2, 4));
    }
}
