//! The same many times.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use crate::mc::Mc;
use crate::page::Page;

fn submit(to: &str) -> Value {
    json!({ "command": "submit_sm", "source_addr": "1", "destination_addr": to, "short_message": "4869" })
}

/// The last word about a repeat.
async fn done(page: &mut Page) -> Value {
    loop {
        let told = page.told("repeat").await["repeat"].take();
        if told["done"] == true {
            return told;
        }
    }
}

#[tokio::test]
async fn all_are_sent_and_counted_and_rows_are_shown_or_skipped() {
    let mc = Mc::start().await;
    let (_host, mut page) = Page::bound(&mc).await;
    let repeat = json!({ "pdu": submit("4477"), "count": 3000, "rate": 10_000, "window": 100 });
    page.ask(json!({ "repeat": repeat })).await;
    let told = done(&mut page).await;
    assert_eq!(told, json!({ "sent": 3000, "answered": 3000, "failed": 0, "done": true }));
    assert_eq!(mc.seen.messages.load(Ordering::SeqCst), 3000);
    page.ask(json!({ "unbind": true })).await;
    page.state("closed").await;
    // The bind, the messages, the unbind: each with its answer.
    assert_eq!(page.rows.len() as u64 + page.skipped, 2 * 3002);
}

#[tokio::test]
async fn refusals_count_as_failed() {
    let mc = Mc::start().await;
    let (_host, mut page) = Page::bound(&mc).await;
    page.ask(json!({ "repeat": { "pdu": submit("full"), "count": 20, "rate": 1000 } })).await;
    let told = done(&mut page).await;
    assert_eq!(told, json!({ "sent": 20, "answered": 20, "failed": 20, "done": true }));
}

#[tokio::test]
async fn a_stop_ends_it() {
    let mc = Mc::start().await;
    let (_host, mut page) = Page::bound(&mc).await;
    page.ask(json!({ "repeat": { "pdu": submit("4477"), "count": 1_000_000, "rate": 100 } })).await;
    let progress = page.told("repeat").await;
    assert!(progress["repeat"]["sent"].as_u64().unwrap() > 0 && progress["repeat"]["done"] == false);
    page.ask(json!({ "repeat": { "pdu": submit("4477"), "count": 1, "rate": 1 } })).await;
    assert!(page.told("error").await["error"].as_str().unwrap().contains("stop it first"));
    page.ask(json!({ "stop": true })).await;
    assert!(done(&mut page).await["sent"].as_u64().unwrap() < 1_000_000);
    page.ask(json!({ "repeat": { "pdu": submit("4477"), "count": 1, "rate": 1 } })).await;
    assert_eq!(done(&mut page).await["sent"], 1);
}

#[tokio::test]
async fn a_page_that_does_not_read_stalls_nobody_but_itself() {
    let mc = Mc::start().await;
    let (_host, mut page) = Page::bound(&mc).await;
    let long = "61".repeat(200);
    let pdu = json!({ "command": "submit_sm", "destination_addr": "1", "short_message": long });
    page.ask(json!({ "repeat": { "pdu": pdu, "count": 10_000, "rate": 10_000, "window": 1000 } })).await;
    // Not a message is read meanwhile: far more than the sockets between can hold.
    crate::mc::until(|| mc.seen.messages.load(Ordering::SeqCst) == 10_000).await;
    let told = done(&mut page).await;
    assert_eq!((&told["sent"], &told["answered"]), (&json!(10_000), &json!(10_000)));
}
