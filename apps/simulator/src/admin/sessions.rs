//! Sessions: who is bound, and ending one.

use std::sync::atomic::Ordering;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use smppkit_admin::record::{Place, Vitals, time};
use smppkit_ops::{Json, Path, Problem, Query};
use utoipa::{IntoParams, ToSchema};

use super::Operated;
use crate::rules::Fate;
use crate::session::Card;
use crate::smsc::Order;

/// A session.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Session {
    id: u64,
    smsc: String,
    /// The ESME's address.
    peer: String,
    /// When it connected.
    since: String,
    /// Who it is bound as; nothing before it is.
    system_id: Option<String>,
    /// transmitter, receiver or transceiver.
    bind_mode: Option<&'static str>,
    /// The protocol version.
    interface_version: Option<&'static str>,
    /// PDUs that came from it.
    pdus_in: u64,
    /// PDUs that went to it.
    pdus_out: u64,
    /// When the last one passed.
    last: Option<String>,
    #[serde(flatten)]
    vitals: Vitals,
}

impl Session {
    pub(super) fn of(card: &Card) -> Self {
        let bound = card.party.bound.get();
        let last_ms = i64::try_from(card.last_ms.load(Ordering::Relaxed)).unwrap_or_default();
        Self {
            id: card.party.session,
            smsc: smsc_of(card).to_owned(),
            peer: card.party.peer.to_string(),
            since: time(card.since_ms),
            system_id: bound.map(|bound| bound.system_id.clone()),
            bind_mode: bound.map(|bound| bound.mode),
            interface_version: bound.map(|bound| bound.version.name()),
            pdus_in: card.came.load(Ordering::Relaxed),
            pdus_out: card.went.load(Ordering::Relaxed),
            last: (last_ms > 0).then(|| time(last_ms)),
            vitals: card.party.vitals(),
        }
    }
}

fn smsc_of(card: &Card) -> &str {
    match &card.party.place {
        Place::Smsc(name) => name,
        Place::Gateway | Place::Connector(_) => "",
    }
}

/// Sessions at most in one answer.
const LIMIT: usize = 10_000;

/// Which sessions.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Whose {
    /// Only those of this SMSC.
    smsc: Option<String>,
    /// Only those that are bound as this.
    system_id: Option<String>,
}

impl Whose {
    fn holds(&self, card: &Card) -> bool {
        let bound = card.party.bound.get();
        self.smsc.as_deref().is_none_or(|smsc| smsc == smsc_of(card))
            && self.system_id.as_ref().is_none_or(|id| bound.is_some_and(|bound| bound.system_id == *id))
    }
}

/// The sessions there are, the oldest first.
#[utoipa::path(get, path = "/api/v1/sessions", tag = "sessions", params(Whose),
    responses((status = 200, body = Vec<Session>), (status = 400, body = Problem)))]
pub(super) async fn list(State(operated): State<Operated>, Query(whose): Query<Whose>) -> Json<Vec<Session>> {
    let sessions = operated.hub.sessions();
    let cards: Vec<_> = sessions.values().filter(|card| whose.holds(card)).take(LIMIT).cloned().collect();
    drop(sessions);
    Json(cards.iter().map(|card| Session::of(card)).collect())
}

/// How a session is to end.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct How {
    /// `unbind` by default.
    how: Option<Fate>,
}

/// Ends a session: politely, or as a network would.
#[utoipa::path(delete, path = "/api/v1/sessions/{id}", tag = "sessions",
    params(("id" = u64, Path, description = "The session's id"), How),
    responses((status = 200, body = Session), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 422, body = Problem)))]
pub(super) async fn end(
    State(operated): State<Operated>,
    Path(id): Path<u64>,
    Query(how): Query<How>,
) -> Result<Json<Session>, Problem> {
    let card = operated.hub.sessions().get(&id).cloned();
    let card = card.ok_or_else(|| Problem::not_found(format!("there is no session {id}")))?;
    card.mailbox.give(Order(how.how.unwrap_or(Fate::Unbind)));
    Ok(Json(Session::of(&card)))
}
