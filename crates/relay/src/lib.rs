//! The life of one message: taken, routed, sent, retried, reported, ended.
//!
//! Everything here is a decision or a form, and none of it waits: what a request asks for
//! ([`Submission`]), what is kept of it ([`Parcel`]), what goes out upstream ([`outgoing`]), what an
//! answer means ([`Verdict`]) and when to try again ([`RetryPolicy`]), which message a receipt belongs
//! to ([`Notice`], [`settle`]) and what its sender is told ([`Report`]).
//!
//! It refuses to know sockets, sessions, tasks and HTTP. The time, chance and the store are given to it.
//!
//! ```
//! use smppkit_relay::{Parcel, Submission};
//! use smppkit_wire::{Body, Version, pdu::table::SubmitSm};
//!
//! let asked: Body = SubmitSm { destination_addr: "447700900123".parse()?, ..SubmitSm::default() }.into();
//! let now_ms = 1_795_350_600_000;
//! let submission = Submission::read(&asked, Version::V34, now_ms).map_err(|status| status.to_string())?;
//! assert_eq!(submission.due_ms, None);
//!
//! let octets = Parcel::message(submission.pdu.clone(), Version::V34).to_octets();
//! let Parcel::Message(message) = Parcel::read(&octets)? else { unreachable!() };
//! assert_eq!(message.pdu, submission.pdu);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

mod carry;
mod ends;
mod ids;
mod intake;
mod notice;
mod octets;
mod outgoing;
mod parcel;
mod report;
mod retry;
mod settle;

pub use carry::{
    Carry, broadcast_between, cut, delivery_from_neutral, delivery_to_neutral, fit, from_neutral, to_neutral,
};
pub use ends::{ended, told, whole_ended};
pub use ids::{IdForm, Learnt, canonical, short_reference};
pub use intake::Submission;
pub use notice::Notice;
pub use outgoing::{Ask, outgoing};
pub use parcel::{BadParcel, Broadcast, Incoming, Outgoing, Parcel, Part, part_of};
pub use report::{Form, Report, Zone, wants_report};
pub use retry::{Next, RetryPolicy, Verdict, verdict};
pub use settle::{Settled, Settlement, Settling, settle, settle_one};
