//! The end of a message that no receipt told: given up, too old, taken back, or never to be heard of.

use std::sync::Arc;

use smppkit_store::{Accepted, Change, Final, MessageId, State, Store, StoreError, Timestamp};
use smppkit_wire::receipt::state_of_word;
use smppkit_wire::value::MessageState;

use crate::parcel::Parcel;
use crate::report::{Report, wants_report};
use crate::settle::{Settling, accepted, ending};

/// Ends a message in a state, and tells its sender if it asked. `reason` is for people; the state's word
/// stands before it, where it is read back.
pub fn ended(
    message: &Accepted,
    state: MessageState,
    reason: &str,
    err: u16,
    now: Timestamp,
    desk: &dyn Settling,
) -> Change {
    let word = state.receipt_word();
    let reason = if reason.is_empty() { word.into() } else { format!("{word} {reason}").into() };
    let then = told(message, state, err, now, desk);
    Change::Finish { id: message.id, state: ending(state), reason, then }
}

/// What the sender of a message is told of its end, if it asked and is an ESME.
pub fn told(
    message: &Accepted,
    state: MessageState,
    err: u16,
    now: Timestamp,
    desk: &dyn Settling,
) -> Option<Arc<Accepted>> {
    let Ok(Parcel::Message(outgoing)) = Parcel::read(&message.payload) else { return None };
    if outgoing.part.is_some() || !wants_report(outgoing.pdu.registered_delivery, state, false) {
        return None;
    }
    let mut report = Report::of(message, &outgoing, state, now.0);
    report.err = err;
    Some(accepted(now, desk, &message.account, report))
}

/// The end of a message that was cut here, once all its pieces have ended: delivered if all were, else
/// what the first that was not came to. `None` while one has not, and for what has ended or is none.
pub fn whole_ended(
    store: &dyn Store,
    whole: MessageId,
    now: Timestamp,
    desk: &dyn Settling,
) -> Result<Option<Change>, StoreError> {
    let Some(story) = store.story(whole)? else { return Ok(None) };
    let message = story.message;
    let Ok(Parcel::Message(outgoing)) = Parcel::read(&message.accepted.payload) else { return Ok(None) };
    if outgoing.parts.is_empty() || matches!(message.state, State::Final(_)) {
        return Ok(None);
    }
    let mut first = None;
    for id in &outgoing.parts {
        let Some(part) = store.story(*id)? else { return Ok(None) };
        let State::Final(how) = part.message.state else { return Ok(None) };
        if how != Final::Delivered && first.is_none() {
            let word = MessageState::DELETED.receipt_word();
            first = Some(if how == Final::Cancelled { word.into() } else { part.message.reason });
        }
    }
    let parts = outgoing.parts.len();
    Ok(Some(match first {
        None => ended(&message.accepted, MessageState::DELIVERED, &format!("{parts} parts"), 0, now, desk),
        Some(reason) => {
            let state = state_of_word(&reason).unwrap_or(MessageState::UNDELIVERABLE);
            let reason = format!("{parts} parts, one of them: {reason}");
            ended(&message.accepted, state, &reason, 0, now, desk)
        }
    }))
}
