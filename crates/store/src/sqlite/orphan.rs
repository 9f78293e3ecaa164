//! Receipts that came before the remote id they belong to, and those that belong to nothing.

use super::commit::Writing;
use super::damage;
use super::hash::Seeded;
use super::memory::Memory;
use super::sum;
use crate::change::Outcome;
use crate::error::StoreError;
use crate::id::MessageId;
use crate::message::{Orphan, RemoteId, Timestamp};
use rusqlite::{Connection, params};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

impl Writing<'_> {
    /// Kept receipts that have one of these forms, oldest first.
    pub(super) fn overtaken(&self, remote: &RemoteId) -> Result<Vec<(i64, Arc<Orphan>)>, StoreError> {
        if self.counters.totals.orphans == 0 {
            return Ok(Vec::new());
        }
        let mut found = find(self.c, self.m, remote)?;
        for (number, orphan) in &self.orphans {
            match orphan {
                Some(orphan) if is_of(orphan, remote) => _ = found.insert(*number, orphan.clone()),
                Some(_) => {}
                None => _ = found.remove(number),
            }
        }
        Ok(found.into_iter().collect())
    }

    /// Hands kept receipts out: they are kept no more.
    pub(super) fn hand_out(&mut self, overtaken: Vec<(i64, Arc<Orphan>)>) -> Outcome {
        for (number, _) in &overtaken {
            self.frame.hand_out(*number);
            self.orphans.push((*number, None));
            self.counters.totals.orphans -= 1;
        }
        Outcome::Overtaken(overtaken.into_iter().map(|(_, orphan)| Arc::unwrap_or_clone(orphan)).collect())
    }

    pub(super) fn keep(&mut self, orphan: &Arc<Orphan>) -> Result<Outcome, StoreError> {
        if let Some(id) = self.holder(&orphan.remote)? {
            return Ok(Outcome::Known(id));
        }
        self.counters.orphan += 1;
        let number = self.counters.orphan;
        self.frame.keep(number, orphan);
        self.orphans.push((number, Some(orphan.clone())));
        self.counters.totals.orphans += 1;
        Ok(Outcome::Done)
    }

    /// The newest message that has one of the forms: by a change of this commit, in memory, and only
    /// if there is none by its row.
    fn holder(&self, remote: &RemoteId) -> Result<Option<MessageId>, StoreError> {
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
    fn newest(&self, mut ids: Vec<MessageId>) -> Result<Option<MessageId>, StoreError> {
        ids.sort_unstable();
        while let Some(id) = ids.pop() {
            if self.view(id)?.is_some() {
                return Ok(Some(id));
            }
        }
        Ok(None)
    }
}

/// Writes the rows of kept receipts, and deletes those of others.
pub(super) fn write(
    c: &Connection,
    kept: &[(i64, Arc<Orphan>)],
    handed_out: &[i64],
) -> Result<(), StoreError> {
    for (number, orphan) in kept {
        let mut insert = c.prepare_cached(
            "INSERT OR IGNORE INTO orphan (seq,at,connector,payload,sum) VALUES (?1,?2,?3,?4,?5)",
        )?;
        insert.execute(params![
            number,
            orphan.at.0,
            &*orphan.remote.connector,
            &*orphan.payload,
            sum::of_orphan(orphan)
        ])?;
        let mut insert = c.prepare_cached("INSERT OR IGNORE INTO orphan_form VALUES (?1,?2,?3)")?;
        for form in &orphan.remote.forms {
            insert.execute(params![&*orphan.remote.connector, &**form, number])?;
        }
    }
    for number in handed_out {
        delete(c, *number)?;
    }
    Ok(())
}

pub(super) fn delete(c: &Connection, number: i64) -> Result<(), StoreError> {
    c.prepare_cached("DELETE FROM orphan WHERE seq=?1")?.execute([number])?;
    c.prepare_cached("DELETE FROM orphan_form WHERE orphan=?1")?.execute([number])?;
    Ok(())
}

/// What is kept for a remote id, and what the next commit will begin with.
pub(super) fn kept(c: &Connection, m: &Memory, remote: &RemoteId) -> Result<Vec<Orphan>, StoreError> {
    let mut kept = Vec::new();
    if m.counters.totals.orphans > 0 {
        kept.extend(find(c, m, remote)?.into_values().map(Arc::unwrap_or_clone));
    }
    let foreseen = m.foreseen_kept.iter().filter(|orphan| is_of(orphan, remote));
    kept.extend(foreseen.map(|orphan| (**orphan).clone()));
    Ok(kept)
}

fn is_of(orphan: &Orphan, remote: &RemoteId) -> bool {
    let forms = &orphan.remote.forms;
    orphan.remote.connector == remote.connector && forms.iter().any(|form| remote.forms.contains(form))
}

fn find(c: &Connection, m: &Memory, remote: &RemoteId) -> Result<BTreeMap<i64, Arc<Orphan>>, StoreError> {
    let mut found = m.orphans.find(remote);
    let mut find = c.prepare_cached(
        "SELECT seq,at,payload,orphan.connector,sum FROM orphan_form JOIN orphan ON seq=orphan \
         WHERE orphan_form.connector=?1 AND form=?2",
    )?;
    let mut forms = c.prepare_cached("SELECT form FROM orphan_form WHERE orphan=?1")?;
    for form in &remote.forms {
        let mut rows = find.query([&*remote.connector, &**form])?;
        while let Some(row) = rows.next()? {
            let number: i64 = row.get(0)?;
            if m.orphans.handed_out.contains(&number) {
                continue;
            }
            let forms = forms.query_map([number], |row| row.get(0))?.collect::<Result<_, _>>()?;
            let remote = RemoteId { connector: row.get(3)?, forms };
            let orphan = Orphan { remote, at: Timestamp(row.get(1)?), payload: row.get(2)? };
            let sum: Option<i64> = row.get(4)?;
            // A damaged one is kept until it is too old, and belongs to nothing.
            if sum.is_none_or(|sum| sum == sum::of_orphan(&orphan)) {
                found.entry(number).or_insert_with(|| Arc::new(orphan));
            }
        }
    }
    Ok(found)
}

/// Kept receipts that have no row yet, and those that are kept no more and still have one.
#[derive(Debug, Default)]
pub(super) struct Orphans {
    pub(super) kept: BTreeMap<i64, Arc<Orphan>>,
    by_form: HashMap<(Arc<str>, Box<str>), Vec<i64>, Seeded>,
    pub(super) handed_out: BTreeSet<i64>,
}

impl Orphans {
    pub(super) fn is_empty(&self) -> bool {
        self.kept.is_empty() && self.handed_out.is_empty()
    }

    pub(super) fn keep(&mut self, number: i64, orphan: Arc<Orphan>) {
        for form in &orphan.remote.forms {
            let numbers = self.by_form.entry((orphan.remote.connector.clone(), form.clone())).or_default();
            if !numbers.contains(&number) {
                numbers.push(number);
            }
        }
        self.kept.insert(number, orphan);
    }

    /// Its row, if it has one, is to go.
    pub(super) fn hand_out(&mut self, number: i64) {
        self.forget(number);
        self.handed_out.insert(number);
    }

    /// It has a row, or none any more.
    pub(super) fn forget(&mut self, number: i64) {
        let Some(orphan) = self.kept.remove(&number) else { return };
        for form in &orphan.remote.forms {
            let key = (orphan.remote.connector.clone(), form.clone());
            let Some(numbers) = self.by_form.get_mut(&key) else { continue };
            numbers.retain(|other| *other != number);
            if numbers.is_empty() {
                self.by_form.remove(&key);
            }
        }
    }

    pub(super) fn find(&self, remote: &RemoteId) -> BTreeMap<i64, Arc<Orphan>> {
        let mut found = BTreeMap::new();
        if self.kept.is_empty() {
            return found;
        }
        for form in &remote.forms {
            let numbers = self.by_form.get(&(remote.connector.clone(), form.clone()));
            let numbers = numbers.into_iter().flatten();
            found.extend(numbers.filter_map(|number| Some((*number, self.kept.get(number)?.clone()))));
        }
        found
    }
}
