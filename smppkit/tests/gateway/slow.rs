//! A peer that is slow or dead harms nobody else.

use smppkit_wire::CommandStatus;
use smppkit_wire::value::MessageState;

use crate::harness::{
    Answering, Esme, Gateway, Login, Mc, account, connector, message, millis, prompt, reach, secs, until,
    usual,
};

/// How long 300 messages and their receipts take.
async fn serve(esme: &Esme, from: u64) -> std::time::Duration {
    let (began, before) = (std::time::Instant::now(), esme.count());
    for number in from..from + 300 {
        esme.send(number, message(number, &format!("4477{number:08}")));
    }
    reach("receipts", secs(20), before + 300, || esme.count()).await;
    began.elapsed()
}

/// What can be expected of a busy machine: several times the quiet case.
fn is_as_before(quiet: std::time::Duration, now: std::time::Duration) {
    assert!(now < quiet * 3 + millis(500), "{now:?} instead of {quiet:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_esme_that_never_answers_gets_no_more_than_its_window() {
    let mc = Mc::start(prompt).await;
    let mute = format!("{}window = 20\n", account("mute"));
    let gateway = Gateway::start(&format!("[session]\nresponse = \"2s\"\n{}{mute}", usual(&mc)));
    let healthy = Esme::bind(gateway.address, Login::new("shop")).await;
    serve(&healthy, 1).await;
    let quiet = serve(&healthy, 1_001).await;
    let mute = Esme::bind(gateway.address, Login::new("mute")).await;
    mute.answering(Answering::Never);
    for number in 5_000..5_500 {
        mute.send(number, message(number, "447700900123"));
    }
    reach("its window", secs(10), 20, || mute.count()).await;
    is_as_before(quiet, serve(&healthy, 2_001).await);
    tokio::time::sleep(millis(300)).await;
    assert_eq!(mute.ledger.lock().unwrap().most_waiting, 20, "requests that stood unanswered");
    let is_out = || mute.has_ended() || gateway.log().contains("no unbind_resp in time");
    until("it is unbound", secs(10), is_out).await;
    // What it did not answer comes again, and all else.
    let again = Esme::try_bind(gateway.address, Login::new("mute"), mute.ledger.clone(), None).await.unwrap();
    reach("all its receipts", secs(20), 520, || again.count()).await;
    assert_eq!(again.check_receipts(), 20, "told again");
    let totals = gateway.finish();
    assert_eq!(totals.open, 0, "{totals:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upstream_that_never_answers_holds_up_its_own_messages_only() {
    let (mc, hole) = (Mc::start(prompt).await, Mc::start(|_| Vec::new()).await);
    let settings = format!(
        "{}{}{}response = \"1s\"\n[[route]]\ndestination_addr = \"99*\"\nto = \"hole\"\n[[route]]\nto = \"up\"\n",
        account("shop"),
        connector("up", &mc),
        connector("hole", &hole)
    );
    let gateway = Gateway::start(&format!("[retry]\nfirst = \"500ms\"\nunknown_attempts = 2\n{settings}"));
    let esme = Esme::bind(gateway.address, Login::new("shop")).await;
    let other =
        Esme::bind(gateway.address, Login::new("shop").mode(smppkit_net::BindMode::Transmitter)).await;
    until("both are bound", secs(10), || mc.bound() == 1 && hole.bound() == 1).await;
    serve(&esme, 1).await;
    let quiet = serve(&esme, 1_001).await;
    for number in 5_000..5_300 {
        other.send(number, message(number, &format!("9900{number:08}")));
    }
    reach("a window of it", secs(10), 100, || hole.count()).await;
    is_as_before(quiet, serve(&esme, 2_001).await);
    reach("the end of all others", secs(60), 1_200, || esme.count()).await;
    let lost = esme.receipts().iter().filter(|told| told.number >= Some(5_000)).count();
    assert_eq!(lost, 300);
    let is_lost = |told: &crate::harness::Told| told.state == MessageState::UNDELIVERABLE;
    assert!(esme.receipts().iter().filter(|told| told.number >= Some(5_000)).all(is_lost));
    let totals = gateway.finish();
    assert_eq!(totals.open, 0, "{totals:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upstream_that_is_down_holds_up_its_own_messages_only() {
    let (mc, down) = (Mc::start(prompt).await, Mc::start(prompt).await);
    let settings = format!(
        "{}{}{}[[route]]\ndestination_addr = \"99*\"\nto = \"down\"\n[[route]]\nto = \"up\"\n",
        account("shop"),
        connector("up", &mc),
        connector("down", &down)
    );
    down.down();
    let gateway = Gateway::start(&settings);
    let esme = Esme::bind(gateway.address, Login::new("shop")).await;
    serve(&esme, 1).await;
    let quiet = serve(&esme, 1_001).await;
    for number in 5_000..8_000 {
        esme.send(number, message(number, &format!("9900{number:08}")));
    }
    reach("all are taken", secs(10), 3_600, || esme.acked()).await;
    is_as_before(quiet, serve(&esme, 2_001).await);
    down.up().await;
    reach("what waited", secs(20), 3_900, || esme.count()).await;
    assert_eq!(esme.check_receipts(), 0);
    let totals = gateway.finish();
    assert_eq!(totals.open, 0, "{totals:?}");
}

/// What an ESME has no room for comes again; what it will never take is dropped, and told to nobody else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_esme_that_refuses_is_tried_again_as_the_status_says() {
    let mc = Mc::start(prompt).await;
    let gateway = Gateway::start(&format!("[retry]\nbusy = \"200ms\"\nfirst = \"200ms\"\n{}", usual(&mc)));
    let esme = Esme::bind(gateway.address, Login::new("shop")).await;
    esme.answering(Answering::Refuse(CommandStatus::ESME_RMSGQFUL));
    esme.submit(message(1, "447700900123")).await.unwrap();
    until("it comes again and again", secs(20), || esme.count() >= 4).await;
    esme.answering(Answering::Accept);
    let so_far = esme.count();
    until("it is taken", secs(10), || esme.count() == so_far + 1).await;
    esme.answering(Answering::Refuse(CommandStatus::ESME_RX_R_APPN));
    esme.submit(message(2, "447700900123")).await.unwrap();
    until("the second", secs(10), || esme.count() == so_far + 2).await;
    tokio::time::sleep(millis(700)).await;
    assert_eq!(esme.count(), so_far + 2, "it was refused for good");
    let totals = gateway.finish();
    assert_eq!((totals.delivered, totals.failed, totals.open), (3, 1, 0), "{totals:?}");
}
