//! Cases as text: what is sent, what must come back.
//!
//! ```text
//! let hello = …                      octets by name, for this file
//! simulator --session-init 300ms     flags for the cases that follow; none: `simulator`
//! account me:secret                  who the healthy client is there
//! case name
//!   bind trx 5.0 [id [password]]     binds, and expects that it works
//!   send OCTETS                      as they are
//!   pdu COMMAND SEQUENCE OCTETS      with a header in front
//!   many N COMMAND SEQUENCE OCTETS   N of them in one write, numbered from SEQUENCE
//!   trickle 20ms OCTETS              one octet at a time, until the peer closes
//!   borders COMMAND SEQUENCE OCTETS  the PDU cut in two at every border, an answer ROK to each
//!   expect COMMAND STATUS|STATUS SEQUENCE|SEQUENCE [with OCTETS] [without OCTETS] [or …]
//!   answers N COMMAND STATUS SEQUENCE   N in order, numbered from SEQUENCE
//!   alive                            enquire_link is answered, and nothing comes before
//!   alive_or_closed                  either
//!   silence 100ms                    nothing comes, and it is not closed
//!   closed [2s]                      the other side closes, and nothing comes before
//!   pause 50ms | half_close | reset | reconnect
//!   memory 16                        at the end no more than so many MiB more than here
//! ```
//! A status other than ROK must come without a body (SMPP 5.0, 3.2.1.3), but for `data_sm_resp`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::healthy::{self, bind_body};
use crate::names;
use crate::octets::{Names, octets, pdu};
use crate::peer::{Came, Next, Peer};
use crate::simulator::Simulator;

/// How long an answer may take.
pub(crate) const ANSWERED_WITHIN: Duration = Duration::from_secs(2);

/// One case of a file.
#[derive(Debug)]
struct Case {
    name: String,
    line: usize,
    flags: Vec<String>,
    account: Option<(String, String)>,
    steps: Vec<(usize, String)>,
}

/// Where the data is.
pub(crate) fn data(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../testdata").join(file)
}

/// Runs all cases of a file; each failure is a line, and any is a panic.
pub(crate) fn play(file: &str) {
    let text = std::fs::read_to_string(data(&format!("hostile/{file}"))).expect("the file is there");
    let (cases, names) = read(file, &text);
    let mut report = Report::new(file);
    let mut running: Option<(Vec<String>, Simulator)> = None;
    for case in &cases {
        if running.as_ref().is_none_or(|(flags, _)| *flags != case.flags) {
            let flags: Vec<&str> = case.flags.iter().map(String::as_str).collect();
            running = Some((case.flags.clone(), Simulator::start(&flags)));
        }
        let (_, simulator) = running.as_ref().expect("it was just started");
        let account = case.account.as_ref().map(|(id, password)| (id.as_str(), password.as_str()));
        let result = Run::new(simulator, &names).case(case);
        report.case(&format!("{}:{} {}", file, case.line, case.name), simulator.address, account, result);
    }
    report.done();
}

/// What went wrong, a line each.
#[derive(Debug)]
pub(crate) struct Report {
    what: String,
    cases: usize,
    failed: usize,
    slowest: Duration,
}

impl Report {
    pub(crate) fn new(what: &str) -> Self {
        Self { what: what.to_owned(), cases: 0, failed: 0, slowest: Duration::ZERO }
    }

    /// Takes the result of a case, and looks whether the healthy client is still served.
    pub(crate) fn case(
        &mut self,
        name: &str,
        address: SocketAddr,
        account: Option<(&str, &str)>,
        result: Result<(), String>,
    ) {
        self.cases += 1;
        let served = healthy::served(address, account);
        self.slowest = self.slowest.max(*served.as_ref().unwrap_or(&Duration::ZERO));
        if let Err(error) = result.and(served.map(|_| ())) {
            self.failed += 1;
            println!("FAIL {name}: {error}");
        }
    }

    pub(crate) fn done(self) {
        let Self { what, cases, failed, slowest } = self;
        println!("{what}: {cases} cases, {failed} failed, the healthy client within {slowest:?}");
        assert_eq!(failed, 0, "{what}: {failed} of {cases} cases failed; each has a line FAIL above");
    }
}

fn read(file: &str, text: &str) -> (Vec<Case>, Names) {
    let mut names = Names::new();
    let mut cases: Vec<Case> = Vec::new();
    let (mut flags, mut account) = (Vec::new(), None);
    for (line, text) in text.lines().enumerate() {
        let (line, text) = (line + 1, text.trim_end());
        let (word, rest) = text.trim_start().split_once(' ').unwrap_or((text.trim_start(), ""));
        match word {
            "" => {}
            _ if word.starts_with('#') => {}
            _ if text.starts_with(' ') => {
                let case = cases.last_mut().unwrap_or_else(|| panic!("{file}:{line}: a step before a case"));
                case.steps.push((line, text.trim().to_owned()));
            }
            "let" => {
                let (name, value) =
                    rest.split_once('=').unwrap_or_else(|| panic!("{file}:{line}: let NAME = OCTETS"));
                let value = octets(value, &names).unwrap_or_else(|error| panic!("{file}:{line}: {error}"));
                names.insert(name.trim().to_owned(), value);
            }
            "simulator" => {
                flags = rest.split_whitespace().map(str::to_owned).collect();
                account = None;
            }
            "account" => {
                account = rest.split_once(':').map(|(id, password)| (id.to_owned(), password.to_owned()));
            }
            "case" => {
                let (name, steps) = (rest.to_owned(), Vec::new());
                cases.push(Case { name, line, flags: flags.clone(), account: account.clone(), steps });
            }
            _ => panic!("{file}:{line}: cannot read {text:?}"),
        }
    }
    (cases, names)
}

/// A case on its way.
struct Run<'a> {
    simulator: &'a Simulator,
    names: &'a Names,
    peer: Option<Peer>,
    enquired: u32,
    memory: Option<(u64, u64)>,
    writers: Vec<std::thread::JoinHandle<()>>,
}

impl<'a> Run<'a> {
    fn new(simulator: &'a Simulator, names: &'a Names) -> Self {
        Self { simulator, names, peer: None, enquired: 0x0A11_F000, memory: None, writers: Vec::new() }
    }

    fn case(mut self, case: &Case) -> Result<(), String> {
        for (line, step) in &case.steps {
            let (word, rest) = step.split_once(' ').unwrap_or((step, ""));
            self.step(word, rest.trim()).map_err(|error| format!("line {line}, {step:.90}: {error}"))?;
        }
        drop(self.peer);
        for writer in self.writers {
            writer.join().map_err(|_| "the writer panicked".to_owned())?;
        }
        if let Some((before, allowed)) = self.memory {
            let after = self.simulator.memory_mib();
            if after > before + allowed {
                return Err(format!("memory grew from {before} to {after} MiB, expected {allowed} at most"));
            }
        }
        Ok(())
    }

    fn peer(&mut self) -> Result<&mut Peer, String> {
        if self.peer.is_none() {
            let peer = Peer::connect(self.simulator.address).map_err(|error| format!("connect: {error}"))?;
            self.peer = Some(peer);
        }
        Ok(self.peer.as_mut().expect("it was just connected"))
    }

    fn next(&mut self, wait: Duration) -> Result<Next, String> {
        Ok(self.peer()?.next(wait))
    }

    fn step(&mut self, word: &str, rest: &str) -> Result<(), String> {
        match word {
            "bind" => self.bind(rest),
            "send" => {
                let octets = octets(rest, self.names)?;
                self.peer()?.send(&octets).map_err(|error| error.to_string())
            }
            "pdu" => {
                let (command, sequence_number, body) = self.request(rest)?;
                let octets = pdu(command, sequence_number, &body);
                self.peer()?.send(&octets).map_err(|error| error.to_string())
            }
            "many" => self.many(rest),
            "trickle" => self.trickle(rest),
            "borders" => self.borders(rest),
            "expect" => {
                let next = self.next(ANSWERED_WITHIN)?;
                self.expect(rest, &next)
            }
            "answers" => self.answers(rest),
            "alive" => self.alive(),
            "alive_or_closed" => match self.alive() {
                Err(error) if error.ends_with("got closed") => Ok(()),
                other => other,
            },
            "silence" => match self.next(time(rest)?)? {
                Next::Silence => Ok(()),
                other => Err(format!("expected silence, got {other}")),
            },
            "closed" => match self.next(if rest.is_empty() { ANSWERED_WITHIN } else { time(rest)? })? {
                Next::Closed(0) => Ok(()),
                other => Err(format!("expected closed, got {other}")),
            },
            "pause" => {
                std::thread::sleep(time(rest)?);
                Ok(())
            }
            "half_close" => self.peer()?.shut_write().map_err(|error| error.to_string()),
            "reset" => {
                self.peer.take().ok_or("there is no connection")?.reset();
                Ok(())
            }
            "reconnect" => {
                self.peer = None;
                self.peer().map(|_| ())
            }
            "memory" => {
                let allowed = rest.parse().map_err(|_| "want a number of MiB")?;
                self.memory = Some((self.simulator.memory_mib(), allowed));
                Ok(())
            }
            _ => Err("no such step".to_owned()),
        }
    }

    fn bind(&mut self, rest: &str) -> Result<(), String> {
        let mut words = rest.split_whitespace();
        let command = match words.next() {
            Some("tx") => "bind_transmitter",
            Some("rx") => "bind_receiver",
            Some("trx") => "bind_transceiver",
            _ => return Err("want tx, rx or trx".to_owned()),
        };
        let version = words.next().and_then(names::interface_version).ok_or("want 3.3, 3.4 or 5.0")?;
        let body = bind_body(words.next().unwrap_or("tester"), words.next().unwrap_or("secret"), version);
        healthy::ask(self.peer()?, command, 0x0B1D_0001, &body, Instant::now() + ANSWERED_WITHIN).map(|_| ())
    }

    /// `COMMAND SEQUENCE OCTETS`
    fn request(&self, text: &str) -> Result<(u32, u32, Vec<u8>), String> {
        let mut words = text.splitn(3, ' ');
        let command = words.next().unwrap_or("");
        let command = names::command_id(command).ok_or_else(|| format!("no command {command:?}"))?;
        let sequence_number = number(words.next().unwrap_or(""))?;
        Ok((command, sequence_number, octets(words.next().unwrap_or(""), self.names)?))
    }

    fn many(&mut self, rest: &str) -> Result<(), String> {
        let (count, request) = rest.split_once(' ').ok_or("want N COMMAND SEQUENCE OCTETS")?;
        let (command, first, body) = self.request(request)?;
        let octets = (0..number(count)?).flat_map(|n| pdu(command, first + n, &body)).collect();
        let writer = self.peer()?.send_aside(octets).map_err(|error| error.to_string())?;
        self.writers.push(writer);
        Ok(())
    }

    fn trickle(&mut self, rest: &str) -> Result<(), String> {
        let (pause, rest) = rest.split_once(' ').ok_or("want TIME OCTETS")?;
        let (pause, octets) = (time(pause)?, octets(rest, self.names)?);
        for octet in octets {
            if self.peer()?.send(&[octet]).is_err() {
                break;
            }
            std::thread::sleep(pause);
        }
        Ok(())
    }

    fn borders(&mut self, rest: &str) -> Result<(), String> {
        let (command, first, body) = self.request(rest)?;
        for (sequence_number, border) in (first..).zip(1..16 + body.len()) {
            let octets = pdu(command, sequence_number, &body);
            let (front, back) = octets.split_at(border);
            let peer = self.peer()?;
            peer.send(front).map_err(|error| error.to_string())?;
            std::thread::sleep(Duration::from_micros(500));
            peer.send(back).map_err(|error| error.to_string())?;
            let next = peer.next(ANSWERED_WITHIN);
            is(&next, command | 0x8000_0000, &[0], &[sequence_number])
                .map_err(|error| format!("cut behind octet {border}: {error}"))?;
        }
        Ok(())
    }

    fn answers(&mut self, rest: &str) -> Result<(), String> {
        let words: Vec<&str> = rest.split_whitespace().collect();
        let [count, command, status, first] = words[..] else {
            return Err("want N COMMAND STATUS SEQUENCE".to_owned());
        };
        let command = names::command_id(command).ok_or("no such command")?;
        let statuses = statuses(status)?;
        let first = number(first)?;
        for n in 0..number(count)? {
            let next = self.next(ANSWERED_WITHIN)?;
            is(&next, command, &statuses, &[first + n])?;
        }
        Ok(())
    }

    fn alive(&mut self) -> Result<(), String> {
        self.enquired += 1;
        let enquire_link = pdu(0x15, self.enquired, &[]);
        // A write to a connection that is already closed is not the fault that is looked for.
        let _ = self.peer()?.send(&enquire_link);
        let next = self.next(ANSWERED_WITHIN)?;
        is(&next, 0x8000_0015, &[0], &[self.enquired])
    }

    fn expect(&self, text: &str, next: &Next) -> Result<(), String> {
        let mut errors = Vec::new();
        for alternative in text.split(" or ") {
            match self.alternative(alternative, next) {
                Ok(()) => return Ok(()),
                Err(error) => errors.push(error),
            }
        }
        Err(errors.join("; "))
    }

    fn alternative(&self, text: &str, next: &Next) -> Result<(), String> {
        let (text, without) = text.split_once(" without ").unwrap_or((text, ""));
        let (text, with) = text.split_once(" with ").unwrap_or((text, ""));
        let words: Vec<&str> = text.split_whitespace().collect();
        let [command, status, sequence] = words[..] else {
            return Err(format!("want COMMAND STATUS SEQUENCE, not {text:?}"));
        };
        let command = names::command_id(command).ok_or_else(|| format!("no command {command:?}"))?;
        let sequences = sequence.split('|').map(number).collect::<Result<Vec<_>, _>>()?;
        is(next, command, &statuses(status)?, &sequences)?;
        let Next::Pdu(came) = next else { return Err("no PDU".to_owned()) };
        let has = |part: &[u8]| came.octets.windows(part.len().max(1)).any(|octets| octets == part);
        if !with.is_empty() && !has(&octets(with, self.names)?) {
            return Err(format!("expected {with} in {:02x?}", came.octets));
        }
        if !without.is_empty() && has(&octets(without, self.names)?) {
            return Err(format!("expected no {without} in {:02x?}", came.octets));
        }
        Ok(())
    }
}

/// Whether the PDU that came is the one that was expected.
pub(crate) fn is(next: &Next, command: u32, statuses: &[u32], sequences: &[u32]) -> Result<(), String> {
    const DATA_SM_RESP: u32 = 0x8000_0103;
    let wanted = || {
        let statuses: Vec<String> = statuses.iter().map(|status| names::status(*status)).collect();
        let sequences: Vec<String> = sequences.iter().map(u32::to_string).collect();
        format!("{} {} {}", names::command(command), statuses.join("|"), sequences.join("|"))
    };
    let fits = |came: &Came| {
        came.command_id == command
            && statuses.contains(&came.status)
            && sequences.contains(&came.sequence_number)
    };
    match next {
        Next::Pdu(came) if fits(came) => {
            if came.status != 0 && came.octets.len() != 16 && command != DATA_SM_RESP {
                return Err(format!("expected no body with an error, got {came}"));
            }
            Ok(())
        }
        other => Err(format!("expected {}, got {other}", wanted())),
    }
}

/// `ESME_ROK|ESME_RINVMSGLEN`
pub(crate) fn statuses(text: &str) -> Result<Vec<u32>, String> {
    text.split('|')
        .map(|name| names::status_value(name).ok_or_else(|| format!("no status {name:?}")))
        .collect()
}

fn number(text: &str) -> Result<u32, String> {
    let parsed = match text.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16),
        None => text.parse(),
    };
    parsed.map_err(|_| format!("{text:?} is no number"))
}

fn time(text: &str) -> Result<Duration, String> {
    let (digits, unit) = match text.strip_suffix("ms") {
        Some(digits) => (digits, 1),
        None => (text.trim_end_matches('s'), 1_000),
    };
    digits.parse::<u64>().map(|n| Duration::from_millis(n * unit)).map_err(|_| format!("{text:?} is no time"))
}
