//! The text a PDU carries.

use serde::Serialize;
use smppkit_inspect::Dissection;
use smppkit_text::{Alphabet, Fidelity, Interpretation, McDefault, decode_user_data};
use smppkit_wire::observe::Value;
use smppkit_wire::value::EsmClass;
use utoipa::ToSchema;

/// The text a PDU carries, as far as one can be made of its octets.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Text {
    /// The text; two hexadecimal digits for each octet where it is none.
    pub text: String,
    /// The alphabet that data_coding names. What it leaves to the MC is taken for GSM 7-bit.
    #[schema(example = "GSM 7-bit")]
    pub encoding: &'static str,
    /// Septets, octets or UTF-16 code units, as the alphabet counts; those of the user data header left out.
    #[schema(example = 39)]
    pub septets_or_units: usize,
    /// Octets of the user data, its header counted.
    pub octets: usize,
    /// Octets of the header.
    pub udh_octets: usize,
    /// exact, lossy (some octets have no character), or hexadecimal.
    #[schema(example = "exact")]
    pub fidelity: &'static str,
}

impl Text {
    pub(super) fn of(dissection: &Dissection) -> Option<Self> {
        let user_data = dissection.user_data()?;
        let int = |name: &str| match dissection.node(name).and_then(|node| node.value.as_ref()) {
            Some(Value::Int(octet)) => *octet as u8,
            _ => 0,
        };
        let (udhi, data_coding) = (EsmClass(int("esm_class")).has_udh(), int("data_coding"));
        let read = decode_user_data(user_data, udhi, data_coding, McDefault::GsmUnpacked);
        let alphabet = Interpretation::of(data_coding).alphabet;
        let body = read.body.len();
        let units = if alphabet == Alphabet::Ucs2 { body / 2 } else { body };
        let udh_octets = user_data.len() - body;
        Some(Self {
            text: read.decoded.text,
            encoding: name(alphabet),
            septets_or_units: units,
            octets: user_data.len(),
            udh_octets,
            fidelity: match read.decoded.fidelity {
                Fidelity::Exact => "exact",
                Fidelity::Hexadecimal => "hexadecimal",
                _ => "lossy",
            },
        })
    }
}

const fn name(alphabet: Alphabet) -> &'static str {
    match alphabet {
        Alphabet::McDefault | Alphabet::Gsm7 => "GSM 7-bit",
        Alphabet::Ascii => "ASCII",
        Alphabet::Binary => "binary",
        Alphabet::Latin1 => "Latin-1",
        Alphabet::Jis => "JIS",
        Alphabet::Cyrillic => "Cyrillic",
        Alphabet::Hebrew => "Hebrew",
        Alphabet::Ucs2 => "UCS-2",
        Alphabet::Pictogram => "pictogram",
        Alphabet::Iso2022Jp => "ISO-2022-JP",
        Alphabet::KanjiJis => "extended Kanji",
        Alphabet::Ksc5601 => "KS C 5601",
        _ => "reserved",
    }
}
