//! `stall`: our client against our server, at windows where a client is known to have gone to sleep
//! for ever. Every message must be answered in time.

use std::sync::{Arc, mpsc as std_mpsc};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde::Serialize;
use serde_json::json;
use smppkit_net::{Connector, Listener, SessionConfig};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;

use crate::load::{Meter, Stream};
use crate::report::{Report, Table, rate};
use crate::serve::Acceptor;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Messages at each window
    #[arg(long, default_value_t = 100_000)]
    messages: u64,
    /// Seconds that they may take
    #[arg(long, default_value_t = 60)]
    limit: u64,
}

impl Default for Args {
    fn default() -> Self {
        Self { messages: 100_000, limit: 60 }
    }
}

const WINDOWS: [u32; 7] = [1, 2, 5, 6, 10, 100, 1000];

#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
enum Threads {
    Current,
    Multi,
}

impl Threads {
    fn runtime(self) -> Result<Runtime> {
        let mut builder = match self {
            Self::Current => Builder::new_current_thread(),
            Self::Multi => Builder::new_multi_thread(),
        };
        Ok(builder.worker_threads(2).enable_all().build()?)
    }
}

#[derive(Serialize)]
struct Row {
    runtime: Threads,
    window: u32,
    messages: u64,
    answered: u64,
    seconds: f64,
    error: Option<String>,
}

pub(crate) fn run(args: &Args) -> Result<Report> {
    let limit = Duration::from_secs(args.limit);
    let mut rows = Vec::new();
    for runtime in [Threads::Current, Threads::Multi] {
        for window in WINDOWS {
            rows.push(measure(runtime, window, args.messages, limit)?);
        }
    }
    let head = ["runtime", "window", "answered", "rate", ""];
    let mut table = Table::new("stall: our client, our server, one process", head);
    for row in &rows {
        table.row([
            format!("{:?}", row.runtime).to_lowercase(),
            row.window.to_string(),
            format!("{} of {}", row.answered, row.messages),
            rate(row.answered as f64 / row.seconds),
            row.error.as_ref().map_or_else(|| "ok".to_owned(), |error| format!("FAILED: {error}")),
        ]);
    }
    let failed = rows.iter().any(|row| row.error.is_some());
    Ok(Report { name: "stall", figures: json!(rows), tables: vec![table], goals: Vec::new(), failed })
}

/// Runs in a thread of its own: a runtime that spins, or sleeps, would not look at its own clock.
fn measure(threads: Threads, window: u32, messages: u64, limit: Duration) -> Result<Row> {
    let meter = Arc::new(Meter::default());
    let runtime = threads.runtime()?;
    let (done, outcome) = std_mpsc::channel();
    let exchanged = Arc::clone(&meter);
    let began = Instant::now();
    std::thread::spawn(move || {
        let outcome = runtime.block_on(exchange(exchanged, window, messages));
        runtime.shutdown_background();
        // After the limit nobody listens any more.
        let _ = done.send(outcome);
    });
    let outcome = outcome.recv_timeout(limit);
    let answered = meter.answered();
    let error = match outcome {
        Ok(Ok(())) if answered == messages => None,
        Ok(Ok(())) => Some("ended before all were answered".to_owned()),
        Ok(Err(error)) => Some(format!("{error:#}")),
        Err(_) => Some(format!("not done in {} s", limit.as_secs())),
    };
    Ok(Row { runtime: threads, window, messages, answered, seconds: began.elapsed().as_secs_f64(), error })
}

async fn exchange(meter: Arc<Meter>, window: u32, messages: u64) -> Result<()> {
    let listener = Listener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    let server = tokio::spawn(listener.serve(|_| Acceptor));
    let (done, mut ends) = mpsc::unbounded_channel();
    let config = SessionConfig { send_window: window, ..SessionConfig::default() };
    let connector = Connector::new(address.to_string()).session(config);
    connector.start(Stream::new(meter, messages, done)?).await?;
    let end = ends.recv().await.context("the session vanished")?;
    server.abort();
    ensure!(end.refused == 0, "{} messages failed; {}", end.refused, end.ended);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_window_stalls_on_either_runtime() {
        let report = run(&Args { messages: 20_000, limit: 60 }).expect("it can be measured");
        assert!(!report.failed, "{}", report.figures);
    }
}
