//! Messages from an ESME: checked, routed, made durable, answered.

use std::collections::HashSet;
use std::sync::Arc;

use smppkit_net::Asked;
use smppkit_relay::{Outgoing, Parcel, Part, Submission, cut, short_reference, to_neutral};
use smppkit_route::NoRoute;
use smppkit_store::{Accepted, Change, MessageId, Outcome, Timestamp, Uncommitted};
use smppkit_wire::field::{CStr, DestAddress, UnsuccessSme, UnsuccessSmes};
use smppkit_wire::pdu::table::{DataSm, DataSmResp, SubmitMulti, SubmitMultiResp, SubmitSm, SubmitSmResp};
use smppkit_wire::value::{Npi, Ton};
use smppkit_wire::{Body, CommandStatus, Version};

use super::{Bound, Front, FrontLink};
use crate::access::Judgement;
use crate::counts::count;
use crate::entities::Routes;
use crate::facts::{self, Origin};
use crate::hub::status_of;
use crate::note::{Ask, Note};
use crate::plan::{Account, whole_queue};
use crate::settings::millis;

impl Front {
    /// submit_sm and data_sm.
    pub(super) fn submit(&mut self, link: &mut FrontLink<'_>, asked: Asked, body: &Body) {
        let Some(bound) = &self.bound else { return };
        if bound.account.live.rate.take(link.now().mono, 1).is_err() {
            count(&bound.account.live.counts.throttled, 1);
            return link.refuse(asked, CommandStatus::ESME_RTHROTTLED);
        }
        let now_ms = link.now().unix_ms;
        let taken = Submission::read(body, bound.version, now_ms).and_then(|submission| {
            let replaces = submission.replace_if_present;
            Ok((self.accept(bound, submission, None, now_ms)?, replaces))
        });
        match taken {
            Ok((Taken { message, pieces }, true)) if pieces.is_empty() => {
                self.replace_or_accept(asked, message);
            }
            Ok((taken, _)) => {
                let id = told(&taken.message, bound.version);
                self.asks.push(Ask { asked, id, changes: taken.changes(), multi: None });
                taken.into_changes(&mut self.accepts);
            }
            Err(status) => {
                count(&bound.account.live.counts.refused, 1);
                link.refuse(asked, status);
            }
        }
    }

    /// Each destination is a message of its own; all share the first one's id.
    pub(super) fn submit_multi(&mut self, link: &mut FrontLink<'_>, asked: Asked, pdu: &SubmitMulti) {
        let Some(bound) = &self.bound else { return };
        let destinations = u32::try_from(pdu.dest_address.iter().count()).unwrap_or(u32::MAX);
        if bound.account.live.rate.take_whole(link.now().mono, destinations).is_err() {
            count(&bound.account.live.counts.throttled, u64::from(destinations));
            return link.refuse(asked, CommandStatus::ESME_RTHROTTLED);
        }
        let now_ms = link.now().unix_ms;
        let (mut refused, mut seen) = (Vec::new(), HashSet::new());
        let (mut messages, mut first): (Vec<Taken>, Option<MessageId>) = (Vec::new(), None);
        for destination in pdu.dest_address.iter() {
            let (ton, npi, addr) = match &destination {
                DestAddress::Sme { ton, npi, addr } => (*ton, *npi, *addr),
                DestAddress::DistributionList { name } => (Ton::ALPHANUMERIC, Npi::UNKNOWN, *name),
            };
            // The same destination twice is one message.
            if !seen.insert((ton, npi, addr)) {
                continue;
            }
            let taken = Submission::of_submit_multi(pdu, &destination, bound.version, now_ms)
                .and_then(|submission| self.accept(bound, submission, first, now_ms));
            match taken {
                Ok(taken) => {
                    first.get_or_insert(taken.message.id);
                    messages.push(taken);
                }
                Err(error_status_code) => refused.push(UnsuccessSme { ton, npi, addr, error_status_code }),
            }
        }
        count(&bound.account.live.counts.refused, refused.len() as u64);
        let Some(head) = messages.first() else {
            // All refused: no specification says; one shared reason says more than none.
            let reasons: HashSet<u32> = refused.iter().map(|sme| sme.error_status_code.0).collect();
            let one = refused.first().filter(|_| reasons.len() == 1).map(|sme| sme.error_status_code);
            return link.refuse(asked, one.unwrap_or(CommandStatus::ESME_RSUBMITFAIL));
        };
        let id = told(&head.message, bound.version);
        let multi = Some(Box::new(UnsuccessSmes::new(&refused).unwrap_or_default()));
        self.asks.push(Ask { asked, id, changes: messages.iter().map(Taken::changes).sum(), multi });
        for taken in messages {
            taken.into_changes(&mut self.accepts);
        }
    }

    /// A message as it will be kept, if it may be. `first` is the one whose id is told for it.
    fn accept(
        &self,
        bound: &Bound,
        mut submission: Submission,
        first: Option<MessageId>,
        now_ms: i64,
    ) -> Result<Taken, CommandStatus> {
        if self.hub.is_full() {
            return Err(CommandStatus::ESME_RMSGQFUL);
        }
        let account = &bound.account;
        let pdu = &mut submission.pdu;
        judge_source(account, &mut pdu.source_addr_ton, &mut pdu.source_addr_npi, &mut pdu.source_addr)?;
        to_neutral(&mut submission.pdu, account.settings.alphabet.into());
        let plan = &bound.plan;
        let facts =
            facts::of_submit_sm(&submission.pdu, Origin::Account(&account.name, bound.version), now_ms);
        let choice = plan.choose(Routes::Submitted, &facts, now_ms, self.hub.dice());
        let choice = choice.map_err(NoRoute::status)?;
        let Some(upstream) = plan.connectors.get(choice.first()) else {
            return Err(CommandStatus::ESME_RSYSERR);
        };
        let others: Vec<Box<str>> = choice.rest().map(Into::into).collect();
        drop(facts);
        let id = self.hub.next_message_id(now_ms);
        let reference = id.to_u64() as u16;
        let pieces = cut(&submission.pdu, upstream.settings.carry(), reference)?;
        let life = &plan.settings.life;
        let begins = submission.due_ms.unwrap_or(now_ms);
        let expires_ms = submission.expires_ms.unwrap_or(begins + millis(life.message.0));
        let pdu = &submission.pdu;
        let accepted = Accepted {
            id,
            account: account.name.clone(),
            queue: upstream.feed.queue.clone(),
            priority: pdu.priority_flag,
            // The id's own moment never goes back, whatever the clock does: order is kept by it.
            due_at: submission.due_ms.map_or(id.made_at(), Timestamp),
            expires_at: Some(Timestamp(expires_ms.min(begins + millis(life.longest.0)))),
            source: pdu.source_addr.to_text().into(),
            destination: pdu.destination_addr.to_text().into(),
            reference: (bound.version == Version::V33).then(|| short_reference(self.hub.next_short())),
            payload: Box::default(),
        };
        let message = Outgoing { told: first, others, ..Outgoing::new(submission.pdu, bound.version) };
        Ok(if pieces.is_empty() {
            Taken::one(accepted, message)
        } else {
            self.cut(accepted, message, pieces, now_ms)
        })
    }

    /// A message that is kept as it came, to be told about, and its pieces, to be sent.
    fn cut(&self, whole: Accepted, message: Outgoing, pieces: Vec<SubmitSm>, now_ms: i64) -> Taken {
        let of = pieces.len() as u8;
        let mut kept = Vec::with_capacity(pieces.len());
        for (pdu, number) in pieces.into_iter().zip(1..) {
            let part = Some(Part { whole: whole.id, number, of });
            let id = self.hub.next_message_id(now_ms);
            let due_at = whole.due_at.max(id.made_at());
            // They stay together: none goes another way than the others.
            let piece = Outgoing { part, ..Outgoing::new(pdu, message.version) };
            let accepted = Accepted { id, due_at, reference: None, ..whole.clone() };
            kept.push(Taken::one(accepted, piece).message);
        }
        let parts = kept.iter().map(|piece| piece.id).collect();
        let message = Outgoing { parts, ..message };
        // It ends when they have.
        let accepted = Accepted { queue: whole_queue(), expires_at: None, ..whole };
        Taken { pieces: kept, ..Taken::one(accepted, message) }
    }

    /// Hands the batch to the store, and what came of deliveries. What has no room is refused: all of a
    /// request or nothing.
    pub(super) fn flush(&mut self, link: &mut FrontLink<'_>) {
        self.hub.settle(None, std::mem::take(&mut self.results));
        if let Some(outlet) = &mut self.outlet {
            outlet.return_unanswered(&self.hub);
        }
        if self.accepts.is_empty() {
            return;
        }
        let mut changes = std::mem::take(&mut self.accepts);
        let mut asks = std::mem::take(&mut self.asks);
        let mut room = self.hub.room();
        let fits = asks.iter().take_while(|ask| {
            let fits = ask.changes <= room;
            room = room.saturating_sub(ask.changes);
            fits
        });
        let fits = fits.count();
        let left = asks.split_off(fits);
        changes.truncate(asks.iter().map(|ask| ask.changes).sum());
        refuse(link, left, CommandStatus::ESME_RMSGQFUL);
        if !asks.is_empty() {
            self.commit(link, changes, asks);
        }
    }

    fn commit(&mut self, link: &mut FrontLink<'_>, changes: Vec<Change>, asks: Vec<Ask>) {
        let queues = crate::hub::queues_of(&changes);
        let (hub, notes) = (Arc::clone(&self.hub), Arc::clone(&self.notes));
        let given = self.hub.store.commit_then(changes, move |committed| {
            notes.post(Note::Taken(committed.map_err(|Uncommitted { error, .. }| {
                hub.store_failed(&error);
                status_of(&error)
            })));
            hub.told(&queues);
        });
        match given {
            Ok(()) => self.pending.push_back(asks),
            Err(not_taken) => {
                let is_closed = not_taken.is_closed;
                let status =
                    if is_closed { CommandStatus::ESME_RSYSERR } else { CommandStatus::ESME_RMSGQFUL };
                refuse(link, asks, status);
            }
        }
    }

    /// What became of a batch: now it may be answered.
    pub(super) fn taken(&mut self, link: &mut FrontLink<'_>, outcomes: Result<Vec<Outcome>, CommandStatus>) {
        let Some(asks) = self.pending.pop_front() else { return };
        let counts = self.bound.as_ref().map(|bound| &bound.account.live.counts);
        match outcomes {
            Ok(outcomes) => {
                let mut outcomes = outcomes.into_iter();
                for ask in asks {
                    let kept =
                        outcomes.by_ref().take(ask.changes).filter(|one| *one == Outcome::Done).count();
                    if let Some(counts) = counts {
                        count(&counts.accepted, kept as u64);
                    }
                    if kept == ask.changes {
                        answer(link, ask);
                    } else {
                        // A short id of 3.3 that is taken already; the next attempt gets another.
                        link.refuse(ask.asked, CommandStatus::ESME_RTHROTTLED);
                    }
                }
            }
            Err(status) => {
                for ask in asks {
                    if let Some(counts) = counts {
                        count(&counts.refused, ask.changes as u64);
                    }
                    link.refuse(ask.asked, status);
                }
            }
        }
    }
}

/// A message as it will be kept, and the pieces it was cut into.
struct Taken {
    message: Arc<Accepted>,
    pieces: Vec<Arc<Accepted>>,
}

impl Taken {
    fn one(accepted: Accepted, message: Outgoing) -> Self {
        let payload = Parcel::Message(Box::new(message)).to_octets();
        Self { message: Arc::new(Accepted { payload, ..accepted }), pieces: Vec::new() }
    }

    fn changes(&self) -> usize {
        1 + self.pieces.len()
    }

    fn into_changes(self, changes: &mut Vec<Change>) {
        changes.push(Change::Accept(self.message));
        changes.extend(self.pieces.into_iter().map(Change::Accept));
    }
}

fn refuse(link: &mut FrontLink<'_>, asks: Vec<Ask>, status: CommandStatus) {
    for ask in asks {
        link.refuse(ask.asked, status);
    }
}

fn answer(link: &mut FrontLink<'_>, ask: Ask) {
    let message_id: CStr<65> = ask.id.parse().unwrap_or_default();
    let body: Body = match ask.multi {
        Some(unsuccess_sme) => {
            SubmitMultiResp { message_id, unsuccess_sme: *unsuccess_sme, ..SubmitMultiResp::default() }.into()
        }
        None if ask.asked.command_id == DataSm::COMMAND_ID => {
            DataSmResp { message_id, ..DataSmResp::default() }.into()
        }
        None => SubmitSmResp { message_id, ..SubmitSmResp::default() }.into(),
    };
    link.respond(ask.asked, body);
}

/// An id as an ESME of that version is told it.
pub(super) fn told(message: &Accepted, version: Version) -> Box<str> {
    match &message.reference {
        Some(short) if version == Version::V33 => short.clone(),
        _ => message.id.to_string().into(),
    }
}

/// Puts the source right, or refuses it.
pub(super) fn judge_source(
    account: &Account,
    ton: &mut Ton,
    npi: &mut Npi,
    addr: &mut CStr<21>,
) -> Result<(), CommandStatus> {
    match account.settings.sources.judge(*ton, *npi, addr.as_octets()) {
        Judgement::Allowed => Ok(()),
        Judgement::Rewritten(sender) => {
            (*ton, *npi, *addr) = (sender.ton, sender.npi, sender.address);
            Ok(())
        }
        Judgement::Refused(status) => Err(status),
    }
}
