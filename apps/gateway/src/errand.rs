//! Requests that a connector answers itself: broadcasts, and what is asked about them. They go through at once
//! or not at all, and nothing of them is kept before they were taken.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use smppkit_wire::{Body, CommandStatus};

use crate::note::Note;
use crate::plan::{Upstream, UpstreamLive};

/// One of them, on its way to the session that sends it, or to its answer. However it ends, what came of it is
/// told once.
pub(crate) struct Errand {
    /// Until it is sent.
    body: Option<Body>,
    done: Option<Done>,
    is_message: bool,
    _place: Place,
}

/// What came of an errand: what the connector answered, or the status by which it refused. No status: it did not
/// answer in time, or its session ended, and nobody knows.
pub(crate) type Answer = Result<Body, Option<CommandStatus>>;

/// Why an errand was not begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotRun {
    /// No session is bound that sends and speaks 5.0.
    NoBind,
    /// As many are under way as may be.
    Full,
}

type Done = Box<dyn FnOnce(Answer) + Send>;

/// A place among those that may be under way at one connector.
#[derive(Debug)]
struct Place(Arc<UpstreamLive>);

impl Upstream {
    /// Whether a session is there that could take an errand.
    pub(crate) fn takes_errands(&self) -> bool {
        self.feed.errand_runner().is_some()
    }

    /// Has one of its sessions send a request. `done` is called from that session's task, and must be quick.
    ///
    /// What waits for room in a window is before all messages, and has it when the oldest request is answered or
    /// given up; so its answer comes within twice the `response` of the settings.
    pub(crate) fn run(
        &self,
        request: impl Into<Body>,
        done: impl FnOnce(Answer) + Send + 'static,
    ) -> Result<(), NotRun> {
        let notes = self.feed.errand_runner().ok_or(NotRun::NoBind)?;
        let limit = self.settings.window.max(1).saturating_mul(self.live.senders.load(Ordering::Relaxed));
        let place = Place::take(&self.live, limit).ok_or(NotRun::Full)?;
        let body = request.into();
        let is_message = matches!(body, Body::BroadcastSm(_));
        let errand = Errand { body: Some(body), done: Some(Box::new(done)), is_message, _place: place };
        notes.post(Note::Errand(Box::new(errand)));
        Ok(())
    }
}

impl Errand {
    /// What is to be sent, the first time it is asked for.
    pub(crate) fn take_body(&mut self) -> Option<Body> {
        self.body.take()
    }

    /// Whether it hands something over, and does not only ask.
    pub(crate) const fn is_message(&self) -> bool {
        self.is_message
    }

    /// The answer has come.
    pub(crate) fn answered(mut self, status: CommandStatus, body: Body) {
        self.tell(if status.is_ok() { Ok(body) } else { Err(Some(status)) });
    }

    fn tell(&mut self, answer: Answer) {
        if let Some(done) = self.done.take() {
            done(answer);
        }
    }
}

impl Drop for Errand {
    fn drop(&mut self) {
        self.tell(Err(None));
    }
}

impl fmt::Debug for Errand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Errand").field("body", &self.body).finish_non_exhaustive()
    }
}

impl Place {
    fn take(live: &Arc<UpstreamLive>, limit: u32) -> Option<Self> {
        let one_more = |taken: u32| (taken < limit).then_some(taken + 1);
        let taken: &AtomicU32 = &live.errands;
        taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).ok()?;
        Some(Self(Arc::clone(live)))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.errands.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use smppkit_net::Now;
    use smppkit_wire::Version;
    use smppkit_wire::pdu::table::{BroadcastSm, BroadcastSmResp, QueryBroadcastSm};

    use super::*;
    use crate::access::ServerKey;
    use crate::note::Notes;
    use crate::plan::{Lives, Plan};

    const CONFIG: &str = r#"
        [[connector]]
        name = "up"
        address = "127.0.0.1:1"
        system_id = "me"
        window = 2
    "#;

    fn upstream() -> Arc<Upstream> {
        let settings = smppkit_ops::config::parse(CONFIG, "test").unwrap();
        let plan =
            Plan::new(settings, &mut Lives::default(), &ServerKey::new(&[0; 32]), Now::read()).unwrap();
        Arc::clone(&plan.connectors["up"])
    }

    fn errands(notes: &Notes) -> Vec<Errand> {
        let errands = notes.last().into_iter().map(|note| match note {
            Note::Errand(errand) => *errand,
            other => panic!("{other:?}"),
        });
        errands.collect()
    }

    #[test]
    fn errands_go_to_the_session_of_5_0_that_has_most_room_and_a_window_of_them_at_most() {
        let upstream = upstream();
        let told = Arc::new(Mutex::new(Vec::new()));
        let run = || {
            let told = Arc::clone(&told);
            upstream.run(BroadcastSm::default(), move |answer| told.lock().unwrap().push(answer))
        };
        assert_eq!(run(), Err(NotRun::NoBind));
        let (older, newer): (Arc<Notes>, Arc<Notes>) = (Arc::default(), Arc::default());
        upstream.feed.join(&older, (2, Version::V34));
        assert!(!upstream.takes_errands());
        upstream.feed.join(&newer, (2, Version::V50));
        upstream.live.senders.store(1, Ordering::Relaxed);
        assert_eq!([run(), run(), run()], [Ok(()), Ok(()), Err(NotRun::Full)]);
        assert!(older.last().is_empty());
        let [mut first, second] = errands(&newer).try_into().unwrap();
        assert!(matches!(first.take_body(), Some(Body::BroadcastSm(_))) && first.take_body().is_none());
        first.answered(CommandStatus::ESME_ROK, BroadcastSmResp::default().into());
        assert_eq!(run(), Ok(()), "its place is free again");
        second.answered(CommandStatus::ESME_RBCASTFAIL, BroadcastSmResp::default().into());
        let told = told.lock().unwrap();
        assert!(matches!(told[..], [Ok(_), Err(Some(CommandStatus::ESME_RBCASTFAIL))]), "{told:?}");
        upstream.feed.pause();
        assert!(!upstream.takes_errands(), "an operator took it out of use");
    }

    #[test]
    fn however_an_errand_ends_it_is_told_once() {
        let (upstream, notes) = (upstream(), Arc::<Notes>::default());
        upstream.feed.join(&notes, (2, Version::V50));
        upstream.live.senders.store(1, Ordering::Relaxed);
        let told = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&told);
        let done = move |answer: Answer| {
            assert_eq!(answer, Err(None));
            count.fetch_add(1, Ordering::Relaxed);
        };
        upstream.run(QueryBroadcastSm::default(), done).unwrap();
        drop(errands(&notes));
        assert_eq!((told.load(Ordering::Relaxed), upstream.live.errands.load(Ordering::Relaxed)), (1, 0));
    }
}
