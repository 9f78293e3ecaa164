//! The pretended network: connections with delays, that break; one clock for all.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake, Waker};
use std::time::{Duration, Instant};

use smppkit_net::{BindMode, Now, Offline, SessionConfig};
use smppkit_store::{MessageId, MessageIds, NodeId, Pump, Sqlite, Store, Timestamp};
use smppkit_testkit::Chance;
use smppkit_wire::{Role, Version};

use super::centre::{self, Centre, Office, outcome};
use super::customer::{self, Book, Customer};
use crate::access::ServerKey;
use crate::front::Front;
use crate::hub::Hub;
use crate::settings::Settings;
use crate::upstream::Session;

const SETTINGS: &str = r#"
[[account]]
system_id = "shop"
password = "secret"
[[account]]
system_id = "bank"
password = "secret"
[[connector]]
name = "a"
address = "a"
system_id = "gateway"
window = 10
response = "10s"
[[connector]]
name = "b"
address = "b"
system_id = "gateway"
window = 10
response = "10s"
[[route]]
source = "shop"
to = ["a", "b"]
[[route]]
to = ["b", "a"]
strategy = "weighted"
[[mo_route]]
to = "bank"
[retry]
first = "1s"
longest = "10s"
# Connections break so often that some messages are unlucky many times.
unknown_attempts = 100
"#;

/// One end of a connection.
enum End {
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

/// A connection: who made it, its two ends, and what is on its way to each.
struct Wire {
    what: What,
    ends: [(End, Arc<Flag>); 2],
    pipes: [Vec<(Instant, Vec<u8>)>; 2],
}

/// What is kept connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum What {
    Customer(usize, u8),
    Connector(usize, u8),
}

pub(super) struct World {
    seed: u64,
    chance: Chance,
    clock: Arc<Mutex<Now>>,
    began: Instant,
    hub: Arc<Hub>,
    pump: Pump<Sqlite>,
    books: Vec<customer::Shared>,
    offices: Vec<centre::Shared>,
    wires: BTreeMap<What, Wire>,
    /// When what is not connected is connected again.
    due: HashMap<What, Instant>,
    breaks: bool,
    next_second: Instant,
}

/// Pretended time in which all has to be settled.
const LIMIT: Duration = Duration::from_secs(600);
/// Faults end here, so that what they left over can be settled.
const TROUBLE: Duration = Duration::from_secs(20);
const UNIX_MS: i64 = 1_795_350_600_000;
/// Messages of each customer.
const MESSAGES: u32 = 60;

impl World {
    pub(super) fn new(seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let began = Instant::now();
        let now = Now { mono: began, unix_ms: UNIX_MS };
        let clock = Arc::new(Mutex::new(now));
        let settings: Settings = smppkit_ops::config::parse(SETTINGS, "simulation").unwrap();
        let store = Sqlite::in_memory(Timestamp(UNIX_MS), smppkit_store::Settings::default()).unwrap();
        let (pump, handle) = Pump::new(store, settings.store.limits());
        let ids = MessageIds::after(NodeId::default(), MessageId::ZERO);
        let time = Arc::clone(&clock);
        let key = ServerKey::new(&[7; 32]);
        let hub = Hub::new(settings, key, handle, ids, Box::new(move || *time.lock().unwrap())).unwrap();
        let breaks = chance.below(3) > 0;
        let versions = [Version::V34, Version::V50];
        let mut book = |name, from: u32| {
            let version = versions[chance.below(2) as usize];
            Book::new(name, version, Chance::new(chance.number()), (from, from + MESSAGES))
        };
        let books = vec![book("shop", 1_000), book("bank", 2_000)];
        // The same ids at both.
        let first_id = 1 + chance.below(100_000);
        let mut office = |mobile| Office::new(Chance::new(chance.number()), first_id, mobile, breaks);
        let offices = vec![office((5_000, 5_020)), office((6_000, 6_020))];
        let whats = (0..2).flat_map(|at| {
            [What::Customer(at, 0), What::Customer(at, 1), What::Connector(at, 0), What::Connector(at, 1)]
        });
        let due = whats.map(|what| (what, began)).collect();
        Self {
            seed,
            chance,
            clock,
            began,
            hub: Arc::new(hub),
            pump,
            books,
            offices,
            wires: BTreeMap::new(),
            due,
            breaks,
            next_second: began,
        }
    }

    fn now(&self) -> Now {
        *self.clock.lock().unwrap()
    }

    pub(super) fn run(&mut self) {
        loop {
            let now = self.now();
            let passed = now.mono - self.began;
            if passed > LIMIT {
                let standing = self.standing();
                panic!("seed {}: not settled: {standing}", self.seed);
            }
            if passed > TROUBLE {
                self.breaks = false;
                for office in &self.offices {
                    office.lock().unwrap().faults = false;
                }
            }
            self.connect(now);
            self.step(now);
            if self.is_settled() {
                return;
            }
            self.advance(now);
        }
    }

    fn connect(&mut self, now: Now) {
        let due: Vec<What> =
            self.due.iter().filter(|(_, at)| **at <= now.mono).map(|(what, _)| *what).collect();
        for what in due {
            self.due.remove(&what);
            let wire = self.wire(what, now);
            self.wires.insert(what, wire);
        }
    }

    fn wire(&self, what: What, now: Now) -> Wire {
        let peer = SocketAddr::from(([127, 0, 0, 1], 1));
        let plan = self.hub.plan.load();
        let ends = match what {
            What::Customer(at, _) => {
                let version = self.books[at].lock().unwrap().version;
                let config = SessionConfig { version, send_window: 8, ..SessionConfig::default() };
                let customer = Customer::new(&self.books[at]);
                let front = Front::new(Arc::clone(&self.hub));
                let config_front = Arc::new(plan.settings.session.config());
                [
                    End::Customer(Offline::new(Role::Esme, Arc::new(config), customer, peer, now)),
                    End::Front(Offline::new(Role::Mc, config_front, front, peer, now)),
                ]
            }
            What::Connector(at, _) => {
                let upstream = plan.connectors.values().nth(at).unwrap();
                let config = Arc::new(upstream.settings.session());
                let session =
                    Session::new(Arc::clone(&self.hub), Arc::clone(upstream), BindMode::Transceiver);
                let centre = Centre::new(&self.offices[at]);
                let config_centre = Arc::new(SessionConfig { send_window: 10, ..SessionConfig::default() });
                [
                    End::Session(Offline::new(Role::Esme, config, session, peer, now)),
                    End::Centre(Offline::new(Role::Mc, config_centre, centre, peer, now)),
                ]
            }
        };
        let ends = ends.map(|end| (end, Arc::new(Flag(AtomicBool::new(true)))));
        Wire { what, ends, pipes: [Vec::new(), Vec::new()] }
    }

    /// All that happens at one moment.
    fn step(&mut self, now: Now) {
        let whats: Vec<What> = self.wires.keys().copied().collect();
        for what in whats {
            let Some(mut wire) = self.wires.remove(&what) else { continue };
            wire.turn(now, &mut self.chance);
            let breaks = self.breaks && self.chance.one_in(400);
            if breaks || wire.ends.iter().any(|(end, _)| each!(end, offline => offline.is_ended())) {
                wire.close(now);
                let wait = Duration::from_millis(self.chance.below(3_000));
                self.due.insert(what, now.mono + wait);
            } else {
                self.wires.insert(what, wire);
            }
        }
        // The store takes its time.
        if self.chance.one_in(2) {
            self.pump.turn(Timestamp(now.unix_ms));
        }
        if now.mono >= self.next_second {
            self.next_second = now.mono + Duration::from_secs(1);
            self.hub.every_second();
            self.pump.turn(Timestamp(now.unix_ms));
            self.pump.upkeep(Timestamp(now.unix_ms));
            assert!(self.pump.store().totals().is_conserved(), "seed {}", self.seed);
        }
        self.hub.tick();
    }

    /// To the next moment at which something can happen.
    fn advance(&mut self, now: Now) {
        let mut next = now.mono + Duration::from_millis(20);
        for wire in self.wires.values() {
            if let Some(at) = wire.next(now.mono) {
                next = next.min(at);
            }
        }
        let by = next.saturating_duration_since(now.mono).max(Duration::from_millis(1));
        let mut clock = self.clock.lock().unwrap();
        clock.mono += by;
        clock.unix_ms += i64::try_from(by.as_millis()).unwrap();
    }

    fn is_settled(&mut self) -> bool {
        let done = self.books.iter().all(|book| book.lock().unwrap().is_done())
            && self.offices.iter().all(|office| office.lock().unwrap().is_done());
        done && !self.pump.turn(Timestamp(self.now().unix_ms)) && {
            let totals = self.pump.store().totals();
            totals.open == 0 && totals.accepted > 0 && self.wires.values().all(Wire::is_quiet)
        }
    }

    fn standing(&mut self) -> String {
        let totals = self.pump.store().totals();
        let queues = self.pump.store().queues();
        let offices: Vec<usize> =
            self.offices.iter().map(|office| office.lock().unwrap().taken.len()).collect();
        format!("{totals:?}, queues {queues:?}, taken {offices:?}, wires {:?}", self.wires.keys())
    }

    pub(super) fn check(&mut self) {
        let seed = self.seed;
        let totals = self.pump.store().totals();
        assert!(totals.is_conserved(), "seed {seed}: {totals:?}");
        assert_eq!(self.pump.store().check().unwrap(), Vec::<Box<str>>::new(), "seed {seed}");
        let offices: Vec<_> = self.offices.iter().map(|office| office.lock().unwrap()).collect();
        let arrived: HashSet<u32> =
            offices.iter().flat_map(|office| office.taken.iter().chain(&office.refused)).copied().collect();
        let refused: HashSet<u32> =
            offices.iter().flat_map(|office| office.refused.iter()).copied().collect();
        for book in &self.books {
            let book = book.lock().unwrap();
            let mut ends: HashMap<u32, MessageStates> = HashMap::new();
            for (id, state) in &book.told {
                let number = book.acknowledged.get(id);
                // An acknowledgement that was lost with its connection has a receipt nobody waits for.
                let Some(number) = number else { continue };
                ends.entry(*number).or_default().push(*state);
            }
            for (id, number) in &book.acknowledged {
                assert!(arrived.contains(number), "seed {seed}: {number} was lost, acknowledged as {id}");
                let told = ends.get(number).map(Vec::as_slice).unwrap_or_default();
                assert!(!told.is_empty(), "seed {seed}: nothing was told of {number} ({id})");
                let wanted = if refused.contains(number) {
                    smppkit_wire::value::MessageState::REJECTED
                } else {
                    outcome(*number)
                };
                assert!(
                    told.iter().all(|state| *state == wanted),
                    "seed {seed}: {number} {told:?}, not {wanted:?}"
                );
            }
        }
        let heard: HashSet<u32> =
            self.books.iter().flat_map(|book| book.lock().unwrap().heard.clone()).collect();
        for number in offices.iter().flat_map(|office| &office.mobile_taken) {
            assert!(heard.contains(number), "seed {seed}: {number} from a handset was lost");
        }
    }
}

type MessageStates = Vec<smppkit_wire::value::MessageState>;

impl Wire {
    fn turn(&mut self, now: Now, chance: &mut Chance) {
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
                End::Centre(offline) => offline.app().next_due().is_some_and(|at| at <= now.mono),
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

    fn close(self, now: Now) {
        for (end, _) in self.ends {
            each!(end, offline => drop(offline.close(now)));
        }
    }

    fn next(&self, now: Instant) -> Option<Instant> {
        let pipes = self.pipes.iter().filter_map(|pipe| pipe.first().map(|(at, _)| *at));
        let woken = self.ends.iter().any(|(_, flag)| flag.0.load(Ordering::Relaxed)).then_some(now);
        pipes.chain(woken).min()
    }

    fn is_quiet(&self) -> bool {
        let _ = self.what;
        self.pipes.iter().all(Vec::is_empty)
    }
}
