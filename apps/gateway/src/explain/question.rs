//! What is asked: a message by its addresses and text, or as a whole PDU.

use std::fmt;

use serde::Deserialize;
use serde_json::{Map, Value};
use smppkit_ops::text;
use smppkit_text::Options;
use smppkit_wire::field::{CStr, ShortMessage};
use smppkit_wire::pdu::table::{DeliverSm, SubmitSm};
use smppkit_wire::value::{DataCoding, EsmClass, Npi, Ton, address_kind};
use smppkit_wire::{Body, Dialect, Frames, Pdu, PduType as _, Version};
use utoipa::ToSchema;

use crate::entities::Draft;

/// A message that nobody sends.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// The account that would send it.
    #[serde(default)]
    pub account: Option<String>,
    /// Instead: the connector that it would come from.
    #[serde(default)]
    pub connector: Option<String>,
    /// Who sends it.
    #[serde(default)]
    pub source_addr: String,
    /// Who is to get it.
    #[serde(default)]
    pub destination_addr: String,
    /// What it says. Only the first part of a long one is looked at.
    #[serde(default)]
    #[schema(max_length = 10_000)]
    pub text: String,
    /// The protocol version that its sender speaks. Default 5.0.
    #[serde(default = "newest", with = "text::one")]
    #[schema(value_type = String, default = "5.0")]
    pub interface_version: Version,
    /// In place of addresses and text: the PDU, with any fields by their names, and its TLVs as a list under
    /// `tlvs`.
    #[serde(default)]
    #[schema(value_type = Option<Object>, example = json!({"destination_addr": "447700900123", "data_coding": 8}))]
    pub pdu: Option<Map<String, Value>>,
    /// Changes to see the effect of: the answer is as if they were made, with the one of now beside it.
    #[serde(default)]
    pub draft: Option<Draft>,
}

/// A question that cannot be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadQuestion {
    /// What is wrong.
    pub field: &'static str,
    /// Why.
    pub why: String,
}

/// A PDU that carries a message.
pub(super) trait Carrier: Sized {
    const NAME: &'static str;

    fn of(parts: Parts) -> Self;
    fn of_body(body: Body) -> Option<Self>;
}

/// What a question says of it.
pub(super) struct Parts {
    source_addr: CStr<21>,
    destination_addr: CStr<21>,
    kinds: [(Ton, Npi); 2],
    esm_class: EsmClass,
    data_coding: DataCoding,
    short_message: ShortMessage,
}

macro_rules! carrier {
    ($($Pdu:ident $name:literal)*) => {$(
        impl Carrier for $Pdu {
            const NAME: &'static str = $name;

            fn of(parts: Parts) -> Self {
                let [(source_addr_ton, source_addr_npi), (dest_addr_ton, dest_addr_npi)] = parts.kinds;
                let Parts { source_addr, destination_addr, esm_class, data_coding, short_message, .. } = parts;
                Self {
                    source_addr_ton,
                    source_addr_npi,
                    source_addr,
                    dest_addr_ton,
                    dest_addr_npi,
                    destination_addr,
                    esm_class,
                    data_coding,
                    short_message,
                    ..Self::default()
                }
            }

            fn of_body(body: Body) -> Option<Self> {
                Self::from_body(body)
            }
        }
    )*};
}
carrier! { SubmitSm "submit_sm" DeliverSm "deliver_sm" }

impl Question {
    /// The PDU, or that of the first part, and how many parts there are.
    pub(super) fn message<P: Carrier>(&self) -> Result<(P, usize), BadQuestion> {
        if let Some(pdu) = &self.pdu {
            if !(self.text.is_empty() && self.source_addr.is_empty() && self.destination_addr.is_empty()) {
                let why = "takes the place of source_addr, destination_addr and text: give it alone";
                return Err(bad("pdu", why.to_owned()));
            }
            return whole(pdu.clone()).map(|pdu| (pdu, 1)).map_err(|why| bad("pdu", why));
        }
        if self.text.chars().count() > TEXT_LIMIT {
            return Err(bad("text", format!("is longer than {TEXT_LIMIT} characters")));
        }
        let address = |field: &'static str, text: &str| {
            text.trim_start_matches('+').parse().map_err(|error| bad(field, format!("{error}")))
        };
        let split = smppkit_text::split(&self.text, &Options::default(), 1);
        let split = split.map_err(|error| bad("text", error.to_string()))?;
        let count = split.parts.len();
        let data_coding = DataCoding(split.encoding.data_coding());
        let first = split.parts.into_iter().next();
        let (has_udh, user_data) = first.map(|part| (part.udhi, part.user_data)).unwrap_or_default();
        let parts = Parts {
            source_addr: address("source_addr", &self.source_addr)?,
            destination_addr: address("destination_addr", &self.destination_addr)?,
            kinds: [address_kind(&self.source_addr), address_kind(&self.destination_addr)],
            esm_class: if has_udh { EsmClass::UDHI } else { EsmClass::DEFAULT },
            data_coding,
            short_message: ShortMessage::new(user_data).unwrap_or_default(),
        };
        Ok((P::of(parts), count))
    }
}

/// A PDU by the names of its fields.
fn whole<P: Carrier>(mut pdu: Map<String, Value>) -> Result<P, String> {
    match pdu.get("command").and_then(Value::as_str) {
        None => _ = pdu.insert("command".to_owned(), P::NAME.into()),
        Some(given) if given == P::NAME => {}
        Some(other) => return Err(format!("command is {other:?}, and has to be {}", P::NAME)),
    }
    pdu.remove("command_length");
    let octets = smppkit_inspect::encode(&Value::Object(pdu)).map_err(|error| error.to_string())?.into();
    let frame = Frames::new(&octets, u32::MAX).next();
    let Some(Ok(frame)) = frame else { return Err("is too long".to_owned()) };
    let pdu = Pdu::decode(&frame, Version::V50, &Dialect::RECEIVE).ok();
    pdu.and_then(|pdu| P::of_body(pdu.body)).ok_or_else(|| "does not read back".to_owned())
}

pub(super) fn bad(field: &'static str, why: String) -> BadQuestion {
    BadQuestion { field, why }
}

impl fmt::Display for BadQuestion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.why)
    }
}

impl std::error::Error for BadQuestion {}

const fn newest() -> Version {
    Version::V50
}

/// Characters of a text at most: 255 parts of the shortest kind.
const TEXT_LIMIT: usize = 10_000;
