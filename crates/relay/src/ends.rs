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
/// what the first that was not came to. Nothing while one has not, and for what has ended or is none.
///
/// Some message centres report one piece of a message only: when all were taken, one has had its receipt
/// and the others have waited for theirs `patience_ms` longer, it speaks for all.
pub fn whole_ended(
    store: &dyn Store,
    whole: MessageId,
    now: Timestamp,
    patience_ms: i64,
    desk: &dyn Settling,
) -> Result<Vec<Change>, StoreError> {
    let Some(story) = store.story(whole)? else { return Ok(Vec::new()) };
    let message = story.message;
    let Ok(Parcel::Message(outgoing)) = Parcel::read(&message.accepted.payload) else {
        return Ok(Vec::new());
    };
    if outgoing.parts.is_empty() || matches!(message.state, State::Final(_)) {
        return Ok(Vec::new());
    }
    let (mut first, mut silent, mut last) = (None, Vec::new(), None);
    for id in &outgoing.parts {
        let Some(part) = store.story(*id)? else { return Ok(Vec::new()) };
        match part.message.state {
            State::Queued => return Ok(Vec::new()),
            State::Sent => silent.push(*id),
            State::Final(how) => {
                last = last.max(part.message.finished_at);
                if how != Final::Delivered && first.is_none() {
                    let word = MessageState::DELETED.receipt_word();
                    first = Some(if how == Final::Cancelled { word.into() } else { part.message.reason });
                }
            }
        }
    }
    let is_over = last.is_some_and(|last| now.0 - last.0 >= patience_ms);
    if !silent.is_empty() && !is_over {
        return Ok(Vec::new());
    }
    let parts = outgoing.parts.len();
    let (state, reason) = match first {
        None => (MessageState::DELIVERED, format!("{parts} parts")),
        Some(reason) => {
            let state = state_of_word(&reason).unwrap_or(MessageState::UNDELIVERABLE);
            (state, format!("{parts} parts, one of them: {reason}"))
        }
    };
    let silently = |id: MessageId| Change::Finish {
        id,
        state: ending(state),
        reason: format!("{} by the receipt of another part", state.receipt_word()).into(),
        then: None,
    };
    let mut changes: Vec<Change> = silent.into_iter().map(silently).collect();
    changes.push(ended(&message.accepted, state, &reason, 0, now, desk));
    Ok(changes)
}
