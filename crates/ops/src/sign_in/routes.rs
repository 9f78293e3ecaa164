//! `/api/v1/session`.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Instant;

use axum::Extension;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Caller, Desk, Peer, Role, SignIn};
use crate::extract::Json;
use crate::problem::Problem;

/// The routes of a session, documented.
pub(crate) fn routes() -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(show, begin, end))
}

/// What a page has to know before all else.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SignedIn {
    role: Role,
    /// What requests that change something must bring as `X-CSRF-Token`. Empty where nobody signed in: then
    /// nothing is asked for.
    csrf: String,
    sign_in: SignIn,
    /// What serves the page.
    #[schema(example = "gateway")]
    name: String,
    #[schema(example = "0.1.0")]
    version: String,
    /// Where the client of the console may connect to. Absent where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = json!(["127.0.0.0/8", "::1/128"]))]
    client_targets: Option<Vec<String>>,
}

/// What somebody shows to be let in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SigningIn {
    /// The secret of the link that is printed at the start, which holds once; or a token.
    secret: String,
}

/// Who is signed in
#[utoipa::path(get, path = "/api/v1/session", tag = "session", responses((status = 200, body = SignedIn)))]
async fn show(Extension(desk): Extension<Arc<Desk>>, Extension(caller): Extension<Caller>) -> Json<SignedIn> {
    Json(desk.signed_in(caller))
}

/// Sign in
///
/// The session is a cookie. It ends after twelve hours without a request, after seven days, and when the
/// server stops.
#[utoipa::path(post, path = "/api/v1/session", tag = "session", request_body = SigningIn,
    responses((status = 200, body = SignedIn), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 415, body = Problem), (status = 422, body = Problem), (status = 429, body = Problem)))]
async fn begin(
    Extension(desk): Extension<Arc<Desk>>,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
    Json(SigningIn { secret }): Json<SigningIn>,
) -> Result<impl IntoResponse, Problem> {
    let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |Extension(Peer(peer))| peer);
    let (caller, id) = desk.sign_in(&secret, peer, Instant::now())?;
    // What was in the browser before ends: nobody is left signed in by a cookie that is gone.
    desk.sign_out(&headers);
    Ok((desk.set_cookie(&id, "")?, Json(desk.signed_in(caller))))
}

/// Sign out
#[utoipa::path(delete, path = "/api/v1/session", tag = "session", responses((status = 204)))]
async fn end(
    Extension(desk): Extension<Arc<Desk>>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, Problem> {
    desk.sign_out(&headers);
    Ok((StatusCode::NO_CONTENT, desk.set_cookie("", "; Max-Age=0")?))
}

impl Desk {
    fn signed_in(&self, Caller { role, csrf, .. }: Caller) -> SignedIn {
        SignedIn {
            role,
            csrf,
            sign_in: self.sign_in,
            name: self.told.name.to_string(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            client_targets: self.told.client_targets.clone(),
        }
    }

    fn set_cookie(&self, id: &str, more: &str) -> Result<[(header::HeaderName, HeaderValue); 1], Problem> {
        let cookie = format!("{}={id}; HttpOnly; SameSite=Strict; Path=/{more}", self.cookie);
        let mut cookie = HeaderValue::try_from(cookie).map_err(|_| Problem::unavailable("no cookie"))?;
        cookie.set_sensitive(true);
        Ok([(header::SET_COOKIE, cookie)])
    }
}
