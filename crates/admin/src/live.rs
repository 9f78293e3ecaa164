//! What happens, as it happens: PDUs and samples over a WebSocket.
//!
//! Each socket has one task that reads the record at its own pace, 20 times a second. Nothing waits for it: whoever is
//! too slow is told how much was skipped.

use core::time::Duration;
use std::collections::BTreeMap;

use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::extract::{FromRef, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use smppkit_inspect::{Filter, Wanted};
use smppkit_ops::Problem;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, timeout};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::Watched;
use crate::record::{Answered, Row};

/// The route, for a router whose state has what is watched.
pub fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Watched: FromRef<S>,
{
    OpenApiRouter::new().routes(routes!(live))
}

/// From one look at the record to the next.
const TICK: Duration = Duration::from_millis(50);
/// Items of one message: a page shows no more in that time.
const ITEMS: usize = 500;
/// PDUs looked at for a subscription in one tick, whether they match or not.
const LOOKED_AT: usize = 5_000;
/// A subscription that is further behind goes on with the newest.
const BEHIND: u64 = 10_000;
/// Subscriptions of one socket: more than a page has parts.
const SUBSCRIPTIONS: usize = 16;
/// The longest message of a peer: filters are short.
const MESSAGE_OCTETS: usize = 64 * 1024;
/// How long a peer may take to take a message; then it is gone.
const PATIENCE: Duration = Duration::from_secs(30);
/// Ticks from one ping to the next, for what stands between that cuts what is silent.
const PING_TICKS: u32 = 600;

/// What happens, as it happens, over a WebSocket.
///
/// Text messages, each one JSON object. To the server: `{"subscribe":{"id":1,"topic":"pdus","filter":{"command":
/// "submit_*"},"after":0}}` with topic `pdus` or `stats`, `{"pause":1}`, `{"resume":1}`, `{"unsubscribe":1}`. From it:
/// `{"id":1,"items":[…],"skipped":0}`, at most 20 a second with 500 items each, and `{"id":1,"error":"…"}`. Items of `pdus`
/// are the lines that `GET /api/v1/pdus/{number}` begins with, those of `stats` have the keys of `GET /api/v1/series`.
/// A filter is as the parameters of `GET /api/v1/pdus`. A reader that is too slow is told how much was skipped.
#[utoipa::path(get, path = "/api/v1/live", tag = "live",
    responses((status = 101, description = "a WebSocket from here on"), (status = 400, body = Problem),
        (status = 426, description = "it was not asked for as a WebSocket", body = Problem),
        (status = 503, description = "too many live feeds", body = Problem)))]
async fn live(
    State(watched): State<Watched>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    let upgrade = upgrade.map_err(|error| Problem::new(error.status(), error.body_text()))?;
    let Ok(place) = std::sync::Arc::clone(&watched.sockets).try_acquire_owned() else {
        let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "there are as many live feeds as may be");
        return Err(problem.header(axum::http::header::RETRY_AFTER, "5"));
    };
    let upgrade = upgrade.max_message_size(MESSAGE_OCTETS).max_frame_size(MESSAGE_OCTETS);
    Ok(upgrade.on_upgrade(async move |socket| {
        feed(watched, socket).await;
        drop(place);
    }))
}

/// What a peer says.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
enum Said {
    Subscribe(Subscribe),
    Pause(u64),
    Resume(u64),
    Unsubscribe(u64),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Subscribe {
    id: u64,
    topic: Topic,
    filter: Option<BTreeMap<String, Json>>,
    after: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Topic {
    Pdus,
    Stats,
}

/// What is sent of a subscription.
#[derive(Debug, Serialize)]
struct Batch<T> {
    id: u64,
    items: Vec<T>,
    skipped: u64,
}

#[derive(Debug, Serialize)]
struct Refusal {
    id: Option<u64>,
    error: String,
}

/// What a peer wants to see.
#[derive(Debug)]
struct Subscription {
    id: u64,
    is_paused: bool,
    what: What,
}

#[derive(Debug)]
enum What {
    Pdus(Box<Pdus>),
    /// How many samples were seen.
    Stats(u64),
}

#[derive(Debug)]
struct Pdus {
    filter: Filter,
    wanted: Wanted,
    /// The number to go on with.
    at: u64,
    answered: Answered,
}

/// Serves one socket, until either side has enough.
async fn feed(watched: Watched, mut socket: WebSocket) {
    let mut stopping = watched.stopping.clone();
    let mut subscriptions: Vec<Subscription> = Vec::new();
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut until_ping = PING_TICKS;
    loop {
        let to_say = tokio::select! {
            () = stopped(&mut stopping) => {
                let gone = CloseFrame { code: close_code::AWAY, reason: "the server stops".into() };
                let _ = timeout(PATIENCE, socket.send(Message::Close(Some(gone)))).await;
                return;
            }
            said = socket.recv() => match said {
                None | Some(Err(_) | Ok(Message::Close(_))) => return,
                Some(Ok(Message::Text(text))) => {
                    hear(&watched, &mut subscriptions, &text).into_iter().map(text_of).collect()
                }
                Some(Ok(Message::Binary(_))) => {
                    vec![text_of(Refusal { id: None, error: "only text messages are understood".to_owned() })]
                }
                // Pings are answered by themselves.
                Some(Ok(_)) => Vec::new(),
            },
            _ = ticks.tick() => {
                let mut batches: Vec<Message> =
                    subscriptions.iter_mut().filter_map(|one| one.look(&watched)).collect();
                until_ping -= 1;
                if until_ping == 0 {
                    until_ping = PING_TICKS;
                    batches.push(Message::Ping(Vec::new().into()));
                }
                batches
            }
        };
        for message in to_say {
            if !matches!(timeout(PATIENCE, socket.send(message)).await, Ok(Ok(()))) {
                return;
            }
        }
    }
}

async fn stopped(stopping: &mut watch::Receiver<bool>) {
    // An app that is gone has stopped.
    let _ = stopping.wait_for(|stopping| *stopping).await;
}

fn text_of(what: impl Serialize) -> Message {
    // There is no map in it whose keys are no strings.
    Message::text(serde_json::to_string(&what).unwrap_or_default())
}

/// Does what a peer says, or says why not.
fn hear(watched: &Watched, subscriptions: &mut Vec<Subscription>, text: &str) -> Option<Refusal> {
    let said = match serde_json::from_str(text) {
        Ok(said) => said,
        Err(error) => return Some(Refusal { id: id_in(text), error: format!("not understood: {error}") }),
    };
    let refused = |id, error: &str| Some(Refusal { id: Some(id), error: error.to_owned() });
    let paused = match said {
        Said::Subscribe(subscribe) => {
            let id = subscribe.id;
            subscriptions.retain(|there| there.id != id);
            if subscriptions.len() >= SUBSCRIPTIONS {
                return refused(
                    id,
                    &format!("there are {SUBSCRIPTIONS} subscriptions: end one of them first"),
                );
            }
            return match Subscription::new(watched, subscribe) {
                Ok(subscription) => {
                    subscriptions.push(subscription);
                    None
                }
                Err(error) => refused(id, &error),
            };
        }
        Said::Unsubscribe(id) => {
            subscriptions.retain(|there| there.id != id);
            return None;
        }
        Said::Pause(id) => (id, true),
        Said::Resume(id) => (id, false),
    };
    let Some(subscription) = subscriptions.iter_mut().find(|there| there.id == paused.0) else {
        return refused(paused.0, "there is no such subscription");
    };
    subscription.is_paused = paused.1;
    None
}

/// Whose a message is that is not understood, as far as that can be told.
fn id_in(text: &str) -> Option<u64> {
    serde_json::from_str::<Json>(text).ok()?.get("subscribe")?.get("id")?.as_u64()
}

impl Subscription {
    fn new(watched: &Watched, subscribe: Subscribe) -> Result<Self, String> {
        let Subscribe { id, topic, filter, after } = subscribe;
        let what = match topic {
            Topic::Stats if filter.is_some() => return Err("stats have no filter".to_owned()),
            Topic::Stats => What::Stats(0),
            Topic::Pdus => {
                if !watched.record.is_on() {
                    return Err("nothing is recorded: the setting of the record is 0".to_owned());
                }
                let filter = read(filter.unwrap_or_default())?;
                let wanted = Wanted::by(&[&filter]);
                let at = after.map_or_else(|| watched.record.next(), |after| after.saturating_add(1));
                What::Pdus(Box::new(Pdus { filter, wanted, at, answered: Answered::default() }))
            }
        };
        Ok(Self { id, is_paused: false, what })
    }

    /// What is new.
    fn look(&mut self, watched: &Watched) -> Option<Message> {
        if self.is_paused {
            return None;
        }
        match &mut self.what {
            What::Stats(seen) => {
                let (samples, item) = watched.series.after(*seen);
                *seen = samples;
                item.map(|item| text_of(Batch { id: self.id, items: vec![item], skipped: 0 }))
            }
            What::Pdus(pdus) => {
                let (items, skipped) = pdus.look(watched);
                let news = !items.is_empty() || skipped > 0;
                news.then(|| text_of(Batch { id: self.id, items, skipped }))
            }
        }
    }
}

impl Pdus {
    /// Lines of what matches, and how many PDUs were not looked at.
    fn look(&mut self, watched: &Watched) -> (Vec<Row>, u64) {
        let record = &watched.record;
        let end = record.next();
        let mut skipped = 0;
        if end.saturating_sub(self.at) > BEHIND {
            let newest = end - ITEMS as u64;
            skipped = newest - self.at;
            self.at = newest;
        }
        let (mut items, mut looked_at) = (Vec::new(), 0);
        while self.at < end && looked_at < LOOKED_AT && items.len() < ITEMS {
            let read = record.read(self.at, ITEMS);
            skipped += read.missed;
            if read.entries.is_empty() {
                // It was reset.
                self.at = read.next;
                break;
            }
            for entry in &read.entries {
                if items.len() >= ITEMS {
                    break;
                }
                self.at = entry.number + 1;
                looked_at += 1;
                let answered = self.answered.see(entry);
                if self.filter.is_empty() || self.filter.holds(&entry.facts(&self.wanted)) {
                    items.push(Row::of(entry, answered));
                }
            }
        }
        (items, skipped)
    }
}

/// A filter, as the parameters of a query would say it.
fn read(filter: BTreeMap<String, Json>) -> Result<Filter, String> {
    let mut object = serde_json::Map::new();
    for (name, pattern) in filter {
        // The record blanks it out; a pattern could find it out letter by letter.
        if name == "password" {
            return Err("password is not told, and not asked for".to_owned());
        }
        object.insert(name, pattern);
    }
    serde_json::from_value(Json::Object(object)).map_err(|error| error.to_string())
}
