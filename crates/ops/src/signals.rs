//! Talking with what started the process: signals from it, and states to it.

use std::io;
use std::sync::Arc;

use tokio::task::JoinHandle;

/// Why to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM: whoever runs the server wants it gone.
    Terminate,
    /// SIGINT: someone pressed Ctrl-C. The exit code is 130.
    Interrupt,
}

/// SIGTERM and SIGINT, no longer deadly. On Windows: Ctrl-C, and Ctrl-Break for SIGTERM.
#[derive(Debug)]
pub struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(windows)]
    terminate: tokio::signal::windows::CtrlBreak,
    #[cfg(windows)]
    interrupt: tokio::signal::windows::CtrlC,
}

impl Signals {
    /// From now on signals wait here.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let mut signals = smppkit_ops::Signals::catch()?;
    /// tokio::select! {
    ///     signal = signals.next() => println!("stopping: {signal:?}"),
    ///     () = async {} => println!("served"),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(unix)]
    pub fn catch() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// From now on signals wait here.
    #[cfg(windows)]
    pub fn catch() -> io::Result<Self> {
        use tokio::signal::windows::{ctrl_break, ctrl_c};
        Ok(Self { terminate: ctrl_break()?, interrupt: ctrl_c()? })
    }

    /// The next one. Dropping the future loses none.
    pub async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.terminate.recv() => Signal::Terminate,
            _ = self.interrupt.recv() => Signal::Interrupt,
        }
    }
}

/// Tells systemd how far the service is (`Type=notify`), and that it lives (`WatchdogSec=`). Where
/// nothing listens it does nothing. Clones are the same.
#[derive(Debug, Clone)]
pub struct Ready {
    /// Ends with the last clone.
    _watchdog: Option<Arc<Watchdog>>,
}

impl Ready {
    /// Begins to feed the watchdog, if systemd asks for it. Only within a Tokio runtime: a runtime
    /// that no longer runs its tasks shall be missed.
    pub fn new() -> Self {
        Self { _watchdog: Watchdog::start().map(Arc::new) }
    }

    /// Listening, and welcoming work.
    pub fn ready(&self) {
        tell(State::Ready);
    }

    /// Reading the configuration again; say [`ready`](Self::ready) when done, or systemd waits.
    pub fn reloading(&self) {
        tell(State::Reloading);
    }

    /// On the way out.
    pub fn stopping(&self) {
        tell(State::Stopping);
    }

    /// A line for `systemctl status`.
    pub fn status(&self, line: &str) {
        // A line break would begin another variable.
        tell(State::Status(&line.replace(['\n', '\r'], " ")));
    }
}

impl Default for Ready {
    fn default() -> Self {
        Self::new()
    }
}

/// What can be told. Elsewhere than on Unix nothing is.
#[cfg_attr(not(unix), allow(dead_code))]
#[derive(Debug, Clone, Copy)]
enum State<'a> {
    Ready,
    Reloading,
    Stopping,
    Status(&'a str),
    Watchdog,
}

#[cfg(unix)]
fn tell(state: State<'_>) {
    use sd_notify::{NotifyState, notify};

    let told = match state {
        State::Ready => notify(&[NotifyState::Ready]),
        State::Reloading => {
            NotifyState::monotonic_usec_now().and_then(|now| notify(&[NotifyState::Reloading, now]))
        }
        State::Stopping => notify(&[NotifyState::Stopping]),
        State::Status(line) => notify(&[NotifyState::Status(line)]),
        State::Watchdog => notify(&[NotifyState::Watchdog]),
    };
    if let Err(error) = told {
        tracing::warn!(%error, ?state, "systemd cannot be told");
    }
}

#[cfg(not(unix))]
fn tell(_: State<'_>) {}

/// The task that says that the process lives.
#[cfg_attr(not(unix), allow(dead_code))]
#[derive(Debug)]
struct Watchdog(JoinHandle<()>);

impl Watchdog {
    /// Half the time, as sd_watchdog_enabled(3) recommends.
    #[cfg(unix)]
    fn start() -> Option<Self> {
        let limit = sd_notify::watchdog_enabled()?;
        let runtime = tokio::runtime::Handle::try_current().ok()?;
        Some(Self(runtime.spawn(async move {
            let mut interval = tokio::time::interval((limit / 2).max(core::time::Duration::from_millis(1)));
            loop {
                interval.tick().await;
                tell(State::Watchdog);
            }
        })))
    }

    #[cfg(not(unix))]
    fn start() -> Option<Self> {
        None
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[cfg(all(test, unix))]
mod tests {
    use core::time::Duration;
    use std::os::unix::net::UnixDatagram;
    use std::process::{Command, id};

    use super::*;

    #[tokio::test]
    async fn signals_are_caught() {
        let mut signals = Signals::catch().unwrap();
        for (name, signal) in [("-TERM", Signal::Terminate), ("-INT", Signal::Interrupt)] {
            assert!(Command::new("kill").args([name, &id().to_string()]).status().unwrap().success());
            assert_eq!(signals.next().await, signal);
        }
    }

    /// The environment cannot be changed safely, so this runs itself once more with another.
    #[test]
    fn systemd_is_told() {
        if std::env::var_os("SMPPKIT_OPS_TEST_CHILD").is_some() {
            return tell_all();
        }
        let path = std::env::temp_dir().join(format!("smppkit-ops-notify-{}", id()));
        let _ = std::fs::remove_file(&path);
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "signals::tests::systemd_is_told", "--quiet"])
            .env("SMPPKIT_OPS_TEST_CHILD", "1")
            .env("NOTIFY_SOCKET", &path)
            .env("WATCHDOG_USEC", "20000")
            .env_remove("WATCHDOG_PID")
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let mut told = Vec::new();
        let mut pings = 0;
        while told.len() < 4 || pings < 2 {
            let mut buffer = [0; 256];
            let length = socket.recv(&mut buffer).unwrap();
            match str::from_utf8(&buffer[..length]).unwrap() {
                "WATCHDOG=1\n" => pings += 1,
                text => told.push(text.lines().map(str::to_owned).collect::<Vec<_>>()),
            }
        }
        assert!(child.wait().unwrap().success());
        std::fs::remove_file(&path).unwrap();
        assert_eq!(told[0], ["READY=1"]);
        assert_eq!(told[1][0], "RELOADING=1");
        assert!(told[1][1].starts_with("MONOTONIC_USEC="), "{told:?}");
        assert_eq!(told[2], ["STATUS=two lines"]);
        assert_eq!(told[3], ["STOPPING=1"]);
    }

    fn tell_all() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .expect("the system has timers");
        runtime.block_on(async {
            let ready = Ready::new();
            ready.ready();
            ready.reloading();
            ready.status("two\nlines");
            ready.stopping();
            tokio::time::sleep(Duration::from_millis(60)).await;
        });
    }
}
