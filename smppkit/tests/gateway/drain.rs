//! SIGTERM: what was read is answered, every session is unbound, the exit code is 0, and nothing
//! acknowledged is lost; the second one ends it at once.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use crate::harness::{
    Act, Answering, Esme, Gateway, Ledger, Login, Mc, Source, message, millis, receipt, secs, setting, taken,
    until, usual,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sigterm_under_load_loses_nothing_and_leaves_nothing_unanswered() {
    let mut id = 0x1000_0000_u64;
    let mc = Mc::start(move |came| {
        id += 1;
        let id = id.to_string();
        vec![taken(id.clone()), Act::After(millis(10), Box::new(receipt(&came.pdu, &id)))]
    })
    .await;
    let mut gateway = Gateway::start(&usual(&mc));
    let ledger: Arc<Mutex<Ledger>> = Arc::default();
    let next = AtomicU64::new(0);
    let source: Source = Arc::new(Mutex::new(move || {
        let number = next.fetch_add(1, Ordering::Relaxed);
        Some((number, message(number, &format!("4477{:08}", number % 1_000)).into()))
    }));
    let rounds = setting("SMPPKIT_STOPS", 10) as u64;
    let mut longest = std::time::Duration::ZERO;
    for round in 0..rounds {
        let mut sessions = Vec::new();
        for _ in 0..3 {
            let login = Login::new("shop").window(50);
            let esme = Esme::try_bind(gateway.address, login, ledger.clone(), Some(source.clone())).await;
            sessions.push(esme.expect("it may bind"));
        }
        tokio::time::sleep(millis(150 + 70 * (round % 10))).await;
        let began = Instant::now();
        gateway.stop();
        longest = longest.max(began.elapsed());
        until("all are unbound", secs(5), || sessions.iter().all(Esme::has_ended)).await;
        gateway.run();
    }
    let rest = Esme::try_bind(gateway.address, Login::new("shop"), ledger.clone(), None).await.unwrap();
    until("all acknowledged are upstream", secs(60), || {
        let arrived: HashSet<u64> = mc.numbers().into_iter().collect();
        rest.ledger.lock().unwrap().acked.keys().all(|number| arrived.contains(number))
    })
    .await;
    until("all have receipts", secs(60), || rest.count() >= rest.acked()).await;
    let again = rest.check_receipts();
    let (acked, sent) = (rest.acked(), mc.count());
    println!(
        "{rounds} stops: {acked} acknowledged, {sent} sent, {again} receipts again, the longest took {longest:.1?}"
    );
    assert_eq!((sent, again), (acked, 0), "a polite end sends nothing twice");
    // What crossed with unbind was never read: it is nowhere.
    let arrived: HashSet<u64> = mc.numbers().into_iter().collect();
    let crossed = rest.ledger.lock().unwrap().unanswered.clone();
    assert!(crossed.iter().all(|number| !arrived.contains(number)), "taken and not answered");
    assert!(crossed.len() as u64 <= 150 * rounds, "{} without an answer", crossed.len());
    let totals = gateway.finish();
    assert_eq!(totals.open, 0, "{totals:?}");
}

/// Many message centres close as soon as unbind comes: whether they took what they had not answered is not known
/// then, and it would be sent twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_centre_may_answer_what_it_has_before_it_is_unbound() {
    let mc = Mc::start(|_| vec![Act::After(millis(500), Box::new(taken("4711")))]).await;
    let mut gateway = Gateway::start(&usual(&mc));
    let esme = Esme::bind(gateway.address, Login::new("shop")).await;
    for number in 1..=20 {
        esme.send(number, message(number, "447700900123"));
    }
    until("all are upstream", secs(10), || mc.count() == 20 && esme.acked() == 20).await;
    gateway.stop();
    assert_eq!(mc.left_early(), 0, "answers that were not waited for");
    gateway.run();
    tokio::time::sleep(millis(500)).await;
    assert_eq!(mc.count(), 20, "none is sent twice");
    let totals = gateway.finish();
    assert_eq!(totals.open, 20, "their receipts may still come: {totals:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_does_not_answer_holds_the_end_up_for_the_drain_timeout_at_most() {
    let mc = Mc::start(|came| vec![taken("4711"), receipt(&came.pdu, "4711")]).await;
    let mut gateway = Gateway::start(&format!("drain_timeout = \"1s\"\n{}", usual(&mc)));
    let esme = Esme::bind(gateway.address, Login::new("shop")).await;
    esme.answering(Answering::Never);
    esme.submit(message(1, "447700900123")).await.unwrap();
    until("a receipt", secs(10), || esme.count() == 1).await;
    let began = Instant::now();
    gateway.stop();
    assert!(began.elapsed() < secs(3), "{:?}", began.elapsed());
    // The receipt was not answered: it is still there.
    gateway.run();
    let again = Esme::bind(gateway.address, Login::new("shop")).await;
    until("the receipt again", secs(10), || again.count() == 1).await;
    let totals = gateway.finish();
    assert_eq!(totals.open, 0, "{totals:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_second_sigterm_ends_it_at_once() {
    // Its upstream answers nothing, and so does not answer unbind either.
    let mc = Mc::start(|_| Vec::new()).await;
    let mut gateway = Gateway::start(&usual(&mc));
    let esme = Esme::bind(gateway.address, Login::new("shop")).await;
    for number in 1..=50 {
        esme.send(number, message(number, "447700900123"));
    }
    until("all are upstream", secs(10), || mc.count() == 50 && esme.acked() == 50).await;
    gateway.signal("TERM");
    until("the ESME is unbound", secs(5), || esme.has_ended()).await;
    assert!(gateway.ended(millis(100)).is_none(), "it waits for its upstream's unbind_resp");
    gateway.signal("TERM");
    let status = gateway.ended(secs(2)).expect("it ends at once");
    assert_eq!(status.code(), Some(130), "{status}");
    mc.script(crate::harness::prompt);
    gateway.run();
    let again = Esme::try_bind(gateway.address, Login::new("shop"), esme.ledger.clone(), None).await.unwrap();
    until("all are told", secs(20), || again.count() == 50).await;
    let totals = gateway.finish();
    assert_eq!(totals.open, 0, "{totals:?}");
}
