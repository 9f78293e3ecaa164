//! Whose PDUs they are, and how their session does.

use core::time::Duration;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

use serde::Serialize;
use smppkit_wire::pdu::def_of;
use smppkit_wire::pdu::table::EnquireLink;
use smppkit_wire::{CommandStatus, Header, State, Version};
use utoipa::ToSchema;

use super::{At, Direction, time};

/// Whose PDUs they are. It outlives its session as long as the record has PDUs of it.
#[derive(Debug)]
pub struct Party {
    /// The session's id.
    pub session: u64,
    /// Where the session is.
    pub place: Place,
    /// The address of the other side.
    pub peer: SocketAddr,
    /// Whether TLS is spoken.
    pub tls: bool,
    /// Set when it is bound.
    pub bound: OnceLock<BoundAs>,
    /// A place in [`STATES`].
    state: AtomicU8,
    window: AtomicU32,
    in_flight: AtomicU32,
    noted: Mutex<Noted>,
}

/// Where a session is, among those that an app has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// At an SMSC of the simulator.
    Smsc(Arc<str>),
    /// At the gateway, as an ESME.
    Gateway,
    /// Ours, at a connector of the gateway.
    Connector(Arc<str>),
}

/// How a session is bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoundAs {
    /// The ESME's name.
    pub system_id: String,
    /// transmitter, receiver or transceiver.
    pub mode: &'static str,
    /// The version that both speak.
    pub version: Version,
}

/// How a session does.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Vitals {
    /// OPEN, OUTBOUND, BOUND_TX, BOUND_RX, BOUND_TRX, UNBINDING or CLOSED.
    #[schema(example = "BOUND_TRX")]
    state: &'static str,
    /// Whether TLS is spoken.
    tls: bool,
    /// Requests of ours that may wait for their answers at a time.
    window: u32,
    /// Requests sent that wait for their answers.
    in_flight: u32,
    /// How long the peer took to answer our last enquire_link, in microseconds; nothing when none was asked, or nothing
    /// is recorded.
    enquire_link_us: Option<u64>,
    /// The last response that said no, of either side, as far as PDUs are recorded.
    last_error: Option<LastError>,
}

/// A response that said no.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct LastError {
    /// Its status.
    #[schema(example = "ESME_RTHROTTLED")]
    status: String,
    /// The same as a number.
    code: u32,
    /// The PDU's name.
    command: Option<&'static str>,
    /// `in` when the peer said it, `out` when we did.
    direction: Direction,
    /// When.
    #[schema(example = "2026-11-22T12:00:00.000Z")]
    time: String,
}

/// What passes seldom, and is kept for the lists of sessions.
#[derive(Debug, Default)]
struct Noted {
    /// When our enquire_link went out that is not answered.
    asked: Option<Instant>,
    link: Option<Duration>,
    error: Option<(u32, CommandStatus, Direction, i64)>,
}

const STATES: [&str; 7] = ["OPEN", "OUTBOUND", "BOUND_TX", "BOUND_RX", "BOUND_TRX", "UNBINDING", "CLOSED"];

impl Party {
    /// Of a session that is not bound.
    pub fn new(session: u64, place: Place, peer: SocketAddr, tls: bool) -> Self {
        Self {
            session,
            place,
            peer,
            tls,
            bound: OnceLock::new(),
            state: AtomicU8::new(0),
            window: AtomicU32::new(0),
            in_flight: AtomicU32::new(0),
            noted: Mutex::default(),
        }
    }

    /// Tells how the session is now.
    #[inline]
    pub fn tell(&self, state: State, window: u32, in_flight: u32) {
        let place = match state {
            State::Open => 0,
            State::Outbound => 1,
            State::BoundTx => 2,
            State::BoundRx => 3,
            State::BoundTrx => 4,
            State::Unbound => 5,
            State::Closed => 6,
        };
        self.state.store(place, Ordering::Relaxed);
        self.window.store(window, Ordering::Relaxed);
        self.in_flight.store(in_flight, Ordering::Relaxed);
    }

    /// Takes note of a PDU that passed, where it says how the session does.
    #[inline]
    pub fn note(&self, direction: Direction, at: At, command_id: u32, status: u32) {
        if status != 0 || command_id & !Header::RESPONSE_BIT == EnquireLink::COMMAND_ID {
            self.note_down(direction, at, command_id, status);
        }
    }

    fn note_down(&self, direction: Direction, at: At, command_id: u32, status: u32) {
        let mut noted = self.noted();
        let is_response = command_id & Header::RESPONSE_BIT != 0;
        if status != 0 && is_response {
            noted.error = Some((command_id, CommandStatus(status), direction, at.unix_ms));
        }
        match direction {
            Direction::Out if command_id == EnquireLink::COMMAND_ID => noted.asked = Some(at.mono),
            Direction::In if command_id == EnquireLink::COMMAND_ID | Header::RESPONSE_BIT => {
                let asked = noted.asked.take();
                noted.link = asked.map(|asked| at.mono.saturating_duration_since(asked)).or(noted.link);
            }
            _ => {}
        }
    }

    /// How the session does.
    pub fn vitals(&self) -> Vitals {
        let noted = self.noted();
        let last_error = noted.error.map(|(command_id, status, direction, unix_ms)| LastError {
            status: status.to_string(),
            code: status.0,
            command: def_of(command_id).map(|def| def.name),
            direction,
            time: time(unix_ms),
        });
        let state = usize::from(self.state.load(Ordering::Relaxed));
        Vitals {
            state: STATES.get(state).copied().unwrap_or("CLOSED"),
            tls: self.tls,
            window: self.window.load(Ordering::Relaxed),
            in_flight: self.in_flight.load(Ordering::Relaxed),
            enquire_link_us: noted.link.map(|took| u64::try_from(took.as_micros()).unwrap_or(u64::MAX)),
            last_error,
        }
    }

    fn noted(&self) -> MutexGuard<'_, Noted> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// What such a place is called, and its name.
    pub const fn named(&self) -> Option<(&'static str, &Arc<str>)> {
        match self {
            Self::Smsc(name) => Some(("smsc", name)),
            Self::Gateway => None,
            Self::Connector(name) => Some(("connector", name)),
        }
    }
}
