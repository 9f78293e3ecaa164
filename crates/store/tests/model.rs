//! Random operations on the engine and on a model of a few lines, with reopening and folding between.
#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

mod common;

use common::{Dir, NOW, ids, later, message, remote};
use proptest::prelude::*;
use smppkit_store::{
    Change, Final, MessageId, Orphan, Outcome, RemoteId, Search, Settings, Sqlite, State, Store, Timestamp,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

#[derive(Clone, Debug)]
enum Step {
    Accept { queue: u8, priority: u8, delay: u16 },
    Claim { queue: u8, limit: u8 },
    Sent { pick: u8, form: u8 },
    Retry { pick: u8, delay: u16, queue: u8, is_attempt: bool },
    Release { pick: u8 },
    Finish { pick: u8, how: u8 },
    Cancel { pick: u8, version: u8 },
    Replace { pick: u8, octet: u8 },
    Replay { pick: u8 },
    Correlate { form: u8 },
    Keep { form: u8 },
    Wait { ms: u16 },
    Maintain,
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..3_u8, 0..2_u8, 0..400_u16)
            .prop_map(|(queue, priority, delay)| Step::Accept { queue, priority, delay }),
        3 => (0..3_u8, 1..6_u8).prop_map(|(queue, limit)| Step::Claim { queue, limit }),
        3 => (any::<u8>(), 0..20_u8).prop_map(|(pick, form)| Step::Sent { pick, form }),
        2 => (any::<u8>(), 0..400_u16, 0..3_u8, any::<bool>())
            .prop_map(|(pick, delay, queue, is_attempt)| Step::Retry { pick, delay, queue, is_attempt }),
        1 => any::<u8>().prop_map(|pick| Step::Release { pick }),
        3 => (any::<u8>(), 0..4_u8).prop_map(|(pick, how)| Step::Finish { pick, how }),
        1 => (any::<u8>(), 0..3_u8).prop_map(|(pick, version)| Step::Cancel { pick, version }),
        1 => (any::<u8>(), any::<u8>()).prop_map(|(pick, octet)| Step::Replace { pick, octet }),
        1 => any::<u8>().prop_map(|pick| Step::Replay { pick }),
        1 => (0..20_u8).prop_map(|form| Step::Correlate { form }),
        1 => (0..20_u8).prop_map(|form| Step::Keep { form }),
        2 => (0..200_u16).prop_map(|ms| Step::Wait { ms }),
        1 => Just(Step::Maintain),
        1 => Just(Step::Reopen),
    ]
}

/// What a message should be.
#[derive(Clone, Debug)]
struct Expected {
    queue: u8,
    priority: u8,
    due_at: Timestamp,
    state: State,
    is_claimed: bool,
    version: u32,
    attempts: u32,
    octet: u8,
    form: Option<u8>,
    /// All it ever had.
    forms: BTreeSet<u8>,
}

struct Run {
    dir: Dir,
    store: Option<Sqlite>,
    model: BTreeMap<MessageId, Expected>,
    /// Kept receipts by the form they name.
    kept: BTreeMap<u8, usize>,
    now: Timestamp,
}

fn settings() -> Settings {
    // Small, so that all paths between memory and disk are taken.
    Settings {
        head_limit: 3,
        ready_limit: 3,
        live_limit: 12,
        fold_after: Duration::from_millis(150),
        fold_batch: 2,
        ..Settings::default()
    }
}

fn queue(number: u8) -> Arc<str> {
    format!("queue{number}").into()
}

fn destination(priority: u8) -> Box<str> {
    format!("49{priority}").into()
}

fn form(number: u8) -> Box<str> {
    format!("form{number}").into()
}

impl Run {
    fn new() -> Self {
        let dir = Dir::new();
        let store = Some(dir.open_with(NOW, settings()));
        Self { dir, store, model: BTreeMap::new(), kept: BTreeMap::new(), now: NOW }
    }

    fn store(&mut self) -> &mut Sqlite {
        self.store.as_mut().unwrap()
    }

    fn pick(&self, pick: u8) -> Option<MessageId> {
        let count = self.model.len();
        (count > 0).then(|| *self.model.keys().nth(usize::from(pick) % count).unwrap())
    }

    fn commit(&mut self, change: Change) -> bool {
        let now = self.now;
        let form = match &change {
            Change::Sent { remote, .. } => remote.forms[1].strip_prefix("form").unwrap().parse().unwrap(),
            _ => u8::MAX,
        };
        match &common::commit(self.store(), now, &[change])[0] {
            Outcome::Done => {
                assert!(!self.kept.contains_key(&form), "a kept receipt was not handed out");
                true
            }
            Outcome::Overtaken(found) => {
                assert_eq!(Some(found.len()), self.kept.remove(&form));
                true
            }
            _ => false,
        }
    }

    fn keep(&mut self, number: u8) {
        let remote = remote("up", &[&form(number)]);
        let orphan = Arc::new(Orphan { remote, at: self.now, payload: vec![number].into() });
        let now = self.now;
        if let Outcome::Known(id) = common::commit(self.store(), now, &[Change::Keep(orphan)])[0] {
            assert!(self.model[&id].forms.contains(&number));
            return;
        }
        // What ended may be forgotten; what waits may not.
        let is_awaited = |expected: &Expected| expected.form == Some(number) && expected.state == State::Sent;
        assert!(!self.model.values().any(is_awaited));
        *self.kept.entry(number).or_default() += 1;
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Accept { queue, priority, delay } => self.accept(queue, priority, delay),
            Step::Claim { queue, limit } => self.claim(queue, usize::from(limit)),
            Step::Correlate { form } => self.correlate(form),
            Step::Keep { form } => self.keep(form),
            Step::Wait { ms } => self.now.0 += i64::from(ms),
            Step::Maintain => {
                let now = self.now;
                self.store().maintain(now, Timestamp(0)).unwrap();
            }
            Step::Reopen => self.reopen(),
            Step::Sent { pick, .. }
            | Step::Retry { pick, .. }
            | Step::Release { pick }
            | Step::Finish { pick, .. }
            | Step::Cancel { pick, .. }
            | Step::Replace { pick, .. }
            | Step::Replay { pick } => {
                if let Some(id) = self.pick(pick) {
                    self.change(id, step);
                }
            }
        }
    }

    fn accept(&mut self, number: u8, priority: u8, delay: u16) {
        let id = ids(self.store()).next(self.now);
        let due_at = Timestamp(self.now.0 + i64::from(delay.saturating_sub(200)));
        let mut message = message(id, &queue(number));
        message.priority = priority;
        message.due_at = due_at;
        message.destination = destination(priority);
        message.reference = Some(id.to_string().into());
        message.payload = vec![1].into();
        assert!(self.commit(Change::Accept(Arc::new(message))));
        let expected = Expected {
            queue: number,
            priority,
            due_at,
            state: State::Queued,
            is_claimed: false,
            version: 0,
            attempts: 0,
            octet: 1,
            form: None,
            forms: BTreeSet::new(),
        };
        self.model.insert(id, expected);
    }

    fn due(&self, queue: u8) -> BTreeSet<MessageId> {
        let is_due = |expected: &Expected| {
            expected.state == State::Queued
                && !expected.is_claimed
                && expected.queue == queue
                && expected.due_at <= self.now
        };
        self.model.iter().filter(|(_, expected)| is_due(expected)).map(|(id, _)| *id).collect()
    }

    fn claim(&mut self, number: u8, limit: usize) {
        let due = self.due(number);
        let now = self.now;
        let claimed = self.store().claim(now, &queue(number), limit).unwrap();
        assert_eq!(claimed.len(), limit.min(due.len()));
        let mut least = u8::MAX;
        for claimed in claimed {
            assert!(due.contains(&claimed.message.id));
            let expected = self.model.get_mut(&claimed.message.id).unwrap();
            assert!(!std::mem::replace(&mut expected.is_claimed, true), "claimed twice");
            assert!(claimed.message.priority <= least, "priority");
            least = claimed.message.priority;
            assert_eq!((claimed.version, claimed.attempts), (expected.version, expected.attempts));
            assert_eq!(
                (&*claimed.message.payload, claimed.queue),
                ([expected.octet].as_slice(), queue(number))
            );
        }
        let left = self.due(number).into_iter().map(|id| self.model[&id].priority).max();
        assert!(left.is_none_or(|left| left <= least), "a higher priority was left behind");
    }

    fn correlate(&mut self, number: u8) {
        let connector = "up".into();
        let asked = RemoteId { connector, forms: vec![form(number)] };
        let found = self.store().correlate(&asked).unwrap();
        for found in &found {
            assert_eq!(found.state, self.model[&found.message.id].state);
        }
        // A later one with the same name may stand for all.
        let is_awaited = |expected: &Expected| expected.form == Some(number) && expected.state == State::Sent;
        if self.model.values().any(is_awaited) {
            assert!(found.iter().any(|found| is_awaited(&self.model[&found.message.id])));
        }
    }

    fn change(&mut self, id: MessageId, step: &Step) {
        let now = self.now;
        let mut expected = self.model[&id].clone();
        let is_open = !matches!(expected.state, State::Final(_));
        let is_at_rest = expected.state == State::Queued && !expected.is_claimed;
        let account: Arc<str> = "shop".into();
        let (change, is_allowed) = match *step {
            Step::Sent { form: number, .. } => {
                let is_allowed = expected.state == State::Queued;
                (expected.state, expected.form) = (State::Sent, Some(number));
                expected.forms.insert(number);
                let remote = remote("up", &["also", &form(number)]);
                (Change::Sent { id, remote: Arc::new(remote) }, is_allowed)
            }
            Step::Retry { delay, queue: number, is_attempt, .. } => {
                expected.queue = number;
                expected.due_at = Timestamp(now.0 + i64::from(delay));
                expected.attempts += u32::from(is_attempt);
                expected.state = State::Queued;
                let (due_at, queue) = (expected.due_at, Some(queue(number)));
                (Change::Retry { id, due_at, queue, is_attempt, reason: "busy".into() }, is_open)
            }
            Step::Release { .. } => (Change::Release { id }, is_open && expected.is_claimed),
            Step::Finish { how, .. } => {
                let how = [Final::Delivered, Final::Failed, Final::Expired, Final::Failed][usize::from(how)];
                expected.state = State::Final(how);
                (Change::Finish { id, state: how, reason: "end".into(), then: None }, is_open)
            }
            Step::Cancel { version, .. } => {
                let is_allowed = is_at_rest && expected.version == u32::from(version);
                expected.state = State::Final(Final::Cancelled);
                (Change::Cancel { id, account, version: Some(version.into()), then: None }, is_allowed)
            }
            Step::Replace { octet, .. } => {
                expected.octet = octet;
                let payload = vec![octet].into();
                let change =
                    Change::Replace { id, account, version: None, payload, due_at: None, expires_at: None };
                (change, is_at_rest)
            }
            _ => {
                let is_allowed = expected.state == State::Final(Final::Failed);
                (expected.state, expected.due_at, expected.attempts) = (State::Queued, now, 0);
                (Change::Replay { id, due_at: now, queue: None }, is_allowed)
            }
        };
        if !matches!(step, Step::Release { .. }) {
            expected.version += 1;
        }
        expected.is_claimed = false;
        assert_eq!(self.commit(change), is_allowed, "{step:?} of {:?}", self.model[&id]);
        if is_allowed {
            self.model.insert(id, expected);
        }
    }

    fn reopen(&mut self) {
        self.store = None;
        self.store = Some(self.dir.open_with(self.now, settings()));
        for expected in self.model.values_mut() {
            expected.is_claimed = false;
        }
    }

    fn check(&mut self) {
        let model = self.model.clone();
        let store = self.store();
        assert_eq!(store.check().unwrap(), []);
        let page = store.search(&Search { limit: usize::MAX, ..Search::default() }).unwrap();
        assert_eq!(page.messages.len(), model.len());
        for (found, (id, expected)) in page.messages.iter().rev().zip(&model) {
            assert_eq!((found.accepted.id, found.state), (*id, expected.state));
            let story = store.story(*id).unwrap().unwrap().message;
            assert_eq!(
                (story.state, story.version, story.attempts),
                (expected.state, expected.version, expected.attempts)
            );
            assert_eq!(&*story.accepted.payload, [expected.octet].as_slice());
            assert_eq!(store.find("shop", &id.to_string()).unwrap(), Some(*id));
        }
        check_lists(store, &model);
        let kept: usize = self.kept.values().sum();
        let store = self.store();
        assert_eq!(store.totals().orphans, kept as u64);
        let open = model.values().filter(|expected| !matches!(expected.state, State::Final(_))).count();
        assert_eq!(store.totals().open, open as u64);
        assert_eq!(store.totals().accepted, model.len() as u64);
    }
}

fn check_lists(store: &Sqlite, model: &BTreeMap<MessageId, Expected>) {
    let queued = || model.iter().filter(|(_, expected)| expected.state == State::Queued);
    for number in 0..3 {
        let waiting = queued().filter(|(_, expected)| expected.queue == number).count();
        assert_eq!(store.queued(&queue(number)), waiting as u64);
        assert_eq!(store.queues().contains(&queue(number)), waiting > 0);
    }
    for priority in 0..2 {
        let is_pending = |expected: &Expected| !expected.is_claimed && expected.priority == priority;
        let pending: Vec<MessageId> =
            queued().filter(|(_, expected)| is_pending(expected)).map(|(id, _)| *id).rev().collect();
        let found = store.pending("shop", "1000", &destination(priority), usize::MAX).unwrap();
        assert_eq!(found.iter().map(|message| message.accepted.id).collect::<Vec<_>>(), pending);
    }
}

/// A few seconds of them, unless `PROPTEST_CASES` says otherwise.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").map_or(48, |text| text.parse().unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn the_engine_does_as_the_model(steps in proptest::collection::vec(step(), 1..120)) {
        let mut run = Run::new();
        for step in &steps {
            run.step(step);
        }
        run.check();
        run.reopen();
        run.check();
        run.now = later(10_000_000);
        for queue in 0..3 {
            run.claim(queue, usize::MAX);
        }
    }
}
