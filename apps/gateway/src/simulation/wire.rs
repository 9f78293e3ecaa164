//! A connection: its two ends, and what is on its way to each.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Wake, Waker};
use std::time::{Duration, Instant};

use smppkit_net::{Now, Offline};
use smppkit_testkit::Chance;

use super::centre::Centre;
use super::customer::Customer;
use crate::front::Front;
use crate::upstream::Session;

/// One end of a connection.
pub(super) enum End {
    Customer(Offline<Customer>),
    Front(Offline<Front>),
    Session(Offline<Session>),
    Centre(Offline<Centre>),
}

macro_rules! each {
    ($end:expr, $offline:ident => $what:expr) => {
        match $end {
            End::Customer($offline) => $what,
            End::Front($offline) => $what,
            End::Session($offline) => $what,
            End::Centre($offline) => $what,
        }
    };
}

#[derive(Default)]
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A connection.
pub(super) struct Wire {
    ends: [(End, Arc<Flag>); 2],
    pipes: [Vec<(Instant, Vec<u8>)>; 2],
}

/// What is kept connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum What {
    Customer(usize, u8),
    Connector(usize, u8),
}

impl Wire {
    pub(super) fn new(ends: [End; 2]) -> Self {
        let ends = ends.map(|end| (end, Arc::new(Flag(AtomicBool::new(true)))));
        Self { ends, pipes: [Vec::new(), Vec::new()] }
    }

    /// Whether one of its ends has done with it.
    pub(super) fn is_ended(&self) -> bool {
        self.ends.iter().any(|(end, _)| each!(end, offline => offline.is_ended()))
    }

    pub(super) fn turn(&mut self, now: Now, chance: &mut Chance) {
        for at in 0..2 {
            let pipe = &mut self.pipes[at];
            let (end, flag) = &mut self.ends[at];
            while pipe.first().is_some_and(|(due, _)| *due <= now.mono) {
                let (_, octets) = pipe.remove(0);
                each!(end, offline => offline.receive(now, &octets));
                flag.0.store(true, Ordering::Relaxed);
            }
            let due = each!(end, offline => offline.deadline()).is_some_and(|at| at <= now.mono);
            let own = match end {
                End::Centre(offline) => offline.app().has_work(now.mono),
                End::Customer(_) => true,
                _ => false,
            };
            if flag.0.swap(false, Ordering::Relaxed) || due || own {
                let waker = Waker::from(Arc::clone(flag));
                each!(end, offline => offline.turn(now, &mut Context::from_waker(&waker)));
            }
            let octets = each!(end, offline => offline.take());
            if !octets.is_empty() {
                let pipe = &mut self.pipes[1 - at];
                let soonest = now.mono + Duration::from_millis(1 + chance.below(40));
                let due = pipe.last().map_or(soonest, |(last, _)| soonest.max(*last));
                // Cut anywhere.
                let cut = chance.below(octets.len() as u64) as usize;
                let (first, second) = octets.split_at(cut);
                pipe.push((due, first.to_vec()));
                pipe.push((due + Duration::from_millis(chance.below(5)), second.to_vec()));
            }
        }
    }

    pub(super) fn close(self, now: Now) {
        for (end, _) in self.ends {
            match end {
                End::Centre(offline) => offline.close(now).gone(now),
                end => each!(end, offline => drop(offline.close(now))),
            }
        }
    }

    /// The gateway died, without a goodbye. What it had sent before may still arrive.
    pub(super) fn break_off(self, now: Now, chance: &mut Chance) {
        let arrives = chance.one_in(2);
        for ((mut end, _), pipe) in self.ends.into_iter().zip(self.pipes) {
            if matches!(end, End::Front(_) | End::Session(_)) {
                continue;
            }
            for (_, octets) in pipe.into_iter().filter(|_| arrives) {
                each!(&mut end, offline => offline.receive(now, &octets));
            }
            match end {
                End::Centre(offline) => offline.close(now).gone(now),
                end => each!(end, offline => drop(offline.close(now))),
            }
        }
    }

    pub(super) fn next(&self, now: Instant) -> Option<Instant> {
        let pipes = self.pipes.iter().filter_map(|pipe| pipe.first().map(|(at, _)| *at));
        let woken = self.ends.iter().any(|(_, flag)| flag.0.load(Ordering::Relaxed)).then_some(now);
        pipes.chain(woken).min()
    }

    pub(super) fn is_quiet(&self) -> bool {
        self.pipes.iter().all(Vec::is_empty)
    }
}
