//! The record over HTTP: what matches, and one PDU taken apart.

use axum::extract::{FromRef, State};
use serde::Serialize;
use smppkit_inspect::Wanted;
use smppkit_ops::{Json, Path, Problem, Query};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Answered, Entry, Record, Row};
use crate::ask::{Ask, Pairs};
use crate::{Shown, Watched};

/// The routes, for a router whose state has what is watched.
pub fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Watched: FromRef<S>,
{
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(one))
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
const CHUNK: usize = 1_000;

/// PDUs that came and went.
///
/// Every parameter that is not about the query itself is a condition on a field, a TLV (or its tag, `0x1400`), or
/// `command`, `text`, `direction`, `smsc`, `connector`, `session`, `system_id`, `bind_mode`, `interface_version`,
/// `peer`; its value is a pattern: `4477*`, `/regex/`, `1..9`, `!not this`. Without `after` the latest are given.
#[utoipa::path(get, path = "/api/v1/pdus", tag = "record",
    params(
        ("limit" = Option<u32>, Query, description = "So many at most, up to 1000", minimum = 1, maximum = 1000),
        ("after" = Option<u64>, Query, description = "Only those after this number"),
        ("command" = Option<String>, Query, description = "A pattern for the PDU's name", example = "submit_*"),
        ("direction" = Option<String>, Query, description = "`in` towards us, `out` away from us"),
        ("smsc" = Option<String>, Query, description = "A pattern for the name of a simulator's SMSC"),
        ("session" = Option<String>, Query, description = "A pattern for the session's id"),
        ("system_id" = Option<String>, Query, description = "A pattern for the account"),
        ("destination_addr" = Option<String>, Query, description = "A pattern for the destination"),
        ("text" = Option<String>, Query, description = "A pattern for the text"),
    ),
    responses((status = 200, body = Pdus), (status = 400, body = Problem), (status = 422, body = Problem)))]
async fn list(State(watched): State<Watched>, Query(pairs): Query<Pairs>) -> Result<Json<Pdus>, Problem> {
    let ask = Ask::new(pairs, &["limit", "after"])?;
    let pdus = match ask.after {
        Some(after) => following(&watched.record, &ask, after.saturating_add(1)).await,
        None => latest(&watched.record, &ask).await,
    };
    Ok(Json(pdus))
}

/// The first that match from a number on.
async fn following(record: &Record, ask: &Ask, from: u64) -> Pdus {
    let wanted = Wanted::by(&[&ask.filter]);
    let end = record.next();
    let (mut items, mut last, mut missed, mut at) = (Vec::new(), from.saturating_sub(1), 0, from);
    while at < end && items.len() < ask.limit {
        let read = record.read(at, CHUNK);
        missed += read.missed;
        at = read.next;
        for entry in read.entries {
            if items.len() >= ask.limit {
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

/// The last that match, looked for from the end.
async fn latest(record: &Record, ask: &Ask) -> Pdus {
    let wanted = Wanted::by(&[&ask.filter]);
    let (mut items, end, first) = (Vec::new(), record.next(), record.first());
    let mut before = end;
    while before > first && items.len() < ask.limit {
        let from = before.saturating_sub(CHUNK as u64).max(first);
        let mut read = record.read(from, CHUNK).entries;
        read.retain(|entry| (from..before).contains(&entry.number));
        let room = ask.limit - items.len();
        let matching = read.iter().rev().filter(|entry| ask.filter.holds(&entry.facts(&wanted)));
        items.extend(matching.take(room).map(Entry::json));
        before = from;
        tokio::task::yield_now().await;
    }
    items.reverse();
    Pdus { items, last: end.saturating_sub(1), missed: 0 }
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
