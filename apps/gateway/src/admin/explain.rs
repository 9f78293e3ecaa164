//! A dry run of the routes.

use axum::extract::State;
use smppkit_ops::{Json, Problem};

use super::Operated;
use crate::explain::{Explained, Question, answer};

/// Says where a message would go and why, and what would be sent; nothing is.
#[utoipa::path(post, path = "/api/v1/explain", tag = "routes", request_body = Question,
    responses((status = 200, body = Explained), (status = 400, body = Problem), (status = 413, body = Problem),
        (status = 415, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn explain(
    State(operated): State<Operated>,
    Json(question): Json<Question>,
) -> Result<Json<Explained>, Problem> {
    let hub = &operated.hub;
    let (plan, now_ms) = (hub.plan.load_full(), hub.now().unix_ms);
    let explained = answer(&plan, &plan.at(now_ms), &question, now_ms, hub.dice());
    explained.map(Json).map_err(|bad| Problem::unprocessable(bad.to_string()).with("field", bad.field))
}
