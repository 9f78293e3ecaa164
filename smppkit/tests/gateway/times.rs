//! When messages go out and when they are too old, to the second, whatever is restarted in between; and
//! which go first.

use smppkit_wire::field::Time;
use smppkit_wire::pdu::table::SubmitSm;
use smppkit_wire::value::MessageState;

use crate::harness::{Esme, Gateway, Login, Mc, message, millis, now_ms, prompt, secs, taken, until, usual};

fn at(seconds: u64, pdu: SubmitSm) -> SubmitSm {
    SubmitSm { schedule_delivery_time: Time::relative(secs(seconds)), ..pdu }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn schedules_are_kept_to_the_second_over_kill_9() {
    let mc = Mc::start(prompt).await;
    let mut gateway = Gateway::start(&usual(&mc));
    let esme = Esme::bind(gateway.address, Login::new("shop")).await;
    let asked_ms = now_ms();
    for (number, seconds) in [(1, 3), (2, 5), (3, 5), (4, 6)] {
        esme.submit(at(seconds, message(number, "447700900123"))).await.unwrap();
    }
    let answered_ms = now_ms();
    // An absolute time says the same; it has tenths of a second.
    let due_ms = (answered_ms / 100 + 45) * 100;
    let absolute = SubmitSm { schedule_delivery_time: Time::absolute(due_ms), ..message(5, "447700900123") };
    esme.submit(absolute).await.unwrap();
    tokio::time::sleep(millis(300)).await;
    gateway.kill();
    gateway.run();
    until("all are upstream", secs(15), || mc.count() == 5).await;
    for came in mc.came() {
        let number = came.number.unwrap();
        let (from, until) = match number {
            1 => (asked_ms + 3_000, answered_ms + 3_000),
            2 | 3 => (asked_ms + 5_000, answered_ms + 5_000),
            4 => (asked_ms + 6_000, answered_ms + 6_000),
            _ => (due_ms, due_ms),
        };
        // Absolute times are written in tenths, relative ones resolved when they come.
        let is_kept = came.at_ms >= from - 100 && came.at_ms <= until + 1_000;
        assert!(is_kept, "{number} came {} ms after it was due", came.at_ms - until);
    }
    assert_eq!(mc.numbers(), [1, 5, 2, 3, 4]);
    gateway.finish();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_expire_to_the_second_over_kill_9() {
    let mc = Mc::start(prompt).await;
    mc.refuse_binds(true);
    let mut gateway = Gateway::start(&usual(&mc));
    let esme = Esme::bind(gateway.address, Login::new("shop")).await;
    let asked_ms = now_ms();
    for (number, seconds) in [(1, 3), (2, 4), (4, 5)] {
        let pdu = message(number, "447700900123");
        let pdu = SubmitSm { validity_period: Time::relative(secs(seconds)), ..pdu };
        esme.send(number, pdu);
    }
    until("all are taken", secs(5), || esme.acked() == 3).await;
    let answered_ms = now_ms();
    gateway.kill();
    gateway.run();
    let again = Esme::try_bind(gateway.address, Login::new("shop"), esme.ledger.clone(), None).await.unwrap();
    let mut told_at = Vec::new();
    for count in 1..=3 {
        until("an end", secs(10), || again.count() >= count).await;
        told_at.push(now_ms());
    }
    for (at, (told, told_ms)) in (0_i64..).zip(again.receipts().iter().zip(&told_at)) {
        assert_eq!(told.state, MessageState::EXPIRED);
        let life_ms = 3_000 + 1_000 * at;
        assert!(*told_ms >= asked_ms + life_ms, "too early by {} ms", asked_ms + life_ms - told_ms);
        // Looked for once a second; half a second more for a busy machine.
        let late_ms = told_ms - answered_ms - life_ms;
        assert!(late_ms <= 1_600, "too late by {late_ms} ms");
    }
    assert_eq!(mc.count(), 0);
    let totals = gateway.finish();
    assert_eq!((totals.expired, totals.open), (3, 0), "{totals:?}");
}

/// What goes up says how much of its validity is left.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_upstream_is_told_what_is_left_of_the_validity() {
    let mc = Mc::start(prompt).await;
    let gateway = Gateway::start(&usual(&mc));
    let esme = Esme::bind(gateway.address, Login::new("shop")).await;
    let pdu = SubmitSm { validity_period: Time::relative(secs(60)), ..at(2, message(1, "447700900123")) };
    esme.submit(pdu).await.unwrap();
    until("it is upstream", secs(10), || mc.count() == 1).await;
    let left = mc.came()[0].pdu.validity_period.value().unwrap().expect("a validity").resolve(0);
    assert!((56_000..=58_000).contains(&left), "{left} ms are left of 60 s after 2 s");
    gateway.finish();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_schedule_or_validity_in_the_past_is_refused() {
    use smppkit_wire::CommandStatus;
    let mc = Mc::start(|_| vec![taken("4711")]).await;
    let gateway = Gateway::start(&usual(&mc));
    let esme = Esme::bind(gateway.address, Login::new("shop")).await;
    let past = Time::absolute(now_ms() - 60_000);
    let pdu = SubmitSm { schedule_delivery_time: past, ..message(1, "447700900123") };
    assert_eq!(esme.submit(pdu).await, Err(CommandStatus::ESME_RINVSCHED));
    let pdu = SubmitSm { validity_period: past, ..message(1, "447700900123") };
    assert_eq!(esme.submit(pdu).await, Err(CommandStatus::ESME_RINVEXPIRY));
    let pdu = SubmitSm { validity_period: Time::relative(secs(5)), ..at(10, message(1, "447700900123")) };
    assert_eq!(esme.submit(pdu).await, Err(CommandStatus::ESME_RINVEXPIRY), "it would be too old by then");
    let totals = gateway.finish();
    assert_eq!(totals.accepted, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn urgent_messages_go_first() {
    let mc = Mc::start(prompt).await;
    mc.refuse_binds(true);
    let gateway = Gateway::start(&usual(&mc));
    let esme = Esme::bind(gateway.address, Login::new("shop")).await;
    for number in 1..=400 {
        let pdu = SubmitSm { priority_flag: (number % 4) as u8, ..message(number, "447700900123") };
        esme.send(number, pdu);
    }
    until("all are taken", secs(10), || esme.acked() == 400).await;
    mc.refuse_binds(false);
    until("all are upstream", secs(20), || mc.count() == 400).await;
    let wanted: Vec<u64> =
        [3, 2, 1, 0].into_iter().flat_map(|priority| (1..=400).filter(move |n| n % 4 == priority)).collect();
    assert_eq!(mc.numbers(), wanted, "by priority, then as they came");
    until("all are told", secs(20), || esme.count() == 400).await;
    gateway.finish();
}
