//! What an upstream's refusal means, by its class: for the message, for its receipt, and for others.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use smppkit_store::{Final, Search, State, Store as _};
use smppkit_wire::CommandStatus;
use smppkit_wire::value::MessageState;

use crate::harness::{
    Act, Came, Esme, Gateway, Login, Mc, account, connector, message, millis, prompt, reach, secs, until,
};

/// Short waits: four attempts of what may go better, two when nobody knows.
const RETRY: &str =
    "[retry]\nfirst = \"200ms\"\nlongest = \"1s\"\nbusy = \"200ms\"\nattempts = 4\nunknown_attempts = 2\n";
const TO: &str = "447700900123";

fn settings(connector: &str) -> String {
    format!("{RETRY}{}{connector}[[route]]\nto = \"up\"\n", account("shop"))
}

/// Refuses each message so often with a status, then takes it.
fn refusing(status: CommandStatus, times: u64) -> impl FnMut(&Came) -> Vec<Act> + Send + 'static {
    let mut seen: HashMap<u64, u64> = HashMap::new();
    move |came| {
        let count = seen.entry(came.number.unwrap_or_default()).or_default();
        *count += 1;
        if *count <= times {
            return vec![Act::Answer(status, String::new())];
        }
        prompt(came)
    }
}

/// One message to an upstream that refuses so: how often it was sent, and what its sender was told.
async fn told(status: CommandStatus, times: u64) -> (usize, MessageState, u16, Gateway) {
    let mc = Mc::start(refusing(status, times)).await;
    let gateway = Gateway::start(&settings(&connector("up", &mc)));
    let esme = Esme::bind(gateway.address, Login::new("shop")).await;
    esme.submit(message(4, TO)).await.expect("it is taken");
    until("it is told", secs(20), || esme.count() == 1).await;
    let told = esme.receipts().remove(0);
    (mc.count(), told.state, told.err, gateway)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn being_throttled_is_no_attempt() {
    let (sent, state, _, gateway) = told(CommandStatus::ESME_RTHROTTLED, 10).await;
    assert_eq!((sent, state), (11, MessageState::DELIVERED));
    let totals = gateway.finish();
    assert_eq!((totals.failed, totals.open), (0, 0), "{totals:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_system_error_is_tried_again_a_few_times() {
    let (sent, state, _, gateway) = told(CommandStatus::ESME_RSYSERR, 3).await;
    assert_eq!((sent, state), (4, MessageState::DELIVERED));
    gateway.finish();
    let (sent, state, err, gateway) = told(CommandStatus::ESME_RSYSERR, 99).await;
    assert_eq!((sent, state, err), (4, MessageState::UNDELIVERABLE, 8));
    let totals = gateway.finish();
    assert_eq!((totals.failed, totals.open), (1, 0), "{totals:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_address_ends_a_message_at_once_with_its_reason_in_the_dead_letters() {
    let (sent, state, err, mut gateway) = told(CommandStatus::ESME_RINVDSTADR, 99).await;
    assert_eq!((sent, state, err), (1, MessageState::REJECTED, 11));
    gateway.stop();
    let dead = Search { states: vec![State::Final(Final::Failed)], limit: 10, ..Search::default() };
    let dead = gateway.store().search(&dead).unwrap().messages;
    assert_eq!(dead.len(), 1);
    assert!(
        dead[0].reason.contains("ESME_RINVDSTADR") && dead[0].reason.contains("up"),
        "{}",
        dead[0].reason
    );
    let totals = gateway.finish();
    assert_eq!((totals.failed, totals.open), (1, 0), "{totals:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vendor_s_status_may_mean_anything() {
    let (sent, state, _, gateway) = told(CommandStatus(0x0401), 1).await;
    assert_eq!((sent, state), (2, MessageState::DELIVERED));
    gateway.finish();
    let (sent, state, err, gateway) = told(CommandStatus(0x0401), 99).await;
    assert_eq!((sent, state, err), (2, MessageState::UNDELIVERABLE, 25), "0x0401 is 1025");
    let totals = gateway.finish();
    assert_eq!((totals.failed, totals.open), (1, 0), "{totals:?}");
}

/// It may have been taken: it is sent again, but not for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_answer_at_all_is_tried_again_once() {
    let mc = Mc::start(|came| if came.number == Some(4) { Vec::new() } else { prompt(came) }).await;
    let up = format!("{}response = \"700ms\"\n", connector("up", &mc));
    let gateway = Gateway::start(&settings(&up));
    let esme = Esme::bind(gateway.address, Login::new("shop")).await;
    esme.submit(message(4, TO)).await.unwrap();
    esme.submit(message(5, TO)).await.unwrap();
    until("both are told", secs(20), || esme.count() == 2).await;
    let mut told: Vec<_> = esme.receipts().into_iter().map(|told| (told.number, told.state)).collect();
    told.sort_by_key(|(number, _)| *number);
    assert_eq!(told, [(Some(4), MessageState::UNDELIVERABLE), (Some(5), MessageState::DELIVERED)]);
    assert_eq!(mc.numbers().iter().filter(|number| **number == 4).count(), 2);
    let totals = gateway.finish();
    assert_eq!((totals.failed, totals.open), (1, 0), "{totals:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waits_grow_and_other_messages_do_not_wait() {
    let times: Arc<Mutex<Vec<i64>>> = Arc::default();
    let noted = Arc::clone(&times);
    let mc = Mc::start(move |came| {
        if came.number == Some(4) {
            noted.lock().unwrap().push(came.at_ms);
            return vec![Act::Answer(CommandStatus::ESME_RSYSERR, String::new())];
        }
        prompt(came)
    })
    .await;
    let gateway = Gateway::start(&settings(&connector("up", &mc)));
    let esme = Esme::bind(gateway.address, Login::new("shop")).await;
    // Until it is known how ids are written, receipts may wait for a moment.
    for number in 1..=3 {
        esme.send(number, message(number, TO));
    }
    reach("the first receipts", secs(10), 3, || esme.count()).await;
    esme.send(4, message(4, TO));
    for number in 100..300 {
        esme.send(number, message(number, TO));
    }
    reach("the others' receipts", millis(1_200), 203, || esme.count()).await;
    until("the end of it", secs(20), || esme.count() == 204).await;
    let times = times.lock().unwrap().clone();
    let waits: Vec<i64> = times.windows(2).map(|two| two[1] - two[0]).collect();
    // 200, 400, 800 ms, each a fifth more or less.
    for (wait, full) in waits.iter().zip([200, 400, 800]) {
        assert!((full * 4 / 5..=full * 6 / 5 + 150).contains(wait), "{waits:?}");
    }
    gateway.finish();
}

fn two_ways(left: &Mc, right: &Mc, more: &str) -> String {
    format!(
        "{RETRY}{}{}{more}{}[[route]]\nto = [\"left\", \"right\"]\n",
        account("shop"),
        connector("left", left),
        connector("right", right)
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_fails_on_one_connector_goes_by_the_next_of_its_route() {
    let left = Mc::start(refusing(CommandStatus::ESME_RSYSERR, 99)).await;
    let right = Mc::start(prompt).await;
    let gateway = Gateway::start(&two_ways(&left, &right, ""));
    until("both are bound", secs(10), || left.bound() == 1 && right.bound() == 1).await;
    let esme = Esme::bind(gateway.address, Login::new("shop")).await;
    for number in 1..=100 {
        esme.send(number, message(number, TO));
    }
    reach("receipts", secs(20), 100, || esme.count()).await;
    assert_eq!((left.count(), right.count()), (100, 100), "the first way is tried once");
    let totals = gateway.finish();
    assert_eq!((totals.accepted, totals.open), (200, 0), "{totals:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_for_a_dead_connector_takes_the_next_way_after_failover() {
    let left = Mc::start(prompt).await;
    let right = Mc::start(prompt).await;
    let gateway = Gateway::start(&two_ways(&left, &right, "failover = \"2s\"\n"));
    until("both are bound", secs(10), || left.bound() == 1 && right.bound() == 1).await;
    let esme = Esme::bind(gateway.address, Login::new("shop")).await;
    // The first way is full of answers that never come, then goes away.
    left.script(|_| Vec::new());
    for number in 1..=300 {
        esme.send(number, message(number, &format!("4477{number:08}")));
    }
    until("it has a window full", secs(10), || left.count() == 100 && esme.acked() == 300).await;
    left.down();
    tokio::time::sleep(Duration::from_millis(300)).await;
    // Who comes now goes by the other way at once.
    esme.send(301, message(301, "447700000301"));
    until("the new one", secs(5), || right.numbers().contains(&301)).await;
    reach("receipts", secs(20), 301, || esme.count()).await;
    assert_eq!(right.count(), 301);
    let totals = gateway.finish();
    assert_eq!(totals.open, 0, "{totals:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_that_have_no_other_way_do_not_hold_up_those_behind_them() {
    let left = Mc::start(prompt).await;
    let right = Mc::start(prompt).await;
    let settings = format!(
        "{RETRY}{}{}{}failover = \"1s\"\n{}[[route]]\ndestination_addr = \"44770000*\"\nto = \"left\"\n[[route]]\nto = [\"left\", \"right\"]\n",
        account("shop"),
        account("bank"),
        connector("left", &left),
        connector("right", &right)
    );
    let gateway = Gateway::start(&settings);
    until("both are bound", secs(10), || left.bound() == 1 && right.bound() == 1).await;
    left.script(|_| Vec::new());
    right.down();
    let esme = Esme::bind(gateway.address, Login::new("shop").window(500)).await;
    for number in 1..=11_000 {
        esme.send(number, message(number, &format!("44770000{number:05}")));
    }
    until("they are taken", secs(60), || esme.acked() == 11_000).await;
    for number in 11_001..=11_050 {
        esme.send(number, message(number, "447911000000"));
    }
    until("the last are taken", secs(20), || esme.acked() == 11_050).await;
    assert_eq!(right.count(), 0);
    left.down();
    right.up().await;
    until("the last go the other way", secs(20), || right.count() == 50).await;
    reach("receipts", secs(20), 50, || esme.count()).await;
    let mut numbers = right.numbers();
    numbers.sort_unstable();
    assert_eq!(numbers, (11_001..=11_050).collect::<Vec<u64>>());
    let totals = gateway.finish();
    assert_eq!((totals.accepted, totals.open), (11_100, 11_000), "with the receipts of the last: {totals:?}");
}
