//! The one trait that the gateway's heart knows.

use crate::change::{Change, Outcome};
use crate::error::StoreError;
use crate::id::MessageId;
use crate::message::{
    Accepted, Cdr, Claimed, Correlated, Message, Orphan, Page, Place, RemoteId, Search, Story, Timestamp,
    Totals,
};
use std::path::Path;
use std::sync::Arc;

/// Durable messages. Synchronous and single-threaded: a simulation calls it as it is, a server puts
/// it behind a [`crate::Writer`].
///
/// Claims are held in memory. What was claimed or sent without a [`Change::Sent`] or
/// [`Change::Finish`] that came back is queued again when the store is opened: at least once.
pub trait Store {
    /// Makes all changes durable at once and says what became of each, in order.
    ///
    /// A refused change does not hinder the others. An error means none of them, and memory as
    /// before, except where [`StoreError::Io`] says otherwise.
    fn commit(
        &mut self,
        now: Timestamp,
        changes: &[Change],
        outcomes: &mut Vec<Outcome>,
    ) -> Result<(), StoreError>;

    /// Splits commits in two, if it can: from now on [`Store::commit`] writes, in whole or not at all, and
    /// what it wrote is durable once the returned has been called and has succeeded. Until then
    /// nothing of it may be acknowledged.
    ///
    /// That the changes are in memory before they are durable harms nobody: a message may be sent that
    /// a power cut makes its sender send again. A failed sync stops the store.
    fn sync_beside(&mut self) -> Result<Option<Syncer>, StoreError> {
        Ok(None)
    }

    /// Hands out at most `limit` messages of a queue that are due, highest priority first, then
    /// by due time, then by id.
    fn claim(&mut self, now: Timestamp, queue: &str, limit: usize) -> Result<Vec<Claimed>, StoreError>;

    /// Hands out, as if claimed, those messages of a queue that are due and `wanted`; the others stay where
    /// they stand. Looks at no more than `limit`, in the order of [`Store::claim`], after a place, and says
    /// where to go on: `None` at the end.
    fn pick(
        &mut self,
        now: Timestamp,
        queue: &str,
        after: &mut Option<Place>,
        limit: usize,
        wanted: &mut dyn FnMut(&Accepted) -> bool,
    ) -> Result<Vec<Claimed>, StoreError>;

    /// When the next message of a queue can be claimed, if any waits. May be early, never late.
    fn next_due(&self, queue: &str) -> Option<Timestamp>;

    /// Hands out, as if claimed, messages that are queued, unclaimed and past their expiry.
    fn expired(&mut self, now: Timestamp, limit: usize) -> Result<Vec<Claimed>, StoreError>;

    /// The messages that one of the forms was given to, newest first: more than one if the other
    /// side uses its ids again. Those of more than a minute ago may be left out when a later one still
    /// waits for its receipt.
    fn correlate(&mut self, remote: &RemoteId) -> Result<Vec<Correlated>, StoreError>;

    /// Receipts that are kept and that a [`Change::Sent`] with this remote id would hand out. What they come
    /// to can be in its commit: else a power cut between two may lose them.
    fn kept(&self, remote: &RemoteId) -> Result<Vec<Orphan>, StoreError>;

    /// Changes that the next commit will begin with: [`Store::correlate`] finds the remote ids that are
    /// given in them already, and [`Store::kept`] the receipts.
    fn foresee(&mut self, changes: &[Change]);

    /// Messages sent and still without receipt, accepted before a moment, by id after the cursor.
    fn unreceipted(
        &mut self,
        accepted_before: Timestamp,
        after: MessageId,
        limit: usize,
    ) -> Result<Vec<Message>, StoreError>;

    /// The newest message of any day with this account and reference.
    fn find(&self, account: &str, reference: &str) -> Result<Option<MessageId>, StoreError>;

    /// Messages of an account between these two that are queued and unclaimed, newest first, with
    /// their payloads: what a later one may replace or a cancel by addresses may mean.
    ///
    /// Looks at no more than 10,000 messages in memory and 10,000 rows on disk, those due last first:
    /// behind longer queues, older ones may be missing.
    fn pending(
        &self,
        account: &str,
        source: &str,
        destination: &str,
        limit: usize,
    ) -> Result<Vec<Message>, StoreError>;

    /// Messages of a queue that wait or are claimed and are not sent, in memory and on disk.
    fn queued(&self, queue: &str) -> u64;

    /// The queues of which [`Store::queued`] is not 0, by name.
    fn queues(&self) -> Vec<Arc<str>>;

    /// Messages held in memory now, for a metric.
    fn live(&self) -> usize;

    /// One message with all that is known of it; [`StoreError::Damaged`] if its row is not as it was
    /// written.
    fn story(&self, id: MessageId) -> Result<Option<Story>, StoreError>;

    /// One page of messages, newest first.
    fn search(&self, search: &Search) -> Result<Page, StoreError>;

    /// At most `limit` ended messages after the cursor, 0 at first. Damaged ones are left out.
    fn cdrs(&self, after: u64, limit: usize) -> Result<Vec<Cdr>, StoreError>;

    /// The counters of conservation.
    fn totals(&self) -> Totals;

    /// The largest id ever accepted, to go on after.
    fn last_id(&self) -> MessageId;

    /// One bounded step of what can wait: folding, dropping messages that ended and were accepted
    /// before `keep_from`, checkpoints. True if there is more to do at once.
    fn maintain(&mut self, now: Timestamp, keep_from: Timestamp) -> Result<bool, StoreError>;

    /// Writes down for a [`crate::Reader`] all that is committed, and for a restart; it waits until that is done.
    fn settle(&mut self, now: Timestamp) -> Result<(), StoreError>;

    /// The same without waiting: `told` is called when a reader finds all that was committed before, or when it
    /// could not be written. It may be called by a later commit or upkeep.
    fn expose(&mut self, now: Timestamp, told: Box<dyn FnOnce() + Send>);

    /// Copies the store as it is at the end of the call into a new file, calling `between` after
    /// every few hundred pages so that commits go on.
    fn backup(&mut self, to: &Path, between: &mut dyn FnMut(&mut dyn Store)) -> Result<(), StoreError>;

    /// Reads everything and says what is wrong with it; nothing is wrong if the list is empty.
    /// Messages that were put aside because their rows are damaged are among it, until their day is
    /// dropped.
    fn check(&mut self) -> Result<Vec<Box<str>>, StoreError>;
}

/// Makes durable what was written before it is called; for another thread than the store's.
pub type Syncer = Box<dyn FnMut() -> Result<(), StoreError> + Send>;
