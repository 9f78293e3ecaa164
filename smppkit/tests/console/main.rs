//! The web console as it is served, and its hand-over to a server elsewhere: the binary, over HTTP.

#[path = "../client/process.rs"]
#[allow(dead_code, reason = "shared with the tests of the client, which use all of it")]
mod process;
mod simulator;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use serde_json::Value;

use crate::process::{Process, smppkit};

/// `smppkit console`, and what it printed.
struct Console {
    _process: Process,
    address: String,
    link: String,
}

impl Console {
    fn start(args: &[&str]) -> Self {
        let mut process = Process::start(&[&["console"], args].concat());
        let link = process.line_with("console http://").split_off("console ".len());
        let address =
            link.trim_start_matches("http://").split('/').next().expect("there is a first").to_owned();
        Self { _process: process, address, link }
    }

    fn ask(&self, first: &str, lines: &[&str], body: &str) -> Answer {
        ask(&self.address, first, lines, body)
    }
}

struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Answer {
    #[track_caller]
    fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}{}", self.head, String::from_utf8_lossy(&self.body));
        self
    }

    fn has(&self, line: &str) -> bool {
        self.head.lines().any(|there| there.eq_ignore_ascii_case(line))
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("it is JSON")
    }
}

fn ask(address: &str, first: &str, lines: &[&str], body: &str) -> Answer {
    let mut stream = open(address, first, &[lines, &["Connection: close"]].concat(), body);
    let head = head(&mut stream);
    let mut octets = Vec::new();
    stream.read_to_end(&mut octets).expect("the listener lives");
    if head.to_ascii_lowercase().contains("\r\ntransfer-encoding: chunked") {
        octets = joined(&octets);
    }
    Answer {
        status: head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status"),
        head,
        body: octets,
    }
}

fn open(address: &str, first: &str, lines: &[&str], body: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).expect("the listener lives");
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("the listener lives");
    let length = format!("Content-Length: {}", body.len());
    let host = format!("Host: {address}");
    let first = format!("{first} HTTP/1.1");
    let all = [&[first.as_str(), &host, &length], lines].concat();
    stream.write_all(format!("{}\r\n\r\n{body}", all.join("\r\n")).as_bytes()).expect("the listener lives");
    stream
}

fn head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut octet = [0];
        stream.read_exact(&mut octet).expect("the listener lives");
        head.extend(octet);
    }
    String::from_utf8(head).expect("a head is text")
}

/// The chunks of a body as one.
fn joined(mut octets: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let mut line = String::new();
        octets.read_line(&mut line).expect("the listener lives");
        let length = usize::from_str_radix(line.trim(), 16).expect("a length");
        if length == 0 {
            return body;
        }
        body.extend(&octets[..length]);
        octets = &octets[length + 2..];
    }
}

const BROWSER: &str = "Accept: text/html,*/*;q=0.8";

#[test]
fn pages_are_served_with_what_keeps_them_safe() {
    let console = Console::start(&[]);
    assert_eq!(console.link, format!("http://{}/", console.address));
    let index = console.ask("GET /", &[BROWSER], "").is(200);
    for line in [
        "content-type: text/html; charset=utf-8",
        "cache-control: no-cache",
        "x-content-type-options: nosniff",
        "referrer-policy: no-referrer",
        "cross-origin-opener-policy: same-origin",
        "content-security-policy: default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; \
         img-src 'self' data:; connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
    ] {
        assert!(index.has(line), "{line}: {}", index.head);
    }
    assert_eq!(console.ask("GET /some/view?x=1", &[BROWSER], "").is(200).body, index.body);
    let packed = console.ask("GET /", &[BROWSER, "Accept-Encoding: gzip, br"], "").is(200);
    assert!(packed.has("content-encoding: gzip"), "{}", packed.head);
    assert!(packed.body.starts_with(b"\x1F\x8B") && packed.body != index.body);
    for path in ["GET /api/v1/status", "GET /assets/none.js"] {
        assert!(console.ask(path, &[BROWSER], "").is(404).has("content-type: application/problem+json"));
    }
    let session = console.ask("GET /api/v1/session", &[], "").is(200).json();
    assert_eq!((session["name"].as_str(), session["sign_in"].as_str()), (Some("console"), Some("open")));
    let paths = console.ask("GET /openapi.json", &[], "").is(200).json()["paths"].clone();
    assert!(paths["/api/v1/session"].is_object() && paths["/api/v1/smscs"].is_null(), "{paths}");
}

#[test]
fn every_server_serves_them_and_says_where() {
    let mut simulator =
        Process::start(&["simulator", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--json"]);
    let told: Value = serde_json::from_str(&simulator.line_with("\"admin\"")).unwrap();
    let (admin, link) = (told["admin"].as_str().unwrap(), told["console"].as_str().unwrap());
    assert_eq!(link, format!("{admin}/"));
    let address = admin.trim_start_matches("http://");
    assert!(ask(address, "GET /", &[BROWSER], "").is(200).has("cache-control: no-cache"));
    let session = ask(address, "GET /api/v1/session", &["Sec-Fetch-Site: same-origin"], "").is(200).json();
    assert_eq!(session["name"], "simulator");
}

#[test]
fn requests_are_handed_on_to_the_server() {
    let mut simulator = Process::start(&["simulator", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]);
    let admin = simulator.line_with("REST, metrics and health on ");
    let admin = admin.split_whitespace().last().unwrap();
    let console = Console::start(&["--connect", admin]);
    let origin = format!("Origin: http://{}", console.address);
    let page = [&*origin, "Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: cors"];
    let smscs = console.ask("GET /api/v1/smscs?x=1", &page, "").is(200).json();
    assert_eq!(smscs[0]["name"], "smsc");
    let json = [&page[..], &["Content-Type: application/json"]].concat();
    let account = r#"{"system_id":"app","password":"secret"}"#;
    let put = console.ask("PUT /api/v1/smscs/smsc/accounts/app", &json, account);
    assert!((200..300).contains(&put.status), "{}", put.head);
    let accounts = console.ask("GET /api/v1/smscs/smsc/accounts", &page, "").is(200).json();
    assert_eq!(accounts[0]["system_id"], "app", "{accounts}");
    console.ask("POST /api/v1/reset", &page, "").is(204);
    assert!(
        console.ask("GET /api/v1/nothing", &page, "").is(404).has("content-type: application/problem+json")
    );
    let session = console.ask("GET /api/v1/session", &page, "").is(200).json();
    assert_eq!(session["name"], "console");
    let document = console.ask("GET /openapi.json", &page, "").is(200).json();
    assert!(document["paths"]["/api/v1/smscs"].is_object());
    assert!(document["components"]["schemas"]["SignedIn"].is_object());
    // Not what is beside the interface.
    console.ask("GET /metrics", &page, "").is(404);
    drop(simulator);
    let gone = console.ask("GET /api/v1/smscs", &page, "").is(502).json();
    assert!(gone["detail"].as_str().unwrap().starts_with(admin), "{gone}");
    console.ask("GET /openapi.json", &page, "").is(200);
}

#[test]
fn websockets_are_handed_on_with_the_token_and_nothing_of_the_browser() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", server.local_addr().unwrap());
    let served = std::thread::spawn(move || {
        let (mut stream, _) = server.accept().unwrap();
        let asked = head(&mut stream);
        let answer = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                      Set-Cookie: a=b\r\nSec-WebSocket-Accept: x\r\n\r\nfirst";
        stream.write_all(answer.as_bytes()).unwrap();
        let mut line = String::new();
        BufReader::new(stream.try_clone().unwrap()).read_line(&mut line).unwrap();
        stream.write_all(line.to_uppercase().as_bytes()).unwrap();
        asked
    });
    let file = crate::process::file("console-token", "s3cret\n");
    let console = Console::start(&["--connect", &url, "--token-file", file.to_str().unwrap()]);
    let (_, secret) = console.link.split_once("/#secret=").unwrap();
    let origin = format!("Origin: http://{}", console.address);
    let upgrade = ["Connection: Upgrade, X-Own", "Upgrade: websocket", "X-Own: 1", "Sec-WebSocket-Key: y"];
    let without = open(&console.address, "GET /api/v1/live", &[&upgrade[..], &[&origin]].concat(), "");
    assert!(head(&mut { without }).starts_with("HTTP/1.1 401 "));

    let signing = [&*origin, "Content-Type: application/json"];
    let signed =
        console.ask("POST /api/v1/session", &signing, &format!(r#"{{"secret":"{secret}"}}"#)).is(200);
    let cookie = signed.head.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap();
    let cookie = format!("Cookie: {}", cookie.split(';').next().unwrap());
    console.ask("GET /api/v1/session", &[&origin, &cookie], "").is(200);
    let lines = [&upgrade[..], &[&origin, &cookie, "Sec-Fetch-Mode: websocket"]].concat();
    let mut stream = open(&console.address, "GET /api/v1/live?a=b", &lines, "");
    let answer = head(&mut stream);
    assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
    assert!(answer.contains("sec-websocket-accept: x\r\n") && !answer.contains("set-cookie"), "{answer}");
    stream.write_all(b"second\n").unwrap();
    let mut octets = Vec::new();
    stream.read_to_end(&mut octets).unwrap();
    assert_eq!(octets, b"firstSECOND\n");

    let asked = served.join().unwrap().to_ascii_lowercase();
    assert!(asked.starts_with("get /api/v1/live?a=b http/1.1\r\n"), "{asked}");
    for line in
        ["authorization: bearer s3cret", "upgrade: websocket", "connection: upgrade", "sec-websocket-key: y"]
    {
        assert!(asked.contains(&format!("\r\n{line}\r\n")), "{line}: {asked}");
    }
    assert!(asked.contains(&format!("\r\nhost: {}\r\n", url.trim_start_matches("http://"))), "{asked}");
    for name in ["cookie", "origin", "sec-fetch", "x-own", "x-csrf"] {
        assert!(!asked.contains(&format!("\r\n{name}")), "{name}: {asked}");
    }
}

#[test]
fn wrong_usage_is_said() {
    for (args, why) in [
        (&["--connect", "https://127.0.0.1:1"][..], "only http:// is spoken here"),
        (&["--listen", "0.0.0.0:0"], "has no token"),
        (&["--token-file", "/nonexistent/token"], "cannot read /nonexistent/token"),
    ] {
        let done = smppkit(&[&["console"], args].concat()).exits(2);
        assert!(done.stderr.contains(why), "{}", done.stderr);
    }
}
