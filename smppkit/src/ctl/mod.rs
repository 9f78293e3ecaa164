//! `smppkit ctl`: a running simulator or gateway asked and told, over its REST interface.

pub(crate) mod api;
mod args;
mod change;
mod encode;
mod follow;
mod gateway;
mod lists;
mod look;
mod server;
mod show;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, bail};
use hyper::Method;
use serde_json::Value;

pub(crate) use self::api::Admin;
use self::api::{Answer, Api, Ask, Failure, USUAL};
use self::args::Command;
use self::encode::segment;
use self::server::{For, Server, usual};
use crate::send::interrupted;

/// Ask and tell a running simulator or gateway, over its REST interface.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  smppkit ctl status
  smppkit ctl mo --from 447700900123 --to 12345 'STOP'
  smppkit ctl wait messages destination_addr='4477*' text='/^bye/i' --timeout 5s
  smppkit ctl pdus --follow command='submit_*'
  smppkit ctl rules add '{\"share\": \"25%\", \"then\": {\"status\": \"ESME_RTHROTTLED\"}}'
  smppkit ctl set dialect=hex-to-decimal receipt_delay=1s..5s
  smppkit ctl reset
  smppkit ctl connectors                         of a gateway
  smppkit ctl message 382821029262655488         what became of it

Conditions are NAME=PATTERN: a value, prefix*, /regex/, 1..9, or any of these behind ! for its
opposite. With --json the document of the REST interface is printed as it came; GET /openapi.json
describes it.

Exit codes: 0 good, 1 the check failed (wait, dialogue, explain, status of one that is not ready),
2 wrong usage, or it is refused, 3 no connection or no good answer, 130 interrupted.")]
pub(crate) struct Args {
    /// Where the REST interface is. Default: http://127.0.0.1:2780, a simulator's; for what only a gateway
    /// does, and where nothing listens there, http://127.0.0.1:2781
    #[arg(long, global = true, value_name = "URL", env = "SMPPKIT_ADMIN", help_heading = "Server")]
    admin: Option<Admin>,
    /// The token it asks for
    #[arg(
        long,
        global = true,
        value_name = "TOKEN",
        env = "SMPPKIT_ADMIN_TOKEN",
        hide_env_values = true,
        help_heading = "Server"
    )]
    token: Option<String>,
    /// The SMSC of a simulator that is meant. Default: the only one; for status, sessions, messages and pdus all
    #[arg(long, global = true, value_name = "NAME", help_heading = "Server")]
    smsc: Option<String>,
    /// The document as it came
    #[arg(long, global = true, help_heading = "Output")]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

pub(crate) fn run(mut args: Args) -> Result<ExitCode> {
    // Before the runtime: standard input may never end, and ctrl-c has to end it.
    args.command.read_inputs()?;
    let whom = args.command.whom();
    finish(async {
        let admin = match args.admin {
            Some(admin) => admin,
            None => usual(whom).await?,
        };
        let api = Api::new(admin, args.token.as_deref()).map_err(anyhow::Error::msg)?;
        let ctl = Ctl { api, smsc: args.smsc, json: args.json };
        match ctl.run(args.command).await {
            Ok(code) => Ok(code),
            Err(error) => Err(ctl.told_apart(whom, error).await),
        }
    })
}

/// Has a running gateway explain where a message would go.
pub(crate) fn explain(admin: Admin, token: Option<&str>, json: bool, question: &Value) -> Result<ExitCode> {
    let api = Api::new(admin, token).map_err(anyhow::Error::msg)?;
    let ctl = Ctl { api, smsc: None, json };
    finish(async {
        match ctl.explain(question).await {
            Ok(code) => Ok(code),
            Err(error) => Err(ctl.told_apart(For::Gateway, error).await),
        }
    })
}

/// Runs a command to its end, or until it is interrupted.
fn finish(command: impl Future<Output = Result<ExitCode>>) -> Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let done = runtime.block_on(async {
        tokio::select! {
            done = command => done,
            () = interrupted() => Ok(ExitCode::from(130)),
        }
    });
    match done {
        Err(error) if error.is::<Failure>() => {
            eprintln!("smppkit: {error}");
            Ok(ExitCode::from(error.downcast_ref().map_or(2, Failure::code)))
        }
        done => done,
    }
}

/// What all commands work with.
#[derive(Debug)]
struct Ctl {
    api: Api,
    smsc: Option<String>,
    json: bool,
}

impl Ctl {
    async fn run(&self, command: Command) -> Result<ExitCode> {
        // Where both have a word for it, they do not mean quite the same.
        let is_gateway = match (&command, command.whom()) {
            (Command::Get(_), _) | (_, For::Simulator) => false,
            (_, For::Gateway) => true,
            (_, For::Either) => self.server().await? == Server::Gateway,
        };
        match command {
            Command::Status if is_gateway => self.gateway_status().await,
            Command::Sessions(whose) if is_gateway => self.gateway_sessions(whose).await,
            Command::Kick(kick) if is_gateway => self.gateway_kick(kick.id, kick.how).await,
            Command::Messages(query) if is_gateway => self.gateway_messages(query, "/api/v1/messages").await,
            Command::Accounts(accounts) if is_gateway => self.gateway_accounts(accounts.action).await,
            Command::Status => self.status().await,
            Command::Sessions(whose) => self.sessions(&whose).await,
            Command::Kick(kick) => self.kick(kick).await,
            Command::Mo(mo) => self.mo(mo).await,
            Command::Messages(query) => self.messages(query).await,
            Command::Pdus(pdus) => self.pdus(pdus).await,
            Command::Wait(wait) => self.wait(wait).await,
            Command::Rules(rules) => self.rules(rules.action).await,
            Command::Accounts(accounts) => self.accounts(accounts.action).await,
            Command::Connectors => self.connectors().await,
            Command::Drain(drain) => self.turn(&drain.connector, "drain").await,
            Command::Resume(resume) => self.turn(&resume.connector, "resume").await,
            Command::Message(message) => self.message(&message).await,
            Command::Cancel(cancel) => self.cancel(&cancel.message_id).await,
            Command::Replay(replay) => self.replay(&replay.message_ids).await,
            Command::DeadLetters(query) => self.gateway_messages(query, "/api/v1/dead-letters").await,
            Command::Explain(explain) => self.explain(&explain.question.document()?).await,
            Command::Backup(backup) => self.backup(&backup.to).await,
            Command::Dialogue(dialogue) => self.dialogue(dialogue.name).await,
            Command::Set(set) => self.set(set).await,
            Command::Reset => self.reset().await,
            Command::Get(get) => self.get(&get.path).await,
        }
    }

    async fn ask(&self, method: Method, target: String) -> Result<Answer, Failure> {
        self.ask_for(method, target, USUAL).await
    }

    async fn ask_for(&self, method: Method, target: String, time: Duration) -> Result<Answer, Failure> {
        self.api.call(Ask { method, target, body: None, time }).await
    }

    async fn tell(&self, method: Method, target: String, body: &Value) -> Result<Answer, Failure> {
        let body = Some(("application/json", body.to_string()));
        self.api.call(Ask { method, target, body, time: USUAL }).await
    }

    /// A path below the SMSC that is meant.
    async fn path(&self, below: &[&str]) -> Result<String> {
        let mut path = format!("/api/v1/smscs/{}", segment(&self.smsc().await?));
        for part in below {
            path.push('/');
            path.push_str(&segment(part));
        }
        Ok(path)
    }

    async fn smsc(&self) -> Result<String> {
        if let Some(smsc) = &self.smsc {
            return Ok(smsc.clone());
        }
        let smscs = self.read(&self.ask(Method::GET, "/api/v1/smscs".to_owned()).await?)?;
        let names: Vec<_> =
            show::items(&smscs).iter().map(|smsc| smsc["name"].as_str().unwrap_or("")).collect();
        match names.as_slice() {
            [one] => Ok((*one).to_owned()),
            several => bail!(
                "there are several SMSCs: say with --smsc which of {}",
                smppkit_inspect::printable(&several.join(", "))
            ),
        }
    }

    /// An answer for programs as it came, for people as they like it.
    fn shown(&self, answer: &Answer, for_people: impl FnOnce(&Value)) -> Result<ExitCode> {
        let value = self.read(answer)?;
        if self.json {
            show::say(&show::document(&answer.text));
        } else {
            for_people(&value);
        }
        Ok(ExitCode::SUCCESS)
    }

    fn read(&self, answer: &Answer) -> Result<Value, Failure> {
        let read = serde_json::from_str(&answer.text);
        read.map_err(|_| self.api.unreached("the answer is not JSON: is this a simulator or a gateway?"))
    }
}
