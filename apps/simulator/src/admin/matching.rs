//! Waiting until enough matches, or time is up.

use std::future::Future;
use std::time::Duration;

use smppkit_ops::{Problem, Span};
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::node::Hub;

/// Between two looks, while much is going on.
const PAUSE: Duration = Duration::from_millis(20);
/// What time alone brings, such as an expiry, comes without news.
const LOOK: Duration = Duration::from_millis(200);

/// What a look found.
pub(super) struct Found<T> {
    /// What matches so far.
    pub(super) matching: Vec<T>,
    /// What came and does not match, in short: the latest few.
    pub(super) others: Vec<String>,
}

/// Looks until `count` match. With a count of 0 nothing may match until the time is up.
pub(super) async fn wait<T>(
    hub: &Hub,
    count: usize,
    time: Duration,
    mut look: impl FnMut() -> Result<Found<T>, Problem>,
) -> Result<Vec<T>, Problem> {
    let deadline = Instant::now() + time;
    loop {
        // Before the look: what comes during it is news.
        let news = hub.record.news();
        let found = look()?;
        let matching = found.matching.len();
        if count == 0 && matching > 0 {
            let detail = format!("{matching} match where none should");
            return Err(failed(detail, count, matching, found.others));
        }
        if count > 0 && matching >= count {
            return Ok(found.matching);
        }
        if Instant::now() >= deadline {
            if count == 0 {
                return Ok(Vec::new());
            }
            let detail = format!("{matching} of {count} came within {}", Span(time));
            return Err(failed(detail, count, matching, found.others));
        }
        let _ = timeout_at(deadline.min(Instant::now() + LOOK), news).await;
        sleep_until(deadline.min(Instant::now() + PAUSE)).await;
    }
}

fn failed(detail: String, wanted: usize, matching: usize, others: Vec<String>) -> Problem {
    Problem::conflict(detail).with("wanted", wanted).with("matching", matching).with("others", others)
}

/// A wait that ends early, with a problem, when the simulator stops.
pub(super) async fn unless_stopped<T>(
    hub: &Hub,
    wait: impl Future<Output = Result<T, Problem>>,
) -> Result<T, Problem> {
    tokio::select! {
        done = wait => done,
        () = hub.stopped() => Err(Problem::conflict("the simulator is stopping")),
    }
}
