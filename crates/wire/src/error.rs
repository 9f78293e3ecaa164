//! What can be wrong with octets, sorted by what the receiver must do.

use core::fmt;

use crate::header::Header;
use crate::status::CommandStatus;
use crate::tlv::Tag;

/// Framing is lost: answer with generic_nack `ESME_RINVCMDLEN`, then close.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FrameError {
    /// command_length is below 16 or above the limit.
    Length {
        /// The command_length that came.
        got: u32,
        /// The largest that is accepted here.
        limit: u32,
        /// What to echo: 0 when it had not arrived.
        sequence_number: u32,
    },
}

impl FrameError {
    /// The status for the generic_nack that goes out before closing.
    pub const fn status(&self) -> CommandStatus {
        CommandStatus::ESME_RINVCMDLEN
    }
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length { got, limit, .. } => {
                write!(f, "command_length {got} is not between {} and {limit}", Header::OCTETS)
            }
        }
    }
}

impl std::error::Error for FrameError {}

/// One field of a PDU is wrong; framing is intact, so the session goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyError {
    /// The field's name in the specification, or `command_id`.
    pub field: &'static str,
    /// Where it begins, in octets from the start of the PDU; 0 when the fault has no place of its own.
    pub at: usize,
    /// What is wrong with it.
    pub fault: Fault,
    /// The command_status that says so.
    pub status: CommandStatus,
}

/// What is wrong with a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// No PDU of the version has this command_id.
    UnknownCommand,
    /// The PDU ends before the field begins.
    Missing,
    /// Octets follow where the PDU must end.
    Excess,
    /// A C-Octet String has no NUL before the PDU ends.
    Unterminated,
    /// Longer than its limit, which is given in octets (a C-Octet String's counts its NUL) or items.
    TooLong {
        /// The most that is allowed.
        limit: u16,
    },
    /// A time or other fixed-size string with another length.
    Length,
    /// A count or length says more than the PDU holds.
    Short,
    /// A value the field cannot have.
    Value,
    /// Empty where something must be given.
    Empty,
    /// A value the specification reserves.
    Reserved,
    /// 1 to 3 octets left over, a TLV longer than what is left, or too many TLVs.
    TlvStream,
    /// A known TLV with a length its definition does not allow.
    TlvLength(Tag),
    /// A TLV value outside its definition.
    TlvValue(Tag),
    /// A TLV that must be there is not.
    TlvMissing(Tag),
    /// TLVs on a 3.3 session, which has none.
    TlvBeforeV34,
    /// Both short_message and message_payload are set.
    TwoPayloads,
}

/// What the receiver of a faulty PDU owes its sender (SMPP 5.0, 2.8.2; 3.4, 4.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Duty {
    /// Send the matching response with this status.
    Respond(CommandStatus),
    /// Send a generic_nack with this status.
    Nack(CommandStatus),
    /// There is no response to this PDU, and it decides about the session: close.
    Close,
    /// Say nothing: it was a response, or a notification.
    Drop,
}

impl BodyError {
    /// What to do about it, given the header of the PDU.
    ///
    /// A fault in the header or in the length of the whole is a generic_nack's matter, any other
    /// the matching response's (SMPP 3.4, 2.8). Responses are never answered, or two peers could
    /// nack each other for ever.
    pub fn duty(&self, header: &Header) -> Duty {
        /// The one request that has no response and opens a session (SMPP 5.0, 4.1.1.7).
        const OUTBIND: u32 = 0x0000_000B;
        /// The notification that has no response (SMPP 5.0, 4.1.3.1).
        const ALERT_NOTIFICATION: u32 = 0x0000_0102;
        if header.is_response() {
            return Duty::Drop;
        }
        let about_the_whole = matches!(self.fault, Fault::UnknownCommand | Fault::Missing | Fault::Excess);
        match header.command_id {
            OUTBIND => Duty::Close,
            ALERT_NOTIFICATION if !about_the_whole => Duty::Drop,
            _ if about_the_whole => Duty::Nack(self.status),
            _ => Duty::Respond(self.status),
        }
    }
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let field = self.field;
        match self.fault {
            Fault::UnknownCommand => f.write_str("command_id names no PDU of this version"),
            Fault::Missing => write!(f, "the PDU ends before {field}"),
            Fault::Excess => write!(f, "octets follow {field}, where the PDU must end"),
            Fault::Unterminated => write!(f, "{field} has no NUL before the PDU ends"),
            Fault::TooLong { limit } => write!(f, "{field} is longer than its limit of {limit}"),
            Fault::Length => write!(f, "{field} has a length it cannot have"),
            Fault::Short => write!(f, "{field} claims more than the PDU holds"),
            Fault::Value => write!(f, "{field} has a value it cannot have"),
            Fault::Empty => write!(f, "{field} is empty"),
            Fault::Reserved => write!(f, "{field} has a reserved value"),
            Fault::TlvStream => f.write_str("the TLVs do not end where the PDU ends, or are too many"),
            Fault::TlvLength(tag) => write!(f, "TLV {tag} has a length it cannot have"),
            Fault::TlvValue(tag) => write!(f, "TLV {tag} has a value it cannot have"),
            Fault::TlvMissing(tag) => write!(f, "TLV {tag} is missing"),
            Fault::TlvBeforeV34 => f.write_str("TLVs on an SMPP 3.3 session, which has none"),
            Fault::TwoPayloads => f.write_str("short_message and message_payload are both set"),
        }
    }
}

impl std::error::Error for BodyError {}
