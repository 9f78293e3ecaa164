//! Routes, a list at a time: their order counts.

use axum::extract::State;
use smppkit_ops::{Json, Problem};
use smppkit_route::Rule;

use super::Operated;
use super::entities::{Revised, ShownRoute};
use super::meant::{Meant, Trial};
use crate::entities::Routes;

/// The routes of messages from accounts, in the order in which they are asked: those made over REST
/// before those of the file.
#[utoipa::path(get, path = "/api/v1/routes", tag = "routes",
    responses((status = 200, body = Vec<ShownRoute>, headers(("ETag" = String, description = "The revision")))))]
pub(super) async fn list(State(operated): State<Operated>) -> Revised<Vec<ShownRoute>> {
    operated.revised(operated.routes(Routes::Submitted))
}

/// Puts these in place of all routes that were made over REST. Those of the file stay, behind them.
#[utoipa::path(put, path = "/api/v1/routes", tag = "routes", request_body = Vec<Rule>,
    params(Trial, ("If-Match" = Option<String>, Header, description = "The revision that it is meant for")),
    responses((status = 200, body = Vec<ShownRoute>, headers(("ETag" = String, description = "The new revision"))),
        (status = 400, body = Problem), (status = 412, body = Problem), (status = 413, body = Problem),
        (status = 415, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn put(
    State(operated): State<Operated>,
    meant: Meant,
    Json(rules): Json<Vec<Rule>>,
) -> Result<Revised<Vec<ShownRoute>>, Problem> {
    replace(&operated, Routes::Submitted, meant, rules).await
}

/// Takes all routes away that were made over REST.
#[utoipa::path(delete, path = "/api/v1/routes", tag = "routes",
    params(Trial, ("If-Match" = Option<String>, Header, description = "The revision that it is meant for")),
    responses((status = 200, body = Vec<ShownRoute>, headers(("ETag" = String, description = "The new revision"))),
        (status = 400, body = Problem), (status = 412, body = Problem), (status = 422, body = Problem),
        (status = 503, body = Problem)))]
pub(super) async fn clear(
    State(operated): State<Operated>,
    meant: Meant,
) -> Result<Revised<Vec<ShownRoute>>, Problem> {
    replace(&operated, Routes::Submitted, meant, Vec::new()).await
}

/// The routes of messages from connectors, likewise.
#[utoipa::path(get, path = "/api/v1/mo_routes", tag = "routes",
    responses((status = 200, body = Vec<ShownRoute>, headers(("ETag" = String, description = "The revision")))))]
pub(super) async fn list_mo(State(operated): State<Operated>) -> Revised<Vec<ShownRoute>> {
    operated.revised(operated.routes(Routes::Incoming))
}

/// Puts these in place of all routes of messages from connectors that were made over REST.
#[utoipa::path(put, path = "/api/v1/mo_routes", tag = "routes", request_body = Vec<Rule>,
    params(Trial, ("If-Match" = Option<String>, Header, description = "The revision that it is meant for")),
    responses((status = 200, body = Vec<ShownRoute>, headers(("ETag" = String, description = "The new revision"))),
        (status = 400, body = Problem), (status = 412, body = Problem), (status = 413, body = Problem),
        (status = 415, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn put_mo(
    State(operated): State<Operated>,
    meant: Meant,
    Json(rules): Json<Vec<Rule>>,
) -> Result<Revised<Vec<ShownRoute>>, Problem> {
    replace(&operated, Routes::Incoming, meant, rules).await
}

/// Takes all routes of messages from connectors away that were made over REST.
#[utoipa::path(delete, path = "/api/v1/mo_routes", tag = "routes",
    params(Trial, ("If-Match" = Option<String>, Header, description = "The revision that it is meant for")),
    responses((status = 200, body = Vec<ShownRoute>, headers(("ETag" = String, description = "The new revision"))),
        (status = 400, body = Problem), (status = 412, body = Problem), (status = 422, body = Problem),
        (status = 503, body = Problem)))]
pub(super) async fn clear_mo(
    State(operated): State<Operated>,
    meant: Meant,
) -> Result<Revised<Vec<ShownRoute>>, Problem> {
    replace(&operated, Routes::Incoming, meant, Vec::new()).await
}

async fn replace(
    operated: &Operated,
    routes: Routes,
    meant: Meant,
    rules: Vec<Rule>,
) -> Result<Revised<Vec<ShownRoute>>, Problem> {
    let made = rules.len();
    let change = move |kept: &mut crate::entities::Kept| {
        *kept.routes(routes) = rules;
        Ok(())
    };
    let settings = operated.make(meant, change).await?;
    Ok(operated.revised(operated.routes_of(routes, &settings, made)))
}
