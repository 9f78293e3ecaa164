//! Commands that change nothing.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, bail};
use hyper::{Method, StatusCode};
use serde_json::{Value, json};
use smppkit_inspect::printable;

use super::Ctl;
use super::api::{Ask, Failure, Refusal, USUAL};
use super::args::{Conditions, Messages, Pdus, Sessions, Wait, What};
use super::encode::{target, with_query};
use super::follow::follow;
use super::show::{Table, cell, clock, document, items, say, text};

impl Ctl {
    pub(super) async fn status(&self) -> Result<ExitCode> {
        let ask = Ask { method: Method::GET, target: "/readyz?verbose".to_owned(), body: None, time: USUAL };
        let readiness = self.api.any(ask).await?;
        let ready = readiness.status != StatusCode::SERVICE_UNAVAILABLE;
        let readiness = if ready { readiness.good()? } else { readiness };
        let mut smscs = self.read(&self.ask(Method::GET, "/api/v1/smscs".to_owned()).await?)?;
        self.keep_own(&mut smscs, "name");
        if self.json {
            say(&document(&json!({"ready": ready, "smscs": smscs}).to_string()));
        } else {
            say(if ready { "ready" } else { "not ready" });
            for line in readiness.text.lines().filter(|line| line.starts_with("[-]")) {
                say(&printable(line));
            }
            let mut table = Table::new(&["SMSC", "ADDRESSES", "BOUND", "MESSAGES", "WAITING", "DROPPED"]);
            for smsc in items(&smscs) {
                let names = ["name", "addresses", "bound", "messages", "waiting", "dropped"];
                table.row(names.map(|name| cell(smsc, name)));
            }
            table.say("no SMSCs");
        }
        Ok(if ready { ExitCode::SUCCESS } else { ExitCode::from(1) })
    }

    pub(super) async fn sessions(&self, whose: &Sessions) -> Result<ExitCode> {
        if whose.account.is_some() || whose.connector.is_some() {
            bail!("this is a simulator: --account and --connector are for a gateway");
        }
        let mut answer = self.ask(Method::GET, "/api/v1/sessions".to_owned()).await?;
        if self.smsc.is_some() {
            let mut sessions = self.read(&answer)?;
            self.keep_own(&mut sessions, "smsc");
            answer.text = sessions.to_string();
        }
        self.shown(&answer, |sessions| {
            let headings =
                ["ID", "SMSC", "SYSTEM_ID", "BIND_MODE", "VERSION", "PEER", "IN", "OUT", "SINCE", "LAST"];
            let mut table = Table::new(&headings);
            for session in items(sessions) {
                let names = ["id", "smsc", "system_id", "bind_mode", "interface_version", "peer"];
                let counts = ["pdus_in", "pdus_out"].map(|name| cell(session, name));
                let times = ["since", "last"].map(|name| clock(session, name));
                table.row(names.map(|name| cell(session, name)).into_iter().chain(counts).chain(times));
            }
            table.say("no sessions");
        })
    }

    pub(super) async fn messages(&self, query: Messages) -> Result<ExitCode> {
        if query.before.is_some() {
            bail!("this is a simulator: --before is for a gateway");
        }
        let limit = query.limit.map(|limit| limit.to_string());
        let target = self.query("/api/v1/messages", &query.filter, &[("limit", limit)]);
        self.shown(&self.ask(Method::GET, target).await?, messages_table)
    }

    pub(super) async fn pdus(&self, query: Pdus) -> Result<ExitCode> {
        let after = query.after.map(|after| after.to_string());
        if query.follow {
            let target = self.query("/api/v1/pdus/stream", &query.filter, &[("after", after)]);
            return follow(&self.api, target, query.limit, self.json).await;
        }
        let limit = query.limit.map(|limit| limit.to_string());
        let target = self.query("/api/v1/pdus", &query.filter, &[("after", after), ("limit", limit)]);
        self.shown(&self.ask(Method::GET, target).await?, pdus_table)
    }

    pub(super) async fn wait(&self, wait: Wait) -> Result<ExitCode> {
        if wait.what == What::Messages && wait.after.is_some() {
            bail!("--after is for PDUs: messages have no such numbers");
        }
        let path = match wait.what {
            What::Messages => "/api/v1/messages/wait",
            What::Pdus => "/api/v1/pdus/wait",
        };
        let own = [
            ("count", Some(wait.count.to_string())),
            ("timeout", Some(format!("{}ms", wait.timeout.0.as_millis()))),
            ("after", wait.after.map(|after| after.to_string())),
        ];
        let target = self.query(path, &wait.filter, &own);
        let time = wait.timeout.0.saturating_add(MARGIN);
        let answer = match self.ask_for(Method::GET, target, time).await {
            Err(Failure::Refused(refusal)) if refusal.status == StatusCode::CONFLICT => {
                return Ok(self.check_failed(&refusal, |problem| {
                    for other in items(&problem["others"]) {
                        eprintln!("came instead: {}", text(other));
                    }
                }));
            }
            answer => answer?,
        };
        self.shown(&answer, if wait.what == What::Messages { messages_table } else { pdus_table })
    }

    pub(super) async fn get(&self, path: &str) -> Result<ExitCode> {
        let answer = self.ask(Method::GET, target(path)).await?;
        say(&document(&answer.text));
        Ok(ExitCode::SUCCESS)
    }

    /// A check that failed: for programs the document, for people why, and what was seen.
    pub(super) fn check_failed(&self, refusal: &Refusal, seen: impl FnOnce(&Value)) -> ExitCode {
        if self.json {
            say(&document(&refusal.text));
        }
        eprintln!("smppkit: {refusal}");
        if !self.json {
            seen(&refusal.document());
        }
        ExitCode::from(1)
    }

    /// Conditions, that of `--smsc` among them, and what else belongs to the query.
    fn query(&self, path: &str, filter: &Conditions, own: &[(&str, Option<String>)]) -> String {
        let smsc = self.smsc.as_deref().map(|smsc| ("smsc", smsc));
        let conditions = filter.conditions.iter().map(|(name, pattern)| (&**name, &**pattern));
        let own = own.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?)));
        with_query(path, conditions.chain(smsc).chain(own))
    }

    /// Leaves those of the SMSC that is meant.
    fn keep_own(&self, list: &mut Value, name: &str) {
        if let (Some(smsc), Some(items)) = (&self.smsc, list.as_array_mut()) {
            items.retain(|item| item[name] == **smsc);
        }
    }
}

fn messages_table(answer: &Value) {
    let mut table = Table::new(&["ACCEPTED", "SMSC", "SYSTEM_ID", "FROM", "TO", "STATE", "PARTS", "TEXT"]);
    for message in items(&answer["items"]) {
        let parts = match (cell(message, "parts"), cell(message, "parts_wanted")) {
            (came, wanted) if came == wanted => came,
            (came, wanted) => format!("{came}/{wanted}"),
        };
        let names = ["smsc", "system_id", "source_addr", "destination_addr", "message_state"];
        let cells = [clock(message, "accepted")].into_iter().chain(names.map(|name| cell(message, name)));
        table.row(cells.chain([parts, cell(message, "text")]));
    }
    table.say("no messages");
}

fn pdus_table(answer: &Value) {
    missed(&answer["missed"]);
    let mut table = Table::new(&["NUMBER", "TIME", "SMSC", "SESSION", "SYSTEM_ID", "DIR", "PDU"]);
    for pdu in items(&answer["items"]) {
        let names = ["smsc", "session", "system_id", "direction", "summary"];
        let cells = [cell(pdu, "number"), clock(pdu, "time")];
        table.row(cells.into_iter().chain(names.map(|name| cell(pdu, name))));
    }
    table.say("no PDUs");
}

/// Says how many PDUs were forgotten, if any.
pub(super) fn missed(count: &Value) {
    if count.as_u64().is_some_and(|missed| missed > 0) {
        eprintln!("{} PDUs before these are forgotten", text(count));
    }
}

/// What an answer takes on top of the wait itself.
const MARGIN: Duration = Duration::from_secs(5);
