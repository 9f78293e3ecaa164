//! What is counted, and whether it is ready.

use super::Gateway;

#[test]
fn metrics_count_what_passed() {
    let gateway = Gateway::start();
    let id = gateway.send("447700900122", &[]);
    gateway.message(&id, "delivered");
    gateway.until(|gateway| gateway.metric("smppkit_gateway_store_messages{state=\"delivered\"}") == "1");
    for (name, value) in [
        ("smppkit_gateway_messages_accepted_total{account=\"shop\"}", "1"),
        ("smppkit_gateway_submits_taken_total{connector=\"up\"}", "1"),
        ("smppkit_gateway_receipts_total{connector=\"up\"}", "1"),
        ("smppkit_gateway_connector_up{connector=\"up\"}", "1"),
        ("smppkit_gateway_connector_sessions{connector=\"up\"}", "1"),
        ("smppkit_gateway_store_conserved", "1"),
        ("smppkit_gateway_store_refusing", "0"),
    ] {
        assert_eq!(gateway.metric(name), value, "{name}");
    }
}

#[test]
fn how_long_commits_take_is_told() {
    let gateway = Gateway::start();
    let number = |gateway: &Gateway, rest: &str| {
        let name = format!("smppkit_gateway_store_commit_seconds_{rest}");
        gateway.metric(&name).parse::<f64>().unwrap()
    };
    let before = number(&gateway, "count");
    gateway.send("447700900122", &[]);
    let [count, all, sum] = ["count", "bucket{le=\"+Inf\"}", "sum"].map(|rest| number(&gateway, rest));
    assert!(count > before && all >= count, "{count} of {all}, {before} before");
    assert!(sum > 0.0 && sum < 60.0, "{sum} s");
}

#[test]
fn what_waits_is_counted_by_queue() {
    let gateway = Gateway::start();
    gateway.ask("POST", "/api/v1/connectors/up/drain", "").json(200);
    gateway.send("447700900122", &[]);
    gateway.until(|gateway| gateway.metric("smppkit_gateway_queue_messages{queue=\"up\"}") == "1");
    assert_eq!(gateway.metric("smppkit_gateway_connector_drained{connector=\"up\"}"), "1");
}

#[test]
fn it_is_ready_with_its_store() {
    let gateway = Gateway::start();
    assert_eq!(gateway.ask("GET", "/livez", "").status, 200);
    gateway.until(|gateway| gateway.ask("GET", "/readyz?verbose", "").body.contains("[+]store ok"));
    let ready = gateway.ask("GET", "/readyz?verbose", "");
    assert_eq!(ready.status, 200, "{}", ready.body);
}

#[test]
fn a_full_store_is_not_ready() {
    let gateway = Gateway::with("store = { messages = 1 }");
    gateway.ask("POST", "/api/v1/connectors/up/drain", "").json(200);
    gateway.send("447700900122", &[]);
    gateway.until(|gateway| gateway.ask("GET", "/readyz", "").status == 503);
    let status = gateway.get("/api/v1/status");
    assert_eq!(
        (&status["takes_messages"], &status["trouble"]),
        (&false.into(), &"as many messages are kept as may be".into())
    );
}

impl Gateway {
    pub(super) fn metric(&self, name: &str) -> String {
        let text = self.ask("GET", "/metrics", "").body;
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_default().to_owned()
    }
}
