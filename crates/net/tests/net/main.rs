//! The crate from outside, over real sockets of the loopback.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod backpressure;
mod examples;
mod faults;
mod gate;
mod handle;
mod outbind;
mod parting;
mod peer;
mod proxy;
mod reconnect;
mod script;
mod stall;
mod stream;
mod timers;
mod tls;
