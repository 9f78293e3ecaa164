//! `smppkit man`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap_mangen::Man;

/// Print a manual page, or write all of them to a directory.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  smppkit man send | man -l -
  smppkit man --dir /usr/share/man/man1")]
pub(crate) struct Args {
    /// Subcommand whose page to print; without one, the page of smppkit itself
    #[arg(conflicts_with = "dir")]
    subcommand: Option<String>,
    /// Write smppkit.1 and a page for each subcommand to this directory
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

pub(crate) fn run(args: &Args, mut command: clap::Command) -> Result<ExitCode> {
    command.build();
    let pages = pages(&command)?;
    if let Some(dir) = &args.dir {
        write(dir, &pages)?;
        return Ok(ExitCode::SUCCESS);
    }
    let wanted = args.subcommand.as_ref().map_or("smppkit".to_owned(), |name| format!("smppkit-{name}"));
    let page = pages.iter().find(|(name, _)| *name == wanted);
    let (_, page) = page.with_context(|| format!("there is no subcommand {:?}", args.subcommand))?;
    // A reader that went away has read enough.
    let _ = std::io::stdout().write_all(page);
    Ok(ExitCode::SUCCESS)
}

fn pages(command: &clap::Command) -> Result<Vec<(String, Vec<u8>)>> {
    let mut pages = vec![("smppkit".to_owned(), page(command)?)];
    for subcommand in command.get_subcommands().filter(|subcommand| subcommand.get_name() != "help") {
        let name = format!("smppkit-{}", subcommand.get_name());
        pages.push((name, page(subcommand)?));
    }
    Ok(pages)
}

fn page(command: &clap::Command) -> Result<Vec<u8>> {
    let mut page = Vec::new();
    Man::new(command.clone()).render(&mut page)?;
    Ok(page)
}

fn write(dir: &Path, pages: &[(String, Vec<u8>)]) -> Result<()> {
    std::fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
    for (name, page) in pages {
        let path = dir.join(format!("{name}.1"));
        std::fs::write(&path, page).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}
