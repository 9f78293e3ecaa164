//! `smppkit ctl`: a running simulator asked and told, over its REST interface.

mod api;
mod args;
mod change;
mod encode;
mod follow;
mod look;
mod show;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, bail};
use hyper::Method;
use serde_json::Value;

use self::api::{Admin, Answer, Api, Ask, Failure, USUAL};
use self::args::Command;
use self::encode::segment;
use crate::send::interrupted;

/// Ask and tell a running simulator, over its REST interface.
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

Conditions are NAME=PATTERN: a value, prefix*, /regex/, 1..9, or any of these behind ! for its
opposite. With --json the document of the REST interface is printed as it came; GET /openapi.json
describes it.

Exit codes: 0 good, 1 the check failed (wait, dialogue, status of one that is not ready),
2 wrong usage, or the simulator refuses it, 3 no connection or no good answer, 130 interrupted.")]
pub(crate) struct Args {
    /// Where the simulator's REST interface is
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "SMPPKIT_ADMIN",
        default_value = "http://127.0.0.1:2780",
        help_heading = "Simulator"
    )]
    admin: Admin,
    /// The token it asks for
    #[arg(
        long,
        global = true,
        value_name = "TOKEN",
        env = "SMPPKIT_ADMIN_TOKEN",
        hide_env_values = true,
        help_heading = "Simulator"
    )]
    token: Option<String>,
    /// The SMSC that is meant. Default: the only one; for status, sessions, messages and pdus all
    #[arg(long, global = true, value_name = "NAME", help_heading = "Simulator")]
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
    let api = Api::new(args.admin, args.token.as_deref()).map_err(anyhow::Error::msg)?;
    let ctl = Ctl { api, smsc: args.smsc, json: args.json };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let done = runtime.block_on(async {
        tokio::select! {
            done = ctl.run(args.command) => done,
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
        match command {
            Command::Status => self.status().await,
            Command::Sessions => self.sessions().await,
            Command::Kick(kick) => self.kick(kick).await,
            Command::Mo(mo) => self.mo(mo).await,
            Command::Messages(query) => self.messages(query).await,
            Command::Pdus(pdus) => self.pdus(pdus).await,
            Command::Wait(wait) => self.wait(wait).await,
            Command::Rules(rules) => self.rules(rules.action).await,
            Command::Accounts(accounts) => self.accounts(accounts.action).await,
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
        read.map_err(|_| self.api.unreached("the answer is not JSON: is this a simulator?"))
    }
}
