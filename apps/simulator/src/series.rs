//! What passed, told once a second for charts.

use std::sync::Arc;
use std::time::Duration;

use smppkit_admin::record::Direction;
use smppkit_admin::series::{Key, Kind};
use smppkit_net::Now;
use smppkit_wire::pdu::{PduDef, TABLE};
use smppkit_wire::tlv::place;

use crate::node::{Hub, Node};

/// The lines of the charts.
pub(crate) const KEYS: &[Key] = &[
    Key { key: "accepted", label: "Accepted", unit: "/s", kind: Kind::Rate },
    Key { key: "delivered", label: "Sent to ESMEs", unit: "/s", kind: Kind::Rate },
    Key { key: "failed", label: "Refused", unit: "/s", kind: Kind::Rate },
    Key { key: "queued", label: "Waiting for a session", unit: "", kind: Kind::Level },
];

/// Tells it for as long as it is polled.
pub(crate) async fn keep(hub: Arc<Hub>, nodes: Arc<[Arc<Node>]>) {
    let mut seconds = tokio::time::interval(Duration::from_secs(1));
    seconds.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    loop {
        seconds.tick().await;
        let is_answer = |def: &PduDef| def.is_response() && def.places & (place::SR | place::BC_RESP) != 0;
        let is_delivery = |def: &PduDef| !def.is_response() && def.places & place::DEL != 0;
        let (mut answered, mut refused, mut delivered, mut queued) = (0, 0, 0, 0);
        for node in nodes.iter() {
            let refusals = node.counts.refused();
            let refusals = refusals.iter().filter(|(_, direction, ..)| *direction == Direction::Out);
            let named = |name: &str| TABLE.iter().find(|def| def.name == name);
            refused += refusals
                .filter(|(command, ..)| named(command).is_some_and(|def| is_answer(def)))
                .map(|(.., pdus)| pdus)
                .sum::<u64>();
            answered += node.counts.sum(Direction::Out, is_answer);
            delivered += node.counts.sum(Direction::Out, is_delivery);
            queued += node.smsc().load().waiting as u64;
        }
        let accepted = answered.saturating_sub(refused);
        let told = [Some(accepted), Some(delivered), Some(refused), Some(queued)];
        let now = Now::read();
        hub.series.tell(&hub.record, hub.unix_ms(now), now.mono, &told, hub.sessions().len());
    }
}
