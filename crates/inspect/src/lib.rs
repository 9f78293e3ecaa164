//! Ways to look at SMPP PDUs: trees with octet ranges, JSON both ways, one line, captures.
//!
//! - [`Dissector`] takes octets apart into a [`Dissection`]: every field with its octets, up to the first fault,
//!   which comes with what a receiver has to do about it.
//! - [`Dissection::json`] is the form of the vectors in `testdata/pdu`; [`encode`] goes the other way.
//! - [`Dissection::summary`] is one line for logs, [`Dissection::tree`] the whole for people.
//! - [`Input`] reads PDUs as people paste them: hexadecimal, base64, JSON.
//! - [`Filter`] says which PDUs are meant: conditions on fields and TLVs by their names, and on the text.
//! - [`Capture`] writes PDUs as a file that Wireshark opens.
//! - [`reference()`] is `docs/pdus.md`, made from the tables of `smppkit-wire`.
//!
//! Nothing here names a PDU's fields: all of it follows from the wire tables. The crate refuses to know sessions,
//! sockets and the time.
//!
//! ```
//! use smppkit_inspect::{Dissector, encode};
//!
//! let octets = encode(&serde_json::json!({
//!     "command": "submit_sm", "sequence_number": 7, "source_addr": "447700900123",
//!     "destination_addr": "1234", "short_message": "48656c6c6f",
//! }))?;
//! let dissection = Dissector::default().dissect(&octets.into());
//! assert_eq!(dissection.summary(), r#"submit_sm seq=7 447700900123 -> 1234 "Hello" 5 octets"#);
//! let short_message = dissection.node("short_message").unwrap();
//! assert_eq!(short_message.octets, 49..54);
//! # Ok::<(), smppkit_inspect::EncodeError>(())
//! ```
#![forbid(unsafe_code)]

mod capture;
mod defect;
mod dissect;
mod encode;
mod filter;
mod input;
mod json;
mod printable;
mod reference;
mod summary;
mod tree;
mod user_data;

pub use capture::{Capture, Direction, Stream};
pub use defect::{Defect, Duty};
pub use dissect::{Dissection, Dissector, Node, NodeKind};
pub use encode::{EncodeError, encode};
pub use filter::{BadFilter, BadPattern, Facts, Filter, Pattern, Wanted};
pub use input::{Input, InputError, octets_of_hex};
pub use printable::{hex, printable};
pub use reference::reference;
pub use tree::Colour;

pub use smppkit_wire::{Dialect, Version};
