//! Hands requests on to the one server that the console shows.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::response::Response;
use axum::routing::{any, get};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use smppkit_ops::{Problem, Span, Token};
use tracing::{debug, warn};
use utoipa::openapi::OpenApi;

use crate::ctl::api::Admin;

/// The server, and what it asks for.
#[derive(Debug)]
pub(super) struct Proxy {
    to: Admin,
    authorization: Option<HeaderValue>,
}

/// As long as a simulator may take for an answer.
pub(super) const LONGEST_REQUEST: Span = Span::secs(340);
/// The longest OpenAPI document.
const DOCUMENT_LIMIT_OCTETS: usize = 8 << 20;
const DOCUMENT_TIME: Duration = Duration::from_secs(5);

/// The routes of this process, and behind them the server's. Without one there are only these.
pub(super) fn routes(router: Router, own: &OpenApi, proxy: Option<Arc<Proxy>>) -> Router {
    // It has no maps with keys that are no strings, so this does not fail.
    let own = serde_json::to_value(own).unwrap_or_default();
    let Some(proxy) = proxy else {
        return router.route("/openapi.json", get(async move || axum::Json(own)));
    };
    let theirs = Arc::clone(&proxy);
    let document = get(async move || axum::Json(theirs.document(own).await));
    let rest = Router::new().route("/api/{*rest}", any(hand_on)).with_state(proxy);
    router.route("/openapi.json", document).merge(rest)
}

async fn hand_on(State(proxy): State<Arc<Proxy>>, request: Request) -> Result<Response, Problem> {
    proxy.hand_on(request).await
}

impl Proxy {
    pub(super) fn new(to: Admin, token: Option<&Token>) -> Self {
        Self { to, authorization: token.map(Token::to_bearer) }
    }

    /// Asks the server the same, and answers what it answers.
    async fn hand_on(&self, mut request: Request) -> Result<Response, Problem> {
        let upgrade = request.headers().get(header::UPGRADE).cloned();
        let ours = upgrade.as_ref().map(|_| hyper::upgrade::on(&mut request));
        let (mut parts, body) = request.into_parts();
        let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
        parts.uri = target.parse::<Uri>().map_err(|error| self.unreached(&error.to_string()))?;
        pass(&mut parts.headers, &OURS, upgrade.as_ref());
        let host = HeaderValue::from_str(self.to.authority());
        parts.headers.insert(header::HOST, host.map_err(|error| self.unreached(&error.to_string()))?);
        if let Some(authorization) = &self.authorization {
            parts.headers.insert(header::AUTHORIZATION, authorization.clone());
        }
        let mut request = Request::from_parts(parts, body);
        // Whatever is known of the request here says nothing there.
        request.extensions_mut().clear();
        let mut response = self.send(request).await?;
        let is_upgraded = response.status() == StatusCode::SWITCHING_PROTOCOLS;
        let theirs = is_upgraded.then(|| hyper::upgrade::on(&mut response));
        let upgrade = if is_upgraded { response.headers().get(header::UPGRADE).cloned() } else { None };
        pass(response.headers_mut(), &THEIRS, upgrade.as_ref());
        if let (Some(ours), Some(theirs)) = (ours, theirs) {
            tokio::spawn(async move {
                let (ours, theirs) = match tokio::try_join!(ours, theirs) {
                    Ok(both) => both,
                    Err(error) => return debug!(%error, "not upgraded"),
                };
                let (mut ours, mut theirs) = (TokioIo::new(ours), TokioIo::new(theirs));
                // Either may go away at any time.
                let _ = tokio::io::copy_bidirectional(&mut ours, &mut theirs).await;
            });
        }
        Ok(response)
    }

    async fn send(&self, request: Request) -> Result<Response, Problem> {
        let tcp = self.to.connect().await.map_err(|why| self.unreached(&why))?;
        let broken = |error: hyper::Error| self.unreached(&error.to_string());
        let handshake = hyper::client::conn::http1::handshake(TokioIo::new(tcp)).await;
        let (mut sender, connection) = handshake.map_err(broken)?;
        // It ends with the answer. What goes wrong there, the answer says, too.
        tokio::spawn(async move { drop(connection.with_upgrades().await) });
        Ok(sender.send_request(request).await.map_err(broken)?.map(Body::new))
    }

    /// The server's document with ours in it. Where both answer a path, we do.
    async fn document(&self, mut own: Value) -> Value {
        match tokio::time::timeout(DOCUMENT_TIME, self.their_document()).await {
            Ok(Ok(theirs)) => {
                merge(&mut own["paths"], &theirs["paths"]);
                merge(&mut own["components"]["schemas"], &theirs["components"]["schemas"]);
            }
            Ok(Err(problem)) => warn!(why = problem.detail, "the server is not shown"),
            Err(_) => warn!(server = self.to.authority(), "the server is not shown: no answer in time"),
        }
        own
    }

    async fn their_document(&self) -> Result<Value, Problem> {
        let request =
            Request::builder().uri("/openapi.json").header(header::HOST, "none").body(Body::empty());
        let request = request.map_err(|error| self.unreached(&error.to_string()))?;
        let response = self.hand_on(request).await?;
        if !response.status().is_success() {
            return Err(self.unreached(&format!("/openapi.json is answered {}", response.status())));
        }
        let octets = to_bytes(response.into_body(), DOCUMENT_LIMIT_OCTETS).await;
        let octets = octets.map_err(|error| self.unreached(&error.to_string()))?;
        serde_json::from_slice(&octets).map_err(|error| self.unreached(&format!("/openapi.json: {error}")))
    }

    fn unreached(&self, why: &str) -> Problem {
        let detail = format!("http://{}: {why}", self.to.authority());
        Problem::new(StatusCode::BAD_GATEWAY, detail)
    }
}

/// Takes out what is of one connection only (RFC 9110, 7.6.1), but for an upgrade, and these.
fn pass(headers: &mut HeaderMap, not: &[HeaderName], upgrade: Option<&HeaderValue>) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|names| names.to_str().ok())
        .flat_map(|names| names.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named.iter().chain(&HOP).chain(not) {
        headers.remove(name);
    }
    // A browser's own headers would make us one there.
    let fetch: Vec<_> =
        headers.keys().filter(|name| name.as_str().starts_with("sec-fetch-")).cloned().collect();
    for name in &fetch {
        headers.remove(name);
    }
    if let Some(upgrade) = upgrade {
        headers.insert(header::UPGRADE, upgrade.clone());
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    }
}

/// Fills in what is not there.
fn merge(own: &mut Value, theirs: &Value) {
    let (Some(own), Some(theirs)) = (own.as_object_mut(), theirs.as_object()) else {
        return;
    };
    for (name, value) in theirs {
        own.entry(name).or_insert_with(|| value.clone());
    }
}

const HOP: [HeaderName; 8] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];
/// What lets somebody in here. It was looked at, and is nothing to the server.
const OURS: [HeaderName; 5] = [
    header::AUTHORIZATION,
    header::COOKIE,
    header::ORIGIN,
    header::REFERER,
    HeaderName::from_static("x-csrf-token"),
];
const THEIRS: [HeaderName; 1] = [header::SET_COOKIE];
