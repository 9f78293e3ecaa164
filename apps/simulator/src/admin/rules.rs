//! Rules, changed while the simulator runs.

use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use smppkit_ops::{Json, Path, Problem};
use utoipa::ToSchema;

use super::Operated;
use crate::node::Node;
use crate::rules::Rule;

/// A rule, and what it did.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Counted {
    /// Its place, from 0: the first that a PDU matches counts.
    place: usize,
    /// Where it is from: `rest`, or `file` (its presets among them), which cannot be changed here.
    from: &'static str,
    /// PDUs for which its conditions held.
    held: u64,
    /// PDUs it took.
    taken: u64,
    /// The rule.
    rule: Rule,
}

/// Rules an SMSC takes over REST at most.
const LIMIT: usize = 1_000;

fn counted(node: &Node) -> Vec<Counted> {
    let added = node.added().len();
    let rules = node.rules.load();
    let counts = rules.counts().enumerate();
    counts
        .map(|(place, (rule, held, taken))| {
            let from = if place < added { "rest" } else { "file" };
            Counted { place, from, held, taken, rule: rule.clone() }
        })
        .collect()
}

/// The rules of an SMSC in their order, and how often each applied.
#[utoipa::path(get, path = "/api/v1/smscs/{smsc}/rules", tag = "rules",
    params(("smsc" = String, Path, description = "The SMSC's name")),
    responses((status = 200, body = Vec<Counted>), (status = 400, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn list(
    State(operated): State<Operated>,
    Path(smsc): Path<String>,
) -> Result<Json<Vec<Counted>>, Problem> {
    Ok(Json(counted(operated.node(&smsc)?)))
}

/// Adds a rule in front of all others.
#[utoipa::path(post, path = "/api/v1/smscs/{smsc}/rules", tag = "rules", request_body = Rule,
    params(("smsc" = String, Path, description = "The SMSC's name")),
    responses((status = 201, body = Vec<Counted>), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 413, body = Problem), (status = 415, body = Problem),
        (status = 422, body = Problem)))]
pub(super) async fn add(
    State(operated): State<Operated>,
    Path(smsc): Path<String>,
    Json(rule): Json<Rule>,
) -> Result<(StatusCode, Json<Vec<Counted>>), Problem> {
    let node = operated.node(&smsc)?;
    change(node, |rules| rules.insert(0, rule))?;
    Ok((StatusCode::CREATED, Json(counted(node))))
}

/// Puts rules in place of all that came over REST.
#[utoipa::path(put, path = "/api/v1/smscs/{smsc}/rules", tag = "rules", request_body = Vec<Rule>,
    params(("smsc" = String, Path, description = "The SMSC's name")),
    responses((status = 200, body = Vec<Counted>), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 413, body = Problem), (status = 415, body = Problem),
        (status = 422, body = Problem)))]
pub(super) async fn replace(
    State(operated): State<Operated>,
    Path(smsc): Path<String>,
    Json(given): Json<Vec<Rule>>,
) -> Result<Json<Vec<Counted>>, Problem> {
    let node = operated.node(&smsc)?;
    change(node, |rules| *rules = given)?;
    Ok(Json(counted(node)))
}

/// Takes away all rules that came over REST.
#[utoipa::path(delete, path = "/api/v1/smscs/{smsc}/rules", tag = "rules",
    params(("smsc" = String, Path, description = "The SMSC's name")),
    responses((status = 200, body = Vec<Counted>), (status = 400, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn clear(
    State(operated): State<Operated>,
    Path(smsc): Path<String>,
) -> Result<Json<Vec<Counted>>, Problem> {
    let node = operated.node(&smsc)?;
    change(node, Vec::clear)?;
    Ok(Json(counted(node)))
}

/// Takes away one rule that came over REST.
#[utoipa::path(delete, path = "/api/v1/smscs/{smsc}/rules/{place}", tag = "rules",
    params(("smsc" = String, Path, description = "The SMSC's name"),
        ("place" = u32, Path, description = "The rule's place, from 0")),
    responses((status = 200, body = Vec<Counted>), (status = 400, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn remove(
    State(operated): State<Operated>,
    Path((smsc, place)): Path<(String, u32)>,
) -> Result<Json<Vec<Counted>>, Problem> {
    let node = operated.node(&smsc)?;
    let removed = change(node, |rules| {
        let place = place as usize;
        (place < rules.len()).then(|| rules.remove(place))
    })?;
    match removed {
        Some(_) => Ok(Json(counted(node))),
        None => Err(Problem::not_found(format!("no rule that came over REST is at place {place}"))),
    }
}

fn change<R>(node: &Node, change: impl FnOnce(&mut Vec<Rule>) -> R) -> Result<R, Problem> {
    let mut too_many = false;
    let changed = node.change_rules(|rules| {
        let before = rules.clone();
        let answer = change(rules);
        if rules.len() > LIMIT {
            too_many = true;
            *rules = before;
        }
        answer
    });
    if too_many {
        return Err(Problem::conflict(format!("there would be more than {LIMIT} rules")));
    }
    changed.map_err(|error| Problem::unprocessable(error.to_string()))
}
