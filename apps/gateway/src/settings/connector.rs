//! Where messages go.

use std::path::PathBuf;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use smppkit_net::SessionConfig;
use smppkit_ops::{Span, Timeout, text};
use smppkit_relay::{Ask, Carry, IdForm};
use smppkit_route::{BadRoute, Hours, Patterns};
use smppkit_wire::Version;
use utoipa::ToSchema;

use super::account::{never_shown, window};
use super::{BindKind, DefaultAlphabet};
use crate::access::PerSecond;

/// One upstream: a message centre that the gateway binds to as an ESME.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConnectorSettings {
    /// What routes, metrics and logs call it.
    pub name: String,
    /// Where it listens, as HOST:PORT.
    #[serde(deserialize_with = "address")]
    #[schema(example = "smsc.example.net:2775")]
    pub address: String,
    /// Our name there, up to 15 octets.
    pub system_id: String,
    /// Our password there, up to 8 octets. Never shown.
    #[serde(default, skip_serializing_if = "never_shown")]
    #[schema(value_type = String, default = "", write_only, max_length = 8)]
    pub password: Password,
    /// Up to 12 octets. Default empty.
    #[serde(default)]
    pub system_type: String,
    /// Whether it is used. Its messages wait while it is not. Default true.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// The binds that are kept, each `binds` times. Default: transceiver. Without a receiver or
    /// transceiver no receipts come.
    #[serde(default = "transceiver")]
    pub bind_modes: Vec<BindKind>,
    /// How many of each, up to 100. Default 1. Messages between the same two numbers stay on one.
    #[serde(default = "one")]
    #[schema(minimum = 1, maximum = 100)]
    pub binds: u32,
    /// The newest protocol version spoken. Default 3.4, which most message centres speak. Broadcasts go through
    /// over 5.0 only.
    #[serde(default = "v34", with = "text::one")]
    #[schema(value_type = String, default = "3.4", example = "5.0")]
    pub version: Version,
    /// TLS, if it is spoken there.
    #[serde(default)]
    pub tls: Option<ConnectorTls>,
    /// Requests of one bind that may wait for their answers. Default 100; it narrows by itself when the
    /// message centre throttles. With answers after 20 ms, 100 carry 5,000 messages a second: for more, widen
    /// it or have more `binds`. So many broadcasts, and questions about them, may be under way for each bind,
    /// too; they go before all messages.
    #[serde(default = "hundred", deserialize_with = "window")]
    #[schema(minimum = 1)]
    pub window: u32,
    /// Messages in a second, over all binds. Default: no limit.
    #[serde(default)]
    #[schema(value_type = Option<f64>, minimum = 0.001, maximum = 1_000_000)]
    pub throughput: Option<PerSecond>,
    /// Ask a silent message centre whether it is alive after this time. Default 30 s.
    #[serde(default = "half_a_minute")]
    #[schema(value_type = String, default = "30s")]
    pub enquire_link: Timeout,
    /// Time for it to answer. Default 30 s.
    #[serde(default = "half_a_minute")]
    #[schema(value_type = String, default = "30s")]
    pub response: Timeout,
    /// The longest wait between two attempts to bind; the first is a second. Default 1 minute.
    #[serde(default = "a_minute")]
    pub reconnect: Span,
    /// When receipts are asked for. Default always: then it is known what became of each message.
    #[serde(default)]
    pub receipts: Receipts,
    /// How its receipts write the ids of its responses. Default: learnt from what comes.
    #[serde(default)]
    pub ids: Ids,
    /// What data_coding 0 means to it: `gsm` (default), `gsm_packed`, `latin1` or `ascii`. Messages are put
    /// into the alphabet of the other side where that means another.
    #[serde(default)]
    pub alphabet: DefaultAlphabet,
    /// How it takes long messages and their parts: `as_they_came` (default), `udh`, `sar` or `payload`. Over
    /// 3.3, which has no TLVs, `as_they_came` is `udh`. Messages that are cut here have one message_id and one
    /// receipt, made from those of their parts.
    #[serde(default)]
    pub long: Long,
    /// After a bind has been down so long, messages that have another way by their route take it. Default
    /// 1 minute.
    #[serde(default = "a_minute")]
    pub failover: Span,
    /// Hours at which it is sent to, as routes write them: `08:00-20:00`, or with the days on which they begin,
    /// `mon-fri 08:00-20:00`. Outside them it stays bound and takes receipts and messages; what is for it goes
    /// another way if its route names one that is open, or waits. Default: always.
    #[serde(default, deserialize_with = "hours", skip_serializing_if = "Patterns::is_empty")]
    pub hours: Patterns,
    /// Days of the week on which it is, likewise: `mon-fri`. Default: all.
    #[serde(default, deserialize_with = "weekdays", skip_serializing_if = "Patterns::is_empty")]
    pub weekdays: Patterns,
    /// What its hours and days are counted in: so far ahead of UTC, such as `+01:00`. The same in summer and
    /// winter. Default: UTC.
    #[serde(default, deserialize_with = "zone", skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
}

/// TLS towards a message centre.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ConnectorTls {
    /// A PEM file of the roots its certificate must come from. Default: the system's.
    #[schema(value_type = Option<String>)]
    pub ca: Option<PathBuf>,
    /// Whether any certificate will do. Only for tests.
    pub any_certificate: bool,
    /// Our certificate chain, a PEM file, where it asks for one.
    #[schema(value_type = Option<String>)]
    pub certificate: Option<PathBuf>,
    /// Its private key, a PEM file.
    #[schema(value_type = Option<String>)]
    pub key: Option<PathBuf>,
}

/// When receipts are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Receipts {
    /// For every message.
    #[default]
    Always,
    /// When the sender asked.
    Asked,
    /// Never: a message that is taken counts as delivered.
    Never,
}

/// How receipts write ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ids {
    /// As is learnt from what comes.
    #[default]
    Learn,
    /// As the response did, padding and capitals aside.
    Same,
    /// The response is hexadecimal, the receipt decimal.
    HexThenDecimal,
    /// The response is decimal, the receipt hexadecimal.
    DecimalThenHex,
}

/// How long messages go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Long {
    /// As they came.
    #[default]
    AsTheyCame,
    /// In parts with a user data header.
    Udh,
    /// In parts with sar_ TLVs.
    Sar,
    /// Whole, as message_payload, as far as they came whole.
    Payload,
}

/// A password that is needed as it is, and never shown.
#[derive(Clone, PartialEq, Eq, Deserialize, Default)]
#[serde(transparent)]
pub struct Password(pub(crate) String);

impl Serialize for Password {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("***")
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password(..)")
    }
}

impl ConnectorSettings {
    pub(crate) fn session(&self) -> SessionConfig {
        SessionConfig {
            version: self.version,
            send_window: self.window.max(1),
            enquire_link: self.enquire_link.0,
            response: self.response.0,
            ..SessionConfig::default()
        }
    }
}

impl ConnectorSettings {
    /// When it is sent to; always where nothing is said.
    pub(crate) fn open_hours(&self) -> Result<Option<Hours>, BadRoute> {
        Hours::new(&self.hours, &self.weekdays, self.zone.as_deref())
    }

    /// Whether sessions that were bound by other settings can stay as they are.
    pub(crate) fn binds_like(&self, other: &Self) -> bool {
        let Self { hours, weekdays, zone, .. } = other.clone();
        Self { hours, weekdays, zone, ..self.clone() } == *other
    }

    /// How it takes long messages.
    pub(crate) fn carry(&self) -> Carry {
        match self.long {
            Long::AsTheyCame if self.version == Version::V33 => Carry::Udh,
            Long::AsTheyCame => Carry::AsTheyCame,
            Long::Udh => Carry::Udh,
            Long::Sar => Carry::Sar,
            Long::Payload => Carry::Payload,
        }
    }
}

impl From<Receipts> for Ask {
    fn from(receipts: Receipts) -> Self {
        match receipts {
            Receipts::Always => Self::Always,
            Receipts::Asked => Self::AsAsked,
            Receipts::Never => Self::Never,
        }
    }
}

impl Ids {
    /// `None` is to be learnt.
    pub(crate) const fn form(self) -> Option<IdForm> {
        match self {
            Self::Learn => None,
            Self::Same => Some(IdForm::Same),
            Self::HexThenDecimal => Some(IdForm::HexThenDecimal),
            Self::DecimalThenHex => Some(IdForm::DecimalThenHex),
        }
    }
}

// Each by itself, so that what is wrong is found where it is written; together they are looked at later.

fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let address = String::deserialize(deserializer)?;
    let wrong = |why: &str| D::Error::custom(format!("address {address:?} {why}: write HOST:PORT"));
    let Some((host, port)) = address.rsplit_once(':') else { return Err(wrong("has no port")) };
    let is_v6 = host.starts_with('[') && host.ends_with(']');
    if host.contains(':') && !is_v6 {
        return Err(wrong("has an IPv6 address without brackets, or no port"));
    }
    if host.is_empty() || host.contains(char::is_whitespace) {
        return Err(wrong("has no host"));
    }
    match port.parse::<u16>() {
        Ok(1..) => Ok(address),
        _ => Err(wrong("has a port that is not 1 to 65535")),
    }
}

fn hours<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Patterns, D::Error> {
    let hours = Patterns::deserialize(deserializer)?;
    Hours::new(&hours, &Patterns::default(), None).map_err(|bad| D::Error::custom(bad.why))?;
    Ok(hours)
}

fn weekdays<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Patterns, D::Error> {
    let weekdays = Patterns::deserialize(deserializer)?;
    Hours::new(&Patterns::default(), &weekdays, None).map_err(|bad| D::Error::custom(bad.why))?;
    Ok(weekdays)
}

fn zone<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let zone = Option::<String>::deserialize(deserializer)?;
    let all_day = "00:00-24:00".into();
    Hours::new(&all_day, &Patterns::default(), zone.as_deref()).map_err(|bad| D::Error::custom(bad.why))?;
    Ok(zone)
}

const fn yes() -> bool {
    true
}

fn transceiver() -> Vec<BindKind> {
    vec![BindKind::Transceiver]
}

const fn one() -> u32 {
    1
}

const fn hundred() -> u32 {
    100
}

const fn v34() -> Version {
    Version::V34
}

const fn half_a_minute() -> Timeout {
    Timeout(Some(std::time::Duration::from_secs(30)))
}

const fn a_minute() -> Span {
    Span::secs(60)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(key: &str, value: &str) -> Result<ConnectorSettings, String> {
        let mut all = serde_json::json!({"name": "up", "address": "127.0.0.1:2775", "system_id": "me"});
        all[key] = serde_json::from_str(value).unwrap();
        serde_json::from_value(all).map_err(|error| error.to_string())
    }

    #[test]
    fn an_address_is_a_host_and_a_port() {
        for good in ["smsc.example.net:2775", "[::1]:2775", "127.0.0.1:65535"] {
            assert_eq!(read("address", &format!("{good:?}")).unwrap().address, good);
        }
        for (bad, why) in [
            ("smsc.example.net", "has no port"),
            ("::1", "without brackets"),
            (":2775", "has no host"),
            ("a b:1", "has no host"),
            ("host:0", "not 1 to 65535"),
            ("host:65536", "not 1 to 65535"),
            ("host:", "not 1 to 65535"),
            ("", "has no port"),
        ] {
            let error = read("address", &format!("{bad:?}")).unwrap_err();
            assert!(error.starts_with(&format!("address {bad:?} ")) && error.contains(why), "{error}");
        }
    }

    #[test]
    fn a_window_is_one_at_least() {
        assert_eq!(read("window", "1").unwrap().window, 1);
        let error = read("window", "0").unwrap_err();
        assert!(error.starts_with("window is 0"), "{error}");
    }
}
