//! Processes under test: started, measured through /proc, ended by their id.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};

/// A server in a process of its own. Ended when dropped.
pub(crate) struct Server {
    child: Child,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// Kept open: who writes into a closed pipe fails.
    _stdout: BufReader<ChildStdout>,
}

impl Server {
    /// Starts a program that says `listening on ADDRESS` first.
    pub(crate) fn start(program: &Path, args: &[&str]) -> Result<Self> {
        let started = Command::new(program).args(args).stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
        let mut child = started.with_context(|| format!("cannot start {}", program.display()))?;
        let stdout = child.stdout.take().context("it has no standard output")?;
        let mut stdout = BufReader::new(stdout);
        let mut line = String::new();
        let read = stdout.read_line(&mut line);
        let address = line.trim().strip_prefix("listening on ").and_then(|text| text.parse().ok());
        if let (Ok(_), Some(address)) = (read, address) {
            return Ok(Self { child, address, _stdout: stdout });
        }
        let _ = child.kill();
        let _ = child.wait();
        bail!("{} {} does not say where it listens: {line:?}", program.display(), args.join(" "));
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// This program, for the servers and clients that it has inside: also when it was rebuilt meanwhile.
pub(crate) fn this() -> PathBuf {
    PathBuf::from("/proc/self/exe")
}

/// The smppkit program: the given one, or the one of this repository, built as users build it.
pub(crate) fn smppkit(given: Option<&Path>) -> Result<PathBuf> {
    if let Some(given) = given {
        ensure!(given.exists(), "{} is not there", given.display());
        return Ok(given.to_owned());
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("bench/ has a parent")?;
    // Its messages go to standard error, so JSON stays whole.
    let built = Command::new("cargo").args(["build", "--release"]).current_dir(root).status();
    ensure!(built.context("cannot run cargo")?.success(), "smppkit does not build");
    Ok(root.join("target/release/smppkit"))
}

/// Raises the soft limit of open files to the hard one; failing shows when sockets run out.
pub(crate) fn raise_descriptor_limit() {
    let maximum = getrlimit(Resource::Nofile).maximum;
    let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
}

/// CPU time of this process, ended threads included.
pub(crate) fn own_cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec as u32)
}

/// CPU time of the threads of another process, in nanoseconds where the kernel counts them.
pub(crate) fn cpu_of(pid: u32) -> Result<Duration> {
    let mut ns = 0;
    for thread in std::fs::read_dir(format!("/proc/{pid}/task")).context("the server has ended")? {
        // A thread that ends meanwhile takes its time with it.
        let counted = std::fs::read_to_string(thread?.path().join("schedstat")).unwrap_or_default();
        ns += counted.split(' ').next().and_then(|field| field.parse::<u64>().ok()).unwrap_or_default();
    }
    Ok(Duration::from_nanos(ns))
}

/// CPU time of all threads of another process that bear a name.
pub(crate) fn cpu_of_threads(pid: u32, name: &str) -> Result<Duration> {
    let mut ns = 0;
    for thread in std::fs::read_dir(format!("/proc/{pid}/task")).context("the server has ended")? {
        let path = thread?.path();
        if std::fs::read_to_string(path.join("comm")).unwrap_or_default().trim() == name {
            let counted = std::fs::read_to_string(path.join("schedstat")).unwrap_or_default();
            ns += counted.split(' ').next().and_then(|field| field.parse::<u64>().ok()).unwrap_or_default();
        }
    }
    Ok(Duration::from_nanos(ns))
}

/// CPU time of another process, ended threads included; in hundredths of a second.
pub(crate) fn ticks_of(pid: u32) -> Result<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).context("the server has ended")?;
    // The name in brackets may have anything in it. utime and stime are the 14th and 15th field.
    let fields = stat.rsplit_once(')').map(|(_, rest)| rest.split_whitespace()).into_iter().flatten();
    let ticks: u64 = fields.skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Ok(Duration::from_millis(ticks * 1_000 / rustix::param::clock_ticks_per_second()))
}

/// Resident memory of a process in KiB.
pub(crate) fn resident_kib(pid: u32) -> Result<u64> {
    let rollup =
        std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).context("the server has ended")?;
    let line = rollup.lines().find_map(|line| line.strip_prefix("Rss:"));
    let kib = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse().ok());
    kib.context("smaps_rollup has no Rss")
}
