//! `codec`: what one PDU costs, from octets and to octets.

mod floor;
mod ours;
mod rusmpp;
mod smpp34;
mod smpp_codec;

use std::fmt::Debug;
use std::hint::black_box;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::json;

use crate::alloc;
use crate::frames::{Sample, samples};
use crate::report::{Goal, Report, Table, figure};
use crate::stats::Spread;

/// PDUs in a run: what one large read of a socket brings.
pub(crate) const RUN: usize = 256;
/// Runs in one timing.
const PASSES: usize = 8;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Timings of each contender; its figure is their median
    #[arg(long, default_value_t = ROUNDS)]
    rounds: usize,
    /// Only PDUs whose name contains this
    #[arg(long, default_value = "")]
    pdu: String,
    /// Only codecs whose name contains this: for a profiler
    #[arg(long, default_value = "")]
    only: String,
}

const ROUNDS: usize = 301;

impl Default for Args {
    fn default() -> Self {
        Self { rounds: ROUNDS, pdu: String::new(), only: String::new() }
    }
}

/// A codec with one thing to do.
pub(crate) trait Contender {
    fn name(&self) -> &'static str;
    /// Gets ready for a pass; not timed.
    fn prepare(&mut self);
    /// Decodes, or encodes, `RUN` PDUs.
    fn pass(&mut self);
}

/// Has what was read written to memory and looked at, where the reader put it: taking it out of its
/// `Result` would move it once more.
#[inline(always)]
#[allow(clippy::inline_always, reason = "a call would be measured with it")]
pub(crate) fn keep<T, E: Debug>(read: &Result<T, E>) {
    if let Err(error) = black_box(read) {
        panic!("samples are whole: {error:?}");
    }
}

struct Job<S, P, R> {
    name: &'static str,
    state: S,
    prepare: P,
    pass: R,
}

impl<S, P: FnMut(&mut S), R: FnMut(&mut S)> Contender for Job<S, P, R> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn prepare(&mut self) {
        (self.prepare)(&mut self.state);
    }

    fn pass(&mut self) {
        (self.pass)(&mut self.state);
    }
}

/// A contender that needs nothing before a pass.
fn job<S: 'static>(name: &'static str, state: S, pass: impl FnMut(&mut S) + 'static) -> Box<dyn Contender> {
    prepared_job(name, state, |_| {}, pass)
}

fn prepared_job<S: 'static>(
    name: &'static str,
    state: S,
    prepare: impl FnMut(&mut S) + 'static,
    pass: impl FnMut(&mut S) + 'static,
) -> Box<dyn Contender> {
    Box::new(Job { name, state, prepare, pass })
}

#[derive(Debug, Serialize)]
struct Figure {
    codec: &'static str,
    pdu: &'static str,
    octets: usize,
    operation: &'static str,
    ns: Spread,
    allocations: f64,
}

pub(crate) fn run(args: &Args) -> Report {
    let mut figures = Vec::new();
    for sample in samples().iter().filter(|sample| sample.name.contains(&args.pdu)) {
        let run = sample.octets.repeat(RUN);
        let mut decoders = vec![floor::decoder(&run)];
        decoders.extend(ours::decoders(sample, &run));
        decoders.extend(rusmpp::decoders(sample, &run));
        decoders.extend([smpp34::decoder(sample, &run), smpp_codec::decoder(sample, &run)]);
        let mut encoders = vec![floor::encoder(sample)];
        encoders.extend(ours::encoders(sample));
        encoders.extend(rusmpp::encoders(sample));
        encoders.extend([smpp34::encoder(sample), smpp_codec::encoder(sample)]);
        for (operation, contenders) in [("decode", &mut decoders), ("encode", &mut encoders)] {
            contenders.retain(|contender| contender.name().contains(&args.only));
            figures.extend(measure(sample, operation, contenders, args.rounds));
        }
    }
    // A goal is about all contenders.
    let goals = if args.only.is_empty() { goals(&figures) } else { Vec::new() };
    Report { name: "codec", goals, tables: vec![table(&figures)], figures: json!(figures), failed: false }
}

/// Lets the contenders take turns, each round begun by another, so that a busy moment hits all alike.
fn measure(
    sample: &Sample,
    operation: &'static str,
    contenders: &mut [Box<dyn Contender>],
    rounds: usize,
) -> Vec<Figure> {
    let mut ns = vec![Vec::with_capacity(rounds); contenders.len()];
    for round in 0..rounds.max(1) {
        for turn in 0..contenders.len() {
            let at = (turn + round) % contenders.len();
            let (Some(contender), Some(ns)) = (contenders.get_mut(at), ns.get_mut(at)) else { continue };
            ns.push(time(contender.as_mut()).as_nanos() as f64 / (PASSES * RUN) as f64);
        }
    }
    let figure = |(contender, ns): (&mut Box<dyn Contender>, Vec<f64>)| Figure {
        codec: contender.name(),
        pdu: sample.name,
        octets: sample.octets.len(),
        operation,
        ns: Spread::of(ns),
        allocations: allocations(contender.as_mut()),
    };
    contenders.iter_mut().zip(ns).map(figure).collect()
}

fn time(contender: &mut dyn Contender) -> Duration {
    let mut spent = Duration::ZERO;
    for _ in 0..PASSES {
        contender.prepare();
        let began = Instant::now();
        contender.pass();
        spent += began.elapsed();
    }
    spent
}

fn allocations(contender: &mut dyn Contender) -> f64 {
    contender.prepare();
    let before = alloc::count();
    contender.pass();
    // One for a whole run, such as the first growth of a buffer, is none for a PDU.
    ((alloc::count() - before) as f64 / RUN as f64 * 10.0).round() / 10.0
}

/// The rows of one comparison, found by codec.
struct Comparison<'a>(Vec<&'a Figure>);

impl Comparison<'_> {
    fn ns(&self, codec: &str) -> f64 {
        self.0.iter().find(|figure| figure.codec == codec).map_or(f64::NAN, |figure| figure.ns.median)
    }

    fn fastest_peer(&self) -> f64 {
        let peers = self.0.iter().filter(|figure| PEERS.contains(&figure.codec));
        peers.map(|figure| figure.ns.median).fold(f64::INFINITY, f64::min)
    }
}

const OURS: &str = "smppkit";
const PEERS: &[&str] = &[rusmpp::BORROWED, rusmpp::OWNED, smpp34::NAME, smpp_codec::NAME];

fn comparisons(figures: &[Figure]) -> Vec<Comparison<'_>> {
    let same = |a: &&Figure, b: &&Figure| a.pdu == b.pdu && a.operation == b.operation;
    let all: Vec<&Figure> = figures.iter().collect();
    all.chunk_by(same).map(|rows| Comparison(rows.to_vec())).collect()
}

fn table(figures: &[Figure]) -> Table {
    let codecs = [
        floor::NAME,
        OURS,
        ours::CHECKED,
        ours::NEWEST,
        rusmpp::BORROWED,
        rusmpp::OWNED,
        smpp34::NAME,
        smpp_codec::NAME,
    ];
    let head = ["PDU (octets)", ""].into_iter().chain(codecs).chain(["to fastest peer", "to floor"]);
    let mut table = Table::new("codec: ns a PDU, median; allocations a PDU in brackets", head);
    for comparison in comparisons(figures) {
        let Some(first) = comparison.0.first() else { continue };
        let mut row = vec![format!("{} ({})", first.pdu, first.octets), first.operation.to_owned()];
        row.extend(codecs.map(|codec| {
            let found = comparison.0.iter().find(|figure| figure.codec == codec);
            found.map_or_else(String::new, |found| {
                format!("{} [{}]", figure(found.ns.median), found.allocations)
            })
        }));
        let ours = comparison.ns(OURS);
        row.extend([ours / comparison.fastest_peer(), ours / comparison.ns(floor::NAME)].map(figure));
        table.row(row);
    }
    table
}

fn goals(figures: &[Figure]) -> Vec<Goal> {
    let mut goals = Vec::new();
    for comparison in comparisons(figures) {
        let Some(first) = comparison.0.first() else { continue };
        let what = format!("{} {}", first.operation, first.pdu);
        let (ours, peer, floor) =
            (comparison.ns(OURS), comparison.fastest_peer(), comparison.ns(floor::NAME));
        if first.operation == "decode" {
            goals.push(Goal::at_most(format!("{what}, to fastest peer"), ours / peer, 0.75));
            let found = comparison.0.iter().find(|figure| figure.codec == OURS);
            goals.push(Goal::at_most(
                format!("{what}, allocations"),
                found.map_or(f64::NAN, |found| found.allocations),
                1.0,
            ));
        } else {
            goals.push(Goal::at_most(format!("{what}, to fastest peer"), ours / peer, 1.0));
            goals.push(Goal::at_most(format!("{what}, to floor"), ours / floor, 1.5));
        }
    }
    goals
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Making the contenders asserts that each gives back the octets it was given.
    #[test]
    fn every_codec_reads_and_writes_every_sample() {
        let report = run(&Args { rounds: 1, ..Args::default() });
        assert_eq!(report.figures.as_array().map(Vec::len), Some(4 * (7 + 7)));
    }
}
