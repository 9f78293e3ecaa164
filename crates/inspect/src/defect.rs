//! What is wrong with a PDU, and what its receiver has to do about it.

use smppkit_wire::{BodyError, CommandStatus, Fault, FrameError, Header, error};

/// The first thing that is wrong with octets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Defect {
    /// The command_status that says so to the sender; `None` when nothing is answered.
    pub status: Option<CommandStatus>,
    /// The field, by its name in the specification.
    pub field: Option<String>,
    /// Where that field begins, in octets from the start of the PDU.
    pub offset: Option<usize>,
    /// What to do.
    pub duty: Duty,
    /// Whether a generic_nack carries the status, rather than the matching response.
    pub nack: bool,
    /// The same in words.
    pub message: String,
}

/// What the receiver of faulty octets has to do (SMPP 5.0, 2.8.2; 3.4, 4.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Duty {
    /// Wait: the PDU is not all there.
    NeedMore,
    /// Answer with the status, in the matching response or a generic_nack, and go on.
    Answer,
    /// Answer with the status if there is one, then close: nobody knows where the next PDU begins.
    Close,
    /// Pass over it: what has no response is not answered.
    Drop,
}

impl Duty {
    /// Its name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NeedMore => "need_more",
            Self::Answer => "answer",
            Self::Close => "close",
            Self::Drop => "drop",
        }
    }
}

impl Defect {
    /// Octets are missing: `there` of them have come.
    pub(crate) fn incomplete(there: usize, header: Option<&Header>) -> Self {
        let (field, offset, message) = if let Some(header) = header {
            let length = header.command_length;
            let message = format!("command_length is {length}, of which {there} octets are there");
            ("command_length", 0, message)
        } else {
            let fields = ["command_length", "command_id", "command_status", "sequence_number"];
            let at = there / 4;
            let field = fields.get(at).copied().unwrap_or("sequence_number");
            (field, at * 4, format!("a header has {} octets, of which {there} are there", Header::OCTETS))
        };
        Self {
            status: None,
            field: Some(field.to_owned()),
            offset: Some(offset),
            duty: Duty::NeedMore,
            nack: false,
            message,
        }
    }

    /// Framing is lost.
    pub(crate) fn framing(error: &FrameError) -> Self {
        Self {
            status: Some(error.status()),
            field: Some("command_length".to_owned()),
            offset: Some(0),
            duty: Duty::Close,
            nack: true,
            message: error.to_string(),
        }
    }

    /// A field is wrong.
    pub(crate) fn body(error: &BodyError, header: &Header, offset: usize) -> Self {
        let owed = error.duty(header);
        let (status, duty) = match owed {
            error::Duty::Respond(status) | error::Duty::Nack(status) => (Some(status), Duty::Answer),
            error::Duty::Close => (None, Duty::Close),
            // By the letter an unknown response gets a generic_nack (SMPP 5.0, 2.11.1); two peers could then
            // nack each other for ever. The status is shown, and not sent.
            error::Duty::Drop => ((error.fault == Fault::UnknownCommand).then_some(error.status), Duty::Drop),
        };
        let message = error.to_string();
        let nack = matches!(owed, error::Duty::Nack(_));
        Self { status, field: Some(error.field.to_owned()), offset: Some(offset), duty, nack, message }
    }

    /// The input is not octets at all.
    pub(crate) fn input(message: String, field: Option<String>, offset: Option<usize>) -> Self {
        Self { status: None, field, offset, duty: Duty::Drop, nack: false, message }
    }
}
