//! The simulator as a process: started on a free port, watched, ended by its pid.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A running simulator. Dropping it kills the process.
#[derive(Debug)]
pub(crate) struct Simulator {
    child: Child,
    pub(crate) address: SocketAddr,
    output: Arc<Mutex<Vec<u8>>>,
    readers: Vec<JoinHandle<()>>,
}

impl Simulator {
    pub(crate) fn start(flags: &[&str]) -> Self {
        Self::start_with(flags, None)
    }

    /// With `RUST_LOG` set to a level.
    pub(crate) fn start_with(flags: &[&str], log: Option<&str>) -> Self {
        Self::run(flags, log, |line| line.strip_prefix("listening on ").map(str::to_owned))
    }

    /// With everything it writes as JSON.
    pub(crate) fn start_json(flags: &[&str], log: Option<&str>) -> Self {
        Self::run(&[flags, &["--json"]].concat(), log, |line| {
            let line: serde_json::Value = serde_json::from_str(line).ok()?;
            line["listening"].as_str().map(str::to_owned)
        })
    }

    fn run(flags: &[&str], log: Option<&str>, address: impl Fn(&str) -> Option<String>) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_smppkit"));
        command.args(["simulator", "--listen", "127.0.0.1:0"]).args(flags);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).env_remove("RUST_LOG");
        if let Some(level) = log {
            command.env("RUST_LOG", level);
        }
        let mut child = command.spawn().expect("cargo built the binary");
        let mut stdout = BufReader::new(child.stdout.take().expect("stdout is piped"));
        let stderr = child.stderr.take().expect("stderr is piped");
        let mut line = String::new();
        stdout.read_line(&mut line).expect("the first line is text");
        let address = address(line.trim_end()).and_then(|address| address.parse().ok());
        let Some(address) = address else {
            let mut said = String::new();
            let _ = BufReader::new(stderr).read_to_string(&mut said);
            let _ = child.kill();
            panic!("the simulator with {flags:?} said {line:?} {said}");
        };
        let output = Arc::new(Mutex::new(line.into_bytes()));
        let readers = vec![collect(stdout, &output), collect(stderr, &output)];
        Self { child, address, output, readers }
    }

    /// All it has written so far, to stdout and to stderr.
    pub(crate) fn output(&self) -> Vec<u8> {
        self.output.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Octets of memory in use, in MiB; 0 where the system does not tell.
    pub(crate) fn memory_mib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let kib = status.ok().and_then(|status| {
            let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
            line.trim().trim_end_matches(" kB").parse::<u64>().ok()
        });
        kib.unwrap_or(0) / 1024
    }

    /// SIGTERM, as an operator sends it.
    pub(crate) fn terminate(&self) {
        let pid = self.child.id().to_string();
        let done = Command::new("kill").args(["-TERM", &pid]).status().expect("kill is there");
        assert!(done.success(), "kill -TERM {pid}");
    }

    /// How it ended, if it did in time.
    pub(crate) fn ended(&mut self, wait: Duration) -> Option<ExitStatus> {
        let until = Instant::now() + wait;
        loop {
            if let Some(status) = self.child.try_wait().expect("it is our child") {
                return Some(status);
            }
            if Instant::now() >= until {
                return None;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Ends it, and gives all that it ever wrote.
    pub(crate) fn stop(mut self) -> Vec<u8> {
        let _ = self.child.kill();
        let _ = self.child.wait();
        for reader in self.readers.drain(..) {
            let _ = reader.join();
        }
        self.output()
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn collect(mut from: impl Read + Send + 'static, output: &Arc<Mutex<Vec<u8>>>) -> JoinHandle<()> {
    let output = Arc::clone(output);
    std::thread::spawn(move || {
        let mut buffer = [0; 8192];
        while let Ok(octets) = from.read(&mut buffer) {
            if octets == 0 {
                return;
            }
            let mut output = output.lock().unwrap_or_else(PoisonError::into_inner);
            output.extend_from_slice(&buffer[..octets]);
        }
    })
}
