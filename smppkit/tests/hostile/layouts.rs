//! Every request broken at every field: cut, too long, without end, with octets behind it.

use std::time::Instant;

use crate::healthy::{ask, bind_body};
use crate::names;
use crate::octets::{Names, octets, pdu};
use crate::peer::{Next, Peer};
use crate::script::{ANSWERED_WITHIN, Report, data, is, statuses};
use crate::simulator::Simulator;

/// One request of `layouts.txt`.
#[derive(Debug)]
struct Layout {
    command: String,
    versions: Vec<String>,
    answer: Vec<u32>,
    fields: Vec<Field>,
    tlvs: Vec<u8>,
}

#[derive(Debug)]
struct Field {
    name: String,
    kind: Kind,
    octets: Vec<u8>,
    /// What is answered when it is wrong.
    statuses: Vec<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Octet,
    /// The declared interface_version.
    Version,
    Text {
        limit: usize,
        limit_in_33: usize,
    },
    Time,
    Message,
}

/// A broken PDU: what is wrong with it, its body, what may be said to it.
struct Broken {
    what: String,
    body: Vec<u8>,
    /// Statuses of the matching response.
    response: Vec<u32>,
    /// Whether generic_nack ESME_RINVCMDLEN will do, too.
    nack: bool,
}

const ROK: u32 = 0x00;
const RINVCMDLEN: u32 = 0x02;
const RINVNUMDESTS: u32 = 0x33;
const RINVTLVSTREAM: u32 = 0xC0;
const RINVTLVLEN: u32 = 0xC2;

#[test]
fn every_field_of_every_request() {
    let simulator = Simulator::start(&[]);
    let mut report = Report::new("layouts.txt");
    let text = std::fs::read_to_string(data("hostile/layouts.txt")).expect("the file is there");
    for layout in &read(&text) {
        for version in &layout.versions {
            for broken in layout.broken(version) {
                let result = play(&simulator, layout, version, &broken);
                let name = format!("{} {version}: {}", layout.command, broken.what);
                report.case(&name, simulator.address, None, result);
            }
        }
    }
    report.done();
}

fn play(simulator: &Simulator, layout: &Layout, version: &str, broken: &Broken) -> Result<(), String> {
    let mut peer = Peer::connect(simulator.address).map_err(|error| error.to_string())?;
    if !layout.command.starts_with("bind_") {
        let body = bind_body("layout", "secret", names::interface_version(version).ok_or("version")?);
        ask(&mut peer, "bind_transmitter", 1, &body, Instant::now() + ANSWERED_WITHIN)?;
    }
    let command = names::command_id(&layout.command).ok_or("command")?;
    peer.send(&pdu(command, 0x77, &broken.body)).map_err(|error| error.to_string())?;
    let next = peer.next(ANSWERED_WITHIN);
    let is_nack = matches!(&next, Next::Pdu(came) if came.command_id == 0x8000_0000);
    if is_nack && broken.nack {
        is(&next, 0x8000_0000, &[RINVCMDLEN], &[0x77])?;
    } else {
        is(&next, command | 0x8000_0000, &broken.response, &[0x77])?;
    }
    // Framing was never lost: the session goes on.
    peer.send(&pdu(0x15, 0x78, &[])).map_err(|error| error.to_string())?;
    is(&peer.next(ANSWERED_WITHIN), 0x8000_0015, &[ROK], &[0x78])
}

impl Layout {
    fn broken(&self, version: &str) -> Vec<Broken> {
        let declared = names::interface_version(version).expect("layouts.txt names versions");
        let mut all = vec![Broken {
            what: "as it should be".to_owned(),
            body: self.body(declared, self.fields.len(), &[]),
            response: self.answer.clone(),
            nack: false,
        }];
        for (at, field) in self.fields.iter().enumerate() {
            let mut add = |what: &str, tail: &[u8], response: &[u32], nack: bool| {
                // What the fields before it have to say about a list cut short.
                let in_list = self.command == "submit_multi" && (5..=10).contains(&at);
                let response = response.iter().copied().chain(in_list.then_some(RINVNUMDESTS)).collect();
                let body = [&self.body(declared, at, &[])[..], tail].concat();
                all.push(Broken { what: format!("{} {what}", field.name), body, response, nack });
            };
            let own = &field.statuses[..];
            let too_long = [own, &[RINVTLVLEN]].concat();
            let endless = [own, &[RINVCMDLEN, RINVTLVLEN]].concat();
            add("missing", &[], &[RINVCMDLEN], true);
            match field.kind {
                Kind::Octet | Kind::Version => {}
                Kind::Text { limit, limit_in_33 } => {
                    let limit = if version == "3.3" { limit_in_33 } else { limit };
                    let rest = self.rest(at + 1, declared);
                    add("without its NUL", b"1", &[own, &[RINVCMDLEN]].concat(), true);
                    add("one too long", &[&b"1".repeat(limit), &[0][..], &rest].concat(), &too_long, false);
                    add(
                        "a thousand too long",
                        &[&b"1".repeat(limit + 1_000), &[0][..], &rest].concat(),
                        &too_long,
                        false,
                    );
                    add("endless", &b"1".repeat(60_000), &endless, true);
                    add("as long as may be, without NUL", &b"1".repeat(limit), &endless, true);
                }
                Kind::Time => {
                    let rest = self.rest(at + 1, declared);
                    for length in [1, 2, 12, 15, 17, 18, 300] {
                        let time = [&b"0".repeat(length), &[0][..], &rest].concat();
                        add(&format!("of {length} characters"), &time, &too_long, false);
                    }
                    add("endless", &b"0".repeat(300), &endless, true);
                }
                Kind::Message => {
                    let text = &field.octets[1..];
                    let says = |length: usize| [&[length as u8][..], text].concat();
                    add("with nothing behind its length", &says(text.len())[..1], own, false);
                    add("one octet short", &says(text.len() + 1), own, false);
                    add("250 octets short", &says(text.len() + 250), own, false);
                    add("cut by one", &says(text.len())[..text.len()], own, false);
                }
            }
        }
        for stray in 1..=3 {
            let body = self.body(declared, self.fields.len(), &vec![0; stray]);
            let response = vec![if version == "3.3" { RINVCMDLEN } else { RINVTLVSTREAM }];
            let (what, nack) = (format!("{stray} octets behind the end"), version == "3.3");
            // Binds come before any version is agreed on.
            let is_bind = self.command.starts_with("bind_");
            let response = if is_bind { vec![RINVCMDLEN, RINVTLVSTREAM] } else { response };
            all.push(Broken { what, body, response, nack });
        }
        all
    }

    /// The first fields, and the TLVs if these are all.
    fn body(&self, declared: u8, fields: usize, tail: &[u8]) -> Vec<u8> {
        let mut body = Vec::new();
        for field in &self.fields[..fields] {
            body.extend(field.octets(declared));
        }
        if fields == self.fields.len() {
            body.extend(&self.tlvs);
        }
        body.extend(tail);
        body
    }

    fn rest(&self, from: usize, declared: u8) -> Vec<u8> {
        let fields = self.fields[from..].iter().flat_map(|field| field.octets(declared));
        fields.chain(self.tlvs.iter().copied()).collect()
    }
}

impl Field {
    fn octets(&self, declared: u8) -> Vec<u8> {
        if self.kind == Kind::Version { vec![declared] } else { self.octets.clone() }
    }
}

fn read(text: &str) -> Vec<Layout> {
    let mut layouts: Vec<Layout> = Vec::new();
    for (line, text) in text.lines().enumerate() {
        let words: Vec<&str> = text.split_whitespace().collect();
        let value = |from: usize| {
            octets(&words[from..].join(" "), &Names::new())
                .unwrap_or_else(|error| panic!("layouts.txt:{}: {error}", line + 1))
        };
        let known = |text: &str| statuses(text).unwrap_or_else(|error| panic!("layouts.txt: {error}"));
        let field = |name: &str, kind: Kind, octets: Vec<u8>, statuses: Vec<u32>| Field {
            name: name.to_owned(),
            kind,
            octets,
            statuses,
        };
        let field = match words[..] {
            [] => continue,
            [comment, ..] if comment.starts_with('#') => continue,
            ["pdu", command, "in", .., "answer", answer] => {
                let versions = words[3..words.len() - 2].iter().map(|version| (*version).to_owned());
                layouts.push(Layout {
                    command: command.to_owned(),
                    versions: versions.collect(),
                    answer: known(answer),
                    fields: Vec::new(),
                    tlvs: Vec::new(),
                });
                continue;
            }
            ["tlvs", ..] => {
                layouts.last_mut().expect("a PDU comes first").tlvs = value(1);
                continue;
            }
            ["i", name, "version"] => field(name, Kind::Version, Vec::new(), Vec::new()),
            ["i", name, _] => field(name, Kind::Octet, value(2), Vec::new()),
            ["c", limit, status, name, ..] => {
                let (limit, limit_in_33) = limit.split_once('/').unwrap_or((limit, limit));
                let number = |text: &str| text.parse().expect("a limit is a number");
                let kind = Kind::Text { limit: number(limit), limit_in_33: number(limit_in_33) };
                field(name, kind, value(4), known(status))
            }
            ["t", status, name] => field(name, Kind::Time, vec![0], known(status)),
            ["m", status, name, ..] => {
                let text = value(3);
                field(name, Kind::Message, [&[text.len() as u8][..], &text].concat(), known(status))
            }
            _ => panic!("layouts.txt:{}: cannot read {text:?}", line + 1),
        };
        layouts.last_mut().expect("a PDU comes first").fields.push(field);
    }
    layouts
}
