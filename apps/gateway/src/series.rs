//! What passed, told once a second for charts.

use smppkit_admin::series::{Answers, Key, Kind};
use smppkit_store::Totals;

use crate::hub::Hub;

/// The lines of the charts.
pub(crate) const KEYS: &[Key] = &[
    Key { key: "accepted", label: "Accepted", unit: "/s", kind: Kind::Rate },
    Key { key: "delivered", label: "Delivered", unit: "/s", kind: Kind::Rate },
    Key { key: "failed", label: "Failed", unit: "/s", kind: Kind::Rate },
    Key { key: "queued", label: "Not at an end", unit: "", kind: Kind::Level },
    Key { key: "expired", label: "Expired", unit: "/s", kind: Kind::Rate },
    Key { key: "answer_p50_us", label: "Half answered within", unit: "µs", kind: Kind::Level },
    Key { key: "answer_p99_us", label: "99 % answered within", unit: "µs", kind: Kind::Level },
    Key { key: "sessions", label: "Sessions", unit: "", kind: Kind::Level },
];

/// Tells what the store has and how fast was answered; nothing of the store while it does not say.
pub(crate) fn tell(hub: &Hub, answers: &mut Answers, totals: Option<&Totals>) {
    let (half, most) = answers.look(&hub.record);
    let of = |count: fn(&Totals) -> u64| totals.map(count);
    let told = [
        of(|totals| totals.accepted),
        of(|totals| totals.delivered),
        of(|totals| totals.failed),
        of(|totals| totals.open),
        of(|totals| totals.expired),
        half,
        most,
        Some(hub.sessions.list().len() as u64),
    ];
    let now = hub.now();
    hub.series.take(now.unix_ms, now.mono, &told);
}
