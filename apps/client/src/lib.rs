//! An SMPP client on the command line.
//!
//! `send` binds, submits one message in as many parts as it needs, and waits for its receipts.
#![forbid(unsafe_code)]

mod send;
mod url;

pub use send::{Report, SendError, Sending, Step, send};
pub use smppkit_wire::Version;
pub use url::{BadUrl, Target};
