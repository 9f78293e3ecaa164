//! The workspace's own tasks. `cargo xtask help` says which.
//!
//! Depends on no crate of ours, so that it still builds, and can say what is wrong, when they do not.
//! Exit codes: 0 all is well, 1 a check failed, 2 wrong usage, 3 a task could not run.

#![forbid(unsafe_code)]

mod bench;
mod ci;
mod count;
mod fuzz;
mod generated;
mod metadata;
mod run;
mod shots;
mod suites;
mod tidy;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let Some((task, rest)) = args.split_first() else {
        eprint!("{USAGE}");
        return ExitCode::from(2);
    };
    if matches!(task.as_str(), "help" | "--help" | "-h") {
        print!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    let Some(task) = TASKS.iter().find(|known| known.name == task) else {
        eprintln!("xtask: no task {task:?}\n");
        eprint!("{USAGE}");
        return ExitCode::from(2);
    };
    // After `--` the arguments are another program's, and so is its `--help`.
    if rest.iter().take_while(|arg| *arg != "--").any(|arg| arg == "--help" || arg == "-h") {
        print!("{}", task.help);
        return ExitCode::SUCCESS;
    }
    match (task.run)(&root(), rest) {
        Ok(Verdict::Good) => ExitCode::SUCCESS,
        Ok(Verdict::Bad) => ExitCode::FAILURE,
        Ok(Verdict::Usage(message)) => {
            eprintln!("xtask {}: {message}\n", task.name);
            eprint!("{}", task.help);
            ExitCode::from(2)
        }
        Err(error) => {
            eprintln!("xtask {}: {error:#}", task.name);
            ExitCode::from(3)
        }
    }
}

/// How a task ended, when it could run at all.
pub(crate) enum Verdict {
    Good,
    Bad,
    /// The arguments make no sense, and why.
    Usage(String),
}

impl Verdict {
    pub(crate) fn good_if(good: bool) -> Self {
        if good { Self::Good } else { Self::Bad }
    }

    pub(crate) fn unexpected(arg: &str) -> Self {
        Self::Usage(format!("unexpected argument {arg:?}"))
    }
}

struct Task {
    name: &'static str,
    help: &'static str,
    run: fn(&Path, &[String]) -> Result<Verdict>,
}

/// The workspace's directory.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask/ lies in the workspace").to_path_buf()
}

const TASKS: &[Task] = &[
    Task { name: "ci", help: ci::HELP, run: ci::ci },
    Task { name: "quick", help: ci::QUICK_HELP, run: |root, args| Ok(ci::quick(root, args)) },
    Task { name: "tidy", help: tidy::HELP, run: tidy::task },
    Task { name: "bless", help: generated::HELP, run: generated::bless },
    Task { name: "fuzz", help: fuzz::HELP, run: fuzz::task },
    Task { name: "bench", help: bench::HELP, run: bench::task },
    Task { name: "shots", help: shots::HELP, run: shots::task },
];

const USAGE: &str = "\
usage: cargo xtask TASK [ARGUMENTS]

  ci      every suite: format, lints, tidy, tests, generated files, third-party peers
  quick   what each commit must pass: no server, no peer, under 3 minutes
  tidy    rules of the tree that no compiler checks
  bless   write the generated files anew
  fuzz    run the fuzz targets for a while
  bench   run the side-by-side benchmarks
  shots   make the pictures of the README and the console from real runs

examples:
  cargo xtask quick
  cargo xtask ci --only tidy
  cargo xtask fuzz --seconds 30

`cargo xtask TASK --help` says more about one.
";
