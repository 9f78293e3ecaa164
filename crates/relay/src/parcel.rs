//! What is kept of a message: the store's opaque payload.
//!
//! A format octet, a kind octet, the facts that no PDU has a field for, then the PDU as SMPP 5.0
//! writes it. PDUs so keep every TLV, known or not.

use core::fmt;

use bytes::Bytes;
use smppkit_store::MessageId;
use smppkit_wire::field::CStr;
use smppkit_wire::pdu::table::{BroadcastSm, DeliverSm, SubmitSm};
use smppkit_wire::{Body, CommandStatus, Dialect, Frames, Pdu, Version};

use crate::octets::{In, Out};
use crate::report::Report;

/// One kept message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parcel {
    /// From an ESME to an upstream.
    Message(Box<Outgoing>),
    /// From an upstream to an ESME.
    Incoming(Box<Incoming>),
    /// What an ESME is told about a message of its.
    Report(Box<Report>),
    /// From an ESME, and taken by an upstream before it was kept: it is never sent from here.
    Broadcast(Box<Broadcast>),
}

/// A message on its way upstream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// As it was submitted; data_sm and each destination of a submit_multi became one.
    pub pdu: SubmitSm,
    /// The version its ESME speaks.
    pub version: Version,
    /// The id its ESME was told, where that is another message's: the destinations of one submit_multi
    /// share the first one's.
    pub told: Option<MessageId>,
    /// Where it may go when its queue's connector fails, in order.
    pub others: Vec<Box<str>>,
    /// The piece of a longer message that it is, where it was cut here.
    pub part: Option<Part>,
    /// The pieces it was cut into, where it was: it is never sent itself.
    pub parts: Vec<MessageId>,
}

/// A piece of a message that was cut here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// The whole message.
    pub whole: MessageId,
    /// Which piece, from 1.
    pub number: u8,
    /// Of how many.
    pub of: u8,
}

/// A message on its way to an ESME.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incoming {
    /// As it came; data_sm became one.
    pub pdu: DeliverSm,
    /// The connector it came from.
    pub connector: Box<str>,
}

/// A broadcast that an upstream has taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broadcast {
    /// As it was submitted, from the source that it was sent with.
    pub pdu: BroadcastSm,
    /// The id its ESME was told, where that is another one's: the broadcast that it replaced.
    pub told: Option<MessageId>,
    /// Who took it.
    pub connector: Box<str>,
    /// Its id there, octet by octet: it is asked about and withdrawn by it.
    pub remote: CStr<65>,
}

/// Octets that are no parcel of this version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum BadParcel {
    /// They end too early.
    Cut,
    /// Their first octet names a format that a newer version may know.
    Format(u8),
    /// They hold a kind that is not known.
    Kind(u8),
    /// A text in them is none.
    Text,
    /// The PDU in them cannot be read, or is another one.
    Pdu,
}

impl fmt::Display for BadParcel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cut => f.write_str("a kept message ends too early"),
            Self::Format(format) => write!(f, "a kept message has format {format}: a newer version made it"),
            Self::Kind(kind) => write!(f, "a kept message is of unknown kind {kind}"),
            Self::Text => f.write_str("a text in a kept message is not UTF-8"),
            Self::Pdu => f.write_str("the PDU of a kept message cannot be read"),
        }
    }
}

impl std::error::Error for BadParcel {}

const FORMAT: u8 = 1;
const MESSAGE: u8 = 0;
const INCOMING: u8 = 1;
const REPORT: u8 = 2;
const BROADCAST: u8 = 3;
/// Bits that say which of the optional facts follow.
const TOLD: u8 = 1;
const PART: u8 = 2;
const OTHERS: u8 = 4;
const PARTS: u8 = 8;

impl Parcel {
    /// A message as it was submitted, all else to be filled in.
    pub fn message(pdu: SubmitSm, version: Version) -> Self {
        let (told, part) = (None, None);
        Self::Message(Box::new(Outgoing { pdu, version, told, others: Vec::new(), part, parts: Vec::new() }))
    }

    /// As it is kept.
    pub fn to_octets(&self) -> Box<[u8]> {
        let mut out = Out(Vec::with_capacity(192));
        out.u8(FORMAT);
        match self {
            Self::Message(message) => {
                out.u8(MESSAGE);
                message.write(&mut out);
            }
            Self::Incoming(message) => {
                out.u8(INCOMING);
                out.text(message.connector.as_bytes());
                let body: Body = message.pdu.clone().into();
                body.encode(CommandStatus::ESME_ROK, 0, Version::V50, &mut out.0);
            }
            Self::Report(report) => {
                out.u8(REPORT);
                report.write(&mut out);
            }
            Self::Broadcast(broadcast) => {
                out.u8(BROADCAST);
                broadcast.write(&mut out);
            }
        }
        out.0.into_boxed_slice()
    }

    /// What [`Self::to_octets`] made.
    pub fn read(octets: &[u8]) -> Result<Self, BadParcel> {
        let mut r#in = In(octets);
        let format = r#in.u8()?;
        if format != FORMAT {
            return Err(BadParcel::Format(format));
        }
        match r#in.u8()? {
            MESSAGE => Outgoing::read(r#in).map(|message| Self::Message(Box::new(message))),
            INCOMING => {
                let connector = r#in.str()?.into();
                let Body::DeliverSm(pdu) = pdu(r#in.0)? else { return Err(BadParcel::Pdu) };
                Ok(Self::Incoming(Box::new(Incoming { pdu, connector })))
            }
            REPORT => Report::read(&mut r#in).map(|report| Self::Report(Box::new(report))),
            BROADCAST => Broadcast::read(r#in).map(|broadcast| Self::Broadcast(Box::new(broadcast))),
            kind => Err(BadParcel::Kind(kind)),
        }
    }
}

impl Outgoing {
    /// As it was submitted, all else to be filled in.
    pub fn new(pdu: SubmitSm, version: Version) -> Self {
        Self { pdu, version, told: None, others: Vec::new(), part: None, parts: Vec::new() }
    }

    fn write(&self, out: &mut Out) {
        let bit = |is: bool, bit: u8| if is { bit } else { 0 };
        out.u8(bit(self.told.is_some(), TOLD)
            | bit(self.part.is_some(), PART)
            | bit(!self.others.is_empty(), OTHERS)
            | bit(!self.parts.is_empty(), PARTS));
        out.u8(octet_of(self.version));
        if let Some(told) = self.told {
            out.u64(told.to_u64());
        }
        if let Some(Part { whole, number, of }) = self.part {
            out.u64(whole.to_u64());
            out.u8(number);
            out.u8(of);
        }
        if !self.others.is_empty() {
            let others = self.others.get(..255).unwrap_or(&self.others);
            out.u8(others.len() as u8);
            for other in others {
                out.text(other.as_bytes());
            }
        }
        if !self.parts.is_empty() {
            let parts = self.parts.get(..255).unwrap_or(&self.parts);
            out.u8(parts.len() as u8);
            for part in parts {
                out.u64(part.to_u64());
            }
        }
        let body: Body = self.pdu.clone().into();
        body.encode(CommandStatus::ESME_ROK, 0, Version::V50, &mut out.0);
    }

    fn read(mut r#in: In<'_>) -> Result<Self, BadParcel> {
        let facts = r#in.u8()?;
        let version = version(r#in.u8()?);
        let told = if facts & TOLD == 0 { None } else { Some(id(&mut r#in)?) };
        let part = if facts & PART == 0 {
            None
        } else {
            Some(Part { whole: id(&mut r#in)?, number: r#in.u8()?, of: r#in.u8()? })
        };
        let mut others = Vec::new();
        if facts & OTHERS != 0 {
            for _ in 0..r#in.u8()? {
                others.push(r#in.str()?.into());
            }
        }
        let mut parts = Vec::new();
        if facts & PARTS != 0 {
            for _ in 0..r#in.u8()? {
                parts.push(id(&mut r#in)?);
            }
        }
        let Body::SubmitSm(pdu) = pdu(r#in.0)? else { return Err(BadParcel::Pdu) };
        Ok(Self { pdu, version, told, others, part, parts })
    }
}

impl Broadcast {
    fn write(&self, out: &mut Out) {
        // 0 is no message's id.
        out.u64(self.told.map_or(0, MessageId::to_u64));
        out.text(self.connector.as_bytes());
        out.text(self.remote.as_octets());
        let body: Body = self.pdu.clone().into();
        body.encode(CommandStatus::ESME_ROK, 0, Version::V50, &mut out.0);
    }

    fn read(mut r#in: In<'_>) -> Result<Self, BadParcel> {
        let told = match r#in.u64()? {
            0 => None,
            told => Some(MessageId::from_u64(told).ok_or(BadParcel::Cut)?),
        };
        let connector = r#in.str()?.into();
        let remote = CStr::new(r#in.text()?).map_err(|_| BadParcel::Text)?;
        let Body::BroadcastSm(pdu) = pdu(r#in.0)? else { return Err(BadParcel::Pdu) };
        Ok(Self { pdu, told, connector, remote })
    }
}

/// The whole message that a kept one is a piece of, without reading the rest of it.
pub fn part_of(octets: &[u8]) -> Option<MessageId> {
    let mut r#in = In(octets);
    let (FORMAT, MESSAGE) = (r#in.u8().ok()?, r#in.u8().ok()?) else { return None };
    let facts = r#in.u8().ok()?;
    let _version = r#in.u8().ok()?;
    if facts & TOLD != 0 {
        r#in.u64().ok()?;
    }
    if facts & PART == 0 { None } else { id(&mut r#in).ok() }
}

pub(crate) fn id(r#in: &mut In<'_>) -> Result<MessageId, BadParcel> {
    MessageId::from_u64(r#in.u64()?).ok_or(BadParcel::Cut)
}

/// Octets of interface_version stand for versions here, too.
pub(crate) fn version(octet: u8) -> Version {
    smppkit_wire::value::InterfaceVersion(octet).version()
}

/// As [`version`] reads it.
pub(crate) fn octet_of(version: Version) -> u8 {
    smppkit_wire::value::InterfaceVersion::from(version).0
}

pub(crate) fn pdu(octets: &[u8]) -> Result<Body, BadParcel> {
    let run = Bytes::copy_from_slice(octets);
    let frame = Frames::new(&run, u32::MAX).next().and_then(Result::ok).ok_or(BadParcel::Pdu)?;
    // It was read once: whatever was forgiven then is forgiven now.
    let pdu = Pdu::decode(&frame, Version::V50, &Dialect::RECEIVE).map_err(|_| BadParcel::Pdu)?;
    Ok(pdu.body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use smppkit_wire::Tlvs;
    use smppkit_wire::field::ShortMessage;
    use smppkit_wire::tlv::tag;

    fn sample() -> SubmitSm {
        SubmitSm {
            source_addr: "shop".parse().unwrap(),
            destination_addr: "447700900123".parse().unwrap(),
            short_message: ShortMessage::new(&b"Hello"[..]).unwrap(),
            tlvs: Tlvs::build()
                .with(tag::user_message_reference, 7)
                .with_octets(smppkit_wire::Tag(0x1400), b"x")
                .done(),
            ..SubmitSm::default()
        }
    }

    #[test]
    fn parcels_read_back_whole() {
        let id = |number| MessageId::from_u64(number).unwrap();
        let plain = Parcel::message(sample(), Version::V33);
        let full = Parcel::Message(Box::new(Outgoing {
            told: Some(id(9)),
            others: vec!["b".into(), "c".into()],
            part: Some(Part { whole: id(8), number: 2, of: 3 }),
            parts: vec![id(1), id(2)],
            version: Version::V34,
            pdu: sample(),
        }));
        let incoming = Parcel::Incoming(Box::new(Incoming {
            pdu: DeliverSm { source_addr: "44".parse().unwrap(), ..DeliverSm::default() },
            connector: "up".into(),
        }));
        let broadcast = |told: Option<MessageId>| {
            let tlvs = Tlvs::build().with(tag::broadcast_area_identifier, &b"\0London"[..]).done();
            let pdu = BroadcastSm { source_addr: "shop".parse().unwrap(), tlvs, ..BroadcastSm::default() };
            let remote = "B00\u{7f}X".parse().unwrap();
            Parcel::Broadcast(Box::new(Broadcast { pdu, told, connector: "up".into(), remote }))
        };
        let (first, replacing) = (broadcast(None), broadcast(Some(id(7))));
        assert_eq!(part_of(&full.to_octets()), Some(id(8)));
        for parcel in [&plain, &incoming, &first, &replacing] {
            assert_eq!(part_of(&parcel.to_octets()), None);
        }
        for parcel in [plain, full, incoming, first, replacing] {
            assert_eq!(Parcel::read(&parcel.to_octets()), Ok(parcel));
        }
    }

    #[test]
    fn octets_cut_anywhere_are_refused() {
        let octets = Parcel::message(sample(), Version::V50).to_octets();
        for end in 0..octets.len() {
            assert!(Parcel::read(&octets[..end]).is_err(), "cut at {end}");
        }
        assert_eq!(Parcel::read(&[9]), Err(BadParcel::Format(9)));
        assert_eq!(Parcel::read(&[1, 77]), Err(BadParcel::Kind(77)));
    }
}
