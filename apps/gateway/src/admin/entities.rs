//! Accounts, connectors and routes, made and unmade while it runs.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;
use serde_json::{Map, Value};
use smppkit_ops::{Json, Path, Problem};
use smppkit_route::Rule;
use utoipa::ToSchema;

use super::Operated;
use super::meant::{Meant, Trial};
use crate::entities::{Acting, Kept, Kind, NotMade, Origin, Place, Routes};
use crate::hub::Hub;
use crate::settings::{AccountSettings, ConnectorSettings, Settings};

/// Where something was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum MadeIn {
    /// In the file of settings: it is changed there.
    File,
    /// Over REST.
    Rest,
}

impl From<Origin> for MadeIn {
    fn from(origin: Origin) -> Self {
        match origin {
            Origin::File => Self::File,
            Origin::Rest => Self::Rest,
        }
    }
}

/// An answer with the revision of all that was made over REST.
pub(super) type Revised<T> = ([(HeaderName, HeaderValue); 1], Json<T>);

/// The settings of an account, without its password.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Account {
    origin: MadeIn,
    /// Where it stands, if the file has it.
    place: Option<Place>,
    settings: AccountSettings,
}

/// The settings of a connector, without its password.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Connector {
    origin: MadeIn,
    /// Where it stands, if the file has it.
    place: Option<Place>,
    settings: ConnectorSettings,
}

/// A route.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Route)]
pub(super) struct ShownRoute {
    origin: MadeIn,
    /// Where it stands, if the file has it.
    place: Option<Place>,
    /// How often it was taken since the start; while it has no name, since it says what it says.
    taken: u64,
    /// As it is written in the file.
    route: Rule,
}

/// An account's settings.
#[utoipa::path(get, path = "/api/v1/accounts/{system_id}", tag = "accounts",
    params(("system_id" = String, Path, description = "The account's name")),
    responses((status = 200, body = Account, headers(("ETag" = String, description = "The revision"))),
        (status = 400, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn account(
    State(operated): State<Operated>,
    Path(system_id): Path<String>,
) -> Result<Revised<Account>, Problem> {
    let plan = operated.hub.plan.load_full();
    let found = plan.accounts.get(system_id.as_str());
    let found = found.ok_or_else(|| Problem::not_found(format!("there is no account {system_id:?}")))?;
    let origin = operated.entities.origin(Kind::Account, &system_id).into();
    let place = operated.entities.place(Kind::Account, &system_id);
    Ok(operated.revised(Account { origin, place, settings: found.settings.clone() }))
}

/// Makes an account, or puts it in place of the one with its name. Its sessions stay bound while it may
/// bind. A password that is not given stays as it was; it is kept as a hash.
#[utoipa::path(put, path = "/api/v1/accounts/{system_id}", tag = "accounts", request_body = AccountSettings,
    params(("system_id" = String, Path, description = "The account's name"), Trial,
        ("If-Match" = Option<String>, Header, description = "The revision that it is meant for")),
    responses((status = 200, body = Account, headers(("ETag" = String, description = "The new revision"))),
        (status = 400, body = Problem), (status = 409, body = Problem), (status = 412, body = Problem),
        (status = 413, body = Problem), (status = 415, body = Problem), (status = 422, body = Problem),
        (status = 503, body = Problem)))]
pub(super) async fn put_account(
    State(operated): State<Operated>,
    Path(system_id): Path<String>,
    meant: Meant,
    Json(given): Json<Map<String, Value>>,
) -> Result<Revised<Account>, Problem> {
    let settings = operated.put(Kind::Account, &system_id, meant, given).await?;
    let made = settings.account.into_iter().find(|account| account.system_id == system_id);
    let settings = made.ok_or_else(|| Problem::unavailable("it was taken away meanwhile"))?;
    Ok(operated.revised(Account { origin: MadeIn::Rest, place: None, settings }))
}

/// Takes an account away that was made over REST, and unbinds its sessions. What waits for it waits.
#[utoipa::path(delete, path = "/api/v1/accounts/{system_id}", tag = "accounts",
    params(("system_id" = String, Path, description = "The account's name"), Trial,
        ("If-Match" = Option<String>, Header, description = "The revision that it is meant for")),
    responses((status = 200, body = Account, headers(("ETag" = String, description = "The new revision"))),
        (status = 400, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 412, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn remove_account(
    State(operated): State<Operated>,
    Path(system_id): Path<String>,
    meant: Meant,
) -> Result<Revised<Account>, Problem> {
    let (_, Json(before)) = account(State(operated.clone()), Path(system_id.clone())).await?;
    operated.remove(Kind::Account, &system_id, meant).await?;
    Ok(operated.revised(before))
}

/// A connector's settings.
#[utoipa::path(get, path = "/api/v1/connectors/{name}", tag = "connectors",
    params(("name" = String, Path, description = "The connector's name")),
    responses((status = 200, body = Connector, headers(("ETag" = String, description = "The revision"))),
        (status = 400, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn connector(
    State(operated): State<Operated>,
    Path(name): Path<String>,
) -> Result<Revised<Connector>, Problem> {
    let settings = operated.connector(&name)?.settings.clone();
    let origin = operated.entities.origin(Kind::Connector, &name).into();
    let place = operated.entities.place(Kind::Connector, &name);
    Ok(operated.revised(Connector { origin, place, settings }))
}

/// Makes a connector, or puts it in place of the one with its name, whose sessions are then bound anew.
/// Those of others stay. A password that is not given stays as it was.
#[utoipa::path(put, path = "/api/v1/connectors/{name}", tag = "connectors", request_body = ConnectorSettings,
    params(("name" = String, Path, description = "The connector's name"), Trial,
        ("If-Match" = Option<String>, Header, description = "The revision that it is meant for")),
    responses((status = 200, body = Connector, headers(("ETag" = String, description = "The new revision"))),
        (status = 400, body = Problem), (status = 409, body = Problem), (status = 412, body = Problem),
        (status = 413, body = Problem), (status = 415, body = Problem), (status = 422, body = Problem),
        (status = 503, body = Problem)))]
pub(super) async fn put_connector(
    State(operated): State<Operated>,
    Path(name): Path<String>,
    meant: Meant,
    Json(given): Json<Map<String, Value>>,
) -> Result<Revised<Connector>, Problem> {
    let settings = operated.put(Kind::Connector, &name, meant, given).await?;
    let made = settings.connector.into_iter().find(|connector| connector.name == name);
    let settings = made.ok_or_else(|| Problem::unavailable("it was taken away meanwhile"))?;
    Ok(operated.revised(Connector { origin: MadeIn::Rest, place: None, settings }))
}

/// Takes a connector away that was made over REST, once nothing waits for it and no route leads to it.
#[utoipa::path(delete, path = "/api/v1/connectors/{name}", tag = "connectors",
    params(("name" = String, Path, description = "The connector's name"), Trial,
        ("If-Match" = Option<String>, Header, description = "The revision that it is meant for")),
    responses((status = 200, body = Connector, headers(("ETag" = String, description = "The new revision"))),
        (status = 400, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 412, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn remove_connector(
    State(operated): State<Operated>,
    Path(name): Path<String>,
    meant: Meant,
) -> Result<Revised<Connector>, Problem> {
    let (_, Json(before)) = connector(State(operated.clone()), Path(name.clone())).await?;
    let queue = name.clone();
    let waiting = operated.call(move |store, _| store.queued(&queue)).await?;
    if waiting > 0 {
        return Err(Problem::conflict(format!(
            "{waiting} messages wait for {name:?}, and would wait for ever"
        )));
    }
    operated.remove(Kind::Connector, &name, meant).await?;
    Ok(operated.revised(before))
}

impl Operated {
    /// With the revision of now.
    pub(super) fn revised<T>(&self, answer: T) -> Revised<T> {
        let revision = format!("\"{}\"", self.entities.revision());
        // Digits and quotes.
        let revision = HeaderValue::from_str(&revision).unwrap_or(HeaderValue::from_static("\"0\""));
        ([(header::ETAG, revision)], Json(answer))
    }

    async fn put(
        &self,
        kind: Kind,
        name: &str,
        meant: Meant,
        given: Map<String, Value>,
    ) -> Result<Settings, Problem> {
        self.entities.not_in_file(kind, name).map_err(problem)?;
        let (hub, own) = (Arc::clone(&self.hub), name.to_owned());
        self.make(meant, move |kept| kept.put(kind, &own, given, &hub.key)).await
    }

    async fn remove(&self, kind: Kind, name: &str, meant: Meant) -> Result<(), Problem> {
        self.entities.not_in_file(kind, name).map_err(problem)?;
        let own = name.to_owned();
        let made = self.make(meant, move |kept| kept.remove(kind, &own)).await;
        // What it was is good by itself: something else needs it.
        made.map(drop).map_err(|problem| {
            if problem.status == 422 { Problem::conflict(problem.detail) } else { problem }
        })
    }

    /// Makes a change, puts it into use and has the sessions follow; returns all settings with it.
    pub(super) async fn make(
        &self,
        meant: Meant,
        change: impl FnOnce(&mut Kept) -> Result<(), NotMade> + Send + 'static,
    ) -> Result<Settings, Problem> {
        let Meant { revision, check: is_trial, who } = meant;
        let acting = Acting { who: who.to_string(), at_ms: self.hub.now().unix_ms };
        let operated = self.clone();
        let made = tokio::task::spawn_blocking(move || {
            let Operated { hub, entities, .. } = &operated;
            let check = |settings: Settings| hub.check(settings);
            let apply = |settings: Settings| crate::serve::apply(hub, settings);
            entities.change(revision, &acting, change, check, (!is_trial).then_some(apply))
        });
        let made = made.await.map_err(|_| Problem::unavailable("the change was not made"))?;
        let settings = made.map_err(problem)?;
        if !is_trial {
            self.binds.follow();
        }
        Ok(settings)
    }
}

pub(super) fn problem(not_made: NotMade) -> Problem {
    match not_made {
        NotMade::Stale { current } => {
            let detail = format!("it was changed meanwhile: the revision is {current} by now");
            Problem::new(StatusCode::PRECONDITION_FAILED, detail).with("revision", current)
        }
        NotMade::InFile(why) => Problem::conflict(why),
        NotMade::Missing(why) => Problem::not_found(why),
        NotMade::Invalid(why) => Problem::unprocessable(why),
        NotMade::Write(error) => Problem::unavailable(error.to_string()),
    }
}

impl Operated {
    /// The routes of now, those made over REST first.
    pub(super) fn routes(&self, routes: Routes) -> Vec<ShownRoute> {
        let made = self.entities.routes_made(routes);
        self.routes_of(routes, &self.hub.plan.load().settings, made)
    }

    /// The routes of settings, the first of which were made over REST.
    pub(super) fn routes_of(&self, routes: Routes, settings: &Settings, made: usize) -> Vec<ShownRoute> {
        let all = match routes {
            Routes::Submitted => &settings.route,
            Routes::Incoming => &settings.mo_route,
        };
        let plan = self.hub.plan.load();
        let route = |(at, route): (usize, &Rule)| ShownRoute {
            origin: if at < made { MadeIn::Rest } else { MadeIn::File },
            place: at.checked_sub(made).and_then(|at| self.entities.route_place(routes, at)),
            taken: plan.taken(routes).by(route),
            route: route.clone(),
        };
        all.iter().enumerate().map(route).collect()
    }
}

impl Hub {
    /// Whether settings could be put into use.
    fn check(&self, settings: Settings) -> Result<(), String> {
        crate::plan::Plan::new(settings, &mut crate::plan::Lives::default(), &self.key, self.now()).map(drop)
    }
}
