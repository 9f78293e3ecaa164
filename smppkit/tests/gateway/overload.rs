//! More than there is room for is refused, in a way that ESMEs try again, and memory stays as it is.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use smppkit_wire::CommandStatus;

use crate::harness::{
    Act, Esme, Gateway, Ledger, Login, Mc, Source, account, connector, message, millis, prompt, reach,
    receipt, secs, taken, until, usual,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_more_messages_are_kept_than_the_limit() {
    let mc = Mc::start(prompt).await;
    mc.refuse_binds(true);
    let gateway = Gateway::start(&format!("[store]\nmessages = 500\n{}", usual(&mc)));
    let esme = Esme::bind(gateway.address, Login::new("shop").window(10)).await;
    let mut number = 0;
    let mut full = Ok(String::new());
    // The limit is looked at once a second.
    while full.is_ok() && number < 50_000 {
        number += 1;
        full = esme.submit(message(number, "447700900123")).await;
    }
    assert_eq!(full, Err(CommandStatus::ESME_RMSGQFUL));
    assert!((500..20_000).contains(&number), "{number} were taken");
    println!("the limit of 500 held from message {number} on");
    mc.refuse_binds(false);
    let taken = number - 1;
    until("there is room again", secs(20), || mc.count() as u64 == taken).await;
    reach("receipts", secs(20), taken as usize, || esme.count()).await;
    tokio::time::sleep(millis(1_500)).await;
    assert!(esme.submit(message(number, "447700900123")).await.is_ok());
    let totals = gateway.finish();
    assert!(totals.accepted >= 2 * taken, "{totals:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_short_store_queue_refuses_and_memory_stays() {
    let mut id = 0x1000_0000_u64;
    let mc = Mc::start(move |came| {
        id += 1;
        vec![taken(id.to_string()), Act::After(millis(5), Box::new(receipt(&came.pdu, &id.to_string())))]
    })
    .await;
    let settings = format!("[store]\nqueue = 200\n{}", usual(&mc));
    let gateway = Gateway::start(&settings);
    let ledger: Arc<Mutex<Ledger>> = Arc::default();
    let (next, last) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(u64::MAX)));
    let (from, until_number) = (Arc::clone(&next), Arc::clone(&last));
    let source: Source = Arc::new(Mutex::new(move || {
        let number = from.fetch_add(1, Ordering::Relaxed);
        (number < until_number.load(Ordering::Relaxed))
            .then(|| (number, message(number, &format!("4477{:08}", number % 1_000)).into()))
    }));
    let mut sessions = Vec::new();
    for _ in 0..5 {
        let login = Login::new("shop").window(1_000);
        let esme = Esme::try_bind(gateway.address, login, ledger.clone(), Some(source.clone())).await;
        sessions.push(esme.expect("it may bind"));
    }
    let mut memory = Vec::new();
    for _ in 0..8 {
        tokio::time::sleep(secs(1)).await;
        memory.push(gateway.memory_kib() / 1024);
    }
    last.store(0, Ordering::Relaxed);
    let settled = || {
        let ledger = ledger.lock().unwrap();
        ledger.acked.len() + ledger.refused.len()
    };
    let mut before = 0;
    while before != settled() {
        before = settled();
        tokio::time::sleep(millis(500)).await;
    }
    let acked = ledger.lock().unwrap().acked.len();
    reach("receipts", secs(60), acked, || ledger.lock().unwrap().came.len()).await;
    ledger.lock().unwrap().check_receipts();
    let refused = ledger.lock().unwrap().refused.clone();
    let is_polite = |status: &CommandStatus| {
        matches!(*status, CommandStatus::ESME_RTHROTTLED | CommandStatus::ESME_RMSGQFUL)
    };
    assert!(refused.iter().all(|(_, status)| is_polite(status)), "{:?}", refused.first());
    println!("{acked} acknowledged, {} refused, MiB by the second: {memory:?}", refused.len());
    assert!(acked > 1_000, "only {acked} were taken");
    assert!(!refused.is_empty(), "a queue of 200 is too short for 5,000 requests at once");
    let (early, late) = (memory[2], memory[7]);
    assert!(late <= early + early / 4 + 64, "memory grew: {memory:?}");
    let totals = gateway.finish();
    assert_eq!(totals.open, 0, "{totals:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_s_throughput_is_kept() {
    let mc = Mc::start(prompt).await;
    let account = format!("{}throughput = 50\n", account("shop"));
    let gateway = Gateway::start(&format!("{account}{}[[route]]\nto = \"up\"\n", connector("up", &mc)));
    let sessions = [
        Esme::bind(gateway.address, Login::new("shop")).await,
        Esme::bind(gateway.address, Login::new("shop")).await,
    ];
    let began = std::time::Instant::now();
    for number in 0..600 {
        sessions[number as usize % 2].send(number, message(number, "447700900123"));
        tokio::time::sleep(millis(4)).await;
    }
    let answered = || sessions.iter().map(|one| one.acked() + one.ledger.lock().unwrap().refused.len()).sum();
    reach("answers", secs(10), 600, answered).await;
    let (millis_taken, acked) = (began.elapsed().as_millis(), sessions[0].acked() + sessions[1].acked());
    let refused: Vec<_> =
        sessions.iter().flat_map(|one| one.ledger.lock().unwrap().refused.clone()).collect();
    assert!(
        refused.iter().all(|(_, status)| *status == CommandStatus::ESME_RTHROTTLED),
        "{:?}",
        refused.first()
    );
    let most = 50 * (millis_taken + 1_000) / 1_000 + 10;
    let least = 40 * millis_taken / 1_000;
    assert!((least..most).contains(&(acked as u128)), "{acked} in {millis_taken} ms");
    gateway.finish();
}

/// A connector's throughput holds over all its binds, and what is too fast waits.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connector_s_throughput_is_kept() {
    let mc = Mc::start(prompt).await;
    let up = format!("{}throughput = 100\nbinds = 2\n", connector("up", &mc));
    let gateway = Gateway::start(&format!("{}{up}[[route]]\nto = \"up\"\n", account("shop")));
    until("both are bound", secs(10), || mc.bound() == 2).await;
    let esme = Esme::bind(gateway.address, Login::new("shop")).await;
    for number in 0..500 {
        esme.send(number, message(number, &format!("4477{number:08}")));
    }
    reach("receipts", secs(30), 500, || esme.count()).await;
    let came = mc.came();
    for at in 0..came.len() {
        let later = came.get(at + 220).map_or(i64::MAX, |came| came.at_ms);
        assert!(later - came[at].at_ms >= 1_000, "220 messages within {} ms", later - came[at].at_ms);
    }
    let took = came[499].at_ms - came[0].at_ms;
    assert!((3_500..8_000).contains(&took), "500 messages took {took} ms");
    gateway.finish();
}
