//! `smppkit listen`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};
use smppkit_client::{
    BindMode, CommandStatus, ConnectionArgs, Heard, ListenEnd, Listening, duration, fidelity, listen,
};

use crate::send::{interrupted, json_line, line};

/// Bind and print messages and receipts as they come, long ones joined.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  smppkit listen --url smpp://app:secret@127.0.0.1:2775
  smppkit listen --mode rx --json --count 1 --timeout 30s
  smppkit listen --outbind 127.0.0.1:2776

With --json each line has an event: waiting, outbind, bound, message, receipt, notification, other,
ended or again. A message has source_addr, destination_addr, text, fidelity (exact, lossy,
hexadecimal), data_coding, complete, parts (those that came), total and pdus; a receipt message_id,
message_state and err. pdus are as `smppkit inspect --json` prints them.

Exit codes: 0 all that --count asks for came, or the time of --timeout is over and there is no
--count; 1 it did not come, or the session ended; 2 wrong usage; 3 no connection or bind;
130 interrupted.")]
pub(crate) struct Args {
    /// Bind as receiver (rx) or transceiver (trx). Default: trx; in 3.3 rx
    #[arg(long, value_name = "MODE", value_parser = receiving, help_heading = "Listening")]
    mode: Option<BindMode>,
    /// Wait here for an MC that sends outbind, instead of connecting. Port 0 takes a free port
    #[arg(long, value_name = "ADDR:PORT", help_heading = "Listening")]
    outbind: Option<SocketAddr>,
    /// Stop after so many messages and receipts
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..), help_heading = "Listening")]
    count: Option<u64>,
    /// Stop after this time; with --count that is a failure
    #[arg(long, value_name = "TIME", value_parser = duration, help_heading = "Listening")]
    timeout: Option<Duration>,
    /// Answer deliveries with this status: a name (ESME_RX_T_APPN) or a number
    #[arg(long, value_name = "STATUS", default_value = "ESME_ROK", help_heading = "Listening")]
    answer: CommandStatus,
    /// Bind again when the session has ended, waiting longer and longer between failures
    #[arg(long, conflicts_with = "outbind", help_heading = "Listening")]
    reconnect: bool,
    /// How long parts of a long message wait for each other; then those that came are shown
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = duration, help_heading = "Listening")]
    part_timeout: Duration,
    /// Play this script instead, as `smppkit script` does
    #[arg(long, value_name = "FILE", help_heading = "Listening")]
    script: Option<PathBuf>,
    /// Each event as one line of JSON
    #[arg(long, help_heading = "Output")]
    json: bool,
    /// Only messages and receipts
    #[arg(long, short, help_heading = "Output")]
    quiet: bool,
    #[command(flatten)]
    connection: ConnectionArgs,
}

pub(crate) fn run(args: Args) -> Result<ExitCode> {
    if let Some(file) = args.script {
        return crate::script::run(&crate::script::Args::of(file, args.json, args.connection));
    }
    let counts = args.count.is_some();
    let listening = Listening {
        connection: args.connection.resolve()?,
        mode: args.mode,
        outbind: args.outbind,
        answer: args.answer,
        count: args.count,
        timeout: args.timeout,
        reconnect: args.reconnect,
        part_timeout: args.part_timeout,
    };
    let tell = |heard: Heard| {
        let is_news = matches!(heard, Heard::Message { .. } | Heard::Receipt { .. } | Heard::Other { .. });
        if args.json {
            json_line(&as_json(heard));
        } else if is_news {
            line(&as_text(&heard));
        } else if !args.quiet {
            eprintln!("{}", as_text(&heard));
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let end = match runtime.block_on(listen(&listening, interrupted(), tell)) {
        Ok(end) => end,
        Err(error) => {
            eprintln!("smppkit: {error}");
            return Ok(ExitCode::from(if error.is_usage() { 2 } else { 3 }));
        }
    };
    Ok(match end {
        ListenEnd::Counted(_) => ExitCode::SUCCESS,
        ListenEnd::TimedOut(_) if !counts => ExitCode::SUCCESS,
        ListenEnd::TimedOut(came) => {
            let wanted = args.count.unwrap_or_default();
            eprintln!("smppkit: {came} of {wanted} messages and receipts came in time");
            ExitCode::from(1)
        }
        ListenEnd::Closed(_) => {
            eprintln!("smppkit: the session ended");
            ExitCode::from(1)
        }
        ListenEnd::Interrupted(_) => ExitCode::from(130),
    })
}

fn as_json(heard: Heard) -> Value {
    match heard {
        Heard::Waiting(address) => json!({"event": "waiting", "address": address.to_string()}),
        Heard::Outbind(system_id) => json!({"event": "outbind", "system_id": system_id}),
        Heard::Bound { system_id, version, mode } => json!({
            "event": "bound", "system_id": system_id, "version": version.to_string(), "mode": mode.name()
        }),
        Heard::Message { first, decoded, parts, total, pdus } => json!({
            "event": "message", "source_addr": first.source_addr, "destination_addr": first.destination_addr,
            "text": decoded.text, "fidelity": fidelity(&decoded), "data_coding": first.data_coding.0,
            "complete": parts.len() == usize::from(total), "parts": parts, "total": total, "pdus": pdus
        }),
        Heard::Receipt { delivered, receipt, pdu } => json!({
            "event": if receipt.intermediate { "notification" } else { "receipt" },
            "message_id": receipt.message_ids.first(),
            "message_state": receipt.state.map(|state| state.to_string()), "err": receipt.error,
            "source_addr": delivered.source_addr, "destination_addr": delivered.destination_addr,
            "pdus": [pdu]
        }),
        Heard::Other { pdu, .. } => json!({"event": "other", "pdus": [pdu]}),
        Heard::Ended(why) => json!({"event": "ended", "reason": why}),
        Heard::Again(wait) => {
            json!({"event": "again", "wait_ms": u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)})
        }
    }
}

fn as_text(heard: &Heard) -> String {
    let shown = |text: &str| text.escape_debug().to_string();
    match heard {
        Heard::Waiting(address) => format!("waiting for outbind on {address}"),
        Heard::Outbind(system_id) => format!("outbind from {}", shown(system_id)),
        Heard::Bound { system_id, version, mode } => {
            format!("bound to {} as {mode} speaking SMPP {version}", shown(system_id))
        }
        Heard::Message { first, decoded, parts, total, .. } => {
            let (from, to) = (shown(&first.source_addr), shown(&first.destination_addr));
            let parts = match (parts.len(), usize::from(*total)) {
                (1, 1) => String::new(),
                (came, total) if came == total => format!(" ({total} parts)"),
                (came, total) => format!(" ({came} of {total} parts came)"),
            };
            let fidelity = match fidelity(decoded) {
                "exact" => String::new(),
                other => format!(" [{other}]"),
            };
            format!("message {from} -> {to}{parts}{fidelity}: {}", shown(&decoded.text))
        }
        Heard::Receipt { delivered, receipt, .. } => {
            let kind = if receipt.intermediate { "news of" } else { "receipt for" };
            let id = receipt.message_ids.first().map_or_else(|| "no id".to_owned(), |id| shown(id));
            let state = receipt.state.map_or_else(|| "no state".to_owned(), |state| state.to_string());
            let (from, to) = (shown(&delivered.source_addr), shown(&delivered.destination_addr));
            format!("{kind} {id}: {state} ({from} -> {to})")
        }
        Heard::Other { summary, .. } => summary.clone(),
        Heard::Ended(why) => format!("session ended: {why}"),
        Heard::Again(wait) => format!("next attempt in {:.1} s", wait.as_secs_f64()),
    }
}

fn receiving(text: &str) -> Result<BindMode, String> {
    match text.parse() {
        Ok(BindMode::Transmitter) => Err("a transmitter receives nothing: want rx or trx".to_owned()),
        Ok(mode) => Ok(mode),
        Err(error) => Err(error.to_string()),
    }
}
