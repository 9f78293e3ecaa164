//! Messages between the same two numbers go up in the order they came.

use std::collections::{HashMap, HashSet};

use smppkit_wire::CommandStatus;

use crate::harness::{
    Act, Came, Esme, Gateway, Login, Mc, account, connector, message, millis, reach, receipt, secs, taken,
};

const PAIRS: u64 = 10;
const EACH: u64 = 1_000;

fn settings(mc: &Mc) -> String {
    format!(
        "[retry]\nbusy = \"200ms\"\n{}{}binds = 3\n[[route]]\nto = \"up\"\n",
        account("shop"),
        connector("up", mc)
    )
}

/// Sends all, and gives those of each pair in the order in which they were taken.
async fn run(mc: &Mc, gateway: &Gateway, takes: impl Fn(&Came) -> bool) -> Vec<Vec<u64>> {
    reach("binds", secs(10), 3, || mc.bound()).await;
    let esme = Esme::bind(gateway.address, Login::new("shop")).await;
    for number in 0..PAIRS * EACH {
        esme.send(number, message(number, &format!("4477009001{:02}", number % PAIRS)));
    }
    let all = (PAIRS * EACH) as usize;
    reach("acknowledged", secs(60), all, || esme.acked()).await;
    reach("receipts", secs(60), all, || esme.count()).await;
    assert_eq!(esme.check_receipts(), 0);
    let mut pairs = vec![Vec::new(); PAIRS as usize];
    let mut sessions: HashMap<u64, u64> = HashMap::new();
    for came in mc.came().iter().filter(|came| takes(came)) {
        let number = came.number.expect("all have one");
        pairs[(number % PAIRS) as usize].push(number);
        *sessions.entry(came.session).or_default() += 1;
    }
    assert!(sessions.len() > 1, "one bind carried everything: {sessions:?}");
    pairs
}

fn inversions(pair: &[u64]) -> usize {
    pair.windows(2).filter(|two| two[0] > two[1]).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn order_is_kept_between_the_same_two_numbers_over_three_binds() {
    let mut id = 0x1000_0000;
    let mc = Mc::start(move |came| {
        id += 1;
        let answer = Act::After(millis(id % 3), Box::new(taken(id.to_string())));
        vec![answer, Act::After(millis(20), Box::new(receipt(&came.pdu, &id.to_string())))]
    })
    .await;
    let gateway = Gateway::start(&settings(&mc));
    for pair in run(&mc, &gateway, |_| true).await {
        assert_eq!((pair.len() as u64, inversions(&pair)), (EACH, 0));
    }
    let totals = gateway.finish();
    assert_eq!(totals.open, 0, "{totals:?}");
}

/// A retry breaks the order of what is retried, and of nothing else.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn messages_that_are_throttled_at_first_do_not_disturb_the_others() {
    let mut id = 0x1000_0000;
    let mut refused: HashSet<u64> = HashSet::new();
    let late = |number: u64| number % 97 == 3;
    let mc = Mc::start(move |came| {
        let number = came.number.unwrap_or_default();
        if late(number) && refused.insert(number) {
            return vec![Act::Answer(CommandStatus::ESME_RTHROTTLED, String::new())];
        }
        id += 1;
        let answer = taken(id.to_string());
        vec![answer, Act::After(millis(20), Box::new(receipt(&came.pdu, &id.to_string())))]
    })
    .await;
    let gateway = Gateway::start(&settings(&mc));
    let pairs = run(&mc, &gateway, |came| !late(came.number.unwrap_or_default())).await;
    for pair in pairs {
        assert_eq!(inversions(&pair), 0);
        assert!(pair.len() as u64 > EACH * 9 / 10, "{}", pair.len());
    }
    let totals = gateway.finish();
    assert_eq!(totals.open, 0, "{totals:?}");
}
