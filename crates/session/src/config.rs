//! The limits and timers of a session, each with a default and its reason.

use core::time::Duration;

use smppkit_wire::{Dialect, Version};

/// What a session is configured with. Shared by all sessions of a listener or connector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionConfig {
    /// The newest version spoken here. Default 5.0: older peers are met at theirs.
    pub version: Version,
    /// What is assumed of an MC that sends no sc_interface_version. By SMPP 3.4, 3.3 it speaks 3.3;
    /// the default is 3.4, since many 3.4 MCs leave the TLV out and refuse nothing.
    pub silent_mc_version: Version,
    /// What is forgiven of the peer.
    pub dialect: Dialect,
    /// The longest PDU taken, in octets. Default 69,632: 64 KiB of message_payload, and 4 KiB for
    /// all else. Memory is used only for octets that arrived.
    pub pdu_limit_octets: u32,
    /// Requests sent and not answered. Default 100: SMPP 3.4, 2.9 recommends 10, which at a round
    /// trip of 50 ms would hold a session at 200 messages a second.
    pub send_window: u32,
    /// Requests of the peer handed to the application and not answered. At the limit nothing more
    /// is read until one is. Default 1,000: ten times what most peers' windows are.
    pub receive_window: u32,
    /// From the connection to a completed bind; octets do not extend it. Default 5 s. Off: `None`.
    pub session_init: Option<Duration>,
    /// Without a PDU from the peer for so long, it is asked with enquire_link. Default 30 s.
    pub enquire_link: Option<Duration>,
    /// Without a transaction (enquire_link is none) for so long, the session is unbound. Off by
    /// default: enquire_link finds dead peers, and quiet ones do no harm.
    pub inactivity: Option<Duration>,
    /// How long a request waits for its answer. Default 30 s.
    pub response: Option<Duration>,
    /// enquire_link PDUs taken in a second before the peer is taken for an attacker and the
    /// connection closed. Default 100; the busiest healthy peer seen sends one a second.
    pub enquire_link_rate: Option<u32>,
    /// Messages taken in a second; more are answered `ESME_RTHROTTLED`. A submit_multi counts each
    /// destination. Off by default: accounts set it.
    pub receive_rate: Option<u32>,
    /// Whether congestion_state and throttling answers of the peer narrow the send window. Default on.
    pub adaptive_window: bool,
}

impl Default for SessionConfig {
    fn default() -> Self {
        Self {
            version: Version::V50,
            silent_mc_version: Version::V34,
            dialect: Dialect::RECEIVE,
            pdu_limit_octets: 68 * 1024,
            send_window: 100,
            receive_window: 1_000,
            session_init: Some(Duration::from_secs(5)),
            enquire_link: Some(Duration::from_secs(30)),
            inactivity: None,
            response: Some(Duration::from_secs(30)),
            enquire_link_rate: Some(100),
            receive_rate: None,
            adaptive_window: true,
        }
    }
}
