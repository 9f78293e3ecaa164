//! Messages from handsets: mobile-originated ones, in as many parts as they need.

use serde::{Deserialize, Serialize};
use smppkit_text::Options;
use smppkit_wire::PduType;
use smppkit_wire::field::{CStr, ShortMessage};
use smppkit_wire::pdu::table::DeliverSm;
use smppkit_wire::value::{DataCoding, EsmClass, address_kind};
use utoipa::ToSchema;

use crate::smsc::Message;

/// A message to an application, as one asks for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema, Default)]
#[serde(default, deny_unknown_fields)]
pub struct Mo {
    /// The handset's number.
    #[schema(max_length = 20)]
    pub source_addr: String,
    /// The number it is sent to.
    #[schema(max_length = 20)]
    pub destination_addr: String,
    /// The text. It is encoded and split as it needs.
    #[schema(max_length = 10_000)]
    pub text: String,
    /// The account that gets it. Default: the one that serves the number, or the only one bound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system_id: Option<String>,
    /// In place of all that: a deliver_sm with any fields by their names, and its TLVs as a list under `tlvs`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>, example = json!({"source_addr": "4477", "short_message": "48656c6c6f"}))]
    pub pdu: Option<serde_json::Map<String, serde_json::Value>>,
}

/// Characters of a text at most: 255 parts of the shortest kind.
const TEXT_LIMIT: usize = 10_000;

impl Mo {
    /// Its parts. Those of one message share a reference, which the next should not have.
    pub(crate) fn parts(&self, reference: u16) -> Result<Vec<DeliverSm>, String> {
        if let Some(pdu) = &self.pdu {
            if !self.text.is_empty() || !self.source_addr.is_empty() || !self.destination_addr.is_empty() {
                return Err("pdu: takes the place of source_addr, destination_addr and text: give it alone"
                    .to_owned());
            }
            return whole(pdu.clone()).map(|pdu| vec![pdu]);
        }
        if self.text.chars().count() > TEXT_LIMIT {
            return Err(format!("text is longer than {TEXT_LIMIT} characters"));
        }
        let split = smppkit_text::split(&self.text, &Options::default(), reference)
            .map_err(|error| format!("text: {error}"))?;
        let address = |name: &str, address: &str| -> Result<CStr<21>, String> {
            address.trim_start_matches('+').parse().map_err(|error| format!("{name} {error}"))
        };
        let (source_addr_ton, source_addr_npi) = address_kind(&self.source_addr);
        let (dest_addr_ton, dest_addr_npi) = address_kind(&self.destination_addr);
        let template = DeliverSm {
            source_addr_ton,
            source_addr_npi,
            source_addr: address("source_addr", &self.source_addr)?,
            dest_addr_ton,
            dest_addr_npi,
            destination_addr: address("destination_addr", &self.destination_addr)?,
            data_coding: DataCoding(split.encoding.data_coding()),
            ..DeliverSm::default()
        };
        Ok(split
            .parts
            .into_iter()
            .map(|part| DeliverSm {
                esm_class: if part.udhi { EsmClass::UDHI } else { EsmClass::DEFAULT },
                short_message: ShortMessage::new(part.user_data).unwrap_or_default(),
                ..template.clone()
            })
            .collect())
    }

    /// From `source_addr,destination_addr,text`; the text may be quoted, and then hold quotes as two.
    pub(crate) fn from_csv(line: &str) -> Result<Self, String> {
        let mut fields = line.splitn(3, ',');
        let mut next = |name: &str| {
            fields
                .next()
                .map(str::trim)
                .ok_or_else(|| format!("there is no {name}: want source_addr,destination_addr,text"))
        };
        let (source_addr, destination_addr) =
            (next("source_addr")?.to_owned(), next("destination_addr")?.to_owned());
        let text = next("text")?;
        let quoted = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
        let text = quoted.map_or_else(|| text.to_owned(), |text| text.replace("\"\"", "\""));
        Ok(Self { source_addr, destination_addr, text, ..Self::default() })
    }
}

/// A deliver_sm by the names of its fields.
fn whole(mut pdu: serde_json::Map<String, serde_json::Value>) -> Result<DeliverSm, String> {
    let name = DeliverSm::DEF.name;
    match pdu.get("command").and_then(|command| command.as_str()) {
        None => _ = pdu.insert("command".to_owned(), name.into()),
        Some(given) if given == name => {}
        Some(other) => return Err(format!("pdu.command is {other:?}: only {name} goes to an application")),
    }
    // Its own lengths would be lies; those are for the client's raw mode.
    pdu.remove("command_length");
    let octets =
        smppkit_inspect::encode(&serde_json::Value::Object(pdu)).map_err(|error| format!("pdu.{error}"))?;
    let octets = octets.into();
    let frame = smppkit_wire::Frames::new(&octets, u32::MAX).next();
    let Some(Ok(frame)) = frame else { return Err("pdu is too long".to_owned()) };
    let pdu = smppkit_wire::Pdu::decode(&frame, smppkit_wire::Version::V50, &smppkit_wire::Dialect::RECEIVE);
    pdu.ok().and_then(|pdu| DeliverSm::from_body(pdu.body)).ok_or_else(|| "pdu does not read back".to_owned())
}

/// What the destination of a message sends back. `{text}` in the reply is what it was sent.
pub(crate) fn reply(message: &Message, text: &str, reference: u32) -> Vec<DeliverSm> {
    let text =
        if text.contains("{text}") { text.replace("{text}", &message.text()) } else { text.to_owned() };
    let mo = Mo {
        source_addr: message.destination.short().to_text(),
        destination_addr: message.source.short().to_text(),
        text,
        ..Mo::default()
    };
    let parts = mo.parts(reference as u16).unwrap_or_default();
    // The addresses are of the kinds that the message had.
    parts
        .into_iter()
        .map(|part| DeliverSm {
            source_addr_ton: message.destination.ton,
            source_addr_npi: message.destination.npi,
            dest_addr_ton: message.source.ton,
            dest_addr_npi: message.source.npi,
            ..part
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mo(text: &str) -> Mo {
        Mo {
            source_addr: "+447700900123".into(),
            destination_addr: "12345".into(),
            text: text.into(),
            ..Mo::default()
        }
    }

    #[test]
    fn long_and_unicode_texts_are_split_with_a_reference() {
        assert_eq!(mo("Hello").parts(7).unwrap().len(), 1);
        let parts = mo(&"ж".repeat(200)).parts(7).unwrap();
        assert_eq!(
            (parts.len(), parts[0].data_coding, parts[0].esm_class),
            (3, DataCoding(8), EsmClass::UDHI)
        );
        assert_eq!(parts[0].source_addr, "447700900123");
    }

    #[test]
    fn a_whole_pdu_goes_as_it_is_and_a_wrong_one_is_refused_by_its_field() {
        let pdu = |json: serde_json::Value| Mo { pdu: json.as_object().cloned(), ..Mo::default() }.parts(0);
        let parts =
            pdu(serde_json::json!({"source_addr": "1", "data_coding": 4, "short_message": "00ff"})).unwrap();
        assert_eq!(parts[0].short_message.octets()[..], [0x00, 0xFF]);
        assert!(
            pdu(serde_json::json!({"source_adr": "1"})).unwrap_err().contains("did you mean source_addr?")
        );
        assert!(pdu(serde_json::json!({"command": "submit_sm"})).unwrap_err().contains("deliver_sm"));
    }

    #[test]
    fn lines_of_a_file_are_read_with_commas_and_quotes_in_the_text() {
        let mo = Mo::from_csv("4477,12345,\"Hello, \"\"you\"\"\"").unwrap();
        assert_eq!(
            (mo.source_addr.as_str(), mo.destination_addr.as_str(), mo.text.as_str()),
            ("4477", "12345", "Hello, \"you\"")
        );
        assert_eq!(Mo::from_csv("1,2,a, b").unwrap().text, "a, b");
        assert!(Mo::from_csv("1,2").unwrap_err().contains("no text"));
    }
}
