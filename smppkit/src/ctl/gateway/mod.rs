//! Commands of a gateway: how it is, who is bound, where it is bound.

pub(super) mod args;
mod messages;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use hyper::{Method, StatusCode};
use serde_json::{Value, json};
use smppkit_inspect::printable;

use super::Ctl;
use super::api::{Ask, USUAL};
use super::args::{How, Sessions, json as parsed};
use super::encode::{segment, with_query};
use super::lists::AccountsAction;
use super::show::{Table, cell, clock, document, items, say};
use crate::gateway::{code, say as say_explained};

impl Ctl {
    pub(super) async fn gateway_status(&self) -> Result<ExitCode> {
        let ask = Ask { method: Method::GET, target: "/readyz?verbose".to_owned(), body: None, time: USUAL };
        let readiness = self.api.any(ask).await?;
        let ready = readiness.status != StatusCode::SERVICE_UNAVAILABLE;
        let readiness = if ready { readiness.good()? } else { readiness };
        let status = self.read(&self.ask(Method::GET, "/api/v1/status".to_owned()).await?)?;
        if self.json {
            say(&document(&json!({"ready": ready, "status": status}).to_string()));
        } else {
            say(if ready { "ready" } else { "not ready" });
            for line in readiness.text.lines().filter(|line| line.starts_with("[-]")) {
                say(&printable(line));
            }
            say_status(&status);
        }
        Ok(if ready { ExitCode::SUCCESS } else { ExitCode::from(1) })
    }

    pub(super) async fn gateway_sessions(&self, whose: Sessions) -> Result<ExitCode> {
        let pairs = [("account", &whose.account), ("connector", &whose.connector)];
        let pairs = pairs.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?)));
        let target = with_query("/api/v1/sessions", pairs);
        self.shown(&self.ask(Method::GET, target).await?, |sessions| {
            let headings = [
                "ID",
                "ACCOUNT",
                "CONNECTOR",
                "BIND_MODE",
                "VERSION",
                "PEER",
                "IN_FLIGHT",
                "IN",
                "OUT",
                "SINCE",
            ];
            let mut table = Table::new(&headings);
            for session in items(sessions) {
                let names = [
                    "id",
                    "account",
                    "connector",
                    "bind_mode",
                    "interface_version",
                    "peer",
                    "in_flight",
                    "received",
                    "sent",
                ];
                table.row(names.map(|name| cell(session, name)).into_iter().chain([clock(session, "since")]));
            }
            table.say("no sessions");
        })
    }

    pub(super) async fn gateway_kick(&self, id: u64, how: How) -> Result<ExitCode> {
        let how = match how {
            How::Unbind => "unbind",
            How::Close => "kick",
            How::Reset | How::Hang => {
                bail!("a gateway unbinds sessions or closes them: --how unbind, --how close")
            }
        };
        let target = with_query(&format!("/api/v1/sessions/{id}"), [("how", how)]);
        self.shown(&self.ask(Method::DELETE, target).await?, |session| {
            let [id, account, connector, peer] =
                ["id", "account", "connector", "peer"].map(|name| cell(session, name));
            let who = if session["account"].is_null() { connector } else { account };
            say(&format!("session {id} of {who} at {peer}: {how}"));
        })
    }

    pub(super) async fn gateway_accounts(&self, action: Option<AccountsAction>) -> Result<ExitCode> {
        let path = |system_id: &str| format!("/api/v1/accounts/{}", segment(system_id));
        match action {
            None => {}
            Some(AccountsAction::Put { account }) => {
                let account = parsed("the account", &account)?;
                let system_id = account["system_id"].as_str().context("the account has no system_id")?;
                let answer = self.tell(Method::PUT, path(system_id), &account).await?;
                return self.shown(&answer, |made| {
                    say(&format!("{} may bind", cell(&made["settings"], "system_id")));
                });
            }
            Some(AccountsAction::Remove { system_id }) => {
                let answer = self.ask(Method::DELETE, path(&system_id)).await?;
                return self.shown(&answer, |made| {
                    say(&format!("removed {}", cell(&made["settings"], "system_id")));
                });
            }
        }
        let answer = self.ask(Method::GET, "/api/v1/accounts".to_owned()).await?;
        self.shown(&answer, |accounts| {
            let headings = [
                "SYSTEM_ID",
                "ORIGIN",
                "ENABLED",
                "SESSIONS",
                "THROUGHPUT",
                "ACCEPTED",
                "REFUSED",
                "THROTTLED",
                "WAITING",
            ];
            let mut table = Table::new(&headings);
            for account in items(accounts) {
                let sessions = format!("{}/{}", cell(account, "sessions"), cell(account, "sessions_allowed"));
                let [system_id, origin, enabled, throughput, waiting] =
                    ["system_id", "origin", "enabled", "throughput", "waiting"]
                        .map(|name| cell(account, name));
                let [accepted, refused, throttled] =
                    ["accepted", "refused", "throttled"].map(|name| cell(&account["counts"], name));
                table.row([
                    system_id, origin, enabled, sessions, throughput, accepted, refused, throttled, waiting,
                ]);
            }
            table.say("no accounts: nobody may bind");
        })
    }

    pub(super) async fn connectors(&self) -> Result<ExitCode> {
        let answer = self.ask(Method::GET, "/api/v1/connectors".to_owned()).await?;
        self.shown(&answer, |connectors| connectors_table(items(connectors)))
    }

    /// `drain` or `resume`.
    pub(super) async fn turn(&self, connector: &str, what: &str) -> Result<ExitCode> {
        let path = format!("/api/v1/connectors/{}/{what}", segment(connector));
        let answer = self.ask(Method::POST, path).await?;
        self.shown(&answer, |connector| connectors_table(core::slice::from_ref(connector)))
    }

    pub(crate) async fn explain(&self, question: &Value) -> Result<ExitCode> {
        let answer = self.tell(Method::POST, "/api/v1/explain".to_owned(), question).await?;
        let explained = self.read(&answer)?;
        self.shown(&answer, say_explained)?;
        Ok(code(&explained))
    }

    pub(super) async fn backup(&self, to: &str) -> Result<ExitCode> {
        let body = Some(("application/json", json!({"to": to}).to_string()));
        let ask = Ask { method: Method::POST, target: "/api/v1/backup".to_owned(), body, time: BACKUP };
        self.shown(&self.api.call(ask).await?, |made| {
            say(&format!("copied to {}: {} octets", cell(made, "file"), cell(made, "octets")));
        })
    }
}

fn say_status(status: &Value) {
    let messages = &status["messages"];
    let count = |name: &str| cell(messages, name);
    say(&format!("version {}, up for {} s", cell(status, "version"), cell(status, "uptime_seconds")));
    if !status["trouble"].is_null() {
        say(&format!("no messages are taken: {}", cell(status, "trouble")));
    }
    for connector in items(&status["closed"]) {
        let [name, opens] = ["connector", "opens"].map(|name| cell(connector, name));
        say(&format!("connector {name} is outside its hours until {opens}"));
    }
    let (sign, lost) = if messages["is_conserved"] == true { ("=", "") } else { ("!=", ": SOME ARE LOST") };
    say(&format!(
        "messages: {} accepted {sign} {} open + {} delivered + {} failed + {} expired + {} cancelled{lost}",
        count("accepted"),
        count("open"),
        count("delivered"),
        count("failed"),
        count("expired"),
        count("cancelled"),
    ));
    say(&format!("receipts that belong to no message: {}", count("orphans")));
    let sessions = &status["sessions"];
    say(&format!(
        "sessions: {} of accounts, {} at connectors",
        cell(sessions, "accounts"),
        cell(sessions, "connectors")
    ));
    say(&format!(
        "in memory: {} messages; to be written: {} changes",
        cell(status, "messages_in_memory"),
        cell(status, "changes_waiting")
    ));
    let mut table = Table::new(&["QUEUE", "WAITING"]);
    for queue in items(&status["queues"]) {
        table.row(["queue", "waiting"].map(|name| cell(queue, name)));
    }
    if !items(&status["queues"]).is_empty() {
        table.say("");
    }
}

fn connectors_table(connectors: &[Value]) {
    let headings = [
        "NAME",
        "ORIGIN",
        "STATE",
        "UNTIL",
        "ADDRESS",
        "BINDS",
        "IN_FLIGHT",
        "WAITING",
        "SENT",
        "TAKEN",
        "RECEIPTS",
        "IDS",
    ];
    let mut table = Table::new(&headings);
    for connector in connectors {
        let binds = format!("{}/{}", cell(connector, "binds"), cell(connector, "binds_wanted"));
        let [name, origin, state, address] =
            ["name", "origin", "state", "address"].map(|name| cell(connector, name));
        // When it opens, or when it closes.
        let until = if connector["opens"].is_null() { "closes" } else { "opens" };
        let until = cell(connector, until);
        let [in_flight, waiting] = ["in_flight", "waiting"].map(|name| cell(connector, name));
        let [sent, taken, receipts] =
            ["sent", "taken", "receipts"].map(|name| cell(&connector["counts"], name));
        let ids = cell(&connector["ids"], "form");
        table.row([
            name, origin, state, until, address, binds, in_flight, waiting, sent, taken, receipts, ids,
        ]);
    }
    table.say("no connectors");
}

/// A store of many millions of messages takes its time.
const BACKUP: Duration = Duration::from_secs(3_600);
