//! What a gateway is started with: accounts, connectors, routes, and how all of it behaves.
//!
//! ```toml
//! [[account]]
//! system_id = "shop"
//! password = "secret"
//!
//! [[connector]]
//! name = "carrier"
//! address = "smsc.example.net:2775"
//! system_id = "me"
//! password = "mine"
//!
//! [[route]]
//! to = "carrier"
//! ```

mod account;
mod check;
mod connector;

pub use account::{AccountSettings, BindKind, ReceiptForm, ReceiptSettings};
pub use connector::{ConnectorSettings, ConnectorTls, Ids, Long, Receipts};

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use smppkit_net::{GateLimits, Network, SessionConfig};
use smppkit_ops::{AdminConfig, SignIn, Size, Span, Timeout, Token, text};
use smppkit_relay::RetryPolicy;
use smppkit_route::Rule;
use smppkit_store::WriterLimits;
use smppkit_text::McDefault;
use smppkit_wire::Version;
use utoipa::ToSchema;

use crate::access::LockoutSettings;

/// All settings.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Where messages are kept, and the server's key. Default `./smppkit-data`. It is locked while the
    /// gateway runs.
    #[schema(value_type = String, default = "./smppkit-data")]
    pub data: PathBuf,
    /// Where plain SMPP is listened for. Port 0 takes a free one. Default 127.0.0.1:2775.
    #[schema(value_type = Vec<String>, default = json!(["127.0.0.1:2775"]))]
    pub listen: Vec<SocketAddr>,
    /// Whether plain SMPP may be listened for on other addresses than loopback: passwords and messages
    /// can be read on the way. Default false.
    pub allow_plain: bool,
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
    /// The name shown in bind responses. Default `smppkit`.
    pub system_id: String,
    /// Senders whose connections begin with a PROXY header, as networks.
    #[serde(with = "text::list")]
    #[schema(value_type = Vec<String>, default = json!([]), example = json!(["10.0.0.0/8"]))]
    pub proxies: Vec<Network>,
    /// Which of several gateways that ever share a store this one is, 0 to 1023: it is in every message_id.
    pub node: u16,
    /// How long a shutdown waits for sessions to unbind. Default 30 s.
    pub drain_timeout: Span,
    /// REST, metrics, health.
    pub admin: AdminSettings,
    /// What came and went.
    pub record: RecordSettings,
    /// What is kept, and how much of it.
    pub store: StoreSettings,
    /// When what was not taken is tried again.
    pub retry: RetrySettings,
    /// How long things may wait.
    pub life: LifeSettings,
    /// Sessions of ESMEs.
    pub session: SessionSettings,
    /// How often a password may be tried.
    pub lockout: LockoutSettings,
    /// Who may bind. Nobody else may.
    #[schema(default = json!([]))]
    pub account: Vec<AccountSettings>,
    /// Where messages go.
    #[schema(default = json!([]))]
    pub connector: Vec<ConnectorSettings>,
    /// Which message goes to which connector; the first that matches counts. A message that none matches
    /// is refused with `ESME_RINVDSTADR`.
    #[schema(default = json!([]))]
    pub route: Vec<Rule>,
    /// Which message from a connector goes to which account, likewise. Receipts need none.
    #[schema(default = json!([]))]
    pub mo_route: Vec<Rule>,
}

/// Where operators are answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AdminSettings {
    /// The address. Nothing is served without one.
    #[schema(value_type = Option<String>, example = "127.0.0.1:2781")]
    pub listen: Option<SocketAddr>,
    /// What requests must bring as `Authorization: Bearer`. Needed beyond loopback.
    #[schema(value_type = Option<String>)]
    pub token: Option<Token>,
    /// What requests that only look may bring instead. Default: none.
    #[schema(value_type = Option<String>)]
    pub viewer_token: Option<Token>,
    /// Whether a browser has to sign in: `open` lets in whoever reaches the address, `required` asks for the
    /// link that is printed at the start, or for a token. With a token a browser always signs in. Default
    /// `required`.
    pub sign_in: SignIn,
}

/// How much of what came and went is kept in memory, for operators to look into.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RecordSettings {
    /// Octets of PDUs of both sides. Default 16 MiB, about 120,000 PDUs; the oldest are forgotten. 0 keeps none. Nothing
    /// is kept where REST is not served. Texts and addresses are in it, passwords are blanked out. A change needs a
    /// restart.
    pub memory: Size,
}

/// What is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct StoreSettings {
    /// Messages that ended are dropped, whole days at a time, when they were accepted longer ago than
    /// this. Default 30 days.
    pub retention: Span,
    /// Messages that have not ended, at most; beyond it new ones get `ESME_RMSGQFUL`. Default 10,000,000,
    /// about 5 GB on disk.
    pub messages: u64,
    /// Changes that wait to be written, at most; beyond it new messages get `ESME_RMSGQFUL`. Default 20,000:
    /// a fifth of a second's work at full speed.
    pub queue: usize,
    /// Changes of accounts, connectors and routes that are remembered, over REST and by the file read again, at most;
    /// 8 MiB in all. Default 1,000; 0 remembers none.
    pub history: usize,
}

/// When what was not taken is tried again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RetrySettings {
    /// After the first failed attempt; each further wait is twice as long. Default 5 s.
    pub first: Span,
    /// The longest wait. Default 10 minutes.
    pub longest: Span,
    /// After being told that there is no room (`ESME_RTHROTTLED`, `ESME_RMSGQFUL`), which counts as no
    /// attempt. Default 1 s.
    pub busy: Span,
    /// Attempts before a message goes to the dead letters. Default 20, about two and a half hours.
    pub attempts: u32,
    /// Attempts when nobody knows what happened: no answer came, or a status outside the specification.
    /// Each may have been taken. Default 5.
    pub unknown_attempts: u32,
}

/// How long things may wait.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LifeSettings {
    /// A message without validity_period. Default 2 days.
    pub message: Span,
    /// The longest validity_period; longer ones are cut to it. Default 7 days.
    pub longest: Span,
    /// A receipt or a message for an ESME that does not bind. Default 7 days.
    pub delivery: Span,
    /// A message that was taken upstream and got no receipt: it ends as expired. Default 3 days.
    pub receipt: Span,
    /// Parts of a message that was cut here and got no receipt when another part has had its own: some message
    /// centres report the first or the last part only. Then that one speaks for all. Default 1 hour: a handset
    /// may take one part and be switched off for the next.
    pub part: Span,
}

/// Sessions of ESMEs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SessionSettings {
    /// The newest protocol version spoken. Default 5.0.
    #[serde(with = "text::one")]
    #[schema(value_type = String, default = "5.0")]
    pub version: Version,
    /// Time for a connection to bind; `off` for ever. Default 5 s.
    #[schema(value_type = String, default = "5s")]
    pub session_init: Timeout,
    /// Ask a silent peer whether it is alive after this time. Default 30 s.
    #[schema(value_type = String, default = "30s")]
    pub enquire_link: Timeout,
    /// Unbind a session without traffic after this time. Default off.
    #[schema(value_type = String, default = "off")]
    pub inactivity: Timeout,
    /// Time for the ESME to answer. Default 30 s.
    #[schema(value_type = String, default = "30s")]
    pub response: Timeout,
    /// Requests of a session that wait for our answers; at the limit nothing more is read. Default 1,000.
    pub submit_window: u32,
    /// The longest PDU taken, in octets. Default 68 KiB.
    pub max_pdu: Size,
    /// Connections in all. Default 20,000; never more than the system has descriptors for.
    pub connections: usize,
    /// Connections from one address. Default 20,000.
    pub connections_per_address: usize,
    /// Connections from one address that are not bound; beyond it the oldest is cut. Default 1,000.
    pub unbound_per_address: usize,
}

/// What data_coding 0 means to a peer; SMPP leaves it to the message centre (SMPP 5.0, 4.7.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DefaultAlphabet {
    /// GSM 7-bit, one septet in each octet: what most mean.
    #[default]
    Gsm,
    /// GSM 7-bit, packed as on the air interface.
    GsmPacked,
    /// ISO 8859-1.
    Latin1,
    /// ASCII.
    Ascii,
}

impl From<DefaultAlphabet> for McDefault {
    fn from(alphabet: DefaultAlphabet) -> Self {
        match alphabet {
            DefaultAlphabet::Gsm => Self::GsmUnpacked,
            DefaultAlphabet::GsmPacked => Self::GsmPacked,
            DefaultAlphabet::Latin1 => Self::Latin1,
            DefaultAlphabet::Ascii => Self::Ascii,
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            data: PathBuf::from("./smppkit-data"),
            listen: vec![SocketAddr::from(([127, 0, 0, 1], 2775))],
            allow_plain: false,
            tls_listen: Vec::new(),
            tls_certificate: None,
            tls_key: None,
            tls_client_ca: None,
            system_id: "smppkit".to_owned(),
            proxies: Vec::new(),
            node: 0,
            drain_timeout: Span::secs(30),
            admin: AdminSettings::default(),
            record: RecordSettings::default(),
            store: StoreSettings::default(),
            retry: RetrySettings::default(),
            life: LifeSettings::default(),
            session: SessionSettings::default(),
            lockout: LockoutSettings::default(),
            account: Vec::new(),
            connector: Vec::new(),
            route: Vec::new(),
            mo_route: Vec::new(),
        }
    }
}

impl AdminSettings {
    /// Where it usually is; `smppkit ctl` asks there.
    pub const USUAL: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 2781);

    /// As the listener takes them, if there is to be one.
    pub(crate) fn config(&self) -> Option<AdminConfig> {
        let Self { listen, token, viewer_token, sign_in } = self.clone();
        listen.map(|listen| AdminConfig { listen, token, viewer_token, sign_in, ..AdminConfig::default() })
    }
}

impl Default for AdminSettings {
    fn default() -> Self {
        Self { listen: None, token: None, viewer_token: None, sign_in: SignIn::Required }
    }
}

impl Default for RecordSettings {
    fn default() -> Self {
        Self { memory: Size::mib(16) }
    }
}

impl Default for StoreSettings {
    fn default() -> Self {
        Self { retention: Span::secs(30 * DAY), messages: 10_000_000, queue: 20_000, history: 1_000 }
    }
}

impl StoreSettings {
    pub(crate) fn limits(&self) -> WriterLimits {
        WriterLimits { queue: self.queue, retention: self.retention.0, ..WriterLimits::default() }
    }
}

impl Default for RetrySettings {
    fn default() -> Self {
        let policy = RetryPolicy::default();
        Self {
            first: Span(policy.first),
            longest: Span(policy.longest),
            busy: Span(policy.busy),
            attempts: policy.attempts,
            unknown_attempts: policy.unknown_attempts,
        }
    }
}

impl RetrySettings {
    pub(crate) fn policy(&self) -> RetryPolicy {
        RetryPolicy {
            first: self.first.0,
            longest: self.longest.0,
            busy: self.busy.0,
            attempts: self.attempts,
            unknown_attempts: self.unknown_attempts,
        }
    }
}

impl Default for LifeSettings {
    fn default() -> Self {
        Self {
            message: Span::secs(2 * DAY),
            longest: Span::secs(7 * DAY),
            delivery: Span::secs(7 * DAY),
            receipt: Span::secs(3 * DAY),
            part: Span::secs(3_600),
        }
    }
}

impl Default for SessionSettings {
    fn default() -> Self {
        let session = SessionConfig::default();
        let gate = GateLimits::default();
        Self {
            version: session.version,
            session_init: Timeout(session.session_init),
            enquire_link: Timeout(session.enquire_link),
            inactivity: Timeout(session.inactivity),
            response: Timeout(session.response),
            submit_window: session.receive_window,
            max_pdu: Size(u64::from(session.pdu_limit_octets)),
            connections: gate.connections,
            connections_per_address: gate.connections_per_address,
            unbound_per_address: gate.unbound_per_address,
        }
    }
}

impl SessionSettings {
    pub(crate) fn config(&self) -> SessionConfig {
        SessionConfig {
            version: self.version,
            session_init: self.session_init.0,
            enquire_link: self.enquire_link.0,
            inactivity: self.inactivity.0,
            response: self.response.0,
            receive_window: self.submit_window.max(1),
            pdu_limit_octets: u32::try_from(self.max_pdu.0).unwrap_or(u32::MAX),
            ..SessionConfig::default()
        }
    }

    pub(crate) fn gate(&self) -> GateLimits {
        GateLimits {
            connections: self.connections,
            connections_per_address: self.connections_per_address,
            unbound_per_address: self.unbound_per_address,
        }
    }
}

/// In milliseconds, for moments that are counted so.
pub(crate) fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX / 4)
}

const DAY: u64 = 86_400;
