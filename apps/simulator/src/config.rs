//! What a simulator is started with. Without any of it: everybody may bind, everything is delivered.

use core::time::Duration;
use std::net::SocketAddr;

use smppkit_net::{ConnectionLimits, GateLimits, Identity, Network, SessionConfig};

/// A simulator's settings.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where plain SMPP is listened for. Port 0 takes a free one.
    pub listen: Vec<SocketAddr>,
    /// Where SMPP over TLS is listened for.
    pub tls_listen: Vec<SocketAddr>,
    /// The certificate shown there; `None` makes one for this run.
    pub tls_identity: Option<Identity>,
    /// PEM of the roots that a client's certificate must come from; `None` asks for none.
    pub tls_client_roots: Option<Vec<u8>>,
    /// ESMEs that listen: each is connected to and sent outbind.
    pub outbind: Vec<String>,
    /// Senders whose connections begin with a PROXY header.
    pub proxies: Vec<Network>,
    /// Who may bind; nobody listed means anybody.
    pub accounts: Vec<Account>,
    /// Messages to these numbers come back to their sender as mobile-originated ones.
    pub mo_numbers: Vec<String>,
    /// From acceptance (or schedule_delivery_time) to delivery, and so to the receipt.
    pub receipt_delay: Duration,
    /// The name shown in bind responses.
    pub system_id: String,
    /// Sessions: timers, windows, versions.
    pub session: SessionConfig,
    /// Connections.
    pub limits: ConnectionLimits,
    /// How many connections.
    pub gate: GateLimits,
    /// Sessions that one account may have bound at once. Default 10,000: a test of that many must pass.
    pub sessions_per_account: usize,
    /// Messages remembered for query_sm, cancel_sm and replace_sm; the oldest are forgotten.
    /// Default 10,000, about 5 MB: a table that stays in the cache answers a fifth more messages a second.
    pub messages: usize,
    /// Messages that still wait for something (a receipt, a schedule) are kept beyond that, up to
    /// this many; then new ones get `ESME_RMSGQFUL`. Default 1,000,000.
    pub pending: usize,
    /// Octets of user data remembered, whatever the number of messages: so much in the latest, so much
    /// in those that wait, so much in each account's outbox. Default 256 MiB.
    pub message_octets: usize,
    /// Receipts and mobile-originated messages kept for an account until a session takes them;
    /// beyond that the oldest is dropped and counted. Default 100,000.
    pub outbox: usize,
    /// A load of 0 to 100 reported to 5.0 ESMEs in every response, to see whether they obey it
    /// (SMPP 5.0, 2.9). Default: none is reported.
    pub congestion_state: Option<u8>,
    /// Whether numbers and texts are shown whole on the terminal and in logs. Default: masked.
    pub show_messages: bool,
    /// How long a shutdown waits for sessions to unbind.
    pub drain_timeout: Duration,
}

/// One account.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// Its name.
    pub system_id: String,
    /// Its password.
    pub password: String,
}

impl Account {
    /// From `ID:PASSWORD`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (system_id, password) = text.split_once(':').ok_or("want ID:PASSWORD")?;
        if system_id.len() > 15 {
            return Err(format!("system_id {system_id:?} is longer than 15 octets"));
        }
        if password.len() > 8 {
            return Err("the password is longer than 8 octets".to_owned());
        }
        Ok(Self { system_id: system_id.to_owned(), password: password.to_owned() })
    }
}

/// Never the password.
impl core::fmt::Debug for Account {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Account").field("system_id", &self.system_id).finish_non_exhaustive()
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: vec![SocketAddr::from(([127, 0, 0, 1], 2775))],
            tls_listen: Vec::new(),
            tls_identity: None,
            tls_client_roots: None,
            outbind: Vec::new(),
            proxies: Vec::new(),
            accounts: Vec::new(),
            mo_numbers: Vec::new(),
            receipt_delay: Duration::from_secs(1),
            system_id: "smppkit".to_owned(),
            session: SessionConfig::default(),
            limits: ConnectionLimits::default(),
            gate: GateLimits::default(),
            sessions_per_account: 10_000,
            messages: 10_000,
            pending: 1_000_000,
            message_octets: 256 * 1024 * 1024,
            outbox: 100_000,
            congestion_state: None,
            show_messages: false,
            drain_timeout: Duration::from_secs(30),
        }
    }
}
