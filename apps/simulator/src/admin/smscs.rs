//! The SMSCs and their settings; what comes with the simulator; beginning anew.

use axum::extract::State;
use serde::Serialize;
use serde_json::{Map, Value};
use smppkit_ops::{Json, Path, Problem};
use utoipa::ToSchema;

use super::{Operated, accounts};
use crate::dialect::Dialect;
use crate::node::Node;
use crate::rules::PRESETS;
use crate::settings::SmscSettings;

/// An SMSC in short.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Smsc {
    /// Its name, by which the other routes know it.
    name: String,
    /// Where it listens.
    addresses: Vec<String>,
    /// Sessions that are bound.
    bound: usize,
    /// Messages it remembers.
    messages: usize,
    /// Receipts and mobile-originated messages that wait for a session.
    waiting: usize,
    /// Those that nobody took, and that had to be dropped.
    dropped: u64,
    /// Faults that are switched on: rules that came over REST and whose names begin with `fault: `, as those of the
    /// console's switches do.
    faults: usize,
}

/// What the names of faults begin with.
const FAULT: &str = "fault: ";

/// Something with a name.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Named {
    name: String,
    /// What it is, on one line.
    about: String,
}

/// The SMSCs of this process.
#[utoipa::path(get, path = "/api/v1/smscs", tag = "smscs", responses((status = 200, body = Vec<Smsc>)))]
pub(super) async fn list(State(operated): State<Operated>) -> Json<Vec<Smsc>> {
    let addresses = operated.hub.addresses.get();
    let describe = |node: &std::sync::Arc<Node>| {
        let of = |(name, address): &(String, String)| (**name == *node.name).then(|| address.clone());
        let load = node.smsc().load();
        Smsc {
            name: node.name.to_string(),
            addresses: addresses.map_or(&[][..], Vec::as_slice).iter().filter_map(of).collect(),
            bound: load.bound,
            messages: load.messages,
            waiting: load.waiting,
            dropped: load.dropped,
            faults: node.added().iter().filter(|rule| rule.name.starts_with(FAULT)).count(),
        }
    };
    Json(operated.nodes.iter().map(describe).collect())
}

/// The settings of an SMSC.
#[utoipa::path(get, path = "/api/v1/smscs/{smsc}", tag = "smscs",
    params(("smsc" = String, Path, description = "The SMSC's name")),
    responses((status = 200, body = SmscSettings), (status = 400, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn one(
    State(operated): State<Operated>,
    Path(smsc): Path<String>,
) -> Result<Json<SmscSettings>, Problem> {
    Ok(Json(SmscSettings::clone(&operated.node(&smsc)?.settings.load())))
}

/// What cannot change while it runs.
const FIXED: &[&str] = &[
    "name",
    "listen",
    "tls_listen",
    "tls_certificate",
    "tls_key",
    "tls_client_ca",
    "outbind",
    "mo_file",
    "account",
    "session_init",
    "enquire_link",
    "inactivity",
    "response",
    "window",
    "throughput",
    "max_pdu",
    "version",
];

/// Changes settings of an SMSC: those that are given.
///
/// Where it listens, its versions and its timers stay as they are while it runs; accounts have a route of their own.
#[utoipa::path(patch, path = "/api/v1/smscs/{smsc}", tag = "smscs",
    request_body(content = Object, example = json!({"dialect": "hex-to-decimal", "receipt_delay": "1s..5s"})),
    params(("smsc" = String, Path, description = "The SMSC's name")),
    responses((status = 200, body = SmscSettings), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 413, body = Problem), (status = 415, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn change(
    State(operated): State<Operated>,
    Path(smsc): Path<String>,
    Json(given): Json<Map<String, Value>>,
) -> Result<Json<SmscSettings>, Problem> {
    let node = operated.node(&smsc)?;
    if let Some(fixed) = FIXED.iter().find(|name| given.contains_key(**name)) {
        return Err(Problem::unprocessable(format!("{fixed}: cannot be changed here while the SMSC runs"))
            .with("field", *fixed));
    }
    accounts::change(node, |settings| {
        let (account, mut whole) =
            (settings.account.clone(), serde_json::to_value(&*settings).unwrap_or_default());
        if let Some(whole) = whole.as_object_mut() {
            // Passwords are not written, and so not read.
            whole.remove("account");
            whole.extend(given);
        }
        let read = serde_json::from_value(whole);
        *settings = read.map_err(|error: serde_json::Error| Problem::unprocessable(error.to_string()))?;
        settings.account = account;
        if operated.hub.settings.load().dialect(&settings.dialect).is_none() {
            let detail = format!("dialect: {:?} is none: GET /api/v1/dialects lists them", settings.dialect);
            return Err(Problem::unprocessable(detail).with("field", "dialect"));
        }
        Ok(())
    })?;
    Ok(Json(SmscSettings::clone(&node.settings.load())))
}

/// Forgets messages, the record, and rules that came over REST: for the next test. Sessions stay bound.
#[utoipa::path(post, path = "/api/v1/reset", tag = "record", responses((status = 204)))]
pub(super) async fn reset(State(operated): State<Operated>) -> axum::http::StatusCode {
    for node in operated.nodes.iter() {
        node.reset();
    }
    operated.hub.record.reset();
    axum::http::StatusCode::NO_CONTENT
}

/// The presets: sets of rules that come with the simulator.
#[utoipa::path(get, path = "/api/v1/presets", tag = "rules", responses((status = 200, body = Vec<Named>)))]
pub(super) async fn presets() -> Json<Vec<Named>> {
    Json(PRESETS.iter().map(|preset| Named { name: preset.name.to_owned(), about: preset.about() }).collect())
}

/// The dialects of message_id and receipts that come with the simulator.
#[utoipa::path(get, path = "/api/v1/dialects", tag = "rules", responses((status = 200, body = Vec<Named>)))]
pub(super) async fn dialects() -> Json<Vec<Named>> {
    Json(
        Dialect::all()
            .map(|(name, dialect)| Named { name: name.to_owned(), about: dialect.about.clone() })
            .collect(),
    )
}
