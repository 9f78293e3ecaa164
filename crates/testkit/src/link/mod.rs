//! Two sessions, an ESME and an MC, joined by octet pipes on one pretended clock.
//!
//! A seed decides delays, where the pipes cut what was written, how long an application thinks, and
//! in what order it answers. The same seed gives the same run, told by [`Outcome::trace`].

mod pipe;
mod side;

use core::time::Duration;
use std::sync::Arc;
use std::time::Instant;

use smppkit_session::{Bind, BindMode, CloseReason, SessionConfig};
use smppkit_wire::Role;

use crate::chance::Chance;
use crate::clock::Clock;
use pipe::Pipe;
use side::Side;

/// What both sides are, and what happens between them.
#[derive(Debug, Clone)]
pub struct LinkConfig {
    /// The ESME's configuration.
    pub esme: SessionConfig,
    /// The MC's configuration.
    pub mc: SessionConfig,
    /// How the ESME binds.
    pub mode: BindMode,
    /// What is sent.
    pub traffic: Traffic,
    /// How long octets are on their way, at most.
    pub delay: Duration,
    /// How long an application thinks about a request, at most.
    pub think: Duration,
    /// Octets that arrive together, at most.
    pub chunk_octets: u64,
    /// One request in so many is never answered; 0: all are.
    pub forgotten_one_in: u64,
    /// The connection breaks after this time.
    pub cut: Option<Duration>,
}

/// How many requests each side sends. A side that may not send any in its state sends none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Traffic {
    /// From the ESME.
    pub esme: u32,
    /// From the MC.
    pub mc: u32,
}

/// How a run ended, for one side and in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Outcome {
    /// Requests sent by both.
    pub sent: u32,
    /// Requests that came back answered, each by the answer meant for it.
    pub answered: u32,
    /// Requests that came back as failed.
    pub failed: u32,
    /// Why each side's session ended, the ESME's first; `None` when the connection broke.
    pub ended: [Option<CloseReason>; 2],
    /// Pretended time.
    pub passed: Duration,
    /// What happened when, as one number.
    pub trace: u64,
}

/// The two sessions and the pipes.
#[derive(Debug)]
pub struct Link {
    clock: Clock,
    chance: Chance,
    config: LinkConfig,
    /// The ESME, then the MC.
    sides: [Side; 2],
    /// What the side of the same index has written.
    pipes: [Pipe; 2],
    unbound: bool,
}

/// Steps of a run that ends: far above what a thousand messages need.
const STEPS: u32 = 1_000_000;

impl Default for LinkConfig {
    fn default() -> Self {
        Self {
            esme: SessionConfig::default(),
            mc: SessionConfig::default(),
            mode: BindMode::Transceiver,
            traffic: Traffic { esme: 100, mc: 100 },
            delay: Duration::from_millis(80),
            think: Duration::from_millis(50),
            chunk_octets: 200,
            forgotten_one_in: 0,
            cut: None,
        }
    }
}

impl Link {
    /// Connected, and the ESME about to bind.
    pub fn new(seed: u64, config: LinkConfig) -> Self {
        let clock = Clock::new();
        let side = |role, session: &SessionConfig, quota| {
            Side::new(
                role,
                Arc::new(session.clone()),
                clock.now(),
                quota,
                config.think,
                config.forgotten_one_in,
            )
        };
        let (out, back) = match config.mode {
            BindMode::Transmitter => (config.traffic.esme, 0),
            BindMode::Receiver => (0, config.traffic.mc),
            BindMode::Transceiver => (config.traffic.esme, config.traffic.mc),
        };
        let sides = [side(Role::Esme, &config.esme, out), side(Role::Mc, &config.mc, back)];
        let pipe = || Pipe::new(config.delay, config.chunk_octets);
        let pipes = [pipe(), pipe()];
        Self { sides, pipes, clock, chance: Chance::new(seed), config, unbound: false }
    }

    /// Binds, sends and answers everything, unbinds. What went against the rules is told in words.
    pub fn run(mut self) -> Result<Outcome, String> {
        let now = self.clock.now();
        let bind = Bind::new("esme", "secret").expect("both names fit");
        let mut out = Vec::new();
        let bound = self.sides[0].session.bind(now, self.config.mode, &bind, &mut out);
        bound.map_err(|error| error.to_string())?;
        self.pipes[0].write(now, &out, &mut self.chance);
        let cut = self.config.cut.map(|cut| now + cut);
        for _ in 0..STEPS {
            if self.sides.iter().all(|side| side.ended) {
                return Ok(self.outcome());
            }
            let next = self.next().into_iter().chain(cut).min();
            let Some(next) = next else {
                return Err("nothing more happens, and the sessions have not ended".to_owned());
            };
            self.clock.advance_to(next);
            if cut.is_some_and(|cut| cut <= next) {
                self.sides.iter_mut().try_for_each(Side::disconnect)?;
                return Ok(self.outcome());
            }
            self.step()?;
        }
        Err("the run has no end".to_owned())
    }

    /// When something happens next.
    fn next(&self) -> Option<Instant> {
        let pipes = self.pipes.iter().filter_map(Pipe::next);
        pipes.chain(self.sides.iter().filter_map(Side::next)).min()
    }

    fn step(&mut self) -> Result<(), String> {
        let now = self.clock.now();
        for at in 0..2 {
            let arrived = self.pipes[1 - at].read(now);
            let mut out = Vec::new();
            let side = &mut self.sides[at];
            side.turn(now, &arrived, &mut self.chance, &mut out)?;
            self.pipes[at].write(now, &out, &mut self.chance);
            // The other side learns of the end when all that was written has arrived.
            if side.ended && !self.pipes[at].closed {
                self.pipes[at].closed = true;
            }
            if self.pipes[1 - at].is_over() && !self.sides[at].ended {
                self.sides[at].disconnect()?;
            }
        }
        if !self.unbound && self.sides.iter().all(Side::is_done) {
            self.unbound = true;
            let first = self.chance.below(2) as usize;
            // Now and then both unbind at once.
            let both = self.chance.one_in(4);
            for at in [first, 1 - first].into_iter().take(if both { 2 } else { 1 }) {
                let mut out = Vec::new();
                self.sides[at].session.unbind(now, &mut out);
                self.pipes[at].write(now, &out, &mut self.chance);
            }
        }
        Ok(())
    }

    fn outcome(&self) -> Outcome {
        let [esme, mc] = &self.sides;
        Outcome {
            sent: esme.sent + mc.sent,
            answered: esme.answered + mc.answered,
            failed: esme.failed + mc.failed,
            ended: [esme.reason, mc.reason],
            passed: self.clock.passed(),
            trace: esme.trace ^ mc.trace.rotate_left(32),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_run_again() {
        let run = |seed| Link::new(seed, LinkConfig::default()).run().unwrap();
        assert_eq!(run(1), run(1));
        assert_ne!(run(1).trace, run(2).trace);
    }
}
