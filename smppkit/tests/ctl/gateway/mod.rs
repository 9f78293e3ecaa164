//! A gateway with a simulator behind it: its REST interface, and `smppkit ctl` on it.

mod draft;
mod entities;
mod history;
mod http;
mod metrics;
mod offline;
mod rest;
mod verbs;
mod watch;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use self::http::Answer;
use crate::process::{Done, Process, smppkit};
use crate::simulator::Simulator;

/// What nothing may ever show.
pub(crate) const CANARIES: [&str; 3] = ["c4n4ry1", "c4n4ry2", "c4n4ry3"];

/// On free ports, with a directory of its own. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Gateway {
    process: Process,
    pub(crate) simulator: Simulator,
    pub(crate) smpp: String,
    pub(crate) admin: String,
    pub(crate) dir: PathBuf,
}

impl Gateway {
    /// An account `shop`, a connector `up`, and a route to it. Numbers that end with 1 are refused there.
    pub(crate) fn start() -> Self {
        Self::with("")
    }

    /// The same, with more in its file.
    pub(crate) fn with(more: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let simulator = Simulator::of(&format!("gateway-{number}-upstream.toml"), UPSTREAM);
        let dir = crate::process::file(&format!("gateway-{number}.toml"), "").with_extension("");
        std::fs::create_dir_all(&dir).expect("the target directory is ours");
        let upstream = simulator.url();
        let (_, upstream) = upstream.rsplit_once('@').expect("it has a host");
        let config = format!(
            r#"
            data = "{data}"
            listen = ["127.0.0.1:0"]
            {more}

            [admin]
            listen = "127.0.0.1:0"

            [[account]]
            system_id = "shop"
            password = "{}"

            [[connector]]
            name = "up"
            address = "{upstream}"
            system_id = "me"
            password = "{}"

            [[route]]
            name = "all"
            to = "up"
            "#,
            CANARIES[0],
            CANARIES[1],
            data = dir.join("data").display(),
        );
        std::fs::write(dir.join("gateway.toml"), config).expect("the target directory is ours");
        let (process, smpp, admin) = run(&dir);
        let gateway = Self { process, simulator, smpp, admin, dir };
        gateway.until(|gateway| gateway.connector()["state"] == "up");
        gateway
    }

    /// Ends it politely, and waits for its end.
    pub(crate) fn stop(&mut self) {
        self.process.signal("TERM");
        let data = self.data();
        self.until(|_| smppkit(&["store", "stats", "--data", &data]).code == 0);
    }

    /// Stopped and started again, elsewhere.
    pub(crate) fn restart(&mut self) {
        self.restart_with(|gateway| gateway.connector()["state"] == "up");
    }

    /// The same, until something is so.
    pub(crate) fn restart_with(&mut self, is_so: impl Fn(&Self) -> bool) {
        self.stop();
        (self.process, self.smpp, self.admin) = run(&self.dir);
        self.until(is_so);
    }

    pub(crate) fn config(&self) -> String {
        self.dir.join("gateway.toml").to_str().expect("the path is ours").to_owned()
    }

    pub(crate) fn data(&self) -> String {
        self.dir.join("data").to_str().expect("the path is ours").to_owned()
    }

    pub(crate) fn ctl(&self, args: &[&str]) -> Done {
        smppkit(&[&["ctl", "--admin", &self.admin], args].concat())
    }

    pub(crate) fn ask(&self, method: &str, path: &str, body: &str) -> Answer {
        http::ask(&self.admin, method, path, &[], body)
    }

    /// What is there.
    #[track_caller]
    pub(crate) fn get(&self, path: &str) -> Value {
        self.ask("GET", path, "").json(200)
    }

    /// Sends a message, waits for nothing, and says its id.
    #[track_caller]
    pub(crate) fn send(&self, to: &str, more: &[&str]) -> String {
        let url = format!("smpp://shop:{}@{}", CANARIES[0], self.smpp);
        let own = ["send", "--url", &url, "--mode", "tx", "--wait", "0", "--json", "--to", to];
        let from: &[&str] = if more.contains(&"--from") { &[] } else { &["--from", "777"] };
        let sent = smppkit(&[&own[..], from, more, &["Hello"]].concat()).exits(0).of("step", "submitted");
        sent[0]["message_id"].as_str().expect("it has an id").to_owned()
    }

    /// A message when it is in a state.
    #[track_caller]
    pub(crate) fn message(&self, id: &str, state: &str) -> Value {
        let path = format!("/api/v1/messages/{id}");
        self.until(|gateway| gateway.get(&path)["state"] == state);
        self.get(&path)
    }

    pub(crate) fn connector(&self) -> Value {
        self.get("/api/v1/connectors")[0].clone()
    }

    #[track_caller]
    pub(crate) fn until(&self, is_so: impl Fn(&Self) -> bool) {
        let until = Instant::now() + LIMIT;
        while !is_so(self) {
            assert!(Instant::now() < until, "it does not come to be");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

fn run(dir: &std::path::Path) -> (Process, String, String) {
    let config = dir.join("gateway.toml");
    let mut process = Process::start(&["gateway", "--config", config.to_str().expect("the path is ours")]);
    let smpp = process.line_with("listening on ");
    let smpp = smpp.split_whitespace().nth(2).expect("an address").to_owned();
    let admin = process.line_with("REST, metrics and health on ");
    let admin = admin.split_whitespace().last().expect("an address").to_owned();
    (process, smpp, admin)
}

const UPSTREAM: &str = r#"
    [[smsc]]
    listen = ["127.0.0.1:0"]
    receipt_delay = "20ms"
    mo_numbers = ["12345"]

    [[smsc.rule]]
    when = { destination_addr = "*1" }
    then = { status = "ESME_RINVDSTADR" }
"#;
/// Longer than anything here takes.
const LIMIT: Duration = Duration::from_secs(30);
