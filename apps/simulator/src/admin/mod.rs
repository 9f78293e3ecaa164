//! What operators and test suites are answered, over HTTP: REST, a live stream, metrics, health.
//!
//! Every route and shape is documented where it stands; `/openapi.json` is made from that.

mod accounts;
mod broadcasts;
mod dialogues;
mod matching;
mod messages;
mod metrics;
mod mo;
mod outbind;
mod pdus;
mod rules;
mod sessions;
mod smscs;
mod trial;

use std::sync::Arc;

use axum::Router;
use axum::extract::FromRef;
use smppkit_admin::{Watched, live, record, series};
use smppkit_ops::{Health, Metrics, Pages, Problem, fallbacks, openapi};
use utoipa::openapi::Info;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) use mo::{read as read_file, send_all};

use crate::node::{Hub, Node};
use crate::outbind::Outbinds;

/// What the routes work on.
#[derive(Debug, Clone)]
pub(crate) struct Operated {
    pub(crate) hub: Arc<Hub>,
    pub(crate) nodes: Arc<[Arc<Node>]>,
    watched: Watched,
    outbinds: Outbinds,
}

impl FromRef<Operated> for Watched {
    fn from_ref(operated: &Operated) -> Self {
        operated.watched.clone()
    }
}

impl Operated {
    pub(crate) fn new(hub: &Arc<Hub>, nodes: Arc<[Arc<Node>]>, outbinds: Outbinds) -> Self {
        Self { hub: Arc::clone(hub), nodes, watched: hub.watched(), outbinds }
    }

    /// An SMSC by its name.
    fn node(&self, name: &str) -> Result<&Arc<Node>, Problem> {
        self.nodes.iter().find(|node| *node.name == *name).ok_or_else(|| {
            let names: Vec<&str> = self.nodes.iter().map(|node| &*node.name).collect();
            Problem::not_found(format!("there is no SMSC {name:?}: there are {}", names.join(", ")))
        })
    }
}

/// All routes.
pub(crate) fn router(operated: Operated, health: &Health, pages: &Pages) -> Router {
    let metrics = Metrics::new(env!("CARGO_PKG_VERSION"));
    let collector = metrics::Collected(operated.clone());
    metrics.registry(|registry| registry.register_collector(Box::new(collector)));
    let router = documented(operated, pages).merge(health.routes()).merge(metrics.routes());
    fallbacks(router)
}

/// The document about them, as it is served at `/openapi.json`.
pub(crate) fn document() -> utoipa::openapi::OpenApi {
    smppkit_ops::documented(Pages::none().add_routes(routes()), info()).1
}

fn documented(operated: Operated, pages: &Pages) -> Router {
    openapi(pages.add_routes(routes()), info()).with_state(operated)
}

fn info() -> Info {
    let mut info = Info::new("smppkit simulator", env!("CARGO_PKG_VERSION"));
    info.description = Some(
        "An SMSC to test SMPP applications against: rules and accounts changed while it runs, messages from \
         handsets, and a record of what came and went with waits for test suites. Errors are problem documents \
         (RFC 9457)."
            .to_owned(),
    );
    info
}

fn routes() -> OpenApiRouter<Operated> {
    OpenApiRouter::new()
        .routes(routes!(smscs::list))
        .routes(routes!(smscs::one, smscs::change))
        .routes(routes!(smscs::reset))
        .routes(routes!(smscs::presets))
        .routes(routes!(smscs::dialects))
        .routes(routes!(accounts::list))
        .routes(routes!(accounts::put, accounts::remove))
        .routes(routes!(rules::list, rules::add, rules::replace, rules::clear))
        .routes(routes!(trial::test))
        .routes(routes!(rules::remove))
        .routes(routes!(sessions::list))
        .routes(routes!(sessions::end))
        .routes(routes!(messages::list))
        .routes(routes!(messages::wait))
        .routes(routes!(pdus::wait))
        .routes(routes!(pdus::stream))
        .routes(routes!(mo::send))
        .routes(routes!(mo::send_file))
        .routes(routes!(outbind::send))
        .routes(routes!(broadcasts::list))
        .routes(routes!(broadcasts::cancel))
        .routes(routes!(dialogues::list))
        .routes(routes!(dialogues::run))
        .merge(record::routes())
        .merge(live::routes())
        .merge(series::routes())
}
