//! What operators are answered, over HTTP: REST, metrics, health.
//!
//! Every route and shape is documented where it stands; `/openapi.json` is made from that. Lists and
//! look-ups read the store on a connection of their own; changes go through its writer, as those of
//! sessions do.

mod accounts;
mod backup;
mod cdrs;
mod connectors;
mod csv;
mod entities;
mod explain;
mod history;
mod meant;
mod messages;
mod metrics;
mod moment;
mod operated;
mod pulse;
mod routes;
mod search;
mod sessions;
mod shown;
mod status;
mod story;
mod trail;

use axum::Router;
use smppkit_admin::{alarms, live, record, series};
use smppkit_ops::{Health, Metrics, Pages, fallbacks, openapi};
use utoipa::openapi::Info;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) use moment::Moment;
pub(crate) use operated::Operated;
pub(crate) use pulse::keep_pulse;

/// All routes.
pub(crate) fn router(operated: Operated, health: &Health, pages: &Pages) -> Router {
    let metrics = Metrics::new(env!("CARGO_PKG_VERSION"));
    let collector = metrics::Collected(operated.clone());
    metrics.registry(|registry| registry.register_collector(Box::new(collector)));
    let router = openapi(pages.add_routes(routes()), info()).with_state(operated);
    fallbacks(router.merge(health.routes()).merge(metrics.routes()))
}

/// The document about them, as it is served at `/openapi.json`.
pub(crate) fn document() -> utoipa::openapi::OpenApi {
    smppkit_ops::documented(Pages::none().add_routes(routes()), info()).1
}

fn info() -> Info {
    let mut info = Info::new("smppkit gateway", env!("CARGO_PKG_VERSION"));
    info.description = Some(
        "A durable SMS gateway: who is bound, what waits, what became of each message and why, and ways to change \
         that while it runs. A message_id is a text of decimal digits: it has more of them than a number in \
         JavaScript holds. Times are in UTC (RFC 3339). Errors are problem documents (RFC 9457)."
            .to_owned(),
    );
    info
}

fn routes() -> OpenApiRouter<Operated> {
    OpenApiRouter::new()
        .routes(routes!(status::status))
        .routes(routes!(sessions::list))
        .routes(routes!(sessions::end))
        .routes(routes!(accounts::list))
        .routes(routes!(entities::account, entities::put_account, entities::remove_account))
        .routes(routes!(connectors::list))
        .routes(routes!(entities::connector, entities::put_connector, entities::remove_connector))
        .routes(routes!(connectors::drain))
        .routes(routes!(connectors::resume))
        .routes(routes!(messages::list))
        .routes(routes!(messages::dead_letters))
        .routes(routes!(story::one))
        .routes(routes!(messages::cancel))
        .routes(routes!(messages::replay))
        .routes(routes!(cdrs::list))
        .routes(routes!(routes::list, routes::put, routes::clear))
        .routes(routes!(routes::list_mo, routes::put_mo, routes::clear_mo))
        .routes(routes!(explain::explain))
        .routes(routes!(history::list))
        .routes(routes!(backup::backup))
        .merge(record::routes())
        .merge(live::routes())
        .merge(series::routes())
        .merge(alarms::routes())
}

/// A PDU by the names of its fields, with what it says.
pub(crate) fn pdu_json(body: &smppkit_wire::Body) -> serde_json::Value {
    story::pdu(body, true)
}
