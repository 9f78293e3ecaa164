//! How the store is, looked at once a second: for metrics and for readiness.

use std::sync::Arc;
use std::time::Duration;

use smppkit_ops::Health;
use smppkit_store::{Change, MessageId, Store, Totals};

use super::Operated;
use crate::hub::Hub;
use crate::series::tell;

/// What was seen at the last look.
#[derive(Debug, Clone, Default)]
pub(super) struct Pulse {
    pub(super) totals: Totals,
    pub(super) queues: Vec<(Arc<str>, u64)>,
    pub(super) live: usize,
    /// Why no messages are taken, if so.
    pub(super) trouble: Option<String>,
}

impl Pulse {
    /// In the writer's thread.
    pub(super) fn of(store: &dyn Store) -> Self {
        let queues = store.queues().into_iter().map(|queue| {
            let waiting = store.queued(&queue);
            (queue, waiting)
        });
        Self { totals: store.totals(), queues: queues.collect(), live: store.live(), trouble: None }
    }

    /// Messages that wait in a queue.
    pub(super) fn waiting(&self, queue: &str) -> u64 {
        self.queues.iter().find(|(name, _)| **name == *queue).map_or(0, |(_, waiting)| *waiting)
    }
}

/// Looks for as long as it is polled, and tells the probes.
pub(crate) async fn keep_pulse(operated: Operated, health: Health) {
    let mut seconds = tokio::time::interval(Duration::from_secs(1));
    seconds.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    loop {
        seconds.tick().await;
        let (trouble, totals) = look(&operated).await;
        tell(&operated.hub, totals.as_ref());
        let refused = trouble.iter().map(|why| ("store".to_owned(), format!("Messages are refused: {why}")));
        let open: Vec<_> = refused.chain(operated.connector_alarms()).collect();
        operated.alarms.take(operated.hub.now().unix_ms, &open);
        health.set("store", trouble.map_or(Ok(()), Err));
    }
}

async fn look(operated: &Operated) -> (Option<String>, Option<Totals>) {
    let looked = tokio::time::timeout(PATIENCE, operated.call(|store, _| Pulse::of(store))).await;
    let trouble = match &looked {
        Ok(Ok(_)) => trouble(&operated.hub).await,
        Ok(Err(problem)) => Some(problem.detail.clone()),
        Err(_) => Some(format!("the store has not answered for {} s", PATIENCE.as_secs())),
    };
    let mut pulse = operated.pulse();
    let totals = if let Ok(Ok(seen)) = looked {
        *pulse = seen;
        Some(pulse.totals)
    } else {
        None
    };
    pulse.trouble.clone_from(&trouble);
    (trouble, totals)
}

/// Why messages are not taken now, if so.
pub(super) async fn trouble(hub: &Hub) -> Option<String> {
    if hub.is_full() {
        return Some("as many messages are kept as may be".to_owned());
    }
    if !hub.may_send() {
        return Some("the store does not take what came of messages".to_owned());
    }
    // Writes nothing, but goes the way of every commit: a store that has stopped says so.
    let probe = vec![Change::Release { id: MessageId::ZERO }];
    match hub.store.commit(probe) {
        Err(not_taken) if not_taken.is_closed => Some("the store is closed".to_owned()),
        Err(_) => Some("as many changes wait to be written as may".to_owned()),
        Ok(ticket) => match tokio::time::timeout(PATIENCE, ticket).await {
            Ok(Ok(Ok(_))) => None,
            Ok(Ok(Err(error))) => Some(error.to_string()),
            Ok(Err(lost)) => Some(lost.to_string()),
            Err(_) => Some(format!("the store has not answered for {} s", PATIENCE.as_secs())),
        },
    }
}

/// A commit takes some milliseconds, on a slow disk a second.
const PATIENCE: Duration = Duration::from_secs(5);
