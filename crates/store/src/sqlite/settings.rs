//! What a store keeps in memory, and for how long.

use std::time::Duration;

/// What is kept in memory and for how long. All may be changed between two runs.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Messages of one queue and priority read ahead from disk; default 1,000: several windows of a busy
    /// bind, and little memory when there are hundreds of queues.
    pub head_limit: usize,
    /// New messages of one queue and priority that wait in memory; default 50,000, by reckoning 40 MB with
    /// payloads of 250 octets: those beyond it are only on disk, and read from there when their turn comes.
    pub ready_limit: usize,
    /// Messages in memory at most, roughly; default 200,000, by reckoning 150 MB with payloads of 250 octets.
    /// Beyond it, the oldest are folded into their rows before their time.
    pub live_limit: usize,
    /// After this the rest is folded too, whatever it waits for; default 60 s: most receipts have
    /// come, and a restart has no more than this to read.
    pub fold_after: Duration,
    /// Messages folded by each commit at least; default 64. Twice what a commit changes if that is more.
    pub fold_batch: usize,
    /// Pages of 4 KiB in the write-ahead log before a commit copies into the file what of them is not
    /// copied yet, and the next one begins the log anew; default 16,000, 64 MB. An idle store copies
    /// them without being asked.
    pub wal_pages: u32,
    /// Who copies before that; default [`Checkpoints::Beside`].
    pub checkpoints: Checkpoints,
    /// Kept receipts that belong to nothing, at most; default 100,000, the oldest go first.
    pub orphan_limit: usize,
    /// A limit to the file's size in pages, for tests of a full disk; default none.
    pub page_limit: Option<u32>,
}

/// Who copies the write-ahead log into the file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Checkpoints {
    /// A thread of the store's own, 2 MB of the log at a time by default.
    Beside,
    /// Only the commit that fills the log, for tests that count each write.
    InCommit,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            head_limit: 1_000,
            ready_limit: 50_000,
            live_limit: 200_000,
            fold_after: Duration::from_secs(60),
            fold_batch: 64,
            wal_pages: 16_000,
            checkpoints: Checkpoints::Beside,
            orphan_limit: 100_000,
            page_limit: None,
        }
    }
}

impl Settings {
    pub(super) fn fold_after_ms(&self) -> i64 {
        i64::try_from(self.fold_after.as_millis()).unwrap_or(i64::MAX)
    }
}
