//! One session.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};
use smppkit_client::web::Settings;

use crate::mc::{Mc, until};
use crate::page::{Host, Page, connect};

fn submit(to: &str) -> Value {
    json!({
        "command": "submit_sm", "source_addr": "1", "destination_addr": to, "short_message": "4869",
        "registered_delivery": 1,
    })
}

#[tokio::test]
async fn a_message_is_sent_and_its_receipt_answered() {
    let mc = Mc::start().await;
    let (_host, mut page) = Page::bound(&mc).await;
    page.ask(json!({ "send": { "pdu": submit("4477") } })).await;
    let sent = page.row("out", "submit_sm").await;
    assert_eq!(
        (&sent["sequence_number"], &sent["text"], &sent["system_id"]),
        (&json!(2), &json!("Hi"), &json!("me"))
    );
    assert_eq!(sent["peer"], mc.address.to_string());
    let answer = page.row("in", "submit_sm_resp").await;
    assert_eq!((&answer["sequence_number"], &answer["command_status"]), (&json!(2), &json!("ESME_ROK")));
    assert!(answer["answered_us"].is_u64() && answer["command_status_code"] == 0, "{answer}");
    let receipt = page.row("in", "deliver_sm").await;
    assert_eq!(receipt["text"], "id:1 stat:DELIVRD");
    assert!(page.row("out", "deliver_sm_resp").await["answered_us"].is_u64());
    until(|| mc.seen.accepted.load(Ordering::SeqCst) == 1).await;
    page.ask(json!({ "unbind": true })).await;
    page.state("unbound").await;
    assert_eq!(page.state("closed").await["detail"], "unbound, then closed");
    mc.is_left().await;
    // And once more over the same WebSocket.
    page.ask(json!({ "connect": connect(&mc) })).await;
    page.state("bound_trx").await;
}

#[tokio::test]
async fn a_bind_says_whom_it_is_bound_to() {
    let mc = Mc::start().await;
    let host = Host::start(Settings::default()).await;
    for (bind, version, state, declared) in [
        ("transmitter", "3.3", "bound_tx", Value::Null),
        ("receiver", "3.4", "bound_rx", json!(0x50)),
        ("transceiver", "5.0", "bound_trx", json!(0x50)),
    ] {
        let mut page = host.page().await;
        let mut connect = connect(&mc);
        connect["bind"] = bind.into();
        connect["version"] = version.into();
        page.ask(json!({ "connect": connect })).await;
        let told = page.state(state).await;
        assert_eq!((&told["system_id"], &told["peer"]), (&json!("mc"), &json!(mc.address.to_string())));
        assert_eq!(told.get("sc_interface_version").cloned().unwrap_or_default(), declared, "{told}");
    }
}

#[tokio::test]
async fn no_row_shows_a_password() {
    let mc = Mc::start().await;
    let (_host, mut page) = Page::bound(&mc).await;
    let bind = page.row("out", "bind_transceiver").await;
    assert!(bind["hex"].as_str().unwrap().contains("2a2a2a2a2a2a00"), "{bind}");
    let again = json!({ "command": "bind_transceiver", "system_id": "me", "password": "secret" });
    page.ask(json!({ "send": { "pdu": again } })).await;
    page.row("in", "bind_transceiver_resp").await;
    page.ask(json!({ "unbind": true })).await;
    page.state("closed").await;
    let all = format!("{:?} {:?}", page.rows, page.told);
    assert!(!all.contains("secret") && !all.contains("736563726574"), "{all}");
}

#[tokio::test]
async fn a_wrong_password_is_told_by_its_status() {
    let (_mc, mut page) = Page::connecting(json!({ "password": "wrong" })).await;
    let closed = page.state("closed").await;
    assert_eq!(closed["detail"], "the bind was refused: ESME_RINVPASWD");
    assert_eq!(page.row("in", "bind_transceiver_resp").await["command_status"], "ESME_RINVPASWD");
}

#[tokio::test]
async fn octets_that_are_no_pdu_are_sent_as_they_are_and_the_nack_is_shown() {
    let (_mc, mut page) = Page::connecting(json!({ "bind": "none" })).await;
    page.state("open").await;
    // A command_id that nobody knows, of sequence_number 9.
    page.ask(json!({ "send": { "hex": "00000010 00000fff 00000000 00000009" } })).await;
    let nack = page.row("in", "generic_nack").await;
    assert_eq!((&nack["sequence_number"], &nack["command_status"]), (&json!(9), &json!("ESME_RINVCMDID")));
    assert!(nack["answered_us"].is_u64());
    // A command_length that cannot be one.
    page.rows.clear();
    page.ask(json!({ "send": { "hex": "0000000400000004" } })).await;
    page.state("closed").await;
    let shown: Vec<&Value> = page.rows.iter().map(|row| &row["hex"]).collect();
    assert!(shown.contains(&&json!("0000000400000004")), "{shown:?}");
    assert_eq!(page.row("in", "generic_nack").await["command_status"], "ESME_RINVCMDLEN");
}

#[tokio::test]
async fn a_bare_connection_sends_nothing_by_itself_and_binds_when_told() {
    let (_mc, mut page) = Page::connecting(json!({ "bind": "none" })).await;
    page.state("open").await;
    let bind =
        json!({ "command": "bind_receiver", "system_id": "me", "password": "secret", "sequence_number": 77 });
    page.ask(json!({ "send": { "pdu": bind } })).await;
    page.state("bound_rx").await;
    let first = page.row("out", "bind_receiver").await;
    assert_eq!((&first["number"], &first["sequence_number"]), (&json!(1), &json!(77)));
}

#[tokio::test]
async fn the_page_answers_itself_when_it_says_so() {
    let (mc, mut page) = Page::connecting(json!({ "answer": "manual" })).await;
    page.state("bound_trx").await;
    page.ask(json!({ "send": { "pdu": submit("4477") } })).await;
    let receipt = page.row("in", "deliver_sm").await;
    page.ask(json!({ "script": [{ "expect": "nothing", "within_ms": 50 }] })).await;
    page.told("script").await;
    assert!(page.rows.iter().all(|row| row["command"] != "deliver_sm_resp"), "nothing is answered by itself");
    let answer = json!({ "command": "deliver_sm_resp", "sequence_number": receipt["sequence_number"] });
    page.ask(json!({ "send": { "pdu": answer } })).await;
    page.row("out", "deliver_sm_resp").await;
    until(|| mc.seen.accepted.load(Ordering::SeqCst) == 1).await;
}

#[tokio::test]
async fn slips_are_named_and_the_session_goes_on() {
    let mc = Mc::start().await;
    let (_host, mut page) = Page::bound(&mc).await;
    page.ask(json!({ "send": { "pdu": { "command": "submit_sm", "destination_adr": "1" } } })).await;
    let error = page.told("error").await;
    assert_eq!(error["key"], "destination_adr");
    assert!(error["error"].as_str().unwrap().contains("did you mean destination_addr?"), "{error}");
    for (wrong, what) in [
        ("{", "not understood"),
        (r#"{"sned": {}}"#, "sned"),
        (r#"{"send": {"hex": "0"}}"#, "odd"),
        (r#"{"stop": true}"#, "nothing is repeated"),
    ] {
        page.say(wrong).await;
        let error = page.told("error").await;
        assert!(error["error"].as_str().unwrap().contains(what), "{error}");
    }
    page.ask(json!({ "connect": connect(&mc) })).await;
    assert!(page.told("error").await["error"].as_str().unwrap().contains("already"));
    page.ask(json!({ "send": { "pdu": { "command": "enquire_link" } } })).await;
    page.row("in", "enquire_link_resp").await;
}

#[tokio::test]
async fn enquire_link_goes_out_when_nothing_comes() {
    let (_mc, mut page) = Page::connecting(json!({ "enquire_link_seconds": 1 })).await;
    page.row("in", "enquire_link_resp").await;
}

#[tokio::test]
async fn tls_is_spoken_and_an_unknown_certificate_refused() {
    let mc = Mc::with_tls().await;
    let host = Host::start(Settings::default()).await;
    let mut page = host.page().await;
    let mut tls = connect(&mc);
    tls["tls"] = true.into();
    page.ask(json!({ "connect": tls })).await;
    let closed = page.state("closed").await;
    assert!(closed["detail"].as_str().unwrap().contains("TLS"), "{closed}");
    tls["any_certificate"] = true.into();
    page.ask(json!({ "connect": tls })).await;
    page.state("bound_trx").await;
}

#[tokio::test]
async fn steps_are_played_up_to_the_first_that_fails() {
    let mc = Mc::start().await;
    let (_host, mut page) = Page::bound(&mc).await;
    page.ask(json!({ "script": [
        { "send": { "pdu": submit("4477") } },
        { "expect": "deliver_sm", "within_ms": 5000, "where": { "text": "*DELIVRD" } },
        { "expect": "submit_sm_resp", "where": { "command_status": "ESME_ROK", "message_id": "1" } },
        { "wait_ms": 5 },
        { "send": { "pdu": submit("full") } },
        { "expect": "submit_sm_resp", "within_ms": 400, "where": { "command_status": "ESME_ROK" } },
        { "wait_ms": 5 },
    ] }))
    .await;
    for step in 1..=5 {
        let told = page.told("script").await;
        assert_eq!((&told["script"]["step"], &told["script"]["ok"]), (&json!(step), &json!(true)), "{told}");
        assert_eq!(told["script"]["done"], false);
    }
    let failed = page.told("script").await;
    assert_eq!((&failed["script"]["step"], &failed["script"]["ok"]), (&json!(6), &json!(false)));
    assert!(failed["script"]["detail"].as_str().unwrap().contains("ESME_RMSGQFUL"), "{failed}");
    assert_eq!(failed["script"]["done"], true);
    page.ask(json!({ "script": [{ "send": { "pdu": { "command": "unbind" } } }, { "expect": "closed" }] }))
        .await;
    page.told("script").await;
    assert_eq!(page.told("script").await["script"]["ok"], true);
}

#[tokio::test]
async fn two_pages_have_a_session_each_and_leaving_unbinds() {
    let mc = Mc::start().await;
    let host = Host::start(Settings::default()).await;
    let (mut one, mut other) = (host.page().await, host.page().await);
    for page in [&mut one, &mut other] {
        page.ask(json!({ "connect": connect(&mc) })).await;
        page.state("bound_trx").await;
    }
    one.ask(json!({ "send": { "pdu": submit("4477") } })).await;
    let row = one.row("in", "deliver_sm").await;
    other.ask(json!({ "send": { "pdu": { "command": "enquire_link" } } })).await;
    assert_ne!(other.row("in", "enquire_link_resp").await["session"], row["session"]);
    assert!(other.rows.iter().all(|row| row["command"] != "submit_sm"));
    drop(one);
    until(|| mc.seen.unbound.load(Ordering::SeqCst) == 1).await;
    drop(other);
    mc.is_left().await;
    assert_eq!(mc.seen.unbound.load(Ordering::SeqCst), 2);
}
