//! smppkit beside its peers, and beside what this machine can do at all.
//!
//! Every comparison is made in one run, its contenders taking turns, for a figure of one day says
//! little about another's. docs/benchmarks.md tells the method and has the results.

mod alloc;
mod codec;
mod frames;
mod gateway;
mod idle;
mod load;
mod process;
mod report;
mod serve;
mod sessions;
mod sink;
mod stall;
mod stats;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::report::Report;

#[global_allocator]
static COUNTING: alloc::Counting = alloc::Counting;

/// smppkit side by side with its peers and with the machine's ceiling.
#[derive(Debug, Parser)]
#[command(
    name = "smppkit-bench",
    max_term_width = 100,
    after_help = "\
Examples:
  cargo xtask bench                          everything, three and a half minutes once built
  cargo xtask bench codec
  cargo xtask bench sessions --windows 1,1000 --rounds 5
  cargo xtask bench --json all > figures.json

Exit codes: 0 measured, 1 a session stalled, 2 could not measure. A missed goal is told, and no failure."
)]
struct Cli {
    /// Print JSON instead of tables
    #[arg(long, global = true)]
    json: bool,
    /// The smppkit program under test; without it the one of this repository is built
    #[arg(long, global = true, value_name = "FILE", env = "SMPPKIT")]
    smppkit: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Everything below, one after another (default)
    All,
    /// PDUs to and from octets: time and allocations for each
    Codec(codec::Args),
    /// Messages over loopback: servers under one load, then clients with their own servers
    Sessions(sessions::Args),
    /// Memory of bound sessions that say nothing
    Idle(idle::Args),
    /// Whether any window makes a session stall
    Stall(stall::Args),
    /// Durable messages through a gateway, from ESMEs to a message centre and their receipts back
    Gateway(gateway::Args),
    /// A server to be measured; says where it listens, then serves until it is ended
    #[command(hide = true)]
    Serve(serve::Args),
    /// A client that measures; prints what it measured
    #[command(hide = true)]
    Load(load::Args),
    /// The ESMEs of `gateway`
    #[command(hide = true)]
    GatewayLoad(gateway::LoadArgs),
    /// The message centre of `gateway`
    #[command(hide = true)]
    GatewaySink(gateway::SinkArgs),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    process::raise_descriptor_limit();
    match run(cli) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("smppkit-bench: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn run(cli: Cli) -> Result<ExitCode> {
    let program = || process::smppkit(cli.smppkit.as_deref());
    let mut reports = Vec::new();
    match cli.command.unwrap_or(Command::All) {
        Command::Serve(args) => return serve::run(&args).map(|()| ExitCode::SUCCESS),
        Command::Load(args) => return load::run(&args).map(|()| ExitCode::SUCCESS),
        Command::GatewayLoad(args) => return gateway::load(&args).map(|()| ExitCode::SUCCESS),
        Command::GatewaySink(args) => return gateway::sink(&args).map(|()| ExitCode::SUCCESS),
        Command::Gateway(args) => reports.push(gateway::run(&args, &program()?)?),
        Command::Codec(args) => reports.push(codec::run(&args)),
        Command::Sessions(args) => reports.push(sessions::run(&args, &program()?)?),
        Command::Idle(args) => reports.push(idle::run(&args, &program()?)?),
        Command::Stall(args) => reports.push(stall::run(&args)?),
        Command::All => {
            let program = program()?;
            reports.push(codec::run(&codec::Args::default()));
            reports.push(sessions::run(&sessions::Args::default(), &program)?);
            reports.push(idle::run(&idle::Args::default(), &program)?);
            reports.push(stall::run(&stall::Args::default())?);
        }
    }
    if cli.json {
        report::print_json(&reports)?;
    } else {
        report::print_tables(&reports);
    }
    let failed = reports.iter().any(|report: &Report| report.failed);
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
