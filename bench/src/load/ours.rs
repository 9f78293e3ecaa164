//! Clients on smppkit-net: one inside the connection's task, one of tasks that await.

use std::sync::Arc;
use std::task::Context;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use smppkit_net::{Application, Bind, BindMode, Connector, Ended, Link, SessionConfig};
use smppkit_session::Event;
use smppkit_wire::field::ShortMessage;
use smppkit_wire::pdu::table::SubmitSm;
use smppkit_wire::value::{Npi, Ton};
use tokio::sync::mpsc;

use super::{Args, Measured, Meter, Middle, Phase};
use crate::frames::{DESTINATION, SOURCE, TEXT};
use crate::stats::Latencies;

/// Keeps the window of one session full.
pub(crate) struct Stream {
    bind: Option<Bind>,
    bound: bool,
    submit: SubmitSm,
    meter: Arc<Meter>,
    phase: Phase,
    answered: u64,
    refused: u64,
    /// Requests that may still be sent; the end of a run that is counted and not timed.
    left: u64,
    latencies: Latencies,
    done: mpsc::UnboundedSender<Done>,
}

/// A session's end.
pub(crate) struct Done {
    pub(crate) latencies: Latencies,
    pub(crate) refused: u64,
    pub(crate) ended: String,
}

impl Stream {
    /// Sends until the meter says stop, or `messages` have been sent.
    pub(crate) fn new(meter: Arc<Meter>, messages: u64, done: mpsc::UnboundedSender<Done>) -> Result<Self> {
        Ok(Self {
            bind: Some(bind()?),
            bound: false,
            submit: submit_sm()?,
            phase: meter.phase(),
            meter,
            answered: 0,
            refused: 0,
            left: messages,
            latencies: Latencies::default(),
            done,
        })
    }
}

impl Application for Stream {
    type Token = ();

    fn event(&mut self, _: &mut Link<'_, ()>, event: Event<()>) {
        match event {
            Event::Bound { .. } => self.bound = true,
            Event::Response { status, waited, .. } => {
                self.answered += 1;
                self.refused += u64::from(!status.is_ok());
                if self.phase == Phase::Measure {
                    self.latencies.add(waited.as_nanos() as u64);
                }
            }
            Event::Failed { .. } => self.refused += 1,
            _ => {}
        }
    }

    fn poll(&mut self, link: &mut Link<'_, ()>, _: &mut Context<'_>) {
        if let Some(bind) = self.bind.take() {
            let (session, out, now) = link.parts();
            // A fresh session of an ESME may always bind.
            let _ = session.bind(now.mono, BindMode::Transceiver, &bind, out);
        }
        self.meter.count(std::mem::take(&mut self.answered), 0);
        self.phase = self.meter.phase();
        if !self.bound {
            return;
        }
        if self.phase != Phase::Stop {
            for _ in 0..u64::from(link.session.room()).min(self.left) {
                if link.request(self.submit.clone(), ()).is_err() {
                    break;
                }
                self.left -= 1;
            }
        }
        if link.session.in_flight() == 0 {
            link.unbind();
        }
    }

    fn ended(&mut self, ended: &Ended) {
        let latencies = std::mem::take(&mut self.latencies);
        // Who no longer waits for us has failed already.
        let _ = self.done.send(Done { latencies, refused: self.refused, ended: ended.to_string() });
    }
}

pub(crate) fn bind() -> Result<Bind> {
    Bind::new("bench", "secret").context("both fit")
}

fn submit_sm() -> Result<SubmitSm> {
    Ok(SubmitSm {
        source_addr_ton: Ton::INTERNATIONAL,
        source_addr_npi: Npi::ISDN,
        source_addr: SOURCE.parse()?,
        dest_addr_ton: Ton::INTERNATIONAL,
        dest_addr_npi: Npi::ISDN,
        destination_addr: DESTINATION.parse()?,
        short_message: ShortMessage::new(&TEXT[..])?,
        ..SubmitSm::default()
    })
}

fn connector(args: &Args) -> Connector {
    let config = SessionConfig { send_window: args.window as u32, ..SessionConfig::default() };
    Connector::new(args.to.to_string()).session(config)
}

pub(super) fn run(args: &Args, meter: Meter) -> Result<Measured> {
    let meter = Arc::new(meter);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let (done, mut ends) = mpsc::unbounded_channel();
    runtime.block_on(async {
        let connector = connector(args);
        for _ in 0..args.sessions {
            connector.start(Stream::new(Arc::clone(&meter), u64::MAX, done.clone())?).await?;
        }
        anyhow::Ok(())
    })?;
    drop(done);
    let middle = Middle::watch(&meter, args)?;
    let mut latencies = Latencies::default();
    runtime.block_on(async {
        let all = async {
            while let Some(end) = ends.recv().await {
                ensure!(end.refused == 0, "{} messages were refused; {}", end.refused, end.ended);
                latencies.merge(&end.latencies);
            }
            Ok(())
        };
        tokio::time::timeout(Duration::from_secs(20), all).await.context("stalled")?
    })?;
    Ok(middle.measured(&latencies))
}

/// As many tasks as the window is wide, each awaiting its answer: what most programs do.
pub(super) fn run_handle(args: &Args, meter: Meter) -> Result<Measured> {
    let meter = Arc::new(meter);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let mut tasks = tokio::task::JoinSet::new();
    let inboxes = runtime.block_on(async {
        let mut inboxes = Vec::new();
        for _ in 0..args.sessions {
            let (esme, inbox) = connector(args).bind(BindMode::Transceiver, bind()?).await?;
            inboxes.push(inbox);
            let esme = Arc::new(esme);
            for _ in 0..args.window {
                let (esme, meter, submit) = (Arc::clone(&esme), Arc::clone(&meter), submit_sm()?);
                tasks.spawn(async move {
                    let mut latencies = Latencies::default();
                    while meter.phase() != Phase::Stop {
                        let began = Instant::now();
                        esme.send(submit.clone()).await.map_err(|error| anyhow::anyhow!("{error}"))?;
                        if meter.phase() == Phase::Measure {
                            latencies.add(began.elapsed().as_nanos() as u64);
                        }
                        meter.count(1, 0);
                    }
                    anyhow::Ok(latencies)
                });
            }
        }
        anyhow::Ok(inboxes)
    })?;
    let middle = Middle::watch(&meter, args)?;
    let mut latencies = Latencies::default();
    runtime.block_on(async {
        while let Some(task) = tasks.join_next().await {
            latencies.merge(&task??);
        }
        anyhow::Ok(())
    })?;
    drop(inboxes);
    Ok(middle.measured(&latencies))
}
