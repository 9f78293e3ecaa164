//! `idle`: what a server keeps in memory for bound sessions that say nothing.

use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::net::sockopt::set_socket_linger;
use serde::Serialize;
use serde_json::json;

use crate::load::bound;
use crate::process::{Server, resident_kib, this};
use crate::report::{Goal, Report, Table, figure, rate};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Sessions on each server
    #[arg(long, default_value_t = SESSIONS)]
    sessions: usize,
}

const SESSIONS: usize = 10_000;

impl Default for Args {
    fn default() -> Self {
        Self { sessions: SESSIONS }
    }
}

const SIMULATOR: &str = "smppkit simulator";

#[derive(Serialize)]
struct Row {
    name: &'static str,
    sessions: usize,
    kib_a_session: f64,
    resident_mib: f64,
    binds_a_second: f64,
}

pub(crate) fn run(args: &Args, smppkit: &Path) -> Result<Report> {
    let this = this();
    let simulator = ["simulator", "-q", "--listen", "127.0.0.1:0"];
    let servers: [(&str, &Path, &[&str]); 5] = [
        ("ceiling, 4 KiB buffer", &this, &["serve", "sink", "--buffer", "4096"]),
        (SIMULATOR, smppkit, &simulator),
        ("smppkit-net server", &this, &["serve", "smppkit"]),
        ("smpp34 server", &this, &["serve", "smpp34"]),
        ("rusmpp Framed server, 64 KiB", &this, &["serve", "rusmpp"]),
    ];
    let mut rows = Vec::new();
    for (name, program, server_args) in servers {
        let server = Server::start(program, server_args)?;
        rows.push(measure(name, &server, args.sessions).with_context(|| name.to_owned())?);
    }
    let mut goals = Vec::new();
    if let Some(ours) = rows.iter().find(|row| row.name == SIMULATOR) {
        goals.push(Goal::at_most("simulator, KiB a session", ours.kib_a_session, 5.0));
        goals.push(Goal::at_most("simulator, KiB a session, better", ours.kib_a_session, 2.5));
    }
    Ok(Report { name: "idle", tables: vec![table(&rows)], goals, figures: json!(rows), failed: false })
}

fn measure(name: &'static str, server: &Server, sessions: usize) -> Result<Row> {
    // The first session pays for what all share.
    let first = open(server, 1)?;
    std::thread::sleep(SETTLE);
    let before = resident_kib(server.pid())?;
    let began = Instant::now();
    let rest = open(server, sessions.saturating_sub(1))?;
    let took = began.elapsed();
    std::thread::sleep(SETTLE);
    let after = resident_kib(server.pid())?;
    // Reset, not closed: ten thousand ports waiting for their time would be missed by the next server.
    for stream in first.iter().chain(&rest) {
        set_socket_linger(stream, Some(Duration::ZERO))?;
    }
    Ok(Row {
        name,
        sessions,
        kib_a_session: (after as f64 - before as f64) / rest.len() as f64,
        resident_mib: after as f64 / 1024.0,
        binds_a_second: rest.len() as f64 / took.as_secs_f64(),
    })
}

/// Below the 30 s after which the servers ask who is still there.
const SETTLE: Duration = Duration::from_millis(500);

fn open(server: &Server, sessions: usize) -> Result<Vec<TcpStream>> {
    let one = |at| bound(server.address).with_context(|| format!("session {at} of {sessions}"));
    (1..=sessions).map(one).collect()
}

fn table(rows: &[Row]) -> Table {
    let head = ["server", "sessions", "KiB a session", "resident MiB", "binds/s"];
    let mut table = Table::new("idle: resident memory of bound sessions", head);
    for row in rows {
        table.row([
            row.name.to_owned(),
            row.sessions.to_string(),
            figure(row.kib_a_session),
            figure(row.resident_mib),
            rate(row.binds_a_second),
        ]);
    }
    table
}
