//! Messages that ESMEs submitted, whole: parts of a long one together, with what has become of it.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use smppkit_admin::record::time;
use smppkit_admin::{Ask, LIMIT, Pairs};
use smppkit_inspect::{Facts, Wanted};
use smppkit_net::Now;
use smppkit_ops::{Json, Problem, Query};
use smppkit_text::Concatenation;
use smppkit_wire::value::MessageState;
use utoipa::ToSchema;

use super::Operated;
use super::matching::{Found, unless_stopped, wait as wait_for};
use crate::node::Node;
use crate::smsc::Message;

/// Messages looked through at most, the latest of each SMSC.
const LOOK: usize = 10_000;
/// Summaries given when a wait fails.
const OTHERS: usize = 10;
/// Characters of a text in a summary.
const TEXT: usize = 60;

/// What messages may be asked for by.
const CONDITIONS: &[&str] = &[
    "smsc",
    "system_id",
    "message_id",
    "source_addr",
    "destination_addr",
    "text",
    "data_coding",
    "service_type",
    "registered_delivery",
    "message_state",
    "error_code",
];

/// A message that an ESME submitted.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Submitted {
    /// The SMSC that took it.
    smsc: String,
    /// The account that sent it.
    system_id: String,
    /// Its place among those of the SMSC; of a long one that of its first part.
    number: u32,
    /// The message_id of each part.
    message_ids: Vec<String>,
    /// Parts that have come.
    parts: usize,
    /// Parts it has.
    parts_wanted: usize,
    pub(crate) source_addr: String,
    pub(crate) destination_addr: String,
    /// The text of all parts; as hexadecimal digits where it is none.
    pub(crate) text: String,
    data_coding: u8,
    service_type: String,
    registered_delivery: u8,
    /// What has become of it; of several parts, of the worst.
    message_state: String,
    error_code: u16,
    /// When it was accepted.
    accepted: String,
    /// When it came to its end, if it has.
    ended: Option<String>,
}

/// Messages.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Messages {
    /// The messages, the oldest first.
    items: Vec<Submitted>,
}

/// Messages that ESMEs submitted, the latest.
///
/// Parameters that are not about the query itself are conditions: `smsc`, `system_id`, `message_id`, `source_addr`,
/// `destination_addr`, `text`, `data_coding`, `service_type`, `registered_delivery`, `message_state`, `error_code`; their
/// values are patterns: `4477*`, `/regex/`, `1..9`, `!not this`. A message in parts has the text of all of them.
#[utoipa::path(get, path = "/api/v1/messages", tag = "record",
    params(
        ("limit" = Option<u32>, Query, description = "So many at most, up to 1000", minimum = 1, maximum = 1000),
        ("smsc" = Option<String>, Query, description = "A pattern for the SMSC's name"),
        ("system_id" = Option<String>, Query, description = "A pattern for the account"),
        ("source_addr" = Option<String>, Query, description = "A pattern for the source"),
        ("destination_addr" = Option<String>, Query, description = "A pattern for the destination"),
        ("text" = Option<String>, Query, description = "A pattern for the text"),
        ("message_state" = Option<String>, Query, description = "Such as DELIVERED"),
    ),
    responses((status = 200, body = Messages), (status = 400, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn list(
    State(operated): State<Operated>,
    Query(pairs): Query<Pairs>,
) -> Result<Json<Messages>, Problem> {
    let ask = Ask::among(pairs, &["limit"], CONDITIONS)?;
    let (mut items, _) = matching(&operated, &ask);
    let surplus = items.len().saturating_sub(ask.limit);
    items.drain(..surplus);
    Ok(Json(Messages { items }))
}

/// Waits until messages match.
///
/// Conditions as for `GET /api/v1/messages`; a message in parts matches once all have come. With `count=0` nothing
/// may match until the time is up. A wait that fails is a 409 that says how many matched and what came instead.
#[utoipa::path(get, path = "/api/v1/messages/wait", tag = "record",
    params(
        ("count" = Option<u32>, Query, description = "How many have to match, 1 by default", maximum = 10_000),
        ("timeout" = Option<String>, Query, description = "How long that may take, 10s by default, 5m at most", example = "5s"),
        ("smsc" = Option<String>, Query, description = "A pattern for the SMSC's name"),
        ("system_id" = Option<String>, Query, description = "A pattern for the account"),
        ("source_addr" = Option<String>, Query, description = "A pattern for the source"),
        ("destination_addr" = Option<String>, Query, description = "A pattern for the destination"),
        ("text" = Option<String>, Query, description = "A pattern for the text"),
        ("message_state" = Option<String>, Query, description = "Such as DELIVERED"),
    ),
    responses((status = 200, body = Messages), (status = 400, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem)))]
pub(super) async fn wait(
    State(operated): State<Operated>,
    Query(pairs): Query<Pairs>,
) -> Result<Json<Messages>, Problem> {
    let ask = Ask::among(pairs, &["count", "timeout"], CONDITIONS)?;
    if ask.count > LOOK {
        let detail = format!("count: {} is more than the {LOOK} messages that are looked at", ask.count);
        return Err(Problem::unprocessable(detail).with("parameter", "count"));
    }
    let look = || {
        let (mut matching, others) = matching(&operated, &ask);
        matching.retain(Submitted::is_whole);
        Ok(Found { matching, others })
    };
    let wait = wait_for(&operated.hub, ask.count, ask.timeout, look);
    let mut items = unless_stopped(&operated.hub, wait).await?;
    items.truncate(LIMIT);
    Ok(Json(Messages { items }))
}

/// What matches, and the latest of what does not, in short.
fn matching(operated: &Operated, ask: &Ask) -> (Vec<Submitted>, Vec<String>) {
    let wanted = Wanted::by(&[&ask.filter]);
    let (mut matching, mut others) = (Vec::new(), Vec::new());
    for node in operated.nodes.iter() {
        for message in submitted(node) {
            if ask.filter.holds(&message.facts(&wanted)) {
                matching.push(message);
            } else {
                let text: String = message.text.chars().take(TEXT).collect();
                others.push(format!(
                    "{} -> {} {text:?} {}",
                    message.source_addr, message.destination_addr, message.message_state
                ));
            }
        }
    }
    let surplus = others.len().saturating_sub(OTHERS);
    others.drain(..surplus);
    (matching, others)
}

/// A message, or a part of one: who sent it, and its place.
type Part = (Arc<str>, Message, Option<Concatenation>);

/// What an SMSC was given, the oldest first, parts together.
pub(super) fn submitted(node: &Node) -> Vec<Submitted> {
    let parts = node.smsc().latest(LOOK);
    let now_ms = node.hub.unix_ms(Now::read());
    let mut whole: Vec<Vec<Part>> = Vec::new();
    let mut long: HashMap<_, usize> = HashMap::new();
    for (system_id, message) in parts {
        let place = message.place();
        let Some(place) = place.filter(|place| place.total() > 1) else {
            whole.push(vec![(system_id, message, None)]);
            continue;
        };
        let (source, destination) = (message.source.whole(), message.destination.whole());
        let key = (message.account, source, destination, place.reference(), place.total());
        let has = |at: &usize| {
            let parts = whole.get(*at).map_or(&[][..], Vec::as_slice);
            parts.iter().any(|(_, _, other)| other.is_some_and(|other| other.sequence() == place.sequence()))
        };
        match long.get(&key) {
            // The same part again is of another message that has the same reference.
            Some(at) if !has(at) => {
                if let Some(parts) = whole.get_mut(*at) {
                    parts.push((system_id, message, Some(place)));
                }
            }
            _ => {
                long.insert(key, whole.len());
                whole.push(vec![(system_id, message, Some(place))]);
            }
        }
    }
    whole.into_iter().filter_map(|parts| Submitted::of(&node.name, parts, now_ms)).collect()
}

impl Submitted {
    fn of(smsc: &str, mut parts: Vec<Part>, now_ms: i64) -> Option<Self> {
        parts.sort_by_key(|(_, _, place)| place.map(Concatenation::sequence));
        let text = parts.iter().map(|(_, message, _)| message.text()).collect();
        let worst =
            parts.iter().map(|(_, message, _)| message.state(now_ms)).max_by_key(|state| badness(*state))?;
        let ended = parts.iter().map(|(_, message, _)| message.end().1).max();
        let error_code = parts.iter().map(|(_, message, _)| message.error_code(message.state(now_ms))).max();
        let (system_id, first, place) = parts.first()?;
        Some(Self {
            smsc: smsc.to_owned(),
            system_id: system_id.to_string(),
            number: first.id.number,
            message_ids: parts.iter().map(|(_, message, _)| message.id.text().to_text()).collect(),
            parts: parts.len(),
            parts_wanted: place.map_or(1, |place| usize::from(place.total())),
            source_addr: first.source.whole().to_text(),
            destination_addr: first.destination.whole().to_text(),
            text,
            data_coding: first.data_coding.0,
            service_type: first.service_type.to_text(),
            registered_delivery: first.registered_delivery.0,
            message_state: worst.to_string(),
            error_code: error_code.unwrap_or_default(),
            accepted: time(first.accepted_ms),
            ended: ended.filter(|_| worst.is_final()).map(time),
        })
    }

    /// Whether all parts have come.
    pub(super) fn is_whole(&self) -> bool {
        self.parts == self.parts_wanted
    }

    /// Its place among those of the SMSC.
    pub(super) const fn number(&self) -> u32 {
        self.number
    }

    fn facts(&self, wanted: &Wanted) -> Facts {
        let mut facts = Facts::default();
        for (name, value) in [
            ("smsc", &self.smsc),
            ("system_id", &self.system_id),
            ("source_addr", &self.source_addr),
            ("destination_addr", &self.destination_addr),
            ("text", &self.text),
            ("service_type", &self.service_type),
            ("message_state", &self.message_state),
            ("data_coding", &self.data_coding.to_string()),
            ("registered_delivery", &self.registered_delivery.to_string()),
            ("error_code", &self.error_code.to_string()),
        ] {
            facts.set(wanted, name, value);
        }
        for id in &self.message_ids {
            facts.add(wanted, "message_id", id);
        }
        facts
    }
}

/// What stands for the whole: one that is under way before all that ended, a failure before success.
fn badness(state: MessageState) -> u8 {
    match state {
        MessageState::DELIVERED => 0,
        MessageState::ACCEPTED => 1,
        state if state.is_final() => 2,
        MessageState::ENROUTE => 3,
        _ => 4,
    }
}
