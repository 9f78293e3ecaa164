//! What is printed: tables for people, JSON for all else.

use anyhow::Result;
use serde::Serialize;
use serde_json::{Value, json};

/// What one benchmark found.
pub(crate) struct Report {
    pub(crate) name: &'static str,
    /// Every figure, for JSON.
    pub(crate) figures: Value,
    pub(crate) tables: Vec<Table>,
    pub(crate) goals: Vec<Goal>,
    /// Something did not end as it must.
    pub(crate) failed: bool,
}

/// Columns of text.
pub(crate) struct Table {
    title: String,
    rows: Vec<Vec<String>>,
}

/// Something that was promised.
#[derive(Serialize)]
pub(crate) struct Goal {
    what: String,
    want: String,
    got: String,
    met: bool,
}

impl Table {
    pub(crate) fn new<S: Into<String>>(title: &str, head: impl IntoIterator<Item = S>) -> Self {
        Self { title: title.to_owned(), rows: vec![head.into_iter().map(Into::into).collect()] }
    }

    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    fn print(&self) {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or_default();
        let width = |column: usize| {
            self.rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max()
        };
        let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or_default()).collect();
        println!("\n{}\n", self.title);
        for (at, row) in self.rows.iter().enumerate() {
            let cells = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:width$}"));
            println!("| {} |", cells.collect::<Vec<_>>().join(" | "));
            if at == 0 {
                let rule: Vec<String> = widths.iter().map(|&width| "-".repeat(width)).collect();
                println!("| {} |", rule.join(" | "));
            }
        }
    }
}

impl Goal {
    pub(crate) fn at_most(what: impl Into<String>, got: f64, limit: f64) -> Self {
        Self { what: what.into(), want: format!("<= {}", figure(limit)), got: figure(got), met: got <= limit }
    }

    pub(crate) fn at_least(what: impl Into<String>, got: f64, limit: f64) -> Self {
        Self { what: what.into(), want: format!(">= {}", figure(limit)), got: figure(got), met: got >= limit }
    }
}

pub(crate) fn print_tables(reports: &[Report]) {
    println!("{}", machine_line());
    for report in reports {
        report.tables.iter().for_each(Table::print);
        if report.goals.is_empty() {
            continue;
        }
        let mut table = Table::new(&format!("{}: goals", report.name), ["goal", "want", "got", ""]);
        for Goal { what, want, got, met } in &report.goals {
            let verdict = if *met { "met" } else { "MISSED" };
            table.row([what.clone(), want.clone(), got.clone(), verdict.to_owned()]);
        }
        table.print();
    }
}

pub(crate) fn print_json(reports: &[Report]) -> Result<()> {
    let mut all = serde_json::Map::new();
    all.insert("machine".to_owned(), json!(machine_line()));
    for report in reports {
        let what = json!({ "failed": report.failed, "figures": report.figures, "goals": report.goals });
        all.insert(report.name.to_owned(), what);
    }
    println!("{}", serde_json::to_string_pretty(&all)?);
    Ok(())
}

/// Three digits that mean something.
pub(crate) fn figure(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        size if size < 0.995 => format!("{value:.3}"),
        size if size < 9.95 => format!("{value:.2}"),
        size if size < 99.5 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

/// A rate a second: `42.6k`, `1.48M`.
pub(crate) fn rate(value: f64) -> String {
    match value {
        value if value >= 999_500.0 => format!("{}M", figure(value / 1e6)),
        value if value >= 1e3 => format!("{}k", figure(value / 1e3)),
        value => figure(value),
    }
}

/// Microseconds, as milliseconds when there are many.
pub(crate) fn micros(value: f64) -> String {
    if value >= 1e3 { format!("{} ms", figure(value / 1e3)) } else { format!("{} µs", figure(value)) }
}

fn machine_line() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let processors = read("/proc/cpuinfo");
    let model = processors.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("unknown processor", |(_, model)| model).to_owned();
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let load = read("/proc/loadavg");
    let load = load.split(' ').next().unwrap_or_default();
    format!(
        "{model}, {cores} cores, Linux {}, load average {load}",
        read("/proc/sys/kernel/osrelease").trim()
    )
}
