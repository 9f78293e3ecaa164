//! Sessions: who is bound, and ending one.

use std::sync::atomic::Ordering;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use smppkit_admin::record::Vitals;
use smppkit_ops::{Json, Path, Problem, Query};
use utoipa::{IntoParams, ToSchema};

use super::Operated;
use super::moment::Moment;
use crate::note::Order;
use crate::sessions::{Card, Side};

/// A bound session.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Session {
    id: u64,
    /// The account that is bound, if it is an ESME's session.
    account: Option<String>,
    /// The connector it is at, if it is one of ours.
    connector: Option<String>,
    /// The other side's address.
    peer: String,
    /// When it was bound.
    since: Moment,
    /// transmitter, receiver or transceiver.
    bind_mode: &'static str,
    /// The protocol version.
    interface_version: &'static str,
    /// Requests that went out.
    sent: u64,
    /// Requests that came in.
    received: u64,
    #[serde(flatten)]
    vitals: Vitals,
}

impl Session {
    fn of(card: &Card) -> Self {
        let (account, connector) = match &card.side {
            Side::Account(name) => (Some(name.to_string()), None),
            Side::Connector(name) => (None, Some(name.to_string())),
        };
        Self {
            id: card.party.session,
            account,
            connector,
            peer: card.party.peer.to_string(),
            since: Moment(card.since_ms),
            bind_mode: card.mode.name(),
            interface_version: card.version.name(),
            sent: card.sent.load(Ordering::Relaxed),
            received: card.received.load(Ordering::Relaxed),
            vitals: card.party.vitals(),
        }
    }
}

/// Which sessions.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Whose {
    /// Only those of this account.
    account: Option<String>,
    /// Only those at this connector.
    connector: Option<String>,
}

impl Whose {
    fn holds(&self, card: &Card) -> bool {
        let is = |wanted: &Option<String>, name: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| name == Some(wanted))
        };
        match &card.side {
            Side::Account(name) => is(&self.account, Some(name)) && self.connector.is_none(),
            Side::Connector(name) => is(&self.connector, Some(name)) && self.account.is_none(),
        }
    }
}

/// Sessions at most in one answer.
const LIMIT: usize = 20_000;

/// The sessions that are bound, the oldest first.
#[utoipa::path(get, path = "/api/v1/sessions", tag = "sessions", params(Whose),
    responses((status = 200, body = Vec<Session>), (status = 400, body = Problem)))]
pub(super) async fn list(State(operated): State<Operated>, Query(whose): Query<Whose>) -> Json<Vec<Session>> {
    let cards = operated.hub.sessions.list();
    Json(cards.iter().filter(|card| whose.holds(card)).take(LIMIT).map(|card| Session::of(card)).collect())
}

/// A way for a session to end.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum End {
    /// Unbound, once what was taken from it is answered.
    #[default]
    Unbind,
    /// Closed at once.
    Kick,
}

/// How a session is to end.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct How {
    /// `unbind` by default.
    #[serde(default)]
    #[param(required = false, inline)]
    how: End,
}

/// Ends a session. One of ours at a connector is made anew, as its connector says.
#[utoipa::path(delete, path = "/api/v1/sessions/{id}", tag = "sessions",
    params(("id" = u64, Path, description = "The session's id"), How),
    responses((status = 200, body = Session), (status = 400, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn end(
    State(operated): State<Operated>,
    Path(id): Path<u64>,
    Query(how): Query<How>,
) -> Result<Json<Session>, Problem> {
    let sessions = &operated.hub.sessions;
    let card = sessions.list().into_iter().find(|card| card.party.session == id);
    let card = card.ok_or_else(|| Problem::not_found(format!("there is no session {id}")))?;
    let order = match how.how {
        End::Unbind => Order::Unbind,
        End::Kick => Order::Kick,
    };
    sessions.order(order, |card| card.party.session == id);
    Ok(Json(Session::of(&card)))
}
