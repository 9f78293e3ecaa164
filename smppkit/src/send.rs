//! `smppkit send`.

use std::io::{Read, Write};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, bail};
use smppkit_client::{Sending, Step, Target, Version, send};

use crate::simulator::duration;

/// Send one message and wait for its receipt.
///
/// The text is encoded and split as it needs: GSM 7-bit where that can say it, else UCS-2.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  smppkit send --to 447700900123 'Hello'
  smppkit send --url smpp://app:secret@127.0.0.1:2775 --from smppkit --to +447700900123 'Grüße 👋'
  echo 'from a pipe' | smppkit send --to 447700900123 --json -

Exit codes: 0 delivered, 1 refused or not delivered, 2 wrong usage, 3 no connection or bind.")]
pub(crate) struct Args {
    /// Text of the message; `-` reads it from standard input
    text: String,
    /// Destination
    #[arg(long, value_name = "NUMBER")]
    to: String,
    /// Sender: a number, or letters
    #[arg(long, value_name = "NUMBER", default_value = "smppkit")]
    from: String,
    /// Where to bind: smpp://system_id:password@host:port, or ssmpp:// for TLS
    #[arg(
        long,
        value_name = "URL",
        env = "SMPPKIT_URL",
        hide_env_values = true,
        default_value = "smpp://smppkit:smppkit@127.0.0.1:2775"
    )]
    url: Target,
    /// Protocol version to declare
    #[arg(long, value_name = "VERSION", default_value = "5.0")]
    protocol: Version,
    /// How long to wait for receipts; "0" asks for none
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = duration)]
    wait: Duration,
    /// With TLS, take any certificate
    #[arg(long)]
    any_certificate: bool,
    /// Each step as one line of JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: Args) -> Result<ExitCode> {
    let mut text = args.text;
    if text == "-" {
        text.clear();
        std::io::stdin().read_to_string(&mut text)?;
        text.truncate(text.trim_end_matches('\n').len());
    }
    if args.to.is_empty() {
        bail!("--to is empty");
    }
    let sending = Sending {
        target: args.url,
        version: args.protocol,
        any_certificate: args.any_certificate,
        from: args.from,
        to: args.to,
        text,
        wait: if args.wait.is_zero() { None } else { Some(args.wait) },
    };
    let json = args.json;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match runtime.block_on(send(&sending, |step| tell(&step, json))) {
        Ok(report) if report.is_delivered() => Ok(ExitCode::SUCCESS),
        Ok(_) => Ok(ExitCode::from(1)),
        Err(error) => {
            eprintln!("smppkit: {error}");
            Ok(ExitCode::from(if error.is_usage() {
                2
            } else if error.is_connection() {
                3
            } else {
                1
            }))
        }
    }
}

/// One line for each step. A reader that went away ends nothing.
fn tell(step: &Step, json: bool) {
    let line = match (step, json) {
        (Step::Prepared { encoding, characters, parts }, true) => serde_json::json!({
            "step": "prepared", "encoding": encoding, "characters": characters, "parts": parts
        })
        .to_string(),
        (Step::Prepared { encoding, characters, parts: 1 }, false) => {
            format!("{characters} characters in {encoding}, one part")
        }
        (Step::Prepared { encoding, characters, parts }, false) => {
            format!("{characters} characters in {encoding}, {parts} parts")
        }
        (Step::Bound { system_id, version }, true) => {
            serde_json::json!({"step": "bound", "system_id": system_id, "version": version.to_string()}).to_string()
        }
        (Step::Submitted { part, parts, data_coding, message_id }, true) => serde_json::json!({
            "step": "submitted", "part": part, "parts": parts, "data_coding": data_coding, "message_id": message_id
        })
        .to_string(),
        (Step::Receipt { message_id, state, after }, true) => serde_json::json!({
            "step": "receipt", "message_id": message_id, "message_state": state.to_string(),
            "after_ms": u64::try_from(after.as_millis()).unwrap_or(u64::MAX)
        })
        .to_string(),
        (Step::Bound { system_id, version }, false) => {
            format!("bound to {} speaking SMPP {version}", system_id.escape_debug())
        }
        (Step::Submitted { part, parts, message_id, .. }, false) => {
            format!("part {part} of {parts} accepted: message_id {}", message_id.escape_debug())
        }
        (Step::Receipt { message_id, state, after }, false) => {
            format!("receipt for {}: {state} after {:.1} s", message_id.escape_debug(), after.as_secs_f64())
        }
    };
    let _ = writeln!(std::io::stdout(), "{line}");
}
