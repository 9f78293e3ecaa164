//! Connectors: how they are, and taking one out of use for a while.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::extract::State;
use serde::Serialize;
use smppkit_ops::{Json, Path, Problem};
use utoipa::ToSchema;

use super::Operated;
use super::entities::{MadeIn, Revised};
use super::moment::Moment;
use crate::access::PerSecond;
use crate::entities::Kind;
use crate::plan::Upstream;
use crate::sessions::Side;

/// A connector, without its password.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ConnectorState)]
pub(super) struct Shown {
    name: String,
    /// Where it was made.
    origin: MadeIn,
    state: Condition,
    /// When its hours begin, while it is outside them.
    opens: Option<Moment>,
    /// When they end, while it is not.
    closes: Option<Moment>,
    /// What went wrong last with its sessions, while not all of them are bound.
    last_error: Option<LastError>,
    /// Where it is bound to.
    address: String,
    /// Our name there.
    system_id: String,
    /// Whether TLS is spoken there.
    tls: bool,
    /// The newest protocol version spoken.
    interface_version: &'static str,
    /// Sessions that are to be bound.
    binds_wanted: u64,
    /// Sessions that are.
    binds: u64,
    /// Requests sent that wait for their answers.
    in_flight: u32,
    /// Requests of one session that may.
    window: u32,
    /// Messages in a second; no limit if there is none.
    throughput: Option<f64>,
    /// Messages that wait for it.
    waiting: u64,
    ids: Ids,
    /// What passed since the start, by what it was.
    #[schema(value_type = BTreeMap<String, u64>, example = json!({"sent": 12}))]
    counts: BTreeMap<&'static str, u64>,
}

/// Why a connector is not bound, or not as often as it is to be.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LastError {
    /// What it was.
    error: String,
    /// When.
    at: Moment,
    /// When it is tried next; nothing while it is, or where that will not help.
    next_try: Option<Moment>,
}

/// How a connector is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Condition {
    /// A session that can send is bound.
    Up,
    /// One is, and nothing is sent there: it is outside its hours.
    Closed,
    /// None is.
    Down,
    /// Its settings say that it is not used.
    Disabled,
    /// An operator took it out of use.
    Drained,
}

/// How its receipts write the ids of its responses.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LearntIds)]
pub(super) struct Ids {
    /// `same`, `hex_then_decimal` or `decimal_then_hex`; nothing while it is not known.
    form: Option<&'static str>,
    /// Receipts that fitted in one way only, by that way.
    #[schema(value_type = BTreeMap<String, u32>, example = json!({"same": 3}))]
    evidence: BTreeMap<&'static str, u32>,
}

impl Condition {
    pub(super) fn of(upstream: &Upstream, now_ms: i64) -> Self {
        if !upstream.settings.enabled {
            Self::Disabled
        } else if upstream.feed.is_paused() {
            Self::Drained
        } else if upstream.live.sends(now_ms) {
            Self::Up
        } else if upstream.live.is_up() {
            Self::Closed
        } else {
            Self::Down
        }
    }
}

impl Shown {
    fn of(upstream: &Upstream, origin: MadeIn, (binds, waiting): (u64, u64), now_ms: i64) -> Self {
        let settings = &upstream.settings;
        let learnt = upstream.live.learnt().clone();
        let ids = Ids {
            form: learnt.known().map(smppkit_relay::IdForm::name),
            evidence: learnt.evidence().into_iter().map(|(form, seen)| (form.name(), seen)).collect(),
        };
        let (is_open, change) = (upstream.live.is_open(now_ms), upstream.live.next_change(now_ms));
        let change = change.map(Moment);
        Self {
            name: upstream.name.to_string(),
            origin,
            state: Condition::of(upstream, now_ms),
            last_error: Self::last_error(upstream, now_ms),
            opens: change.filter(|_| !is_open),
            closes: change.filter(|_| is_open),
            address: settings.address.clone(),
            system_id: settings.system_id.clone(),
            tls: settings.tls.is_some(),
            interface_version: settings.version.name(),
            binds_wanted: binds_wanted(upstream),
            binds,
            in_flight: upstream.live.in_flight.load(Ordering::Relaxed),
            window: settings.window,
            throughput: settings.throughput.map(PerSecond::per_second),
            waiting,
            ids,
            counts: upstream.live.counts.all().into_iter().map(|(name, _, count)| (name, count)).collect(),
        }
    }
}

fn binds_wanted(upstream: &Upstream) -> u64 {
    upstream.settings.bind_modes.len() as u64 * u64::from(upstream.settings.binds)
}

impl Shown {
    fn last_error(upstream: &Upstream, now_ms: i64) -> Option<LastError> {
        if !upstream.settings.enabled || upstream.feed.is_paused() {
            return None;
        }
        let trouble = upstream.live.trouble().clone()?;
        let next_try = trouble.next_ms.filter(|next_ms| *next_ms > now_ms).map(Moment);
        Some(LastError { error: trouble.why, at: Moment(trouble.at_ms), next_try })
    }
}

impl Operated {
    pub(super) fn connector(&self, name: &str) -> Result<Arc<Upstream>, Problem> {
        let plan = self.hub.plan.load();
        let found = plan.connectors.get(name).cloned();
        found.ok_or_else(|| Problem::not_found(format!("there is no connector {name:?}")))
    }

    /// Connectors that need a person: what each is about, and in words.
    pub(super) fn connector_alarms(&self) -> Vec<(String, String)> {
        let (plan, now_ms) = (self.hub.plan.load_full(), self.hub.now().unix_ms);
        let alarm = |upstream: &Arc<Upstream>| {
            let name = &upstream.name;
            let why = match Condition::of(upstream, now_ms) {
                Condition::Down => "is down",
                Condition::Drained => "is drained",
                Condition::Up if self.binds_of(upstream) < binds_wanted(upstream) => "lacks binds",
                _ => return None,
            };
            Some((format!("{name}/{why}"), format!("{name} {why}")))
        };
        plan.connectors.values().filter_map(alarm).collect()
    }

    fn binds_of(&self, upstream: &Upstream) -> u64 {
        let side = Side::Connector(upstream.name.clone());
        self.hub.sessions.list().iter().filter(|card| card.side == side).count() as u64
    }

    fn shown(&self, upstream: &Upstream) -> Shown {
        let binds = self.binds_of(upstream);
        let origin = self.entities.origin(Kind::Connector, &upstream.name).into();
        let waiting = self.pulse().waiting(&upstream.feed.queue);
        Shown::of(upstream, origin, (binds, waiting), self.hub.now().unix_ms)
    }
}

/// The connectors there are, by name.
#[utoipa::path(get, path = "/api/v1/connectors", tag = "connectors",
    responses((status = 200, body = Vec<Shown>, headers(("ETag" = String, description = "The revision")))))]
pub(super) async fn list(State(operated): State<Operated>) -> Revised<Vec<Shown>> {
    let plan = operated.hub.plan.load_full();
    operated.revised(plan.connectors.values().map(|upstream| operated.shown(upstream)).collect())
}

/// Takes a connector out of use: nothing new is claimed for it, what is on its way is finished, its
/// sessions are unbound. Routes pass it over as they do one that is down; what waits for it waits.
///
/// It stays so until it is resumed, or the gateway starts anew.
#[utoipa::path(post, path = "/api/v1/connectors/{name}/drain", tag = "connectors",
    params(("name" = String, Path, description = "The connector's name")),
    responses((status = 200, body = Shown), (status = 400, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn drain(
    State(operated): State<Operated>,
    Path(name): Path<String>,
) -> Result<Json<Shown>, Problem> {
    let upstream = operated.connector(&name)?;
    upstream.feed.pause();
    operated.binds.follow();
    Ok(Json(operated.shown(&upstream)))
}

/// Uses a connector again.
#[utoipa::path(post, path = "/api/v1/connectors/{name}/resume", tag = "connectors",
    params(("name" = String, Path, description = "The connector's name")),
    responses((status = 200, body = Shown), (status = 400, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn resume(
    State(operated): State<Operated>,
    Path(name): Path<String>,
) -> Result<Json<Shown>, Problem> {
    let upstream = operated.connector(&name)?;
    upstream.feed.resume(&operated.hub);
    operated.binds.follow();
    Ok(Json(operated.shown(&upstream)))
}
