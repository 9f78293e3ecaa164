//! Whether the server lives, and whether work may be sent to it.

use core::fmt::Write;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::routing::get;

/// What the probes answer. Clones are the same.
///
/// `/livez` is good as long as anything answers; `/startupz` once the server was ready for the first
/// time; `/readyz` while it is ready and every check is good.
///
/// ```
/// use smppkit_ops::Health;
///
/// let health = Health::new();
/// health.set("store", Ok(()));
/// health.ready(true);
/// assert!(health.is_ready());
/// health.set("upstream", Err("not bound".to_owned()));
/// assert!(!health.is_ready());
/// ```
#[derive(Debug, Clone, Default)]
pub struct Health(Arc<Mutex<Inside>>);

#[derive(Debug, Default)]
struct Inside {
    ready: bool,
    started: bool,
    checks: BTreeMap<String, Result<(), String>>,
}

impl Health {
    /// Not ready yet, without checks.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether work is welcome: true once listening, false first of all when stopping.
    pub fn ready(&self, ready: bool) {
        let mut inside = self.inside();
        inside.ready = ready;
        inside.started |= ready;
    }

    /// How a part of the server is; what is not good makes the whole not ready. The reason is shown to
    /// everyone who can reach the listener, with a token or without.
    pub fn set(&self, name: impl Into<String>, state: Result<(), String>) {
        self.inside().checks.insert(name.into(), state);
    }

    /// Forgets a part that is no more.
    pub fn remove(&self, name: &str) {
        self.inside().checks.remove(name);
    }

    /// What `/readyz` says.
    pub fn is_ready(&self) -> bool {
        let inside = self.inside();
        inside.ready && inside.checks.values().all(Result::is_ok)
    }

    /// `/livez`, `/readyz` and `/startupz`; with `?verbose` they list what they looked at.
    pub fn routes(&self) -> Router {
        Router::new()
            .route("/livez", get(livez))
            .route("/readyz", get(readyz))
            .route("/startupz", get(startupz))
            .with_state(self.clone())
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

type Answer = (StatusCode, String);

async fn livez(query: RawQuery) -> Answer {
    answer("livez", &query, &[("ping", &Ok(()))])
}

async fn readyz(State(health): State<Health>, query: RawQuery) -> Answer {
    let inside = health.inside();
    let ready = if inside.ready { Ok(()) } else { Err("not ready".to_owned()) };
    let checks = inside.checks.iter().map(|(name, state)| (name.as_str(), state));
    let all: Vec<_> = [("ready", &ready)].into_iter().chain(checks).collect();
    answer("readyz", &query, &all)
}

async fn startupz(State(health): State<Health>, query: RawQuery) -> Answer {
    let started = if health.inside().started { Ok(()) } else { Err("never ready yet".to_owned()) };
    answer("startupz", &query, &[("started", &started)])
}

/// As Kubernetes' own components write it.
fn answer(probe: &str, RawQuery(query): &RawQuery, checks: &[(&str, &Result<(), String>)]) -> Answer {
    let good = checks.iter().all(|(_, state)| state.is_ok());
    let status = if good { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let verbose = query.as_deref().unwrap_or_default().split('&');
    if !verbose.into_iter().any(|item| item == "verbose" || item.starts_with("verbose=")) {
        return (status, if good { "ok".to_owned() } else { "not ok".to_owned() });
    }
    let mut text = String::new();
    for (name, state) in checks {
        // Writing to a string cannot fail.
        let _ = match state {
            Ok(()) => writeln!(text, "[+]{name} ok"),
            Err(reason) => writeln!(text, "[-]{name} failed: {reason}"),
        };
    }
    let _ = writeln!(text, "{probe} check {}", if good { "passed" } else { "failed" });
    (status, text)
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::extract::Request;
    use http_body_util::BodyExt;
    use hyper::service::Service;
    use hyper_util::service::TowerToHyperService;

    use super::*;

    async fn ask(health: &Health, uri: &str) -> (u16, String) {
        let request = Request::builder().uri(uri).body(Body::empty()).unwrap();
        let response = TowerToHyperService::new(health.routes()).call(request).await.unwrap();
        let status = response.status().as_u16();
        (status, String::from_utf8(response.collect().await.unwrap().to_bytes().to_vec()).unwrap())
    }

    #[tokio::test]
    async fn probes_follow_the_life_of_a_server() {
        let health = Health::new();
        assert_eq!(ask(&health, "/livez").await, (200, "ok".to_owned()));
        assert_eq!(ask(&health, "/readyz").await, (503, "not ok".to_owned()));
        assert_eq!(ask(&health, "/startupz").await.0, 503);
        health.ready(true);
        assert_eq!(ask(&health, "/readyz").await, (200, "ok".to_owned()));
        assert_eq!(ask(&health, "/startupz").await.0, 200);
        health.ready(false);
        assert_eq!(ask(&health, "/readyz").await.0, 503);
        assert_eq!(ask(&health, "/startupz").await.0, 200);
        assert_eq!(ask(&health, "/livez").await.0, 200);
    }

    #[tokio::test]
    async fn verbose_lists_the_checks() {
        let health = Health::new();
        health.ready(true);
        health.set("store", Ok(()));
        health.set("upstream", Err("not bound".to_owned()));
        let expected = "[+]ready ok\n[+]store ok\n[-]upstream failed: not bound\nreadyz check failed\n";
        assert_eq!(ask(&health, "/readyz?verbose").await, (503, expected.to_owned()));
        health.remove("upstream");
        let expected = "[+]ready ok\n[+]store ok\nreadyz check passed\n";
        assert_eq!(ask(&health, "/readyz?verbose=1").await, (200, expected.to_owned()));
    }
}
