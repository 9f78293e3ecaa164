//! One SMPP connection as a state machine: binding, windows, sequence numbers, timers, and who may
//! send what when.
//!
//! Both roles, no sockets, no clock, no task. Octets go out into a buffer that the caller gives,
//! the time is an argument, and every call returns what it led to:
//!
//! - [`Session::receive`]: a frame arrived; at most one [`Event`] for the application;
//! - [`Session::request`], [`Session::respond`], [`Session::bind`], [`Session::unbind`]: the application acts;
//! - [`Session::timeout`]: call at or after [`Session::deadline`], until it returns `None`.
//!
//! ```
//! use std::{sync::Arc, time::Instant};
//! use smppkit_session::{Bind, BindMode, Event, Session, SessionConfig};
//! use smppkit_wire::{Frames, Role};
//!
//! let now = Instant::now();
//! let config = Arc::new(SessionConfig::default());
//! let mut esme = Session::<()>::new(Role::Esme, config.clone(), now);
//! let mut mc = Session::<()>::new(Role::Mc, config, now);
//! let mut wire = Vec::new();
//!
//! esme.bind(now, BindMode::Transceiver, &Bind::new("esme", "secret").unwrap(), &mut wire).unwrap();
//! let run = std::mem::take(&mut wire).into();
//! let frame = Frames::new(&run, 65_536).next().unwrap().unwrap();
//! let Some(Event::Bind(asked, bind)) = mc.receive(now, &frame, &mut wire) else { panic!() };
//! assert_eq!(bind.system_id, "esme");
//! mc.accept_bind(now, asked, "mc", &mut wire);
//!
//! let run = wire.into();
//! let frame = Frames::new(&run, 65_536).next().unwrap().unwrap();
//! assert!(matches!(esme.receive(now, &frame, &mut Vec::new()), Some(Event::Bound { .. })));
//! assert!(esme.state().is_bound() && mc.state().is_bound());
//! ```
#![forbid(unsafe_code)]
#![allow(
    clippy::result_large_err,
    reason = "what could not be sent comes back as it was given: a box would be an allocation for each full window"
)]

mod bind;
mod config;
mod event;
mod flow;
mod receive;
mod session;
mod timers;
mod window;

pub use bind::{Bind, BindMode};
pub use config::SessionConfig;
pub use event::{Asked, BindRequest, CloseReason, Event, Failure, SendError};
pub use flow::Rate;
pub use session::Session;
