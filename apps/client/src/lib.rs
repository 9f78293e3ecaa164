//! An SMPP client on the command line.
//!
//! - [`send`] binds, submits messages in as many parts as they need, and waits for their receipts.
//! - [`listen`] binds, or takes outbinds, and tells what comes in, long messages joined.
//! - [`script`] plays files of steps against any server and says where it differs.
//! - [`web`] gives pages in a browser sessions of their own, one for each WebSocket.
//! - [`ConnectionArgs`] are the flags that all of them share; a [`Profile`] names some of them.
//!
//! No PDU's field is named twice: what users name goes through [`Draft`] to the tables of `smppkit-wire`. The crate
//! refuses to know the terminal: it hands over what happened, and whoever called it prints.
//!
//! ```
//! use smppkit_client::Draft;
//!
//! let mut draft = Draft::new("submit_sm");
//! draft.set("destination_addr", "447700900123")?;
//! draft.set("short_message", "Hello")?;
//! draft.set("user_message_reference", "7")?;
//! assert_eq!(draft.body()?.tlvs().iter().count(), 1);
//! # Ok::<(), smppkit_client::EncodeError>(())
//! ```
#![forbid(unsafe_code)]

mod address;
mod connection;
mod draft;
mod ear;
mod incoming;
mod listen;
mod message;
mod profile;
pub mod script;
mod send;
mod url;
pub mod web;

pub use address::Address;
pub use connection::{Connection, ConnectionArgs, ConnectionError, Secret, duration};
pub use draft::{Draft, from_hex};
pub use incoming::{Delivered, Receipt, fidelity, same_message_id};
pub use listen::{Heard, ListenEnd, ListenError, Listening, listen};
pub use message::{Content, EncodingChoice, Message, MessageError, Prepared, Submission, SubmitAs};
pub use profile::{Profile, ProfileError};
pub use send::{Report, SendError, Sending, Step, send};
pub use smppkit_inspect::EncodeError;
pub use smppkit_net::{BadNetwork, BindMode, Network};
pub use smppkit_text::{Carrier, ReferenceWidth, SplitError};
pub use smppkit_wire::{CommandStatus, Version};
pub use url::{BadUrl, Target};
