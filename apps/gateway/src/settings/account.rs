//! Who may bind, and what for.

use serde::{Deserialize, Serialize, Serializer};
use smppkit_net::BindMode;
use smppkit_ops::text;
use smppkit_relay::{Form, Zone};
use smppkit_wire::Version;
use utoipa::ToSchema;

use super::DefaultAlphabet;
use crate::access::{AllowList, BindLimits, Credential, PerSecond, SourcePolicy};

/// One account.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountSettings {
    /// Its name, up to 15 octets.
    #[schema(max_length = 15, example = "shop")]
    pub system_id: String,
    /// Its password, up to 8 octets, or what `smppkit gateway hash` made of it. Never shown.
    #[serde(skip_serializing_if = "never_shown")]
    #[schema(value_type = String, write_only)]
    pub password: Credential,
    /// Whether it may bind. Sessions that are bound when it is switched off are unbound. Default true.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// The versions it may speak. Default: all.
    #[serde(default = "versions", with = "text::list")]
    #[schema(value_type = Vec<String>, example = json!(["3.4", "5.0"]))]
    pub versions: Vec<Version>,
    /// The networks it may bind from. Default: any.
    #[serde(default)]
    #[schema(value_type = Vec<String>, default = json!(["0.0.0.0/0", "::/0"]))]
    pub networks: AllowList,
    /// A name that its client certificate must bear among its alternative names; it can then bind over TLS
    /// only, and tls_client_ca says whose certificates are believed.
    #[serde(default)]
    pub certificate: Option<String>,
    /// Sessions it may have bound at once.
    #[serde(default)]
    pub binds: BindLimits,
    /// Messages taken from all its sessions in a second; more are answered `ESME_RTHROTTLED`. A
    /// submit_multi counts each destination, a broadcast_sm one. Default: no limit.
    #[serde(default)]
    #[schema(value_type = Option<f64>, minimum = 0.001, maximum = 1_000_000)]
    pub throughput: Option<PerSecond>,
    /// Deliveries to one of its sessions that may wait for their answers. Default 100.
    #[serde(default = "hundred", deserialize_with = "window")]
    #[schema(minimum = 1)]
    pub window: u32,
    /// The source addresses it may use, and what becomes of others. Default: all.
    #[serde(default)]
    #[schema(value_type = Object, default = json!({"allowed": ["*"], "otherwise": "refuse"}))]
    pub sources: SourcePolicy,
    /// How it wants its receipts.
    #[serde(default)]
    pub receipts: ReceiptSettings,
    /// What data_coding 0 means to it: `gsm` (default), `gsm_packed`, `latin1` or `ascii`. Messages are put
    /// into the alphabet of the other side where that means another.
    #[serde(default)]
    pub alphabet: DefaultAlphabet,
    /// Whether messages for it come as data_sm. Default false: deliver_sm.
    #[serde(default)]
    pub data_sm: bool,
}

/// How receipts are written.
#[derive(Debug, Clone, Serialize, Deserialize, Default, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ReceiptSettings {
    /// `deliver_sm` (default) or `data_sm`.
    pub form: ReceiptForm,
    /// The zone of their dates, as in `+01:00`. Default UTC.
    #[serde(deserialize_with = "zone", serialize_with = "write_zone")]
    #[schema(value_type = String, default = "+00:00")]
    pub zone: Zone,
}

/// The request that carries a receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReceiptForm {
    /// With the text of SMPP 3.4, Appendix B, and TLVs that say the same.
    #[default]
    DeliverSm,
    /// With TLVs, and the text as message_payload.
    DataSm,
}

/// A kind of bind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BindKind {
    /// bind_transmitter.
    Transmitter,
    /// bind_receiver.
    Receiver,
    /// bind_transceiver.
    Transceiver,
}

impl BindKind {
    /// As the session names it.
    pub const fn mode(self) -> BindMode {
        match self {
            Self::Transmitter => BindMode::Transmitter,
            Self::Receiver => BindMode::Receiver,
            Self::Transceiver => BindMode::Transceiver,
        }
    }
}

impl From<ReceiptForm> for Form {
    fn from(form: ReceiptForm) -> Self {
        match form {
            ReceiptForm::DeliverSm => Self::DeliverSm,
            ReceiptForm::DataSm => Self::DataSm,
        }
    }
}

fn zone<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Zone, D::Error> {
    let text = String::deserialize(deserializer)?;
    Zone::parse(&text)
        .ok_or_else(|| serde::de::Error::custom(format!("{text:?} is no zone such as +01:00 or UTC")))
}

/// None at all would stop it for ever.
pub(super) fn window<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    match u32::deserialize(deserializer)? {
        0 => Err(serde::de::Error::custom("window is 0: nothing would ever be sent; write 1 or more")),
        window => Ok(window),
    }
}

/// Passwords go in only.
pub(super) const fn never_shown<T>(_: &T) -> bool {
    true
}

fn write_zone<S: Serializer>(zone: &Zone, serializer: S) -> Result<S::Ok, S::Error> {
    let (sign, minutes) = (if zone.minutes < 0 { '-' } else { '+' }, zone.minutes.unsigned_abs());
    serializer.collect_str(&format_args!("{sign}{:02}:{:02}", minutes / 60, minutes % 60))
}

fn versions() -> Vec<Version> {
    vec![Version::V33, Version::V34, Version::V50]
}

const fn yes() -> bool {
    true
}

const fn hundred() -> u32 {
    100
}
