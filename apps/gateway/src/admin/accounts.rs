//! Accounts: who may bind, and what passed.

use std::collections::BTreeMap;

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::Operated;
use super::entities::{MadeIn, Revised};
use crate::entities::Kind;
use crate::plan::Account;
use crate::sessions::Side;

/// An account, without its password.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AccountState)]
pub(super) struct Shown {
    /// Its name.
    system_id: String,
    /// Where it was made.
    origin: MadeIn,
    /// Whether it may bind.
    enabled: bool,
    /// Sessions that are bound.
    sessions: u64,
    /// Sessions that may be.
    sessions_allowed: u32,
    /// Messages taken from it in a second; no limit if there is none.
    throughput: Option<f64>,
    /// Deliveries to one of its sessions that may wait for their answers.
    window: u32,
    /// The versions it may speak.
    versions: Vec<&'static str>,
    /// The networks it may bind from.
    #[schema(value_type = Vec<String>)]
    networks: crate::access::AllowList,
    /// Receipts and messages that wait for it.
    waiting: u64,
    /// What passed since the start, by what it was.
    #[schema(value_type = BTreeMap<String, u64>, example = json!({"accepted": 12}))]
    counts: BTreeMap<&'static str, u64>,
}

impl Shown {
    fn of(account: &Account, origin: MadeIn, sessions: u64, waiting: u64) -> Self {
        let settings = &account.settings;
        Self {
            system_id: account.name.to_string(),
            origin,
            enabled: settings.enabled,
            sessions,
            sessions_allowed: settings.binds.sessions,
            throughput: settings.throughput.map(crate::access::PerSecond::per_second),
            window: settings.window,
            versions: settings.versions.iter().map(|version| version.name()).collect(),
            networks: settings.networks.clone(),
            waiting,
            counts: account.live.counts.all().into_iter().map(|(name, _, count)| (name, count)).collect(),
        }
    }
}

/// The accounts there are, by name.
#[utoipa::path(get, path = "/api/v1/accounts", tag = "accounts",
    responses((status = 200, body = Vec<Shown>, headers(("ETag" = String, description = "The revision")))))]
pub(super) async fn list(State(operated): State<Operated>) -> Revised<Vec<Shown>> {
    let plan = operated.hub.plan.load_full();
    let mut bound: BTreeMap<std::sync::Arc<str>, u64> = BTreeMap::new();
    for card in operated.hub.sessions.list() {
        if let Side::Account(name) = &card.side {
            *bound.entry(name.clone()).or_default() += 1;
        }
    }
    let pulse = operated.pulse().clone();
    let mut accounts: Vec<_> = plan.accounts.values().collect();
    accounts.sort_by(|one, other| one.name.cmp(&other.name));
    let shown = accounts.into_iter().map(|account| {
        let sessions = bound.get(&account.name).copied().unwrap_or_default();
        let origin = operated.entities.origin(Kind::Account, &account.name).into();
        Shown::of(account, origin, sessions, pulse.waiting(&account.feed.queue))
    });
    operated.revised(shown.collect())
}
