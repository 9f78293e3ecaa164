//! The client that costs least: its octets are made beforehand, and all that the window allows go out
//! in one write.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{Args, Measured, Meter, Middle, Phase};
use crate::frames::{self, RESPONSE, SUBMIT_SM_RESP};
use crate::sink;
use crate::stats::Latencies;

/// One session's side of the traffic; the sockets are its callers'.
struct Traffic {
    submit: Vec<u8>,
    window: usize,
    in_flight: usize,
    next: u32,
    /// What was sent when, found by the low bits of its sequence_number.
    sent: Vec<(u32, Instant)>,
    latencies: Latencies,
    input: Vec<u8>,
    filled: usize,
    output: Vec<u8>,
}

/// Windows that numbers may run ahead of the oldest request before its time is lost.
const SPREAD: usize = 8;

impl Traffic {
    fn new(window: usize) -> Self {
        Self {
            submit: frames::submit_sm(&[]),
            window,
            in_flight: 0,
            // 1 was the bind.
            next: 2,
            sent: vec![(0, Instant::now()); (window * SPREAD).next_power_of_two()],
            latencies: Latencies::default(),
            input: vec![0; 128 * 1024],
            filled: 0,
            output: Vec::new(),
        }
    }

    fn slot(&mut self, sequence_number: u32) -> Option<&mut (u32, Instant)> {
        let mask = self.sent.len() - 1;
        self.sent.get_mut(sequence_number as usize & mask)
    }

    /// Fills the window.
    fn top_up(&mut self, now: Instant) {
        while self.in_flight < self.window {
            let number = self.next;
            self.next = if number == 0x7FFF_FFFF { 1 } else { number + 1 };
            if let Some(slot) = self.slot(number) {
                *slot = (number, now);
            }
            if let Some(octets) = self.submit.get_mut(12..16) {
                octets.copy_from_slice(&number.to_be_bytes());
            }
            self.output.extend_from_slice(&self.submit);
            self.in_flight += 1;
        }
    }

    fn room(&mut self) -> &mut [u8] {
        self.input.get_mut(self.filled..).unwrap_or_default()
    }

    /// Takes what was read, and has what goes out next in `output`.
    fn received(&mut self, octets: usize, meter: &Meter) {
        let (now, phase) = (Instant::now(), meter.phase());
        self.filled += octets;
        let input = std::mem::take(&mut self.input);
        let mut rest = input.get(..self.filled).unwrap_or_default();
        let (mut answered, mut refused) = (0, 0);
        while let Some(pdu) = frames::first(rest) {
            rest = rest.get(pdu.len()..).unwrap_or_default();
            let (id, number) = (frames::word(pdu, 4), frames::word(pdu, 12));
            if id & RESPONSE == 0 {
                sink::answer(pdu, &mut self.output);
                continue;
            }
            answered += 1;
            refused += u64::from(id != SUBMIT_SM_RESP || frames::word(pdu, 8) != 0);
            match self.slot(number) {
                Some((sent, at)) if *sent == number && phase == Phase::Measure => {
                    let waited = now.duration_since(*at);
                    self.latencies.add(waited.as_nanos() as u64);
                }
                _ => {}
            }
        }
        let from = self.filled - rest.len();
        self.input = input;
        self.input.copy_within(from..self.filled, 0);
        self.filled -= from;
        self.in_flight -= answered as usize;
        meter.count(answered, refused);
        if phase != Phase::Stop {
            self.top_up(now);
        }
    }
}

pub(super) fn run(args: &Args, meter: &Meter) -> Result<Measured> {
    let streams = connect(args)?;
    std::thread::scope(|scope| {
        let begin = |stream| scope.spawn(move || blast(stream, args.window, meter));
        let sessions: Vec<_> = streams.into_iter().map(begin).collect();
        let middle = Middle::watch(meter, args);
        let mut latencies = Latencies::default();
        for session in sessions {
            latencies.merge(&session.join().expect("a session panicked")?);
        }
        finish(&middle?, meter, &latencies)
    })
}

fn blast(mut stream: TcpStream, window: usize, meter: &Meter) -> Result<Latencies> {
    let mut traffic = Traffic::new(window);
    traffic.top_up(Instant::now());
    while traffic.in_flight > 0 {
        stream.write_all(&traffic.output)?;
        traffic.output.clear();
        let octets = stream.read(traffic.room()).context("no answer in time")?;
        ensure!(octets > 0, "the server closed a session");
        traffic.received(octets, meter);
    }
    Ok(traffic.latencies)
}

/// On one thread of tokio's.
pub(super) fn run_tokio(args: &Args, meter: Meter) -> Result<Measured> {
    let streams = connect(args)?;
    let meter = Arc::new(meter);
    let all = Arc::new(Mutex::new(Latencies::default()));
    let (window, sessions_meter, sessions_all) = (args.window, Arc::clone(&meter), Arc::clone(&all));
    let sessions = std::thread::spawn(move || -> Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let mut sessions = tokio::task::JoinSet::new();
            for stream in streams {
                stream.set_nonblocking(true)?;
                let stream = tokio::net::TcpStream::from_std(stream)?;
                sessions.spawn(blast_tokio(stream, window, Arc::clone(&sessions_meter)));
            }
            while let Some(session) = sessions.join_next().await {
                sessions_all.lock().unwrap_or_else(PoisonError::into_inner).merge(&session??);
            }
            Ok(())
        })
    });
    let middle = Middle::watch(&meter, args);
    sessions.join().expect("a session panicked")?;
    let latencies = all.lock().unwrap_or_else(PoisonError::into_inner);
    finish(&middle?, &meter, &latencies)
}

async fn blast_tokio(
    mut stream: tokio::net::TcpStream,
    window: usize,
    meter: Arc<Meter>,
) -> Result<Latencies> {
    let mut traffic = Traffic::new(window);
    traffic.top_up(Instant::now());
    while traffic.in_flight > 0 {
        stream.write_all(&traffic.output).await?;
        traffic.output.clear();
        let octets = stream.read(traffic.room()).await?;
        ensure!(octets > 0, "the server closed a session");
        traffic.received(octets, &meter);
    }
    Ok(traffic.latencies)
}

fn finish(middle: &Middle, meter: &Meter, latencies: &Latencies) -> Result<Measured> {
    let refused = meter.refused.load(std::sync::atomic::Ordering::Relaxed);
    ensure!(refused == 0, "{refused} messages were refused");
    Ok(middle.measured(latencies))
}

fn connect(args: &Args) -> Result<Vec<TcpStream>> {
    (0..args.sessions).map(|_| bound(args.to)).collect()
}

/// A bound session.
pub(crate) fn bound(to: std::net::SocketAddr) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(to).context("cannot connect")?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    stream.write_all(&frames::bind_transceiver())?;
    let mut header = [0; 16];
    stream.read_exact(&mut header).context("no answer to the bind")?;
    let length = frames::word(&header, 0) as usize;
    ensure!(frames::word(&header, 8) == 0 && length < 256, "the bind was refused");
    stream.read_exact(&mut vec![0; length.saturating_sub(16)])?;
    Ok(stream)
}
