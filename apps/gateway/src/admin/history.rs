//! Who changed what, and when.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use smppkit_ops::{Json, Problem, Query};
use utoipa::{IntoParams, ToSchema};

use super::Operated;
use super::operated::limit;
use crate::entities::{Change, Subject};

/// Changes of accounts, connectors and routes.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Changes {
    /// The newest first.
    items: Vec<Change>,
    /// Give it as `before` to go on; nothing where there are no more.
    next: Option<u64>,
}

/// Which changes.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// Only of these.
    #[param(inline)]
    kind: Option<Subject>,
    /// Only of the one with this name.
    name: Option<String>,
    /// Only those before this number.
    before: Option<u64>,
    /// So many at most: 50 by default, up to 1000.
    #[param(minimum = 1, maximum = 1_000)]
    limit: Option<usize>,
}

/// Changes in one answer at most.
const LIMIT: usize = 1_000;

/// Who made, changed or took away which account, connector or route, over REST or by the file read again.
/// The settings before and after are without passwords.
#[utoipa::path(get, path = "/api/v1/history", tag = "history", params(Wanted),
    responses((status = 200, body = Changes), (status = 400, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn list(
    State(operated): State<Operated>,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Changes>, Problem> {
    let Wanted { kind, name, before, limit: most } = wanted;
    let most = limit(most, 50, LIMIT)?;
    let is_wanted = |change: &Change| {
        kind.is_none_or(|kind| change.kind == kind) && name.as_ref().is_none_or(|name| change.name == *name)
    };
    // One more, to see whether it goes on.
    let mut items = operated.entities.history(before, most + 1, is_wanted);
    let goes_on = items.len() > most;
    items.truncate(most);
    let next = items.last().filter(|_| goes_on).map(|change| change.number);
    Ok(Json(Changes { items, next }))
}
