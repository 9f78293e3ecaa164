//! Who may bind, and how.

use serde::{Deserialize, Serialize};
use smppkit_inspect::Pattern;
use smppkit_session::BindMode;
use smppkit_wire::Version;
use utoipa::ToSchema;

use super::text;

/// One account.
#[derive(Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// Its name, up to 15 octets.
    #[serde(deserialize_with = "text::system_id")]
    #[schema(max_length = 15)]
    pub system_id: String,
    /// Its password, up to 8 octets. Never shown.
    #[serde(default, deserialize_with = "text::password", skip_serializing_if = "never_shown")]
    #[schema(max_length = 8, write_only)]
    pub password: String,
    /// The binds it may use. Default: all.
    #[serde(default = "Mode::all")]
    pub bind_modes: Vec<Mode>,
    /// The versions it may speak. Default: all.
    #[serde(default = "versions", with = "text::list")]
    #[schema(value_type = Vec<String>, example = json!(["3.4", "5.0"]))]
    pub versions: Vec<Version>,
    /// The numbers it serves, as a pattern: mobile-originated messages to them are for it.
    #[serde(default, with = "range", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "4477*")]
    pub address_range: Option<Pattern>,
    /// Sessions it may have bound at once. Default: as the SMSC says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sessions: Option<usize>,
    /// Messages taken from all its sessions in a second; more are answered `ESME_RTHROTTLED`. Default: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text::at_least_one")]
    #[schema(minimum = 1)]
    pub throughput: Option<u32>,
    /// Deliveries to one of its sessions that may wait for their answers. Default: as the SMSC says.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text::at_least_one")]
    #[schema(minimum = 1)]
    pub window: Option<u32>,
    /// Requests of one of its sessions that may wait for our answers; more are answered
    /// `ESME_RTHROTTLED`. Default: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text::at_least_one")]
    #[schema(minimum = 1)]
    pub submit_window: Option<u32>,
}

/// A kind of bind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// bind_transmitter.
    Transmitter,
    /// bind_receiver.
    Receiver,
    /// bind_transceiver.
    Transceiver,
}

impl Mode {
    fn all() -> Vec<Self> {
        vec![Self::Transmitter, Self::Receiver, Self::Transceiver]
    }

    /// Whether it is this bind.
    pub fn is(self, mode: BindMode) -> bool {
        matches!(
            (self, mode),
            (Self::Transmitter, BindMode::Transmitter)
                | (Self::Receiver, BindMode::Receiver)
                | (Self::Transceiver, BindMode::Transceiver)
        )
    }
}

/// A password is taken, and not given out again.
fn never_shown(_: &str) -> bool {
    true
}

fn versions() -> Vec<Version> {
    Version::ALL.to_vec()
}

impl Account {
    /// With a name and a password, all else default.
    pub fn new(system_id: &str, password: &str) -> Self {
        Self {
            system_id: system_id.to_owned(),
            password: password.to_owned(),
            bind_modes: Mode::all(),
            versions: versions(),
            address_range: None,
            sessions: None,
            throughput: None,
            window: None,
            submit_window: None,
        }
    }

    /// From `ID:PASSWORD`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (system_id, password) = text.split_once(':').ok_or("want ID:PASSWORD")?;
        if system_id.len() > 15 {
            return Err(format!("system_id {system_id:?} is longer than 15 octets"));
        }
        if password.len() > 8 {
            return Err("the password is longer than 8 octets".to_owned());
        }
        Ok(Self::new(system_id, password))
    }
}

/// Never the password.
impl core::fmt::Debug for Account {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Account").field("system_id", &self.system_id).finish_non_exhaustive()
    }
}

mod range {
    use serde::{Deserialize, Deserializer, Serializer};
    use smppkit_inspect::Pattern;

    #[allow(clippy::ref_option, reason = "serde asks for it")]
    pub(super) fn serialize<S: Serializer>(
        range: &Option<Pattern>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match range {
            Some(range) => serializer.collect_str(range),
            None => serializer.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Pattern>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| text.parse().map_err(serde::de::Error::custom)).transpose()
    }
}
