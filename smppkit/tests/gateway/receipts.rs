//! Which message a receipt belongs to, in every form that was seen: all are matched, none to another.

use std::time::Duration;

use smppkit_wire::pdu::table::SubmitSm;
use smppkit_wire::value::EsmClass;

use crate::harness::{
    Act, Came, Esme, Gateway, Login, Mc, Shape, account, connector, message, millis, number_of, reach,
    receipt, receipt_by, secs, setting, taken, until, usual,
};

/// How an upstream writes ids: in its response, and in its receipt.
#[derive(Clone, Copy)]
struct Form {
    response: fn(u64) -> String,
    receipt: fn(u64) -> String,
    shape: Shape,
}

const SHAPE: Shape = Shape { in_text: true, in_tlv: true, esm_class: EsmClass::DELIVERY_RECEIPT };
/// Ids begin here: as large as those of message centres, and with letters in hexadecimal.
const FIRST_ID: u64 = 0x2A3F_81C0;

fn decimal(id: u64) -> String {
    id.to_string()
}

fn hex(id: u64) -> String {
    format!("{id:x}")
}

fn upper(id: u64) -> String {
    format!("{id:X}")
}

fn padded_hex(id: u64) -> String {
    format!("{id:016X}")
}

fn padded_decimal(id: u64) -> String {
    format!("{id:020}")
}

impl Form {
    const fn new(response: fn(u64) -> String, receipt: fn(u64) -> String) -> Self {
        Self { response, receipt, shape: SHAPE }
    }

    const fn shaped(self, shape: Shape) -> Self {
        Self { shape, ..self }
    }

    fn acts(self, pdu: &SubmitSm, id: u64) -> (Act, Act) {
        let receipt = receipt_by(pdu, &(self.receipt)(id), self.shape);
        (taken((self.response)(id)), Act::Deliver(receipt))
    }
}

/// Messages of one run.
fn messages() -> u64 {
    let all = setting("SMPPKIT_RECEIPTS", 0);
    // Two runs of each of fifteen cases.
    if all == 0 { 1_000 } else { (all / 30).max(1) as u64 }
}

/// One pair of numbers for all messages, or each its own.
#[derive(Clone, Copy)]
enum To {
    Own,
    Same,
}

impl To {
    fn message(self, number: u64) -> SubmitSm {
        match self {
            Self::Own => message(number, &format!("4477{number:08}")),
            Self::Same => message(number, "447700900123"),
        }
    }
}

const BOTH: [To; 2] = [To::Own, To::Same];

/// Sends them all, and waits until each has its receipt and every request of the upstream is answered.
async fn run(mc: &Mc, gateway: &Gateway, to: To, receipts_each: u64) {
    let esme = Esme::bind(gateway.address, Login::new("shop")).await;
    let count = messages();
    for number in 1..=count {
        esme.send(number, to.message(number));
    }
    let limit = Duration::from_secs(30 + count / 200);
    until("all are acknowledged", limit, || esme.acked() == count as usize).await;
    reach("receipts", limit, count as usize, || esme.count()).await;
    reach("receipts taken", limit, (count * receipts_each) as usize, || mc.delivered() as usize).await;
    tokio::time::sleep(millis(100)).await;
    assert_eq!(esme.check_receipts(), 0, "receipts that came twice");
    assert_eq!(mc.refused(), [], "receipts that were refused");
}

async fn case(form: Form) {
    for to in BOTH {
        let mut id = FIRST_ID;
        let mc = Mc::start(move |came| {
            id += 1;
            let (answer, receipt) = form.acts(&came.pdu, id);
            vec![answer, Act::After(millis(5), Box::new(receipt))]
        })
        .await;
        let gateway = Gateway::start(&usual(&mc));
        run(&mc, &gateway, to, 1).await;
        let totals = gateway.finish();
        assert_eq!((totals.open, totals.orphans), (0, 0), "{totals:?}");
    }
}

macro_rules! cases {
    ($($name:ident: $form:expr;)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            case($form).await;
        }
    )*};
}

cases! {
    ids_that_are_equal_are_matched: Form::new(decimal, decimal);
    a_response_in_hex_and_a_receipt_in_decimal_are_matched: Form::new(hex, decimal);
    a_response_in_decimal_and_a_receipt_in_hex_are_matched: Form::new(decimal, hex);
    leading_zeros_in_the_response_do_not_matter: Form::new(padded_decimal, decimal);
    leading_zeros_in_the_receipt_do_not_matter: Form::new(hex, padded_hex);
    capitals_in_the_response_do_not_matter: Form::new(upper, hex);
    capitals_in_the_receipt_do_not_matter: Form::new(hex, upper);
    padded_hex_and_decimal_are_matched: Form::new(padded_hex, padded_decimal);
    an_id_in_the_tlv_alone_is_enough:
        Form::new(decimal, decimal).shaped(Shape { in_text: false, ..SHAPE });
    an_id_in_the_text_alone_is_enough:
        Form::new(hex, decimal).shaped(Shape { in_tlv: false, ..SHAPE });
    a_receipt_without_esm_class_is_one_by_its_text:
        Form::new(hex, hex).shaped(Shape { in_tlv: false, in_text: true, esm_class: EsmClass::DEFAULT });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receipt_that_overtakes_its_response_is_matched() {
    for to in BOTH {
        let mut id = FIRST_ID;
        let mc = Mc::start(move |came| {
            id += 1;
            let (answer, receipt) = Form::new(hex, decimal).acts(&came.pdu, id);
            // Some far ahead, some in the same octets.
            match id % 3 {
                0 => vec![receipt, Act::After(millis(30), Box::new(answer))],
                1 => vec![receipt, Act::After(millis(2), Box::new(answer))],
                _ => vec![receipt, answer],
            }
        })
        .await;
        let gateway = Gateway::start(&usual(&mc));
        run(&mc, &gateway, to, 1).await;
        let totals = gateway.finish();
        assert_eq!((totals.open, totals.orphans), (0, 0), "{totals:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_upstreams_that_give_the_same_ids_are_not_confused() {
    for to in BOTH {
        let script = || {
            let mut id = FIRST_ID;
            move |came: &Came| {
                id += 1;
                let (answer, receipt) = Form::new(hex, hex).acts(&came.pdu, id);
                vec![answer, Act::After(millis(20), Box::new(receipt))]
            }
        };
        let (left, right) = (Mc::start(script()).await, Mc::start(script()).await);
        let route = "[[route]]\nto = [\"left\", \"right\"]\nstrategy = \"round_robin\"\n";
        let connectors = format!("{}{}", connector("left", &left), connector("right", &right));
        let gateway = Gateway::start(&format!("{}{connectors}{route}", account("shop")));
        until("both are bound", secs(10), || left.bound() == 1 && right.bound() == 1).await;
        let esme = Esme::bind(gateway.address, Login::new("shop")).await;
        let count = messages();
        for number in 1..=count {
            esme.send(number, to.message(number));
        }
        reach("receipts", secs(60), count as usize, || esme.count()).await;
        assert_eq!(esme.check_receipts(), 0);
        let (left, right) = (left.count() as u64, right.count() as u64);
        assert!(left + right == count && left.min(right) > count / 4, "{left} and {right} messages");
        let totals = gateway.finish();
        assert_eq!((totals.open, totals.orphans), (0, 0), "{totals:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn receipts_find_their_messages_after_kill_9() {
    for to in BOTH {
        let mut id = FIRST_ID;
        let mc = Mc::start(move |_| {
            id += 1;
            vec![taken(hex(id))]
        })
        .await;
        let mut gateway = Gateway::start(&usual(&mc));
        let esme = Esme::bind(gateway.address, Login::new("shop")).await;
        let count = messages();
        for number in 1..=count {
            esme.send(number, to.message(number));
        }
        let all = count as usize;
        until("all are upstream", secs(60), || esme.acked() == all && mc.count() == all).await;
        // The responses' ids are durable a moment later.
        tokio::time::sleep(millis(500)).await;
        gateway.kill();
        gateway.run();
        assert_eq!(mc.count(), all, "nothing is sent again");
        for (at, came) in mc.came().iter().enumerate() {
            let id = FIRST_ID + 1 + at as u64;
            let Act::Deliver(receipt) = Form::new(hex, decimal).acts(&came.pdu, id).1 else { continue };
            mc.deliver(receipt);
        }
        let login = Login::new("shop");
        let again = Esme::try_bind(gateway.address, login, esme.ledger.clone(), None).await;
        let again = again.expect("it may bind again");
        reach("receipts", secs(60), all, || again.count()).await;
        assert_eq!(again.check_receipts(), 0);
        let totals = gateway.finish();
        assert_eq!((totals.open, totals.orphans), (0, 0), "{totals:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receipt_on_another_bind_is_matched() {
    for to in BOTH {
        let mut id = FIRST_ID;
        let mc = Mc::start(move |came| {
            id += 1;
            let (answer, receipt) = Form::new(decimal, decimal).acts(&came.pdu, id);
            let Act::Deliver(receipt) = receipt else { return Vec::new() };
            vec![answer, Act::Elsewhere(receipt)]
        })
        .await;
        let up = format!("{}bind_modes = [\"transmitter\", \"receiver\"]\nbinds = 2\n", connector("up", &mc));
        let gateway = Gateway::start(&format!("{}{up}[[route]]\nto = \"up\"\n", account("shop")));
        until("all are bound", secs(10), || mc.bound() == 4).await;
        run(&mc, &gateway, to, 1).await;
        let totals = gateway.finish();
        assert_eq!((totals.open, totals.orphans), (0, 0), "{totals:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receipt_that_comes_twice_is_told_once() {
    for to in BOTH {
        let mut id = FIRST_ID;
        let mc = Mc::start(move |came| {
            id += 1;
            let (answer, receipt) = Form::new(hex, decimal).acts(&came.pdu, id);
            let again = Act::After(millis(id % 40), Box::new(receipt.clone()));
            vec![answer, receipt.clone(), receipt, again]
        })
        .await;
        let gateway = Gateway::start(&usual(&mc));
        run(&mc, &gateway, to, 3).await;
        let totals = gateway.finish();
        assert_eq!(totals.open, 0, "{totals:?}");
    }
}

/// Ids are hexadecimal in both, which the first messages show. Then there come receipts for ids of nobody
/// that, read as decimal numbers, would be those of messages to the same number: they are answered, kept
/// and counted, and end no message.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receipt_for_an_unknown_id_is_nobody_else_s() {
    for to in BOTH {
        unknown_ids(to, false).await;
    }
}

/// The same when kill -9 lies between what showed the form and the strange receipts.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receipt_for_an_unknown_id_is_nobody_else_s_after_kill_9() {
    for to in BOTH {
        unknown_ids(to, true).await;
    }
}

async fn unknown_ids(to: To, killed: bool) {
    const SHOWN: u64 = 20;
    let id_of = |number: u64| if number <= SHOWN { 0xABC0 + number } else { 0x0640_0000 + number };
    let mc = Mc::start(move |came| {
        let number = number_of(&came.pdu.short_message).unwrap_or_default();
        let mut acts = vec![taken(hex(id_of(number)))];
        if number <= SHOWN {
            acts.push(receipt(&came.pdu, &hex(id_of(number))));
        }
        acts
    })
    .await;
    let mut gateway = Gateway::start(&usual(&mc));
    let mut esme = Esme::bind(gateway.address, Login::new("shop")).await;
    for number in 1..=SHOWN {
        esme.send(number, to.message(number));
    }
    until("the form is shown", secs(20), || esme.count() == SHOWN as usize).await;
    let count = messages();
    for number in SHOWN + 1..=count {
        esme.send(number, to.message(number));
    }
    until("all are taken", secs(60), || mc.count() == count as usize && esme.acked() == count as usize).await;
    tokio::time::sleep(millis(500)).await;
    if killed {
        gateway.kill();
        gateway.run();
        let bound = Esme::try_bind(gateway.address, Login::new("shop"), esme.ledger.clone(), None).await;
        esme = bound.expect("it may bind again");
    }
    // One strange one before fifty true ones, that of its own message the last of them.
    let mut strange_ones = 0;
    let waiting: Vec<Came> = mc.came().into_iter().filter(|came| came.number > Some(SHOWN)).collect();
    for fifty in waiting.chunks(50) {
        let of = |came: &Came| came.number.unwrap_or_default();
        let last = fifty.last().expect("a chunk has one");
        let other = message(of(last) + 1, &last.pdu.destination_addr.to_text());
        mc.deliver(receipt_by(&other, &decimal(id_of(of(last))), SHAPE));
        strange_ones += 1;
        for came in fifty {
            mc.deliver(receipt_by(&came.pdu, &hex(id_of(of(came))), SHAPE));
        }
    }
    reach("receipts", secs(60), count as usize, || esme.count()).await;
    let all = (count + strange_ones) as usize;
    reach("receipts taken", secs(60), all, || mc.delivered() as usize).await;
    assert_eq!(esme.check_receipts(), 0);
    let totals = gateway.finish();
    assert_eq!((totals.open, totals.orphans), (0, strange_ones), "{totals:?}");
}
