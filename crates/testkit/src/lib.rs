//! Test support: virtual time, a scripted peer, two sessions on a pretended wire.
//!
//! - [`Transcript`]: a text file plays one [`Session`](smppkit_session::Session) against a peer that
//!   says exactly what is written; whatever the session does beyond the script is a failure.
//! - [`Link`]: an ESME and an MC joined by octet pipes with delays and borders that a seed decides.
//! - [`sample`]: a PDU of every kind;
//! - [`Clock`] and [`Chance`]: time and chance as arguments.
//!
//! It refuses to know sockets and real time. Nothing but tests may depend on it.
//!
//! ```
//! use smppkit_testkit::Transcript;
//!
//! let transcript = Transcript::parse("probe.txt", "
//!     role esme
//!     config enquire_link=30s
//!     bound transceiver
//!     +30s
//!     us> enquire_link seq=2
//!     peer> enquire_link_resp seq=2
//!     silence
//! ").unwrap();
//! transcript.run().unwrap();
//! ```
#![forbid(unsafe_code)]

mod chance;
mod clock;
mod link;
mod pdu;
mod sample;
mod transcript;
mod words;

pub use chance::Chance;
pub use clock::Clock;
pub use link::{Link, LinkConfig, Outcome, Traffic};
pub use sample::sample;
pub use transcript::{Failure, Transcript, run_directory};
