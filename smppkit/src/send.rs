//! `smppkit send`.

use std::io::{IsTerminal, Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::json;
use smppkit_client::{
    BindMode, Carrier, ConnectionArgs, Content, EncodingChoice, Message, MessageError, Prepared,
    ReferenceWidth, Report, SendError, Sending, Step, SubmitAs, duration, from_hex, send,
};

/// Send messages and wait for their receipts.
///
/// A text is encoded as small as it goes: GSM 7-bit where that can say it, else UCS-2; a long one is cut into parts.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  smppkit send --to 447700900123 'Hello'
  smppkit send --url smpp://app:secret@127.0.0.1:2775 --from smppkit --to +447700900123 'Grüße 👋'
  smppkit send --to 4477 --to 4478 --multi --field priority_flag=1 --tlv 0x1400=hex:0011 'Hello'
  smppkit send --preview 'What would this cost? €5'
  echo 'from a pipe' | smppkit send --to 447700900123 --json -

With --json each step is a line: step is prepared, bound, submitted, refused, receipt, notification,
incoming, done or failed; message_state is the name of SMPP 5.0.

Exit codes: 0 delivered, or accepted where no receipt was asked for; 1 refused, not delivered, or a
receipt is missing; 2 wrong usage; 3 no connection or bind; 130 interrupted.")]
pub(crate) struct Args {
    /// Text of the message; `-` reads it from standard input
    #[arg(required_unless_present_any = ["file", "script"], conflicts_with = "file")]
    text: Option<String>,
    /// File to read the text from
    #[arg(long, short, value_name = "FILE", help_heading = "Message")]
    file: Option<PathBuf>,
    /// Destination; repeatable, each gets the message
    #[arg(long, value_name = "NUMBER", help_heading = "Message",
          required_unless_present_any = ["preview", "script"])]
    to: Vec<String>,
    /// Sender: a number, or letters. Default: the profile's, else smppkit
    #[arg(long, value_name = "NUMBER", help_heading = "Message")]
    from: Option<String>,
    /// One submit_multi to all destinations
    #[arg(long, help_heading = "Message", conflicts_with = "data_sm")]
    multi: bool,
    /// data_sm instead of submit_sm
    #[arg(long, help_heading = "Message")]
    data_sm: bool,
    /// Alphabet; binary takes the text as hexadecimal digits, and a file as it is
    #[arg(long, value_name = "NAME", default_value = "auto", help_heading = "Message",
          value_parser = clap::builder::PossibleValuesParser::new(encodings()))]
    encoding: String,
    /// Take national language tables where they save parts
    #[arg(long, help_heading = "Message")]
    national_tables: bool,
    /// A long text whole in message_payload; the MC cuts it
    #[arg(long, help_heading = "Message", conflicts_with_all = ["sar", "udh16"])]
    payload: bool,
    /// Parts told by sar_ TLVs instead of a header
    #[arg(long, help_heading = "Message")]
    sar: bool,
    /// Parts told by a header with a reference of 16 bits
    #[arg(long, help_heading = "Message")]
    udh16: bool,
    /// Set any field of the request by its name in the specification; repeatable. Octets are text, or hex: and digits
    #[arg(long = "field", value_name = "NAME=VALUE", value_parser = pair, help_heading = "Message")]
    fields: Vec<(String, String)>,
    /// Add any TLV by its name or tag: --tlv user_message_reference=7, --tlv 0x1400=hex:0011; repeatable
    #[arg(long = "tlv", value_name = "NAME=VALUE", value_parser = pair, help_heading = "Message")]
    tlvs: Vec<(String, String)>,
    /// Show encoding, parts and costly characters, and send nothing
    #[arg(long, help_heading = "Preview")]
    preview: bool,
    /// The same, with the PDUs in hexadecimal digits
    #[arg(long, help_heading = "Preview", conflicts_with = "preview")]
    dry_run: bool,
    /// How long to wait for receipts; "0" asks for none
    #[arg(long, value_name = "TIME", num_args = 0..=1, require_equals = false, default_value = "30s",
          default_missing_value = "30s", value_parser = duration, help_heading = "Sending")]
    wait: Duration,
    /// Bind as transmitter (tx) or transceiver (trx). Default: trx; in 3.3 tx, and rx beside it for receipts
    #[arg(long, value_name = "MODE", value_parser = submitting, help_heading = "Sending")]
    mode: Option<BindMode>,
    /// Send it so many times. Load is for a load tester
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000),
          help_heading = "Sending")]
    repeat: u32,
    /// Requests in a second at most: 20, or 20/s
    #[arg(long, value_name = "N/s", value_parser = rate, help_heading = "Sending")]
    rate: Option<f64>,
    /// Requests that may wait for their answers
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000),
          help_heading = "Sending")]
    window: u32,
    /// Play this script instead, as `smppkit script` does
    #[arg(long, value_name = "FILE", conflicts_with_all = ["text", "file", "to"], help_heading = "Sending")]
    script: Option<PathBuf>,
    /// Each step as one line of JSON
    #[arg(long, help_heading = "Output")]
    json: bool,
    /// Only what went wrong
    #[arg(long, short, help_heading = "Output")]
    quiet: bool,
    #[command(flatten)]
    connection: ConnectionArgs,
}

pub(crate) fn run(args: Args) -> Result<ExitCode> {
    if let Some(file) = args.script {
        return crate::script::run(&crate::script::Args::of(file, args.json, args.connection));
    }
    if args.to.iter().any(String::is_empty) {
        bail!("--to is empty");
    }
    let connection = args.connection.resolve()?;
    let message = message(&args, connection.from.clone())?;
    if args.preview || args.dry_run {
        return preview(&args, &message, connection.version);
    }
    let total = u64::from(args.repeat);
    let sending = Sending {
        connection,
        mode: args.mode,
        message,
        wait: if args.wait.is_zero() { None } else { Some(args.wait) },
        repeat: args.repeat,
        rate: args.rate,
        window: args.window,
    };
    let mut teller = Teller { json: args.json, quiet: args.quiet, progress: Progress::new(total, &args) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let done = runtime.block_on(send(&sending, interrupted(), |step| teller.tell(&step)));
    teller.progress.end();
    Ok(ended(&done, args.json))
}

/// The last line, and the exit code.
fn ended(done: &Result<Report, SendError>, json: bool) -> ExitCode {
    let failed = |error: &SendError| {
        if json {
            json_line(&json!({"step": "failed", "error": error.to_string()}));
        }
        eprintln!("smppkit: {error}");
    };
    match done {
        Ok(report) => {
            let ok = report.is_delivered();
            if json {
                let states: Vec<String> = report.states.iter().map(ToString::to_string).collect();
                let document = json!({
                    "step": "done", "ok": ok, "accepted": report.message_ids.len(), "refused": report.refused,
                    "message_ids": report.message_ids, "message_states": states,
                });
                json_line(&document);
            }
            ExitCode::from(u8::from(!ok))
        }
        Err(error) => {
            failed(error);
            ExitCode::from(match error {
                SendError::Interrupted => 130,
                error if error.is_usage() => 2,
                error if error.is_connection() => 3,
                _ => 1,
            })
        }
    }
}

fn message(args: &Args, profile_from: Option<String>) -> Result<Message> {
    let content = content(args)?;
    let carrier = match (args.payload, args.sar) {
        (true, _) => Carrier::MessagePayload,
        (_, true) => Carrier::Sar,
        _ => Carrier::Udh,
    };
    Ok(Message {
        from: args.from.clone().or(profile_from).unwrap_or_else(|| "smppkit".to_owned()),
        to: if args.to.is_empty() { vec!["0".to_owned()] } else { args.to.clone() },
        content,
        submit_as: match (args.multi, args.data_sm) {
            (true, _) => SubmitAs::SubmitMulti,
            (_, true) => SubmitAs::DataSm,
            _ => SubmitAs::SubmitSm,
        },
        carrier,
        // A sar_ reference has 16 bits whatever a header's would have.
        reference: if args.udh16 { ReferenceWidth::Sixteen } else { ReferenceWidth::Eight },
        receipts: !args.wait.is_zero(),
        fields: args.fields.clone(),
        tlvs: args.tlvs.clone(),
    })
}

fn content(args: &Args) -> Result<Content> {
    let octets = match (&args.file, args.text.as_deref()) {
        (Some(path), _) => std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?,
        (None, Some("-")) => {
            let mut octets = Vec::new();
            std::io::stdin().read_to_end(&mut octets).context("cannot read standard input")?;
            octets
        }
        (None, text) => text.unwrap_or_default().as_bytes().to_vec(),
    };
    let encoding = EncodingChoice::named(&args.encoding);
    if encoding.is_none() && args.file.is_some() {
        return Ok(Content::Binary(octets));
    }
    let mut text = String::from_utf8(octets).context("the text is not UTF-8")?;
    if args.text.as_deref() == Some("-") || args.file.is_some() {
        // The end of a file's last line is no part of the message.
        let kept =
            text.strip_suffix('\n').map_or(text.len(), |kept| kept.strip_suffix('\r').unwrap_or(kept).len());
        text.truncate(kept);
    }
    if let Some(encoding) = encoding {
        return Ok(Content::Text { text, encoding, national_tables: args.national_tables });
    }
    let octets = from_hex(&text);
    Ok(Content::Binary(octets.context("--encoding binary wants an even number of hexadecimal digits")?))
}

fn preview(args: &Args, message: &Message, version: smppkit_client::Version) -> Result<ExitCode> {
    let prepared = match message.prepare(1) {
        Ok(prepared) => prepared,
        Err(MessageError::Text(smppkit_client::SplitError::Unencodable(unencodable))) if args.json => {
            let characters: Vec<_> = unencodable
                .characters
                .iter()
                .map(|(index, character)| json!({"index": index, "character": character}))
                .collect();
            json_line(&json!({"error": "cannot be encoded so", "unencodable": characters}));
            return Ok(ExitCode::from(2));
        }
        Err(error) => return Err(error.into()),
    };
    prepared.check(version)?;
    let pdus = if args.dry_run { prepared.pdus(version) } else { Vec::new() };
    if args.json {
        let mut document = prepared.json();
        if let (true, Some(object)) = (args.dry_run, document.as_object_mut()) {
            object.insert("pdus".to_owned(), pdus.into());
        }
        json_line(&document);
    } else {
        let lines = Prepared::lines(&prepared);
        lines.iter().chain(&pdus).for_each(|text| line(text));
    }
    Ok(ExitCode::SUCCESS)
}

/// Shows steps.
struct Teller {
    json: bool,
    quiet: bool,
    progress: Progress,
}

impl Teller {
    fn tell(&mut self, step: &Step) {
        if let Step::Submitted { .. } | Step::Refused { .. } = step {
            self.progress.step();
        }
        let wrong = matches!(step, Step::Refused { .. });
        if self.json {
            json_line(&as_json(step));
        } else if !self.quiet || wrong {
            self.progress.clear();
            line(&as_text(step));
        }
    }
}

fn as_json(step: &Step) -> serde_json::Value {
    let ms = |time: &Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    match step {
        Step::Prepared { encoding, characters, parts } => json!({
            "step": "prepared", "encoding": encoding, "characters": characters, "parts": parts
        }),
        Step::Bound { system_id, version, mode } => json!({
            "step": "bound", "system_id": system_id, "version": version.to_string(), "mode": mode.name()
        }),
        Step::Submitted { to, part, parts, data_coding, message_id, after } => json!({
            "step": "submitted", "to": to, "part": part, "parts": parts, "data_coding": data_coding,
            "message_id": message_id, "after_ms": ms(after)
        }),
        Step::Refused { to, part, parts, status, why } => json!({
            "step": "refused", "to": to, "part": part, "parts": parts,
            "command_status": status.map(|status| status.to_string()), "error": why
        }),
        Step::Receipt { message_id, state, error, after } => json!({
            "step": "receipt", "message_id": message_id, "message_state": state.to_string(), "err": error,
            "after_ms": ms(after)
        }),
        Step::Notification { message_id, state, after } => json!({
            "step": "notification", "message_id": message_id,
            "message_state": state.map(|state| state.to_string()), "after_ms": ms(after)
        }),
        Step::Incoming { from, to, text } => json!({
            "step": "incoming", "source_addr": from, "destination_addr": to, "text": text
        }),
    }
}

fn as_text(step: &Step) -> String {
    let shown = |text: &str| text.escape_debug().to_string();
    let to = |to: &[String]| to.iter().map(|to| shown(to)).collect::<Vec<_>>().join(", ");
    match step {
        Step::Prepared { encoding, characters, parts: 1 } => {
            format!("{characters} characters in {encoding}, one part")
        }
        Step::Prepared { encoding, characters, parts } => {
            format!("{characters} characters in {encoding}, {parts} parts")
        }
        Step::Bound { system_id, version, mode: BindMode::Receiver } => {
            format!("bound to {} speaking SMPP {version}, to receive", shown(system_id))
        }
        Step::Bound { system_id, version, .. } => {
            format!("bound to {} speaking SMPP {version}", shown(system_id))
        }
        Step::Submitted { part, parts, message_id, .. } => {
            format!("part {part} of {parts} accepted: message_id {}", shown(message_id))
        }
        Step::Refused { to: destinations, part, parts, why, .. } => {
            format!("part {part} of {parts} to {} {}", to(destinations), shown(why))
        }
        Step::Receipt { message_id, state, error, after } => {
            let error = error.as_deref().filter(|error| !error.trim_matches('0').is_empty());
            let error = error.map_or_else(String::new, |error| format!(", err {}", shown(error)));
            format!("receipt for {}: {state}{error} after {:.1} s", shown(message_id), after.as_secs_f64())
        }
        Step::Notification { message_id, state, after } => {
            let state = state.map_or_else(|| "on its way".to_owned(), |state| state.to_string());
            format!("news of {}: {state} after {:.1} s", shown(message_id), after.as_secs_f64())
        }
        Step::Incoming { from, to, text } => {
            format!("message from {} to {}: {}", shown(from), shown(to), shown(text))
        }
    }
}

/// How far it is, on a terminal that steps are not written to.
struct Progress {
    done: u64,
    total: u64,
    shown: bool,
}

impl Progress {
    fn new(repeat: u64, args: &Args) -> Self {
        let shown = repeat > 1 && std::io::stderr().is_terminal() && !args.quiet;
        Self { done: 0, total: repeat * args.to.len().max(1) as u64, shown }
    }

    fn step(&mut self) {
        self.done += 1;
        if self.shown {
            eprint!("\r{} requests answered; {} messages in all", self.done, self.total);
        }
    }

    /// Makes room for a line.
    fn clear(&self) {
        if self.shown {
            eprint!("\r\u{1b}[K");
        }
    }

    fn end(&self) {
        if self.shown {
            eprintln!();
        }
    }
}

/// A result. A reader that went away ends nothing.
pub(crate) fn line(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// JSON on a line of its own, control characters escaped: a terminal must not obey what a peer sent.
pub(crate) fn json_line(json: &serde_json::Value) {
    use std::fmt::Write as _;
    let text = json.to_string().chars().fold(String::new(), |mut text, character| {
        if character.is_control() {
            // Writing to a String cannot fail. Strings are the only place for them.
            let _ = write!(text, "\\u{:04x}", u32::from(character));
        } else {
            text.push(character);
        }
        text
    });
    line(&text);
}

/// Done at ctrl-c or SIGTERM.
pub(crate) async fn interrupted() {
    #[cfg(unix)]
    if let Ok(mut terminate) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
        return;
    }
    let _ = tokio::signal::ctrl_c().await;
}

fn encodings() -> Vec<&'static str> {
    EncodingChoice::NAMES.iter().map(|(name, _)| *name).chain(["binary"]).collect()
}

fn submitting(text: &str) -> Result<BindMode, String> {
    match text.parse() {
        Ok(BindMode::Receiver) => Err("a receiver cannot submit: want tx or trx".to_owned()),
        Ok(mode) => Ok(mode),
        Err(error) => Err(error.to_string()),
    }
}

/// `NAME=VALUE`.
pub(crate) fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or_else(|| format!("{text:?} is no NAME=VALUE"))?;
    if name.is_empty() {
        Err(format!("{text:?} has no name"))
    } else {
        Ok((name.to_owned(), value.to_owned()))
    }
}

fn rate(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix("/s").unwrap_or(text).parse::<f64>().ok();
    let possible = number.filter(|rate| (0.001..=1_000_000.0).contains(rate));
    possible.ok_or_else(|| format!("{text:?} is no rate such as 20/s"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_and_pairs_are_read() {
        assert_eq!(rate("20/s"), Ok(20.0));
        assert!(rate("0").is_err() && rate("fast").is_err());
        assert_eq!(pair("a=b=c"), Ok(("a".to_owned(), "b=c".to_owned())));
        assert!(pair("a").is_err() && pair("=b").is_err());
    }
}
