//! Sessions of pages: a WebSocket on one side, a message centre on the other.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod limits;
mod mc;
mod page;
mod repeat;
mod session;
mod silent;
