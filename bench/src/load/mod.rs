//! `load`: clients, each in a process of its own, that keep a window full and measure.
//!
//! A run has a beginning that is not measured, then a second that is, then an end in which what is
//! under way is still awaited. Whoever has lost an answer does not come to the end of it.

mod blaster;
mod ours;
mod smpp34;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

use crate::process;
use crate::stats::Latencies;

pub(crate) use blaster::bound;
pub(crate) use ours::Stream;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    which: Which,
    /// The server
    #[arg(long)]
    to: SocketAddr,
    /// Its process
    #[arg(long)]
    pid: u32,
    #[arg(long, default_value_t = 1)]
    sessions: usize,
    /// Requests under way on each session
    #[arg(long, default_value_t = 1)]
    window: usize,
    #[arg(long, default_value_t = 1.0)]
    seconds: f64,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Which {
    /// Octets made beforehand, on blocking sockets.
    Blaster,
    /// The same on tokio, one thread.
    BlasterTokio,
    /// An `Application` on smppkit-net.
    Smppkit,
    /// Tasks that each await an answer of smppkit-net's `Handle`.
    SmppkitHandle,
    /// Tasks that each await an answer of smpp34's client.
    Smpp34,
}

/// What a client measured.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Measured {
    pub(crate) rate: f64,
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
    /// CPU a message on each side.
    pub(crate) client_cpu_us: f64,
    pub(crate) server_cpu_us: f64,
}

/// What a client's sessions have in common.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    phase: AtomicU8,
    answered: AtomicU64,
    refused: AtomicU64,
}

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    WarmUp,
    Measure,
    Stop,
}

impl Meter {
    #[inline]
    pub(crate) fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Relaxed) {
            0 => Phase::WarmUp,
            1 => Phase::Measure,
            _ => Phase::Stop,
        }
    }

    fn enter(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::Relaxed);
    }

    /// Counts answers; once a batch, not once an answer, where the client can.
    #[inline]
    pub(crate) fn count(&self, answered: u64, refused: u64) {
        self.answered.fetch_add(answered, Ordering::Relaxed);
        if refused > 0 {
            self.refused.fetch_add(refused, Ordering::Relaxed);
        }
    }

    pub(crate) fn answered(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }
}

const WARM_UP: Duration = Duration::from_millis(200);

/// The middle of a run, measured from a thread that does nothing else.
struct Middle {
    messages: f64,
    wall: Duration,
    client: Duration,
    server: Duration,
}

impl Middle {
    fn watch(meter: &Meter, args: &Args) -> Result<Self> {
        std::thread::sleep(WARM_UP);
        let (messages, client, server) = (meter.answered(), process::own_cpu(), process::cpu_of(args.pid)?);
        let began = Instant::now();
        meter.enter(Phase::Measure);
        std::thread::sleep(Duration::from_secs_f64(args.seconds));
        let messages = meter.answered() - messages;
        let wall = began.elapsed();
        let (client, server) =
            (process::own_cpu().saturating_sub(client), process::cpu_of(args.pid)?.saturating_sub(server));
        meter.enter(Phase::Stop);
        Ok(Self { messages: messages as f64, wall, client, server })
    }

    fn measured(&self, latencies: &Latencies) -> Measured {
        let micros = |time: Duration| time.as_secs_f64() * 1e6 / self.messages;
        Measured {
            rate: self.messages / self.wall.as_secs_f64(),
            p50_us: latencies.micros(0.5),
            p99_us: latencies.micros(0.99),
            client_cpu_us: micros(self.client),
            server_cpu_us: micros(self.server),
        }
    }
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let meter = Meter::default();
    let measured = match args.which {
        Which::Blaster => blaster::run(args, &meter),
        Which::BlasterTokio => blaster::run_tokio(args, meter),
        Which::Smppkit => ours::run(args, meter),
        Which::SmppkitHandle => ours::run_handle(args, meter),
        Which::Smpp34 => smpp34::run(args, meter),
    }?;
    ensure!(measured.rate > 0.0, "no answer came");
    println!("{}", serde_json::to_string(&measured)?);
    Ok(())
}
