//! `sessions`: messages a second over loopback, client and server in processes of their own.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::Serialize;
use serde_json::json;

use crate::load::Measured;
use crate::process::{Server, this};
use crate::report::{Goal, Report, Table, figure, micros, rate};
use crate::stats::Spread;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Windows of a single session to measure
    #[arg(long, value_delimiter = ',', default_values_t = WINDOWS)]
    windows: Vec<usize>,
    /// Sessions x window to measure besides
    #[arg(long, value_delimiter = ',', value_parser = shape, default_values = ["10x100", "100x100"])]
    many: Vec<Shape>,
    /// Times that all contenders take their turns
    #[arg(long, default_value_t = ROUNDS)]
    rounds: usize,
    /// How long each is measured in a turn
    #[arg(long, default_value_t = SECONDS)]
    seconds: f64,
    /// Measure only contenders whose name contains this
    #[arg(long)]
    only: Option<String>,
    /// Add blocking and single-threaded variants of the ceiling
    #[arg(long)]
    ceilings: bool,
}

const WINDOWS: [usize; 4] = [1, 10, 100, 1000];
/// Many short turns rather than few long ones: more of them miss the moments when others are busy.
const ROUNDS: usize = 5;
const SECONDS: f64 = 0.6;

impl Default for Args {
    fn default() -> Self {
        let many = vec![Shape { sessions: 10, window: 100 }, Shape { sessions: 100, window: 100 }];
        Self {
            windows: WINDOWS.to_vec(),
            many,
            rounds: ROUNDS,
            seconds: SECONDS,
            only: None,
            ceilings: false,
        }
    }
}

/// How many sessions, and the window of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
struct Shape {
    sessions: usize,
    window: usize,
}

impl std::fmt::Display for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.sessions {
            1 => write!(f, "W={}", self.window),
            sessions => write!(f, "{sessions} x {}", self.window),
        }
    }
}

fn shape(text: &str) -> Result<Shape, String> {
    let parts = text.split_once('x').and_then(|(sessions, window)| {
        Some(Shape { sessions: sessions.trim().parse().ok()?, window: window.trim().parse().ok()? })
    });
    parts.ok_or_else(|| "want SESSIONSxWINDOW".to_owned())
}

/// A client and a server to measure together.
struct Contender {
    name: &'static str,
    /// A client of `load`.
    client: &'static str,
    /// A server of `serve`; none means the simulator.
    server: Option<&'static str>,
}

impl Contender {
    const fn new(name: &'static str, client: &'static str, server: Option<&'static str>) -> Self {
        Self { name, client, server }
    }

    fn start(&self, smppkit: &Path) -> Result<Server> {
        match self.server {
            Some(server) => Server::start(&this(), &["serve", server]),
            None => Server::start(smppkit, &["simulator", "-q", "--listen", "127.0.0.1:0"]),
        }
    }
}

const CEILING: &str = "ceiling";
const SIMULATOR: &str = "smppkit simulator";
const SMPP34: &str = "smpp34 server";

/// Under the same load, the blaster.
const SERVERS: [Contender; 5] = [
    Contender::new(CEILING, "blaster", Some("sink")),
    Contender::new(SIMULATOR, "blaster", None),
    Contender::new("smppkit-net server", "blaster", Some("smppkit")),
    Contender::new(SMPP34, "blaster", Some("smpp34")),
    Contender::new("rusmpp Framed server", "blaster", Some("rusmpp")),
];

const CEILINGS: [Contender; 2] = [
    Contender::new("ceiling, blocking", "blaster", Some("sink-blocking")),
    Contender::new("ceiling, blaster on tokio", "blaster-tokio", Some("sink")),
];

const OUR_PAIR: &str = "smppkit";
const SMPP34_PAIR: &str = "smpp34";

/// Each with a client and a server of its own.
const PAIRS: [Contender; 3] = [
    Contender::new(OUR_PAIR, "smppkit", Some("smppkit")),
    Contender::new("smppkit, tasks on Handle", "smppkit-handle", Some("smppkit")),
    Contender::new(SMPP34_PAIR, "smpp34", Some("smpp34")),
];

/// All rounds of one contender at one shape.
#[derive(Serialize)]
struct Row {
    name: &'static str,
    shape: Shape,
    rounds: Vec<Measured>,
    /// Rate to that of the first contender, round by round.
    to_first: Spread,
}

impl Row {
    fn spread(&self, of: impl Fn(&Measured) -> f64) -> Spread {
        Spread::of(self.rounds.iter().map(of))
    }

    fn median(&self, of: impl Fn(&Measured) -> f64) -> f64 {
        self.spread(of).median
    }

    fn rate(&self) -> f64 {
        self.median(|round| round.rate)
    }

    fn cpu(&self) -> f64 {
        self.median(|round| round.client_cpu_us + round.server_cpu_us)
    }
}

pub(crate) fn run(args: &Args, smppkit: &Path) -> Result<Report> {
    let single = |&window: &usize| Shape { sessions: 1, window };
    let windows: Vec<Shape> = args.windows.iter().map(single).collect();
    let shapes = [windows.clone(), args.many.clone()].concat();
    let wanted = |contender: &&Contender| {
        args.only.as_ref().is_none_or(|only| contender.name == CEILING || contender.name.contains(only))
    };
    let more = if args.ceilings { &CEILINGS[..] } else { &[] };
    let servers: Vec<&Contender> = SERVERS.iter().chain(more).filter(wanted).collect();
    let pairs: Vec<&Contender> = PAIRS.iter().filter(wanted).collect();
    let (mut server_rows, mut pair_rows) = (Vec::new(), Vec::new());
    for &shape in &shapes {
        server_rows.extend(measure(&servers, shape, args, smppkit)?);
    }
    for &shape in &windows {
        pair_rows.extend(measure(&pairs, shape, args, smppkit)?);
    }
    let title = "sessions: servers under one load; rate (min–max), ratio to the ceiling";
    let mut tables = vec![rates(title, &shapes, &server_rows)];
    tables.push(costs(
        "sessions: servers; p50/p99, CPU µs a message of client + server",
        &shapes,
        &server_rows,
    ));
    tables.push(rates(
        "sessions: clients with their own servers; rate, ratio to smppkit",
        &windows,
        &pair_rows,
    ));
    tables.push(costs("sessions: clients with their own servers; p50/p99, CPU µs", &windows, &pair_rows));
    Ok(Report {
        name: "sessions",
        goals: goals(&server_rows, &pair_rows),
        tables,
        figures: json!({ "servers": server_rows, "pairs": pair_rows }),
        failed: false,
    })
}

/// Lets the contenders take turns, so that a busy minute hits all alike.
fn measure(contenders: &[&Contender], shape: Shape, args: &Args, smppkit: &Path) -> Result<Vec<Row>> {
    let mut measured = vec![Vec::new(); contenders.len()];
    for _ in 0..args.rounds.max(1) {
        for (contender, rounds) in contenders.iter().zip(&mut measured) {
            let server = contender.start(smppkit)?;
            let what = || format!("{} at {shape}", contender.name);
            let round = load(contender.client, &server, shape, args.seconds).with_context(what)?;
            eprintln!("{:26} {:9} {}", contender.name, shape.to_string(), rate(round.rate));
            rounds.push(round);
        }
    }
    let first: Vec<f64> = measured.first().into_iter().flatten().map(|round: &Measured| round.rate).collect();
    let row = |(contender, rounds): (&&Contender, Vec<Measured>)| {
        let ratios = rounds.iter().zip(&first).map(|(round, first)| round.rate / first);
        Row { name: contender.name, shape, to_first: Spread::of(ratios), rounds }
    };
    Ok(contenders.iter().zip(measured).map(row).collect())
}

fn load(client: &str, server: &Server, shape: Shape, seconds: f64) -> Result<Measured> {
    let output = Command::new(this())
        .args(["load", client, "--to", &server.address.to_string(), "--pid", &server.pid().to_string()])
        .args(["--sessions", &shape.sessions.to_string(), "--window", &shape.window.to_string()])
        .args(["--seconds", &seconds.to_string()])
        .output()?;
    if !output.status.success() {
        bail!("{client} failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    serde_json::from_slice(&output.stdout).context("the client printed something else than figures")
}

fn names(rows: &[Row]) -> Vec<&'static str> {
    let mut names: Vec<&'static str> = Vec::new();
    for row in rows {
        if !names.contains(&row.name) {
            names.push(row.name);
        }
    }
    names
}

fn table(title: &str, shapes: &[Shape], rows: &[Row], cell: impl Fn(&Row) -> String) -> Table {
    let head = std::iter::once(String::new()).chain(shapes.iter().map(Shape::to_string));
    let mut table = Table::new(title, head);
    for name in names(rows) {
        let found = |shape: &Shape| rows.iter().find(|row| row.name == name && row.shape == *shape);
        let cells = shapes.iter().map(|shape| found(shape).map_or_else(String::new, &cell));
        table.row(std::iter::once(name.to_owned()).chain(cells));
    }
    table
}

fn rates(title: &str, shapes: &[Shape], rows: &[Row]) -> Table {
    table(title, shapes, rows, |row| {
        format!("{} {}", row.spread(|round| round.rate).show(rate), figure(row.to_first.median))
    })
}

fn costs(title: &str, shapes: &[Shape], rows: &[Row]) -> Table {
    table(title, shapes, rows, |row| {
        let median = |of: fn(&Measured) -> f64| row.median(of);
        format!(
            "{}/{}; {} + {}",
            micros(median(|round| round.p50_us)),
            micros(median(|round| round.p99_us)),
            figure(median(|round| round.client_cpu_us)),
            figure(median(|round| round.server_cpu_us)),
        )
    })
}

fn goals(servers: &[Row], pairs: &[Row]) -> Vec<Goal> {
    let mut goals = Vec::new();
    let find = |rows: &'static str, name: &str, sessions: usize, window: usize| {
        let rows = if rows == "servers" { servers } else { pairs };
        rows.iter().find(|row| row.name == name && row.shape == Shape { sessions, window })
    };
    for (window, least) in [(1, 0.85), (10, 0.55), (100, 0.35)] {
        if let Some(row) = find("servers", SIMULATOR, 1, window) {
            goals.push(Goal::at_least(
                format!("simulator to ceiling, W={window}"),
                row.to_first.median,
                least,
            ));
        }
    }
    if let (Some(ours), Some(peer), Some(ceiling)) = (
        find("servers", SIMULATOR, 1, 1000),
        find("servers", SMPP34, 1, 1000),
        find("servers", CEILING, 1, 1000),
    ) {
        goals.push(Goal::at_least("simulator to smpp34, W=1000", ours.rate() / peer.rate(), 5.0));
        let what = format!("simulator, million/s, W=1000 (ceiling {})", rate(ceiling.rate()));
        // Promised where the ceiling reaches 10 million; a slower machine owes its share.
        let share = (ceiling.rate() / 10e6).min(1.0);
        goals.push(Goal::at_least(what, ours.rate() / 1e6, 1.5 * share));
    }
    if let Some(row) = find("servers", SIMULATOR, 100, 100) {
        let ratio = row.median(|round| round.p99_us / round.p50_us);
        goals.push(Goal::at_most("simulator, p99 to p50, 100 x 100", ratio, 4.0));
    }
    for window in [100, 1000] {
        if let (Some(ours), Some(peer)) =
            (find("pairs", OUR_PAIR, 1, window), find("pairs", SMPP34_PAIR, 1, window))
        {
            let ratio = ours.rate() / peer.rate();
            goals.push(Goal::at_least(format!("our pair to smpp34's, W={window}"), ratio, 5.0));
            goals.push(Goal::at_most(format!("our pair, CPU µs a message, W={window}"), ours.cpu(), 3.0));
        }
    }
    goals
}
