//! The three binds as one: they differ in nothing but what they allow.

use core::fmt;
use core::str::FromStr;

use smppkit_wire::field::{CStr, CStrError};
use smppkit_wire::pdu::table::{
    BindReceiver, BindReceiverResp, BindTransceiver, BindTransceiverResp, BindTransmitter,
    BindTransmitterResp,
};
use smppkit_wire::value::{InterfaceVersion, Npi, Ton};
use smppkit_wire::{Body, State, Tlvs};

/// Which directions a bind opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BindMode {
    /// From ESME to MC.
    Transmitter,
    /// From MC to ESME.
    Receiver,
    /// Both; 3.4 and later.
    Transceiver,
}

impl BindMode {
    /// The state it leads to.
    pub const fn state(self) -> State {
        match self {
            Self::Transmitter => State::BoundTx,
            Self::Receiver => State::BoundRx,
            Self::Transceiver => State::BoundTrx,
        }
    }

    /// Whether the MC may send messages to the ESME.
    pub const fn receives(self) -> bool {
        !matches!(self, Self::Transmitter)
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Transmitter => "transmitter",
            Self::Receiver => "receiver",
            Self::Transceiver => "transceiver",
        }
    }
}

impl fmt::Display for BindMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for BindMode {
    type Err = UnknownMode;

    fn from_str(text: &str) -> Result<Self, UnknownMode> {
        match text {
            "transmitter" | "tx" => Ok(Self::Transmitter),
            "receiver" | "rx" => Ok(Self::Receiver),
            "transceiver" | "trx" => Ok(Self::Transceiver),
            _ => Err(UnknownMode),
        }
    }
}

/// The text names no bind mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownMode;

impl fmt::Display for UnknownMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bind mode is not one of transmitter (tx), receiver (rx), transceiver (trx)")
    }
}

impl std::error::Error for UnknownMode {}

/// What an ESME says of itself when it binds.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Bind {
    /// Its name.
    pub system_id: CStr<16>,
    /// Its password.
    pub password: CStr<9>,
    /// What kind of system it is.
    pub system_type: CStr<13>,
    /// The version it speaks; `None` means the newest of the session's configuration.
    pub interface_version: Option<InterfaceVersion>,
    /// TON of the addresses it serves.
    pub addr_ton: Ton,
    /// NPI of the addresses it serves.
    pub addr_npi: Npi,
    /// Addresses it serves.
    pub address_range: CStr<41>,
}

impl Bind {
    /// With a name and a password, all else default.
    pub fn new(system_id: &str, password: &str) -> Result<Self, CStrError> {
        Ok(Self { system_id: system_id.parse()?, password: password.parse()?, ..Self::default() })
    }
}

/// Never the password.
impl fmt::Debug for Bind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bind").field("system_id", &self.system_id).finish_non_exhaustive()
    }
}

macro_rules! bind_bodies {
    ($($mode:ident $Request:ident $Response:ident;)*) => {
        impl BindMode {
            /// The request's body.
            pub(crate) fn request(self, bind: &Bind, interface_version: InterfaceVersion) -> Body {
                match self {
                    $(Self::$mode => $Request {
                        system_id: bind.system_id,
                        password: bind.password,
                        system_type: bind.system_type,
                        interface_version,
                        addr_ton: bind.addr_ton,
                        addr_npi: bind.addr_npi,
                        address_range: bind.address_range,
                        tlvs: Tlvs::EMPTY,
                    }.into(),)*
                }
            }

            /// The response's body.
            pub(crate) fn response(self, system_id: CStr<16>, tlvs: Tlvs) -> Body {
                match self {
                    $(Self::$mode => $Response { system_id, tlvs }.into(),)*
                }
            }

            /// The mode and contents of a bind's body.
            pub(crate) fn of_request(body: &Body) -> Option<(Self, Bind)> {
                match body {
                    $(Body::$Request(pdu) => Some((Self::$mode, Bind {
                        system_id: pdu.system_id,
                        password: pdu.password,
                        system_type: pdu.system_type,
                        interface_version: Some(pdu.interface_version),
                        addr_ton: pdu.addr_ton,
                        addr_npi: pdu.addr_npi,
                        address_range: pdu.address_range,
                    })),)*
                    _ => None,
                }
            }

            /// The mode of a bind request.
            pub(crate) const fn of_command(command_id: u32) -> Option<Self> {
                match command_id {
                    $($Request::COMMAND_ID => Some(Self::$mode),)*
                    _ => None,
                }
            }

            /// The mode, the MC's name and TLVs of a bind response's body.
            pub(crate) fn of_response(body: &Body) -> Option<(Self, CStr<16>, &Tlvs)> {
                match body {
                    $(Body::$Response(pdu) => Some((Self::$mode, pdu.system_id, &pdu.tlvs)),)*
                    _ => None,
                }
            }
        }
    };
}

bind_bodies! {
    Transmitter BindTransmitter BindTransmitterResp;
    Receiver BindReceiver BindReceiverResp;
    Transceiver BindTransceiver BindTransceiverResp;
}
