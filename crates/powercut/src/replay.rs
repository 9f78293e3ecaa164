//! What is on the disk at each step of a trace, whatever the power does.

use crate::disk::{Op, Trace, put};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Walks through a trace and knows what was synced.
#[derive(Debug)]
pub struct Replay {
    files: BTreeMap<Arc<str>, File>,
    /// Deleted, with a directory that was not synced since: they may be there again.
    ghosts: BTreeMap<Arc<str>, Vec<u8>>,
}

/// How much of what was not synced is there after the cut.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cut {
    /// Nothing.
    Nothing,
    /// Everything, as if only the process had died.
    Everything,
    /// Any of the sectors, in any order of writing, by a seed.
    Sectors(u64),
    /// What was done first, up to the middle of a write, by a seed.
    Beginning(u64),
}

#[derive(Debug, Default)]
struct File {
    durable: Vec<u8>,
    is_named: bool,
    unsynced: Vec<Change>,
}

#[derive(Debug)]
enum Change {
    Write { at: usize, octets: Box<[u8]> },
    Truncate { length: usize },
}

impl Replay {
    /// At the beginning of a trace.
    pub fn new(trace: &Trace) -> Self {
        let file = |octets: &Vec<u8>| File { durable: octets.clone(), is_named: true, unsynced: Vec::new() };
        let files = trace.files.iter().map(|(name, octets)| (name.clone(), file(octets))).collect();
        Self { files, ghosts: BTreeMap::new() }
    }

    /// Does one step of the trace.
    pub fn step(&mut self, op: &Op) {
        match op {
            Op::Write { file, at, octets } => {
                let change = Change::Write { at: *at, octets: octets.clone() };
                self.files.entry(file.clone()).or_default().unsynced.push(change);
            }
            Op::Truncate { file, length } => {
                let change = Change::Truncate { length: *length };
                self.files.entry(file.clone()).or_default().unsynced.push(change);
            }
            Op::Sync { file } => {
                let file = self.files.entry(file.clone()).or_default();
                for change in file.unsynced.drain(..) {
                    change.make(&mut file.durable);
                }
                // The first sync of a new file is one of its directory, too.
                if !std::mem::replace(&mut file.is_named, true) {
                    self.ghosts.clear();
                }
            }
            Op::SyncFailed { file } => {
                if let Some(file) = self.files.get_mut(file) {
                    file.unsynced.clear();
                }
            }
            Op::Delete { file, is_synced } => {
                let gone = self.files.remove(file);
                if *is_synced {
                    self.ghosts.clear();
                } else if let Some(gone) = gone.filter(|gone| gone.is_named) {
                    self.ghosts.insert(file.clone(), gone.durable);
                }
            }
            Op::Mark(_) => {}
        }
    }

    /// Writes to all files that are not synced yet.
    pub fn unsynced(&self) -> usize {
        self.files.values().map(|file| file.unsynced.len()).sum()
    }

    /// The files after a power cut here.
    pub fn cut(&self, cut: Cut) -> BTreeMap<Arc<str>, Vec<u8>> {
        let mut chance = Chance(match cut {
            Cut::Sectors(seed) | Cut::Beginning(seed) => seed,
            Cut::Nothing | Cut::Everything => 0,
        });
        let mut left = match cut {
            Cut::Everything => BTreeMap::new(),
            Cut::Sectors(_) | Cut::Beginning(_) if chance.below(2) == 0 => BTreeMap::new(),
            _ => self.ghosts.clone(),
        };
        for (name, file) in &self.files {
            let mut octets = file.durable.clone();
            match cut {
                Cut::Nothing if !file.is_named => continue,
                Cut::Nothing => {}
                Cut::Everything => make_all(&file.unsynced, &mut octets),
                Cut::Sectors(_) => {
                    for change in &file.unsynced {
                        change.make_some(&mut octets, &mut chance);
                    }
                }
                Cut::Beginning(_) => {
                    let (whole, rest) = file.unsynced.split_at(chance.below(file.unsynced.len() + 1));
                    make_all(whole, &mut octets);
                    if let Some(change) = rest.first() {
                        change.make_beginning(&mut octets, &mut chance);
                    }
                }
            }
            left.insert(name.clone(), octets);
        }
        left
    }
}

impl Change {
    fn make(&self, file: &mut Vec<u8>) {
        match self {
            Self::Write { at, octets } => put(file, *at, octets),
            Self::Truncate { length } => file.resize(*length, 0),
        }
    }

    /// Any sectors of it.
    fn make_some(&self, file: &mut Vec<u8>, chance: &mut Chance) {
        match self {
            Self::Write { at, octets } => {
                for (start, sector) in sectors(*at, octets) {
                    if chance.below(2) == 0 {
                        put(file, start, sector);
                    }
                }
            }
            Self::Truncate { .. } if chance.below(2) == 0 => self.make(file),
            Self::Truncate { .. } => {}
        }
    }

    /// Its first sectors.
    fn make_beginning(&self, file: &mut Vec<u8>, chance: &mut Chance) {
        if let Self::Write { at, octets } = self {
            let count = chance.below(sectors(*at, octets).count() + 1);
            for (start, sector) in sectors(*at, octets).take(count) {
                put(file, start, sector);
            }
        }
    }
}

fn make_all(changes: &[Change], file: &mut Vec<u8>) {
    for change in changes {
        change.make(file);
    }
}

/// A write in parts that do not cross a sector's end.
fn sectors(at: usize, octets: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let first = (SECTOR - at % SECTOR).min(octets.len());
    let (first, rest) = octets.split_at(first);
    let rest_at = at + first.len();
    std::iter::once((at, first))
        .chain(rest.chunks(SECTOR).enumerate().map(move |(n, part)| (rest_at + n * SECTOR, part)))
}

/// The same for the same seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let high = usize::try_from(self.0 >> 33).unwrap_or(0);
        high % limit.max(1)
    }
}

/// Octets that are written whole or not at all.
const SECTOR: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    fn write(at: usize, octets: &[u8]) -> Op {
        Op::Write { file: "a".into(), at, octets: octets.into() }
    }

    fn replay(ops: &[Op]) -> Replay {
        let mut replay = Replay::new(&Trace::default());
        for op in ops {
            replay.step(op);
        }
        replay
    }

    #[test]
    fn only_what_was_synced_is_left_for_certain() {
        let sync = Op::Sync { file: "a".into() };
        let named = replay(&[write(0, b"abcd")]);
        assert!(named.cut(Cut::Nothing).is_empty(), "not even the name");
        let replay = replay(&[write(0, b"abcd"), sync, write(2, b"xyz"), Op::Mark(1)]);
        assert_eq!((replay.unsynced(), &replay.cut(Cut::Nothing)["a"][..]), (1, b"abcd".as_slice()));
        assert_eq!(replay.cut(Cut::Everything)["a"], b"abxyz");
    }

    #[test]
    fn after_a_failed_sync_a_later_one_writes_nothing_of_it() {
        let (sync, failed) = (Op::Sync { file: "a".into() }, Op::SyncFailed { file: "a".into() });
        let replay = replay(&[write(0, b"abcd"), sync.clone(), write(0, b"x"), failed, sync]);
        assert_eq!(replay.cut(Cut::Everything)["a"], b"abcd");
    }

    #[test]
    fn a_deleted_file_may_be_there_again_until_its_directory_is_synced() {
        let sync = |file: &str| Op::Sync { file: file.into() };
        let delete = |is_synced| Op::Delete { file: "a".into(), is_synced };
        let mut replay = replay(&[write(0, b"abcd"), sync("a"), delete(false)]);
        assert_eq!(replay.cut(Cut::Nothing)["a"], b"abcd");
        replay.step(&sync("b"));
        assert!(!replay.cut(Cut::Nothing).contains_key("a"));
    }

    #[test]
    fn any_sectors_of_a_write_may_be_missing() {
        let new = vec![1; 4 * SECTOR];
        let replay = replay(&[write(100, &new)]);
        let mut seen = std::collections::BTreeSet::new();
        for seed in 0..200 {
            let file = replay.cut(Cut::Sectors(seed)).remove("a").unwrap();
            let sum = |part: &[u8]| part.iter().map(|octet| usize::from(*octet)).sum::<usize>();
            let parts: Vec<usize> = file.chunks(SECTOR).map(sum).collect();
            assert!(parts.iter().enumerate().all(|(n, sum)| {
                let whole = if n == 0 {
                    SECTOR - 100
                } else if n == 4 {
                    100
                } else {
                    SECTOR
                };
                *sum == 0 || *sum == whole
            }));
            seen.insert(parts);
        }
        assert!(seen.len() > 20, "{} of 32", seen.len());
    }
}
