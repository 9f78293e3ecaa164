//! The record over HTTP: what matches, and one PDU taken apart.

use axum::extract::{FromRef, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use smppkit_inspect::Wanted;
use smppkit_ops::{Json, Path, Problem, Query};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Answered, Entry, Record, Row, Trail, capture, trail};
use crate::ask::{Ask, Pairs};
use crate::{Shown, Watched};

/// The routes, for a router whose state has what is watched.
pub fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Watched: FromRef<S>,
{
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(one)).routes(routes!(pcapng))
}

/// PDUs of the record.
#[derive(Debug, Serialize, ToSchema)]
pub struct Pdus {
    /// The PDUs, the oldest first.
    #[schema(value_type = Vec<Object>)]
    pub items: Vec<serde_json::Value>,
    /// The number of the last one looked at: give it as `after` to go on from there.
    pub last: u64,
    /// PDUs between `after` and the oldest that is kept: they are forgotten.
    pub missed: u64,
}

/// PDUs taken out of the record at once.
pub(super) const CHUNK: usize = 1_000;

/// PDUs that came and went.
///
/// Every parameter that is not about the query itself is a condition on a field, a TLV (or its tag, `0x1400`), or
/// `command`, `text`, `direction`, `smsc`, `connector`, `session`, `system_id`, `bind_mode`, `interface_version`,
/// `peer`; its value is a pattern: `4477*`, `/regex/`, `1..9`, `!not this`. Without `after` the latest are given.
#[utoipa::path(get, path = "/api/v1/pdus", tag = "record",
    params(
        ("limit" = Option<u32>, Query, description = "So many at most, up to 1000", minimum = 1, maximum = 1000),
        ("after" = Option<u64>, Query, description = "Only those after this number; alone, or with `before`, the first of them are given"),
        ("before" = Option<u64>, Query, description = "Only those before this number"),
        ("from_ms" = Option<u64>, Query, description = "Only those that passed at or after, in milliseconds since 1970"),
        ("until_ms" = Option<u64>, Query, description = "Only those that passed before"),
        ("message" = Option<String>, Query, description = "Of a gateway, only those of this message_id: by the ids that they carry, or the same addresses and text"),
        ("command" = Option<String>, Query, description = "A pattern for the PDU's name", example = "submit_*"),
        ("direction" = Option<String>, Query, description = "`in` towards us, `out` away from us"),
        ("smsc" = Option<String>, Query, description = "A pattern for the name of a simulator's SMSC"),
        ("session" = Option<String>, Query, description = "A pattern for the session's id"),
        ("system_id" = Option<String>, Query, description = "A pattern for the account"),
        ("destination_addr" = Option<String>, Query, description = "A pattern for the destination"),
        ("text" = Option<String>, Query, description = "A pattern for the text"),
    ),
    responses((status = 200, body = Pdus), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 422, body = Problem), (status = 503, body = Problem)))]
async fn list(State(watched): State<Watched>, Query(pairs): Query<Pairs>) -> Result<Json<Pdus>, Problem> {
    let (ask, trail) = asked(&watched, pairs, &ABOUT).await?;
    if let Some(trail) = trail {
        let items = trail::follow(&watched.record, &ask, &trail, ask.limit).await;
        let last = Span::of(&watched.record, &ask).end.saturating_sub(1);
        return Ok(Json(Pdus { items: items.iter().map(Entry::json).collect(), last, missed: 0 }));
    }
    if let Some(after) = ask.after {
        return Ok(Json(following(&watched.record, &ask, after.saturating_add(1)).await));
    }
    let span = Span::of(&watched.record, &ask);
    let items = latest(&watched.record, &ask, &span, ask.limit).await;
    let items = items.iter().map(Entry::json).collect();
    Ok(Json(Pdus { items, last: span.end.saturating_sub(1), missed: 0 }))
}

/// What is asked for, and of one message what shows that a PDU belongs to it.
async fn asked(watched: &Watched, pairs: Pairs, about: &[&str]) -> Result<(Ask, Option<Trail>), Problem> {
    let (of, pairs): (Pairs, Pairs) = pairs.into_iter().partition(|(name, _)| name == "message");
    let ask = Ask::new(pairs, about)?;
    let Some((_, message)) = of.into_iter().next() else { return Ok((ask, None)) };
    let Some(trails) = &watched.trails else {
        let problem = Problem::unprocessable("message: this server keeps no messages with ids of its own");
        return Err(problem.with("parameter", "message"));
    };
    Ok((ask, Some(trails.of(message).await?)))
}

/// What a query may say about itself.
const ABOUT: [&str; 5] = ["limit", "after", "before", "from_ms", "until_ms"];

/// The numbers that are looked at: from one to behind another.
pub(super) struct Span {
    pub(super) begin: u64,
    pub(super) end: u64,
}

impl Span {
    pub(super) fn of(record: &Record, ask: &Ask) -> Self {
        let after = ask.after.map_or(0, |after| after.saturating_add(1));
        let (first, next) = (record.first(), record.next());
        let begin = record.at(ask.from_ms).max(after).max(first);
        let end = record.at(ask.until_ms).min(ask.before.unwrap_or(next)).min(next);
        Self { begin, end: end.max(begin) }
    }
}

/// The first that match from a number on.
async fn following(record: &Record, ask: &Ask, from: u64) -> Pdus {
    let wanted = Wanted::by(&[&ask.filter]);
    let span = Span::of(record, ask);
    let end = span.end;
    let begin = if ask.from_ms > i64::MIN { span.begin } else { from };
    let (mut items, mut last, mut missed, mut at) = (Vec::new(), begin.saturating_sub(1), 0, begin);
    while at < end && items.len() < ask.limit {
        let read = record.read(at, CHUNK);
        missed += read.missed;
        at = read.next;
        for entry in read.entries {
            if items.len() >= ask.limit || entry.number >= end {
                break;
            }
            last = entry.number;
            if ask.filter.holds(&entry.facts(&wanted)) {
                items.push(entry.json());
            }
        }
        // Others have their turn while much is looked through.
        tokio::task::yield_now().await;
    }
    Pdus { items, last, missed }
}

/// The last that match, looked for from the end; the oldest first.
async fn latest(record: &Record, ask: &Ask, span: &Span, limit: usize) -> Vec<Entry> {
    let wanted = Wanted::by(&[&ask.filter]);
    let mut found: Vec<Entry> = Vec::new();
    let mut octets = 0;
    let mut before = span.end;
    while before > span.begin && found.len() < limit && octets < OCTETS {
        let from = before.saturating_sub(CHUNK as u64).max(span.begin);
        let mut read = record.read(from, CHUNK).entries;
        read.retain(|entry| (from..before).contains(&entry.number));
        for entry in read.into_iter().rev().filter(|entry| ask.filter.holds(&entry.facts(&wanted))) {
            octets += entry.octets.len();
            if found.len() >= limit || octets > OCTETS {
                break;
            }
            found.push(entry);
        }
        before = from;
        tokio::task::yield_now().await;
    }
    found.reverse();
    found
}

/// Octets of PDUs in one answer at most, beside what they are written in.
const OCTETS: usize = 16 << 20;
/// PDUs of a capture at most.
const CAPTURED: usize = 100_000;

/// PDUs that came and went, as a capture for Wireshark: the latest, up to 100,000 of them, or 16 MiB.
///
/// Parameters as of `GET /api/v1/pdus`. What the record does not know is made up: hardware addresses, our own address
/// (192.0.2.1), and that of a peer that speaks IPv6 (192.0.2.2). Our port is 2775 where the peer opened the connection.
#[utoipa::path(get, path = "/api/v1/pdus.pcapng", tag = "record",
    params(("session" = Option<String>, Query, description = "A pattern for the session's id"),
        ("message" = Option<String>, Query, description = "Of a gateway, only those of this message_id"),
        ("after" = Option<u64>, Query, description = "Only those after this number"),
        ("before" = Option<u64>, Query, description = "Only those before this number")),
    responses((status = 200, body = Vec<u8>, content_type = "application/x-pcapng"), (status = 400, body = Problem),
        (status = 404, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
async fn pcapng(State(watched): State<Watched>, Query(pairs): Query<Pairs>) -> Result<Response, Problem> {
    let (ask, trail) = asked(&watched, pairs, &["after", "before", "from_ms", "until_ms"]).await?;
    let entries = match trail {
        Some(trail) => trail::follow(&watched.record, &ask, &trail, CAPTURED).await,
        None => latest(&watched.record, &ask, &Span::of(&watched.record, &ask), CAPTURED).await,
    };
    let headers = [
        (header::CONTENT_TYPE, "application/x-pcapng"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"pdus.pcapng\""),
    ];
    Ok((headers, capture::pcapng(&entries)).into_response())
}

/// One PDU of the record, taken apart.
#[derive(Debug, Serialize, ToSchema)]
struct OnePdu {
    #[serde(flatten)]
    row: Row,
    shown: Shown,
}

/// PDUs in front of a response in which its request is looked for.
const BEFORE: u64 = 1_000;

/// One PDU of the record, taken apart.
///
/// Read as its receiver read it; what only the written text forbids is among the findings.
#[utoipa::path(get, path = "/api/v1/pdus/{number}", tag = "record",
    params(("number" = u64, Path, description = "The PDU's place in the record")),
    responses((status = 200, body = OnePdu), (status = 400, body = Problem), (status = 404, body = Problem)))]
async fn one(State(watched): State<Watched>, Path(number): Path<u64>) -> Result<Json<OnePdu>, Problem> {
    let record = &watched.record;
    let Some(entry) = record.one(number) else {
        let detail = if !record.is_on() {
            "nothing is recorded: the setting of the record is 0".to_owned()
        } else if number < record.first() {
            format!("PDU {number} is forgotten: the oldest that is kept is {}", record.first())
        } else {
            format!("there is no PDU {number} yet")
        };
        return Err(Problem::not_found(detail));
    };
    let mut answered = Answered::default();
    let from = number.saturating_sub(BEFORE);
    let before = record.read(from, BEFORE as usize).entries;
    for before in before.iter().filter(|before| before.number < number) {
        answered.see(before);
    }
    let took = answered.see(&entry);
    Ok(Json(OnePdu { row: Row::of(&entry, took), shown: entry.taken_apart() }))
}
