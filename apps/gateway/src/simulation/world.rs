//! The pretended network: connections with delays, that break; one clock for all.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use smppkit_net::{BindMode, Now, Offline, SessionConfig};
use smppkit_store::{MessageId, MessageIds, NodeId, Pump, Sqlite, Store, StoreError, Timestamp};
use smppkit_testkit::Chance;
use smppkit_wire::{Role, Version};

use super::centre::{self, Centre, Office};
use super::check::Met;
use super::customer::{self, Book, Customer};
use super::fate::Fate;
use super::ground::{Death, Ground};
use super::wire::{End, What, Wire};
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
address = "a:1"
system_id = "gateway"
window = 10
response = "10s"
[[connector]]
name = "b"
address = "b:1"
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

pub(super) struct World {
    pub(super) seed: u64,
    chance: Chance,
    clock: Arc<Mutex<Now>>,
    pub(super) began: Instant,
    pub(super) fate: Fate,
    pub(super) met: Met,
    pub(super) ground: Ground,
    /// None while it is down.
    pub(super) process: Option<Process>,
    /// When it begins again.
    begins: Instant,
    pub(super) books: Vec<customer::Shared>,
    pub(super) offices: Vec<centre::Shared>,
    wires: BTreeMap<What, Wire>,
    /// When what is not connected is connected again.
    due: BTreeMap<What, Instant>,
    breaks: bool,
    /// Nothing breaks, fails or dies from beginning to end.
    pub(super) is_calm: bool,
    next_second: Instant,
}

/// A gateway that runs: all of it is gone when it dies.
pub(super) struct Process {
    pub(super) hub: Arc<Hub>,
    pub(super) pump: Pump<Sqlite>,
}

/// Pretended time in which all has to be settled.
const LIMIT: Duration = Duration::from_secs(600);
/// All binds are made by then.
const SETTLED: Duration = Duration::from_secs(1);
/// Faults end here, so that what they left over can be settled.
const TROUBLE: Duration = Duration::from_secs(20);
pub(super) const UNIX_MS: i64 = 1_795_350_600_000;
/// Messages of each customer.
const MESSAGES: u32 = 60;

impl World {
    pub(super) fn new(seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let began = Instant::now();
        let now = Now { mono: began, unix_ms: UNIX_MS };
        let clock = Arc::new(Mutex::new(now));
        let (fate, ground) = Fate::of(seed);
        let breaks = chance.below(3) > 0;
        let is_calm = !breaks && !ground.stays();
        let versions = [Version::V34, Version::V50];
        let mut book = |name, from: u32| {
            let version = versions[chance.below(2) as usize];
            Book::new(name, version, Chance::new(chance.number()), (from, from + MESSAGES), fate.pace)
        };
        let books = vec![book("shop", 1_000), book("bank", 2_000)];
        // The same ids at both.
        let first_id = 1 + chance.below(100_000);
        let mut office =
            |mobile| Office::new(Chance::new(chance.number()), first_id, mobile, fate.pace, breaks);
        let offices = vec![office((5_000, 5_020)), office((6_000, 6_020))];
        let whats = (0..2).flat_map(|at| {
            [What::Customer(at, 0), What::Customer(at, 1), What::Connector(at, 0), What::Connector(at, 1)]
        });
        // Where order is looked at, all binds are there first: messages are shared out among those that are.
        let settled = began + if is_calm { SETTLED } else { Duration::ZERO };
        let begins = |what| if matches!(what, What::Customer(..)) { settled } else { began };
        let due = whats.map(|what| (what, begins(what))).collect();
        Self {
            seed,
            chance,
            clock,
            began,
            fate,
            met: Met::default(),
            ground,
            process: None,
            begins: began,
            books,
            offices,
            wires: BTreeMap::new(),
            due,
            breaks,
            is_calm,
            next_second: began,
        }
    }

    pub(super) fn now(&self) -> Now {
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
            self.ground.set_fault(self.fate.fault(passed));
            self.begin(now);
            self.connect(now);
            self.step(now);
            if self.is_settled() {
                return;
            }
            self.advance(now);
        }
    }

    /// The gateway starts, if it is time: with the same settings, on what there is.
    fn begin(&mut self, now: Now) {
        if self.process.is_some() || self.begins > now.mono {
            return;
        }
        let passed = now.mono - self.began;
        match self.ground.open(Timestamp(now.unix_ms)) {
            Ok(store) => {
                self.process = Some(Process::begin(store, &self.clock));
                self.fate.began(passed);
            }
            // It says so and does not start; somebody tries again.
            Err(StoreError::Full | StoreError::Io { .. }) if self.fate.fault(passed).is_some() => {
                self.begins = now.mono + Duration::from_millis(300);
                for at in self.due.values_mut() {
                    *at = (*at).max(self.begins);
                }
            }
            Err(error) => panic!("seed {}: {error}", self.seed),
        }
    }

    /// It dies, after so many operations on its disk.
    fn die(&mut self, how: Death, operations: usize, now: Now) {
        let passed = now.mono - self.began;
        let since = self.began + self.fate.unwritten_since(passed);
        self.fate.done();
        match how {
            Death::Killed => self.met.killed += 1,
            Death::PowerCut => self.met.power_cuts += 1,
        }
        let mut process = self.process.take().expect("it runs");
        if self.fate.is_broken(passed) && process.hub.store_failures.load(Ordering::Relaxed) > 0 {
            let outcome = process.pump.store().commit(Timestamp(now.unix_ms), &[], &mut Vec::new());
            assert!(matches!(outcome, Err(StoreError::Stopped)), "seed {}: {outcome:?}", self.seed);
        }
        self.ground.die(how, operations, &mut self.fate.chance);
        // First the store, so that nothing that happens to the rest has a consequence.
        process.let_go();
        for (what, wire) in std::mem::take(&mut self.wires) {
            wire.break_off(now, &mut self.fate.chance);
            self.due.insert(what, now.mono);
        }
        self.begins = now.mono + Duration::from_millis(self.fate.chance.below(2_000));
        for at in self.due.values_mut() {
            *at = (*at).max(self.begins + Duration::from_millis(self.fate.chance.below(1_000)));
        }
        for office in &self.offices {
            office.lock().unwrap().doubt(since);
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
        let hub = &self.process.as_ref().expect("nobody connects while it is down").hub;
        let plan = hub.plan.load();
        let ends = match what {
            What::Customer(at, _) => {
                let version = self.books[at].lock().unwrap().version;
                let config = SessionConfig { version, send_window: 8, ..SessionConfig::default() };
                let customer = Customer::new(&self.books[at]);
                let front = Front::new(Arc::clone(hub), false);
                let config_front = Arc::new(plan.settings.session.config());
                [
                    End::Customer(Offline::new(Role::Esme, Arc::new(config), customer, peer, now)),
                    End::Front(Offline::new(Role::Mc, config_front, front, peer, now)),
                ]
            }
            What::Connector(at, _) => {
                let upstream = plan.connectors.values().nth(at).unwrap();
                let config = Arc::new(upstream.settings.session());
                let session = Session::new(Arc::clone(hub), Arc::clone(upstream), BindMode::Transceiver);
                let centre = Centre::new(&self.offices[at]);
                let config_centre = Arc::new(SessionConfig { send_window: 10, ..SessionConfig::default() });
                [
                    End::Session(Offline::new(Role::Esme, config, session, peer, now)),
                    End::Centre(Offline::new(Role::Mc, config_centre, centre, peer, now)),
                ]
            }
        };
        Wire::new(ends)
    }

    /// All that happens at one moment.
    fn step(&mut self, now: Now) {
        let Some(process) = &mut self.process else { return };
        let whats: Vec<What> = self.wires.keys().copied().collect();
        let mut dying = self.fate.due(now.mono - self.began);
        // In the midst of its work, when there is some.
        let is_within = dying.is_some_and(|dying| dying.is_within);
        if is_within && process.hub.store.waiting() == 0 && self.fate.chance.below(50) > 0 {
            dying = None;
        }
        let after =
            if is_within { whats.len() } else { self.fate.chance.below(whats.len() as u64 + 1) as usize };
        for (number, what) in whats.into_iter().enumerate() {
            if let Some(dying) = dying.filter(|_| number == after) {
                return self.die(dying.how, self.ground.operations(), now);
            }
            let Some(mut wire) = self.wires.remove(&what) else { continue };
            wire.turn(now, &mut self.chance);
            let breaks = self.breaks && self.chance.one_in(400);
            if breaks || wire.is_ended() {
                wire.close(now);
                let wait = Duration::from_millis(self.chance.below(3_000));
                self.due.insert(what, now.mono + wait);
            } else {
                self.wires.insert(what, wire);
            }
        }
        let process = self.process.as_mut().expect("it runs");
        if let Some(dying) = dying {
            // What the store does in this turn nobody hears of any more: it may have been anywhere in it.
            let before = self.ground.operations();
            process.pump.turn(Timestamp(now.unix_ms));
            let done = (self.ground.operations() - before) as u64;
            let operations = before + self.fate.chance.below(done + 1) as usize;
            return self.die(dying.how, operations, now);
        }
        // The store takes its time.
        if self.chance.one_in(2) {
            process.pump.turn(Timestamp(now.unix_ms));
        }
        if now.mono >= self.next_second {
            self.next_second = now.mono + Duration::from_secs(1);
            process.hub.every_second();
            process.pump.turn(Timestamp(now.unix_ms));
            process.pump.upkeep(Timestamp(now.unix_ms));
            assert!(process.pump.store().totals().is_conserved(), "seed {}", self.seed);
        }
        process.hub.tick();
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
        let Now { mono, unix_ms } = self.now();
        let (now, passed) = (Timestamp(unix_ms), mono - self.began);
        let Some(process) = &mut self.process else { return false };
        let done = self.fate.is_over(passed)
            && self.books.iter().all(|book| book.lock().unwrap().is_done())
            && self.offices.iter().all(|office| office.lock().unwrap().is_done());
        done && !process.pump.turn(now) && {
            let totals = process.pump.store().totals();
            totals.open == 0 && totals.accepted > 0 && self.wires.values().all(Wire::is_quiet)
        }
    }

    /// What everybody saw, in order, and when it was over.
    pub(super) fn story(&self) -> String {
        let books = self.books.iter().map(|book| {
            let book = book.lock().unwrap();
            format!("{:?} {:?} {}", book.told, book.heard, book.unknown)
        });
        let offices = self.offices.iter().map(|office| {
            let office = office.lock().unwrap();
            format!("{:?} {:?}", office.taken, office.mobile_taken)
        });
        let seen: Vec<String> = books.chain(offices).collect();
        format!("{:?} {seen:?}", self.now().mono - self.began)
    }

    fn standing(&mut self) -> String {
        let Some(process) = &mut self.process else { return "it is down".to_owned() };
        let totals = process.pump.store().totals();
        let queues = process.pump.store().queues();
        let silent = process.pump.store().unreceipted(Timestamp(i64::MAX), MessageId::ZERO, 10).unwrap();
        let silent = silent.iter().map(|message| (message.accepted.id, &message.remote));
        let silent: Vec<_> = silent.collect();
        let offices: Vec<usize> =
            self.offices.iter().map(|office| office.lock().unwrap().taken.len()).collect();
        format!("{totals:?}, queues {queues:?}, no receipt of {silent:?}, taken {offices:?}")
    }
}

impl Process {
    pub(super) fn begin(store: Sqlite, clock: &Arc<Mutex<Now>>) -> Self {
        let settings: Settings = smppkit_ops::config::parse(SETTINGS, "simulation").unwrap();
        let ids = MessageIds::after(NodeId::default(), store.last_id());
        let (pump, handle) = Pump::new(store, settings.store.limits());
        let time = Arc::clone(clock);
        let key = ServerKey::new(&[7; 32]);
        let hub = Hub::new(settings, key, handle, ids, Box::new(move || *time.lock().unwrap())).unwrap();
        Self { hub: Arc::new(hub), pump }
    }

    fn let_go(self) {
        drop(self.pump);
    }
}
