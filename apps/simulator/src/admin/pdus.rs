//! The record of PDUs: waits, and a stream of events.

use std::convert::Infallible;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use smppkit_admin::record::{Entry, Pdus};
use smppkit_admin::{Ask, LIMIT, Pairs};
use smppkit_inspect::Wanted;
use smppkit_ops::{Json, Problem, Query};

use super::Operated;
use super::matching::{Found, unless_stopped, wait as wait_for};

/// Summaries given when a wait fails.
const OTHERS: usize = 10;
/// PDUs taken out of the record at once.
const CHUNK: usize = 1_000;

/// Waits until PDUs match.
///
/// Conditions as for `GET /api/v1/pdus`. Without `after` all that is kept counts; `GET /api/v1/pdus?limit=1` says
/// where the record stands now. With `count=0` nothing may match until the time is up. A wait that fails is a 409
/// that says how many matched and what came instead.
#[utoipa::path(get, path = "/api/v1/pdus/wait", tag = "record",
    params(
        ("count" = Option<u32>, Query, description = "How many have to match, 1 by default", maximum = 100_000),
        ("timeout" = Option<String>, Query, description = "How long that may take, 10s by default, 5m at most", example = "5s"),
        ("after" = Option<u64>, Query, description = "Only those after this number"),
        ("command" = Option<String>, Query, description = "A pattern for the PDU's name", example = "submit_*"),
        ("direction" = Option<String>, Query, description = "`in` from an ESME, `out` to one"),
        ("system_id" = Option<String>, Query, description = "A pattern for the account"),
        ("destination_addr" = Option<String>, Query, description = "A pattern for the destination"),
        ("text" = Option<String>, Query, description = "A pattern for the text"),
    ),
    responses((status = 200, body = Pdus), (status = 400, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem)))]
pub(super) async fn wait(
    State(operated): State<Operated>,
    Query(pairs): Query<Pairs>,
) -> Result<Json<Pdus>, Problem> {
    let ask = Ask::new(pairs, &["count", "timeout", "after"])?;
    let wanted = Wanted::by(&[&ask.filter]);
    let record = &operated.hub.record;
    let mut at = ask.after.map_or_else(|| record.first(), |after| after.saturating_add(1));
    let (mut matching, mut others, mut missed) = (Vec::new(), std::collections::VecDeque::new(), 0);
    let look = || {
        loop {
            let read = record.read(at, CHUNK);
            missed += read.missed;
            at = read.next;
            if read.entries.is_empty() {
                break;
            }
            for entry in read.entries {
                if ask.filter.holds(&entry.facts(&wanted)) {
                    matching.push(entry);
                } else {
                    others.push_back(entry);
                    if others.len() > OTHERS {
                        others.pop_front();
                    }
                }
            }
        }
        Ok(Found { matching: vec![(); matching.len()], others: others.iter().map(summary).collect() })
    };
    unless_stopped(&operated.hub, wait_for(&operated.hub, ask.count, ask.timeout, look)).await?;
    let items = matching.iter().take(LIMIT).map(Entry::json).collect();
    Ok(Json(Pdus { items, last: at.saturating_sub(1), missed }))
}

fn summary(entry: &Entry) -> String {
    let octets = smppkit_inspect::Dissector::default().dissect(&entry.octets);
    format!("{} {}", entry.direction.name(), octets.summary())
}

/// PDUs as they come and go, as server-sent events.
///
/// Conditions as for `GET /api/v1/pdus`. Each event's data is one PDU, its id the PDU's number; give the last one
/// seen as `after` to go on. A `missed` event says how many were forgotten before they could be sent.
#[utoipa::path(get, path = "/api/v1/pdus/stream", tag = "record",
    params(
        ("after" = Option<u64>, Query, description = "Begin after this number; by default with what comes next"),
        ("command" = Option<String>, Query, description = "A pattern for the PDU's name", example = "submit_*"),
        ("direction" = Option<String>, Query, description = "`in` from an ESME, `out` to one"),
        ("system_id" = Option<String>, Query, description = "A pattern for the account"),
    ),
    responses((status = 200, body = String, content_type = "text/event-stream"), (status = 400, body = Problem),
        (status = 422, body = Problem)))]
pub(super) async fn stream(
    State(operated): State<Operated>,
    Query(pairs): Query<Pairs>,
) -> Result<Sse<impl futures_core::Stream<Item = Result<Event, Infallible>> + use<>>, Problem> {
    let ask = Ask::new(pairs, &["after"])?;
    let (sender, mut receiver) = tokio::sync::mpsc::channel::<Event>(CHUNK);
    // From here on nothing is missed, whenever the task begins.
    let next = operated.hub.record.next();
    tokio::spawn(feed(operated, ask, next, sender));
    let events = futures_core_stream(move |cx| receiver.poll_recv(cx));
    Ok(Sse::new(events).keep_alive(KeepAlive::default()))
}

/// Sends what matches, as fast as it is taken, until nobody takes it.
async fn feed(operated: Operated, ask: Ask, next: u64, events: tokio::sync::mpsc::Sender<Event>) {
    let hub = &operated.hub;
    let wanted = Wanted::by(&[&ask.filter]);
    let mut at = ask.after.map_or(next, |after| after.saturating_add(1));
    loop {
        let news = hub.record.news();
        let read = hub.record.read(at, CHUNK);
        at = read.next;
        if read.missed > 0 {
            let missed = Event::default().event("missed").data(read.missed.to_string());
            if events.send(missed).await.is_err() {
                return;
            }
        }
        if read.entries.is_empty() {
            tokio::select! {
                () = news => {}
                () = events.closed() => return,
                () = hub.stopped() => return,
            }
            // Few large steps are cheaper than many small ones.
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            continue;
        }
        for entry in read.entries {
            if !ask.filter.holds(&entry.facts(&wanted)) {
                continue;
            }
            let event = Event::default().id(entry.number.to_string()).data(entry.json().to_string());
            if events.send(event).await.is_err() {
                return;
            }
        }
    }
}

/// A stream out of a function that is polled.
fn futures_core_stream<T>(
    poll: impl FnMut(&mut std::task::Context<'_>) -> std::task::Poll<Option<T>> + Unpin,
) -> impl futures_core::Stream<Item = Result<T, Infallible>> {
    struct Polled<F>(F);

    impl<T, F: FnMut(&mut std::task::Context<'_>) -> std::task::Poll<Option<T>> + Unpin> futures_core::Stream
        for Polled<F>
    {
        type Item = Result<T, Infallible>;

        fn poll_next(
            mut self: std::pin::Pin<&mut Self>,
            cx: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Self::Item>> {
            (self.0)(cx).map(|item| item.map(Ok))
        }
    }

    Polled(poll)
}
