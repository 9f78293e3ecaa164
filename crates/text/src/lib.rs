//! Short message text: what 3GPP 23.038 and 23.040 say about alphabets, headers, splitting and joining.
//!
//! - [`preview`] and [`split`] choose the smallest encoding for a text and cut it into parts ([`split_binary`] cuts
//!   octets); [`Options`] say what they may do.
//! - [`decode`] and [`decode_user_data`] turn received octets into something readable, whatever data_coding says;
//!   [`Interpretation`] tells all that one data_coding value means.
//! - [`Udh`] reads a user data header and [`UdhBuilder`] makes one.
//! - [`Reassembly`] joins parts again in bounded memory.
//! - [`gsm7`], [`septets`], [`ucs2`] and [`Charset`] are the alphabets themselves.
//!
//! The crate refuses to know SMPP's PDUs, IO and the time: a data_coding octet is an argument, and so is the moment
//! a part arrived.
//!
//! ```
//! use smppkit_text::{Encoding, Fidelity, McDefault, Options, decode_user_data, preview, split};
//!
//! let text = "Your parcel arrives today between 10 and 12 [€ 4.90 to pay]. ".repeat(3);
//! let options = Options::default();
//!
//! let preview = preview(&text, &options)?;
//! assert_eq!(preview.encoding, Encoding::GSM7);
//! assert_eq!((preview.units, preview.parts.len()), (192, 2)); // brackets and € take two septets each
//!
//! let message = split(&text, &options, 0x2A)?;
//! assert_eq!(message.parts[0].user_data[..6], [5, 0, 3, 0x2A, 2, 1]);
//!
//! let mut joined = String::new();
//! for part in &message.parts {
//!     let data_coding = message.encoding.data_coding();
//!     let received = decode_user_data(&part.user_data, part.udhi, data_coding, McDefault::GsmUnpacked);
//!     assert_eq!(received.decoded.fidelity, Fidelity::Exact);
//!     joined += &received.decoded.text;
//! }
//! assert_eq!(joined, text);
//! # Ok::<(), smppkit_text::SplitError>(())
//! ```

#![forbid(unsafe_code)]

mod charset;
mod choice;
mod cluster;
mod data_coding;
mod decode;
mod encoding;
pub mod gsm7;
mod language;
mod layout;
mod options;
mod preview;
pub mod reassembly;
pub mod septets;
mod split;
pub mod ucs2;
mod udh;

pub use charset::Charset;
pub use data_coding::{Alphabet, Interpretation, MessageClass, MessageWaiting, Storage, WaitingKind};
pub use decode::{Decoded, Fidelity, McDefault, UserData, decode, decode_user_data};
pub use encoding::Encoding;
pub use gsm7::Unencodable;
pub use language::{Language, Shifts};
pub use options::{Carrier, Options, SplitError};
pub use preview::{Costly, PartSize, Preview, Reason, preview};
pub use reassembly::Reassembly;
pub use split::{Part, Split, split, split_binary};
pub use udh::{
    Concatenation, HeaderTooLong, Iei, InformationElement, MalformedUdh, Ports, ReferenceWidth, Udh,
    UdhBuilder,
};
