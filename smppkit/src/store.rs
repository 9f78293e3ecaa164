//! `smppkit store`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;
use serde_json::json;
use smppkit_gateway::{Offline, OfflineError};

/// Look after a gateway's messages while it does not run.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  smppkit store check --data /var/lib/smppkit
  smppkit store stats --data /var/lib/smppkit --json
  smppkit store backup --data /var/lib/smppkit --to /backup/monday.sqlite

A running gateway copies its store by POST /api/v1/backup.

Exit codes: 0 good, 1 something is wrong with the store, 2 wrong usage, 3 it cannot be opened, as
while a gateway runs on it.")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Read everything, and say what is wrong with it
    #[command(after_help = "\
Example:
  smppkit store check --data /var/lib/smppkit")]
    Check(Which),
    /// Copy it into a new file
    #[command(after_help = "\
Example:
  smppkit store backup --data /var/lib/smppkit --to /backup/monday.sqlite

To use the copy, put it into a directory as messages.sqlite, with a copy of server.key beside it.")]
    Backup {
        #[command(flatten)]
        which: Which,
        /// The file, which is not there yet
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
    },
    /// How many messages it holds, and what waits
    #[command(after_help = "\
Example:
  smppkit store stats --data /var/lib/smppkit --json")]
    Stats(Which),
}

#[derive(Debug, clap::Args)]
struct Which {
    /// Where the gateway keeps its messages
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The answer as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: Args) -> Result<ExitCode> {
    let done = match args.command {
        Command::Check(which) => check(&which),
        Command::Backup { which, to } => backup(&which, &to),
        Command::Stats(which) => stats(&which),
    };
    done.or_else(|error| {
        eprintln!("smppkit: {error}");
        Ok(ExitCode::from(if error.is_usage() { 2 } else { 3 }))
    })
}

fn check(which: &Which) -> Result<ExitCode, OfflineError> {
    let wrong = Offline::open(&which.data)?.check()?;
    if which.json {
        println!("{}", json!({"good": wrong.is_empty(), "wrong": wrong}));
    } else {
        for line in &wrong {
            println!("{line}");
        }
        if wrong.is_empty() {
            println!("the store is good");
        }
    }
    Ok(ExitCode::from(u8::from(!wrong.is_empty())))
}

fn backup(which: &Which, to: &std::path::Path) -> Result<ExitCode, OfflineError> {
    Offline::open(&which.data)?.backup(to)?;
    if which.json {
        println!("{}", json!({"file": to.display().to_string()}));
    } else {
        println!("copied to {}", to.display());
    }
    Ok(ExitCode::SUCCESS)
}

fn stats(which: &Which) -> Result<ExitCode, OfflineError> {
    let stats = Offline::open(&which.data)?.stats();
    let totals = stats.totals;
    let states = [
        ("accepted", totals.accepted),
        ("open", totals.open),
        ("delivered", totals.delivered),
        ("failed", totals.failed),
        ("expired", totals.expired),
        ("cancelled", totals.cancelled),
        ("orphans", totals.orphans),
    ];
    if which.json {
        let messages: serde_json::Map<_, _> =
            states.into_iter().map(|(state, count)| (state.to_owned(), count.into())).collect();
        let queues: Vec<_> =
            stats.queues.iter().map(|(queue, waiting)| json!({"queue": queue, "waiting": waiting})).collect();
        let conserved = totals.is_conserved();
        println!(
            "{}",
            json!({"messages": messages, "is_conserved": conserved, "queues": queues, "octets": stats.octets})
        );
    } else {
        for (state, count) in states {
            println!("{state:<10} {count}");
        }
        println!("{:<10} {}", "octets", stats.octets);
        for (queue, waiting) in &stats.queues {
            println!("{waiting} wait in {}", smppkit_inspect::printable(queue));
        }
    }
    Ok(ExitCode::SUCCESS)
}
