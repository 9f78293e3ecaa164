//! The commands as they are typed.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::Value;
use smppkit_simulator::Span;

use super::gateway::args::{Backup, Cancel, Drain, Explain, Message, Replay, Resume};
use super::lists::{Accounts, AccountsAction, Rules, RulesAction};
use crate::send::pair;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// How it is: of a simulator its SMSCs, of a gateway its messages and queues; and readiness
    #[command(after_help = "\
Examples:
  smppkit ctl status
  smppkit ctl status --json --admin http://127.0.0.1:2781

Exit code 1 when it is not ready. --json prints {\"ready\": BOOL, \"smscs\": GET /api/v1/smscs} of a
simulator, {\"ready\": BOOL, \"status\": GET /api/v1/status} of a gateway.")]
    Status,
    Sessions(Sessions),
    Kick(Kick),
    Mo(Mo),
    Messages(Messages),
    Pdus(Pdus),
    Wait(Wait),
    Rules(Rules),
    Accounts(Accounts),
    /// The connectors of a gateway: whether they are up, what waits for them, what passed
    #[command(after_help = "\
Examples:
  smppkit ctl connectors
  smppkit ctl connectors --json | jq '.[] | select(.state != \"up\")'")]
    Connectors,
    Drain(Drain),
    Resume(Resume),
    Message(Message),
    Cancel(Cancel),
    Replay(Replay),
    /// Messages that a gateway gave up
    #[command(after_help = "\
Examples:
  smppkit ctl dead-letters
  smppkit ctl dead-letters account=shop from=2026-11-22 --limit 20
  smppkit ctl dead-letters --json | jq -r '.items[].message_id' | xargs smppkit ctl replay")]
    DeadLetters(Messages),
    Explain(Box<Explain>),
    Backup(Backup),
    Dialogue(Dialogue),
    Set(Set),
    /// Forget messages, the record and rules that came over REST; sessions stay bound
    #[command(after_help = "\
Example, before each test:
  smppkit ctl reset")]
    Reset,
    Get(Get),
}

/// The sessions there are
#[derive(Debug, Args)]
#[command(visible_alias = "binds")]
#[command(after_help = "\
Examples:
  smppkit ctl sessions
  smppkit ctl sessions --smsc partner --json
  smppkit ctl sessions --connector carrier")]
pub(super) struct Sessions {
    /// Of a gateway, only those of this account
    #[arg(long, value_name = "ID", conflicts_with = "connector")]
    pub(super) account: Option<String>,
    /// Of a gateway, only those at this connector
    #[arg(long, value_name = "NAME")]
    pub(super) connector: Option<String>,
}

/// End a session
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  smppkit ctl kick 7
  smppkit ctl kick 7 --how reset

A gateway unbinds sessions or closes them.")]
pub(super) struct Kick {
    /// Its id: `smppkit ctl sessions` has it
    pub(super) id: u64,
    /// Politely, or as a network would
    #[arg(long, value_enum, default_value_t = How::Unbind)]
    pub(super) how: How,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum How {
    /// unbind, and then closed
    Unbind,
    /// Closed without unbind
    Close,
    /// Reset
    Reset,
    /// Left open for a minute, neither read nor written
    Hang,
}

/// Send messages from handsets to an application
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  smppkit ctl mo --from 447700900123 --to 12345 'STOP'
  generate | smppkit ctl mo --from 447700900123 --system-id app -
  smppkit ctl mo --file mo.csv --rate 50         source_addr,destination_addr,text on a line
  smppkit ctl mo --pdu '{\"source_addr\": \"4477\", \"data_coding\": 4, \"short_message\": \"00ff\"}'

A long text goes in parts. What is sent waits for a session that takes messages.")]
pub(super) struct Mo {
    /// The text; - is standard input
    #[arg(required_unless_present_any = ["file", "pdu"], conflicts_with_all = ["file", "pdu"])]
    pub(super) text: Option<String>,
    /// The handset's number
    #[arg(long, value_name = "NUMBER", conflicts_with_all = ["file", "pdu"])]
    pub(super) from: Option<String>,
    /// The number it is sent to
    #[arg(long, value_name = "NUMBER", conflicts_with_all = ["file", "pdu"])]
    pub(super) to: Option<String>,
    /// The account that gets it. Default: the one that serves the number, or the only one bound
    #[arg(long, value_name = "ID")]
    pub(super) system_id: Option<String>,
    /// Send a message for each line of this file; - is standard input
    #[arg(long, value_name = "CSV", conflicts_with = "pdu")]
    file: Option<PathBuf>,
    /// Its text.
    #[arg(skip)]
    pub(super) lines: Option<String>,
    /// So many of them in a second
    #[arg(long, value_name = "N", requires = "file", conflicts_with_all = ["text", "pdu"])]
    pub(super) rate: Option<u32>,
    /// Send a deliver_sm with these fields and TLVs; - is standard input
    #[arg(long, value_name = "JSON")]
    pub(super) pdu: Option<String>,
}

/// Messages, and what has become of them; of a simulator long ones whole
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  smppkit ctl messages
  smppkit ctl messages destination_addr='4477*' message_state='!DELIVERED' --limit 20
  smppkit ctl messages text='/code is [0-9]{4}/' --json

  smppkit ctl messages account=shop state=failed from=2026-11-22T12:00:00Z

Names, of a simulator: smsc, system_id, message_id, source_addr, destination_addr, text, data_coding,
service_type, registered_delivery, message_state, error_code. Of a gateway: account, source_addr,
destination_addr, message_id, kind, text, told, tells, queue, connector, remote_id, reason, attempts,
contains (any of them), state (queued, sent, delivered, failed, expired, cancelled), from, until; a comma
between patterns is or.")]
pub(super) struct Messages {
    #[command(flatten)]
    pub(super) filter: Conditions,
    /// So many at most, the latest; up to 1000. Default: 100
    #[arg(long, value_name = "N")]
    pub(super) limit: Option<u32>,
    /// Of a gateway, only older ones than this
    #[arg(long, value_name = "ID")]
    pub(super) before: Option<String>,
}

/// PDUs that came and went
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  smppkit ctl pdus --limit 20
  smppkit ctl pdus direction=in command='submit_*' 0x1400='*'
  smppkit ctl pdus --follow
  smppkit ctl pdus --follow --json --after 0 | jq .summary

Names: the fields of PDUs, TLVs by name or tag, and command, text, direction (in, out), smsc, session,
system_id, bind_mode, interface_version, peer. With --follow --json a line is a PDU, or
{\"missed\": N} where N were forgotten before they could be sent. A stream that ends before --limit is
reached is exit code 1.")]
pub(super) struct Pdus {
    #[command(flatten)]
    pub(super) filter: Conditions,
    /// So many at most, the latest, or with --after the first; up to 1000. Default: 100. With --follow
    /// it stops there; default: never
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) limit: Option<u64>,
    /// Only those after this number
    #[arg(long, value_name = "N")]
    pub(super) after: Option<u64>,
    /// Go on with what comes next, a line for each
    #[arg(long, short)]
    pub(super) follow: bool,
}

/// Wait until messages or PDUs match, for test suites
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  smppkit ctl wait messages destination_addr=447700900123 message_state=DELIVERED
  smppkit ctl wait messages text='Hello*' --count 3 --timeout 30s
  smppkit ctl wait pdus command=unbind system_id=app
  smppkit ctl wait pdus command_status='!0' --count 0 --timeout 2s     none may come

Conditions as of `smppkit ctl messages` and `smppkit ctl pdus`. What is there already counts. Exit
code 1 when not enough came: stderr then says what came instead, and --json prints the problem document.")]
pub(super) struct Wait {
    /// For which
    pub(super) what: What,
    #[command(flatten)]
    pub(super) filter: Conditions,
    /// How many have to match; with 0 none may, until the time is up
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(super) count: u32,
    /// How long that may take, up to 5m
    #[arg(long, value_name = "TIME", default_value = "10s")]
    pub(super) timeout: Span,
    /// Of PDUs, only those after this number
    #[arg(long, value_name = "N")]
    pub(super) after: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum What {
    Messages,
    Pdus,
}

#[derive(Debug, Args)]
pub(super) struct Conditions {
    /// Conditions that all have to hold
    #[arg(value_name = "NAME=PATTERN", value_parser = condition)]
    pub(super) conditions: Vec<(String, String)>,
}

/// List the dialogues of an SMSC, or run one
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  smppkit ctl dialogue
  smppkit ctl dialogue 'a code is asked for and given'

Exit code 1 when the application does not answer as it should; what was said is printed either way.")]
pub(super) struct Dialogue {
    /// The one to run
    pub(super) name: Option<String>,
}

/// Change settings of an SMSC while it runs
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  smppkit ctl set dialect=hex-to-decimal receipt_delay=1s..5s
  smppkit ctl set loopback=true mo_numbers='[\"12345\"]' throughput=null
  smppkit ctl set system_id='\"123\"'             a text that would read as a number
  smppkit ctl get /api/v1/smscs/smsc            what there is")]
pub(super) struct Set {
    /// The settings; a value is JSON, or else a text
    #[arg(value_name = "KEY=VALUE", required = true, value_parser = pair)]
    pub(super) settings: Vec<(String, String)>,
}

/// Print what the REST interface answers to a GET
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  smppkit ctl get /api/v1/presets
  smppkit ctl get '/api/v1/pdus?limit=1'
  smppkit ctl get /metrics
  smppkit ctl get /openapi.json")]
pub(super) struct Get {
    /// Path, and query if there is one
    pub(super) path: String,
}

impl Command {
    /// Reads the file, and puts standard input in place of `-`.
    pub(super) fn read_inputs(&mut self) -> Result<()> {
        if let Self::Mo(Mo { file: Some(file), lines, .. }) = self {
            *lines = Some(read(file)?);
        }
        let input = match self {
            Self::Mo(mo) => mo.text.as_mut().or(mo.pdu.as_mut()),
            Self::Rules(Rules { action: Some(RulesAction::Add { rule: json }) })
            | Self::Accounts(Accounts { action: Some(AccountsAction::Put { account: json }) }) => Some(json),
            _ => None,
        };
        if let Some(input) = input
            && input == "-"
        {
            let text = read(Path::new("-"))?;
            // Of a line the end is not meant.
            let line = text.strip_suffix('\n').unwrap_or(&text);
            line.strip_suffix('\r').unwrap_or(line).clone_into(input);
        }
        Ok(())
    }
}

/// A file's text; of `-` that of standard input.
fn read(path: &Path) -> Result<String> {
    let mut text = String::new();
    let limit = INPUT_LIMIT_OCTETS + 1;
    let (name, read) = if path == Path::new("-") {
        ("standard input".to_owned(), std::io::stdin().take(limit).read_to_string(&mut text))
    } else {
        let file = std::fs::File::open(path);
        (path.display().to_string(), file.and_then(|file| file.take(limit).read_to_string(&mut text)))
    };
    read.with_context(|| format!("cannot read {name}"))?;
    if text.len() as u64 > INPUT_LIMIT_OCTETS {
        bail!("{name} is longer than 1 MiB, the most that the simulator takes at once");
    }
    Ok(text)
}

/// An argument that is JSON.
pub(super) fn json(what: &str, text: &str) -> Result<Value> {
    serde_json::from_str(text).with_context(|| format!("{what} is not JSON"))
}

fn condition(text: &str) -> Result<(String, String), String> {
    let (name, pattern) = pair(text)?;
    if ["limit", "after", "count", "timeout"].contains(&name.as_str()) {
        return Err(format!("{name} is no condition: there may be --{name}"));
    }
    Ok((name, pattern))
}

/// The simulator's own limit of a body; past it a connection may end before its 413 is read.
const INPUT_LIMIT_OCTETS: u64 = 1024 * 1024;
