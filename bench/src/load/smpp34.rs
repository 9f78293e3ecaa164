//! smpp34's client: as many tasks as the window is wide, each awaiting its answer, as in its examples.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use anyhow::{Context, Result};
use async_trait::async_trait;
use smpp34::client::{BIND_TYPE, SMSC, SmppClient, SmppClientListener};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::{Args, Measured, Meter, Middle, Phase};
use crate::frames::{DESTINATION, SOURCE, TEXT};
use crate::stats::Latencies;

/// Hands out the session when it is bound.
struct Binder(Mutex<Option<oneshot::Sender<SMSC>>>);

#[async_trait]
impl SmppClientListener for Binder {
    async fn on_smsc_bound(&self, smsc: SMSC, _: &String) {
        if let Some(bound) = self.0.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = bound.send(smsc);
        }
    }
}

pub(super) fn run(args: &Args, meter: Meter) -> Result<Measured> {
    let meter = Arc::new(meter);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let mut tasks = JoinSet::new();
    let clients = runtime.block_on(async {
        let mut clients = Vec::new();
        for _ in 0..args.sessions {
            let (client, smsc) = bind(args).await?;
            clients.push(client);
            for _ in 0..args.window {
                tasks.spawn(stream(Arc::clone(&smsc), Arc::clone(&meter)));
            }
        }
        anyhow::Ok(clients)
    })?;
    let middle = Middle::watch(&meter, args)?;
    let mut latencies = Latencies::default();
    runtime.block_on(async {
        while let Some(task) = tasks.join_next().await {
            latencies.merge(&task??);
        }
        anyhow::Ok(())
    })?;
    drop(clients);
    Ok(middle.measured(&latencies))
}

async fn bind(args: &Args) -> Result<(SmppClient, Arc<SMSC>)> {
    let (bound, smsc) = oneshot::channel();
    let mut client = SmppClient::new(
        args.to.ip().to_string(),
        args.to.port(),
        false,
        BIND_TYPE::TRX,
        "bench".to_owned(),
        "secret".to_owned(),
        String::new(),
        0,
        0,
        String::new(),
        Arc::new(Binder(Mutex::new(Some(bound)))),
        args.window,
    );
    client.start().await;
    Ok((client, Arc::new(smsc.await.context("smpp34 did not bind")?)))
}

async fn stream(smsc: Arc<SMSC>, meter: Arc<Meter>) -> Result<Latencies> {
    let mut latencies = Latencies::default();
    while meter.phase() != Phase::Stop {
        let began = Instant::now();
        let submit = smsc.submit_sm().source_addr_ton(1).source_addr_npi(1).source_addr(SOURCE);
        let submit = submit.dest_addr_ton(1).dest_addr_npi(1).destination_addr(DESTINATION);
        let answer = submit.short_message(&TEXT[..]).send().await;
        answer.map_err(|error| anyhow::anyhow!("smpp34: {error:?}"))?;
        if meter.phase() == Phase::Measure {
            latencies.add(began.elapsed().as_nanos() as u64);
        }
        meter.count(1, 0);
    }
    Ok(latencies)
}
