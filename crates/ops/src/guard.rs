//! What every request to the admin listener must pass, and every answer carries.

use core::future::poll_fn;
use core::panic::AssertUnwindSafe;
use core::pin::pin;
use core::task::Poll;
use std::any::Any;
use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use http_body_util::Limited;
use tracing::{error, info, warn};

use crate::access::{authority, is_loopback, is_ours};
use crate::admin::AdminConfig;
use crate::duration::Span;
use crate::problem::{self, Problem};
use crate::sign_in::{Desk, Peer, Who, is_of_a_browser};

/// The router behind its guards, and the public one behind those that ask nobody who they are.
///
/// - On loopback the Host must be a loopback name or address, or the answer is 421: DNS rebinding.
/// - A page of another origin gets 403; it may only link here. A WebSocket of a browser must say its origin.
/// - Who asks must be let in, but for a probe or to sign in: 401, and 403 for what that one may not do.
/// - Bodies are limited, 413, and so is the time until an answer begins, 503.
/// - A panic is logged and answered with 500.
/// - Every answer has `X-Content-Type-Options: nosniff`, and unless the handler says otherwise,
///   `Cache-Control: no-store` and a `Content-Security-Policy` that allows nothing.
/// - Who asked for a change, and what came of it, is logged for the target `audit`.
pub(crate) fn guarded(router: Router, public: Option<Router>, config: &AdminConfig, desk: Desk) -> Router {
    let guards = Arc::new(Guards {
        loopback: is_loopback(config.listen.ip()).then_some(config.listen.ip()),
        body_limit: config.body_limit.octets(),
        request_timeout: config.request_timeout,
        desk: Arc::new(desk),
    });
    // Axum's own limit is another, and would hold where ours is higher.
    let router = router.layer(DefaultBodyLimit::disable());
    let mut router = router.layer(middleware::from_fn_with_state(Arc::clone(&guards), admitted));
    if let Some(public) = public {
        let everyone = middleware::from_fn_with_state(Arc::clone(&guards), everyone);
        router = router.fallback_service(public.layer(everyone));
    }
    router.layer(middleware::from_fn_with_state(guards, guard))
}

struct Guards {
    /// The address, if it is on loopback.
    loopback: Option<IpAddr>,
    body_limit: usize,
    request_timeout: Span,
    desk: Arc<Desk>,
}

/// What holds for all.
async fn guard(State(guards): State<Arc<Guards>>, request: Request, next: Next) -> Response {
    let mut response = match guards.look(&request) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    };
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(POLICY));
    response
}

/// What holds for the app's own routes.
async fn admitted(State(guards): State<Arc<Guards>>, mut request: Request, next: Next) -> Response {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let is_open = PROBES.contains(&path.as_str()) || (path == SESSION && method == Method::POST);
    let peer = request.extensions().get::<Peer>().map(|peer| peer.0);
    let who = if is_open {
        None
    } else {
        match guards.desk.admit(&method, &path, request.headers()) {
            Ok(caller) => {
                let who = Who { role: caller.role, by: caller.by, peer };
                request.extensions_mut().insert(caller);
                Some(who)
            }
            Err(problem) => {
                guards.audit(None, &method, &path, problem.status);
                return problem.into_response();
            }
        }
    };
    request.extensions_mut().insert(Arc::clone(&guards.desk));
    let response = guards.answer(request, next).await;
    guards.audit(who.as_ref(), &method, &path, response.status().as_u16());
    response
}

/// What holds for pages. What is not there is told only to those who are let in, as everywhere else.
async fn everyone(State(guards): State<Arc<Guards>>, request: Request, next: Next) -> Response {
    let admitted = guards.desk.admit(request.method(), request.uri().path(), request.headers());
    let response = guards.answer(request, next).await;
    match admitted {
        Err(problem) if response.status() == StatusCode::NOT_FOUND => problem.into_response(),
        _ => response,
    }
}

impl Guards {
    fn look(&self, request: &Request) -> Result<(), Problem> {
        let host = host(request)?;
        if let Some(listening) = self.loopback.filter(|listening| !is_ours(&host, *listening)) {
            warn!(host = %host, %listening, "admin request refused: its Host is not this machine");
            let detail = "the Host header names neither localhost nor the address listened on";
            return Err(Problem::new(StatusCode::MISDIRECTED_REQUEST, detail));
        }
        same_origin(request, &host)?;
        let length = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok());
        if length.and_then(|length| length.parse::<u64>().ok()).is_some_and(|n| n > self.body_limit as u64) {
            return Err(self.too_large());
        }
        Ok(())
    }

    async fn answer(&self, request: Request, next: Next) -> Response {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let limit = self.body_limit;
        let request = request.map(|body| Body::new(Limited::new(body, limit)));
        // What the connection is upgraded to goes on after the answer, and is not timed.
        let handled = tokio::time::timeout(self.request_timeout.0, caught(next.run(request))).await;
        match handled {
            Ok(Ok(response)) if response.status() == StatusCode::PAYLOAD_TOO_LARGE => {
                if problem::is_problem(&response) { response } else { self.too_large().into_response() }
            }
            Ok(Ok(response)) => response,
            Ok(Err(panic)) => {
                error!(%method, path, panic = said(panic.as_ref()), "admin handler panicked");
                let detail = "the handler failed; the server's log says more";
                Problem::new(StatusCode::INTERNAL_SERVER_ERROR, detail).into_response()
            }
            Err(_) => {
                warn!(%method, path, "admin handler took too long");
                let detail = format!("no answer within {}", self.request_timeout);
                Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail).into_response()
            }
        }
    }

    /// Says who asked for a change. Signing in says more itself.
    fn audit(&self, who: Option<&Who>, method: &Method, path: &str, status: u16) {
        if self.desk.is_change(method, path) && (path != SESSION || method != Method::POST) {
            let who = who.map(tracing::field::display);
            info!(target: "audit", who, %method, path, status, "asked for a change");
        }
    }

    fn too_large(&self) -> Problem {
        let detail = format!("the body is longer than {} octets", self.body_limit);
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail).with("limit_octets", self.body_limit)
    }
}

/// The one host that the request names. Two would let a proxy and us read it differently.
fn host(request: &Request) -> Result<Authority, Problem> {
    let bad = |detail: &str| Problem::new(StatusCode::BAD_REQUEST, detail);
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return Err(bad("there must be one Host header"));
    };
    let host = host.to_str().ok().and_then(authority).ok_or_else(|| bad("the Host header is no host"))?;
    match request.uri().authority() {
        Some(target) if *target != host => Err(bad("the Host header is not the host of the target")),
        _ => Ok(host),
    }
}

/// Refuses what a page from elsewhere sends by its visitor's browser. Following a link from there is
/// no such thing: it changes nothing here, and the page sees nothing of the answer.
fn same_origin(request: &Request, host: &Authority) -> Result<(), Problem> {
    let headers = request.headers();
    let mut origins = headers.get_all(header::ORIGIN).iter();
    let elsewhere = !origins.all(|origin| {
        let origin = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
        origin.and_then(|(_, origin)| authority(origin)).is_some_and(|origin| origin == *host)
    });
    // A browser always says whose page opens a WebSocket: one that does not is none, or lies.
    let upgrade =
        headers.get(header::UPGRADE).is_some_and(|to| to.as_bytes().eq_ignore_ascii_case(b"websocket"));
    let is_hidden = upgrade
        && !headers.contains_key(header::ORIGIN)
        && !headers.contains_key(header::AUTHORIZATION)
        && is_of_a_browser(headers);
    let link = !upgrade
        && matches!(*request.method(), Method::GET | Method::HEAD)
        && is(headers, &SEC_FETCH_MODE, "navigate")
        && is(headers, &SEC_FETCH_DEST, "document");
    if elsewhere || is_hidden || (is(headers, &SEC_FETCH_SITE, "cross-site") && !link) {
        warn!(%host, "admin request refused: it comes from a page of another site");
        return Err(Problem::new(StatusCode::FORBIDDEN, "requests from pages of other sites are refused"));
    }
    Ok(())
}

fn is(headers: &HeaderMap, name: &HeaderName, value: &str) -> bool {
    headers.get(name).is_some_and(|there| there == value)
}

/// The handler's answer, or what it panicked with. Nothing of a handler outlives its panic but what
/// it shares, and locks there are poisoned.
async fn caught(handler: impl Future<Output = Response>) -> Result<Response, Box<dyn Any + Send>> {
    let mut handler = pin!(handler);
    poll_fn(|cx| match std::panic::catch_unwind(AssertUnwindSafe(|| handler.as_mut().poll(cx))) {
        Ok(Poll::Ready(response)) => Poll::Ready(Ok(response)),
        Ok(Poll::Pending) => Poll::Pending,
        Err(panic) => Poll::Ready(Err(panic)),
    })
    .await
}

fn said(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no text")
}

/// What an orchestrator asks, which has no token.
const PROBES: [&str; 3] = ["/livez", "/readyz", "/startupz"];

/// Where one signs in.
const SESSION: &str = "/api/v1/session";

const POLICY: &str = "default-src 'none'; frame-ancestors 'none'";

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
const SEC_FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");
