//! What pages may do.

use serde::{Deserialize, Serialize};
use smppkit_net::{Network, Targets};
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
    /// Where pages may connect to.
    pub fn allowed(&self) -> Targets {
        Targets::new(self.targets.as_slice())
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            targets: Targets::default().networks().to_vec(),
            sockets: 16,
            message_limit: Size::kib(256),
            idle: Span::secs(3_600),
            bind_timeout: Span::secs(10),
            response_timeout: Span::secs(30),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_and_slips_named() {
        let settings: Settings = toml::from_str("targets = ['10.0.0.0/8']\nidle = '5m'").unwrap();
        assert_eq!(settings.allowed().names(), ["10.0.0.0/8"]);
        assert_eq!((settings.idle, settings.sockets), (Span::secs(300), 16));
        assert!(toml::from_str::<Settings>("targets = ['10.0.0.0/33']").is_err());
        assert!(toml::from_str::<Settings>("target = []").is_err());
    }
}
