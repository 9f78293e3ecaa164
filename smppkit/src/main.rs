//! One binary for everyone who touches SMPP: parses arguments and hands over.
#![forbid(unsafe_code)]

mod completions;
mod console;
mod ctl;
mod demo;
mod gateway;
mod inspect;
mod listen;
mod logs;
mod man;
mod script;
mod send;
mod simulator;
mod stop;
mod store;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// SMPP 3.3, 3.4 and 5.0: a durable gateway, a simulator to test against, a client, a way to look at PDUs.
#[derive(Debug, Parser)]
#[command(name = "smppkit", version, propagate_version = true, max_term_width = 100)]
#[command(after_help = "\
Examples:
  smppkit demo                                          a gateway, an SMSC behind it, and traffic
  smppkit gateway --config gateway.toml                 a durable gateway and router
  smppkit simulator                                     an SMSC on 127.0.0.1:2775
  smppkit send --to 447700900123 'Hello'                one message to it, and its receipt
  smppkit listen                                        what comes in, as it comes
  smppkit console --connect http://127.0.0.1:2781       a gateway's pages, in a browser
  smppkit ctl mo --from 447700900123 'Hi'               a running simulator, told what to do
  smppkit script smoke.smpp                             a test of any server, for CI
  smppkit inspect 00000010000000150000000000000007      what these octets say

Exit codes: 0 good, 1 the check failed, 2 wrong usage or configuration, 3 no connection or bind,
130 interrupted.")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Demo(demo::Args),
    Simulator(Box<simulator::Args>),
    Gateway(Box<gateway::Args>),
    Store(store::Args),
    Console(console::Args),
    Ctl(Box<ctl::Args>),
    Send(Box<send::Args>),
    Listen(Box<listen::Args>),
    Script(Box<script::Args>),
    Inspect(inspect::Args),
    Completions(completions::Args),
    Man(man::Args),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.command {
        Command::Demo(args) => demo::run(&args),
        Command::Simulator(args) => simulator::run(*args),
        Command::Gateway(args) => gateway::run(*args),
        Command::Store(args) => store::run(args),
        Command::Console(args) => console::run(&args),
        Command::Ctl(args) => ctl::run(*args),
        Command::Send(args) => send::run(*args),
        Command::Listen(args) => listen::run(*args),
        Command::Script(args) => script::run(&args),
        Command::Inspect(args) => inspect::run(&args),
        Command::Completions(args) => Ok(completions::run(&args, Cli::command())),
        Command::Man(args) => man::run(&args, Cli::command()),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("smppkit: {error:#}");
            ExitCode::from(2)
        }
    }
}
