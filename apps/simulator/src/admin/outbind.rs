//! Outbinds, sent on demand.

use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use smppkit_ops::{Json, Path, Problem};
use smppkit_wire::pdu::table;
use utoipa::ToSchema;

use super::Operated;
use super::matching::unless_stopped;
use super::sessions::Session;
use crate::outbind::Failure;

/// An ESME that listens, and what it is sent.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Outbind {
    /// Where it listens, as HOST:PORT. It has to be in a network of `--client-target`, by default on this machine.
    #[schema(example = "127.0.0.1:3775")]
    address: String,
    /// The system_id in the outbind. Default: that of the SMSC.
    #[schema(max_length = 15)]
    system_id: Option<String>,
    /// The password in it. Default: none.
    #[schema(max_length = 8)]
    password: Option<String>,
}

/// Connects to an ESME, sends outbind, and waits until it is bound; the session then is as any other.
///
/// A 409 says why nobody bound, and its `outcome` in a word: `not-connected`, `refused` (the bind was), `timed-out`
/// (nobody bound within session_init) or `closed`.
#[utoipa::path(post, path = "/api/v1/smscs/{smsc}/outbind", tag = "sessions", request_body = Outbind,
    params(("smsc" = String, Path, description = "The SMSC's name")),
    responses((status = 200, body = Session), (status = 400, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem), (status = 413, body = Problem),
        (status = 415, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn send(
    State(operated): State<Operated>,
    Path(smsc): Path<String>,
    Json(asked): Json<Outbind>,
) -> Result<Json<Session>, Problem> {
    let node = operated.node(&smsc)?;
    let to = asked.address.rsplit_once(':').filter(|(host, _)| !host.is_empty());
    let to = to.and_then(|(host, port)| Some((host, port.parse::<u16>().ok().filter(|port| *port > 0)?)));
    let wrong =
        |field: &str, why: &str| Problem::unprocessable(format!("{field}: {why}")).with("field", field);
    let to = to.ok_or_else(|| wrong("address", &format!("{:?} is not HOST:PORT", asked.address)))?;
    let settings = node.settings.load();
    let system_id = asked.system_id.as_deref().unwrap_or(&settings.system_id);
    let password = asked.password.as_deref().unwrap_or_default();
    let outbind = table::Outbind {
        system_id: system_id.parse().map_err(|error| wrong("system_id", &format!("{error}")))?,
        password: password.parse().map_err(|error| wrong("password", &format!("{error}")))?,
        ..table::Outbind::default()
    };
    let sent = async {
        let card = operated.outbinds.send(node, to, &outbind).await.map_err(|failure| problem(&failure))?;
        Ok(Json(Session::of(&card)))
    };
    unless_stopped(&operated.hub, sent).await
}

fn problem(failure: &Failure) -> Problem {
    let detail = failure.to_string();
    let problem = match failure {
        Failure::Target(_) => Problem::new(StatusCode::FORBIDDEN, detail),
        Failure::Busy => Problem::unavailable(detail),
        _ => Problem::conflict(detail),
    };
    problem.with("outcome", failure.name())
}
