//! What must hold when all is settled.

use std::collections::{HashMap, HashSet};

use smppkit_store::Store;
use smppkit_wire::value::MessageState;

use super::centre::outcome;
use super::world::World;

impl World {
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
            let mut ends: HashMap<u32, Vec<MessageState>> = HashMap::new();
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
                let wanted = if refused.contains(number) { MessageState::REJECTED } else { outcome(*number) };
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
