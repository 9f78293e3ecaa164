//! How a message centre writes its ids and receipts: as the specification has it, or as some
//! operator does. A dialect is data, one file each in `dialects/`; a file names what differs only.

mod files;
mod id;
mod render;
mod template;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use smppkit_ops::Span;
use smppkit_wire::value::MessageState;

pub use self::id::IdForm;
pub(crate) use self::render::Facts;
pub use self::template::Template;

/// What a message centre does its own way. The default is the specification's.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Dialect {
    /// What is different, in one line.
    pub about: String,
    /// Who does this, and where that is known from.
    pub seen: String,
    /// How message_ids are written.
    pub message_id: MessageIds,
    /// What a receipt consists of.
    pub receipt: ReceiptForm,
    /// When receipts are sent, and how many.
    pub timing: Timing,
}

/// How message_ids are written. Sessions of 3.3 get 8 hexadecimal digits whatever stands here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MessageIds {
    /// In submit_sm_resp and the like.
    pub response: IdForm,
    /// As `{id}` in the receipt's text; `none` leaves it empty.
    #[serde(with = "id::or_none")]
    pub receipt: Option<IdForm>,
    /// In the receipt's receipted_message_id; `none` leaves the TLV out.
    #[serde(with = "id::or_none")]
    pub tlv: Option<IdForm>,
}

/// What a receipt consists of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReceiptForm {
    /// The text, with `{id}`, `{sub}`, `{dlvrd}`, `{submit_date}`, `{done_date}`, `{stat}`, `{state}` (its
    /// number), `{err}` and `{text}` in it.
    pub text: Template,
    /// How dates are written. They are UTC.
    pub date: DateForm,
    /// Words for `{stat}`, by name of the state; the specification's for those that are not here.
    pub words: BTreeMap<State, String>,
    /// Written for `{sub}`; without it 001.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub: Option<String>,
    /// Written for `{dlvrd}`; without it 001 when the message was delivered, else 000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dlvrd: Option<String>,
    /// How error codes are written.
    pub err: ErrForm,
    /// Characters of the message quoted as `{text}`.
    pub quote: usize,
    /// Whether the text ends with a NUL that sm_length counts.
    pub nul_terminated: bool,
    /// esm_class of final receipts.
    pub esm_class: u8,
    /// esm_class of those that are not final.
    pub intermediate_esm_class: u8,
    /// TLVs, in this order. network_error_code is there for failures only, user_message_reference
    /// where the message had one.
    pub tlvs: Vec<ReceiptTlv>,
    /// TLVs that are always there, after the others.
    pub extra_tlvs: Vec<ExtraTlv>,
    /// The PDU that brings receipts. Sessions of 3.3 have deliver_sm only.
    pub carrier: Carrier,
    /// Where the text stands in a deliver_sm; in a data_sm it is always message_payload.
    pub place: Place,
}

/// When receipts are sent, and how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Timing {
    /// Of each final receipt: 0 when all are lost, 2 when all come twice.
    pub copies: u8,
    /// Whether receipts come before the submit_sm_resp.
    pub early: bool,
    /// Whether one that is not final comes first, although none was asked for.
    pub buffered_first: bool,
    /// The state that one tells.
    pub buffered_state: State,
    /// Between the final state and the receipt, as in `5s`.
    pub late: Span,
    /// Whether only the first part of a long message is answered with a message_id; the others have none.
    pub first_part_only: bool,
    /// The parts of a long message that get receipts.
    pub parts: Parts,
}

/// A state by its name in SMPP 5.0, 4.7.15.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct State(pub MessageState);

/// How dates are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum DateForm {
    /// 10 digits (SMPP 3.4, Appendix B).
    #[serde(rename = "YYMMDDhhmm")]
    Minutes,
    /// 12 digits.
    #[serde(rename = "YYMMDDhhmmss")]
    Seconds,
    /// 12 digits of another kind.
    #[serde(rename = "YYYYMMDDhhmm")]
    CenturyMinutes,
    /// 14 digits.
    #[serde(rename = "YYYYMMDDhhmmss")]
    CenturySeconds,
    /// 14 digits with signs between, in two words.
    #[serde(rename = "YYYY-MM-DD hh:mm:ss")]
    TwoWords,
}

/// How error codes are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ErrForm {
    /// At least three decimal digits.
    Decimal3,
    /// Decimal digits, as many as needed.
    Decimal,
    /// At least three hexadecimal digits.
    Hex,
    /// Two hexadecimal digits and a letter, such as `21b`.
    Alphanumeric,
    /// Nothing.
    None,
}

/// A TLV of receipts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReceiptTlv {
    ReceiptedMessageId,
    MessageState,
    NetworkErrorCode,
    UserMessageReference,
}

/// A vendor's TLV with a fixed value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExtraTlv {
    /// Such as 0x1401.
    pub tag: u16,
    /// The value's octets.
    pub hex: Hex,
}

/// Octets written as pairs of hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Hex(pub Vec<u8>);

/// The PDU that brings receipts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Carrier {
    DeliverSm,
    DataSm,
}

/// Where the text stands in a deliver_sm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    ShortMessage,
    MessagePayload,
}

/// Parts of a long message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Parts {
    All,
    First,
    Last,
}

impl Dialect {
    /// The one of that name, of those that come with the simulator.
    pub fn named(name: &str) -> Option<Arc<Self>> {
        files::dialects().iter().find(|(known, _)| *known == name).map(|(_, dialect)| Arc::clone(dialect))
    }

    /// Those that come with the simulator, by name.
    pub fn all() -> impl Iterator<Item = (&'static str, &'static Self)> {
        files::dialects().iter().map(|(name, dialect)| (*name, &**dialect))
    }

    /// From a file's text.
    pub fn parse(toml: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(toml)
    }
}

impl Default for MessageIds {
    fn default() -> Self {
        Self { response: IdForm::Decimal, receipt: Some(IdForm::Decimal), tlv: Some(IdForm::Decimal) }
    }
}

impl Default for ReceiptForm {
    fn default() -> Self {
        Self {
            text: Template::default(),
            date: DateForm::Minutes,
            words: BTreeMap::new(),
            sub: None,
            dlvrd: None,
            err: ErrForm::Decimal3,
            quote: 20,
            nul_terminated: false,
            esm_class: 0x04,
            intermediate_esm_class: 0x20,
            tlvs: vec![
                ReceiptTlv::ReceiptedMessageId,
                ReceiptTlv::MessageState,
                ReceiptTlv::UserMessageReference,
                ReceiptTlv::NetworkErrorCode,
            ],
            extra_tlvs: Vec::new(),
            carrier: Carrier::DeliverSm,
            place: Place::ShortMessage,
        }
    }
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            copies: 1,
            early: false,
            buffered_first: false,
            buffered_state: State(MessageState::ENROUTE),
            late: Span::default(),
            first_part_only: false,
            parts: Parts::All,
        }
    }
}

impl Ord for State {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.0.cmp(&other.0.0)
    }
}

impl PartialOrd for State {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl FromStr for State {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let state = (0..=u8::MAX).map(MessageState).find(|state| state.meaning() == Some(name));
        state.map(Self).ok_or_else(|| format!("{name} is no message state; one is DELIVERED"))
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.meaning().unwrap_or("UNKNOWN"))
    }
}

impl TryFrom<String> for State {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        name.parse()
    }
}

impl From<State> for String {
    fn from(state: State) -> Self {
        state.to_string()
    }
}

impl TryFrom<String> for Hex {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let octet = |pair: &[u8]| {
            let digits = std::str::from_utf8(pair).ok().filter(|_| pair.iter().all(u8::is_ascii_hexdigit));
            digits.filter(|_| pair.len() == 2).and_then(|digits| u8::from_str_radix(digits, 16).ok())
        };
        let octets: Option<Vec<u8>> = text.as_bytes().chunks(2).map(octet).collect();
        octets.map(Self).ok_or_else(|| format!("{text} is not pairs of hexadecimal digits"))
    }
}

impl From<Hex> for String {
    fn from(hex: Hex) -> Self {
        hex.0.iter().fold(Self::new(), |text, octet| text + format!("{octet:02x}").as_str())
    }
}
