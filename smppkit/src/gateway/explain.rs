//! `smppkit gateway explain`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};

use super::question::{self, Question};
use crate::ctl::{self, Admin};

/// Say where a message would go and why, without sending it
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  smppkit gateway explain --config gateway.toml --account shop --from SHOP --to 447700900123
  smppkit gateway explain --config gateway.toml --connector carrier --from 447700900123 --to 12345 --text STOP
  smppkit gateway explain --connect http://127.0.0.1:2781 --account shop --to 447700900123 --json

By a file, as if every connector that is enabled were up; by a running gateway, as they are now.

Exit codes: 0 it would be sent, 1 it would not, 2 wrong usage or settings, 3 no connection.")]
pub(super) struct Args {
    /// By the settings of this file
    #[arg(long, value_name = "FILE", required_unless_present = "connect", conflicts_with = "connect")]
    config: Option<PathBuf>,
    /// By a running gateway, whose REST interface is here
    #[arg(long, value_name = "URL")]
    connect: Option<Admin>,
    /// The token it asks for
    #[arg(long, value_name = "TOKEN", env = "SMPPKIT_ADMIN_TOKEN", hide_env_values = true)]
    token: Option<String>,
    #[command(flatten)]
    question: Question,
    /// The answer as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: Args) -> Result<ExitCode> {
    let document = args.question.document()?;
    if let Some(admin) = args.connect {
        return ctl::explain(admin, args.token.as_deref(), args.json, &document);
    }
    let config = args.config.context("there is no --config")?;
    let question = serde_json::from_value(document).context("the question")?;
    let explained = smppkit_gateway::explain(&config, &question).map_err(anyhow::Error::msg)?;
    let explained = serde_json::to_value(&explained)?;
    if args.json {
        println!("{explained}");
    } else {
        question::say(&explained);
    }
    Ok(question::code(&explained))
}
