//! query_sm, cancel_sm, replace_sm. Only the account that sent a message may touch it.

use bytes::Bytes;
use smppkit_wire::field::{CStr, FinalDate, Time};
use smppkit_wire::pdu::table::{CancelSm, QuerySm, QuerySmResp, ReplaceSm};
use smppkit_wire::value::{MessageState, ReceiptRequest, RegisteredDelivery};
use smppkit_wire::{CommandStatus, Version};

use super::message::{Message, MessageId};
use super::submit::user_data;
use super::{Bound, Smsc, What};
use crate::dialect::IdForm;

impl Smsc {
    /// query_sm.
    pub(crate) fn query_sm(
        &self,
        now_ms: i64,
        from: &Bound,
        pdu: &QuerySm,
    ) -> Result<QuerySmResp, CommandStatus> {
        let message = self.own(from, &pdu.message_id).ok_or(CommandStatus::ESME_RINVMSGID)?;
        if message.source.octets() != pdu.source_addr.as_octets() {
            return Err(CommandStatus::ESME_RQUERYFAIL);
        }
        let state = message.state(now_ms);
        Ok(QuerySmResp {
            message_id: pdu.message_id,
            final_date: if state.is_final() { FinalDate::absolute(message.end().1) } else { FinalDate::NONE },
            message_state: as_known(state, from.version),
            error_code: message.error_code(state).min(255) as u8,
            ..QuerySmResp::default()
        })
    }

    /// cancel_sm: one message, or all that wait between two addresses.
    pub(crate) fn cancel_sm(
        &mut self,
        now_ms: i64,
        from: &Bound,
        pdu: &CancelSm,
    ) -> Result<(), CommandStatus> {
        if pdu.message_id.is_empty() {
            return self.cancel_all(now_ms, from, pdu);
        }
        let message = self.own(from, &pdu.message_id).ok_or(CommandStatus::ESME_RINVMSGID)?;
        let destination_given = !pdu.destination_addr.is_empty() || from.version == Version::V33;
        let matches = message.source.octets() == pdu.source_addr.as_octets()
            && (!destination_given || message.destination.octets() == pdu.destination_addr.as_octets());
        if !matches || !message.is_open(now_ms) {
            return Err(CommandStatus::ESME_RCANCELFAIL);
        }
        for number in self.open_copies(now_ms, message.id) {
            self.delete(now_ms, number);
        }
        Ok(())
    }

    fn cancel_all(&mut self, now_ms: i64, from: &Bound, pdu: &CancelSm) -> Result<(), CommandStatus> {
        self.may_look(now_ms)?;
        let numbers = self.numbers(|message, _| {
            message.account == from.account
                && message.source.octets() == pdu.source_addr.as_octets()
                && message.destination.octets() == pdu.destination_addr.as_octets()
                && (pdu.service_type.is_empty() || message.service_type == pdu.service_type)
                && message.is_open(now_ms)
        });
        if numbers.is_empty() {
            return Err(CommandStatus::ESME_RCANCELFAIL);
        }
        for number in numbers {
            self.delete(now_ms, number);
        }
        Ok(())
    }

    /// replace_sm. The text keeps its data_coding: the PDU has none. Of a submit_multi all copies that
    /// are still under way are replaced: they have one id.
    pub(crate) fn replace_sm(
        &mut self,
        now_ms: i64,
        from: &Bound,
        pdu: &ReplaceSm,
    ) -> Result<(), CommandStatus> {
        let message = self.own(from, &pdu.message_id).ok_or(CommandStatus::ESME_RREPLACEFAIL)?;
        if message.source.octets() != pdu.source_addr.as_octets() {
            return Err(CommandStatus::ESME_RREPLACEFAIL);
        }
        let moment = |time: &Time, status| match time.value() {
            Ok(time) => Ok(time.map(|time| time.resolve(now_ms))),
            Err(_) => Err(status),
        };
        let due_ms = moment(&pdu.schedule_delivery_time, CommandStatus::ESME_RINVSCHED)?;
        let expires_ms = moment(&pdu.validity_period, CommandStatus::ESME_RINVEXPIRY)?;
        let copies = self.open_copies(now_ms, message.id);
        let Some(first) = copies.first().and_then(|number| self.messages.get(*number)) else {
            return Err(CommandStatus::ESME_RREPLACEFAIL);
        };
        let due = due_ms.unwrap_or(first.due_ms);
        if due < now_ms && due != first.due_ms {
            return Err(CommandStatus::ESME_RINVSCHED);
        }
        if expires_ms.or(first.expires_ms).is_some_and(|expires_ms| expires_ms < due) {
            return Err(CommandStatus::ESME_RINVEXPIRY);
        }
        let text = user_data(&pdu.short_message, &pdu.tlvs, pdu.sm_default_msg_id);
        for number in copies {
            self.replace_copy(now_ms, number, pdu.registered_delivery, (due_ms, expires_ms), text.clone());
        }
        Ok(())
    }

    fn replace_copy(
        &mut self,
        now_ms: i64,
        number: u32,
        registered_delivery: RegisteredDelivery,
        (due_ms, expires_ms): (Option<i64>, Option<i64>),
        text: Bytes,
    ) {
        let Some(message) = self.messages.get_mut(number) else { return };
        let receipt_delay = message.delivered_ms - message.due_ms;
        let due_ms = due_ms.unwrap_or(message.due_ms);
        message.registered_delivery = registered_delivery;
        message.scheduled |= due_ms != message.due_ms;
        message.accepted_ms = now_ms;
        message.due_ms = due_ms;
        message.expires_ms = expires_ms.or(message.expires_ms);
        message.delivered_ms = due_ms.max(now_ms) + receipt_delay;
        message.pending |= registered_delivery.receipt() != ReceiptRequest::None;
        let (end_ms, pending) = (message.end().1, message.pending);
        self.messages.set_user_data(number, text);
        if pending {
            self.at(end_ms, What::End(number));
        }
    }

    /// The numbers of all messages under an id that can still be changed. The copies that a submit_multi
    /// made were numbered one after another; a look through all messages would stop everybody else.
    fn open_copies(&self, now_ms: i64, id: MessageId) -> Vec<u32> {
        let numbers = (0..=u32::from(u8::MAX)).map(|step| id.number.wrapping_add(step));
        let open = |number: &u32| {
            self.messages.get(*number).is_some_and(|copy| copy.id == id && copy.is_open(now_ms))
        };
        numbers.filter(open).collect()
    }

    /// A message of the asking account, by its id.
    fn own(&self, from: &Bound, id: &CStr<65>) -> Option<&Message> {
        let number = self.number_of(from, id)?;
        self.messages.get(number).filter(|message| message.account == from.account)
    }

    /// The number of a message by its id, in whatever form it was given out.
    pub(super) fn number_of(&self, from: &Bound, id: &CStr<65>) -> Option<u32> {
        if from.version == Version::V33 {
            // All of them have hexadecimal ones there, those that came over a later version, too.
            return IdForm::Hex.parse(id.as_octets());
        }
        self.dialects.iter().find_map(|dialect| {
            let number = dialect.message_id.response.parse(id.as_octets())?;
            self.messages.get(number).filter(|message| message.id.text() == *id).map(|_| number)
        })
    }

    /// The numbers of all messages that something holds for.
    pub(super) fn numbers(&self, holds: impl Fn(&Message, u32) -> bool) -> Vec<u32> {
        self.messages
            .numbered()
            .filter(|(number, message)| holds(message, *number))
            .map(|(number, _)| number)
            .collect()
    }

    fn delete(&mut self, now_ms: i64, number: u32) {
        let Some(message) = self.messages.get_mut(number) else {
            return;
        };
        message.decided = Some((MessageState::DELETED, now_ms));
        if message.pending {
            self.message_ends(now_ms, number);
        }
    }
}

/// SCHEDULED and SKIPPED came with 5.0; before it a message that waits is on its way.
pub(super) fn as_known(state: MessageState, version: Version) -> MessageState {
    match state {
        MessageState::SCHEDULED if version < Version::V50 => MessageState::ENROUTE,
        MessageState::SKIPPED if version < Version::V50 => MessageState::UNDELIVERABLE,
        state => state,
    }
}
