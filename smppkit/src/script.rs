//! `smppkit script`.

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::json;
use smppkit_client::script::{FailureKind, Outcome, Played, Setting, Step, junit, parse, play};
use smppkit_client::{ConnectionArgs, duration};

use crate::send::{interrupted, json_line, line, pair};

/// Play files of steps against a server and fail where it does otherwise: a smoke test for CI.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// Scripts; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Give the scripts a text as $NAME; repeatable
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = pair)]
    variables: Vec<(String, String)>,
    /// How long `expect` waits when it does not say
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = duration)]
    within: Duration,
    /// Write the results to this file as JUnit XML
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Only read the scripts
    #[arg(long)]
    check: bool,
    /// Each step as one line of JSON
    #[arg(long)]
    json: bool,
    /// Only failures
    #[arg(long, short)]
    quiet: bool,
    #[command(flatten)]
    connection: ConnectionArgs,
}

const AFTER_HELP: &str = "\
A script is a step on each line; # begins a comment, \\ at its end goes on in the next:

  bind transceiver smpp://app:secret@127.0.0.1:2775   # URL, or parts of it, also as flags
  submit_sm to=447700900123 from=1234 text=\"Hello\" registered_delivery=1 -> ESME_ROK as first
  expect deliver_sm within 5s short_message~/stat:DELIVRD/ receipted_message_id=$first
  query_sm message_id=$first source_addr=1234
  expect query_sm_resp message_state=DELIVERED
  unbind

Steps:
  bind [tx|rx|trx] [URL] [FIELD=VALUE...] [-> STATUS] [as NAME]
  connect [URL]                                 connects, and does not bind
  PDU [FIELD=VALUE...] [-> STATUS] [as NAME]    sends any PDU; -> waits for its answer
  send {JSON} [-> STATUS] [as NAME]             a PDU as `smppkit inspect --json` prints it
  raw HEX                                       octets, right or wrong
  expect PDU [within TIME] [MATCH...] [as NAME] the first such PDU that matches
  expect nothing|closed [within TIME]
  answer PDU STATUS|nothing                     how the server's requests are answered from here on
  wait TIME | unbind | close

to= and from= set an address with TON and NPI, text= user data and data_coding; TLVs go by name or
tag (0x1400=hex:0011). A MATCH is FIELD=VALUE, FIELD!=VALUE, FIELD~/REGEX/, FIELD=1..5, FIELD<5,
FIELD>=5, FIELD (is there) or !FIELD (is not); numbers match by name, too. $NAME is the message_id of
a PDU kept with `as NAME`, $NAME.FIELD a field of it. `a: bind ...` names a session.

Exit codes: 0 all went as expected; 1 the server did otherwise; 2 a script or flag is wrong;
3 no connection or bind; 130 interrupted.";

impl Args {
    /// For one script that another subcommand was given.
    pub(crate) fn of(file: PathBuf, json: bool, connection: ConnectionArgs) -> Self {
        let within = Duration::from_secs(5);
        let (files, variables) = (vec![file], Vec::new());
        Self { files, variables, within, junit: None, check: false, json, quiet: false, connection }
    }
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let mut scripts = Vec::new();
    for file in &args.files {
        let name = file.display().to_string();
        let text = if name == "-" {
            std::io::read_to_string(std::io::stdin())
        } else {
            std::fs::read_to_string(file)
        };
        let text = text.with_context(|| format!("cannot read {name}"))?;
        let steps = parse(&text).map_err(|error| anyhow::anyhow!("{name}: {error}"))?;
        scripts.push((name, steps));
    }
    let setting = Setting {
        connection: args.connection.resolve()?,
        variables: args.variables.clone(),
        within: args.within,
    };
    if args.check {
        return Ok(ExitCode::SUCCESS);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let played: Vec<(String, Played)> = runtime.block_on(all(args, &setting, scripts));
    if let Some(path) = &args.junit {
        std::fs::write(path, junit(&played)).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(code(&played))
}

async fn all(args: &Args, setting: &Setting, scripts: Vec<(String, Vec<Step>)>) -> Vec<(String, Played)> {
    let mut all = Vec::new();
    for (name, steps) in scripts {
        let played = play(&steps, setting, interrupted(), |outcome| tell(args, &name, outcome)).await;
        let interrupted = played.interrupted;
        if args.json {
            let (failed, skipped) = (played.failure().is_some(), played.skipped.len());
            let document = json!({
                "file": name, "ok": !failed && !interrupted, "steps": played.outcomes.len(), "skipped": skipped,
            });
            json_line(&document);
        } else if !args.quiet && played.failure().is_none() && !interrupted {
            line(&format!("{name}: {} steps, all as expected", played.outcomes.len()));
        }
        all.push((name, played));
        if interrupted {
            break;
        }
    }
    all
}

fn tell(args: &Args, file: &str, outcome: &Outcome) {
    if args.json {
        return json_line(&outcome.json(file));
    }
    match &outcome.failure {
        None if args.quiet => {}
        None => {
            let took = outcome.took.as_millis();
            line(&format!("{} {}: {} ({took} ms)", painted("ok", GREEN), outcome.line, outcome.step));
        }
        Some(failure) => {
            line(&painted(&format!("{file}:{}: {}", outcome.line, outcome.step), BOLD_RED));
            for text in failure.lines() {
                line(&match text.as_bytes().first() {
                    Some(b'-') => painted(&text, RED),
                    Some(b'+') => painted(&text, GREEN),
                    _ => text,
                });
            }
        }
    }
}

/// In a colour, where there is a terminal that wants some.
fn painted(text: &str, colour: &str) -> String {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    if std::io::stdout().is_terminal() && !refused {
        format!("\x1b[{colour}m{text}\x1b[0m")
    } else {
        text.to_owned()
    }
}

const RED: &str = "31";
const BOLD_RED: &str = "1;31";
const GREEN: &str = "32";

fn code(played: &[(String, Played)]) -> ExitCode {
    if played.iter().any(|(_, played)| played.interrupted) {
        return ExitCode::from(130);
    }
    let kinds = played.iter().filter_map(|(_, played)| played.failure()).map(|(_, failure)| failure.kind);
    // The first failure decides: what is wrong with it, most often is with the rest.
    match kinds.into_iter().next() {
        None => ExitCode::SUCCESS,
        Some(FailureKind::Check) => ExitCode::from(1),
        Some(FailureKind::Usage) => ExitCode::from(2),
        Some(FailureKind::Connection) => ExitCode::from(3),
    }
}
