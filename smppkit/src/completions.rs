//! `smppkit completions`.

use std::io::Write;
use std::process::ExitCode;

use clap_complete::Shell;

/// Print completions for a shell.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  smppkit completions bash > /usr/share/bash-completion/completions/smppkit
  smppkit completions zsh > ~/.zfunc/_smppkit
  smppkit completions fish > ~/.config/fish/completions/smppkit.fish")]
pub(crate) struct Args {
    /// Shell to print them for
    shell: Shell,
}

pub(crate) fn run(args: &Args, mut command: clap::Command) -> ExitCode {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut command, "smppkit", &mut text);
    // A reader that went away has read enough.
    let _ = std::io::stdout().write_all(&text);
    ExitCode::SUCCESS
}
