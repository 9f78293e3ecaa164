//! Messages from handsets, sent on demand.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use serde::{Deserialize, Serialize};
use smppkit_ops::{Json, Path, Problem, Query};
use smppkit_wire::pdu::table::DeliverSm;
use tokio::time::MissedTickBehavior;
use utoipa::{IntoParams, ToSchema};

use super::Operated;
use crate::mo::Mo;
use crate::node::Node;

/// What was put on its way.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Sent {
    /// The account that gets it.
    system_id: String,
    /// PDUs it takes.
    parts: usize,
}

/// Sends a message from a handset to an application.
///
/// The text is encoded and split as it needs. It waits for a session of the account that takes messages.
#[utoipa::path(post, path = "/api/v1/smscs/{smsc}/mo", tag = "messages", request_body = Mo,
    params(("smsc" = String, Path, description = "The SMSC's name")),
    responses((status = 202, body = Sent), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 413, body = Problem), (status = 415, body = Problem),
        (status = 422, body = Problem)))]
pub(super) async fn send(
    State(operated): State<Operated>,
    Path(smsc): Path<String>,
    Json(mo): Json<Mo>,
) -> Result<(StatusCode, Json<Sent>), Problem> {
    let node = operated.node(&smsc)?;
    let parts = mo.parts(node.next_reference()).map_err(Problem::unprocessable)?;
    let count = parts.len();
    let destination = parts.first().map(|part| part.destination_addr.to_text()).unwrap_or_default();
    let mut smsc = node.smsc();
    let account = smsc
        .account_for(mo.system_id.as_deref(), &destination)
        .map_err(|error| Problem::conflict(error.to_string()))?;
    smsc.send_mobile_originated(account, None, parts);
    let system_id = smsc.system_id(account);
    drop(smsc);
    Ok((StatusCode::ACCEPTED, Json(Sent { system_id, parts: count })))
}

/// How lines are sent.
#[derive(Debug, Deserialize, IntoParams)]
pub(super) struct Pace {
    /// Messages in a second, 10 by default.
    #[param(minimum = 1, maximum = 10_000)]
    rate: Option<u32>,
    /// The account that gets them. Default: the one that serves the number, or the only one bound.
    system_id: Option<String>,
}

/// What is on its way.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Queued {
    /// Messages.
    messages: usize,
}

/// Sends messages from handsets, one from each line: `source_addr,destination_addr,text`.
#[utoipa::path(post, path = "/api/v1/smscs/{smsc}/mo/file", tag = "messages",
    request_body(content = String, content_type = "text/csv", example = "447700900123,12345,Hello"),
    params(("smsc" = String, Path, description = "The SMSC's name"), Pace),
    responses((status = 202, body = Queued), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 413, body = Problem), (status = 415, body = Problem),
        (status = 422, body = Problem)))]
pub(super) async fn send_file(
    State(operated): State<Operated>,
    Path(smsc): Path<String>,
    Query(pace): Query<Pace>,
    headers: HeaderMap,
    body: String,
) -> Result<(StatusCode, Json<Queued>), Problem> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if !kind.starts_with("text/csv") {
        let detail = format!("the content is {kind:?}: want text/csv");
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
    }
    let node = Arc::clone(operated.node(&smsc)?);
    let rate = pace.rate.unwrap_or(10);
    if !(1..=10_000).contains(&rate) {
        return Err(
            Problem::unprocessable(format!("rate: {rate} is not from 1 to 10000")).with("parameter", "rate")
        );
    }
    let mos = read(&body, pace.system_id.as_deref()).map_err(Problem::unprocessable)?;
    let Some(turn) = node.begin_file() else {
        return Err(Problem::conflict("too many files are being sent: wait for one to end"));
    };
    let messages = mos.len();
    tokio::spawn(async move {
        send_all(&node, &mos, rate).await;
        drop(turn);
    });
    Ok((StatusCode::ACCEPTED, Json(Queued { messages })))
}

/// The messages of a file's lines; empty ones and those that begin with `#` are none.
pub(crate) fn read(text: &str, system_id: Option<&str>) -> Result<Vec<Mo>, String> {
    let lines =
        text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'));
    lines
        .map(|(at, line)| {
            let mo = Mo::from_csv(line).map_err(|error| format!("line {}: {error}", at + 1))?;
            mo.parts(0).map_err(|error| format!("line {}: {error}", at + 1))?;
            Ok(Mo { system_id: system_id.map(str::to_owned), ..mo })
        })
        .collect()
}

/// Sends them at a rate; those that have nobody to go to wait for somebody to bind.
pub(crate) async fn send_all(node: &Node, mos: &[Mo], rate: u32) {
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / rate.max(1));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for mo in mos {
        ticks.tick().await;
        let Ok(parts) = mo.parts(node.next_reference()) else { continue };
        loop {
            if post(node, mo, &parts) {
                break;
            }
            tokio::select! {
                () = tokio::time::sleep(Duration::from_millis(200)) => {}
                () = node.hub.stopped() => return,
            }
            // However long it waited, the next is not sent with it.
            ticks.reset();
        }
    }
}

/// Whether there was somebody to send it to.
fn post(node: &Node, mo: &Mo, parts: &[DeliverSm]) -> bool {
    let mut smsc = node.smsc();
    let account = smsc.account_for(mo.system_id.as_deref(), &mo.destination_addr);
    account.map(|account| smsc.send_mobile_originated(account, None, parts.to_vec())).is_ok()
}
