//! Servers that do not behave.

use serde_json::{Value, json};
use smppkit_client::web::Settings;
use smppkit_ops::Span;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::page::{Host, Page};

/// A server that reads, says something, and never answers.
async fn server(says: &'static [u8]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                stream.write_all(says).await.unwrap();
                let mut octets = [0; 1024];
                while stream.read(&mut octets).await.is_ok_and(|read| read > 0) {}
            });
        }
    });
    port
}

/// A page that is connected to it.
async fn page(says: &'static [u8], settings: Settings, more: Value) -> Page {
    let mut connect = json!({ "host": "127.0.0.1", "port": server(says).await });
    connect.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
    let mut page = Host::start(settings).await.page().await;
    page.ask(json!({ "connect": connect })).await;
    page
}

#[tokio::test]
async fn a_bind_that_is_not_answered_ends_the_connection() {
    let settings = Settings { bind_timeout: Span::millis(300), ..Settings::default() };
    let mut page = page(b"", settings, json!({})).await;
    let closed = page.state("closed").await;
    assert!(closed["detail"].as_str().unwrap().contains("bind was not answered within 300ms"), "{closed}");
}

#[tokio::test]
async fn what_is_not_answered_in_time_counts_as_failed() {
    let settings = Settings { response_timeout: Span::millis(50), ..Settings::default() };
    let mut page = page(b"", settings, json!({ "bind": "none" })).await;
    page.state("open").await;
    let hex = "00000010000000150000000000000000";
    page.ask(json!({ "repeat": { "hex": hex, "count": 5, "rate": 10_000, "window": 2 } })).await;
    loop {
        let told = page.told("repeat").await;
        if told["repeat"]["done"] == true {
            assert_eq!(told["repeat"], json!({ "sent": 5, "answered": 0, "failed": 5, "done": true }));
            break;
        }
    }
    page.ask(json!({ "close": true })).await;
    page.state("closed").await;
    let numbers: Vec<&Value> = page.rows.iter().map(|row| &row["sequence_number"]).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5], "each has a number of its own");
}

#[tokio::test]
async fn a_server_that_loses_framing_is_shown_and_left() {
    let mut page = page(b"HTTP/1.1 400 Bad Request", Settings::default(), json!({})).await;
    let closed = page.state("closed").await;
    assert!(closed["detail"].as_str().unwrap().contains("where the next PDU begins"), "{closed}");
    assert!(page.rows.iter().any(|row| row["direction"] == "in" && row["octets"] == 24), "{:?}", page.rows);
}

#[tokio::test]
async fn requests_before_a_bind_are_answered_or_not_as_the_page_says() {
    const ENQUIRE_LINK: &[u8] = b"\0\0\0\x10\0\0\0\x15\0\0\0\0\0\0\0\x07";
    let mut auto = page(ENQUIRE_LINK, Settings::default(), json!({ "bind": "none", "answer": "auto" })).await;
    assert_eq!(auto.row("out", "enquire_link_resp").await["sequence_number"], 7);
    let mut none = page(ENQUIRE_LINK, Settings::default(), json!({ "bind": "none" })).await;
    none.row("in", "enquire_link").await;
    none.ask(json!({ "close": true })).await;
    none.state("closed").await;
    assert_eq!(none.rows.len(), 1);
}
