//! What operators of an SMPP server see, whichever server it is: JSON shapes, and the routes that answer them.
//!
//! - [`Shown`] is one PDU taken apart: octet ranges, meanings, help, what is wrong with it, and what a good peer would
//!   answer.
//! - [`codec`] are the routes that take PDUs apart, put them together, and tell what the tables of `smppkit-wire` say.
//! - [`Record`] keeps the octets of the latest PDUs; [`record::routes`] look into it.
//! - [`Series`] is how much passed and how fast, for a day back.
//! - [`live`] is both as they happen, over a WebSocket.
//!
//! Nothing here names a PDU's fields: what a field is about, what it may hold and what it is for stands in the wire
//! tables. The crate refuses to know sockets, sessions and storage; what an app has, it hands in.
//!
//! ```
//! use smppkit_admin::Shown;
//! use smppkit_inspect::{Dissector, encode};
//!
//! let octets = encode(&serde_json::json!({ "command": "enquire_link", "sequence_number": 7 }))?;
//! let shown = Shown::of(&Dissector::default(), &octets.into());
//! assert_eq!(shown.summary, "enquire_link seq=7");
//! assert_eq!(shown.answer.unwrap().hex, "00000010800000150000000000000007");
//! # Ok::<(), smppkit_inspect::EncodeError>(())
//! ```
#![forbid(unsafe_code)]

pub mod alarms;
mod ask;
pub mod codec;
pub mod live;
pub mod record;
pub mod series;
mod shown;
mod watched;

pub use alarms::Alarms;
pub use ask::{Ask, LIMIT, Pairs};
pub use record::{Party, Record};
pub use series::Series;
pub use shown::{Answer, Class, Found, Node, Shown, Text, Wrong};
pub use watched::Watched;
