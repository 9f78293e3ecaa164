//! Receipts that came before the remote id they belong to, and those that belong to nothing.

use super::commit::Writing;
use super::damage;
use super::memory::Memory;
use super::sum;
use crate::change::Outcome;
use crate::error::StoreError;
use crate::id::MessageId;
use crate::message::{Orphan, RemoteId, Timestamp};
use rusqlite::{Connection, params};
use std::collections::BTreeMap;
use std::sync::Arc;

impl Writing<'_> {
    /// Kept receipts that have one of these forms, oldest first.
    pub(super) fn overtaken(&self, remote: &RemoteId) -> Result<Vec<(i64, Orphan)>, StoreError> {
        if self.counters.totals.orphans == 0 { Ok(Vec::new()) } else { find(self.c, remote) }
    }

    /// Hands kept receipts out: they are kept no more.
    pub(super) fn hand_out(&mut self, overtaken: Vec<(i64, Orphan)>) -> Result<Outcome, StoreError> {
        for (seq, _) in &overtaken {
            self.c.prepare_cached("DELETE FROM orphan WHERE seq=?1")?.execute([seq])?;
            self.c.prepare_cached("DELETE FROM orphan_form WHERE orphan=?1")?.execute([seq])?;
            self.counters.totals.orphans -= 1;
        }
        Ok(Outcome::Overtaken(overtaken.into_iter().map(|(_, orphan)| orphan).collect()))
    }

    pub(super) fn keep(&mut self, orphan: &Orphan) -> Result<Outcome, StoreError> {
        if let Some(id) = self.holder(&orphan.remote)? {
            return Ok(Outcome::Known(id));
        }
        self.c
            .prepare_cached("INSERT INTO orphan (at,connector,payload,sum) VALUES (?1,?2,?3,?4)")?
            .execute(params![
                orphan.at.0,
                &*orphan.remote.connector,
                &*orphan.payload,
                sum::of_orphan(orphan)
            ])?;
        let seq = self.c.last_insert_rowid();
        let mut insert = self.c.prepare_cached("INSERT OR IGNORE INTO orphan_form VALUES (?1,?2,?3)")?;
        for form in &orphan.remote.forms {
            insert.execute(params![&*orphan.remote.connector, &**form, seq])?;
        }
        self.wrote = true;
        self.counters.totals.orphans += 1;
        Ok(Outcome::Done)
    }

    /// The newest message that has one of the forms: by a change of this commit, in memory, and only
    /// if there is none by its row.
    fn holder(&mut self, remote: &RemoteId) -> Result<Option<MessageId>, StoreError> {
        let mut ids: Vec<MessageId> = Vec::new();
        for form in &remote.forms {
            ids.extend(self.given.iter().flat_map(|given| given.find(&remote.connector, form)));
            ids.extend(self.m.remotes.find(&remote.connector, form));
        }
        if let Some(id) = self.newest(ids)? {
            return Ok(Some(id));
        }
        let mut ids = Vec::new();
        for day in self.m.days.values() {
            for form in &remote.forms {
                ids.extend(damage::find_remote(self.c, day, &remote.connector, form)?);
            }
        }
        self.newest(ids)
    }

    /// Of those that are still here: a remote id may outlive its message's day.
    fn newest(&mut self, mut ids: Vec<MessageId>) -> Result<Option<MessageId>, StoreError> {
        ids.sort_unstable();
        while let Some(id) = ids.pop() {
            if self.view(id)?.is_some() {
                return Ok(Some(id));
            }
        }
        Ok(None)
    }
}

/// What is kept for a remote id: on disk, and by what the next commit will begin with.
pub(super) fn kept(c: &Connection, m: &Memory, remote: &RemoteId) -> Result<Vec<Orphan>, StoreError> {
    let mut kept = Vec::new();
    if m.counters.totals.orphans > 0 {
        kept.extend(find(c, remote)?.into_iter().map(|(_, orphan)| orphan));
    }
    let is_of = |orphan: &&Arc<Orphan>| {
        let forms = &orphan.remote.forms;
        orphan.remote.connector == remote.connector && forms.iter().any(|form| remote.forms.contains(form))
    };
    kept.extend(m.foreseen_kept.iter().filter(is_of).map(|orphan| (**orphan).clone()));
    Ok(kept)
}

fn find(c: &Connection, remote: &RemoteId) -> Result<Vec<(i64, Orphan)>, StoreError> {
    let mut found = BTreeMap::new();
    let mut find = c.prepare_cached(
        "SELECT seq,at,payload,orphan.connector,sum FROM orphan_form JOIN orphan ON seq=orphan \
         WHERE orphan_form.connector=?1 AND form=?2",
    )?;
    let mut forms = c.prepare_cached("SELECT form FROM orphan_form WHERE orphan=?1")?;
    for form in &remote.forms {
        let mut rows = find.query([&*remote.connector, &**form])?;
        while let Some(row) = rows.next()? {
            let seq: i64 = row.get(0)?;
            let forms = forms.query_map([seq], |row| row.get(0))?.collect::<Result<_, _>>()?;
            let remote = RemoteId { connector: row.get(3)?, forms };
            let orphan = Orphan { remote, at: Timestamp(row.get(1)?), payload: row.get(2)? };
            let sum: Option<i64> = row.get(4)?;
            // A damaged one is kept until it is too old, and belongs to nothing.
            if sum.is_none_or(|sum| sum == sum::of_orphan(&orphan)) {
                found.insert(seq, orphan);
            }
        }
    }
    Ok(found.into_iter().collect())
}
