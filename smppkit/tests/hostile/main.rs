//! Hostile octets against the simulator, over TCP, and a healthy client served after each case.
//!
//! Expectations come from the written specifications, by way of names and octets written down here
//! once more: nothing of our own codec is used. Cases are text in `testdata/hostile`; what text
//! cannot say (floods, memory, signals, secrets in logs) is code.

mod crowds;
mod drain;
mod floods;
mod healthy;
mod layouts;
mod names;
mod octets;
mod peer;
mod script;
mod secrets;
mod simulator;
mod vectors;

#[test]
fn framing() {
    script::play("framing.txt");
}

#[test]
fn tlv() {
    script::play("tlv.txt");
}

#[test]
fn message() {
    script::play("message.txt");
}

#[test]
fn multi() {
    script::play("multi.txt");
}

#[test]
fn states() {
    script::play("states.txt");
}

#[test]
fn responses() {
    script::play("responses.txt");
}

#[test]
fn credentials() {
    script::play("credentials.txt");
}

#[test]
fn flow() {
    script::play("flow.txt");
}

#[test]
fn limits() {
    script::play("limits.txt");
}
