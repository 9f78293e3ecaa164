//! The gateway as a process: started on its own data, killed, started again, looked at when it has ended.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use smppkit_store::{Search, Settings, Sqlite, State, Store as _, Timestamp, Totals};

use super::{now_ms, secs, until};

/// One gateway over all its runs. Dropped, it is killed, and its data is removed if the test passed.
#[derive(Debug)]
pub(crate) struct Gateway {
    child: Option<Child>,
    dir: PathBuf,
    /// Where it listens, in every run.
    pub(crate) address: SocketAddr,
    log: Arc<Mutex<String>>,
    readers: Vec<JoinHandle<()>>,
}

/// Longer than any start or end takes.
const LIMIT: Duration = Duration::from_secs(60);
/// Messages of a store that are counted one by one.
const COUNTED: u64 = 60_000;

impl Gateway {
    /// With settings that say nothing of where it listens and keeps.
    #[track_caller]
    pub(crate) fn start(settings: &str) -> Self {
        let mut gateway = Self::prepare(settings);
        gateway.run();
        gateway
    }

    /// Its file is there, and it does not run yet.
    pub(crate) fn prepare(settings: &str) -> Self {
        let host = own_host();
        let address = TcpListener::bind((host, 0)).and_then(|one| one.local_addr()).expect("a port is free");
        let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("gateway-{}", std::process::id()))
            .join(host.to_string());
        std::fs::create_dir_all(&dir).expect("the target directory is ours");
        let gateway = Self { child: None, dir, address, log: Arc::default(), readers: Vec::new() };
        gateway.write(settings);
        gateway
    }

    /// Other settings in its file.
    pub(crate) fn write(&self, settings: &str) {
        let text = format!("data = '{}'\nlisten = [\"{}\"]\n{settings}", self.data().display(), self.address);
        // In one step, as an operator's tools do it.
        let new = self.dir.join("gateway.new");
        std::fs::write(&new, text).expect("the target directory is ours");
        std::fs::rename(new, self.dir.join("gateway.toml")).expect("the target directory is ours");
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.dir.join("data")
    }

    /// Starts it, and says how long it took until it listens.
    #[track_caller]
    pub(crate) fn run(&mut self) -> Duration {
        self.run_by(Command::new(env!("CARGO_BIN_EXE_smppkit")))
    }

    /// The same, where no file of its can grow beyond so many blocks of 512 octets: what is written there
    /// fails.
    #[track_caller]
    pub(crate) fn run_with_files_of(&mut self, blocks: u32) {
        let mut shell = Command::new("sh");
        // An ignored signal stays ignored: the write fails in place of it.
        shell.args(["-c", r#"trap "" XFSZ; ulimit -f "$0"; exec "$@""#, &blocks.to_string()]);
        shell.arg(env!("CARGO_BIN_EXE_smppkit"));
        self.run_by(shell);
    }

    #[track_caller]
    fn run_by(&mut self, mut command: Command) -> Duration {
        let began = Instant::now();
        command.arg("gateway").arg("--config").arg(self.dir.join("gateway.toml"));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.env_remove("RUST_LOG").env("NO_COLOR", "1");
        let mut child = command.spawn().expect("cargo built the binary");
        let mut stdout = BufReader::new(child.stdout.take().expect("stdout is piped"));
        self.readers.push(collect(child.stderr.take().expect("stderr is piped"), &self.log));
        self.child = Some(child);
        let mut line = String::new();
        stdout.read_line(&mut line).expect("the first line is text");
        assert!(line.starts_with("listening on "), "it said {line:?} {}", self.log());
        self.readers.push(collect(stdout, &self.log));
        began.elapsed()
    }

    /// kill -9.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// A signal by name.
    #[track_caller]
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.as_ref().expect("it runs").id().to_string();
        let done = Command::new("kill").args([&format!("-{name}"), &pid]).status().expect("kill is there");
        assert!(done.success(), "kill -{name} {pid}");
    }

    /// How it ended, if it does in time.
    pub(crate) fn ended(&mut self, within: Duration) -> Option<ExitStatus> {
        let until = Instant::now() + within;
        loop {
            let child = self.child.as_mut().expect("it runs");
            if let Some(status) = child.try_wait().expect("it is our child") {
                self.child = None;
                return Some(status);
            }
            if Instant::now() >= until {
                return None;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// SIGTERM, and exit code 0.
    #[track_caller]
    pub(crate) fn stop(&mut self) {
        self.signal("TERM");
        let status = self.ended(LIMIT).unwrap_or_else(|| panic!("it does not stop: {}", self.log()));
        assert_eq!(status.code(), Some(0), "{status} {}", self.log());
    }

    /// All that it has written so far, over all runs.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Until so many binds at message centres are told of, which is when all is ready to be sent by them. The message
    /// centre knows of them before.
    pub(crate) async fn until_bound(&self, binds: usize) {
        until("bound", secs(10), || self.log().matches(" bound connector=").count() >= binds).await;
    }

    /// Memory in use, in KiB; 0 where the system does not tell.
    pub(crate) fn memory_kib(&self) -> u64 {
        let pid = self.child.as_ref().expect("it runs").id();
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or_default()
    }

    /// Stops it and counts: every test ends so. What was accepted has ended or is still there.
    #[track_caller]
    pub(crate) fn finish(mut self) -> Totals {
        if self.child.is_some() {
            self.stop();
        }
        assert!(!self.log().contains("panicked"), "{}", self.log());
        self.totals()
    }

    /// Opens the store, now that nobody has it.
    pub(crate) fn store(&self) -> Sqlite {
        let now = Timestamp(now_ms());
        Sqlite::open(&self.data(), now, Settings::default())
            .expect("the store opens when the process is gone")
    }

    /// The counters, after they were compared with the messages themselves.
    #[track_caller]
    pub(crate) fn totals(&self) -> Totals {
        let mut store = self.store();
        let wrong = store.check().expect("the store can be read");
        assert!(wrong.is_empty(), "{wrong:?}");
        let totals = store.totals();
        assert!(totals.is_conserved(), "{totals:?}");
        if totals.accepted <= COUNTED {
            let counted = count(&store);
            let of = |state: &str| counted.get(state).copied().unwrap_or_default();
            let found = (of("open"), of("Delivered"), of("Failed"), of("Expired"), of("Cancelled"));
            let told = (totals.open, totals.delivered, totals.failed, totals.expired, totals.cancelled);
            assert_eq!(found, told, "messages by state, and the counters: {totals:?}");
        }
        totals
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.kill();
        for reader in self.readers.drain(..) {
            let _ = reader.join();
        }
        if std::thread::panicking() {
            let log = self.log();
            let tail: Vec<&str> = log.lines().rev().take(25).collect();
            eprintln!("{} ended with:", self.dir.display());
            tail.iter().rev().for_each(|line| eprintln!("  {line}"));
        } else {
            let _ = std::fs::remove_dir_all(&self.dir);
        }
    }
}

/// Every message, by its state.
fn count(store: &Sqlite) -> BTreeMap<String, u64> {
    let mut counted = BTreeMap::new();
    let mut search = Search { limit: 5_000, ..Search::default() };
    loop {
        let page = store.search(&search).expect("the store can be read");
        for message in &page.messages {
            let state = match message.state {
                State::Final(how) => format!("{how:?}"),
                State::Queued | State::Sent => "open".to_owned(),
            };
            *counted.entry(state).or_default() += 1;
        }
        search.before = page.next;
        if page.next.is_none() {
            return counted;
        }
    }
}

/// A loopback address that no other test has, and no client's end of a connection: a port on it stays
/// free while its process is down.
pub(crate) fn own_host() -> Ipv4Addr {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let pid = std::process::id();
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    Ipv4Addr::new(127, 1 + (pid / 250 % 250) as u8, 1 + (pid % 250) as u8, (1 + next % 250) as u8)
}

fn collect(mut from: impl Read + Send + 'static, log: &Arc<Mutex<String>>) -> JoinHandle<()> {
    let log = Arc::clone(log);
    std::thread::spawn(move || {
        let mut buffer = [0; 8192];
        while let Ok(octets) = from.read(&mut buffer) {
            if octets == 0 {
                return;
            }
            let text = String::from_utf8_lossy(&buffer[..octets]);
            log.lock().unwrap_or_else(PoisonError::into_inner).push_str(&text);
        }
    })
}
