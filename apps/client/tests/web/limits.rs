//! What pages may not do.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};
use smppkit_client::web::Settings;
use smppkit_ops::{Size, Span};
use tokio_tungstenite::tungstenite::Error;

use crate::mc::Mc;
use crate::page::{Host, Page, connect};

#[tokio::test]
async fn a_server_that_is_no_target_is_refused_before_any_connect() {
    let mc = Mc::start().await;
    let targets = vec!["10.0.0.0/8".parse().unwrap()];
    let host = Host::start(Settings { targets, ..Settings::default() }).await;
    let mut page = host.page().await;
    // By its address, and by a name that leads to it.
    for name in ["127.0.0.1", "localhost", "::ffff:127.0.0.1", "[::1]"] {
        let mut connect = connect(&mc);
        connect["host"] = name.into();
        page.ask(json!({ "connect": connect })).await;
        let error = page.told("error").await;
        let error = error["error"].as_str().unwrap();
        assert!(error.contains("--client-target") && error.contains("10.0.0.0/8"), "{name}: {error}");
        page.state("closed").await;
    }
    assert_eq!(mc.seen.connections.load(Ordering::SeqCst), 0);
    let answer = host.get("/api/v1/client/targets").await;
    assert!(answer.ends_with(r#"{"targets":["10.0.0.0/8"],"sockets":16,"free":15}"#), "{answer}");
}

#[tokio::test]
async fn a_name_is_connected_to_when_all_its_addresses_are_allowed() {
    let mc = Mc::start().await;
    let host = Host::start(Settings::default()).await;
    let mut page = host.page().await;
    let mut by_name = connect(&mc);
    by_name["host"] = "localhost".into();
    page.ask(json!({ "connect": by_name })).await;
    page.state("bound_trx").await;
    let only_v6 = Settings { targets: vec!["::1/128".parse().unwrap()], ..Settings::default() };
    let mut page = Host::start(only_v6).await.page().await;
    page.ask(json!({ "connect": by_name })).await;
    let error = page.told("error").await;
    assert!(error["error"].as_str().unwrap().contains("localhost is 127.0.0.1"), "{error}");
}

#[tokio::test]
async fn a_message_that_is_too_long_closes_with_a_reason() {
    let mc = Mc::start().await;
    let (_host, mut page) = Page::bound(&mc).await;
    page.say(&"x".repeat(256 * 1024 + 1)).await;
    let close = page.close().await;
    assert_eq!(u16::from(close.code), 1009);
    assert_eq!(close.reason.as_str(), "the message is longer than 262144 octets");
    drop(page);
    mc.is_left().await;
    assert_eq!(mc.seen.unbound.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn there_are_so_many_sessions_at_a_time() {
    let host = Host::start(Settings { sockets: 1, ..Settings::default() }).await;
    let first = host.page().await;
    let Err(Error::Http(refused)) = host.try_page().await else { panic!("there is no room") };
    assert_eq!(refused.status(), 503);
    let problem: Value = serde_json::from_slice(refused.body().as_ref().unwrap()).unwrap();
    assert!(problem["detail"].as_str().unwrap().contains("[client] sockets"), "{problem}");
    drop(first);
    for _ in 0..1000 {
        if host.try_page().await.is_ok() {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("the place was not given back");
}

#[tokio::test]
async fn a_session_that_nobody_uses_ends() {
    let mc = Mc::start().await;
    let host = Host::start(Settings { idle: Span::millis(50), ..Settings::default() }).await;
    let mut page = host.page().await;
    page.ask(json!({ "connect": connect(&mc) })).await;
    let close = page.close().await;
    assert!(close.reason.contains("nothing was asked for"), "{close:?}");
    drop(page);
    mc.is_left().await;
}

#[tokio::test]
async fn a_server_that_stops_unbinds_all_and_takes_no_more() {
    let mc = Mc::start().await;
    let (host, mut page) = Page::bound(&mc).await;
    let (close, ()) = tokio::join!(page.close(), host.clients.close());
    assert_eq!((u16::from(close.code), close.reason.as_str()), (1001, "this server stops"));
    assert_eq!(mc.seen.unbound.load(Ordering::SeqCst), 1);
    assert!(host.try_page().await.is_err());
}

#[tokio::test]
async fn what_is_no_websocket_gets_a_problem_and_the_document_names_the_messages() {
    let host = Host::start(Settings { message_limit: Size::kib(1), ..Settings::default() }).await;
    let answer = host.get("/api/v1/client").await;
    assert!(answer.contains("application/problem+json"), "{answer}");
    let (_, document) = smppkit_client::web::routes(Settings::default()).split_for_parts();
    let document = serde_json::to_value(document).unwrap();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    for name in ["ClientAsk", "ClientConnect", "ClientStep", "ClientSay", "ClientPdu", "ClientTargets"] {
        assert!(schemas.contains_key(name), "{name} of {:?}", schemas.keys());
    }
    assert!(document["paths"]["/api/v1/client"]["get"].is_object());
}
