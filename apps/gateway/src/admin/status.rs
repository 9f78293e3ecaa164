//! How the gateway is, at one look.

use axum::extract::State;
use serde::Serialize;
use smppkit_ops::{Json, Problem};
use smppkit_store::Totals;
use utoipa::ToSchema;

use super::Operated;
use super::moment::Moment;
use super::pulse::{Pulse, trouble};
use crate::sessions::Side;

/// How the gateway is.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Status {
    /// The version that runs.
    version: &'static str,
    started: Moment,
    uptime_seconds: u64,
    /// Whether messages are taken now.
    takes_messages: bool,
    /// Why not, if so.
    trouble: Option<String>,
    messages: Counted,
    /// Connectors that are outside their hours: nothing is sent there.
    closed: Vec<Closed>,
    /// Queues in which messages wait: a connector's name, or `esme:` and an account's.
    queues: Vec<Queue>,
    /// Messages held in memory.
    messages_in_memory: u64,
    /// Changes that wait to be written.
    changes_waiting: u64,
    sessions: Bound,
}

/// Messages by what became of them: accepted = open + delivered + failed + expired + cancelled.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Counted {
    /// Ever taken: messages, and receipts and messages for ESMEs.
    accepted: u64,
    /// Not at an end.
    open: u64,
    delivered: u64,
    /// The dead letters.
    failed: u64,
    expired: u64,
    cancelled: u64,
    /// Receipts kept that belong to no message.
    orphans: u64,
    /// Whether the sum is right.
    is_conserved: bool,
}

/// A connector outside its hours.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Closed {
    connector: String,
    /// When they begin.
    opens: Option<Moment>,
}

/// A queue.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Queue {
    queue: String,
    /// Messages that are not sent.
    waiting: u64,
}

/// Bound sessions.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Bound {
    /// Of accounts.
    accounts: usize,
    /// At connectors.
    connectors: usize,
}

impl From<Totals> for Counted {
    fn from(totals: Totals) -> Self {
        Self {
            accepted: totals.accepted,
            open: totals.open,
            delivered: totals.delivered,
            failed: totals.failed,
            expired: totals.expired,
            cancelled: totals.cancelled,
            orphans: totals.orphans,
            is_conserved: totals.is_conserved(),
        }
    }
}

/// How the gateway is: what it keeps, what waits, who is bound.
#[utoipa::path(get, path = "/api/v1/status", tag = "status",
    responses((status = 200, body = Status), (status = 503, body = Problem)))]
pub(super) async fn status(State(operated): State<Operated>) -> Result<Json<Status>, Problem> {
    let hub = &operated.hub;
    let pulse = operated.call(|store, _| Pulse::of(store)).await?;
    let trouble = trouble(hub).await;
    let cards = hub.sessions.list();
    let accounts = cards.iter().filter(|card| matches!(card.side, Side::Account(_))).count();
    let (plan, now_ms) = (hub.plan.load(), hub.now().unix_ms);
    let closed = plan.connectors.values().filter(|upstream| !upstream.live.is_open(now_ms));
    let closed = closed.map(|upstream| Closed {
        connector: upstream.name.to_string(),
        opens: upstream.live.next_change(now_ms).map(Moment),
    });
    let queues = pulse.queues.into_iter();
    let queues = queues.map(|(queue, waiting)| Queue { queue: queue.to_string(), waiting });
    Ok(Json(Status {
        version: env!("CARGO_PKG_VERSION"),
        started: Moment(operated.started_ms),
        uptime_seconds: (hub.now().unix_ms - operated.started_ms).max(0).unsigned_abs() / 1_000,
        takes_messages: trouble.is_none(),
        trouble,
        messages: pulse.totals.into(),
        closed: closed.collect(),
        queues: queues.collect(),
        messages_in_memory: pulse.live as u64,
        changes_waiting: hub.store.waiting() as u64,
        sessions: Bound { accounts, connectors: cards.len() - accounts },
    }))
}
