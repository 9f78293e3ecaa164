//! Our program on a terminal of its own, which util-linux's `script` makes.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::run;

/// Where commands run: a shell that finds our program first.
pub(super) struct Terminal {
    path: OsString,
    /// Where `smppkit ctl` finds a simulator.
    pub(super) admin: Option<String>,
}

impl Terminal {
    /// `programs` is the directory of our program.
    pub(super) fn new(programs: &Path) -> Result<Self> {
        let others = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths(
            std::iter::once(programs.to_path_buf()).chain(std::env::split_paths(&others)),
        )
        .context("the program's directory cannot be in PATH")?;
        Ok(Self { path, admin: None })
    }

    /// Runs `line` to its end, which must be good or not as `good` says. Answers what it wrote.
    pub(super) fn run(&self, line: &str, url: Option<&str>, good: bool) -> Result<Vec<String>> {
        let mut lines = Vec::new();
        let mut command = self.script(line);
        command.envs(url.map(|url| ("SMPPKIT_URL", url)));
        command.envs(self.admin.as_deref().map(|admin| ("SMPPKIT_ADMIN", admin)));
        let ended = run::stream(&mut command, LIMIT, &mut |line| lines.push(line.to_owned()))?;
        ensure!(ended == good, "{line:?} ended otherwise than it should:\n{}", lines.join("\n"));
        Ok(lines)
    }

    fn script(&self, line: &str) -> Command {
        let mut command = Command::new("script");
        // Quiet, with the command's own exit code, each line at once, and no file.
        command.args(["-qefc", line, "/dev/null"]);
        command.env("PATH", &self.path).env("SHELL", "/bin/sh").env("TERM", "xterm-256color");
        for name in ["NO_COLOR", "RUST_LOG", "SMPPKIT_URL", "SMPPKIT_ADMIN"] {
            command.env_remove(name);
        }
        command
    }
}

/// A simulator that runs until it is dropped.
pub(super) struct Simulator {
    script: Child,
    lines: Receiver<String>,
    seen: Vec<String>,
}

impl Simulator {
    /// Runs `line`, on a port that the system picks, and waits until it listens.
    pub(super) fn start(terminal: &Terminal, line: &str) -> Result<Self> {
        let mut command = terminal.script(&format!("exec {line} --listen 127.0.0.1:0"));
        let mut script = run::start(command.stdin(Stdio::null()).stdout(Stdio::piped()))?;
        let lines = run::lines_of(&mut script);
        let mut simulator = Self { script, lines, seen: Vec::new() };
        simulator.wait_for("try it", 1)?;
        Ok(simulator)
    }

    /// Where `smppkit send` finds it, as it would one on the default port.
    pub(super) fn url(&self) -> Result<String> {
        let address = self.seen.iter().find_map(|line| line.strip_prefix("listening on "));
        Ok(format!(
            "smpp://smppkit:smppkit@{}",
            address.context("the simulator does not say where it listens")?
        ))
    }

    /// Where it serves REST.
    pub(super) fn admin(&self) -> Option<String> {
        self.seen.iter().find_map(|line| line.strip_prefix("REST, metrics and health on ")).map(str::to_owned)
    }

    /// Waits until `times` of its lines held `what`.
    pub(super) fn wait_for(&mut self, what: &str, times: usize) -> Result<()> {
        let deadline = Instant::now() + LIMIT;
        while self.seen.iter().filter(|line| line.contains(what)).count() < times {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => self.seen.push(line),
                Err(_) => {
                    bail!("the simulator did not say {what:?} {times} times:\n{}", self.seen.join("\n"))
                }
            }
        }
        Ok(())
    }

    /// What it has written so far.
    pub(super) fn seen(&self) -> &[String] {
        &self.seen
    }
}

impl Drop for Simulator {
    /// Its terminal goes away with `script`, and the simulator with its terminal.
    fn drop(&mut self) {
        let _already_gone = self.script.kill();
        let _already_waited_for = self.script.wait();
    }
}

const LIMIT: Duration = Duration::from_secs(30);
