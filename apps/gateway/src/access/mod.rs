//! Who may bind, from where, how often, how fast, and in whose name.
//!
//! A bind passes in this order, and every refusal is the same `ESME_RBINDFAIL`, so that nobody
//! learns from it which system_ids exist or what a password is:
//!
//! 1. [`Lockout::check`]: the pair of address and system_id has not guessed too often.
//! 2. [`ServerKey::admits`]: the password is the account's, compared whole and in constant time;
//!    an unknown system_id costs the same work.
//! 3. [`AllowList::allows`]: the account may bind from that address.
//! 4. [`Lockout::failed`] or [`Lockout::succeeded`] with the outcome of 2 and 3, in the same breath.
//! 5. [`Seats::try_take`]: the account has a seat left for that kind of bind.
//!
//! Afterwards [`Rate`] limits what its sessions submit together, and [`SourcePolicy`] says which source
//! addresses they may use.
//!
//! Nothing here asks for the time or opens a socket; only [`ServerKey::load_or_create`] touches the
//! world, once, at the start.

mod key_file;
mod limits;
mod lockout;
mod password;
mod rate;
mod source;
mod sources;
mod table;

pub use key_file::KeyFileError;
pub use limits::{AllowList, BindLimits};
pub(crate) use limits::{Seat, Seats};
pub use lockout::LockoutSettings;
pub(crate) use lockout::{Lockout, Verdict};
pub use password::{Credential, CredentialError, Secret, SecretError, ServerKey};
pub(crate) use rate::Rate;
pub use rate::{BadPerSecond, PerSecond};
pub use source::{BadSource, Sender, SourcePattern};
pub use sources::{Judgement, Otherwise, SourcePolicy};
