//! What is counted, for Prometheus.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use smppkit_store::Waits;

use super::Operated;
use super::pulse::Pulse;
use crate::counts::Counts;
use crate::plan::Plan;
use crate::sessions::Side;

/// Reads the counts when it is scraped; of the store, what was seen within the last second.
#[derive(Debug)]
pub(super) struct Collected(pub(super) Operated);

/// A counter: its name, what it counts, and where that is.
type Row = (&'static str, &'static str, fn(&Counts) -> &AtomicU64);

/// Of each account.
const OF_ACCOUNTS: [Row; 8] = [
    ("messages_accepted", "Messages of ESMEs that were taken and made durable", |counts| &counts.accepted),
    ("messages_refused", "Messages of ESMEs that were refused", |counts| &counts.refused),
    ("messages_throttled", "Messages of ESMEs that were refused for going too fast", |counts| {
        &counts.throttled
    }),
    ("deliveries_sent", "Receipts and messages sent to ESMEs", |counts| &counts.sent),
    ("deliveries_taken", "Receipts and messages that ESMEs took", |counts| &counts.taken),
    ("deliveries_not_taken", "Receipts and messages that ESMEs refused, or did not answer", |counts| {
        &counts.not_taken
    }),
    ("account_binds", "Sessions of ESMEs that were bound", |counts| &counts.binds),
    ("account_binds_refused", "Binds of ESMEs that were refused", |counts| &counts.binds_refused),
];

/// Of each connector.
const OF_CONNECTORS: [Row; 9] = [
    ("submits_sent", "Messages sent to connectors", |counts| &counts.sent),
    ("submits_taken", "Messages that connectors took", |counts| &counts.taken),
    ("submits_not_taken", "Messages that connectors refused, or did not answer", |counts| &counts.not_taken),
    ("incoming_accepted", "Messages of connectors that were taken and made durable", |counts| {
        &counts.accepted
    }),
    ("receipts", "Receipts that came from connectors", |counts| &counts.receipts),
    ("receipts_repeated", "Receipts for messages that had ended", |counts| &counts.receipts_repeated),
    ("receipts_unknown", "Receipts that belong to no message", |counts| &counts.receipts_unknown),
    ("connector_binds", "Sessions that were bound at connectors", |counts| &counts.binds),
    ("connector_binds_refused", "Binds that connectors refused", |counts| &counts.binds_refused),
];

impl Collector for Collected {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let hub = &self.0.hub;
        let (plan, pulse) = (hub.plan.load_full(), self.0.pulse().clone());
        counters(&mut encoder, &plan)?;
        store(&mut encoder, &pulse, hub.store.waiting())?;
        commits(&mut encoder, &hub.store.waits())?;
        sessions(&mut encoder, &self.0, &plan)
    }
}

fn counters(encoder: &mut DescriptorEncoder<'_>, plan: &Plan) -> fmt::Result {
    let mut accounts: Vec<_> = plan.accounts.values().collect();
    accounts.sort_by(|one, other| one.name.cmp(&other.name));
    for (name, help, count) in OF_ACCOUNTS {
        let name = format!("smppkit_gateway_{name}");
        let mut family = encoder.encode_descriptor(&name, help, None, MetricType::Counter)?;
        for account in &accounts {
            let value = count(&account.live.counts).load(Ordering::Relaxed);
            ConstCounter::new(value).encode(family.encode_family(&[("account", &*account.name)])?)?;
        }
    }
    for (name, help, count) in OF_CONNECTORS {
        let name = format!("smppkit_gateway_{name}");
        let mut family = encoder.encode_descriptor(&name, help, None, MetricType::Counter)?;
        for upstream in plan.connectors.values() {
            let value = count(&upstream.live.counts).load(Ordering::Relaxed);
            ConstCounter::new(value).encode(family.encode_family(&[("connector", &*upstream.name)])?)?;
        }
    }
    Ok(())
}

fn store(encoder: &mut DescriptorEncoder<'_>, pulse: &Pulse, waiting: usize) -> fmt::Result {
    let totals = &pulse.totals;
    let family = encoder.encode_descriptor(
        "smppkit_gateway_store_messages_accepted",
        "Messages, receipts and incoming messages ever made durable",
        None,
        MetricType::Counter,
    )?;
    ConstCounter::new(totals.accepted).encode(family)?;
    let mut family = encoder.encode_descriptor(
        "smppkit_gateway_store_messages",
        "Messages of the store by state; the sum is what was ever accepted",
        None,
        MetricType::Gauge,
    )?;
    for (state, messages) in [
        ("open", totals.open),
        ("delivered", totals.delivered),
        ("failed", totals.failed),
        ("expired", totals.expired),
        ("cancelled", totals.cancelled),
    ] {
        gauge(messages).encode(family.encode_family(&[("state", state)])?)?;
    }
    let mut family = encoder.encode_descriptor(
        "smppkit_gateway_queue_messages",
        "Messages that wait in a queue",
        None,
        MetricType::Gauge,
    )?;
    for (queue, messages) in &pulse.queues {
        gauge(*messages).encode(family.encode_family(&[("queue", &**queue)])?)?;
    }
    let mut one = |name: &str, help: &str, value: u64| -> fmt::Result {
        gauge(value).encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)
    };
    one(
        "smppkit_gateway_store_conserved",
        "1 while every message that was accepted is open or has ended",
        u64::from(totals.is_conserved()),
    )?;
    one("smppkit_gateway_store_orphans", "Receipts kept that belong to no message", totals.orphans)?;
    one("smppkit_gateway_store_live_messages", "Messages held in memory", pulse.live as u64)?;
    one("smppkit_gateway_store_changes_waiting", "Changes that wait to be written", waiting as u64)?;
    one(
        "smppkit_gateway_store_refusing",
        "1 while the store takes no messages",
        u64::from(pulse.trouble.is_some()),
    )
}

fn commits(encoder: &mut DescriptorEncoder<'_>, waits: &Waits) -> fmt::Result {
    let mut histogram = encoder.encode_descriptor(
        "smppkit_gateway_store_commit_seconds",
        "From a change being handed to the store to its being durable, of those that somebody waits for",
        None,
        MetricType::Histogram,
    )?;
    let seconds = |limit: &Option<Duration>| limit.map_or(f64::INFINITY, |limit| limit.as_secs_f64());
    let buckets: Vec<_> = waits.counts.iter().map(|(limit, count)| (seconds(limit), *count)).collect();
    histogram.encode_histogram::<NoLabelSet>(waits.sum.as_secs_f64(), waits.count(), &buckets, None)
}

fn sessions(encoder: &mut DescriptorEncoder<'_>, operated: &Operated, plan: &Plan) -> fmt::Result {
    let cards = operated.hub.sessions.list();
    let mut accounts: Vec<_> = plan.accounts.keys().collect();
    accounts.sort();
    let mut family = encoder.encode_descriptor(
        "smppkit_gateway_account_sessions",
        "Sessions of ESMEs that are bound",
        None,
        MetricType::Gauge,
    )?;
    for name in accounts {
        let bound =
            cards.iter().filter(|card| matches!(&card.side, Side::Account(of) if **of == **name)).count();
        gauge(bound as u64).encode(family.encode_family(&[("account", &**name)])?)?;
    }
    let mut each = |name: &str, help: &str, value: &dyn Fn(&crate::plan::Upstream) -> u64| -> fmt::Result {
        let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for upstream in plan.connectors.values() {
            gauge(value(upstream)).encode(family.encode_family(&[("connector", &*upstream.name)])?)?;
        }
        Ok(())
    };
    each("smppkit_gateway_connector_up", "1 while a session that can send is bound", &|upstream| {
        u64::from(upstream.live.is_up())
    })?;
    let now_ms = operated.hub.now().unix_ms;
    each("smppkit_gateway_connector_open", "1 while it is within its hours", &|upstream| {
        u64::from(upstream.live.is_open(now_ms))
    })?;
    each("smppkit_gateway_connector_drained", "1 while an operator keeps it out of use", &|upstream| {
        u64::from(upstream.feed.is_paused())
    })?;
    each("smppkit_gateway_connector_sessions", "Sessions that are bound at a connector", &|upstream| {
        let side = Side::Connector(upstream.name.clone());
        cards.iter().filter(|card| card.side == side).count() as u64
    })?;
    each(
        "smppkit_gateway_connector_requests_in_flight",
        "Requests that wait for their answers",
        &|upstream| u64::from(upstream.live.in_flight.load(Ordering::Relaxed)),
    )
}

fn gauge(value: u64) -> ConstGauge<i64> {
    ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX))
}
