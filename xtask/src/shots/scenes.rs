//! What the pictures show.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value as Json;

use super::normal::Normal;
use super::terminal::{Simulator, Terminal};

/// One picture.
pub(super) struct Scene {
    /// Its file's name.
    pub(super) name: &'static str,
    /// What stands in its title bar.
    pub(super) title: &'static str,
    pub(super) play: fn(&Stage<'_>) -> Result<Vec<Line>>,
}

/// Where scenes are played.
pub(super) struct Stage<'a> {
    pub(super) root: &'a Path,
    /// The directory of our program.
    pub(super) programs: PathBuf,
    pub(super) terminal: Terminal,
}

/// A line of a picture, of whatever length.
pub(super) enum Line {
    /// What a person typed.
    Typed(String),
    /// What a program answered.
    Written {
        line: String,
        /// The columns by which the line hangs when it must be broken.
        hang: usize,
    },
    Empty,
}

pub(super) const SCENES: &[Scene] = &[
    Scene { name: "demo", title: "smppkit demo", play: demo },
    Scene { name: "simulator", title: "smppkit simulator", play: simulator },
    Scene { name: "send", title: "smppkit send", play: send },
    Scene { name: "rules", title: "smppkit ctl", play: rules },
    Scene { name: "script", title: "smppkit script", play: script },
    Scene { name: "inspect", title: "smppkit inspect", play: |stage| inspect(stage, "", RECEIPT, true) },
    Scene {
        name: "inspect-error",
        title: "smppkit inspect",
        play: |stage| inspect(stage, "", BROKEN, false),
    },
    Scene {
        name: "inspect-json",
        title: "smppkit inspect --json",
        play: |stage| inspect(stage, "--json ", RESPONSE, true),
    },
];

// From testdata/pdu/vectors.jsonl.
const RECEIPT: &str = "deliver_sm_receipt_tlvs";
const BROKEN: &str = "submit_sm_tlv_length_beyond_pdu";
const RESPONSE: &str = "submit_sm_resp_v50_tlvs";

/// Too long for one part in UCS-2, which the emoji makes necessary.
const TWO_PARTS: &str = "Köln 🚆 from platform 7, 20 minutes late. Have a good trip all the same!";

/// The first command of the README.
fn demo(stage: &Stage<'_>) -> Result<Vec<Line>> {
    let line = "smppkit demo";
    let written = stage.terminal.run(&format!("{line} --seconds 7 --listen 127.0.0.1:0"), None, true)?;
    let mut normal = Normal::default();
    // The message centre's port is the system's choice; the gateway's is shown as it usually is.
    let front = written.iter().find_map(|line| line.strip_prefix("a gateway in front of it"));
    normal.line(front.unwrap_or_default().trim());
    let is_told = |line: &&String| !line.contains("session ended");
    let written = written.iter().filter(is_told);
    let written = written.map(|line| Line::Written { line: normal.line(line), hang: 2 });
    Ok(std::iter::once(Line::Typed(line.to_owned())).chain(written).collect())
}

fn simulator(stage: &Stage<'_>) -> Result<Vec<Line>> {
    let line = "smppkit simulator --mo-number 12345 --show-messages";
    let mut simulator = Simulator::start(&stage.terminal, line)?;
    let url = simulator.url()?;
    let messages =
        [("447700900123", "Grüße aus Köln"), ("447700900123", TWO_PARTS), ("12345", "Which platform?")];
    for (at, (to, text)) in messages.iter().enumerate() {
        stage.terminal.run(&format!("smppkit send --to {to} '{text}'"), Some(&url), true)?;
        simulator.wait_for("session ended", at + 1)?;
    }
    // Under the time and the level.
    let mut normal = Normal::default();
    let written = simulator.seen().iter().map(|line| Line::Written { line: normal.line(line), hang: 15 });
    Ok(std::iter::once(Line::Typed(line.to_owned())).chain(written).collect())
}

fn send(stage: &Stage<'_>) -> Result<Vec<Line>> {
    let simulator = Simulator::start(&stage.terminal, "smppkit simulator")?;
    let url = simulator.url()?;
    let (mut lines, mut normal) = (Vec::new(), Normal::default());
    for text in ["Grüße aus Köln 👋", TWO_PARTS] {
        if !lines.is_empty() {
            lines.push(Line::Empty);
        }
        let line = format!("smppkit send --to 447700900123 '{text}'");
        let written = stage.terminal.run(&line, Some(&url), true)?;
        lines.push(Line::Typed(line));
        lines.extend(written.iter().map(|line| Line::Written { line: normal.line(line), hang: 2 }));
    }
    Ok(lines)
}

/// A rule that refuses once, what it did, and the record.
fn rules(stage: &Stage<'_>) -> Result<Vec<Line>> {
    let simulator = Simulator::start(
        &stage.terminal,
        "smppkit simulator --receipt-delay 100ms --admin 127.0.0.1:0 --clock 2026-11-22T10:00:00Z",
    )?;
    let url = simulator.url()?;
    let mut terminal = Terminal::new(&stage.programs)?;
    terminal.admin = simulator.admin();
    let rule = r#"{"name": "busy", "when": {"destination_addr": "4477*"}, "times": 1, "then": {"status": "ESME_RTHROTTLED"}}"#;
    let (mut lines, mut normal) = (Vec::new(), Normal::default());
    for (line, good) in [
        (format!("smppkit ctl rules add '{rule}'"), true),
        ("smppkit send --to 447700900123 'Your code is 4711'".to_owned(), false),
        ("smppkit send --to 447700900123 'Your code is 4711'".to_owned(), true),
        ("smppkit ctl wait messages 'text=/code is [0-9]{4}/' --timeout 5s".to_owned(), true),
        ("smppkit ctl rules".to_owned(), true),
    ] {
        if !lines.is_empty() {
            lines.push(Line::Empty);
        }
        let written = terminal.run(&line, Some(&url), good)?;
        lines.push(Line::Typed(line));
        lines.extend(written.iter().map(|line| Line::Written { line: normal.line(line), hang: 2 }));
    }
    Ok(lines)
}

/// A script that finds a difference.
fn script(stage: &Stage<'_>) -> Result<Vec<Line>> {
    let simulator =
        Simulator::start(&stage.terminal, "smppkit simulator --preset smppsim --receipt-delay 100ms")?;
    let url = simulator.url()?;
    let directory = stage.root.join("target/shots");
    std::fs::create_dir_all(&directory)?;
    std::fs::write(directory.join("smoke.smpp"), SMOKE)?;
    let (mut lines, mut normal) = (Vec::new(), Normal::default());
    for (line, good) in [("cat smoke.smpp", true), ("smppkit script smoke.smpp", false)] {
        if !lines.is_empty() {
            lines.push(Line::Empty);
        }
        let there = format!("cd '{}' && {line}", directory.display());
        let written = stage.terminal.run(&there, Some(&url), good)?;
        lines.push(Line::Typed(line.to_owned()));
        lines.extend(written.iter().map(|line| Line::Written { line: normal.line(line), hang: 2 }));
    }
    Ok(lines)
}

/// The simulator of the scene lets messages to numbers with a 1 in front expire.
const SMOKE: &str = "\
bind transceiver
submit_sm source_addr=1234 destination_addr=15550100 short_message=\"Hello\" registered_delivery=1 -> ESME_ROK as first
expect deliver_sm within 5s receipted_message_id=$first message_state=DELIVERED
unbind
";

fn inspect(stage: &Stage<'_>, options: &str, vector: &str, good: bool) -> Result<Vec<Line>> {
    let line = format!("smppkit inspect {options}{}", hex_of(stage.root, vector)?);
    let mut written = stage.terminal.run(&line, None, good)?;
    while written.last().is_some_and(String::is_empty) {
        written.pop();
    }
    let written = written.into_iter().map(|line| Line::Written { line, hang: 0 });
    Ok(std::iter::once(Line::Typed(line)).chain(written).collect())
}

/// The octets of a test vector.
fn hex_of(root: &Path, name: &str) -> Result<String> {
    let path = root.join("testdata/pdu/vectors.jsonl");
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    for line in text.lines() {
        let vector: Json =
            serde_json::from_str(line).with_context(|| format!("{}: no JSON", path.display()))?;
        if vector["name"] == name {
            return Ok(vector["hex"].as_str().context("a vector has no hex")?.to_owned());
        }
    }
    anyhow::bail!("{}: no vector {name:?}", path.display())
}
