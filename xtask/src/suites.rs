//! The suites that `cargo xtask ci` and `quick` are made of.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::count::Count;
use crate::generated::GENERATORS;
use crate::metadata::Metadata;
use crate::{run, tidy};

/// A named group of checks that counts what passed and what failed.
pub(crate) struct Suite {
    pub(crate) name: String,
    /// Takes the workspace's directory and the suite's name.
    pub(crate) run: fn(&Path, &str) -> Result<Count>,
}

impl Suite {
    fn new(name: impl Into<String>, run: fn(&Path, &str) -> Result<Count>) -> Self {
        Self { name: name.into(), run }
    }

    /// Whether `--only wanted` means this suite: its name, or the part before a slash.
    pub(crate) fn answers_to(&self, wanted: &str) -> bool {
        self.name == wanted || self.name.split_once('/').is_some_and(|(group, _)| group == wanted)
    }
}

/// Everything, in the order in which a person wants to hear of failures.
pub(crate) fn all(root: &Path) -> Result<Vec<Suite>> {
    let mut suites = vec![
        Suite::new("fmt", fmt),
        Suite::new("clippy", clippy),
        Suite::new("tidy", |root, _| tidy::run(root)),
        Suite::new("web", web),
        Suite::new("test", |root, _| tests(root, true)),
        Suite::new("binary", binary),
        Suite::new("generated", generated),
    ];
    let scripts = peer_scripts(root)?;
    suites.extend(scripts.into_iter().map(|name| Suite::new(format!("peers/{name}"), peer)));
    Ok(suites)
}

/// What needs neither a server nor a peer. Those without Node change no pages.
pub(crate) fn quick() -> Vec<Suite> {
    let mut suites = vec![
        Suite::new("fmt", fmt),
        Suite::new("clippy", clippy),
        Suite::new("tidy", |root, _| tidy::run(root)),
    ];
    if run::output(Command::new("npm").arg("--version")).is_ok() {
        suites.push(Suite::new("web", web));
    }
    suites.push(Suite::new("test", |root, _| tests(root, false)));
    suites
}

/// Rounds of tests whose number says how much they show.
const SHORT_RUNS: [(&str, &str); 4] = [
    ("SMPPKIT_SEEDS", "100"),
    ("SMPPKIT_KILL_ROUNDS", "3"),
    ("SMPPKIT_RECEIPTS", "2000"),
    ("SMPPKIT_QUEUED", "20000"),
];

fn fmt(root: &Path, _name: &str) -> Result<Count> {
    let good = run::pass_through(run::cargo(root).args(["fmt", "--all", "--", "--check"]))?;
    if !good {
        println!("not formatted: run cargo fmt --all");
    }
    Ok(Count::one(good))
}

fn clippy(root: &Path, _name: &str) -> Result<Count> {
    let args = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
    Ok(Count::one(run::pass_through(run::cargo(root).args(args))?))
}

/// Types of the pages, and their own tests.
fn web(root: &Path, _name: &str) -> Result<Count> {
    let web = root.join("crates/console/web");
    let npm = |args: &[&str]| {
        let mut command = Command::new("npm");
        command.current_dir(&web).env("NO_COLOR", "1").args(args);
        command
    };
    // As crates/console/build.rs does, which leaves the same note of what it installed.
    let (lock, installed) = (web.join("package-lock.json"), web.join("node_modules/.smppkit-installed.json"));
    let wanted = std::fs::read(&lock).with_context(|| format!("cannot read {}", lock.display()))?;
    if std::fs::read(&installed).map_or(true, |installed| installed != wanted) {
        let good = run::pass_through(&mut npm(&["ci", "--no-audit", "--no-fund", "--include=dev"]))?;
        ensure!(good, "npm ci failed");
        std::fs::write(&installed, wanted)
            .with_context(|| format!("cannot write {}", installed.display()))?;
    }
    let mut count = Count::one(run::pass_through(&mut npm(&["run", "--silent", "check"]))?);
    let mut tests = Count::default();
    let success = run::stream(&mut npm(&["test"]), WEB_LIMIT, &mut |line| {
        println!("{line}");
        tests += Count::from_vitest_result(line).unwrap_or_default();
    })?;
    count += tests.with_exit(success);
    Ok(count)
}

fn tests(root: &Path, third_party: bool) -> Result<Count> {
    let mut command = run::cargo(root);
    command.args(["test", "--workspace", "--no-fail-fast"]);
    if third_party {
        command.env(THIRD_PARTY, "1");
    } else {
        command.env_remove(THIRD_PARTY);
        // The long runs are cut short; what they show is shown before a step is called done.
        command.envs(SHORT_RUNS);
    }
    let mut count = Count::default();
    let success = run::stream(&mut command, TESTS_LIMIT, &mut |line| {
        println!("{line}");
        count += Count::from_test_result(line).unwrap_or_default();
    })?;
    Ok(count.with_exit(success))
}

fn binary(root: &Path, _name: &str) -> Result<Count> {
    Ok(Count::one(run::pass_through(run::cargo(root).args(BUILD_BINARY))?))
}

fn generated(root: &Path, _name: &str) -> Result<Count> {
    let mut count = Count::default();
    for generator in GENERATORS {
        let good = run::pass_through(&mut generator.check(root))?;
        if !good {
            println!("{0}: run cargo xtask bless {0} and commit what it writes", generator.name);
        }
        count += Count::one(good);
    }
    Ok(count)
}

/// Runs `tests/peers/NAME/run`, which prints what it likes and ends with `N passed, N failed`.
fn peer(root: &Path, suite: &str) -> Result<Count> {
    let script = root.join("tests").join(suite).join("run");
    let mode = script.metadata().with_context(|| format!("cannot read {}", script.display()))?.permissions();
    ensure!(mode.mode() & 0o111 != 0, "tests/{suite}/run is not executable: chmod +x it");
    let peers = root.join(".peers");
    ensure!(peers.exists(), "the peers are not installed: run ./x setup");
    ensure!(run::pass_through(run::cargo(root).args(BUILD_BINARY))?, "smppkit does not build");

    let mut command = Command::new(&script);
    command.current_dir(root);
    command.env("SMPPKIT", Metadata::load(root)?.target_directory.join("debug/smppkit"));
    command.env("PEERS", &peers);
    command.env("NODE_PATH", peers.join("npm/node_modules"));
    command.env("PATH", path_with_sbin()?);
    let mut closing = None;
    let success = run::stream(&mut command, PEER_LIMIT, &mut |line| {
        // Not shown as it is: the last line of the whole run must be the only one of its form.
        match Count::from_closing_line(line) {
            Some(count) => closing = Some(count),
            None => println!("{line}"),
        }
    })?;
    if closing.is_none() {
        println!("{suite} did not end with a line of the form `N passed, N failed`");
    }
    let count = closing.unwrap_or_default().with_exit(success);
    println!("{suite}: passed {}, failed {}", count.passed, count.failed);
    Ok(count)
}

/// Names of the folders of `tests/peers` with a program called `run`, sorted.
fn peer_scripts(root: &Path) -> Result<Vec<String>> {
    let dir = root.join("tests/peers");
    if !dir.exists() {
        return Ok(Vec::new());
    }
    let mut names = Vec::new();
    for entry in dir.read_dir()? {
        let entry = entry?;
        if entry.path().join("run").exists() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// Kannel's programs lie in a directory that is on the path of root only.
fn path_with_sbin() -> Result<std::ffi::OsString> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let dirs = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    Ok(std::env::join_paths(dirs)?)
}

/// Tells tests that the programs of others which they compare with are installed, and must be used.
const THIRD_PARTY: &str = "SMPPKIT_THIRD_PARTY";
const BUILD_BINARY: [&str; 4] = ["build", "--quiet", "--package", "smppkit"];
/// Builds included. A hanging test must not use up the time of all suites after it.
const TESTS_LIMIT: Duration = Duration::from_secs(40 * 60);
const WEB_LIMIT: Duration = Duration::from_secs(5 * 60);
/// Peers are slow to start, not to run.
const PEER_LIMIT: Duration = Duration::from_secs(10 * 60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_takes_a_suite_or_its_group() {
        let suite = Suite::new("peers/kannel", peer);
        assert!(suite.answers_to("peers/kannel") && suite.answers_to("peers"));
        assert!(!suite.answers_to("kannel") && !suite.answers_to("peer"));
    }
}
