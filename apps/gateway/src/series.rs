//! What passed, told once a second for charts.

use smppkit_admin::series::{Key, Kind};
use smppkit_store::Totals;

use crate::hub::Hub;

/// The lines of the charts.
pub(crate) const KEYS: &[Key] = &[
    Key { key: "accepted", label: "Accepted", unit: "/s", kind: Kind::Rate },
    Key { key: "delivered", label: "Delivered", unit: "/s", kind: Kind::Rate },
    Key { key: "failed", label: "Failed", unit: "/s", kind: Kind::Rate },
    Key { key: "queued", label: "Not at an end", unit: "", kind: Kind::Level },
    Key { key: "expired", label: "Expired", unit: "/s", kind: Kind::Rate },
];

/// Tells what the store has; nothing of the store while it does not say.
pub(crate) fn tell(hub: &Hub, totals: Option<&Totals>) {
    let of = |count: fn(&Totals) -> u64| totals.map(count);
    let told = [
        of(|totals| totals.accepted),
        of(|totals| totals.delivered),
        of(|totals| totals.failed),
        of(|totals| totals.open),
        of(|totals| totals.expired),
    ];
    let now = hub.now();
    hub.series.tell(&hub.record, now.unix_ms, now.mono, &told, hub.sessions.list().len());
}
