//! What a store keeps in memory, and for how long.

use std::time::Duration;

/// What is kept in memory and for how long. All may be changed between two runs.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Messages of one queue and priority read ahead from disk; default 1,000: several windows of a busy
    /// bind, and little memory when there are hundreds of queues.
    pub head_limit: usize,
    /// New messages of one queue and priority that wait in memory; default 200,000, by reckoning 200 MB with
    /// payloads of 250 octets: those beyond it are only on disk, and read from there when their turn comes.
    pub ready_limit: usize,
    /// Messages in memory at most, roughly; default 400,000, by reckoning 400 MB with payloads of 250 octets.
    /// Beyond it, the oldest are folded into their rows before their time.
    pub live_limit: usize,
    /// After this the rest is folded too, whatever it waits for; default 60 s: most receipts have
    /// come, and a restart has no more than this to read.
    pub fold_after: Duration,
    /// Messages folded by each commit at least, where commits do; default 64. Twice what a commit changes if
    /// that is more.
    pub fold_batch: usize,
    /// Pages of 4 KiB in the tables' write-ahead log before they are copied into the file and the log
    /// begins anew; default 100, 400 kB: what is synced at once holds up the journal's sync, and an answer, for as long.
    /// An idle store copies them without being asked.
    pub wal_pages: u32,
    /// Who writes rows; default [`Folding::Beside`].
    pub folding: Folding,
    /// Octets of one segment of the journal, before the next one begins; default 8 MiB.
    pub segment: u64,
    /// How many segments there may be; default 32, at least 2. What the rows of a message do not say yet is kept in
    /// them: when three quarters are full, the oldest messages are written to their rows however young they are.
    pub segments: usize,
    /// Kept receipts that belong to nothing, at most; default 100,000, the oldest go first.
    pub orphan_limit: usize,
    /// A limit to the file's size in pages, for tests of a full disk; default none.
    pub page_limit: Option<u32>,
}

/// Who writes rows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Folding {
    /// A thread of the store's own.
    Beside,
    /// Each commit, for tests that count each write.
    InCommit,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            head_limit: 1_000,
            ready_limit: 200_000,
            live_limit: 400_000,
            fold_after: Duration::from_secs(60),
            fold_batch: 64,
            wal_pages: 100,
            folding: Folding::Beside,
            segment: 8 << 20,
            segments: 32,
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
