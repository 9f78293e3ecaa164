//! kill -9 at random moments: nothing acknowledged is lost.
//!
//! Five rounds; `SMPPKIT_KILL_ROUNDS` asks for more.
#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

mod common;

use common::{Dir, accept, finish, sent};
use smppkit_store::{
    Change, Final, MessageId, MessageIds, NodeId, Reader, Settings, Sqlite, State, Store, Timestamp, Writer,
    WriterLimits,
};
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

fn now() -> Timestamp {
    Timestamp(i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap())
}

/// Not a test by itself: the process that is killed. Prints a line for each thing acknowledged.
#[test]
fn child() {
    let Ok(dir) = std::env::var("SMPPKIT_KILL_DIR") else { return };
    let settings = Settings {
        fold_after: Duration::from_millis(50),
        head_limit: 100,
        ready_limit: 100,
        wal_pages: 200,
        ..Settings::default()
    };
    let store = Sqlite::open(Path::new(&dir), now(), settings).unwrap();
    let ids = Arc::new(Mutex::new(MessageIds::after(NodeId::default(), store.last_id())));
    let writer = Writer::start(store, WriterLimits::default()).unwrap();
    std::thread::scope(|scope| {
        for caller in 0..4_usize {
            let (handle, ids) = (writer.handle(), ids.clone());
            scope.spawn(move || {
                for round in 0_usize.. {
                    let group: Vec<MessageId> = (0..=(round * 7 + caller * 13) % 40)
                        .map(|_| ids.lock().unwrap().next(now()))
                        .collect();
                    act(&handle, "accepted", &group, |id| accept(id, "up"));
                    let (some, rest) = group.split_at(group.len() / 2);
                    act(&handle, "sent", some, |id| sent(id, "up", &[&id.to_string()]));
                    act(&handle, "ended", &some[..some.len() / 2], |id| finish(id, Final::Delivered));
                    act(&handle, "ended", &rest[..rest.len() / 3], |id| finish(id, Final::Failed));
                }
            });
        }
    });
}

/// Commits and only then says so, in one write.
fn act(handle: &smppkit_store::Handle, what: &str, ids: &[MessageId], change: impl Fn(MessageId) -> Change) {
    handle.commit(ids.iter().map(|id| change(*id)).collect()).unwrap().wait().unwrap().unwrap();
    let lines = ids.iter().fold(String::new(), |lines, id| lines + &format!("{what} {id}\n"));
    std::io::stdout().write_all(lines.as_bytes()).unwrap();
}

#[test]
fn nothing_acknowledged_is_lost_by_kill_9() {
    let rounds: u64 = std::env::var("SMPPKIT_KILL_ROUNDS").map_or(5, |text| text.parse().unwrap());
    let dir = Dir::new();
    let mut known: HashMap<MessageId, String> = HashMap::new();
    for round in 0..rounds {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["child", "--exact", "--nocapture"])
            .env("SMPPKIT_KILL_DIR", dir.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let reader = std::thread::spawn(move || out.lines().map_while(Result::ok).collect::<Vec<_>>());
        // Different moments: during the first commits, the folding, a checkpoint.
        std::thread::sleep(Duration::from_millis(150 + (round * 7_919) % 400));
        child.kill().unwrap();
        child.wait().unwrap();
        for line in reader.join().unwrap() {
            let Some((what, id)) = line.split_once(' ') else { continue };
            let Some(id) = id.parse().ok().and_then(MessageId::from_u64) else { continue };
            if ["accepted", "sent", "ended"].contains(&what) {
                known.insert(id, what.to_owned());
            }
        }
        check(dir.path(), &known);
    }
    assert!(known.len() > 1_000, "{} acknowledged: too few to show anything", known.len());
    println!("{rounds} rounds, {} acknowledged, 0 lost", known.len());
}

fn check(dir: &Path, known: &HashMap<MessageId, String>) {
    let mut store = Sqlite::open(dir, now(), Settings::default()).unwrap();
    assert_eq!(store.check().unwrap(), []);
    let reader = Reader::open(store.path().unwrap()).unwrap();
    for (id, what) in known.iter().filter(|(id, _)| id.to_u64() % 7 == 0) {
        let story = reader.story(*id).unwrap().unwrap_or_else(|| panic!("{id} was {what} and is lost"));
        assert!(at_least(story.message.state, what), "{id} was {what} and is {:?}", story.message.state);
    }
    // All of them by one walk.
    let mut search = smppkit_store::Search { limit: 10_000, ..Default::default() };
    let mut found = HashMap::new();
    loop {
        let page = store.search(&search).unwrap();
        found.extend(page.messages.into_iter().map(|message| (message.accepted.id, message.state)));
        search.before = page.next;
        if page.next.is_none() {
            break;
        }
    }
    for (id, what) in known {
        let state = *found.get(id).unwrap_or_else(|| panic!("{id} was {what} and is lost"));
        assert!(at_least(state, what), "{id} was {what} and is {state:?}");
    }
    // What is queued by its state is also handed out.
    let queued = found.values().filter(|state| **state == State::Queued).count();
    assert_eq!(store.claim(now(), "up", usize::MAX).unwrap().len(), queued);
    assert_eq!(store.totals().accepted, found.len() as u64);
}

/// A later state may have been reached and not been told of.
fn at_least(state: State, what: &str) -> bool {
    match what {
        "ended" => matches!(state, State::Final(_)),
        "sent" => state != State::Queued,
        _ => true,
    }
}
