//! Coverage-guided fuzzing with libFuzzer on the stable toolchain.
//!
//! The targets are the programs of `fuzz/`, a package of its own outside the workspace. cargo-fuzz would
//! do the same, but has to be installed first and wants a nightly compiler.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::{Verdict, run};

pub(crate) const HELP: &str = "\
usage: cargo xtask fuzz [--seconds N] [TARGET...] [-- LIBFUZZER ARGUMENTS]

Builds the targets of fuzz/ and runs each for N seconds (60 unless said), one after the other. Starts
from fuzz/corpus/TARGET, which it extends, and fuzz/seeds/TARGET, which is committed. A finding is
written to fuzz/artifacts/TARGET and fails the task. Needs a C++ compiler.

examples:
  cargo xtask fuzz                               all targets, a minute each
  cargo xtask fuzz --seconds 600 decode
  cargo xtask fuzz decode -- -runs=0             the corpus and the seeds once
  cargo xtask fuzz decode -- fuzz/artifacts/decode/crash-12ab    one finding again
";

struct Options {
    seconds: u32,
    targets: Vec<String>,
    /// For the fuzzer itself.
    rest: Vec<String>,
}

/// What a run of one target found.
struct Findings {
    executions: u64,
    /// Files with inputs that crashed, hung or used too much memory.
    artifacts: Vec<String>,
    success: bool,
    log: String,
}

pub(crate) fn task(root: &Path, args: &[String]) -> Result<Verdict> {
    let options = match Options::parse(args) {
        Ok(options) => options,
        Err(message) => return Ok(Verdict::Usage(message)),
    };
    ensure!(root.join("fuzz/Cargo.toml").exists(), "fuzz/Cargo.toml is not there: no target was written yet");
    let known = known_targets(root)?;
    ensure!(!known.is_empty(), "fuzz/Cargo.toml has no [[bin]]: no target was written yet");
    if let Some(unknown) = options.targets.iter().find(|target| !known.contains(target)) {
        return Ok(Verdict::Usage(format!("no target {unknown:?}, there are: {}", known.join(" "))));
    }
    let targets = if options.targets.is_empty() { &known } else { &options.targets };

    let host = host()?;
    build(root, &host, targets)?;
    let mut good = true;
    for target in targets {
        println!("== fuzz {target}");
        let findings = fuzz(root, &host, target, &options)?;
        println!("{target}: {} executions, {} findings", findings.executions, findings.artifacts.len());
        if !findings.success {
            good = false;
            println!("{}", tail(&findings.log));
            for artifact in &findings.artifacts {
                println!("{target}: {artifact}; again with: cargo xtask fuzz {target} -- {artifact}");
            }
        }
    }
    Ok(Verdict::good_if(good))
}

impl Options {
    fn parse(args: &[String]) -> Result<Self, String> {
        let mut options = Self { seconds: 60, targets: Vec::new(), rest: Vec::new() };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--seconds" => {
                    let number =
                        args.next().and_then(|text| text.parse().ok()).filter(|seconds| *seconds > 0);
                    options.seconds = number.ok_or("--seconds needs a number from 1")?;
                }
                "--" => options.rest = args.by_ref().cloned().collect(),
                flag if flag.starts_with('-') => return Err(format!("unexpected argument {flag:?}")),
                target => options.targets.push(target.to_owned()),
            }
        }
        Ok(options)
    }
}

fn known_targets(root: &Path) -> Result<Vec<String>> {
    let args = ["metadata", "--no-deps", "--format-version", "1", "--manifest-path", "fuzz/Cargo.toml"];
    let json: Value = serde_json::from_str(&run::output(run::cargo(root).args(args))?)?;
    let targets = json["packages"][0]["targets"].as_array().context("cargo metadata names no targets")?;
    let programs = targets.iter().filter(|target| target["kind"][0] == "bin");
    Ok(programs.filter_map(|target| target["name"].as_str()).map(str::to_owned).collect())
}

fn host() -> Result<String> {
    let version = run::output(Command::new("rustc").arg("-vV"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc -vV names no host")?.to_owned())
}

fn build(root: &Path, host: &str, targets: &[String]) -> Result<()> {
    let mut command = run::cargo(root);
    // With an explicit target the flags do not reach build scripts and macros, which could not link with them.
    command.args(["build", "--release", "--manifest-path", "fuzz/Cargo.toml", "--target", host]);
    for target in targets {
        command.args(["--bin", target]);
    }
    command.env("RUSTFLAGS", RUSTFLAGS).env("CARGO_TARGET_DIR", root.join("fuzz/target"));
    command.env("CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS", "true");
    command.env("CARGO_PROFILE_RELEASE_OVERFLOW_CHECKS", "true");
    command.env("CARGO_PROFILE_RELEASE_DEBUG", "line-tables-only");
    if !run::pass_through(&mut command)? {
        bail!("the targets do not build");
    }
    Ok(())
}

fn fuzz(root: &Path, host: &str, target: &str, options: &Options) -> Result<Findings> {
    let artifacts = format!("fuzz/artifacts/{target}/");
    let corpus = format!("fuzz/corpus/{target}");
    for dir in [&artifacts, &corpus] {
        std::fs::create_dir_all(root.join(dir))?;
    }
    let mut command = Command::new(root.join("fuzz/target").join(host).join("release").join(target));
    command.current_dir(root).stdin(Stdio::null());
    command.arg(format!("-max_total_time={}", options.seconds));
    command.arg(format!("-artifact_prefix={artifacts}"));
    command.args(["-print_final_stats=1", "-timeout=10", "-rss_limit_mb=2048"]);
    command.args(&options.rest);
    // Files named by the caller are run alone; directories to start from would turn that into a search.
    if options.rest.iter().all(|arg| arg.starts_with('-')) {
        command.arg(&corpus);
        let seeds = format!("fuzz/seeds/{target}");
        command.args(Some(seeds).filter(|seeds| root.join(seeds).is_dir()));
    }
    let output = command.output().with_context(|| format!("cannot run {target}"))?;
    let log = String::from_utf8_lossy(&output.stderr).into_owned();
    Ok(Findings::read(log, output.status.success()))
}

impl Findings {
    fn read(log: String, success: bool) -> Self {
        let after = |prefix: &'static str| {
            log.lines().filter_map(move |line| line.split_once(prefix)).map(|(_, rest)| rest.trim())
        };
        let executions =
            after("stat::number_of_executed_units:").filter_map(|number| number.parse::<u64>().ok()).sum();
        let artifacts = after("Test unit written to ").map(str::to_owned).collect();
        Self { executions, artifacts, success, log }
    }
}

/// The end of the log, which has the panic or the report.
fn tail(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(LOG_LINES)..].join("\n")
}

const LOG_LINES: usize = 60;
const RUSTFLAGS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing -Ccodegen-units=1";

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, String> {
        Options::parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn arguments_after_two_dashes_are_the_fuzzers() {
        let options = parse("--seconds 5 decode time -- -runs=1 --x").unwrap();
        assert_eq!((options.seconds, options.targets.len(), options.rest.len()), (5, 2, 2));
        assert!(parse("--seconds").is_err() && parse("--seconds 0").is_err() && parse("-x").is_err());
    }

    #[test]
    fn executions_and_artifacts_are_read_from_the_log() {
        let log = "==1== ERROR: libFuzzer: deadly signal\n\
                   artifact_prefix='fuzz/artifacts/decode/'; Test unit written to fuzz/artifacts/decode/crash-12ab\n\
                   stat::number_of_executed_units: 4711\n";
        let findings = Findings::read(log.to_owned(), false);
        assert_eq!(findings.executions, 4711);
        assert_eq!(findings.artifacts, ["fuzz/artifacts/decode/crash-12ab"]);
    }
}
