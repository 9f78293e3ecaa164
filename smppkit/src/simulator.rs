//! `smppkit simulator`.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use smppkit_simulator::{Account, Config, GateLimits, Identity, Network, SessionConfig, Simulator, Version};

/// Run an SMSC to test SMPP applications against.
///
/// Without flags it listens on 127.0.0.1:2775, lets anybody bind, delivers every message after a
/// second and sends the receipts that were asked for. A message to one's own system_id comes back
/// as a mobile-originated one.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  smppkit simulator
  smppkit simulator --listen 127.0.0.1:0 --account app:secret --mo-number 12345
  smppkit simulator --tls-listen 127.0.0.1:8775 --receipt-delay 5s
  smppkit simulator --outbind 127.0.0.1:2776      bind an ESME that listens")]
pub(crate) struct Args {
    /// Listen for SMPP here; repeatable. Port 0 takes a free port, which is printed
    #[arg(long, value_name = "ADDR:PORT", help_heading = "Listening")]
    listen: Vec<SocketAddr>,
    /// Listen for SMPP over TLS here; repeatable. 8775 is a usual port
    #[arg(long, value_name = "ADDR:PORT", help_heading = "Listening")]
    tls_listen: Vec<SocketAddr>,
    /// Certificate chain to show, as PEM; without it one is made for this run
    #[arg(long, value_name = "FILE", requires = "tls_key", help_heading = "Listening")]
    tls_cert: Option<PathBuf>,
    /// Its private key, as PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert", help_heading = "Listening")]
    tls_key: Option<PathBuf>,
    /// Ask clients for a certificate that one of these roots (PEM) vouches for
    #[arg(long, value_name = "FILE", help_heading = "Listening")]
    tls_client_ca: Option<PathBuf>,
    /// Let this account bind; repeatable. Without it any credentials bind
    #[arg(long = "account", value_name = "ID:PASSWORD", value_parser = Account::parse, help_heading = "Messages")]
    accounts: Vec<Account>,
    /// Messages to this number come back as mobile-originated ones; repeatable
    #[arg(long = "mo-number", value_name = "NUMBER", help_heading = "Messages")]
    mo_numbers: Vec<String>,
    /// From acceptance to delivery, and so to the receipt
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = duration, help_heading = "Messages")]
    receipt_delay: Duration,
    /// Connect to this ESME and ask it to bind; repeatable
    #[arg(long, value_name = "HOST:PORT", help_heading = "Listening")]
    outbind: Vec<String>,
    /// Connections from this network begin with a PROXY protocol header; repeatable
    #[arg(long = "proxy-from", value_name = "CIDR", help_heading = "Listening")]
    proxies: Vec<Network>,
    /// Name shown in bind responses
    #[arg(long, value_name = "ID", default_value = "smppkit", help_heading = "Messages")]
    system_id: String,
    /// Newest protocol version spoken
    #[arg(long, value_name = "VERSION", default_value = "5.0", help_heading = "Sessions")]
    protocol: Version,
    /// Time for a connection to bind; "off" for ever
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = optional_duration, help_heading = "Sessions")]
    session_init: OptionalDuration,
    /// Ask a silent peer whether it is alive after this time; "off" for never
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = optional_duration, help_heading = "Sessions")]
    enquire_link: OptionalDuration,
    /// Unbind a session without traffic after this time
    #[arg(long, value_name = "TIME", default_value = "off", value_parser = optional_duration, help_heading = "Sessions")]
    inactivity: OptionalDuration,
    /// Time for the peer to answer
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = optional_duration, help_heading = "Sessions")]
    response: OptionalDuration,
    /// Deliveries to a session that may wait for their answers
    #[arg(long, value_name = "N", default_value_t = 100, help_heading = "Sessions")]
    window: u32,
    /// Messages taken from a session in a second; more are answered ESME_RTHROTTLED
    #[arg(long, value_name = "N", help_heading = "Messages")]
    throughput: Option<u32>,
    /// Report this load (0 to 100) to 5.0 ESMEs in every response
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(0..=100), help_heading = "Messages")]
    congestion_state: Option<u8>,
    /// Connections in all; never more than the system has descriptors for
    #[arg(long, value_name = "N", default_value_t = GateLimits::default().connections, help_heading = "Limits")]
    max_connections: usize,
    /// Connections from one address
    #[arg(long, value_name = "N", default_value_t = GateLimits::default().connections_per_address, help_heading = "Limits")]
    max_connections_per_address: usize,
    /// Connections from one address that are not bound; beyond it the oldest is cut
    #[arg(long, value_name = "N", default_value_t = GateLimits::default().unbound_per_address, help_heading = "Limits")]
    max_unbound_per_address: usize,
    /// Sessions that one account may have bound at once
    #[arg(long, value_name = "N", default_value_t = Config::default().sessions_per_account, help_heading = "Limits")]
    max_sessions_per_account: usize,
    /// The longest PDU taken, in octets
    #[arg(long, value_name = "OCTETS", default_value_t = SessionConfig::default().pdu_limit_octets,
          value_parser = clap::value_parser!(u32).range(16..), help_heading = "Limits")]
    max_pdu: u32,
    /// Messages remembered for query_sm, cancel_sm and replace_sm
    #[arg(long, value_name = "N", default_value_t = Config::default().messages, help_heading = "Limits")]
    max_messages: usize,
    /// Time for sessions to unbind when the simulator is stopped
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = duration, help_heading = "Sessions")]
    drain_timeout: Duration,
    /// Show numbers and texts of messages whole, not masked
    #[arg(long, help_heading = "Output")]
    show_messages: bool,
    /// Logs as JSON, a line each
    #[arg(long, help_heading = "Output")]
    json: bool,
    /// Only warnings and errors
    #[arg(long, short, help_heading = "Output")]
    quiet: bool,
}

pub(crate) fn run(args: Args) -> Result<ExitCode> {
    let (json, quiet) = (args.json, args.quiet);
    crate::logs::set_up(json, if quiet { "warn" } else { "info" });
    let config = config(args)?;
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        let simulator = match Simulator::bind(config).await {
            Ok(simulator) => simulator,
            Err(error) => {
                eprintln!("smppkit: {error}");
                return Ok(ExitCode::from(3));
            }
        };
        let signals = Signals::caught()?;
        tell(&simulator, json)?;
        simulator.serve(stopped(signals)).await;
        Ok(ExitCode::SUCCESS)
    })
}

/// The lines that scripts wait for, and people read.
fn tell(simulator: &Simulator, json: bool) -> Result<()> {
    let mut out = std::io::stdout().lock();
    for listening in simulator.listening() {
        let (address, tls) = (listening.address, listening.tls);
        if json {
            writeln!(out, r#"{{"listening":"{address}","tls":{tls}}}"#)?;
        } else if tls {
            writeln!(out, "listening on {address} (TLS)")?;
        } else {
            writeln!(out, "listening on {address}")?;
        }
    }
    if !json && let Some(first) = simulator.listening().first() {
        let scheme = if first.tls { "--any-certificate --url ssmpp" } else { "--url smpp" };
        let address = first.address;
        writeln!(out, "try it: smppkit send {scheme}://me:secret@{address} --to 447700900123 'Hello'")?;
    }
    out.flush()?;
    Ok(())
}

fn config(args: Args) -> Result<Config> {
    let read =
        |path: &PathBuf| std::fs::read(path).with_context(|| format!("cannot read {}", path.display()));
    let tls_identity = match (&args.tls_cert, &args.tls_key) {
        (Some(certificates), Some(key)) => {
            Some(Identity { certificates: read(certificates)?, key: read(key)? })
        }
        _ => None,
    };
    let default = Config::default();
    let listen =
        if args.listen.is_empty() && args.tls_listen.is_empty() { default.listen } else { args.listen };
    if args.system_id.len() > 15 {
        bail!("--system-id {:?} is longer than 15 octets", args.system_id);
    }
    for number in &args.mo_numbers {
        if number.len() > 20 {
            bail!("--mo-number {number:?} is longer than 20 octets");
        }
    }
    let session = SessionConfig {
        version: args.protocol,
        session_init: args.session_init.0,
        enquire_link: args.enquire_link.0,
        inactivity: args.inactivity.0,
        response: args.response.0,
        send_window: args.window.max(1),
        receive_rate: args.throughput,
        pdu_limit_octets: args.max_pdu,
        ..default.session
    };
    Ok(Config {
        listen,
        tls_listen: args.tls_listen,
        tls_identity,
        tls_client_roots: args.tls_client_ca.as_ref().map(read).transpose()?,
        outbind: args.outbind,
        proxies: args.proxies,
        accounts: args.accounts,
        mo_numbers: args.mo_numbers,
        receipt_delay: args.receipt_delay,
        system_id: args.system_id,
        session,
        gate: GateLimits {
            connections: args.max_connections,
            connections_per_address: args.max_connections_per_address,
            unbound_per_address: args.max_unbound_per_address,
        },
        sessions_per_account: args.max_sessions_per_account,
        messages: args.max_messages,
        congestion_state: args.congestion_state,
        drain_timeout: args.drain_timeout,
        show_messages: args.show_messages,
        ..Config::default()
    })
}

/// The signals that end the program, caught from the moment this is made: one that comes before
/// the first is waited for must drain, too.
struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    #[cfg(unix)]
    fn caught() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    #[cfg(unix)]
    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }

    #[cfg(not(unix))]
    #[allow(clippy::unnecessary_wraps, reason = "as where there are signals")]
    fn caught() -> std::io::Result<Self> {
        Ok(Self {})
    }

    #[cfg(not(unix))]
    async fn next(&mut self) {
        let _ = tokio::signal::ctrl_c().await;
    }
}

/// SIGTERM or ctrl-c; the second one ends the process at once.
async fn stopped(mut signals: Signals) {
    signals.next().await;
    tokio::spawn(async move {
        signals.next().await;
        std::process::exit(130);
    });
}

/// A time, or never.
#[derive(Debug, Clone, Copy)]
struct OptionalDuration(Option<Duration>);

fn optional_duration(text: &str) -> Result<OptionalDuration, String> {
    if text == "off" {
        Ok(OptionalDuration(None))
    } else {
        duration(text).map(|time| OptionalDuration(Some(time)))
    }
}

/// `500ms`, `1s`, `2m`, `1h`; a bare number is seconds.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: f64 =
        digits.parse().map_err(|_| format!("{text:?} is not a time such as 500ms, 1s, 2m, 1h"))?;
    let seconds = match &text[digits.len()..] {
        "ms" => number / 1_000.0,
        "" | "s" => number,
        "m" => number * 60.0,
        "h" => number * 3_600.0,
        unit => return Err(format!("{unit:?} is not a unit of time: want ms, s, m or h")),
    };
    Duration::try_from_secs_f64(seconds).map_err(|error| format!("{text:?}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units_and_bad_ones_are_named() {
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("1.5s"), Ok(Duration::from_millis(1_500)));
        assert_eq!(duration("2m"), Ok(Duration::from_secs(120)));
        assert!(duration("1x").unwrap_err().contains("\"x\""));
        assert!(duration("-1s").is_err() && duration("soon").is_err());
    }
}
