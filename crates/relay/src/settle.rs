//! Which message a receipt belongs to, and what follows.

use std::sync::Arc;

use smppkit_store::{
    Accepted, Change, Correlated, Final, MessageId, Orphan, RemoteId, State, Store, StoreError, Timestamp,
};
use smppkit_wire::value::MessageState;
use smppkit_wire::{Body, CommandStatus, Version};

use crate::ids::{IdForm, Learnt};
use crate::notice::Notice;
use crate::parcel::{Outgoing, Parcel};
use crate::report::{Report, wants_report};

/// What settling a receipt needs to know besides the store.
pub trait Settling {
    /// The next id of a message.
    fn next_id(&self, now: Timestamp) -> MessageId;
    /// The queue of what is for an account.
    fn esme_queue(&self, account: &str) -> Arc<str>;
    /// How long what an ESME is told waits for it, in milliseconds.
    fn report_life_ms(&self) -> i64;
}

/// What a receipt came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// The end of a message.
    Ended {
        /// Which.
        id: MessageId,
        /// The message it is a piece of.
        whole: Option<MessageId>,
    },
    /// A state on the way.
    Passed,
    /// The message had ended before.
    Repeated,
    /// It belongs to none; it is kept, for the response that it may have overtaken.
    Kept,
    /// It reads like a receipt, but belongs to none: it is a message.
    Message,
    /// It is not known yet how this upstream writes ids, or whether it is a receipt at all: better asked
    /// again when more is.
    TooEarly,
    /// It belongs to none, and it is still not known how ids are written: to be sent again.
    NotYet,
}

/// What became of one receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settlement {
    /// In short.
    pub settled: Settled,
    /// What is to be changed.
    pub change: Option<Change>,
    /// In what way its id is written, if it fits a message in that way and in no other.
    pub hint: Option<IdForm>,
}

/// A message that a receipt fits.
struct Fit {
    form: IdForm,
    found: Correlated,
    is_from: bool,
}

/// From so many characters on an id is hardly met by chance: of a billion messages one.
const LONG_ID: usize = 10;

/// Looks for the message of a receipt, and says what is to be changed. `body` is the receipt as it came,
/// to be kept if need be.
///
/// Only the way of writing ids that is known for the upstream is believed: another that fits may be
/// chance, and the right message one whose response is still on its way. While none is known the
/// receipt is [`Settled::TooEarly`], unless `force` has it take what is likeliest.
pub fn settle_one(
    store: &mut dyn Store,
    now: Timestamp,
    connector: &Arc<str>,
    learnt: &Learnt,
    desk: &dyn Settling,
    (notice, body): (&Notice, &Body),
    force: bool,
) -> Result<Settlement, StoreError> {
    let fits = fits(store, connector, learnt, notice)?;
    let hint = hint(&fits);
    let only = |settled, change| Ok(Settlement { settled, change, hint });
    let fit = match learnt.known() {
        Some(known) => likeliest(fits.iter().filter(|fit| fit.form == known)),
        None if !force && !hint.is_some_and(|form| is_long(notice, form)) => {
            return only(Settled::TooEarly, None);
        }
        // As the response wrote it, or the one way that leads to where the receipt comes from.
        None => likeliest(fits.iter().filter(|fit| fit.form == IdForm::Same || hint == Some(fit.form))),
    };
    let Some(fit) = fit else {
        return match notice.certain {
            // It may be one of these: whoever sent it has it still.
            true if learnt.known().is_none() && !fits.is_empty() => only(Settled::NotYet, None),
            true => only(Settled::Kept, Some(keep(now, connector, learnt, notice, body))),
            // A response that it has overtaken may still come; only then is it nobody's receipt.
            false if !force => only(Settled::TooEarly, None),
            false => only(Settled::Message, None),
        };
    };
    let message = &fit.found.message;
    if let State::Final(_) = fit.found.state {
        return only(Settled::Repeated, None);
    }
    // What cannot be read any more is ended all the same: only its sender cannot be told.
    let outgoing = match Parcel::read(&message.payload) {
        Ok(Parcel::Message(outgoing)) => Some(outgoing),
        _ => None,
    };
    let Some(state) = notice.end() else {
        let report = outgoing.and_then(|outgoing| on_the_way(now, desk, notice, message, &outgoing));
        return only(Settled::Passed, report.map(Change::Accept));
    };
    let whole = outgoing.as_ref().and_then(|outgoing| outgoing.part).map(|part| part.whole);
    let then = outgoing.filter(|outgoing| outgoing.part.is_none()).and_then(|outgoing| {
        if !wants_report(outgoing.pdu.registered_delivery, state, false) {
            return None;
        }
        let mut report = Report::of(message, &outgoing, state, notice.done_ms.unwrap_or(now.0));
        report.err = err(notice);
        report.network_error_code = notice.network_error_code;
        Some(accepted(now, desk, &message.account, report))
    });
    let change = Change::Finish { id: message.id, state: ending(state), reason: reason(state, notice), then };
    only(Settled::Ended { id: message.id, whole }, Some(change))
}

/// The receipts that a response's outcome handed out: each is settled as if it came now. One that is
/// another message's is kept again.
pub fn settle(
    store: &mut dyn Store,
    now: Timestamp,
    connector: &Arc<str>,
    learnt: &Learnt,
    desk: &dyn Settling,
    orphans: &[Orphan],
) -> Result<Vec<Settlement>, StoreError> {
    let kept = orphans.iter().filter_map(kept);
    kept.map(|(notice, body)| settle_one(store, now, connector, learnt, desk, (&notice, &body), true))
        .collect()
}

/// A receipt that was kept, as it came.
fn kept(orphan: &Orphan) -> Option<(Notice, Body)> {
    let body = crate::parcel::pdu(&orphan.payload).ok()?;
    Some((Notice::read(&body)?, body))
}

/// Kept under the ids that a response may give: in the known way of writing only, for by another it would be
/// handed to a message that it does not belong to; while none is known, in every way.
fn keep(now: Timestamp, connector: &Arc<str>, learnt: &Learnt, notice: &Notice, body: &Body) -> Change {
    let mut payload = Vec::new();
    body.encode(CommandStatus::ESME_ROK, 0, Version::V50, &mut payload);
    let ways: Vec<IdForm> = learnt.known().map_or_else(|| learnt.order().collect(), |known| vec![known]);
    let mut forms: Vec<Box<str>> = Vec::new();
    for id in ways.iter().flat_map(|way| notice.ids.iter().filter_map(|id| way.response_of(id))) {
        if !forms.contains(&id) {
            forms.push(id);
        }
    }
    let remote = RemoteId { connector: connector.clone(), forms };
    Change::Keep(Arc::new(Orphan { remote, at: now, payload: payload.into() }))
}

/// The messages that the known way of writing makes of the receipt's ids; every way's, if there are none
/// or no way is known.
fn fits(
    store: &mut dyn Store,
    connector: &Arc<str>,
    learnt: &Learnt,
    notice: &Notice,
) -> Result<Vec<Fit>, StoreError> {
    let mut fits: Vec<Fit> = Vec::new();
    let known = learnt.known();
    for form in learnt.order() {
        for id in &notice.ids {
            let Some(response) = form.response_of(id) else { continue };
            let remote = RemoteId { connector: connector.clone(), forms: vec![response] };
            for found in store.correlate(&remote)? {
                // The same message in two ways: its id is too short to tell them apart.
                let is_from = notice.is_from(&found.message.destination);
                fits.push(Fit { form, found, is_from });
            }
        }
        if known == Some(form) && !fits.is_empty() {
            break;
        }
    }
    Ok(fits)
}

/// The one way that leads to a message that waits, to the number the receipt comes from. Where several lead
/// to the same message, since TLV and text write its id differently, it is the first one's.
fn hint(fits: &[Fit]) -> Option<IdForm> {
    let waits = |fit: &&Fit| fit.is_from && fit.found.state == State::Sent;
    let first = fits.iter().find(waits)?;
    let like_first = |fit: &Fit| fit.form == first.form || fit.found.message.id == first.found.message.id;
    fits.iter().filter(waits).all(like_first).then_some(first.form)
}

/// Whether the id, read in that way, is too long to be another message's by chance.
fn is_long(notice: &Notice, form: IdForm) -> bool {
    notice.ids.iter().filter_map(|id| form.response_of(id)).any(|id| id.len() >= LONG_ID)
}

/// A message that still waits, to the number the receipt comes from; the newest of several.
fn likeliest<'a>(fits: impl Iterator<Item = &'a Fit>) -> Option<&'a Fit> {
    let rank = |fit: &Fit| (fit.is_from, fit.found.state == State::Sent);
    // The first of the highest: max_by_key would give the last.
    fits.fold(None, |best: Option<&Fit>, fit| match best {
        Some(best) if rank(best) >= rank(fit) => Some(best),
        _ => Some(fit),
    })
}

fn on_the_way(
    now: Timestamp,
    desk: &dyn Settling,
    notice: &Notice,
    message: &Accepted,
    outgoing: &Outgoing,
) -> Option<Arc<Accepted>> {
    let state = notice.state?;
    if outgoing.part.is_some() {
        return None;
    }
    // ACCEPTD as a receipt is told to who asked for receipts; ENROUTE to who asked for such.
    let asked = outgoing.pdu.registered_delivery;
    let wanted = if notice.intermediate || state == MessageState::ENROUTE {
        wants_report(asked, state, true)
    } else {
        wants_report(asked, state, false) && asked.receipt() == smppkit_wire::value::ReceiptRequest::Always
    };
    if !wanted {
        return None;
    }
    let mut report = Report::of(message, outgoing, state, notice.done_ms.unwrap_or(now.0));
    report.intermediate = notice.intermediate || state == MessageState::ENROUTE;
    report.err = err(notice);
    report.network_error_code = notice.network_error_code;
    Some(accepted(now, desk, &message.account, report))
}

/// A report as a message of its own.
pub(crate) fn accepted(
    now: Timestamp,
    desk: &dyn Settling,
    account: &Arc<str>,
    report: Report,
) -> Arc<Accepted> {
    let id = desk.next_id(now);
    Arc::new(Accepted {
        id,
        account: account.clone(),
        queue: desk.esme_queue(account),
        priority: 0,
        due_at: id.made_at(),
        expires_at: Some(Timestamp(now.0.saturating_add(desk.report_life_ms()))),
        source: report.destination.2.to_text().into(),
        destination: report.source.2.to_text().into(),
        reference: None,
        payload: Parcel::Report(Box::new(report)).to_octets(),
    })
}

/// How a message ends whose receipt says so.
pub(crate) fn ending(state: MessageState) -> Final {
    match state {
        MessageState::DELIVERED => Final::Delivered,
        MessageState::EXPIRED => Final::Expired,
        _ => Final::Failed,
    }
}

/// The state's word comes first: it is read back when the message is asked about.
fn reason(state: MessageState, notice: &Notice) -> Box<str> {
    let word = state.receipt_word();
    match (&notice.err, notice.network_error_code) {
        (_, Some([network, high, low])) => {
            format!("{word} network error {network}/{}", u16::from_be_bytes([high, low])).into()
        }
        (Some(err), None) if !err.trim_start_matches('0').is_empty() => format!("{word} err {err}").into(),
        _ => word.into(),
    }
}

/// Three digits of what the upstream said, in its text or in its TLV; what is no number stays in the reason.
fn err(notice: &Notice) -> u16 {
    let by_tlv = notice.network_error_code.map(|[_, high, low]| u16::from_be_bytes([high, low]));
    let by_text = notice.err.as_deref().and_then(|err| err.parse().ok());
    by_text.or(by_tlv).filter(|err| *err < 1_000).unwrap_or_default()
}
