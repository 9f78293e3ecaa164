//! What a session tells its application.

use core::fmt;
use core::time::Duration;

use smppkit_wire::field::CStr;
use smppkit_wire::pdu::table::Outbind;
use smppkit_wire::{Body, BodyError, CommandStatus, Version};

use crate::bind::{Bind, BindMode};

/// A request of the peer that waits for its answer. It must be answered once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// What the answer echoes.
    pub sequence_number: u32,
    /// The request's command_id.
    pub command_id: u32,
}

/// Something the application has to know. `T` is what it gave with its own request.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<T> {
    /// An ESME asks to bind: [`accept_bind`](crate::Session::accept_bind) or
    /// [`refuse_bind`](crate::Session::refuse_bind).
    Bind(Asked, BindRequest),
    /// An MC that connected to us asks us to bind, or to close.
    Outbind(Outbind),
    /// Our bind was accepted.
    Bound {
        /// The directions that are open.
        mode: BindMode,
        /// The version both speak.
        version: Version,
        /// The MC's name.
        system_id: CStr<16>,
    },
    /// Our bind was refused; another may be tried until session_init expires.
    BindRefused(CommandStatus),
    /// A request: [`respond`](crate::Session::respond).
    Request(Asked, Body),
    /// A PDU that has no answer: alert_notification.
    Notification(Body),
    /// The answer to a request of ours.
    Response {
        /// What was given with the request.
        token: T,
        /// The outcome; of a generic_nack, too.
        status: CommandStatus,
        /// The response's body.
        body: Body,
        /// From request to response.
        waited: Duration,
    },
    /// A request of ours has failed without an answer that could be read.
    Failed {
        /// What was given with the request.
        token: T,
        /// Why.
        failure: Failure,
    },
    /// The peer ends the session: no more requests can be sent. Requests of the peer that are
    /// still unanswered may be answered, then the connection closes.
    Unbinding,
    /// Nothing more happens here: send what is in the buffer, then close.
    Close(CloseReason),
}

/// What an ESME asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BindRequest {
    /// The directions to open.
    pub mode: BindMode,
    /// Who it says it is.
    pub bind: Bind,
}

impl BindRequest {
    /// The PDU's body, as it came.
    pub fn body(&self) -> Body {
        self.mode.request(&self.bind, self.bind.interface_version.unwrap_or_default())
    }
}

impl core::ops::Deref for BindRequest {
    type Target = Bind;

    fn deref(&self) -> &Bind {
        &self.bind
    }
}

/// Why a request has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// None came in time. Whether the peer acted on it is not known.
    Expired,
    /// One came that does not parse.
    Malformed(BodyError),
    /// The session ended first. Whether the peer acted on it is not known.
    Closed,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expired => f.write_str("no response in time"),
            Self::Malformed(error) => write!(f, "malformed response: {error}"),
            Self::Closed => f.write_str("the session ended before the response"),
        }
    }
}

impl std::error::Error for Failure {}

/// Why a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CloseReason {
    /// unbind and unbind_resp were exchanged.
    Unbound,
    /// The peer answered no unbind in time.
    UnbindUnanswered,
    /// command_length made no sense; a generic_nack went out.
    FramingLost,
    /// No bind in time.
    SessionInit,
    /// The peer did not answer enquire_link.
    Dead,
    /// The peer did not answer our bind.
    BindUnanswered,
    /// More enquire_link than a healthy peer sends.
    EnquireLinkFlood,
    /// An outbind that could not be read.
    BadOutbind,
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unbound => "unbound",
            Self::UnbindUnanswered => "no unbind_resp in time",
            Self::FramingLost => "command_length out of range",
            Self::SessionInit => "no bind in time",
            Self::Dead => "no answer to enquire_link",
            Self::BindUnanswered => "no bind response in time",
            Self::EnquireLinkFlood => "too many enquire_link",
            Self::BadOutbind => "malformed outbind",
        })
    }
}

/// Why a request cannot be sent. Nothing was written; what was given comes back.
#[derive(Debug)]
pub enum SendError<T> {
    /// As many requests as the window allows wait for their answers, or the session is about to end.
    WindowFull(Body, T),
    /// This role may not send this PDU in this state.
    State(Body, T),
    /// The version agreed on does not have this PDU.
    Version(Body, T),
    /// A field has a value that the version agreed on does not have.
    Value(Body, T, BodyError),
}

impl<T> SendError<T> {
    /// What was given.
    pub fn given(self) -> (Body, T) {
        match self {
            Self::WindowFull(body, token)
            | Self::State(body, token)
            | Self::Version(body, token)
            | Self::Value(body, token, _) => (body, token),
        }
    }

    /// Whether waiting cannot help: this session will never carry it.
    pub const fn is_lasting(&self) -> bool {
        matches!(self, Self::Version(..) | Self::Value(..))
    }
}

impl<T> fmt::Display for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |body: &Body| body.def().map_or("PDU", |def| def.name);
        match self {
            Self::WindowFull(body, _) => write!(f, "{} must wait: the window is full", name(body)),
            Self::State(body, _) => write!(f, "{} may not be sent in this state", name(body)),
            Self::Version(body, _) => write!(f, "{} is not in the version of the session", name(body)),
            Self::Value(body, _, error) => {
                write!(f, "{} is not for the version of the session: {error}", name(body))
            }
        }
    }
}

impl<T: fmt::Debug> std::error::Error for SendError<T> {}
