//! Messages to a connector, and what it answers.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use smppkit_net::Failure;
use smppkit_relay::{Next, Parcel, Verdict, canonical, ended, fit, from_neutral, outgoing, verdict};
use smppkit_store::{Change, Claimed, RemoteId, Timestamp};
use smppkit_wire::value::MessageState;
use smppkit_wire::{Body, CommandStatus};

use super::{Sending, Sent, Session, UpstreamLink};
use crate::counts::count;
use crate::settings::millis;

impl Session {
    /// Sends what there is room for, and asks for more.
    pub(super) fn send(&mut self, link: &mut UpstreamLink<'_>) {
        let mut sent = self.run_errands(link);
        let Some(outlet) = &mut self.outlet else { return };
        let now = link.now();
        let settings = &self.upstream.settings;
        let version = link.session.version();
        let is_open = self.upstream.live.is_open(now.unix_ms);
        if !is_open {
            outlet.give_back(&self.hub);
        }
        while is_open && link.session.room() > 0 {
            let Some(claimed) = outlet.next() else { break };
            let message = match Parcel::read(&claimed.message.payload) {
                Ok(Parcel::Message(message)) => message,
                Ok(_) => {
                    self.results.push(self.hub.dead(&claimed, "no message for a connector"));
                    continue;
                }
                Err(error) => {
                    self.results.push(self.hub.dead(&claimed, &error.to_string()));
                    continue;
                }
            };
            let expires_ms = claimed.message.expires_at.map(|at| at.0);
            let (mut pdu, receipt) =
                outgoing(&message, settings.receipts.into(), version, expires_ms, now.unix_ms);
            fit(&mut pdu, settings.carry());
            from_neutral(&mut pdu, settings.alphabet.into());
            let whole = message.part.map(|part| part.whole);
            let sending = Sending { claimed, receipt, others: message.others, whole };
            let sending = Box::new(Sent::Message(sending));
            match link.request(pdu, sending) {
                Ok(_) => sent += 1,
                Err(error) => {
                    let lasting = error.is_lasting().then(|| error.to_string());
                    let Sent::Message(Sending { claimed, .. }) = *error.given().1 else { break };
                    let Some(why) = lasting else {
                        outlet.put_back(claimed);
                        break;
                    };
                    let (state, now) = (MessageState::REJECTED, Timestamp(now.unix_ms));
                    self.results.push(ended(&claimed.message, state, &why, 0, now, &*self.hub));
                }
            }
        }
        if sent > 0 {
            count(&self.upstream.live.counts.sent, sent);
            if let Some(bound) = &self.bound {
                bound.card.sent.fetch_add(sent, Ordering::Relaxed);
            }
        }
        outlet.want(&self.hub, link.session.room(), settings.window);
        let in_flight = link.session.in_flight();
        if in_flight != self.in_flight {
            self.tell_in_flight(in_flight);
        }
    }

    /// Sends what does not wait behind messages; says how many messages it was.
    fn run_errands(&mut self, link: &mut UpstreamLink<'_>) -> u64 {
        let mut sent = 0;
        while link.session.room() > 0 {
            let Some(mut errand) = self.errands.pop_front() else { break };
            let Some(body) = errand.take_body() else { continue };
            let is_message = errand.is_message();
            // What this session cannot send is told so by being dropped.
            if link.request(body, Box::new(Sent::Errand(errand))).is_ok() {
                sent += u64::from(is_message);
            }
        }
        sent
    }

    /// The answer to a message.
    pub(super) fn answered(
        &mut self,
        link: &mut UpstreamLink<'_>,
        sending: Sending,
        status: CommandStatus,
        body: &Body,
    ) {
        let verdict = verdict(status);
        if verdict != Verdict::Taken {
            return self.failed(link, sending, verdict, status, &format!("answered {status}"));
        }
        count(&self.upstream.live.counts.taken, 1);
        let message = &sending.claimed.message;
        let remote = match body {
            Body::SubmitSmResp(resp) => resp.message_id,
            Body::DataSmResp(resp) => resp.message_id,
            _ => smppkit_wire::field::CStr::EMPTY,
        };
        self.results.push(if sending.receipt && !remote.is_empty() {
            let forms = vec![canonical(&remote.to_text())];
            let remote = Arc::new(RemoteId { connector: self.upstream.name.clone(), forms });
            Change::Sent { id: message.id, remote }
        } else {
            // No receipt will come: this is all that will ever be known.
            self.wholes.extend(sending.whole);
            let now = Timestamp(link.now().unix_ms);
            ended(message, MessageState::DELIVERED, "", 0, now, &*self.hub)
        });
    }

    /// No answer, or none that can be read: it may have been taken.
    pub(super) fn not_answered(&mut self, link: &mut UpstreamLink<'_>, sending: Sending, failure: Failure) {
        let status = CommandStatus::ESME_RUNKNOWNERR;
        self.failed(link, sending, Verdict::Unknown, status, &failure.to_string());
    }

    fn failed(
        &mut self,
        link: &mut UpstreamLink<'_>,
        sending: Sending,
        verdict: Verdict,
        status: CommandStatus,
        why: &str,
    ) {
        count(&self.upstream.live.counts.not_taken, 1);
        let plan = self.hub.plan.load();
        let now_ms = link.now().unix_ms;
        let Sending { claimed, others, whole, .. } = sending;
        let why = format!("{} {why}", self.upstream.name);
        self.results.push(match plan.retry.next(verdict, claimed.attempts, self.hub.dice()) {
            Next::Again { after, is_attempt } => {
                let queue = if is_attempt {
                    self.next_queue(&claimed, &others, now_ms)
                } else {
                    claimed.queue.clone()
                };
                Change::Retry {
                    id: claimed.message.id,
                    due_at: Timestamp(now_ms + millis(after)),
                    queue: Some(queue),
                    is_attempt,
                    reason: why.into(),
                }
            }
            Next::GiveUp | Next::Taken => {
                self.wholes.extend(whole);
                let state = match verdict {
                    Verdict::Permanent => MessageState::REJECTED,
                    _ => MessageState::UNDELIVERABLE,
                };
                let err = (status.0 % 1_000) as u16;
                ended(&claimed.message, state, &why, err, Timestamp(now_ms), &*self.hub)
            }
        });
    }

    /// Where a message goes next: round what its route named and is within its hours, this one last.
    fn next_queue(&self, claimed: &Claimed, others: &[Box<str>], now_ms: i64) -> Arc<str> {
        let plan = self.hub.plan.load();
        let ways = std::iter::once(&*claimed.message.queue).chain(others.iter().map(|other| &**other));
        let takes = |way: &&str| {
            let is_here = **way == *claimed.queue;
            plan.connectors.get(*way).is_some_and(|upstream| is_here || upstream.live.is_open(now_ms))
        };
        let ways: Vec<&str> = ways.filter(takes).collect();
        let here = ways.iter().position(|way| **way == *claimed.queue).unwrap_or_default();
        let next = ways.get((here + 1) % ways.len().max(1));
        let upstream = next.and_then(|way| plan.connectors.get(*way));
        upstream.map_or_else(|| claimed.queue.clone(), |upstream| upstream.feed.queue.clone())
    }
}
