//! Running other programs.

use std::io::{BufRead, BufReader, IsTerminal};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

/// Runs `command` and gives each line of its standard output to `on_line` as it comes; standard error
/// goes where ours goes. Answers whether it exited with 0 within `limit`.
///
/// Off a terminal the command gets a process group of its own, which is ended with it: a server that a
/// test left behind would otherwise hold the pipe open for ever. On a terminal a person has Ctrl-C,
/// which would not reach another group.
pub(crate) fn stream(command: &mut Command, limit: Duration, on_line: &mut dyn FnMut(&str)) -> Result<bool> {
    let own_group = !std::io::stdout().is_terminal();
    if own_group {
        command.process_group(0);
    }
    let deadline = Instant::now() + limit;
    let mut child = start(command.stdin(Stdio::null()).stdout(Stdio::piped()))?;
    let lines = lines_of(&mut child);
    let mut open = true;
    let status = loop {
        if !open {
            std::thread::sleep(POLL);
        }
        match lines.recv_timeout(POLL) {
            Ok(line) => on_line(&line),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => open = false,
        }
        if let Some(status) = child.try_wait()? {
            break Some(status);
        }
        if Instant::now() >= deadline {
            break None;
        }
    };
    if own_group {
        end_group(&child);
    }
    if status.is_none() {
        eprintln!("xtask: stopped after its limit of {} s: {command:?}", limit.as_secs());
        let _already_gone = child.kill();
        child.wait()?;
    }
    while let Ok(line) = lines.recv_timeout(LAST_WORDS) {
        on_line(&line);
    }
    Ok(status.is_some_and(|status| status.success()))
}

/// Runs `command` with our own standard output and error, and answers whether it exited with 0.
pub(crate) fn pass_through(command: &mut Command) -> Result<bool> {
    Ok(start(command)?.wait()?.success())
}

/// Everything that `command` writes to its standard output.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output =
        command.stderr(Stdio::inherit()).output().with_context(|| format!("cannot run {command:?}"))?;
    anyhow::ensure!(output.status.success(), "{command:?} failed: {}", output.status);
    String::from_utf8(output.stdout).with_context(|| format!("{command:?} wrote no UTF-8"))
}

/// The cargo that runs us, in the workspace.
pub(crate) fn cargo(root: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root);
    command
}

/// Starts `command`, and says which could not be.
pub(crate) fn start(command: &mut Command) -> Result<Child> {
    command.spawn().with_context(|| format!("cannot run {}", command.get_program().display()))
}

/// The lines of the child's standard output, as they come, without white space at their ends.
pub(crate) fn lines_of(child: &mut Child) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    let mut out = BufReader::new(child.stdout.take().expect("the caller asked for a pipe"));
    std::thread::spawn(move || {
        let mut line = Vec::new();
        while out.read_until(b'\n', &mut line).is_ok_and(|octets| octets > 0) {
            if sender.send(String::from_utf8_lossy(&line).trim_end().to_owned()).is_err() {
                return;
            }
            line.clear();
        }
    });
    receiver
}

/// Ends what is left of the child's process group. That nothing is left is the usual case.
fn end_group(child: &Child) {
    let group = format!("-{}", child.id());
    let _none_left = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
}

const POLL: Duration = Duration::from_millis(50);
/// How long output may still arrive after the program's end, held back only by the reading thread.
const LAST_WORDS: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn lines_arrive_in_order_and_the_exit_code_counts() {
        let mut lines = Vec::new();
        let limit = Duration::from_secs(60);
        let good =
            stream(&mut sh("echo one; echo two; exit 1"), limit, &mut |line| lines.push(line.to_owned()));
        assert!(!good.unwrap());
        assert_eq!(lines, ["one", "two"]);
    }

    #[test]
    fn a_program_over_its_limit_is_stopped() {
        let begun = Instant::now();
        let good = stream(&mut sh("sleep 60"), Duration::from_millis(100), &mut |_| {});
        assert!(!good.unwrap());
        assert!(begun.elapsed() < Duration::from_secs(30));
    }
}
