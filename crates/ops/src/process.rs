//! What the kernel knows of this process, under the names that Prometheus' own clients use.

use core::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

/// This process. Elsewhere than on Linux nothing is known.
#[derive(Debug)]
pub(crate) struct Process;

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        for reading in read() {
            let Reading { name, help, kind, value } = reading;
            let metric = encoder.encode_descriptor(name, help, None, kind)?;
            match kind {
                MetricType::Counter => ConstCounter::new(value).encode(metric)?,
                _ => ConstGauge::new(value).encode(metric)?,
            }
        }
        Ok(())
    }
}

struct Reading {
    name: &'static str,
    help: &'static str,
    kind: MetricType,
    value: f64,
}

#[cfg(not(target_os = "linux"))]
fn read() -> Vec<Reading> {
    Vec::new()
}

/// What can be read; a container may hide some.
#[cfg(target_os = "linux")]
fn read() -> Vec<Reading> {
    use self::linux::{Stat, kibibytes, max_fds, open_fds, text};

    let gauge = |name, help, value: Option<f64>| {
        value.map(|value| Reading { name, help, kind: MetricType::Gauge, value })
    };
    let status = text("self/status");
    let memory = |key| kibibytes(status.as_deref()?, key).map(|kib| kib * 1024.0);
    let stat = text("self/stat").as_deref().and_then(Stat::parse);
    let cpu = stat.as_ref().map(|stat| Reading {
        name: "process_cpu_seconds",
        help: "User and system CPU time spent",
        kind: MetricType::Counter,
        value: stat.cpu,
    });
    let start = stat.and_then(|stat| Some(linux::boot_time(&text("stat")?)? + stat.start));
    [
        gauge("process_resident_memory_bytes", "Memory in RAM", memory("VmRSS:")),
        gauge("process_virtual_memory_bytes", "Memory mapped", memory("VmSize:")),
        cpu,
        gauge("process_open_fds", "File descriptors open", open_fds()),
        gauge("process_max_fds", "File descriptors that may be open", max_fds()),
        gauge("process_start_time_seconds", "Start, in seconds since 1970", start),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[cfg(target_os = "linux")]
mod linux {
    /// Times in `/proc/self/stat`, in seconds.
    pub(super) struct Stat {
        pub(super) cpu: f64,
        /// Since the machine booted.
        pub(super) start: f64,
    }

    impl Stat {
        /// proc_pid_stat(5). The name in brackets, the second field, may hold anything.
        pub(super) fn parse(text: &str) -> Option<Self> {
            let (_, rest) = text.rsplit_once(") ")?;
            let fields: Vec<_> = rest.split(' ').collect();
            // Fields are counted from 1 there, and the rest begins with the third.
            let seconds = |number: usize| -> Option<f64> {
                Some(fields.get(number - 3)?.trim().parse::<f64>().ok()? / TICKS)
            };
            Some(Self { cpu: seconds(14)? + seconds(15)?, start: seconds(22)? })
        }
    }

    pub(super) fn text(name: &str) -> Option<String> {
        std::fs::read_to_string(format!("/proc/{name}")).ok()
    }

    /// A line `VmRSS:     1234 kB` of `/proc/self/status`.
    pub(super) fn kibibytes(status: &str, key: &str) -> Option<f64> {
        let line = status.lines().find_map(|line| line.strip_prefix(key))?;
        line.split_whitespace().next()?.parse().ok()
    }

    pub(super) fn open_fds() -> Option<f64> {
        // One of them is the directory that is being read.
        let count = std::fs::read_dir("/proc/self/fd").ok()?.count().saturating_sub(1);
        Some(f64::from(u32::try_from(count).ok()?))
    }

    pub(super) fn max_fds() -> Option<f64> {
        let limits = text("self/limits")?;
        let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
        line.split_whitespace().next()?.parse().ok()
    }

    /// When the machine booted, in seconds since 1970.
    pub(super) fn boot_time(stat: &str) -> Option<f64> {
        stat.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()
    }

    /// Ticks a second. The kernel shows 100 to programs on every architecture, whatever it counts in.
    const TICKS: f64 = 100.0;
}
