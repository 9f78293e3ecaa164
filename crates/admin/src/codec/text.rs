//! What sending a text would take.

use serde::{Deserialize, Serialize};
use smppkit_inspect::hex;
use smppkit_ops::{Json, Problem};
use smppkit_text::{Encoding, Options, Reason, preview, split};
use utoipa::ToSchema;

/// A text to look at.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    text: String,
    /// `auto`, the smallest that holds the text and the default, or the one to use.
    encoding: Option<Wanted>,
}

#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Wanted {
    Auto,
    Gsm7,
    Latin1,
    Ucs2,
}

/// What sending a text would take.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Sized {
    /// gsm7, latin1 or ucs2.
    #[schema(example = "gsm7")]
    encoding: &'static str,
    /// What announces it.
    data_coding: u8,
    /// What is counted: septets, octets or UTF-16 code units.
    #[schema(example = "septets")]
    unit: &'static str,
    /// Characters of the text.
    characters: usize,
    /// Units of the text.
    units: usize,
    /// Units that each part has room for.
    limit: usize,
    /// Units that could be added without another part.
    units_left: usize,
    parts: Vec<Part>,
    /// Characters that take more than one unit, each once.
    dear: Vec<Dear>,
    /// Characters for which the text is not GSM 7-bit, each once.
    forced_ucs2_by: Vec<char>,
}

#[derive(Debug, Serialize, ToSchema)]
struct Part {
    /// Its header not counted.
    units: usize,
    /// Octets of short_message, its header counted.
    octets: usize,
    /// Those octets.
    hex: String,
    /// Octets of the header.
    udh_octets: usize,
    /// Its text.
    text: String,
}

#[derive(Debug, Serialize, ToSchema)]
struct Dear {
    character: char,
    units: usize,
    hex: String,
}

/// Characters that are listed at most: a page shows no more.
const LISTED: usize = 100;
/// What the parts shown have in common; a sender takes another for each message.
const REFERENCE: u16 = 1;

/// How a text is encoded and cut.
#[utoipa::path(post, path = "/api/v1/codec/text", tag = "codec", request_body = Asked,
    responses((status = 200, body = Sized), (status = 400, body = Problem), (status = 413, body = Problem),
        (status = 415, body = Problem),
        (status = 422, description = "it cannot be sent so", body = Problem)))]
pub(super) async fn text(Json(asked): Json<Asked>) -> Result<Json<Sized>, Problem> {
    let encoding = match asked.encoding {
        Some(Wanted::Auto) | None => None,
        Some(Wanted::Gsm7) => Some(Encoding::GSM7),
        Some(Wanted::Latin1) => Some(Encoding::LATIN1),
        Some(Wanted::Ucs2) => Some(Encoding::Ucs2),
    };
    let options = Options { encoding, ..Options::default() };
    let wrong =
        |error: smppkit_text::SplitError| Problem::unprocessable(error.to_string()).with("field", "text");
    let size = preview(&asked.text, &options).map_err(wrong)?;
    let message = split(&asked.text, &options, REFERENCE).map_err(wrong)?;
    let parts = message.parts.iter().zip(&size.parts).map(|(part, size)| {
        let text = asked.text.get(part.range.clone()).unwrap_or_default();
        let mut body = Vec::new();
        // It was encoded so a moment ago.
        let _ = message.encoding.encode(text, &mut body);
        Part {
            units: size.units,
            octets: part.user_data.len(),
            hex: hex(&part.user_data),
            udh_octets: part.user_data.len().saturating_sub(body.len()),
            text: text.to_owned(),
        }
    });
    let (mut dear, mut forced): (Vec<Dear>, Vec<char>) = (Vec::new(), Vec::new());
    for costly in &size.costly {
        let character = costly.character;
        if costly.units > 1 && dear.len() < LISTED && !dear.iter().any(|dear| dear.character == character) {
            let mut octets = Vec::new();
            let _ = size.encoding.encode(character.encode_utf8(&mut [0; 4]), &mut octets);
            dear.push(Dear { character, units: costly.units, hex: hex(&octets) });
        }
        let forces = costly.reason == Reason::OutsideGsm7;
        if forces && forced.len() < LISTED && !forced.contains(&character) {
            forced.push(character);
        }
    }
    let (encoding, unit) = match size.encoding {
        Encoding::Gsm7(_) => ("gsm7", "septets"),
        Encoding::Octets(_) => ("latin1", "octets"),
        Encoding::Ucs2 => ("ucs2", "UTF-16 code units"),
    };
    Ok(Json(Sized {
        encoding,
        data_coding: size.encoding.data_coding(),
        unit,
        characters: size.characters,
        units: size.units,
        limit: size.capacity,
        units_left: size.units_left(),
        parts: parts.collect(),
        dear,
        forced_ucs2_by: forced,
    }))
}
