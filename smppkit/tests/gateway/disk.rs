//! A disk that does not take what is written: it is refused, and nothing acknowledged is lost.
//!
//! A real full disk needs rights that a test has not; a file that may not grow fails as a broken disk does.
//! What a full disk comes to is shown in the gateway's simulation.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use smppkit_wire::CommandStatus;

use crate::harness::{Esme, Gateway, Ledger, Login, Mc, Source, message, prompt, reach, secs, until, usual};

/// Of 512 octets, or of 1,024 where the shell counts so: some hundred messages.
const BLOCKS: u32 = 2_000;
const AFTERWARDS: u64 = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_written_is_refused_and_a_restart_loses_nothing() {
    let mc = Mc::start(prompt).await;
    let mut gateway = Gateway::prepare(&usual(&mc));
    gateway.run_with_files_of(BLOCKS);
    let ledger: Arc<Mutex<Ledger>> = Arc::default();
    let next = Arc::new(AtomicU64::new(1));
    let (numbers, refused) = (Arc::clone(&next), Arc::clone(&ledger));
    let source = move || {
        let is_over = !refused.lock().unwrap().refused.is_empty();
        let number = (!is_over).then(|| numbers.fetch_add(1, Ordering::Relaxed))?;
        Some((number, message(number, "447700900123").into()))
    };
    let source: Source = Arc::new(Mutex::new(source));
    let login = Login::new("shop").window(10);
    let esme =
        Esme::try_bind(gateway.address, login.clone(), Arc::clone(&ledger), Some(source)).await.unwrap();
    let answered = || {
        let ledger = ledger.lock().unwrap();
        (ledger.acked.len() + ledger.refused.len()) as u64
    };
    until("a message is refused", secs(60), || !ledger.lock().unwrap().refused.is_empty()).await;
    until("all are answered", secs(20), || answered() + 1 == next.load(Ordering::Relaxed)).await;
    let acked = esme.acked();
    assert!(acked > 20, "{acked} acknowledged before");
    // It is stopped for good, and sessions stay.
    for number in 0..AFTERWARDS {
        esme.send(1_000_000 + number, message(1_000_000 + number, "447700900123"));
    }
    until("those, too", secs(20), || answered() + 1 == next.load(Ordering::Relaxed) + AFTERWARDS).await;
    assert_eq!(esme.acked(), acked);
    for (number, status) in &ledger.lock().unwrap().refused {
        assert_eq!(*status, CommandStatus::ESME_RSYSERR, "{number}");
    }
    esme.unbind().await;
    gateway.stop();
    assert!(gateway.log().contains("the store failed"), "it says so");
    // Somebody has made room.
    gateway.run();
    let esme = Esme::try_bind(gateway.address, login, Arc::clone(&ledger), None).await.unwrap();
    esme.send(2_000_000, message(2_000_000, "447700900123"));
    reach("all acknowledged have their receipts", secs(60), acked + 1, || {
        let ledger = ledger.lock().unwrap();
        let told: std::collections::HashSet<String> =
            ledger.receipts().into_iter().map(|told| told.id).collect();
        ledger.acked.values().filter(|id| told.contains(*id)).count()
    })
    .await;
    esme.check_receipts();
    let arrived = mc.numbers();
    assert!(ledger.lock().unwrap().acked.keys().all(|number| arrived.contains(number)));
    let totals = gateway.finish();
    println!("{acked} acknowledged before, {totals:?}");
}
