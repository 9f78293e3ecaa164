//! Processes: started, watched, bounded in time, ended by their id.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Longer than anything here takes.
const LIMIT: Duration = Duration::from_secs(30);

/// What a finished process has left.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Done {
    /// Its lines of JSON.
    pub(crate) fn json(&self) -> Vec<Value> {
        self.stdout.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
    }

    /// Those of a kind: `key` says which.
    pub(crate) fn of(&self, key: &str, kind: &str) -> Vec<Value> {
        self.json().into_iter().filter(|line| line[key] == kind).collect()
    }

    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}{}", self.stdout, self.stderr);
        self
    }
}

/// A running process. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    lines: Receiver<String>,
    read: Vec<String>,
    stderr: Option<std::thread::JoinHandle<String>>,
}

impl Process {
    pub(crate) fn start(args: &[&str]) -> Self {
        Self::start_with(args, &[], "")
    }

    pub(crate) fn start_with(args: &[&str], env: &[(&str, &str)], input: &str) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_smppkit"));
        command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        for name in ["RUST_LOG", "SMPPKIT_URL", "SMPPKIT_PASSWORD", "XDG_CONFIG_HOME"] {
            command.env_remove(name);
        }
        command.envs(env.iter().copied());
        let mut child = command.spawn().expect("cargo built the binary");
        // A process that reads nothing may be gone before all is written.
        let _ = child.stdin.take().expect("stdin is piped").write_all(input.as_bytes());
        let stdout = BufReader::new(child.stdout.take().expect("stdout is piped"));
        let mut stderr = child.stderr.take().expect("stderr is piped");
        let (say, lines) = channel();
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                let _ = say.send(line);
            }
        });
        let stderr = std::thread::spawn(move || {
            let mut text = Vec::new();
            let _ = stderr.read_to_end(&mut text);
            String::from_utf8_lossy(&text).into_owned()
        });
        Self { child, lines, read: Vec::new(), stderr: Some(stderr) }
    }

    /// The first line from here on that holds a text.
    #[track_caller]
    pub(crate) fn line_with(&mut self, text: &str) -> String {
        let until = Instant::now() + LIMIT;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let line = self.lines.recv_timeout(left);
            let line = line.unwrap_or_else(|_| panic!("no line with {text:?}, but {:?}", self.read));
            self.read.push(line.clone());
            if line.contains(text) {
                return line;
            }
        }
    }

    /// A signal by name.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let done = Command::new("kill").args([&format!("-{name}"), &pid]).status().expect("kill is there");
        assert!(done.success(), "kill -{name} {pid}");
    }

    /// Waits for its end.
    #[track_caller]
    pub(crate) fn done(mut self) -> Done {
        let until = Instant::now() + LIMIT;
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("it is a child of ours") {
                break status;
            }
            assert!(Instant::now() < until, "it runs longer than {LIMIT:?}");
            std::thread::sleep(Duration::from_millis(5));
        };
        let mut stdout: Vec<String> = core::mem::take(&mut self.read);
        stdout.extend(self.lines.iter());
        let stderr = self.stderr.take().expect("taken once").join().expect("it only reads");
        Done { code: status.code().unwrap_or(-1), stdout: stdout.join("\n"), stderr }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs the binary to its end.
#[track_caller]
pub(crate) fn smppkit(args: &[&str]) -> Done {
    Process::start(args).done()
}

/// A simulator on a free port.
#[derive(Debug)]
pub(crate) struct Simulator {
    process: Process,
    pub(crate) address: String,
}

impl Simulator {
    /// Receipts come after 50 ms, messages to 12345 come back.
    pub(crate) fn start(flags: &[&str]) -> Self {
        Self::listening("--listen", "127.0.0.1:0", flags)
    }

    pub(crate) fn listening(flag: &str, address: &str, flags: &[&str]) -> Self {
        let mut own = vec!["simulator", flag, address, "--mo-number", "12345"];
        if !flags.contains(&"--receipt-delay") {
            own.extend(["--receipt-delay", "50ms"]);
        }
        let mut process = Process::start(&[&own, flags].concat());
        let line = process.line_with("listening on ");
        let address = line.split_whitespace().nth(2).expect("an address").to_owned();
        Self { process, address }
    }

    pub(crate) fn url(&self) -> String {
        format!("smpp://me:secret@{}", self.address)
    }

    /// Ends it politely.
    pub(crate) fn stop(self) {
        self.process.signal("TERM");
        self.process.done();
    }
}

/// A file for one test.
pub(crate) fn file(name: &str, text: &str) -> PathBuf {
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(std::process::id().to_string());
    std::fs::create_dir_all(&dir).expect("the target directory is ours");
    let path = dir.join(name);
    std::fs::write(&path, text).expect("the target directory is ours");
    path
}
