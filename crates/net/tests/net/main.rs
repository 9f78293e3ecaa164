//! The crate from outside, over real sockets of the loopback.

mod backpressure;
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
