//! Comparisons with peers, in `bench/`, a package of its own outside the workspace.

use std::path::Path;

use anyhow::{Result, ensure};

use crate::{Verdict, run};

pub(crate) const HELP: &str = "\
usage: cargo xtask bench [ARGUMENTS]

Builds bench/ for release and runs it with the arguments, which are its own.

examples:
  cargo xtask bench
  cargo xtask bench -- --help
";

pub(crate) fn task(root: &Path, args: &[String]) -> Result<Verdict> {
    ensure!(
        root.join("bench/Cargo.toml").exists(),
        "bench/Cargo.toml is not there: no benchmark was written yet"
    );
    let args = args.strip_prefix(&["--".to_owned()]).unwrap_or(args);
    let mut command = run::cargo(root);
    command.args(["run", "--release", "--manifest-path", "bench/Cargo.toml", "--"]).args(args);
    Ok(Verdict::good_if(run::pass_through(&mut command)?))
}
