//! The client as its users run it: the binary, against the simulator in a process of its own.

mod listen;
mod mc;
mod process;
mod script;
mod send;
mod setup;
