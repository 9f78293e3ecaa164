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
  cargo xtask bless pdus
";

/// A program of ours that writes a committed file.
pub(crate) struct Generator {
    pub(crate) name: &'static str,
    /// Arguments for cargo up to and including `--`. The program takes `--write FILE`, or `--check FILE`,
    /// which exits with 1 when the file is another.
    cargo: &'static [&'static str],
    file: &'static str,
}

/// One row for each generator.
pub(crate) const GENERATORS: &[Generator] = &[
    Generator {
        name: "pdus",
        cargo: &["run", "--quiet", "-p", "smppkit-inspect", "--example", "docs", "--"],
        file: "docs/pdus.md",
    },
    Generator {
        name: "simulator",
        cargo: &["run", "--quiet", "-p", "smppkit-simulator", "--example", "docs", "--", "reference"],
        file: "docs/simulator.md",
    },
    Generator {
        name: "openapi",
        cargo: &["run", "--quiet", "-p", "smppkit-simulator", "--example", "docs", "--", "openapi"],
        file: "docs/simulator-openapi.json",
    },
    Generator {
        name: "gateway",
        cargo: &["run", "--quiet", "-p", "smppkit-gateway", "--example", "docs", "--", "reference"],
        file: "docs/gateway.md",
    },
    Generator {
        name: "gateway-openapi",
        cargo: &["run", "--quiet", "-p", "smppkit-gateway", "--example", "docs", "--", "openapi"],
        file: "docs/gateway-openapi.json",
    },
];

impl Generator {
    pub(crate) fn write(&self, root: &Path) -> Command {
        self.command(root, "--write")
    }

    pub(crate) fn check(&self, root: &Path) -> Command {
        self.command(root, "--check")
    }

    fn command(&self, root: &Path, what: &str) -> Command {
        let mut command = run::cargo(root);
        command.args(self.cargo).args([what, self.file]);
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
    Ok(Verdict::good_if(good))
}
