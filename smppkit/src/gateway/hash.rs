//! `smppkit gateway hash`.

use std::io::Read as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};

/// Print a password as a file of settings may hold it, for the gateway that uses this data directory
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  smppkit gateway hash --data /var/lib/smppkit shop - < password
  smppkit gateway hash --data /var/lib/smppkit shop s3cret

It is made with the directory's server.key, and means nothing without it. A directory that is not
there is made, with a key.")]
pub(super) struct Args {
    /// Where that gateway keeps its messages
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The account's system_id
    #[arg(value_name = "ID")]
    system_id: String,
    /// Its password; - is standard input, which other users of the machine do not see
    #[arg(value_name = "PASSWORD")]
    password: String,
}

pub(super) fn run(args: Args) -> Result<ExitCode> {
    let mut password = args.password;
    if password == "-" {
        password.clear();
        std::io::stdin().take(1_000).read_to_string(&mut password).context("cannot read standard input")?;
        password.truncate(password.trim_end_matches(['\r', '\n']).len());
    }
    let secret = smppkit_gateway::hash(&args.data, &args.system_id, &password)?;
    println!("{secret}");
    Ok(ExitCode::SUCCESS)
}
