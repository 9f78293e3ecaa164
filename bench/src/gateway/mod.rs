//! `gateway`: durable messages from ESMEs through a gateway to a message centre, and their receipts back.
//!
//! Load, gateway and sink are processes of their own. Every message has a number, so that the sink can
//! tell which of those that were accepted have arrived, how often, and in which order.

mod clock;
mod contender;
mod disk;
mod esme;
mod mc;
mod message;
mod turn;

pub(crate) use esme::{Args as LoadArgs, run as load};
pub(crate) use mc::{Args as SinkArgs, run as sink};

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Serialize;
use serde_json::json;

use crate::report::{Goal, Report, Table, figure, micros, rate};
use crate::stats::Spread;
use contender::{Contender, Kind};
use disk::Disk;
use turn::{Load, Turn};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Times that all contenders take their turns
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// How long messages are submitted in a turn
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// Sessions of the ESME
    #[arg(long, default_value_t = 10)]
    sessions: usize,
    /// Messages under way on each
    #[arg(long, default_value_t = 100)]
    window: usize,
    /// Measure only contenders whose name contains this, beside the ceiling
    #[arg(long)]
    only: Option<String>,
    /// Measure only scenarios whose name contains this
    #[arg(long)]
    scenario: Option<String>,
    /// Where stores are kept meanwhile: on the disk that is to be measured
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Another gateway, started by a script; see bench/peers
    #[arg(long, value_name = "SCRIPT")]
    peer: Vec<PathBuf>,
    /// More lines for the connector of smppkit, as a contender of its own
    #[arg(long, value_name = "TOML")]
    connector: Option<String>,
}

/// A load that all contenders get.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
enum Scenario {
    Plain,
    Receipts,
    Shuffled,
    One,
    Half,
}

impl Scenario {
    const ALL: [Self; 5] = [Self::Plain, Self::Receipts, Self::Shuffled, Self::One, Self::Half];

    const fn name(self) -> &'static str {
        match self {
            Self::Plain => "no receipts asked",
            Self::Receipts => "receipts in order",
            Self::Shuffled => "receipts out of order",
            Self::One => "window 1",
            Self::Half => "half load",
        }
    }

    fn load(self, args: &Args, full: Option<f64>) -> Load {
        let mut load = Load {
            sessions: args.sessions,
            window: args.window,
            seconds: args.seconds,
            rate: None,
            receipts: false,
            shuffled: false,
        };
        match self {
            Self::Plain => {}
            Self::Receipts => load.receipts = true,
            Self::Shuffled => (load.receipts, load.shuffled) = (true, true),
            Self::One => (load.sessions, load.window) = (1, 1),
            // The window is no limit here: what comes late is to be seen.
            Self::Half => (load.rate, load.window) = (full.map(|rate| rate / 2.0), args.window * 10),
        }
        load
    }
}

/// All turns of a contender in a scenario.
#[derive(Serialize)]
struct Row {
    name: String,
    scenario: Scenario,
    turns: Vec<Turn>,
}

impl Row {
    fn spread(&self, of: impl Fn(&Turn) -> f64) -> Spread {
        Spread::of(self.turns.iter().map(of))
    }

    fn median(&self, of: impl Fn(&Turn) -> f64) -> f64 {
        self.spread(of).median
    }

    /// Whether every accepted message arrived once, in order, and every receipt came.
    fn soundness(&self) -> String {
        let messages: u64 = self.turns.iter().map(|turn| turn.esme.accepted).sum();
        let wrong: Vec<String> =
            self.turns.iter().filter(|turn| !turn.is_sound()).map(Turn::verdict).collect();
        if wrong.is_empty() {
            return format!("all {messages} once, in order");
        }
        format!("of {messages}: {}", wrong.join("; "))
    }
}

const DIRECT: &str = "ceiling: no gateway";
const OURS: &str = "smppkit";
/// The sink is asked for receipts where the ESME asks for them.
const ASKED: &str = "smppkit, receipts = asked";
/// As many messages may be on their way to the sink as the ESMEs may have on theirs.
const WIDE: &str = "smppkit, window = 1000";

pub(crate) fn run(args: &Args, smppkit: &Path) -> Result<Report> {
    let base = args.dir.clone().unwrap_or_else(std::env::temp_dir);
    let mut contenders = contenders(args, smppkit);
    let mut absent = Vec::new();
    let wanted =
        |scenario: &Scenario| args.scenario.as_ref().is_none_or(|only| scenario.name().contains(only));
    let mut rows: Vec<Row> = Vec::new();
    for scenario in Scenario::ALL.into_iter().filter(wanted) {
        rows.extend(measure(scenario, &mut contenders, &mut absent, &rows, args, &base)?);
    }
    let idle = if args.scenario.as_ref().is_none_or(|only| "idle".contains(only.as_str())) {
        idle(&contenders, &base)?
    } else {
        Vec::new()
    };
    let mut tables: Vec<Table> =
        Scenario::ALL.into_iter().filter_map(|scenario| table(scenario, &rows)).collect();
    tables.extend(disk_table(&rows));
    if !idle.is_empty() {
        tables.push(idle_table(&idle));
    }
    if !absent.is_empty() {
        let mut table = Table::new("gateway: not measured", ["contender", "why"]);
        for (name, why) in &absent {
            table.row([name.clone(), why.clone()]);
        }
        tables.push(table);
    }
    let failed = rows.iter().any(|row| row.name.starts_with(OURS) && !row.turns.iter().all(Turn::is_sound));
    Ok(Report {
        name: "gateway",
        goals: goals(&rows, &idle),
        tables,
        figures: json!({ "rows": rows, "idle": idle, "absent": absent }),
        failed,
    })
}

fn contenders(args: &Args, smppkit: &Path) -> Vec<Contender> {
    let ours = |name: &str, connector: &'static str| Contender {
        name: name.to_owned(),
        kind: Kind::Smppkit { program: smppkit.to_owned(), connector },
    };
    let mut all = vec![Contender { name: DIRECT.to_owned(), kind: Kind::Direct }];
    all.push(ours(OURS, ""));
    all.push(ours(ASKED, "receipts = \"asked\""));
    all.push(ours(WIDE, "window = 1000"));
    if let Some(lines) = &args.connector {
        // There is one, and it lives as long as the program does.
        all.push(ours(&format!("smppkit, {lines}"), String::leak(lines.clone())));
    }
    let peers = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers");
    let scripts = PEERS.iter().map(|name| peers.join(name)).chain(args.peer.iter().cloned());
    all.extend(scripts.map(|script| Contender {
        name: script.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
        kind: Kind::Peer { script },
    }));
    let wanted = |contender: &Contender| {
        args.only.as_ref().is_none_or(|only| contender.name == DIRECT || contender.name.contains(only))
    };
    all.retain(wanted);
    all
}

const PEERS: [&str; 2] = ["kannel", "jasmin"];

/// Lets the contenders take turns, so that a busy minute hits all alike.
fn measure(
    scenario: Scenario,
    contenders: &mut Vec<Contender>,
    absent: &mut Vec<(String, String)>,
    before: &[Row],
    args: &Args,
    base: &Path,
) -> Result<Vec<Row>> {
    let row = |contender: &Contender| Row { name: contender.name.clone(), scenario, turns: Vec::new() };
    let mut rows: Vec<Row> = contenders.iter().map(row).collect();
    for _ in 0..args.rounds.max(1) {
        for contender in contenders.clone() {
            let full =
                before.iter().find(|row| row.name == contender.name && row.scenario == Scenario::Plain);
            let full = full.map(|row| row.median(|turn| turn.whole_rate));
            if scenario == Scenario::Half && full.is_none() {
                continue;
            }
            let turn = turn::run(&contender, scenario.load(args, full), base);
            match turn.with_context(|| format!("{}, {}", contender.name, scenario.name())) {
                Ok(Ok(turn)) => {
                    let what =
                        if scenario == Scenario::Plain { turn.delivered_rate } else { turn.whole_rate };
                    eprintln!(
                        "{:26} {:22} {} {}",
                        contender.name,
                        scenario.name(),
                        rate(what),
                        turn.verdict()
                    );
                    if let Some(row) = rows.iter_mut().find(|row| row.name == contender.name) {
                        row.turns.push(turn);
                    }
                }
                Ok(Err(why)) => {
                    absent.push((contender.name.clone(), why));
                    contenders.retain(|other| other.name != contender.name);
                }
                // Ours must work; what a peer cannot do is told.
                Err(error) if matches!(contender.kind, Kind::Peer { .. }) => {
                    let why = format!("{}: {error:#}", scenario.name());
                    eprintln!("{why}");
                    absent.push((contender.name.clone(), why));
                }
                Err(error) => return Err(error),
            }
        }
    }
    rows.retain(|row| !row.turns.is_empty());
    Ok(rows)
}

#[derive(Serialize)]
struct Idle {
    name: String,
    empty_mib: f64,
    bound_mib: f64,
}

fn idle(contenders: &[Contender], base: &Path) -> Result<Vec<Idle>> {
    let mut all = Vec::new();
    let differs =
        |one: &&Contender| !matches!(one.kind, Kind::Direct) && ![ASKED, WIDE].contains(&&*one.name);
    for contender in contenders.iter().filter(differs) {
        match turn::idle(contender, IDLE_SESSIONS, base) {
            Ok(Ok((empty_mib, bound_mib))) => {
                all.push(Idle { name: contender.name.clone(), empty_mib, bound_mib });
            }
            Ok(Err(_)) => {}
            Err(error) if matches!(contender.kind, Kind::Peer { .. }) => eprintln!("idle: {error:#}"),
            Err(error) => return Err(error),
        }
    }
    Ok(all)
}

const IDLE_SESSIONS: usize = 100;

fn table(scenario: Scenario, rows: &[Row]) -> Option<Table> {
    let rows: Vec<&Row> = rows.iter().filter(|row| row.scenario == scenario).collect();
    rows.first()?;
    let mut head = vec!["", "delivered/s (min–max)"];
    match scenario {
        Scenario::Plain => head.push("until the sink's receipts are taken"),
        Scenario::Receipts | Scenario::Shuffled => head.push("whole lives/s (min–max)"),
        Scenario::One => head.push("p50 to fdatasync"),
        Scenario::Half => {}
    }
    head.push("submit_sm_resp p50/p99");
    if matches!(scenario, Scenario::Receipts | Scenario::Shuffled) {
        head.push("life p50/p99");
    }
    head.extend(["CPU µs (store)", "MiB at the end", "accepted messages"]);
    let mut table = Table::new(&format!("gateway: {}", scenario.name()), head);
    for row in rows {
        let median = |of: fn(&Turn) -> f64| row.median(of);
        let mut cells = vec![row.name.clone(), row.spread(|turn| turn.delivered_rate).show(rate)];
        match scenario {
            Scenario::Plain => cells.push(rate(median(|turn| turn.whole_rate))),
            Scenario::Receipts | Scenario::Shuffled => {
                cells.push(row.spread(|turn| turn.whole_rate).show(rate));
            }
            Scenario::One => cells.push(figure(median(to_disk))),
            Scenario::Half => {}
        }
        let (p50, p99) = (median(|turn| turn.esme.p50_us), median(|turn| turn.esme.p99_us));
        cells.push(format!("{}/{}", micros(p50), micros(p99)));
        if matches!(scenario, Scenario::Receipts | Scenario::Shuffled) {
            let (p50, p99) = (median(|turn| turn.esme.life_p50_us), median(|turn| turn.esme.life_p99_us));
            cells.push(format!("{}/{}", micros(p50), micros(p99)));
        }
        if row.name == DIRECT {
            cells.extend([String::new(), String::new()]);
        } else {
            let (cpu, store) = (median(|turn| turn.cpu_us), median(|turn| turn.store_us));
            cells.push(if store > 0.0 {
                format!("{} ({})", figure(cpu), figure(store))
            } else {
                figure(cpu)
            });
            cells.push(figure(median(|turn| turn.resident_mib)));
        }
        cells.push(row.soundness());
        table.row(cells);
    }
    Some(table)
}

/// The median answer to the median fdatasync of the same turn.
fn to_disk(turn: &Turn) -> f64 {
    turn.esme.p50_us / turn.disk.again_p50_us
}

fn disk_table(rows: &[Row]) -> Option<Table> {
    rows.first()?;
    let title = "gateway: the disk's own fdatasync of 4 KiB, before each turn; median (min–max)";
    let mut table = Table::new(title, ["", "p50", "p99"]);
    let mut row = |what: &str, p50: fn(&Disk) -> f64, p99: fn(&Disk) -> f64| {
        let of = |of: fn(&Disk) -> f64| {
            let turns = rows.iter().flat_map(|row| &row.turns);
            Spread::of(turns.map(|turn| of(&turn.disk))).show(micros)
        };
        table.row([what.to_owned(), of(p50), of(p99)]);
    };
    row("blocks there already", |disk| disk.again_p50_us, |disk| disk.again_p99_us);
    row("at the end of a file", |disk| disk.append_p50_us, |disk| disk.append_p99_us);
    Some(table)
}

fn idle_table(all: &[Idle]) -> Table {
    let title = format!("gateway: resident MiB, fresh and with {IDLE_SESSIONS} bound sessions");
    let mut table = Table::new(&title, ["", "fresh", "bound"]);
    for one in all {
        table.row([one.name.clone(), figure(one.empty_mib), figure(one.bound_mib)]);
    }
    table
}

fn goals(rows: &[Row], idle: &[Idle]) -> Vec<Goal> {
    let ours =
        |scenario| rows.iter().filter(move |row| row.scenario == scenario && row.name.starts_with(OURS));
    let mut goals = Vec::new();
    for row in ours(Scenario::Plain) {
        let got = row.median(|turn| turn.delivered_rate);
        goals.push(Goal::at_least(format!("{}: thousand/s delivered", row.name), got / 1e3, 100.0));
    }
    for scenario in [Scenario::Receipts, Scenario::Shuffled] {
        for row in ours(scenario) {
            let what = format!("{}: thousand/s whole lives, {}", row.name, scenario.name());
            goals.push(Goal::at_least(what, row.median(|turn| turn.whole_rate) / 1e3, 60.0));
        }
    }
    for row in ours(Scenario::Half) {
        let got = row.median(|turn| turn.esme.p99_us) / 1e3;
        goals.push(Goal::at_most(format!("{}: p99 at half load, ms", row.name), got, 5.0));
    }
    for row in ours(Scenario::One) {
        let what = format!("{}: p50 at window 1 to fdatasync", row.name);
        goals.push(Goal::at_most(what, row.median(to_disk), 2.5));
    }
    if let Some(one) = idle.iter().find(|one| one.name == OURS) {
        goals.push(Goal::at_most(format!("MiB with {IDLE_SESSIONS} sessions"), one.bound_mib, 40.0));
    }
    for row in rows.iter().filter(|row| row.name.starts_with(OURS)) {
        let unsound = row.turns.iter().filter(|turn| !turn.is_sound()).count();
        if unsound > 0 {
            let what = format!("{}, {}: unsound turns", row.name, row.scenario.name());
            goals.push(Goal::at_most(what, unsound as f64, 0.0));
        }
    }
    goals
}
