//! Messages of a gateway: found, told, sent again.

use std::process::ExitCode;

use anyhow::Result;
use hyper::Method;
use serde_json::Value;

use super::args::Message;
use crate::ctl::Ctl;
use crate::ctl::args::Messages;
use crate::ctl::encode::{segment, with_query};
use crate::ctl::show::{Table, cell, clock, items, say};

impl Ctl {
    pub(in crate::ctl) async fn gateway_messages(&self, query: Messages, path: &str) -> Result<ExitCode> {
        let limit = query.limit.map(|limit| limit.to_string());
        let own = [("limit", limit), ("before", query.before)];
        let own = own.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?)));
        let conditions = query.filter.conditions.iter().map(|(name, value)| (&**name, &**value));
        let answer = self.ask(Method::GET, with_query(path, conditions.chain(own))).await?;
        self.shown(&answer, messages_table)
    }

    pub(in crate::ctl) async fn message(&self, wanted: &Message) -> Result<ExitCode> {
        let path = format!("/api/v1/messages/{}", segment(&wanted.message_id));
        let target = if wanted.text { with_query(&path, [("text", "true")]) } else { path };
        self.shown(&self.ask(Method::GET, target).await?, say_story)
    }

    pub(in crate::ctl) async fn cancel(&self, message_id: &str) -> Result<ExitCode> {
        let path = format!("/api/v1/messages/{}/cancel", segment(message_id));
        self.shown(&self.ask(Method::POST, path).await?, |message| {
            say(&format!("{}: {}", cell(message, "message_id"), cell(message, "state")));
        })
    }

    pub(in crate::ctl) async fn replay(&self, message_ids: &[String]) -> Result<ExitCode> {
        let mut failed = false;
        for message_id in message_ids {
            let path = format!("/api/v1/messages/{}/replay", segment(message_id));
            let answer = match self.ask(Method::POST, path).await {
                // Of one, the exit code says why.
                Err(error) if message_ids.len() == 1 => return Err(error.into()),
                Err(error) if error.code() == 2 => {
                    eprintln!("smppkit: {}: {error}", smppkit_inspect::printable(message_id));
                    failed = true;
                    continue;
                }
                answer => answer?,
            };
            self.shown(&answer, |message| {
                say(&format!("{}: waits in {}", cell(message, "message_id"), cell(message, "queue")));
            })?;
        }
        Ok(ExitCode::from(u8::from(failed)))
    }
}

fn messages_table(answer: &Value) {
    let mut table =
        Table::new(&["ACCEPTED", "MESSAGE_ID", "ACCOUNT", "FROM", "TO", "STATE", "TRIES", "QUEUE", "REASON"]);
    for message in items(&answer["items"]) {
        let names = [
            "message_id",
            "account",
            "source_addr",
            "destination_addr",
            "state",
            "attempts",
            "queue",
            "reason",
        ];
        let cells = names.map(|name| cell(message, name));
        table.row(std::iter::once(clock(message, "accepted")).chain(cells));
    }
    table.say("no messages");
    if !answer["next"].is_null() {
        eprintln!("there may be more: --before {}", cell(answer, "next"));
    }
}

/// From the beginning to the end, a line for each moment.
fn say_story(message: &Value) {
    let of = |name: &str| cell(message, name);
    say(&format!("{} {} of {}: {}", of("kind"), of("message_id"), of("account"), of("state")));
    say(&format!("  from {} to {}", of("source_addr"), of("destination_addr")));
    for (name, label) in [("text", "text"), ("tells", "tells"), ("told", "told as"), ("others", "or else to")]
    {
        if of(name) != "-" {
            say(&format!("  {label} {}", of(name)));
        }
    }
    say(&format!("{}  accepted", of("accepted")));
    let (events, due) = (items(&message["events"]), of("due"));
    if events.is_empty() && due > of("accepted") {
        say(&format!("{due}  due"));
    }
    for event in events {
        say(&format!("{}  {}", cell(event, "at"), happened(event)));
    }
    if !events.iter().any(|event| event["event"] == "sent") && of("remote_id") != "-" {
        say(&format!("{:<24}  taken by {} as {}", "", of("connector"), of("remote_id")));
    }
    if of("attempts") != "0" {
        say(&format!("{:<24}  attempts that failed: {}", "", of("attempts")));
    }
    if of("ended") == "-" {
        say(&format!("{:<24}  {} in {}, {}", "", of("state"), of("queue"), expiry(message)));
    } else if !events.iter().any(|event| event["event"] == "end") {
        say(&format!("{}  {}: {}", of("ended"), of("state"), of("reason")));
    }
}

fn happened(event: &Value) -> String {
    let of = |name: &str| cell(event, name);
    match event["event"].as_str() {
        Some("sent") => format!("taken by {} as {}", of("connector"), of("remote_id")),
        Some("retry") => {
            format!("attempt failed: {}; again in {} at {}", of("reason"), of("queue"), of("due"))
        }
        Some("delay") => format!("waits in {} until {}: {}", of("queue"), of("due"), of("reason")),
        Some("end") => format!("{}: {}", of("state"), of("reason")),
        Some("replay") => format!("replayed into {}", of("queue")),
        _ => of("event"),
    }
}

fn expiry(message: &Value) -> String {
    match message["expires"].as_str() {
        Some(_) => format!("expires {}", cell(message, "expires")),
        None => "does not expire".to_owned(),
    }
}
