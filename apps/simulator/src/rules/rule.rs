//! Rules as people write them, in a file or over REST.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use smppkit_inspect::Filter;
use smppkit_ops::Span;
use smppkit_ops::text::OneOrMany;
use smppkit_wire::pdu::TABLE;
use smppkit_wire::value::MessageState;
use smppkit_wire::{CommandStatus, Header};
use utoipa::ToSchema;

use super::delay::Delay;

/// What happens to some PDUs. The first rule that a PDU matches is the one that counts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema, Default)]
#[serde(default, deny_unknown_fields)]
pub struct Rule {
    /// What it is called where it is counted and logged.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The PDUs it is for, by name. Default: those that bring a message, submit_sm, data_sm and
    /// submit_multi (tried for each destination). Others: any request of an ESME, binds, enquire_link
    /// and unbind among them; and deliver_sm and data_sm on their way to an ESME, as `deliver_sm`.
    #[serde(skip_serializing_if = "On::is_default")]
    #[schema(value_type = Vec<String>, example = json!(["submit_sm"]))]
    pub on: On,
    /// Conditions that all have to hold: fields and TLVs by name or tag, and text, system_id,
    /// bind_mode, interface_version, peer; each with a value, a `prefix*`, a `/regex/`, a range
    /// `1..9`, any of these after `!` for its opposite, or a list of which one has to hold.
    #[serde(skip_serializing_if = "Filter::is_empty")]
    #[schema(value_type = Object, example = json!({"destination_addr": "4477*"}))]
    pub when: Filter,
    /// Conditions that must not all hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub unless: Option<Filter>,
    /// The share of what matches that it takes; the rest goes on to the next rule.
    #[serde(skip_serializing_if = "Share::is_all")]
    #[schema(value_type = String, example = "25%")]
    pub share: Share,
    /// Of what matches, so many are let pass first.
    #[serde(skip_serializing_if = "is_zero")]
    pub skip: u64,
    /// Then it takes each so many-th: 10 takes the first, the eleventh... 0 and 1 take all.
    #[serde(skip_serializing_if = "is_zero")]
    pub every: u64,
    /// After so many it takes no more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
    /// What happens.
    pub then: Then,
}

/// What a rule does. All that is left out stays as it is without a rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema, Default)]
#[serde(default, deny_unknown_fields)]
#[serde(rename_all = "snake_case")]
pub struct Then {
    /// command_status of the answer, by name or number. Any but `ESME_ROK` refuses the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "ESME_RTHROTTLED")]
    pub status: Option<Status>,
    /// How the answer goes out: once as it should, not at all, two times, with a sequence_number that nobody
    /// used, as generic_nack, with a command_id that is none, with a command_length four octets too long or
    /// one too short, with the first half of its octets, with a TLV longer than the PDU, or as garbage.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<Answer>,
    /// How long the answer is held back.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "1s..5s")]
    pub answer_after: Option<Delay>,
    /// Sent in place of the answer, as hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "00000010800000150000000000000001")]
    pub octets: Option<Hex>,
    /// How all octets of the session leave from now on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub segments: Option<Segments>,
    /// What becomes of the connection, once the answer is out: unbind, closed without it, reset, or left
    /// open for a minute and neither read nor written, as when a cable is cut.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection: Option<Fate>,
    /// The state the message ends in.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "UNDELIVERABLE")]
    pub state: Option<State>,
    /// The error code that goes with it, 0 to 999.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(maximum = 999)]
    pub error_code: Option<ErrorCode>,
    /// From acceptance (or schedule_delivery_time) to that state, and so to the receipt.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "p50=1s p99=30s")]
    pub delay: Option<Delay>,
    /// The form of message_id and receipt, by a dialect's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dialect: Option<String>,
    /// A message that the destination sends back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply: Option<Reply>,
    /// A script that decides: its `decide(pdu)` gives a map of these same keys, which come on top.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub script: Option<String>,
}

/// How an answer goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// As it should.
    Once,
    /// Not at all.
    None,
    /// Two times.
    Twice,
    /// With a sequence_number that nobody used.
    WrongSequence,
    /// As generic_nack.
    Nack,
    /// With a command_id that is none.
    UnknownCommand,
    /// With a command_length four octets too long.
    LengthTooLong,
    /// With a command_length one octet too short.
    LengthTooShort,
    /// With the first half of its octets only.
    Truncated,
    /// With a TLV at its end that is longer than the PDU.
    BadTlv,
    /// As 64 octets of nothing that anybody knows.
    Garbage,
}

/// What becomes of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// unbind, and then closed.
    Unbind,
    /// Closed without unbind.
    Close,
    /// Reset.
    Reset,
    /// Left open for a minute, neither read nor written: half-open, as when a cable is cut.
    Hang,
}

/// How octets leave: so many in a segment at most, and a pause between two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Segments {
    /// Octets in one write. Few split each PDU, many with a pause merge several.
    #[serde(default = "many")]
    #[schema(minimum = 1)]
    pub octets: u32,
    /// From one write to the next. Default: none.
    #[serde(default)]
    pub pause: Span,
}

fn many() -> u32 {
    u32::MAX
}

/// A message that the destination of a message sends back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reply {
    /// Its text.
    pub text: String,
    /// How long after the message was delivered.
    #[serde(default = "none")]
    #[schema(value_type = String, example = "2s")]
    pub after: Delay,
}

fn none() -> Delay {
    Delay::NONE
}

/// Names of PDUs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct On(pub(crate) Vec<&'static str>);

/// What brings a message to the centre.
const MESSAGES: [&str; 3] = ["submit_sm", "data_sm", "submit_multi"];

impl Default for On {
    fn default() -> Self {
        Self(MESSAGES.to_vec())
    }
}

impl On {
    fn is_default(&self) -> bool {
        self.0 == MESSAGES
    }

    fn add(&mut self, name: &str) -> Result<(), String> {
        let requests = || TABLE.iter().filter(|def| def.command_id & Header::RESPONSE_BIT == 0);
        let before = self.0.len();
        // `bind_*` is all binds.
        let prefix = name.strip_suffix('*');
        for def in
            requests().filter(|def| prefix.map_or(def.name == name, |prefix| def.name.starts_with(prefix)))
        {
            self.0.push(def.name);
        }
        if self.0.len() == before { Err(format!("{name:?} names no request")) } else { Ok(()) }
    }
}

impl Serialize for On {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for On {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut on = Self(Vec::new());
        for name in OneOrMany::deserialize(deserializer)?.0 {
            on.add(&name).map_err(serde::de::Error::custom)?;
        }
        Ok(on)
    }
}

/// A text that stands for something else: how it is read and written.
macro_rules! as_text {
    ($Type:ty, $text:ident, $read:expr, $this:ident, $write:expr) => {
        impl<'de> Deserialize<'de> for $Type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let $text = super::number_or_text(deserializer)?;
                $read.map_err(serde::de::Error::custom)
            }
        }

        impl Serialize for $Type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let $this = self;
                serializer.collect_str(&$write)
            }
        }
    };
}

/// A command_status, by name or number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status(pub CommandStatus);
as_text!(
    Status,
    text,
    text.parse().map(Status).map_err(|error| format!("{text:?} is {error}")),
    this,
    this.0
);

/// A message_state, by name or number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct State(pub MessageState);
as_text!(
    State,
    text,
    State::parse(&text),
    this,
    this.0.meaning().map_or(this.0.0.to_string(), str::to_owned)
);

impl State {
    fn parse(text: &str) -> Result<Self, String> {
        let on_its_way = [MessageState::SCHEDULED, MessageState::ENROUTE];
        let named = (0..=u8::MAX).map(MessageState).filter(|state| state.meaning().is_some());
        let named = named.filter(|state| !on_its_way.contains(state));
        let mut named = named.filter(|state| {
            state.meaning().is_some_and(|name| name.eq_ignore_ascii_case(text)) || state.0.to_string() == text
        });
        named.next().map(Self).ok_or_else(|| {
            format!("{text:?} is no message_state that a message ends in, such as DELIVERED or EXPIRED")
        })
    }
}

/// Octets, as hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hex(pub Vec<u8>);
as_text!(Hex, text, smppkit_inspect::octets_of_hex(&text).map(Hex), this, smppkit_inspect::hex(&this.0));

/// A share, in percent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Share(pub f64);
as_text!(Share, text, Share::parse(&text), this, format!("{}%", this.0));

impl Share {
    fn parse(text: &str) -> Result<Self, String> {
        let percent: Option<f64> = text.trim_end_matches('%').trim().parse().ok();
        let percent = percent.filter(|percent| (0.0..=100.0).contains(percent) && text.ends_with('%'));
        percent.map(Self).ok_or_else(|| format!("{text:?} is no share from 0% to 100%"))
    }

    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
    fn is_all(&self) -> bool {
        self.0 >= 100.0
    }
}

impl Default for Share {
    fn default() -> Self {
        Self(100.0)
    }
}

/// What a receipt gives as its error, 0 to 999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct ErrorCode(pub u16);

impl<'de> Deserialize<'de> for ErrorCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = u16::deserialize(deserializer)?;
        if code > 999 {
            return Err(serde::de::Error::custom(format!("{code} is above 999, the highest error code")));
        }
        Ok(Self(code))
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}
