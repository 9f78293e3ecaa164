//! What all tests are made of: the gateway as a process, a message centre and ESMEs that do what a test
//! says and note all that comes.
//!
//! Each message has a number: it is in its text, it decides what becomes of it, and both ends know it.

mod esme;
mod ledger;
mod mc;
mod message;
mod process;
mod raw;

use std::future::Future;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

pub(crate) use esme::{Answering, Esme, Login, Source};
pub(crate) use ledger::Ledger;
pub(crate) use mc::{Act, Came, Mc};
pub(crate) use message::{
    Shape, Told, message, number_of, outcome, prompt, receipt, receipt_by, submit, taken, told,
};
pub(crate) use process::{Gateway, own_host};
pub(crate) use raw::{raw_bind, raw_request};

/// Milliseconds since 1970.
pub(crate) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later than 1970");
    i64::try_from(since.as_millis()).expect("it is not so late")
}

/// Waits until something holds; false when it does not in time.
pub(crate) async fn holds(within: Duration, mut is_so: impl FnMut() -> bool) -> bool {
    let until = Instant::now() + within;
    while !is_so() {
        if Instant::now() >= until {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(4)).await;
    }
    true
}

/// The same, and it must.
#[track_caller]
pub(crate) fn until(what: &str, within: Duration, is_so: impl FnMut() -> bool) -> impl Future<Output = ()> {
    let (what, place) = (what.to_owned(), std::panic::Location::caller());
    async move { assert!(holds(within, is_so).await, "{place}: not within {within:?}: {what}") }
}

/// Waits until a count has reached a goal, and says how far it came if it does not.
#[track_caller]
pub(crate) fn reach(
    what: &str,
    within: Duration,
    goal: usize,
    mut count: impl FnMut() -> usize,
) -> impl Future<Output = ()> {
    let (what, place) = (what.to_owned(), std::panic::Location::caller());
    async move {
        let mut last = 0;
        let is_there = holds(within, || {
            last = count();
            last >= goal
        });
        assert!(is_there.await, "{place}: not within {within:?}: {what}: {last} of {goal}");
    }
}

/// A number from the environment.
pub(crate) fn setting(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Seconds, for most waits.
pub(crate) const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Milliseconds.
pub(crate) const fn millis(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// One account, one connector, one route; more can be put behind it.
pub(crate) fn usual(mc: &Mc) -> String {
    format!("{}{}{}", account("shop"), connector("up", mc), "[[route]]\nto = \"up\"\n")
}

/// An account whose password is `secret`; keys can be put behind it.
pub(crate) fn account(name: &str) -> String {
    format!("[[account]]\nsystem_id = \"{name}\"\npassword = \"secret\"\n")
}

/// A connector; keys can be put behind it.
pub(crate) fn connector(name: &str, mc: &Mc) -> String {
    format!(
        "[[connector]]\nname = \"{name}\"\naddress = \"{}\"\nsystem_id = \"{name}\"\npassword = \"pw\"\nreconnect = \"1s\"\n",
        mc.address
    )
}
