//! What the store stands on: memory that goes with the process, or a disk that stays.

use std::collections::BTreeMap;
use std::time::Duration;

use smppkit_powercut::{Cut, Disk, Fault, Replay, VFS};
use smppkit_store::{Folding, Settings, Sqlite, StoreError, Timestamp};
use smppkit_testkit::Chance;

/// Where a gateway keeps its messages.
pub(super) struct Ground {
    disk: Option<Disk>,
    wal_pages: u32,
}

/// How a gateway dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Death {
    /// The process; what it wrote is there, synced or not.
    Killed,
    /// The machine; what was not synced may be there, in whole, in part or not at all.
    PowerCut,
}

impl Ground {
    pub(super) fn memory() -> Self {
        Self { disk: None, wal_pages: 0 }
    }

    /// `wal_pages` as in the store's settings.
    pub(super) fn disk(wal_pages: u32) -> Self {
        Self { disk: Some(Disk::new(BTreeMap::new())), wal_pages }
    }

    pub(super) fn open(&self, now: Timestamp) -> Result<Sqlite, StoreError> {
        let Some(disk) = &self.disk else { return Sqlite::in_memory(now, Settings::default()) };
        // Small, so that checkpoints, folding and reading from the disk happen all the time; and
        // without a thread of its own, so that each write is the seed's.
        let settings = Settings {
            head_limit: 5,
            ready_limit: 5,
            live_limit: 40,
            fold_after: Duration::from_secs(1),
            fold_batch: 2,
            wal_pages: self.wal_pages,
            folding: Folding::InCommit,
            segment: 8_192,
            segments: 3,
            ..Settings::default()
        };
        Sqlite::open_on_vfs(&disk.path("messages.sqlite"), VFS, Box::new(disk.clone()), now, settings)
    }

    /// Whether it outlives a process.
    pub(super) fn stays(&self) -> bool {
        self.disk.is_some()
    }

    /// Breaks the disk, or mends it.
    pub(super) fn set_fault(&self, fault: Option<Fault>) {
        if let Some(disk) = &self.disk {
            disk.set_fault(fault);
        }
    }

    /// What was done to the disk up to now.
    pub(super) fn operations(&self) -> usize {
        self.disk.as_ref().map_or(0, Disk::operations)
    }

    /// What the next process finds if this one is killed after so many operations.
    pub(super) fn killed(&self, operations: usize) -> Self {
        let disk = self.disk.as_ref().map(|disk| disk.killed(operations));
        Self { disk, wal_pages: self.wal_pages }
    }

    /// Whoever used it died after so many operations: the next finds what is left.
    pub(super) fn die(&mut self, how: Death, operations: usize, chance: &mut Chance) {
        let disk = self.disk.as_ref().expect("only who has a disk dies");
        *self = match how {
            Death::Killed => self.killed(operations),
            Death::PowerCut => {
                let trace = disk.take_trace();
                let mut replay = Replay::new(&trace);
                trace.ops.iter().take(operations).for_each(|op| replay.step(op));
                Self { disk: Some(Disk::new(replay.cut(cut(chance)))), wal_pages: self.wal_pages }
            }
        };
    }
}

fn cut(chance: &mut Chance) -> Cut {
    match chance.below(4) {
        0 => Cut::Nothing,
        1 => Cut::Everything,
        2 => Cut::Sectors(chance.number()),
        _ => Cut::Beginning(chance.number()),
    }
}
