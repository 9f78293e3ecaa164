//! SMPP sessions for pages in a browser: one WebSocket is one session, as an ESME, at whatever server is allowed.
//!
//! It is a test client, so it goes past the session layer, as scripts do: a bare connection, cut into PDUs, with a
//! note of which requests wait for an answer. A session of `smppkit-session` would refuse what testers come for, a
//! PDU in the wrong state, a sequence_number used twice, octets that are no PDU; and going round it with
//! `Link::raw` would leave its windows and timers wrong about what went over the wire. Here the state that a page
//! sees is what follows from the PDUs that went, whoever asked for them. Kept from a session are only the manners
//! that pages want: requests of the server are answered, enquire_link is sent, and a page that goes away unbinds.
//!
//! Whoever reaches these routes reaches the targets from this machine, so they are few unless the operator says
//! otherwise, see [`Settings::targets`]. Who may ask at all, and from which origin, is for the listener to decide.
//!
//! ```
//! use smppkit_client::web::{Clients, Settings};
//! use utoipa::openapi::Info;
//!
//! let clients = Clients::new(Settings::default());
//! let router: axum::Router = smppkit_ops::openapi(clients.routes(), Info::new("client", "0.1.0"));
//! ```

mod ask;
mod line;
mod page;
mod pdus;
mod play;
mod repeat;
mod say;
mod session;
mod settings;

use core::time::Duration;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::State;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::http::header;
use axum::response::Response;
use serde::Serialize;
use smppkit_ops::{Json, MayAct, Problem};
use tokio::sync::{Semaphore, watch};
use utoipa::{OpenApi, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use settings::Settings;

/// All sessions of pages.
#[derive(Debug, Clone)]
pub struct Clients(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    settings: Arc<Settings>,
    places: Arc<Semaphore>,
    number: AtomicU64,
    stop: watch::Sender<bool>,
}

impl Clients {
    /// With these settings.
    pub fn new(settings: Settings) -> Self {
        let places = Arc::new(Semaphore::new(settings.sockets.min(Semaphore::MAX_PERMITS)));
        let (stop, _) = watch::channel(false);
        Self(Arc::new(Shared { settings: Arc::new(settings), places, number: AtomicU64::new(0), stop }))
    }

    /// The routes, with the messages of both sides in their document.
    pub fn routes(&self) -> OpenApiRouter {
        OpenApiRouter::with_openapi(Messages::openapi())
            .routes(routes!(client))
            .routes(routes!(targets))
            .with_state(self.clone())
    }

    /// Takes no more pages, closes what is there, and waits until all have unbound: three seconds at most.
    pub async fn close(&self) {
        self.0.stop.send_replace(true);
        let sockets = self.0.settings.sockets.min(Semaphore::MAX_PERMITS);
        let all = self.0.places.acquire_many(u32::try_from(sockets).unwrap_or(u32::MAX));
        let _ = tokio::time::timeout(CLOSE, all).await;
    }
}

/// The routes of sessions that nobody closes but their pages.
pub fn routes(settings: Settings) -> OpenApiRouter {
    Clients::new(settings).routes()
}

/// What goes over the WebSocket.
#[derive(OpenApi)]
#[openapi(components(schemas(ask::Ask, say::Say)))]
struct Messages;

/// Where pages may connect to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ClientTargets)]
struct Targets {
    /// Networks; any port.
    #[serde(rename = "targets")]
    #[schema(example = json!(["127.0.0.0/8", "::1/128"]))]
    networks: Vec<String>,
    /// Sessions at a time.
    sockets: usize,
    /// Of them, how many are free.
    free: usize,
}

/// An SMPP session of one's own, over a WebSocket.
///
/// Messages are JSON in text frames: `ClientAsk` to the server, `ClientSay` from it. PDUs come in batches every 50 ms,
/// of 500 at most; `skipped` says how many more there were. When the WebSocket closes, the session unbinds.
#[utoipa::path(get, path = "/api/v1/client", tag = "client",
    responses((status = 101, description = "the WebSocket is open"), (status = 426, body = Problem),
        (status = 400, body = Problem), (status = 403, body = Problem), (status = 503, body = Problem)))]
async fn client(
    State(Clients(shared)): State<Clients>,
    _: MayAct,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    let upgrade = upgrade.map_err(|rejection| {
        let detail = format!("this is a WebSocket: {}", rejection.body_text());
        Problem::new(rejection.status(), detail)
    })?;
    let free = if *shared.stop.borrow() { None } else { Arc::clone(&shared.places).try_acquire_owned().ok() };
    let Some(place) = free else {
        let sockets = shared.settings.sockets;
        let detail =
            format!("all {sockets} sessions of pages are taken: close one, or set [client] sockets higher");
        return Err(Problem::unavailable(detail).header(header::RETRY_AFTER, "5"));
    };
    let number = shared.number.fetch_add(1, Ordering::Relaxed) + 1;
    let (settings, stop) = (Arc::clone(&shared.settings), shared.stop.subscribe());
    let limit = settings.message_limit.octets();
    // A message that is a little too long is read, so that the reason of the close is not lost to a reset.
    let upgrade = upgrade.max_message_size(limit.saturating_mul(4)).max_frame_size(limit.saturating_mul(4));
    Ok(upgrade.on_upgrade(move |socket| page::serve(socket, number, settings, stop, place)))
}

/// Where pages may connect to.
#[utoipa::path(get, path = "/api/v1/client/targets", tag = "client", responses((status = 200, body = Targets)))]
async fn targets(State(Clients(shared)): State<Clients>) -> Json<Targets> {
    let Shared { settings, places, .. } = &*shared;
    Json(Targets {
        networks: settings.allowed().names(),
        sockets: settings.sockets,
        free: places.available_permits(),
    })
}

/// Two seconds to unbind, and a little for the WebSocket.
const CLOSE: Duration = Duration::from_secs(3);
