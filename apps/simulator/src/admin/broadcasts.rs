//! Broadcasts: where each of them stands, and cancelling one.

use axum::extract::State;
use serde::Serialize;
use smppkit_admin::record::time;
use smppkit_net::Now;
use smppkit_ops::{Json, Path, Problem};
use utoipa::ToSchema;

use super::Operated;
use crate::smsc::{self, NotCancelled, Smsc};

/// A broadcast, as query_broadcast_sm tells it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Broadcast {
    message_id: String,
    /// The account that sent it.
    system_id: String,
    source_addr: String,
    service_type: String,
    /// SCHEDULED, ENROUTE, EXPIRED or DELETED, which is cancelled.
    message_state: String,
    /// When it begins, or began.
    starts: String,
    /// When it ended, or will; nothing if it goes on until it is cancelled.
    ends: Option<String>,
    areas: Vec<Area>,
}

/// An area of a broadcast.
#[derive(Debug, Serialize, ToSchema)]
struct Area {
    /// broadcast_area_identifier, as hexadecimal digits.
    identifier: String,
    /// broadcast_area_success: percent of the area's base stations that took it. Every area of a simulator succeeds.
    success: u8,
}

impl Broadcast {
    fn of(smsc: &Smsc, broadcast: &smsc::Broadcast, now_ms: i64) -> Self {
        let area = |identifier: &Vec<u8>| Area {
            identifier: smppkit_inspect::hex(identifier),
            success: broadcast.success(now_ms),
        };
        Self {
            message_id: broadcast.message_id.to_text(),
            system_id: smsc.system_id(broadcast.account),
            source_addr: broadcast.source_addr.to_text(),
            service_type: broadcast.service_type.to_text(),
            message_state: broadcast.state(now_ms).to_string(),
            starts: time(broadcast.starts_ms),
            ends: broadcast.end_ms().map(time),
            areas: broadcast.areas.iter().map(area).collect(),
        }
    }
}

/// Broadcasts in one answer at most.
const LIMIT: usize = 1_000;

/// The latest broadcasts of an SMSC, the oldest first, with the state of each and of its areas.
#[utoipa::path(get, path = "/api/v1/smscs/{smsc}/broadcasts", tag = "broadcasts",
    params(("smsc" = String, Path, description = "The SMSC's name")),
    responses((status = 200, body = Vec<Broadcast>), (status = 400, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn list(
    State(operated): State<Operated>,
    Path(smsc): Path<String>,
) -> Result<Json<Vec<Broadcast>>, Problem> {
    let node = operated.node(&smsc)?;
    let now_ms = node.hub.unix_ms(Now::read());
    let smsc = node.smsc();
    Ok(Json(smsc.broadcasts(LIMIT).iter().map(|one| Broadcast::of(&smsc, one, now_ms)).collect()))
}

/// Cancels a broadcast, as cancel_broadcast_sm of its sender would. One that has ended is a 409.
#[utoipa::path(delete, path = "/api/v1/smscs/{smsc}/broadcasts/{message_id}", tag = "broadcasts",
    params(("smsc" = String, Path, description = "The SMSC's name"),
        ("message_id" = String, Path, description = "The broadcast's message_id")),
    responses((status = 200, body = Broadcast), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem)))]
pub(super) async fn cancel(
    State(operated): State<Operated>,
    Path((smsc, message_id)): Path<(String, String)>,
) -> Result<Json<Broadcast>, Problem> {
    let node = operated.node(&smsc)?;
    let now_ms = node.hub.unix_ms(Now::read());
    let mut smsc = node.smsc();
    match smsc.end_broadcast(now_ms, &message_id) {
        Ok(broadcast) => Ok(Json(Broadcast::of(&smsc, &broadcast, now_ms))),
        Err(NotCancelled::Unknown) => {
            Err(Problem::not_found(format!("there is no broadcast {message_id:?}, or it is forgotten")))
        }
        Err(NotCancelled::Ended(state)) => {
            Err(Problem::conflict(format!("broadcast {message_id} is {state}: it has ended")))
        }
    }
}
