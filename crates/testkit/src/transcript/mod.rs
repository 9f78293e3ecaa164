//! Transcripts: reading them, and playing them.

mod application;
mod event;
mod play;

use core::fmt;
use std::path::Path;

use smppkit_session::SessionConfig;
use smppkit_wire::{Dialect, Role};

use crate::words::{Word, duration, number, words};
use application::Act;
use event::EventLine;
use play::Play;

/// A session's rule as a text file, read and ready to be played on virtual time.
///
/// One line is one step. Blank lines and what follows `#` mean nothing.
///
/// | line | meaning |
/// |---|---|
/// | `role mc` | which role is under test; first of all |
/// | `config response=10s send_window=2 version=3.4` | fields of `SessionConfig`; times may be `off` |
/// | `bound transceiver version=3.4` | a bind and its acceptance, both sequence numbers 1 |
/// | `peer> submit_sm seq=1 destination_addr=1234 tlv:dest_port=7` | the peer sends |
/// | `peer> 0x00000999 seq=1 body=00ff` | any command_id, and a body as it is (`absent`: none) |
/// | `peer> raw 00000010 00000015` | octets: several frames, or a part of one |
/// | `peer> vector NAME` | the octets of a vector of `testdata/pdu/vectors.jsonl` |
/// | `us> submit_sm_resp seq=1 message_id=42` | the session has sent; what is not named may be anything but the status, which is then `ESME_ROK` |
/// | `event response token=7 status=ESME_ROK message_id=42` | the application was told |
/// | `close dead` | the session ended, for this reason |
/// | `silence` | nothing was sent and nobody told |
/// | `+29.999s` | time passes, and `timeout` is called at each deadline on the way |
/// | `app: request submit_sm destination_addr=1234 token=7` | the application acts; `-> window_full` names the error it gets |
/// | `expect state=BoundTrx in_flight=1` | what the session says of itself |
/// | `disconnect` | the connection is gone |
/// | `repeat 100 LINE` | a line many times; `{n}` in it counts from 1 |
///
/// Whatever is sent or told must be named before the next line that moves the session, in order;
/// sent PDUs and events each have an order of their own.
#[derive(Debug, Clone)]
pub struct Transcript {
    name: String,
    role: Role,
    config: SessionConfig,
    steps: Vec<Step>,
}

/// A transcript that does not read, or that went another way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The file.
    pub name: String,
    /// The line, from 1.
    pub line: usize,
    /// What was expected, and what came.
    pub problem: String,
}

/// One line.
#[derive(Debug, Clone)]
struct Step {
    line: usize,
    text: String,
    act: Deed,
    /// One of a repeated line, but not the first: what its kind has led to may wait until the last.
    joined: bool,
}

/// What a line does.
#[derive(Debug, Clone)]
enum Deed {
    /// `bound`.
    Bound(Vec<Word>),
    /// `peer>`, as octets.
    Peer(Vec<u8>),
    /// `us>`.
    Us(crate::pdu::PduLine),
    /// `event`, `close`.
    Event(EventLine),
    /// `app:`.
    App(Act),
    /// `+`.
    Pass(core::time::Duration),
    /// `silence`.
    Silence,
    /// `expect`.
    Expect(Vec<Word>),
    /// `disconnect`.
    Disconnect,
}

impl Transcript {
    /// Reads a file.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        let text = std::fs::read_to_string(path);
        let text =
            text.map_err(|error| Failure { name: name.clone(), line: 0, problem: error.to_string() })?;
        Self::parse(&name, &text)
    }

    /// From its text; the name is for messages.
    pub fn parse(name: &str, text: &str) -> Result<Self, Failure> {
        let mut transcript = Self {
            name: name.to_owned(),
            role: Role::Mc,
            config: SessionConfig::default(),
            steps: Vec::new(),
        };
        for (at, text) in text.lines().enumerate() {
            let line = at + 1;
            let text = text.trim();
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            transcript.line(line, text).map_err(|problem| Failure {
                name: name.to_owned(),
                line,
                problem: format!("{text}\n    {problem}"),
            })?;
        }
        Ok(transcript)
    }

    /// Plays it.
    pub fn run(&self) -> Result<(), Failure> {
        let failure = |step: Option<&Step>, problem: String| Failure {
            name: self.name.clone(),
            line: step.map_or(0, |step| step.line),
            problem: step.map_or_else(|| problem.clone(), |step| format!("{}\n    {problem}", step.text)),
        };
        let mut play = Play::new(self.role, &self.config);
        for step in &self.steps {
            play.step(&step.act, step.joined).map_err(|problem| failure(Some(step), problem))?;
        }
        play.nothing_left().map_err(|problem| {
            let end = self.steps.last().map(|step| Step { text: "(the end)".to_owned(), ..step.clone() });
            failure(end.as_ref(), problem)
        })
    }

    fn line(&mut self, line: usize, text: &str) -> Result<(), String> {
        if let Some(rest) = text.strip_prefix("repeat ") {
            let (times, rest) = rest.split_once(' ').ok_or("repeat needs a number and a line")?;
            let first = self.steps.len() + 1;
            for n in 1..=number(times)? {
                self.line(line, &rest.replace("{n}", &n.to_string()))?;
            }
            self.steps.iter_mut().skip(first).for_each(|step| step.joined = true);
            return Ok(());
        }
        let act = if let Some(rest) = text.strip_prefix("peer>") {
            Deed::Peer(peer_octets(rest.trim())?)
        } else if let Some(rest) = text.strip_prefix("us>") {
            Deed::Us(crate::pdu::PduLine::parse(&words(rest))?)
        } else if let Some(rest) = text.strip_prefix("app:") {
            Deed::App(Act::parse(&words(rest))?)
        } else if let Some(rest) = text.strip_prefix('+') {
            Deed::Pass(duration(rest.split('#').next().unwrap_or_default().trim())?)
        } else {
            match self.word(&words(text))? {
                Some(act) => act,
                None => return Ok(()),
            }
        };
        self.steps.push(Step { line, text: text.to_owned(), act, joined: false });
        Ok(())
    }

    /// A line that begins with a word.
    fn word(&mut self, words: &[Word]) -> Result<Option<Deed>, String> {
        let Some((Word::Bare(first), rest)) = words.split_first() else {
            return Err("a line begins with a word".to_owned());
        };
        Ok(Some(match first.as_str() {
            "role" => {
                self.role = match rest {
                    [Word::Bare(role)] if role == "mc" => Role::Mc,
                    [Word::Bare(role)] if role == "esme" => Role::Esme,
                    _ => return Err("the role is mc or esme".to_owned()),
                };
                return Ok(None);
            }
            "config" => {
                rest.iter().try_for_each(|word| configure(&mut self.config, word))?;
                return Ok(None);
            }
            "bound" => Deed::Bound(rest.to_vec()),
            "event" => Deed::Event(EventLine::parse(rest)?),
            "close" => Deed::Event(EventLine::parse(words)?),
            "silence" => Deed::Silence,
            "expect" => Deed::Expect(rest.to_vec()),
            "disconnect" => Deed::Disconnect,
            other => return Err(format!("no line begins with {other}")),
        }))
    }
}

/// Plays every `.txt` of a directory; how many there were, or what went wrong in which.
pub fn run_directory(path: &Path) -> Result<usize, Vec<Failure>> {
    let unreadable = |error: &dyn fmt::Display| {
        vec![Failure { name: path.display().to_string(), line: 0, problem: error.to_string() }]
    };
    let entries = std::fs::read_dir(path).map_err(|error| unreadable(&error))?;
    let mut paths: Vec<_> = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()
        .map_err(|error| unreadable(&error))?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "txt"));
    paths.sort();
    let failures: Vec<_> = paths
        .iter()
        .filter_map(|path| Transcript::read(path).and_then(|transcript| transcript.run()).err())
        .collect();
    if failures.is_empty() { Ok(paths.len()) } else { Err(failures) }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.name, self.line, self.problem)
    }
}

impl std::error::Error for Failure {}

fn peer_octets(text: &str) -> Result<Vec<u8>, String> {
    if let Some(digits) = text.strip_prefix("raw ") {
        return crate::words::hex(digits.split('#').next().unwrap_or_default());
    }
    match text.strip_prefix("vector ") {
        Some(name) => vector(name.split('#').next().unwrap_or_default().trim()),
        None => crate::pdu::PduLine::parse(&words(text))?.octets(),
    }
}

/// The octets of a given vector. Each stands in one line, with its name first, so that looking for
/// two keys spares a JSON reader.
fn vector(name: &str) -> Result<Vec<u8>, String> {
    const VECTORS: &str = include_str!("../../../../testdata/pdu/vectors.jsonl");
    let wanted = format!("{{\"name\":\"{name}\",");
    let line = VECTORS.lines().find(|line| line.starts_with(&wanted));
    let digits = line.and_then(|line| line.split("\"hex\":\"").nth(1)?.split('"').next());
    crate::words::hex(digits.ok_or_else(|| format!("{name} is no vector"))?)
}

fn configure(config: &mut SessionConfig, word: &Word) -> Result<(), String> {
    let Word::Pair(key, value) = word else {
        return Err("a configuration is key=value".to_owned());
    };
    let off = value == "off";
    let time = || if off { Ok(None) } else { duration(value).map(Some) };
    let rate = || if off { Ok(None) } else { number(value).map(Some) };
    let version = || value.parse().map_err(|error| format!("{error}"));
    match key.as_str() {
        "version" => config.version = version()?,
        "silent_mc_version" => config.silent_mc_version = version()?,
        "dialect" if value == "strict" => config.dialect = Dialect::STRICT,
        "tlvs_below_v34" => config.dialect.tlvs_below_v34 = value == "yes",
        "pdu_limit_octets" => config.pdu_limit_octets = number(value)?,
        "send_window" => config.send_window = number(value)?,
        "receive_window" => config.receive_window = number(value)?,
        "session_init" => config.session_init = time()?,
        "enquire_link" => config.enquire_link = time()?,
        "inactivity" => config.inactivity = time()?,
        "response" => config.response = time()?,
        "enquire_link_rate" => config.enquire_link_rate = rate()?,
        "receive_rate" => config.receive_rate = rate()?,
        "adaptive_window" => config.adaptive_window = value == "yes",
        other => return Err(format!("{other} is no field of the configuration")),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str) -> String {
        match Transcript::parse("t.txt", text) {
            Ok(transcript) => transcript.run().unwrap_err().to_string(),
            Err(failure) => failure.to_string(),
        }
    }

    #[test]
    fn what_was_not_expected_is_shown_with_its_place() {
        let text =
            problem("role mc\nbound transceiver\npeer> enquire_link seq=7\nus> enquire_link_resp seq=8");
        assert!(text.starts_with("t.txt:4: us> enquire_link_resp seq=8"), "{text}");
        assert!(text.contains("differs in: seq") && text.contains("enquire_link_resp seq=0x7"), "{text}");
    }

    #[test]
    fn output_that_no_line_names_is_a_failure() {
        let text = problem("role mc\nbound transceiver\npeer> enquire_link seq=7\n+1s");
        assert!(text.starts_with("t.txt:4: +1s") && text.contains("not expected"), "{text}");
        let text = problem("role mc\nbound transceiver\npeer> enquire_link seq=7");
        assert!(text.contains("(the end)"), "{text}");
    }

    #[test]
    fn a_line_that_does_not_read_says_what_would() {
        assert!(problem("peer> submit_sm seq=1 source=1").contains("service_type"));
        assert!(problem("config windows=1").contains("no field of the configuration"));
        assert!(problem("event answered").contains("no event"));
    }
}
