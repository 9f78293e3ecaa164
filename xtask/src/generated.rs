//! Files that a program writes and we commit all the same, so that people can read them.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::{Verdict, run};

pub(crate) const HELP: &str = "\
usage: cargo xtask bless [NAME...]

Writes the committed generated files anew, all or those named. `cargo xtask ci` fails when one of
them is not what its generator would write.

examples:
  cargo xtask bless          then read the diff before you commit it
  cargo xtask bless docs
";

/// A program of ours that writes committed files.
pub(crate) struct Generator {
    pub(crate) name: &'static str,
    /// Arguments for cargo up to and including `--`. The program writes its files when given nothing
    /// more; given `--check` it writes nothing, names each file that differs, and exits with 1 if one does.
    cargo: &'static [&'static str],
}

/// One row for each generator, for example:
/// `Generator { name: "docs", cargo: &["run", "--quiet", "-p", "smppkit-inspect", "--example", "docs", "--"] }`.
pub(crate) const GENERATORS: &[Generator] = &[];

impl Generator {
    pub(crate) fn write(&self, root: &Path) -> Command {
        let mut command = run::cargo(root);
        command.args(self.cargo);
        command
    }

    pub(crate) fn check(&self, root: &Path) -> Command {
        let mut command = self.write(root);
        command.arg("--check");
        command
    }
}

pub(crate) fn bless(root: &Path, args: &[String]) -> Result<Verdict> {
    if let Some(unknown) = args.iter().find(|name| !GENERATORS.iter().any(|known| known.name == **name)) {
        return Ok(Verdict::Usage(format!("no generator {unknown:?}")));
    }
    let mut good = true;
    for generator in GENERATORS {
        if args.is_empty() || args.iter().any(|name| name == generator.name) {
            println!("== bless {}", generator.name);
            good &= run::pass_through(&mut generator.write(root))?;
        }
    }
    if GENERATORS.is_empty() {
        println!("no generated files yet: add the first to GENERATORS in xtask/src/generated.rs");
    }
    Ok(Verdict::good_if(good))
}
