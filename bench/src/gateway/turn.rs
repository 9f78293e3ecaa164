//! One turn of one contender: sink, gateway and load are started, all that was promised is awaited and checked.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::contender::{Contender, Running};
use super::disk::Disk;
use super::esme::Measured;
use super::mc::{Checked, State};
use crate::load::bound;
use crate::process::this;

/// What is asked of a contender.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Load {
    pub(super) sessions: usize,
    pub(super) window: usize,
    pub(super) seconds: f64,
    pub(super) rate: Option<f64>,
    pub(super) receipts: bool,
    pub(super) shuffled: bool,
}

/// What came of it.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Turn {
    pub(super) load: Load,
    /// Measured just before.
    pub(super) disk: Disk,
    pub(super) esme: Measured,
    pub(super) sink: State,
    pub(super) checked: Checked,
    /// Messages a second, from the first submit_sm to the last arrival at the sink.
    pub(super) delivered_rate: f64,
    /// The same to the last receipt's answer, at the ESME if it asked for receipts, else at the sink.
    pub(super) whole_rate: f64,
    /// CPU of the contender for each accepted message.
    pub(super) cpu_us: f64,
    /// Of that, in its store's thread.
    pub(super) store_us: f64,
    pub(super) resident_mib: f64,
}

impl Turn {
    /// Nothing lost, nothing twice, nothing that was refused, no receipt missing, and in order.
    pub(super) fn is_sound(&self) -> bool {
        self.verdict().is_empty()
    }

    /// What was wrong; empty if nothing was.
    pub(super) fn verdict(&self) -> String {
        let (esme, sink, checked) = (&self.esme, &self.sink, &self.checked);
        let refused: u64 = esme.refused.values().sum();
        let lacking = if self.load.receipts { esme.accepted.saturating_sub(esme.receipts) } else { 0 };
        let found = [
            ("lost", checked.lost),
            ("twice", checked.twice),
            ("refused and sent", checked.uninvited),
            ("out of order", sink.disordered),
            ("strange", sink.strange),
            ("unanswered", esme.unanswered),
            ("refused", refused),
            ("sessions closed", esme.closed as u64),
            ("receipts lacking", lacking),
            ("receipts twice", esme.receipts_twice),
            ("receipts unknown", esme.receipts_unknown),
            ("upstream receipts open", sink.receipts_due.saturating_sub(sink.receipts_answered)),
            ("upstream receipts refused", sink.receipts_refused),
        ];
        let found = found.iter().filter(|(_, count)| *count > 0);
        found.map(|(what, count)| format!("{what} {count}")).collect::<Vec<_>>().join(", ")
    }
}

/// Runs it once. A contender that cannot be had here says why.
pub(super) fn run(contender: &Contender, load: Load, base: &Path) -> Result<Result<Turn, String>> {
    let dir = Place::new(base)?;
    let mut sink = Sink::start(load.shuffled)?;
    let running = match contender.start(sink.address, &dir.0)? {
        Ok(running) => running,
        Err(why) => return Ok(Err(why)),
    };
    if !running.pids.is_empty() {
        sink.wait(Duration::from_secs(30), |state| state.sessions > 0)
            .context("the gateway does not bind")?;
    }
    let disk = Disk::measure(&dir.0).context("cannot measure the disk")?;
    let before = running.spent()?;
    let fates = dir.0.join("fates");
    let esme: Measured = esme(&running, load, &fates)?;
    let state = sink.settled(esme.accepted)?;
    let after = running.spent()?;
    let checked: Checked = sink.ask(&format!("check {}", fates.display()))?;
    let accepted = esme.accepted as f64;
    let rate = |last_ns: u64| accepted * 1e9 / last_ns.saturating_sub(esme.first_ns).max(1) as f64;
    let last =
        if load.receipts { esme.last_receipt_ns } else { state.last_arrival_ns.max(state.last_answer_ns) };
    let micros = |time: Duration| time.as_secs_f64() * 1e6 / accepted.max(1.0);
    Ok(Ok(Turn {
        load,
        disk,
        delivered_rate: rate(state.last_arrival_ns),
        whole_rate: rate(last),
        cpu_us: micros(after.cpu.saturating_sub(before.cpu)),
        store_us: micros(after.store.saturating_sub(before.store)),
        resident_mib: after.resident_kib as f64 / 1024.0,
        sink: state,
        checked,
        esme,
    }))
}

/// Resident memory in MiB of a fresh contender: before anybody binds, and with bound sessions that say nothing.
pub(super) fn idle(
    contender: &Contender,
    sessions: usize,
    base: &Path,
) -> Result<Result<(f64, f64), String>> {
    let dir = Place::new(base)?;
    let mut sink = Sink::start(false)?;
    let running = match contender.start(sink.address, &dir.0)? {
        Ok(running) => running,
        Err(why) => return Ok(Err(why)),
    };
    sink.wait(Duration::from_secs(30), |state| state.sessions > 0).context("the gateway does not bind")?;
    let empty = running.spent()?;
    let bound: Vec<_> = (0..sessions).map(|_| bound(running.address)).collect::<Result<_>>()?;
    std::thread::sleep(Duration::from_secs(1));
    let full = running.spent()?;
    drop(bound);
    let mib = |kib: u64| kib as f64 / 1024.0;
    Ok(Ok((mib(empty.resident_kib), mib(full.resident_kib))))
}

fn esme(running: &Running, load: Load, fates: &Path) -> Result<Measured> {
    let mut command = Command::new(this());
    command.args(["gateway-load", "--to", &running.address.to_string()]);
    command.args(["--sessions", &load.sessions.to_string(), "--window", &load.window.to_string()]);
    command.args(["--seconds", &load.seconds.to_string()]).arg("--fates").arg(fates);
    if let Some(rate) = load.rate {
        command.args(["--rate", &rate.to_string()]);
    }
    if load.receipts {
        command.arg("--receipts");
    }
    let output = command.output()?;
    if !output.status.success() {
        bail!("the load failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    serde_json::from_slice(&output.stdout).context("the load printed something else than figures")
}

/// The sink's process.
struct Sink {
    child: Child,
    address: SocketAddr,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Sink {
    fn start(shuffled: bool) -> Result<Self> {
        let mut command = Command::new(this());
        command.arg("gateway-sink");
        if shuffled {
            command.arg("--shuffled");
        }
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let stdin = child.stdin.take().context("it has no standard input")?;
        let mut stdout = BufReader::new(child.stdout.take().context("it has no standard output")?);
        let mut line = String::new();
        stdout.read_line(&mut line)?;
        let address = line.trim().strip_prefix("listening on ").and_then(|text| text.parse().ok());
        let address = address.context("the sink does not listen")?;
        Ok(Self { child, address, stdin, stdout })
    }

    fn ask<T: DeserializeOwned>(&mut self, what: &str) -> Result<T> {
        writeln!(self.stdin, "{what}")?;
        let mut line = String::new();
        self.stdout.read_line(&mut line)?;
        serde_json::from_str(&line).with_context(|| format!("the sink said {}", line.trim()))
    }

    fn wait(&mut self, limit: Duration, is_enough: impl Fn(&State) -> bool) -> Result<State> {
        let until = Instant::now() + limit;
        loop {
            let state = self.ask("state")?;
            if is_enough(&state) {
                return Ok(state);
            }
            if Instant::now() > until {
                bail!("in {} s it has come to {state:?}", limit.as_secs());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until all has come and every receipt is answered, or nothing comes any more.
    fn settled(&mut self, accepted: u64) -> Result<State> {
        let mut last = (0, 0);
        let mut since = Instant::now();
        loop {
            let state: State = self.ask("state")?;
            let here = (state.arrived, state.receipts_answered);
            if here != last {
                (last, since) = (here, Instant::now());
            }
            if state.arrived >= accepted && state.receipts_answered >= state.receipts_due {
                // What is wrongly sent again would come now.
                std::thread::sleep(Duration::from_millis(100));
                return self.ask("state");
            }
            if since.elapsed() > PATIENCE {
                return Ok(state);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A directory for one turn.
struct Place(PathBuf);

impl Place {
    fn new(base: &Path) -> Result<Self> {
        for at in 0.. {
            let path = base.join(format!("smppkit-bench-{}-{at}", std::process::id()));
            match std::fs::create_dir(&path) {
                Ok(()) => return Ok(Self(path)),
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error).with_context(|| format!("cannot make {}", path.display())),
            }
        }
        bail!("no directory is free")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

const PATIENCE: Duration = Duration::from_secs(8);
