//! broadcast_sm, query_broadcast_sm, cancel_broadcast_sm: they go through to a connector at once, and it is the one
//! who answers. A broadcast that was taken is durable, with both its ids, before its ESME is told.

use std::sync::Arc;
use std::time::Duration;

use smppkit_net::{Asked, Now};
use smppkit_relay::{Broadcast, Parcel, broadcast_between};
use smppkit_route::NoRoute;
use smppkit_store::{Accepted, Change, Final, MessageId, RemoteId, Store};
use smppkit_wire::field::CStr;
use smppkit_wire::pdu::table::{
    BroadcastSm, BroadcastSmResp, CancelBroadcastSm, QueryBroadcastSm, QueryBroadcastSmResp,
};
use smppkit_wire::tlv::tag;
use smppkit_wire::value::{Npi, Ton};
use smppkit_wire::{Body, CommandStatus};

use super::ancillary::time;
use super::asker::Asker;
use super::submit::judge_source;
use super::{Front, FrontLink};
use crate::counts::count;
use crate::entities::Routes;
use crate::errand::NotRun;
use crate::facts::{self, Origin};
use crate::plan::Upstream;

/// Changes that make one broadcast durable.
const CHANGES: usize = 3;
/// How much of its connector's `throughput` a broadcast may take in advance: messages that wait would leave it
/// none, and it does not wait.
const ADVANCE: Duration = Duration::from_secs(1);

/// A broadcast that was kept, and the id it is known by to its ESME.
struct Kept {
    id: MessageId,
    broadcast: Broadcast,
}

impl Front {
    pub(super) fn broadcast(&mut self, link: &mut FrontLink<'_>, asked: Asked, pdu: &BroadcastSm) {
        let (Some(asker), Some(bound)) = (self.asker(asked), &self.bound) else { return };
        let now = link.now();
        if bound.account.live.rate.take(now.mono, 1).is_err() {
            count(&bound.account.live.counts.throttled, 1);
            return link.refuse(asked, CommandStatus::ESME_RTHROTTLED);
        }
        let mut pdu = pdu.clone();
        let begun = asker.check(&mut pdu, now).and_then(|()| {
            if pdu.message_id.is_empty() {
                let upstream = asker.way(&pdu, now)?;
                return asker.clone().send(&upstream, pdu, None);
            }
            // It takes the place of another, at the connector that has that one.
            let (named, source) = (pdu.message_id, pdu.source_addr);
            asker
                .clone()
                .of_kept(named, source, move |asker, upstream, kept| asker.send(upstream, pdu, Some(kept)))
        });
        if let Err(status) = begun {
            asker.refuse(status);
        }
    }

    pub(super) fn query_broadcast(&mut self, link: &mut FrontLink<'_>, asked: Asked, pdu: &QueryBroadcastSm) {
        let Some(asker) = self.asker(asked) else { return };
        let begun = if pdu.message_id.is_empty() {
            asker.clone().query_by_reference(pdu.clone(), link.now())
        } else {
            let (message_id, tlvs) = (pdu.message_id, pdu.tlvs.clone());
            asker.clone().of_kept(message_id, pdu.source_addr, move |asker, upstream, kept| {
                let sent = &kept.broadcast.pdu;
                let query = QueryBroadcastSm {
                    message_id: kept.broadcast.remote,
                    source_addr_ton: sent.source_addr_ton,
                    source_addr_npi: sent.source_addr_npi,
                    source_addr: sent.source_addr,
                    tlvs,
                };
                asker.ask(upstream, query, move |_, body| match body {
                    Body::QueryBroadcastSmResp(resp) => {
                        Some(QueryBroadcastSmResp { message_id, ..resp }.into())
                    }
                    _ => None,
                })
            })
        };
        if let Err(status) = begun {
            asker.answer(Err(status));
        }
    }

    pub(super) fn cancel_broadcast(
        &mut self,
        link: &mut FrontLink<'_>,
        asked: Asked,
        pdu: &CancelBroadcastSm,
    ) {
        let Some(asker) = self.asker(asked) else { return };
        let pdu = pdu.clone();
        let cancelled = |_: &Asker, body| match body {
            Body::CancelBroadcastSmResp(resp) => Some(resp.into()),
            _ => None::<Body>,
        };
        let begun = if pdu.message_id.is_empty() {
            asker.cancel_many(pdu, link.now(), cancelled)
        } else {
            asker.clone().of_kept(pdu.message_id, pdu.source_addr, move |asker, upstream, kept| {
                let sent = &kept.broadcast.pdu;
                let cancel = CancelBroadcastSm {
                    message_id: kept.broadcast.remote,
                    source_addr_ton: sent.source_addr_ton,
                    source_addr_npi: sent.source_addr_npi,
                    source_addr: sent.source_addr,
                    ..pdu
                };
                asker.ask(upstream, cancel, cancelled)
            })
        };
        if let Err(status) = begun {
            asker.answer(Err(status));
        }
    }
}

impl Asker {
    /// Whether there may be a broadcast, by all that can be said of it here.
    fn check(&self, pdu: &mut BroadcastSm, now: Now) -> Result<(), CommandStatus> {
        if self.hub.is_full() || !self.hub.may_send() || self.hub.room() < CHANGES {
            return Err(CommandStatus::ESME_RMSGQFUL);
        }
        self.judge(pdu)?;
        let due = time(pdu.schedule_delivery_time, now.unix_ms, CommandStatus::ESME_RINVSCHED)?;
        let end = time(pdu.validity_period, now.unix_ms, CommandStatus::ESME_RINVEXPIRY)?;
        if let (Some(due), Some(end)) = (due, end)
            && end < due
        {
            return Err(CommandStatus::ESME_RINVEXPIRY);
        }
        Ok(())
    }

    /// Puts the source right, or refuses it.
    fn judge(&self, pdu: &mut BroadcastSm) -> Result<(), CommandStatus> {
        judge_source(&self.account, &mut pdu.source_addr_ton, &mut pdu.source_addr_npi, &mut pdu.source_addr)
    }

    /// The first connector that its route names and that can take it now: it does not wait for one.
    fn way(&self, pdu: &BroadcastSm, now: Now) -> Result<Arc<Upstream>, CommandStatus> {
        let plan = self.hub.plan.load();
        let origin = Origin::Account(&self.account.name, self.version);
        let facts = facts::of_broadcast_sm(pdu, origin, now.unix_ms);
        let choice = plan.choose(Routes::Submitted, &facts, now.unix_ms, self.hub.dice());
        let choice = choice.map_err(|no_route| match no_route {
            NoRoute::Refused { status, .. } => status,
            // It has no destination that could be wrong.
            _ => self.failure(),
        })?;
        let mut ways = choice.targets().filter_map(|name| plan.connectors.get(name));
        let is_open = |upstream: &Upstream| !self.submits() || upstream.live.is_open(now.unix_ms);
        ways.find(|upstream| upstream.takes_errands() && is_open(upstream)).cloned().ok_or(self.failure())
    }

    /// Hands a broadcast to a connector.
    fn send(
        self,
        upstream: &Arc<Upstream>,
        pdu: BroadcastSm,
        replaced: Option<Kept>,
    ) -> Result<(), CommandStatus> {
        let (rate, Now { mono: now, unix_ms }) = (&upstream.live.rate, self.hub.now());
        if !upstream.live.is_open(unix_ms) {
            return Err(self.failure());
        }
        if rate.wait(now) > ADVANCE {
            return Err(CommandStatus::ESME_RTHROTTLED);
        }
        let mut sent = pdu.clone();
        if let Some(kept) = &replaced {
            sent.message_id = kept.broadcast.remote;
        }
        let (from, to) = (self.account.settings.alphabet, upstream.settings.alphabet);
        broadcast_between(&mut sent, from.into(), to.into());
        let (asker, of) = (self.clone(), Arc::clone(upstream));
        let run = upstream.run(sent, move |answer| {
            let counts = &of.live.counts;
            count(if answer.is_ok() { &counts.taken } else { &counts.not_taken }, 1);
            match answer {
                Ok(Body::BroadcastSmResp(resp)) => asker.keep(&of, pdu, replaced, resp),
                Err(Some(status)) => asker.refuse(status),
                Ok(_) | Err(None) => asker.refuse(asker.failure()),
            }
        });
        match run {
            Ok(()) => {
                rate.spend(now, 1);
                Ok(())
            }
            Err(NotRun::Full) => Err(CommandStatus::ESME_RMSGQFUL),
            Err(NotRun::NoBind) => Err(self.failure()),
        }
    }

    /// A broadcast was taken: it is told when it is durable. Nothing more will be heard of it but what is asked,
    /// as broadcast_sm asks for no receipt, so it ends in the same commit.
    fn keep(self, upstream: &Upstream, pdu: BroadcastSm, replaced: Option<Kept>, resp: BroadcastSmResp) {
        let id = self.hub.next_message_id(self.hub.now().unix_ms);
        let remote = resp.message_id;
        // In the place of another it mostly has that one's id.
        let told = replaced.filter(|kept| kept.broadcast.remote == remote).map(|kept| kept.id);
        let (priority, source) = (pdu.priority_flag, pdu.source_addr.to_text().into());
        let kept = Broadcast { pdu, told, connector: (*upstream.name).into(), remote };
        let accepted = Accepted {
            id,
            account: self.account.name.clone(),
            queue: upstream.feed.queue.clone(),
            priority,
            due_at: id.made_at(),
            expires_at: None,
            source,
            destination: Box::default(),
            reference: None,
            payload: Parcel::Broadcast(Box::new(kept)).to_octets(),
        };
        let mut changes = vec![Change::Accept(Arc::new(accepted))];
        if !remote.is_empty() {
            changes.push(Change::Sent { id, remote: Arc::new(remote_id(upstream, &remote)) });
        }
        let reason = "taken as a broadcast".into();
        changes.push(Change::Finish { id, state: Final::Delivered, reason, then: None });
        let message_id = told.unwrap_or(id).to_string().parse().unwrap_or_default();
        let resp = BroadcastSmResp { message_id, ..resp };
        let hub = Arc::clone(&self.hub);
        hub.keep(changes, move || {
            count(&self.account.live.counts.accepted, 1);
            self.answer(Ok(resp.clone().into()));
        });
    }

    /// Has something done about a broadcast that was kept, at the connector that took it.
    fn of_kept(
        self,
        message_id: CStr<65>,
        source: CStr<21>,
        run: impl FnOnce(Self, &Arc<Upstream>, Kept) -> Result<(), CommandStatus> + Send + 'static,
    ) -> Result<(), CommandStatus> {
        let hub = Arc::clone(&self.hub);
        let is_taken = hub.store.call_then(move |store: &mut dyn Store, _| {
            let found = self.kept(store, &message_id, source).and_then(|kept| {
                let plan = self.hub.plan.load();
                let upstream = plan.connectors.get(&*kept.broadcast.connector);
                run(self.clone(), upstream.ok_or(self.failure())?, kept)
            });
            if let Err(status) = found {
                self.answer(Err(status));
            }
        });
        if is_taken { Ok(()) } else { Err(CommandStatus::ESME_RSYSERR) }
    }

    /// The broadcast that it names, if it is its own and came from that source.
    fn kept(
        &self,
        store: &dyn Store,
        message_id: &CStr<65>,
        source: CStr<21>,
    ) -> Result<Kept, CommandStatus> {
        let found = self.own(store, message_id)?;
        let Some((message, Parcel::Broadcast(broadcast))) = found else { return Err(self.failure()) };
        // The source may have been put right when it came, and is so again.
        let mut asks = BroadcastSm { source_addr: source, ..broadcast.pdu.clone() };
        let is_from = source.is_empty()
            || source == broadcast.pdu.source_addr
            || (self.judge(&mut asks).is_ok() && asks.source_addr == broadcast.pdu.source_addr);
        let is_known = is_from && !broadcast.remote.is_empty();
        let id = message.accepted.id;
        is_known.then_some(Kept { id, broadcast: *broadcast }).ok_or(self.failure())
    }

    /// Asks a connector something, and passes its answer on as `say` puts it.
    fn ask(
        self,
        upstream: &Upstream,
        request: impl Into<Body>,
        say: impl FnOnce(&Self, Body) -> Option<Body> + Send + 'static,
    ) -> Result<(), CommandStatus> {
        let failure = self.failure();
        let run = upstream.run(request, move |answer| {
            self.answer(match answer {
                Ok(body) => say(&self, body).ok_or(failure),
                Err(Some(status)) => Err(status),
                Err(None) => Err(failure),
            });
        });
        run.map_err(|_| failure)
    }

    /// By its ESME's own number, which only the message centre can look up. It knows us and not our accounts, so
    /// what it finds may be another one's.
    fn query_by_reference(self, mut pdu: QueryBroadcastSm, now: Now) -> Result<(), CommandStatus> {
        if !pdu.tlvs.has(tag::user_message_reference.tag()) {
            return Err(self.failure());
        }
        let source = (&mut pdu.source_addr_ton, &mut pdu.source_addr_npi, &mut pdu.source_addr);
        let upstream = self.way_of_source(CStr::EMPTY, source, now)?;
        let (failure, asker, of) = (self.failure(), self, Arc::clone(&upstream));
        let run = upstream.run(pdu, move |answer| match answer {
            Ok(Body::QueryBroadcastSmResp(resp)) => asker.tell_own(of, resp),
            Err(Some(status)) => asker.answer(Err(status)),
            Ok(_) | Err(None) => asker.answer(Err(failure)),
        });
        run.map_err(|_| failure)
    }

    /// Tells what a connector said of a broadcast, if that one is its own, under the id it knows.
    fn tell_own(self, upstream: Arc<Upstream>, resp: QueryBroadcastSmResp) {
        let (hub, asker) = (Arc::clone(&self.hub), self.clone());
        let is_taken = hub.store.call_then(move |store: &mut dyn Store, _| {
            let remote = remote_id(&upstream, &resp.message_id);
            let found = store.correlate(&remote).map_err(|error| self.failed(&error));
            self.answer(found.and_then(|found| {
                let own = found.iter().filter(|one| *one.message.account == *self.account.name);
                let told = own.filter_map(|one| match Parcel::read(&one.message.payload) {
                    Ok(Parcel::Broadcast(kept)) if kept.remote == resp.message_id => {
                        Some(kept.told.unwrap_or(one.message.id))
                    }
                    _ => None,
                });
                let told = told.max().ok_or(self.failure())?;
                let message_id = told.to_string().parse().unwrap_or_default();
                Ok(QueryBroadcastSmResp { message_id, ..resp }.into())
            }));
        });
        if !is_taken {
            asker.answer(Err(CommandStatus::ESME_RSYSERR));
        }
    }

    /// By source and service, or by its ESME's own number: the message centre knows which these are.
    fn cancel_many(
        &self,
        mut pdu: CancelBroadcastSm,
        now: Now,
        say: impl FnOnce(&Self, Body) -> Option<Body> + Send + 'static,
    ) -> Result<(), CommandStatus> {
        let source = (&mut pdu.source_addr_ton, &mut pdu.source_addr_npi, &mut pdu.source_addr);
        let upstream = self.way_of_source(pdu.service_type, source, now)?;
        self.clone().ask(&upstream, pdu, say)
    }

    /// The way that a broadcast of this source and service has. Puts the source right, or refuses it.
    fn way_of_source(
        &self,
        service_type: CStr<6>,
        (ton, npi, addr): (&mut Ton, &mut Npi, &mut CStr<21>),
        now: Now,
    ) -> Result<Arc<Upstream>, CommandStatus> {
        judge_source(&self.account, ton, npi, addr)?;
        let about = BroadcastSm {
            service_type,
            source_addr_ton: *ton,
            source_addr_npi: *npi,
            source_addr: *addr,
            ..BroadcastSm::default()
        };
        self.way(&about, now)
    }

    /// Whether it is sent within hours only; what is asked about it is at any time.
    fn submits(&self) -> bool {
        self.asked.command_id == BroadcastSm::COMMAND_ID
    }

    /// What is answered when nothing else says what is wrong.
    fn failure(&self) -> CommandStatus {
        match self.asked.command_id {
            QueryBroadcastSm::COMMAND_ID => CommandStatus::ESME_RBCASTQUERYFAIL,
            CancelBroadcastSm::COMMAND_ID => CommandStatus::ESME_RBCASTCANCELFAIL,
            _ => CommandStatus::ESME_RBCASTFAIL,
        }
    }

    /// A broadcast is refused.
    fn refuse(&self, status: CommandStatus) {
        count(&self.account.live.counts.refused, 1);
        self.answer(Err(status));
    }
}

/// Its id at the connector, set apart from those of messages: both may be numbered alike, and a receipt that came
/// before its response would be taken for a repeated one of the broadcast.
fn remote_id(upstream: &Upstream, remote: &CStr<65>) -> RemoteId {
    let form = format!("broadcast:{}", remote.to_text());
    RemoteId { connector: upstream.name.clone(), forms: vec![form.into()] }
}
