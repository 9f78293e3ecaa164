use std::fmt::Write as _;

use axum::extract::ws::WebSocketUpgrade;
use tracing::field::{Field, Visit};

use super::*;
use crate::{MayAct, Pages, SignIn, Who, openapi};

const HOST: &str = "Host: localhost";
const PAGE: &str = "Sec-Fetch-Site: same-origin";
const JSON: &str = "Content-Type: application/json";

fn required() -> AdminConfig {
    AdminConfig { sign_in: SignIn::Required, ..AdminConfig::default() }
}

fn with_viewer() -> AdminConfig {
    AdminConfig { viewer_token: Some(Token::new("l00k").unwrap()), ..with_token() }
}

/// A listener with all that signing in needs, and its one-time secret.
async fn served(config: AdminConfig) -> (Served, String) {
    let pages = Pages::new(fallbacks(Router::new().route("/", get(async || "a page"))))
        .named("test")
        .looks(&["/echo/harmless", "/echo/{any}/harmless"]);
    let routes = pages.add_routes(utoipa_axum::router::OpenApiRouter::new());
    let routes = openapi(routes, utoipa::openapi::Info::new("test", "1"))
        .route("/echo/harmless", axum::routing::post(async || "looked"))
        .route("/who", get(async |who: Who| who.to_string()))
        .route("/echo/{any}/{what}", axum::routing::post(async || "looked"))
        .route("/look", get(async |ws: WebSocketUpgrade| ws.on_upgrade(echo)))
        .route("/act", get(async |_: MayAct, ws: WebSocketUpgrade| ws.on_upgrade(echo)));
    let admin = Admin::bind(config).await.unwrap().pages("app", &pages);
    let link = admin.link();
    let secret = link.rsplit_once("#secret=").map(|(_, secret)| secret.to_owned()).unwrap_or_default();
    (Served::of(admin, routes.merge(router())), secret)
}

async fn echo(mut socket: axum::extract::ws::WebSocket) {
    while let Some(Ok(message)) = socket.recv().await {
        // Whoever went away wants no echo.
        let _ = socket.send(message).await;
    }
}

impl Served {
    async fn sign_in(&self, secret: &str) -> String {
        let body = format!("{{\"secret\":{secret:?}}}");
        let length = format!("Content-Length: {}", body.len());
        self.send(&["POST /api/v1/session HTTP/1.1", HOST, PAGE, JSON, &length], &body).await
    }

    /// The head of the answer to an upgrade, and the connection.
    async fn upgrade(&self, path: &str, more: &[&str]) -> (String, TcpStream) {
        let first = format!("GET {path} HTTP/1.1");
        let usual = ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"];
        let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
        let lines = [&[first.as_str(), HOST, key], &usual[..], more].concat();
        let mut stream = self.connect().await;
        stream.write_all(format!("{}\r\n\r\n", lines.join("\r\n")).as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        (String::from_utf8(head).unwrap(), stream)
    }
}

/// The cookie as a browser sends it, and the CSRF token as a page does.
fn session(answer: &str) -> (String, String) {
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let cookie = answer.split("set-cookie: ").nth(1).and_then(|rest| rest.split(';').next()).unwrap();
    let csrf = body(answer)["csrf"].as_str().unwrap().to_owned();
    (format!("Cookie: other=1; {cookie}"), format!("X-CSRF-Token: {csrf}"))
}

fn body(answer: &str) -> serde_json::Value {
    serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
}

fn assert_status(answer: &str, status: u16) {
    assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{status}: {answer}");
}

#[test]
fn tokens_that_make_no_sense_together_are_refused() {
    let viewer = || AdminConfig { token: None, ..with_viewer() };
    assert!(viewer().check().unwrap_err().contains("needs a token besides"));
    let same = AdminConfig { viewer_token: with_token().token, ..with_token() };
    assert!(same.check().unwrap_err().contains("is the token"));
    assert_eq!(with_viewer().check(), Ok(()));
    let config: AdminConfig = crate::config::parse("sign_in = 'required'", "f").unwrap();
    assert_eq!((config.sign_in, AdminConfig::default().sign_in), (SignIn::Required, SignIn::Open));
}

#[tokio::test]
async fn the_secret_signs_in_once() {
    let (served, secret) = served(required()).await;
    let asked = ["GET /hello HTTP/1.1", HOST, PAGE];
    let detail = "sign in by the link that was printed at the start";
    assert_problem(&served.ask(&asked).await, 401, detail);
    assert_status(&served.ask(&["GET /api/v1/session HTTP/1.1", HOST, PAGE]).await, 401);
    assert!(served.ask(&["GET / HTTP/1.1", HOST, PAGE]).await.ends_with("a page"));
    assert_status(&served.ask(&["GET /nowhere HTTP/1.1", HOST, PAGE]).await, 401);

    let answer = served.sign_in(&secret).await;
    assert_eq!(
        (body(&answer)["role"].as_str(), body(&answer)["name"].as_str()),
        (Some("admin"), Some("test"))
    );
    let name = format!("smppkit_session_{}=", served.address.port());
    let cookie = answer.lines().find(|line| line.starts_with("set-cookie: ")).unwrap();
    assert!(cookie.contains(&name), "{cookie}");
    assert!(cookie.ends_with("; HttpOnly; SameSite=Strict; Path=/"), "{cookie}");
    assert_status(&served.sign_in(&secret).await, 401);

    let (cookie, csrf) = session(&answer);
    assert!(served.ask(&[&asked[..], &[&cookie]].concat()).await.ends_with("hello"));
    let shown = served.ask(&["GET /api/v1/session HTTP/1.1", HOST, PAGE, &cookie]).await;
    assert_eq!((body(&shown), shown.contains("set-cookie")), (body(&answer), false));
    let out = served.ask(&["DELETE /api/v1/session HTTP/1.1", HOST, PAGE, &cookie, &csrf]).await;
    assert_status(&out, 204);
    assert!(out.contains("=; HttpOnly; SameSite=Strict; Path=/; Max-Age=0\r\n"), "{out}");
    assert_status(&served.ask(&[&asked[..], &[&cookie]].concat()).await, 401);
}

#[tokio::test]
async fn programs_of_this_machine_need_no_session_and_browsers_do() {
    let (served, _) = served(required()).await;
    assert_status(&served.ask(&["GET /hello HTTP/1.1", HOST]).await, 200);
    assert_status(&served.ask(&["POST /echo HTTP/1.1", HOST, "Content-Length: 0"]).await, 200);
    for sign in ["Cookie: a=b", "Origin: http://localhost", "Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty"] {
        assert_status(&served.ask(&["GET /hello HTTP/1.1", HOST, sign]).await, 401);
    }
    assert_status(&served.ask(&["GET /livez HTTP/1.1", HOST, PAGE]).await, 200);
}

#[tokio::test]
async fn without_a_need_to_sign_in_everybody_is_an_administrator() {
    let (served, secret) = served(AdminConfig::default()).await;
    assert_eq!(secret, "");
    let answer = served.ask(&["GET /api/v1/session HTTP/1.1", HOST, PAGE]).await;
    let expected = serde_json::json!({ "role": "admin", "csrf": "", "sign_in": "open", "name": "test",
        "version": env!("CARGO_PKG_VERSION") });
    assert_eq!(body(&answer), expected);
    assert_status(&served.ask(&["POST /echo HTTP/1.1", HOST, PAGE, "Content-Length: 0"]).await, 200);
}

#[tokio::test]
async fn a_cookie_changes_nothing_without_the_csrf_token() {
    let (served, secret) = served(required()).await;
    let (cookie, csrf) = session(&served.sign_in(&secret).await);
    let asked = ["POST /echo HTTP/1.1", HOST, PAGE, "Content-Length: 0", &cookie];
    let detail = "X-CSRF-Token must be the csrf of GET /api/v1/session";
    assert_problem(&served.ask(&asked).await, 403, detail);
    for wrong in ["X-CSRF-Token: ", &csrf[..csrf.len() - 1], &format!("{csrf}0"), "X-CSRF-Token: x"] {
        assert_problem(&served.ask(&[&asked[..], &[wrong]].concat()).await, 403, detail);
    }
    assert_status(&served.ask(&[&asked[..], &[&csrf]].concat()).await, 200);
}

#[tokio::test]
async fn a_viewer_looks_and_changes_nothing() {
    let (served, secret) = served(with_viewer()).await;
    assert_ne!(secret, "");
    let (cookie, csrf) = session(&served.sign_in("l00k").await);
    let origin = "Origin: http://localhost";
    for by in [&[cookie.as_str(), csrf.as_str(), origin][..], &["Authorization: Bearer l00k", origin]] {
        assert_status(&served.ask(&[&["GET /hello HTTP/1.1", HOST], by].concat()).await, 200);
        for path in ["/echo", "/echo/a/harm", "/echo//harmless", "/echo/a/harmless/b", "/echo/a/b/harmless"] {
            let first = format!("POST {path} HTTP/1.1");
            let answer = served.ask(&[&[&first, HOST, "Content-Length: 0"], by].concat()).await;
            assert_problem(&answer, 403, "a viewer may look, and change nothing");
        }
        for path in ["/echo/harmless", "/echo/a/harmless", "/echo/a%2Fb/harmless"] {
            let first = format!("POST {path} HTTP/1.1");
            assert_status(&served.ask(&[&[&first, HOST, "Content-Length: 0"], by].concat()).await, 200);
        }
        assert_status(&served.upgrade("/look", by).await.0, 101);
        assert_status(&served.upgrade("/act", by).await.0, 403);
    }
    let (cookie, _) = session(&served.sign_in("s3cret").await);
    assert_status(&served.upgrade("/act", &[&cookie, origin]).await.0, 101);
}

#[tokio::test]
async fn a_websocket_of_a_browser_says_its_origin_and_it_is_ours() {
    let (served, secret) = served(required()).await;
    let (cookie, _) = session(&served.sign_in(&secret).await);
    assert_status(&served.upgrade("/look", &[&cookie, "Origin: http://localhost"]).await.0, 101);
    for more in [
        &[&*cookie, "Origin: http://evil.example"][..],
        &[&*cookie, "Origin: http://localhost:1"],
        &[&*cookie],
        &["Sec-Fetch-Site: same-origin"],
        &["Origin: null"],
        &["Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"],
    ] {
        assert_status(&served.upgrade("/look", more).await.0, 403);
    }
    assert_status(&served.upgrade("/look", &["Origin: http://localhost"]).await.0, 401);
    // A program.
    assert_status(&served.upgrade("/look", &[]).await.0, 101);
}

#[tokio::test]
async fn an_upgraded_connection_outlives_the_timeout_and_keeps_its_place() {
    let short = Span::millis(500);
    let config = AdminConfig { request_timeout: short, header_timeout: short, ..AdminConfig::default() };
    let (served, _) = served(AdminConfig { connections: 1, ..config }).await;
    let (head, mut stream) = served.upgrade("/look", &[]).await;
    assert_status(&head, 101);
    let refused = served.ask(&["GET /hello HTTP/1.1", HOST]).await;
    assert_problem(&refused, 503, "the limit of connections is reached");
    tokio::time::sleep(short.0 * 2).await;
    // "hi", masked with zeros, and not masked.
    stream.write_all(b"\x81\x82\0\0\0\0hi").await.unwrap();
    let mut echoed = [0; 4];
    stream.read_exact(&mut echoed).await.unwrap();
    assert_eq!(&echoed, b"\x81\x02hi");
}

#[tokio::test]
async fn guesses_are_limited() {
    let (served, secret) = served(required()).await;
    for _ in 0..10 {
        assert_status(&served.sign_in("guess").await, 401);
    }
    let answer = served.sign_in(&secret).await;
    assert_status(&answer, 429);
    let wait = answer.split("retry-after: ").nth(1).and_then(|rest| rest.lines().next()).unwrap();
    assert!((1..=60).contains(&wait.parse::<u32>().unwrap()), "{wait}");
}

#[tokio::test]
async fn pages_of_other_sites_cannot_sign_anybody_in() {
    let (served, _) = served(required()).await;
    let lines = ["POST /api/v1/session HTTP/1.1", HOST, JSON, "Origin: http://evil.example"];
    assert_status(&served.send(&[&lines[..], &["Content-Length: 2"]].concat(), "{}").await, 403);
}

#[tokio::test]
async fn a_handler_is_told_who_asks() {
    let (served, secret) = served(with_viewer()).await;
    let (cookie, _) = session(&served.sign_in(&secret).await);
    for (given, who) in [
        ("Authorization: Bearer l00k", "viewer by token from 127.0.0.1"),
        ("Authorization: Bearer s3cret", "admin by token from 127.0.0.1"),
        (&*cookie, "admin signed in from 127.0.0.1"),
    ] {
        let answer = served.ask(&["GET /who HTTP/1.1", HOST, given]).await;
        assert!(answer.ends_with(who), "{answer}");
    }
    let (served, _) = self::served(required()).await;
    let answer = served.ask(&["GET /who HTTP/1.1", HOST]).await;
    assert!(answer.ends_with("admin from 127.0.0.1"), "{answer}");
}

/// What was logged for the target `audit`.
#[derive(Default)]
struct Heard(std::sync::Mutex<Vec<String>>);

impl tracing::Subscriber for &'static Heard {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target() == "audit"
    }
    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }
    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
    fn event(&self, event: &tracing::Event<'_>) {
        struct Line(String);
        impl Visit for Line {
            fn record_debug(&mut self, field: &Field, value: &dyn core::fmt::Debug) {
                let _ = write!(self.0, "{}={value:?} ", field.name());
            }
        }
        let mut line = Line(String::new());
        event.record(&mut line);
        self.0.lock().unwrap().push(line.0);
    }
}

#[tokio::test]
async fn who_asked_for_a_change_is_logged() {
    static HEARD: Heard = Heard(std::sync::Mutex::new(Vec::new()));
    let guard = tracing::subscriber::set_default(&HEARD);
    let (served, secret) = served(required()).await;
    served.sign_in("wrong").await;
    let (cookie, csrf) = session(&served.sign_in(&secret).await);
    let asked = ["POST /echo?q HTTP/1.1", HOST, PAGE, "Content-Length: 0", &cookie];
    served.ask(&[&asked[..], &[&csrf]].concat()).await;
    served.ask(&asked).await;
    let looked = ["POST /echo/harmless HTTP/1.1", HOST, PAGE, "Content-Length: 0", &cookie, &csrf];
    assert_status(&served.ask(&looked).await, 200);
    served.ask(&["GET /hello HTTP/1.1", HOST]).await;
    drop(guard);
    let heard = HEARD.0.lock().unwrap().clone();
    let expected = [
        "message=sign-in failed peer=127.0.0.1 ",
        "message=signed in peer=127.0.0.1 role=Admin ",
        "message=asked for a change who=admin signed in from 127.0.0.1 method=POST path=\"/echo\" status=200 ",
        "message=asked for a change method=POST path=\"/echo\" status=403 ",
    ];
    assert_eq!(heard, expected);
    let all = heard.concat();
    assert!(!all.contains(&secret) && !all.contains("wrong"), "{all}");
}
