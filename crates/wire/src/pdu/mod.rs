//! PDUs: the table, the structs made from it, and whole PDUs to and from octets.

mod def;
mod macros;
mod rules;
pub mod table;

pub use def::{FieldDef, PduDef, Role, State};
pub use table::{Body, TABLE, def_of};

use bytes::Bytes;

use crate::dialect::Dialect;
use crate::error::{BodyError, Fault};
use crate::field::{Reader, ValueError, Writer};
use crate::frame::Frame;
use crate::header::Header;
use crate::observe::{Observer, Value};
use crate::status::CommandStatus;
use crate::version::Version;

/// One of the structs that the table makes.
pub trait PduType: Sized + Into<Body> {
    /// Its entry in the table.
    const DEF: &'static PduDef;

    /// Reads the body, up to the end of the PDU.
    fn read<O: Observer>(r: &mut Reader<'_, O>) -> Result<Self, BodyError>;
    /// Writes the body.
    fn write(&self, w: &mut Writer<'_>);
    /// Takes the fields from named values; absent names mean defaults.
    fn from_record(record: &Value) -> Result<Self, ValueError>;
    /// Whether each field by itself has a value that the version allows.
    fn check_fields(&self, version: Version, dialect: &Dialect) -> Result<(), BodyError>;
    /// Every field that by itself has a value that the version does not allow.
    fn faults(&self, version: Version, dialect: &Dialect) -> Vec<BodyError>;
    /// Takes it out of a body of this kind.
    fn from_body(body: Body) -> Option<Self>;
}

/// A PDU that is answered by another.
pub trait Request: PduType {
    /// The answer.
    type Response: PduType;
}

/// A body that is not looked into: what comes with an error status, or goes out as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawBody {
    /// The PDU it belongs to.
    pub command_id: u32,
    /// Everything behind the header; empty when absent.
    pub octets: Bytes,
}

/// One whole PDU. command_length is not kept: writing computes it.
///
/// ```
/// use smppkit_wire::{Dialect, Frames, Pdu, Version, pdu::table::EnquireLink};
/// let mut octets = Vec::new();
/// Pdu::request(7, EnquireLink::default()).encode(Version::V50, &mut octets);
/// let run = octets.into();
/// let frame = Frames::new(&run, 65_536).next().unwrap().unwrap();
/// let pdu = Pdu::decode(&frame, Version::V50, &Dialect::RECEIVE).unwrap();
/// assert_eq!(pdu.sequence_number, 7);
/// assert_eq!(pdu.def().unwrap().name, "enquire_link");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pdu {
    /// Outcome, in a response.
    pub command_status: CommandStatus,
    /// What pairs a response with its request.
    pub sequence_number: u32,
    /// The rest.
    pub body: Body,
}

impl Pdu {
    /// A request.
    pub fn request(sequence_number: u32, body: impl Into<Body>) -> Self {
        Self { command_status: CommandStatus::ESME_ROK, sequence_number, body: body.into() }
    }

    /// A response that reports success.
    pub fn response(sequence_number: u32, body: impl Into<Body>) -> Self {
        Self::request(sequence_number, body)
    }

    /// The response to a request, refusing it: a header and nothing else (SMPP 5.0, 3.2.1.3).
    pub const fn refusal(request_id: u32, sequence_number: u32, command_status: CommandStatus) -> Self {
        let command_id = request_id | Header::RESPONSE_BIT;
        let body = Body::Raw(RawBody { command_id, octets: Bytes::new() });
        Self { command_status, sequence_number, body }
    }

    /// A generic_nack.
    pub const fn generic_nack(sequence_number: u32, command_status: CommandStatus) -> Self {
        Self::refusal(Header::GENERIC_NACK, sequence_number, command_status)
    }

    /// The command_id.
    pub const fn command_id(&self) -> u32 {
        self.body.command_id()
    }

    /// Its entry in the table.
    pub fn def(&self) -> Option<&'static PduDef> {
        def_of(self.command_id())
    }

    /// Reads one. Form only: values are [`check`](Self::check)'s matter, the moment is the session's.
    #[inline]
    pub fn decode(frame: &Frame<'_>, version: Version, dialect: &Dialect) -> Result<Self, BodyError> {
        Self::decode_observed(frame, version, dialect, &mut ())
    }

    /// Reads one, telling an observer each field, up to the first fault.
    #[inline]
    pub fn decode_observed<O: Observer>(
        frame: &Frame<'_>,
        version: Version,
        dialect: &Dialect,
        observer: &mut O,
    ) -> Result<Self, BodyError> {
        let failed = frame.header.is_response() && !frame.header.command_status.is_ok();
        if failed && frame.octets().len() <= Header::OCTETS && def_of(frame.header.command_id).is_some() {
            let Header { command_id, command_status, sequence_number, .. } = frame.header;
            return Ok(Self::refusal(command_id, sequence_number, command_status));
        }
        let mut r = Reader::new(frame, version, dialect, observer);
        match Body::read(&frame.header, &mut r) {
            Ok(pdu) => Ok(pdu),
            Err(error) => forgive(frame, dialect, error),
        }
    }

    /// Writes one. What the version does not have of TLVs is left out.
    #[inline]
    pub fn encode(&self, version: Version, out: &mut Vec<u8>) {
        self.body.encode(self.command_status, self.sequence_number, version, out);
    }

    /// Whether the values are ones that the version allows: each field, then what fields say together.
    pub fn check(&self, version: Version, dialect: &Dialect) -> Result<(), BodyError> {
        self.body.check(version, dialect)
    }
}

/// What a tolerance makes of a response that does not parse.
#[cold]
fn forgive(frame: &Frame<'_>, dialect: &Dialect, error: BodyError) -> Result<Pdu, BodyError> {
    let Header { command_id, command_status, sequence_number, .. } = frame.header;
    if error.fault == Fault::UnknownCommand || !frame.header.is_response() {
        return Err(error);
    }
    let body = if !command_status.is_ok() && dialect.opaque_error_body {
        Body::Raw(RawBody { command_id, octets: frame.to_bytes().slice(Header::OCTETS..) })
    } else if command_status.is_ok() && dialect.bodiless_success && frame.octets().len() == Header::OCTETS {
        Body::empty(command_id).ok_or(error)?
    } else {
        return Err(error);
    };
    Ok(Pdu { command_status, sequence_number, body })
}

impl Body {
    /// Writes a whole PDU around it, as [`Pdu::encode`].
    #[inline]
    pub fn encode(
        &self,
        command_status: CommandStatus,
        sequence_number: u32,
        version: Version,
        out: &mut Vec<u8>,
    ) {
        let start = out.len();
        // Room for all but the longest, so that fields do not grow the buffer one by one.
        out.reserve(512);
        let header =
            Header { command_length: 0, command_id: self.command_id(), command_status, sequence_number };
        out.extend_from_slice(&header.octets());
        self.write(&mut Writer { out, version });
        let length = ((out.len() - start) as u32).to_be_bytes();
        if let Some(room) = out.get_mut(start..start + 4) {
            room.copy_from_slice(&length);
        }
    }

    /// As [`Pdu::check`].
    pub fn check(&self, version: Version, dialect: &Dialect) -> Result<(), BodyError> {
        self.check_fields(version, dialect)?;
        rules::check(self, version)
    }

    /// All that [`check`](Self::check) would find one after the other.
    pub fn faults(&self, version: Version, dialect: &Dialect) -> Vec<BodyError> {
        let mut faults = self.faults_of_fields(version, dialect);
        faults.extend(rules::check(self, version).err());
        faults
    }

    /// Its entry in the table.
    pub fn def(&self) -> Option<&'static PduDef> {
        def_of(self.command_id())
    }
}
