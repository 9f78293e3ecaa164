//! A start with much to do: it serves at once.

use std::time::Instant;

use smppkit_relay::Parcel;
use smppkit_store::{Accepted, Change, MessageIds, NodeId, Store as _, Timestamp};
use smppkit_wire::Version;

use crate::harness::{Esme, Gateway, Login, Mc, message, now_ms, prompt, reach, secs, setting, until, usual};

/// Puts so many messages into the queue of a gateway that does not run.
fn fill(gateway: &Gateway, count: u64) {
    let mut store = gateway.store();
    let mut ids = MessageIds::after(NodeId::default(), store.last_id());
    let mut outcomes = Vec::new();
    let numbers: Vec<u64> = (1..=count).collect();
    for numbers in numbers.chunks(2_000) {
        let now = Timestamp(now_ms());
        let accept = |number: &u64| {
            let id = ids.next(now);
            let destination = format!("4477{number:08}");
            let pdu = message(*number, &destination);
            Change::Accept(std::sync::Arc::new(Accepted {
                id,
                account: "shop".into(),
                queue: "up".into(),
                priority: 0,
                due_at: id.made_at(),
                expires_at: Some(Timestamp(now.0 + 172_800_000)),
                source: "4420".into(),
                destination: destination.into(),
                reference: None,
                payload: Parcel::message(pdu, Version::V34).to_octets(),
            }))
        };
        let changes: Vec<Change> = numbers.iter().map(accept).collect();
        outcomes.clear();
        store.commit(now, &changes, &mut outcomes).expect("the disk has room");
    }
    assert_eq!(store.totals().open, count);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_queue_does_not_hold_up_the_start() {
    let count = setting("SMPPKIT_QUEUED", 100_000) as u64;
    let mc = Mc::start(prompt).await;
    let mut gateway = Gateway::prepare(&usual(&mc));
    fill(&gateway, count);
    let began = Instant::now();
    let listening = gateway.run();
    let esme = Esme::bind(gateway.address, Login::new("shop")).await;
    esme.submit(message(0, "447700900123")).await.unwrap();
    let serving = began.elapsed();
    until("the queue goes up", secs(10), || mc.count() > 0).await;
    let sending = began.elapsed();
    println!(
        "{count} queued: listening after {listening:.2?}, a submit_sm answered after {serving:.2?}, the first sent after {sending:.2?}, {} MiB",
        gateway.memory_kib() / 1024
    );
    assert!(serving < secs(15), "{serving:?}");
    // Some of them, all the way.
    reach("receipts", secs(60), 5_000, || esme.count()).await;
    esme.ledger.lock().unwrap().acked.clear();
    let totals = gateway.finish();
    assert!(totals.accepted > count, "{totals:?}");
}
