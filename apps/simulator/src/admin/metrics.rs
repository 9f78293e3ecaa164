//! What is counted, for Prometheus.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use super::Operated;

/// Reads the counts when it is scraped.
#[derive(Debug)]
pub(super) struct Collected(pub(super) Operated);

impl Collector for Collected {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let nodes = &self.0.nodes;
        let mut family = encoder.encode_descriptor(
            "smppkit_simulator_pdus",
            "PDUs that came and went",
            None,
            MetricType::Counter,
        )?;
        for node in nodes.iter() {
            for (command, direction, pdus) in node.counts.pdus() {
                let labels = [("smsc", &*node.name), ("command", command), ("direction", direction.name())];
                ConstCounter::new(pdus).encode(family.encode_family(&labels)?)?;
            }
        }
        let mut family = encoder.encode_descriptor(
            "smppkit_simulator_refusals",
            "Responses that say no",
            None,
            MetricType::Counter,
        )?;
        for node in nodes.iter() {
            for (command, direction, status, pdus) in node.counts.refused() {
                let status = status.as_str();
                let labels = [
                    ("smsc", &*node.name),
                    ("command", command),
                    ("direction", direction.name()),
                    ("status", status),
                ];
                ConstCounter::new(pdus).encode(family.encode_family(&labels)?)?;
            }
        }
        let mut family = encoder.encode_descriptor(
            "smppkit_simulator_rule_matches",
            "PDUs that a rule took",
            None,
            MetricType::Counter,
        )?;
        for node in nodes.iter() {
            for (at, (rule, _, taken)) in node.rules.load().counts().enumerate() {
                let place = at.to_string();
                let labels = [("smsc", &*node.name), ("place", place.as_str()), ("rule", rule.name.as_str())];
                ConstCounter::new(taken).encode(family.encode_family(&labels)?)?;
            }
        }
        let loads: Vec<_> = nodes.iter().map(|node| (&node.name, node.smsc().load())).collect();
        let mut gauge = |name: &str, help: &str, value: &dyn Fn(&crate::smsc::Load) -> u64| -> fmt::Result {
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            for (smsc, load) in &loads {
                let value = i64::try_from(value(load)).unwrap_or(i64::MAX);
                ConstGauge::new(value).encode(family.encode_family(&[("smsc", &***smsc)])?)?;
            }
            Ok(())
        };
        gauge("smppkit_simulator_sessions_bound", "Sessions that are bound", &|load| load.bound as u64)?;
        gauge("smppkit_simulator_messages_remembered", "Messages that are remembered", &|load| {
            load.messages as u64
        })?;
        gauge(
            "smppkit_simulator_deliveries_waiting",
            "Receipts and messages that wait for a session",
            &|load| load.waiting as u64,
        )?;
        gauge("smppkit_simulator_deliveries_dropped", "Receipts and messages that nobody took", &|load| {
            load.dropped
        })
    }
}
