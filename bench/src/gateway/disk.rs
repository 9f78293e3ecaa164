//! What the disk itself takes to make something durable.

use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;
use serde::Serialize;

use crate::stats::Latencies;

/// fdatasync after one write of 4 KiB.
#[derive(Debug, Clone, Copy, Serialize)]
#[allow(clippy::struct_field_names, reason = "the unit")]
pub(super) struct Disk {
    /// Within a file whose blocks are there already, as a log that is used again has them.
    pub(super) again_p50_us: f64,
    pub(super) again_p99_us: f64,
    /// At the end of a file that grows.
    pub(super) append_p50_us: f64,
    pub(super) append_p99_us: f64,
}

impl Disk {
    pub(super) fn measure(dir: &Path) -> Result<Self> {
        let path = dir.join("disk");
        let mut file = std::fs::File::create(&path)?;
        let append = sync_for(&mut file, TIME, u64::MAX)?;
        let again = sync_for(&mut file, TIME, 64)?;
        std::fs::remove_file(path)?;
        Ok(Self {
            again_p50_us: again.micros(0.5),
            again_p99_us: again.micros(0.99),
            append_p50_us: append.micros(0.5),
            append_p99_us: append.micros(0.99),
        })
    }
}

fn sync_for(file: &mut std::fs::File, time: Duration, pages: u64) -> Result<Latencies> {
    let page = [0x5A; 4096];
    let mut latencies = Latencies::default();
    let began = Instant::now();
    for at in 0.. {
        let start = Instant::now();
        if start - began > time {
            break;
        }
        if at % pages == 0 && pages != u64::MAX {
            file.seek(SeekFrom::Start(0))?;
        }
        file.write_all(&page)?;
        file.sync_data()?;
        latencies.add(start.elapsed().as_nanos() as u64);
    }
    Ok(latencies)
}

const TIME: Duration = Duration::from_millis(150);
