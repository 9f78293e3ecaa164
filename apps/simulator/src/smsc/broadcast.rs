//! broadcast_sm, query_broadcast_sm, cancel_broadcast_sm. Every area succeeds.

use std::collections::VecDeque;

use smppkit_wire::field::{CStr, Time};
use smppkit_wire::pdu::table::{
    BroadcastSm, BroadcastSmResp, CancelBroadcastSm, QueryBroadcastSm, QueryBroadcastSmResp,
};
use smppkit_wire::tlv::{TlvText, tag};
use smppkit_wire::value::MessageState;
use smppkit_wire::{CommandStatus, Tlvs};

use super::{Bound, Smsc};

/// Broadcasts remembered; the oldest is forgotten.
const REMEMBERED: usize = 10_000;

/// All broadcasts.
#[derive(Debug, Default)]
pub(super) struct Broadcasts {
    all: VecDeque<Broadcast>,
    next: u32,
}

/// A broadcast.
#[derive(Debug, Clone)]
pub(crate) struct Broadcast {
    pub(crate) message_id: CStr<65>,
    pub(crate) account: u32,
    pub(crate) service_type: CStr<6>,
    pub(crate) source_addr: CStr<21>,
    user_message_reference: Option<u16>,
    content_type: Vec<u8>,
    /// Each broadcast_area_identifier.
    pub(crate) areas: Vec<Vec<u8>>,
    pub(crate) starts_ms: i64,
    /// `None` repeats until it is cancelled.
    ends_ms: Option<i64>,
    cancelled_ms: Option<i64>,
}

/// Why a broadcast is not cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotCancelled {
    /// There is none, or it is forgotten.
    Unknown,
    /// It has this state, which is final.
    Ended(MessageState),
}

impl Broadcast {
    pub(crate) fn state(&self, now_ms: i64) -> MessageState {
        // DELIVERED is not used for broadcasts (SMPP 5.0, 4.7.15): one that has run its time has expired.
        if self.cancelled_ms.is_some() {
            MessageState::DELETED
        } else if self.ends_ms.is_some_and(|ends_ms| ends_ms <= now_ms) {
            MessageState::EXPIRED
        } else if now_ms < self.starts_ms {
            MessageState::SCHEDULED
        } else {
            MessageState::ENROUTE
        }
    }

    /// Percent of each area's base stations that took it.
    pub(crate) fn success(&self, now_ms: i64) -> u8 {
        if now_ms < self.starts_ms { 0 } else { 100 }
    }

    /// When it ended, or will.
    pub(crate) fn end_ms(&self) -> Option<i64> {
        self.cancelled_ms.or(self.ends_ms)
    }
}

impl Smsc {
    /// broadcast_sm.
    pub(crate) fn broadcast_sm(
        &mut self,
        now_ms: i64,
        from: &Bound,
        pdu: &BroadcastSm,
    ) -> Result<BroadcastSmResp, CommandStatus> {
        let starts_ms =
            moment(now_ms, &pdu.schedule_delivery_time, CommandStatus::ESME_RINVSCHED)?.unwrap_or(now_ms);
        let ends_ms = match moment(now_ms, &pdu.validity_period, CommandStatus::ESME_RINVEXPIRY)? {
            Some(ends_ms) => Some(ends_ms),
            None => duration_ms(&pdu.tlvs).map(|length_ms| starts_ms + length_ms),
        };
        if ends_ms.is_some_and(|ends_ms| ends_ms < starts_ms) {
            return Err(CommandStatus::ESME_RINVEXPIRY);
        }
        let reference = pdu.tlvs.get(tag::user_message_reference);
        let replaced = if pdu.replace_if_present_flag == 1 {
            // By id or by reference, never both; no match fails (SMPP 5.0, 4.4.1.1).
            let found = self.find(from, &pdu.message_id, reference).ok_or(CommandStatus::ESME_RBCASTFAIL)?;
            Some(found.message_id)
        } else {
            None
        };
        let message_id = if let Some(message_id) = replaced {
            self.broadcasts.all.retain(|broadcast| broadcast.message_id != message_id);
            message_id
        } else {
            self.broadcasts.next += 1;
            format!("B{:09}", self.broadcasts.next).parse().unwrap_or_default()
        };
        if self.broadcasts.all.len() >= REMEMBERED {
            self.broadcasts.all.pop_front();
        }
        self.broadcasts.all.push_back(Broadcast {
            message_id,
            account: from.account,
            service_type: pdu.service_type,
            source_addr: pdu.source_addr,
            user_message_reference: reference,
            content_type: pdu.tlvs.get(tag::broadcast_content_type).unwrap_or_default().to_vec(),
            areas: pdu.tlvs.all(tag::broadcast_area_identifier).map(<[u8]>::to_vec).collect(),
            starts_ms,
            ends_ms,
            cancelled_ms: None,
        });
        Ok(BroadcastSmResp { message_id, tlvs: Tlvs::EMPTY })
    }

    /// query_broadcast_sm.
    pub(crate) fn query_broadcast_sm(
        &self,
        now_ms: i64,
        from: &Bound,
        pdu: &QueryBroadcastSm,
    ) -> Result<QueryBroadcastSmResp, CommandStatus> {
        let reference = pdu.tlvs.get(tag::user_message_reference);
        let broadcast = self.find(from, &pdu.message_id, reference).ok_or(if pdu.message_id.is_empty() {
            CommandStatus::ESME_RBCASTQUERYFAIL
        } else {
            CommandStatus::ESME_RINVMSGID
        })?;
        if broadcast.source_addr != pdu.source_addr {
            return Err(CommandStatus::ESME_RBCASTQUERYFAIL);
        }
        let state = broadcast.state(now_ms);
        let mut tlvs = Tlvs::build().with(tag::message_state, state);
        for area in &broadcast.areas {
            tlvs.push(tag::broadcast_area_identifier, area);
        }
        for _ in &broadcast.areas {
            tlvs.push(tag::broadcast_area_success, broadcast.success(now_ms));
        }
        let ended_ms = broadcast.end_ms().filter(|_| state.is_final());
        let ended = ended_ms.map(Time::absolute);
        let tlvs = tlvs
            .with_some(
                tag::broadcast_end_time,
                ended.as_ref().map(|time| TlvText(time.as_cstr().as_octets())),
            )
            .with_some(tag::user_message_reference, broadcast.user_message_reference)
            .done();
        Ok(QueryBroadcastSmResp { message_id: broadcast.message_id, tlvs })
    }

    /// cancel_broadcast_sm.
    pub(crate) fn cancel_broadcast_sm(
        &mut self,
        now_ms: i64,
        from: &Bound,
        pdu: &CancelBroadcastSm,
    ) -> Result<(), CommandStatus> {
        let reference = pdu.tlvs.get(tag::user_message_reference);
        let content_type = pdu.tlvs.get(tag::broadcast_content_type);
        let all = pdu.message_id.is_empty() && reference.is_none();
        let mut cancelled = false;
        for broadcast in self.broadcasts.all.iter_mut().filter(|broadcast| broadcast.account == from.account)
        {
            let named = if all {
                pdu.service_type.is_empty() || broadcast.service_type == pdu.service_type
            } else if pdu.message_id.is_empty() {
                broadcast.user_message_reference == reference
            } else {
                broadcast.message_id == pdu.message_id
            };
            let content = content_type.is_none_or(|content_type| broadcast.content_type == content_type);
            let open = !broadcast.state(now_ms).is_final();
            if named && content && open && broadcast.source_addr == pdu.source_addr {
                broadcast.cancelled_ms = Some(now_ms);
                cancelled = true;
            }
        }
        if cancelled { Ok(()) } else { Err(CommandStatus::ESME_RBCASTCANCELFAIL) }
    }

    /// The latest broadcasts, the oldest first.
    pub(crate) fn broadcasts(&self, count: usize) -> Vec<Broadcast> {
        let all = &self.broadcasts.all;
        all.iter().skip(all.len().saturating_sub(count)).cloned().collect()
    }

    /// Cancels a broadcast, whosever it is, and gives it.
    pub(crate) fn end_broadcast(&mut self, now_ms: i64, message_id: &str) -> Result<Broadcast, NotCancelled> {
        let broadcast = self.broadcasts.all.iter_mut().find(|broadcast| broadcast.message_id == message_id);
        let broadcast = broadcast.ok_or(NotCancelled::Unknown)?;
        let state = broadcast.state(now_ms);
        if state.is_final() {
            return Err(NotCancelled::Ended(state));
        }
        broadcast.cancelled_ms = Some(now_ms);
        Ok(broadcast.clone())
    }

    /// The latest broadcast of the account with this id or reference.
    fn find(&self, from: &Bound, message_id: &CStr<65>, reference: Option<u16>) -> Option<&Broadcast> {
        self.broadcasts.all.iter().rev().find(|broadcast| {
            broadcast.account == from.account
                && if message_id.is_empty() {
                    reference.is_some() && broadcast.user_message_reference == reference
                } else {
                    broadcast.message_id == *message_id
                }
        })
    }
}

fn moment(now_ms: i64, time: &Time, status: CommandStatus) -> Result<Option<i64>, CommandStatus> {
    match time.value() {
        Ok(time) => Ok(time.map(|time| time.resolve(now_ms))),
        Err(_) => Err(status),
    }
}

/// From repetitions and interval; `None` when it goes on for ever.
fn duration_ms(tlvs: &Tlvs) -> Option<i64> {
    let repetitions = i64::from(tlvs.get(tag::broadcast_rep_num).filter(|repetitions| *repetitions > 0)?);
    let &[unit, high, low] = tlvs.get(tag::broadcast_frequency_interval)? else {
        return None;
    };
    // Units of SMPP 5.0, 4.8.4.11; months and years by their usual length.
    let seconds = match unit {
        0x08 => 1,
        0x09 => 60,
        0x0A => 3_600,
        0x0B => 86_400,
        0x0C => 7 * 86_400,
        0x0D => 30 * 86_400,
        0x0E => 365 * 86_400,
        _ => 0,
    };
    Some(repetitions * i64::from(u16::from_be_bytes([high, low])) * seconds * 1_000)
}
