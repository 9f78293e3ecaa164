//! What rules look at.

use core::fmt;
use std::cell::OnceCell;

use smppkit_text::{McDefault, decode_user_data};
use smppkit_wire::value::{DataCoding, EsmClass, Npi, RegisteredDelivery, Ton};
use smppkit_wire::{Tlvs, Version};

/// One message, as far as rules look at it. What is not known stays at its default.
#[derive(Debug)]
pub struct Facts<'a> {
    /// The account that submitted it; none for what came from upstream.
    pub account: Option<&'a str>,
    /// The connector it came from; none for what an account submitted.
    pub connector: Option<&'a str>,
    /// Who sends it.
    pub source: Party<'a>,
    /// Who is to get it.
    pub destination: Party<'a>,
    /// service_type.
    pub service_type: &'a str,
    /// esm_class.
    pub esm_class: EsmClass,
    /// protocol_id.
    pub protocol_id: u8,
    /// priority_flag.
    pub priority_flag: u8,
    /// registered_delivery.
    pub registered_delivery: RegisteredDelivery,
    /// data_coding.
    pub data_coding: DataCoding,
    /// Its TLVs.
    pub tlvs: &'a Tlvs,
    /// What it says.
    pub text: Text<'a>,
    /// Octets of the user data, header included.
    pub octets: Option<u32>,
    /// Parts of the whole message.
    pub parts: Option<u16>,
    /// Of a part of a long message: the reference that its parts share, and how many there are. They go one way.
    pub concatenation: Option<(u16, u8)>,
    /// The version that the submitter speaks.
    pub version: Option<Version>,
    /// Now, in milliseconds since 1970-01-01 00:00 UTC.
    pub unix_ms: i64,
}

/// An address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Party<'a> {
    /// Type of number.
    pub ton: Ton,
    /// Numbering plan.
    pub npi: Npi,
    /// The number or name.
    pub addr: &'a str,
}

/// What a message says: decoded when the first rule asks, and once.
#[derive(Default)]
pub struct Text<'a> {
    source: Source<'a>,
    decoded: OnceCell<String>,
}

#[derive(Debug, Clone, Copy, Default)]
enum Source<'a> {
    #[default]
    Empty,
    Text(&'a str),
    UserData {
        octets: &'a [u8],
        udhi: bool,
        data_coding: u8,
        mc_default: McDefault,
    },
}

/// So that a default has something to borrow.
static NO_TLVS: Tlvs = Tlvs::EMPTY;

impl<'a> Text<'a> {
    /// A text that is there already: it came over REST, or was joined from its parts.
    pub fn of(text: &'a str) -> Self {
        Self { source: Source::Text(text), decoded: OnceCell::new() }
    }

    /// User data as the PDU has them, in short_message or message_payload. `mc_default` is what data_coding 0 means to the submitter.
    pub fn of_user_data(
        octets: &'a [u8],
        esm_class: EsmClass,
        data_coding: DataCoding,
        mc_default: McDefault,
    ) -> Self {
        let source =
            Source::UserData { octets, udhi: esm_class.has_udh(), data_coding: data_coding.0, mc_default };
        Self { source, decoded: OnceCell::new() }
    }

    /// The text; hexadecimal digits where the octets are none.
    pub fn get(&self) -> &str {
        match self.source {
            Source::Empty => "",
            Source::Text(text) => text,
            Source::UserData { octets, udhi, data_coding, mc_default } => self
                .decoded
                .get_or_init(|| decode_user_data(octets, udhi, data_coding, mc_default).decoded.text),
        }
    }

    /// Whether a rule has asked for the text, so that it had to be decoded.
    pub fn is_decoded(&self) -> bool {
        self.decoded.get().is_some()
    }
}

/// Without the text itself, which is its sender's.
impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Text").field("decoded", &self.is_decoded()).finish_non_exhaustive()
    }
}

impl Default for Facts<'_> {
    fn default() -> Self {
        Self {
            account: None,
            connector: None,
            source: Party::default(),
            destination: Party::default(),
            service_type: "",
            esm_class: EsmClass::DEFAULT,
            protocol_id: 0,
            priority_flag: 0,
            registered_delivery: RegisteredDelivery::NONE,
            data_coding: DataCoding::MC_DEFAULT,
            tlvs: &NO_TLVS,
            text: Text::default(),
            octets: None,
            parts: None,
            concatenation: None,
            version: None,
            unix_ms: 0,
        }
    }
}

impl<'a> Party<'a> {
    /// A telephone number with its country code.
    pub const fn international(addr: &'a str) -> Self {
        Self { ton: Ton::INTERNATIONAL, npi: Npi::ISDN, addr }
    }
}
