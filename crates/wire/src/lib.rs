//! Every octet of SMPP 3.3, 3.4 and 5.0.
//!
//! This crate knows what the SMPP documents say about octets: header, PDUs, TLVs, statuses,
//! framing, times, receipt text. It refuses to know about alphabets, sessions, sockets, clocks and
//! serialisation frameworks.
//!
//! Everything about a PDU is written once, in [`pdu::table`]; everything about a TLV once, in
//! [`tlv::table`]. Reading checks form ([`Pdu::decode`]), [`Pdu::check`] checks values; whether a
//! PDU may come now is the session's matter. A proxy can so show what a server would refuse.
//!
//! ```
//! use smppkit_wire::{Dialect, Frames, Pdu, Version, field::ShortMessage, pdu::table::SubmitSm, value::Ton};
//!
//! let message = SubmitSm {
//!     source_addr_ton: Ton::ALPHANUMERIC,
//!     source_addr: "smppkit".parse().unwrap(),
//!     destination_addr: "447700900123".parse().unwrap(),
//!     short_message: ShortMessage::new(&b"Hello"[..]).unwrap(),
//!     ..SubmitSm::default()
//! };
//! let mut octets = Vec::new();
//! Pdu::request(1, message.clone()).encode(Version::V34, &mut octets);
//!
//! let run = octets.into();
//! let frame = Frames::new(&run, 65_536).next().unwrap().unwrap();
//! let pdu = Pdu::decode(&frame, Version::V34, &Dialect::RECEIVE).unwrap();
//! assert_eq!(pdu.body, message.into());
//! ```
#![forbid(unsafe_code)]
#![allow(clippy::inline_always, reason = "measured: fields are read where the PDU is built, not moved there")]

pub mod dialect;
pub mod error;
pub mod field;
pub mod frame;
pub mod header;
pub mod observe;
pub mod pdu;
pub mod receipt;
pub mod status;
pub mod tlv;
pub mod value;
pub mod version;

pub use dialect::Dialect;
pub use error::{BodyError, Duty, Fault, FrameError};
pub use frame::{Frame, Frames};
pub use header::Header;
pub use pdu::{Body, Pdu, PduType, RawBody, Request, Role, State};
pub use status::CommandStatus;
pub use tlv::{Tag, Tlvs};
pub use version::Version;
