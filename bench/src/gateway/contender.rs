//! Gateways to be measured, started between the load and the sink.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use crate::process;

/// What may stand between load and sink.
#[derive(Debug, Clone)]
pub(super) struct Contender {
    pub(super) name: String,
    pub(super) kind: Kind,
}

#[derive(Debug, Clone)]
pub(super) enum Kind {
    /// Nothing: the load talks to the sink.
    Direct,
    /// The program under test, with more lines for its connector.
    Smppkit { program: PathBuf, connector: &'static str },
    /// A script that starts one; `bench/peers` tells how it is to behave.
    Peer { script: PathBuf },
}

/// One that runs. Ended when dropped.
pub(super) struct Running {
    pub(super) address: SocketAddr,
    /// Its processes, without the script that has started them.
    pub(super) pids: Vec<u32>,
    child: Option<Child>,
    _stdout: Option<BufReader<ChildStdout>>,
}

/// CPU time and memory of all its processes.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Spent {
    pub(super) cpu: Duration,
    /// Of that, in threads named `store`.
    pub(super) store: Duration,
    pub(super) resident_kib: u64,
}

impl Contender {
    /// Starts it in a directory of its own. `None` with a reason if it cannot be had here.
    pub(super) fn start(&self, sink: SocketAddr, dir: &Path) -> Result<Result<Running, String>> {
        let mut command = match &self.kind {
            Kind::Direct => {
                let running = Running { address: sink, pids: Vec::new(), child: None, _stdout: None };
                return Ok(Ok(running));
            }
            Kind::Smppkit { program, connector } => {
                let config = dir.join("gateway.toml");
                std::fs::write(&config, settings(sink, &dir.join("data"), connector))?;
                let mut command = Command::new(program);
                command.args(["gateway", "--quiet", "--config"]).arg(config);
                command
            }
            Kind::Peer { script } => {
                let mut command = Command::new(script);
                command.arg(sink.to_string()).arg(dir).env("PYTHONDONTWRITEBYTECODE", "1");
                command
            }
        };
        let log = std::fs::File::create(dir.join("log"))?;
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).spawn();
        let child = child.with_context(|| format!("cannot start {}", self.name))?;
        Running::greeted(child, matches!(self.kind, Kind::Smppkit { .. }))
            .with_context(|| format!("{}: {}", self.name, tail(&dir.join("log"))))
    }
}

impl Running {
    /// Reads what it says until it listens.
    fn greeted(mut child: Child, is_itself: bool) -> Result<Result<Self, String>> {
        let mut stdout = BufReader::new(child.stdout.take().context("it has no standard output")?);
        let mut pids = if is_itself { vec![child.id()] } else { Vec::new() };
        loop {
            let mut line = String::new();
            if stdout.read_line(&mut line)? == 0 {
                let _ = child.kill();
                let _ = child.wait();
                bail!("it does not say where it listens");
            }
            let line = line.trim();
            if let Some(why) = line.strip_prefix("unavailable: ") {
                let _ = child.wait();
                return Ok(Err(why.to_owned()));
            }
            if let Some(pid) = line.strip_prefix("process ") {
                pids.push(pid.parse()?);
            }
            if let Some(address) = line.strip_prefix("listening on ") {
                let address = address.parse()?;
                return Ok(Ok(Self { address, pids, child: Some(child), _stdout: Some(stdout) }));
            }
        }
    }

    pub(super) fn spent(&self) -> Result<Spent> {
        let mut spent = Spent::default();
        for &pid in &self.pids {
            spent.cpu += process::ticks_of(pid)?;
            spent.store += process::cpu_of_threads(pid, "store")?;
            spent.resident_kib += process::resident_kib(pid)?;
        }
        Ok(spent)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let Some(child) = &mut self.child else { return };
        // A script ends its own children; the program under test is to stop in order, too.
        if let Some(pid) = Pid::from_raw(child.id().cast_signed()) {
            let _ = kill_process(pid, Signal::TERM);
        }
        let until = Instant::now() + Duration::from_secs(10);
        while Instant::now() < until && !matches!(child.try_wait(), Ok(Some(_))) {
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// The least that a gateway needs to be told; all else is its default.
fn settings(sink: SocketAddr, data: &Path, connector: &str) -> String {
    format!(
        r#"data = "{}"
listen = ["127.0.0.1:0"]

[[account]]
system_id = "bench"
password = "secret"
binds.sessions = 1000

[[connector]]
name = "sink"
address = "{sink}"
system_id = "gateway"
password = "secret"
{connector}

[[route]]
to = ["sink"]
"#,
        data.display()
    )
}

fn tail(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().rev().take(5).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join("; ")
}
