//! What comes from a connector: receipts, and messages for accounts.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use smppkit_net::Asked;
use smppkit_relay::{Incoming, Learnt, Notice, Parcel, Settled, Settlement, delivery_to_neutral, settle_one};
use smppkit_store::{Accepted, Change, Committed, Outcome, Store, Timestamp, Uncommitted};
use smppkit_wire::field::{CStr, ShortMessage};
use smppkit_wire::pdu::table::{DataSm, DataSmResp, DeliverSm, DeliverSmResp};
use smppkit_wire::tlv::tag;
use smppkit_wire::{Body, CommandStatus, Tlvs};
use tracing::debug;

use super::{Held, LATER, Receipt, Session, UpstreamLink};
use crate::counts::count;
use crate::entities::Routes;
use crate::facts::{self, Origin};
use crate::hub::{Hub, queues_of};
use crate::note::Note;
use crate::plan::Upstream;
use crate::settings::millis;

/// How long a receipt waits for others to show how ids are written. Short of any message centre's own
/// patience, and few ever wait: it is known after the first receipts.
const EVIDENCE: Duration = Duration::from_secs(2);
/// How often a receipt may be told that its message is there by now.
const KNOWN: u8 = 3;
/// Until it is looked at for the second time.
const SOON: Duration = Duration::from_millis(10);

impl Session {
    pub(super) fn incoming(&mut self, link: &mut UpstreamLink<'_>, asked: Asked, body: Body) {
        if let Some(bound) = &self.bound {
            bound.card.received.fetch_add(1, Ordering::Relaxed);
        }
        match Notice::read(&body) {
            Some(notice) => {
                count(&self.upstream.live.counts.receipts, 1);
                self.receipts.push(Receipt::new(asked, notice, body, link.now().mono));
            }
            None => self.message(link, asked, body),
        }
    }

    /// A message from a handset.
    fn message(&mut self, link: &mut UpstreamLink<'_>, asked: Asked, body: Body) {
        let now_ms = link.now().unix_ms;
        let taken = match body {
            Body::DeliverSm(pdu) => self.accept(pdu, now_ms),
            Body::DataSm(pdu) => deliver_sm(&pdu).and_then(|pdu| self.accept(pdu, now_ms)),
            _ => Err(CommandStatus::ESME_RINVCMDID),
        };
        match taken {
            Ok(message) => self.messages.push((asked, Change::Accept(message))),
            Err(status) => {
                count(&self.upstream.live.counts.refused, 1);
                link.refuse(asked, status);
            }
        }
    }

    fn accept(&self, mut pdu: DeliverSm, now_ms: i64) -> Result<Arc<Accepted>, CommandStatus> {
        let plan = self.hub.plan.load();
        delivery_to_neutral(&mut pdu, self.upstream.settings.alphabet.into());
        let facts = facts::of_deliver_sm(&pdu, Origin::Connector(&self.upstream.name), now_ms);
        let choice = plan.choose(Routes::Incoming, &facts, now_ms, self.hub.dice());
        let account = choice.map(|choice| choice.first()).ok().and_then(|name| plan.accounts.get(name));
        drop(facts);
        let Some(account) = account else {
            debug!(connector = %self.upstream.name, "no mo_route for a message");
            // Trying again will not help until somebody makes a route.
            return Err(CommandStatus::ESME_RX_P_APPN);
        };
        let id = self.hub.next_message_id(now_ms);
        let life_ms = millis(plan.settings.life.delivery.0);
        let (source, destination) = (pdu.source_addr.to_text().into(), pdu.destination_addr.to_text().into());
        let parcel = Parcel::Incoming(Box::new(Incoming { pdu, connector: (*self.upstream.name).into() }));
        Ok(Arc::new(Accepted {
            id,
            account: account.name.clone(),
            queue: account.feed.queue.clone(),
            priority: 0,
            due_at: id.made_at(),
            expires_at: Some(Timestamp(now_ms + life_ms)),
            source,
            destination,
            reference: None,
            payload: parcel.to_octets(),
        }))
    }

    /// Hands the messages of a batch to the store; they are answered when they are durable.
    pub(super) fn flush_messages(&mut self, link: &mut UpstreamLink<'_>) {
        if self.messages.is_empty() {
            return;
        }
        let (asked, changes): (Vec<Asked>, Vec<Change>) = self.messages.drain(..).unzip();
        let queues = queues_of(&changes);
        let (hub, notes, upstream) =
            (Arc::clone(&self.hub), Arc::clone(&self.notes), Arc::clone(&self.upstream));
        let all = asked.clone();
        let given = self.hub.store.commit_then(changes, move |committed| {
            let status = match committed {
                Ok(_) => {
                    count(&upstream.live.counts.accepted, all.len() as u64);
                    hub.told(&queues);
                    CommandStatus::ESME_ROK
                }
                Err(Uncommitted { error, .. }) => {
                    hub.store_failed(&error);
                    LATER
                }
            };
            notes.post(Note::Answers(all.into_iter().map(|asked| (asked, status)).collect()));
        });
        if given.is_err() {
            for asked in asked {
                answer(link, asked, LATER);
            }
        }
    }

    /// Settles the receipts of a batch in one commit; they are answered when it is durable.
    pub(super) fn flush_receipts(&mut self, link: &mut UpstreamLink<'_>) {
        if self.receipts.is_empty() || self.is_looking {
            return;
        }
        let learnt = self.upstream.live.learnt().clone();
        self.is_looking = learnt.known().is_none();
        let waits = !self.held.is_empty();
        let receipts = std::mem::take(&mut self.receipts);
        let asked: Vec<Asked> = receipts.iter().map(|receipt| receipt.asked).collect();
        let (hub, upstream, notes) =
            (Arc::clone(&self.hub), Arc::clone(&self.upstream), Arc::clone(&self.notes));
        let work = move |store: &mut dyn Store, now: Timestamp| {
            look_up(&hub, &upstream, store, now, (&learnt, waits), receipts)
        };
        let done = move |committed: Committed, batch: Batch| batch.done(committed, &notes);
        if self.hub.store.prepare_then(asked.len(), work, done).is_err() {
            self.is_looking = false;
            for asked in asked {
                answer(link, asked, LATER);
            }
        }
    }

    /// Receipts that came to nothing yet: those that came before ids were understood wait a little,
    /// those that belong to a message by now are settled, the others are messages.
    pub(super) fn again(&mut self, link: &mut UpstreamLink<'_>, receipts: Vec<(Receipt, Why)>) {
        let now = link.now().mono;
        for (mut receipt, why) in receipts {
            match why {
                Why::Message => self.message(link, receipt.asked, receipt.body),
                Why::Known => self.receipts.push(receipt),
                Why::TooEarly { for_ids } => {
                    // Soon at first: mostly its message's response is being written.
                    receipt.wait = (receipt.wait * 3).max(SOON);
                    let until = (now + receipt.wait).min(receipt.came + EVIDENCE);
                    receipt.force = until >= receipt.came + EVIDENCE;
                    self.held.push(Held { receipt, until, for_ids });
                }
            }
        }
    }

    /// Settles what was held back, once more is known or its time has come.
    pub(super) fn look_at_held(&mut self, link: &mut UpstreamLink<'_>) {
        if self.held.is_empty() {
            return;
        }
        let now = link.now().mono;
        let is_known = self.upstream.live.learnt().known().is_some();
        let is_due = |held: &Held| (held.for_ids && is_known) || held.until <= now;
        if !self.held.iter().any(is_due) {
            return;
        }
        // All, in their order, or one would wait for another.
        let due = std::mem::take(&mut self.held);
        // Before what has come since: a state on the way is not told after the end.
        let later = std::mem::take(&mut self.receipts);
        self.receipts = due.into_iter().map(|held| held.receipt).chain(later).collect();
    }
}

/// Why a receipt is looked at again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    /// It belongs to no message yet.
    TooEarly {
        /// Only since it was not known how ids are written.
        for_ids: bool,
    },
    /// Its message got its id in the same moment.
    Known,
    /// It is none.
    Message,
}

/// Receipts between being looked up and being durable.
struct Batch {
    hub: Arc<Hub>,
    upstream: Arc<Upstream>,
    queues: Vec<Arc<str>>,
    /// Each with what it came to, and whether a change was made for it.
    settled: Vec<(Receipt, Settled, bool)>,
    /// It was not known how ids are written.
    is_learning: bool,
    failed: bool,
}

/// `learnt` is what was known when the batch was handed over, and `waits` says whether others are held back:
/// none of it may overtake them.
fn look_up(
    hub: &Arc<Hub>,
    upstream: &Arc<Upstream>,
    store: &mut dyn Store,
    now: Timestamp,
    (learnt, waits): (&Learnt, bool),
    receipts: Vec<Receipt>,
) -> (Vec<Change>, Batch) {
    let is_learning = learnt.known().is_none();
    let ahead = &mut (is_learning && waits);
    let mut changes = Vec::with_capacity(receipts.len());
    let mut settled = Vec::with_capacity(receipts.len());
    let mut failed = false;
    for receipt in receipts {
        let came = (&receipt.notice, &receipt.body);
        match settle_one(store, now, &upstream.name, learnt, &**hub, came, receipt.force) {
            Ok(Settlement { settled: what, change, hint }) => {
                let mut receipt = receipt;
                if let Some(form) = hint.filter(|_| !receipt.has_hinted) {
                    receipt.has_hinted = true;
                    upstream.live.learnt().saw(form);
                }
                // Behind one that waits everything does, or an end could overtake a state on the way.
                let waits = *ahead && !receipt.force;
                let (what, change) = if waits { (Settled::TooEarly, None) } else { (what, change) };
                *ahead |= is_learning && what == Settled::TooEarly;
                settled.push((receipt, what, change.is_some()));
                changes.extend(change);
            }
            Err(error) => {
                hub.store_failed(&error);
                failed = true;
                // Without an answer of its own it is refused with the others.
                settled.push((receipt, Settled::Repeated, false));
            }
        }
    }
    let queues = queues_of(&changes);
    let (hub, upstream) = (Arc::clone(hub), Arc::clone(upstream));
    (changes, Batch { hub, upstream, queues, settled, is_learning, failed })
}

impl Batch {
    /// In a thread of the writer's, when the changes are durable or have failed.
    fn done(self, committed: Committed, notes: &crate::note::Notes) {
        let outcomes = match committed {
            Ok(outcomes) if !self.failed => outcomes,
            Ok(_) => return self.refuse(notes),
            Err(Uncommitted { error, .. }) => {
                self.hub.store_failed(&error);
                return self.refuse(notes);
            }
        };
        let counts = &self.upstream.live.counts;
        let mut outcomes = outcomes.into_iter();
        let (mut answers, mut again) = (Vec::with_capacity(self.settled.len()), Vec::new());
        let mut wholes = Vec::new();
        for (mut receipt, settled, has_change) in self.settled {
            let outcome = if has_change { outcomes.next() } else { None };
            let why = match (&settled, outcome) {
                (Settled::TooEarly, _) => Some(Why::TooEarly { for_ids: self.is_learning }),
                (Settled::Message, _) => Some(Why::Message),
                // Once is usual; what goes on like that is nobody's.
                (_, Some(Outcome::Known(_))) if receipt.known < KNOWN => {
                    receipt.known += 1;
                    Some(Why::Known)
                }
                _ => None,
            };
            if let Some(why) = why {
                again.push((receipt, why));
                continue;
            }
            let is_settled = settled != Settled::NotYet;
            match settled {
                Settled::Ended { whole, .. } => wholes.extend(whole),
                Settled::Repeated => count(&counts.receipts_repeated, 1),
                Settled::Kept => count(&counts.receipts_unknown, 1),
                _ => {}
            }
            answers.push((receipt.asked, if is_settled { CommandStatus::ESME_ROK } else { LATER }));
        }
        self.hub.told(&self.queues);
        self.hub.look_at_wholes(wholes);
        if !again.is_empty() {
            notes.post(Note::Again(again));
        }
        notes.post(Note::Looked(answers));
    }

    /// Nothing was changed: the message centre sends them again.
    fn refuse(self, notes: &crate::note::Notes) {
        let answers = self.settled.into_iter().map(|(receipt, ..)| (receipt.asked, LATER)).collect();
        notes.post(Note::Looked(answers));
    }
}

/// Answers a deliver_sm or a data_sm.
pub(super) fn answer(link: &mut UpstreamLink<'_>, asked: Asked, status: CommandStatus) {
    if !status.is_ok() {
        return link.refuse(asked, status);
    }
    if asked.command_id == DataSm::COMMAND_ID {
        link.respond(asked, DataSmResp::default());
    } else {
        link.respond(asked, DeliverSmResp::default());
    }
}

/// The same message as a deliver_sm. Its addresses may be longer there than any network's are.
fn deliver_sm(pdu: &DataSm) -> Result<DeliverSm, CommandStatus> {
    let short = |addr: &CStr<65>, status| CStr::new(addr.as_octets()).map_err(|_| status);
    let payload = pdu.tlvs.octets(tag::message_payload.tag()).unwrap_or_default();
    let (short_message, tlvs) = match ShortMessage::new(payload) {
        Ok(short_message) if short_message.len() <= 254 => {
            let mut tlvs = Tlvs::build();
            for tlv in pdu.tlvs.iter().filter(|tlv| tlv.tag != tag::message_payload.tag()) {
                tlvs.push_octets(tlv.tag, tlv.value);
            }
            (short_message, tlvs.done())
        }
        _ => (ShortMessage::default(), pdu.tlvs.clone()),
    };
    Ok(DeliverSm {
        service_type: pdu.service_type,
        source_addr_ton: pdu.source_addr_ton,
        source_addr_npi: pdu.source_addr_npi,
        source_addr: short(&pdu.source_addr, CommandStatus::ESME_RINVSRCADR)?,
        dest_addr_ton: pdu.dest_addr_ton,
        dest_addr_npi: pdu.dest_addr_npi,
        destination_addr: short(&pdu.destination_addr, CommandStatus::ESME_RINVDSTADR)?,
        esm_class: pdu.esm_class,
        registered_delivery: pdu.registered_delivery,
        data_coding: pdu.data_coding,
        short_message,
        tlvs,
        ..DeliverSm::default()
    })
}
