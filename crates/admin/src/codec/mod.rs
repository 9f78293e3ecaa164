//! PDUs and texts to octets and back, over HTTP: nothing is sent, nothing is kept.

mod table;
mod text;

use axum::response::IntoResponse;
use bytes::{Bytes, BytesMut};
use serde::{Deserialize, Serialize};
use smppkit_inspect::{Dialect, Dissector, EncodeError, Input, Version, encode as octets_of};
use smppkit_ops::{Json, Problem};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::Shown;

/// The routes, for a router with any state.
pub fn routes<S: Clone + Send + Sync + 'static>() -> OpenApiRouter<S> {
    OpenApiRouter::new()
        .routes(routes!(decode))
        .routes(routes!(encode))
        .routes(routes!(table::table))
        .routes(routes!(text::text))
}

/// PDUs that one paste may hold. A page shows no more, and each is some kilobytes of JSON.
const PDUS: usize = 1_000;

/// PDUs to take apart.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Pasted {
    /// Hexadecimal digits in any grouping, base64, or JSON; several PDUs may follow each other.
    #[schema(example = "00000010000000150000000000000007")]
    input: String,
    /// The version the peers speak: 3.3, 3.4 or 5.0, the default.
    #[schema(example = "5.0")]
    version: Option<String>,
    /// `strict`, the written text and the default, or `receive`, what servers forgive.
    dialect: Option<DialectName>,
}

#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum DialectName {
    Strict,
    Receive,
}

/// PDUs taken apart.
#[derive(Debug, Serialize, ToSchema)]
struct Decoded {
    /// As far as they could be found, in order.
    pdus: Vec<Shown>,
    /// Why the input, or the rest of it, is no PDU.
    error: Option<NoPdu>,
}

/// Why an input is no PDU.
#[derive(Debug, Serialize, ToSchema)]
struct NoPdu {
    message: String,
    /// The place in the input, in octets of its UTF-8, where there is one.
    offset: Option<usize>,
}

/// Takes PDUs apart.
#[utoipa::path(post, path = "/api/v1/codec/decode", tag = "codec", request_body = Pasted,
    responses((status = 200, body = Decoded), (status = 400, body = Problem), (status = 413, body = Problem),
        (status = 415, body = Problem), (status = 422, body = Problem)))]
async fn decode(Json(pasted): Json<Pasted>) -> Result<impl IntoResponse, Problem> {
    let version = version(pasted.version.as_deref())?;
    let dialect = match pasted.dialect {
        Some(DialectName::Receive) => Dialect::RECEIVE,
        Some(DialectName::Strict) | None => Dialect::STRICT,
    };
    let dissector = Dissector { version, dialect, ..Dissector::default() };
    let (octets, mut error) = read(&pasted.input);
    let mut pdus = Vec::new();
    if !octets.is_empty() {
        let mut all = dissector.dissect_all(&octets);
        for dissection in all.by_ref().take(PDUS) {
            pdus.push(Shown::new(&dissector, &dissection));
            if pdus.len().is_multiple_of(50) {
                // Others have their turn while much is looked at.
                tokio::task::yield_now().await;
            }
        }
        if all.next().is_some() {
            let message = format!("only the first {PDUS} PDUs are shown");
            error.get_or_insert(NoPdu { message, offset: None });
        }
    }
    Ok(Json(Decoded { pdus, error }))
}

/// The octets of what was pasted; of several JSON objects those in front of the first that is none.
fn read(input: &str) -> (Bytes, Option<NoPdu>) {
    let trimmed = input.trim_start();
    let skipped = input.len() - trimmed.len();
    if trimmed.is_empty() {
        return (
            Bytes::new(),
            Some(NoPdu { message: "there is nothing to take apart".to_owned(), offset: None }),
        );
    }
    if !trimmed.starts_with(['{', '[']) {
        return match Input::parse(input) {
            Ok(input) => (input.octets().clone(), None),
            Err(error) => {
                let defect = error.defect();
                (Bytes::new(), Some(NoPdu { message: error.to_string(), offset: defect.offset }))
            }
        };
    }
    let mut octets = BytesMut::new();
    let mut objects = serde_json::Deserializer::from_str(trimmed).into_iter::<serde_json::Value>();
    loop {
        let at = skipped + objects.byte_offset();
        let object = match objects.next() {
            None => return (octets.freeze(), None),
            Some(Ok(object)) => object,
            Some(Err(error)) => {
                let message = format!("JSON cannot be read: {error}");
                return (octets.freeze(), Some(NoPdu { message, offset: Some(at) }));
            }
        };
        let several = match object {
            serde_json::Value::Array(several) => several,
            one => vec![one],
        };
        for object in several {
            match octets_of(&object) {
                Ok(pdu) => octets.extend_from_slice(&pdu),
                Err(error) => {
                    return (octets.freeze(), Some(NoPdu { message: error.to_string(), offset: Some(at) }));
                }
            }
        }
    }
}

/// A PDU to put together.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Described {
    /// Its fields by their names; what is not given is computed, or has its default.
    #[schema(value_type = Object, example = json!({"command": "enquire_link", "sequence_number": 7}))]
    pdu: serde_json::Value,
    /// The version it is then taken apart in: 3.3, 3.4 or 5.0, the default.
    #[schema(example = "5.0")]
    version: Option<String>,
}

/// Puts a PDU together, right or wrong, and takes it apart again.
#[utoipa::path(post, path = "/api/v1/codec/encode", tag = "codec", request_body = Described,
    responses((status = 200, body = Shown), (status = 400, body = Problem), (status = 413, body = Problem),
        (status = 415, body = Problem),
        (status = 422, description = "it is no PDU: `field` names the key at fault", body = Problem)))]
async fn encode(Json(described): Json<Described>) -> Result<Json<Shown>, Problem> {
    let version = version(described.version.as_deref())?;
    let octets = octets_of(&described.pdu).map_err(|error| no_pdu(&error))?;
    let dissector = Dissector { version, frame_limit_octets: u32::MAX, ..Dissector::default() };
    Ok(Json(Shown::of(&dissector, &octets.into())))
}

fn no_pdu(error: &EncodeError) -> Problem {
    let problem = Problem::unprocessable(error.to_string());
    match &error.key {
        Some(key) => problem.with("field", key.as_str()),
        None => problem,
    }
}

fn version(name: Option<&str>) -> Result<Version, Problem> {
    let Some(name) = name else { return Ok(Version::V50) };
    name.parse().map_err(|_| {
        Problem::unprocessable(format!("{name:?} is no version: want 3.3, 3.4 or 5.0"))
            .with("field", "version")
    })
}
