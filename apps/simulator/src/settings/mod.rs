//! What a simulator is started with: by a file, by flags, in part over REST. Without any of it:
//! everybody may bind, everything is delivered.
//!
//! ```toml
//! seed = 42
//!
//! [[smsc]]
//! listen = ["127.0.0.1:2775"]
//!
//! [[smsc.account]]
//! system_id = "app"
//! password = "secret"
//! throughput = 100
//!
//! [[smsc.rule]]
//! name = "numbers ending 1 fail"
//! when = { destination_addr = "*1" }
//! then = { status = "ESME_RTHROTTLED" }
//! ```

mod account;
mod text;

pub use account::{Account, Mode};
pub use text::{Clock, Timeout};

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use smppkit_net::{GateLimits, Network, SessionConfig};
use smppkit_ops::{SignIn, Size, Span, Token};
use smppkit_wire::Version;
use utoipa::ToSchema;

use crate::dialect::Dialect;
use crate::dialogue::Dialogue;
use crate::rules::{Delay, Preset, Rule, Rules};

/// All settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// What everything that happens by chance is made from: the same seed and input give the same
    /// behaviour. Default: another one each time.
    pub seed: Option<u64>,
    /// What the time is taken for when the simulator starts, as in `2026-11-22T12:00:00Z`, for
    /// receipts that do not differ from run to run. Default: the time it is.
    #[schema(value_type = Option<String>, example = "2026-11-22T12:00:00Z")]
    pub clock: Option<Clock>,
    /// Whether numbers and texts are shown whole on the terminal and in logs. Default: masked.
    pub show_messages: bool,
    /// How long a shutdown waits for sessions to unbind. Default 30 s.
    pub drain_timeout: Span,
    /// Senders whose connections begin with a PROXY header, as networks.
    #[serde(with = "text::list")]
    #[schema(value_type = Vec<String>, default = json!([]), example = json!(["10.0.0.0/8"]))]
    pub proxies: Vec<Network>,
    /// Connections in all. Default 20,000; never more than the system has descriptors for.
    pub connections: usize,
    /// Connections from one address. Default 20,000.
    pub connections_per_address: usize,
    /// Connections from one address that are not bound; beyond it the oldest is cut. Default 1,000.
    pub unbound_per_address: usize,
    /// REST, metrics, health.
    pub admin: AdminSettings,
    /// What came and went.
    pub record: RecordSettings,
    /// Dialects besides those that come with the simulator, by name.
    #[schema(value_type = Object)]
    pub dialect: BTreeMap<String, Dialect>,
    /// The SMSCs; one with all defaults when none is given.
    pub smsc: Vec<SmscSettings>,
}

/// Where operators and test suites are answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AdminSettings {
    /// The address. Nothing is served without one.
    #[schema(value_type = Option<String>, example = "127.0.0.1:2780")]
    pub listen: Option<SocketAddr>,
    /// What requests must bring as `Authorization: Bearer`. Needed beyond loopback.
    #[schema(value_type = Option<String>)]
    pub token: Option<Token>,
    /// What requests that only look may bring instead. Default: none.
    #[schema(value_type = Option<String>)]
    pub viewer_token: Option<Token>,
    /// Whether a browser has to sign in: `open` lets in whoever reaches the address, `required` asks for the
    /// link that is printed at the start, or for a token. With a token a browser always signs in. Default
    /// `open`.
    pub sign_in: SignIn,
}

impl AdminSettings {
    /// Where it is served when nothing is said, as far as that is free.
    pub const USUAL: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 2780);
}

/// How much of what came and went is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RecordSettings {
    /// Octets of PDUs. Default 64 MiB, about 500,000 PDUs; the oldest are forgotten. 0 keeps none.
    pub octets: Size,
}

impl Default for RecordSettings {
    fn default() -> Self {
        Self { octets: Size::mib(64) }
    }
}

/// One SMSC.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SmscSettings {
    /// What it is called in REST, metrics and logs. Default `smsc`.
    pub name: String,
    /// Where plain SMPP is listened for. Port 0 takes a free one. Default 127.0.0.1:2775.
    #[schema(value_type = Vec<String>)]
    pub listen: Vec<SocketAddr>,
    /// Where SMPP over TLS is listened for.
    #[schema(value_type = Vec<String>)]
    pub tls_listen: Vec<SocketAddr>,
    /// The certificate chain shown there, a PEM file; without it one is made for this run.
    #[schema(value_type = Option<String>)]
    pub tls_certificate: Option<PathBuf>,
    /// Its private key, a PEM file.
    #[schema(value_type = Option<String>)]
    pub tls_key: Option<PathBuf>,
    /// A PEM file of the roots that a client's certificate must come from; without it none is asked for.
    #[schema(value_type = Option<String>)]
    pub tls_client_ca: Option<PathBuf>,
    /// ESMEs that listen, as HOST:PORT: each is connected to and sent outbind.
    pub outbind: Vec<String>,
    /// The name shown in bind responses. Default `smppkit`.
    #[serde(deserialize_with = "text::system_id")]
    pub system_id: String,
    /// The newest protocol version spoken. Default 5.0.
    #[serde(with = "text::one")]
    #[schema(value_type = String, default = json!("5.0"), example = "3.4")]
    pub version: Version,
    /// Who may bind; nobody listed means anybody.
    pub account: Vec<Account>,
    /// Rules; the first that matches counts.
    pub rule: Vec<Rule>,
    /// Sets of rules that come with the simulator, after the rules given here.
    #[serde(deserialize_with = "text::presets")]
    pub presets: Vec<String>,
    /// The form of message_id and receipts. Default `standard`.
    pub dialect: String,
    /// From acceptance (or schedule_delivery_time) to delivery, and so to the receipt. Default 1 s.
    #[schema(value_type = String, example = "1s..5s")]
    pub receipt_delay: Delay,
    /// Whether all messages come back to their sender as mobile-originated ones.
    pub loopback: bool,
    /// Messages to these numbers do. Those to the sender's own system_id always do.
    pub mo_numbers: Vec<String>,
    /// Mobile-originated messages from files.
    pub mo_file: Vec<MoFile>,
    /// Two-way dialogues.
    pub dialogue: Vec<Dialogue>,
    /// A load of 0 to 100 reported to 5.0 ESMEs in every response, to see whether they obey it
    /// (SMPP 5.0, 2.9). Default: none is reported.
    pub congestion_state: Option<u8>,
    /// Time for a connection to bind; `off` for ever. Default 5 s.
    #[schema(value_type = String, example = "5s")]
    pub session_init: Timeout,
    /// Ask a silent peer whether it is alive after this time. Default 30 s.
    #[schema(value_type = String, example = "30s")]
    pub enquire_link: Timeout,
    /// Unbind a session without traffic after this time. Default off.
    #[schema(value_type = String, example = "off")]
    pub inactivity: Timeout,
    /// Time for the peer to answer. Default 30 s.
    #[schema(value_type = String, example = "30s")]
    pub response: Timeout,
    /// Deliveries to a session that may wait for their answers. Default 100.
    pub window: u32,
    /// Messages taken from a session in a second; more are answered `ESME_RTHROTTLED`. Default: no limit.
    pub throughput: Option<u32>,
    /// The longest PDU taken, in octets. Default 68 KiB.
    pub max_pdu: Size,
    /// Sessions that one account may have bound at once. Default 10,000: a test of that many must pass.
    pub sessions_per_account: usize,
    /// Messages remembered for query_sm, cancel_sm and replace_sm; the oldest are forgotten.
    /// Default 10,000, about 5 MB: a table that stays in the cache answers a fifth more messages a second.
    pub messages: usize,
    /// Messages that still wait for something (a receipt, a schedule) are kept beyond that, up to
    /// this many; then new ones get `ESME_RMSGQFUL`. Default 1,000,000.
    pub pending: usize,
    /// User data remembered, whatever the number of messages: so much in the latest, so much in those
    /// that wait, so much in each account's outbox. Default 256 MiB.
    pub message_octets: Size,
    /// Receipts and mobile-originated messages kept for an account until a session takes them;
    /// beyond that the oldest is dropped and counted. Default 100,000.
    pub outbox: usize,
}

/// Mobile-originated messages from a file: `source_addr,destination_addr,text` on each line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MoFile {
    /// The file.
    #[schema(value_type = String)]
    pub path: PathBuf,
    /// The account that gets them. Default: the only one that is bound.
    #[serde(default)]
    pub system_id: Option<String>,
    /// Messages in a second.
    #[serde(default = "MoFile::rate")]
    #[schema(minimum = 1)]
    pub rate: u32,
    /// Begins again when it is through.
    #[serde(default)]
    pub repeat: bool,
}

impl MoFile {
    fn rate() -> u32 {
        1
    }
}

impl SmscSettings {
    /// What its sessions are configured with.
    pub fn session(&self) -> SessionConfig {
        SessionConfig {
            version: self.version,
            session_init: self.session_init.0,
            enquire_link: self.enquire_link.0,
            inactivity: self.inactivity.0,
            response: self.response.0,
            send_window: self.window.max(1),
            receive_rate: self.throughput,
            pdu_limit_octets: u32::try_from(self.max_pdu.0).unwrap_or(u32::MAX).max(16),
            ..SessionConfig::default()
        }
    }

    /// Its rules, those of its presets last.
    pub fn rules(&self) -> impl Iterator<Item = Rule> {
        let presets = self.presets.iter().filter_map(|name| Preset::named(name));
        self.rule.iter().cloned().chain(presets.flat_map(Preset::rules))
    }
}

impl Settings {
    /// Limits of connections.
    pub fn gate(&self) -> GateLimits {
        GateLimits {
            connections: self.connections,
            connections_per_address: self.connections_per_address,
            unbound_per_address: self.unbound_per_address,
        }
    }

    /// A dialect by its name, one's own first.
    pub fn dialect(&self, name: &str) -> Option<Arc<Dialect>> {
        self.dialect.get(name).cloned().map(Arc::new).or_else(|| Dialect::named(name))
    }

    /// What no single setting can say: names that are there twice, dialects that are not there, scripts
    /// that do not compile.
    pub fn check(&self) -> Result<(), String> {
        let mut names: Vec<&str> = self.smsc.iter().map(|smsc| smsc.name.as_str()).collect();
        names.sort_unstable();
        let twice = |two: &[&str]| matches!(two, [a, b] if a == b);
        if let Some(name) = names.windows(2).find(|two| twice(two)).and_then(|two| two.first()) {
            return Err(format!("two SMSCs are called {name:?}: give each a name"));
        }
        for smsc in &self.smsc {
            if self.dialect(&smsc.dialect).is_none() {
                let name = &smsc.dialect;
                return Err(format!("{name:?} is no dialect: `smppkit simulator --dialects` lists them"));
            }
            if smsc.tls_certificate.is_some() != smsc.tls_key.is_some() {
                return Err("tls_certificate and tls_key go together".to_owned());
            }
            if let Some(number) = smsc.mo_numbers.iter().find(|number| number.len() > 20) {
                return Err(format!("the MO number {number:?} is longer than 20 octets"));
            }
            let rules = Rules::new(smsc.rules(), |name| self.dialect(name), &Rules::default());
            rules.map_err(|error| format!("SMSC {:?}: {error}", smsc.name))?;
        }
        Ok(())
    }
}

impl Default for Settings {
    fn default() -> Self {
        let gate = GateLimits::default();
        Self {
            seed: None,
            clock: None,
            show_messages: false,
            drain_timeout: Span::secs(30),
            proxies: Vec::new(),
            connections: gate.connections,
            connections_per_address: gate.connections_per_address,
            unbound_per_address: gate.unbound_per_address,
            admin: AdminSettings::default(),
            record: RecordSettings::default(),
            dialect: BTreeMap::new(),
            smsc: Vec::new(),
        }
    }
}

impl Default for SmscSettings {
    fn default() -> Self {
        let session = SessionConfig::default();
        Self {
            name: "smsc".to_owned(),
            listen: vec![SocketAddr::from(([127, 0, 0, 1], 2775))],
            tls_listen: Vec::new(),
            tls_certificate: None,
            tls_key: None,
            tls_client_ca: None,
            outbind: Vec::new(),
            system_id: "smppkit".to_owned(),
            version: session.version,
            account: Vec::new(),
            rule: Vec::new(),
            presets: Vec::new(),
            dialect: "standard".to_owned(),
            receipt_delay: Delay::Fixed(std::time::Duration::from_secs(1)),
            loopback: false,
            mo_numbers: Vec::new(),
            mo_file: Vec::new(),
            dialogue: Vec::new(),
            congestion_state: None,
            session_init: Timeout(session.session_init),
            enquire_link: Timeout(session.enquire_link),
            inactivity: Timeout(session.inactivity),
            response: Timeout(session.response),
            window: session.send_window,
            throughput: session.receive_rate,
            max_pdu: Size(u64::from(session.pdu_limit_octets)),
            sessions_per_account: 10_000,
            messages: 10_000,
            pending: 1_000_000,
            message_octets: Size::mib(256),
            outbox: 100_000,
        }
    }
}

#[cfg(test)]
mod tests;
