//! The whole row set of one message (accept, sent with its remote id, receipt) in groups, synced, beside
//! the disk's own fdatasync in the same run.
//!
//! `cargo run --release -p smppkit-store --example bench [directory] [seconds a row] [pages of the write-ahead log]`
//!
//! Each commit accepts a group, marks the group before as sent, and ends the one before that, as a
//! gateway at a steady rate does. CPU is the committing thread's own, kernel time included.

use smppkit_store::{
    Accepted, Change, Final, MessageId, MessageIds, NodeId, RemoteId, Settings, Sqlite, Store, Timestamp,
};
use std::error::Error;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let base = arguments.next().map_or_else(|| PathBuf::from("."), PathBuf::from);
    let seconds = arguments.next().map_or(Ok(5), |text| text.parse())?;
    let mut settings = Settings::default();
    if let Some(pages) = arguments.next() {
        settings.wal_pages = pages.parse()?;
    }
    let dir = base.join(format!("smppkit-store-bench-{}", std::process::id()));
    fs::create_dir_all(&dir)?;
    let result = run(&dir, Duration::from_secs(seconds), &settings);
    fs::remove_dir_all(&dir)?;
    result
}

fn run(dir: &Path, time: Duration, settings: &Settings) -> Result<(), Box<dyn Error>> {
    if cfg!(debug_assertions) {
        println!("a debug build: these figures say nothing");
    }
    println!("load {}", fs::read_to_string("/proc/loadavg").unwrap_or_default().trim());
    let cost = fdatasync(dir)?;
    println!("fdatasync of 4 KiB appended   p50 {:>7.0?}  p99 {:>7.0?}", part(&cost, 50), part(&cost, 99));
    println!("group  messages/s  commit p50  commit p99       worst  cpu/message  live");
    for group in [1, 20, 200] {
        let path = dir.join(group.to_string());
        let mut store = Sqlite::open(&path, now(), settings.clone())?;
        life(&mut store, group, time)?;
        drop(store);
        let began = Instant::now();
        let store = Sqlite::open(&path, now(), settings.clone())?;
        println!("       reopened in {:.0?}, {:?}", began.elapsed(), store.totals());
    }
    println!("in memory, no sync:");
    let mut store = Sqlite::in_memory(now(), settings.clone())?;
    life(&mut store, 200, time)?;
    let cost = fdatasync(dir)?;
    println!("fdatasync of 4 KiB appended   p50 {:>7.0?}  p99 {:>7.0?}", part(&cost, 50), part(&cost, 99));
    println!("load {}", fs::read_to_string("/proc/loadavg").unwrap_or_default().trim());
    Ok(())
}

/// Commits groups for a while and prints a line.
fn life(store: &mut Sqlite, group: usize, time: Duration) -> Result<(), Box<dyn Error>> {
    let mut ids = MessageIds::after(NodeId::default(), store.last_id());
    let (mut accepted, mut sent): (Vec<MessageId>, Vec<MessageId>) = (Vec::new(), Vec::new());
    let (mut costs, mut outcomes, mut count) = (Vec::new(), Vec::new(), 0_u32);
    let (account, queue): (Arc<str>, Arc<str>) = ("shop".into(), "upstream".into());
    let (began, cpu) = (Instant::now(), cpu());
    while began.elapsed() < time {
        let at = now();
        let mut changes = Vec::with_capacity(3 * group);
        let ended = std::mem::take(&mut sent);
        changes.extend(ended.iter().map(|id| Change::Finish {
            id: *id,
            state: Final::Delivered,
            reason: "000".into(),
            then: None,
        }));
        for id in accepted.drain(..) {
            let remote =
                RemoteId { connector: queue.clone(), forms: vec![format!("{:x}", id.to_u64()).into()] };
            changes.push(Change::Sent { id, remote: Arc::new(remote) });
            sent.push(id);
        }
        for _ in 0..group {
            let id = ids.next(at);
            accepted.push(id);
            changes.push(Change::Accept(Arc::new(Accepted {
                id,
                account: account.clone(),
                queue: queue.clone(),
                priority: 0,
                due_at: at,
                expires_at: None,
                source: "1000".into(),
                destination: format!("49{}", id.to_u64() % 10_000_000_000).into(),
                reference: None,
                payload: vec![b'x'; 250].into(),
            })));
        }
        count += u32::try_from(ended.len())?;
        outcomes.clear();
        let start = Instant::now();
        store.commit(at, &changes, &mut outcomes)?;
        costs.push(start.elapsed());
        store.claim(at, &queue, group)?;
    }
    let (wall, cpu) = (began.elapsed(), self::cpu().saturating_sub(cpu));
    costs.sort_unstable();
    println!(
        "{group:>5}  {:>10.0}  {:>10.2?}  {:>10.2?}  {:>10.2?}  {:>11.2?}  {:>4}",
        f64::from(count) / wall.as_secs_f64(),
        part(&costs, 50),
        part(&costs, 99),
        costs.last().copied().unwrap_or_default(),
        cpu / count.max(1),
        store.live(),
    );
    Ok(())
}

/// What the disk takes to make 4 KiB at the end of a file durable.
fn fdatasync(dir: &Path) -> Result<Vec<Duration>, Box<dyn Error>> {
    let mut file = File::create(dir.join("sync"))?;
    let mut costs = Vec::new();
    for _ in 0..500 {
        let start = Instant::now();
        file.write_all(&[0x55; 4096])?;
        file.sync_data()?;
        costs.push(start.elapsed());
    }
    costs.sort_unstable();
    Ok(costs)
}

fn part(sorted: &[Duration], percent: usize) -> Duration {
    sorted.get(sorted.len() * percent / 100).copied().unwrap_or_default()
}

/// Of this thread; zero where the system does not say.
fn cpu() -> Duration {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(text.split(' ').next().and_then(|text| text.parse().ok()).unwrap_or_default())
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
