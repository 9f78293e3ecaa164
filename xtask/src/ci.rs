//! Running suites one after the other, and the table at the end.

use std::fmt::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::Verdict;
use crate::count::Count;
use crate::suites::{self, Suite};

pub(crate) const HELP: &str = "\
usage: cargo xtask ci [--only SUITE]

Runs every suite, also after one failed, and ends with a table and the line `N passed, N failed`.
Needs what `./x setup` installs; `./x test` does both.

suites, in order:
  fmt         cargo fmt --check
  clippy      cargo clippy on everything, warnings are errors
  tidy        cargo xtask tidy
  web         types and tests of the console's pages, with npm
  test        cargo test on the workspace, with SMPPKIT_THIRD_PARTY=1
  binary      cargo build of the smppkit program
  generated   committed generated files are up to date
  peers       each program tests/peers/NAME/run, a suite called peers/NAME

examples:
  cargo xtask ci
  cargo xtask ci --only clippy
  cargo xtask ci --only peers           every third-party peer
  cargo xtask ci --only peers/kannel    one of them
";

pub(crate) const QUICK_HELP: &str = "\
usage: cargo xtask quick

What each commit must pass: fmt, clippy, tidy, and our own tests; those of the pages, too, where there is
npm. Needs cargo and git only.

example:
  cargo xtask quick
";

pub(crate) fn ci(root: &Path, args: &[String]) -> Result<Verdict> {
    let all = suites::all(root)?;
    let chosen = match args {
        [] => all,
        [only, name] if only == "--only" => {
            let chosen: Vec<Suite> = all.into_iter().filter(|suite| suite.answers_to(name)).collect();
            if chosen.is_empty() {
                return Ok(Verdict::Usage(format!("no suite {name:?}")));
            }
            chosen
        }
        _ => return Ok(Verdict::Usage(format!("cannot read {args:?}"))),
    };
    Ok(run_all(root, &chosen))
}

pub(crate) fn quick(root: &Path, args: &[String]) -> Verdict {
    if let Some(arg) = args.first() {
        return Verdict::unexpected(arg);
    }
    run_all(root, &suites::quick())
}

struct Row {
    suite: String,
    count: Count,
    took: Duration,
}

fn run_all(root: &Path, suites: &[Suite]) -> Verdict {
    let mut rows = Vec::new();
    for suite in suites {
        println!("\n== {}", suite.name);
        let begun = Instant::now();
        let count = (suite.run)(root, &suite.name).unwrap_or_else(|error| {
            println!("{}: {error:#}", suite.name);
            Count::one(false)
        });
        rows.push(Row { suite: suite.name.clone(), count, took: begun.elapsed() });
    }
    print!("\n{}", table(&rows));
    let mut sum = Count::default();
    for row in &rows {
        sum += row.count;
        if row.count.failed > 0 {
            println!("failed: {0}; again with: cargo xtask ci --only {0}", row.suite);
        }
    }
    println!("{} passed, {} failed", sum.passed, sum.failed);
    Verdict::good_if(sum.failed == 0)
}

fn table(rows: &[Row]) -> String {
    let width = rows.iter().map(|row| row.suite.len()).max().unwrap_or(0).max("suite".len());
    let mut text = format!("{:width$}  {:>7}  {:>7}  {:>7}\n", "suite", "passed", "failed", "seconds");
    for Row { suite, count, took } in rows {
        let seconds = took.as_secs_f64();
        writeln!(text, "{suite:width$}  {:>7}  {:>7}  {seconds:>7.1}", count.passed, count.failed)
            .expect("a String takes all that is written to it");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_lines_up() {
        let row = |suite: &str, passed, failed, millis| Row {
            suite: suite.to_owned(),
            count: Count { passed, failed },
            took: Duration::from_millis(millis),
        };
        let rows = [row("fmt", 1, 0, 420), row("peers/kannel", 17, 2, 61_000)];
        assert_eq!(
            table(&rows),
            "suite          passed   failed  seconds\n\
             fmt                 1        0      0.4\n\
             peers/kannel       17        2     61.0\n"
        );
    }
}
