//! One message on its way, and what has become of it.

use bytes::Bytes;
use smppkit_text::{Concatenation, McDefault, Udh, decode_user_data};
use smppkit_wire::Version;
use smppkit_wire::field::CStr;
use smppkit_wire::value::{DataCoding, EsmClass, MessageState, Npi, RegisteredDelivery, Ton};

use crate::dialect::IdForm;

/// An address with its type: TON, NPI and characters. Nearly all have at most 20 characters and
/// stand inline; data_sm may bring up to 64.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Address {
    pub(crate) ton: Ton,
    pub(crate) npi: Npi,
    short: CStr<21>,
    long: Option<Box<CStr<65>>>,
}

impl Address {
    /// Nobody's.
    pub(crate) const NONE: Self = Self::new(Ton::UNKNOWN, Npi::UNKNOWN, CStr::EMPTY);

    pub(crate) const fn new(ton: Ton, npi: Npi, addr: CStr<21>) -> Self {
        Self { ton, npi, short: addr, long: None }
    }

    pub(crate) fn of_data_sm(ton: Ton, npi: Npi, addr: CStr<65>) -> Self {
        match CStr::new(addr.as_octets()) {
            Ok(short) => Self::new(ton, npi, short),
            Err(_) => Self { ton, npi, short: CStr::EMPTY, long: Some(Box::new(addr)) },
        }
    }

    pub(crate) fn octets(&self) -> &[u8] {
        self.long.as_ref().map_or(self.short.as_octets(), |long| long.as_octets())
    }

    /// For PDUs that have room for 20 characters.
    pub(crate) fn short(&self) -> CStr<21> {
        match &self.long {
            None => self.short,
            Some(long) => CStr::new(long.as_octets().get(..20).unwrap_or_default()).unwrap_or_default(),
        }
    }

    /// For PDUs that have room for 64.
    pub(crate) fn whole(&self) -> CStr<65> {
        CStr::new(self.octets()).unwrap_or_default()
    }
}

/// A message_id: its number, and how it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MessageId {
    pub(crate) number: u32,
    pub(crate) form: IdForm,
}

impl MessageId {
    pub(crate) fn text(self) -> CStr<65> {
        self.form.text(self.number)
    }
}

/// A message. Times are milliseconds since 1970.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) id: MessageId,
    pub(crate) account: u32,
    /// Of the session it came on.
    pub(crate) version: Version,
    pub(crate) service_type: CStr<6>,
    pub(crate) source: Address,
    pub(crate) destination: Address,
    pub(crate) esm_class: EsmClass,
    pub(crate) protocol_id: u8,
    pub(crate) priority_flag: u8,
    pub(crate) registered_delivery: RegisteredDelivery,
    pub(crate) data_coding: DataCoding,
    pub(crate) user_data: Bytes,
    pub(crate) user_message_reference: Option<u16>,
    /// Its place in a long message, where TLVs say it.
    pub(crate) sar: Option<Concatenation>,
    pub(crate) set_dpf: bool,
    pub(crate) accepted_ms: i64,
    /// Now, or schedule_delivery_time.
    pub(crate) due_ms: i64,
    /// Whether a schedule was asked for.
    pub(crate) scheduled: bool,
    /// When it is given up, if it was not delivered before.
    pub(crate) expires_ms: Option<i64>,
    /// When delivery would be complete.
    pub(crate) delivered_ms: i64,
    /// What delivery comes to.
    pub(crate) outcome: MessageState,
    /// The error code that goes with it, where it is not the usual one.
    pub(crate) error_code: Option<u16>,
    /// The dialect that its receipts are in, by the number it has in the centre.
    pub(crate) dialect: u16,
    /// A final state that was decided from outside: cancelled.
    pub(crate) decided: Option<(MessageState, i64)>,
    /// Something is still to happen: it must not be forgotten.
    pub(crate) pending: bool,
}

impl Message {
    /// Its final state and when that is, or will be, reached.
    pub(crate) fn end(&self) -> (MessageState, i64) {
        match (self.decided, self.expires_ms) {
            (Some(decided), _) => decided,
            (None, Some(expires)) if expires < self.delivered_ms => (MessageState::EXPIRED, expires),
            _ => (self.outcome, self.delivered_ms),
        }
    }

    /// What has become of it so far.
    pub(crate) fn state(&self, now_ms: i64) -> MessageState {
        let (state, at) = self.end();
        if at <= now_ms {
            state
        } else if self.scheduled && now_ms < self.due_ms {
            MessageState::SCHEDULED
        } else {
            MessageState::ENROUTE
        }
    }

    /// Whether it can still be changed.
    pub(crate) fn is_open(&self, now_ms: i64) -> bool {
        !self.state(now_ms).is_final()
    }
}

impl Message {
    /// Its text, as far as one can be made of it.
    pub(crate) fn text(&self) -> String {
        let udhi = self.esm_class.has_udh();
        decode_user_data(&self.user_data, udhi, self.data_coding.0, McDefault::GsmUnpacked).decoded.text
    }

    /// Which part of how many it is, when it is one of several.
    pub(crate) fn part(&self) -> Option<(u8, u8)> {
        self.place().map(|place| (place.sequence(), place.total()))
    }

    /// Its place in a long message.
    pub(crate) fn place(&self) -> Option<Concatenation> {
        let udh = self.esm_class.has_udh().then(|| Udh::parse(&self.user_data).ok()).flatten();
        udh.and_then(|(udh, _)| udh.concatenation()).or(self.sar)
    }

    /// Error code that goes with a state: 0 for success (network specific, so ours to choose).
    pub(crate) fn error_code(&self, state: MessageState) -> u16 {
        match (state, self.error_code) {
            (state, Some(code)) if state == self.outcome => code,
            (
                MessageState::DELIVERED
                | MessageState::ACCEPTED
                | MessageState::ENROUTE
                | MessageState::SCHEDULED,
                _,
            ) => 0,
            (state, _) => u16::from(state.0),
        }
    }
}
