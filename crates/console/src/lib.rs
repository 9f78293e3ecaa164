//! The pages of the web console, as built from `web/`, and how they are served: to everybody, as they say
//! nothing but how to ask; what they show, the admin listener answers to those who are signed in.
//!
//! It knows neither SMPP nor any app.
//!
//! ```
//! let pages = smppkit_ops::Pages::new(smppkit_console::pages());
//! ```
#![forbid(unsafe_code)]

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use smppkit_ops::nothing_at;

// `FILES`, by path.
include!(concat!(env!("OUT_DIR"), "/files.rs"));

/// A file as it was built.
struct File {
    /// Without a slash at the beginning.
    path: &'static str,
    content_type: &'static str,
    etag: &'static str,
    plain: &'static [u8],
    /// Where that is worth it.
    gzip: Option<&'static [u8]>,
}

/// All files, and the index at every other path that a browser shows as a page: each view has an address
/// of its own. What is under `/api` or `/assets` and not there is a 404.
pub fn pages() -> Router {
    Router::new().fallback(page)
}

async fn page(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let file = if matches!(method, Method::GET | Method::HEAD) { find(uri.path(), &headers) } else { None };
    match file {
        Some(file) => file.response(&headers),
        None => nothing_at(uri).await.into_response(),
    }
}

fn find(path: &str, headers: &HeaderMap) -> Option<&'static File> {
    let named = |name: &str| FILES.iter().find(|file| file.path == name);
    if let Some(file) = named(path.trim_start_matches('/')) {
        return Some(file);
    }
    // `/api` itself is a view.
    let is_under = |dir: &str| path.strip_prefix(dir).is_some_and(|rest| rest.starts_with('/'));
    if is_under("/api") || is_under("/assets") {
        return None;
    }
    let is_view = path == "/" || lists(headers, &header::ACCEPT, "text/html");
    is_view.then(|| named("index.html")).flatten()
}

impl File {
    fn response(&self, headers: &HeaderMap) -> Response {
        // The names of what vite puts there change with the content.
        let caching = if self.path.starts_with("assets/") { FOR_EVER } else { "no-cache" };
        let is_known = lists(headers, &header::IF_NONE_MATCH, self.etag);
        let gzip = self.gzip.filter(|_| lists(headers, &header::ACCEPT_ENCODING, "gzip"));
        let body = if is_known { &[][..] } else { gzip.unwrap_or(self.plain) };
        let mut response = Response::new(Body::from(body));
        if is_known {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        }
        let said = [
            (header::CONTENT_TYPE, self.content_type),
            (header::CACHE_CONTROL, caching),
            (header::ETAG, self.etag),
            (header::VARY, "accept-encoding"),
            (header::CONTENT_SECURITY_POLICY, POLICY),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::REFERRER_POLICY, "no-referrer"),
            (OPENER_POLICY, "same-origin"),
        ];
        response.headers_mut().extend(said.map(|(name, value)| (name, HeaderValue::from_static(value))));
        if gzip.is_some() {
            response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        response
    }
}

/// Whether a header lists a value, and not with `q=0`.
fn lists(headers: &HeaderMap, name: &HeaderName, value: &str) -> bool {
    let lines = headers.get_all(name).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|item| {
        let mut parts = item.split(';').map(str::trim);
        let there = parts.next().unwrap_or_default();
        let refused = |part: &str| {
            part.strip_prefix("q=")
                .is_some_and(|weight| weight.bytes().all(|octet| matches!(octet, b'0' | b'.')))
        };
        there.strip_prefix("W/").unwrap_or(there).eq_ignore_ascii_case(value) && !parts.any(refused)
    })
}

/// Nothing but what comes from here: no inline script, no frame around it, no form that leaves. Styles set
/// by scripts, as Svelte's are, are not the markup's, and need no leave.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; \
                      img-src 'self' data:; connect-src 'self'; form-action 'none'; base-uri 'none'; \
                      frame-ancestors 'none'";
const FOR_EVER: &str = "public, max-age=31536000, immutable";
const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;
    use hyper::Request;
    use hyper::service::Service as _;
    use hyper_util::service::TowerToHyperService;

    use super::*;

    fn said<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
        headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    async fn ask(method: &str, path: &str, headers: &[(&str, &str)]) -> (u16, HeaderMap, Vec<u8>) {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::empty()).unwrap();
        let (parts, body) = TowerToHyperService::new(pages()).call(request).await.unwrap().into_parts();
        (parts.status.as_u16(), parts.headers, body.collect().await.unwrap().to_bytes().to_vec())
    }

    #[tokio::test]
    async fn the_index_is_at_the_root_and_at_every_view() {
        let (status, headers, index) = ask("GET", "/", &[]).await;
        assert_eq!((status, said(&headers, "content-type")), (200, "text/html; charset=utf-8"));
        assert_eq!(headers["cache-control"], "no-cache");
        assert_eq!(headers["cross-origin-opener-policy"], "same-origin");
        assert_eq!(headers["referrer-policy"], "no-referrer");
        assert!(
            headers["content-security-policy"]
                .to_str()
                .unwrap()
                .starts_with("default-src 'none'; script-src")
        );
        assert!(index.starts_with(b"<!doctype html>"));
        let browser = ("accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8");
        assert_eq!(ask("GET", "/messages/17?x=1", &[browser]).await.2, index);
        assert_eq!(ask("GET", "/api", &[browser]).await.2, index);
        assert_eq!(ask("HEAD", "/", &[]).await.0, 200);
    }

    #[tokio::test]
    async fn what_is_not_there_is_a_problem() {
        let browser = ("accept", "text/html");
        for (method, path, headers) in [
            ("GET", "/api/v1/nothing", &[browser][..]),
            ("GET", "/assets/nothing.js", &[browser]),
            ("GET", "/messages", &[("accept", "*/*")]),
            ("POST", "/", &[browser]),
        ] {
            let (status, headers, body) = ask(method, path, headers).await;
            assert_eq!((status, said(&headers, "content-type")), (404, "application/problem+json"), "{path}");
            let detail = format!("there is nothing at {path}");
            assert!(String::from_utf8(body).unwrap().contains(&detail), "{path}");
        }
    }

    #[tokio::test]
    async fn a_page_that_is_known_is_not_sent_again() {
        let etag = ask("GET", "/", &[]).await.1["etag"].to_str().unwrap().to_owned();
        let (status, headers, body) =
            ask("GET", "/", &[("if-none-match", &format!("W/{etag}, \"x\""))]).await;
        assert_eq!((status, body.len(), said(&headers, "etag")), (304, 0, etag.as_str()));
        assert_eq!(ask("GET", "/", &[("if-none-match", "\"x\"")]).await.0, 200);
    }

    #[tokio::test]
    async fn what_is_packed_is_sent_so_to_whom_takes_it() {
        for file in FILES.iter().filter(|file| file.gzip.is_some()) {
            let path = format!("/{}", file.path);
            let (_, headers, packed) = ask("GET", &path, &[("accept-encoding", "br, gzip;q=0.5")]).await;
            assert_eq!(
                (said(&headers, "content-encoding"), said(&headers, "vary")),
                ("gzip", "accept-encoding")
            );
            assert_eq!(Some(&packed[..]), file.gzip);
            for accepted in ["", "br", "gzip;q=0", "gzip;q=0.0", "xgzip"] {
                let (_, headers, plain) = ask("GET", &path, &[("accept-encoding", accepted)]).await;
                assert!(!headers.contains_key("content-encoding"), "{accepted}");
                assert_eq!(plain, file.plain);
            }
        }
    }

    #[tokio::test]
    async fn what_is_named_by_its_content_is_kept_for_ever() {
        for file in FILES.iter().filter(|file| file.path.starts_with("assets/")) {
            let (_, headers, _) = ask("GET", &format!("/{}", file.path), &[]).await;
            assert_eq!(headers["cache-control"], "public, max-age=31536000, immutable");
        }
    }
}
