//! Far more than can be sent on, for as long as one likes: ten minutes of it are in docs/benchmarks.md.
//!
//! ```sh
//! SMPPKIT_OVERLOAD_SECONDS=600 cargo test --release -p smppkit --test gateway overload_for_long -- --nocapture
//! ```
//!
//! Load, gateway and message centre share the machine, so what the gateway can take is made less than what the
//! machine can: its connector has a throughput, `SMPPKIT_OVERLOAD_CAPACITY`. The ESMEs offer eight times that, most
//! of them on an account without a limit.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use smppkit_wire::CommandStatus;

use crate::harness::{
    Esme, Gateway, Ledger, Login, Mc, Source, account, connector, holds, message, millis, outcome, prompt,
    secs, setting, told,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn overload_for_long_is_refused_and_memory_and_throughput_stay() {
    let seconds = setting("SMPPKIT_OVERLOAD_SECONDS", 4).max(2);
    let capacity = setting("SMPPKIT_OVERLOAD_CAPACITY", 2_000);
    let is_long = seconds >= LONG;

    let arrived = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&arrived);
    let mc = Mc::start(move |came| {
        counted.fetch_add(1, Ordering::Relaxed);
        prompt(came)
    })
    .await;
    let gateway = Gateway::start(&format!(
        "[store]\nmessages = {KEPT}\n{}{}throughput = {}\n{}throughput = {capacity}\n[[route]]\nto = \"up\"\n",
        account("shop"),
        account("mall"),
        capacity / 4,
        connector("up", &mc),
    ));
    let pace = Arc::new(Mutex::new(Pace::OnTheWay(1_000)));
    let source = source(&pace, &arrived);
    let ledger: Arc<Mutex<Ledger>> = Arc::default();
    let bind = async |system_id: &str| {
        let login = Login::new(system_id).window(1_000);
        let esme = Esme::try_bind(gateway.address, login, Arc::clone(&ledger), Some(source.clone())).await;
        esme.expect("it may bind")
    };
    let mut book = Book::default();

    // As much as it takes from those who wait until what they sent has arrived. What the store keeps in memory is
    // that of the last minute, so that a long run begins with one.
    let mut sessions = vec![bind("shop").await, bind("shop").await, bind("shop").await];
    tokio::time::sleep(secs(1)).await;
    let (before, began) = (arrived.load(Ordering::Relaxed), Instant::now());
    tokio::time::sleep(secs(if is_long { 60 } else { 1 })).await;
    let peak = per_second(arrived.load(Ordering::Relaxed) - before, began.elapsed());
    book.take(&ledger, &mc);
    assert_eq!(book.refused, BTreeMap::new(), "nobody asked too much");

    // And now more, and from an account that has a throughput, too.
    *pace.lock().unwrap() = Pace::PerSecond(OFFERED * peak, Instant::now(), 0);
    sessions.extend([bind("mall").await, bind("mall").await]);
    let mut samples = vec![Sample::now(&gateway, &book, &arrived)];
    let began = Instant::now();
    for second in 1..=seconds as u64 {
        while began.elapsed() < secs(second) {
            sessions.iter().for_each(Esme::wake);
            tokio::time::sleep(millis(10)).await;
        }
        book.take(&ledger, &mc);
        samples.push(Sample::now(&gateway, &book, &arrived));
    }
    let took = began.elapsed();
    *pace.lock().unwrap() = Pace::Nothing;
    print_by_tenths(&samples);
    let (first, last) = (samples[0], samples[seconds]);
    let rate = |of: fn(&Sample) -> u64| per_second(of(&last) - of(&first), took);
    let (offered, accepted, sent_on) =
        (rate(|one| one.accepted + one.refused), rate(|one| one.accepted), rate(|one| one.arrived));
    println!("peak {peak}/s; offered {offered}/s, accepted {accepted}/s, sent on {sent_on}/s");
    println!("refused: {:?}", book.refused);

    // What was accepted arrives, once, and is told of.
    let settled = holds(secs(120), || {
        book.take(&ledger, &mc);
        book.is_settled()
    });
    let is_settled = settled.await;
    println!("{} accepted, {} arrived, {} receipts", book.accepted, book.arrived, book.told);
    assert!(is_settled, "something is missing");
    tokio::time::sleep(secs(1)).await;
    book.take(&ledger, &mc);
    book.check();
    let totals = gateway.finish();
    assert_eq!((totals.open, totals.accepted), (0, 2 * book.accepted), "{totals:?}");

    let growth = Growth::of(&samples);
    println!("{growth:?}");
    assert!(offered >= 5 * peak, "only {offered} messages/s were offered, the peak is {peak}");
    if is_long {
        assert!(growth.of_highest < 105 && growth.of_mean < 105, "memory grew: {growth:?}");
        assert!(10 * accepted.min(sent_on) >= 9 * peak, "throughput fell from {peak} to {sent_on}");
    } else {
        assert!(growth.of_highest < 200, "memory grew: {growth:?}");
    }
}

/// Seconds from which on the figures must be good; a short run only shows that all works.
const LONG: usize = 600;
/// What is offered, in times of what was sent on at most: 5 is the goal, and some of it is late.
const OFFERED: u64 = 8;
/// Messages that may be open; they are counted once a second, so there can be some thousands more.
const KEPT: usize = 10_000;

/// How much is sent.
enum Pace {
    /// No more than so many that have not arrived.
    OnTheWay(u64),
    /// So many in a second since then, and how many were given out.
    PerSecond(u64, Instant, u64),
    Nothing,
}

/// What all sessions are given to send.
fn source(pace: &Arc<Mutex<Pace>>, arrived: &Arc<AtomicU64>) -> Source {
    let (pace, arrived, mut next) = (Arc::clone(pace), Arc::clone(arrived), 0);
    Arc::new(Mutex::new(move || {
        match &mut *pace.lock().expect("nobody panics with it") {
            Pace::OnTheWay(most) if next - arrived.load(Ordering::Relaxed) < *most => {}
            Pace::PerSecond(rate, since, given)
                if u128::from(*given) * 1_000 < since.elapsed().as_millis() * u128::from(*rate) =>
            {
                *given += 1;
            }
            _ => return None,
        }
        let number = next;
        next += 1;
        Some((number, message(number, &format!("4477{:08}", number % 1_000)).into()))
    }))
}

/// What came of all messages.
#[derive(Default)]
struct Book {
    accepted: u64,
    arrived: u64,
    told: u64,
    refused: BTreeMap<u32, u64>,
    /// By number: what has become of each.
    seen: Vec<u8>,
    /// Ids of responses that no receipt has told yet, and the other way round.
    ids: HashMap<u64, String>,
}

impl Book {
    /// What has come since the last time.
    fn take(&mut self, ledger: &Mutex<Ledger>, mc: &Mc) {
        let (acked, refused, came) = {
            let mut guard = ledger.lock().expect("nobody panics with it");
            let ledger = &mut *guard;
            assert_eq!(ledger.unanswered.len(), 0, "a session ended");
            let acked = std::mem::take(&mut ledger.acked);
            (acked, std::mem::take(&mut ledger.refused), std::mem::take(&mut ledger.came))
        };
        self.accepted += acked.len() as u64;
        for (number, id) in acked {
            self.mark(number, ACCEPTED);
            self.pair(number, id);
        }
        for (_, status) in refused {
            assert!(POLITE.contains(&status), "{status:?}");
            *self.refused.entry(status.0).or_default() += 1;
        }
        self.told += came.len() as u64;
        for told in came.iter().map(|body| told(body).expect("only receipts come")) {
            let number = told.number.expect("a receipt quotes its message");
            assert_eq!((told.state, told.err), outcome(number), "message {number}");
            self.mark(number, TOLD);
            self.pair(number, told.id);
        }
        let came = mc.take_came();
        self.arrived += came.len() as u64;
        for came in came {
            self.mark(came.number.expect("it is one of ours"), ARRIVED);
        }
    }

    fn mark(&mut self, number: u64, what: u8) {
        let at = usize::try_from(number).expect("64 bits");
        if self.seen.len() <= at {
            self.seen.resize(at + 1, 0);
        }
        assert_eq!(self.seen[at] & what, 0, "message {number} came twice");
        self.seen[at] |= what;
    }

    /// The response and the receipt name the same id, in whichever order they come.
    fn pair(&mut self, number: u64, id: String) {
        match self.ids.remove(&number) {
            Some(other) => assert_eq!(id, other, "message {number}"),
            None => drop(self.ids.insert(number, id)),
        }
    }

    fn is_settled(&self) -> bool {
        self.arrived >= self.accepted && self.told >= self.accepted
    }

    #[track_caller]
    fn check(&self) {
        let all = ACCEPTED | ARRIVED | TOLD;
        let part = self.seen.iter().position(|seen| *seen != 0 && *seen != all);
        assert_eq!(part, None, "its answer, its arrival and its receipt do not agree");
        assert_eq!(self.ids.len(), 0);
    }
}

const ACCEPTED: u8 = 1;
const ARRIVED: u8 = 2;
const TOLD: u8 = 4;

/// Refusals that an ESME tries again.
const POLITE: [CommandStatus; 2] = [CommandStatus::ESME_RTHROTTLED, CommandStatus::ESME_RMSGQFUL];

/// How things stand at the end of a second.
#[derive(Debug, Clone, Copy)]
struct Sample {
    kib: u64,
    accepted: u64,
    refused: u64,
    arrived: u64,
}

impl Sample {
    fn now(gateway: &Gateway, book: &Book, arrived: &AtomicU64) -> Self {
        Self {
            kib: gateway.memory_kib(),
            accepted: book.accepted,
            refused: book.refused.values().sum(),
            arrived: arrived.load(Ordering::Relaxed),
        }
    }
}

/// Memory after the first tenth of the time in hundredths of that before.
#[derive(Debug)]
struct Growth {
    /// The highest afterwards to the highest within the first tenth.
    of_highest: u64,
    /// The last tenth to the second.
    of_mean: u64,
}

impl Growth {
    fn of(samples: &[Sample]) -> Self {
        let tenth = (samples.len() / 10).max(1);
        let highest = |of: &[Sample]| of.iter().map(|one| one.kib).max().unwrap_or_default();
        let sum = |of: &[Sample]| of.iter().map(|one| one.kib).sum::<u64>();
        Self {
            of_highest: 100 * highest(&samples[tenth + 1..]) / highest(&samples[..=tenth]),
            of_mean: 100 * sum(&samples[samples.len() - tenth..]) / sum(&samples[tenth + 1..=2 * tenth]),
        }
    }
}

fn per_second(count: u64, time: Duration) -> u64 {
    u64::try_from(u128::from(count) * 1_000 / time.as_millis()).expect("fewer than were counted")
}

fn print_by_tenths(samples: &[Sample]) {
    let most = samples.iter().map(|one| one.kib).max().unwrap_or_default();
    let before = samples.iter().take_while(|one| one.kib * 105 < most * 100).count();
    println!("memory is within 5 % of its highest after {before} s");
    println!("until s: MiB mean/highest, messages/s accepted, sent on, refused");
    let seconds = samples.len() - 1;
    let tenth = (seconds / 10).max(1);
    for from in (0..seconds).step_by(tenth) {
        let part = &samples[from..=(from + tenth).min(seconds)];
        let (first, last, after) = (part[0], part[part.len() - 1], &part[1..]);
        let mib: Vec<u64> = after.iter().map(|one| one.kib / 1024).collect();
        let rate = |of: fn(&Sample) -> u64| (of(&last) - of(&first)) / after.len() as u64;
        println!(
            "{:7}: {}/{}, {}, {}, {}",
            from + after.len(),
            mib.iter().sum::<u64>() / mib.len() as u64,
            mib.iter().max().expect("a tenth has a second"),
            rate(|one| one.accepted),
            rate(|one| one.arrived),
            rate(|one| one.refused),
        );
    }
}
