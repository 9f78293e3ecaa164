//! The writer's thread: groups, a full queue, the end; readers and backups beside it.
#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

mod common;

use common::{Dir, NOW, accept, claim_ids, finish, ids, later, settle};
use smppkit_store::{
    Change, Final, Lost, MessageId, NotTaken, Outcome, Reader, Search, Settings, Sqlite, Store, StoreError,
    Timestamp, Uncommitted, Writer, WriterLimits,
};
use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

fn start(store: Sqlite, limits: WriterLimits) -> Writer {
    Writer::start_at(store, limits, || NOW).unwrap()
}

/// Holds the writer until the sender is dropped.
fn hold(writer: &Writer) -> mpsc::Sender<()> {
    let (release, held) = mpsc::channel::<()>();
    let (entered, is_entered) = mpsc::channel();
    drop(writer.handle().call(move |_, _| {
        entered.send(()).unwrap();
        let _ = held.recv();
    }));
    is_entered.recv().unwrap();
    release
}

#[test]
fn batches_that_wait_share_a_commit_and_get_their_own_outcomes() {
    let store = Sqlite::in_memory(NOW, Settings::default()).unwrap();
    let mut ids = ids(&store);
    let ids: Vec<MessageId> = (0..100).map(|_| ids.next(NOW)).collect();
    let writer = start(store, WriterLimits::default());
    let release = hold(&writer);
    let tickets: Vec<_> = ids
        .iter()
        .map(|id| writer.handle().commit(vec![accept(*id, "up"), Change::Release { id: *id }]).unwrap())
        .collect();
    assert_eq!(writer.handle().waiting(), 200);
    let (seen, order) = mpsc::channel();
    writer.handle().commit_then(vec![], move |done| seen.send(done.unwrap()).unwrap()).unwrap();
    drop(release);
    for ticket in tickets {
        let outcomes = ticket.wait().unwrap().unwrap();
        assert_eq!((outcomes.len(), &outcomes[0]), (2, &Outcome::Done));
    }
    assert_eq!(order.recv().unwrap(), []);
    let claimed = writer.handle().call(|store, now| claim_ids(store, now, "up", 1_000)).wait().unwrap();
    assert_eq!(claimed, ids);
}

#[test]
fn what_nobody_waits_for_goes_with_what_somebody_does() {
    let store = Sqlite::in_memory(NOW, Settings::default()).unwrap();
    let mut ids = ids(&store);
    let id = ids.next(NOW);
    let limits = WriterLimits { patience: Duration::from_secs(3_600), ..WriterLimits::default() };
    let writer = start(store, limits);
    let (told, tells) = mpsc::channel();
    let first = told.clone();
    let passing = vec![accept(id, "up")];
    writer
        .handle()
        .commit_in_passing_then(passing, move |done| first.send((1, done.is_ok())).unwrap())
        .unwrap();
    // A call does not commit it.
    let claimed = writer.handle().call(|store, now| claim_ids(store, now, "up", 10)).wait().unwrap();
    assert_eq!((claimed, tells.try_recv()), (vec![], Err(mpsc::TryRecvError::Empty)));
    writer
        .handle()
        .commit_then(vec![finish(id, Final::Delivered)], move |done| told.send((2, done.is_ok())).unwrap())
        .unwrap();
    assert_eq!(tells.iter().collect::<Vec<_>>(), [(1, true), (2, true)]);
}

#[test]
fn what_nobody_waits_for_is_committed_by_itself_when_its_time_is_up() {
    let store = Sqlite::in_memory(NOW, Settings::default()).unwrap();
    let mut ids = ids(&store);
    let writer = start(store, WriterLimits::default());
    let (told, tells) = mpsc::channel();
    let passing = vec![accept(ids.next(NOW), "up")];
    writer.handle().commit_in_passing_then(passing, move |done| told.send(done.is_ok()).unwrap()).unwrap();
    assert_eq!(tells.recv(), Ok(true));
}

#[test]
fn nobody_is_told_before_the_sync() {
    let dir = Dir::new();
    let mut store = dir.open();
    let mut ids = ids(&store);
    let ids: Vec<MessageId> = (0..6).map(|_| ids.next(NOW)).collect();
    let (begun, begins) = mpsc::channel();
    let (let_go, held) = mpsc::channel();
    store.sync_journal_by(move || {
        begun.send(()).unwrap();
        held.recv().unwrap()
    });
    let writer = start(store, WriterLimits { group: 1, ..WriterLimits::default() });
    let tickets: Vec<_> =
        ids.iter().map(|id| writer.handle().commit(vec![accept(*id, "up")]).unwrap()).collect();
    let mut tickets = tickets.into_iter();
    begins.recv().unwrap();
    let mut first = pin!(tickets.next().unwrap());
    assert!(first.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    let_go.send(Ok(())).unwrap();
    begins.recv().unwrap();
    assert!(matches!(first.poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(Ok(Ok(_)))));
    // The disk fails: nobody is told that it is done, and what was asked for comes back.
    let_go.send(Err(std::io::Error::other("the disk is broken"))).unwrap();
    drop(let_go);
    let mut errors = Vec::new();
    for ticket in tickets {
        let Uncommitted { error, changes } = ticket.wait().unwrap().unwrap_err();
        assert_eq!(changes.len(), 1);
        errors.push(error);
    }
    assert!(matches!(errors[0], StoreError::Io { .. }), "{errors:?}");
    assert!(errors[1..].iter().all(|error| matches!(error, StoreError::Stopped)), "{errors:?}");
    drop(writer);
    // What was acknowledged is there.
    let store = dir.open();
    assert!(store.story(ids[0]).unwrap().is_some());
}

#[test]
fn a_full_queue_gives_the_batch_back() {
    let store = Sqlite::in_memory(NOW, Settings::default()).unwrap();
    let mut ids = ids(&store);
    let writer = start(store, WriterLimits { queue: 10, ..WriterLimits::default() });
    let release = hold(&writer);
    let mut batch = |count: usize| (0..count).map(|_| accept(ids.next(NOW), "up")).collect::<Vec<_>>();
    let large = writer.handle().commit(batch(25)).expect("taken when nothing waits, or it never could be");
    let given = batch(1);
    let Err(NotTaken { changes, is_closed: false }) = writer.handle().commit(given.clone()) else { panic!() };
    assert_eq!(changes, given);
    drop(release);
    assert_eq!(large.wait().unwrap().unwrap().len(), 25);
    writer.handle().commit(given).unwrap().wait().unwrap().unwrap();
}

#[test]
fn dropping_the_writer_commits_what_was_taken_and_refuses_the_rest() {
    let dir = Dir::new();
    let store = dir.open();
    let mut ids = ids(&store);
    let writer = start(store, WriterLimits { linger: Duration::from_secs(60), ..WriterLimits::default() });
    let handle = writer.handle();
    let ticket = handle.commit(vec![accept(ids.next(NOW), "up")]).unwrap();
    drop(writer);
    assert_eq!(ticket.wait().unwrap().unwrap(), [Outcome::Done]);
    let late = handle.commit(vec![accept(ids.next(NOW), "up")]);
    assert!(matches!(late, Err(NotTaken { is_closed: true, .. })));
    assert_eq!(handle.call(|_, _| ()).wait(), Err(Lost));
    assert_eq!(dir.open().totals().accepted, 1);
}

#[test]
fn prepared_batches_and_calls_run_in_the_writers_thread() {
    let store = Sqlite::in_memory(NOW, Settings::default()).unwrap();
    let mut ids = ids(&store);
    let id = ids.next(NOW);
    let writer = start(store, WriterLimits::default());
    let handle = writer.handle();
    handle.commit(vec![accept(id, "up")]).unwrap();
    let (seen, answers) = mpsc::channel();
    let prepare = |store: &mut dyn Store, now| {
        let name = thread::current().name().map(str::to_owned);
        (claim_ids(store, now, "up", 9).iter().map(|id| finish(*id, Final::Failed)).collect(), name)
    };
    loop {
        let seen = seen.clone();
        handle.prepare_then(1, prepare, move |done, name| seen.send((done.unwrap(), name)).unwrap()).unwrap();
        let (outcomes, name) = answers.recv().unwrap();
        assert_eq!(name.as_deref(), Some("store"));
        // None if its group was gathered with the accept.
        if outcomes == [Outcome::Done] {
            break;
        }
    }
    let (seen, called) = mpsc::channel();
    assert!(handle.call_then(move |store, now| seen.send((store.totals().failed, now)).unwrap()));
    assert_eq!(called.recv().unwrap(), (1, NOW));
    drop(writer);
    assert!(!handle.call_then(|_, _| ()));
    let late = handle.prepare_then(1, |_, _| (vec![], ()), |_, ()| ());
    assert!(matches!(late, Err(NotTaken { is_closed: true, .. })));
}

#[test]
fn a_panic_on_the_writer_leaves_nobody_waiting() {
    let store = Sqlite::in_memory(NOW, Settings::default()).unwrap();
    let mut ids = ids(&store);
    let writer = start(store, WriterLimits::default());
    let release = hold(&writer);
    let broken = writer.handle().call(|_, _| panic!("on purpose"));
    drop(release);
    assert_eq!(broken.wait(), Err(Lost));
    loop {
        match writer.handle().commit(vec![accept(ids.next(NOW), "up")]) {
            Err(NotTaken { is_closed, .. }) => break assert!(is_closed),
            Ok(ticket) => {
                assert!(matches!(ticket.wait(), Ok(Err(Uncommitted { error: StoreError::Closed, .. }))));
            }
        }
    }
}

#[test]
fn a_ticket_is_a_future_of_any_runtime() {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let store = Sqlite::in_memory(NOW, Settings::default()).unwrap();
    let id = ids(&store).next(NOW);
    let writer = start(store, WriterLimits::default());
    let release = hold(&writer);
    let mut ticket = pin!(writer.handle().commit(vec![accept(id, "up")]).unwrap());
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    assert!(ticket.as_mut().poll(&mut context).is_pending());
    drop(release);
    let outcomes = loop {
        thread::park();
        if let Poll::Ready(outcomes) = ticket.as_mut().poll(&mut context) {
            break outcomes;
        }
    };
    assert_eq!(outcomes.unwrap().unwrap(), [Outcome::Done]);
}

#[test]
fn a_reader_sees_whole_commits_while_the_writer_writes() {
    let dir = Dir::new();
    let store = dir.open();
    let path = store.path().unwrap().to_owned();
    let mut ids = ids(&store);
    let writer = start(store, WriterLimits::default());
    let is_done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let reader = Reader::open(&path).unwrap();
            let (mut before, mut pages) = (0, 0);
            while !is_done.load(Ordering::Relaxed) || pages < 3 {
                let all = Search { limit: 100_000, ..Search::default() };
                let page = reader.search(&all, &mut ()).unwrap();
                if page.next.is_none() {
                    let count = page.messages.len();
                    assert!(count.is_multiple_of(10), "half a commit: {count}");
                    assert!(count >= before);
                    before = count;
                }
                assert!(page.messages.is_sorted_by(|a, b| a.accepted.id > b.accepted.id));
                pages += 1;
            }
        });
        for _ in 0..200 {
            let group: Vec<MessageId> = (0..10).map(|_| ids.next(NOW)).collect();
            let changes = group.iter().map(|id| accept(*id, "up")).collect();
            writer.handle().commit(changes).unwrap().wait().unwrap().unwrap();
            let ends = group.iter().map(|id| finish(*id, Final::Delivered)).collect();
            writer.handle().commit(ends).unwrap().wait().unwrap().unwrap();
        }
        is_done.store(true, Ordering::Relaxed);
    });
}

#[test]
fn a_backup_taken_while_writing_is_whole() {
    let dir = Dir::new();
    let store = dir.open();
    let mut ids = ids(&store);
    let writer = start(store, WriterLimits::default());
    let handle = writer.handle();
    let mut accept_group = || {
        let group: Vec<MessageId> = (0..200).map(|_| ids.next(NOW)).collect();
        let changes = group.iter().map(|id| accept(*id, "up")).collect();
        handle.commit(changes).unwrap().wait().unwrap().unwrap();
        let ends = group[..100].iter().map(|id| finish(*id, Final::Delivered)).collect();
        handle.commit(ends).unwrap().wait().unwrap().unwrap();
        group
    };
    let before: Vec<MessageId> = (0..40).flat_map(|_| accept_group()).collect();
    let copy = Dir::new();
    let backup = writer.handle().backup(copy.path().join("messages.sqlite"));
    for _ in 0..20 {
        accept_group();
    }
    backup.wait().unwrap().unwrap();
    drop(writer);
    let mut copied = copy.open();
    assert_eq!(copied.check().unwrap(), []);
    for id in before {
        assert!(copied.story(id).unwrap().is_some());
    }
    settle(&mut copied, NOW);
    let totals = copied.totals();
    assert!(totals.is_conserved() && totals.accepted >= 8_000 && totals.accepted <= 12_000, "{totals:?}");
    assert_eq!(claim_ids(&mut copied, later(10), "up", usize::MAX).len() as u64, totals.open);
}

#[test]
fn two_hundred_thousand_queued_are_served_again_at_once() {
    // `SMPPKIT_QUEUED` asks for another number.
    let queued: u64 = std::env::var("SMPPKIT_QUEUED").map_or(200_000, |text| text.parse().unwrap());
    let dir = Dir::new();
    let mut store = dir.open();
    let mut ids = ids(&store);
    for n in 0..(queued / 500).cast_signed() {
        let now = Timestamp(NOW.0 + n);
        let group: Vec<_> = (0..500).map(|k| accept(ids.next(now), ["up", "down"][k % 2])).collect();
        common::commit(&mut store, now, &group);
    }
    drop(store);
    let began = Instant::now();
    let mut store = dir.open();
    let opened = began.elapsed();
    assert_eq!(claim_ids(&mut store, Timestamp(NOW.0 + 100_000), "up", 100).len(), 100);
    println!("opened in {opened:?}, first claim after {:?}", began.elapsed());
    assert!(began.elapsed() < Duration::from_secs(3));
    assert_eq!(store.totals().open, queued);
}
