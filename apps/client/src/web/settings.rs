//! What pages may do.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use smppkit_net::Network;
use smppkit_ops::{Size, Span, text};
use utoipa::ToSchema;

/// Where pages may connect to, and how much they may hold: `[client]` of a server's settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Networks of the servers that pages may connect to, on any port: who reaches the pages reaches what this machine
    /// reaches there. A host name is resolved first, and every address of it has to be in one of them. Default: this
    /// machine only. An empty list turns the client off.
    #[serde(with = "text::list")]
    #[schema(value_type = Vec<String>, default = json!(["127.0.0.0/8", "::1/128"]), example = json!(["10.0.0.0/8"]))]
    pub targets: Vec<Network>,
    /// Sessions at a time, of all pages together; further ones get 503. Default: 16.
    pub sockets: usize,
    /// The longest message of a page; a longer one closes its WebSocket. Default: 256 KiB, which is the longest PDU in
    /// hexadecimal digits, with as much again for JSON.
    pub message_limit: Size,
    /// How long a session stays when its page asks for nothing and no PDUs come but enquire_link. Default: 1h.
    pub idle: Span,
    /// How long connecting and binding may take. Default: 10s.
    pub bind_timeout: Span,
    /// How long a response is waited for before it counts as missing. Default: 30s.
    pub response_timeout: Span,
}

impl Settings {
    /// Whether an address may be connected to.
    pub fn allows(&self, address: IpAddr) -> bool {
        self.targets.iter().any(|network| network.contains(address))
    }

    /// The networks as people write them.
    pub fn target_names(&self) -> Vec<String> {
        self.targets.iter().map(ToString::to_string).collect()
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            targets: LOOPBACK.iter().filter_map(|network| network.parse().ok()).collect(),
            sockets: 16,
            message_limit: Size::kib(256),
            idle: Span::secs(3_600),
            bind_timeout: Span::secs(10),
            response_timeout: Span::secs(30),
        }
    }
}

const LOOPBACK: [&str; 2] = ["127.0.0.0/8", "::1/128"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_settings_this_machine_alone_is_a_target() {
        let settings = Settings::default();
        for address in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
            assert!(settings.allows(address.parse().unwrap()), "{address}");
        }
        for address in ["10.0.0.1", "0.0.0.0", "169.254.169.254", "::", "fe80::1", "::ffff:10.0.0.1"] {
            assert!(!settings.allows(address.parse().unwrap()), "{address}");
        }
        assert_eq!(settings.target_names(), LOOPBACK);
    }

    #[test]
    fn settings_are_read_and_slips_named() {
        let settings: Settings = toml::from_str("targets = ['10.0.0.0/8']\nidle = '5m'").unwrap();
        assert!(
            settings.allows("10.1.2.3".parse().unwrap()) && !settings.allows("127.0.0.1".parse().unwrap())
        );
        assert_eq!((settings.idle, settings.sockets), (Span::secs(300), 16));
        assert!(toml::from_str::<Settings>("targets = ['10.0.0.0/33']").is_err());
        assert!(toml::from_str::<Settings>("target = []").is_err());
    }
}
