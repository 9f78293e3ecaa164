//! What a change is meant for, whether it is, and whose it is.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use serde::Deserialize;
use smppkit_ops::{Problem, Query, Who};
use utoipa::IntoParams;

/// What stands beside the body of a change.
#[derive(Debug)]
pub(super) struct Meant {
    /// The revision that it is meant for; any if none is named.
    pub(super) revision: Option<u64>,
    /// Whether it is only looked whether it could be.
    pub(super) check: bool,
    pub(super) who: Who,
}

/// Whether a change is meant.
#[derive(Debug, Clone, Copy, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Trial {
    /// Whether only to say what would be answered: nothing is changed. Default false.
    #[serde(default)]
    #[param(required = false)]
    check: bool,
}

impl<S: Send + Sync> FromRequestParts<S> for Meant {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Query(Trial { check }) = Query::from_request_parts(parts, state).await?;
        let who = Who::from_request_parts(parts, state).await?;
        Ok(Self { revision: meant_for(&parts.headers)?, check, who })
    }
}

/// The revision in If-Match, if there is one.
fn meant_for(headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    let Some(given) = headers.get(header::IF_MATCH) else { return Ok(None) };
    let given = given.to_str().unwrap_or_default();
    if given == "*" {
        return Ok(None);
    }
    let revision = given.trim_start_matches("W/").trim_matches('"').parse();
    revision.map(Some).map_err(|_| {
        Problem::new(StatusCode::PRECONDITION_FAILED, format!("If-Match: {given:?} is no revision of ours"))
    })
}
