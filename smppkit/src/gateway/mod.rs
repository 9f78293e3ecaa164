//! `smppkit gateway`.

mod explain;
mod hash;
mod question;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::Subcommand;
use smppkit_gateway::{Gateway, Settings, Watch};

use crate::stop::{Signals, stopped};

pub(crate) use self::question::{Question, code, say};

/// Run a durable SMS gateway and router.
///
/// ESMEs bind to it, it binds to message centres. A submit_sm is answered when its message is on disk;
/// from then on it is delivered, or its sender is told why not, whatever is restarted in between.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
#[command(after_help = "\
Examples:
  smppkit gateway --config gateway.toml
  smppkit gateway --config gateway.toml --check
  smppkit gateway --config gateway.toml --data /var/lib/smppkit
  smppkit gateway explain --config gateway.toml --account shop --to 447700900123

Exit codes: 0 stopped, 2 wrong usage or settings, 3 an address cannot be listened on or the data
directory cannot be used, 130 ended by a second signal.")]
pub(crate) struct Args {
    /// Read all settings from this file; it is read again on SIGHUP and when it changes
    #[arg(long, value_name = "FILE", required = true)]
    config: Option<PathBuf>,
    /// Only say whether the settings are good
    #[arg(long)]
    check: bool,
    /// Where messages are kept, whatever the file says
    #[arg(long, value_name = "DIR", help_heading = "Operation")]
    data: Option<PathBuf>,
    #[command(flatten)]
    client: crate::console::ClientArgs,
    /// Logs as JSON, a line each
    #[arg(long, help_heading = "Output")]
    json: bool,
    /// Only warnings and errors
    #[arg(long, short, help_heading = "Output")]
    quiet: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    Explain(Box<explain::Args>),
    Hash(hash::Args),
}

pub(crate) fn run(args: Args) -> Result<ExitCode> {
    match args.command {
        Some(Command::Explain(args)) => return explain::run(*args),
        Some(Command::Hash(args)) => return hash::run(args),
        None => {}
    }
    let config = args.config.context("there is no --config")?;
    crate::logs::set_up(args.json, if args.quiet { "warn" } else { "info" });
    keep_pages_small();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let entered = runtime.enter();
    // Caught before anything is said, and watched before it is read: nothing that comes meanwhile is lost.
    let signals = Signals::caught()?;
    let watch = Watch::new(&config)?;
    let mut settings: Settings =
        smppkit_gateway::load(&config).map_err(|error| anyhow::anyhow!("{error}"))?;
    if let Some(data) = args.data {
        settings.data = data;
    }
    if args.check {
        println!("the settings are good");
        return Ok(ExitCode::SUCCESS);
    }
    drop(entered);
    runtime.block_on(async {
        let gateway = match Gateway::bind(settings, Some((config, watch))).await {
            Ok(gateway) => gateway,
            Err(error) => {
                eprintln!("smppkit: {error}");
                return Ok(ExitCode::from(if error.is_usage() { 2 } else { 3 }));
            }
        };
        tell(&gateway, args.json)?;
        gateway.serve(crate::console::pages(&args.client), stopped(signals)).await;
        Ok(ExitCode::SUCCESS)
    })
}

/// The lines that scripts wait for, and people read.
fn tell(gateway: &Gateway, json: bool) -> Result<()> {
    let mut out = std::io::stdout().lock();
    for listening in gateway.listening() {
        let (address, tls) = (listening.address, listening.tls);
        if json {
            writeln!(out, r#"{{"listening":"{address}","tls":{tls}}}"#)?;
        } else {
            writeln!(out, "listening on {address}{}", if tls { " (TLS)" } else { "" })?;
        }
    }
    if let Some((admin, link)) = gateway.admin().zip(gateway.link()) {
        if json {
            writeln!(out, r#"{{"admin":"http://{admin}","console":"{link}"}}"#)?;
        } else {
            writeln!(out, "REST, metrics and health on http://{admin}")?;
            writeln!(out, "console {link}")?;
        }
    }
    out.flush()?;
    Ok(())
}

/// Does without huge pages. The system clears one whole before its first use: two MiB were measured to take
/// 6 ms, and every answer waited for it. Pages of 4 KiB are cleared as memory grows.
fn keep_pages_small() {
    // A system without such a setting has no such pages.
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::disable_transparent_huge_pages(true);
}
