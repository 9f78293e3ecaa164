//! What must hold when all is settled, however often the gateway died meanwhile.
//!
//! Order is looked at in the runs in which nothing breaks: what is tried again goes behind.

use std::collections::{HashMap, HashSet};

use smppkit_store::{Final, MessageId, State, Store, Timestamp, Totals};
use smppkit_wire::CommandStatus;
use smppkit_wire::value::MessageState;

use super::centre::outcome;
use super::customer::{self, Book};
use super::ground::Death;
use super::world::World;

/// What a run met, to see that runs meet all that they are for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Met {
    pub(super) acknowledged: usize,
    pub(super) killed: usize,
    pub(super) power_cuts: usize,
    /// Refused since the disk was full, or could not be written.
    pub(super) refused_full: usize,
    pub(super) refused_broken: usize,
    /// Taken by a message centre again.
    pub(super) taken_twice: usize,
    /// Taken after one of the same session and between the same numbers that was submitted before it.
    pub(super) in_order: usize,
}

impl Met {
    pub(super) fn add(&mut self, other: Self) {
        self.acknowledged += other.acknowledged;
        self.killed += other.killed;
        self.power_cuts += other.power_cuts;
        self.refused_full += other.refused_full;
        self.refused_broken += other.refused_broken;
        self.taken_twice += other.taken_twice;
        self.in_order += other.in_order;
    }
}

impl World {
    pub(super) fn check(&mut self) -> Met {
        let mut met = self.met;
        let seed = self.seed;
        let process = self.process.as_mut().expect("it runs in the end");
        let totals = process.pump.store().totals();
        assert!(totals.is_conserved(), "seed {seed}: {totals:?}");
        assert_eq!(process.pump.store().check().unwrap(), Vec::<Box<str>>::new(), "seed {seed}");
        let store: &dyn Store = process.pump.store();
        let offices: Vec<_> = self.offices.iter().map(|office| office.lock().unwrap()).collect();
        let books: Vec<_> = self.books.iter().map(|book| book.lock().unwrap()).collect();
        let arrived: HashSet<u32> =
            offices.iter().flat_map(|office| office.taken.iter().chain(&office.refused)).copied().collect();
        let refused: HashSet<u32> =
            offices.iter().flat_map(|office| office.refused.iter()).copied().collect();
        for book in &books {
            check_book(seed, book, store, &arrived, &refused);
            met.acknowledged += book.acknowledged.len();
        }
        for (at, status) in books.iter().flat_map(|book| &book.refused) {
            let passed = *at - self.began;
            match *status {
                CommandStatus::ESME_RMSGQFUL => met.refused_full += 1,
                _ => met.refused_broken += 1,
            }
            let trouble = self.fate.trouble;
            assert!(
                self.fate.may_refuse(passed, *status),
                "seed {seed}: refused with {status} after {passed:?}, {trouble:?}"
            );
        }
        let heard: HashSet<u32> = books.iter().flat_map(|book| book.heard.iter().copied()).collect();
        for number in offices.iter().flat_map(|office| &office.mobile_taken) {
            assert!(heard.contains(number), "seed {seed}: {number} from a handset was lost");
        }
        // Twice upstream is only what was submitted twice, and what was under way when a connection broke
        // or the gateway died.
        let mut takings: HashMap<u32, (u32, u32)> = HashMap::new();
        for office in &offices {
            office.count_takings(&mut takings);
        }
        let submitted =
            |number: &u32| -> u32 { books.iter().filter_map(|book| book.submitted.get(number)).sum() };
        for (number, (taken, in_doubt)) in takings {
            let most = submitted(&number) + in_doubt;
            assert!(taken <= most, "seed {seed}: {number} was taken {taken} times, not {most} at most");
            met.taken_twice += usize::from(taken > 1);
        }
        if self.is_calm {
            for (office, book) in
                offices.iter().flat_map(|office| books.iter().map(move |book| (office, book)))
            {
                met.in_order += check_order(seed, book, &office.taken);
            }
        }
        drop((books, offices));
        self.check_cut(totals);
        met
    }
}

impl World {
    /// When all is settled a power cut takes nothing any more.
    fn check_cut(&mut self, totals: Totals) {
        if !self.ground.stays() {
            return;
        }
        self.ground.die(Death::PowerCut, self.ground.operations(), &mut self.fate.chance);
        let seed = self.seed;
        let mut store = self.ground.open(Timestamp(self.now().unix_ms)).unwrap();
        assert_eq!(store.totals(), totals, "seed {seed}: after a last power cut");
        assert_eq!(store.check().unwrap(), Vec::<Box<str>>::new(), "seed {seed}: after a last power cut");
    }
}

/// What one session sent between two numbers arrives at a centre in that order; says of how many that is said.
fn check_order(seed: u64, book: &Book, taken: &[u32]) -> usize {
    let places: HashMap<u32, usize> = taken.iter().enumerate().map(|(at, number)| (*number, at)).collect();
    let mut last: HashMap<(u64, String), (usize, u32)> = HashMap::new();
    let mut count = 0;
    for (session, number) in &book.order {
        let Some(place) = places.get(number) else { continue };
        let pair = (*session, customer::destination(*number));
        if let Some((before, earlier)) = last.insert(pair, (*place, *number)) {
            assert!(before < *place, "seed {seed}: {number} arrived before {earlier}, which came first");
            count += 1;
        }
    }
    count
}

/// Nothing acknowledged is lost, and of each message only its own end is told.
fn check_book(seed: u64, book: &Book, store: &dyn Store, arrived: &HashSet<u32>, refused: &HashSet<u32>) {
    let mut told: HashMap<&str, Vec<MessageState>> = HashMap::new();
    for (id, state) in &book.told {
        // An acknowledgement that was lost with its connection has a receipt nobody waits for.
        told.entry(id).or_default().push(*state);
    }
    for (id, number) in &book.acknowledged {
        assert!(arrived.contains(number), "seed {seed}: {number} was lost, acknowledged as {id}");
        let wanted = if refused.contains(number) { MessageState::REJECTED } else { outcome(*number) };
        let end = if wanted == MessageState::DELIVERED { Final::Delivered } else { Final::Failed };
        let kept = MessageId::from_u64(id.parse().unwrap()).and_then(|id| store.story(id).unwrap());
        let state = kept.map(|story| story.message.state);
        assert_eq!(state, Some(State::Final(end)), "seed {seed}: {number} ({id}) in the store");
        let told = told.get(&**id).map(Vec::as_slice).unwrap_or_default();
        assert!(!told.is_empty(), "seed {seed}: nothing was told of {number} ({id})");
        assert!(told.iter().all(|state| *state == wanted), "seed {seed}: {number} {told:?}, not {wanted:?}");
    }
}
