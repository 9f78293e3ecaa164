//! Who asks, and what that one may do: tokens for programs, a session in a cookie for browsers.

mod routes;
mod sessions;
mod tries;

use core::fmt;
use std::io;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use ring::rand::{SecureRandom as _, SystemRandom};
use serde::{Deserialize, Serialize};
use tracing::{info, warn};
use utoipa::ToSchema;

use self::sessions::Sessions;
use self::tries::Tries;
use crate::access::Token;
use crate::admin::AdminConfig;
use crate::pages::Told;
use crate::problem::Problem;

pub(crate) use self::routes::routes;

/// Whether a browser has to sign in. Where there is a token it has to in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SignIn {
    /// Whoever reaches the listener may do everything; on loopback only.
    #[default]
    Open,
    /// By the link that is printed at the start, or by a token.
    ///
    /// Without a token, a program on this machine needs none of it: it could as well read the data
    /// directory. A browser cannot pass for one, as pages have no say in whether it sends `Origin` and
    /// `Sec-Fetch-Site`.
    Required,
}

/// What somebody may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Everything.
    Admin,
    /// Look: GET and HEAD, and WebSockets that only tell.
    Viewer,
}

/// Proof that whoever asks may act, for routes that act on a GET: WebSockets. 403 to a viewer, and where
/// nobody looked who asks.
#[derive(Debug, Clone, Copy)]
pub struct MayAct;

/// Who asks, for what is kept about a change. `Display` says it in words: `admin by token from 192.0.2.1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Who {
    /// What that one may do.
    pub role: Role,
    /// What let that one in.
    pub by: By,
    /// Where the request came from; a proxy's address where there is one between.
    pub peer: Option<IpAddr>,
}

/// What lets somebody in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The token that the request bears.
    Token,
    /// A browser's session.
    Session,
    /// Nothing was asked for.
    Nothing,
}

/// Lets people in, and knows who is.
#[derive(Debug)]
pub(crate) struct Desk {
    sign_in: SignIn,
    token: Option<Token>,
    viewer_token: Option<Token>,
    /// The cookie's name. Cookies know no ports: listeners of one machine would put out each other's.
    cookie: String,
    told: Told,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    secret: Option<OneTime>,
    sessions: Sessions,
    tries: Tries,
}

/// What is printed at the start, until it was used.
#[derive(Debug)]
struct OneTime {
    secret: Token,
    until: Option<Instant>,
}

/// Who asks.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) role: Role,
    pub(crate) by: By,
    /// Of a session: empty where none is needed.
    csrf: String,
}

/// Where a request comes from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) IpAddr);

impl Desk {
    /// The desk, and the one-time secret where signing in is needed.
    pub(crate) fn new(config: &AdminConfig) -> io::Result<(Self, Option<String>)> {
        let sign_in = if config.token.is_some() { SignIn::Required } else { config.sign_in };
        let text = (sign_in == SignIn::Required).then(random::<SECRET_OCTETS>).transpose()?;
        let secret = text.as_deref().and_then(|text| Token::new(text).ok());
        let until = config.token.is_some().then(|| Instant::now() + SECRET_LIFE);
        let state = State {
            secret: secret.map(|secret| OneTime { secret, until }),
            sessions: Sessions::default(),
            tries: Tries::default(),
        };
        let desk = Self {
            sign_in,
            token: config.token.clone(),
            viewer_token: config.viewer_token.clone(),
            cookie: format!("smppkit_session_{}", config.listen.port()),
            told: Told::default(),
            state: Mutex::new(state),
        };
        Ok((desk, text))
    }

    pub(crate) fn tell(&mut self, told: Told) {
        self.told = told;
    }

    /// Who sends this, if it may be sent.
    pub(crate) fn admit(&self, method: &Method, path: &str, headers: &HeaderMap) -> Result<Caller, Problem> {
        let caller = self.caller(method, headers)?;
        if caller.role == Role::Viewer && self.is_change(method, path) {
            return Err(Problem::new(StatusCode::FORBIDDEN, "a viewer may look, and change nothing"));
        }
        Ok(caller)
    }

    /// Whether what is asked for changes anything.
    pub(crate) fn is_change(&self, method: &Method, path: &str) -> bool {
        let is_look = *method == Method::POST && self.told.looks.iter().any(|look| is_of(path, look));
        !method.is_safe() && !is_look
    }

    fn caller(&self, method: &Method, headers: &HeaderMap) -> Result<Caller, Problem> {
        if let (Some(offered), Some(_)) = (headers.get(header::AUTHORIZATION), &self.token) {
            if let Some(role) = bearer(offered).and_then(|offered| self.by_token(offered)) {
                return Ok(Caller { role, by: By::Token, csrf: String::new() });
            }
            warn!("admin request refused: wrong token");
            let problem = Problem::new(StatusCode::UNAUTHORIZED, "the bearer token is wrong");
            return Err(problem.header(header::WWW_AUTHENTICATE, WRONG));
        }
        if let Some(caller) = self.by_cookie(headers) {
            let offered = headers.get(&CSRF).map_or(&[][..], HeaderValue::as_bytes);
            let is_meant = Token::new(&caller.csrf).is_ok_and(|csrf| csrf.matches(offered));
            if !method.is_safe() && !is_meant {
                let detail = "X-CSRF-Token must be the csrf of GET /api/v1/session";
                return Err(Problem::new(StatusCode::FORBIDDEN, detail));
            }
            return Ok(caller);
        }
        if self.sign_in == SignIn::Open || (self.token.is_none() && !is_of_a_browser(headers)) {
            return Ok(Caller { role: Role::Admin, by: By::Nothing, csrf: String::new() });
        }
        let detail = match self.token {
            Some(_) => "a bearer token is needed",
            None => "sign in by the link that was printed at the start",
        };
        Err(Problem::new(StatusCode::UNAUTHORIZED, detail).header(header::WWW_AUTHENTICATE, REALM))
    }

    /// Begins a session: who it is for, and its id.
    fn sign_in(&self, offered: &str, peer: IpAddr, now: Instant) -> Result<(Caller, String), Problem> {
        let mut state = self.state();
        if let Err(wait) = state.tries.check(peer, now) {
            warn!(target: "audit", %peer, "sign-in refused: too many tries");
            let detail = format!("too many tries to sign in: wait {} s", wait.as_secs() + 1);
            return Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, detail).retry_after(wait));
        }
        let role = match self.by_token(offered.as_bytes()) {
            Some(role) => role,
            None if state.take_secret(offered, now) => Role::Admin,
            None => {
                state.tries.failed(peer, now);
                warn!(target: "audit", %peer, "sign-in failed");
                let detail = "wrong, or used already: start again for another link, or use the token";
                return Err(
                    Problem::new(StatusCode::UNAUTHORIZED, detail).header(header::WWW_AUTHENTICATE, REALM)
                );
            }
        };
        let ids = random::<ID_OCTETS>().and_then(|id| Ok((id, random::<ID_OCTETS>()?)));
        let (id, csrf) = ids.map_err(|error| Problem::unavailable(error.to_string()))?;
        state.sessions.begin(&id, role, &csrf, now);
        info!(target: "audit", %peer, ?role, "signed in");
        Ok((Caller { role, by: By::Session, csrf }, id))
    }

    fn sign_out(&self, headers: &HeaderMap) {
        let mut state = self.state();
        for id in cookies(headers, &self.cookie) {
            state.sessions.end(id);
        }
    }

    fn by_token(&self, offered: &[u8]) -> Option<Role> {
        let is = |token: &Option<Token>| token.as_ref().is_some_and(|token| token.matches(offered));
        // Both are looked at, so that the time says nothing about which it was.
        let (admin, viewer) = (is(&self.token), is(&self.viewer_token));
        admin.then_some(Role::Admin).or(viewer.then_some(Role::Viewer))
    }

    fn by_cookie(&self, headers: &HeaderMap) -> Option<Caller> {
        let (mut state, now) = (self.state(), Instant::now());
        cookies(headers, &self.cookie).find_map(|id| {
            let (role, csrf) = state.sessions.find(id, now)?;
            Some(Caller { role, by: By::Session, csrf: csrf.to_owned() })
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn take_secret(&mut self, offered: &str, now: Instant) -> bool {
        let is_it = self.secret.as_ref().is_some_and(|one| {
            one.secret.matches(offered.as_bytes()) && one.until.is_none_or(|until| now < until)
        });
        if is_it {
            self.secret = None;
        }
        is_it
    }
}

impl<S: Send + Sync> FromRequestParts<S> for MayAct {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        match parts.extensions.get::<Caller>() {
            Some(caller) if caller.role == Role::Admin => Ok(Self),
            _ => Err(Problem::new(StatusCode::FORBIDDEN, "a viewer may look, and do nothing")),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Who {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let peer = parts.extensions.get::<Peer>().map(|peer| peer.0);
        let caller = parts.extensions.get::<Caller>();
        let who = caller.map(|&Caller { role, by, .. }| Self { role, by, peer });
        who.ok_or_else(|| Problem::new(StatusCode::UNAUTHORIZED, "nobody looked who asks"))
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.role {
            Role::Admin => "admin",
            Role::Viewer => "viewer",
        })?;
        f.write_str(match self.by {
            By::Token => " by token",
            By::Session => " signed in",
            By::Nothing => "",
        })?;
        self.peer.map_or(Ok(()), |peer| write!(f, " from {peer}"))
    }
}

/// Whether a browser sends this for a page. Each of these headers is out of a page's hands.
pub(crate) fn is_of_a_browser(headers: &HeaderMap) -> bool {
    let is_sign = |name: &HeaderName| {
        *name == header::ORIGIN || *name == header::COOKIE || name.as_str().starts_with("sec-fetch-")
    };
    headers.keys().any(is_sign)
}

/// The token of an Authorization header. The scheme's case does not matter (RFC 9110, 11.1).
/// Whether a path is one that is looked at, see [`Pages::looks`](crate::Pages::looks).
fn is_of(path: &str, look: &str) -> bool {
    if look.ends_with('/') {
        return path.starts_with(look);
    }
    let mut segments = path.split('/');
    look.split('/').all(|look| {
        let any = look.starts_with('{');
        segments.next().is_some_and(|segment| if any { !segment.is_empty() } else { segment == look })
    }) && segments.next().is_none()
}

fn bearer(header: &HeaderValue) -> Option<&[u8]> {
    let (scheme, token) = header.as_bytes().split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then(|| token.trim_ascii())
}

/// The values of a cookie: a neighbour's server may have set another of the same name.
fn cookies<'a>(headers: &'a HeaderMap, name: &'a str) -> impl Iterator<Item = &'a str> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|cookies| cookies.to_str().ok());
    let pairs = all.flat_map(|cookies| cookies.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.filter(move |(there, _)| *there == name).map(|(_, value)| value)
}

/// So many octets of chance, as hexadecimal digits.
fn random<const OCTETS: usize>() -> io::Result<String> {
    let mut octets = [0; OCTETS];
    let filled = SystemRandom::new().fill(&mut octets);
    filled.map_err(|_| io::Error::other("the system has no random numbers"))?;
    let digit = |value: u8| char::from(b"0123456789abcdef"[usize::from(value)]);
    Ok(octets.iter().flat_map(|octet| [digit(octet >> 4), digit(octet & 0xF)]).collect())
}

/// 160 bits, so that the link fits on a line.
const SECRET_OCTETS: usize = 20;
const ID_OCTETS: usize = 32;
/// How long the link holds where there is a token besides: it stands in a log that others may read later.
/// Without a token it is the only way in, and holds until it is used.
const SECRET_LIFE: Duration = Duration::from_secs(3_600);

const REALM: &str = "Bearer realm=\"admin\"";
const WRONG: &str = "Bearer realm=\"admin\", error=\"invalid_token\"";
const CSRF: HeaderName = HeaderName::from_static("x-csrf-token");
