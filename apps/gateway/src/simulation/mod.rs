//! The whole gateway with customers and message centres on one pretended network and clock.
//!
//! Customers submit numbered messages, message centres take, refuse, throttle or forget them, answer
//! late, send receipts early, twice and on another bind; connections break. In half of the runs the gateway
//! dies, once or more, in the midst of what it does, and begins again on what its disk holds: all that it
//! wrote, or what a power cut left of it. A seed decides all of it, so that any run can be had again:
//! `SMPPKIT_SEED=17 cargo test -p smppkit-gateway one_seed`.

mod centre;
mod check;
mod customer;
mod fate;
mod ground;
mod overtaken;
mod wire;
mod world;

use world::World;

/// Whatever happens, nothing acknowledged is lost, every receipt is its message's, and the sums agree.
fn run(seed: u64) {
    let mut world = World::new(seed);
    world.run();
    world.check();
}

#[test]
fn a_thousand_seeds() {
    let seeds: u64 =
        std::env::var("SMPPKIT_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(1_000);
    let next = std::sync::atomic::AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    if seed >= seeds {
                        return;
                    }
                    assert!(
                        std::panic::catch_unwind(|| run(seed)).is_ok(),
                        "seed {seed} fails: SMPPKIT_SEED={seed} cargo test -p smppkit-gateway one_seed"
                    );
                }
            });
        }
    });
}

#[test]
fn a_seed_gives_the_same_run_again() {
    for seed in 0..12 {
        let story = || {
            let mut world = World::new(seed);
            world.run();
            world.story()
        };
        assert_eq!(story(), story(), "seed {seed}");
    }
}

#[test]
fn one_seed() {
    if let Some(seed) = std::env::var("SMPPKIT_SEED").ok().and_then(|seed| seed.parse().ok()) {
        run(seed);
    }
}
