//! Numbers for Prometheus.

use core::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use tracing::error;

use crate::problem::Problem;
use crate::process::Process;

/// The registry, with what every process has: `smppkit_build_info`, and on Linux the usual
/// `process_` metrics, read when scraped. Clones are the same.
///
/// ```
/// use prometheus_client::metrics::counter::Counter;
/// use smppkit_ops::Metrics;
///
/// let metrics = Metrics::new("0.1.0");
/// let accepted = Counter::<u64>::default();
/// metrics.registry(|registry| {
///     registry.register("smppkit_listener_connections", "Connections accepted", accepted.clone());
/// });
/// accepted.inc();
/// assert!(metrics.encode().unwrap().contains("smppkit_listener_connections_total 1\n"));
/// ```
#[derive(Clone)]
pub struct Metrics(Arc<Mutex<Registry>>);

impl Metrics {
    /// Of a program of this version.
    pub fn new(version: &str) -> Self {
        let mut registry = Registry::default();
        let build = Family::<[(&'static str, String); 1], Gauge>::default();
        build.get_or_create(&[("version", version.to_owned())]).set(1);
        registry.register("smppkit_build_info", "1, with the version that runs", build);
        registry.register_collector(Box::new(Process));
        Self(Arc::new(Mutex::new(registry)))
    }

    /// Hands out the registry, to register in. It is locked meanwhile, also for scrapes.
    pub fn registry<R>(&self, register: impl FnOnce(&mut Registry) -> R) -> R {
        register(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// All there is, as OpenMetrics text.
    pub fn encode(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        self.registry(|registry| encode(&mut text, registry))?;
        Ok(text)
    }

    /// `/metrics`.
    pub fn routes(&self) -> Router {
        Router::new().route("/metrics", get(metrics)).with_state(self.clone())
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

async fn metrics(State(metrics): State<Metrics>) -> Response {
    match metrics.encode() {
        Ok(text) => ([(header::CONTENT_TYPE, OPENMETRICS)], text).into_response(),
        Err(error) => {
            error!(%error, "metrics cannot be encoded");
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "a metric cannot be encoded").into_response()
        }
    }
}

const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::extract::Request;
    use hyper::service::Service;
    use hyper_util::service::TowerToHyperService;

    use super::*;

    #[test]
    fn the_version_is_a_gauge_of_one() {
        let text = Metrics::new("1.2.3").encode().unwrap();
        assert!(text.contains("# TYPE smppkit_build_info gauge\n"), "{text}");
        assert!(text.contains("smppkit_build_info{version=\"1.2.3\"} 1\n"), "{text}");
        assert!(text.ends_with("# EOF\n"), "{text}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_process_is_measured() {
        let text = Metrics::new("1").encode().unwrap();
        let value = |name: &str| -> f64 {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            line.unwrap_or_else(|| panic!("{name} is in {text}")).parse().unwrap()
        };
        assert!(value("process_resident_memory_bytes") > 100_000.0);
        assert!(value("process_virtual_memory_bytes") > value("process_resident_memory_bytes"));
        assert!(value("process_cpu_seconds_total") >= 0.0);
        assert!(value("process_open_fds") >= 3.0);
        assert!(value("process_max_fds") >= value("process_open_fds"));
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64();
        let age = now - value("process_start_time_seconds");
        assert!((-2.0..3_600.0).contains(&age), "started {age} s ago");
    }

    #[tokio::test]
    async fn a_scrape_is_openmetrics() {
        let request = Request::builder().uri("/metrics").body(Body::empty()).unwrap();
        let routes = Metrics::new("1").routes();
        let response = TowerToHyperService::new(routes).call(request).await.unwrap();
        assert_eq!(response.headers()[header::CONTENT_TYPE], OPENMETRICS);
    }
}
