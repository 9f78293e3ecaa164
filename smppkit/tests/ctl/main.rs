//! The control of a simulator as its users run it: the binary, against the simulator in a process of its own.

mod change;
mod gateway;
mod look;
#[path = "../client/process.rs"]
#[allow(dead_code, reason = "shared with the tests of the client, which use all of it")]
mod process;
mod simulator;
mod terminal;
mod usage;
