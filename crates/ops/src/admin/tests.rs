mod sign_in;

use core::pin::Pin;
use core::task::{Context, Poll};
use std::time::Instant;

use axum::body::{Body, Bytes, HttpBody};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use tokio::sync::oneshot;

use super::*;
use crate::{Health, Json, fallbacks};

/// A listener that serves until told to stop.
struct Served {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    task: tokio::task::JoinHandle<()>,
}

impl Served {
    async fn new(config: AdminConfig) -> Self {
        Self::of(Admin::bind(config).await.unwrap(), router())
    }

    fn of(admin: Admin, router: Router) -> Self {
        let address = admin.local_addr();
        let (stop, stopped) = oneshot::channel();
        let stopped = async { drop(stopped.await) };
        Self { address, stop: Some(stop), task: tokio::spawn(admin.serve(router, stopped)) }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(("127.0.0.1", self.address.port())).await.unwrap()
    }

    /// A request of these lines, and the whole answer.
    async fn ask(&self, lines: &[&str]) -> String {
        self.send(lines, "").await
    }

    async fn send(&self, lines: &[&str], body: &str) -> String {
        let mut stream = self.connect().await;
        let request = format!("{}\r\nConnection: close\r\n\r\n{body}", lines.join("\r\n"));
        stream.write_all(request.as_bytes()).await.unwrap();
        rest(&mut stream).await
    }
}

fn router() -> Router {
    let router = Router::new()
        .route("/hello", get(async || "hello"))
        .route("/echo", post(async |body: String| body))
        .route("/json", post(async |Json(value): Json<serde_json::Value>| Json(value)))
        .route("/panic", get(panics))
        .route("/slow", get(core::future::pending::<()>))
        .route("/endless", get(async || Body::new(Endless)))
        .route("/page", get(async || ([("content-security-policy", "default-src 'self'")], "page")));
    fallbacks(router.merge(Health::new().routes()))
}

async fn panics() -> impl IntoResponse {
    assert!(std::hint::black_box(false), "on purpose");
}

/// One octet, and never another.
struct Endless;

impl HttpBody for Endless {
    type Data = Bytes;
    type Error = core::convert::Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<hyper::body::Frame<Bytes>, Self::Error>>> {
        Poll::Pending
    }
}

async fn rest(stream: &mut TcpStream) -> String {
    let mut octets = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut octets)).await;
    read.expect("the listener closes within the time").unwrap();
    String::from_utf8(octets).unwrap()
}

fn assert_problem(answer: &str, status: u16, detail: &str) {
    let (head, body) = answer.split_once("\r\n\r\n").expect("an answer has a head");
    assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    assert!(head.contains("\r\ncontent-type: application/problem+json\r\n"), "{answer}");
    assert!(head.contains("\r\nx-content-type-options: nosniff\r\n"), "{answer}");
    let problem: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(problem["status"], status);
    assert_eq!(problem["detail"], detail);
}

fn with_token() -> AdminConfig {
    AdminConfig { token: Some(Token::new("s3cret").unwrap()), ..AdminConfig::default() }
}

#[tokio::test]
async fn other_addresses_than_loopback_need_a_token() {
    let listen = SocketAddr::from(([0, 0, 0, 0], 0));
    let error = Admin::bind(AdminConfig { listen, ..AdminConfig::default() }).await.unwrap_err();
    let expected = "admin listener 0.0.0.0:0 is not on loopback and has no token: set one, or listen on \
                    127.0.0.1";
    assert_eq!((error.kind(), error.to_string().as_str()), (io::ErrorKind::InvalidInput, expected));
    assert!(Admin::bind(AdminConfig { listen, ..with_token() }).await.is_ok());
    let mapped = AdminConfig { listen: "[::ffff:127.0.0.1]:0".parse().unwrap(), ..AdminConfig::default() };
    assert_eq!(mapped.check(), Ok(()));
}

#[test]
fn configuration_has_defaults_and_refuses_what_it_does_not_know() {
    let config: AdminConfig = crate::config::parse("body_limit = '2 MiB'", "f").unwrap();
    assert_eq!((config.body_limit, config.connections), (Size::mib(2), 256));
    assert!(crate::config::parse::<AdminConfig>("bodylimit = 1", "f").is_err());
    assert!(crate::config::parse::<AdminConfig>("token = ''", "f").is_err());
}

#[tokio::test]
async fn every_answer_has_the_security_headers() {
    let served = Served::new(AdminConfig::default()).await;
    let answer = served.ask(&["GET /hello HTTP/1.1", "Host: localhost"]).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\nhello"), "{answer}");
    for header in [
        "x-content-type-options: nosniff",
        "cache-control: no-store",
        "content-security-policy: default-src 'none'; frame-ancestors 'none'",
    ] {
        assert!(answer.contains(&format!("\r\n{header}\r\n")), "{header}: {answer}");
    }
    let answer = served.ask(&["GET /page HTTP/1.1", "Host: localhost"]).await;
    assert!(answer.contains("\r\ncontent-security-policy: default-src 'self'\r\n"), "{answer}");
    let answer = served.ask(&["GET /nowhere HTTP/1.1", "Host: localhost"]).await;
    assert_problem(&answer, 404, "there is nothing at /nowhere");
}

#[tokio::test]
async fn rebound_names_are_refused_on_loopback() {
    let served = Served::new(AdminConfig::default()).await;
    let port = served.address.port();
    for host in ["localhost", "127.0.0.1:1", "[::1]:80", &format!("localhost:{port}")] {
        let answer = served.ask(&["GET /hello HTTP/1.1", &format!("Host: {host}")]).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{host}: {answer}");
    }
    let misdirected = "the Host header names neither localhost nor the address listened on";
    for host in ["evil.example", "evil.example:80", "10.0.0.1", "localhost.evil.example"] {
        let answer = served.ask(&["GET /livez HTTP/1.1", &format!("Host: {host}")]).await;
        assert_problem(&answer, 421, misdirected);
    }
    let target = ["GET http://evil.example/hello HTTP/1.1", "Host: localhost"];
    assert_problem(&served.ask(&target).await, 400, "the Host header is not the host of the target");
    let twice = ["GET /hello HTTP/1.1", "Host: localhost", "Host: evil.example"];
    assert_problem(&served.ask(&twice).await, 400, "there must be one Host header");
    assert_problem(&served.ask(&["GET /hello HTTP/1.1"]).await, 400, "there must be one Host header");
}

#[tokio::test]
async fn any_name_is_taken_elsewhere() {
    let config = AdminConfig { listen: SocketAddr::from(([0, 0, 0, 0], 0)), ..with_token() };
    let served = Served::new(config).await;
    let lines = ["GET /hello HTTP/1.1", "Host: smpp.example", "Authorization: Bearer s3cret"];
    assert!(served.ask(&lines).await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn pages_of_other_sites_are_refused() {
    let served = Served::new(AdminConfig::default()).await;
    let refused = "requests from pages of other sites are refused";
    for header in [
        "Origin: http://evil.example",
        "Origin: http://localhost:3000",
        "Origin: null",
        "Sec-Fetch-Site: cross-site",
    ] {
        let lines = ["POST /echo HTTP/1.1", "Host: localhost:8080", "Content-Length: 0", header];
        assert_problem(&served.ask(&lines).await, 403, refused);
    }
    for header in ["Origin: http://LOCALHOST:8080", "Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: none"] {
        let lines = ["POST /echo HTTP/1.1", "Host: localhost:8080", "Content-Length: 0", header];
        let answer = served.ask(&lines).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{header}: {answer}");
    }
}

#[tokio::test]
async fn links_from_other_sites_may_be_followed() {
    let served = Served::new(AdminConfig::default()).await;
    let link = ["Host: localhost", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate"];
    let ask = async |first: &str, dest: &str| served.ask(&[&[first], &link[..], &[dest]].concat()).await;
    assert!(ask("GET /page HTTP/1.1", "Sec-Fetch-Dest: document").await.starts_with("HTTP/1.1 200 "));
    assert!(ask("GET /page HTTP/1.1", "Sec-Fetch-Dest: iframe").await.starts_with("HTTP/1.1 403 "));
    assert!(ask("POST /echo HTTP/1.1", "Sec-Fetch-Dest: document").await.starts_with("HTTP/1.1 403 "));
}

#[tokio::test]
async fn the_token_is_asked_for_but_not_by_probes() {
    let served = Served::new(with_token()).await;
    let answer = served.ask(&["GET /hello HTTP/1.1", "Host: localhost"]).await;
    assert_problem(&answer, 401, "a bearer token is needed");
    assert!(answer.contains("\r\nwww-authenticate: Bearer realm=\"admin\"\r\n"), "{answer}");
    for wrong in ["Bearer s3cre", "Bearer s3cret0", "Bearer", "Basic s3cret", "s3cret", ""] {
        let lines = ["GET /hello HTTP/1.1", "Host: localhost", &format!("Authorization: {wrong}")];
        let answer = served.ask(&lines).await;
        assert_problem(&answer, 401, "the bearer token is wrong");
        assert!(answer.contains("error=\"invalid_token\"\r\n"), "{answer}");
    }
    for right in ["Bearer s3cret", "bearer  s3cret"] {
        let lines = ["GET /hello HTTP/1.1", "Host: localhost", &format!("Authorization: {right}")];
        assert!(served.ask(&lines).await.starts_with("HTTP/1.1 200 "), "{right}");
    }
    assert!(served.ask(&["GET /livez HTTP/1.1", "Host: localhost"]).await.starts_with("HTTP/1.1 200 "));
    assert!(served.ask(&["GET /readyz HTTP/1.1", "Host: localhost"]).await.starts_with("HTTP/1.1 503 "));
}

#[tokio::test]
async fn long_bodies_are_refused() {
    let served = Served::new(AdminConfig { body_limit: Size(8), ..AdminConfig::default() }).await;
    let detail = "the body is longer than 8 octets";
    let declared = ["POST /echo HTTP/1.1", "Host: localhost", "Content-Length: 9"];
    assert_problem(&served.send(&declared, "123456789").await, 413, detail);
    let chunked = ["POST /echo HTTP/1.1", "Host: localhost", "Transfer-Encoding: chunked"];
    assert_problem(&served.send(&chunked, "9\r\n123456789\r\n0\r\n\r\n").await, 413, detail);
    let json = [&chunked[..], &["Content-Type: application/json"]].concat();
    let json = json.iter().map(|line| line.replace("/echo", "/json")).collect::<Vec<_>>();
    let json: Vec<_> = json.iter().map(String::as_str).collect();
    assert_problem(&served.send(&json, "9\r\n123456789\r\n0\r\n\r\n").await, 413, "the body is too long");
    assert!(served.send(&chunked, "8\r\n12345678\r\n0\r\n\r\n").await.ends_with("12345678"));
}

#[tokio::test]
async fn bodies_longer_than_axum_allows_are_taken_if_configured() {
    let served = Served::new(AdminConfig { body_limit: Size::mib(4), ..AdminConfig::default() }).await;
    let length = 3 << 20;
    let lines = ["POST /echo HTTP/1.1", "Host: localhost", &format!("Content-Length: {length}")];
    assert!(served.send(&lines, &"a".repeat(length)).await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn a_panic_is_a_500_and_the_server_lives_on() {
    let served = Served::new(AdminConfig::default()).await;
    let answer = served.ask(&["GET /panic HTTP/1.1", "Host: localhost"]).await;
    assert_problem(&answer, 500, "the handler failed; the server's log says more");
    assert!(served.ask(&["GET /hello HTTP/1.1", "Host: localhost"]).await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn handlers_that_take_too_long_are_a_503() {
    let served =
        Served::new(AdminConfig { request_timeout: Span::millis(50), ..AdminConfig::default() }).await;
    let answer = served.ask(&["GET /slow HTTP/1.1", "Host: localhost"]).await;
    assert_problem(&answer, 503, "no answer within 50ms");
}

#[tokio::test]
async fn slow_heads_and_idle_connections_are_cut() {
    let served =
        Served::new(AdminConfig { header_timeout: Span::millis(500), ..AdminConfig::default() }).await;
    let begun = Instant::now();
    let mut silent = served.connect().await;
    let mut slow = served.connect().await;
    slow.write_all(b"GET /hello HTTP/1.1\r\nHost: local").await.unwrap();
    let mut idle = served.connect().await;
    idle.write_all(b"GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    assert_eq!(rest(&mut silent).await, "");
    assert_eq!(rest(&mut slow).await, "");
    assert!(rest(&mut idle).await.ends_with("hello"));
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn connections_beyond_the_limit_are_told_and_closed() {
    let served = Served::new(AdminConfig { connections: 2, ..AdminConfig::default() }).await;
    let mut holders = Vec::new();
    for _ in 0..2 {
        let mut holder = served.connect().await;
        holder.write_all(b"GET /endless HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
        let mut first = [0; 12];
        holder.read_exact(&mut first).await.unwrap();
        assert_eq!(&first, b"HTTP/1.1 200");
        holders.push(holder);
    }
    let answer = served.ask(&["GET /hello HTTP/1.1", "Host: localhost"]).await;
    assert_problem(&answer, 503, "the limit of connections is reached");
    drop(holders.pop());
    // The place is free once the listener has seen the close.
    let begun = Instant::now();
    while !served.ask(&["GET /hello HTTP/1.1", "Host: localhost"]).await.starts_with("HTTP/1.1 200 ") {
        assert!(begun.elapsed() < Duration::from_secs(5));
    }
}

#[tokio::test]
async fn stopping_ends_idle_connections_at_once_and_endless_answers_after_two_seconds() {
    let mut served = Served::new(AdminConfig::default()).await;
    let mut idle = served.connect().await;
    idle.write_all(b"GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut first = [0; 12];
    idle.read_exact(&mut first).await.unwrap();
    let mut endless = served.connect().await;
    endless.write_all(b"GET /endless HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    endless.read_exact(&mut first).await.unwrap();
    let begun = Instant::now();
    served.stop.take().unwrap().send(()).unwrap();
    assert!(rest(&mut idle).await.ends_with("hello"));
    assert!(begun.elapsed() < DRAIN);
    served.task.await.unwrap();
    let took = begun.elapsed();
    assert!((DRAIN..DRAIN * 5).contains(&took), "{took:?}");
    assert!(TcpStream::connect(served.address).await.is_err());
    let mut left = Vec::new();
    // Cut in the middle of a chunked answer, whether by a close or a reset.
    let _ = endless.read_to_end(&mut left).await;
    assert!(!left.ends_with(b"0\r\n\r\n"));
}
