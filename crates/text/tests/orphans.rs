//! A million parts that never complete, in a file of its own so that the process holds nothing else.

use std::time::{Duration, Instant};

use smppkit_text::reassembly::{Limits, Outcome};
use smppkit_text::{Concatenation, Reassembly, ReferenceWidth};

/// What a gateway would tell messages apart by, addresses owned.
type Key = (u32, String, String, u16, ReferenceWidth, u8);

#[test]
fn a_million_orphans_stay_within_the_limits_and_64_mib() {
    let limits = Limits::default();
    let mut table: Reassembly<u32, Key> = Reassembly::new(limits);
    let before = resident_octets();
    let (mut peak, mut dropped) = (0, 0);
    let mut now = Duration::ZERO;
    let start = Instant::now();
    for n in 0..1_000_000_u32 {
        now += Duration::from_micros(10);
        let account = n % 100;
        let (reference, total) = (n as u16, (n % 254) as u8 + 2);
        let source = format!("447700{:06}", n % 1_000_000);
        let destination = format!("3361200{:05}", n % 99_991);
        let key = (account, source, destination, reference, ReferenceWidth::Sixteen, total);
        let place = Concatenation::new(reference, ReferenceWidth::Sixteen, total, 1 + (n % 2) as u8).unwrap();
        let offered = table.offer(account, key, place, vec![b'x'; 153], now);
        assert!(matches!(offered.outcome, Outcome::Waiting { .. }));
        dropped += offered.dropped.len();
        let held = table.held();
        assert!(held.messages <= limits.all.messages && held.parts <= limits.all.parts);
        assert!(held.octets <= limits.all.octets);
        if n % 50_000 == 49_999 {
            peak = peak.max(resident_octets().unwrap_or(0));
        }
    }
    let took = start.elapsed();
    assert_eq!(dropped, 1_000_000 - table.held().messages);
    assert_eq!(table.counts().dropped_for_room, dropped as u64);
    let grown = peak.saturating_sub(before.unwrap_or(0));
    println!("{} parts held, {} KiB more, {took:?}", table.held().parts, grown / 1024);
    assert!(grown <= 64 << 20, "grew by {grown} octets");
    // Generous: two seconds is the aim, and the machine may be shared.
    assert!(took < Duration::from_secs(10), "took {took:?}");
}

/// Memory of this process that is in use, where the system tells.
fn resident_octets() -> Option<usize> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: usize = statm.split_ascii_whitespace().nth(1)?.parse().ok()?;
    Some(pages * 4096)
}
