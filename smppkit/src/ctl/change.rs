//! Commands that change something.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::ValueEnum as _;
use hyper::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::Ctl;
use super::api::{Ask, Failure, USUAL};
use super::args::{Kick, Mo, Set, json as parsed};
use super::encode::with_query;
use super::lists::{AccountsAction, RulesAction};
use super::show::{Table, cell, items, say, text};

impl Ctl {
    pub(super) async fn kick(&self, kick: Kick) -> Result<ExitCode> {
        let how = kick.how.to_possible_value();
        let how = how.as_ref().map_or("unbind", |how| how.get_name());
        let target = with_query(&format!("/api/v1/sessions/{}", kick.id), [("how", how)]);
        self.shown(&self.ask(Method::DELETE, target).await?, |session| {
            let [id, who, peer] = ["id", "system_id", "peer"].map(|name| cell(session, name));
            say(&format!("session {id} of {who} at {peer}: {how}"));
        })
    }

    pub(super) async fn mo(&self, mo: Mo) -> Result<ExitCode> {
        if let Some(lines) = mo.lines {
            let rate = mo.rate.map(|rate| rate.to_string());
            let pairs = [("rate", rate.as_deref()), ("system_id", mo.system_id.as_deref())];
            let pairs = pairs.into_iter().filter_map(|(name, value)| Some((name, value?)));
            let target = with_query(&self.path(&["mo", "file"]).await?, pairs);
            let body = Some(("text/csv; charset=utf-8", lines));
            let answer = self.api.call(Ask { method: Method::POST, target, body, time: USUAL }).await?;
            return self.shown(&answer, |queued| {
                say(&format!("messages on their way: {}", cell(queued, "messages")));
            });
        }
        let mut body = Map::new();
        for (name, value) in [
            ("source_addr", mo.from),
            ("destination_addr", mo.to),
            ("text", mo.text),
            ("system_id", mo.system_id),
        ] {
            body.extend(value.map(|value| (name.to_owned(), value.into())));
        }
        if let Some(pdu) = mo.pdu {
            body.insert("pdu".to_owned(), parsed("--pdu", &pdu)?);
        }
        let path = self.path(&["mo"]).await?;
        self.shown(&self.tell(Method::POST, path, &body.into()).await?, |sent| {
            say(&format!("sent to {}, parts: {}", cell(sent, "system_id"), cell(sent, "parts")));
        })
    }

    pub(super) async fn rules(&self, action: Option<RulesAction>) -> Result<ExitCode> {
        let answer = match action {
            None => self.ask(Method::GET, self.path(&["rules"]).await?).await,
            Some(RulesAction::Add { rule }) => {
                let rule = parsed("the rule", &rule)?;
                self.tell(Method::POST, self.path(&["rules"]).await?, &rule).await
            }
            Some(RulesAction::Remove { place }) => {
                self.ask(Method::DELETE, self.path(&["rules", &place.to_string()]).await?).await
            }
            Some(RulesAction::Clear) => self.ask(Method::DELETE, self.path(&["rules"]).await?).await,
        };
        self.shown(&answer?, |rules| {
            let mut table = Table::new(&["PLACE", "FROM", "HELD", "TAKEN", "NAME", "THEN"]);
            for counted in items(rules) {
                let counts = ["place", "from", "held", "taken"].map(|name| cell(counted, name));
                let rule = ["name", "then"].map(|name| cell(&counted["rule"], name));
                table.row(counts.into_iter().chain(rule));
            }
            table.say("no rules");
        })
    }

    pub(super) async fn accounts(&self, action: Option<AccountsAction>) -> Result<ExitCode> {
        match action {
            None => {
                let answer = self.ask(Method::GET, self.path(&["accounts"]).await?).await?;
                self.shown(&answer, |accounts| {
                    accounts_table(items(accounts), "no accounts: anybody may bind");
                })
            }
            Some(AccountsAction::Put { account }) => {
                let account = parsed("the account", &account)?;
                let system_id = account["system_id"].as_str().context("the account has no system_id")?;
                let path = self.path(&["accounts", system_id]).await?;
                let answer = self.tell(Method::PUT, path, &account).await?;
                self.shown(&answer, |account| accounts_table(core::slice::from_ref(account), ""))
            }
            Some(AccountsAction::Remove { system_id }) => {
                let path = self.path(&["accounts", &system_id]).await?;
                let answer = self.ask(Method::DELETE, path).await?;
                self.shown(&answer, |account| say(&format!("removed {}", cell(account, "system_id"))))
            }
        }
    }

    pub(super) async fn dialogue(&self, name: Option<String>) -> Result<ExitCode> {
        let Some(name) = name else {
            let answer = self.ask(Method::GET, self.path(&["dialogues"]).await?).await?;
            return self.shown(&answer, |dialogues| {
                let mut table = Table::new(&["SUBSCRIBER", "APPLICATION", "STEPS", "NAME"]);
                for dialogue in items(dialogues) {
                    let steps = items(&dialogue["step"]).len().to_string();
                    let [subscriber, application, name] =
                        ["subscriber", "application", "name"].map(|name| cell(dialogue, name));
                    table.row([subscriber, application, steps, name]);
                }
                table.say("no dialogues");
            });
        };
        let path = self.path(&["dialogues", &name, "run"]).await?;
        let answer = match self.ask_for(Method::POST, path, DIALOGUE).await {
            Err(Failure::Refused(refusal)) if refusal.status == StatusCode::CONFLICT => {
                return Ok(self.check_failed(&refusal, |problem| say_said(&problem["said"])));
            }
            answer => answer?,
        };
        self.shown(&answer, |outcome| {
            say_said(&outcome["said"]);
            say("passed");
        })
    }

    pub(super) async fn set(&self, set: Set) -> Result<ExitCode> {
        let mut body = Map::new();
        for (key, value) in set.settings {
            let value = serde_json::from_str(&value).unwrap_or(Value::String(value));
            body.insert(key, value);
        }
        let keys: Vec<String> = body.keys().cloned().collect();
        let answer = self.tell(Method::PATCH, self.path(&[]).await?, &json!(body)).await?;
        self.shown(&answer, |settings| {
            for key in &keys {
                say(&format!("{} = {}", text(&key.as_str().into()), cell(settings, key)));
            }
        })
    }

    pub(super) async fn reset(&self) -> Result<ExitCode> {
        self.ask(Method::POST, "/api/v1/reset".to_owned()).await?;
        if !self.json {
            say("messages, the record and rules that came over REST are forgotten");
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn accounts_table(accounts: &[Value], none: &str) {
    let headings =
        ["SYSTEM_ID", "BIND_MODES", "VERSIONS", "ADDRESS_RANGE", "SESSIONS", "THROUGHPUT", "WINDOW"];
    let mut table = Table::new(&headings);
    for account in accounts {
        let names =
            ["system_id", "bind_modes", "versions", "address_range", "sessions", "throughput", "window"];
        table.row(names.map(|name| cell(account, name)));
    }
    table.say(none);
}

fn say_said(said: &Value) {
    for said in items(said) {
        say(&format!("{:<11}  {}", cell(said, "by"), cell(said, "text")));
    }
}

/// A little more than the simulator gives a request, of which a dialogue may need all.
const DIALOGUE: Duration = Duration::from_secs(335);
