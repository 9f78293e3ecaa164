//! Records of ended messages, for billing.

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use smppkit_ops::{Json, Problem, Query};
use utoipa::{IntoParams, ToSchema};

use super::Operated;
use super::csv::line;
use super::operated::limit;
use super::shown::{COLUMNS, Shown};

/// Records of ended messages.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Cdrs {
    /// In the order of their ends being written.
    items: Vec<Cdr>,
    /// Give it as `after` to go on; as it was given when there is nothing more.
    last: u64,
}

/// One ended message.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Cdr {
    /// Grows from record to record, and is never used twice.
    seq: u64,
    #[serde(flatten)]
    message: Shown,
}

/// Which records, and how.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// Only those after this `seq`. Default 0: from the first that is kept.
    #[serde(default)]
    #[param(required = false)]
    after: u64,
    /// So many at most: 1000 by default, up to 10000.
    #[param(minimum = 1, maximum = 10_000)]
    limit: Option<usize>,
    /// `json` by default.
    #[serde(default)]
    #[param(required = false, inline)]
    format: Format,
}

/// How records are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Format {
    /// One document.
    #[default]
    Json,
    /// A table with headings; a cell that a spreadsheet would take for a formula begins with an apostrophe.
    Csv,
}

/// Records in one answer at most.
const LIMIT: usize = 10_000;

/// Records of ended messages, in the order of their ends being written: some seconds up to a minute
/// after they ended. A message that is replayed has another one when it ends again.
#[utoipa::path(get, path = "/api/v1/cdrs", tag = "cdrs", params(Wanted),
    responses((status = 200, content((Cdrs = "application/json"), (String = "text/csv"))), (status = 400, body = Problem), (status = 422, body = Problem),
        (status = 503, body = Problem)))]
pub(super) async fn list(
    State(operated): State<Operated>,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Problem> {
    let limit = limit(wanted.limit, 1_000, LIMIT)?;
    let after = wanted.after.min(i64::MAX.unsigned_abs());
    let cdrs = operated.read(move |reader| reader.cdrs(after, limit)).await?;
    let last = cdrs.last().map_or(wanted.after, |cdr| cdr.seq);
    let cdrs = cdrs.iter().map(|cdr| Cdr { seq: cdr.seq, message: Shown::of(&cdr.message) });
    if wanted.format == Format::Json {
        return Ok(Json(Cdrs { items: cdrs.collect(), last }).into_response());
    }
    let mut table = String::new();
    line(&mut table, std::iter::once("seq").chain(COLUMNS));
    for cdr in cdrs {
        line(&mut table, std::iter::once(cdr.seq.to_string()).chain(cdr.message.cells()));
    }
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"cdrs.csv\""),
    ];
    Ok((headers, table).into_response())
}
