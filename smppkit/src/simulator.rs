//! `smppkit simulator`.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail};
use smppkit_simulator::{
    Account, AdminSettings, Clock, Delay, MoFile, Network, PRESETS, Settings, Simulator, SmscSettings, Span,
    Timeout, Token, Version, Watch,
};

use crate::stop::{Signals, stopped};

/// Run an SMSC to test SMPP applications against.
///
/// Without flags it listens on 127.0.0.1:2775, lets anybody bind, delivers every message after a
/// second and sends the receipts that were asked for. A message to one's own system_id comes back
/// as a mobile-originated one. Rules, faults, dialects and several SMSCs at once: see --config.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  smppkit simulator
  smppkit simulator --listen 127.0.0.1:0 --account app:secret --mo-number 12345
  smppkit simulator --preset flaky --seed 7 --dialect hex-to-decimal
  smppkit simulator --config simulator.toml --check
  smppkit simulator --tls-listen 127.0.0.1:8775 --receipt-delay 1s..5s
  smppkit simulator --outbind 127.0.0.1:2776      bind an ESME that listens

Exit codes: 0 stopped, 2 wrong usage or settings, 3 an address cannot be listened on,
130 ended by a second signal.")]
pub(crate) struct Args {
    /// Read all settings from this file; it is read again on SIGHUP and when it changes
    #[arg(long, value_name = "FILE", conflicts_with = "SmscArgs")]
    config: Option<PathBuf>,
    /// Only say whether the settings are good
    #[arg(long)]
    check: bool,
    /// List the presets, and end
    #[arg(long, exclusive = true)]
    presets: bool,
    /// List the dialects of receipts, and end
    #[arg(long, exclusive = true)]
    dialects: bool,
    #[command(flatten)]
    client: crate::console::ClientArgs,
    #[command(flatten)]
    smsc: SmscArgs,
    /// Serve REST, metrics and health here; "off" for nowhere. Without --listen the default is
    /// 127.0.0.1:2780, where that is free
    #[arg(long, value_name = "ADDR:PORT", help_heading = "Operation")]
    admin: Option<String>,
    /// What requests there must bring as bearer token; needed beyond loopback
    #[arg(
        long,
        value_name = "TOKEN",
        env = "SMPPKIT_ADMIN_TOKEN",
        hide_env_values = true,
        help_heading = "Operation"
    )]
    admin_token: Option<String>,
    /// Time for sessions to unbind when the simulator is stopped
    #[arg(long, value_name = "TIME", help_heading = "Operation")]
    drain_timeout: Option<Span>,
    /// What all chance is made from: the same seed and input give the same behaviour
    #[arg(long, value_name = "N", help_heading = "Operation")]
    seed: Option<u64>,
    /// What the time is taken for at the start, such as 2026-11-22T12:00:00Z
    #[arg(long, value_name = "TIME", help_heading = "Operation")]
    clock: Option<Clock>,
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

/// The settings of a single SMSC.
#[derive(Debug, clap::Args)]
struct SmscArgs {
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
    /// Connect to this ESME and ask it to bind; repeatable
    #[arg(long, value_name = "HOST:PORT", help_heading = "Listening")]
    outbind: Vec<String>,
    /// Connections from this network begin with a PROXY protocol header; repeatable
    #[arg(long = "proxy-from", value_name = "CIDR", help_heading = "Listening")]
    proxies: Vec<Network>,
    /// Let this account bind; repeatable. Without it any credentials bind
    #[arg(long = "account", value_name = "ID:PASSWORD", value_parser = Account::parse, help_heading = "Messages")]
    accounts: Vec<Account>,
    /// Name shown in bind responses
    #[arg(long, value_name = "ID", default_value = "smppkit", help_heading = "Messages")]
    system_id: String,
    /// Rules that come with the simulator: see --presets; repeatable
    #[arg(long = "preset", value_name = "NAME", help_heading = "Messages")]
    presets_used: Vec<String>,
    /// The form of message_id and receipts: see --dialects
    #[arg(long, value_name = "NAME", default_value = "standard", help_heading = "Messages")]
    dialect: String,
    /// From acceptance to delivery, and so to the receipt: 1s, 1s..5s, 2s+-500ms, "p50=1s p99=9s"
    #[arg(long, value_name = "TIME", default_value = "1s", help_heading = "Messages")]
    receipt_delay: Delay,
    /// Messages to this number come back as mobile-originated ones; repeatable
    #[arg(long = "mo-number", value_name = "NUMBER", help_heading = "Messages")]
    mo_numbers: Vec<String>,
    /// All messages come back
    #[arg(long, help_heading = "Messages")]
    loopback: bool,
    /// Send mobile-originated messages from this file: source_addr,destination_addr,text on a line
    #[arg(long, value_name = "FILE", help_heading = "Messages")]
    mo_csv: Option<PathBuf>,
    /// So many of them in a second
    #[arg(long, value_name = "N", default_value_t = 1, requires = "mo_csv", help_heading = "Messages")]
    mo_rate: u32,
    /// Messages taken from a session in a second; more are answered ESME_RTHROTTLED
    #[arg(long, value_name = "N", help_heading = "Messages")]
    throughput: Option<u32>,
    /// Report this load (0 to 100) to 5.0 ESMEs in every response
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(0..=100), help_heading = "Messages")]
    congestion_state: Option<u8>,
    /// Newest protocol version spoken
    #[arg(long, value_name = "VERSION", default_value = "5.0", help_heading = "Sessions")]
    protocol: Version,
    /// Time for a connection to bind; "off" for ever
    #[arg(long, value_name = "TIME", default_value = "5s", help_heading = "Sessions")]
    session_init: Timeout,
    /// Ask a silent peer whether it is alive after this time; "off" for never
    #[arg(long, value_name = "TIME", default_value = "30s", help_heading = "Sessions")]
    enquire_link: Timeout,
    /// Unbind a session without traffic after this time
    #[arg(long, value_name = "TIME", default_value = "off", help_heading = "Sessions")]
    inactivity: Timeout,
    /// Time for the peer to answer
    #[arg(long, value_name = "TIME", default_value = "30s", help_heading = "Sessions")]
    response: Timeout,
    /// Deliveries to a session that may wait for their answers
    #[arg(long, value_name = "N", default_value_t = 100, help_heading = "Sessions")]
    window: u32,
    /// Connections in all; never more than the system has descriptors for
    #[arg(long, value_name = "N", default_value_t = Settings::default().connections, help_heading = "Limits")]
    max_connections: usize,
    /// Connections from one address
    #[arg(long, value_name = "N", default_value_t = Settings::default().connections_per_address, help_heading = "Limits")]
    max_connections_per_address: usize,
    /// Connections from one address that are not bound; beyond it the oldest is cut
    #[arg(long, value_name = "N", default_value_t = Settings::default().unbound_per_address, help_heading = "Limits")]
    max_unbound_per_address: usize,
    /// Sessions that one account may have bound at once
    #[arg(long, value_name = "N", default_value_t = SmscSettings::default().sessions_per_account, help_heading = "Limits")]
    max_sessions_per_account: usize,
    /// The longest PDU taken, in octets
    #[arg(long, value_name = "OCTETS", default_value_t = SmscSettings::default().max_pdu.0,
          value_parser = clap::value_parser!(u64).range(16..=u64::from(u32::MAX)), help_heading = "Limits")]
    max_pdu: u64,
    /// Messages remembered for query_sm, cancel_sm and replace_sm
    #[arg(long, value_name = "N", default_value_t = SmscSettings::default().messages, help_heading = "Limits")]
    max_messages: usize,
}

pub(crate) fn run(mut args: Args) -> Result<ExitCode> {
    let client = std::mem::take(&mut args.client);
    if args.presets {
        return list(PRESETS.iter().map(|preset| (preset.name, preset.about())));
    }
    if args.dialects {
        return list(smppkit_simulator::Dialect::all().map(|(name, dialect)| (name, dialect.about.clone())));
    }
    let (json, quiet, check, config) = (args.json, args.quiet, args.check, args.config.clone());
    crate::logs::set_up(json, if quiet { "warn" } else { "info" });
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let entered = runtime.enter();
    // Caught before anything is said: what comes after a line that says it runs must find it ready. And
    // the file is watched before it is read, or a change meanwhile would be lost.
    let signals = Signals::caught()?;
    let watch = config.as_ref().map(Watch::new).transpose()?;
    let (settings, admin_is_wish) = settings(args)?;
    if check {
        settings.check().map_err(anyhow::Error::msg)?;
        println!("the settings are good");
        return Ok(ExitCode::SUCCESS);
    }
    drop(entered);
    runtime.block_on(async {
        let simulator = match Simulator::bind(settings, config.zip(watch), admin_is_wish).await {
            Ok(simulator) => simulator,
            Err(error) => {
                eprintln!("smppkit: {error}");
                return Ok(ExitCode::from(if error.is_usage() { 2 } else { 3 }));
            }
        };
        tell(&simulator, json)?;
        simulator.serve(crate::console::pages(&client), stopped(signals)).await;
        Ok(ExitCode::SUCCESS)
    })
}

fn list(rows: impl Iterator<Item = (&'static str, String)>) -> Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    for (name, about) in rows {
        writeln!(out, "{name:<22} {about}")?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The lines that scripts wait for, and people read.
fn tell(simulator: &Simulator, json: bool) -> Result<()> {
    let mut out = std::io::stdout().lock();
    let several = simulator.listening().any(|listening| listening.smsc != "smsc");
    for listening in simulator.listening() {
        let (address, tls, smsc) = (listening.address, listening.tls, &listening.smsc);
        if json {
            writeln!(out, r#"{{"listening":"{address}","tls":{tls},"smsc":{smsc:?}}}"#)?;
            continue;
        }
        let tls = if tls { " (TLS)" } else { "" };
        let smsc = if several { format!(" as {smsc}") } else { String::new() };
        writeln!(out, "listening on {address}{tls}{smsc}")?;
    }
    if let Some((admin, link)) = simulator.admin().zip(simulator.link()) {
        if json {
            writeln!(out, r#"{{"admin":"http://{admin}","console":"{link}"}}"#)?;
        } else {
            writeln!(out, "REST, metrics and health on http://{admin}")?;
            writeln!(out, "console {link}")?;
        }
    }
    if !json && let Some(first) = simulator.listening().next() {
        let scheme = if first.tls { "--any-certificate --url ssmpp" } else { "--url smpp" };
        let address = first.address;
        writeln!(out, "try it: smppkit send {scheme}://me:secret@{address} --to 447700900123 'Hello'")?;
    }
    out.flush()?;
    Ok(())
}

/// The settings, and whether they are to be served on an admin address only where it is free.
fn settings(args: Args) -> Result<(Settings, bool)> {
    let wished = args.config.is_none() && args.smsc.listen.is_empty() && args.smsc.tls_listen.is_empty();
    let mut settings = match &args.config {
        Some(path) => smppkit_simulator::load(path).map_err(|error| anyhow::anyhow!("{error}"))?,
        None => from_flags(args.smsc)?,
    };
    if let Some(drain_timeout) = args.drain_timeout {
        settings.drain_timeout = drain_timeout;
    }
    settings.seed = args.seed.or(settings.seed);
    settings.clock = args.clock.or(settings.clock);
    settings.show_messages |= args.show_messages;
    let is_wish = wished && args.admin.is_none();
    match args.admin.as_deref() {
        Some("off") => settings.admin.listen = None,
        Some(address) => match address.parse() {
            Ok(address) => settings.admin.listen = Some(address),
            Err(_) => bail!("--admin {address:?} is neither an address with a port nor \"off\""),
        },
        None if wished => settings.admin.listen = Some(AdminSettings::USUAL),
        None => {}
    }
    if let Some(token) = args.admin_token {
        settings.admin.token =
            Some(Token::new(&token).map_err(|error| anyhow::anyhow!("--admin-token {error}"))?);
    }
    Ok((settings, is_wish))
}

fn from_flags(args: SmscArgs) -> Result<Settings> {
    let default = SmscSettings::default();
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
    for name in &args.presets_used {
        if smppkit_simulator::Preset::named(name).is_none() {
            bail!("--preset {name:?} is not known: `smppkit simulator --presets` lists them");
        }
    }
    let mo_file =
        args.mo_csv.map(|path| MoFile { path, system_id: None, rate: args.mo_rate.max(1), repeat: false });
    let smsc = SmscSettings {
        listen,
        tls_listen: args.tls_listen,
        tls_certificate: args.tls_cert,
        tls_key: args.tls_key,
        tls_client_ca: args.tls_client_ca,
        outbind: args.outbind,
        account: args.accounts,
        system_id: args.system_id,
        presets: args.presets_used,
        dialect: args.dialect,
        receipt_delay: args.receipt_delay,
        mo_numbers: args.mo_numbers,
        loopback: args.loopback,
        mo_file: mo_file.into_iter().collect(),
        throughput: args.throughput,
        congestion_state: args.congestion_state,
        version: args.protocol,
        session_init: args.session_init,
        enquire_link: args.enquire_link,
        inactivity: args.inactivity,
        response: args.response,
        window: args.window.max(1),
        max_pdu: smppkit_simulator::Size(args.max_pdu),
        sessions_per_account: args.max_sessions_per_account,
        messages: args.max_messages,
        ..default
    };
    Ok(Settings {
        connections: args.max_connections,
        connections_per_address: args.max_connections_per_address,
        unbound_per_address: args.max_unbound_per_address,
        proxies: args.proxies,
        smsc: vec![smsc],
        ..Settings::default()
    })
}
